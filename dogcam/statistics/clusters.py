"""Rows that belong together: the classes of one picture are not independent, so that what is resampled is the picture.

A mean stays one over rows. Written as a ratio, Σ_p (sum of the rows of p) / Σ_p (number of the rows of p), it is resampled by
drawing pictures with all of their rows: the cluster bootstrap (Davison and Hinkley 1997, section 3.8; Field and Welsh 2007).
Where each row is a picture of its own nothing is added up, and every figure is as without pictures, to the last bit.
"""

from __future__ import annotations

import numpy as np


def numbered(pictures: np.ndarray | None) -> np.ndarray | None:
    """The picture of each row as a number int (n,), in order of first appearance; None where each row has one of its own."""
    if pictures is None:
        return None
    known: dict[object, int] = {}
    numbers = [known.setdefault(each, len(known)) for each in np.asarray(pictures).tolist()]
    return None if len(known) == len(numbers) else np.array(numbers, np.intp)


def totals(values: np.ndarray, numbers: np.ndarray | None) -> np.ndarray:
    """The sums (pictures, ...) over the rows of each picture of `values` (n, ...).

    Args:
        numbers: as `numbered` gives them; with None the values are the sums.
    """
    if numbers is None:
        return values
    order = np.argsort(numbers, kind="stable")
    starts = np.searchsorted(numbers[order], np.arange(numbers.max(initial=-1) + 1))
    return np.add.reduceat(values[order], starts, axis=0) if len(starts) else values[:0]


def means_within(values: np.ndarray, numbers: np.ndarray | None) -> np.ndarray:
    """The mean (pictures,) over the rows of each picture of `values` (n,), NaN left out; NaN where a picture has no number."""
    if numbers is None:
        return values
    there = np.isfinite(values)
    sums, counts = totals(np.where(there, values, 0), numbers), totals(there.astype(np.float64), numbers)
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def linearised(scores: np.ndarray, numbers: np.ndarray | None) -> np.ndarray:
    """Scores (runs, n) of rows -> (runs, pictures) whose mean in each run is that over rows, and whose spread is its own.

    To first order a mean over rows R = Σ s_p / Σ c_p, with c_p rows in picture p, varies as the mean of
    R + (s_p - R c_p) / c̄ (Taylor linearisation of a ratio; Cochran 1977, section 6.3).
    """
    if numbers is None:
        return scores
    sums, counts = totals(scores.T, numbers).T, np.bincount(numbers)
    mean = scores.mean()
    return mean + (sums - mean * counts) / counts.mean()
