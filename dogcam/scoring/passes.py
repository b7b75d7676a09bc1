"""One pass of a network over the pictures: its maps become boxes by every protocol while it goes on, and then tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from dogcam.boxes.protocols import Protocol
from dogcam.core.progress import Progress
from dogcam.data import Record
from dogcam.data.pipeline import WORKERS, Pictures
from dogcam.engine import HeatmapEngine, Heatmaps
from dogcam.models.classifier import Classifier
from dogcam.scoring import Calibration, Scoring
from dogcam.scoring.tables import Found, Maps, Pair, calibrated

Batch = tuple[slice, Heatmaps]


def score_pass(
    scoring: Scoring, engine: HeatmapEngine, protocols: Sequence[Protocol], number: int, epoch: int, progress: Progress
) -> None:
    """Score the engine's cells by `protocols` and write their tables.

    Where a protocol calibrates, a pass over the training pictures kept for it comes first. Boxes are drawn by threads
    while the network goes on; only a threshold that is the best of all pictures has to wait for them.

    Args:
        number, epoch: of the model; 0 for a baseline, which is of no run.
    """
    title = f"run {number} epoch {epoch}" if number else "baselines"

    def save(records: Sequence[Record], maps: Maps) -> None:
        if scoring.saving is not None and number:
            scoring.saving.save(records, maps, engine.score, number, epoch)

    def to_calibrate(calibration: Calibration) -> Iterator[tuple[slice, Maps]]:
        asked = calibration.pictures, calibration.targets
        for part, heat in _passed(engine, *asked, scoring.batch_size, f"{title}, thresholds", progress):
            save(calibration.pictures.records[part], heat.maps)
            yield part, heat.maps

    chosen = calibrated(engine.cells, protocols, scoring.calibration, to_calibrate)
    found = Found(scoring, engine.cells, protocols, chosen)
    heats: list[Heatmaps] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        asked = scoring.pictures, scoring.targets
        for part, heat in _passed(engine, *asked, scoring.batch_size, title, progress):
            save(scoring.pictures.records[part], heat.maps)
            heats.append(replace(heat, maps={}, flags={}))
            found.add(part, heat.maps, heat.flags, pool)
        found.choose_best(pool)
    # A baseline is of no run, and what its network says is not what was learnt.
    network = _network_columns(engine.classifier, heats, scoring.pictures) if number else {}
    found.write(number, epoch, network)
    found.warn_of_flags(progress)
    if engine.score == "logit" and number:
        scoring.evaluation.sample.write_maps(number, epoch, found.sampled())


def maps_of(
    engine: HeatmapEngine, pictures: Pictures, targets: np.ndarray, batch_size: int, title: str, progress: Progress
) -> dict[Pair, np.ndarray]:
    """Raw maps (n, h, w) of each of the engine's cells, of few pictures: all are held in memory.

    Args:
        targets: as in `Scoring`.
    """
    parts = [heat.maps for _, heat in _passed(engine, pictures, targets, batch_size, title, progress)]
    return {pair: np.concatenate([maps[pair] for maps in parts]) for pair in engine.cells}


def _passed(
    engine: HeatmapEngine, pictures: Pictures, targets: np.ndarray, batch_size: int, title: str, progress: Progress
) -> Iterator[Batch]:
    """The pictures' maps, batch by batch, with progress."""
    with progress.task(title, len(pictures.records)) as step:
        for part in pictures.batches(batch_size):
            heat = engine(engine.classifier.inputs_of(pictures.images[part]), *targets[part].T)
            yield part, heat
            step.advance(len(heat.targets))


def _network_columns(classifier: Classifier, heats: Sequence[Heatmaps], pictures: Pictures) -> dict[str, Any]:
    """What the network said of each picture."""
    logits, targets, against = (
        np.concatenate([getattr(heat, name) for heat in heats]) for name in ("logits", "targets", "against")
    )
    shares = classifier.probabilities(logits)
    return {
        "predicted": logits.argmax(axis=-1),
        "target": targets,
        "against": against,
        "probability": shares[np.arange(len(targets)), targets].astype(np.float32),
        "rank": _ranks(logits, pictures),
    }


def _ranks(logits: np.ndarray, pictures: Pictures) -> list[int | None]:
    """How many classes that are not in the picture the network puts before a record's own; None where that is not known.

    Of equal logits those of lower number come first.
    """
    labels = pictures.labels
    own = logits[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    before = ((logits > own) | ((logits == own) & earlier)) & (pictures.present(logits.shape[1]) == 0)
    return [None if label < 0 else count for label, count in zip(labels.tolist(), before.sum(axis=1).tolist(), strict=True)]
