"""One pass of a network over the pictures: its maps become boxes by every protocol while it goes on, and then tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product, repeat
from typing import Any

import numpy as np

from dogcam.boxes import drawing
from dogcam.boxes.geometry import area
from dogcam.boxes.protocols import Protocol
from dogcam.core.progress import Progress
from dogcam.data.pipeline import WORKERS, Pictures, room_for
from dogcam.engine import HeatmapEngine, Heatmaps
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.scoring import Calibration, Scoring, thresholds
from dogcam.scoring.measuring import Measured, boxed, curve_of, measured

Pair = tuple[str, str]  # method and layer
Key = tuple[str, str, str]  # and the protocol's name
Batch = tuple[slice, Heatmaps]


def score_pass(
    scoring: Scoring, engine: HeatmapEngine, protocols: Sequence[Protocol], number: int, epoch: int, progress: Progress
) -> None:
    """Score the engine's cells by `protocols` and write their tables.

    Where a protocol calibrates, a pass over the training pictures kept for it comes first. Boxes are drawn by threads
    while the network goes on; only a threshold that is the best of all pictures has to wait for them.

    Args:
        number, epoch: of the model; 0 for a baseline, which is of no run.
    """
    title = f"run {number} epoch {epoch}" if number else "baselines"
    chosen = _calibrated(scoring, engine, protocols, title, progress)
    found = _Found(scoring, engine, protocols, chosen)
    with ThreadPoolExecutor(WORKERS) as pool:
        asked = scoring.pictures, scoring.targets
        for part, heat in _passed(engine, *asked, scoring.batch_size, title, progress):
            found.add(part, heat, pool)
        found.choose_best(pool)
    # A baseline is of no run, and what its network says is not what was learnt.
    network = found.network_columns() if number else {}
    for pair, protocol in product(engine.cells, protocols):
        key = (*pair, protocol.name)
        columns = {**found.columns(pair, protocol), **network}
        scoring.evaluation.write(Cell(number, epoch, *key), columns, found.chosen[key])
    found.warn_of_flags(progress)
    if engine.score == "logit" and number:
        maps = {pair: np.concatenate(parts) for pair, parts in found.kept.items()}
        scoring.evaluation.sample.write_maps(number, epoch, maps)


def maps_of(
    engine: HeatmapEngine, pictures: Pictures, targets: np.ndarray, batch_size: int, title: str, progress: Progress
) -> dict[Pair, np.ndarray]:
    """Raw maps (n, h, w) of each of the engine's cells, of few pictures: all are held in memory.

    Args:
        targets: as in `Scoring`.
    """
    parts = [heat.maps for _, heat in _passed(engine, pictures, targets, batch_size, title, progress)]
    return {pair: np.concatenate([maps[pair] for maps in parts]) for pair in engine.cells}


def _passed(
    engine: HeatmapEngine, pictures: Pictures, targets: np.ndarray, batch_size: int, title: str, progress: Progress
) -> Iterator[Batch]:
    """The pictures' maps, batch by batch, with progress."""
    with progress.task(title, len(pictures.records)) as step:
        for part in pictures.batches(batch_size):
            heat = engine(engine.classifier.inputs_of(pictures.images[part]), *targets[part].T)
            yield part, heat
            step.advance(len(heat.targets))


def _calibrated(
    scoring: Scoring, engine: HeatmapEngine, protocols: Sequence[Protocol], title: str, progress: Progress
) -> dict[Key, Choice]:
    """The threshold of every cell by every protocol; None where it must wait for the pictures that are evaluated."""
    chosen = {(*pair, protocol.name): thresholds.fixed(protocol) for pair, protocol in product(engine.cells, protocols)}
    calibrating = [protocol for protocol in protocols if protocol.threshold_from == "calibrated"]
    if calibrating and scoring.calibration is not None:
        curves = _curves(scoring.calibration, scoring.batch_size, engine, calibrating, f"{title}, thresholds", progress)
        for pair, protocol in product(engine.cells, calibrating):
            key = (*pair, protocol.name)
            chosen[key] = thresholds.calibrated(curves[key], protocol)
    return chosen


def _curves(
    calibration: Calibration,
    batch_size: int,
    engine: HeatmapEngine,
    protocols: Sequence[Protocol],
    title: str,
    progress: Progress,
) -> dict[Key, np.ndarray]:
    """IoU of the calibration's pictures at every threshold (n, T)."""
    pictures = calibration.pictures
    found: dict[Key, list[np.ndarray]] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for part, heat in _passed(engine, pictures, calibration.targets, batch_size, title, progress):
            of = pictures.sizes(part), pictures.records[part]
            for (pair, maps), protocol in product(heat.maps.items(), protocols):
                found.setdefault((*pair, protocol.name), []).extend(pool.map(curve_of, maps, repeat(protocol), *of))
    return {key: np.stack(curves) for key, curves in found.items()}


class _Found:
    """What a pass has found so far."""

    def __init__(self, scoring: Scoring, engine: HeatmapEngine, protocols: Sequence[Protocol], chosen: dict[Key, Choice]):
        self.scoring, self.pictures, self.classifier = scoring, scoring.pictures, engine.classifier
        self.protocols, self.chosen = protocols, chosen
        self.measured: dict[Key, list[Measured]] = {key: [] for key in chosen}
        self.empty: dict[Pair, list[bool]] = {pair: [] for pair in engine.cells}
        self.flagged: dict[Pair, list[np.ndarray]] = {pair: [] for pair in engine.cells}
        self.kept: dict[Pair, list[np.ndarray]] = {pair: [] for pair in engine.cells}  # the sample's raw maps
        self.raw: dict[Pair, np.ndarray] = {}  # all raw maps, where a threshold must wait for them
        self.curves: dict[Key, np.ndarray] = {}
        self.heats: list[Heatmaps] = []

    def add(self, part: slice, heat: Heatmaps, pool: ThreadPoolExecutor) -> None:
        """Take in a batch."""
        self.heats.append(replace(heat, maps={}, flags={}))
        positions = np.arange(len(self.pictures.records))[part]
        records = self.pictures.records[part]
        masks = list(pool.map(lambda record: None if record.mask is None else record.mask(), records))
        of = self.pictures.sizes(part), records, masks
        for pair, maps in heat.maps.items():
            self.empty[pair] += [drawing.is_empty(each) for each in maps]
            self.flagged[pair].append(heat.flags[pair])
            self.kept[pair].append(maps[np.isin(positions, self.scoring.sampled)])
            if any(protocol.threshold_from == "best" for protocol in self.protocols):
                self._keep(self.raw, pair, maps, part)
            for protocol in self.protocols:
                key = (*pair, protocol.name)
                made = pool.map(measured, maps, repeat(protocol), *of, repeat(self.chosen[key].threshold))
                self._take(key, list(made), part)

    def _take(self, key: Key, made: list[Measured], part: slice) -> None:
        """Keep what was measured, the long curves apart, in a file where they are too large for memory."""
        if made[0].curve is not None:
            self._keep(self.curves, key, np.stack([each.curve for each in made]), part)
        self.measured[key] += [replace(each, curve=None) for each in made]

    def _keep(self, room: dict[Any, np.ndarray], key: Pair | Key, values: np.ndarray, part: slice) -> None:
        if key not in room:
            room[key] = room_for((len(self.pictures.records), *values.shape[1:]), np.float32)
        room[key][part] = values

    def choose_best(self, pool: ThreadPoolExecutor) -> None:
        """Now that all curves are there: the thresholds that are the best of all pictures, and the boxes there."""
        of = self.pictures.sizes(), self.pictures.records
        for pair, protocol in product(self.kept, self.protocols):
            if protocol.threshold_from == "best":
                key = (*pair, protocol.name)
                self.chosen[key] = choice = thresholds.best(self.curves[key], protocol)
                made = pool.map(boxed, self.raw[pair], repeat(protocol), *of, repeat(choice.threshold))
                self.measured[key] = [
                    replace(each, box=now.box, iou=now.iou) for each, now in zip(self.measured[key], made, strict=True)
                ]

    def columns(self, pair: Pair, protocol: Protocol) -> dict[str, Any]:
        """The columns of a cell, but for what the network said."""
        key = (*pair, protocol.name)
        flagged = np.concatenate(self.flagged[pair])
        return table_columns(self.pictures, self.measured[key], self.empty[pair], flagged, self.curves.get(key))

    def network_columns(self) -> dict[str, Any]:
        """What the network said of each picture."""
        logits, targets, against = (
            np.concatenate([getattr(heat, name) for heat in self.heats]) for name in ("logits", "targets", "against")
        )
        shares = self.classifier.probabilities(logits)
        return {
            "predicted": logits.argmax(axis=-1),
            "target": targets,
            "against": against,
            "probability": shares[np.arange(len(targets)), targets].astype(np.float32),
            "rank": _ranks(logits, self.pictures),
        }

    def warn_of_flags(self, progress: Progress) -> None:
        """Say of which cells the formula does not hold, and how often."""
        for (method, layer), flagged in self.flagged.items():
            if (count := int(np.concatenate(flagged).sum())) > 0:
                progress.warn(
                    f"{method} at {layer}: its formula does not hold for {count} of {len(self.pictures.records)} pictures "
                    "(a score that is not above 0, or a value that is not finite); they are flagged in the results"
                )


def _ranks(logits: np.ndarray, pictures: Pictures) -> list[int | None]:
    """How many classes that are not in the picture the network puts before a record's own; None where that is not known.

    Of equal logits those of lower number come first.
    """
    labels = pictures.labels
    own = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    before = ((logits > own) | ((logits == own) & earlier)) & (pictures.present(logits.shape[1]) == 0)
    return [None if label < 0 else count for label, count in zip(labels.tolist(), before.sum(axis=1).tolist(), strict=True)]


def _stacked(measured: Sequence[Measured], part: Callable[[Measured], np.ndarray | None]) -> np.ndarray | None:
    """(n, k), or None where one picture or more has none."""
    values = [part(each) for each in measured]
    return None if not values or any(each is None for each in values) else np.stack(values)


def table_columns(
    pictures: Pictures, measured: Sequence[Measured], empty: Sequence[bool], flagged: Sequence[bool], curves: np.ndarray | None
) -> dict[str, Any]:
    """The columns of a cell that follow from its boxes and curves; what the network said is null."""
    count = len(measured)
    corners = np.array([np.full(4, np.nan) if each.box is None else each.box for each in measured], np.float32)
    drawn = ~np.isnan(corners[:, 0])
    sides = {
        name: [value if known else None for value, known in zip(corners[:, column].tolist(), drawn, strict=True)]
        for column, name in enumerate(("x0", "y0", "x1", "y1"))
    }
    nothing = [None] * count
    return {
        "image": [record.id for record in pictures.records],
        "picture": [record.picture for record in pictures.records],
        "label": [record.label for record in pictures.records],
        "predicted": nothing,
        "target": nothing,
        "against": [-1] * count,
        "probability": nothing,
        "rank": nothing,
        "empty": list(empty),
        "flagged": list(flagged),
        **sides,
        "area": np.where(drawn, area(np.nan_to_num(corners)), 0.0),
        "iou": [each.iou for each in measured],
        "width": pictures.shapes[:, 1],
        "height": pictures.shapes[:, 0],
        "truth": [record.boxes.ravel().tolist() for record in pictures.records],
        "curve": curves,
        "inside": _stacked(measured, lambda each: each.inside),
        "outside": _stacked(measured, lambda each: each.outside),
    }
