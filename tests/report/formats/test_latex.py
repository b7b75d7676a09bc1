"""LaTeX: tables that say only what is tested, and an article that compiles, whatever names it is given."""

import re
import shutil
import subprocess
from itertools import product

import numpy as np
import pytest

from dogcam.language import speaking
from dogcam.report.document import Chart, Document, Entry, Exhibit, Row, Sheet, Table
from dogcam.report.formats.latex import article, table_file
from dogcam.report.formats.rendering import write
from dogcam.report.formats.tables_of import tables_of
from dogcam.report.formats.tex_tables import PACKAGES, table_tex
from dogcam.report.page import compose

HOSTILE = r"\input{/etc/passwd} {}} $x_1^2$ & # % ~ <b> | \" ` '' -- ?` ≥±−×→·…–“é”한글 " + "\u202e🐕\u200b\x07 [bold] *"
needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")


def has(package):
    """Whether LaTeX has a package."""
    found = shutil.which("kpsewhich") and subprocess.run(["kpsewhich", package], capture_output=True, check=False)
    return bool(found) and found.returncode == 0


def compiled(folder, name="report", times=2):
    """The log and the number of pages; `times` runs set references."""
    for _ in range(times):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", f"{name}.tex"]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=100, check=False)
    log = (folder / f"{name}.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    pages = re.search(r"Output written on \S+\s*\((\d+) page", log)
    return log, int(pages[1])


def sound(log):
    """No error, no lost letter, and nothing that sticks out by more than a millimetre."""
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    return not re.search(r"^!|Missing character|undefined", log, re.MULTILINE) and max(wide, default=0) < 2.8


def words(folder, name="report"):
    done = subprocess.run(["pdftotext", "-raw", f"{name}.pdf", "-"], cwd=folder, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def alone(folder, names, preamble=""):
    """Somebody else's article that reads tables."""
    lines = [
        r"\documentclass{article}",
        r"\usepackage{" + ",".join(PACKAGES) + "}",
        preamble,
        r"\begin{document}",
        "Text.",
        *(rf"\input{{tables/{name}.tex}}" for name in names),
        r"\end{document}",
    ]
    (folder / "other.tex").write_text("\n".join(lines), encoding="utf-8")
    return compiled(folder, "other", times=1)


def table(*rows, **more):
    columns = tuple(f"c{place}" for place in range(len(rows[0].entries)))
    return Table("A caption", columns, rows, **more)


def test_bold_is_what_a_test_bears_out_and_what_is_only_highest_is_underlined_and_explained():
    tested, highest, plain = Entry("0.9", strong=True), Entry("0.8", strong=True, untested=True), Entry("0.7")
    shown = table_tex(table(Row.of("a", tested, highest, plain)), "x")
    assert r"\textbf{0.9}" in shown
    assert r"\underline{0.8}" in shown
    assert "{0.7}" not in shown
    assert "Underlined: the best, but not told from the next by a test." in shown
    assert "Underlined" not in table_tex(table(Row.of("a", tested, plain)), "x")


def test_what_others_published_is_in_italics_and_explained():
    shown = table_tex(table(Row.of("a", "0.5", "0.6"), Row.of("theirs", "0.7", "0.8", kind="published"), aside=(2,)), "x")
    assert r"a & 0.5 & \textit{0.6} \\" in shown
    assert r"\textit{theirs} & \textit{0.7} & \textit{0.8} \\" in shown
    assert "Italics: as published." in shown


def test_a_table_is_of_booktabs_with_caption_label_and_what_it_needs():
    shown = table_file(table(Row.of("a", "0.5")), "iou-2")
    assert shown.startswith(r"% In the preamble: \usepackage{" + ",".join(PACKAGES) + "}")
    assert [shown.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\hline")] == [1, 1, 1, 0]
    assert r"\caption{A caption}" in shown
    assert r"\label{tab:iou-2}" in shown


def test_a_wide_table_lies_on_its_side_and_a_long_one_goes_over_pages():
    wide = table(Row.of("method", *["0.500 [0.400, 0.600]"] * 8))
    long = table(*[Row.of("method", "0.5")] * 60)
    assert r"\begin{sidewaystable}" in table_tex(wide, "x")
    assert r"\begin{longtable}" in table_tex(long, "x")
    assert r"\endhead" in table_tex(long, "x")


def test_of_a_very_wide_table_intervals_stand_below_their_figures():
    shown = table_tex(table(Row.of("method", *["0.500 [0.400, 0.600]"] * 14)), "x")
    assert r"\shortstack[r]{0.500\\{}[0.400, 0.600]}" in shown


def test_no_line_end_is_followed_by_what_it_would_read_as_its_option():
    starts = ("[a]", "*", "🐕", "[U+1F415] x")
    rows = [Row.of(first, second) for first, second in product(starts, starts)]
    shown = table_tex(Table("c", ("🐕 very long heading 🐕", "[x]"), tuple(rows)), "x")
    assert not re.search(r"\\\\\s*[\[*]", shown)


@pytest.fixture(scope="module")
def written(make, tmp_path_factory):
    """The report of a made-up experiment, and its folder."""
    out = tmp_path_factory.mktemp("latex")
    document = compose(make(str(out / "home")).write())
    write(document, out, ("latex",), lambda: None)
    return document, out


def test_every_table_has_a_file_that_the_article_reads_and_every_figure_is_in_it(written):
    document, out = written
    text = (out / "latex" / "report.tex").read_text(encoding="utf-8")
    named = tables_of(document)
    assert {path.stem for path in (out / "latex" / "tables").iterdir()} == set(named)
    assert re.findall(r"\\input\{tables/(.+)\.tex\}", text) == list(named)
    blocks = [block for exhibit in document.exhibits for block in exhibit.blocks]
    figures = [f"{block.name}.pdf" for block in blocks if isinstance(block, Chart | Sheet)]
    assert re.findall(r"\\includegraphics\[.*\]\{(.+)\}", text) == figures
    assert all((out / "figures" / name).stat().st_size > 1000 for name in figures)


def test_the_article_is_ascii_in_english(written):
    assert article(written[0]).isascii()


@needs_pdflatex
def test_the_article_compiles_soundly(written):
    document, out = written
    log, pages = compiled(out / "latex")
    assert sound(log)
    assert pages > len(document.exhibits)


@needs_pdflatex
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext here")
def test_the_article_says_what_the_report_says(written):
    document, out = written
    compiled(out / "latex", times=1)
    shown = re.sub(r"\W", "", words(out / "latex"))
    for told in (document.headline, document.answer[0], document.exhibits[0].title):
        assert re.sub(r"\W", "", told) in shown


@needs_pdflatex
def test_tables_are_fit_for_another_article(written):
    document, out = written
    log, _ = alone(out / "latex", tables_of(document))
    assert not re.search(r"^!", log, re.MULTILINE)


def hostile_document(figure):
    """A document in which every text is hostile."""
    rows = tuple(Row.of(HOSTILE, HOSTILE, Entry(HOSTILE, strong=True), kind=kind) for kind in ("", "published"))
    small = Table(HOSTILE, (HOSTILE, HOSTILE, HOSTILE), rows, note=HOSTILE)
    long = Table("x" * 300, ("_" * 300, "a b", "*"), rows * 40, words=3)
    exhibit = Exhibit("one", HOSTILE, (HOSTILE,), (small, long, figure), HOSTILE, HOSTILE)
    facts = ((HOSTILE, HOSTILE),)
    return Document(HOSTILE, HOSTILE, (HOSTILE,), facts, None, (), (exhibit,), (small,), HOSTILE, HOSTILE)


@needs_pdflatex
@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_name_stops_latex_or_is_obeyed(language, written, tmp_path):
    if language == "ko" and not has("kotex.sty"):
        pytest.skip("no kotex here")
    figure = next(b for e in written[0].exhibits for b in e.blocks if isinstance(b, Chart))
    with speaking(language):
        write(hostile_document(figure), tmp_path, ("latex",), lambda: None)
    log, pages = compiled(tmp_path / "latex")
    assert not re.search(r"^!|Missing character", log, re.MULTILINE)
    assert "/etc/passwd" not in "".join(re.findall(r"\(/\S+", log))
    assert pages > 2


@needs_pdflatex
@pytest.mark.skipif(not has("kotex.sty"), reason="no kotex here")
def test_a_korean_report_compiles_with_its_hangul(make, tmp_path):
    experiment = make(str(tmp_path / "home")).write()
    with speaking("ko"):
        document = compose(experiment)
        write(document, tmp_path, ("latex",), lambda: None)
    log, pages = compiled(tmp_path / "latex")
    assert sound(log)
    assert pages > 3
    if shutil.which("pdftotext"):
        assert re.sub(r"\W", "", document.exhibits[0].title) in re.sub(r"\W", "", words(tmp_path / "latex"))


@pytest.mark.parametrize(("last", "untested"), [(0.8, False), (0.5, True)])
def test_the_best_epoch_is_bold_on_paper_only_where_it_is_told_from_the_others(made, last, untested):
    rng = np.random.default_rng(0)
    made.images, made.methods = 40, ("cam",)
    noise = rng.normal(0, 0.05, 40)
    made.ious = {("cam", 2): 0.5 + noise, ("cam", 4): last + rng.permutation(noise)}
    table = tables_of(compose(made.write()))["dynamics"]
    (row,) = [row for row in table.rows if row.entries[0].text == "IoU, CAM"]
    assert [entry.untested for entry in row.entries if entry.strong] == [untested]
    accuracy = next(row for row in table.rows if row.entries[0].text == "accuracy")
    assert all(entry.untested for entry in accuracy.entries if entry.strong)
