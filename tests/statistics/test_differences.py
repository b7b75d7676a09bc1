"""Intervals, against tables of Student's t and against their own promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dogcam.statistics import Difference, paired_difference

# Two-sided 95 % and 99 % points of Student's t, from printed tables.
T_95 = {1: 12.706, 4: 2.776, 9: 2.262, 29: 2.045}
T_99 = {4: 4.604, 9: 3.250}


def written_out(differences, t):
    """Mean and half-width from the definition: t * s / sqrt(n), s with n - 1."""
    n = len(differences)
    mean = sum(differences) / n
    variance = sum((each - mean) ** 2 for each in differences) / (n - 1)
    return mean, t * math.sqrt(variance / n)


@pytest.mark.parametrize("degrees", T_95)
def test_the_interval_is_students(degrees):
    rng = np.random.default_rng(degrees)
    first, second = rng.random(degrees + 1), rng.random(degrees + 1)
    mean, half = written_out((first - second).tolist(), T_95[degrees])
    found = paired_difference(first, second)
    assert found.n == degrees + 1
    assert found.mean == pytest.approx(mean)
    assert found.high - found.mean == pytest.approx(half, rel=3e-4)
    assert found.mean - found.low == pytest.approx(half, rel=3e-4)


@pytest.mark.parametrize("degrees", T_99)
def test_at_another_confidence(degrees):
    rng = np.random.default_rng(degrees)
    first, second = rng.random(degrees + 1), rng.random(degrees + 1)
    _, half = written_out((first - second).tolist(), T_99[degrees])
    found = paired_difference(first, second, confidence=0.99)
    assert found.high - found.mean == pytest.approx(half, rel=3e-4)


def test_it_is_first_minus_second():
    first, second = np.array([0.9, 0.8, 0.85]), np.array([0.5, 0.45, 0.4])
    assert paired_difference(first, second).verdict == "above"
    assert paired_difference(second, first).verdict == "below"


def test_it_is_paired():
    """Scores that vary much between images but differ alike on each: only a paired interval is narrow."""
    hard_and_easy = np.random.default_rng(0).random(40)
    found = paired_difference(hard_and_easy + 0.01 + 1e-4 * np.arange(40), hard_and_easy)
    assert found.verdict == "above"
    assert found.high - found.low < 0.001


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(2000):
        found = paired_difference(rng.normal(0.3, 1, 12), np.zeros(12))
        held += found.low <= 0.3 <= found.high
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("scores", [[], [0.9]])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nothing_is_decided_from_fewer_than_two_images(scores):
    found = paired_difference(np.array(scores), np.zeros(len(scores)))
    assert found.verdict == "undecided"
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_equal_scores_are_undecided_and_a_constant_lead_is_not():
    scores = np.array([0.25, 0.5, 0.75])
    assert paired_difference(scores, scores).verdict == "undecided"
    assert paired_difference(scores + 0.25, scores).verdict == "above"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.2, "above"),
        (-0.2, -0.01, "below"),
        (-0.1, 0.1, "undecided"),
        (0, 0.1, "undecided"),
        (-0.1, 0, "undecided"),
    ],
)
def test_the_verdict_is_the_side_of_zero(low, high, verdict):
    assert Difference((low + high) / 2, low, high, 9).verdict == verdict


def test_scores_that_are_not_numbers_decide_nothing():
    assert paired_difference(np.array([0.9, np.nan]), np.array([0.1, 0.1])).verdict == "undecided"


@pytest.mark.parametrize("second", [[0.1], [0.1, 0.2], 0.1])
def test_scores_of_other_images_are_refused_not_stretched(second):
    with pytest.raises(ValueError, match="the same images"):
        paired_difference(np.array([0.1, 0.2, 0.3]), np.array(second))
