"""`dogcam evaluate`: the boxes of an experiment's heatmaps, scored against the annotated ones."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from PIL import Image

from dogcam.classifier import Classifier, load_trained
from dogcam.config import EvaluateConfig
from dogcam.datasets import Dataset, Problem, Record
from dogcam.engine import HeatmapEngine, plan_cells, study_cells
from dogcam.errors import InputError, Interrupted
from dogcam.files import plain, write_json
from dogcam.pipeline import limited, read_pictures
from dogcam.progress import Progress
from dogcam.protocols import PROTOCOLS, Protocol
from dogcam.reporting.tables import localisation_rows
from dogcam.runs import Cell, Evaluation, Experiment, find_experiment
from dogcam.scoring import Scoring, score_baselines, score_pass
from dogcam.selection import choose_epochs, choose_runs, reopen_dataset

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

    def asked(self, row: dict[str, Any]) -> bool:
        """Whether a row is of this call; the table also holds what was evaluated before."""
        return Cell(*(row[name] for name in ("run", "epoch", "method", "layer", "protocol"))) in self.wanted

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON: also what `summary.json` holds."""
        return plain(
            {
                "schema_version": 1,
                "experiment": self.experiment.name,
                "scope": self.evaluation.scope,
                "runs": self.runs,
                "epochs": self.epochs,
                "run_choice": self.why,
                "images": self.images,
                "rows": self.rows,
                "problems": [asdict(problem) for problem in self.problems],
                "seconds": self.seconds,
            }
        )


def run(config: EvaluateConfig, progress: Progress) -> EvaluateResult:
    """Score the experiment's heatmaps as `config` says; cells appear one by one, each whole."""
    began = time.perf_counter()
    experiment = find_experiment(config.home, config.experiment)
    runs, why = choose_runs(experiment, config.run)
    epochs = choose_epochs(experiment, runs, config.epochs)
    progress.note(f"experiment {experiment.path}: run {listed(runs)} ({why}), epoch {listed(epochs)}")
    if experiment.document.get("status") != "finished":
        progress.warn(f"{experiment.name} is not trained to its end: dogcam train --resume --name {experiment.name}")
    dataset = reopen_dataset(experiment, config.data_dir, progress)
    scoring, problems = _prepare(config, experiment, dataset, progress)
    scoring.evaluation.write_problems({"id": each.id, "reason": each.reason} for each in problems)
    wanted = score_baselines(scoring)
    try:
        for number, epoch in product(runs, epochs):
            wanted += _score_epoch(config, scoring, load_trained(experiment, number, epoch), number, epoch, progress)
    except KeyboardInterrupt:
        raise Interrupted(
            f"finished cells are kept in {scoring.evaluation.path}; the same command with --resume goes on"
        ) from None
    rows = localisation_rows(scoring.evaluation)
    images = len(scoring.pictures.records)
    seconds = time.perf_counter() - began
    result = EvaluateResult(
        experiment, scoring.evaluation, runs, epochs, why, rows, frozenset(wanted), images, problems, seconds
    )
    write_json(experiment.path / "evaluation" / "summary.json", result.document())
    return result


def _prepare(
    config: EvaluateConfig, experiment: Experiment, dataset: Dataset, progress: Progress
) -> tuple[Scoring, tuple[Problem, ...]]:
    """Read the pictures that have a box, and choose the sample that figures will be drawn from."""
    records = limited(dataset.splits[config.split], config.limit)
    scored = [record for record in records if len(record.boxes)]
    if not scored:
        raise InputError(f"none of the {len(records)} pictures of {dataset.name} ({config.split}) has a usable box")
    size = experiment.document["model"]["image_size"]
    pictures = read_pictures(scored, size, f"reading {config.split}", progress)
    ids = {record.id for record in records}
    known = [each for each in dataset.problems if each.split == config.split and (each.lost or each.id in ids)]
    evaluation = experiment.evaluation(config.split, config.limit, config.target)
    protocols = tuple(PROTOCOLS[name] for name in config.protocols)
    count = len(pictures.records)
    sampled = np.unique(np.linspace(0, count - 1, min(config.samples, count)).round().astype(int))
    scoring = Scoring(evaluation, pictures, protocols, sampled, config.target, config.batch_size)
    _keep_sample(scoring, dataset.classes)
    return scoring, (*known, *pictures.problems)


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
    wanted = _wanted_cells(config, classifier)
    by_score: dict[str, list[Protocol]] = {}
    for protocol in scoring.protocols:
        by_score.setdefault(protocol.score, []).append(protocol)
    mapped = scoring.evaluation.maps(number, epoch) if config.resume else {}
    for score, protocols in by_score.items():

        def finished(pair: tuple[str, str], score: str = score, protocols: Sequence[Protocol] = protocols) -> bool:
            # Rows by every protocol, and maps of the sample as it is now; only passes of the logit keep maps.
            cells = (Cell(number, epoch, *pair, protocol.name) for protocol in protocols)
            return config.resume and (score != "logit" or pair in mapped) and all(map(scoring.evaluation.has, cells))

        missing = [pair for pair in wanted if not finished(pair)]
        if missing:
            score_pass(scoring, HeatmapEngine(classifier, missing, score), protocols, number, epoch, progress)
    return [Cell(number, epoch, *pair, protocol.name) for pair in wanted for protocol in scoring.protocols]


def listed(numbers: Sequence[int]) -> str:
    """ "3, 5, 7"."""
    return ", ".join(map(str, numbers))


def _wanted_cells(config: EvaluateConfig, classifier: Classifier) -> list[tuple[str, str]]:
    """The study's cells; with layers named but no methods, Grad-CAM there, and CAM where it can be."""
    if config.methods:
        return plan_cells(classifier, config.methods, config.layers)
    if not config.layers:
        return study_cells(classifier)
    methods = ["cam", "gradcam"] if classifier.pooled_layer() in config.layers else ["gradcam"]
    return plan_cells(classifier, methods, config.layers)
