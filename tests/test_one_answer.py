"""One answer wherever it is shown: evaluated twice with different methods, every output gives the same verdicts and figures.

What is shown is parsed back into numbers and held against the family of all methods and boxes that never look, as it is
compared anew from the per-image tables.
"""

from __future__ import annotations

import contextlib
import csv
import html
import io
import json
import re
import shutil
from dataclasses import dataclass
from html.parser import HTMLParser

import pytest

from dogcam.analysis.analysis import Analysis, analyse
from dogcam.cli import app
from dogcam.core.records import from_plain
from dogcam.experiment.evaluations import MapKey
from dogcam.experiment.runs import Experiment
from dogcam.report.claims_words import verdict_words

FIRST, SECOND = "cam,gradcam", "layercam,hirescam"
ASKED = ["--epoch", "2", "--limit", "16", "--samples", "2", "--calibrate", "6"]
RANKING = ["letters", "rank", "mean IoU"]  # what the heads of the two tables have, in every format
PAIRS = ["first", "second", "p"]
SHOWN = ("html", "md", "latex", "csv")


@dataclass(frozen=True)
class Outputs:
    """What the commands wrote and printed, and the family compared anew."""

    home: str
    experiment: Experiment
    analysis: Analysis
    json: Analysis
    terminal: str

    @property
    def family(self):
        return self.analysis.spoken()

    def text(self, name):
        return (self.experiment.path / "report" / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outputs(trained, outlined, tmp_path_factory):
    """Two methods are evaluated, then two others with --resume; then everything is shown."""
    path = tmp_path_factory.mktemp("one") / "tiny"
    shutil.copytree(trained.experiment.path, path)
    home = ["--home", str(path.parent)]
    second = ["evaluate", *home, *ASKED, "--method", SECOND, "--resume"]
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "250")
        for command in (
            ["evaluate", *home, *ASKED, "--method", FIRST, "-q"],
            [*second, "--json", "-q"],
            [*second, "--pairs", "--csv", "-q"],
            ["report", *home, "--format", "html,md,latex", "--csv", "-q"],
        ):
            printed.append(said(command))
    experiment = Experiment(path)
    anew = analyse(experiment, experiment.evaluations()[0])
    return Outputs(home[1], experiment, anew, from_plain(Analysis, json.loads(printed[1])), printed[2])


def said(command):
    """What a command prints on standard output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert app.main(command) == 0
    return out.getvalue()


# Tables as they are shown: lists of (text, whether it is set off) ------------------------------------------------------


class _Page(HTMLParser):
    """The rows of all tables of a page."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.inside = True
            self.rows[-1].append(["", "strong" in (dict(attributes).get("class") or "").split()])

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1][0] += data


def of_markdown(text):
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    return [[(html.unescape(re.sub(r"[*\\]", "", each)).strip(), "**" in each) for each in row] for row in rows]


def of_latex(text):
    plain = {"$-$": "−", r"\textless{}": "<", r"\textendash{}": "–", r"\allowbreak{}": "", "{}": "", r"\%": "%"}
    rows = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r" \\")]
    for old, new in plain.items():
        rows = [[each.replace(old, new) for each in row] for row in rows]
    strip = re.compile(r"\\textbf\{(.*?)\}|\\shortstack\[r\]\{(.*?)\}")
    return [[(strip.sub(lambda m: m[1] or m[2], each).strip(), r"\textbf{" in each) for each in row] for row in rows]


def of_csv(text):
    return [[(each.removeprefix("'"), False) for each in row] for row in csv.reader(text.splitlines())]


def tables(outputs, shown):
    """Every table's rows of a format, one after the other."""
    if shown == "html":
        return _Page(outputs.text("index.html")).rows
    if shown == "md":
        return of_markdown(outputs.text("report.md"))
    names = ("claims", "ranking", "ranking-2")
    if shown == "latex":
        return [row for name in names for row in of_latex(outputs.text(f"latex/tables/{name}.tex"))]
    return [row for name in names for row in of_csv(outputs.text(f"csv/shown/{name}.csv"))]


def table(outputs, shown, heads):
    """The rows below the last head that has these columns, as long as they are as wide as it."""
    rows = tables(outputs, shown)
    place = max(p for p, row in enumerate(rows) if set(heads) <= {text for text, _ in row})
    width = len(rows[place])
    body = []
    for row in rows[place + 1 :]:
        if len(row) != width:
            break
        if not re.fullmatch(r":?-+:?", row[0][0]):
            body.append(row)
    return body


def numbers(text):
    """[0.583, 0.568, 0.597] of "0.583 [0.568, 0.597]"; of "[.568" too."""
    return [float(each.replace("−", "-")) for each in re.findall(r"[-−+]?(?:\d+\.\d+|\.\d+|\d+)", text)]


def near(*figures):
    """Figures as they are, to the last of three digits; none where there is no interval."""
    return pytest.approx(figures, abs=0.00051)


def shown_p(text, p):
    """Whether a p-value is what is shown: the number, or the bound that it is below."""
    return p < 0.001 if text.startswith("<") else float(text) == pytest.approx(p, abs=0.00051)


# The answer --------------------------------------------------------------------------------------------------------------


def test_there_is_something_to_disagree_about(outputs):
    methods = {key.method for key in outputs.family.methods}
    assert methods == {"cam", "gradcam", "layercam", "hirescam", "mean-activation"}
    assert len(outputs.family.lines) > 4
    assert len({line.verdict for line in outputs.family.looking}) >= 1
    assert len(outputs.family.pairs) > len(outputs.family.of_methods) > 4


def test_json_and_what_is_kept_are_the_analysis_computed_anew(outputs):
    path = outputs.experiment.path / "evaluation" / "summary.json"
    kept = from_plain(Analysis, json.loads(path.read_text(encoding="utf-8")))
    assert outputs.json.fingerprint == kept.fingerprint == outputs.analysis.fingerprint
    for found in (outputs.json, kept):
        family = found.spoken()
        assert [(*line.maps, line.letters, line.rank, line.verdict) for line in family.lines] == [
            (*line.maps, line.letters, line.rank, line.verdict) for line in outputs.family.lines
        ]
        assert [(p.first, p.second, p.p, p.holm, p.low, p.high) for p in family.pairs] == [
            (p.first, p.second, p.p, p.holm, p.low, p.high) for p in outputs.family.pairs
        ]


@pytest.mark.parametrize("shown", SHOWN)
def test_every_line_of_the_ranking_is_shown_with_its_letters_rank_and_intervals(outputs, shown):
    rows = table(outputs, shown, RANKING)
    assert len(rows) == len(outputs.family.lines)
    for row, line in zip(rows, outputs.family.lines, strict=True):
        _, letters, rank, mean, ends, won = (text for text, _ in row)
        assert (letters, rank) == (line.letters, str(line.rank))
        assert numbers(mean) == near(line.iou.value)
        assert numbers(ends) == near(line.iou.low, line.iou.high)
        beside = line.unseen
        assert numbers(won) == near(*(() if beside is None else (beside.value, beside.low, beside.high)))


@pytest.mark.parametrize("shown", SHOWN)
def test_every_pair_with_a_method_is_shown_with_its_p_values_and_set_off_where_told_apart(outputs, shown):
    rows = table(outputs, shown, PAIRS)
    assert len(rows) == len(outputs.family.of_methods)
    for row, pair in zip(rows, outputs.family.of_methods, strict=True):
        _, _, difference, p, holm, effect, counts = (text for text, _ in row)
        assert numbers(difference) == near(pair.value, pair.low, pair.high)
        assert shown_p(p, pair.p)
        assert shown_p(holm, pair.holm)
        assert numbers(effect) == pytest.approx([pair.effect], abs=0.0051)
        assert numbers(counts) == [pair.wins, pair.ties, pair.losses]
        assert shown == "csv" or row[4][1] == pair.told_apart


@pytest.mark.parametrize("shown", ["latex", "csv"])
def test_claims_have_the_same_verdicts(outputs, shown):
    rows = table(outputs, shown, ["claim", "verdict"])
    assert [row[3][0] for row in rows] == [verdict_words(each.verdict) for each in outputs.analysis.claims]
    assert [each.verdict for each in outputs.json.claims] == [each.verdict for each in outputs.analysis.claims]


@pytest.mark.parametrize("folder", ["evaluation/csv", "report/csv"])
def test_tidy_tables_hold_every_line_and_pair_unrounded(outputs, folder):
    def rows(name):
        with (outputs.experiment.path / folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    family = outputs.family
    mine = [row for row in rows("ranking") if row["epoch"] == str(family.epoch) and row["protocol"] == family.protocol]
    lines = [(line, key) for line in family.lines for key in line.maps]
    for row, (line, key) in zip(mine, lines, strict=True):
        assert (MapKey(row["method"], row["layer"]), row["letters"], row["verdict"]) == (key, line.letters, line.verdict or "")
        assert [float(row[end]) for end in ("iou", "iou_low", "iou_high")] == [line.iou.value, line.iou.low, line.iou.high]
    for row, pair in zip(rows("pairs"), family.pairs, strict=True):
        assert (row["first_method"], row["second_layer"]) == (pair.first.method, pair.second.layer)
        figures = (row[name] for name in ("difference", "difference_low", "difference_high", "p", "holm"))
        assert [float(each) for each in figures] == [pair.value, pair.low, pair.high, pair.p, pair.holm]


MARKS = {"above": "above", "below": "below", "undecided": "same"}


def test_the_terminal_gives_each_method_its_mean_interval_and_side(outputs):
    asked = [key for key in outputs.family.methods if key.method in (*SECOND.split(","), "mean-activation")]
    for key in asked:
        line = outputs.family.line_of(key)
        (row,) = (each for each in outputs.terminal.splitlines() if re.match(rf"\s*{key.method}\s+0\.\d+ \[", each))
        assert numbers(row.replace(key.method, ""))[:3] == near(line.iou.value, line.iou.low, line.iou.high)
        assert re.search(rf"\b{MARKS[line.verdict]}\b", row)


def test_the_terminal_gives_the_same_letters_and_pairs(outputs):
    lines = outputs.terminal.splitlines()
    ranked = [each for each in lines if re.match(r"\s*\d+\s+\(?[a-z]", each)]
    for text, line in zip(ranked, outputs.family.lines, strict=True):
        rank, letters = text.split()[:2]
        assert (rank, letters) == (str(line.rank), line.letters)
        assert numbers(text)[-3:] == near(line.iou.value, line.iou.low, line.iou.high)
    pairs = [each for each in lines if re.search(r"\d+/\d+/\d+\s*$", each)]
    for text, pair in zip(pairs, outputs.family.of_methods, strict=True):
        value, low, high = numbers(text[text.index("[") - 8 : text.index("]")])
        assert (value, low, high) == near(pair.value, pair.low, pair.high)
        assert shown_p(re.search(r"\]\s+(< 0\.001|[\d.]+)", text)[1], pair.holm)
