"""The answer: which method localises best, how surely, beside what never looks at the picture; and the study's claims.

Every sentence is a tested statement about all evaluated methods, whatever their layer, under the main protocol and at the
latest epoch. A method is above or below another where the 95 % interval of their difference says so and the test, corrected
for all that were compared (Holm), does as well; otherwise the two are not told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dogcam.reporting import Finding, listed, number
from dogcam.reporting.comparison import Comparison, Line, compared
from dogcam.reporting.evidence import Evidence, title_of
from dogcam.reporting.tables import is_baseline
from dogcam.reporting.tracks import told_apart
from dogcam.reporting.weighing import negligible, spelled
from dogcam.statistics import Interval, Pair

UNSEEN = "a box drawn without looking"
# A claim that is made of two others; the answer names those.
_COMPOSED = " while "
_THEOREM = "ReLU(CAM)"  # in the reason that `comparison` gives for boxes that are the same by algebra


def side(pair: Pair) -> str:
    """ "above", "below" or "undecided": by the interval, and by the test after Holm's correction."""
    return pair.verdict if told_apart(pair) else "undecided"


def shown(pair: Pair) -> str:
    """The difference with its interval, and where that excludes 0 but the test does not, that it does not."""
    doubtful = pair.verdict != "undecided" and side(pair) == "undecided"
    return spelled(pair.difference) + (", which the corrected test does not bear out" if doubtful else "")


@dataclass(frozen=True, eq=False)
class Standing:
    """How all methods stand at one epoch under one protocol.

    Attributes:
        compared: all lines, the best first, and every pair.
        methods: their names, as lines have them.
        pooled: the layer that feeds the pooling, which needs no mention.
        images: how many were scored, in words.
    """

    compared: Comparison
    methods: frozenset[str]
    pooled: str
    images: str

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines that a method is in, the best first; a baseline that draws the same boxes may share one."""
        return tuple(line for line in self.compared.lines if self.methods & set(line.names))

    def named(self, name: str) -> str:
        """ "gradcam at conv4" as sentences write it: "Grad-CAM" at the pooled layer, else with its layer."""
        method, _, layer = name.partition(" at ")
        if layer in ("", self.pooled):
            return title_of(method)
        return f"{title_of(method)} at {'the input' if layer == 'input' else layer}"

    def of(self, lines: Iterable[Line]) -> list[str]:
        """The names of all methods of some lines, as sentences write them."""
        return [self.named(name) for line in lines for name in line.names if name in self.methods]

    def by_side(self, verdict: str) -> list[Line]:
        """The lines that are "above", "below" or "undecided" against the best box that never looks."""
        return [line for line in self.lines if line.unseen and side(line.unseen) == verdict]

    @property
    def total(self) -> int:
        """How many methods there are, of those that draw the same boxes each one."""
        return len(self.methods)

    @property
    def best(self) -> str:
        """The methods of the highest mean IoU."""
        return listed(self.of(self.lines[:1]))

    @property
    def unseen(self) -> float | None:
        """The mean IoU of the best box that never looks; None where none was scored."""
        lines = (line.iou.value for line in self.compared.lines if self.compared.baseline in line.names)
        return next(lines, None)

    def lead(self, other: Line) -> tuple[Interval, str]:
        """By how much the best line is ahead of another one, and on which side of it that puts it."""
        mine, theirs = self.lines[0].names[0], other.names[0]
        pair = next(each for each in self.compared.pairs if {each.first, each.second} == {mine, theirs})
        found, verdict = pair.difference, side(pair)
        if pair.first == mine:
            return found, verdict
        turned = {"above": "below", "below": "above"}.get(verdict, verdict)
        return replace(found, value=-found.value, low=-found.high, high=-found.low), turned


def standing(evidence: Evidence) -> Standing | None:
    """How the methods of the shown run stand, over all runs that were scored alike; None where none was scored.

    Raises:
        ExperimentError: the cells are of different images or classes.
    """
    protocol = evidence.protocol(evidence.protocols[0]) if evidence.protocols else None
    if protocol is None:
        return None
    mine = [c for c in evidence.tables if c.protocol == protocol.name and c.run == evidence.run and not is_baseline(c)]
    epoch = max((cell.epoch for cell in mine), default=None)
    if epoch is None:
        return None
    shown = [cell for cell in mine if cell.epoch == epoch]
    runs = [run for run in evidence.runs if all(replace(cell, run=run) in evidence.tables for cell in shown)]
    wanted = [*(replace(cell, run=run) for cell in shown for run in runs), *filter(is_baseline, evidence.tables)]
    found = compared(evidence.evaluation, wanted, protocol, runs, epoch, evidence.pooled_layer)
    methods = frozenset(f"{cell.method} at {cell.layer}" for cell in shown)
    return Standing(found, methods, evidence.pooled_layer, evidence.images)


def headline(found: Standing, on_training: bool) -> str:
    """The answer in one line."""
    above, below = found.of(found.by_side("above")), found.of(found.by_side("below"))
    where = ", on training images" if on_training else ""
    if found.unseen is None:
        return f"{found.best}: the highest mean IoU, {number(found.lines[0].iou.value)}{where}"
    if len(above) == found.total:
        return f"{_whose(above)} boxes fit better than {UNSEEN}{where}"
    if above:
        return f"{_some(above, found.total)} boxes that fit better than {UNSEEN}{where}"
    if len(below) == found.total:
        return f"{_whose(below)} boxes fit worse than {UNSEEN}{where}"
    if below:
        return f"No method's boxes are shown to fit better than {UNSEEN}{where}"
    return f"Not settled: do the heatmaps' boxes beat {UNSEEN}{where}?"


def _whose(names: Sequence[str]) -> str:
    return f"{names[0]}'s" if len(names) == 1 and " at " not in names[0] else "The heatmaps'"


def _some(above: Sequence[str], total: int) -> str:
    """Which of the methods; more than three are counted."""
    if len(above) > 3:
        return f"{len(above)} of {total} methods draw"
    return f"Of {total} methods only {listed(list(above))} {'draws' if len(above) == 1 else 'draw'}"


def sentences(found: Standing) -> list[str]:
    """How the methods stand, in words."""
    told = [_highest(found), _next(found), *_others(found), *_same(found)]
    return [sentence for sentence in told if sentence]


def _highest(found: Standing) -> str:
    line, comparison = found.lines[0], found.compared
    runs = f" (means over runs {listed([str(run) for run in comparison.runs])})" if len(comparison.runs) > 1 else ""
    where = f"On {found.images}, under protocol {comparison.protocol} at epoch {comparison.epoch}{runs},"
    many = len(found.of([line])) > 1
    told = f"{where} {found.best} {'have' if many else 'has'} the highest mean IoU with the annotated boxes: "
    told += f"{number(line.iou.value)}{_ends(line.iou)}"
    if line.unseen is None or found.unseen is None:
        return f"{told}."
    box = f"the best box that never looks at the picture, {comparison.baseline} ({number(found.unseen)})"
    return f"{told}, {_SIDES[side(line.unseen)]} {box}, by {shown(line.unseen)}."


_SIDES = {"above": "above", "below": "below", "undecided": "not told apart from"}


def _ends(found: Interval) -> str:
    return "" if found.method == "none" else f" [{number(found.low)}, {number(found.high)}]"


def _next(found: Standing) -> str:
    """Whether the best is the best for certain."""
    others = found.lines[1:]
    if not others:
        return ""
    leads = {line.names[0]: found.lead(line) for line in others}
    tied = [line for line in others if leads[line.names[0]][1] != "above"]
    many = len(found.of(found.lines[:1])) > 1
    if tied:
        return f"{'They are' if many else 'It is'} not told apart from {listed(found.of(tied))}."
    by, names = spelled(leads[others[0].names[0]][0]), found.of(others[:1])
    alone = f"the other {'method' if len(names) == 1 else 'methods'}, {listed(names)}"
    which = alone if len(others) == 1 else f"every other method; the next is {listed(names)}"
    return f"{'They lie' if many else 'It lies'} above {which}, by {by}."


def _others(found: Standing) -> list[str]:
    """On which side of the best box that never looks the other methods lie."""
    best, others = found.lines[0], found.lines[1:]
    if found.unseen is None or not others:
        return []
    by_side = {words: found.of(x for x in found.by_side(verdict) if x is not best) for verdict, words in _SIDES.items()}
    there = {words: names for words, names in by_side.items() if names}
    if len(there) == 1 and len(others) > 1 and sum(map(len, there.values())) == len(found.of(others)):
        ((words, names),) = there.items()
        return [f"All {len(names)} others are {words} that box."]
    parts = [f"{listed(names)} {'is' if len(names) == 1 else 'are'} {words} that box" for words, names in there.items()]
    return [f"{'Of the others ' if len(others) > 1 else ''}{'; '.join(parts)}."] if parts else []


def _same(found: Standing) -> list[str]:
    """What draws the same boxes, and that it must where it must."""
    lines = [line for line in found.compared.lines if len(line.names) > 1 and found.methods & set(line.names)]
    return [
        f"{listed([found.named(name) for name in line.names])} draw the same boxes"
        f"{', as the algebra says they must when handled alike' if _THEOREM in line.same else ''}."
        for line in lines
    ]


def claims(made: Sequence[Finding], main: str) -> list[str]:
    """What the study said, and what this experiment says of it under the main protocol and wherever that differs."""
    mine = [f for f in made if f.source == "study" and f.protocol == main and _COMPOSED not in f.claim]
    told = [f"that {each.claim} (here {_verdict(each)}{_elsewhere(each, made)})" for each in mine]
    return [f"The study found {listed(told)}."] if told else []


def _elsewhere(main: Finding, made: Sequence[Finding]) -> str:
    """The verdicts of other protocols that are not the main one's."""
    others = [f for f in made if f.claim == main.claim and f.verdict != main.verdict]
    by_verdict: dict[str, list[str]] = {}
    for each in others:
        by_verdict.setdefault(_verdict(each), []).append(each.protocol)
    return "".join(f"; under {listed(names)} {verdict}" for verdict, names in by_verdict.items())


def _verdict(finding: Finding) -> str:
    """The verdict, and that a sure difference is too small to matter where it is."""
    small = [negligible(found) for _, found in finding.intervals]
    sure = finding.verdict in ("supported", "contradicted")
    return f"{finding.verdict}{', by a negligible difference' if sure and small and all(small) else ''}"
