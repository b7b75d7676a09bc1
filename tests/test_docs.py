"""Documentation that can fail: what README and the pages say to type is what CI runs and what the program takes."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dogcam.analysis.flat import TABLES
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import PROTOCOLS, load_protocol
from dogcam.cli import answering, app
from dogcam.data.formats import DATASETS
from dogcam.methods import METHODS
from dogcam.models.backbones import BACKBONES

ROOT = Path(__file__).parents[1]
PAGES = {path.relative_to(ROOT).as_posix(): path for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}


def blocks(kind, name):
    """The blocks of code of a kind on a page."""
    return re.findall(rf"```{kind}\n(.*?)```", TEXTS[name], flags=re.DOTALL)


BLOCKS = blocks("sh", "README.md")
COMMANDS = [
    pytest.param(line, id=f"{name}: {line}")
    for name in PAGES
    for block in blocks("sh", name)
    for line in block.splitlines()
    if line.startswith("dogcam ")
]


def test_the_first_two_commands_set_everything_up_by_themselves():
    demo, tests = BLOCKS[0].strip(), BLOCKS[1].strip()
    assert "\n" not in demo
    assert "\n" not in tests
    assert demo.endswith("dogcam demo")
    assert tests.endswith("pytest")


def test_ci_runs_exactly_the_readmes_test_command():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    doing = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert doing == [". .ci/browser", BLOCKS[1].strip()]


@pytest.fixture
def found_by_ci(tmp_path):
    """What `.ci/browser` makes of a machine with these programs: DOGCAM_TEST_BROWSER, and how apt-get was called."""

    def found(**programs):
        log = tmp_path / "log"
        needed = {name: f'exec {shutil.which(name)} "$@"' for name in ("grep", "cat", "chmod")}
        for name, does in {"id": "echo 0", **needed, **programs}.items():
            path = tmp_path / "bin" / name.replace("_", "-")
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!{shutil.which('bash')}\n{does}\n", encoding="utf-8")
            path.chmod(0o755)
        script = f". {ROOT / '.ci' / 'browser'}; echo ${{DOGCAM_TEST_BROWSER:-none}}"
        environment = {"PATH": str(tmp_path / "bin"), "LOG": str(log), "BIN": str(tmp_path / "bin")}
        command = [shutil.which("bash"), "-euo", "pipefail", "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip(), log.read_text(encoding="utf-8").splitlines() if log.exists() else []

    return found


APT = 'echo "$@" >> $LOG; echo loud; echo loud >&2'
INSTALLS = f'{APT}; if [ "$1" = install ]; then echo > $BIN/chromium; chmod +x $BIN/chromium; fi'


@pytest.mark.parametrize(
    ("programs", "required", "calls"),
    [
        ({"chromium": "", "apt_get": APT}, "required", 0),
        ({"google_chrome": ""}, "required", 0),
        ({"apt_get": INSTALLS}, "required", 2),
        ({"apt_get": f"{APT}; exit 100"}, "none", 1),
        ({"apt_get": INSTALLS, "id": "echo 1000"}, "none", 0),
        ({}, "none", 0),
    ],
    ids=["there", "another", "installed", "no network", "not root", "no apt-get"],
)
def test_ci_takes_the_browser_there_is_or_installs_one_and_never_fails(found_by_ci, programs, required, calls):
    found, asked = found_by_ci(**programs)
    assert found == required
    assert len(asked) == calls
    assert calls < 2 or asked[1].endswith("chromium")


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_in_readme_is_one_the_program_takes(line, monkeypatch):
    asked = []
    monkeypatch.setattr(answering, "resolve", lambda dotted: lambda config, progress, **more: asked.append(config) or _result())
    assert app.main([*shlex.split(line, comments=True)[1:], "--json"]) == 0
    assert len(asked) == 1


@pytest.fixture(scope="module")
def where_the_user_is(evaluated, tmp_path_factory):
    """A folder with an experiment, pictures and a user's own model: a backbone used as a layer, with a softmax head."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copytree(evaluated.experiment.path, folder / "dogcam-runs" / "resnet50-1")
    body = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3, activation="relu", name="conv")], name="body")
    inputs = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(body(inputs))
    keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(pooled)).save(folder / "my.keras")
    np.save(folder / "pictures.npy", np.random.default_rng(0).integers(0, 256, (2, 40, 60, 3), np.uint8))
    return folder


@pytest.fixture(scope="module")
def run_as_a_reader(where_the_user_is):
    """By page: the names that its blocks of Python leave behind, run one after the other as a reader would, and the output."""

    @cache
    def run(name):
        names: dict = {}
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(where_the_user_is), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            for code in blocks("python", name):
                exec(compile(code, name, "exec"), names)
        return names, out.getvalue() + err.getvalue()

    return run


@pytest.mark.parametrize("name", [name for name in PAGES if blocks("python", name)])
def test_the_python_on_a_page_runs_and_prints_nothing(name, run_as_a_reader):
    names, printed = run_as_a_reader(name)
    assert names
    assert printed == ""


def test_the_python_for_a_model_of_ones_own_is_short_and_gives_what_it_says(where_the_user_is, run_as_a_reader):
    assert len(blocks("python", "docs/python.md")[0].strip().splitlines()) <= 7
    names, _ = run_as_a_reader("docs/python.md")
    found, engine = names["found"], names["HeatmapEngine"]
    assert {method for method, _ in found.maps} == {"gradcam", "layercam"}
    assert all(maps.shape == (2, 30, 30) for maps in found.maps.values())
    assert (found.targets == 0).all()
    assert (found.against == 1).all()
    assert (where_the_user_is / "explained.png").stat().st_size > 10_000
    assert engine(names["classifier"], [("gradcam", "conv")]).cells == [("gradcam", "body/conv")]
    assert {cell: maps.shape for cell, maps in names["heat"].maps.items()} == {("gradcam", "body/conv"): (2, 30, 30)}


def test_the_python_for_an_experiment_reads_what_it_has_just_scored(run_as_a_reader):
    names, _ = run_as_a_reader("docs/python.md")
    analysis = names["analysis"]
    assert (analysis.experiment, analysis.scope.images) == ("resnet50-1", 50)
    assert names["family"] in analysis.comparisons
    assert names["text"].endswith(("above", "below", "undecided"))
    assert names["pairs"].num_rows == sum(len(each.pairs) for each in analysis.comparisons)


def test_the_tables_that_are_named_are_those_there_are():
    named = TEXTS["docs/python.md"].partition("`--csv` writes: ")[2]
    assert re.findall(r"`(\w+)`", named) == list(TABLES)


def _result():
    return SimpleNamespace(document=dict, problems=())


@pytest.mark.parametrize("name", [*METHODS, *BASELINES, *BACKBONES, *PROTOCOLS, *DATASETS])
def test_pages_together_name_everything_that_people_choose(name):
    assert re.search(rf"`{re.escape(name)}[`:]", "\n".join(TEXTS.values()))


def test_there_is_much_to_choose_and_to_type():
    assert len(COMMANDS) >= 8
    assert len(BACKBONES) >= 19


def test_the_protocol_of_ones_own_is_one(tmp_path):
    (fields,) = blocks("toml", "docs/names.md")
    (tmp_path / "my.toml").write_text(fields, encoding="utf-8")
    assert load_protocol(tmp_path / "my.toml").name == "my"


def test_readme_is_what_one_reads_before_trying():
    assert len(TEXTS["README.md"].splitlines()) <= 120
    for name in PAGES:
        if name.startswith("docs/formats/"):
            assert f"]({name.removeprefix('docs/')})" in TEXTS["docs/names.md"], f"names.md does not lead to {name}"
        else:
            assert name == "README.md" or f"]({name})" in TEXTS["README.md"], f"README does not lead to {name}"


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.reader])
def test_every_format_has_its_page(name):
    assert f"docs/formats/{name}.md" in PAGES


@pytest.mark.parametrize("path", [*PAGES.values(), ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path):
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    for link in (each for each in links if "://" not in each):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.is_file(), link
        heads = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}, link


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("dogcam-*.whl"))


def test_the_wheel_holds_the_package_with_its_templates_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    inside = {path.relative_to(ROOT).as_posix() for path in (ROOT / "dogcam").rglob("*") if path.is_file()}
    inside = {name for name in inside if "__pycache__" not in name}
    assert {name for name in names if not name.split("/")[0].endswith(".dist-info")} == inside
    assert any("templates/" in name for name in names)


def test_the_wheel_runs_outside_the_checkout(wheel, made, tmp_path):
    """Installed alone into an empty folder that comes first on the path: report, templates included, and the lists."""
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    made.methods, made.epochs, made.samples = ("cam",), (4,), 1  # little to draw
    made.write()
    zipfile.ZipFile(wheel).extractall(installed)

    def run(*arguments):
        code = f"import sys; sys.path.insert(0, {str(installed)!r})\nimport dogcam.cli.app\n"
        code += f"assert dogcam.__file__.startswith({str(installed)!r}), dogcam.__file__\n"
        code += f"sys.exit(dogcam.cli.app.main({list(map(str, arguments))!r}))"
        return subprocess.run([sys.executable, "-c", code], cwd=elsewhere, capture_output=True, text=True, timeout=120)

    done = run("report", "--home", made.home, "--out", tmp_path / "report", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["experiment"] == "made"
    assert (tmp_path / "report" / "index.html").stat().st_size > 10_000
    assert "resnet50" in run("list", "backbones").stdout
