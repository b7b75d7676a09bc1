"""What `dogcam explain` has found in a picture, and the files that it leaves."""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dogcam import figures
from dogcam.boxes import drawing
from dogcam.boxes.baselines import BASELINES, METHODS_AND_BASELINES
from dogcam.boxes.geometry import to_pixels
from dogcam.boxes.protocols import Protocol
from dogcam.core.choices import FUSIONS
from dogcam.core.config import ExplainConfig
from dogcam.core.errors import OptionError
from dogcam.core.files import plain, readable, write_bytes
from dogcam.data import Problem, Record
from dogcam.data.pictures import EXPLAINED, boxes_for
from dogcam.figures import Panel

NAME_BYTES = 80  # of a picture's or a layer's name in a file's: with method, epoch and place it stays below 255
FLAGGED = "flagged: the formula does not hold here"

_OF_A_MAP = {"png": ".png", "npy": ".npy", "png16": "_16bit.png"}  # what the files of a map end in, by kind

Slot = tuple[int | None, int, str, str]  # epoch, place among the first classes, method, layer: one map of a picture


@dataclass(frozen=True, eq=False)
class Heat:
    """One map of one picture.

    Attributes:
        epoch: of the model, or None where it is not an experiment's, or no model was asked.
        layer: "input" for a map of the picture itself, "" for a baseline's box.
        raw: the raw map (h, w).
        box: relative (4,), or None where nothing is above the threshold.
        iou: with the annotated boxes, None where there are none.
        target: name of the class it is drawn for, None for a baseline, which is of no class.
        against: name of the class that it is set against, or None.
        place: of the class among those of --all-top, from 1; 0 without --all-top.
        flagged: whether the map is not what its method's formula means, see `Heatmaps.flags`.
        threshold: what the box is drawn above, as a share of the protocol's normalised map; None for a baseline.
        label, probability: of the class it is drawn for; -1 and NaN for a baseline.
    """

    epoch: int | None
    method: str
    layer: str
    raw: np.ndarray
    box: np.ndarray | None
    iou: float | None
    target: str | None
    against: str | None = None
    place: int = 0
    flagged: bool = False
    threshold: float | None = None
    label: int = -1
    probability: float = float("nan")

    @property
    def empty(self) -> bool:
        """Whether the map shows nothing."""
        return drawing.is_empty(self.raw)

    @property
    def slot(self) -> Slot:
        """What tells it from the picture's other maps."""
        return self.epoch, self.place, self.method, self.layer

    @property
    def key(self) -> str:
        """Its name in the .npz file: method@layer, @epoch where there is one, @top-N with --all-top; a baseline's alone."""
        parts = (self.layer, "" if self.epoch is None else str(self.epoch), f"top-{self.place}" if self.place else "")
        return "@".join((self.method, *filter(None, parts)))

    def document(self, width: int, height: int) -> dict[str, Any]:
        """As plain values but for the map; the box in pixels of a `width` x `height` picture."""
        return {
            "epoch": self.epoch,
            "method": self.method,
            "layer": self.layer,
            "target": self.target,
            "against": self.against,
            "box": None if self.box is None else to_pixels(self.box, width, height).round(1),
            "threshold": self.threshold,
            "iou": self.iou,
            "empty": self.empty,
            "flagged": self.flagged,
        }


@dataclass(frozen=True, eq=False)
class Explanation:
    """What was found in one picture: predictions by epoch, heat, and the files written.

    `targets` are the classes that heat is drawn for, by epoch; of --all-top's, the first.
    """

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
                "heatmaps": [heat.document(width, height) for heat in self.heats],
                "files": self.files,
            }
        )


def _out_folder(config: ExplainConfig) -> Path:
    """The folder asked for; else the first of dogcam-explained, dogcam-explained-2, ... that is not there yet."""
    if config.out is not None:
        return Path(config.out)
    number = 1
    while (folder := Path(EXPLAINED if number == 1 else f"{EXPLAINED}-{number}")).exists():
        number += 1
    return folder


class Writer:
    """Writes explanations' files, and never over a file that was there before unless told to.

    Args:
        slots: of the maps that every picture has, in order.
        records: of all pictures.
        settings: what holds for all maps, for the JSON files.

    Raises:
        OptionError: a file is there already, or nothing can be written; said before any work is done.
    """

    def __init__(
        self,
        config: ExplainConfig,
        protocol: Protocol,
        slots: Iterable[Slot],
        records: Sequence[Record],
        settings: dict[str, Any],
    ):
        self.config, self.protocol, self.settings, self.out = config, protocol, settings, _out_folder(config)
        self.problems: list[Problem] = []
        # Two pictures of one name in different folders get different ones, and so do layers a/b and a-b.
        stems: set[str] = set()
        self._stems = {record.id: _free(_stem(record.id), stems) for record in records}
        endings: set[str] = set()
        self._endings = {slot: _free(_ending(slot), endings) for slot in slots}
        self.map_names = {slot: ending.strip("_") for slot, ending in self._endings.items()}
        _require_writable(self.out)
        wanted = (self.out / name for stem in self._stems.values() for name in self._names(stem, self._endings))
        if not config.overwrite and (there := next((path for path in wanted if path.exists()), None)):
            raise OptionError(f"{there} exists already: choose another --out, or say --overwrite")

    def _names(self, stem: str, slots: Iterable[Slot]) -> Iterator[str]:
        """The files of a picture, in the order in which `_contents` gives what is in them."""
        for slot in slots:
            yield from (f"{stem}{self._endings[slot]}{end}" for kind, end in _OF_A_MAP.items() if kind in self.config.save)
        if self._with_sheet:
            yield f"{stem}_sheet.png"
        if "npz" in self.config.save:
            yield f"{stem}.npz"
        if "json" in self.config.save:
            yield f"{stem}.json"

    @property
    def _with_sheet(self) -> bool:
        return "png" in self.config.save and len(self._endings) > 1

    def write(self, explanation: Explanation, pixels: np.ndarray) -> None:
        """Write what --save asks for; note the paths in `explanation.files`, and what went wrong in `problems`."""
        identity = explanation.record.id
        names = self._names(self._stems[identity], (heat.slot for heat in explanation.heats))
        for name, content in zip(names, self._contents(explanation, pixels), strict=True):
            path = self.out / name
            explanation.files.append(path)
            try:
                write_bytes(path, content())
            except OSError as error:
                explanation.files.pop()
                reason = f"cannot write {path}: {error.strerror or error}; the picture's files after it are missing"
                self.problems.append(Problem(identity, reason, lost=False))
                return

    def _contents(self, explanation: Explanation, pixels: np.ndarray) -> Iterator[Callable[[], bytes]]:
        """Functions that give the bytes of the files."""
        for heat in explanation.heats:
            if "png" in self.config.save:
                yield lambda heat=heat: self._overlay(heat, explanation, pixels)
            if "npy" in self.config.save:
                yield lambda heat=heat: _npy(heat.raw)
            if "png16" in self.config.save:
                yield lambda heat=heat: _png16(drawing.prepare(heat.raw, self.protocol, explanation.shape))
        if self._with_sheet:
            yield lambda: self._sheet(explanation, pixels)
        if "npz" in self.config.save:
            yield lambda: _npz({heat.key: heat.raw for heat in explanation.heats})
        if "json" in self.config.save:
            document = plain({**self.settings, **explanation.document()})
            yield lambda: (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()

    def _overlay(self, heat: Heat, explanation: Explanation, pixels: np.ndarray) -> bytes:
        title = METHODS_AND_BASELINES[heat.method].title
        lines = (f"{title} for {class_words(heat.target, heat.against)}" if heat.target else title, heat.layer, self._smoothed)
        panel = self._panel(heat, explanation, "\n".join(filter(None, lines)), FLAGGED)
        return figures.image_bytes(figures.overlay(pixels, panel, boxes_for(explanation.record, heat.label)))

    @property
    def _smoothed(self) -> str:
        return f"mean over {' and '.join(self.config.smooth)}" if self.config.smooth else ""

    def _sheet(self, explanation: Explanation, pixels: np.ndarray) -> bytes:
        rows: dict[tuple[int | None, int], list[Heat]] = {}
        for heat in explanation.heats:
            if heat.target is not None:
                rows.setdefault((heat.epoch, heat.place), []).append(heat)
        same = [heat for heat in explanation.heats if heat.target is None]
        labelled = [
            (_row_label(row[0] if row else None), [self._sheet_panel(heat, explanation) for heat in (*row, *same)])
            for row in rows.values() or [[]]
        ]
        title = " · ".join(filter(None, (readable(explanation.record.id), self._smoothed)))
        return figures.image_bytes(figures.contact_sheet(pixels, labelled, explanation.record.boxes, title))

    def _sheet_panel(self, heat: Heat, explanation: Explanation) -> Panel:
        title = METHODS_AND_BASELINES[heat.method].title
        layer = _few_words(heat.layer)
        return self._panel(heat, explanation, f"{title}\n{layer}" if layer else title, "flagged")

    def _panel(self, heat: Heat, explanation: Explanation, title: str, flag: str) -> Panel:
        """The picture with the map, or without one where there is nothing to paint: an empty one, a baseline's box."""
        bare = heat.empty or heat.method in BASELINES
        values = None if bare else drawing.prepare(heat.raw, self.protocol, explanation.shape)
        found = "no box" if heat.box is None else "" if heat.iou is None else f"IoU {heat.iou:.2f}"
        notes = ("empty map" if heat.empty else found, flag if heat.flagged else "")
        return Panel(title, values, heat.box, " · ".join(filter(None, notes)))


def class_words(target: str, against: str | None) -> str:
    """ "beagle", or "beagle against basset"; of ImageNet's synonyms, which commas part, the first."""
    return " against ".join(name.partition(",")[0] for name in (target, against) if name is not None)


def _row_label(heat: Heat | None) -> str:
    if heat is None:
        return ""
    words = class_words(heat.target or "", heat.against)
    place = f"{heat.place}. " if heat.place else ""
    return f"{place}{words}" if heat.epoch is None else f"epoch {heat.epoch}\n{place}{words}"


def _few_words(layer: str) -> str:
    """A layer for a narrow place: fused ones, whose names fill a line and which have pictures of their own, are counted."""
    how, bracket, layers = layer.partition("(")
    return f"{how} of {layers.count('+') + 1} layers" if bracket and how in FUSIONS else layer


def _stem(identity: str) -> str:
    """What a picture's files begin with."""
    return _within(_plain_letters(Path(identity).stem, "-_. ")) or "image"


def _ending(slot: Slot) -> str:
    """What the files of a map end in, without the suffix."""
    epoch, place, method, layer = slot
    parts = [method, _within(_plain_letters(layer, "-_.+").strip("-"))]
    parts += ["" if epoch is None else f"epoch-{epoch:02d}", f"top-{place}" if place else ""]
    return "".join(f"_{part}" for part in parts if part)


def _plain_letters(text: str, more: str) -> str:
    """`text` with a hyphen for all but letters, digits and `more`, which every file system takes."""
    return "".join(each if each.isalnum() or each in more else "-" for each in text)


def _within(text: str) -> str:
    """`text` cut to NAME_BYTES, since file systems count bytes; a checksum keeps apart what only the end does."""
    encoded = text.encode("utf-8")
    if len(encoded) <= NAME_BYTES:
        return text
    return f"{encoded[: NAME_BYTES - 9].decode('utf-8', 'ignore')}-{zlib.crc32(encoded):08x}"


def _free(wanted: str, taken: set[str]) -> str:
    """`wanted`, or with a number what is not among `taken` yet, where capitals make no difference; added to them."""
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted}-{number}"
    taken.add(name.casefold())
    return name


def _require_writable(folder: Path) -> None:
    """Raise `OptionError` where a folder that may not be there yet cannot be written to."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    if not there.is_dir() or not os.access(there, os.W_OK):
        wrong = "may not be written to" if there.is_dir() else "is not a folder"
        raise OptionError(f"nothing can be written to {folder}: {there} {wrong}; choose another --out")


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _png16(values: np.ndarray) -> bytes:
    """A map as a protocol prepares it, 0 to 1, as 16-bit grey; what a protocol without ReLU leaves below 0 is 0."""
    buffer = io.BytesIO()
    Image.fromarray((np.clip(values, 0, 1) * 65535).round().astype(np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()
