"""Where the gap between two methods comes from: from one's pipeline to the other's, one choice at a time.

A pipeline is a method and a protocol. The way from the first to the second is switching what differs between
them: the method, the score that its map explains, and bundles of the protocol's fields that make sense together.

ReLU is in the protocol and in some methods' own formulas, so that Grad-CAM against CAM is a ReLU more. Here `relu` means
that no negative values are left, whoever cut them, and `method` compares maps that are both cut or both not. That asks
for maps of the cutting method as they were before. At the layer that feeds the pooling, with a logit score, they are
CAM's up to a factor, for every method that equals ReLU(CAM) / Z there (Z places; see docs of `methods.gradient`): this is
checked on all pictures, and CAM's map then stands for both, so that `method` is exactly 0. Elsewhere they are not known,
and such combinations do not exist: only orders that switch ReLU where the map is known count.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, repeat
from typing import Any, NamedTuple

import numpy as np

from dogcam.analysis.decomposition import METHOD, RELU, SCORE, PipelineDecomposition, PipelineSettings, ScoredMap
from dogcam.boxes import drawing
from dogcam.boxes.protocols import Protocol
from dogcam.core.config import EvaluateConfig
from dogcam.core.errors import OptionError
from dogcam.core.progress import Progress
from dogcam.data import Record
from dogcam.data.pipeline import WORKERS, Pictures, room_for
from dogcam.engine import HeatmapEngine, plan_cells
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier
from dogcam.scoring import Calibration
from dogcam.scoring.measuring import curve_of
from dogcam.scoring.pipelines import CHOICES, Pipeline, combined, fixed_at
from dogcam.scoring.thresholds import best, calibrated
from dogcam.statistics.decomposition import Subset, decompose

# Equal to ReLU(CAM) / Z at the layer that feeds the pooling, of a logit score.
CAM_THERE = tuple(name for name, method in METHODS.items() if method.cam_when_pooled)
_NEAR = 1e-4
_CAM = ("cam", "logit")
# What the score has no part in.
_SCORELESS = {"activations", "class_weights", "untrained_activations", "inputs", "rng", "finer_gradients"}
Key = tuple[str, str]  # method and score


@dataclass(frozen=True, eq=False)
class Maps:
    """The raw maps of the methods, of each score.

    Attributes:
        arrays: float32 (n, h, w); those that are known to be the same but for a factor and ReLU are there once.
        stands_for: the key of `arrays` that has the map of a method and score.
        cut: methods that have nothing below 0 in any map of their own.
        proportional: methods whose maps of a logit score are CAM's.
    """

    arrays: dict[Key, np.ndarray]
    stands_for: dict[Key, Key]
    cut: frozenset[str]
    proportional: frozenset[str] = frozenset()

    def effective(self, pipeline: Pipeline) -> Protocol:
        """The pipeline's protocol; what the method's own formula cuts is cut, whatever the protocol says."""
        return replace(pipeline.protocol, relu=pipeline.protocol.relu or pipeline.method in self.cut)

    def known_below_zero(self, method: str, score: str) -> bool:
        """Whether the map is there as it is before its own formula cuts it."""
        return method not in self.cut or (score == "logit" and method in self.proportional)


def is_cam(maps: np.ndarray, cam: np.ndarray) -> bool:
    """Whether maps (n, h, w) are ReLU(cam) / Z, within 1e-4 of each picture's largest value of cam / Z, up to its sign."""
    if maps.shape != cam.shape:
        return False
    scaled = cam / np.float32(cam.shape[1] * cam.shape[2])
    allowed = _NEAR * np.abs(scaled).max(axis=(1, 2))
    return bool((np.abs(maps - np.maximum(scaled, 0)).max(axis=(1, 2)) <= allowed).all())


def maps_of(found: dict[Key, np.ndarray], scores: Sequence[str], cam: np.ndarray | None = None) -> Maps:
    """Put the engine's maps in order.

    Args:
        found: by method and score; of a method that has nothing to do with the score, of any one.
        scores: all that the maps will be asked for by.
        cam: CAM's map where the other methods' maps are of the layer that feeds the pooling; None elsewhere.
    """
    methods = list(dict.fromkeys(method for method, _ in found))
    own = {method: [key for key in found if key[0] == method] for method in methods}
    cut = {method for method, keys in own.items() if all(found[key].min() >= 0 for key in keys)}
    logit = {method: (method, "logit") for method in CAM_THERE if (method, "logit") in found}
    alike = {method for method, key in logit.items() if cam is not None and is_cam(found[key], cam)}
    stands_for = {
        (method, score): (method, score) if (method, score) in found else own[method][0] for method in methods for score in scores
    }
    stands_for |= {logit[method]: _CAM for method in alike}
    arrays = found | ({_CAM: cam} if alike and cam is not None else {})
    kept = {key: arrays[key] for key in dict.fromkeys(stands_for.values())}
    return Maps(kept, stands_for, frozenset(cut), frozenset(alike | ({"cam"} if alike else set())))


class _Mapping(NamedTuple):
    """How maps are computed."""

    classifier: Classifier
    cells: dict[str, str]  # layer by method
    batch_size: int
    progress: Progress
    options: dict[str, Any]  # of the engine

    def maps(self, pipelines: Sequence[Pipeline], pictures: Pictures, targets: np.ndarray, title: str) -> Maps:
        """The maps of the pipelines' methods, of the pipelines' scores, in one pass for each score that a map depends on."""
        methods = list(dict.fromkeys(pipeline.method for pipeline in pipelines))
        scores = sorted({pipeline.protocol.score for pipeline in pipelines})
        pooled = self.classifier.pooled_layer()
        # CAM as the measure of the others, even where it is not asked for itself.
        measured = "logit" in scores and any(name in CAM_THERE and self.cells[name] == pooled for name in methods)
        found: dict[Key, np.ndarray] = {}
        for number, score in enumerate(scores):
            wanted = [name for name in methods if not number or not _SCORELESS.issuperset(METHODS[name].needs)]
            cells = {name: self.cells[name] for name in wanted}
            if measured and score == "logit":
                cells["cam"] = str(pooled)
            if cells:
                found |= self._pass(cells, score, pictures, targets, title)
        cam = found.get(_CAM) if measured else None
        return maps_of({key: maps for key, maps in found.items() if key[0] in methods}, scores, cam)

    def _pass(
        self, cells: dict[str, str], score: str, pictures: Pictures, targets: np.ndarray, title: str
    ) -> dict[Key, np.ndarray]:
        engine = HeatmapEngine(self.classifier, list(cells.items()), score, progress=self.progress, **self.options)
        made: dict[Key, np.ndarray] = {}
        with self.progress.task(f"{title}, {score}", len(pictures.records)) as step:
            for part in pictures.batches(self.batch_size):
                heat = engine(self.classifier.inputs_of(pictures.images[part]), *targets[part].T)
                for (method, _), maps in heat.maps.items():
                    if (method, score) not in made:
                        made[method, score] = room_for((len(pictures.records), *maps.shape[1:]), np.float32)
                    made[method, score][part] = maps
                step.advance(len(heat.targets))
        return made


def chosen_threshold(pipeline: Pipeline, maps: Maps, pictures: Pictures) -> float:
    """The threshold that a pipeline's protocol chooses on pictures, of the maps of these pictures."""
    raw, protocol = maps.arrays[maps.stands_for[pipeline.method, pipeline.protocol.score]], maps.effective(pipeline)
    with ThreadPoolExecutor(WORKERS) as pool:
        curves = np.stack(list(pool.map(curve_of, raw, repeat(protocol), pictures.sizes(), pictures.records)))
    choose = best if protocol.threshold_from == "best" else calibrated
    return drawing.threshold_of(replace(protocol, threshold=choose(curves, protocol).threshold))


class Mixtures:
    """What differs between two pipelines, and the IoU of the pictures under every combination of it.

    Args:
        ends: the pipelines; their protocols' thresholds must be fixed.
    """

    def __init__(self, ends: tuple[Pipeline, Pipeline], maps: Maps):
        self.ends, self.maps = ends, maps
        self.first, self.second = map(maps.effective, ends)
        self.choices = [METHOD] if ends[0].method != ends[1].method else []
        self.choices += [name for name, choice in CHOICES.items() if choice.differs(self.first, self.second)]

    def at(self, switched: Subset) -> tuple[Key, Protocol]:
        """The raw map and the protocol of a combination; what the map alone depends on is the first's in the protocol."""
        method = self.ends[METHOD in switched].method
        score = (self.second if SCORE in switched else self.first).score
        return (method, score), combined(self.first, self.second, switched - {METHOD, SCORE})

    def allowed(self, switched: Subset) -> bool:
        """Whether the combination exists: it does not want values below 0 of a map that is known only without."""
        key, protocol = self.at(switched)
        return protocol.relu or self.maps.known_below_zero(*key)

    @property
    def bound(self) -> tuple[ScoredMap, ...]:
        """The maps for whose sake not all orders of the choices exist."""
        found = [key for key in self.maps.stands_for if not self.maps.known_below_zero(*key)]
        return tuple(ScoredMap(*key) for key in found) if RELU in self.choices else ()

    def ious(self, pictures: Pictures, progress: Progress) -> dict[Subset, np.ndarray]:
        """IoU (n,) of the pictures under every combination that exists; the same boxes are drawn once."""
        subsets = [
            frozenset(each)
            for size in range(len(self.choices) + 1)
            for each in combinations(self.choices, size)
            if self.allowed(frozenset(each))
        ]
        asked: dict[tuple[Key, Protocol], dict[Protocol, None]] = {}
        for switched in subsets:
            boxes, compared = self._steps(switched)
            asked.setdefault(boxes, {})[compared] = None
        found: dict[tuple[Key, Protocol, Protocol], np.ndarray] = {}
        title = f"decomposing {self.ends[0].name}:{self.ends[1].name}"
        with ThreadPoolExecutor(WORKERS) as pool:
            for (key, drawn), compared in progress.track(asked.items(), title, len(asked)):
                of = self.maps.arrays[key], pictures.sizes(), pictures.records
                table = np.array(list(pool.map(partial(_scores, drawn, tuple(compared)), *of)))
                found |= {(key, drawn, each): table[:, place] for place, each in enumerate(compared)}
        of_subset = {switched: self._steps(switched) for switched in subsets}
        return {switched: found[*boxes, compared] for switched, (boxes, compared) in of_subset.items()}

    def _steps(self, switched: Subset) -> tuple[tuple[Key, Protocol], Protocol]:
        """What the boxes depend on, and what they are compared by."""
        key, protocol = self.at(switched)
        _, drawn = self.at(switched - {"comparison"})
        return (self.maps.stands_for[key], drawn), protocol

    @property
    def settings(self) -> tuple[PipelineSettings, PipelineSettings]:
        """What the two have at each choice."""
        first, second = self.ends
        return first.settings(self.first), second.settings(self.second)


def _scores(
    drawn: Protocol, compared: Sequence[Protocol], raw: np.ndarray, shape: tuple[int, int], record: Record
) -> list[float]:
    """The IoU, by each of `compared`, of the boxes that `drawn` draws on a raw map."""
    boxes = drawing.predicted_boxes(raw, drawn, shape)
    return [drawing.score(boxes, record.boxes, each, shape) for each in compared]


def decomposed(
    pipelines: tuple[Pipeline, Pipeline],
    classifier: Classifier,
    pictures: Pictures,
    targets: np.ndarray,
    progress: Progress,
    *,
    layer: str | None = None,
    thresholds: tuple[float | None, float | None] = (None, None),
    calibration: Calibration | None = None,
    run: int = 0,
    epoch: int = 0,
    batch_size: int = EvaluateConfig.batch_size,
    mask_batch: int = EvaluateConfig.mask_batch,
    smooth: Sequence[str] = (),
    **options: Any,
) -> PipelineDecomposition:
    """Switch from the first pipeline to the second over all pictures, one choice at a time.

    Args:
        pictures: every record has a box.
        targets: the class that each map is drawn for, and the one it is set against, int (n, 2).
        layer: of both maps; None is the layer that feeds the pooling, or the last one where there is none.
        thresholds: of the two pipelines, where they are known already; None leaves the choice to the protocol.
        calibration: what a calibrated threshold is chosen on; None takes the one that its protocol names.
        run, epoch: of the model, for the record.
        smooth: of "flip" and "scale", as of the engine.
        options: for `statistics.intervals`: confidence, resamples, seed, method, least.

    Raises:
        LayerError, ModelError: the model cannot give a map there.
        OptionError: no threshold can be had, or nothing differs once both have one.
    """
    pooled = classifier.pooled_layer()
    wanted = layer or pooled
    cells = dict(plan_cells(classifier, [pipeline.method for pipeline in pipelines], [wanted] if wanted else []))
    mapping = _Mapping(classifier, cells, batch_size, progress, {"mask_batch": mask_batch, "smooth": smooth})
    maps = mapping.maps(pipelines, pictures, targets, "maps to decompose")
    first, second = _settled(pipelines, thresholds, maps, pictures, mapping, calibration)
    mixtures = Mixtures((first, second), maps)
    if not mixtures.choices:
        raise OptionError(f"{first.name} and {second.name} come to the same pipeline: there is no gap to explain")
    ious = mixtures.ious(pictures, progress)
    options = {"pictures": np.array([record.picture for record in pictures.records], object), **options}
    return PipelineDecomposition(
        *mixtures.settings,
        ", ".join(dict.fromkeys(cells.values())),
        run,
        epoch,
        decompose(ious.__getitem__, mixtures.choices, allowed=ious.__contains__, **options),
        pooled=set(cells.values()) == {pooled},
        proportional=first.method != second.method and maps.proportional >= {first.method, second.method},
        bound=mixtures.bound,
    )


def _settled(
    pipelines: tuple[Pipeline, Pipeline],
    given: Sequence[float | None],
    maps: Maps,
    pictures: Pictures,
    mapping: _Mapping,
    calibration: Calibration | None,
) -> tuple[Pipeline, Pipeline]:
    """The pipelines with thresholds that are not chosen any more."""
    open_ = [pipeline for pipeline, known in zip(pipelines, given, strict=True) if known is None]
    calibrating = [pipeline for pipeline in open_ if pipeline.protocol.threshold_from == "calibrated"]
    on = {"best": (maps, pictures)}
    if calibrating and calibration is not None:
        learnt = mapping.maps(calibrating, calibration.pictures, calibration.targets, "thresholds to decompose")
        on["calibrated"] = learnt, calibration.pictures
    found = []
    for pipeline, known in zip(pipelines, given, strict=True):
        if known is None and pipeline.protocol.threshold_from in on:
            known = chosen_threshold(pipeline, *on[pipeline.protocol.threshold_from])
        threshold = drawing.threshold_of(pipeline.protocol) if known is None else known
        found.append(replace(pipeline, protocol=fixed_at(pipeline.protocol, threshold)))
    return found[0], found[1]
