"""Faithfulness as numbers: what the network answers when it sees, or not, what a map points at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dogcam.analysis.tables import Columns, cell_order, pictures_of
from dogcam.analysis.weighing import aligned, pictures_in
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.methods import METHODS
from dogcam.metrics.faithfulness import FAITHFULNESS
from dogcam.statistics import Interval, Pair, compare, intervals

TOLD = ("road", "insertion", "deletion")  # the scores that sentences are about; the first that is there is drawn
_RANDOM = "random-map"
_SAME = 1e-4  # a difference in a score that is not shown: the rounding of the network's arithmetic makes such


@dataclass(frozen=True)
class FaithfulnessRow:
    """How faithful the maps of one cell are.

    Attributes:
        cell: whose maps; of no protocol.
        n: images.
        n_without_boxes: of these without a usable box, left out of pointing and energy.
        scores: by score its mean over the images that have it, with its 95 % interval.
    """

    cell: Cell
    n: int
    n_without_boxes: int
    scores: dict[str, Interval]

    @property
    def baseline(self) -> bool:
        """Whether its method is there to be beaten."""
        return self.cell.method in METHODS and METHODS[self.cell.method].baseline

    def value(self, score: str) -> float | None:
        """The mean of a score; None where no image has it."""
        found = self.scores.get(score)
        return None if found is None or np.isnan(found.value) else found.value


@dataclass(frozen=True)
class Leading:
    """Which methods' maps are the most faithful by one score.

    Attributes:
        score: the score.
        leaders: the maps of the best value, which several may share.
        others: the first of them less every other method, over the same pictures, corrected together with `random` (Holm).
        random: the same against the random map; null where that was not scored.
    """

    score: str
    leaders: tuple[Cell, ...]
    others: tuple[Pair[Cell], ...]
    random: Pair[Cell] | None

    @property
    def tied(self) -> tuple[Cell, ...]:
        """The other methods that are not told apart from the best."""
        return tuple(pair.second for pair in self.others if not pair.told_apart)


@dataclass(frozen=True)
class Boxed:
    """How well the boxes of a map fit that was scored for faithfulness.

    Attributes:
        cell: the map.
        iou: the mean IoU of its boxes under the main protocol.
    """

    cell: Cell
    iou: Interval


@dataclass(frozen=True)
class Faithfulness:
    """What was scored for faithfulness, and what is told of it: one run at its latest epoch.

    Attributes:
        rows: one for each cell.
        run, epoch: what is told of.
        leading: by score the most faithful maps, of `TOLD` those that are there.
        boxed: the maps told of whose boxes were scored as well.
    """

    rows: tuple[FaithfulnessRow, ...]
    run: int
    epoch: int
    leading: tuple[Leading, ...]
    boxed: tuple[Boxed, ...]

    @property
    def told(self) -> tuple[FaithfulnessRow, ...]:
        """The rows of the run and epoch that are told of."""
        return tuple(row for row in self.rows if (row.cell.run, row.cell.epoch) == (self.run, self.epoch))

    @property
    def fitting(self) -> tuple[Boxed, ...]:
        """The methods' maps whose boxes fit best, which several may share; none where only one was scored."""
        looking = {row.cell for row in self.told if not row.baseline}
        known = [each for each in self.boxed if each.cell in looking]
        highest = max((each.iou.value for each in known), default=0.0)
        return tuple(each for each in known if len(known) > 1 and highest - each.iou.value <= _SAME)


def faithfulness(evaluation: Evaluation, boxes: Mapping[Cell, Columns], run: int, protocol: str | None) -> Faithfulness | None:
    """All that is told of faithfulness; None where nothing was scored.

    Rows come in order of run, epoch, method and layer; intervals are 95 % over images (BCa). Tables of other images than
    those asked about last are left out: they cannot stand beside the others.

    Args:
        boxes: the per-image columns of the cells that boxes were scored of.
        run: to tell of; where it was not scored, the last that was is told of.
        protocol: whose boxes are set beside the scores.
    """
    tables = _tables(evaluation)
    if not tables:
        return None
    rows = tuple(_row(cell, columns) for cell, columns in tables.items())
    runs = [cell.run for cell in tables]
    run = run if run in runs else runs[-1]
    epoch = max(cell.epoch for cell in tables if cell.run == run)
    told = [row for row in rows if (row.cell.run, row.cell.epoch) == (run, epoch)]
    leading = (_leading(told, tables, score) for score in TOLD)
    return Faithfulness(rows, run, epoch, tuple(filter(None, leading)), _boxed(told, boxes, protocol))


def _tables(evaluation: Evaluation) -> dict[Cell, Columns]:
    asked = (evaluation.about().get("faithfulness") or {}).get("ids")
    cells = sorted(evaluation.faithfulness_cells(), key=cell_order)
    tables = ((cell, evaluation.read_faithfulness(cell)) for cell in cells)
    return {cell: columns for cell, columns in tables if asked is None or columns["image"].tolist() == asked}


def _row(cell: Cell, columns: Columns) -> FaithfulnessRow:
    names = [name for name in FAITHFULNESS if name in columns]  # an earlier dogcam may have known fewer
    found = intervals(np.column_stack([columns[name] for name in names]), pictures=pictures_of(columns))
    boxed = columns["boxed"]
    return FaithfulnessRow(cell, len(boxed), int(np.sum(~boxed)), dict(zip(names, found, strict=True)))


def _leading(rows: Sequence[FaithfulnessRow], tables: Mapping[Cell, Columns], score: str) -> Leading | None:
    """The best by one score, beside the random map and the other methods; None where no method has the score."""
    sign = 1 if FAITHFULNESS[score].larger_is_better else -1
    values = {row.cell: sign * value for row in rows if (value := row.value(score)) is not None}
    looking = [row.cell for row in rows if row.cell in values and not row.baseline]
    if not looking:
        return None
    best = max(values[cell] for cell in looking)
    leaders = [cell for cell in looking if best - values[cell] <= _SAME]
    others = [cell for cell in looking if cell not in leaders]
    random = [cell for cell in values if cell.method == _RANDOM][:1]
    cells = [leaders[0], *others, *random]
    columns = np.column_stack([np.asarray(tables[cell][score], np.float64) for cell in cells])
    which = [(leaders[0], other) for other in cells[1:]]
    pairs = compare(columns, cells, which, pictures=pictures_of(tables[leaders[0]]))
    return Leading(score, tuple(leaders), pairs[: len(others)], pairs[-1] if random else None)


def _boxed(rows: Sequence[FaithfulnessRow], boxes: Mapping[Cell, Columns], protocol: str | None) -> tuple[Boxed, ...]:
    """Mean IoU of the rows whose boxes were scored: as maps of their run, or as baselines, which are of none."""
    found: dict[Cell, Columns] = {}
    for row in rows if protocol else ():
        cell = row.cell
        own = Cell(cell.run, cell.epoch, cell.method, cell.layer, protocol or "")
        either = own, Cell(0, 0, cell.method, cell.layer, own.protocol)
        if scored := [boxes[each] for each in either if each in boxes]:
            found[cell] = scored[0]
    scored_boxes = list(found.values())
    means = intervals(aligned(scored_boxes), pictures=pictures_in(scored_boxes)) if found else ()
    return tuple(Boxed(cell, iou) for cell, iou in zip(found, means, strict=True))
