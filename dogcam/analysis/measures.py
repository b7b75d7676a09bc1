"""What the pictures suggest, measured over all kept pictures: heat outside the boxes, and how alike maps are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dogcam.analysis.pictures import Kept, Picture
from dogcam.experiment.evaluations import MapKey


@dataclass(frozen=True)
class Outside:
    """The share of a map's heat outside the annotated boxes, mean over the kept pictures.

    Attributes:
        map: the method at its layer.
        epoch: after which the network was taken.
        share: of the positive heat; null where there is none.
        n: pictures with any heat.
        even: the same share of a map that is the same everywhere.
    """

    map: MapKey
    epoch: int
    share: float
    n: int
    even: float


@dataclass(frozen=True)
class Likeness:
    """How alike the raw maps of two epochs are, mean over the kept pictures.

    Attributes:
        map: the method at its layer.
        earlier, later: the epochs.
        correlation: Pearson's, pixel by pixel; null where maps are constant.
    """

    map: MapKey
    earlier: int
    later: int
    correlation: float


@dataclass(frozen=True)
class Remainder:
    """What is left of the difference between CAM and Grad-CAM when CAM's negative values are cut.

    Attributes:
        epoch: after which the network was taken.
        n: pictures whose two maps have anything above 0.
        below: the share of CAM's cells that are negative.
        largest: the largest difference of any cell, both maps divided by their maximum.
    """

    epoch: int
    n: int
    below: float
    largest: float


@dataclass(frozen=True)
class Measures:
    """All of them.

    Attributes:
        outside: of the study's methods at every epoch whose maps were kept, and of layers beside each other.
        likeness: of CAM at neighbouring epochs.
        remainders: by epoch.
    """

    outside: tuple[Outside, ...] = ()
    likeness: tuple[Likeness, ...] = ()
    remainders: tuple[Remainder, ...] = ()


def measures(kept: Kept) -> Measures:
    """What is measured on the pictures that evaluation kept, evenly spaced among all."""
    cam = MapKey("cam", kept.tables.pooled_layer)
    places = [(cam, epoch) for epoch in kept.epochs_of(cam)]
    method, layers, epoch = kept.in_depth
    if epoch is not None:
        places += [(MapKey(method, layer), epoch) for layer in layers]
    outside = tuple(_outside(kept, *place) for place in dict.fromkeys(places))
    likeness = tuple(_likeness(kept, cam, *both) for both in pairwise(kept.epochs_of(cam)))
    return Measures(outside, likeness, tuple(_remainders(kept)))


def _outside(kept: Kept, key: MapKey, epoch: int) -> Outside:
    heats = [(kept.heat(picture, key, epoch), picture.boxes) for picture in kept.samples]
    there = [(heat, boxes) for heat, boxes in heats if heat is not None]
    shares = [outside_share(heat, boxes) for heat, boxes in there]
    even = [outside_share(np.ones_like(heat), boxes) for heat, boxes in there]
    return Outside(key, epoch, *_mean(shares), _mean(even)[0])


def _likeness(kept: Kept, key: MapKey, earlier: int, later: int) -> Likeness:
    def value(picture: Picture) -> float:
        maps = [kept.raw(picture, key, epoch) for epoch in (earlier, later)]
        return float("nan") if maps[0] is None or maps[1] is None else correlation(maps[0], maps[1])

    return Likeness(key, earlier, later, _over(kept.samples, value))


def _over(pictures: Iterable[Picture], value: Callable[[Picture], float]) -> float:
    return _mean([value(picture) for picture in pictures])[0]


def _mean(values: Sequence[float]) -> tuple[float, int]:
    """The mean of those that are numbers, and how many these are."""
    known = [value for value in values if np.isfinite(value)]
    return (float(np.mean(known)) if known else float("nan")), len(known)


def _remainders(kept: Kept) -> Iterable[Remainder]:
    keys = [MapKey(method, kept.tables.pooled_layer) for method in ("cam", "gradcam")]
    for epoch in kept.tables.epochs:
        both = [[kept.raw(picture, key, epoch) for key in keys] for picture in kept.samples]
        maps = [(a, b) for a, b in both if a is not None and b is not None and a.max() > 0 and b.max() > 0]
        if maps:
            largest = max(float(np.abs(np.maximum(a, 0) / a.max() - b / b.max()).max()) for a, b in maps)
            yield Remainder(epoch, len(maps), float(np.mean([(a < 0).mean() for a, _ in maps])), largest)


def outside_share(heat: np.ndarray, boxes: np.ndarray) -> float:
    """The share of positive heat (h, w) on pixels whose centres lie in none of the relative boxes (n, 4).

    NaN where there is no positive heat.
    """
    height, width = heat.shape
    y, x = ((np.arange(size) + 0.5) / size for size in (height, width))
    inside = np.zeros(heat.shape, bool)
    for x0, y0, x1, y1 in np.asarray(boxes, np.float64).reshape(-1, 4):
        inside |= ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))[None]
    positive = np.maximum(heat, 0)
    total = float(positive.sum())
    return float(positive[~inside].sum()) / total if total > 0 else float("nan")


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two maps, pixel by pixel; NaN where one is constant."""
    if first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
