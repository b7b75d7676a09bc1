"""Which pictures a gallery shows: rules over the per-image tables of all scored images, so that nobody picks them.

Where images are equal, and where more meet a rule than are shown, a shuffled order decides: the images in order of their ids,
permuted with `SEED`. `dogcam evaluate` chooses by these rules what to keep, and the report by the same ones what to show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dogcam.analysis.pictures import Kept
from dogcam.analysis.tables import Columns, right_of
from dogcam.experiment.evaluations import MapKey
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


@dataclass(frozen=True)
class Pick:
    """One chosen image.

    Attributes:
        image: its id.
        map: the method and layer that it was chosen for, and is shown under.
        place: "best", "median" or "worst" among the images; of a disagreement "highest" or "lowest" among the methods; else "".
        tied: how many images have the IoU of this place; 1 where none is equal, or where it does not matter.
        alike: the other methods whose IoU is the same on every image, so that the rule chooses the same for them.
    """

    image: str
    map: MapKey
    place: str = ""
    tied: int = 1
    alike: tuple[MapKey, ...] = ()


@dataclass(frozen=True)
class Gallery:
    """What a rule chose.

    Attributes:
        rule: by which.
        picks: in the order in which they are shown; none where no image meets the rule.
        images: over how many it was chosen.
        qualified: how many of them meet the rule.
        maps: the methods and layers that it looked at.
    """

    rule: str
    picks: tuple[Pick, ...]
    images: int
    qualified: int
    maps: tuple[MapKey, ...]


@dataclass(frozen=True)
class Galleries:
    """What all rules chose.

    Attributes:
        epoch: whose tables they chose by; null where there is none.
        protocol: under which.
        everywhere: whether they chose over all scored images; otherwise among the kept sample, whose maps alone are there.
        rules: one gallery a rule.
    """

    epoch: int | None
    protocol: str
    everywhere: bool
    rules: tuple[Gallery, ...]


def galleries(kept: Kept) -> Galleries:
    """What the rules choose over all scored images, where the maps of all that they choose were kept; else among the sample."""
    epoch, there = choosable(kept)
    protocol = kept.tables.drawn_under
    if protocol is None or epoch is None:
        return Galleries(None, "", True, ())
    by_id = {picture.id: picture for picture in kept.pictures}
    rules = chosen(there, kept.tables.pooled_layer)
    picks = [pick for gallery in rules for pick in gallery.picks]
    everywhere = all(p.image in by_id and kept.raw(by_id[p.image], p.map, epoch) is not None for p in picks)
    if not everywhere:
        rules = chosen(there, kept.tables.pooled_layer, [picture.id for picture in kept.samples])
    return Galleries(epoch, protocol.name, everywhere, rules)


def choosable(kept: Kept) -> tuple[int | None, dict[MapKey, Columns]]:
    """The latest epoch under the protocol that pictures are drawn under, and its tables; None where there is none."""
    for epoch in reversed(kept.tables.epochs):
        tables = {key: kept.columns(key, epoch) for key in kept.tables.maps}
        if there := {key: columns for key, columns in tables.items() if columns is not None}:
            return epoch, there
    return None, {}


def representatives(keys: Iterable[MapKey], pooled: str) -> list[MapKey]:
    """One (method, layer) of each method: at the layer that feeds the pooling where it is there, else its last one."""
    found: dict[str, MapKey] = {}
    for key in keys:
        if key.method not in found or found[key.method].layer != pooled:
            found[key.method] = key
    return list(found.values())


def chosen(tables: Mapping[MapKey, Columns], pooled: str, among: Collection[str] | None = None) -> tuple[Gallery, ...]:
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
    groups = _groups({key: alike[key] for key in representatives(alike, pooled)})
    compared = _highest({key: alike[key] for key in groups})
    best = max(compared, key=lambda key: float(np.mean(compared[key]["iou"])))
    order = shuffled(alike[best]["image"])
    return (
        _extremes(compared, groups, order),
        _disagreement(compared, order),
        *_classified(best, compared[best], order),
        _empty(alike, order),
    )


def shuffled(images: np.ndarray) -> np.ndarray:
    """The place (n,) of each image in the shuffled order, the same in whatever order their ids (n,) come."""
    places = np.empty(len(images), np.int64)
    places[np.argsort(images.astype(str), kind="stable")] = np.random.default_rng(SEED).permutation(len(images))
    return places


def _restricted(tables: Mapping[MapKey, Columns], among: Collection[str] | None) -> dict[MapKey, Columns]:
    """The tables of the same images as the first, of the images `among` alone."""
    images = next((table["image"] for table in tables.values()), np.empty(0, object))
    there = np.ones(len(images), bool) if among is None else np.isin(images.astype(str), list(among))
    wanted = ("image", "picture", "iou", "label", "predicted", "rank", "empty")
    return {
        key: {name: table[name][there] for name in wanted if name in table}
        for key, table in tables.items()
        if there.any() and np.array_equal(table["image"], images)
    }


def _groups(tables: Mapping[MapKey, Columns]) -> dict[MapKey, tuple[MapKey, ...]]:
    """The keys that differ in the IoU of some image, each with the later ones that are like it on every image."""
    found: dict[MapKey, tuple[MapKey, ...]] = {}
    for key, table in tables.items():
        first = next((each for each in found if np.array_equal(tables[each]["iou"], table["iou"])), None)
        if first is None:
            found[key] = ()
        else:
            found[first] += (key,)
    return found


def _highest(tables: dict[MapKey, Columns]) -> dict[MapKey, Columns]:
    """At most `METHODS` of the tables, those of the highest mean IoU, in the order they came in."""
    ranked = sorted(tables, key=lambda key: -float(np.mean(tables[key]["iou"])))
    return {key: table for key, table in tables.items() if key in ranked[:METHODS]}


def _extremes(tables: Mapping[MapKey, Columns], groups: Mapping[MapKey, tuple[MapKey, ...]], order: np.ndarray) -> Gallery:
    """The best, the median (of two the lower) and the worst image of each method."""
    picks: list[Pick] = []
    for key, table in tables.items():
        iou, last = table["iou"], len(order) - 1
        ascending = np.lexsort((order, iou))
        rows = {"best": np.lexsort((order, -iou))[0], "median": ascending[last // 2], "worst": ascending[0]}
        for place, row in rows.items():
            tied = int((iou == iou[row]).sum())
            picks.append(Pick(str(table["image"][row]), key, place, tied, groups[key]))
    return Gallery(EXTREMES, tuple(picks), len(order), len(order), tuple(tables))


def _disagreement(tables: Mapping[MapKey, Columns], order: np.ndarray) -> Gallery:
    """By how far the highest IoU of any method lies above the lowest; each image under those two methods."""
    keys, images = tuple(tables), next(iter(tables.values()))["image"]
    ious = np.stack([table["iou"] for table in tables.values()])
    apart = ious.max(axis=0) - ious.min(axis=0)
    qualified = int((apart > 0).sum())
    rows = np.lexsort((order, -apart))[: min(SHOWN, qualified)]
    picks = [
        Pick(str(images[row]), keys[choose(ious[:, row])], place)
        for row in rows
        for place, choose in (("highest", np.argmax), ("lowest", np.argmin))
    ]
    return Gallery(DISAGREEMENT, tuple(picks), len(order), qualified, keys)


def _classified(key: MapKey, table: Columns, order: np.ndarray) -> Iterator[Gallery]:
    """Where the network is right and the box is not, and the other way round; nothing where no class was predicted.

    Images without a known class do not count.
    """
    label, predicted = (table[name].astype(np.float64) for name in ("label", "predicted"))
    known = np.isfinite(label) & np.isfinite(predicted)
    for right in (True, False) if np.isfinite(predicted).any() else ():
        meets = known & (right_of(table) == right) & ((table["iou"] >= RIGHT) != right)
        picks = [Pick(str(table["image"][row]), key) for row in _some(meets, order)]
        yield Gallery(RIGHT_CLASS if right else RIGHT_BOX, tuple(picks), len(order), int(meets.sum()), (key,))


def _empty(tables: Mapping[MapKey, Columns], order: np.ndarray) -> Gallery:
    """Images of which some method's map is empty at some layer, each under the first such."""
    keys, images = tuple(tables), next(iter(tables.values()))["image"]
    empty = np.stack([table["empty"].astype(bool) for table in tables.values()])
    meets = np.asarray(empty.any(axis=0))
    picks = [Pick(str(images[row]), keys[int(empty[:, row].argmax())]) for row in _some(meets, order)]
    return Gallery(EMPTY, tuple(picks), len(order), int(meets.sum()), keys)


def _some(meets: np.ndarray, order: np.ndarray) -> np.ndarray:
    """At most `SHOWN` rows that meet a rule, the first in the shuffled order."""
    rows = np.flatnonzero(meets)
    return rows[np.argsort(order[rows])][:SHOWN]
