"""Maps that no network of ours draws -> the tables of their cells: somebody else's, and those that know nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, product

import numpy as np

from dogcam.core.progress import Progress
from dogcam.data import Record
from dogcam.data.pipeline import WORKERS, Pictures
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import EPOCH, RUN
from dogcam.methods import METHODS
from dogcam.scoring import Calibration, Scoring
from dogcam.scoring.tables import Found, Maps, Pair, calibrated

Draw = Callable[[Record], np.ndarray]  # the raw map (h, w) of a picture
_SIDE = 224  # of the maps that know nothing, in pixels, as most networks have it
_SEED = 0


def score_given(scoring: Scoring, pair: Pair, draw: Draw, progress: Progress, number: int = RUN) -> None:
    """Score one method's maps by all protocols, write their tables and keep those of the sample.

    Args:
        draw: must not fail: what cannot be read is found before.
        number: 0 for maps that know nothing, which are of no run.
    """
    pictures = scoring.pictures

    def batches(of: Pictures, title: str) -> Iterator[tuple[slice, Maps]]:
        with progress.task(title, len(of.records)) as step:
            for part in of.batches(scoring.batch_size):
                maps = list(pool.map(draw, of.records[part]))
                yield part, {pair: maps}
                step.advance(len(maps))

    def to_calibrate(calibration: Calibration) -> Iterator[tuple[slice, Maps]]:
        return batches(calibration.pictures, f"{pair[0]}, thresholds")

    def again(_: Pair) -> Iterator[np.ndarray]:
        parts = (pool.map(draw, pictures.records[part]) for part in pictures.batches(scoring.batch_size))
        return chain.from_iterable(parts)

    with ThreadPoolExecutor(WORKERS) as pool:
        chosen = calibrated([pair], scoring.protocols, scoring.calibration, to_calibrate)
        found = Found(scoring, [pair], scoring.protocols, chosen, again)
        for part, maps in batches(pictures, pair[0]):
            found.add(part, maps, {pair: np.zeros(len(maps[pair]), bool)}, pool)
        found.choose_best(pool)
    found.write(number, EPOCH if number else 0, {})
    if number:
        scoring.evaluation.sample.write_maps(number, EPOCH, found.sampled())


def score_knowing_nothing(scoring: Scoring, resume: bool, progress: Progress) -> list[Cell]:
    """Score the maps that need neither a network nor the picture, by every protocol, and return their cells."""
    cells: list[Cell] = []
    for (method, layer), draw in _NOTHING.items():
        mine = [Cell(0, 0, method, layer, protocol.name) for protocol in scoring.protocols]
        if not (resume and all(map(scoring.evaluation.has, mine))):
            score_given(scoring, (method, layer), draw, progress, number=0)
        cells += mine
    return cells


def cells_of(methods: Sequence[str], scoring: Scoring) -> list[Cell]:
    """The cells of somebody else's methods, which are at no layer."""
    return [Cell(RUN, EPOCH, method, "", protocol.name) for method, protocol in product(methods, scoring.protocols)]


def _centre_gaussian(record: Record) -> np.ndarray:
    return METHODS["centre-gaussian"].function(np, np.zeros((1, _SIDE, _SIDE, 1), np.float32))[0]


def _random_map(record: Record) -> np.ndarray:
    rng = np.random.default_rng([_SEED, zlib.crc32(record.id.encode("utf-8", "backslashreplace"))])
    return METHODS["random-map"].function(np, np.zeros((_SIDE, _SIDE, 1), np.float32), rng)


_NOTHING: dict[Pair, Draw] = {("centre-gaussian", "input"): _centre_gaussian, ("random-map", "input"): _random_map}
