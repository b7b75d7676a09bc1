"""What every evaluation has in common, of a model or of somebody else's maps: protocols, scope, the sample and the answer."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dogcam.analysis.analysis import STEPS, analyse, write
from dogcam.boxes.protocols import PROTOCOLS, Protocol, find_protocol
from dogcam.commands.evaluate.results import Asked, Counted, EvaluateResult
from dogcam.core.config import EvaluateConfig
from dogcam.core.errors import Interrupted, OptionError
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Problem, Record
from dogcam.data.pipeline import Pictures, shrunk
from dogcam.experiment.evaluations import Evaluation
from dogcam.experiment.runs import Experiment
from dogcam.report.formats.csv import write_csv
from dogcam.scoring import Calibration

MAPS_TARGET = "given"  # in the place of a target: which class somebody else's maps are of is theirs to know


def protocols_of(names: Sequence[str]) -> tuple[Protocol, ...]:
    """The protocols meant, each once.

    Raises:
        OptionError: two that differ have one name.
    """
    protocols: dict[str, Protocol] = {}
    for protocol in map(find_protocol, names):
        if protocols.setdefault(protocol.name, protocol) != protocol:
            raise OptionError(f"two protocols that differ are called {protocol.name}: give one of them another name")
    return tuple(protocols.values())


def scope_of(config: EvaluateConfig) -> tuple[Any, ...]:
    """What tells one evaluation of an experiment from another."""
    target = MAPS_TARGET if config.maps is not None else config.target
    usual = config.calibrate == EvaluateConfig.calibrate
    return config.split, config.limit, target, config.smooth, None if usual else config.calibrate


def uncalibrated(
    protocols: Iterable[Protocol], asked: int, lacking: str, progress: Progress, method: str = "every method"
) -> None:
    """Say that protocols that calibrate take the threshold that they fall back on.

    Args:
        asked: --calibrate.
        lacking: why there is nothing to calibrate on, where it was asked for.
        method: which of them takes it.

    Raises:
        OptionError: a protocol cannot do without.
    """
    why = "--calibrate 0" if asked == 0 else lacking
    for protocol in protocols:
        if protocol.threshold is None:
            raise OptionError(
                f"protocol {protocol.name} calibrates its threshold, but {why}; give it a threshold to fall back on"
            )
        progress.warn(f"{why}: protocol {protocol.name} takes {protocol.threshold:g} for {method}, not calibrated")


_FEW = 10  # pictures that a threshold had better not rest on alone


def tell_of_calibration(records: Sequence[Record], asked: int, more: str, progress: Progress) -> None:
    """Say how many training pictures thresholds rest on, and `more` of them."""
    count, pictures = len(records), len({record.picture for record in records})
    rows = "" if count == pictures else f"{count} rows of "
    words = f"thresholds are chosen on {rows}{pictures} training pictures{more}"
    if count < max(asked, _FEW):
        progress.warn(f"{words}: {f'fewer than the {asked} asked for' if count < asked else 'few to choose on'}")
    else:
        progress.note(words)


def chosen_on(evaluation: Evaluation, asked: int, calibration: Calibration | None) -> dict[str, Any] | None:
    """What thresholds are chosen on, to be kept: all of an evaluation's tables have it in common.

    Raises:
        OptionError: there are tables whose thresholds were chosen on other pictures.
    """
    known = evaluation.about().get("calibration")
    if calibration is None:
        return known
    ids = [record.id for record in calibration.pictures.records]
    if known is not None and known["ids"] != ids:
        raise OptionError(
            f"{evaluation.path} has thresholds chosen on {len(known['ids'])} other training pictures than these "
            f"{len(ids)}: move it away, or ask for another --calibrate"
        )
    return {"split": "train", "asked": asked, "ids": ids}


def problems_of(dataset: Dataset, split: str, records: Iterable[Record]) -> list[Problem]:
    """What is wrong with a split: pictures that are lost, and whatever else is said of those of `records`."""
    pictures = {record.picture for record in records}
    return [problem for problem in dataset.problems if problem.split == split and (problem.lost or problem.id in pictures)]


@contextmanager
def resumable(evaluation: Evaluation) -> Iterator[None]:
    """Says of work that is interrupted where its finished cells are, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"finished cells are kept in {evaluation.path}; the same command with --resume goes on") from None


def documents_of(evaluation: Evaluation, protocols: Sequence[Protocol]) -> dict[str, Any]:
    """All protocols that the evaluation's tables are by, with these.

    Raises:
        OptionError: tables by another protocol of the same name are there.
    """
    known = evaluation.about().get("protocols", {})
    for protocol in protocols:
        document = plain(protocol.document())
        then = known.get(protocol.name, document)
        if then != document:
            advice = "give this one another name"
            if protocol.name in PROTOCOLS:
                advice = f"version {then.get('version', 1)}, not {protocol.version}; move that folder away to evaluate anew"
            raise OptionError(f"{evaluation.path} has tables by another protocol called {protocol.name}: {advice}")
        known = {**known, protocol.name: document}
    return known


def entry(pictures: Pictures, position: int, classes: Sequence[str]) -> dict[str, Any]:
    """What is kept of a picture beside its pixels: id, label, class, boxes, and the size of the original."""
    record, (height, width) = pictures.records[position], pictures.shapes[position].tolist()
    return {
        "id": record.id,
        "label": record.label,
        "class": "" if record.label is None else classes[record.label],
        "boxes": record.boxes,
        "width": width,
        "height": height,
    }


def thumbnail(record: Record) -> bytes:
    """The picture as JPEG, as small as figures show it."""
    buffer = io.BytesIO()
    shrunk(record.image).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def keep_sample(evaluation: Evaluation, pictures: Pictures, count: int, classes: Sequence[str]) -> np.ndarray:
    """Keep an evenly spaced sample of the pictures for figures, and return their positions (s,)."""
    n = len(pictures.records)
    sampled = np.unique(np.linspace(0, n - 1, min(count, n)).round().astype(int))
    entries = [entry(pictures, position, classes) for position in sampled]
    evaluation.sample.write(entries, (thumbnail(pictures.records[position]) for position in sampled))
    return sampled


def answered(
    experiment: Experiment, evaluation: Evaluation, asked: Asked, counted: Counted, began: float, progress: Progress
) -> EvaluateResult:
    """The answer, when everything has been scored: the analysis, kept; with --csv as files too."""
    with progress.task("statistics", STEPS) as step:
        analysis = analyse(experiment, evaluation, step)
        write(analysis, evaluation)
    if asked.config.csv:
        for path in write_csv(analysis, evaluation.path.parent / "csv"):
            progress.note(f"wrote {path}")
    return EvaluateResult(experiment, evaluation, analysis, asked, counted, time.perf_counter() - began)
