"""Scores, as pure functions of arrays; each is registered once under the name that tables and JSON use.

A score is a mean or a median of one value per image wherever it can be, so that it has an interval, and a score by group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from dogcam.core.registry import Registry

SUMMARIES: dict[str, Callable[[np.ndarray], float]] = {"mean": np.nanmean, "median": np.nanmedian}


@dataclass(frozen=True)
class Metric:
    """A score of one cell.

    Attributes:
        function: called with the arrays named in `needs`, each with a row per image. Of a "mean" or a "median" it returns
            a value per image (n,), NaN where there is none; of "whole" the score itself; of "sums" it returns the score
            (...,) from `needs` summed over images (..., k), which is how a score of pooled pixels is made.
        needs: columns of the per-image table.
        title: its heading in a table.
        short: the same where there is less room.
        description: what it says, in words.
        summary: "mean", "median", "whole" or "sums".
        digits: so many after the point say all that is worth saying.
    """

    function: Callable[..., np.ndarray | float]
    needs: tuple[str, ...]
    title: str
    short: str
    description: str
    summary: str = "mean"
    digits: int = 3

    def applies(self, columns: Mapping[str, np.ndarray]) -> bool:
        """Whether the columns have what it needs, of one image at least."""
        if not all(need in columns for need in self.needs):
            return False
        return self.summary not in SUMMARIES or bool(np.isfinite(self.values(columns)).any())

    def values(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """The value of each image (n,), float64, of a "mean" or a "median"."""
        return np.asarray(self.function(*(columns[name] for name in self.needs)), np.float64)

    def of(self, columns: Mapping[str, np.ndarray]) -> float:
        """The score of the images whose columns these are."""
        if self.summary in SUMMARIES:
            return float(SUMMARIES[self.summary](self.values(columns)))
        values = (columns[name] for name in self.needs)
        return float(self.function(*(rows.sum(axis=0) if self.summary == "sums" else rows for rows in values)))


METRICS: Registry[Metric] = Registry("metric")


def metric(
    name: str, *, needs: tuple[str, ...], title: str, short: str = "", summary: str = "mean", digits: int = 3
) -> Callable[[Callable[..., np.ndarray | float]], Callable[..., np.ndarray | float]]:
    """Register the decorated function as the metric `name`; the first line of its docstring describes it."""

    def register(function: Callable[..., np.ndarray | float]) -> Callable[..., np.ndarray | float]:
        description = (function.__doc__ or "").strip().splitlines()[0]
        METRICS.add(name, Metric(function, needs, title, short or title, description, summary, digits))
        return function

    return register


# Every file beside this one may hold metrics: reading it registers them.
for _module in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
