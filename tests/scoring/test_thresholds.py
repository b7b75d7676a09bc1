"""Thresholds chosen from curves, against means and shares worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dogcam.boxes.protocols import PROTOCOLS
from dogcam.experiment.evaluations import Choice
from dogcam.scoring import thresholds

FOUR = replace(PROTOCOLS["default"], thresholds=4)  # 0, .25, .5, .75
# means .5, .6, .5, .2
CURVES = np.array([[0.6, 0.8, 0.1, 0.0], [0.5, 0.4, 0.9, 0.6], [0.4, 0.6, 0.5, 0.0]], np.float32)


def test_a_fixed_one_is_the_protocols():
    assert thresholds.fixed(PROTOCOLS["cam2016"]) == Choice(0.2, "fixed", 0, None)


def test_calibrated_is_that_of_the_highest_mean_iou():
    chosen = thresholds.calibrated(CURVES, FOUR)
    assert (chosen.threshold, chosen.source, chosen.pictures) == (0.25, "calibrated", 3)
    assert chosen.score == pytest.approx(0.6)


def test_of_equal_ones_the_lowest():
    assert thresholds.calibrated(np.full((3, 4), 0.5), FOUR).threshold == 0


@pytest.mark.parametrize(
    ("levels", "place", "share"),
    [
        ((0.5,), 0, 2 / 3),
        ((0.7,), 1, 1 / 3),
        ((0.3, 0.5, 0.7), 1, (3 + 2 + 1) / 9),  # one threshold for all three levels; at 0 it is (3 + 2 + 0) / 9
    ],
)
def test_best_is_that_of_the_most_right_boxes(levels, place, share):
    chosen = thresholds.best(CURVES, replace(FOUR, iou_levels=levels))
    assert (chosen.threshold, chosen.source) == (place / 4, "best")
    assert chosen.score == pytest.approx(share)
