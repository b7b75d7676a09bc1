"""Tables of the same images compared: paired differences with their intervals, what these say of a claim, and what is the same.

Differences that are asked for together come from the same resamples, since drawing these is what takes the time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from dogcam.analysis.tables import Columns, pictures_of
from dogcam.boxes.baselines import never_looks
from dogcam.experiment.evaluations import MapKey
from dogcam.statistics import Claim, Interval, claim, intervals, intervals_over_runs

Key = TypeVar("Key", bound=Hashable)
Sides = tuple[Sequence[Columns], Sequence[Columns]]  # what is subtracted from what: a table of each run on either side


def iou_of(columns: Columns) -> np.ndarray:
    """The IoU of each image of a table: what is compared unless something else is named."""
    return columns["iou"]


def aligned(tables: Sequence[Columns], of: Callable[[Columns], np.ndarray] = iou_of) -> np.ndarray:
    """(n, tables): a figure of every image under every table, paired by the image's id, whatever the order of rows.

    Args:
        of: the figure, (rows,) of a table.

    Returns:
        The images are those that any table holds, in the order of the first that does; NaN where a table lacks one.
    """
    first = tables[0]["image"]
    # The usual case, and the fast one: a name by name look-up takes longer than all the rest.
    if all(np.array_equal(first, table["image"]) for table in tables[1:]) and len(set(first)) == len(first):
        return np.column_stack([np.asarray(of(table), np.float64) for table in tables])
    places = {image: place for place, image in enumerate(dict.fromkeys(i for table in tables for i in table["image"]))}
    found = np.full((len(places), len(tables)), np.nan)
    for number, table in enumerate(tables):
        found[[places[image] for image in table["image"]], number] = of(table)
    return found


def pictures_in(tables: Sequence[Columns]) -> np.ndarray | None:
    """The picture of each row of `aligned`, which intervals resample; None where each row is a picture of its own."""
    known = [pictures_of(table) for table in tables]
    if all(each is None for each in known):
        return None
    found: dict[Any, Any] = {}
    for table in tables:
        for image, picture in zip(table["image"], table["picture"], strict=True):
            found.setdefault(image, picture)
    return np.array(list(found.values()), object)


def same_boxes(first: Columns, second: Columns) -> bool:
    """Whether two tables hold the same images with the same boxes; an image without a box has NaN for its corners."""
    return np.array_equal(first["image"], second["image"]) and all(
        np.allclose(first[column], second[column], rtol=0, atol=1e-6, equal_nan=True)
        for column in ("iou", "x0", "y0", "x1", "y1")
    )


def best_unseen(means: Mapping[MapKey, float]) -> MapKey | None:
    """The baseline of the highest mean IoU among those that never look at the picture; None where there is none.

    Means as near as rounding are ties, which go by name, so that all comparisons name the same box.

    Args:
        means: of baselines; those that look are left out.
    """
    unseen = [(round(mean, 12), key) for key, mean in means.items() if never_looks(key.method)]
    return max(unseen)[1] if unseen else None


def differences(
    sides: Mapping[Key, Sides], confidence: float = 0.95, of: Callable[[Columns], np.ndarray] = iou_of
) -> dict[Key, Interval]:
    """The mean of first - second over the images that both sides hold, each with its paired interval.

    One run: BCa bootstrap over images. Several: over runs and images crossed (`intervals_over_runs`). All differences of
    as many runs come from the same resamples, since drawing these is what takes the time.

    Args:
        sides: by any key: the tables of the first and of the second, one for each run and in the order of runs.
    """
    found: dict[Key, Interval] = {}
    for runs in {len(first) for first, _ in sides.values()}:
        keys = [key for key, (first, _) in sides.items() if len(first) == runs]
        tables = [table for key in keys for side in sides[key] for table in side]
        scores = aligned(tables, of).reshape(-1, len(keys), 2, runs)
        subtracted = scores[:, :, 0] - scores[:, :, 1]
        pictures = pictures_in(tables)
        if runs == 1:
            made = intervals(subtracted[..., 0], confidence=confidence, pictures=pictures)
        else:
            made = intervals_over_runs(np.moveaxis(subtracted, -1, 0), confidence=confidence, pictures=pictures)
        found.update(zip(keys, made, strict=True))
    return {key: found[key] for key in sides}


@dataclass(frozen=True)
class Topic:
    """What a claim of one protocol rests on.

    Attributes:
        sides: the tables that are compared, by epoch, step or method.
        family: how many differences may contradict the claim.
    """

    protocol: str
    name: str
    sides: Mapping[Any, Sides]
    family: int


@dataclass(frozen=True)
class Weighed:
    """The differences of a topic: `near` with the 95 % interval that is shown, `wide` with the one that contradicts."""

    near: Mapping[Any, Interval]
    wide: Mapping[Any, Interval]

    def claim(self, direction: str, only: Iterable[Hashable] | None = None) -> Claim:
        """The verdict on "each of these is above (below) 0"; `only` some of them."""
        keys = list(self.near if only is None else only)
        near, wide = ({str(key): _untied(found[key]) for key in keys} for found in (self.near, self.wide))
        return claim(near, direction, contradicting=wide)


def _untied(found: Interval) -> Interval:
    """Without ends where every image ties: no resample can differ then, which tells nothing of other images."""
    return replace(found, low=float("nan"), high=float("nan")) if found.low == found.high == 0 else found


def weigh(topics: Iterable[Topic]) -> dict[tuple[str, str], Weighed]:
    """The intervals of all topics, those of one confidence together, since resampling is what takes the time."""
    places = {(topic.protocol, topic.name, key): (sides, topic.family) for topic in topics for key, sides in topic.sides.items()}
    near = differences({place: sides for place, (sides, _) in places.items()})
    wide = {place: near[place] for place, (_, family) in places.items() if family == 1}
    for family in {family for _, family in places.values()} - {1}:
        of = {place: sides for place, (sides, size) in places.items() if size == family}
        wide |= differences(of, 1 - 0.05 / family)
    return {
        (topic.protocol, topic.name): Weighed(
            *({key: found[topic.protocol, topic.name, key] for key in topic.sides} for found in (near, wide))
        )
        for topic in topics
    }
