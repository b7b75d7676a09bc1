"""A statement about paired differences, and what their intervals say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

DIRECTIONS = ("above", "below", "same")


class Estimated(Protocol):
    """A figure with its interval: an `Interval` or a `Pair`."""

    @property
    def mean(self) -> float:
        """The figure."""

    @property
    def low(self) -> float:
        """The interval's lower end."""

    @property
    def high(self) -> float:
        """The interval's upper end."""


@dataclass(frozen=True)
class Claim:
    """A statement with its verdict.

    Attributes:
        direction: what is said of every difference: "above" or "below" 0 by more than the margin, or the "same" within it.
        verdict: "supported", "contradicted" or "undecided".
        each: the verdict on each difference alone, by its label.
        differences: the figures it rests on, by label.
    """

    direction: str
    margin: float
    verdict: str
    each: Mapping[str, str]
    differences: Mapping[str, Estimated]


def claim(
    differences: Mapping[str, Estimated],
    direction: str,
    *,
    margin: float = 0.0,
    contradicting: Mapping[str, Estimated] | None = None,
) -> Claim:
    """Judge "every one of these differences is above (below, about) 0".

    An interval holds the values that the images leave plausible. Of one difference the claim is supported where all of them
    fulfil it, contradicted where none does, and undecided otherwise, also where there is no interval. With a margin,
    "above" means by more than the margin: an interval within ±margin, however surely above 0, contradicts it, and supports
    "same" (the two one-sided tests of Schuirmann 1987, at half of 1 - confidence each).

    The claim about all is supported where each is, contradicted where any one is. The former needs no correction for the
    number of differences, since all tests must succeed (Berger 1982). The latter does, since any one suffices.

    Args:
        differences: by label, for example the epoch.
        direction: "above", "below" or "same".
        margin: the largest difference that does not matter, 0 or more; "same" needs one.
        contradicting: the same differences with wider intervals, of confidence 1 - (1 - c) / k for k differences (Bonferroni),
            that decide about contradiction; None takes `differences`.

    Raises:
        ValueError: no differences, an unknown direction, a margin that does not fit, other labels in `contradicting`.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"a direction is one of {', '.join(DIRECTIONS)}; received {direction!r}")
    if not differences or not margin >= 0 or (direction == "same" and margin == 0):
        raise ValueError(
            f"a claim needs differences, and a margin of 0 or more ('same': above 0); "
            f"received {len(differences)} differences and {margin}"
        )
    wider = differences if contradicting is None else contradicting
    if set(wider) != set(differences):
        raise ValueError(f"the same differences are to contradict; received {list(wider)} for {list(differences)}")
    each = {label: _judged(found, wider[label], direction, margin) for label, found in differences.items()}
    return Claim(direction, margin, all_of(each.values()), each, dict(differences))


def all_of(verdicts: Iterable[str]) -> str:
    """The verdict on several made as one ("Grad-CAM falls and CAM rises"): supported where all are, contradicted where any is."""
    found = set(verdicts)
    if found == {"supported"}:
        return "supported"
    return "contradicted" if "contradicted" in found else "undecided"


def _judged(found: Estimated, wider: Estimated, direction: str, margin: float) -> str:
    if np.isnan([found.low, found.high, wider.low, wider.high]).any():
        return "undecided"
    supported = {
        "above": found.low > margin,
        "below": found.high < -margin,
        "same": found.low >= -margin and found.high <= margin,
    }
    contradicted = {
        "above": wider.high <= margin,
        "below": wider.low >= -margin,
        "same": wider.low > margin or wider.high < -margin,
    }
    if supported[direction]:
        return "supported"
    return "contradicted" if contradicted[direction] else "undecided"
