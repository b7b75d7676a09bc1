"""CONTRIBUTING.md: its map is the house, its errands name files that are there, and what they say to do is enough."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
HOUSE = runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))
ERRANDS = dict(re.findall(r"^### (.+)\n((?:(?!#).*\n)*)", TEXT, flags=re.MULTILINE))
PATHS = re.compile(r"`((?:dogcam|docs|tests)/[^`\s]+)`")


def there(path):
    """Whether a path exists; one with a <placeholder> where a file has such a name."""
    pattern = re.sub(r"<\w+>", "[a-z]*", path)
    return any(each.name not in ("__init__.py", "conftest.py") or "<" not in path for each in ROOT.glob(pattern))


def test_it_is_one_page():
    assert len(TEXT.splitlines()) <= 100


def test_its_map_is_the_house():
    rows = re.findall(r"^\| `(\w+)`( \(TF\))? \|", TEXT, flags=re.MULTILINE)
    assert [room for room, _ in rows] == [room for room in HOUSE["ROOMS"] if room not in HOUSE["NOT_BUILT_YET"]]
    assert {room for room, marked in rows if marked} == HOUSE["TENSORFLOW_ROOMS"]


def test_there_are_six_errands():
    assert list(ERRANDS) == ["A method", "A backbone", "A data format", "A metric", "An exhibit", "A protocol"]


@pytest.mark.parametrize(
    ("errand", "path"),
    [(errand, path) for errand, told in ERRANDS.items() for path in PATHS.findall(told)]
    + [("anywhere", path) for path in sorted(set(PATHS.findall(TEXT)))],
)
def test_a_file_that_is_named_is_there(errand, path):
    assert there(path)


@pytest.mark.parametrize("errand", ERRANDS)
def test_every_errand_names_code_and_the_test_that_goes_with_it(errand):
    assert {path.split("/")[0] for path in PATHS.findall(ERRANDS[errand])} >= {"dogcam", "tests"}


def test_what_is_not_there_is_noticed():
    assert not there("dogcam/reporting/page.py")
    assert not there("dogcam/reporting/<name>.py")
    assert not there("tests/report/exhibits/test_<name>.pyc")


# Done as it is told, to a copy of the package --------------------------------------------------------------------------

ADDED = {
    "dogcam/methods/new.py": """
from dogcam.methods import method

@method("new-method", needs=("activations", "gradients"), title="New", paper="Nobody, 2024", year=2024)
def new(xp, activations, gradients):
    \"""L(i, j) = 2 sum_k A_k(i, j).\"""
    return 2 * xp.sum(activations, axis=-1)
""",
    "dogcam/metrics/new.py": """
from dogcam.metrics import metric

@metric("new_metric", needs=("iou", "area"), title="fit")
def new(iou, area):
    \"""Mean IoU less the box's share of the picture.\"""
    return iou - area
""",
    "dogcam/boxes/protocols.py": """
NEW = Protocol("new-protocol", "ReLU, above half of the maximum", relu=True, threshold=0.5, size=4)
PROTOCOLS.add(NEW.name, NEW)
""",
    "dogcam/models/backbones.py": """
_SMALL = BACKBONES["small_resnet"]
BACKBONES.add("new_backbone", Backbone(_SMALL.builder, _SMALL.preprocess, 64, _SMALL.stages, "", "Nobody, 2024"))
""",
    "dogcam/data/formats/new.py": """
from dogcam.data import Dataset

def open_new(argument, data_dir, progress, seed):
    return Dataset(f"new:{argument}", ("cat",), {"train": (), "test": ()})
""",
    "dogcam/data/formats/__init__.py": """
DATASETS.add("new", Source("cats", opener="dogcam.data.formats.new:open_new"))
""",
}
TRIED = """
import json
import numpy as np
from dogcam.analysis.scores import figures, image_values
from dogcam.boxes.drawing import predicted_box
from dogcam.boxes.protocols import find_protocol
from dogcam.commands.listings import listing
from dogcam.core.config import EvaluateConfig
from dogcam.data.opening import open_dataset
from dogcam.engine import HeatmapEngine, plan_cells
from dogcam.models.classifier import build

names = ("methods", "metrics", "protocols", "backbones", "datasets")
EvaluateConfig(methods=("new-method",), protocols=("new-protocol",)).check_names()
classifier = build("new_backbone", ("cat", "dog"), weights="none")
pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
engine = HeatmapEngine(classifier, plan_cells(classifier, ("new-method", "mean-activation")))
maps = {method: each for (method, _), each in engine(classifier.inputs_of(pictures)).maps.items()}
columns = {"iou": np.array([0.5, 0.7]), "area": np.array([0.1, 0.2])}
square = np.float32([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
print(json.dumps({
    "listed": {row[next(iter(row))]: row for what in names for row in listing(what, "nowhere").document()},
    "size": classifier.size,
    "ratios": (maps["new-method"] / maps["mean-activation"]).ravel().tolist(),
    "scores": figures(columns, image_values(columns)),
    "box": predicted_box(square, find_protocol("new-protocol"), (40, 40)).tolist(),
    "opened": open_dataset("new:some").name,
}))
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """What a fresh process sees of a copy of the package to which one of everything has been added."""
    folder = tmp_path_factory.mktemp("grown")
    shutil.copytree(ROOT / "dogcam", folder / "dogcam", ignore=shutil.ignore_patterns("__pycache__"))
    for name, code in ADDED.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(code)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, "-c", TRIED], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(**json.loads(done.stdout))


@pytest.mark.parametrize("path", ADDED)
def test_what_is_added_is_where_the_errands_say(path):
    assert any(re.fullmatch(re.sub(r"<\w+>", r"\\w+", named), path) for named in PATHS.findall("".join(ERRANDS.values())))


def test_a_method_is_listed_and_drawn_by_the_engine(grown):
    row = grown.listed["new-method"]
    assert (row["needs"], row["passes"], row["paper"]) == ("activations, gradients", "1 F + 1 B", "Nobody, 2024")
    np.testing.assert_allclose(grown.ratios, grown.ratios[0], rtol=1e-4)


def test_a_metric_is_listed_and_a_column_of_the_scores(grown):
    row = grown.listed["new_metric"]
    assert (row["heading"], row["description"]) == ("fit", "Mean IoU less the box's share of the picture.")
    assert grown.scores["new_metric"] == pytest.approx(0.45)


def test_a_protocol_is_listed_and_draws_a_box(grown):
    assert grown.listed["new-protocol"]["version"] == 1
    assert grown.box == [0.25, 0.25, 0.75, 0.75]


def test_a_backbone_is_listed_and_built(grown):
    assert grown.listed["new_backbone"]["size"] == 64
    assert grown.size == [64, 64]


def test_a_data_format_is_listed_and_opened(grown):
    assert grown.listed["new"]["description"] == "cats"
    assert grown.opened == "new:some"
