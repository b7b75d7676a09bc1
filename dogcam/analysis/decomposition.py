"""Where the difference between two pipelines comes from, choice by choice: codes and numbers, which JSON keeps."""

from __future__ import annotations

from dataclasses import dataclass

from dogcam.core.records import from_plain
from dogcam.experiment.evaluations import Evaluation
from dogcam.statistics.decomposition import Decomposition

METHOD, SCORE, RELU = "method", "score", "relu"  # the choices that are more than a protocol's


@dataclass(frozen=True)
class Setting:
    """What a pipeline has at a choice, or a part of it.

    Attributes:
        code: such as "above"; of the choice "method" the method's name.
        number: what belongs to it, such as the threshold; None where nothing does.
    """

    code: str
    number: float | None = None


@dataclass(frozen=True)
class PipelineSettings:
    """A method and a protocol, and what they come to at each choice.

    Attributes:
        method: the method's name.
        protocol: the protocol's name.
        settings: by choice, what the pipeline has there, one after the other.
    """

    method: str
    protocol: str
    settings: dict[str, tuple[Setting, ...]]

    @property
    def name(self) -> str:
        """As it is asked for: "cam@cam2016"."""
        return f"{self.method}@{self.protocol}"


@dataclass(frozen=True)
class ScoredMap:
    """A method's map of a score.

    Attributes:
        method: the method's name.
        score: "logit" or "softmax".
    """

    method: str
    score: str


@dataclass(frozen=True)
class PipelineDecomposition:
    """The way from a first pipeline's mean IoU to a second's, over the same pictures.

    Attributes:
        first: the pipeline it starts from.
        second: the one it leads to.
        layer: what the maps are of.
        run: of the model; 0 for one that was not trained here.
        epoch: of the model; 0 for one that was not trained here.
        numbers: what each choice changes in mean IoU.
        pooled: whether the maps are of the layer that feeds the pooling.
        proportional: whether both methods' maps of a logit score were found to be CAM's up to a factor and ReLU.
        bound: maps that are known only with ReLU, which bounds the order of the choices.
    """

    first: PipelineSettings
    second: PipelineSettings
    layer: str
    run: int
    epoch: int
    numbers: Decomposition
    pooled: bool
    proportional: bool = False
    bound: tuple[ScoredMap, ...] = ()

    @property
    def same(self) -> list[str]:
        """The choices in which the pipelines agree."""
        differing = {name for step in self.numbers.steps for name in step.names}
        return [choice for choice in self.first.settings if choice not in differing]


def decompositions_of(evaluation: Evaluation) -> tuple[PipelineDecomposition, ...]:
    """All that `evaluate --decompose` kept, by name."""
    return tuple(from_plain(PipelineDecomposition, document) for document in evaluation.decompositions())
