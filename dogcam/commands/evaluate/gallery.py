"""The pictures that `dogcam evaluate` keeps for galleries: chosen by rule when everything is scored, then mapped once more."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dogcam.analysis.choosing import SEED, choosable, chosen
from dogcam.analysis.pictures import Kept
from dogcam.analysis.tables import Columns, Tables
from dogcam.commands.evaluate.inputs import Subject, entry, thumbnail
from dogcam.core.config import FUSIONS, EvaluateConfig
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.engine import HeatmapEngine
from dogcam.experiment.evaluations import Cell, MapKey
from dogcam.experiment.kept import KeptPictures
from dogcam.models.classifier import Classifier
from dogcam.scoring import Scoring
from dogcam.scoring.passes import maps_of

Pair = tuple[str, str]  # method and layer
Maps = dict[Pair, dict[str, np.ndarray]]  # by the picture's id
_FUSED = re.compile(rf"({'|'.join(FUSIONS)})\((.+)\)")  # a fused layer's name, see `engine.fused_cells`


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


def keep_gallery(config: EvaluateConfig, scoring: Scoring, subject: Subject, cells: Collection[Cell], progress: Progress) -> None:
    """Choose pictures over all that were scored, and keep them with the raw maps of all scored methods and layers.

    The maps are of the run that is reported and of its last epoch. Those that are there are not drawn again, unless this call
    scored their method anew; with --resume nothing is done where just these pictures are there with all maps.

    Args:
        cells: of this call.
    """
    gallery, wanted = scoring.evaluation.gallery, _wanted(scoring, subject)
    if wanted is None or (config.resume and _kept(gallery, wanted)):
        return
    known = _known(gallery, wanted, set() if config.resume else {(cell.method, cell.layer) for cell in cells})
    gallery.write(wanted.index, (thumbnail(scoring.pictures.records[each]) for each in wanted.positions))
    for places, pairs in _lacking(known, wanted).items():
        classifier, positions = subject.model(wanted.run, wanted.epoch), [wanted.positions[each] for each in places]
        for pair, maps in _drawn(config, scoring, classifier, positions, pairs, progress).items():
            known.setdefault(pair, {}).update(zip((wanted.ids[each] for each in places), maps, strict=True))
    found = {pair: np.stack([known[pair][each] for each in wanted.ids]) for pair in wanted.pairs}
    gallery.write_maps(wanted.run, wanted.epoch, found)


def _wanted(scoring: Scoring, subject: Subject) -> _Wanted | None:
    """What the rules choose now; None where there is nothing to choose from."""
    tables = Tables.of(subject.experiment, scoring.evaluation)
    epoch, there = choosable(Kept.of(tables))
    rules = {} if epoch is None else _rules(tables, epoch, there)
    places = {record.id: place for place, record in enumerate(scoring.pictures.records)}
    positions = tuple(sorted(places[image] for image in rules if image in places))
    if epoch is None or not positions:
        return None
    pairs = tuple((key.method, key.layer) for key in there)
    index = [entry(scoring.pictures, position, subject.dataset.classes) for position in positions]
    index = [plain({**each, "rules": rules[each["id"]]}) for each in index]
    return _Wanted(tables.run, epoch, pairs, positions, index)


def _rules(tables: Tables, epoch: int, there: Mapping[MapKey, Columns]) -> dict[str, list[dict[str, Any]]]:
    """By image the rules that chose it, each with all that is needed to choose it again."""
    protocol = tables.drawn_under.name if tables.drawn_under else ""
    about = {"epoch": epoch, "run": tables.run, "protocol": protocol, "seed": SEED}
    found: dict[str, list[dict[str, Any]]] = {}
    for gallery in chosen(there, tables.pooled_layer):
        for pick in gallery.picks:
            rule = {"rule": gallery.rule, "place": pick.place, "method": pick.map.method, "layer": pick.map.layer}
            found.setdefault(pick.image, []).append({**rule, **about})
    return found


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
    found: dict[tuple[int, ...], list[Pair]] = {}
    for pair in wanted.pairs:
        places = tuple(place for place, each in enumerate(wanted.ids) if each not in known.get(pair, {}))
        if places:
            found.setdefault(places, []).append(pair)
    return found


def _drawn(
    config: EvaluateConfig,
    scoring: Scoring,
    classifier: Classifier,
    positions: Sequence[int],
    pairs: Sequence[Pair],
    progress: Progress,
) -> dict[Pair, np.ndarray]:
    """Raw maps (n, h, w) of the pictures at these positions, and of the layers that a fused map is made of as well."""
    pictures = scoring.pictures.some(positions)
    found: dict[Pair, np.ndarray] = {}
    for cells, fuse in _passes(pairs):
        engine = HeatmapEngine(classifier, cells, fuse=fuse, smooth=config.smooth, mask_batch=config.mask_batch)
        found |= maps_of(engine, pictures, scoring.targets[positions], scoring.batch_size, "galleries", progress)
    return found


def _passes(pairs: Sequence[Pair]) -> Iterator[tuple[list[Pair], str | None]]:
    """The cells of each pass that is needed, and how it fuses them: a fused map is made of all of its own layers."""
    fused: dict[str, list[str]] = {}
    for method, layer in pairs:
        if _FUSED.fullmatch(layer):
            fused.setdefault(layer, []).append(method)
    if simple := [pair for pair in pairs if pair[1] not in fused]:
        yield simple, None
    for layer, methods in fused.items():
        how, parts = _FUSED.fullmatch(layer).groups()
        yield [(method, part) for method in methods for part in parts.split("+")], how
