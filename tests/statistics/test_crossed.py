"""Intervals over runs: against the analysis of variance written out, a t-test, and their own promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dogcam.statistics import interval_of_run_scores, intervals, intervals_over_runs
from dogcam.statistics.crossed import crossed_mean
from dogcam.statistics.resampling import resample_counts


def runs_of(runs, n, columns, run_spread, seed=0):
    """(runs, n, columns) scores about 0: images vary much, as IoU does, and alike in all runs."""
    rng = np.random.default_rng(seed)
    images = np.where(rng.random((1, n, columns)) < 0.25, 0, rng.beta(4, 1.5, (1, n, columns))) - 0.75 * 4 / 5.5
    return rng.normal(0, run_spread, (runs, 1, columns)) + images + rng.normal(0, 0.1, (runs, n, columns))


def held(low, high):
    return np.mean((low <= 0) & (high >= 0))


def ends(found):
    return np.array([(each.low, each.high) for each in found]).T


def bootstrapped(scores, resamples=1000, seed=0):
    """The ends (2, m) of the pigeonhole bootstrap: runs, and independently one set of images for all of them."""
    runs, n, _ = scores.shape
    scored = np.isfinite(scores).all(axis=0)
    of_runs = np.concatenate(list(resample_counts(runs, resamples, seed + 1))).astype(float)
    of_images = np.concatenate(list(resample_counts(n, resamples, seed))).astype(float)
    sums = np.einsum("br,bi,rim->bm", of_runs, of_images, np.where(scored, scores, 0), optimize=True)
    return np.quantile(sums / (runs * (of_images @ scored)), [0.025, 0.975], axis=0)


@pytest.mark.parametrize("runs", [3, 5])
@pytest.mark.parametrize("run_spread", [0.0, 0.02, 0.1])
def test_it_covers_with_few_runs(runs, run_spread):
    """3,000 experiments each: the standard error of the share is 0.4 %."""
    found = intervals_over_runs(runs_of(runs, 100, 3000, run_spread, seed=runs))
    assert 0.92 < held(*ends(found)) < 0.97


def test_the_bootstrap_does_not_cover_with_few_runs_and_does_with_many():
    assert held(*bootstrapped(runs_of(3, 100, 1500, 0.1), 500)) < 0.9
    many = runs_of(20, 50, 1500, 0.1)
    assert 0.925 < held(*bootstrapped(many, 500)) < 0.97
    assert intervals_over_runs(many)[0].reason == ""


def test_images_are_crossed_with_runs_not_nested():
    """Five equal runs tell no more than one: taking their images for different ones would claim √5 times the certainty."""
    scores = runs_of(1, 200, 1, 0.0)
    (one,) = intervals(scores[0], resamples=2000)
    alike = np.repeat(scores, 5, axis=0)
    (five,) = intervals_over_runs(alike)
    assert (five.n, five.runs) == (200, 5)
    for low, high in ((five.low, five.high), bootstrapped(alike, 2000)[:, 0]):
        assert high - low == pytest.approx(one.high - one.low, rel=0.05)


def test_without_differences_between_images_it_is_students_t_over_runs():
    of_runs = np.array([0.52, 0.55, 0.49, 0.58])
    (found,) = intervals_over_runs(np.repeat(of_runs[:, None], 30, axis=1)[..., None])
    half = 3.182 * of_runs.std(ddof=1) / 2  # t of 3 degrees, from a printed table
    assert (found.low, found.high) == pytest.approx((of_runs.mean() - half, of_runs.mean() + half), abs=1e-5)


def test_the_standard_error_is_that_of_the_analysis_of_variance():
    scores = runs_of(3, 12, 1, 0.3)[:, :, 0]
    grand = scores.mean()
    rows = 12 * sum((run.mean() - grand) ** 2 for run in scores) / 2
    images = 3 * sum((image.mean() - grand) ** 2 for image in scores.T) / 11
    rest = sum((scores[r, i] - scores[r].mean() - scores[:, i].mean() + grand) ** 2 for r in range(3) for i in range(12))
    found = crossed_mean(scores)
    variance = rows + images - rest / 22
    assert found.error == pytest.approx(np.sqrt(variance / 36))
    assert found.degrees == pytest.approx(variance**2 / (rows**2 / 2 + images**2 / 11 + (rest / 22) ** 2 / 22))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(grand) / found.error, found.degrees))


def test_the_bootstrap_is_the_one_written_out():
    scores = runs_of(4, 25, 2, 0.2)
    rng = np.random.default_rng(1)
    drawn = [scores[rng.integers(0, 4, 4)][:, rng.integers(0, 25, 25), 0].mean() for _ in range(6000)]
    assert bootstrapped(scores, 3000, seed=9)[:, 0] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_runs_and_images_are_drawn_independently():
    """Each run scores one image of its own: drawn alike, the two would meet twice as often as they should."""
    rng = np.random.default_rng(1)
    drawn = [np.eye(12)[rng.integers(0, 12, 12)][:, rng.integers(0, 12, 12)].mean() for _ in range(4000)]
    expected = np.quantile(drawn, [0.025, 0.975])
    assert bootstrapped(np.eye(12)[..., None], 4000)[:, 0] == pytest.approx(expected, abs=0.011)


def test_an_image_that_one_run_did_not_score_is_left_out_of_all():
    scores = runs_of(3, 40, 2, 0.02)
    scores[1, :10, 0] = np.nan
    part, whole = intervals_over_runs(scores)
    (alone,) = intervals_over_runs(scores[:, 10:, :1])
    assert (part.n, whole.n) == (30, 40)
    assert part.value == pytest.approx(alone.value)
    assert (part.low, part.high) == pytest.approx((alone.low, alone.high))
    assert (part.low, part.high) == pytest.approx(bootstrapped(scores, 2000)[:, 0], abs=0.1)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_images_are_said(n):
    (found,) = intervals_over_runs(np.zeros((3, n, 1)) if n else np.full((3, 9, 1), np.nan))
    assert np.isnan([found.low, found.high]).all()
    assert found.reason == "too-few"


def test_two_runs_are_warned_of():
    assert intervals_over_runs(runs_of(2, 30, 1, 0.1))[0].reason == "few-runs"


def test_p_of_what_does_not_vary():
    assert crossed_mean(np.zeros((3, 20))).p == 1
    assert crossed_mean(np.full((3, 20), 0.25)).p == 0


@pytest.mark.parametrize(
    ("scores", "match"),
    [(np.ones((1, 20, 2)), "two runs"), (np.ones((20, 2)), "two runs"), (np.full((3, 20, 2), np.inf), "infinite")],
)
def test_what_cannot_be_is_refused(scores, match):
    with pytest.raises(ValueError, match=match):
        intervals_over_runs(scores)


class TestScoresOfRuns:
    """A score that is no mean: where it is the mean after all, the closed form of `intervals_over_runs` is known."""

    def test_of_a_mean_it_is_about_the_crossed_interval(self):
        rng = np.random.default_rng(4)
        scores = rng.normal(0.5, 0.2, 400) + rng.normal(0, 0.05, (3, 1)) + rng.normal(0, 0.02, (3, 400))
        (known,) = intervals_over_runs(scores[..., None])
        counts = rng.multinomial(400, np.full(400, 1 / 400), 4000)
        found = interval_of_run_scores(scores.mean(axis=1), counts @ scores.T / 400, 400)
        assert found.value == pytest.approx(known.value)
        assert found.high - found.low == pytest.approx(known.high - known.low, rel=0.05)
        assert (found.runs, found.method) == (3, "t")

    def test_runs_that_agree_leave_what_images_vary(self):
        spread = np.random.default_rng(0).normal(0.5, 0.1, (5000, 1)).repeat(2, axis=1)
        found = interval_of_run_scores(np.array([0.5, 0.5]), spread, 1000)
        assert found.high - found.low == pytest.approx(2 * 1.96 * 0.1, rel=0.05)

    def test_too_few_images_have_none_and_one_run_is_refused(self):
        assert np.isnan(interval_of_run_scores(np.zeros(2), np.zeros((9, 2)), 9).low)
        with pytest.raises(ValueError, match="two runs or more"):
            interval_of_run_scores(np.zeros(1), np.zeros((9, 1)), 50)
