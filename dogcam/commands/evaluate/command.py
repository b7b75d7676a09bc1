"""`dogcam evaluate`: the boxes of an experiment's heatmaps, scored against the annotated ones."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from dogcam import figures
from dogcam.analysis.decomposition import PipelineDecomposition
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import Protocol
from dogcam.commands.evaluate import given
from dogcam.commands.evaluate.boxes import give_back
from dogcam.commands.evaluate.common import answered, resumable
from dogcam.commands.evaluate.gallery import keep_gallery
from dogcam.commands.evaluate.inputs import Subject, adopted, prepare, trained
from dogcam.commands.evaluate.results import Asked, EvaluateResult
from dogcam.core.choices import FUSIONS
from dogcam.core.config import EvaluateConfig
from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.core.records import to_plain
from dogcam.engine import HeatmapEngine, checked_layer, fused_cells, plan_cells, study_cells
from dogcam.experiment.evaluations import Cell
from dogcam.models.classifier import Classifier
from dogcam.report.exhibits.decomposition import chart
from dogcam.scoring import Scoring, by_score
from dogcam.scoring.baselines import score_baselines
from dogcam.scoring.decomposition import decomposed
from dogcam.scoring.faithfulness import score_faithfulness
from dogcam.scoring.passes import maps_of, score_pass
from dogcam.scoring.pipelines import Pipeline, parse
from dogcam.scoring.tables import Pair
from dogcam.scoring.uninformed import UNINFORMED, score_uninformed

_FUSED = re.compile(rf"({'|'.join(FUSIONS)})\((.+)\)")  # a fused layer's name, see `engine.fused_cells`


def run(config: EvaluateConfig, progress: Progress) -> EvaluateResult:
    """Score the experiment's heatmaps as `config` says; cells appear one by one, each whole."""
    if config.maps is not None:
        return given.run(config, progress)
    began = time.perf_counter()
    pipelines = [parse(each) for each in config.decompose]
    subject = trained(config, progress) if config.model is None else adopted(config, progress)
    scoring, counted = prepare(config, subject, progress)
    scoring.evaluation.write_problems({"id": each.id, "reason": each.reason} for each in counted.problems)
    first = subject.model(subject.runs[0], subject.epochs[0])

    def draw(run: int, epoch: int, positions: Sequence[int], pairs: Sequence[Pair]) -> dict[Pair, np.ndarray]:
        return _gallery_maps(config, scoring, subject.model(run, epoch), positions, pairs, progress)

    with resumable(scoring.evaluation):
        cells = _score(config, scoring, subject, first, progress)
        keep_gallery(scoring, subject.experiment, subject.dataset.classes, cells, config.resume, draw)
        decompositions = tuple(_decomposed(config, scoring, subject, each, progress) for each in pipelines)
    if config.save_maps is not None:
        progress.note(f"all maps: {config.save_maps}, a subfolder for each method and layer")
    protocols = tuple(protocol.name for protocol in scoring.protocols)
    asked = Asked(config, cells, protocols, subject.runs, subject.epochs, subject.choice, decompositions)
    return answered(subject.experiment, scoring.evaluation, asked, counted, began, progress)


def _score(config: EvaluateConfig, scoring: Scoring, subject: Subject, first: Classifier, progress: Progress) -> frozenset[Cell]:
    """Score all cells, those of baselines first, and return those with boxes."""
    wanted = []
    if scoring.pictures.records:
        wanted += score_baselines(scoring, subject.dataset.training_boxes())
        wanted += score_uninformed(scoring, first, config.resume, progress)
    for number, epoch in product(subject.runs, subject.epochs):
        classifier = subject.model(number, epoch)
        if scoring.pictures.records:
            wanted += _score_epoch(config, scoring, classifier, number, epoch, progress)
        if scoring.asking is not None:
            _ask_epoch(config, scoring, classifier, number, epoch, progress)
        if config.save:
            asked = _asked_cells(config, classifier)
            fused = fused_cells(asked, config.fuse) if config.fuse else ()
            give_back(config, scoring, subject.dataset, classifier, number, epoch, (tuple(asked), tuple(fused)), progress)
    return frozenset(wanted)


def _decomposed(
    config: EvaluateConfig, scoring: Scoring, subject: Subject, pipelines: tuple[Pipeline, Pipeline], progress: Progress
) -> PipelineDecomposition:
    """Where the gap between two pipelines comes from, at the last epoch of the first run.

    Raises:
        InputError: there are no boxes to say how large it is.
    """
    if not scoring.pictures.records:
        raise InputError("--decompose compares boxes with annotated ones, and no picture has one")
    number, epoch = subject.runs[0], subject.epochs[-1]
    decomposition = decomposed(
        pipelines,
        subject.model(number, epoch),
        scoring.pictures,
        scoring.targets,
        progress,
        layer=config.layers[0] if len(config.layers) == 1 else None,
        calibration=scoring.calibration,
        run=number,
        epoch=epoch,
        batch_size=config.batch_size,
        mask_batch=config.mask_batch,
        smooth=config.smooth,
    )
    name = f"{decomposition.first.name}-{decomposition.second.name}_run-{number}_epoch-{epoch:02d}"
    figure = figures.image_bytes(chart(decomposition).draw())
    path = scoring.evaluation.write_decomposition(name, to_plain(decomposition), figure)
    progress.note(f"where the gap comes from: {path}")
    return decomposition


def _score_epoch(
    config: EvaluateConfig, scoring: Scoring, classifier: Classifier, number: int, epoch: int, progress: Progress
) -> list[Cell]:
    """Score the wanted cells of one kept model, one pass of the network for each kind of score, and return them."""
    plain = _wanted_cells(config, classifier)
    fused = fused_cells(_asked_cells(config, classifier), config.fuse) if config.fuse else {}
    mapped = scoring.evaluation.sample.maps(number, epoch) if config.resume else {}
    for score, protocols in by_score(scoring.protocols).items():

        def finished(pair: tuple[str, str], score: str = score, protocols: Sequence[Protocol] = protocols) -> bool:
            # Rows by every protocol, and maps of the sample as it is now; only passes of the logit keep maps.
            cells = (Cell(number, epoch, *pair, protocol.name) for protocol in protocols)
            kept = (score != "logit" or pair in mapped) and all(map(scoring.evaluation.has, cells))
            return config.resume and kept and _saved(scoring, pair, score, number, epoch)

        # A fused map is made of its layers' maps, whether these are finished or not.
        parts = {part for cell, cells in fused.items() if not finished(cell) for part in cells}
        missing = [pair for pair in plain if pair in parts or not finished(pair)]
        if missing:
            engine = HeatmapEngine(
                classifier,
                missing,
                score,
                fuse=config.fuse if parts else None,
                smooth=config.smooth,
                mask_batch=config.mask_batch,
                progress=progress,
            )
            score_pass(scoring, engine, protocols, number, epoch, progress)
    return [Cell(number, epoch, *pair, protocol.name) for pair in (*plain, *fused) for protocol in scoring.protocols]


def _saved(scoring: Scoring, pair: Pair, score: str, number: int, epoch: int) -> bool:
    """Whether all maps of a cell are in files, where they are to be."""
    if scoring.saving is None:
        return True
    records = scoring.pictures.records
    if scoring.calibration is not None and any(p.threshold_from == "calibrated" for p in by_score(scoring.protocols)[score]):
        records += scoring.calibration.pictures.records
    return scoring.saving.has(records, pair, score, number, epoch)


def _ask_epoch(
    config: EvaluateConfig, scoring: Scoring, classifier: Classifier, number: int, epoch: int, progress: Progress
) -> None:
    """Ask one kept model about the maps of all wanted cells, and of those that know nothing."""
    wanted = [*_wanted_cells(config, classifier), *plan_cells(classifier, UNINFORMED)]
    there = {
        (each.method, each.layer)
        for each in scoring.evaluation.faithfulness_cells()
        if config.resume and (each.run, each.epoch) == (number, epoch)
    }
    if missing := [pair for pair in wanted if pair not in there]:
        engine = HeatmapEngine(classifier, missing, smooth=config.smooth, mask_batch=config.mask_batch)
        score_faithfulness(scoring, engine, number, epoch, config.mask_batch, progress)


def _wanted_cells(config: EvaluateConfig, classifier: Classifier) -> list[tuple[str, str]]:
    """The cells asked for, and beside them the mean activation, which knows the network but no class."""
    asked = _asked_cells(config, classifier)
    beside = [pair for pair in plan_cells(classifier, ["mean-activation"]) if pair not in asked]
    return [*asked, *beside]


def _asked_cells(config: EvaluateConfig, classifier: Classifier) -> list[tuple[str, str]]:
    """The study's cells; with layers named but no methods, Grad-CAM there, and CAM where it can be.

    What knows nothing of the classes is in every table, asked for or not.
    """
    if config.methods:
        informed = [name for name in config.methods if name not in (*BASELINES, *UNINFORMED)]
        return plan_cells(classifier, informed, config.layers)
    if not config.layers:
        return study_cells(classifier)
    layers = [checked_layer(classifier, layer) for layer in config.layers]
    methods = ["cam", "gradcam"] if classifier.pooled_layer() in layers else ["gradcam"]
    return plan_cells(classifier, methods, layers)


def _gallery_maps(
    config: EvaluateConfig,
    scoring: Scoring,
    classifier: Classifier,
    positions: Sequence[int],
    pairs: Sequence[Pair],
    progress: Progress,
) -> dict[Pair, np.ndarray]:
    """Raw maps (n, h, w) of the pictures at these positions, and of the layers that a fused map is made of as well."""
    pictures = scoring.pictures.some(positions)
    maps: dict[Pair, np.ndarray] = {}
    for cells, fuse in _passes(pairs):
        engine = HeatmapEngine(classifier, cells, fuse=fuse, smooth=config.smooth, mask_batch=config.mask_batch)
        maps |= maps_of(engine, pictures, scoring.targets[positions], scoring.batch_size, "galleries", progress)
    return maps


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
