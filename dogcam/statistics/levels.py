"""At which quantiles of its resamples an interval is cut: a little further out for few images, and by BCa where it is defined."""

from __future__ import annotations

import numpy as np
from scipy import stats


def widened(confidence: float, n: np.ndarray) -> np.ndarray:
    """The tails (m, 2) whose normal quantiles are √(n / (n - 1)) times Student's: from 2.5 to 2.1 % at 50 images."""
    n = np.maximum(n, 2)
    far = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf((1 + confidence) / 2, n - 1))
    return np.column_stack([1 - far, far])


def bca_levels(observed: np.ndarray, spread: np.ndarray, acceleration: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """The quantiles (m, 2) at which BCa cuts: Φ(z0 + (z0 + z) / (1 - a (z0 + z))); not finite where it is not defined.

    z0 = Φ⁻¹ of the share of resamples below the figure, those equal to it counted half.
    """
    near = 1e-12 * np.maximum(1, np.abs(observed))[:, None]
    drawn = np.maximum(np.isfinite(spread).sum(axis=1), 1)
    below = (spread < observed[:, None] - near).sum(axis=1)
    up_to = (spread <= observed[:, None] + near).sum(axis=1)
    bias = stats.norm.ppf((below + up_to) / (2 * drawn))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        shifted = bias + stats.norm.ppf(tails)
        levels = stats.norm.cdf(bias + shifted / (1 - acceleration[:, None] * shifted))
    return np.where(np.isfinite(bias), levels, np.nan)


def quantiles(spread: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Each sorted row's own quantiles, interpolated between neighbours (as `numpy.quantile`).

    Args:
        spread: (m, resamples), each row sorted, NaN last and left out.
        levels: (m, k).

    Returns:
        (m, k); NaN for a row that holds no number.
    """
    last = np.isfinite(spread).sum(axis=1, keepdims=True) - 1
    place = levels * np.maximum(last, 0)
    lower = np.floor(place).astype(np.intp)
    left = np.take_along_axis(spread, lower, axis=1)
    right = np.take_along_axis(spread, np.minimum(lower + 1, np.maximum(last, 0)), axis=1)
    return left + (place - lower) * (right - left)
