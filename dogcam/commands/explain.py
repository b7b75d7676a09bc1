"""`dogcam explain`: what a classifier looks at in given pictures, as boxes, overlays, contact sheets and raw maps."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dogcam import figures, localize
from dogcam.boxes import to_pixels
from dogcam.classifier import Classifier
from dogcam.config import ExplainConfig
from dogcam.datasets import Problem, Record, reason_of
from dogcam.engine import PREDICTED, HeatmapEngine, plan_cells
from dogcam.errors import InputError, OptionError
from dogcam.figures import Panel
from dogcam.files import plain, readable, write_bytes, write_json
from dogcam.methods import METHODS
from dogcam.metrics.classification import softmax
from dogcam.pictures import EXPLAINED, find_pictures
from dogcam.pipeline import square
from dogcam.progress import Progress
from dogcam.protocols import PROTOCOLS, Protocol
from dogcam.subjects import find_subject

TOP = 5


@dataclass(frozen=True, eq=False)
class Heat:
    """One map of one picture.

    Attributes:
        epoch: of the model, or None where it is not an experiment's.
        raw: the raw map (h, w).
        box: relative (4,), or None where nothing is above the threshold.
        iou: with the annotated boxes, None where there are none.
    """

    epoch: int | None
    method: str
    layer: str
    raw: np.ndarray
    box: np.ndarray | None
    iou: float | None


@dataclass(frozen=True, eq=False)
class Explanation:
    """What was found in one picture: predictions by epoch, heat, and the files written."""

    record: Record
    shape: tuple[int, int]
    top: dict[int | None, list[tuple[str, float]]]
    targets: dict[int | None, str]
    heats: list[Heat]
    files: list[Path]

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON. Boxes are in pixels of the picture, half-open."""
        height, width = self.shape
        return plain(
            {
                "image": self.record.id,
                "width": width,
                "height": height,
                "predictions": [
                    {
                        "epoch": epoch,
                        "target": self.targets[epoch],
                        "top": [{"class": name, "probability": share} for name, share in top],
                    }
                    for epoch, top in self.top.items()
                ],
                "annotated_boxes": to_pixels(self.record.boxes, width, height).round(1),
                "heatmaps": [
                    {
                        "epoch": heat.epoch,
                        "method": heat.method,
                        "layer": heat.layer,
                        "box": None if heat.box is None else to_pixels(heat.box, width, height).round(1),
                        "iou": heat.iou,
                        "empty": localize.is_empty(heat.raw),
                    }
                    for heat in self.heats
                ],
                "files": self.files,
            }
        )


@dataclass(frozen=True)
class ExplainResult:
    """All explained pictures."""

    model: str
    protocol: Protocol
    out: Path
    explanations: list[Explanation]
    problems: tuple[Problem, ...]

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return plain(
            {
                "model": self.model,
                "protocol": self.protocol.document(),
                "out": self.out,
                "images": [explanation.document() for explanation in self.explanations],
                "problems": [asdict(problem) for problem in self.problems],
            }
        )


def run(config: ExplainConfig, progress: Progress) -> ExplainResult:
    """Explain the pictures that `config` names."""
    subject = find_subject(config, progress)
    progress.note(f"model {subject.name}")
    pictures, problems = find_pictures(
        config.images, lambda: subject.dataset(config.data_dir, progress), config.target == "true"
    )
    protocol = PROTOCOLS[config.protocol]
    cells = plan_cells(subject.first, config.methods, config.layers)
    fixed = _fixed_target(subject.first, config.target)
    engines = {epoch: HeatmapEngine(model, cells, protocol.score) for epoch, model in subject.models.items()}
    writer = _Writer(config, protocol, _out_folder(config))
    explanations = []
    with progress.task("explaining", len(pictures)) as step:
        for start in range(0, len(pictures), config.batch_size):
            part = pictures[start : start + config.batch_size]
            batch = _Batch.read(part, fixed, config.target, problems)
            for explanation, pixels in zip(_explain(batch, engines, protocol), batch.pixels, strict=True):
                writer.write(explanation, pixels)
                explanations.append(explanation)
                step.advance()
            step.advance(len(part) - len(batch.records))
    if not explanations:
        raise InputError(
            "not one picture could be explained: " + "; ".join(f"{each.id}: {each.reason}" for each in problems[:3])
        )
    return ExplainResult(subject.name, protocol, writer.out, explanations, tuple(problems))


def _fixed_target(model: Classifier, target: str) -> int | None:
    """The class that is the same for all pictures, or None where it depends on the picture."""
    if target == "predicted":
        return PREDICTED
    return None if target == "true" else model.class_index(target)


def _target(fixed: int | None, asked: str, record: Record) -> int:
    if fixed is not None:
        return fixed
    if record.label is None:
        raise InputError(f"{record.id}: --target {asked}, but its true class is not known")
    return record.label


@dataclass(frozen=True, eq=False)
class _Batch:
    """Pictures that could be read, with the class to explain each for."""

    records: list[Record]
    pixels: list[np.ndarray]
    targets: list[int]

    @classmethod
    def read(cls, records: Sequence[Record], fixed: int | None, asked: str, problems: list[Problem]) -> _Batch:
        """Read what can be read; the rest is added to `problems`."""
        batch = cls([], [], [])
        for record in records:
            try:
                pixels, target = record.image.pixels(), _target(fixed, asked, record)
            except InputError as error:
                problems.append(Problem(record.id, reason_of(error, record.id)))
                continue
            batch.records.append(record)
            batch.pixels.append(pixels)
            batch.targets.append(target)
        return batch


def _explain(batch: _Batch, engines: dict[int | None, HeatmapEngine], protocol: Protocol) -> list[Explanation]:
    """One pass of each model over a batch."""
    explanations = [
        Explanation(record, pixels.shape[:2], {}, {}, [], [])
        for record, pixels in zip(batch.records, batch.pixels, strict=True)
    ]
    if not explanations:
        return []
    for epoch, engine in engines.items():
        model = engine.classifier
        squares = np.stack([square(pixels, model.image_size) for pixels in batch.pixels])
        found = engine(model.inputs_of(squares), np.array(batch.targets))
        for position, explanation in enumerate(explanations):
            shares = softmax(found.logits[position])
            best = np.argsort(-shares, kind="stable")[:TOP]
            explanation.top[epoch] = [(model.class_name(int(index)), float(shares[index])) for index in best]
            explanation.targets[epoch] = model.class_name(int(found.targets[position]))
            for (method, layer), maps in found.maps.items():
                box = localize.predicted_box(maps[position], protocol, explanation.shape)
                iou_found = _score(box, explanation.record, protocol)
                explanation.heats.append(Heat(epoch, method, layer, maps[position], box, iou_found))
    return explanations


def _score(box: np.ndarray | None, record: Record, protocol: Protocol) -> float | None:
    return localize.score(box, record.boxes, protocol) if len(record.boxes) else None


def _out_folder(config: ExplainConfig) -> Path:
    """The folder asked for; else the first of dogcam-explained, dogcam-explained-2, ... that is not there yet."""
    if config.out is not None:
        return Path(config.out)
    number = 1
    while (folder := Path(EXPLAINED if number == 1 else f"{EXPLAINED}-{number}")).exists():
        number += 1
    return folder


class _Writer:
    """Writes an explanation's files, and never over a file that was there before unless told to."""

    def __init__(self, config: ExplainConfig, protocol: Protocol, out: Path):
        self.config, self.protocol, self.out = config, protocol, out
        self.taken: set[str] = set()

    def write(self, explanation: Explanation, pixels: np.ndarray) -> None:
        """Write what --save asks for, and note the paths in `explanation.files`."""
        stem = self._stem(explanation.record.id)
        contents = dict(self._contents(explanation, pixels, stem))
        paths = {name: self.out / name for name in contents}
        there = [str(path) for path in paths.values() if path.exists()]
        if there and not self.config.overwrite:
            raise OptionError(f"{there[0]} exists already: choose another --out, or say --overwrite")
        for name, content in contents.items():
            write_bytes(paths[name], content())
        explanation.files.extend(paths.values())
        if "json" in self.config.save:
            document = self.out / f"{stem}.json"
            explanation.files.append(document)
            write_json(document, explanation.document())

    def _stem(self, identity: str) -> str:
        """A file name for the picture, once: two pictures of one name in different folders get different ones."""
        plain_letters = "".join(each if each.isalnum() or each in "-_. " else "-" for each in Path(identity).stem)
        # File systems count bytes: a name of 80 leaves room for method, layer and epoch, in any script.
        wanted = plain_letters.encode("utf-8")[:80].decode("utf-8", "ignore")
        stem, number = wanted or "image", 1
        while stem in self.taken:
            number += 1
            stem = f"{wanted}-{number}"
        self.taken.add(stem)
        return stem

    def _contents(self, explanation: Explanation, pixels: np.ndarray, stem: str) -> Iterator[tuple[str, Any]]:
        """(file name, function that gives its bytes) of all pictures and maps."""
        truth = explanation.record.boxes
        for heat in explanation.heats:
            name = _file_name(stem, heat)
            if "png" in self.config.save:
                panel = self._panel(heat, explanation)
                yield f"{name}.png", lambda panel=panel: figures.image_bytes(figures.overlay(pixels, panel, truth))
            if "npy" in self.config.save:
                yield f"{name}.npy", lambda heat=heat: _npy(heat.raw)
        if "png" in self.config.save and len(explanation.heats) > 1:
            yield f"{stem}_sheet.png", lambda: self._sheet(explanation, pixels)

    def _sheet(self, explanation: Explanation, pixels: np.ndarray) -> bytes:
        rows: dict[int | None, list[Panel]] = {}
        for heat in explanation.heats:
            rows.setdefault(heat.epoch, []).append(self._panel(heat, explanation))
        labelled = [(_row_label(epoch, explanation), panels) for epoch, panels in rows.items()]
        sheet = figures.contact_sheet(pixels, labelled, explanation.record.boxes, readable(explanation.record.id))
        return figures.image_bytes(sheet)

    def _panel(self, heat: Heat, explanation: Explanation) -> Panel:
        values = localize.prepare(heat.raw, self.protocol, explanation.shape)
        note = "no box" if heat.box is None else "" if heat.iou is None else f"IoU {heat.iou:.2f}"
        return Panel(f"{METHODS[heat.method].title}\n{heat.layer}", values, heat.box, note)


def _row_label(epoch: int | None, explanation: Explanation) -> str:
    target = explanation.targets[epoch]
    return target if epoch is None else f"epoch {epoch}\n{target}"


def _file_name(stem: str, heat: Heat) -> str:
    epoch = "" if heat.epoch is None else f"_epoch-{heat.epoch:02d}"
    return f"{stem}_{heat.method}_{heat.layer.replace('/', '-')}{epoch}"


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
