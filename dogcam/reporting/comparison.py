"""The cells of one model under one protocol, compared over the same images: intervals, ranks, what is the same, pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dogcam.evaluations import Cell, Evaluation
from dogcam.files import plain
from dogcam.methods import METHODS
from dogcam.protocols import Protocol
from dogcam.reporting.tables import cell_order, is_baseline
from dogcam.statistics import Interval, Pair, SameGroup, compare, groups_of_same, intervals, ranking, representatives

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
        unseen: IoU less that of the best baseline that never looks; None for baselines.
    """

    names: tuple[str, ...]
    iou: Interval
    rank: int
    letters: str
    same: str
    unseen: Pair | None


@dataclass(frozen=True)
class Comparison:
    """All lines, the best first, and every pair of them."""

    protocol: str
    run: int
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
        """The names of the methods that are "below", "above" or "undecided" against the best baseline that never looks."""
        return [name for line in self.lines if line.unseen and line.unseen.verdict == verdict for name in line.names]

    def sentences(self) -> list[str]:
        """What the numbers say, in words."""
        found = [f"The same boxes: {', '.join(line.names)} ({line.same})." for line in self.lines if line.same]
        if self.baseline is None:
            return found
        score = next(line.iou.value for line in self.lines if self.baseline in line.names)
        words = {
            "above": "Above it, by a 95 % interval",
            "undecided": "Not told apart from it",
            "below": "Below it",
        }
        told = [f"{text}: {', '.join(names)}." for verdict, text in words.items() if (names := self.below(verdict))]
        if told:
            found.append(f"The best box that never looks is {self.baseline}, mean IoU {score:.3f}. {' '.join(told)}")
        return found


def compared(
    evaluation: Evaluation, wanted: Iterable[Cell], protocol: Protocol, run: int, epoch: int, pooled: str | None
) -> Comparison | None:
    """The comparison of a run's cells at an epoch, baselines included; None where there are none.

    Args:
        wanted: of which cells; those of other runs, epochs and protocols are left out.
        pooled: the layer that feeds the pooling, where a theorem says what is the same.
    """
    of = (cell for cell in set(wanted) if cell.protocol == protocol.name)
    cells = sorted((cell for cell in of if is_baseline(cell) or (cell.run, cell.epoch) == (run, epoch)), key=cell_order)
    if all(map(is_baseline, cells)):
        return None
    names = [_name(cell) for cell in cells]
    tables = [evaluation.read(cell) for cell in cells]
    scores = np.column_stack([table["iou"] for table in tables])
    groups = groups_of_same({name: _boxes(table) for name, table in zip(names, tables, strict=True)})
    kept = representatives(names, groups)
    kept_scores = scores[:, [names.index(name) for name in kept]]
    pairs = compare(kept_scores, kept)
    ranks = ranking(scores, names, groups, pairs)
    by_name = dict(zip(names, intervals(scores), strict=True))
    baseline = _best_unseen(cells, names, scores)
    against = _against(baseline, groups, kept, kept_scores)
    lines = tuple(
        Line(
            each.names,
            by_name[each.names[0]],
            each.rank,
            each.letters,
            _why(each.names, each.reason, protocol, pooled, dict(zip(names, cells, strict=True))),
            None if _knows_nothing(each.names, names, cells) else against.get(each.names[0]),
        )
        for each in ranks
    )
    return Comparison(protocol.name, run, epoch, lines, pairs, baseline)


def _name(cell: Cell) -> str:
    return cell.method if is_baseline(cell) else f"{cell.method} at {cell.layer}"


def _boxes(table: dict[str, np.ndarray]) -> np.ndarray:
    """(n, 4), NaN where no box was drawn."""
    return np.column_stack([np.asarray(table[name], np.float64) for name in ("x0", "y0", "x1", "y1")])


def _best_unseen(cells: Sequence[Cell], names: Sequence[str], scores: np.ndarray) -> str | None:
    """The baseline of the highest mean IoU among those that never look at the picture."""
    unseen = [
        (scores[:, place].mean(), name)
        for place, (cell, name) in enumerate(zip(cells, names, strict=True))
        if is_baseline(cell) and (cell.method not in METHODS or METHODS[cell.method].content_free)
    ]
    return max(unseen)[1] if unseen else None


def _knows_nothing(line: Sequence[str], names: Sequence[str], cells: Sequence[Cell]) -> bool:
    return all(is_baseline(cells[names.index(name)]) for name in line)


def _against(
    baseline: str | None, groups: Sequence[SameGroup], kept: Sequence[str], scores: np.ndarray
) -> dict[str, Pair]:
    """Every line less the baseline, by the line's first name."""
    if baseline is None:
        return {}
    standing = next((group.names[0] for group in groups if baseline in group.names), baseline)
    which = [(name, standing) for name in kept if name != standing]
    return {pair.first: pair for pair in compare(scores, kept, which)} if which else {}


def _why(line: Sequence[str], measured: str, protocol: Protocol, pooled: str | None, cells: dict[str, Cell]) -> str:
    """The measured reason why the names of a line are one, and the theorem behind it where there is one."""
    theorem = (
        protocol.score == "logit"
        and protocol.relu
        and all(cells[name].method in _ONE_MAP and cells[name].layer == pooled for name in line)
        and "cam" in {cells[name].method for name in line}
    )
    if not (measured and theorem):
        return measured
    return f"{measured}: with a logit score and pooling on this layer, Grad-CAM and its kin are ReLU(CAM)/hw"
