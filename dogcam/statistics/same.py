"""Methods that draw the same thing, found before anything is ranked: what is the same cannot be better."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

import numpy as np

K = TypeVar("K", bound=Hashable)

BOXES_SAME = 0.995  # share of the images
MAPS_SAME = 1e-4  # of a map's range
_CORNER = 1e-6  # of the picture's side; float32 corners of one box computed twice


@dataclass(frozen=True)
class Agreement:
    """How far two methods agree; NaN where there was nothing to measure.

    Attributes:
        boxes: the share of images where both draw the same box, or none.
        maps: the largest difference of any value of their normalised maps.
        images: on which boxes were compared.
        mapped: images whose maps were compared.
    """

    boxes: float
    maps: float
    images: int
    mapped: int

    def same(self, share: float, within: float) -> bool:
        """Whether the boxes or the maps agree."""
        return self.boxes >= share or self.maps <= within


@dataclass(frozen=True)
class SameGroup(Generic[K]):
    """Methods of which every two agree.

    Attributes:
        names: in the order given; the first can stand for all.
        worst: the smallest share of equal boxes and the largest difference of maps between any two of them.
    """

    names: tuple[K, ...]
    worst: Agreement


def by_maximum(maps: np.ndarray) -> np.ndarray:
    """Maps (m, h, w), each divided by its largest absolute value; one of zeros stays. A positive factor vanishes."""
    maps = np.asarray(maps, np.float64)
    largest = np.fmax.reduce(np.abs(maps), axis=(1, 2), keepdims=True, initial=0)
    return np.divide(maps, largest, out=maps.copy(), where=largest > 0)


def groups_of_same(
    boxes: Mapping[K, np.ndarray],
    maps: Mapping[K, np.ndarray] | None = None,
    *,
    share: float = BOXES_SAME,
    within: float = MAPS_SAME,
    corner: float = _CORNER,
    normalise: Callable[[np.ndarray], np.ndarray] = by_maximum,
) -> list[SameGroup[K]]:
    """Group the methods whose boxes agree on nearly all images, or whose normalised maps agree everywhere.

    Agreeing within a tolerance is not transitive: a may agree with b, and b with c, where a and c do not. Groups are
    therefore formed by complete linkage: two groups join, those that agree best first, only where EVERY member of one agrees
    with every member of the other. So what a group says is true of any two of its members; the price is that b stays with
    one of its two neighbours only.

    Args:
        boxes: (n, 4) by name, the same images in the same order; NaN where no box was drawn. Two such agree.
        maps: (m, h, w) by name, for as many of the names as there are; the same images in the same order. Maps of other
            sizes never agree. They are compared as given: where a protocol cuts negative values, cut them first.
        share: of the images, for boxes to count as the same.
        within: the largest difference, for maps to count as the same.
        corner: how far corners may lie apart in one and the same box.
        normalise: applied to each method's maps before they are compared.

    Returns:
        Groups of two or more, in the order of their first names; a method that is like no other is in none.

    Raises:
        ValueError: boxes that are not of the same images.
    """
    checked = {name: _boxes(name, each) for name, each in boxes.items()}
    if len({len(each) for each in checked.values()}) > 1:
        lengths = ", ".join(f"{name} {len(each)}" for name, each in checked.items())
        raise ValueError(f"boxes must be of the same images; received {lengths}")
    prepared = {name: normalise(each) for name, each in (maps or {}).items()}
    names = list(checked) + [name for name in prepared if name not in checked]
    agreement = {
        (one, other): _agreement(checked.get(one), checked.get(other), prepared.get(one), prepared.get(other), corner)
        for one, other in combinations(names, 2)
    }
    agreeing = [pair for pair in agreement if agreement[pair].same(share, within)]
    groups = _linked(names, sorted(agreeing, key=lambda pair: _apart(agreement[pair])))
    return [SameGroup(group, _worst([agreement[pair] for pair in combinations(group, 2)])) for group in groups]


def _boxes(name: Hashable, boxes: np.ndarray) -> np.ndarray:
    boxes = np.asarray(boxes, np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes are (images, 4); received {boxes.shape} for {name}")
    return boxes


def _agreement(
    boxes: np.ndarray | None,
    other_boxes: np.ndarray | None,
    maps: np.ndarray | None,
    other_maps: np.ndarray | None,
    corner: float,
) -> Agreement:
    alike, images, apart, mapped = float("nan"), 0, float("nan"), 0
    if boxes is not None and other_boxes is not None and len(boxes):
        alike = float(np.isclose(boxes, other_boxes, rtol=0, atol=corner, equal_nan=True).all(axis=1).mean())
        images = len(boxes)
    if maps is not None and other_maps is not None and maps.shape == other_maps.shape and maps.size:
        both_missing = np.isnan(maps) & np.isnan(other_maps)
        difference = np.where(both_missing, 0, np.abs(maps - other_maps)).max()
        apart, mapped = (float("inf") if np.isnan(difference) else float(difference)), len(maps)
    return Agreement(alike, apart, images, mapped)


def _apart(agreement: Agreement) -> tuple[float, float]:
    """Sorts pairs: the most equal boxes first, then the nearest maps."""
    return -np.nan_to_num(agreement.boxes, nan=-1.0), np.nan_to_num(agreement.maps, nan=np.inf)


def _linked(names: list[K], agreeing: list[tuple[K, K]]) -> list[tuple[K, ...]]:
    """Complete linkage over pairs in order of preference -> the groups of two or more."""
    edges = {frozenset(pair) for pair in agreeing}
    group_of: dict[K, tuple[K, ...]] = {name: (name,) for name in names}
    for first, second in agreeing:
        one, other = group_of[first], group_of[second]
        if one is not other and all(frozenset((a, b)) in edges for a in one for b in other):
            joined = tuple(sorted(one + other, key=names.index))
            group_of |= dict.fromkeys(joined, joined)
    return [group for group in dict.fromkeys(group_of[name] for name in names) if len(group) > 1]


def _worst(agreements: list[Agreement]) -> Agreement:
    boxes = [each.boxes for each in agreements if not np.isnan(each.boxes)]
    maps = [each.maps for each in agreements if not np.isnan(each.maps)]
    return Agreement(
        min(boxes, default=float("nan")),
        max(maps, default=float("nan")),
        max(each.images for each in agreements),
        max(each.mapped for each in agreements),
    )
