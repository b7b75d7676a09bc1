"""`dogcam evaluate`: the boxes of an experiment's heatmaps, scored against the annotated ones."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
from PIL import Image

from dogcam import adoption
from dogcam.adoption import adopt
from dogcam.baselines import BASELINES
from dogcam.classifier import Classifier, load_trained
from dogcam.config import EvaluateConfig
from dogcam.datasets import Dataset, Problem, Record
from dogcam.engine import HeatmapEngine, checked_layer, fused_cells, plan_cells, study_cells
from dogcam.errors import ExperimentError, InputError, Interrupted, OptionError
from dogcam.evaluations import Cell, Evaluation
from dogcam.files import plain, write_json
from dogcam.pipeline import limited, read_pictures
from dogcam.progress import Progress
from dogcam.protocols import Protocol, drawable
from dogcam.reporting.comparison import Comparison, compared
from dogcam.reporting.tables import localisation_rows
from dogcam.runs import Experiment, find_experiment
from dogcam.scoring import UNINFORMED, Scoring, by_score, score_baselines, score_pass, score_uninformed
from dogcam.selection import choose_epochs, choose_runs, reopen_dataset
from dogcam.targets import Target

SAMPLE_SIDE = 512  # the longer side of a picture kept for figures, in pixels


@dataclass(frozen=True)
class EvaluateResult:
    """What was scored, and the table of it."""

    experiment: Experiment
    evaluation: Evaluation
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    why: str
    rows: list[dict[str, Any]]
    wanted: frozenset[Cell]
    images: int
    problems: tuple[Problem, ...]
    seconds: float
    comparisons: tuple[Comparison, ...] = ()
    show_pairs: bool = False

    def asked(self, row: dict[str, Any]) -> bool:
        """Whether a row is of this call; the table also holds what was evaluated before."""
        return Cell(*(row[name] for name in ("run", "epoch", "method", "layer", "protocol"))) in self.wanted

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON: also what `summary.json` holds."""
        return plain(
            {
                "schema_version": 2,
                "experiment": self.experiment.name,
                "scope": self.evaluation.scope,
                "runs": self.runs,
                "epochs": self.epochs,
                "run_choice": self.why,
                "images": self.images,
                "rows": self.rows,
                "comparisons": [each.document() for each in self.comparisons],
                "target": self.evaluation.about().get("target"),
                "smooth": self.evaluation.about().get("smooth"),
                "problems": [asdict(problem) for problem in self.problems],
                "seconds": self.seconds,
            }
        )


@dataclass(frozen=True)
class _Subject:
    """What is evaluated: an experiment's data, and its models, opened one after the other."""

    experiment: Experiment
    dataset: Dataset
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    why: str
    model: Callable[[int, int], Classifier]  # of a run and an epoch


def run(config: EvaluateConfig, progress: Progress) -> EvaluateResult:
    """Score the experiment's heatmaps as `config` says; cells appear one by one, each whole."""
    began = time.perf_counter()
    subject = _trained(config, progress) if config.model is None else _adopted(config, progress)
    scoring, problems = _prepare(config, subject, progress)
    scoring.evaluation.write_problems({"id": each.id, "reason": each.reason} for each in problems)
    wanted = score_baselines(scoring, _training_boxes(subject.dataset))
    try:
        first = subject.model(subject.runs[0], subject.epochs[0])
        wanted += score_uninformed(scoring, first, config.resume, progress)
        for number, epoch in product(subject.runs, subject.epochs):
            wanted += _score_epoch(config, scoring, subject.model(number, epoch), number, epoch, progress)
    except KeyboardInterrupt:
        raise Interrupted(
            f"finished cells are kept in {scoring.evaluation.path}; the same command with --resume goes on"
        ) from None
    rows = localisation_rows(scoring.evaluation)
    images, seconds = len(scoring.pictures.records), time.perf_counter() - began
    of = subject.experiment, scoring.evaluation, subject.runs, subject.epochs, subject.why
    found = [
        compared(scoring.evaluation, wanted, protocol, subject.runs[0], subject.epochs[-1], first.pooled_layer())
        for protocol in scoring.protocols
    ]
    comparisons = tuple(each for each in found if each is not None)
    result = EvaluateResult(*of, rows, frozenset(wanted), images, problems, seconds, comparisons, config.pairs)
    write_json(subject.experiment.path / "evaluation" / "summary.json", result.document())
    return result


def _trained(config: EvaluateConfig, progress: Progress) -> _Subject:
    """An experiment of ours."""
    experiment = find_experiment(config.home, config.experiment)
    if "adopted" in experiment.document:
        raise ExperimentError(
            f"{experiment.name} is of somebody else's model: evaluate it by --model {experiment.document['adopted']['model']} "
            f"--dataset {experiment.document['config']['dataset']} again"
        )
    runs, why = choose_runs(experiment, config.run)
    epochs = choose_epochs(experiment, runs, config.epochs)
    progress.note(f"experiment {experiment.path}: run {listed(runs)} ({why}), epoch {listed(epochs)}")
    if experiment.document.get("status") != "finished":
        progress.warn(f"{experiment.name} is not trained to its end: dogcam train --resume --name {experiment.name}")
    dataset = reopen_dataset(experiment, config.data_dir, progress)
    # The first model is asked for its size, for the baselines and for its maps, one after the other: read it once.
    model = lru_cache(maxsize=1)(partial(load_trained, experiment))
    return _Subject(experiment, dataset, runs, epochs, why, model)


def _adopted(config: EvaluateConfig, progress: Progress) -> _Subject:
    """Somebody else's model."""
    adopted = adopt(config, progress)
    progress.note(f"experiment {adopted.experiment.path}: {adopted.classifier.name} on {adopted.dataset.name}")
    runs, epochs, why = (adoption.RUN,), (adoption.EPOCH,), "the model as it was given"
    return _Subject(adopted.experiment, adopted.dataset, runs, epochs, why, lambda run, epoch: adopted.classifier)


def _training_boxes(dataset: Dataset) -> np.ndarray:
    """The first box of each training picture (n, 4)."""
    boxes = [record.boxes[0] for record in dataset.splits.get("train", ()) if len(record.boxes)]
    return np.array(boxes, np.float32).reshape(-1, 4)


def _prepare(config: EvaluateConfig, subject: _Subject, progress: Progress) -> tuple[Scoring, tuple[Problem, ...]]:
    """Read the pictures that have a box, and choose the sample that figures will be drawn from."""
    dataset, first = subject.dataset, subject.model(subject.runs[0], subject.epochs[0])
    records = limited(dataset.splits[config.split], config.limit)
    scored = [record for record in records if len(record.boxes)]
    if not scored:
        raise InputError(f"none of the {len(records)} pictures of {dataset.name} ({config.split}) has a usable box")
    target = Target.parse(config.target, first.class_index)
    evaluation = subject.experiment.evaluation(config.split, config.limit, config.target, config.smooth)
    protocols = tuple(map(drawable, config.protocols))
    documents = _documents(evaluation, protocols)
    pictures = read_pictures(scored, first.size, f"reading {config.split}", progress)
    ids = {record.id for record in records}
    known = [each for each in dataset.problems if each.split == config.split and (each.lost or each.id in ids)]
    count = len(pictures.records)
    sampled = np.unique(np.linspace(0, count - 1, min(config.samples, count)).round().astype(int))
    targets = np.array([target.of(record.label, record.id) for record in pictures.records], np.int64)
    scoring = Scoring(evaluation, pictures, protocols, sampled, targets, config.batch_size)
    _keep_sample(scoring, dataset.classes)
    about = {"split": config.split, "limit": config.limit, "target": config.target, "smooth": config.smooth}
    evaluation.write_about({**about, "protocols": documents})
    return scoring, (*known, *pictures.problems)


def _documents(evaluation: Evaluation, protocols: Sequence[Protocol]) -> dict[str, Any]:
    """All protocols that the evaluation's tables are by, with these.

    Raises:
        OptionError: tables by another protocol of the same name are there.
    """
    known = evaluation.about().get("protocols", {})
    for protocol in protocols:
        document = plain(protocol.document())
        if known.get(protocol.name, document) != document:
            raise OptionError(
                f"{evaluation.path} has tables by another protocol called {protocol.name}: give this one another name"
            )
        known = {**known, protocol.name: document}
    return known


def _keep_sample(scoring: Scoring, classes: Sequence[str]) -> None:
    index, contents = [], []
    for position in scoring.sampled:
        record, (height, width) = scoring.pictures.records[position], scoring.pictures.shapes[position]
        index.append(
            {
                "id": record.id,
                "label": record.label,
                "class": classes[record.label],
                "boxes": record.boxes,
                "width": width,
                "height": height,
            }
        )
        contents.append(_thumbnail(record))
    scoring.evaluation.write_samples(index, contents)


def _thumbnail(record: Record) -> bytes:
    """The picture as JPEG, its longer side at most `SAMPLE_SIDE`."""
    image = Image.fromarray(record.image.pixels())
    image.thumbnail((SAMPLE_SIDE, SAMPLE_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _score_epoch(
    config: EvaluateConfig, scoring: Scoring, classifier: Classifier, number: int, epoch: int, progress: Progress
) -> list[Cell]:
    """Score the wanted cells of one kept model, one pass of the network for each kind of score, and return them."""
    plain = _wanted_cells(config, classifier)
    fused = fused_cells(plain, config.fuse) if config.fuse else {}
    mapped = scoring.evaluation.maps(number, epoch) if config.resume else {}
    for score, protocols in by_score(scoring.protocols).items():

        def finished(pair: tuple[str, str], score: str = score, protocols: Sequence[Protocol] = protocols) -> bool:
            # Rows by every protocol, and maps of the sample as it is now; only passes of the logit keep maps.
            cells = (Cell(number, epoch, *pair, protocol.name) for protocol in protocols)
            return config.resume and (score != "logit" or pair in mapped) and all(map(scoring.evaluation.has, cells))

        # A fused map is made of its layers' maps, whether these are finished or not.
        parts = {part for cell, cells in fused.items() if not finished(cell) for part in cells}
        missing = [pair for pair in plain if pair in parts or not finished(pair)]
        if missing:
            engine = HeatmapEngine(
                classifier,
                missing,
                score,
                fuse=config.fuse if parts else None,
                smooth=config.smooth,
                mask_batch=config.mask_batch,
                progress=progress,
            )
            score_pass(scoring, engine, protocols, number, epoch, progress)
    return [Cell(number, epoch, *pair, protocol.name) for pair in (*plain, *fused) for protocol in scoring.protocols]


def listed(numbers: Sequence[int]) -> str:
    """ "3, 5, 7"."""
    return ", ".join(map(str, numbers))


def _wanted_cells(config: EvaluateConfig, classifier: Classifier) -> list[tuple[str, str]]:
    """The study's cells; with layers named but no methods, Grad-CAM there, and CAM where it can be.

    What knows nothing of the classes is in every table, asked for or not.
    """
    if config.methods:
        informed = [name for name in config.methods if name not in (*BASELINES, *UNINFORMED)]
        return plan_cells(classifier, informed, config.layers)
    if not config.layers:
        return study_cells(classifier)
    layers = [checked_layer(classifier, layer) for layer in config.layers]
    methods = ["cam", "gradcam"] if classifier.pooled_layer() in layers else ["gradcam"]
    return plan_cells(classifier, methods, layers)
