"""Which maps are wanted: (method, layer) pairs that the model can give."""

from __future__ import annotations

from collections.abc import Sequence

from dogcam.core.errors import LayerError
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier
from dogcam.models.graph import is_map

SCORES = ("logit", "softmax")
INPUT = "input"  # in the place of a layer: the map is of the picture itself

Cell = tuple[str, str]


def plan_cells(classifier: Classifier, methods: Sequence[str], layers: Sequence[str] = ()) -> list[Cell]:
    """Every wanted (method, layer), in order. No layers: each method at its own, the last one.

    A method that exists only at the layer that feeds the pooling is drawn there if that layer is among `layers`; a
    method whose map is of the input is drawn once.

    Raises:
        UnknownName, LayerError: no such method or layer, or a method that none of the layers is fit for.
    """
    wanted = list(dict.fromkeys(checked_layer(classifier, layer) for layer in layers))
    cells: list[Cell] = []
    for name in dict.fromkeys(methods):
        if not METHODS[name].at_layer:
            cells.append((name, INPUT))
        elif METHODS[name].only_pooled:
            cells.append((name, _pooled_among(classifier, name, wanted)))
        else:
            cells += [(name, layer) for layer in wanted or _last(classifier)]
    return cells


def study_cells(classifier: Classifier) -> list[Cell]:
    """The study's: CAM at the layer that feeds the pooling, Grad-CAM at the last layer of each of the last three stages."""
    cam = [("cam", layer)] if (layer := classifier.pooled_layer()) else []
    return cam + [("gradcam", stage) for stage in classifier.stages or _last(classifier)]


def check_cell(classifier: Classifier, cell: Cell) -> Cell:
    """The cell, its layer by its full path.

    Raises:
        UnknownName, LayerError: the model cannot give it.
    """
    method, layer = cell
    if not METHODS[method].at_layer:
        return method, INPUT
    path = checked_layer(classifier, layer)
    if METHODS[method].only_pooled:
        _pooled_among(classifier, method, [path])
    return method, path


def checked_layer(classifier: Classifier, layer: str) -> str:
    """The full path of a layer that a heatmap can be of.

    Raises:
        LayerError: there is none such, it has no extent, or the classes do not depend on it.
    """
    classifier.tensor(layer)
    path = classifier.graph.path_of(layer)
    if path not in score_layers(classifier):
        raise LayerError(f"the score of {classifier.name} does not depend on layer {path!r}")
    return path


def score_layers(classifier: Classifier) -> list[str]:
    """The paths of the layers that heatmaps can be of: with height and width, on the way from the input to the classes."""
    steps = classifier.graph.between((), [classifier.readout.source])
    return [step.path for step in steps if is_map(step.output)]


def _last(classifier: Classifier) -> list[str]:
    if not classifier.stages:
        raise LayerError(f"{classifier.name} has no layer with height and width that a heatmap could be of")
    return list(classifier.stages[-1:])


def _pooled_among(classifier: Classifier, method: str, layers: Sequence[str]) -> str:
    pooled = classifier.pooled_layer()
    if pooled is None:
        raise LayerError(
            f"{method} needs global average pooling before the dense layer, and {classifier.name} has none: "
            f"{classifier.readout.obstacle}; every other method works, gradcam for one"
        )
    if layers and pooled not in layers:
        raise LayerError(
            f"{method} exists only at the layer that feeds the pooling, {pooled!r}; received "
            f"{', '.join(map(repr, layers))}: leave --layer out, or use gradcam there"
        )
    return pooled
