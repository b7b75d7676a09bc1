"""How training went: accuracy and loss by epoch, the peak, where overfitting starts, and the choice of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from dogcam.language import say


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes), float64, of logits (n, classes); exact for logits of any size."""
    shifted = np.asarray(logits, np.float64)
    powers = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# A test loss counts as risen once it stays above its minimum by more than this share of it; less is noise.
RISE = 0.01


@dataclass(frozen=True)
class Curve:
    """Test accuracy and loss of one run, epoch by epoch (ascending)."""

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
        return [
            (-accuracy, loss, i) for i, (accuracy, loss) in enumerate(zip(self.accuracy, self._losses(), strict=True))
        ]

    def overfits_from(self) -> int | None:
        """The first epoch from which on every test loss is above the lowest one by more than `RISE`; None: there is none.

        A loss that comes back down was noise: overfitting lasts until the last epoch.
        """
        losses = self._losses()
        bound = (1 + RISE) * min(losses)
        high = list(takewhile(lambda place: losses[place] > bound, reversed(range(len(losses)))))
        return self.epochs[high[-1]] if high else None

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
        values = {
            "run": self.run,
            "epoch": self.peak_epoch,
            "accuracy": f"{self.peak_accuracy:.4f}",
            "share": say("{share} %", share=f"{100 * RISE:.0f}"),
        }
        if not np.isfinite(self.lowest_loss):
            return say(
                "Run {run} peaks at epoch {epoch} (accuracy {accuracy}); its test loss is not a number at any epoch, so "
                "overfitting cannot be judged.",
                **values,
            )
        if self.overfits_from is None:
            return say(
                "Run {run} peaks at epoch {epoch} (accuracy {accuracy}); at the last epoch its test loss is within {share} of "
                "its lowest: no overfitting yet.",
                **values,
            )
        return say(
            "Run {run} peaks at epoch {epoch} (accuracy {accuracy}); from epoch {rise} on its test loss stays more than "
            "{share} above its lowest ({lowest}; {last} at the last epoch): overfitting.",
            **values,
            rise=self.overfits_from,
            lowest=f"{self.lowest_loss:.4f}",
            last=f"{self.last_loss:.4f}",
        )


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
    values = {"accuracy": f"{best.peak_accuracy:.4f}", "epoch": best.peak_epoch}
    if len(equals) == 1:
        return best.run, say("highest test accuracy at its best epoch ({accuracy} at epoch {epoch})", **values)
    return best.run, say(
        "highest test accuracy at its best epoch ({accuracy} at epoch {epoch}), and the lowest loss ({loss}) of the {n} runs "
        "that reach it",
        **values,
        loss=f"{best.peak_loss:.4f}",
        n=len(equals),
    )


def curves_of(rows: Sequence[object]) -> dict[int, Curve]:
    """Test curves by run from rows with run, epoch, split, accuracy and loss (see `runs.HistoryRow`)."""
    found: dict[int, list[tuple[int, float, float]]] = {}
    for row in rows:
        if row.split == "test":  # type: ignore[attr-defined]
            found.setdefault(row.run, []).append((row.epoch, row.accuracy, row.loss))  # type: ignore[attr-defined]
    return {run: Curve(*zip(*sorted(points), strict=True)) for run, points in found.items()}
