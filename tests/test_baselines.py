"""Boxes that never look at the picture."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.baselines import BASELINES, METHODS_AND_BASELINES
from dogcam.errors import InputError, UnknownName
from dogcam.methods import METHODS

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
