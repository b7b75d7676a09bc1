"""Methods against each other: a ranking that joins what no test tells apart, every pair, and layers."""

from __future__ import annotations

import re
from functools import partial

from dogcam.analysis.comparison import Comparison, Line
from dogcam.analysis.scores import Figure
from dogcam.experiment.evaluations import MapKey
from dogcam.figures import Dots, Interval, dot_plot, rank_plot
from dogcam.language.numbers import NONE, ends, listed, number, p_value, signed, spelled
from dogcam.methods import title_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, heads, text
from dogcam.report.wording import same_reason
from dogcam.statistics import Pair
from dogcam.statistics.pairs import CROSSED_T

_LETTER = re.compile(r"\([a-z]+\)|[a-z]")  # of a compact letter display, see `statistics.letters`


def ranking(material: Material) -> Exhibit | None:
    """None where no method was scored, or there is nothing to compare one with."""
    found = material.analysis.spoken()
    if found is None or len(found.lines) < 2:
        return None
    can = text("ranking.can_over_runs" if len(found.runs) > 1 else "ranking.can")
    blocks = (_chart(material, found), _table(material, found), *_by_layer(material, found), _pairs(material, found))
    return exhibit("ranking", _lead(material, found), blocks, can=can)


def _lead(material: Material, found: Comparison) -> list[str]:
    """What the letters say of the best line and of the others."""
    first, *others = found.lines
    rule = text("ranking.rule", protocol=found.protocol, epoch=found.epoch, pairs=len(found.pairs))
    beside = [line for line in others if set(_letters(line)) & set(_letters(first))]
    best = _name(material, first)
    if not beside:
        return [rule, text("ranking.apart", best=best)]
    return [rule, text("ranking.beside", best=best, others=listed([_name(material, line) for line in beside]))]


def _letters(line: Line) -> list[str]:
    return _LETTER.findall(line.letters)


def _name(material: Material, line: Line) -> str:
    """All names of a line, as sentences write them."""
    return listed([material.named(key) for key in line.maps])


def _chart(material: Material, found: Comparison) -> Chart:
    """The ranking with its intervals, and a bar for each letter."""
    placed = []
    for line in found.lines:
        method = next(iter(found.methods_of([line])), None)
        colour = None if method is None else material.colour_of(method.method)
        spread = line.iou.value, line.iou.low, line.iou.high
        placed.append(Interval(_name(material, line), *spread, colour, hollow=method is None))
    groups: dict[str, list[int]] = {}
    for row, line in enumerate(found.lines):
        for letter in _letters(line):
            groups.setdefault(letter, []).append(row)
    unseen = found.unseen_iou
    reference = None if found.unseen is None or unseen is None else (material.named(found.unseen), unseen.value)
    return Chart(
        "ranking",
        text("ranking.chart", protocol=found.protocol, epoch=found.epoch),
        text("ranking.chart_alt"),
        partial(rank_plot, placed, groups, text("ranking.axis"), reference=reference),
    )


def _table(material: Material, found: Comparison) -> Table:
    """Rank, letters, mean IoU and what is won over never looking, line by line."""
    reasons = [
        text("ranking.same", names=_name(material, line), reason=same_reason(line))
        for line in found.lines
        if line.agreement is not None
    ]
    over = [] if found.unseen is None else [text("ranking.over", box=material.named(found.unseen))]
    return Table(
        text("ranking.table", protocol=found.protocol, epoch=found.epoch),
        heads("ranking.heads"),
        tuple(_row(material, found, line) for line in found.lines),
        words=2,
        note=" ".join([text("ranking.note"), *over, *reasons]),
    )


def _row(material: Material, found: Comparison, line: Line) -> Row:
    won = NONE if line.unseen is None else spelled(line.unseen.difference)
    leads = line is found.lines[0] and found.lines[1].rank > 1  # for certain
    iou = Entry(number(line.iou.value), strong=leads, bar=line.iou.value)
    kind = "" if line.looks else "baseline"
    return Row.of(_name(material, line), line.letters, str(line.rank), iou, ends(line.iou), won, kind=kind)


def _pairs(material: Material, found: Comparison) -> Table:
    """Every pair that a method is in."""
    pairs = found.of_methods
    test = "ranking.pairs_crossed" if any(pair.test == CROSSED_T for pair in pairs) else "ranking.pairs_wilcoxon"
    return Table(
        text("ranking.pairs", n=len(pairs)),
        heads("ranking.pairs_heads"),
        tuple(_pair(material, pair) for pair in pairs),
        words=2,
        note=" ".join([text(test), text("ranking.pairs_note"), text("ranking.pairs_effect")]),
        folded=True,
    )


def _pair(material: Material, pair: Pair[MapKey]) -> Row:
    corrected = Entry(p_value(pair.holm), strong=pair.told_apart)
    counts = f"{pair.wins} / {pair.ties} / {pair.losses}"
    names = material.named(pair.first), material.named(pair.second)
    return Row.of(*names, spelled(pair.difference), p_value(pair.p), corrected, signed(pair.effect, 2), counts)


def _by_layer(material: Material, found: Comparison) -> list[Chart]:
    """The same means by layer, of the methods that were scored at two layers or more."""
    means = {key: line.iou for line in found.lines for key in line.maps if key in found.methods}
    several = {m for m in (key.method for key in means) if sum(key.method == m for key in means) > 1}
    layers = [x for x in material.analysis.layers if any(MapKey(method, x) in means for method in several)]
    if not several:
        return []
    dots = []
    for method in sorted(several, key=material.colour_of):
        row = [means.get(MapKey(method, layer), Figure(float("nan"))) for layer in layers]
        spread = [each.value for each in row], [each.low for each in row], [each.high for each in row]
        dots.append(Dots(title_of(method), *spread, material.colour_of(method)))
    return [
        Chart(
            "iou-by-layer",
            text("ranking.layers", protocol=found.protocol, epoch=found.epoch),
            text("ranking.layers_alt"),
            partial(dot_plot, layers, dots, text("ranking.axis")),
        )
    ]
