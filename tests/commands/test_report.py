"""`dogcam report`, from an experiment folder to files."""

import json
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import dogcam
from dogcam.commands.report import run
from dogcam.config import ReportConfig
from dogcam.errors import ExperimentError, UnknownName
from dogcam.progress import Progress

# The made-up experiment is the reporting tests' own; test folders are no packages, so it is loaded by its path.
_spec = spec_from_file_location("made_experiment", Path(__file__).parents[1] / "reporting" / "conftest.py")
_module = module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)


@pytest.fixture
def made(tmp_path):
    return _module.Made(str(tmp_path / "home"))


class Ear(Progress):
    """Counts what it hears."""

    total, done = 0, 0

    def task(self, title, total=None):
        self.total = total
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
    assert len(result.exhibits) == 7
    assert result.next_step == ""
    assert json.loads(json.dumps(result.document()))["paths"] == [str(path) for path in result.paths]
    assert ear.total == ear.done == 2 + sum(path.suffix == ".png" for path in result.figures)


def test_one_format_elsewhere(made, tmp_path):
    made.write()
    config = ReportConfig(home=made.home, experiment="made", out=str(tmp_path / "there"), formats=("md", "md"))
    result = run(config, Progress())
    assert result.paths == (tmp_path / "there" / "report.md",)
    assert not (tmp_path / "there" / "index.html").exists()


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


def test_a_whole_report_imports_neither_tensorflow_nor_pyplot(made):
    made.write()
    code = (
        "import sys\n"
        "from dogcam.commands.report import run\n"
        "from dogcam.config import ReportConfig\n"
        "from dogcam.progress import Progress\n"
        "run(ReportConfig(home=sys.argv[1]), Progress())\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib.pyplot', 'ray'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(dogcam.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, made.home], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
