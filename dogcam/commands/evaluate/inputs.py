"""What `dogcam evaluate` scores: models and data, pictures with boxes and without, and the pictures for thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from dogcam.boxes.protocols import Protocol
from dogcam.commands.adoption import adopt
from dogcam.commands.evaluate.common import (
    chosen_on,
    documents_of,
    keep_sample,
    problems_of,
    protocols_of,
    scope_of,
    tell_of_calibration,
    uncalibrated,
)
from dogcam.commands.evaluate.results import Counted, listed
from dogcam.commands.findings import tell_of_findings
from dogcam.core.config import EvaluateConfig
from dogcam.core.errors import ExperimentError, InputError, OptionError
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Problem, Record
from dogcam.data.pipeline import Pictures, examples, limited, read_pictures
from dogcam.engine.targets import Target
from dogcam.experiment.evaluations import Evaluation
from dogcam.experiment.runs import EPOCH, RUN, Experiment, find_experiment
from dogcam.experiment.selection import choose_epochs, choose_runs, reopen_dataset
from dogcam.experiment.training_curves import RunChoice
from dogcam.metrics.faithfulness import STEPS
from dogcam.models.classifier import Classifier, load_trained
from dogcam.report.training_words import choice_words
from dogcam.scoring import Asking, Calibration, Scoring
from dogcam.scoring.faithfulness import faithfulness_targets
from dogcam.scoring.saving import Saving


@dataclass(frozen=True)
class Subject:
    """What is evaluated: an experiment's data, and its models, opened one after the other."""

    experiment: Experiment
    dataset: Dataset
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    choice: RunChoice
    model: Callable[[int, int], Classifier]  # of a run and an epoch


def trained(config: EvaluateConfig, progress: Progress) -> Subject:
    """An experiment of ours."""
    experiment = find_experiment(config.home, config.experiment)
    if "adopted" in experiment.document:
        raise ExperimentError(
            f"{experiment.name} is of somebody else's model: evaluate it by --model {experiment.document['adopted']['model']} "
            f"--dataset {experiment.document['config']['dataset']} again"
        )
    if "maps" in experiment.document:
        raise ExperimentError(
            f"{experiment.name} is of somebody else's maps: evaluate it by --maps {experiment.document['maps']['folder']} "
            f"--dataset {experiment.document['config']['dataset']} again"
        )
    choice = choose_runs(experiment, config.run)
    epochs = choose_epochs(experiment, choice.runs, config.epochs)
    runs = f"run {listed(choice.runs)} ({choice_words(choice)})"
    progress.note(f"experiment {experiment.path}: {runs}, epoch {listed(epochs)}")
    if experiment.document.get("status") != "finished":
        progress.warn(f"{experiment.name} is not trained to its end: dogcam train --resume --name {experiment.name}")
    dataset = reopen_dataset(experiment, config.data_dir, progress)
    # The first model is asked for its size, for the baselines and for its maps, one after the other: read it once.
    model = lru_cache(maxsize=1)(partial(load_trained, experiment))
    return Subject(experiment, dataset, choice.runs, epochs, choice, model)


def adopted(config: EvaluateConfig, progress: Progress) -> Subject:
    """Somebody else's model."""
    subject = adopt(config, progress)
    # Only the pictures that are scored: whether others are their copies matters to whoever trained the model.
    scored = {config.split: limited(subject.dataset.splits.get(config.split, ()), config.limit)}
    tell_of_findings(subject.dataset, scored, str(config.dataset), config.data_dir, progress)
    progress.note(f"experiment {subject.experiment.path}: {subject.classifier.name} on {subject.dataset.name}")
    choice, epochs = RunChoice((RUN,), "as-given"), (EPOCH,)
    return Subject(subject.experiment, subject.dataset, choice.runs, epochs, choice, lambda run, epoch: subject.classifier)


def prepare(config: EvaluateConfig, subject: Subject, progress: Progress) -> tuple[Scoring, Counted]:
    """Read the pictures, those that have a box and those that have none, and choose the sample that figures are of."""
    dataset, first = subject.dataset, subject.model(subject.runs[0], subject.epochs[0])
    several = len(subject.runs) > 1 or len(subject.epochs) > 1
    saving = None if config.save_maps is None else Saving.into(config.save_maps, several, config.resume)
    target = Target.parse(config.target, first.class_index)
    evaluation = subject.experiment.evaluation(*scope_of(config))
    protocols = protocols_of(config.protocols)
    documents = documents_of(evaluation, protocols)
    pictures, asking, given, counted = _read(config, dataset, target, first, progress)
    seen = {record.picture for record in limited(dataset.splits.get(config.split, ()), config.limit)}
    calibration = _calibration(config, subject, protocols, seen, target, progress) if pictures.records else None
    sampled = keep_sample(evaluation, pictures, config.samples, dataset.classes)
    scoring = Scoring(
        evaluation,
        pictures,
        protocols,
        sampled,
        _targets_of(pictures, target),
        config.batch_size,
        calibration,
        asking,
        saving,
        given,
    )
    evaluation.write_about(
        {
            **{name: getattr(config, name) for name in ("split", "limit", "target", "smooth")},
            "protocols": documents,
            "calibration": chosen_on(evaluation, config.calibrate, calibration),
            "faithfulness": _asked_of(config, evaluation, asking),
            "counts": counted.document(),
        }
    )
    return scoring, counted


def _read(
    config: EvaluateConfig, dataset: Dataset, target: Target, first: Classifier, progress: Progress
) -> tuple[Pictures, Asking | None, Asking | None, Counted]:
    """The pictures that have a box, what faithfulness is scored on, what boxes are given to, and how many were scored.

    Raises:
        InputError: there is no picture that can be explained and read.
    """
    records = limited(dataset.splits.get(config.split, ()), config.limit)
    meant = [record for record in records if record.label is not None or not target.needs_label]
    boxed, bare = ([record for record in meant if bool(len(record.boxes)) == there] for there in (True, False))
    if not meant:
        lacking = f"with a class ({config.split}): --target predicted explains others" if records else f"({config.split})"
        raise InputError(f"{dataset.name} has no pictures {lacking}")
    if bare:
        what = "rows, a class of a picture each," if dataset.multilabel else "pictures"
        progress.warn(f"{len(bare)} of {len(boxed) + len(bare)} {what} have no usable box: they are scored for faithfulness only")
    meant_ids = {record.id for record in meant}
    classless = [record for record in records if record.id not in meant_ids]
    wanted = [*boxed, *bare, *(classless if config.save else ())]
    every = read_pictures(wanted, first.size, f"reading {config.split}", progress)
    pictures = every.some([place for place, each in enumerate(every.records) if len(each.boxes) and each.id in meant_ids])
    asking = _asking([*bare, *(limited(boxed, config.faithfulness) if config.faithfulness else ())], target, every)
    given = _asking([*bare, *classless], target, every) if config.save else None
    reason = f"it has no class: --target {config.target} has nothing to explain"
    skipped = [Problem(record.id, reason, config.split, kind="no-class") for record in classless]
    scored = len(pictures.records)
    without = sum(record.id in meant_ids for record in every.records) - scored
    return (
        pictures,
        asking,
        given,
        Counted.of(scored, without, (*problems_of(dataset, config.split, records), *skipped, *every.problems)),
    )


def _asking(wanted: Sequence[Record], target: Target, every: Pictures) -> Asking | None:
    """Those of the wanted pictures that could be read, with what their maps are drawn for."""
    places = {record.id: place for place, record in enumerate(every.records)}
    pictures = every.some([places[record.id] for record in wanted if record.id in places])
    return Asking(pictures, faithfulness_targets(target, pictures.records), STEPS) if pictures.records else None


def _asked_of(config: EvaluateConfig, evaluation: Evaluation, asking: Asking | None) -> dict[str, Any] | None:
    """What faithfulness is scored on, to be kept.

    Raises:
        OptionError: the tables to be kept by --resume are of other pictures.
    """
    known = evaluation.about().get("faithfulness")
    if asking is None:
        return known
    if config.resume and known not in (None, asking.document()):
        raise OptionError(
            f"{evaluation.path} has faithfulness of {len(known['ids'])} pictures, not of these "
            f"{len(asking.pictures.records)}: leave out --resume to score it anew, or give the same --faithfulness"
        )
    return asking.document()


def _targets_of(pictures: Pictures, target: Target) -> np.ndarray:
    """What each picture's map is drawn for, and set against (n, 2)."""
    return np.array([target.of(record.label, record.id) for record in pictures.records], np.int64).reshape(-1, 2)


def _calibration(
    config: EvaluateConfig,
    subject: Subject,
    protocols: Sequence[Protocol],
    evaluated: set[str],
    target: Target,
    progress: Progress,
) -> Calibration | None:
    """Training pictures with boxes to choose thresholds on, evenly over the classes; those that training left out first.

    None where nothing is to be calibrated, or where there is nothing to calibrate on, which is said.

    Raises:
        OptionError: a protocol cannot do without.
    """
    calibrating = [protocol for protocol in protocols if protocol.threshold_from == "calibrated"]
    if not calibrating:
        return None
    records = _held_out(subject, config.calibrate, evaluated)
    if records:
        size = subject.model(subject.runs[0], subject.epochs[0]).size
        pictures = read_pictures(records, size, "reading pictures for thresholds", progress)
        tell_of_calibration(pictures.records, config.calibrate, _training_saw(pictures, subject), progress)
        return Calibration(pictures, _targets_of(pictures, target))
    lacking = "there are no training pictures with boxes besides those evaluated"
    uncalibrated(calibrating, config.calibrate, lacking, progress)
    return None


def _training_saw(pictures: Pictures, subject: Subject) -> str:
    """How many of the pictures training has seen; of somebody else's model that is not known."""
    if "adopted" in subject.experiment.document:
        return ""
    seen = _seen(subject) & {record.picture for record in pictures.records}
    return f", of which training has seen {len(seen) or 'none'}"


def _seen(subject: Subject) -> set[str]:
    """The pictures that training used."""
    limit = subject.experiment.document.get("config", {}).get("limit")
    return {record.picture for record in examples(subject.dataset, "train", limit)}


def _held_out(subject: Subject, count: int, evaluated: set[str]) -> tuple[Record, ...]:
    """At most `count` training pictures with boxes, none of them evaluated; where training left enough out, of those."""
    if count == 0:
        return ()
    training, seen = subject.dataset.splits.get("train", ()), _seen(subject)
    usable = [record for record in training if len(record.boxes) and record.picture not in evaluated]
    unseen = [record for record in usable if record.picture not in seen]
    return limited(unseen if len(unseen) >= count else usable, count)
