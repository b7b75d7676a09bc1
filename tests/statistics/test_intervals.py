"""Bootstrap intervals: against SciPy's on the same resamples, and against their own promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dogcam.statistics import Interval, at_least, intervals, median_intervals, paired_intervals
from dogcam.statistics.resampling import resample_counts, resampled_medians, resampled_ratios, resampled_sums

RESAMPLES = 800


def iou_like(n, columns, zeros=0.25, a=4.0, b=1.5, seed=0):
    """Skewed scores with a heap at 0: (n, columns), and their true mean and share of at least 0.5."""
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random((n, columns)) < zeros, 0, rng.beta(a, b, (n, columns)))
    return scores, (1 - zeros) * a / (a + b), (1 - zeros) * stats.beta.sf(0.5, a, b)


def widened(confidence, n):
    """The confidence whose plain interval is dogcam's: Hesterberg's (2015) correction for few images, written out."""
    return 1 - 2 * stats.norm.sf(np.sqrt(n / (n - 1)) * stats.t.isf((1 - confidence) / 2, n - 1))


def by_scipy(data, statistic, method, confidence=0.95, wide=True):
    """SciPy's interval; with all resamples in one batch it draws the very ones that dogcam draws."""
    level = widened(confidence, len(data[0])) if wide else confidence
    found = stats.bootstrap(
        data,
        statistic,
        n_resamples=RESAMPLES,
        method=method,
        confidence_level=level,
        paired=len(data) > 1,
        rng=np.random.default_rng(5),
        axis=-1,
    )
    return found.confidence_interval


def held(found, truth):
    return np.mean([each.low <= truth <= each.high for each in found])


class TestAgainstScipy:
    @pytest.mark.parametrize("method", ["bca", "percentile"])
    @pytest.mark.parametrize("confidence", [0.9, 0.95])
    @pytest.mark.parametrize("n", [11, 60])
    def test_mean(self, method, confidence, n):
        scores = iou_like(n, 3)[0]
        found = intervals(scores, method=method, confidence=confidence, resamples=RESAMPLES, seed=5)
        for each, column in zip(found, scores.T, strict=True):
            scipy = by_scipy((column,), np.mean, method, confidence)
            assert (each.low, each.high) == pytest.approx(scipy, abs=1e-12)
            assert (each.value, each.n, each.method) == (pytest.approx(column.mean()), n, method)

    @pytest.mark.parametrize("method", ["bca", "percentile"])
    def test_share(self, method):
        column = iou_like(40, 1)[0][:, 0]
        (found,) = intervals(at_least(column, 0.5), method=method, resamples=RESAMPLES, seed=5)
        scipy = by_scipy(((column >= 0.5).astype(float),), np.mean, method)
        assert (found.low, found.high) == pytest.approx(scipy, abs=1e-12)

    @pytest.mark.parametrize("method", ["bca", "percentile"])
    def test_ratio(self, method):
        rng = np.random.default_rng(1)
        above, below = rng.random(30), rng.random(30) + 0.2
        (found,) = intervals(above, over=below, method=method, resamples=RESAMPLES, seed=5)
        scipy = by_scipy((above, below), lambda a, b, axis: a.sum(axis) / b.sum(axis), method)
        assert found.value == pytest.approx(above.sum() / below.sum())
        assert (found.low, found.high) == pytest.approx(scipy, abs=1e-12)

    @pytest.mark.parametrize("method", ["bca", "percentile"])
    def test_paired_difference(self, method):
        scores = iou_like(35, 2)[0]
        (found,) = paired_intervals(scores, [0], [1], method=method, resamples=RESAMPLES, seed=5)
        scipy = by_scipy(tuple(scores.T), lambda a, b, axis: a.mean(axis) - b.mean(axis), method)
        assert (found.low, found.high) == pytest.approx(scipy, abs=1e-12)

    @pytest.mark.parametrize("n", [15, 40])
    def test_median(self, n):
        scores = iou_like(n, 3)[0]
        found = median_intervals(scores, resamples=RESAMPLES, seed=5)
        for each, column in zip(found, scores.T, strict=True):
            scipy = by_scipy((column,), np.median, "percentile", wide=False)
            assert each.value == np.median(column)
            assert (each.low, each.high) == pytest.approx(scipy, abs=1e-12)
            assert each.method == "percentile"


class TestCoverage:
    """Of 6,000 samples, the share whose interval holds the truth: its standard error is 0.3 %."""

    @pytest.mark.parametrize("n", [50, 100, 200])
    @pytest.mark.parametrize(("zeros", "a", "b"), [(0.25, 4, 1.5), (0.1, 5, 1), (0.5, 1, 2)])
    def test_of_means_of_skewed_scores_with_a_heap_at_zero(self, n, zeros, a, b):
        scores, mean, _ = iou_like(n, 6000, zeros, a, b, seed=n)
        assert 0.93 < held(intervals(scores, resamples=1000, seed=1), mean) < 0.97

    @pytest.mark.parametrize("n", [50, 100, 200])
    def test_of_shares(self, n):
        scores, _, share = iou_like(n, 6000, seed=n)
        assert 0.93 < held(intervals(at_least(scores, 0.5), resamples=1000, seed=1), share) < 0.97

    @pytest.mark.parametrize("n", [50, 200])
    def test_of_paired_differences_many_of_them_zero(self, n):
        """The second method draws the first one's box on 40 % of the images, and one of its own on the others."""
        first, mean, _ = iou_like(n, 6000, seed=n)
        other, other_mean, _ = iou_like(n, 6000, 0.1, 5, 1, seed=n + 1)
        second = np.where(np.random.default_rng(n + 2).random(first.shape) < 0.4, first, other)
        found = paired_intervals(np.hstack([second, first]), range(6000), range(6000, 12000), resamples=1000, seed=1)
        assert 0.93 < held(found, 0.6 * (other_mean - mean)) < 0.97

    @pytest.mark.parametrize("n", [50, 100])
    def test_of_medians(self, n):
        rng = np.random.default_rng(n)
        found = median_intervals(rng.beta(4, 1.5, (n, 2000)), resamples=500, seed=1)
        assert 0.925 < held(found, stats.beta.median(4, 1.5)) < 0.975


class TestResamples:
    def test_counts_are_those_of_the_drawn_images(self):
        (counts,) = resample_counts(7, 5, seed=3)
        drawn = np.random.default_rng(3).integers(0, 7, (5, 7))
        assert counts.tolist() == [[row.count(image) for image in range(7)] for row in drawn.tolist()]

    @pytest.mark.parametrize("at_once", [1, 50, 77, 10**6])
    def test_they_do_not_depend_on_how_many_are_held(self, at_once):
        chunks = list(resample_counts(7, 100, 3, at_once))
        assert (np.concatenate(chunks) == next(resample_counts(7, 100, 3))).all()
        assert all(chunk.size <= max(at_once, 7) for chunk in chunks)

    def test_sums_and_medians_across_chunks(self, monkeypatch):
        scores = iou_like(30, 2)[0]
        scores[:5, 1] = np.nan
        drawn = np.random.default_rng(4).integers(0, 30, (50, 30))
        sums = resampled_sums(np.nan_to_num(scores), 50, 4)
        assert sums == pytest.approx(np.nan_to_num(scores)[drawn].sum(axis=1))
        monkeypatch.setattr(resample_counts, "__defaults__", (100,))
        assert resampled_sums(np.nan_to_num(scores), 50, 4) == pytest.approx(sums)
        assert resampled_medians(scores, 50, 4) == pytest.approx(np.nanmedian(scores[drawn], axis=1))

    def test_a_resample_without_any_scored_image_is_nan(self):
        scores = np.array([[1.0], [np.nan], [np.nan]])
        drawn = np.random.default_rng(4).integers(0, 3, (40, 3))
        missed = ~(drawn == 0).any(axis=1)
        assert missed.any()
        ratios = resampled_ratios(np.nan_to_num(scores), np.isfinite(scores).astype(float), 40, 4)
        for found in (ratios, resampled_medians(scores, 40, 4)):
            assert (np.isnan(found[:, 0]) == missed).all()
            assert (found[~missed, 0] == 1).all()


def same(one, other):
    assert (one.value, one.low, one.high, one.n) == pytest.approx((other.value, other.low, other.high, other.n))


def test_a_seed_gives_one_answer_and_another_seed_another():
    scores = iou_like(40, 2)[0]
    assert intervals(scores, seed=1, resamples=500) == intervals(scores, seed=1, resamples=500)
    assert intervals(scores, seed=1, resamples=500) != intervals(scores, seed=2, resamples=500)


def test_a_methods_interval_does_not_depend_on_its_company():
    scores = iou_like(40, 4)[0]
    for alone, among in zip(range(4), intervals(scores, resamples=500), strict=True):
        same(intervals(scores[:, alone], resamples=500)[0], among)


def test_a_weighted_mean():
    rng = np.random.default_rng(0)
    scores, whole = rng.random(20), np.repeat([1.0, 2.0], 10)
    (found,) = intervals(whole * scores, over=whole, resamples=300)
    assert found.value == pytest.approx(np.average(scores, weights=whole))
    assert found.low < found.value < found.high


class TestNotScored:
    def test_images_are_left_out_column_by_column(self):
        scores = iou_like(60, 2)[0]
        scores[:20, 1] = np.nan
        whole, part = intervals(scores, resamples=4000)
        assert (whole.n, part.n) == (60, 40)
        assert part.value == pytest.approx(np.nanmean(scores[:, 1]))
        (alone,) = intervals(scores[20:, 1], resamples=4000)
        assert (part.low, part.high) == pytest.approx((alone.low, alone.high), abs=0.02)

    def test_methods_that_lack_different_images_each_keep_theirs(self):
        scores = iou_like(40, 3)[0]
        scores[0, 0] = scores[1, 1] = scores[0, 2] = np.nan
        for column, among in enumerate(intervals(scores, resamples=300)):
            same(intervals(scores[:, column], resamples=300)[0], among)

    def test_a_pair_rests_on_the_images_that_both_scored(self):
        scores = iou_like(60, 2)[0]
        scores[:10, 0], scores[5:20, 1] = np.nan, np.nan
        (found,) = paired_intervals(scores, [0], [1], resamples=300)
        assert found.n == 40
        assert found.value == pytest.approx(np.mean(scores[20:, 0] - scores[20:, 1]))
        same(found, intervals(scores[:, 0] - scores[:, 1], resamples=300)[0])
        (alone,) = paired_intervals(scores[20:], [0], [1], resamples=4000)
        assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=0.05)

    def test_complete_pairs_are_the_differences_resampled(self):
        scores = iou_like(30, 3)[0]
        fast = paired_intervals(scores, [0, 1], [2, 0], resamples=300)
        slow = intervals(scores[:, [0, 1]] - scores[:, [2, 0]], resamples=300)
        for one, other in zip(fast, slow, strict=True):
            same(one, other)


class TestSaidNotFaked:
    @pytest.mark.parametrize("found", [intervals, median_intervals])
    @pytest.mark.parametrize("n", [0, 1, 9])
    def test_too_few_images(self, found, n):
        scores = np.full((20, 2), np.nan)
        scores[:n, 0], scores[:, 1] = 0.5 + 0.01 * np.arange(n), np.arange(20)
        few, enough = found(scores, resamples=200)
        for each in (few, found(scores[:9, 0], resamples=200)[0]):
            assert math.isnan(each.low)
            assert math.isnan(each.high)
            assert each.verdict == "undecided"
            assert (each.method, each.n) == ("none", n)
            assert each.reason == "too-few"
        assert math.isnan(few.value) == (n == 0)
        assert enough.low < enough.high

    def test_few_images_are_warned_of(self):
        assert intervals(iou_like(20, 1)[0], resamples=100)[0].reason == "few"
        assert intervals(iou_like(30, 1)[0], resamples=100)[0].reason == ""

    def test_scores_that_all_agree(self):
        (found,) = intervals(np.full(40, 0.3), resamples=200)
        assert (found.low, found.high) == pytest.approx((0.3, 0.3))
        assert found.method == "percentile"
        assert found.reason == "constant"
        # An outcome that 7.2 % of images have is missed by 40 with probability 0.928 ** 40 = 0.05.
        assert found.unseen == pytest.approx(0.072, abs=5e-4)

    def test_denominators_of_nothing(self):
        (found,) = intervals(np.ones(20), over=np.zeros(20), resamples=50)
        assert math.isnan(found.value)
        assert found.reason == "undefined"

    def test_where_bca_is_not_defined_the_percentile_stands_in_and_says_so(self):
        scores = np.zeros(40)
        scores[0] = 1
        (found,) = intervals(np.where(np.arange(40) < 39, 0, 1e6), resamples=1, seed=0)
        assert found.method == "percentile"
        assert found.reason == "constant"
        (found,) = intervals(np.where(np.arange(40) < 39, np.arange(40), 1e6), resamples=2, seed=3)
        assert (found.method, found.reason) == ("percentile", "one-sided")
        assert intervals(scores, resamples=2000)[0].method == "bca"


@pytest.mark.parametrize(("low", "high", "verdict"), [(0.1, 0.2, "above"), (-2, -1, "below"), (0, 1, "undecided")])
def test_the_verdict_is_the_side_of_zero(low, high, verdict):
    assert Interval((low + high) / 2, low, high, 20).verdict == verdict


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: intervals(np.ones(20), method="magic"), "bca, percentile; received 'magic'"),
        (lambda: intervals(np.ones(20), confidence=1.0), "confidence"),
        (lambda: intervals(np.ones(20), resamples=0), "resamples"),
        (lambda: median_intervals(np.ones(20), resamples=0), "resamples"),
        (lambda: intervals(np.ones((2, 20, 3))), "one row per image"),
        (lambda: intervals(np.array([np.inf, *range(20)])), "infinite"),
        (lambda: intervals(np.ones(20), over=np.ones(19)), "do not fit"),
        (lambda: intervals(np.ones((20, 2)), over=np.ones((20, 3))), "do not fit"),
    ],
)
def test_what_cannot_be_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
