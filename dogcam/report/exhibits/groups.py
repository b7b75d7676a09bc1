"""Groups of pictures as an exhibit: by breed, by the animal's size, by how many there are, by whether the network is right.

What is shown is the mean IoU of a few lines of the ranking: the best method, the study's two, and the best box that never
looks; of one run at its latest epoch under the main protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from dogcam.analysis import study
from dogcam.analysis.breakdown import Breakdown, broken_down
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.tables import is_baseline
from dogcam.experiment.evaluations import Cell
from dogcam.figures import Dots, dot_plot
from dogcam.language import message, say
from dogcam.language.numbers import NONE, count, number
from dogcam.methods import never_looks, title_of
from dogcam.report.colours import colour_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.statistics import Interval

GROUPS = message("Groups of pictures: breeds, sizes, numbers of animals")
_ALL, _ENDS = 40, 15  # breeds in one figure: all of so many, of more the best and the worst so many
_ENOUGH = 10  # pictures for an interval


def groups(evidence: Evidence) -> Exhibit | None:
    """Exhibit 9, beyond the study's six; None where no method was scored, or all pictures are of one group."""
    lines = _lines(evidence)
    classes = [str(name) for name in evidence.document.get("dataset", {}).get("classes", ())]
    if not lines or not classes or evidence.evaluation is None:
        return None
    found = {by: _broken(evidence, lines, by, classes) for by in _HEADS}
    told = {by: each for by, each in found.items() if each is not None and len(each.groups) > 1}
    if not told:
        return None
    shown = [_Shown(evidence, each) for each in told.values()]
    return Exhibit(
        "groups",
        say(GROUPS),
        tuple(sentence for each in shown for sentence in each.sentences()),
        tuple(block for each in shown for block in each.blocks()),
        say("On which pictures boxes fit better and on which worse, and whether looking helps there."),
        say(
            "Groups differ in more than their name: a breed's pictures also differ in size, pose and number of animals. "
            "Intervals are of each group alone and not corrected for how many groups there are, so of many breeds some lie "
            "apart by chance."
        ),
    )


def _lines(evidence: Evidence) -> list[Cell]:
    """The best method, the study's two, and the best box that never looks."""
    if not evidence.protocols:
        return []
    protocol, pooled = evidence.protocols[0], evidence.pooled_layer
    mine = [c for c in evidence.tables if (c.run, c.protocol) == (evidence.run, protocol) and not is_baseline(c)]
    epoch = max((cell.epoch for cell in mine), default=None)
    latest = [cell for cell in mine if cell.epoch == epoch]
    unseen = [c for c in evidence.tables if is_baseline(c) and c.protocol == protocol and never_looks(c.method)]
    known = [Cell(evidence.run, epoch or 0, method, pooled, protocol) for method in study.IOU]
    wanted = [*_best(evidence, latest), *(cell for cell in known if cell in latest), *_best(evidence, unseen)]
    different: list[Cell] = []
    for cell in dict.fromkeys(wanted if latest else ()):
        if not any(np.array_equal(_iou(evidence, cell), _iou(evidence, each)) for each in different):
            different.append(cell)  # of methods that draw the same boxes one is enough
    return different


def _iou(evidence: Evidence, cell: Cell) -> np.ndarray:
    return evidence.tables[cell]["iou"]


def _best(evidence: Evidence, cells: Sequence[Cell]) -> list[Cell]:
    """The one of the highest mean IoU, of several the first."""
    means = [float(np.mean(_iou(evidence, cell))) for cell in cells]
    return [cells[int(np.argmax(means))]] if cells else []


def _broken(evidence: Evidence, lines: Sequence[Cell], by: str, classes: Sequence[str]) -> Breakdown | None:
    """One grouping; None where no box is annotated or nothing is known of the network's answers."""
    if by == "size" and not any(map(len, evidence.tables[lines[0]]["truth"])):
        return None
    return broken_down(evidence.evaluation, lines, by, classes, iou_only=True)


_HEADS = {
    "breed": message("class"),
    "size": message("size of the animal"),
    "animals": message("animals"),
    "right": message("the network"),
}
_CAPTIONS = {
    "breed": message("Mean IoU by class, with 95 % intervals; run {run}, epoch {epoch}, protocol {protocol}."),
    "size": message(
        "Mean IoU by the size of the animal (thirds of the pictures by the annotated area), with 95 % intervals; run {run}, "
        "epoch {epoch}, protocol {protocol}."
    ),
    "animals": message(
        "Mean IoU by how many animals are annotated, with 95 % intervals; run {run}, epoch {epoch}, protocol {protocol}."
    ),
    "right": message(
        "Mean IoU by whether the network names the class, with 95 % intervals; run {run}, epoch {epoch}, protocol {protocol}."
    ),
}


@dataclass(frozen=True, eq=False)
class _Shown:
    """One grouping as it is shown: groups in order, of breeds the best first."""

    evidence: Evidence
    found: Breakdown

    @property
    def lead(self) -> Cell:
        """The method of the highest mean IoU, which breeds are sorted by."""
        of = [cell for cell, _ in self.found.lines if not is_baseline(cell)]
        return _best(self.evidence, of)[0]

    @property
    def order(self) -> list[int]:
        """Places of the groups, as they are shown."""
        places = list(range(len(self.found.groups)))
        if self.found.by != "breed":
            return places
        means = dict(self.found.lines)[self.lead]
        return sorted(places, key=lambda place: -means[place].value)

    def name(self, cell: Cell) -> str:
        """A line as it is named: a method away from the layer that feeds the pooling with its own."""
        if is_baseline(cell):
            return say("{box} (never looks)", box=title_of(cell.method))
        if cell.layer == self.evidence.pooled_layer:
            return title_of(cell.method)
        return say("{method} at {layer}", method=title_of(cell.method), layer=cell.layer)

    def blocks(self) -> list[Chart | Table]:
        """Of breeds a figure, and a table of all; of the others a table."""
        return [*(self._charts() if self.found.by == "breed" else ()), self._table()]

    def _table(self) -> Table:
        names = [self.name(cell) for cell, _ in self.found.lines]
        return Table(
            self._said(_CAPTIONS[self.found.by]),
            (say(_HEADS[self.found.by]), "n", *names),
            tuple(self._row(place) for place in self.order),
            note=say("n: pictures. With fewer than {least} of them there is no interval.", least=_ENOUGH),
            folded=len(self.order) > 12,
        )

    def _said(self, text: str) -> str:
        return say(text, run=self.lead.run, epoch=self.lead.epoch, protocol=self.lead.protocol)

    def _row(self, place: int) -> Row:
        group = self.found.groups[place]
        return Row.of(group.label, count(group.n), *(_entry(means[place]) for _, means in self.found.lines))

    def _charts(self) -> list[Chart]:
        order, cut = self.order, None
        if len(order) > _ALL:
            order, cut = [*order[:_ENDS], *order[-_ENDS:]], _ENDS
        dots = [self._dots(cell, [means[place] for place in order]) for cell, means in self.found.lines]
        rows = [
            say("{group} ({n})", group=self.found.groups[place].label, n=count(self.found.groups[place].n))
            for place in order
        ]
        caption = self._said(_CAPTIONS["breed"]) + " " + say("Sorted by {method}.", method=self.name(self.lead))
        if cut is not None:
            left = say(
                "Shown are the {ends} best and the {ends} worst of {all} classes; all are in the table.",
                ends=_ENDS,
                all=len(self.order),
            )
            caption = f"{caption} {left}"
        return [
            Chart(
                "iou-by-breed",
                caption,
                say("Dot plot of mean IoU by class; the numbers are in the table."),
                partial(dot_plot, rows, dots, say("mean IoU"), cut=cut),
            )
        ]

    def _dots(self, cell: Cell, means: Sequence[Interval]) -> Dots:
        ends = [each.value for each in means], [each.low for each in means], [each.high for each in means]
        hollow = is_baseline(cell)
        return Dots(self.name(cell), *ends, None if hollow else colour_of(self.evidence, cell.method), hollow)

    def sentences(self) -> list[str]:
        """Where the best method's boxes fit best and worst, as far as their intervals lie apart."""
        means = dict(self.found.lines)[self.lead]
        known = [place for place in self.order if np.isfinite(means[place].low)]
        if len(known) < 2:
            return []
        most = max(known, key=lambda place: means[place].value)
        least = min(known, key=lambda place: means[place].value)
        apart = means[most].low > means[least].high
        text = (_APART if apart else _CLOSE)[self.found.by]
        return [
            say(
                text,
                method=self.name(self.lead),
                most=self.found.groups[most].label,
                best=_told(means[most]),
                least=self.found.groups[least].label,
                worst=_told(means[least]),
            )
        ]


_APART = {
    "breed": message("Of the classes, boxes of {method} fit {most} best, {best}, and {least} worst, {worst}."),
    "size": message(
        "By size, boxes of {method} fit best where it is {most}, {best}, and worst where it is {least}, {worst}."
    ),
    "animals": message(
        "By the number of animals, boxes of {method} fit best with {most}, {best}, and worst with {least}, {worst}."
    ),
    "right": message("Boxes of {method} fit better where {most}, {best}, than where {least}, {worst}."),
}
_CLOSE = {
    "breed": message(
        "Of the classes, boxes of {method} fit {most} best, {best}, and {least} worst, {worst}; their intervals overlap."
    ),
    "size": message(
        "By size, boxes of {method} fit best where it is {most}, {best}, and worst where it is {least}, {worst}; their intervals "
        "overlap."
    ),
    "animals": message(
        "By the number of animals, boxes of {method} fit best with {most}, {best}, and worst with {least}, {worst}; their "
        "intervals overlap."
    ),
    "right": message(
        "Boxes of {method} fit better where {most}, {best}, than where {least}, {worst}; their intervals overlap."
    ),
}


def _told(found: Interval) -> str:
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def _entry(found: Interval) -> Entry:
    if np.isnan(found.value):
        return Entry(NONE)
    return Entry(number(found.value) if np.isnan(found.low) else _told(found), bar=found.value)
