"""Groups of pictures as an exhibit: by breed, by the animal's size, by how many there are, by whether the network is right.

What is shown is the mean IoU of a few lines of the ranking: the best method, the study's two, and the best box that never
looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dogcam.analysis import study
from dogcam.analysis.groups import GroupedScores, Groups
from dogcam.analysis.tables import is_baseline
from dogcam.experiment.evaluations import Cell, MapKey
from dogcam.figures import Dots, dot_plot
from dogcam.language import say
from dogcam.language.numbers import count, with_ends
from dogcam.methods import title_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.group_words import labels
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, text
from dogcam.statistics import Interval
from dogcam.statistics.intervals import LEAST

_ALL, _ENDS = 40, 15  # breeds in one figure: all of so many, of more the best and the worst so many


def groups(material: Material) -> Exhibit | None:
    """Under the main protocol; None where no method was scored, or all pictures are of one group."""
    main = material.analysis.protocols[0] if material.analysis.protocols else None
    made = [each for each in material.analysis.groups if each.lines[0].cell.protocol == main]
    looking = (each for each in made if not all(is_baseline(line.cell) for line in each.lines))
    shown = [_Shown(material, each, _lines(each, material)) for each in looking if len(each.groups) > 1]
    lead = (sentence for each in shown for sentence in each.sentences())
    return exhibit("groups", lead, (block for each in shown for block in each.blocks())) if shown else None


def _lines(made: Groups, material: Material) -> list[GroupedScores]:
    """The best method, the study's two, and the best box that never looks, as tables have them; of the same scores one."""
    family = material.analysis.spoken(made.lines[0].cell.protocol)
    best = [] if family is None else [*family.methods_of(family.looking[:1])[:1], family.unseen]
    wanted = (
        [best[0], *(MapKey(method, material.analysis.pooled_layer) for method in study.IOU), best[1]] if best else []
    )
    by_map = {line.cell.map: line for line in made.lines}
    different: list[GroupedScores] = []
    for line in (by_map[key] for key in wanted if key in by_map):
        if not any(np.array_equal(_ends(line), _ends(each), equal_nan=True) for each in different):
            different.append(line)
    return [line for line in made.lines if any(line is each for each in different)]


def _ends(line: GroupedScores) -> list[tuple[float, float, float]]:
    return [(each.value, each.low, each.high) for each in line.mean_iou]


def _best(lines: Sequence[GroupedScores]) -> list[GroupedScores]:
    """The one of the highest mean IoU over all pictures, of several the first."""
    return [max(lines, key=lambda line: sum(each.n * each.value for each in line.mean_iou if each.n))] if lines else []


@dataclass(frozen=True, eq=False)
class _Shown:
    """One grouping as it is shown: groups in order, of breeds the best first."""

    material: Material
    made: Groups
    lines: list[GroupedScores]

    @property
    def best(self) -> GroupedScores:
        """The method of the highest mean IoU, which breeds are sorted by."""
        return _best([line for line in self.lines if not is_baseline(line.cell)])[0]

    @property
    def order(self) -> list[int]:
        """Places of the groups, as they are shown."""
        places = list(range(len(self.made.groups)))
        means = self.best.mean_iou
        return sorted(places, key=lambda place: -means[place].value) if self.made.by == "breed" else places

    def name(self, cell: Cell) -> str:
        """A line as it is named: a method away from the layer that feeds the pooling with its own."""
        if is_baseline(cell):
            return text("groups.unseen", box=title_of(cell.method))
        return self.material.named(cell.map)

    def blocks(self) -> list[Chart | Table]:
        """Of breeds a figure, and a table of all; of the others a table."""
        return [*([self._chart()] if self.made.by == "breed" else ()), self._table()]

    def _caption(self) -> str:
        of = self.best.cell
        return text(f"groups.caption.{self.made.by}", run=of.run, epoch=of.epoch, protocol=of.protocol)

    def _table(self) -> Table:
        known = labels(self.made)
        return Table(
            self._caption(),
            (text(f"groups.head.{self.made.by}"), "n", *(self.name(line.cell) for line in self.lines)),
            tuple(self._row(known[place], place) for place in self.order),
            note=text("groups.note", least=LEAST),
            folded=len(self.order) > 12,
        )

    def _row(self, label: str, place: int) -> Row:
        return Row.of(label, count(self.made.groups[place].n), *(_entry(line.mean_iou[place]) for line in self.lines))

    def _chart(self) -> Chart:
        order, cut, known = self.order, None, labels(self.made)
        if len(order) > _ALL:
            order, cut = [*order[:_ENDS], *order[-_ENDS:]], _ENDS
        dots = [self._dots(line.cell, [line.mean_iou[place] for place in order]) for line in self.lines]
        rows = [text("groups.row", group=known[place], count=count(self.made.groups[place].n)) for place in order]
        caption = [self._caption(), text("groups.sorted", method=self.name(self.best.cell))]
        if cut is not None:
            caption.append(text("groups.ends", ends=_ENDS, all=len(self.order)))
        draw = partial(dot_plot, rows, dots, say("mean IoU"), cut=cut)
        return Chart("iou-by-breed", " ".join(caption), text("groups.alt"), draw)

    def _dots(self, cell: Cell, means: Sequence[Interval]) -> Dots:
        ends = [each.value for each in means], [each.low for each in means], [each.high for each in means]
        hollow = is_baseline(cell)
        return Dots(self.name(cell), *ends, None if hollow else self.material.colour_of(cell.method), hollow)

    def sentences(self) -> list[str]:
        """Where the best method's boxes fit best and worst, as far as their intervals lie apart."""
        means, known = self.best.mean_iou, labels(self.made)
        sure = [place for place in self.order if np.isfinite(means[place].low)]
        if len(sure) < 2:
            return []
        most = max(sure, key=lambda place: means[place].value)
        least = min(sure, key=lambda place: means[place].value)
        case = "apart" if means[most].low > means[least].high else "overlap"
        between = {"most": known[most], "best": with_ends(means[most])}
        between |= {"least": known[least], "worst": with_ends(means[least])}
        return [text(f"groups.{case}.{self.made.by}", method=self.name(self.best.cell), **between)]


def _entry(mean: Interval) -> Entry:
    return Entry(with_ends(mean), bar=None if np.isnan(mean.value) else mean.value)
