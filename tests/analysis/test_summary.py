"""The fields of summary.json against what the code that fills it makes."""

from __future__ import annotations

from dataclasses import asdict, fields

import numpy as np
import pytest

from dogcam.analysis.breakdown import broken_down
from dogcam.analysis.claims import Claim, Difference
from dogcam.analysis.comparison import compared
from dogcam.analysis.decomposition import Walk
from dogcam.analysis.dynamics import dynamics_of
from dogcam.analysis.summary import _INTERVAL, _PAIR, FIELDS, SUMMARY_VERSION, undocumented
from dogcam.analysis.tables import curve_rows, localisation_rows, rows_over_runs
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.records import to_plain
from dogcam.data import Problem
from dogcam.experiment.evaluations import Cell, Choice, Evaluation
from dogcam.experiment.runs import HistoryRow
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS
from dogcam.report.exhibits.faithfulness import faithfulness_rows
from dogcam.statistics import Interval, Pair, decompose

N = 12
CELLS = [Cell(run, epoch, method, "last", "default") for run in (1, 2) for epoch in (3, 7) for method in ("cam", "fem")]
BOX = Cell(0, 0, "whole-image", "", "default")
TOP = {
    *("schema_version", "experiment", "scope", "runs", "epochs", "run_choice", "images", "unannotated", "target"),
    *(
        "smooth",
        "calibration",
        "rows",
        "over_runs",
        "comparisons",
        "breakdowns",
        "curves",
        "walks",
        "dynamics",
        "claims",
    ),
    *("faithfulness", "problems", "seconds"),
}


def columns(seed):
    rng = np.random.default_rng(seed)
    corners = {name: rng.uniform(0, 0.5, N).tolist() for name in ("x0", "y0", "x1", "y1")}
    return {
        "image": [f"dog-{place}" for place in range(N)],
        "label": [place % 2 for place in range(N)],
        "predicted": [0] * N,
        "target": [0] * N,
        "against": [-1] * N,
        "probability": [0.5] * N,
        "rank": [place % 2 for place in range(N)],
        "empty": [False] * N,
        "flagged": [False] * N,
        **corners,
        "area": rng.uniform(0, 1, N),
        "iou": rng.uniform(0, 1, N),
        "width": [60] * N,
        "height": [40] * N,
        "truth": [[0.0, 0.0, 0.1 + place / 20, 0.5] for place in range(N)],
        "curve": rng.uniform(0, 1, (N, 10)).astype(np.float32),
        "inside": rng.integers(0, 9, (N, 4)),
        "outside": rng.integers(0, 9, (N, 4)),
    }


def walk():
    noise = np.random.default_rng(0).normal(0.5, 0.1, N)
    found = decompose(lambda names: noise + 0.1 * len(names), ["ReLU", "threshold"])
    said, same = {"ReLU": "no → yes", "threshold": "0.2 → 0.15"}, {"box": "largest"}
    return Walk("cam", "fem", ("CAM", "FEM"), "last", 1, 7, found, said, same, True, bound=("FEM (softmax)",))


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """A summary whose every part is there."""
    evaluation = Evaluation(tmp_path_factory.mktemp("summary") / "test-true")
    protocol = PROTOCOLS["default"]
    evaluation.write_about({"protocols": {"default": {"iou_levels": [0.5]}}})
    for seed, cell in enumerate([*CELLS, BOX]):
        evaluation.write(cell, columns(seed), Choice(0.2))
    scores = {name: np.full(N, 0.5) for name in FAITHFULNESS}
    scores["pointing"] = np.array([1.0, *[np.nan] * (N - 1)])
    asked = {
        "image": columns(0)["image"],
        "label": [0] * N,
        "predicted": [0] * N,
        "target": [0] * N,
        "boxed": [True] * N,
    }
    evaluation.write_faithfulness(Cell(1, 7, "cam", "last", ""), {**asked, **scores})
    history = [HistoryRow(run, epoch, "test", 0.5, 1.0) for run in (1, 2) for epoch in (3, 7)]
    every = [*CELLS, BOX]
    marked = [{**row, "unseen": None} for row in localisation_rows(evaluation)]
    difference = Difference("gradcam", "cam", 7, None, Interval(0.1, 0.05, 0.2, N))
    claim = Claim("parts", "study", "default", "supported", (difference,), difference, ("supported", "supported"))
    return {
        "schema_version": SUMMARY_VERSION,
        **dict.fromkeys(("experiment", "scope", "run_choice", "target"), "text"),
        "runs": [1, 2],
        "epochs": [3, 7],
        "images": N,
        "unannotated": 0,
        "smooth": ["flip"],
        "calibration": {"split": "train", "ids": ["a"], "asked": 200},
        "rows": marked,
        "over_runs": [{**row, "unseen": "below"} for row in rows_over_runs(evaluation, CELLS, [1, 2])],
        "comparisons": [compared(evaluation, every, protocol, runs, 7, "last").document() for runs in ((1,), (1, 2))],
        "breakdowns": [
            {"protocol": "default", **broken_down(evaluation, every, by, ("pug", "husky")).document()}
            for by in ("breed", "right")
        ],
        "curves": curve_rows(evaluation, every),
        "walks": [walk().document()],
        "dynamics": [dynamics_of(history, evaluation, "default").document()],
        "claims": [to_plain(claim)],
        "faithfulness": faithfulness_rows(evaluation),
        "problems": [asdict(Problem("dog", "truncated"))],
        "seconds": 1.5,
    }


def test_everything_that_is_made_is_documented(document):
    assert undocumented(document) == []


def test_everything_that_is_documented_is_made(document):
    """But for what is an object or a list, whose fields are."""

    def paths(value, path):
        if isinstance(value, dict):
            for key, each in value.items():
                free = any(field.startswith(f"{path}.*") for field in FIELDS)
                yield from paths(each, f"{path}.*" if free else f"{path}.{key}".removeprefix("."))
        elif isinstance(value, list):
            for each in value:
                yield from paths(each, f"{path}[]")
        yield path

    assert set(FIELDS) - set(paths(document, "")) == set()


def test_the_top_of_the_file(document):
    assert {path.partition(".")[0].partition("[")[0] for path in FIELDS} == TOP
    assert set(document) == TOP
    assert SUMMARY_VERSION == 3


def test_every_field_is_explained_in_words():
    assert all(len(meaning) >= 3 and meaning == meaning.strip() for meaning in FIELDS.values())


def test_metrics_are_described_by_their_registries():
    for name, metric in METRICS.items():
        assert FIELDS[f"rows[].{name}"] == FIELDS[f"over_runs[].{name}"] == metric.description
    for name, score in FAITHFULNESS.items():
        assert FIELDS[f"faithfulness[].{name}"].startswith(score.description)


def test_intervals_and_pairs_are_told_whole():
    assert set(_INTERVAL) == {each.name for each in fields(Interval)}
    assert {*_PAIR, "difference"} == {each.name for each in fields(Pair)}


class TestUndocumented:
    def test_it_names_what_it_does_not_know_once_and_in_order(self):
        document = {"rows": [{"novel": 1, "run": 1}, {"novel": 2}], "seconds": 1, "more": {"a": [1], "b": {}}}
        assert undocumented(document) == ["rows[].novel", "more.a[]"]

    def test_null_in_place_of_an_object_or_a_list_is_known(self):
        assert undocumented({"calibration": None, "rows": [{"intervals": {"mean_iou": None}}], "smooth": None}) == []

    @pytest.mark.parametrize("name", ["a.b", "x[]", "*", ""])
    def test_free_names_may_be_anything(self, name):
        assert undocumented({"walks": [{"said": {name: "1 → 2"}}]}) == []
        assert undocumented({"walks": [{"said": {name: {"deeper": 1}}}]}) == ["walks[].said.*.deeper"]

    def test_a_beginning_of_a_name_is_not_the_name(self):
        assert undocumented({"calib": None, "rows": [{"mean": 1}]}) == ["calib", "rows[].mean"]
