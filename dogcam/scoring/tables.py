"""Raw maps -> the tables of their cells, whoever drew the maps: a network's pass, or somebody else's files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product, repeat
from typing import Any

import cv2
import numpy as np

from dogcam.boxes import drawing
from dogcam.boxes.geometry import area
from dogcam.boxes.protocols import Protocol
from dogcam.core.progress import Progress
from dogcam.data.pipeline import WORKERS, Pictures, room_for
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.scoring import Calibration, Scoring, thresholds
from dogcam.scoring.measuring import Measured, boxed, curve_of, measured
from dogcam.scoring.saving import Pair

Key = tuple[str, str, str]  # and the protocol's name
_SIDE = 224  # of maps that are kept for figures and differ in size
Maps = Mapping[Pair, Sequence[np.ndarray]]  # raw maps (h, w) of some pictures


def calibrated(
    pairs: Sequence[Pair],
    protocols: Sequence[Protocol],
    calibration: Calibration | None,
    batches: Callable[[Calibration], Iterable[tuple[slice, Maps]]],
) -> dict[Key, Choice]:
    """The threshold of every cell by every protocol; None where it must wait for the pictures that are evaluated.

    Args:
        batches: gives the maps of the calibration's pictures; asked only where a protocol calibrates.
    """
    chosen = {(*pair, protocol.name): thresholds.fixed(protocol) for pair, protocol in product(pairs, protocols)}
    calibrating = [protocol for protocol in protocols if protocol.threshold_from == "calibrated"]
    if calibrating and calibration is not None:
        curves = _curves(calibration.pictures, calibrating, batches(calibration))
        for pair, protocol in product(pairs, calibrating):
            key = (*pair, protocol.name)
            chosen[key] = thresholds.calibrated(curves[key], protocol)
    return chosen


def _curves(pictures: Pictures, protocols: Sequence[Protocol], batches: Iterable[tuple[slice, Maps]]) -> dict[Key, np.ndarray]:
    """IoU of the calibration's pictures at every threshold (n, T)."""
    found: dict[Key, list[np.ndarray]] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for part, of_batch in batches:
            of = pictures.sizes(part), pictures.records[part]
            for (pair, maps), protocol in product(of_batch.items(), protocols):
                found.setdefault((*pair, protocol.name), []).extend(pool.map(curve_of, maps, repeat(protocol), *of))
    return {key: np.stack(curves) for key, curves in found.items()}


class Found:
    """What has been found so far of the maps of a scoring's pictures.

    Args:
        again: gives all maps of a cell once more, where that is easier than to keep them until a threshold is chosen.
    """

    def __init__(
        self,
        scoring: Scoring,
        pairs: Sequence[Pair],
        protocols: Sequence[Protocol],
        chosen: dict[Key, Choice],
        again: Callable[[Pair], Iterable[np.ndarray]] | None = None,
    ):
        self.scoring, self.pictures, self.again = scoring, scoring.pictures, again
        self.protocols, self.chosen = protocols, chosen
        self.measured: dict[Key, list[Measured]] = {key: [] for key in chosen}
        self.empty: dict[Pair, list[bool]] = {pair: [] for pair in pairs}
        self.flagged: dict[Pair, list[np.ndarray]] = {pair: [] for pair in pairs}
        self.kept: dict[Pair, list[np.ndarray]] = {pair: [] for pair in pairs}  # the sample's raw maps
        self.raw: dict[Pair, np.ndarray] = {}  # all raw maps, where a threshold must wait for them
        self.curves: dict[Key, np.ndarray] = {}

    def add(self, part: slice, of_batch: Maps, flags: Mapping[Pair, np.ndarray], pool: ThreadPoolExecutor) -> None:
        """Take in a batch: its raw maps, and of which pictures (B,) a method's formula does not hold."""
        positions = np.arange(len(self.pictures.records))[part]
        records = self.pictures.records[part]
        masks = list(pool.map(lambda record: None if record.mask is None else record.mask(), records))
        of = self.pictures.sizes(part), records, masks
        for pair, maps in of_batch.items():
            self.empty[pair] += [drawing.is_empty(each) for each in maps]
            self.flagged[pair].append(flags[pair])
            self.kept[pair] += [maps[place] for place in np.flatnonzero(np.isin(positions, self.scoring.sampled))]
            if self.again is None and any(protocol.threshold_from == "best" for protocol in self.protocols):
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
                maps = self.raw[pair] if self.again is None else self.again(pair)
                made = pool.map(boxed, maps, repeat(protocol), *of, repeat(choice.threshold))
                self.measured[key] = [
                    replace(each, box=now.box, iou=now.iou) for each, now in zip(self.measured[key], made, strict=True)
                ]

    def columns(self, pair: Pair, protocol: Protocol) -> dict[str, Any]:
        """The columns of a cell, but for what the network said."""
        key = (*pair, protocol.name)
        flagged = np.concatenate(self.flagged[pair])
        return table_columns(self.pictures, self.measured[key], self.empty[pair], flagged, self.curves.get(key))

    def write(self, number: int, epoch: int, more: Mapping[str, Any]) -> None:
        """Write the table of every cell of the run `number` at `epoch`, with columns that do not follow from the maps."""
        for pair, protocol in product(self.kept, self.protocols):
            key = (*pair, protocol.name)
            columns = {**self.columns(pair, protocol), **more}
            self.scoring.evaluation.write(Cell(number, epoch, *key), columns, self.chosen[key])

    def sampled(self) -> dict[Pair, np.ndarray]:
        """The raw maps (s, h, w) of the sample."""
        return {pair: in_one_size(maps) for pair, maps in self.kept.items()}

    def warn_of_flags(self, progress: Progress) -> None:
        """Say of which cells the formula does not hold, and how often."""
        for (method, layer), flagged in self.flagged.items():
            if (count := int(np.concatenate(flagged).sum())) > 0:
                progress.warn(
                    f"{method} at {layer}: its formula does not hold for {count} of {len(self.pictures.records)} pictures "
                    "(a score that is not above 0, or a value that is not finite); they are flagged in the results"
                )


def in_one_size(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Maps (h, w) as one array float32 (n, h, w); of several sizes each is enlarged or reduced to `_SIDE`, bilinearly."""
    if len({each.shape for each in maps}) > 1:
        maps = [cv2.resize(np.asarray(each, np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR) for each in maps]
    return np.stack(maps).astype(np.float32)


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
