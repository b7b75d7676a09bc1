"""Bootstrap resamples of images as counts, so that one matrix product serves all methods (Efron and Tibshirani 1993).

Drawing n of n images with replacement is the same as saying how often each image was drawn. With the counts C
(resamples x n) and the scores X (n x methods), C X / n holds the resampled means of every method over the SAME
resamples, which is what makes their differences paired.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import numpy as np

RESAMPLES = 10_000
# Counts that are handed out at once: 8 MB of them as floats, so that memory does not grow with the number of resamples.
_AT_ONCE = 1 << 20
# Counts that are drawn at once: few enough to stay in a processor's cache, where they are counted at random places.
_DRAWN_AT_ONCE = 1 << 18
# Bytes of resamples that are kept for the next call. Drawing them takes most of the time that an interval takes, and a
# report asks for the same ones again and again: 10,000 resamples of up to 13,000 images, or those of many small groups.
_MOST_KEPT = 1 << 27
_kept: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()


def resample_counts(n: int, resamples: int, seed: int, at_once: int = _AT_ONCE) -> Iterator[np.ndarray]:
    """How often each of n images is drawn in each resample.

    Args:
        seed: the same seed and n give the same resamples, whatever `at_once` and whatever is computed from them.
        at_once: how many counts to hand out at once.

    Yields:
        uint8 (rows, n), not to be written to, `resamples` rows in all, each of sum n.
    """
    if n * resamples > _MOST_KEPT:
        yield from _drawn(n, resamples, seed, at_once)
        return
    counts = _shared(n, resamples, seed)
    rows = max(1, at_once // n)
    for start in range(0, resamples, rows):
        yield counts[start : min(start + rows, resamples)]


def _shared(n: int, resamples: int, seed: int) -> np.ndarray:
    """The counts (resamples or more, n), kept from the last call that asked for them; the least used ones are let go."""
    counts = _kept.pop((n, seed), None)
    if counts is None or len(counts) < resamples:
        while _kept and sum(each.size for each in _kept.values()) + n * resamples > _MOST_KEPT:
            _kept.popitem(last=False)
        counts, filled = np.empty((resamples, n), np.uint8), 0
        for each in _drawn(n, resamples, seed, _DRAWN_AT_ONCE):
            counts[filled : filled + len(each)] = each
            filled += len(each)
        counts.flags.writeable = False
    _kept[n, seed] = counts
    return counts


def _drawn(n: int, resamples: int, seed: int, at_once: int) -> Iterator[np.ndarray]:
    """The counts, drawn anew."""
    rng = np.random.default_rng(seed)
    rows = max(1, at_once // n)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        drawn = rng.integers(0, n, (size, n))
        drawn += n * np.arange(size)[:, None]
        # That one image is drawn more than 255 times is less likely than 1 in 10^500.
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.uint8)


def resample_weights(n: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """The counts as float64, ready for a product; the next ones are written over them, since fresh memory is slow."""
    held = np.empty((0, n))
    for counts in resample_counts(n, resamples, seed):
        held = held if len(held) else np.empty(counts.shape)
        weights = held[: len(counts)]
        weights[:] = counts
        yield weights


def resampled_sums(columns: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """The sums of each of the columns (n, m) over each resample: float64 (resamples, m)."""
    columns = np.ascontiguousarray(columns, np.float64)
    return np.concatenate([weights @ columns for weights in resample_weights(len(columns), resamples, seed)])


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


def resampled_medians(scores: np.ndarray, resamples: int, seed: int, numbers: np.ndarray | None = None) -> np.ndarray:
    """The medians of each of the columns (n, m) over each resample, NaN left out.

    A median is no sum: each column is put in order and the counts are added up along it, which for one column takes
    about as long as drawing the resamples.

    Args:
        numbers: the picture of each row, see `clusters.numbered`: its rows are drawn together.

    Returns:
        float64 (resamples, m); NaN where a resample holds no number.
    """
    orders = [np.argsort(column)[: np.isfinite(column).sum()] for column in scores.T]  # NaN comes last
    ordered = [column[order] for column, order in zip(scores.T, orders, strict=True)]
    places = orders if numbers is None else [numbers[order] for order in orders]
    chunks = []
    for counts in resample_counts(len(scores) if numbers is None else int(numbers.max()) + 1, resamples, seed):
        found = [_medians(v, np.take(counts, o, axis=1)) for v, o in zip(ordered, places, strict=True)]
        chunks.append(np.column_stack(found))
    return np.concatenate(chunks)


def _medians(ordered: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The medians of the `ordered` values (k,), each repeated as often as the rows of `counts` (rows, k) say."""
    rows, k = counts.shape
    if not k:
        return np.full(rows, np.nan)
    # Added up through all rows at once, the counts never fall: one search finds every row's middle.
    reached = np.cumsum(counts, dtype=np.int32)
    ends = reached[k - 1 :: k]
    total = np.diff(ends, prepend=0)
    middle = []
    for place in ((total - 1) // 2, total // 2):
        # Of the same type as what is searched, which would be copied otherwise.
        wanted = (ends - total + place).astype(np.int32)
        found = np.searchsorted(reached, wanted, side="right") - k * np.arange(rows)
        middle.append(ordered[np.clip(found, 0, k - 1)])
    return np.where(total > 0, (middle[0] + middle[1]) / 2, np.nan)
