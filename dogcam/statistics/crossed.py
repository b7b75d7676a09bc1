"""Intervals over several training runs that were scored on the same images.

Runs and images are crossed, not nested: a hard image is hard in every run. To treat R runs of n images as R·n different
images would make the interval too narrow by up to √R where images vary more than runs. A bootstrap would draw runs and,
independently, ONE set of images for all of them (the pigeonhole bootstrap, Owen 2007).

Few runs are the rule here, though, and no resampling of three runs can leave their range, which holds the mean of all
possible runs in only three cases of four. The interval therefore comes from the crossed model in closed form:
x_ri = µ + a_r + b_i + e_ri with random runs a and images b, so that
    Var(mean) = (MS_runs + MS_images - MS_rest) / (R n),
with Student's t and Satterthwaite's degrees of freedom (as for readers and cases: Obuchowski and Rockette 1995, Hillis 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dogcam.statistics.clusters import linearised, numbered
from dogcam.statistics.intervals import LEAST, Interval


@dataclass(frozen=True)
class CrossedMean:
    """A mean over runs and images, its standard error and the error's degrees of freedom, of one column."""

    mean: float
    error: float
    degrees: float
    n: int
    runs: int
    pictures: int | None = None  # as of an `Interval`

    @property
    def p(self) -> float:
        """Two-sided p of the mean being 0; 1 where nothing varies about 0, 0 where nothing varies off it."""
        if np.isnan(self.error):
            return float("nan")
        if self.error == 0:
            return float(self.mean == 0)
        return float(2 * stats.t.sf(abs(self.mean) / self.error, self.degrees))


def crossed_mean(scores: np.ndarray, numbers: np.ndarray | None = None) -> CrossedMean:
    """The crossed analysis of variance of (runs, n) scores; images that a run did not score are left out of all.

    Args:
        numbers: the picture of each row, see `clusters.numbered`: pictures are crossed with runs then, not their rows.
    """
    there = np.isfinite(scores).all(axis=0)
    scores = scores[:, there]
    rows = scores.shape[1]
    if numbers is not None:
        scores = linearised(scores, _anew(numbers[there]))
    runs, n = scores.shape
    pictures = None if numbers is None else n
    if n < 2:
        return CrossedMean(float(scores.mean()) if n else float("nan"), float("nan"), float("nan"), rows, runs, pictures)
    mean, of_runs, of_images = scores.mean(), scores.mean(axis=1), scores.mean(axis=0)
    rest = scores - of_runs[:, None] - of_images + mean
    squares = [n * of_runs.var(ddof=1), runs * of_images.var(ddof=1), (rest**2).sum() / ((runs - 1) * (n - 1))]
    # Neither mean square is smaller than the rest's but by chance.
    variance = max(squares[0] + squares[1] - squares[2], squares[0], squares[1])
    freedom = (runs - 1, n - 1, (runs - 1) * (n - 1))
    uncertainty = sum(square**2 / f for square, f in zip(squares, freedom, strict=True))
    degrees = variance**2 / uncertainty if uncertainty > 0 else float("inf")
    error = float(np.sqrt(variance / (runs * n)))
    return CrossedMean(float(mean), error, float(max(degrees, runs - 1)), rows, runs, pictures)


def _anew(numbers: np.ndarray) -> np.ndarray:
    """The numbers of some of the rows without gaps."""
    return np.unique(numbers, return_inverse=True)[1]


def intervals_over_runs(
    scores: np.ndarray, *, confidence: float = 0.95, least: int = LEAST, pictures: np.ndarray | None = None
) -> tuple[Interval, ...]:
    """Intervals of each column's mean that hold for other images AND for training again with other seeds.

    Args:
        scores: (runs, n, m), the same images in the same order in every run; an image that a run did not score (NaN)
            is left out of that column.
        pictures: (n,), the picture of each row; None means that each is one of its own.

    Raises:
        ValueError: fewer than two runs (use `intervals`), another shape.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 3 or len(scores) < 2:
        raise ValueError(f"scores are (runs, images, methods) of two runs or more; received shape {scores.shape}")
    if np.isinf(scores).any():
        raise ValueError("scores must be finite, or NaN where an image was not scored; received infinite ones")
    numbers = numbered(pictures)
    return tuple(_by_t(crossed_mean(column, numbers), confidence, least) for column in np.moveaxis(scores, 2, 0))


def interval_of_run_scores(
    values: np.ndarray, spread: np.ndarray, n: int, *, confidence: float = 0.95, least: int = LEAST, pictures: int | None = None
) -> Interval:
    """The interval of the mean over runs of a score that is no mean over images, such as a median.

    Var(mean) = the variance over resamples of images, the same for all runs, + that between runs / R, with Student's t and
    Satterthwaite's degrees of freedom. What is noise of both counts twice, which errs on the wide side.

    Args:
        values: (runs,), the score of each run.
        spread: (resamples, runs), the scores of the same resamples of images in each run.
        n: the images.
        pictures: of how many pictures these are the rows; None where each is one of its own.

    Raises:
        ValueError: fewer than two runs, or shapes that do not fit.
    """
    runs = len(values)
    if runs < 2 or spread.ndim != 2 or spread.shape[1] != runs:
        raise ValueError(f"a spread (resamples, runs) of two runs or more is expected; received {spread.shape}, {runs}")
    parts = np.array([spread.mean(axis=1).var(ddof=1), np.var(values, ddof=1) / runs])
    uncertainty = (parts**2 / (max((pictures or n) - 1, 1), runs - 1)).sum()
    degrees = parts.sum() ** 2 / uncertainty if uncertainty > 0 else float("inf")
    found = CrossedMean(float(np.mean(values)), float(np.sqrt(parts.sum())), degrees, n, runs, pictures)
    return _by_t(found, confidence, least)


def _by_t(found: CrossedMean, confidence: float, least: int) -> Interval:
    rests_on = found.runs, found.pictures
    if (found.n if found.pictures is None else found.pictures) < least:
        return Interval(found.mean, float("nan"), float("nan"), found.n, "none", confidence, "too-few", *rests_on)
    half = float(stats.t.ppf((1 + confidence) / 2, found.degrees) * found.error)
    reason = "few-runs" if found.runs < 3 else ""
    return Interval(found.mean, found.mean - half, found.mean + half, found.n, "t", confidence, reason, *rests_on)
