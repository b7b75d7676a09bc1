"""Boxes checked against their pictures."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.data import Problem
from dogcam.data.checking import usable_boxes


def test_usable_boxes_are_kept_in_order_and_cut():
    boxes, _, problems = usable_boxes("a", [[0.5, 0.25, 1.5, 0.75], [-1, -1, 2, 2], [0.25, 0.5, 0.5, 1]], "test")
    assert boxes.tolist() == [[0.5, 0.25, 1, 0.75], [0, 0, 1, 1], [0.25, 0.5, 0.5, 1]]
    assert boxes.dtype == np.float32
    assert [(problem.id, problem.split, problem.lost) for problem in problems] == [("a", "test", False)] * 2
    said = "box (0.500, 0.250, 1.500, 0.750), relative to the picture, reaches outside the picture and was cut"
    assert problems[0].reason == said


@pytest.mark.parametrize("side", range(4))
@pytest.mark.parametrize(("beyond", "named"), [(0, 0), (0.001, 0), (0.056, 0), (0.0999, 0), (0.101, 1), (21, 1)])
def test_a_small_overhang_is_cut_in_silence_and_a_large_one_is_named(side, beyond, named):
    """A tenth of the side is tolerated (official boxes reach out by 0.056); a slip such as xmax=9332 on 425 pixels is not."""
    box = np.array([0, 0, 1, 1], np.float64)
    box[side] += -beyond if side < 2 else beyond
    boxes, _, problems = usable_boxes("a", [box], "train")
    assert boxes.tolist() == [[0, 0, 1, 1]]
    assert len(problems) == named


@pytest.mark.parametrize(
    "box",
    [
        [1, 0, 1.5, 1],  # begins where the picture ends
        [0, -2, 1, 0],
        [0.5, 0.5, 0.5, 0.75],
        [0.75, 0.5, 0.5, 0.75],
        [0, 0, np.nan, 1],
        [0, 0, np.inf, 1],
    ],
)
def test_a_box_that_leaves_nothing_is_a_problem_of_its_own(box):
    boxes, _, problems = usable_boxes("a", [box, [0, 0, 1, 0.5], box], "test")
    assert boxes.tolist() == [[0, 0, 1, 0.5]]
    assert [(problem.id, problem.split, problem.lost) for problem in problems] == [("a", "test", False)] * 2
    assert all("is empty or outside it" in problem.reason for problem in problems)


def test_no_box_at_all_is_a_problem():
    boxes, _, problems = usable_boxes("a", np.zeros((0, 4)), "train")
    assert boxes.shape == (0, 4)
    assert problems == [Problem("a", "no annotated box", "train", lost=False, kind="no-box")]
