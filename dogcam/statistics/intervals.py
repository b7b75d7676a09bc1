"""Bootstrap intervals over images, for means, shares above a threshold, ratios and medians.

Where several rows are of one picture, pictures are resampled, each with all of its rows, and the figure stays that over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from dogcam.statistics.clusters import numbered, totals
from dogcam.statistics.levels import bca_levels, quantiles, widened
from dogcam.statistics.resampling import RESAMPLES, resampled_medians, resampled_ratios

# Below this the intervals of skewed scores were seen to hold the truth in as few as 91 of 100 simulations.
_FEW = 30
# Below this a resample holds too few different images for the spread of resamples to resemble that of new samples.
LEAST = 10
METHODS = ("bca", "percentile", "none", "t")
REASONS = {
    "": "nothing is to be known",
    "too-few": "no interval: fewer images were scored than `LEAST`; over several runs, scored in every one",
    "undefined": "no interval: the denominators add up to 0",
    "constant": "all images agree, so that resampling cannot tell what others would do",
    "one-sided": "BCa is not defined, since all resamples lie on one side of the figure",
    "few": "of so few images that the interval is too narrow where scores are skewed",
    "few-runs": "of so few runs that the interval is too narrow where these differ much",
}


@dataclass(frozen=True)
class Interval:
    """A figure with its confidence interval, and how it was come by.

    Attributes:
        value: the figure on the images themselves.
        low, high: the interval; NaN where none can be given, and then `reason` says why.
        n: the images it rests on; in a set with several classes in a picture the rows.
        method: one of `METHODS`, what was done and not merely what was asked for.
        confidence: 0.95 unless it was widened for several comparisons.
        reason: a key of `REASONS`: what is to be known about the interval; empty where there is nothing.
        runs: the training runs it rests on.
        pictures: those that its rows are of, which were resampled; null where each row is a picture of its own.
    """

    value: float
    low: float
    high: float
    n: int
    method: str = "percentile"
    confidence: float = 0.95
    reason: str = ""
    runs: int = 1
    pictures: int | None = None

    @property
    def units(self) -> int:
        """How many there are of what was resampled: pictures where these have several rows, else rows."""
        return self.n if self.pictures is None else self.pictures

    @property
    def mean(self) -> float:
        """The figure, under the name that a `Pair` has for it, so that this can stand wherever one can."""
        return self.value

    @property
    def verdict(self) -> str:
        """ "above", "below" or "undecided": whether the interval lies on one side of 0."""
        if self.low > 0:
            return "above"
        return "below" if self.high < 0 else "undecided"

    @property
    def unseen(self) -> float:
        """The largest share of images that may differ from n that all agree, with this confidence: 1 - (1 - c)^(1/n)."""
        return 1 - (1 - self.confidence) ** (1 / self.units)


def at_least(scores: np.ndarray, threshold: float) -> np.ndarray:
    """1 where a score reaches the threshold, 0 where not, NaN where there is none: the mean is the share that does."""
    scores = np.asarray(scores, np.float64)
    return np.where(np.isnan(scores), np.nan, scores >= threshold)


def intervals(
    scores: np.ndarray,
    over: np.ndarray | None = None,
    *,
    method: str = "bca",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    least: int = LEAST,
    pictures: np.ndarray | None = None,
) -> tuple[Interval, ...]:
    """Bootstrap intervals of each column's mean, or of Σ scores / Σ over, from the same resamples of images.

    A share is the mean of `at_least(scores, threshold)`; a weighted mean Σ w x / Σ w is `intervals(w * x, over=w)`.

    Args:
        scores: (n, m) or (n,), one row per image; NaN means not scored, and the image is left out of that column.
        over: (n, m) or (n,), the denominators of a ratio; None counts each scored image once.
        method: "bca", bias-corrected and accelerated (Efron 1987), whose coverage is second-order correct for skewed
            scores; or "percentile". Where BCa is not defined the percentile interval stands in, and says so. Both cut a
            little further out than at the plain quantiles, since resamples of n images spread less than new samples do
            (by √((n - 1) / n), and normally rather than as Student's t: Hesterberg 2015). It is nothing at 1,000 images;
            of 50 it makes 95 % of what were 94.
        least: with fewer scored images than this no interval is given.
        pictures: (n,), the picture of each row; None means that each is one of its own.

    Raises:
        ValueError: shapes that do not fit, infinite scores, an unknown method, impossible numbers.
    """
    _check_options(method, ("bca", "percentile"), confidence, resamples)
    ratios = _ratios(scores, over, numbered(pictures))
    spread = partial(resampled_ratios, ratios.numerator, ratios.denominator, resamples, seed)
    return _of_ratios(ratios, spread, method, confidence, least)


def paired_intervals(
    scores: np.ndarray,
    first: Sequence[int],
    second: Sequence[int],
    *,
    method: str = "bca",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    least: int = LEAST,
    pictures: np.ndarray | None = None,
) -> tuple[Interval, ...]:
    """Intervals of the mean of column first[i] - column second[i], over the images that both scored.

    The same as `intervals(scores[:, first] - scores[:, second])`. Where every image was scored, the columns are resampled
    rather than their many pairs, since the means' differences are the differences' means.

    Raises:
        ValueError: as `intervals`.
    """
    _check_options(method, ("bca", "percentile"), confidence, resamples)
    scores, numbers = _matrix(scores, "scores"), numbered(pictures)
    ratios = _ratios(scores[:, first] - scores[:, second], None, numbers)
    complete = not np.isnan(scores).any()

    def replicates() -> np.ndarray:
        if not complete:
            return resampled_ratios(ratios.numerator, ratios.denominator, resamples, seed)
        each = _ratios(scores, None, numbers)
        means = resampled_ratios(each.numerator, each.denominator, resamples, seed)
        return means[:, first] - means[:, second]

    return _of_ratios(ratios, replicates, method, confidence, least)


class _Counts(NamedTuple):
    """What figures rest on: rows (m,), and the pictures (m,) that these are of, None where each row is one of its own."""

    rows: np.ndarray
    pictures: np.ndarray | None

    @property
    def units(self) -> np.ndarray:
        """(m,), of what is resampled."""
        return self.rows if self.pictures is None else self.pictures

    def made(self, place: int, value: float, low: float, high: float, how: tuple[str, float, str]) -> Interval:
        """The interval of a column."""
        pictures = None if self.pictures is None else int(self.pictures[place])
        return Interval(float(value), low, high, int(self.rows[place]), *how, pictures=pictures)

    def without(self, values: np.ndarray, confidence: float, least: int) -> tuple[Interval, ...]:
        """Figures (m,) that no interval can be given for."""
        return tuple(self.too_few(place, value, confidence, least) for place, value in enumerate(values))

    def too_few(self, place: int, value: float, confidence: float, least: int) -> Interval:
        """The figure of a column, without an interval."""
        reason = "too-few" if self.units[place] < least else "undefined"
        return self.made(place, value, float("nan"), float("nan"), ("none", confidence, reason))


class _Ratios(NamedTuple):
    """Figures Σ numerator / Σ denominator (g, m), a row for each picture, and what they rest on."""

    numerator: np.ndarray
    denominator: np.ndarray
    counts: _Counts


def _of_ratios(
    ratios: _Ratios, replicates: Callable[[], np.ndarray], method: str, confidence: float, least: int
) -> tuple[Interval, ...]:
    """The intervals of ratios, column by column, from their `replicates` (resamples, m)."""
    numerator, denominator, counts = ratios
    total = denominator.sum(axis=0)
    observed = np.divide(numerator.sum(axis=0), total, out=np.full(len(total), np.nan), where=total != 0)
    if not (counts.units >= least).any():
        return counts.without(observed, confidence, least)
    spread = np.sort(replicates().T, axis=1)
    acceleration = _acceleration(numerator, denominator) if method == "bca" else None
    return _assembled(observed, spread, acceleration, widened(confidence, counts.units), counts, confidence, least)


def median_intervals(
    scores: np.ndarray,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    least: int = LEAST,
    pictures: np.ndarray | None = None,
) -> tuple[Interval, ...]:
    """Percentile intervals of each column's median, from the same resamples as `intervals`.

    Not BCa: its acceleration comes from the jackknife, which is not consistent for a median (Miller 1974).

    Args:
        scores: (n, m) or (n,), NaN where an image was not scored.
        pictures: as of `intervals`.

    Raises:
        ValueError: infinite scores, impossible numbers.
    """
    _check_options("percentile", ("percentile",), confidence, resamples)
    scores, numbers = _matrix(scores, "scores"), numbered(pictures)
    counts = _counted(np.isfinite(scores), numbers)
    there = [column[np.isfinite(column)] for column in scores.T]
    observed = np.array([np.median(column) if len(column) else np.nan for column in there])
    if not (counts.units >= least).any():
        return counts.without(observed, confidence, least)
    spread = np.sort(resampled_medians(scores, resamples, seed, numbers).T, axis=1)
    tails = np.tile([(1 - confidence) / 2, (1 + confidence) / 2], (len(observed), 1))
    return _assembled(observed, spread, None, tails, counts, confidence, least)


def _check_options(method: str, known: tuple[str, ...], confidence: float, resamples: int) -> None:
    if method not in known:
        raise ValueError(f"the interval is one of {', '.join(known)}; received {method!r}")
    if not 0 < confidence < 1 or resamples < 1:
        raise ValueError(f"confidence lies between 0 and 1 and resamples from 1 up; received {confidence}, {resamples}")


def _matrix(values: np.ndarray, name: str) -> np.ndarray:
    """Values (n,) or (n, m) -> float64 (n, m)."""
    values = np.asarray(values, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2:
        raise ValueError(f"{name} are one row per image and one column per method; received shape {values.shape}")
    if np.isinf(values).any():
        raise ValueError(f"{name} must be finite, or NaN where an image was not scored; received infinite ones")
    return values


def _ratios(scores: np.ndarray, over: np.ndarray | None, numbers: np.ndarray | None) -> _Ratios:
    """Numerators and denominators added up over the rows of each picture, with zeros where a row was not scored."""
    numerator = _matrix(scores, "scores")
    denominator = np.ones_like(numerator) if over is None else _matrix(over, "denominators")
    if len(numerator) != len(denominator) or denominator.shape[1] not in (1, numerator.shape[1]):
        raise ValueError(f"denominators of shape {denominator.shape} do not fit scores of {numerator.shape}")
    denominator = np.broadcast_to(denominator, numerator.shape)
    scored = ~(np.isnan(numerator) | np.isnan(denominator))
    above, below = (totals(np.where(scored, values, 0), numbers) for values in (numerator, denominator))
    return _Ratios(above, below, _counted(scored, numbers))


def _counted(scored: np.ndarray, numbers: np.ndarray | None) -> _Counts:
    """Rows and pictures, column by column, of the rows that were `scored` (n, m)."""
    pictures = None if numbers is None else (totals(scored.astype(int), numbers) > 0).sum(axis=0)
    return _Counts(scored.sum(axis=0), pictures)


def _acceleration(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """a = Σ U³ / (6 (Σ U²)^1.5), U the jackknife's deviations: each ratio without image i, exactly (Efron 1987, eq. 7.3).

    Images that were not scored take no part. NaN where leaving images out changes nothing.
    """
    scored = (numerator != 0) | (denominator != 0)
    rest = denominator.sum(axis=0) - denominator
    without = np.divide(numerator.sum(axis=0) - numerator, rest, out=np.zeros_like(rest), where=rest != 0)
    mean = (without * scored).sum(axis=0) / np.maximum(scored.sum(axis=0), 1)
    deviation = np.where(scored, mean - without, 0)
    scale = np.abs(deviation).max(axis=0)
    deviation = np.divide(deviation, scale, out=np.zeros_like(deviation), where=scale > 1e-14)
    square = (deviation**2).sum(axis=0)
    return np.divide((deviation**3).sum(axis=0), 6 * square**1.5, out=np.full_like(square, np.nan), where=square > 0)


def _assembled(
    observed: np.ndarray,
    spread: np.ndarray,
    acceleration: np.ndarray | None,
    tails: np.ndarray,
    counts: _Counts,
    confidence: float,
    least: int,
) -> tuple[Interval, ...]:
    """The intervals of all columns; `spread` (m, resamples) is sorted, NaN last; `tails` (m, 2)."""
    levels = tails.copy()
    corrected = np.zeros(len(observed), bool)
    if acceleration is not None:
        found = bca_levels(observed, spread, acceleration, tails)
        corrected = np.isfinite(found).all(axis=1)
        levels[corrected] = found[corrected]
    ends = quantiles(spread, levels)
    made = []
    for place, (value, count) in enumerate(zip(observed.tolist(), counts.units.tolist(), strict=True)):
        if count < least or np.isnan(ends[place]).any():
            made.append(counts.too_few(place, value, confidence, least))
            continue
        low, high = ends[place].tolist()
        method = "bca" if corrected[place] else "percentile"
        reason = _stands_in(low, high, count, acceleration is not None and not corrected[place])
        made.append(counts.made(place, value, low, high, (method, confidence, reason)))
    return tuple(made)


def _stands_in(low: float, high: float, n: int, fell_back: bool) -> str:
    """What must be said of an interval that resampling could not spread, or that BCa could not correct."""
    if high - low <= 1e-12 * max(1, abs(low)):
        return "constant"
    return "one-sided" if fell_back else "few" if n < _FEW else ""
