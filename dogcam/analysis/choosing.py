"""Which pictures a gallery shows: rules over the per-image tables of all scored images, so that nobody picks them.

Where images are equal, and where more meet a rule than are shown, a shuffled order decides: the images in order of their ids,
permuted with `SEED`. `dogcam evaluate` chooses by these rules what to keep, and the report by the same ones what to show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dogcam.metrics.localization import RIGHT

SEED = 0
SHOWN = 6  # images of a rule that more may meet
METHODS = 8  # of more, those of the highest mean IoU
EXTREMES, DISAGREEMENT, RIGHT_CLASS, RIGHT_BOX, EMPTY = RULES = (
    "extremes",  # best, median and worst IoU of each method
    "disagreement",  # where the methods' IoUs lie furthest apart
    "right class, wrong box",
    "wrong class, right box",
    "empty map",
)

Columns = Mapping[str, np.ndarray]
Pair = tuple[str, str]  # method and layer


@dataclass(frozen=True)
class Pick:
    """One chosen image.

    Attributes:
        image: its id.
        pair: the method and layer that it was chosen for, and is shown under.
        place: "best", "median" or "worst" among the images; of a disagreement "highest" or "lowest" among the methods; else "".
        tied: how many images have the IoU of this place; 1 where none is equal, or where it does not matter.
        alike: the other pairs whose IoU is the same on every image, so that the rule chooses the same for them.
    """

    image: str
    pair: Pair
    place: str = ""
    tied: int = 1
    alike: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class Gallery:
    """What a rule chose.

    Attributes:
        rule: of `RULES`.
        picks: in the order in which they are shown; none where no image meets the rule.
        images: over how many it was chosen.
        qualified: how many of them meet the rule.
        pairs: the methods and layers that it looked at.
    """

    rule: str
    picks: tuple[Pick, ...]
    images: int
    qualified: int
    pairs: tuple[Pair, ...]


def representatives(pairs: Iterable[Pair], pooled: str) -> list[Pair]:
    """One (method, layer) of each method: at the layer that feeds the pooling where it is there, else its last one."""
    found: dict[str, Pair] = {}
    for method, layer in pairs:
        if found.get(method, ("", ""))[1] != pooled:
            found[method] = (method, layer)
    return list(found.values())


def chosen(tables: Mapping[Pair, Columns], pooled: str, among: Collection[str] | None = None) -> tuple[Gallery, ...]:
    """What every rule of `RULES` chooses, in their order.

    Args:
        tables: the per-image columns of each (method, layer) of one model under one protocol, in the order of tables. Those
            that are not of the same images as the first are left out.
        pooled: the layer that feeds the pooling, see `representatives`.
        among: ids of the images to choose from; None means all.

    Returns:
        Empty where there is no table, or none of the images is in it.
    """
    alike = _restricted(tables, among)
    if not alike:
        return ()
    groups = _groups({pair: alike[pair] for pair in representatives(alike, pooled)})
    compared = _highest({pair: alike[pair] for pair in groups})
    best = max(compared, key=lambda pair: float(np.mean(compared[pair]["iou"])))
    order = shuffled(alike[best]["image"])
    return (
        _extremes(compared, groups, order),
        _disagreement(compared, order),
        _classified(best, compared[best], order, right=True),
        _classified(best, compared[best], order, right=False),
        _empty(alike, order),
    )


def shuffled(images: np.ndarray) -> np.ndarray:
    """The place (n,) of each image in the shuffled order, the same in whatever order their ids (n,) come."""
    places = np.empty(len(images), np.int64)
    places[np.argsort(images.astype(str), kind="stable")] = np.random.default_rng(SEED).permutation(len(images))
    return places


def _restricted(tables: Mapping[Pair, Columns], among: Collection[str] | None) -> dict[Pair, Columns]:
    """The tables of the same images as the first, of the images `among` alone."""
    images = next((table["image"] for table in tables.values()), np.empty(0, object))
    there = np.ones(len(images), bool) if among is None else np.isin(images.astype(str), list(among))
    wanted = ("image", "iou", "label", "predicted", "empty")
    return {
        pair: {name: table[name][there] for name in wanted}
        for pair, table in tables.items()
        if there.any() and np.array_equal(table["image"], images)
    }


def _groups(tables: Mapping[Pair, Columns]) -> dict[Pair, tuple[Pair, ...]]:
    """The pairs that differ in the IoU of some image, each with the later ones that are like it on every image."""
    found: dict[Pair, tuple[Pair, ...]] = {}
    for pair, table in tables.items():
        first = next((each for each in found if np.array_equal(tables[each]["iou"], table["iou"])), None)
        if first is None:
            found[pair] = ()
        else:
            found[first] += (pair,)
    return found


def _highest(tables: dict[Pair, Columns]) -> dict[Pair, Columns]:
    """At most `METHODS` of the tables, those of the highest mean IoU, in the order they came in."""
    ranked = sorted(tables, key=lambda pair: -float(np.mean(tables[pair]["iou"])))
    return {pair: table for pair, table in tables.items() if pair in ranked[:METHODS]}


def _extremes(tables: Mapping[Pair, Columns], groups: Mapping[Pair, tuple[Pair, ...]], order: np.ndarray) -> Gallery:
    """The best, the median (of two the lower) and the worst image of each method."""
    picks: list[Pick] = []
    for pair, table in tables.items():
        iou, last = table["iou"], len(order) - 1
        ascending = np.lexsort((order, iou))
        rows = {"best": np.lexsort((order, -iou))[0], "median": ascending[last // 2], "worst": ascending[0]}
        for place, row in rows.items():
            tied = int((iou == iou[row]).sum())
            picks.append(Pick(str(table["image"][row]), pair, place, tied, groups[pair]))
    return Gallery(EXTREMES, tuple(picks), len(order), len(order), tuple(tables))


def _disagreement(tables: Mapping[Pair, Columns], order: np.ndarray) -> Gallery:
    """By how far the highest IoU of any method lies above the lowest; each image under those two methods."""
    pairs, images = tuple(tables), next(iter(tables.values()))["image"]
    ious = np.stack([table["iou"] for table in tables.values()])
    apart = ious.max(axis=0) - ious.min(axis=0)
    qualified = int((apart > 0).sum())
    rows = np.lexsort((order, -apart))[: min(SHOWN, qualified)]
    picks = [
        Pick(str(images[row]), pairs[choose(ious[:, row])], place)
        for row in rows
        for place, choose in (("highest", np.argmax), ("lowest", np.argmin))
    ]
    return Gallery(DISAGREEMENT, tuple(picks), len(order), qualified, pairs)


def _classified(pair: Pair, table: Columns, order: np.ndarray, right: bool) -> Gallery:
    """Where the network is right and the box is not, or the other way round; images without a known class do not count."""
    label, predicted = (table[name].astype(np.float64) for name in ("label", "predicted"))
    known = np.isfinite(label) & np.isfinite(predicted)
    meets = known & ((label == predicted) == right) & ((table["iou"] >= RIGHT) != right)
    picks = [Pick(str(table["image"][row]), pair) for row in _some(meets, order)]
    return Gallery(RIGHT_CLASS if right else RIGHT_BOX, tuple(picks), len(order), int(meets.sum()), (pair,))


def _empty(tables: Mapping[Pair, Columns], order: np.ndarray) -> Gallery:
    """Images of which some method's map is empty at some layer, each under the first such."""
    pairs, images = tuple(tables), next(iter(tables.values()))["image"]
    empty = np.stack([table["empty"].astype(bool) for table in tables.values()])
    meets = empty.any(axis=0)
    picks = [Pick(str(images[row]), pairs[int(empty[:, row].argmax())]) for row in _some(meets, order)]
    return Gallery(EMPTY, tuple(picks), len(order), int(meets.sum()), pairs)


def _some(meets: np.ndarray, order: np.ndarray) -> Sequence[int]:
    """At most `SHOWN` rows that meet a rule, the first in the shuffled order."""
    rows = np.flatnonzero(meets)
    return rows[np.argsort(order[rows])][:SHOWN]
