"""How all methods stand: which localises best, how surely, and on which side of the best box that never looks each lies.

It is about all evaluated methods, whatever their layer, at the latest epoch under one protocol. A method is above or below
another where the 95 % interval of their difference says so and the test, corrected for all that were compared (Holm), does
as well; otherwise the two are not told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from dogcam.analysis.comparison import Comparison, Line, compared
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.tables import is_baseline
from dogcam.language import say, spoken
from dogcam.language.numbers import listed, spelled
from dogcam.methods import title_of
from dogcam.statistics import Interval, Pair


def shown(pair: Pair) -> str:
    """The difference with its interval, and where that excludes 0 but the test does not, that it does not."""
    difference = spelled(pair.difference)
    doubtful = pair.difference.verdict != pair.verdict
    if not doubtful:
        return difference
    return say("{difference}, which the corrected test does not bear out", difference=difference)


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
        if layer == "input":
            return say("{method} at the input", method=title_of(method))
        return say("{method} at {layer}", method=title_of(method), layer=layer)

    def of(self, lines: Iterable[Line]) -> list[str]:
        """The names of all methods of some lines, as sentences write them."""
        return [self.named(name) for line in lines for name in line.names if name in self.methods]

    def by_side(self, verdict: str) -> list[Line]:
        """The lines that are "above", "below" or "undecided" against the best box that never looks."""
        return [line for line in self.lines if line.unseen and line.unseen.verdict == verdict]

    @property
    def total(self) -> int:
        """How many methods there are, of those that draw the same boxes each one."""
        return len(self.methods)

    @property
    def alone(self) -> bool:
        """Whether there is one method only, at the pooled layer."""
        return len(self.methods) == 1 and all(name.endswith(f" at {self.pooled}") for name in self.methods)

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
        found, verdict = pair.difference, pair.verdict
        if pair.first == mine:
            return found, verdict
        turned = {"above": "below", "below": "above"}.get(verdict, verdict)
        return replace(found, value=-found.value, low=-found.high, high=-found.low), turned


def standing(evidence: Evidence, protocol: str | None = None) -> Standing | None:
    """How the methods of the shown run stand, over all runs that were scored alike; None where none was scored.

    Args:
        protocol: its name; None takes the main one.

    Raises:
        ExperimentError: the cells are of different images or classes.
    """
    names = evidence.protocols[:1] if protocol is None else [protocol]
    return _standing(evidence, names[0], spoken()) if names else None


@lru_cache(maxsize=4)
def _standing(evidence: Evidence, name: str, _language: str) -> Standing | None:
    """Kept, since the page asks more than once and comparing takes seconds; by language, since reasons are said in it."""
    protocol = evidence.protocol(name)
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
