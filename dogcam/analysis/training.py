"""How training went, as values: accuracy and loss of every run, what its curve says, and the run that is used."""

from __future__ import annotations

from dataclasses import dataclass

from dogcam.experiment.runs import Experiment
from dogcam.experiment.training_curves import Curve, RunChoice, RunVerdict, choose_run, curves_of, judge

_NOTHING = Curve((), (), ())


@dataclass(frozen=True)
class TrainedRun:
    """One run, epoch by epoch.

    Attributes:
        run: its number.
        train: on the training images; without epochs where nothing was measured.
        test: on the test images, in the same way.
        kept: the epochs whose models are kept.
        verdict: what the test curve says; null where there is none.
    """

    run: int
    train: Curve
    test: Curve
    kept: tuple[int, ...]
    verdict: RunVerdict | None

    @property
    def epochs(self) -> tuple[int, ...]:
        """Every epoch that was measured, ascending."""
        return tuple(sorted({*self.train.epochs, *self.test.epochs}))


@dataclass(frozen=True)
class Training:
    """All runs of an experiment.

    Attributes:
        runs: in the order of their numbers.
        chosen: the run that is used, and why; null before the first epoch.
    """

    runs: tuple[TrainedRun, ...]
    chosen: RunChoice | None

    @property
    def curves(self) -> dict[int, Curve]:
        """Test curves by run."""
        return {each.run: each.test for each in self.runs if each.verdict is not None}

    @property
    def verdicts(self) -> tuple[RunVerdict, ...]:
        """What the test curves say."""
        return tuple(each.verdict for each in self.runs if each.verdict is not None)


def training(experiment: Experiment) -> Training:
    """What the files of an experiment say of its training."""
    history, kept = experiment.history(), experiment.kept()
    train, test = (curves_of(history, split) for split in ("train", "test"))
    runs = tuple(
        TrainedRun(
            run,
            train.get(run, _NOTHING),
            test.get(run, _NOTHING),
            tuple(kept.get(run, ())),
            judge(run, test[run]) if run in test else None,
        )
        for run in sorted({*train, *test})
    )
    return Training(runs, choose_run(test) if test else None)
