"""One kept model against annotated boxes: maps from the engine, boxes by every protocol, one row per picture."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from dogcam import localize
from dogcam.baselines import BASELINES
from dogcam.boxes import area
from dogcam.classifier import Classifier
from dogcam.engine import HeatmapEngine, plan_cells
from dogcam.evaluations import Cell, Evaluation
from dogcam.pipeline import WORKERS, Pictures
from dogcam.progress import Progress
from dogcam.protocols import Protocol


@dataclass(frozen=True, eq=False)
class Scoring:
    """What every cell of an evaluation shares."""

    evaluation: Evaluation
    pictures: Pictures
    protocols: tuple[Protocol, ...]
    sampled: np.ndarray  # positions among the pictures whose raw maps are kept for figures, int (s,)
    targets: np.ndarray  # the class that each picture's map is drawn for, and the one it is set against, int (n, 2)
    batch_size: int


def score_baselines(scoring: Scoring, training_boxes: np.ndarray) -> list[Cell]:
    """Score the boxes that never look, by every protocol, and return their cells.

    Args:
        training_boxes: (n, 4), the first of each training picture; where there are none, no box is made of them.
    """
    count = len(scoring.pictures.records)
    cells = []
    for (name, row), protocol in product(BASELINES.items(), scoring.protocols):
        if row.trained and not len(training_boxes):
            continue
        cells.append(Cell(0, 0, name, "", protocol.name))
        nothing = np.zeros(count, bool)
        columns = _columns(scoring, [row.box(training_boxes)] * count, nothing, nothing, protocol)
        scoring.evaluation.write(cells[-1], columns)
    return cells


# Maps that have nothing to do with what was learnt, and the same for all kept models: scored once.
UNINFORMED = ("centre-gaussian", "random-map", "random-weights")


def score_uninformed(scoring: Scoring, classifier: Classifier, resume: bool, progress: Progress) -> list[Cell]:
    """Score the maps that know nothing of the classes, by every protocol, and return their cells.

    Args:
        classifier: any of the models: its architecture is what counts.
        resume: leave those that are finished.
    """
    pairs = plan_cells(classifier, UNINFORMED)
    cells = [Cell(0, 0, *pair, protocol.name) for pair, protocol in product(pairs, scoring.protocols)]
    if resume and all(map(scoring.evaluation.has, cells)):
        return cells
    for score, protocols in by_score(scoring.protocols).items():
        score_pass(scoring, HeatmapEngine(classifier, pairs, score), protocols, 0, 0, progress)
    return cells


def by_score(protocols: Sequence[Protocol]) -> dict[str, list[Protocol]]:
    """Protocols by the score that their maps explain: what one pass of the network can serve."""
    found: dict[str, list[Protocol]] = {}
    for protocol in protocols:
        found.setdefault(protocol.score, []).append(protocol)
    return found


def score_pass(
    scoring: Scoring,
    engine: HeatmapEngine,
    protocols: Sequence[Protocol],
    number: int,
    epoch: int,
    progress: Progress,
) -> None:
    """One pass over the pictures; boxes are drawn by threads while the network goes on."""
    pictures = scoring.pictures
    found = _Found(engine, protocols)
    with (
        progress.task(f"run {number} epoch {epoch}" if number else "baselines", len(pictures.records)) as step,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        for part in pictures.batches(scoring.batch_size):
            targets = scoring.targets[part]
            maps = engine(engine.classifier.inputs_of(pictures.images[part]), *targets.T)
            positions = np.arange(len(pictures.records))[part]
            found.add(maps, positions, pictures.shapes[part], scoring.sampled, pool)
            step.advance(len(targets))
    # A baseline is of no run, and what its network says is not what was learnt.
    network = found.network_columns() if number else {}
    for (method, layer), protocol in product(engine.cells, protocols):
        boxes, empty = found.boxes[method, layer, protocol.name], found.empty[method, layer]
        flagged = np.concatenate(found.flagged[method, layer])
        columns = {**_columns(scoring, boxes, empty, flagged, protocol), **network}
        scoring.evaluation.write(Cell(number, epoch, method, layer, protocol.name), columns)
    for (method, layer), flagged in found.flagged.items():
        if (number_flagged := int(np.concatenate(flagged).sum())) > 0:
            progress.warn(
                f"{method} at {layer}: its formula does not hold for {number_flagged} of {len(pictures.records)} pictures "
                "(a score that is not above 0, or a value that is not finite); they are flagged in the results"
            )
    if engine.score == "logit" and number:
        scoring.evaluation.write_maps(number, epoch, found.sample_maps())


class _Found:
    """What a pass has found so far: boxes by cell, and the raw maps of the sample."""

    def __init__(self, engine: HeatmapEngine, protocols: Sequence[Protocol]):
        self.protocols, self.classifier = protocols, engine.classifier
        self.boxes: dict[tuple[str, str, str], list[np.ndarray | None]] = {
            (*cell, protocol.name): [] for cell in engine.cells for protocol in protocols
        }
        self.empty: dict[tuple[str, str], list[bool]] = {cell: [] for cell in engine.cells}
        self.flagged: dict[tuple[str, str], list[np.ndarray]] = {cell: [] for cell in engine.cells}
        self.kept: dict[tuple[str, str], list[np.ndarray]] = {cell: [] for cell in engine.cells}
        self.logits: list[np.ndarray] = []
        self.targets: list[np.ndarray] = []
        self.against: list[np.ndarray] = []

    def add(self, heat: Any, positions: np.ndarray, shapes: np.ndarray, sampled: np.ndarray, pool: Any) -> None:
        """Take in a batch: `positions` and `shapes` of its pictures."""
        self.logits.append(heat.logits)
        self.targets.append(heat.targets)
        self.against.append(heat.against)
        sizes = [tuple(shape) for shape in shapes.tolist()]
        for cell, maps in heat.maps.items():
            self.empty[cell] += [localize.is_empty(each) for each in maps]
            self.flagged[cell].append(heat.flags[cell])
            self.kept[cell].append(maps[np.isin(positions, sampled)])
            for protocol in self.protocols:
                drawn = pool.map(localize.predicted_box, maps, [protocol] * len(maps), sizes)
                self.boxes[*cell, protocol.name] += drawn

    def network_columns(self) -> dict[str, Any]:
        """What the network said of each picture."""
        logits, targets = np.concatenate(self.logits), np.concatenate(self.targets)
        shares = self.classifier.probabilities(logits)
        return {
            "predicted": logits.argmax(axis=-1),
            "target": targets,
            "against": np.concatenate(self.against),
            "probability": shares[np.arange(len(targets)), targets].astype(np.float32),
        }

    def sample_maps(self) -> dict[tuple[str, str], np.ndarray]:
        """Raw maps (samples, h, w) of each cell."""
        return {cell: np.concatenate(parts) for cell, parts in self.kept.items()}


def _columns(
    scoring: Scoring,
    boxes: Sequence[np.ndarray | None],
    empty: Sequence[bool],
    flagged: Sequence[bool],
    protocol: Protocol,
) -> dict[str, Any]:
    """The columns of a cell that follow from its boxes; what the network said is null."""
    pictures = scoring.pictures
    count = len(boxes)
    corners = np.array([np.full(4, np.nan) if box is None else box for box in boxes], np.float32)
    drawn = ~np.isnan(corners[:, 0])
    scores = [localize.score(box, record.boxes, protocol) for box, record in zip(boxes, pictures.records, strict=True)]
    sides = {
        name: [value if known else None for value, known in zip(corners[:, column].tolist(), drawn, strict=True)]
        for column, name in enumerate(("x0", "y0", "x1", "y1"))
    }
    nothing = [None] * count
    return {
        "image": [record.id for record in pictures.records],
        "label": pictures.labels,
        "predicted": nothing,
        "target": nothing,
        "against": [-1] * count,
        "probability": nothing,
        "threshold": [protocol.threshold] * count,
        "empty": list(empty),
        "flagged": list(flagged),
        **sides,
        "area": np.where(drawn, area(np.nan_to_num(corners)), 0.0),
        "iou": scores,
        "width": pictures.shapes[:, 1],
        "height": pictures.shapes[:, 0],
        "truth": [record.boxes.ravel().tolist() for record in pictures.records],
    }
