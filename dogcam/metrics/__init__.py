"""Scores, as pure functions of arrays; each is registered once under the name that tables and JSON use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from dogcam.registry import Registry


@dataclass(frozen=True)
class Metric:
    """A score of one cell, computed from one value per image.

    Attributes:
        function: called with the arrays named in `needs`, each (n,), returns a number.
        needs: columns of the per-image table.
        title: its heading in a table.
        description: what it says, in words.
    """

    function: Callable[..., float]
    needs: tuple[str, ...]
    title: str
    description: str

    def of(self, columns: dict[str, np.ndarray]) -> float:
        """The score of the images whose columns these are."""
        return float(self.function(*(columns[name] for name in self.needs)))


METRICS: Registry[Metric] = Registry("metric")


def metric(name: str, *, needs: tuple[str, ...], title: str) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Register the decorated function as the metric `name`; the first line of its docstring describes it."""

    def register(function: Callable[..., float]) -> Callable[..., float]:
        description = (function.__doc__ or "").strip().splitlines()[0]
        METRICS.add(name, Metric(function, needs, title, description))
        return function

    return register


# Every file beside this one may hold metrics: reading it registers them.
for _module in sorted(each.name for each in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
