"""dogcam from Python: a model and pictures in, maps, boxes and figures out; an experiment in, its analysis out. Nothing is said.

from dogcam import evaluate, explain, load

classifier = load(model, preprocess="unit", classes=["beagle", "basset"])
found = explain(classifier, pictures, methods=["gradcam", "layercam"])
found.maps["gradcam", classifier.stages[-1]]  # raw maps (B, h, w)
found.figure(0)                               # a matplotlib figure
evaluate("resnet50-1").table().to_pandas()    # what `dogcam evaluate` scores, and keeps in the experiment
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from dogcam.analysis.analysis import Analysis, read_analysis
from dogcam.boxes import drawing
from dogcam.boxes.protocols import Protocol, find_protocol
from dogcam.commands.evaluate import command
from dogcam.core.config import EvaluateConfig, ExplainConfig
from dogcam.core.errors import InputError, OptionError
from dogcam.core.progress import Progress
from dogcam.core.registry import unknown
from dogcam.data import NO_BOXES
from dogcam.data.pipeline import squash
from dogcam.engine import Cell, HeatmapEngine, plan_cells
from dogcam.engine.targets import Target
from dogcam.experiment.runs import Experiment
from dogcam.figures import Panel, contact_sheet
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier, foreign
from dogcam.models.subjects import find_subject

__all__ = ["Explained", "evaluate", "explain", "load", "read_analysis"]


def load(
    model: Any,
    preprocess: str | Callable[[np.ndarray], np.ndarray] | None = None,
    classes: Sequence[str] = (),
    *,
    output: str | None = None,
    name: str | None = None,
    **options: Any,
) -> Classifier:
    """A classifier to look into.

    Args:
        model: a Keras model (functional or Sequential, models within it to any depth), which is not changed; or what
            `dogcam explain --model` takes: a file, an experiment's name or folder, "imagenet:resnet50".
        preprocess: of a Keras model or file: "unit" (pixels / 255), "none" (pixels as they are), the name of a backbone
            whose own it uses, or a function of pixels float32 (B, H, W, 3) from 0 to 255.
        classes: names by index, of a Keras model or a file that does not bring its own.
        output: of a model with several, the name of the one that gives the classes.
        name: what it is called in results.
        options: of an experiment: home, run, and epochs; of "imagenet:...": weights.

    Raises:
        ModelError, OptionError, UnknownName, ExperimentError: it cannot be had, or not be looked into.
    """
    if isinstance(model, Classifier):
        if preprocess is not None or output is not None or options:
            raise OptionError("a classifier that is loaded brings its preprocessing and output; give classes and name at most")
        if not classes and not name:
            return model
        return replace(model, classes=tuple(classes) or model.classes, name=name or model.name)
    if not isinstance(model, str | Path):
        if options:
            raise OptionError(f"a Keras model takes no {', '.join(sorted(options))}: these go with an experiment or a file")
        if preprocess is None:
            raise OptionError(
                'load(model) does not know how its pixels are to be prepared: preprocess="unit" for pixels divided by 255, '
                "\"none\" for pixels as they are, a backbone's name for that backbone's own, or a function"
            )
        return foreign(model, preprocess, tuple(classes), output, name)
    if callable(preprocess):
        raise OptionError(f"preprocess as a function goes with a Keras model: load(keras.models.load_model({str(model)!r}), ...)")
    config = ExplainConfig.of(images=("-",), model=str(model), preprocess=preprocess, output=output, **options)
    found = find_subject(config, Progress()).first
    return load(found, classes=classes, name=name)


@dataclass(frozen=True, eq=False)
class Explained:
    """What `explain` found in a batch of pictures.

    Attributes:
        classifier: the model that was asked.
        maps: raw maps float32 (B, h, w) by (method, layer): no ReLU, resizing or normalising beyond the method's formula.
        boxes: relative (B, 4) float32, (x0, y0, x1, y1), by (method, layer), as `protocol` draws them; NaN for no box.
        flags: bool (B,) by (method, layer): the method's formula does not hold for the picture, see `Heatmaps`.
        logits, probabilities: float32 (B, classes).
        targets, against: int (B,), the class explained and the one it is set against, -1 for none.
        protocol: how maps became boxes.
        pictures: as they were given, uint8 (H, W, 3) each.
    """

    classifier: Classifier
    maps: dict[Cell, np.ndarray]
    boxes: dict[Cell, np.ndarray]
    flags: dict[Cell, np.ndarray]
    logits: np.ndarray
    probabilities: np.ndarray
    targets: np.ndarray
    against: np.ndarray
    protocol: Protocol
    pictures: tuple[np.ndarray, ...]

    def heat(self, method: str, layer: str, picture: int) -> np.ndarray:
        """A map as the protocol prepares it, enlarged and normalised: float32 (size, size) or the picture's size."""
        return drawing.prepare(self.maps[method, layer][picture], self.protocol, self.pictures[picture].shape[:2])

    def figure(self, picture: int = 0) -> Any:
        """All maps of one picture with their boxes, as a matplotlib figure."""
        panels = [self._panel(cell, picture) for cell in self.maps]
        row = self.classifier.class_name(int(self.targets[picture]))
        if self.against[picture] >= 0:
            row += f"\nagainst {self.classifier.class_name(int(self.against[picture]))}"
        return contact_sheet(self.pictures[picture], [(row, panels)], NO_BOXES)

    def _panel(self, cell: Cell, picture: int) -> Panel:
        method, layer = cell
        box = self.boxes[cell][picture]
        drawn = bool(np.isfinite(box).all())
        return Panel(
            f"{METHODS[method].title}\n{layer}", self.heat(*cell, picture), box if drawn else None, "" if drawn else "no box"
        )


def explain(
    model: Any,
    pictures: Any,
    methods: str | Sequence[str] = ExplainConfig.methods,
    layers: str | Sequence[str] = (),
    target: str | int = ExplainConfig.target,
    *,
    protocol: str = ExplainConfig.protocol,
    labels: Sequence[int] | None = None,
    fuse: str | None = None,
    smooth: str | Sequence[str] = (),
    mask_batch: int = ExplainConfig.mask_batch,
    batch_size: int = ExplainConfig.batch_size,
    progress: Progress | None = None,
) -> Explained:
    """Heatmaps of pictures: every method at every layer, from as few passes of the network as they need.

    Args:
        model: what `load` gives, or what it takes without more.
        pictures: uint8, or numbers from 0 to 255, which are rounded: (B, H, W, 3), one (H, W, 3), or a list of pictures
            of any sizes; each may have one colour.
        methods: see `dogcam list methods`.
        layers: paths, see `dogcam list layers`; none means the last one.
        target: "predicted", "second", "true" (of `labels`), a class by index, name or unique part of it, or two of these
            as "A:B": the score of A less that of B.
        protocol: how boxes are drawn, and whether gradients are of the logit or the softmax.
        labels: the true classes (B,), for the target "true".
        fuse, smooth, mask_batch, progress: see `HeatmapEngine`.
        batch_size: pictures a pass.

    Raises:
        InputError: what is given are no pictures.
        UnknownName, LayerError, OptionError, ModelError: see `HeatmapEngine`.
    """
    if batch_size < 1:
        raise OptionError(f"batch_size must be at least 1; received {batch_size}")
    classifier, given = load(model), _pictures(pictures)
    chosen = find_protocol(protocol)
    drawing.threshold_of(chosen)
    targets = _targets(classifier, str(target), labels, len(given))
    engine = HeatmapEngine(
        classifier,
        plan_cells(classifier, _several(methods), _several(layers)),
        chosen.score,
        fuse=fuse,
        smooth=_several(smooth),
        mask_batch=mask_batch,
        progress=progress,
    )
    squashed = np.stack([squash(each, classifier.size) for each in given])
    parts = [slice(start, start + batch_size) for start in range(0, len(given), batch_size)]
    found = [engine(classifier.inputs_of(squashed[part]), *targets[part].T) for part in parts]
    maps = {cell: np.concatenate([each.maps[cell] for each in found]) for cell in engine.cells}
    logits = np.concatenate([each.logits for each in found])
    return Explained(
        classifier,
        maps,
        {cell: _boxes(each, chosen, given) for cell, each in maps.items()},
        {cell: np.concatenate([each.flags[cell] for each in found]) for cell in engine.cells},
        logits,
        classifier.probabilities(logits),
        np.concatenate([each.targets for each in found]),
        np.concatenate([each.against for each in found]),
        chosen,
        given,
    )


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    """One name or many."""
    return (names,) if isinstance(names, str) else tuple(names)


def _targets(classifier: Classifier, target: str, labels: Sequence[int] | None, count: int) -> np.ndarray:
    """What each picture is explained for and against (n, 2), as the engine takes it.

    Raises:
        InputError, UnknownName, OptionError: labels that are no classes, or a target that cannot be had.
    """
    wanted = Target.parse(target, classifier.class_index)
    known = [None] * count if labels is None else np.asarray(labels)
    if labels is not None:
        whole = known.dtype.kind in "ui" and known.shape == (count,)
        if not whole or known.min(initial=0) < 0 or known.max(initial=0) >= classifier.class_count:
            raise InputError(
                f"labels must be {count} whole numbers from 0 to {classifier.class_count - 1}; received {list(labels)}"
            )
    return np.array([wanted.of(label, f"picture {place}") for place, label in enumerate(known)], np.int64)


def _pictures(given: Any) -> tuple[np.ndarray, ...]:
    """Pictures uint8 (H, W, 3), one or many, checked; numbers are rounded, grey is repeated for the three colours.

    Raises:
        InputError: they are none.
    """
    several = list(given) if isinstance(given, list | tuple) or np.ndim(given) == 4 else [given]
    pictures = [_coloured(np.asarray(each)) for each in several]
    for each in pictures:
        numbers = each.dtype.kind in "uif"
        if each.ndim != 3 or each.shape[2] != 3 or not numbers or not each.size:
            raise InputError(f"a picture is an array (H, W, 3) of numbers from 0 to 255; received {each.dtype} {each.shape}")
        if not np.isfinite(each).all() or each.min() < 0 or each.max() > 255:
            raise InputError(
                f"a picture's numbers go from 0 to 255, whatever the model takes; received {each.min():g} to {each.max():g}"
            )
    if pictures and all(each.dtype.kind == "f" for each in pictures) and 0 < max(each.max() for each in pictures) <= 1:
        raise InputError("a picture's numbers go from 0 to 255, whatever the model takes; these end at 1: multiply by 255")
    if not pictures:
        raise InputError("explain needs at least one picture; received none")
    return tuple(np.round(each).astype(np.uint8) for each in pictures)


def _coloured(picture: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, 1) as (H, W, 3); anything else as it is."""
    if picture.ndim == 2:
        picture = picture[..., None]
    return np.repeat(picture, 3, axis=2) if picture.ndim == 3 and picture.shape[2] == 1 else picture


def _boxes(maps: np.ndarray, protocol: Protocol, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The boxes (B, 4) of maps (B, h, w), NaN where none is drawn."""
    drawn = [drawing.predicted_box(raw, protocol, picture.shape[:2]) for raw, picture in zip(maps, pictures, strict=True)]
    return np.array([np.full(4, np.nan) if box is None else box for box in drawn], np.float32).reshape(-1, 4)


def evaluate(experiment: str | Path | Experiment | None = None, *, progress: Progress | None = None, **options: Any) -> Analysis:
    """Score an experiment's heatmaps against annotated boxes: `dogcam evaluate`, with the analysis for an answer.

    Args:
        experiment: a name, a folder, or the experiment itself; None means the newest, or the one that model=... makes.
        progress: hears how far it is.
        options: of the command, by the names in `dogcam.core.config.EvaluateConfig`: epochs, run, methods, layers, protocols,
            limit, resume, ...; of several values a list, or one alone.

    Returns:
        What all tables of these pictures say, whichever call scored them; `read_analysis` reads it again.

    Raises:
        DogcamError: what the command says in such a case; `UnknownName` where there is no such option.

    Example:
        analysis = evaluate("tiny", methods=["cam", "gradcam"], limit=12)
        analysis.spoken().lines[0].verdict    # the best line beside the best box that never looks: above, below, undecided
        analysis.scores[0].value("mean_iou")
    """
    if isinstance(experiment, Experiment):
        experiment = experiment.path
    named = {} if experiment is None else {"experiment": str(experiment)}
    config = _evaluate_config({**options, **named})
    config.check_names()
    return command.run(config, progress or Progress()).analysis


_TEXTS = ("run", "data_dir", "home", "model", "maps", "save_maps")  # options that are numbers or paths in Python


def _evaluate_config(options: dict[str, Any]) -> EvaluateConfig:
    """The configuration of options as people write them in Python: a list where it has a tuple, one name for a list of it.

    Raises:
        UnknownName, OptionError: there is no such option, or its value is none.
    """
    defaults = {option.name: option.default for option in fields(EvaluateConfig)}
    given = {}
    for name, value in options.items():
        if name not in defaults:
            raise unknown("option", name, defaults)
        if isinstance(defaults[name], tuple) and value is not None:
            value = (value,) if isinstance(value, str | int) else tuple(value)
        given[name] = (
            str(value) if name in ("run", "data_dir", "home", "model", "maps", "save_maps") and value is not None else value
        )
    try:
        return EvaluateConfig.of(**given)
    except TypeError as error:
        raise OptionError(f"an option's value is of the wrong kind: {error}; received {given}") from error
