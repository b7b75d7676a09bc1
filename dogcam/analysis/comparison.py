"""The cells of one epoch under one protocol, compared over the same images: intervals, ranks, what is the same, pairs.

Of one run the uncertainty is about other images; of several, also about training again (see `statistics.crossed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dogcam.analysis.tables import cell_order, check_same_images, is_baseline
from dogcam.analysis.weighing import best_unseen
from dogcam.boxes.protocols import Protocol
from dogcam.core.files import plain
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.language import message, say
from dogcam.language.numbers import number
from dogcam.statistics import (
    Interval,
    Pair,
    Ranked,
    SameGroup,
    compare,
    groups_of_same,
    intervals,
    intervals_over_runs,
    ranking,
    representatives,
)

# At the layer that feeds the pooling, with a logit score, dS/dA is w/Z everywhere: these are one map, but for a ReLU.
_ONE_MAP = ("cam", "gradcam", "hirescam", "xgradcam", "shapleycam")


@dataclass(frozen=True)
class Line:
    """One line of the ranking: a cell, or several that draw the same boxes.

    Attributes:
        names: "gradcam at conv5_block3_out", or a baseline's name.
        iou: the mean IoU with its 95 % interval.
        rank, letters: see `statistics.Ranked`.
        same: why the names count as one; "" for a single one.
        by_algebra: they must: a theorem says so, not a measurement alone.
        unseen: IoU less that of the best baseline that never looks; None for baselines.
    """

    names: tuple[str, ...]
    iou: Interval
    rank: int
    letters: str
    same: str
    unseen: Pair | None
    by_algebra: bool = False

    @property
    def mark(self) -> str | None:
        """ "above", "below", "undecided" or, without an interval, "few"; None for baselines."""
        if self.unseen is None:
            return None
        return "few" if np.isnan(self.unseen.low) else self.unseen.verdict


@dataclass(frozen=True)
class Comparison:
    """All lines, the best first, and every pair of them."""

    protocol: str
    runs: tuple[int, ...]
    epoch: int
    lines: tuple[Line, ...]
    pairs: tuple[Pair, ...]
    baseline: str | None

    @property
    def of_methods(self) -> list[Pair]:
        """The pairs that a method is in: how two baselines compare says nothing of any."""
        methods = {name for line in self.lines if line.unseen for name in line.names}
        return [pair for pair in self.pairs if methods & {pair.first, pair.second}]

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return plain(asdict(self))

    def below(self, verdict: str) -> list[str]:
        """The names of the methods that have a `Line.mark` against the best baseline that never looks."""
        return [name for line in self.lines if line.mark == verdict for name in line.names]

    def sentences(self) -> list[str]:
        """What the numbers say, in words."""
        found = [
            say("The same boxes: {names} ({reason}).", names=", ".join(line.names), reason=line.same)
            for line in self.lines
            if line.same
        ]
        if self.baseline is None:
            return found
        score = next(line.iou.value for line in self.lines if self.baseline in line.names)
        told = [say(text, names=", ".join(names)) for mark, text in _MARKS.items() if (names := self.below(mark))]
        if told:
            known = {"box": self.baseline, "iou": number(score)}
            best = say("The best box that never looks is {box}, mean IoU {iou}.", **known)
            found.append(" ".join([best, *told]))
        return found


_MARKS = {
    "above": message("Above it, by a 95 % interval: {names}."),
    "undecided": message("Not told apart from it: {names}."),
    "few": message("Too few images to say: {names}."),
    "below": message("Below it: {names}."),
}


def compared(
    evaluation: Evaluation,
    wanted: Iterable[Cell],
    protocol: Protocol,
    runs: Sequence[int],
    epoch: int,
    pooled: str | None,
) -> Comparison | None:
    """The comparison of the runs' cells at an epoch, baselines included; None where there are none.

    Args:
        wanted: of which cells; those of other runs, epochs and protocols are left out.
        pooled: the layer that feeds the pooling, where a theorem says what is the same.

    Raises:
        ExperimentError: the cells are of different images or classes.
    """
    table = _Table.read(evaluation, set(wanted), protocol, runs, epoch)
    if table is None:
        return None
    names, scores = table.names, table.scores
    groups = groups_of_same(table.boxes, table.maps)
    kept = representatives(names, groups)
    kept_scores = scores[..., [names.index(name) for name in kept]]
    pairs = compare(kept_scores, kept)
    ranks = ranking(scores, names, groups, pairs)
    found = intervals_over_runs(scores) if scores.ndim == 3 else intervals(scores)
    by_name = dict(zip(names, found, strict=True))
    baseline = table.best_unseen()
    against = _against(baseline, groups, kept, kept_scores)
    lines = tuple(
        _line(
            each,
            by_name[each.names[0]],
            None if all(is_baseline(table.cells[name]) for name in each.names) else against.get(each.names[0]),
            bool(each.reason) and _theorem([table.cells[name] for name in each.names], protocol, pooled),
        )
        for each in ranks
    )
    return Comparison(protocol.name, tuple(runs), epoch, lines, pairs, baseline)


@dataclass(frozen=True, eq=False)
class _Table:
    """Scores, boxes and maps of the same images, a column for each method and baseline.

    Attributes:
        cells: by name; of several runs that of the first.
        scores: (n, m), or (runs, n, m) of several runs.
        boxes: by name (n, 4), of several runs one below the other; NaN where none was drawn.
        maps: of the sample, by name; of one run, and of passes that keep them.
    """

    cells: dict[str, Cell]
    scores: np.ndarray
    boxes: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]

    @property
    def names(self) -> list[str]:
        """In the order of the columns."""
        return list(self.cells)

    @classmethod
    def read(
        cls, evaluation: Evaluation, wanted: set[Cell], protocol: Protocol, runs: Sequence[int], epoch: int
    ) -> _Table | None:
        """What was evaluated in every one of the runs; None where that is baselines alone."""
        of = [cell for cell in wanted if cell.protocol == protocol.name]
        first = [cell for cell in of if is_baseline(cell) or (cell.run, cell.epoch) == (runs[0], epoch)]
        shared = [cell for cell in first if all(_in_run(cell, run) in wanted for run in runs)]
        if all(map(is_baseline, shared)):
            return None
        cells = {_name(cell): cell for cell in sorted(shared, key=cell_order)}
        tables = [[evaluation.read(_in_run(cell, run)) for cell in cells.values()] for run in runs]
        check_same_images({str(cell): table for row in tables for cell, table in zip(cells, row, strict=True)})
        scores = np.stack([np.column_stack([table["iou"] for table in row]) for row in tables])
        boxes = {name: np.concatenate([_boxes(row[place]) for row in tables]) for place, name in enumerate(cells)}
        kept = evaluation.maps(runs[0], epoch) if len(runs) == 1 and protocol.score == "logit" else {}
        maps = {
            name: np.maximum(kept[cell.method, cell.layer], 0) if protocol.relu else kept[cell.method, cell.layer]
            for name, cell in cells.items()
            if not is_baseline(cell) and (cell.method, cell.layer) in kept
        }
        return cls(cells, scores if len(runs) > 1 else scores[0], boxes, maps)

    def best_unseen(self) -> str | None:
        """The baseline of the highest mean IoU among those that never look at the picture."""
        means = self.scores.reshape(-1, len(self.cells)).mean(axis=0).tolist()
        return best_unseen({n: mean for mean, (n, c) in zip(means, self.cells.items(), strict=True) if is_baseline(c)})


def _in_run(cell: Cell, run: int) -> Cell:
    """The same cell of another run; a baseline is of none."""
    return cell if is_baseline(cell) else replace(cell, run=run)


def _name(cell: Cell) -> str:
    return cell.method if is_baseline(cell) else f"{cell.method} at {cell.layer}"


def _boxes(table: dict[str, np.ndarray]) -> np.ndarray:
    """(n, 4), NaN where no box was drawn."""
    return np.column_stack([np.asarray(table[name], np.float64) for name in ("x0", "y0", "x1", "y1")])


def _against(
    baseline: str | None, groups: Sequence[SameGroup], kept: Sequence[str], scores: np.ndarray
) -> dict[str, Pair]:
    """Every line less the baseline, by the line's first name."""
    if baseline is None:
        return {}
    standing = next((group.names[0] for group in groups if baseline in group.names), baseline)
    which = [(name, standing) for name in kept if name != standing]
    return {pair.first: pair for pair in compare(scores, kept, which)} if which else {}


def _line(of: Ranked, iou: Interval, unseen: Pair | None, by_algebra: bool) -> Line:
    """A line of the ranking; beside the measured reason stands the theorem behind it where there is one."""
    why = of.reason
    if by_algebra:
        why = say(
            "{measured}: with a logit score and pooling on this layer, Grad-CAM and its kin are ReLU(CAM)/hw",
            measured=why,
        )
    return Line(of.names, iou, of.rank, of.letters, why, unseen, by_algebra)


def _theorem(line: Sequence[Cell], protocol: Protocol, pooled: str | None) -> bool:
    """Whether cells are one map by algebra."""
    return (
        protocol.score == "logit"
        and protocol.relu
        and all(cell.method in _ONE_MAP and cell.layer == pooled for cell in line)
        and "cam" in {cell.method for cell in line}
    )
