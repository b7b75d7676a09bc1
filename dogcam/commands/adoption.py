"""Somebody else's model and a dataset made into an experiment, so that it is evaluated and reported like our own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from dogcam.core.config import EvaluateConfig
from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.core.registry import nearest
from dogcam.data import Dataset, Record
from dogcam.data.class_names import ClassNames
from dogcam.data.opening import absolute, describe, open_dataset, short
from dogcam.engine.targets import Target
from dogcam.experiment.runs import Experiment, plain_name, stand_in
from dogcam.models.classifier import Classifier
from dogcam.models.subjects import find_single


@dataclass(frozen=True, eq=False)
class Adopted:
    """The model, the data with labels as the model counts them, and the experiment that stands for both."""

    classifier: Classifier
    dataset: Dataset
    experiment: Experiment


def adopt(config: EvaluateConfig, progress: Progress) -> Adopted:
    """The experiment of `config.model` on `config.dataset`: made, or the one that is there from before.

    Raises:
        InputError: classes of the dataset that the model does not know.
        ExperimentError: there is another experiment of that name.
    """
    classifier = find_single(config, progress)
    dataset = open_dataset(str(config.dataset), config.data_dir, progress)
    # Whether boxes fit can be asked of pictures whose class the model does not know, unless that class is to be explained.
    labelled = Target.parse(config.target, classifier.class_index).needs_label
    dataset = relabelled(dataset, classifier) if labelled else recognised(dataset, classifier, progress)
    document = {
        "dogcam": version("dogcam"),
        "status": "finished",
        "adopted": {
            "model": str(Path(str(config.model)).absolute()) if Path(str(config.model)).is_file() else config.model,
            "fingerprint": _fingerprint(classifier),
        },
        "dataset": describe(dataset),
        "model": classifier.document(classifier.name),
        "config": {
            "dataset": absolute(str(config.dataset)),
            "data_dir": config.data_dir and str(Path(config.data_dir).absolute()),
            "preprocess": config.preprocess,
        },
        "problems": [],
    }
    name = config.name or plain_name(f"{classifier.name}-on-{short(str(config.dataset))}")
    same = {("adopted", "fingerprint"): "model", ("dataset", "fingerprint"): "data"}
    return Adopted(classifier, dataset, stand_in(config.home, name, document, same))


def _fingerprint(classifier: Classifier) -> str:
    """SHA-256 of the weights: the same model in another file is the same model."""
    digest = hashlib.sha256()
    for weight in classifier.model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def relabelled(dataset: Dataset, classifier: Classifier) -> Dataset:
    """The dataset with the classes and labels of the model, matched by name; by number where the model has no names.

    Raises:
        InputError: a class of the dataset that the model does not have, or that its names leave open.
    """
    candidates = _candidates(dataset, classifier)
    if not classifier.classes:
        if not all(candidates):
            raise InputError(
                f"{classifier.name} has {classifier.class_count} classes without names and {dataset.name} has "
                f"{len(dataset.classes)}: say which is which with --labels FILE"
            )
        return dataset
    for name, places in zip(dataset.classes, candidates, strict=True):
        if not places:
            close = nearest(name, classifier.classes)
            hint = f"; the nearest of its classes: {', '.join(close)}" if close else ""
            raise InputError(
                f"{classifier.name} does not know the class {name!r} of {dataset.name}{hint}; --target predicted does without"
            )
        if len(places) > 1:
            raise InputError(f"{classifier.name} has {len(places)} classes called {name!r}: its labels do not say which is meant")
    return _moved(dataset, [place for (place,) in candidates], classifier.classes)


def recognised(dataset: Dataset, classifier: Classifier, progress: Progress) -> Dataset:
    """`relabelled` for looking at pictures: of a class that the model does not know the label is None, which is said."""
    places = [places[0] if len(places) == 1 else None for places in _candidates(dataset, classifier)]
    unknown = [name for name, place in zip(dataset.classes, places, strict=True) if place is None]
    if unknown:
        shown = f"{', '.join(unknown[:5])}{', ...' if len(unknown) > 5 else ''}"
        progress.warn(
            f"{classifier.name} does not know {len(unknown)} of the {len(dataset.classes)} classes of {dataset.name} ({shown}): "
            "their boxes count, their labels do not"
        )
    return _moved(dataset, places, classifier.classes)


def _candidates(dataset: Dataset, classifier: Classifier) -> list[list[int]]:
    """For each class of the dataset those of the model that are called so; of a model without names the one of its number."""
    if classifier.classes:
        names = ClassNames(classifier.classes)
        return [names.places(name) for name in dataset.classes]
    alike = len(dataset.classes) == classifier.class_count
    return [[number] if alike else [] for number in range(len(dataset.classes))]


def _moved(dataset: Dataset, places: Sequence[int | None], classes: tuple[str, ...]) -> Dataset:
    """The dataset with each label moved to its place; None for a label that has none."""

    def moved(record: Record) -> Record:
        present = sorted({place for label in record.present if (place := places[label]) is not None})
        return replace(record, label=None if record.label is None else places[record.label], present=tuple(present))

    splits = {split: tuple(map(moved, records)) for split, records in dataset.splits.items()}
    numbers = dict(zip(places, dataset.class_numbers, strict=False))
    whole = len(classes) > 0 and all(place in numbers for place in range(len(classes)))
    return replace(
        dataset,
        classes=classes,
        splits=splits,
        class_numbers=tuple(numbers[place] for place in range(len(classes))) if whole else (),
    )
