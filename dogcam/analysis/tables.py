"""The per-image tables of one scope, read once: which cells there are, which run and epochs speak for the rest.

All tables of a scope are of the same images with the same classes and boxes; whatever is subtracted is paired by image.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from dogcam.boxes import geometry
from dogcam.boxes.protocols import PROTOCOLS, Protocol
from dogcam.core.errors import ExperimentError, OptionError
from dogcam.experiment.evaluations import Cell, Evaluation, MapKey
from dogcam.experiment.runs import Experiment
from dogcam.experiment.selection import OF_THE_OBJECT
from dogcam.experiment.training_curves import choose_run, curves_of
from dogcam.methods import METHODS

Columns = Mapping[str, np.ndarray]


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts "block_5" before "block_12"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def _position(name: str, known: Iterable[str]) -> tuple[int, str]:
    """The place of a name in a registry; names that it does not know come last, in order of the alphabet."""
    names = list(known)
    return (names.index(name), "") if name in names else (len(names), name)


def is_baseline(cell: Cell) -> bool:
    """Whether a cell never looks at the picture: it belongs to no run."""
    return cell.run == 0


def cell_order(cell: Cell) -> tuple[Any, ...]:
    """Sorts cells by protocol, run, epoch, method and layer, with a protocol's baselines at its end."""
    method = _position(cell.method, METHODS)
    return (_position(cell.protocol, PROTOCOLS), is_baseline(cell), cell.run, cell.epoch, method, _natural(cell.layer))


def cell_columns(evaluation: Evaluation, cell: Cell) -> dict[str, np.ndarray]:
    """The columns of a cell with all that a metric may need: its curves and pixels, and the protocol's IoU levels."""
    protocol = evaluation.about().get("protocols", {}).get(cell.protocol, {})
    levels = np.array(protocol.get("iou_levels", ()), np.float64)
    columns = {**evaluation.read(cell), **evaluation.long(cell), **({"levels": levels} if len(levels) else {})}
    if evaluation.about().get("target", "true") not in OF_THE_OBJECT:
        columns.pop("rank", None)  # the box of another class locates nothing, however right the network is
    return columns


def pictures_of(columns: Columns) -> np.ndarray | None:
    """The picture of each row (n,), which intervals resample; None where each row is a picture of its own."""
    pictures = columns.get("picture")
    return None if pictures is None or np.array_equal(pictures, columns["image"]) else pictures


def right_of(columns: Columns) -> np.ndarray:
    """Whether the network is right about each row: bool (n,); not where it was not asked, or the class is not known.

    Where a picture has one class: whether it puts that first. Where it may have several: whether it puts none that is not in
    the picture before the row's own.
    """
    if pictures_of(columns) is not None:
        return np.equal(columns["rank"], 0)
    return np.equal(columns["predicted"], columns["label"])


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of an experiment's evaluation, and who speaks in it.

    Attributes:
        experiment, evaluation: what they are of.
        cells: all that were scored, in the order of tables: by protocol, run, epoch, method and layer, baselines last.
        run: the run that pictures, claims and groups are about: the chosen one if it was evaluated, else the first that was.
    """

    experiment: Experiment
    evaluation: Evaluation
    cells: tuple[Cell, ...]
    run: int

    @classmethod
    def of(cls, experiment: Experiment, evaluation: Evaluation) -> Tables:
        """Those that are finished."""
        cells = tuple(sorted(evaluation.cells(), key=cell_order))
        runs = sorted({cell.run for cell in cells if not is_baseline(cell)})
        curves = curves_of(experiment.history())
        chosen = choose_run(curves).run if curves else 0
        return cls(experiment, evaluation, cells, chosen if chosen in runs or not runs else runs[0])

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """`experiment.json`."""
        return self.experiment.document

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """What all cells share, see `Evaluation.about`."""
        return self.evaluation.about()

    @cached_property
    def known(self) -> frozenset[Cell]:
        """The cells, to look one up."""
        return frozenset(self.cells)

    def read(self, cell: Cell) -> Columns:
        """The per-image columns of a cell."""
        return self.evaluation.read(cell)

    @cached_property
    def methods(self) -> tuple[Cell, ...]:
        """The cells of what looks at the picture, and of what stands beside it in every run."""
        return tuple(cell for cell in self.cells if not is_baseline(cell))

    @cached_property
    def runs(self) -> list[int]:
        """The runs that were evaluated."""
        return sorted({cell.run for cell in self.methods})

    @cached_property
    def epochs(self) -> list[int]:
        """The epochs of `run` that were evaluated."""
        return sorted({cell.epoch for cell in self.methods if cell.run == self.run})

    @cached_property
    def protocols(self) -> list[str]:
        """The protocols that were evaluated, the main one first."""
        return list(dict.fromkeys(cell.protocol for cell in self.cells))

    def protocol(self, name: str) -> Protocol | None:
        """A registered protocol, or one of a user's file as its fields were kept; None where this dogcam knows neither."""
        if name in PROTOCOLS:
            return PROTOCOLS[name]
        try:
            return Protocol(**self.about["protocols"][name])
        except (KeyError, TypeError, OptionError):  # never kept, or with fields or values of another dogcam
            return None

    @cached_property
    def drawn_under(self) -> Protocol | None:
        """What pictures are drawn under: the first evaluated protocol of the logit, whose maps are the ones kept."""
        known = (self.protocol(name) for name in self.protocols)
        return next((each for each in known if each is not None and each.score == "logit"), None)

    @cached_property
    def layers(self) -> list[str]:
        """The layers that were evaluated, from the input on: the stages last, as the model has them."""
        found = list(dict.fromkeys(cell.layer for cell in self.methods))
        stages = [layer for layer in self.document.get("model", {}).get("stages", ()) if layer in found]
        return [*(layer for layer in found if layer not in stages), *stages]

    @cached_property
    def pooled_layer(self) -> str:
        """The layer that feeds the pooling, where CAM and Grad-CAM can be compared; else the last that was evaluated."""
        recorded = self.document.get("model", {}).get("pooled_layer")
        layers = [cell.layer for cell in self.cells if cell.method == "cam"] or self.layers
        return recorded or (layers[-1] if layers else "")

    @cached_property
    def maps(self) -> list[MapKey]:
        """What was evaluated of `run`, in the order of tables."""
        return list(dict.fromkeys(cell.map for cell in self.methods if cell.run == self.run))

    def columns(self, protocol: str, key: MapKey, epoch: int) -> Columns | None:
        """The per-image columns of a cell of `run`; None where it was not evaluated."""
        cell = Cell(self.run, epoch, key.method, key.layer, protocol)
        return self.read(cell) if cell in self.known else None

    def alike(self, cells: Iterable[Cell]) -> list[int]:
        """The runs in which the same was scored as in these cells of `run`, itself among them."""
        wanted = list(cells)
        return [run for run in self.runs if all(in_run(cell, run) in self.known for cell in wanted)]

    def pooled_by_run(self, protocol: str, method: str, epoch: int) -> list[Columns]:
        """A cell's columns at the pooled layer in each run that was scored there wherever `run` was; empty where it was not."""
        at = (self.pooled_layer, protocol)
        runs = self.alike(c for c in self.methods if c.run == self.run and (c.layer, c.protocol) == at)
        cells = [Cell(run, epoch, method, self.pooled_layer, protocol) for run in runs]
        return [self.read(cell) for cell in cells] if set(cells) <= self.known else []

    def baselines(self, protocol: str) -> dict[MapKey, Columns]:
        """The columns of what never looks, and of networks with fresh weights."""
        mine = (cell for cell in self.cells if is_baseline(cell) and cell.protocol == protocol)
        return {cell.map: self.read(cell) for cell in mine}

    @cached_property
    def images(self) -> int:
        """How many images were scored; in a set with several classes in a picture how many rows."""
        return max((len(self.read(cell)["image"]) for cell in self.cells), default=0)

    @cached_property
    def pictures(self) -> int | None:
        """Of how many pictures these are the rows; None where each is a picture of its own."""
        found = pictures_of(self.read(self.cells[0])) if self.cells else None
        return None if found is None else len(set(found))

    @cached_property
    def annotated_area(self) -> float:
        """The mean over images of the mean area of an image's annotated boxes, as a share of the picture; NaN without any."""
        truth = self.read(self.cells[0])["truth"] if self.cells else ()
        means = [float(geometry.area(boxes).mean()) for boxes in truth if len(boxes)]
        return float(np.mean(means)) if means else float("nan")


def in_run(cell: Cell, run: int) -> Cell:
    """The same cell of another run; a baseline is of none."""
    return cell if is_baseline(cell) else replace(cell, run=run)


def check_same_images(tables: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Refuse to compare tables that are not of the same images with the same classes and boxes.

    Raises:
        ExperimentError: two are not, with what differs.
    """
    (first, known), *others = tables.items()
    for name, table in others:
        if not np.array_equal(known["image"], table["image"]):
            apart = sorted(set(known["image"]) ^ set(table["image"]))
            which = f"only one of them has {listed(apart)}" if apart else "in another order"
            raise ExperimentError(
                f"{first} and {name} were scored on different images ({len(known['image'])} and {len(table['image'])}; "
                f"{which}), so that they cannot be compared: evaluate both again"
            )
        for column, what in (("label", "class"), ("truth", "annotated boxes")):
            if not _alike(known[column], table[column]):
                same = [np.array_equal(one, other) for one, other in zip(known[column], table[column], strict=True)]
                raise ExperimentError(
                    f"{first} and {name} differ in the {what} of {known['image'][same.index(False)]} and "
                    f"{same.count(False) - 1} other images, so that they cannot be compared: evaluate both again"
                )


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two columns of as many rows are equal; annotated boxes are laid end to end, since rows one by one are slow."""
    if one is other or not len(one):
        return True
    if one.dtype != object:
        return np.array_equal(one, other, equal_nan=one.dtype.kind == other.dtype.kind == "f")  # a class that is not known
    counts = [[len(boxes) for boxes in each] for each in (one, other)]
    return counts[0] == counts[1] and np.array_equal(np.concatenate(one), np.concatenate(other))


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
