"""How training went: accuracy and loss by epoch, the peak, where overfitting starts, and the choice of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes), float64, of logits (n, classes); exact for logits of any size."""
    shifted = np.asarray(logits, np.float64)
    powers = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# A test loss counts as rising once it is above its minimum by this share of it; less is noise.
RISE = 0.01


@dataclass(frozen=True)
class Curve:
    """Test accuracy and loss of one run, epoch by epoch (ascending)."""

    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]

    def peak(self) -> int:
        """The position of the best epoch: highest accuracy, ties by lower loss, then the earlier one."""
        losses = self._losses()
        return min(range(len(self.epochs)), key=lambda i: (-self.accuracy[i], losses[i], i))

    def overfits_from(self) -> int | None:
        """The first epoch after that of the lowest test loss whose loss is above it by more than `RISE`; None: there is none."""
        losses = self._losses()
        lowest = int(np.argmin(losses))
        bound = (1 + RISE) * losses[lowest]
        return next((self.epochs[i] for i in range(lowest + 1, len(self.epochs)) if losses[i] > bound), None)

    def lowest_loss(self) -> float:
        """The lowest test loss; infinite where no epoch has one."""
        return min(self._losses())

    def _losses(self) -> list[float]:
        """The losses; one that is not a number, after training went astray, is above any other."""
        return [float("inf") if np.isnan(loss) else loss for loss in self.loss]


@dataclass(frozen=True)
class RunVerdict:
    """What one run's curve says."""

    run: int
    peak_epoch: int
    peak_accuracy: float
    peak_loss: float
    overfits_from: int | None
    last_loss: float
    lowest_loss: float

    def sentence(self) -> str:
        """The verdict in words."""
        peak = f"Run {self.run} peaks at epoch {self.peak_epoch} (accuracy {self.peak_accuracy:.4f})"
        if self.overfits_from is None:
            return f"{peak}; its test loss never rises by more than {RISE:.0%} above its lowest: no overfitting yet."
        rise = f"from {self.lowest_loss:.4f} to {self.last_loss:.4f} at the last epoch"
        return f"{peak}; its test loss rises from epoch {self.overfits_from} on ({rise}): overfitting."


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


def choose_run(curves: Mapping[int, Curve]) -> tuple[int, str]:
    """The run to use, and why: the highest test accuracy at its best epoch; ties by lower loss, then lower number."""
    verdicts = [judge(run, curve) for run, curve in sorted(curves.items())]
    best = min(verdicts, key=lambda verdict: (-verdict.peak_accuracy, verdict.peak_loss, verdict.run))
    equals = [v for v in verdicts if v.peak_accuracy == best.peak_accuracy]
    why = f"highest test accuracy at its best epoch ({best.peak_accuracy:.4f} at epoch {best.peak_epoch})"
    if len(equals) > 1:
        why += f", and the lowest loss ({best.peak_loss:.4f}) of the {len(equals)} runs that reach it"
    return best.run, why


def curves_of(rows: Sequence[object]) -> dict[int, Curve]:
    """Test curves by run from rows with run, epoch, split, accuracy and loss (see `runs.HistoryRow`)."""
    found: dict[int, list[tuple[int, float, float]]] = {}
    for row in rows:
        if row.split == "test":  # type: ignore[attr-defined]
            found.setdefault(row.run, []).append((row.epoch, row.accuracy, row.loss))  # type: ignore[attr-defined]
    return {run: Curve(*zip(*sorted(points), strict=True)) for run, points in found.items()}
