"""Bootstrap resamples of images as counts, so that one matrix product serves all methods (Efron and Tibshirani 1993).

Drawing n of n images with replacement is the same as saying how often each image was drawn. With the counts C
(resamples x n) and the scores X (n x methods), C X / n holds the resampled means of every method over the SAME
resamples, which is what makes their differences paired.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

RESAMPLES = 10_000
# Counts that are held at once: 8 MB of them, so that memory does not grow with the number of resamples.
_AT_ONCE = 1 << 20


def resample_counts(n: int, resamples: int, seed: int, at_once: int = _AT_ONCE) -> Iterator[np.ndarray]:
    """How often each of n images is drawn in each resample.

    Args:
        seed: the same seed and n give the same resamples, whatever `at_once` and whatever is computed from them.
        at_once: how many counts to hold in memory.

    Yields:
        int64 (rows, n), `resamples` rows in all, each of sum n.
    """
    rng = np.random.default_rng(seed)
    rows = max(1, at_once // n)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = rng.integers(0, n, (size, n))
        drawn += n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)


def resampled_sums(columns: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """The sums of each of the columns (n, m) over each resample: float64 (resamples, m)."""
    columns = np.ascontiguousarray(columns, np.float64)
    chunks = resample_counts(len(columns), resamples, seed)
    return np.concatenate([counts.astype(np.float64) @ columns for counts in chunks])


def resampled_ratios(numerator: np.ndarray, denominator: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Σ numerator / Σ denominator over each resample, column by column.

    Args:
        numerator, denominator: (n, m); with a denominator of ones these are means.

    Returns:
        float64 (resamples, m); NaN where a resample's denominators add up to 0.
    """
    if (denominator == 1).all():
        return resampled_sums(numerator, resamples, seed) / len(numerator)
    # Methods mostly lack the same images: a denominator that several share is added up once.
    unlike: dict[bytes, int] = {}
    place = [unlike.setdefault(column.tobytes(), len(unlike)) for column in denominator.T]
    kept = denominator[:, [place.index(number) for number in range(len(unlike))]]
    sums = resampled_sums(np.hstack([numerator, kept]), resamples, seed)
    above, below = sums[:, : len(place)], sums[:, len(place) :][:, place]
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)


def resampled_medians(scores: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """The medians of each of the columns (n, m) over each resample, NaN left out.

    A median is no sum: each column is put in order and the counts are added up along it, which for one column takes
    about as long as drawing the resamples.

    Returns:
        float64 (resamples, m); NaN where a resample holds no number.
    """
    orders = [np.argsort(column)[: np.isfinite(column).sum()] for column in scores.T]  # NaN comes last
    ordered = [column[order] for column, order in zip(scores.T, orders, strict=True)]
    chunks = []
    for counts in resample_counts(len(scores), resamples, seed):
        counts = counts.astype(np.int32)
        found = [_medians(v, np.take(counts, o, axis=1)) for v, o in zip(ordered, orders, strict=True)]
        chunks.append(np.column_stack(found))
    return np.concatenate(chunks)


def _medians(ordered: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The medians of the `ordered` values (k,), each repeated as often as the rows of `counts` (rows, k) say."""
    rows, k = counts.shape
    if not k:
        return np.full(rows, np.nan)
    # Added up through all rows at once, the counts never fall: one search finds every row's middle.
    reached = np.cumsum(counts)
    ends = reached[k - 1 :: k]
    total = np.diff(ends, prepend=0)
    middle = []
    for place in ((total - 1) // 2, total // 2):
        found = np.searchsorted(reached, ends - total + place, side="right") - k * np.arange(rows)
        middle.append(ordered[np.clip(found, 0, k - 1)])
    return np.where(total > 0, (middle[0] + middle[1]) / 2, np.nan)
