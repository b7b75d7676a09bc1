"""One paired difference of means with Student's t interval: what the findings are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """A paired difference of means, with its confidence interval."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def verdict(self) -> str:
        """ "above", "below" or "undecided": whether the interval lies on one side of 0."""
        if self.low > 0:
            return "above"
        return "below" if self.high < 0 else "undecided"


def paired_difference(first: np.ndarray, second: np.ndarray, confidence: float = 0.95) -> Difference:
    """The mean of first - second over the same images, with Student's t interval.

    Args:
        first, second: (n,) scores of the same n images in the same order.

    Raises:
        ValueError: they are not of equal length, which NumPy would stretch to fit.

    Returns:
        The interval is infinite where n < 2, so that nothing is decided from one image.
    """
    if np.shape(first) != np.shape(second):
        raise ValueError(f"paired scores must be of the same images; received {np.shape(first)} and {np.shape(second)}")
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    mean, n = float(difference.mean()), len(difference)
    if n < 2:
        return Difference(mean, float("-inf"), float("inf"), n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * difference.std(ddof=1) / np.sqrt(n))
    return Difference(mean, mean - half, mean + half, n)
