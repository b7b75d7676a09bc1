"""Which colour a method has in the charts of a report."""

from __future__ import annotations

from dogcam.analysis import study
from dogcam.analysis.evidence import Evidence


def colour_of(evidence: Evidence, method: str) -> int:
    """A method's colour, the same in every chart of a report: the study's two come first, then the others in order."""
    order = list(dict.fromkeys([*study.IOU, *(each for each, _ in evidence.pairs)]))
    return order.index(method) if method in order else len(order)
