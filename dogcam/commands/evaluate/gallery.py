"""The pictures that `dogcam evaluate` keeps for galleries: chosen by rule when everything is scored, then mapped once more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dogcam.analysis.choosing import SEED, choosable, chosen
from dogcam.analysis.pictures import Kept
from dogcam.analysis.tables import Columns, Tables
from dogcam.commands.evaluate.common import entry, thumbnail
from dogcam.core.files import plain
from dogcam.experiment.evaluations import Cell, MapKey
from dogcam.experiment.kept import KeptPictures
from dogcam.experiment.runs import Experiment
from dogcam.scoring import Scoring
from dogcam.scoring.tables import Pair, in_one_size

Maps = dict[Pair, dict[str, np.ndarray]]  # by the picture's id
Draw = Callable[[int, int, Sequence[int], Sequence[Pair]], Mapping[Pair, Sequence[np.ndarray]]]


@dataclass(frozen=True)
class _Wanted:
    """What is to be kept: pictures, by their positions among the scored ones, and maps of one model."""

    run: int
    epoch: int
    pairs: tuple[Pair, ...]
    positions: tuple[int, ...]
    index: list[dict[str, Any]]

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.index]


def keep_gallery(
    scoring: Scoring, experiment: Experiment, classes: Sequence[str], cells: Collection[Cell], resume: bool, draw: Draw
) -> None:
    """Choose pictures over all that were scored, and keep them with the raw maps of all scored methods and layers.

    The maps are of the run that is reported and of its last epoch. Those that are there are not drawn again, unless this call
    scored their method anew; with --resume nothing is done where just these pictures are there with all maps.

    Args:
        classes: names by label.
        cells: of this call.
        draw: called with run, epoch, positions among the scored pictures and pairs, gives their raw maps (n, h, w).
    """
    gallery, wanted = scoring.evaluation.gallery, _wanted(scoring, experiment, classes)
    if wanted is None or (resume and _kept(gallery, wanted)):
        return
    known = _known(gallery, wanted, set() if resume else {(cell.method, cell.layer) for cell in cells})
    gallery.write(wanted.index, (thumbnail(scoring.pictures.records[each]) for each in wanted.positions))
    for places, pairs in _lacking(known, wanted).items():
        positions = [wanted.positions[each] for each in places]
        for pair, maps in draw(wanted.run, wanted.epoch, positions, pairs).items():
            known.setdefault(pair, {}).update(zip((wanted.ids[each] for each in places), maps, strict=True))
    maps_by_pair = {pair: in_one_size([known[pair][each] for each in wanted.ids]) for pair in wanted.pairs}
    gallery.write_maps(wanted.run, wanted.epoch, maps_by_pair)


def _wanted(scoring: Scoring, experiment: Experiment, classes: Sequence[str]) -> _Wanted | None:
    """What the rules choose now; None where there is nothing to choose from."""
    tables = Tables.of(experiment, scoring.evaluation)
    epoch, there = choosable(Kept.of(tables))
    rules = {} if epoch is None else _rules(tables, epoch, there)
    places = {record.id: place for place, record in enumerate(scoring.pictures.records)}
    positions = tuple(sorted(places[image] for image in rules if image in places))
    if epoch is None or not positions:
        return None
    pairs = tuple((key.method, key.layer) for key in there)
    index = [entry(scoring.pictures, position, classes) for position in positions]
    index = [plain({**each, "rules": rules[each["id"]]}) for each in index]
    return _Wanted(tables.run, epoch, pairs, positions, index)


def _rules(tables: Tables, epoch: int, there: Mapping[MapKey, Columns]) -> dict[str, list[dict[str, Any]]]:
    """By image the rules that chose it, each with all that is needed to choose it again."""
    protocol = tables.drawn_under.name if tables.drawn_under else ""
    about = {"epoch": epoch, "run": tables.run, "protocol": protocol, "seed": SEED}
    rules: dict[str, list[dict[str, Any]]] = {}
    for gallery in chosen(there, tables.pooled_layer):
        for pick in gallery.picks:
            rule = {"rule": gallery.rule, "place": pick.place, "method": pick.map.method, "layer": pick.map.layer}
            rules.setdefault(pick.image, []).append({**rule, **about})
    return rules


def _kept(gallery: KeptPictures, wanted: _Wanted) -> bool:
    """Whether just these pictures are there, chosen by the same rules, with all maps."""
    there = [{name: value for name, value in each.items() if name != "picture"} for each in gallery.entries()]
    return there == wanted.index and set(wanted.pairs) <= gallery.maps(wanted.run, wanted.epoch).keys()


def _known(gallery: KeptPictures, wanted: _Wanted, anew: Collection[Pair]) -> Maps:
    """The maps that are there and need not be drawn `anew`."""
    ids, maps = gallery.ids(), gallery.maps(wanted.run, wanted.epoch)
    return {pair: dict(zip(ids, each, strict=True)) for pair, each in maps.items() if pair not in anew}


def _lacking(known: Maps, wanted: _Wanted) -> dict[tuple[int, ...], list[Pair]]:
    """By the places in the index of pictures without a map: the methods and layers that these lack."""
    lacking: dict[tuple[int, ...], list[Pair]] = {}
    for pair in wanted.pairs:
        places = tuple(place for place, each in enumerate(wanted.ids) if each not in known.get(pair, {}))
        if places:
            lacking.setdefault(places, []).append(pair)
    return lacking
