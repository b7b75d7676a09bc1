"""The rooms, in order: a module imports only what is listed below it. This list is the design's, and the only copy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dogcam

PACKAGE = Path(dogcam.__file__).parent
ROOMS = [
    "__main__",
    "cli",
    "console",
    "api",
    "commands",
    "report",
    "figures",
    "scale",
    "scoring",
    "engine",
    "models",
    "analysis",
    "experiment",
    "data",
    "boxes",
    "methods",
    "metrics",
    "statistics",
    "language",
    "core",
]
# The files of each room, in the same order: one imports, of its own room, only what stands behind it.
MEMBERS = {
    "cli": "app train report list inspect explain evaluate demo answering options help",
    "console": "progress inspection ending training evaluation groups scores naming listing dynamics fitting explanations tables",
    "commands": "demo train report layers listings inspect explain evaluate adoption findings",
    "commands/evaluate": "command given gallery boxes inputs common results",
    "commands/explain": "command boxes results",
    "report": "inspection inspection_words page exhibits decomposition_words claims_words between between_words answer wording "
    "formats viewer training_words tiles study_words provenance protocol_words material naming group_words "
    "dynamics_words texts embedding document",
    "report/exhibits": "training ranking methods boxes localization layers groups galleries faithfulness dynamics "
    "decomposition cam_by_epoch",
    "report/formats": "rendering latex tex_tables tex_text pdf markdown html templating csv tables_of illustrations",
    "figures": "places pictures dynamics dots decomposition against charts style panel heat fonts",
    "scoring": "uninformed passes given baselines tables decomposition thresholds pipelines measuring faithfulness saving",
    "engine": "heatmaps probing one_pass scores targets parts combining cells",
    "models": "training subjects small_resnet classifier readout pretrained graph backbones",
    "analysis": "inspection samples analysis measures choosing pictures faithfulness dynamics claims comparison between weighing "
    "training groups scores scope sameness tables study flat decomposition",
    "experiment": "selection training_curves runs evaluations kept",
    "data": "contents predictions pictures maps class_names opening formats synthetic assembling checking frames annotated "
    "splits trees archives regions pixels images decoding pipeline",
    "data/formats": "coco coco_json yolo yolo_yaml yolo_lines csv csv_table csv_columns stanford_dogs oxford_pet voc voc_xml cub "
    "wsol masks folder hf arrow tfds",
    "data/synthetic": "dataset scenes dogs breeds",
    "boxes": "drawing sweep protocols baselines geometry",
    "methods": "uninformed scores smoothing pixels perturbation upsampling gradient components class_weights",
    "metrics": "localization faithfulness",
    "statistics": "ranking same pooled pairs decomposition crossed intervals resampling levels clusters claims",
    "language": "particles numbers",
    "core": "config choices registry records progress files downloads errors",
}
NOT_BUILT_YET = {"scale"}
# Folders of tests that are not about the rooms one by one.
NO_ROOMS = {"helpers", "benchmarks", "browser"}
NO_MODULES = {"data/formats/test_same_data.py", "language/test_catalogue.py", "report/test_korean.py", "report/test_speaking.py"}
TENSORFLOW_ROOMS = {"scoring", "engine", "models"}
ONLY_IN = {
    "rich": {"console"},
    "tqdm": {"console"},
    "matplotlib": {"figures"},
    "ray": {"scale"},
    "numba": {"boxes"},
    "typer": {"cli"},
    "jinja2": {"report"},
    "babel": {"language"},
    "cattrs": {"core"},
    "tensorflow": TENSORFLOW_ROOMS,
    "keras": TENSORFLOW_ROOMS,
    "tensorflow_datasets": {"data"},
}
# What these rooms find are codes and numbers; the words are made above them.
SILENT = {"statistics", "experiment", "analysis"}
FILES = sorted(PACKAGE.rglob("*.py"))


TESTS = sorted(Path(__file__).parent.glob("*/**/test_*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """(dotted name, whether at the top of the module) of every import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            found += [(f"{node.module}.{alias.name}", id(node) in top) for alias in node.names]
    return found


def test_every_room_is_listed_and_every_listed_room_is_there():
    there = {room_of(path) for path in FILES} - {"__init__"}
    assert there == set(ROOMS) - NOT_BUILT_YET


@pytest.mark.parametrize("path", [p for p in FILES if p != PACKAGE / "__init__.py"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    here = room_of(path)
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] != "dogcam" or len(parts) < 2 or parts[1] not in ROOMS:
            continue
        if parts[1] == here:
            inside_package = (PACKAGE / here).is_dir()
            assert inside_package, f"{path.name} imports itself"
            continue
        assert ROOMS.index(parts[1]) > ROOMS.index(here), f"{here} may not import {parts[1]}, which is listed above it"


def members(room: str) -> dict[str, list[Path]]:
    """The files of a room, and the rooms inside of it, by name."""
    folder = PACKAGE / room
    inside = {each.name: sorted(each.rglob("*.py")) for each in folder.iterdir() if (each / "__init__.py").exists()}
    return {path.stem: [path] for path in sorted(folder.glob("*.py")) if path.stem != "__init__"} | inside


def test_every_room_has_its_members_listed():
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in FILES} - {"."}
    assert folders == set(MEMBERS)
    for room, listed in MEMBERS.items():
        assert sorted(listed.split()) == sorted(members(room)), room


@pytest.mark.parametrize("room", MEMBERS)
def test_members_import_only_those_behind_them(room):
    order, dotted = MEMBERS[room].split(), f"dogcam.{room.replace('/', '.')}."
    for member, paths in members(room).items():
        for name in {name for path in paths for name, _ in imports(path) if name.startswith(dotted)}:
            other = name.removeprefix(dotted).split(".")[0]
            if other in order and other != member:
                assert order.index(other) > order.index(member), f"{room}: {member} may not import {other}"


@pytest.mark.parametrize("path", TESTS, ids=lambda p: str(p.relative_to(Path(__file__).parent)))
def test_tests_lie_where_what_they_test_does(path):
    """tests/ROOM/test_MODULE.py, or test_ROOM.py for the room itself; several files of one: test_MODULE_of_what.py."""
    folder = path.parent.relative_to(Path(__file__).parent)
    if folder.parts[0] in NO_ROOMS or (folder / path.name).as_posix() in NO_MODULES:
        return
    files = {each.stem for each in (PACKAGE / folder).iterdir() if each.is_file() and each.stem != "__init__"}
    name = path.stem.removeprefix("test_")
    assert any(f"{name}_".startswith(f"{about}_") for about in files | {folder.name}), f"{folder} has no {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(path):
    for name, _ in imports(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        assert allowed is None or room_of(path) in allowed, f"{path} imports {name}; only {allowed} may"


def test_silent_rooms_say_nothing():
    """None of their files knows the language; those that still do are listed, and the list only shrinks."""
    speaking = {
        str(path.relative_to(PACKAGE))
        for path in FILES
        if room_of(path) in SILENT and any(name.startswith("dogcam.language") for name, _ in imports(path))
    }
    assert not speaking


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_command_line_imports_late(path):
    if room_of(path) in ("cli", "__init__"):
        return
    late = [name for name, at_top in imports(path) if not at_top]
    assert not late, f"{path} imports {late} inside a function"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_prints_and_nothing_swallows_every_error(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{path}:{node.lineno} prints"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{path}:{node.lineno} catches everything"
            only_pass = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            assert not only_pass, f"{path}:{node.lineno} hides what it catches"


def test_values_of_a_report_and_what_tables_say_need_neither_matplotlib_nor_tensorflow():
    members = [f"dogcam.analysis.{path.stem}" for path in (PACKAGE / "analysis").glob("[!_]*.py")]
    lines = [f"import {name}" for name in ("sys", "dogcam.report.document", *members)]
    heavy = "print(*{'matplotlib', 'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", "\n".join([*lines, heavy])], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_checks_notice_what_they_forbid(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("import keras\ndef f():\n    import rich.table\n    from dogcam.cli.app import app\n")
    assert imports(bad) == [("keras", True), ("rich.table", False), ("dogcam.cli.app.app", False)]
