"""What a report is made of: the analysis, how the experiment was made, and its kept pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dogcam.analysis import study
from dogcam.analysis.analysis import Analysis, current
from dogcam.analysis.pictures import Kept
from dogcam.analysis.scores import Scores
from dogcam.analysis.tables import Tables
from dogcam.core.progress import Progress
from dogcam.experiment.evaluations import Evaluation, MapKey
from dogcam.experiment.runs import Experiment
from dogcam.report.naming import images, named


@dataclass(frozen=True, eq=False)
class Material:
    """One experiment, read once.

    Attributes:
        experiment: the folder.
        analysis: what its tables say.
        kept: its pictures with their maps; None before evaluation.
    """

    experiment: Experiment
    analysis: Analysis
    kept: Kept | None

    @classmethod
    def of(cls, experiment: Experiment, evaluation: Evaluation | None = None, progress: Progress | None = None) -> Material:
        """All that is there of a scope.

        Args:
            evaluation: None takes the one over the whole test split, else the latest.
            progress: hears of statistics that are computed anew.
        """
        evaluation = evaluation or next(iter(experiment.evaluations()), None)
        kept = None if evaluation is None else Kept.of(Tables.of(experiment, evaluation))
        return cls(experiment, current(experiment, evaluation, progress), kept)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """`experiment.json`."""
        return self.experiment.document

    @property
    def images(self) -> str:
        """How many images were scored, in words that tell training images apart."""
        scope = self.analysis.scope
        return images(scope.images, scope.split, scope.pictures) if scope else images(0, "")

    @property
    def on_training(self) -> bool:
        """Whether the scored images are those that the network was trained on."""
        return self.analysis.scope is not None and self.analysis.scope.split == "train"

    @property
    def latest(self) -> dict[str, Scores]:
        """The scores of the methods at the pooled layer, under the main protocol at the latest epoch of any of them."""
        rows = [self.analysis.of(self.analysis.protocols[0], key=key) for key in self.analysis.pooled]
        last = max((epoch for by_epoch in rows for epoch in by_epoch), default=None)
        return {by_epoch[last].map.method: by_epoch[last] for by_epoch in rows if last in by_epoch}

    def named(self, key: MapKey) -> str:
        """What a map is called: with its layer where that does not feed the pooling."""
        return named(key, self.analysis.pooled_layer)

    def colour_of(self, method: str) -> int:
        """A method's colour, the same in every chart of a report: the study's two come first, then the others in order."""
        order = list(dict.fromkeys([*study.IOU, *(key.method for key in self.analysis.maps)]))
        return order.index(method) if method in order else len(order)
