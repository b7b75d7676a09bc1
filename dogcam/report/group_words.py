"""Groups of pictures in words, for pages and terminals."""

from __future__ import annotations

from itertools import count

from dogcam.analysis.groups import Group, Groups
from dogcam.report.texts import heads, text


def labels(found: Groups) -> list[str]:
    """What the pictures of each group share: a class's name, "small (below 0.31 of the picture)", "2 animals"."""
    if found.by == "breed":
        return [group.code for group in found.groups]
    if found.by == "animals":
        animals = heads("groups.animals_heads")
        return [animals[int(group.least or 0)] for group in found.groups]
    least, most = _bounds(found.groups)
    return [text(f"groups.name.{group.code}", least=least, most=most) for group in found.groups]


def _bounds(groups: tuple[Group, ...]) -> tuple[str, str]:
    """The least and the greatest bound of the groups, in as few digits as tell them apart, two at least."""
    known = {bound for group in groups for bound in (group.least, group.most) if bound is not None}
    low, high = min(known, default=0.0), max(known, default=0.0)
    texts = ((f"{low:.{digits}g}", f"{high:.{digits}g}") for digits in count(2))
    return next((one, other) for one, other in texts if one != other or low == high)
