"""Where a difference between two pipelines comes from: the arithmetic of switching their choices one by one.

Pipeline A becomes pipeline B by switching k choices (ReLU, normalisation, threshold, box rule, ...). What one switch
changes depends on what was switched before it, so one order of switching is one account among many. Three are given: the
order of the choices, the reverse, and the average over all orders, which is Shapley's (1953) value
    φ_i = Σ_S |S|! (k - |S| - 1)! / k! · (v(S ∪ {i}) - v(S)).
Each account's changes add up to v(all) - v(none), image by image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from dogcam.statistics.intervals import Interval, intervals

Choice = str | tuple[str, ...]  # a bundle is switched as one
Subset = frozenset[str]
ACCOUNTS = ("forward", "backward", "average")
_MOST = 8


@dataclass(frozen=True)
class Step:
    """What switching one choice changes.

    Attributes:
        names: the choice, or all of its bundle.
        forward: the mean change over images, switched in the order of the choices.
        backward: the same in the reverse order.
        average: its average over all possible orders (Shapley's value).
        least: the smallest mean change in any order.
        most: the largest; far from the smallest where choices act together.
    """

    names: tuple[str, ...]
    forward: Interval
    backward: Interval
    average: Interval
    least: float
    most: float

    @property
    def label(self) -> str:
        """The choice's name, a bundle's joined by +."""
        return " + ".join(self.names)


@dataclass(frozen=True)
class Bar:
    """One bar of a waterfall: it begins where the bar before it ended."""

    label: str
    start: float
    end: float
    change: Interval


@dataclass(frozen=True)
class Decomposition:
    """The way from pipeline A to pipeline B.

    Attributes:
        start: A's mean.
        end: B's mean.
        total: the mean of B - A, over the same resamples of images.
        steps: one per choice, in the order given.
        forward_order: places of the steps in the first possible order.
        backward_order: in the last.
        orders: over how many possible orders the average was taken.
    """

    start: Interval
    end: Interval
    total: Interval
    steps: tuple[Step, ...]
    forward_order: tuple[int, ...]
    backward_order: tuple[int, ...]
    orders: int

    def waterfall(self, account: str = "average") -> list[Bar]:
        """The bars from A's mean to B's, in the account's order (the average in the order of the choices)."""
        if account not in ACCOUNTS:
            raise ValueError(f"an account is one of {', '.join(ACCOUNTS)}; received {account!r}")
        order = self.backward_order if account == "backward" else self.forward_order
        changes = [(self.steps[place].label, getattr(self.steps[place], account)) for place in order]
        ends = np.cumsum([self.start.value, *(change.value for _, change in changes)]).tolist()
        return [Bar(label, a, b, change) for (label, change), (a, b) in zip(changes, pairwise(ends), strict=True)]


def decompose(
    value: Callable[[Subset], np.ndarray],
    choices: Sequence[Choice],
    *,
    allowed: Callable[[Subset], bool] = lambda switched: True,
    **options: Any,
) -> Decomposition:
    """Attribute the difference between two pipelines to their choices.

    Combinations that do not exist are said in either of two ways: choices that only make sense together are one tuple,
    switched at once; or `allowed` says no to a combination, and then only the orders that never pass through one count. The
    average over those orders is Shapley's value where all are possible.

    Args:
        value: the names switched from A to B -> the score of each image (n,). Asked once per combination that is needed.
        choices: 1 to 8 names or bundles of names.
        allowed: whether a combination exists; called with the names switched, bundles spelled out.
        options: for `intervals`: confidence, resamples, seed, method, least.

    Raises:
        ValueError: more than 8 choices or none, a name twice, no possible order, scores that are not of the same images
            or hold NaN (an image must be scored under every combination).
    """
    bundles = [(choice,) if isinstance(choice, str) else tuple(choice) for choice in choices]
    names = [name for bundle in bundles for name in bundle]
    if not 1 <= len(bundles) <= _MOST or not all(bundles) or len(set(names)) != len(names):
        raise ValueError(f"1 to {_MOST} choices, each name once; received {bundles}: bundle some to have fewer")
    lattice = _Lattice(len(bundles), lambda places: allowed(_names(bundles, places)))
    if not lattice.orders:
        raise ValueError("no order of the choices avoids the combinations that are not allowed: bundle those that go together")
    scores = {places: _scores(value, _names(bundles, places)) for places in lattice.passed()}
    lengths = sorted({len(each) for each in scores.values()})
    if len(lengths) > 1:
        raise ValueError(f"scores must be of the same images under every combination; received {lengths} of them")
    return _assembled(bundles, lattice, scores, options)


def _names(bundles: list[tuple[str, ...]], places: Iterable[int]) -> Subset:
    return frozenset(name for place in places for name in bundles[place])


def _scores(value: Callable[[Subset], np.ndarray], switched: Subset) -> np.ndarray:
    scores = np.asarray(value(switched), np.float64)
    if scores.ndim != 1 or not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).sum())
        raise ValueError(
            f"scores with {sorted(switched) or 'nothing'} switched are of shape {scores.shape}, {bad} of them not numbers: "
            "(images,) is expected, scored under every combination; leave other images out"
        )
    return scores


class _Lattice:
    """The combinations of k choices, and the orders that lead from none of them to all through allowed ones."""

    def __init__(self, k: int, allowed: Callable[[frozenset[int]], bool]):
        self.all = frozenset(range(k))
        every = [frozenset(each) for size in range(k + 1) for each in combinations(range(k), size)]
        there = [places for places in every if allowed(places)]
        # In how many ways each combination is reached from none, and leads on to all.
        self.ways_to = dict.fromkeys(every, 0) | ({frozenset(): 1} if frozenset() in there else {})
        for places in there:
            self.ways_to[places] += sum(self.ways_to[places - {last}] for last in places)
        self.ways_on = dict.fromkeys(every, 0) | ({self.all: 1} if self.all in there else {})
        for places in reversed(there):
            self.ways_on[places] += sum(self.ways_on[places | {new}] for new in self.all - places)

    @property
    def orders(self) -> int:
        """How many orders are possible."""
        return self.ways_to[self.all]

    def passed(self) -> list[frozenset[int]]:
        """The combinations that some order passes through."""
        return [places for places, ways in self.ways_to.items() if ways and self.ways_on[places]]

    def order(self, prefer: Callable[[Iterable[int]], int]) -> tuple[int, ...]:
        """The possible order that takes the preferred (`min` or `max`) choice wherever it can."""
        at: frozenset[int] = frozenset()
        order: list[int] = []
        while at != self.all:
            order.append(prefer(place for place in self.all - at if self.ways_on[at | {place}]))
            at |= {order[-1]}
        return tuple(order)

    def switches(self, choice: int) -> list[tuple[frozenset[int], Fraction]]:
        """(combination before the switch, share of the orders that switch `choice` there)."""
        shares = [
            (before, Fraction(self.ways_to[before] * self.ways_on[before | {choice}], self.orders))
            for before in self.passed()
            if choice not in before
        ]
        return [(before, share) for before, share in shares if share]


def _assembled(
    bundles: list[tuple[str, ...]], lattice: _Lattice, scores: dict[frozenset[int], np.ndarray], options: dict[str, Any]
) -> Decomposition:
    start, end = scores[frozenset()], scores[lattice.all]
    orders = {"forward": lattice.order(min), "backward": lattice.order(max)}
    changes = {account: _along(order, scores) for account, order in orders.items()}
    switched = [lattice.switches(place) for place in range(len(bundles))]
    change_of = [[scores[before | {place}] - scores[before] for before, _ in ways] for place, ways in enumerate(switched)]
    changes["average"] = [
        sum(float(share) * change for (_, share), change in zip(ways, each_way, strict=True))
        for ways, each_way in zip(switched, change_of, strict=True)
    ]
    columns = [start, end, end - start, *(column for account in ACCOUNTS for column in changes[account])]
    of_start, of_end, of_total, *of_changes = intervals(np.column_stack(columns), **options)
    steps = []
    for place, bundle in enumerate(bundles):
        in_any_order = [float(change.mean()) for change in change_of[place]]
        forward, backward, average = of_changes[place :: len(bundles)]
        steps.append(Step(bundle, forward, backward, average, min(in_any_order), max(in_any_order)))
    return Decomposition(of_start, of_end, of_total, tuple(steps), orders["forward"], orders["backward"], lattice.orders)


def _along(order: tuple[int, ...], scores: dict[frozenset[int], np.ndarray]) -> list[np.ndarray]:
    """The change of each image's score at each choice when they are switched in that order; indexed by choice."""
    changes: list[np.ndarray] = [np.empty(0)] * len(order)
    at: frozenset[int] = frozenset()
    for place in order:
        changes[place] = scores[at | {place}] - scores[at]
        at |= {place}
    return changes
