"""Intervals of scores made of sums, against the plain bootstrap of a mean."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.statistics import intervals, pooled_interval


def share(first, second):
    return first[..., 0] / (first[..., 0] + second[..., 0])


def test_where_every_image_weighs_the_same_it_is_the_percentile_interval_of_a_mean():
    rng = np.random.default_rng(0)
    scores = rng.random(400)
    found = pooled_interval(share, scores[:, None], 1 - scores[:, None])
    (mean,) = intervals(scores, method="percentile")
    assert found.value == pytest.approx(scores.mean())
    assert (found.low, found.high) == pytest.approx((mean.low, mean.high), abs=2e-4)
    assert found.method == "percentile"


def test_large_images_count_for_more():
    found = pooled_interval(share, np.array([[90.0]] + [[0.0]] * 11), np.array([[10.0]] + [[1.0]] * 11))
    assert found.value == pytest.approx(90 / 111)
    assert found.low == pytest.approx(0, abs=1e-12), "one resample in three lacks the large one"


def test_too_few_images_have_no_interval_and_say_so():
    found = pooled_interval(share, np.ones((9, 1)), np.ones((9, 1)))
    assert np.isnan([found.low, found.high]).all()
    assert (found.n, found.reason) == (9, "too-few")


def test_columns_of_other_images_are_refused():
    with pytest.raises(ValueError, match="same images"):
        pooled_interval(share, np.ones((9, 1)), np.ones((8, 1)))
