"""Intervals of scores that are made of sums over all images, such as an average precision of pooled pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dogcam.statistics.clusters import numbered, totals
from dogcam.statistics.intervals import LEAST, Interval
from dogcam.statistics.resampling import RESAMPLES, resample_weights


def pooled_spread(
    score: Callable[..., Any], *columns: np.ndarray, resamples: int = RESAMPLES, seed: int = 0, pictures: np.ndarray | None = None
) -> np.ndarray:
    """`score` of the columns' sums over each resample of images (resamples,); the rows of a picture are drawn together."""
    numbers = numbered(pictures)
    doubles = [totals(np.asarray(column, np.float64), numbers) for column in columns]
    chunks = resample_weights(len(doubles[0]), resamples, seed)
    return np.concatenate([score(*(weights @ column for column in doubles)) for weights in chunks])


def pooled_interval(
    score: Callable[..., Any],
    *columns: np.ndarray,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    least: int = LEAST,
    pictures: np.ndarray | None = None,
) -> Interval:
    """The percentile interval of `score` of the columns' sums, from the same resamples of images as `intervals`.

    Args:
        score: sums (..., k) of each column -> scores (...,).
        columns: (n, k) each, one row per image.
        pictures: (n,), the picture of each row; None means that each is one of its own.

    Raises:
        ValueError: columns of different images, or none.
    """
    if not columns or len({len(column) for column in columns}) != 1:
        raise ValueError(f"columns must be of the same images; received {[np.shape(column) for column in columns]}")
    n, several = len(columns[0]), None if numbered(pictures) is None else len(set(np.asarray(pictures).tolist()))
    value = float(score(*(np.asarray(column, np.float64).sum(axis=0) for column in columns)))
    units = n if several is None else several
    if units < least or not np.isfinite(value):
        reason = "too-few" if units < least else "undefined"
        return Interval(value, float("nan"), float("nan"), n, "none", confidence, reason, pictures=several)
    spread = pooled_spread(score, *columns, resamples=resamples, seed=seed, pictures=pictures)
    low, high = np.nanquantile(spread, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value, float(low), float(high), n, "percentile", confidence, pictures=several)
