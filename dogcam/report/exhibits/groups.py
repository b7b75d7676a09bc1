"""Groups of pictures as an exhibit: by breed, by the animal's size, by how many there are, by whether the network is right.

What is shown is the mean IoU of a few lines of the ranking: the best method, the study's two, and the best box that never
looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    made = [each for each in material.analysis.groups if each.lines[0].cell.protocol == main and len(each.groups) > 1]
    shown = [each for each in (_shown(material, each) for each in made) if each is not None]
    lead = (sentence for each in shown for sentence in _sentences(material, each))
    return exhibit("groups", lead, (block for each in shown for block in _blocks(material, each))) if shown else None


def _shown(material: Material, made: Groups) -> Groups | None:
    """The lines that are shown, and of breeds the best first; None where none of them is a method."""
    lines = _lines(material, made)
    if all(is_baseline(line.cell) for line in lines):
        return None
    means, order = _best(lines).mean_iou, list(range(len(made.groups)))
    if made.by == "breed":
        order.sort(key=lambda place: -means[place].value)
    sorted_lines = (replace(line, mean_iou=tuple(line.mean_iou[place] for place in order)) for line in lines)
    return replace(made, groups=tuple(made.groups[place] for place in order), lines=tuple(sorted_lines))


def _lines(material: Material, made: Groups) -> list[GroupedScores]:
    """The best method, the study's two, and the best box that never looks, as tables have them; of the same figures one."""
    family = material.analysis.spoken(made.lines[0].cell.protocol)
    if family is None:
        return []
    studied = (MapKey(method, material.analysis.pooled_layer) for method in study.IOU)
    by_map, first = {line.cell.map: line for line in made.lines}, dict[tuple[str, ...], MapKey]()
    for key in (*family.methods_of(family.looking[:1])[:1], *studied, family.unseen):
        if key in by_map:
            first.setdefault(tuple(map(with_ends, by_map[key].mean_iou)), key)
    return [line for line in made.lines if line.cell.map in first.values()]


def _best(lines: Sequence[GroupedScores]) -> GroupedScores:
    """The method of the highest mean IoU over all pictures, which breeds are sorted by; of several the first."""
    looking = (line for line in lines if not is_baseline(line.cell))
    return max(looking, key=lambda line: sum(each.n * each.value for each in line.mean_iou if each.n))


def _name(material: Material, cell: Cell) -> str:
    """A line as it is named: a method away from the layer that feeds the pooling with its own."""
    if is_baseline(cell):
        return text("groups.unseen", box=title_of(cell.method))
    return material.named(cell.map)


def _blocks(material: Material, shown: Groups) -> list[Chart | Table]:
    """Of breeds a figure, and a table of all; of the others a table."""
    of = _best(shown.lines).cell
    caption = text(f"groups.caption.{shown.by}", run=of.run, epoch=of.epoch, protocol=of.protocol)
    rows = (
        Row.of(label, count(group.n), *(_entry(line.mean_iou[place]) for line in shown.lines))
        for place, (label, group) in enumerate(zip(labels(shown), shown.groups, strict=True))
    )
    names = (_name(material, line.cell) for line in shown.lines)
    columns = (text(f"groups.head.{shown.by}"), "n", *names)
    rowwise = material.analysis.scope is not None and material.analysis.scope.pictures is not None
    note, folded = text("groups.note_rows" if rowwise else "groups.note", least=LEAST), len(shown.groups) > 12
    table = Table(caption, columns, tuple(rows), note=note, folded=folded)
    return [_chart(material, shown, caption), table] if shown.by == "breed" else [table]


def _chart(material: Material, shown: Groups, caption: str) -> Chart:
    """All breeds; of very many the ends."""
    n, known = len(shown.groups), labels(shown)
    cut, order = (None, [*range(n)]) if n <= _ALL else (_ENDS, [*range(_ENDS), *range(n - _ENDS, n)])
    dots = [_dots(material, line.cell, [line.mean_iou[place] for place in order]) for line in shown.lines]
    rows = [text("groups.row", group=known[place], count=count(shown.groups[place].n)) for place in order]
    told = [caption, text("groups.sorted", method=_name(material, _best(shown.lines).cell))]
    if cut is not None:
        told.append(text("groups.ends", ends=_ENDS, all=n))
    draw = partial(dot_plot, rows, dots, say("mean IoU"), cut=cut)
    return Chart("iou-by-breed", " ".join(told), text("groups.alt"), draw)


def _dots(material: Material, cell: Cell, means: Sequence[Interval]) -> Dots:
    ends = [each.value for each in means], [each.low for each in means], [each.high for each in means]
    hollow = is_baseline(cell)
    return Dots(_name(material, cell), *ends, None if hollow else material.colour_of(cell.method), hollow)


def _sentences(material: Material, shown: Groups) -> list[str]:
    """Where the best method's boxes fit best and worst, as far as their intervals lie apart."""
    best = _best(shown.lines)
    sure = [(mean, label) for mean, label in zip(best.mean_iou, labels(shown), strict=True) if np.isfinite(mean.low)]
    if len(sure) < 2:
        return []
    (most, above), (least, below) = (end(sure, key=lambda each: each[0].value) for end in (max, min))
    case = "apart" if most.low > least.high else "overlap"
    between = {"most": above, "best": with_ends(most), "least": below, "worst": with_ends(least)}
    return [text(f"groups.{case}.{shown.by}", method=_name(material, best.cell), **between)]


def _entry(mean: Interval) -> Entry:
    return Entry(with_ends(mean), bar=None if np.isnan(mean.value) else mean.value)
