"""What `dogcam evaluate` answers: the analysis of all that has been scored, and what this call asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dogcam.analysis.analysis import Analysis
from dogcam.analysis.comparison import Comparison
from dogcam.analysis.decomposition import PipelineDecomposition
from dogcam.analysis.scores import Scores
from dogcam.core.config import EvaluateConfig
from dogcam.core.records import to_plain
from dogcam.data import Problem
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.experiment.runs import Experiment
from dogcam.experiment.training_curves import RunChoice


@dataclass(frozen=True)
class Counted:
    """What was scored, and what was not; in a set with several classes in a picture these are rows.

    Attributes:
        images: with a box.
        unannotated: without one; the network alone can be asked about them.
        problems: inputs that were skipped, or are not as they should be.
        left_out: how many inputs were skipped.
    """

    images: int
    unannotated: int
    problems: tuple[Problem, ...]
    left_out: int = 0

    @classmethod
    def of(cls, images: int, unannotated: int, problems: Iterable[Problem]) -> Self:
        """What `problems` mean for the number of those that were left out; each of them counts once."""
        once = tuple(dict.fromkeys(problems))
        return cls(images, unannotated, once, len({problem.id for problem in once if problem.lost}))

    def document(self) -> dict[str, int]:
        """What is kept of it beside the tables."""
        return {name: getattr(self, name) for name in ("read", "unannotated", "left_out")}

    @property
    def read(self) -> int:
        """All of them."""
        return self.images + self.unannotated + self.left_out


@dataclass(frozen=True)
class Asked:
    """What one call asked for; the analysis also holds what was evaluated before.

    Attributes:
        config: the options.
        cells: those with boxes, baselines among them.
        protocols: by name, in the order asked for.
        runs, epochs: of the models.
        choice: why these runs.
        decompositions: where gaps come from.
    """

    config: EvaluateConfig
    cells: frozenset[Cell]
    protocols: tuple[str, ...]
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    choice: RunChoice
    decompositions: tuple[PipelineDecomposition, ...] = ()

    def holds(self, row: Scores) -> bool:
        """Whether scores are of this call."""
        runs = row.runs or (0,)
        return all(Cell(run, row.epoch, row.map.method, row.map.layer, row.protocol) in self.cells for run in runs)


@dataclass(frozen=True)
class EvaluateResult:
    """The answer.

    Attributes:
        experiment, evaluation: what was evaluated, and where its tables are.
        analysis: of all cells of the scope.
        asked: by this call.
        counted: pictures.
        seconds: how long it took.
    """

    experiment: Experiment
    evaluation: Evaluation
    analysis: Analysis
    asked: Asked
    counted: Counted
    seconds: float

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Inputs that were skipped, or are not as they should be."""
        return self.counted.problems

    @property
    def over_runs(self) -> bool:
        """Whether this call was about several runs, which are shown by their means."""
        return len(self.asked.runs) > 1

    def rows(self, single: bool = False) -> list[Scores]:
        """The scores of this call: means over runs where there are several, unless `single` runs are wanted."""
        every = self.analysis.over_runs if self.over_runs and not single else self.analysis.scores
        return [row for row in every if self.asked.holds(row)]

    def comparison(self, protocol: str, epoch: int, runs: Sequence[int] = ()) -> Comparison | None:
        """The family of these runs, those of this call where none are named; where they have none, that of the first of them."""
        wanted = tuple(runs) or self.asked.runs
        mine = [c for c in self.analysis.comparisons if (c.protocol, c.epoch) == (protocol, epoch)]
        own = [c for c in mine if c.runs == wanted]
        others = [c for c in mine if wanted[0] in c.runs]
        return next(iter([*own, *others]), None)

    @property
    def main(self) -> Comparison | None:
        """The family that the answer rests on: under the first protocol of this call, at its last epoch."""
        return self.comparison(self.asked.protocols[0], max(self.asked.epochs))

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON: what `summary.json` holds, see `analysis.analysis.fields`."""
        return to_plain(self.analysis)


def listed(numbers: Sequence[int]) -> str:
    """ "3, 5, 7"."""
    return ", ".join(map(str, numbers))
