"""`dogcam report`, from an experiment folder to files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dogcam
from dogcam.analysis.flat import TABLES
from dogcam.cli import app
from dogcam.commands.report import run
from dogcam.core.config import ReportConfig
from dogcam.core.errors import ExperimentError, OptionError, UnknownName
from dogcam.core.files import write_bytes
from dogcam.core.progress import Progress
from dogcam.figures import fonts, heat_colours, heat_gradient, heat_levels
from dogcam.language import spoken


@pytest.fixture
def small(made):
    """Of which little is to be drawn, where pictures are not what a test is about."""
    made.methods, made.epochs, made.samples = ("cam",), (4,), 1
    return made


class Ear(Progress):
    """Counts what it hears of the last task."""

    total, done = 0, 0

    def task(self, title, total=None):
        self.total, self.done = total, 0
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def advance(self, units=1, text=""):
        self.done += units


def test_both_formats_and_the_figures_lie_in_the_experiment_and_progress_hears_of_each(made):
    experiment, ear = made.write(), Ear()
    result = run(ReportConfig(home=made.home), ear)
    folder = experiment.path / "report"
    assert result.paths == (folder / "index.html", folder / "report.md")
    assert all(path.stat().st_size > 1000 for path in (*result.paths, *result.figures))
    assert {path.parent for path in result.figures} == {folder / "figures"}
    assert {path.suffix for path in result.figures} == {".png", ".svg", ".pdf"}
    assert len(result.exhibits) == 10
    assert result.next_step == ""
    assert result.tables == ()
    assert json.loads(json.dumps(result.document()))["paths"] == [str(path) for path in result.paths]
    assert ear.total == ear.done == 2 + sum(path.suffix == ".png" for path in result.figures)


def test_statistics_are_computed_once_and_told_of(small, listener):
    experiment = small.write()
    config, ears = ReportConfig(home=small.home, formats=("md",)), [listener(), listener()]
    for ear in ears:
        run(config, ear)
    first, second = ([title for title, _ in ear.tasks] for ear in ears)
    assert [*first] == ["statistics", *second]
    assert (experiment.evaluations()[0].path / "summary.json").is_file()


def test_korean_lies_beside_english_and_says_so_of_itself(small):
    experiment = small.write()
    english = run(ReportConfig(home=small.home, formats=("html",)), Progress())
    before = english.paths[0].read_bytes()
    korean = run(ReportConfig(home=small.home, formats=("html",), lang="ko"), Progress())
    assert korean.paths == (experiment.path / "report-ko" / "index.html",)
    assert '<html lang="ko">' in korean.paths[0].read_text(encoding="utf-8")
    assert english.paths[0].read_bytes() == before
    assert korean.headline != english.headline
    assert spoken() == "en"


def test_tables_as_csv_as_they_are_shown_and_tidy_and_none_of_an_earlier_dogcam(small):
    folder = small.write().path / "report" / "csv"
    for name in ("rows", "walks"):
        write_bytes(folder / f"{name}.csv", b"of another family")
    result = run(ReportConfig(home=small.home, formats=("md",), csv=True), Progress())
    assert {path.parent.name for path in result.tables} == {"csv", "shown"}
    assert {"scores", "ranking", "pairs", "training"} <= {path.stem for path in folder.glob("*.csv")} <= TABLES.keys()
    assert {path for path in result.tables if path.is_file()} == set(folder.rglob("*.csv"))


def test_without_a_browser_a_pdf_is_refused_before_anything_is_written(made, monkeypatch):
    experiment = made.write()
    monkeypatch.setenv("CHROME", "no-such-browser")
    with pytest.raises(OptionError, match="no-such-browser"):
        run(ReportConfig(home=made.home, formats=("html", "pdf")), Progress())
    assert not (experiment.path / "report").exists()


@pytest.mark.parametrize("width", [80, 120, None])
def test_a_report_of_hostile_names_ends_in_a_terminal_as_text(small, monkeypatch, capsys, width):
    small.samples = 2
    small.classes, small.ids = ("<b>\x1b[31m", "[red]x\u202e"), ("a\x1b]0;x\x07b", "[bold]" + "y" * 300)
    experiment = small.write()
    if width is not None:
        monkeypatch.setenv("COLUMNS", str(width))
    assert app.main(["report", "--home", small.home, "--format", "md", "--csv"]) == 0
    out = capsys.readouterr().out
    first, *rest = out.splitlines()
    assert first == str(experiment.path / "report" / "report.md")
    assert rest[0].endswith(f"as PNG, SVG, PDF in {experiment.path / 'report' / 'figures'}")
    assert rest[1].endswith(f"as CSV in {experiment.path / 'report' / 'csv'}")
    assert rest[2].startswith("Took ")
    assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_one_format_elsewhere(small, tmp_path):
    small.write()
    config = ReportConfig(home=small.home, experiment="made", out=str(tmp_path / "there"), formats=("md", "md"))
    result = run(config, Progress())
    assert result.paths == (tmp_path / "there" / "report.md",)
    assert not (tmp_path / "there" / "index.html").exists()


def test_heat_is_in_the_colours_asked_for_in_the_page_and_in_the_figures(small, tmp_path):
    small.write()
    written = {}
    for name in ("magma", "viridis"):
        run(ReportConfig(home=small.home, out=str(tmp_path / name), formats=("html",), colormap=name), Progress())
        with heat_colours(name):
            levels, gradient = heat_levels(2)[-1].tolist(), heat_gradient()
        written[name] = (tmp_path / name / "index.html").read_text()
        assert gradient in written[name]
        assert str(levels)[1:-1].replace(" ", "") in written[name].replace(" ", "")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.png")} for name in written)
    changed = {name for name in one if one[name] != two[name]}
    assert changed
    assert "iou-by-epoch.png" not in changed


def test_where_no_font_has_hangul_a_korean_report_says_so(made, tmp_path, monkeypatch):
    made.evaluated = False
    made.write()
    monkeypatch.setattr(fonts, "families", lambda: (fonts.MAIN_FONT,))
    notes = []
    ear = Ear()
    ear.note = notes.append
    run(ReportConfig(home=made.home, out=str(tmp_path), formats=("md",), lang="ko"), ear)
    assert [note for note in notes if "Hangul" in note and "fonts-noto-cjk" in note]


def test_an_experiment_without_evaluation_says_what_to_type(made):
    made.evaluated = False
    made.write()
    assert run(ReportConfig(home=made.home), Progress()).next_step == "dogcam evaluate made"


def test_no_experiment_and_a_mistyped_one(made):
    with pytest.raises(ExperimentError, match="dogcam train"):
        run(ReportConfig(home=made.home), Progress())
    made.write()
    with pytest.raises(UnknownName, match="made"):
        run(ReportConfig(home=made.home, experiment="mode"), Progress())


def other(made, **changes):
    """A second experiment beside the made-up one."""
    return type(made)(made.home, name="other", **changes).write()


def test_several_are_compared_in_a_folder_of_their_own_in_the_first(made):
    experiment, ear = made.write(), Ear()
    other(made)
    result = run(ReportConfig(home=made.home, experiment="made", others=("other",)), ear)
    folder = experiment.path / "report-made-other"
    assert result.paths == (folder / "index.html", folder / "report.md")
    assert result.experiment == "made and other"
    assert result.document()["summary"]["labels"] == ["made", "other"]
    assert ear.total == ear.done
    assert not (experiment.path / "report").exists()


def test_the_report_of_one_has_no_comparison(small):
    small.write()
    assert run(ReportConfig(home=small.home, formats=("md",)), Progress()).summary is None


def test_what_may_not_be_compared_is_refused_and_nothing_written(made):
    experiment = made.write()
    other(made, classes=("pug", "boxer"))
    with pytest.raises(ExperimentError, match="only made has husky; only other has boxer"):
        run(ReportConfig(home=made.home, experiment="made", others=("other",)), Progress())
    assert not list(experiment.path.glob("report*"))


def test_several_on_the_command_line_elsewhere_and_as_json(made, tmp_path, capsys):
    made.write()
    other(made)
    there = tmp_path / "there"
    assert app.main(["report", "made", "other", "--home", made.home, "--out", str(there), "--format", "md", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["paths"] == [str(there / "report.md")]
    assert [match["protocol"] for match in document["summary"]["matches"]] == ["default"]
    assert app.main(["report", "made", "othre", "--home", made.home]) == 1
    assert "the nearest: other" in capsys.readouterr().err


def test_a_whole_report_imports_neither_tensorflow_nor_pyplot(small):
    small.write()
    other(small)
    code = (
        "import sys\n"
        "from dogcam.commands.report import run\n"
        "from dogcam.core.config import ReportConfig\n"
        "from dogcam.core.progress import Progress\n"
        "run(ReportConfig(home=sys.argv[1], experiment='made'), Progress())\n"
        "run(ReportConfig(home=sys.argv[1], experiment='made', others=('other',)), Progress())\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib.pyplot', 'ray'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(dogcam.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code, small.home], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
