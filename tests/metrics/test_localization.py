"""Scores of a cell, against sums over the images written out."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from dogcam.metrics import METRICS

IOU = [0.0, 0.29999, 0.3, 0.5, 0.69, 0.7, 1.0, 0.12]
AREA = [0.0, 0.25, 1.0, 0.5]
EMPTY = [True, False, False, False, True]


def score(name, values):
    metric = METRICS[name]
    (column,) = metric.needs
    return metric.of({column: np.array(values), "other": np.zeros(3)})


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("mean_iou", IOU, sum(IOU) / 8),
        ("sem", IOU, statistics.stdev(IOU) / math.sqrt(8)),
        ("iou30", IOU, 5 / 8),
        ("iou50", IOU, 4 / 8),
        ("iou70", IOU, 2 / 8),
        ("area", AREA, 1.75 / 4),
        ("empty", EMPTY, 2 / 5),
    ],
)
def test_by_hand(name, values, expected):
    assert score(name, values) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "bound"), [("iou30", 0.3), ("iou50", 0.5), ("iou70", 0.7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_iou_on_the_bound_counts(name, bound, dtype):
    """GT-known localisation accuracy is "IoU of at least" (Choe et al. 2020)."""
    below = np.nextafter(dtype(bound), dtype(0))
    assert METRICS[name].of({"iou": np.array([bound, below], dtype)}) == 0.5


def test_a_single_image_has_no_standard_error():
    assert math.isnan(score("sem", [0.5]))


def test_equal_scores_have_no_error():
    assert score("sem", [0.5] * 4) == 0


def test_the_shares_fall_as_the_bound_rises():
    values = np.random.default_rng(0).random(100)
    shares = [score(name, values) for name in ("iou30", "iou50", "iou70")]
    assert shares == sorted(shares, reverse=True)
