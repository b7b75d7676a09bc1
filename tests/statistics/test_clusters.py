"""Rows of one picture: against a cluster bootstrap written out, against plain figures where each row is alone, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dogcam.statistics import (
    compare,
    decompose,
    intervals,
    intervals_over_runs,
    median_intervals,
    paired_intervals,
    pooled_interval,
    signed_rank,
)
from dogcam.statistics.clusters import linearised, means_within, numbered, totals
from dogcam.statistics.resampling import resample_counts

RESAMPLES = 600
PICTURES = np.array([f"picture {n}" for n in np.repeat(np.arange(30), np.arange(30) % 4 + 1)])


def scores_of(pictures, columns=2, between=0.25, within=0.05, seed=0):
    """Scores whose rows in a picture are much alike, about 0."""
    rng = np.random.default_rng(seed)
    numbers = np.unique(pictures, return_inverse=True)[1]
    shared = rng.normal(0, between, (numbers.max() + 1, columns))
    return shared[numbers] + rng.normal(0, within, (len(numbers), columns))


def drawn(pictures, resamples=RESAMPLES, seed=0):
    """The rows of each resample: pictures are drawn, and all rows of each come along."""
    names = list(dict.fromkeys(pictures))
    rows = [np.flatnonzero(pictures == name) for name in names]
    for counts in np.concatenate(list(resample_counts(len(names), resamples, seed))):
        yield np.concatenate([np.tile(own, count) for own, count in zip(rows, counts, strict=True)])


def ends(found):
    return found.low, found.high


class TestAgainstAClusterBootstrapWrittenOut:
    def test_means(self):
        scores = scores_of(PICTURES)
        scores[3, 1] = np.nan
        found = intervals(scores, method="percentile", confidence=0.9, resamples=RESAMPLES, pictures=PICTURES)
        resampled = np.array([np.nanmean(scores[rows], axis=0) for rows in drawn(PICTURES)])
        for place, each in enumerate(found):
            inside = (resampled[:, place] >= each.low) & (resampled[:, place] <= each.high)
            assert each.value == pytest.approx(np.nanmean(scores[:, place]), abs=1e-12)
            # Cut a little further out than at 90 %, for 30 pictures: see `intervals`.
            assert 0.9 <= inside.mean() < 0.93
            assert (each.n, each.pictures) == (len(PICTURES) - place, 30)

    def test_bca_jackknifes_pictures(self):
        """The acceleration by its definition, and the levels that follow from it on the resamples written out."""
        scores = np.exp(scores_of(PICTURES, 1, 0.8)[:, 0])
        (found,) = intervals(scores, resamples=RESAMPLES, pictures=PICTURES)
        left_out = np.array([scores[name != PICTURES].mean() for name in dict.fromkeys(PICTURES)])
        deviation = left_out.mean() - left_out
        acceleration = (deviation**3).sum() / (6 * (deviation**2).sum() ** 1.5)
        resampled = np.array([scores[rows].mean() for rows in drawn(PICTURES)])
        bias = stats.norm.ppf((resampled < scores.mean()).mean())
        tail = np.sqrt(30 / 29) * stats.t.ppf(0.975, 29)
        levels = [stats.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (-tail, tail)]
        assert ends(found) == pytest.approx(np.quantile(resampled, levels), abs=1e-9)
        assert found.method == "bca"

    def test_medians(self):
        scores = scores_of(PICTURES, 1)
        (found,) = median_intervals(scores, resamples=RESAMPLES, pictures=PICTURES)
        resampled = [np.median(scores[rows]) for rows in drawn(PICTURES)]
        assert ends(found) == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=1e-12)
        assert (found.n, found.pictures) == (len(PICTURES), 30)

    def test_pooled_sums(self):
        columns = np.abs(scores_of(PICTURES, 6))
        found = pooled_interval(
            lambda sums: sums[..., 0] / sums[..., 1:].sum(-1), columns, resamples=RESAMPLES, pictures=PICTURES
        )
        resampled = [columns[rows, 0].sum() / columns[rows, 1:].sum() for rows in drawn(PICTURES)]
        assert ends(found) == pytest.approx(np.quantile(resampled, [0.025, 0.975]), abs=1e-12)
        assert (found.n, found.pictures) == (len(PICTURES), 30)

    @pytest.mark.parametrize("missing", [False, True])
    def test_paired_differences_are_intervals_of_differences(self, missing):
        scores = scores_of(PICTURES)
        if missing:
            scores[7, 0] = np.nan
        (found,) = paired_intervals(scores, [0], [1], resamples=RESAMPLES, pictures=PICTURES)
        (expected,) = intervals(scores[:, 0] - scores[:, 1], resamples=RESAMPLES, pictures=PICTURES)
        assert ends(found) == pytest.approx(ends(expected), abs=1e-12)


class TestEachRowAPictureOfItsOwn:
    """Not nearly the same: the very same."""

    ALONE = np.array([f"picture {n}" for n in range(40)])

    def test_intervals(self):
        scores = scores_of(self.ALONE)
        assert intervals(scores, pictures=self.ALONE) == intervals(scores)
        assert median_intervals(scores, pictures=self.ALONE, resamples=99) == median_intervals(scores, resamples=99)
        assert compare(scores, ["a", "b"], pictures=self.ALONE) == compare(scores, ["a", "b"])

    def test_over_runs(self):
        scores = np.stack([scores_of(self.ALONE, seed=seed) for seed in range(3)])
        assert intervals_over_runs(scores, pictures=self.ALONE) == intervals_over_runs(scores)
        assert compare(scores, ["a", "b"], pictures=self.ALONE) == compare(scores, ["a", "b"])

    def test_pooled_and_decomposed(self):
        scores = scores_of(self.ALONE)
        score = lambda sums: sums[..., 0]  # noqa: E731
        assert pooled_interval(score, scores, pictures=self.ALONE) == pooled_interval(score, scores)
        value = lambda switched: scores[:, len(switched)]  # noqa: E731
        assert decompose(value, ["relu"], pictures=self.ALONE) == decompose(value, ["relu"])

    def test_they_are_not_numbered(self):
        assert numbered(self.ALONE) is None
        assert numbered(None) is None


class TestEqualRows:
    """Each row three times says no more than once: every figure is that of the rows alone."""

    def test_all_intervals_and_tests(self):
        once = scores_of(np.arange(25))
        thrice, pictures = np.repeat(once, 3, axis=0), np.repeat(np.arange(25), 3)
        for kind in (intervals, median_intervals):
            for found, expected in zip(kind(thrice, pictures=pictures), kind(once), strict=True):
                assert ends(found) == pytest.approx(ends(expected), abs=1e-12)
                assert (found.n, found.pictures) == (75, 25)
        (alone,) = compare(once, ["a", "b"])
        (pair,) = compare(thrice, ["a", "b"], pictures=pictures)
        assert (pair.p, pair.effect) == pytest.approx((alone.p, alone.effect), abs=1e-12)
        assert (pair.wins, pair.ties, pair.losses) == (alone.wins, alone.ties, alone.losses)

    def test_over_runs(self):
        once = np.stack([scores_of(np.arange(25), seed=seed) for seed in range(4)])
        found = intervals_over_runs(np.repeat(once, 3, axis=1), pictures=np.repeat(np.arange(25), 3))
        for each, expected in zip(found, intervals_over_runs(once), strict=True):
            assert (each.value, *ends(each)) == pytest.approx((expected.value, *ends(expected)), abs=1e-12)
            assert (each.n, each.pictures, each.runs) == (75, 25, 4)


class TestCoverage:
    """Rows of a picture that are much alike: 1,500 experiments of 40 pictures with 1 to 8 rows."""

    SIZES = np.random.default_rng(4).integers(1, 9, 40)

    @pytest.mark.parametrize("runs", [1, 3])
    def test_the_truth_is_held_as_often_as_promised_and_by_rows_it_is_not(self, runs):
        pictures, rng = np.repeat(np.arange(40), self.SIZES), np.random.default_rng(runs)
        shared = rng.normal(0, 0.25, (1, 40, 1500))[:, pictures]
        scores = shared + rng.normal(0, 0.05, (runs, len(pictures), 1500)) + rng.normal(0, 0.01, (runs, 1, 1500))
        kind, given = (intervals, scores[0]) if runs == 1 else (intervals_over_runs, scores)
        options = {"resamples": 600} if runs == 1 else {}
        by_picture, by_row = kind(given, pictures=pictures, **options), kind(given, **options)
        held = [np.mean([each.low <= 0 <= each.high for each in found]) for found in (by_picture, by_row)]
        assert 0.92 < held[0] < 0.97
        assert held[1] < 0.75

    def test_the_test_of_pairs_errs_as_often_as_promised(self):
        pictures, rng = np.repeat(np.arange(40), self.SIZES), np.random.default_rng(9)
        differences = rng.normal(0, 0.25, (40, 800))[pictures] + rng.normal(0, 0.02, (len(pictures), 800))
        numbers = numbered(pictures)
        by_picture = np.mean([signed_rank(means_within(each, numbers)).p < 0.05 for each in differences.T])
        by_row = np.mean([signed_rank(each).p < 0.05 for each in differences.T])
        assert 0.03 < by_picture < 0.07
        assert by_row > 0.25


class TestSumsAndMeans:
    NUMBERS = np.array([0, 1, 0, 2, 1, 0])
    VALUES = np.array([1.0, 2, 3, 4, 5, 9])

    def test_by_hand(self):
        assert totals(self.VALUES, self.NUMBERS).tolist() == [13, 7, 4]
        assert means_within(self.VALUES, self.NUMBERS).tolist() == pytest.approx([13 / 3, 3.5, 4])
        assert numbered(np.array(["b", "a", "b", "c", "a", "b"], object)).tolist() == self.NUMBERS.tolist()

    def test_what_was_not_scored_is_left_out_of_a_mean(self):
        values = np.array([np.nan, 2, 3, np.nan, 4, 5])
        assert means_within(values, self.NUMBERS).tolist()[:2] == [4, 3]
        assert np.isnan(means_within(values, self.NUMBERS)[2])

    def test_no_rows(self):
        assert totals(np.zeros((0, 3)), np.zeros(0, int)).shape == (0, 3)

    def test_linearised_scores_keep_each_run_s_mean(self):
        scores = np.random.default_rng(0).random((3, 6))
        assert linearised(scores, self.NUMBERS).mean(axis=1) == pytest.approx(scores.mean(axis=1))

    def test_too_few_pictures_have_no_interval_however_many_rows(self):
        (found,) = intervals(np.arange(30.0), pictures=np.arange(30) % 9)
        assert (found.n, found.pictures, found.reason) == (30, 9, "too-few")
        (over_runs,) = intervals_over_runs(np.arange(60.0).reshape(2, 30, 1), pictures=np.arange(30) % 9)
        assert (over_runs.n, over_runs.pictures, over_runs.reason) == (30, 9, "too-few")
