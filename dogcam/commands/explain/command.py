"""`dogcam explain`: what a classifier looks at in given pictures, as boxes, overlays, contact sheets and raw maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from dogcam.boxes import drawing
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import Protocol, find_protocol
from dogcam.commands.adoption import recognised
from dogcam.commands.explain.boxes import BoxWriter, GivenBack
from dogcam.commands.explain.results import Explanation, Heat, Slot, Writer
from dogcam.core.config import ExplainConfig
from dogcam.core.errors import InputError, OptionError
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Dataset, Problem, Record, reason_of
from dogcam.data.opening import open_dataset
from dogcam.data.pictures import boxes_for, find_pictures
from dogcam.data.pipeline import squash
from dogcam.engine import INPUT, Cell, HeatmapEngine, plan_cells
from dogcam.engine.targets import Target, top
from dogcam.experiment import evaluations
from dogcam.experiment.selection import threshold_in_use
from dogcam.figures import heat_colours
from dogcam.models.classifier import Classifier
from dogcam.models.subjects import Subject, find_subject
from dogcam.report.training_words import choice_words

TOP = 5
BOX_MAP = 224  # side of the map that stands for a baseline's box


@dataclass(frozen=True)
class ExplainResult:
    """All explained pictures; `settings` is what holds for all of their maps, as plain values."""

    model: str
    protocol: Protocol
    out: Path
    explanations: list[Explanation]
    problems: tuple[Problem, ...]
    settings: dict[str, Any]
    boxes: GivenBack

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return plain(
            {
                **self.settings,
                "out": self.out,
                "boxes": asdict(self.boxes),
                "images": [explanation.document() for explanation in self.explanations],
                "problems": [asdict(problem) for problem in self.problems],
            }
        )


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is asked of every picture.

    Attributes:
        engines: by epoch.
        cells: those of the engines' maps that are shown.
        targets: by place: 0 for the one that --target means, 1, 2, ... for those of --all-top.
        boxes: the baselines' relative boxes, by name.
        thresholds: by epoch, method and layer.
    """

    engines: dict[int | None, HeatmapEngine]
    cells: list[Cell]
    targets: dict[int, Target]
    boxes: dict[str, np.ndarray]
    protocol: Protocol
    thresholds: dict[tuple[int | None, str, str], float]

    def slots(self) -> Iterator[Slot]:
        """What tells a picture's maps from each other, of all of them."""
        for epoch in self.engines:
            for place in self.targets:
                yield from ((epoch, place, *cell) for cell in self.cells)
        yield from ((None, 0, name, "") for name in self.boxes)


def run(config: ExplainConfig, progress: Progress) -> ExplainResult:
    """Explain the pictures that `config` names."""
    subject = find_subject(config, progress)
    progress.note(f"model {subject.name}")
    if subject.choice is not None:
        epochs = ", ".join(map(str, subject.models))
        progress.note(f"run {subject.run}: {choice_words(subject.choice)}; epoch {epochs}")
    targets = _targets(config, subject)
    dataset = cache(lambda: _dataset(config, subject, progress))
    needed = any(each.needs_label for each in targets.values())
    pictures, problems = find_pictures(config.images, dataset, needed, subject.first.classes, config.dataset, progress)
    plan = _plan(config, subject, targets, dataset, progress)
    settings = _settings(config, subject, plan.protocol)
    writer = Writer(config, plan.protocol, plan.slots(), pictures, settings)
    box_writer = BoxWriter(config, writer, plan.slots())
    explanations = []
    with heat_colours(config.colormap), progress.task("explaining", len(pictures)) as step:
        for start in range(0, len(pictures), config.batch_size):
            part = pictures[start : start + config.batch_size]
            batch = _Batch.read(part, plan, problems)
            for explanation, pixels in zip(_explain(batch, plan, problems), batch.pixels, strict=True):
                writer.write(explanation, pixels)
                explanations.append(explanation)
                step.advance()
            step.advance(len(part) - len(batch.records))
    classes = [subject.first.class_name(index) for index in range(subject.first.class_count)]
    boxes = box_writer.write(explanations, classes, dataset() if config.dataset else None)
    not_written = [*writer.problems, *box_writer.problems]
    _require_some(explanations, boxes, problems, not_written, writer.out)
    return ExplainResult(subject.name, plan.protocol, writer.out, explanations, (*problems, *not_written), settings, boxes)


def _dataset(config: ExplainConfig, subject: Subject, progress: Progress) -> Dataset | None:
    """The data that --dataset names, with labels as the model counts them; else what the model was trained on."""
    if config.dataset is None:
        return subject.dataset(config.data_dir, progress)
    return recognised(open_dataset(config.dataset, config.data_dir, progress), subject.first, progress)


def _require_some(
    explanations: list[Explanation], boxes: GivenBack, problems: list[Problem], not_written: list[Problem], out: Path
) -> None:
    """Raise where nothing was explained or nothing written."""
    if not explanations:
        reasons = "; ".join(f"{each.id}: {each.reason}" for each in problems[:3])
        raise InputError(f"not one picture could be explained: {reasons}")
    if not any(explanation.files for explanation in explanations) and not boxes.folders:
        raise OptionError(f"nothing could be written to {out}: {not_written[0].reason}")


def _targets(config: ExplainConfig, subject: Subject) -> dict[int, Target]:
    """What --target or --all-top means, by place, see `_Plan`."""
    if config.all_top is None:
        return {0: Target.parse(config.target, subject.first.class_index)}
    count = subject.first.class_count
    if config.all_top > count:
        raise OptionError(f"--all-top {config.all_top}: {subject.name} tells {count} classes apart; ask for {count} or less")
    return dict(enumerate(top(config.all_top), 1))


def _settings(config: ExplainConfig, subject: Subject, protocol: Protocol) -> dict[str, Any]:
    return plain(
        {
            "model": subject.name,
            "protocol": protocol.document(),
            "score": protocol.score,
            "target": config.target if config.all_top is None else f"all-top {config.all_top}",
            "fuse": config.fuse,
            "smooth": config.smooth,
        }
    )


def _plan(
    config: ExplainConfig, subject: Subject, targets: dict[int, Target], dataset: Callable[[], Dataset | None], progress: Progress
) -> _Plan:
    asked = dict.fromkeys(config.methods)
    cells = plan_cells(subject.first, [name for name in asked if name not in BASELINES], config.layers)
    if config.fuse and not cells:
        raise OptionError(f"--fuse {config.fuse} needs a method at two layers or more; received only {', '.join(asked)}")
    protocol = find_protocol(config.protocol)
    boxes = _baseline_boxes([name for name in asked if name in BASELINES], subject, dataset)
    engines = {epoch: _engine(model, cells, config, protocol, progress) for epoch, model in subject.models.items()}
    shown = next(iter(engines.values())).cells if cells else []
    thresholds = _thresholds(subject, engines, shown, protocol, config.smooth, progress)
    return _Plan(engines, shown, targets, boxes, protocol, thresholds)


def _thresholds(
    subject: Subject,
    epochs: Iterable[int | None],
    cells: list[Cell],
    protocol: Protocol,
    smooth: Sequence[str],
    progress: Progress,
) -> dict[tuple[int | None, str, str], float]:
    """The threshold of every map: what `evaluate` chose for it, else the protocol's own.

    Raises:
        OptionError: there is neither.
    """
    found = {}
    for epoch, cell in product(epochs, cells):
        of = evaluations.Cell(subject.run, epoch or 0, *cell, protocol.name)
        chosen = threshold_in_use(subject.experiment, of, protocol, smooth)
        found[epoch, *cell] = drawing.threshold_of(protocol) if chosen is None else chosen
    if protocol.threshold_from != "fixed" and found:
        progress.note(f"protocol {protocol.name}: thresholds as evaluate chose them for these maps, elsewhere its own")
    return found


def _engine(model: Classifier, cells: list[Cell], config: ExplainConfig, protocol: Protocol, progress: Progress) -> HeatmapEngine:
    if not cells:
        # Only predictions are wanted, and no engine is without a map: the one that needs no layer and no gradient.
        return HeatmapEngine(model, [("centre-gaussian", INPUT)], protocol.score)
    return HeatmapEngine(
        model, cells, protocol.score, fuse=config.fuse, smooth=config.smooth, mask_batch=config.mask_batch, progress=progress
    )


def _baseline_boxes(names: Sequence[str], subject: Subject, dataset: Callable[[], Dataset | None]) -> dict[str, np.ndarray]:
    """Relative boxes by the baseline's name; the training pictures are opened only for one that looks at them.

    Raises:
        InputError: one does, and they are not known.
    """
    trained = [name for name in names if BASELINES[name].trained]
    boxes = NO_BOXES
    if trained:
        known = dataset()
        if known is None:
            raise InputError(
                f"{trained[0]} needs an experiment, whose training pictures it is drawn from; {subject.name} is a model "
                "from elsewhere: leave it out, say --dataset, or take centre-box-0.8"
            )
        boxes = known.training_boxes()
    return {name: BASELINES[name].box(boxes) for name in names}


@dataclass(frozen=True, eq=False)
class _Batch:
    """Pictures that could be read, with what to explain each for: (class, class it is set against) by place."""

    records: list[Record]
    pixels: list[np.ndarray]
    targets: list[dict[int, tuple[int, int]]]

    @classmethod
    def read(cls, records: Sequence[Record], plan: _Plan, problems: list[Problem]) -> _Batch:
        """Read what can be read; the rest is added to `problems`."""
        batch = cls([], [], [])
        for record in records:
            try:
                pixels = record.image.pixels()
                targets = {place: _target_of(record, target) for place, target in plan.targets.items()}
            except InputError as error:
                problems.append(Problem(record.id, reason_of(error, record.id)))
                continue
            batch.records.append(record)
            batch.pixels.append(pixels)
            batch.targets.append(targets)
        return batch


def _target_of(record: Record, target: Target) -> tuple[int, int]:
    """What a picture is explained for and against.

    Raises:
        InputError: its true class is asked for, and is not known or one of several.
    """
    if target.needs_label and record.label is None and len(record.present) > 1:
        raise InputError(
            f"{record.id}: --target {target.text}, but it has {len(record.present)} classes: name the one that is meant"
        )
    return target.of(record.label, record.id)


def _explain(batch: _Batch, plan: _Plan, problems: list[Problem]) -> list[Explanation]:
    """One pass of each model over a batch for each place."""
    explanations = [
        Explanation(record, pixels.shape[:2], {}, {}, [], []) for record, pixels in zip(batch.records, batch.pixels, strict=True)
    ]
    if not explanations:
        return []
    for epoch, engine in plan.engines.items():
        squares = np.stack([squash(pixels, engine.classifier.size) for pixels in batch.pixels])
        inputs = engine.classifier.inputs_of(squares)
        for place in plan.targets:
            wanted = np.array([each[place] for each in batch.targets])
            found = _add_heat(explanations, plan, epoch, place, inputs, wanted)
            problems += [each for each in found if each not in problems]  # once, whatever the number of epochs
    for explanation in explanations:
        explanation.heats.extend(_box_heat(name, box, explanation, plan) for name, box in plan.boxes.items())
    return explanations


def _add_heat(
    explanations: list[Explanation], plan: _Plan, epoch: int | None, place: int, inputs: np.ndarray, wanted: np.ndarray
) -> list[Problem]:
    """One call of an engine: predictions and maps of each picture, and what is wrong with its target.

    `wanted` (B, 2) are targets and what they are set against.
    """
    problems = []
    engine = plan.engines[epoch]
    model = engine.classifier
    found = engine(inputs, wanted[:, 0], wanted[:, 1])
    for position, explanation in enumerate(explanations):
        shares = model.probabilities(found.logits[position])
        best = np.argsort(-shares, kind="stable")[:TOP]
        explanation.top[epoch] = [(model.class_name(int(index)), float(shares[index])) for index in best]
        label = int(found.targets[position])
        target = model.class_name(label)
        against = int(found.against[position])
        opposed = None if against < 0 else model.class_name(against)
        if against == found.targets[position]:
            reason = f"{target} is set against itself, which leaves nothing to explain"
            problems.append(Problem(explanation.record.id, reason, lost=False))
        explanation.targets.setdefault(epoch, target)
        for cell in plan.cells:
            raw, flagged = found.maps[cell][position], bool(found.flags[cell][position])
            threshold = plan.thresholds[epoch, *cell]
            box = drawing.predicted_box(raw, plan.protocol, explanation.shape, threshold)
            score = _score(box, explanation, plan.protocol, label)
            heat = Heat(epoch, *cell, raw, box, score, target, opposed, place, flagged, threshold, label, float(shares[label]))
            explanation.heats.append(heat)
    return problems


def _box_heat(name: str, box: np.ndarray, explanation: Explanation, plan: _Plan) -> Heat:
    """A baseline's box, its map 1 in every pixel that the box touches and 0 elsewhere."""
    x0, y0 = np.floor(box[:2] * BOX_MAP).astype(int)
    x1, y1 = np.ceil(box[2:] * BOX_MAP).astype(int)
    raw = np.zeros((BOX_MAP, BOX_MAP), np.float32)
    raw[y0:y1, x0:x1] = 1
    return Heat(None, name, "", raw, box, _score(box, explanation, plan.protocol), None)


def _score(box: np.ndarray | None, explanation: Explanation, protocol: Protocol, label: int | None = None) -> float | None:
    """IoU with the annotated boxes of the class `label`, with all of them where none is of it; None where there are none."""
    truth = boxes_for(explanation.record, label)
    return drawing.score(box, truth, protocol, explanation.shape) if len(truth) else None
