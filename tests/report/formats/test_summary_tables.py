"""CSV files, read back."""

from __future__ import annotations

import csv
import io

import pytest

from dogcam.report.formats.csv import as_csv, write_csv
from dogcam.report.formats.summary_tables import TABLES

CELL = {"run": 2, "epoch": 7, "method": "gradcam", "layer": "conv5", "protocol": "default"}
FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 30, "reason": "", "method": "bca", "confidence": 0.95, "runs": 1}
NONE = {**FIGURE, "value": 0.25, "low": None, "high": None, "n": 7, "reason": "too few"}
PAIR = {"first": "a", "second": "b", "difference": FIGURE, "p": 0.01, "holm": 0.02, "effect": 0.5}
PAIR |= {"wins": 20, "ties": 2, "losses": 8, "test": "Wilcoxon signed-rank"}
PEAK = {"epoch": 7, "value": 0.5, "runner_up": 3, "lead": FIGURE, "separable": True}


def summary(**changes):
    names = "rows over_runs comparisons breakdowns curves walks dynamics claims faithfulness".split()
    return {**{name: [] for name in names}, **changes}


@pytest.fixture
def written(tmp_path):
    """The rows of one file of a summary, as texts."""

    def write(name, **changes):
        paths = write_csv(tmp_path, summary(**changes))
        assert tmp_path / f"{name}.csv" in paths
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return write


def test_rows_have_their_intervals_as_columns(written):
    row = {**CELL, "n": 30, "threshold": None, "mean_iou": 0.5, "pxap": None, "empty": 0.0}
    row |= {"intervals": {"mean_iou": [0.4, 0.6], "pxap": None}, "unseen": "below"}
    (found,) = written("rows", rows=[row])
    assert found["mean_iou"] == "0.5"
    assert (found["mean_iou_low"], found["mean_iou_high"]) == ("0.4", "0.6")
    assert [found[name] for name in ("threshold", "pxap", "pxap_low", "pxap_high")] == [""] * 4
    assert [found[name] for name in ("run", "epoch", "method", "layer", "unseen")] == "2 7 gradcam conv5 below".split()
    assert "intervals" not in found


def test_means_over_runs_name_their_runs(written):
    row = {"runs": [1, 2, 3], "epoch": 7, "method": "cam", "mean_iou": 0.5, "intervals": {"mean_iou": None}}
    (found,) = written("over_runs", over_runs=[row])
    assert found == {
        "runs": "1; 2; 3",
        "epoch": "7",
        "method": "cam",
        "mean_iou": "0.5",
        "mean_iou_low": "",
        "mean_iou_high": "",
    }


def test_comparisons_are_a_ranking_and_pairs(written):
    line = {
        "names": ["cam at x", "fem at x"],
        "iou": FIGURE,
        "rank": 1,
        "letters": "a",
        "same": "alike",
        "unseen": PAIR,
    }
    baseline = {**line, "names": ["whole-image"], "rank": 2, "unseen": None}
    made = {"protocol": "default", "runs": [1], "epoch": 7, "lines": [line, baseline], "pairs": [PAIR], "baseline": "x"}
    first, second = written("ranking", comparisons=[made])
    assert (first["names"], first["mean_iou"], first["unseen_low"]) == ("cam at x; fem at x", "0.5", "0.4")
    assert (second["rank"], second["unseen"]) == ("2", "")
    (pair,) = written("pairs", comparisons=[made])
    assert [pair[name] for name in ("runs", "first", "difference", "difference_high", "n", "holm", "wins")] == [
        *("1", "a", "0.5", "0.6", "30", "0.02", "20")
    ]


def test_a_breakdown_has_a_row_for_each_group_of_each_cell(written):
    groups = [{"label": "small", "n": 30}, {"label": "large", "n": 7}]
    scores = {"iou50": [[0.75, 0.5, 0.875], None]}
    lines = [
        {**CELL, "mean_iou": [FIGURE, NONE], "scores": scores},
        {**CELL, "method": "cam", "mean_iou": [NONE, FIGURE], "scores": {}},
    ]
    found = written("breakdowns", breakdowns=[{"by": "size", "groups": groups, "lines": lines}])
    shown = ("method", "group", "metric", "value", "low", "n")
    assert [tuple(row[name] for name in shown) for row in found] == [
        ("gradcam", "small", "mean_iou", "0.5", "0.4", "30"),
        ("gradcam", "large", "mean_iou", "0.25", "", "7"),
        ("gradcam", "small", "iou50", "0.75", "0.5", ""),
        ("cam", "small", "mean_iou", "0.25", "", "7"),
        ("cam", "large", "mean_iou", "0.5", "0.4", "30"),
    ]
    assert found[1]["reason"] == "too few"


def test_a_curve_has_a_row_for_each_threshold(written):
    curve = {**CELL, "threshold": 0.5, "oracle_threshold": 0.0, "thresholds": [0.0, 0.5], "mean_iou": [0.7, 0.6]}
    found = written("curves", curves=[curve])
    assert [(row["threshold"], row["mean_iou"], row["in_use"], row["oracle"]) for row in found] == [
        ("0.0", "0.7", "0.5", "0.0"),
        ("0.5", "0.6", "0.5", "0.0"),
    ]


def test_a_walk_has_a_row_for_each_choice(written):
    step = {"names": ["ReLU"], "forward": FIGURE, "backward": NONE, "average": FIGURE, "least": 0.1, "most": 0.9}
    walk = {"first": "cam", "second": "fem", "layer": "x", "run": 1, "epoch": 7, "said": {"ReLU": "no → yes"}}
    (found,) = written("walks", walks=[{**walk, "steps": [step]}])
    assert (found["choice"], found["change"], found["backward"], found["backward_low"]) == (
        "ReLU",
        "no → yes",
        "0.25",
        "",
    )
    assert (found["average_high"], found["most"]) == ("0.6", "0.9")


def test_dynamics_have_a_row_for_each_figure_of_each_epoch(written):
    learning = {"run": 1, "epochs": [3, 7], "accuracy": [0.5, 0.6], "loss": [1.0, None]}
    track = {"run": None, "method": "cam", "layer": "x", "epochs": [7], "iou": [FIGURE], "area": [0.3]}
    found = written("dynamics", dynamics=[{"protocol": "default", "learning": [learning], "tracks": [track]}])
    assert [(row["run"], row["figure"], row["epoch"], row["value"], row["low"]) for row in found] == [
        ("1", "accuracy", "3", "0.5", ""),
        ("1", "accuracy", "7", "0.6", ""),
        ("1", "loss", "3", "1.0", ""),
        ("1", "loss", "7", "", ""),
        ("", "mean_iou", "7", "0.5", "0.4"),
        ("", "area", "7", "0.3", ""),
    ]


def test_claims_have_a_row_for_each_difference_and_one_where_there_is_none(written):
    claim = {"claim": "up", "source": "study", "protocol": "default", "verdict": "supported", "sentence": "It is."}
    resting = [{"label": "3 to 5", **FIGURE}, {"label": "5 to 7", **NONE}]
    found = written("claims", claims=[{**claim, "differences": resting}, {**claim, "claim": "b", "differences": []}])
    assert [(row["claim"], row["label"], row["difference"]) for row in found] == [
        ("up", "3 to 5", "0.5"),
        ("up", "5 to 7", "0.25"),
        ("b", "", ""),
    ]


def test_faithfulness_has_its_intervals_as_columns(written):
    row = {"run": 1, "method": "cam", "n": 30, "road": 0.5, "drop": None}
    row |= {"intervals": {"road": [0.4, 0.6], "drop": None}, "reasons": {"drop": "no picture"}}
    (found,) = written("faithfulness", faithfulness=[row])
    assert (found["road_low"], found["drop_high"]) == ("0.4", "")
    assert "reasons" not in found


class TestFiles:
    def test_what_is_empty_has_no_file_and_that_of_an_earlier_call_goes(self, tmp_path):
        curve = {**CELL, "threshold": 0.5, "oracle_threshold": 0.0, "thresholds": [0.0], "mean_iou": [0.7]}
        assert write_csv(tmp_path, summary(curves=[curve])) == [tmp_path / "curves.csv"]
        assert write_csv(tmp_path, summary()) == []
        assert list(tmp_path.iterdir()) == []

    def test_other_files_are_left_alone(self, tmp_path):
        (tmp_path / "mine.csv").write_text("x")
        write_csv(tmp_path, summary())
        assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]

    def test_every_table_is_named(self):
        assert (
            list(TABLES) == "rows over_runs ranking pairs breakdowns curves walks dynamics claims faithfulness".split()
        )


class TestTexts:
    @pytest.mark.parametrize(
        "text", ["=1+1", "+x", "-rm", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x")', "=", "-"]
    )
    def test_what_a_spreadsheet_would_calculate_becomes_text(self, text):
        rows = list(csv.reader(io.StringIO(as_csv([{"layer": text}]), newline="")))
        assert rows == [["layer"], [f"'{text}"]]

    @pytest.mark.parametrize(
        "text",
        [
            "conv5_block3_out",
            "a=b",
            "강아지, 🐕",
            'say "x"',
            "two\nlines",
            "\x0b\u2028x",
            "a\rb",
            "-0.5",
            "+1",
            "'=1",
            " =1",
            "",
        ],
    )
    def test_other_texts_and_numbers_come_back_as_they_were(self, text):
        made = as_csv([{"first": text, "last": "x"}])
        assert list(csv.reader(io.StringIO(made, newline=""))) == [["first", "last"], [text, "x"]]

    @pytest.mark.parametrize(
        ("value", "text"), [(-0.5, "-0.5"), (-3, "-3"), (1e-9, "1e-09"), (None, ""), (True, "true"), (False, "false")]
    )
    def test_numbers_stay_numbers(self, value, text):
        assert as_csv([{"x": value, "y": 1}]) == f"x,y\r\n{text},1\r\n"

    def test_a_heading_is_a_text_like_others(self):
        assert as_csv([{"=cmd": 1}]) == "'=cmd\r\n1\r\n"

    def test_columns_of_all_rows_are_there(self):
        assert as_csv([{"a": 1}, {"b": 2, "a": 3}]) == "a,b\r\n1,\r\n3,2\r\n"

    def test_bytes_of_a_file_name_that_are_no_text_are_shown(self, tmp_path):
        claim = dict.fromkeys(("claim", "source", "protocol", "verdict", "sentence"), "dog-\udcff")
        (path,) = write_csv(tmp_path, summary(claims=[{**claim, "differences": []}]))
        assert "dog-\\udcff" in path.read_text(encoding="utf-8")
