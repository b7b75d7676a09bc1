"""Intervals over several training runs that were scored on the same images.

Runs and images are crossed, not nested: a hard image is hard in every run. Resampling images afresh within each
resampled run would treat R runs of n images as R·n different images, and the interval would be too narrow by up to √R
where images vary more than runs. So a resample draws runs and, independently, ONE set of images for all of them
(the pigeonhole bootstrap, Owen 2007).

Few runs are the rule here, though, and no resampling of three runs can leave their range, which holds the mean of all
possible runs in only three cases of four. The interval therefore comes from the same crossed model in closed form, by
default: x_ri = µ + a_r + b_i + e_ri with random runs a and images b, so that
    Var(mean) = (MS_runs + MS_images - MS_rest) / (R n),
with Student's t and Satterthwaite's degrees of freedom (as for readers and cases: Obuchowski and Rockette 1995, Hillis 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from dogcam.statistics.intervals import LEAST, Interval, quantiles
from dogcam.statistics.resampling import RESAMPLES, resample_counts, resample_weights


@dataclass(frozen=True)
class CrossedMean:
    """A mean over runs and images, its standard error and the error's degrees of freedom, of one column."""

    mean: float
    error: float
    degrees: float
    n: int
    runs: int

    @property
    def p(self) -> float:
        """Two-sided p of the mean being 0; 1 where nothing varies about 0, 0 where nothing varies off it."""
        if np.isnan(self.error):
            return float("nan")
        if self.error == 0:
            return float(self.mean == 0)
        return float(2 * stats.t.sf(abs(self.mean) / self.error, self.degrees))


def crossed_mean(scores: np.ndarray) -> CrossedMean:
    """The crossed analysis of variance of (runs, n) scores; images that a run did not score are left out of all."""
    scores = scores[:, np.isfinite(scores).all(axis=0)]
    runs, n = scores.shape
    if n < 2:
        return CrossedMean(float(scores.mean()) if n else float("nan"), float("nan"), float("nan"), n, runs)
    mean, of_runs, of_images = scores.mean(), scores.mean(axis=1), scores.mean(axis=0)
    rest = scores - of_runs[:, None] - of_images + mean
    squares = [n * of_runs.var(ddof=1), runs * of_images.var(ddof=1), (rest**2).sum() / ((runs - 1) * (n - 1))]
    # Neither mean square is smaller than the rest's but by chance.
    variance = max(squares[0] + squares[1] - squares[2], squares[0], squares[1])
    freedom = (runs - 1, n - 1, (runs - 1) * (n - 1))
    uncertainty = sum(square**2 / f for square, f in zip(squares, freedom, strict=True))
    degrees = variance**2 / uncertainty if uncertainty > 0 else float("inf")
    return CrossedMean(float(mean), float(np.sqrt(variance / (runs * n))), float(max(degrees, runs - 1)), n, runs)


def intervals_over_runs(
    scores: np.ndarray,
    *,
    method: str = "t",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    least: int = LEAST,
) -> tuple[Interval, ...]:
    """Intervals of each column's mean that hold for other images AND for training again with other seeds.

    Args:
        scores: (runs, n, m), the same images in the same order in every run; an image that a run did not score (NaN)
            is left out of that column.
        method: "t", the closed form above; "crossed", the percentile bootstrap, which is too narrow below some 10 runs.

    Raises:
        ValueError: fewer than two runs (use `intervals`), another shape, an unknown method.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 3 or len(scores) < 2:
        raise ValueError(f"scores are (runs, images, methods) of two runs or more; received shape {scores.shape}")
    if method not in ("t", "crossed"):
        raise ValueError(f'the interval over runs is "t" or "crossed"; received {method!r}')
    if np.isinf(scores).any():
        raise ValueError("scores must be finite, or NaN where an image was not scored; received infinite ones")
    means = [crossed_mean(scores[:, :, column]) for column in range(scores.shape[2])]
    if method == "t":
        return tuple(_by_t(each, confidence, least) for each in means)
    ends = _by_resampling(scores, confidence, resamples, seed)
    return tuple(_made(each, low, high, "crossed", confidence, least) for each, (low, high) in zip(means, ends, strict=True))


def interval_of_run_scores(
    values: np.ndarray, spread: np.ndarray, n: int, *, confidence: float = 0.95, least: int = LEAST
) -> Interval:
    """The interval of the mean over runs of a score that is no mean over images, such as a median.

    Var(mean) = the variance over resamples of images, the same for all runs, + that between runs / R, with Student's t and
    Satterthwaite's degrees of freedom. What is noise of both counts twice, which errs on the wide side.

    Args:
        values: (runs,), the score of each run.
        spread: (resamples, runs), the scores of the same resamples of images in each run.
        n: the images.

    Raises:
        ValueError: fewer than two runs, or shapes that do not fit.
    """
    runs = len(values)
    if runs < 2 or spread.ndim != 2 or spread.shape[1] != runs:
        raise ValueError(f"a spread (resamples, runs) of two runs or more is expected; received {spread.shape}, {runs}")
    parts = np.array([spread.mean(axis=1).var(ddof=1), np.var(values, ddof=1) / runs])
    uncertainty = (parts**2 / (max(n - 1, 1), runs - 1)).sum()
    degrees = parts.sum() ** 2 / uncertainty if uncertainty > 0 else float("inf")
    return _by_t(CrossedMean(float(np.mean(values)), float(np.sqrt(parts.sum())), degrees, n, runs), confidence, least)


def _by_t(found: CrossedMean, confidence: float, least: int) -> Interval:
    half = stats.t.ppf((1 + confidence) / 2, found.degrees) * found.error
    return _made(found, found.mean - half, found.mean + half, "t", confidence, least)


def _made(found: CrossedMean, low: float, high: float, method: str, confidence: float, least: int) -> Interval:
    reason = "few-runs" if found.runs < (10 if method == "crossed" else 3) else ""
    if found.n < least:
        low = high = float("nan")
        method, reason = "none", "too-few"
    return Interval(found.mean, float(low), float(high), found.n, method, confidence, reason, found.runs)


def _by_resampling(scores: np.ndarray, confidence: float, resamples: int, seed: int) -> np.ndarray:
    """The percentile ends (m, 2) of the pigeonhole bootstrap: counts of images times scores, weighted by counts of runs."""
    runs, n, columns = scores.shape
    scored = np.isfinite(scores).all(axis=0)
    flat = np.where(scored, scores, 0).transpose(1, 0, 2).reshape(n, runs * columns)
    of_runs = np.concatenate(list(resample_counts(runs, resamples, seed + 1)))
    chunks, start = [], 0
    for counts in resample_weights(n, resamples, seed):
        drawn = of_runs[start : start + len(counts)] / runs
        sums = (counts @ flat).reshape(len(counts), runs, columns)
        images = counts @ scored.astype(np.float64)
        above = np.einsum("br,brm->bm", drawn, sums)
        chunks.append(np.divide(above, images, out=np.full_like(above, np.nan), where=images > 0))
        start += len(counts)
    spread = np.sort(np.concatenate(chunks).T, axis=1)
    return quantiles(spread, np.tile([(1 - confidence) / 2, (1 + confidence) / 2], (columns, 1)))
