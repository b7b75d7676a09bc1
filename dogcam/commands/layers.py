"""`dogcam list layers`: the layers of a model by their paths, and which of them a heatmap can be of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dogcam.commands.listings import Listing
from dogcam.core.config import ListConfig
from dogcam.core.errors import ModelError
from dogcam.core.progress import Progress
from dogcam.engine import score_layers
from dogcam.experiment.runs import find_experiment
from dogcam.models.classifier import Classifier, foreign, imagenet_classifier, load_trained
from dogcam.models.graph import Step
from dogcam.models.pretrained import load_model


def run(config: ListConfig, progress: Progress) -> Listing:
    """The layers of the model that `config` names, in order of execution.

    Raises:
        ModelError, ExperimentError, UnknownName: there is no such model, or it cannot be looked into.
    """
    classifier = _model(config)
    if classifier.pooled_layer() is None:
        progress.note(f"cam is not possible: {classifier.readout.obstacle}; every other method is")
    fit = set(score_layers(classifier))
    rows = tuple(_row(step, classifier, fit) for step in classifier.graph.steps)
    return Listing(f"Layers of {classifier.name}", ("layer", "kind", "output", "heatmap"), rows)


def _model(config: ListConfig) -> Classifier:
    """The model itself; weights, class names and preprocessing do not matter here."""
    named = config.model or ""
    if named.startswith("imagenet:"):
        return imagenet_classifier(named.removeprefix("imagenet:"), "none", ())
    if named.endswith((".keras", ".h5")):
        return foreign(load_model(Path(named)), "none", (), config.output, Path(named).name)
    experiment = find_experiment(config.home, config.model)
    kept = experiment.kept()
    if not kept:
        experiment.check_trained()
        raise ModelError(f"{experiment.path} has no kept epoch yet: finish it with dogcam train --resume")
    number = next(iter(kept))
    return replace(load_trained(experiment, number, kept[number][-1]), name=experiment.name)


def _row(step: Step, classifier: Classifier, fit: set[str]) -> tuple[str, str, str, str]:
    shape = getattr(step.output, "shape", ())[1:]
    output = " x ".join("?" if side is None else str(side) for side in shape)
    return step.path, type(step.operation).__name__, output, _mark(step.path, classifier, fit)


def _mark(path: str, classifier: Classifier, fit: set[str]) -> str:
    """What a heatmap of the layer can be: none, any method's but CAM's, all; and whether it is drawn unasked."""
    if path not in fit:
        return ""
    words = ["yes"]
    if path == classifier.pooled_layer():
        words.append("cam too")
    if path == classifier.stages[-1]:
        words.append("default")
    return ", ".join(words)
