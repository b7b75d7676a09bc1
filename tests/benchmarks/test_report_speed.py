"""What a report computes from its per-image tables, as ratios to merely reading their Parquet files in the same process.

Run by hand on a quiet machine: pytest tests/benchmarks/test_report_speed.py --benchmark-enable -n 0 -s
A case takes turns with the bare reading, so that a drifting machine slows both. Every case begins with nothing kept in memory:
a command starts a process of its own. At full size (IMAGES = 8580) a whole report is to take less than 20 seconds.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from dogcam.analysis.analysis import analyse
from dogcam.analysis.claims import claims
from dogcam.analysis.comparison import comparisons
from dogcam.analysis.dynamics import dynamics
from dogcam.analysis.groups import groups
from dogcam.analysis.scores import scores
from dogcam.analysis.tables import Tables, check_same_images
from dogcam.analysis.training import training
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.choices import GROUPINGS
from dogcam.experiment.evaluations import TABLES, Cell, Choice, Evaluation
from dogcam.experiment.runs import HistoryRow, create_experiment
from dogcam.report.page import compose
from dogcam.statistics import resampling

IMAGES, BREEDS, CURVE, ROUNDS = 2000, 120, 100, 3
EPOCHS = (3, 5, 7)
METHODS = ("cam", "gradcam", "gradcam++", "xgradcam", "layercam", "eigencam", "hirescam", "mean-activation")
BASELINES = ("whole-image", "centre-box-0.9", "centre-box-0.8", "mean-training-box")
LAYER = "conv5_block3_out"
CLASSES = tuple(f"breed {number}" for number in range(BREEDS))


def columns(rng, label, known):
    """Made-up rows: what is computed of them takes as long as of real ones."""
    corners = np.sort(rng.random((IMAGES, 2, 2)), axis=1).reshape(IMAGES, 4)
    network = {"target": label, "probability": rng.random(IMAGES), "rank": rng.integers(0, BREEDS, IMAGES)}
    return {
        "image": [f"{CLASSES[each]}/picture {number}.jpg" for number, each in enumerate(label)],
        "label": label,
        "predicted": np.where(rng.random(IMAGES) < 0.8, label, 0) if known else [None] * IMAGES,
        "against": [-1] * IMAGES,
        **(network if known else dict.fromkeys(network, [None] * IMAGES)),
        "empty": [False] * IMAGES,
        "flagged": [False] * IMAGES,
        **{name: corners[:, place] for place, name in enumerate(("x0", "y0", "x1", "y1"))},
        "area": np.prod(corners[:, 2:] - corners[:, :2], axis=1),
        "iou": rng.beta(4, 1.5, IMAGES),
        "width": [500] * IMAGES,
        "height": [375] * IMAGES,
        "truth": [[0.1, 0.2, 0.7, 0.8] * (1 + (number % 13 == 0)) for number in range(IMAGES)],
        "curve": rng.random((IMAGES, CURVE if known else 1), np.float32),
    }


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """8 methods at 3 epochs and 4 baselines, under one protocol."""
    model = {"backbone": "resnet50", "pooled_layer": LAYER, "stages": [LAYER]}
    document = {"config": {}, "model": model, "dataset": {"name": "made up", "classes": list(CLASSES)}}
    made = create_experiment(str(tmp_path_factory.mktemp("home")), "large", "x", document)
    made.add_history([HistoryRow(1, epoch, "test", 0.7 + epoch / 50, 1 - epoch / 20) for epoch in range(1, 8)])
    evaluation, rng = made.evaluation("test", None, "true"), np.random.default_rng(0)
    evaluation.write_about({"protocols": {"default": asdict(PROTOCOLS["default"])}})
    label = rng.integers(0, BREEDS, IMAGES)
    for cell in [Cell(1, epoch, method, LAYER, "default") for epoch in EPOCHS for method in METHODS]:
        evaluation.write(cell, columns(rng, label, known=True), Choice(0.15))
    for name in BASELINES:
        evaluation.write(Cell(0, 0, name, "", "default"), columns(rng, label, known=False), Choice(None))
    return made


@pytest.fixture
def of(experiment):
    """The experiment with nothing in memory yet."""
    evaluation = Evaluation(experiment.evaluations()[0].path)
    cells = evaluation.cells()
    last = [cell for cell in cells if cell.epoch in (0, EPOCHS[-1])]
    return SimpleNamespace(experiment=experiment, evaluation=evaluation, cells=cells, last=last)


def read_all(of):
    return {cell: of.evaluation.read(cell) for cell in of.cells}


def tables(of):
    return Tables.of(of.experiment, of.evaluation)


CASES = {
    "the columns of all tables": read_all,
    "and a second time": lambda of: (read_all(of), read_all(of)),
    "and whether they are of the same images": lambda of: check_same_images({str(c): t for c, t in read_all(of).items()}),
    "rows with their intervals": lambda of: scores(tables(of)),
    "comparisons of three epochs": lambda of: comparisons(tables(of)),
    "training dynamics": lambda of: dynamics(training(of.experiment).curves, read_all(of)),
    "claims": lambda of: claims(tables(of), comparisons(tables(of))),
    **{f"by {by}": lambda of, by=by: groups(of.evaluation, of.last, by, CLASSES) for by in GROUPINGS},
    "the analysis": lambda of: analyse(of.experiment, of.evaluation),
    "the document of a report, of an analysis that was kept": lambda of: compose(of.experiment),
}


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def forgotten(of):
    """The same as a new process finds it."""
    resampling._kept.clear()
    return SimpleNamespace(**{**vars(of), "evaluation": Evaluation(of.evaluation.path)})


def merely_read(of):
    return [pq.read_table(path) for path in of.evaluation.path.glob(TABLES)]


@pytest.mark.parametrize("case", CASES)
def test_ratio_to_reading_the_files(benchmark, of, case):
    function = CASES[case]
    merely_read(of)
    taken = []
    for _ in range(ROUNDS):
        fresh = forgotten(of)
        taken.append((seconds(lambda fresh=fresh: function(fresh)), seconds(lambda: merely_read(of))))
    ratio = statistics.median(ours / bare for ours, bare in taken)
    benchmark.extra_info.update(ratio=ratio, images=IMAGES, cells=len(of.cells))
    benchmark.pedantic(lambda: function(forgotten(of)), rounds=1)
    ours, bare = (statistics.median(each) for each in zip(*taken, strict=True))
    print(f"\n{case}: {ratio:.1f} times the bare reading; {ours:.2f} s, reading {bare:.3f} s")
