"""How training went: accuracy and loss by epoch, the peak, where overfitting starts, and the choice of the run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from operator import attrgetter
from typing import Any

# A test loss counts as risen once it stays above its minimum by more than this share of it; less is noise.
RISE = 0.01


@dataclass(frozen=True)
class Curve:
    """Accuracy and loss of one run on one split, the test images unless something else is said.

    Attributes:
        epochs: the epochs that were measured, ascending.
        accuracy: at each.
        loss: at each; null where it is not a number.
    """

    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]

    def peak(self) -> int:
        """The position of the best epoch: highest accuracy, ties by lower loss, then the earlier one."""
        return min(range(len(self.epochs)), key=self._ranks().__getitem__)

    def best_of(self, epochs: Iterable[int]) -> int | None:
        """The best of those epochs, by the rule of `peak`; None where none of them was measured."""
        wanted, ranks = set(epochs), self._ranks()
        places = [place for place, epoch in enumerate(self.epochs) if epoch in wanted]
        return self.epochs[min(places, key=ranks.__getitem__)] if places else None

    def _ranks(self) -> list[tuple[float, float, int]]:
        """What epochs are compared by, position by position; the best has the least."""
        return [(-accuracy, loss, i) for i, (accuracy, loss) in enumerate(zip(self.accuracy, self._losses(), strict=True))]

    def overfits_from(self) -> int | None:
        """The first epoch from which on every test loss is above the lowest one by more than `RISE`; None: there is none.

        A loss that comes back down was noise: overfitting lasts until the last epoch.
        """
        losses = self._losses()
        bound = (1 + RISE) * min(losses)
        high = list(takewhile(lambda place: losses[place] > bound, reversed(range(len(losses)))))
        return self.epochs[high[-1]] if high else None

    def lowest_loss(self) -> float:
        """The lowest test loss; NaN where no epoch has one."""
        lowest = min(self._losses())
        return lowest if math.isfinite(lowest) else math.nan

    def at(self, epoch: int) -> tuple[float, float]:
        """Accuracy and loss at an epoch; NaN where it was not measured."""
        if epoch not in self.epochs:
            return math.nan, math.nan
        place = self.epochs.index(epoch)
        return self.accuracy[place], self.loss[place]

    def _losses(self) -> list[float]:
        """The losses; one that is not a number, after training went astray, is above any other."""
        return [math.inf if math.isnan(loss) else loss for loss in self.loss]


@dataclass(frozen=True)
class RunVerdict:
    """What one run's curve says.

    Attributes:
        run: number of the run.
        peak_epoch: the best epoch: highest test accuracy, ties by lower loss, then the earlier one.
        peak_accuracy: the test accuracy there.
        peak_loss: the test loss there.
        overfits_from: the first epoch from which on the test loss stays above its lowest; null where there is none.
        last_loss: test loss at the last epoch.
        lowest_loss: the lowest test loss; null where no epoch has one, and then overfitting cannot be judged.
    """

    run: int
    peak_epoch: int
    peak_accuracy: float
    peak_loss: float
    overfits_from: int | None
    last_loss: float
    lowest_loss: float


@dataclass(frozen=True)
class RunChoice:
    """Which runs are used, and why.

    Attributes:
        runs: their numbers.
        reason: "highest-accuracy" at its best epoch; "lowest-loss-of-equals" of several that reach it; "all" of them; "as-asked",
            by number; "as-given", a model, or maps, that were not made here.
        epoch: the best epoch of the chosen run; null where it was not chosen by its figures.
        accuracy: the test accuracy there.
        loss: the test loss there.
        equals: how many runs reach that accuracy.
    """

    runs: tuple[int, ...]
    reason: str
    epoch: int | None = None
    accuracy: float = math.nan
    loss: float = math.nan
    equals: int = 1

    @property
    def run(self) -> int:
        """The first of them: the one where one is chosen."""
        return self.runs[0]


def judge(run: int, curve: Curve) -> RunVerdict:
    """Peak and overfitting of one run."""
    peak = curve.peak()
    return RunVerdict(
        run,
        curve.epochs[peak],
        curve.accuracy[peak],
        curve.loss[peak],
        curve.overfits_from(),
        curve.loss[-1],
        curve.lowest_loss(),
    )


def choose_run(curves: Mapping[int, Curve]) -> RunChoice:
    """The run to use: the highest test accuracy at its best epoch; ties by lower loss, then lower number."""
    verdicts = [judge(run, curve) for run, curve in sorted(curves.items())]
    best = min(verdicts, key=lambda verdict: (-verdict.peak_accuracy, verdict.peak_loss, verdict.run))
    equals = sum(verdict.peak_accuracy == best.peak_accuracy for verdict in verdicts)
    reason = "highest-accuracy" if equals == 1 else "lowest-loss-of-equals"
    return RunChoice((best.run,), reason, best.peak_epoch, best.peak_accuracy, best.peak_loss, equals)


def curves_of(rows: Iterable[Any], split: str = "test") -> dict[int, Curve]:
    """Curves by run, ascending, from the rows of a history (`runs.HistoryRow`)."""
    found: dict[int, list[tuple[int, float, float]]] = {}
    for row in sorted(rows, key=attrgetter("run")):
        if row.split == split:
            found.setdefault(row.run, []).append((row.epoch, row.accuracy, row.loss))
    return {run: Curve(*zip(*sorted(points), strict=True)) for run, points in found.items()}
