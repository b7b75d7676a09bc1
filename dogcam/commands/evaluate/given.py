"""`dogcam evaluate --maps`: somebody else's heatmaps, scored against annotated boxes; no model, and no TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from dogcam.boxes.baselines import METHODS_AND_BASELINES
from dogcam.boxes.protocols import Protocol
from dogcam.commands.evaluate.common import (
    MAPS_TARGET,
    answered,
    chosen_on,
    documents_of,
    keep_sample,
    problems_of,
    protocols_of,
    resumable,
    scope_of,
    tell_of_calibration,
    uncalibrated,
)
from dogcam.commands.evaluate.gallery import keep_gallery
from dogcam.commands.evaluate.results import Asked, Counted, EvaluateResult, listed
from dogcam.commands.findings import tell_of_findings
from dogcam.core.config import EvaluateConfig
from dogcam.core.errors import ExperimentError, InputError
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Problem, Record
from dogcam.data.maps import GivenMaps, MapFile, find_maps
from dogcam.data.opening import absolute, describe, open_dataset, short
from dogcam.data.pipeline import Pictures, limited, read_pictures, threaded
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.experiment.runs import EPOCH, RUN, Experiment, plain_name, stand_in
from dogcam.experiment.training_curves import RunChoice
from dogcam.scoring import Calibration, Scoring
from dogcam.scoring.baselines import score_baselines
from dogcam.scoring.given import cells_of, score_given, score_knowing_nothing
from dogcam.scoring.tables import Pair


@dataclass(frozen=True, eq=False)
class _Maps:
    """The maps by method and by record's id."""

    methods: dict[str, dict[str, MapFile]]

    def of(self, method: str, record: Record) -> np.ndarray:
        return self.methods[method][record.id].read()

    def with_some(self, records: Sequence[Record]) -> _Maps:
        """Those of the methods that have a map of one of the records at least."""
        ids = {record.id for record in records}
        return _Maps({method: files for method, files in self.methods.items() if not ids.isdisjoint(files)})

    def lacking(self, record: Record) -> str:
        """Why a picture cannot be scored by every method; "" where it can."""
        without = [method for method, files in self.methods.items() if record.id not in files]
        if without:
            return f"no map of {listed(without)}"
        try:
            for method in self.methods:
                self.of(method, record)
        except InputError as error:
            return str(error)
        return ""


def run(config: EvaluateConfig, progress: Progress) -> EvaluateResult:
    """Score the maps in a folder by every protocol asked for; all methods on the pictures that they have in common."""
    began = time.perf_counter()
    dataset = open_dataset(str(config.dataset), config.data_dir, progress)
    found = find_maps(Path(str(config.maps)).expanduser(), [record for records in dataset.splits.values() for record in records])
    scored = {config.split: limited(dataset.splits.get(config.split, ()), config.limit)}
    tell_of_findings(dataset, scored, str(config.dataset), config.data_dir, progress)
    maps = _Maps({_key(method): dict(files) for method, files in found.methods.items()})
    experiment = _experiment(config, dataset)
    progress.note(f"experiment {experiment.path}: {_understood(found, maps)}")
    scoring, counted = _prepare(config, dataset, experiment, maps, progress)
    _tell(found, scoring, counted, maps, progress)
    scoring.evaluation.write_problems({"id": each.id, "reason": each.reason} for each in counted.problems)
    with resumable(scoring.evaluation):
        cells = _score(config, scoring, dataset, maps, progress)
        if {cell.method for cell in scoring.evaluation.cells() if cell.run} <= maps.methods.keys():
            draw = partial(_gallery_maps, scoring.pictures.records, maps)
            keep_gallery(scoring, experiment, dataset.classes, cells, config.resume, draw)
    protocols = tuple(protocol.name for protocol in scoring.protocols)
    asked = Asked(config, cells, protocols, (RUN,), (EPOCH,), RunChoice((RUN,), "as-given"))
    return answered(experiment, scoring.evaluation, asked, counted, began, progress)


def _key(method: str) -> str:
    """A folder's name as a method's: dogcam's own names mean formulas of its own, which somebody else's maps need not follow."""
    return f"{method} (given)" if method in METHODS_AND_BASELINES else method


def _experiment(config: EvaluateConfig, dataset: Dataset) -> Experiment:
    """The experiment that stands for the maps on the dataset: made, or the one that is there from before."""
    folder = Path(str(config.maps)).expanduser().absolute()
    data_dir = config.data_dir and str(Path(config.data_dir).absolute())
    document = {
        "dogcam": version("dogcam"),
        "status": "finished",
        "maps": {"folder": str(folder)},
        "dataset": describe(dataset),
        "model": {},
        "config": {"dataset": absolute(str(config.dataset)), "data_dir": data_dir, "maps": str(folder)},
        "problems": [],
    }
    name = config.name or plain_name(f"{folder.name}-on-{short(str(config.dataset))}")
    same = {("maps", "folder"): "folder of maps", ("dataset", "fingerprint"): "data"}
    return stand_in(config.home, name, document, same)


def _understood(found: GivenMaps, maps: _Maps) -> str:
    """How the folder was read."""
    counts = "; ".join(f"{name} ({len(files):,} maps)" for name, files in maps.methods.items())
    count = len(maps.methods)
    return f"{found.place} read as {count} method{'s' if count > 1 else ''}: {counts}"


def _tell(found: GivenMaps, scoring: Scoring, counted: Counted, maps: _Maps, progress: Progress) -> None:
    """Say what of the folder is not used, and on how many pictures methods are compared."""
    if found.extra:
        told = "1 map is" if len(found.extra) == 1 else f"{len(found.extra):,} maps are"
        progress.warn(f"{told} of no picture of the dataset, and not used; the first: {found.extra[0]}")
    if found.passed_over:
        progress.note(f"{len(found.passed_over):,} maps are there twice; the first that is passed over: {found.passed_over[0]}")
    lacking = sum(each.kind == "missing" for each in counted.problems)
    if lacking:
        progress.warn(
            f"{lacking:,} pictures are left out, for all methods: a map is missing or cannot be used; "
            f"scored are the {len(scoring.pictures.records):,} that all {len(maps.methods)} have"
        )


def _prepare(
    config: EvaluateConfig, dataset: Dataset, experiment: Experiment, maps: _Maps, progress: Progress
) -> tuple[Scoring, Counted]:
    """The pictures that have a box and a map of every method, and the sample that figures are of."""
    if config.split not in dataset.splits or not dataset.splits[config.split]:
        raise InputError(f"{dataset.name} has no pictures ({config.split})")
    records = limited(dataset.splits[config.split], config.limit)
    boxed = [record for record in records if len(record.boxes)]
    usable, lacking = _usable(boxed, maps, config.split, progress)
    if not usable:
        first = f"; the first: {lacking[0].id}: {lacking[0].reason}" if lacking else ""
        raise InputError(f"not one of {len(records)} pictures has a box and a map of every method{first}")
    pictures = _read(usable, f"reading {config.split}", progress)
    evaluation = experiment.evaluation(*scope_of(config))
    protocols = protocols_of(config.protocols)
    documents = documents_of(evaluation, protocols)
    _check_pictures(evaluation, pictures, {*maps.methods})
    calibration = _calibration(config, dataset, protocols, {record.picture for record in records}, maps, progress)
    about = {"split": config.split, "limit": config.limit, "target": MAPS_TARGET, "smooth": (), "protocols": documents}
    chosen = chosen_on(evaluation, config.calibrate, calibration)
    sampled = keep_sample(evaluation, pictures, config.samples, dataset.classes)
    nobody = np.zeros((len(pictures.records), 2), np.int64)
    scoring = Scoring(evaluation, pictures, protocols, sampled, nobody, config.batch_size, calibration)
    problems = (*problems_of(dataset, config.split, records), *lacking, *pictures.problems)
    counted = Counted.of(len(pictures.records), len(records) - len(boxed), problems)
    evaluation.write_about({**about, "calibration": chosen, "faithfulness": None, "counts": counted.document()})
    return scoring, counted


def _read(records: Sequence[Record], title: str, progress: Progress) -> Pictures:
    """The pictures, which must be readable and whose sizes are wanted; their pixels are not, so that a single one is kept."""
    return read_pictures(records, (1, 1), title, progress)


def _usable(records: Sequence[Record], maps: _Maps, split: str, progress: Progress) -> tuple[list[Record], list[Problem]]:
    """The records of which every method has a map that can be read, and why the others are none of them."""
    usable, problems = [], []
    for record, future in progress.track(threaded(maps.lacking, records), "reading maps", len(records)):
        if reason := future.result():
            problems.append(Problem(record.id, reason, split, kind="missing"))
        else:
            usable.append(record)
    return usable, problems


def _check_pictures(evaluation: Evaluation, pictures: Pictures, methods: set[str]) -> None:
    """Methods that were scored before are compared with these, so that they have to be of the same pictures.

    Raises:
        ExperimentError: they are not.
    """
    ids = [record.id for record in pictures.records]
    for cell in evaluation.cells():
        if cell.run and cell.method not in methods and evaluation.read(cell)["image"].tolist() != ids:
            raise ExperimentError(
                f"{evaluation.path} has {cell.method} scored on other pictures than these {len(ids)}, and all methods are "
                "compared: move that folder away, or choose another --name"
            )


def _calibration(
    config: EvaluateConfig, dataset: Dataset, protocols: Sequence[Protocol], evaluated: set[str], maps: _Maps, progress: Progress
) -> Calibration | None:
    """Training pictures with boxes and maps to choose thresholds on; None where there is nothing to calibrate, or to do it on."""
    calibrating = [protocol for protocol in protocols if protocol.threshold_from == "calibrated"]
    if not calibrating:
        return None
    training = [each for each in dataset.splits.get("train", ()) if len(each.boxes) and each.picture not in evaluated]
    mapped = maps.with_some(training)
    common = [each for each in training if all(each.id in files for files in mapped.methods.values())]
    records = _usable(limited(common, config.calibrate), mapped, "train", progress)[0] if mapped.methods else []
    if not records:
        uncalibrated(calibrating, config.calibrate, "there are no maps of training pictures besides those evaluated", progress)
        return None
    for method in sorted(maps.methods.keys() - mapped.methods.keys()):
        uncalibrated(calibrating, config.calibrate, f"there are no maps of training pictures by {method}", progress, method)
    pictures = _read(records, "reading pictures for thresholds", progress)
    tell_of_calibration(pictures.records, config.calibrate, "", progress)
    return Calibration(pictures, np.zeros((len(pictures.records), 2), np.int64))


def _score(config: EvaluateConfig, scoring: Scoring, dataset: Dataset, maps: _Maps, progress: Progress) -> frozenset[Cell]:
    """Score all cells, those of baselines first."""
    wanted = score_baselines(scoring, dataset.training_boxes())
    wanted += score_knowing_nothing(scoring, config.resume, progress)
    calibrated = maps.with_some(scoring.calibration.pictures.records if scoring.calibration else ()).methods
    kept = scoring.evaluation.sample.maps(RUN, EPOCH) if config.resume else {}
    for method in maps.methods:
        cells = cells_of([method], scoring)
        if (method, "") not in kept or not all(map(scoring.evaluation.has, cells)):
            mine = scoring if method in calibrated else replace(scoring, calibration=None)
            score_given(mine, (method, ""), partial(maps.of, method), progress)
        wanted += cells
    return frozenset(wanted)


def _gallery_maps(
    records: Sequence[Record], maps: _Maps, run: int, epoch: int, positions: Sequence[int], pairs: Sequence[Pair]
) -> dict[Pair, list[np.ndarray]]:
    return {pair: [maps.of(pair[0], records[place]) for place in positions] for pair in pairs}
