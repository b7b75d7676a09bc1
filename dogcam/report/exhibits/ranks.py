"""Methods against each other as an exhibit: a ranking that joins what no test tells apart, every pair, and layers."""

from __future__ import annotations

import re
from functools import partial

import numpy as np

from dogcam.analysis.answer import Standing, standing
from dogcam.analysis.comparison import Line
from dogcam.analysis.evidence import Evidence
from dogcam.figures import Dots, Placed, dot_plot, rank_plot
from dogcam.language import counted, message, say
from dogcam.language.numbers import NONE, listed, number, p_value, signed, spelled
from dogcam.report.colours import colour_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.statistics import Interval, Pair

RANKING = message("Methods against each other")
_LETTER = re.compile(r"\([a-z]+\)|[a-z]")  # of a compact letter display, see `statistics.letters`


def ranking(evidence: Evidence, found: Standing | None = None) -> Exhibit | None:
    """Exhibit 7, beyond the study's six; None where no method was scored, or nothing to compare one with.

    Args:
        found: how the methods stand, where that is known already.
    """
    found = standing(evidence) if found is None else found
    if found is None or len(found.compared.lines) < 2:
        return None
    return Exhibit(
        "ranking",
        say(RANKING),
        tuple(_lead(found)),
        (_chart(evidence, found), _table(found), *_by_layer(evidence, found), _pairs(found)),
        _can(found),
        say(
            "Lines that share a letter are not shown to be equal: these images do not tell them apart. A mean IoU does not say "
            "on which images a method fits better."
        ),
    )


def _can(found: Standing) -> str:
    if len(found.compared.runs) > 1:
        return say(
            "Which of these methods box these images better, in the mean over these runs, beside boxes that never look."
        )
    return say("Which of these methods box these images better, with this network, beside boxes that never look.")


def _lead(found: Standing) -> list[str]:
    """What the letters say of the best line and of the others."""
    lines = found.compared.lines
    told = say(
        "Ranked by mean IoU under protocol {protocol} at epoch {epoch}. Two lines share a letter exactly where the test of their "
        "difference, corrected for all {pairs} pairs (Holm), does not tell them apart.",
        protocol=found.compared.protocol,
        epoch=found.compared.epoch,
        pairs=len(found.compared.pairs),
    )
    beside = [line for line in lines[1:] if set(_letters(line)) & set(_letters(lines[0]))]
    best = _name(found, lines[0])
    if beside:
        others = listed([_name(found, line) for line in beside])
        return [
            told,
            say(
                "The highest mean IoU is that of {best}; the test does not tell it from that of {others}.",
                best=best,
                others=others,
            ),
        ]
    return [told, say("The highest mean IoU is that of {best}, told apart from every other line.", best=best)]


def _letters(line: Line) -> list[str]:
    return _LETTER.findall(line.letters)


def _name(found: Standing, line: Line) -> str:
    """All names of a line, as sentences write them."""
    return listed([found.named(name) for name in line.names])


def _looks(found: Standing, line: Line) -> str | None:
    """The first method of a line; None where there are baselines alone."""
    return next((name.partition(" at ")[0] for name in line.names if name in found.methods), None)


def _chart(evidence: Evidence, found: Standing) -> Chart:
    """The ranking with its intervals, and a bar for each letter."""
    lines = found.compared.lines
    placed = []
    for line in lines:
        method = _looks(found, line)
        colour = None if method is None else colour_of(evidence, method)
        ends = line.iou.value, line.iou.low, line.iou.high
        placed.append(Placed(_name(found, line), *ends, colour, hollow=method is None))
    groups: dict[str, list[int]] = {}
    for row, line in enumerate(lines):
        for letter in _letters(line):
            groups.setdefault(letter, []).append(row)
    box = found.compared.baseline
    reference = None if box is None or found.unseen is None else (found.named(box), found.unseen)
    return Chart(
        "ranking",
        say(
            "Mean IoU with 95 % intervals, protocol {protocol}, epoch {epoch}. Bars on the right join what the corrected "
            "test does not tell apart, a dot marks each member; hollow: baselines; dotted: the best box that never looks.",
            protocol=found.compared.protocol,
            epoch=found.compared.epoch,
        ),
        say("Methods ranked by mean IoU, with bars over those not told apart; the numbers are in the table."),
        partial(rank_plot, placed, groups, say("mean IoU"), reference=reference),
    )


def _table(found: Standing) -> Table:
    """Rank, letters, mean IoU and what is won over never looking, line by line."""
    reasons = [
        say("{names}: {reason}.", names=_name(found, line), reason=line.same)
        for line in found.compared.lines
        if line.same
    ]
    over = say(
        "Less the box: the mean IoU less that of {box}, the best box that never looks, on the same images.",
        box=found.compared.baseline,
    )
    note = say("Rank: 1 and how many lines are better for certain.")
    return Table(
        say(
            "All methods and baselines under protocol {protocol} at epoch {epoch}, the best first.",
            protocol=found.compared.protocol,
            epoch=found.compared.epoch,
        ),
        (say("method"), say("letters"), say("rank"), say("mean IoU"), say("95 % interval"), say("less the box")),
        tuple(_row(found, line) for line in found.compared.lines),
        words=2,
        note=" ".join([note, *([over] if found.compared.baseline else []), *reasons]),
    )


def _row(found: Standing, line: Line) -> Row:
    method = _looks(found, line)
    won = NONE if line.unseen is None else spelled(line.unseen.difference)
    leads = line is found.compared.lines[0] and found.compared.lines[1].rank > 1  # for certain
    iou = Entry(number(line.iou.value), strong=leads, bar=line.iou.value)
    kind = "baseline" if method is None else ""
    return Row.of(_name(found, line), line.letters, str(line.rank), iou, _ends(line.iou), won, kind=kind)


def _ends(found: Interval) -> str:
    return NONE if np.isnan(found.low) else f"[{number(found.low)}, {number(found.high)}]"


def _pairs(found: Standing) -> Table:
    """Every pair that a method is in."""
    runs, pairs = len(found.compared.runs), found.compared.of_methods
    test = (
        say("p: Student's t with runs and images crossed; effect and images of the means over runs.")
        if runs > 1
        else say("p: Wilcoxon's signed-rank test.")
    )
    return Table(
        counted("The one pair", "All {n} pairs that a method is in", len(pairs)),
        (
            say("first"),
            say("second"),
            say("first − second"),
            "p",
            say("p (Holm)"),
            say("effect"),
            say("images better / same / worse"),
        ),
        tuple(_pair(found, pair) for pair in pairs),
        words=2,
        note=" ".join(
            [
                test,
                say("Holm: corrected for all pairs, those of two baselines among them; bold: told apart at 5 %."),
                say("Effect: the rank-biserial correlation, from −1 to 1."),
            ]
        ),
        folded=True,
    )


def _pair(found: Standing, pair: Pair) -> Row:
    corrected = Entry(p_value(pair.holm), strong=pair.told_apart)
    counts = f"{pair.wins} / {pair.ties} / {pair.losses}"
    names = found.named(pair.first), found.named(pair.second)
    return Row.of(*names, spelled(pair.difference), p_value(pair.p), corrected, signed(pair.effect, 2), counts)


def _by_layer(evidence: Evidence, found: Standing) -> list[Chart]:
    """The same means by layer, of the methods that were scored at two layers or more."""
    of = {name: line.iou for line in found.compared.lines for name in line.names if name in found.methods}
    by_method: dict[str, dict[str, Interval]] = {}
    for name, iou in of.items():
        method, _, layer = name.partition(" at ")
        by_method.setdefault(method, {})[layer] = iou
    several = {method: layers for method, layers in by_method.items() if len(layers) > 1}
    layers = [layer for layer in evidence.layers if any(layer in each for each in several.values())]
    if not several:
        return []
    missing = Interval(*[float("nan")] * 3, 0, "none")
    dots = []
    for method, known in sorted(several.items(), key=lambda each: colour_of(evidence, each[0])):
        row = [known.get(layer, missing) for layer in layers]
        ends = [each.value for each in row], [each.low for each in row], [each.high for each in row]
        dots.append(Dots(found.named(method), *ends, colour_of(evidence, method)))
    return [
        Chart(
            "iou-by-layer",
            say(
                "Mean IoU by layer, from the input on, with 95 % intervals, protocol {protocol}, epoch {epoch}.",
                protocol=found.compared.protocol,
                epoch=found.compared.epoch,
            ),
            say("Dot plot of mean IoU by layer; the numbers are in the table."),
            partial(dot_plot, layers, dots, say("mean IoU")),
        )
    ]
