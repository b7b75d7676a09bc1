"""Boxes that never look at the picture."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from dogcam.boxes import drawing
from dogcam.boxes.baselines import BASELINES, METHODS_AND_BASELINES, boxes_that_never_look
from dogcam.boxes.geometry import clip, to_relative
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import InputError, UnknownName
from dogcam.methods import METHODS
from dogcam.metrics import METRICS

NONE = np.zeros((0, 4), np.float32)
TRAINING = np.array([[0, 0, 0.5, 0.5], [0.25, 0.5, 1, 1], [0.125, 0.25, 0.75, 0.75]], np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("whole-image", [0, 0, 1, 1]),
        ("centre-box-0.9", [0.05, 0.05, 0.95, 0.95]),
        ("centre-box-0.8", [0.1, 0.1, 0.9, 0.9]),
        ("mean-training-box", [0.125, 0.25, 0.75, 0.75]),
    ],
)
def test_boxes(name, expected):
    box = BASELINES[name].box(TRAINING)
    assert box.dtype == np.float32
    np.testing.assert_allclose(box, expected, atol=1e-6)


@pytest.mark.parametrize("name", BASELINES)
def test_only_those_that_say_so_look_at_the_training_boxes(name):
    row = BASELINES[name]
    if row.trained:
        with pytest.raises(InputError, match=f"{name} needs training pictures with boxes, and there are none"):
            row.box(NONE)
    else:
        np.testing.assert_array_equal(row.box(NONE), row.box(TRAINING))


def test_without_training_boxes_there_is_no_box_made_of_them():
    assert set(boxes_that_never_look(TRAINING)) == set(BASELINES)
    assert set(BASELINES) - set(boxes_that_never_look(NONE)) == {"mean-training-box"}
    np.testing.assert_array_equal(boxes_that_never_look(TRAINING)["mean-training-box"], [0.125, 0.25, 0.75, 0.75])


@pytest.mark.parametrize("name", BASELINES)
def test_each_is_told_where_it_is_from(name):
    row = BASELINES[name]
    assert row.title
    assert str(row.year) in row.paper


def test_what_method_takes_is_all_methods_and_then_all_baselines():
    assert list(METHODS_AND_BASELINES) == [*METHODS, *BASELINES]
    assert all(METHODS_AND_BASELINES[name] is row for name, row in (*METHODS.items(), *BASELINES.items()))
    assert all(row.title for row in METHODS_AND_BASELINES.values())
    with pytest.raises(UnknownName, match=r"unknown method 'centre-box'; the nearest: centre-box-0.9"):
        METHODS_AND_BASELINES["centre-box"]


@pytest.fixture(scope="module")
def truth(real_data):
    """The relative boxes of each test picture."""
    found = {}
    with gzip.open(real_data / "stanford_dogs_boxes.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            if row["official_split"] == "test":
                corners = [float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax")]
                box = to_relative(np.array(corners), float(row["width"]), float(row["height"]))
                found.setdefault(row["file"], []).append(box)
    return [np.array(boxes) for boxes in found.values()]


class TestStanfordDogs:
    """The full test split, 8,580 pictures with 9,249 boxes, from its table of boxes: known figures, and no picture needed."""

    @pytest.mark.parametrize(
        ("name", "mean", "share"),
        [("whole-image", 0.5423, 0.563), ("centre-box-0.9", 0.5857, 0.646), ("centre-box-0.8", 0.5840, 0.699)],
    )
    def test_the_known_figures(self, truth, name, mean, share):
        assert (len(truth), sum(map(len, truth))) == (8580, 9249)
        box = BASELINES[name].box(NONE)
        iou = np.array([drawing.score(box, clip(boxes), PROTOCOLS["default"]) for boxes in truth])
        assert METRICS["mean_iou"].of({"iou": iou}) == pytest.approx(mean, abs=5e-5)
        assert METRICS["iou50"].of({"iou": iou}) == pytest.approx(share, abs=5e-4)
