"""The pictures that `dogcam evaluate` keeps for galleries: chosen by rule when everything is scored, then mapped once more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dogcam.commands.evaluation_inputs import Subject, entry, thumbnail
from dogcam.config import FUSIONS, EvaluateConfig
from dogcam.engine import HeatmapEngine
from dogcam.files import plain
from dogcam.pipeline import Pictures
from dogcam.progress import Progress
from dogcam.reporting.choosing import SEED
from dogcam.reporting.evidence import Evidence
from dogcam.scoring import Scoring
from dogcam.scoring.passes import maps_of

Pair = tuple[str, str]  # method and layer
_FUSED = re.compile(rf"({'|'.join(FUSIONS)})\((.+)\)")  # a fused layer's name, see `engine.fused_cells`


def keep_gallery(config: EvaluateConfig, scoring: Scoring, subject: Subject, progress: Progress) -> None:
    """Choose pictures over all that were scored, and keep them with the raw maps of all scored methods and layers.

    The maps are of the run that is reported and of its last epoch. With --resume nothing is done where the same pictures are
    there with all maps.
    """
    evidence = Evidence.of(subject.experiment, scoring.evaluation)
    chosen = _rules(evidence)
    places = {record.id: place for place, record in enumerate(scoring.pictures.records)}
    positions = sorted(places[image] for image in chosen if image in places)
    if not positions:
        return
    names = subject.dataset.classes
    index = [entry(scoring.pictures, position, names) for position in positions]
    index = [plain({**each, "rules": chosen[each["id"]]}) for each in index]
    if not (config.resume and _kept(evidence, index)):
        scoring.evaluation.gallery.write(index, (thumbnail(scoring.pictures.records[each]) for each in positions))
        _keep_maps(config, scoring, subject, evidence, positions, progress)


def _rules(evidence: Evidence) -> dict[str, list[dict[str, Any]]]:
    """By image the rules that chose it, each with all that is needed to choose it again."""
    found: dict[str, list[dict[str, Any]]] = {}
    for gallery in evidence.galleries():
        for pick in gallery.picks:
            rule = {
                "rule": gallery.rule,
                "place": pick.place,
                "method": pick.pair[0],
                "layer": pick.pair[1],
                "epoch": evidence.galleries_at,
                "run": evidence.run,
                "protocol": evidence.drawn_under.name if evidence.drawn_under else "",
                "seed": SEED,
            }
            found.setdefault(pick.image, []).append(rule)
    return found


def _kept(evidence: Evidence, index: list[dict[str, Any]]) -> bool:
    """Whether just these pictures are there, chosen by the same rules, with the maps of every scored method and layer."""
    gallery = evidence.evaluation.gallery
    there = [{name: value for name, value in each.items() if name != "picture"} for each in gallery.entries()]
    return there == index and set(_pairs(evidence)) <= gallery.maps(evidence.run, evidence.galleries_at).keys()


def _pairs(evidence: Evidence) -> list[Pair]:
    """The (method, layer) that were scored at the run and epoch of the galleries."""
    protocol, epoch = evidence.drawn_under, evidence.galleries_at
    return [pair for pair in evidence.pairs if evidence.columns(protocol.name, *pair, epoch) is not None]


def _keep_maps(
    config: EvaluateConfig,
    scoring: Scoring,
    subject: Subject,
    evidence: Evidence,
    positions: Sequence[int],
    progress: Progress,
) -> None:
    """Draw the maps of the pictures at these positions, and keep them."""
    classifier, all_of = subject.model(evidence.run, evidence.galleries_at), scoring.pictures
    records = tuple(all_of.records[position] for position in positions)
    pictures = Pictures(records, np.asarray(all_of.images[positions]), all_of.shapes[positions], ())
    maps: dict[Pair, np.ndarray] = {}
    for cells, fuse in _passes(_pairs(evidence)):
        engine = HeatmapEngine(classifier, cells, fuse=fuse, smooth=config.smooth, mask_batch=config.mask_batch)
        maps |= maps_of(engine, pictures, scoring.targets[positions], scoring.batch_size, "galleries", progress)
    scoring.evaluation.gallery.write_maps(evidence.run, evidence.galleries_at, maps)


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
