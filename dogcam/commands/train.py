"""`dogcam train`: several seeded runs of one classifier on one dataset, kept as an experiment."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import Any

from dogcam.analysis.training import Training, training
from dogcam.commands.findings import tell_of_findings
from dogcam.core.config import TrainConfig
from dogcam.core.errors import ExperimentError, InputError, Interrupted, OptionError
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Problem, Record
from dogcam.data.opening import absolute, describe, open_dataset, short
from dogcam.data.pipeline import Pictures, examples, read_pictures
from dogcam.experiment.runs import Experiment, HistoryRow, create_experiment, find_experiment
from dogcam.models.classifier import Classifier, build
from dogcam.models.training import Job, choose_trainer, inputs_of, seed_everything, set_trainable, train_run

# What may differ between an experiment and the options it is resumed with.
_FREE_ON_RESUME = {"home", "name", "resume", "data_dir", "weights"}


@dataclass(frozen=True)
class TrainResult:
    """A finished experiment: its history, what each run's curve says, and the run to use."""

    experiment: Experiment
    config: TrainConfig
    history: list[HistoryRow]
    training: Training
    problems: tuple[Problem, ...]
    seconds: float

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return plain(
            {
                "experiment": self.experiment.name,
                "path": self.experiment.path,
                "history": [asdict(row) for row in self.history],
                "runs": [asdict(verdict) for verdict in self.training.verdicts],
                "chosen_run": self.training.chosen.run,
                "why": asdict(self.training.chosen),
                "kept_epochs": self.experiment.kept(),
                "problems": [asdict(problem) for problem in self.problems],
                "seconds": self.seconds,
            }
        )


def run(config: TrainConfig, progress: Progress, given: Sequence[str] = ()) -> TrainResult:
    """Train what `config` says.

    Args:
        given: the names of options that were given explicitly; with `resume`, these must agree with the experiment.
    """
    began = time.perf_counter()
    experiment = None
    if config.resume:
        experiment, config = _resumed(config, given)
    config = _absolute(config)
    progress.note(f"dataset {config.dataset}, backbone {config.backbone}, weights {config.weights}")
    dataset = open_dataset(config.dataset, config.data_dir, progress, config.seed)
    used = _used(config, dataset)
    tell_of_findings(dataset, used, config.dataset, config.data_dir, progress)
    if dataset.multilabel:
        progress.note("a picture may have several classes: accuracy is the share whose highest-scored class is in them (Hit@1)")
    make = partial(build, config.backbone, dataset.classes, config.weights, config.preprocess, dataset.multilabel)
    # A backbone of random weights under a head that learns must be the same one after an interruption.
    seed_everything(config.seed)
    classifier = make()
    if config.trainable != "head":
        set_trainable(classifier, config.trainable)
    pictures, problems = _read(dataset, used, classifier.size, progress)
    # Only now, when nothing that the user asked for can turn out wrong any more, is there an experiment.
    experiment = _created(config, dataset, classifier) if experiment is None else _same_data(experiment, dataset)
    progress.note(f"experiment {experiment.path}")
    try:
        _fit(config, experiment, classifier, pictures, make, progress)
    except KeyboardInterrupt:
        go_on = f"dogcam train --resume --name {quote(experiment.name)} --home {quote(config.home)}"
        raise Interrupted(f"what was finished is kept in {experiment.path}; go on with: {go_on}") from None
    experiment.update_document(status="finished", problems=[asdict(problem) for problem in problems])
    history, seconds = experiment.history(), time.perf_counter() - began
    return TrainResult(experiment, config, history, training(experiment), problems, seconds)


def _used(config: TrainConfig, dataset: Dataset) -> dict[str, tuple[Record, ...]]:
    """The pictures to train on and those to test with.

    Raises:
        InputError: there are none of either, or there is one class only.
    """
    if len(dataset.classes) < 2:
        raise InputError(
            f"{dataset.name} has one class, {dataset.classes[0]!r}, and nothing to tell it from: training needs two; "
            "dogcam evaluate --model scores a model that is there, with --target predicted whatever classes it knows"
        )
    used = {split: examples(dataset, split, config.limit) for split in ("train", "test")}
    for split, records in used.items():
        if not records:
            counts = ", ".join(f"{len(several):,} {name}" for name, several in dataset.splits.items() if several) or "none at all"
            raise InputError(f"{dataset.name} has no pictures with a class to {split} with; there are {counts}")
    return used


def _read(
    dataset: Dataset, used: Mapping[str, Sequence[Record]], size: tuple[int, int], progress: Progress
) -> tuple[dict[str, Pictures], tuple[Problem, ...]]:
    """The pictures of each split, and what could not be used of the dataset."""
    classless = [
        Problem(record.id, "it has no class, and is not trained on", split, kind="no-class")
        for split, records in dataset.splits.items()
        for record in records
        if record.label is None and not dataset.multilabel
    ]
    if classless:
        progress.warn(f"{len(classless):,} pictures have no class: they are not trained on")
    pictures = {split: read_pictures(records, size, f"reading {split}", progress) for split, records in used.items()}
    lost = [problem for problem in dataset.problems if problem.lost]
    return pictures, (*lost, *classless, *(problem for each in pictures.values() for problem in each.problems))


def _resumed(config: TrainConfig, given: Sequence[str]) -> tuple[Experiment, TrainConfig]:
    """The experiment to continue (the newest where none is named) and its own configuration."""
    experiment = find_experiment(config.home, config.name)
    own = TrainConfig.restored(experiment.training_document()["config"], home=config.home, name=experiment.name, resume=True)
    for name in set(given) - _FREE_ON_RESUME:
        if getattr(own, name) != getattr(config, name):
            option = f"--{name.replace('_', '-')}"
            raise OptionError(
                f"{experiment.name} was begun with {option} {getattr(own, name)}; it cannot go on with "
                f"{getattr(config, name)}: leave {option} out, or begin another under a new --name"
            )
    moved = {name: getattr(config, name) for name in ("data_dir", "weights") if name in given}
    return experiment, replace(own, **moved)


def _same_data(experiment: Experiment, dataset: Dataset) -> Experiment:
    """`experiment`, if it was begun with this dataset."""
    then, now = experiment.training_document()["dataset"].get("fingerprint", ""), dataset.fingerprint()
    if then != now:
        raise ExperimentError(
            f"{experiment.name} was trained on other data: {dataset.name} has fingerprint {now[:12]} now, {then[:12]} "
            "then; point --data-dir at the data it began with"
        )
    return experiment


def _absolute(config: TrainConfig) -> TrainConfig:
    """Paths that still hold when the experiment is used from another folder."""
    data_dir = config.data_dir and str(Path(config.data_dir).absolute())
    weights = str(Path(config.weights).absolute()) if Path(config.weights).is_file() else config.weights
    return replace(config, dataset=absolute(config.dataset), data_dir=data_dir, weights=weights)


def _created(config: TrainConfig, dataset: Dataset, classifier: Classifier) -> Experiment:
    document = {
        "dogcam": version("dogcam"),
        "status": "training",
        "config": config.document(),
        "seeds": [config.seed + run for run in range(1, config.runs + 1)],  # of each run, as `models.training` seeds it
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy", "tensorflow-datasets")},
        },
        "dataset": describe(dataset),
        "model": classifier.document(config.backbone),
        "problems": [],
    }
    return create_experiment(config.home, config.name, f"{short(config.dataset)}-{config.backbone}", document)


def _fit(
    config: TrainConfig,
    experiment: Experiment,
    classifier: Classifier,
    pictures: dict[str, Pictures],
    make: Callable[[], Classifier],
    progress: Progress,
) -> None:
    """Train every run that is not finished, and note how long each took."""
    fresh, keep = choose_trainer(classifier, config, make)
    train, test = (inputs_of(config, classifier, pictures[split], split, progress) for split in ("train", "test"))
    job = Job(config, experiment, train, test, progress)
    for number in range(1, config.runs + 1):
        began = time.perf_counter()
        train_run(job, number, fresh, keep)
        spent = experiment.document.get("seconds", {})
        key = f"run-{number}"
        experiment.update_document(seconds={**spent, key: spent.get(key, 0) + time.perf_counter() - began})
