"""Boxes given back: predicted boxes of pictures as COCO, YOLO, VOC or CSV, in the conventions in which dogcam reads them.

A form is a function of `Predictions` that gives files, path and content; `FORMS` lists them. A picture in which no box was
drawn is known to COCO, has an empty file in YOLO, a file without an object in VOC, and no row in CSV.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np
import yaml

from dogcam.boxes.geometry import to_pixels
from dogcam.core.files import plain, readable, write_bytes
from dogcam.data import Record

Files = Iterator[tuple[str, bytes]]
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what XML 1.0 cannot hold in any spelling


@dataclass(frozen=True, eq=False)
class Box:
    """A predicted box.

    Attributes:
        corners: relative (4,), half-open.
        label: of the class that the map was drawn for.
        probability: of that class in this picture.
    """

    corners: np.ndarray
    label: int
    probability: float


# A record, width and height of its picture in pixels, what was drawn there.
Row = tuple[Record, int, int, tuple[Box, ...]]


@dataclass(frozen=True, eq=False)
class Predicted:
    """A picture with its predicted boxes; none where nothing was above the threshold.

    Attributes:
        file: what the picture is called, see `file_of`.
        width, height: in pixels.
        number: of the picture in the COCO file that it comes from.
    """

    file: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    number: int | None = None


@dataclass(frozen=True, eq=False)
class Predictions:
    """The boxes of one method at one layer in all pictures.

    Attributes:
        classes: names by label.
        epoch: of the model; None where it is no experiment's.
        threshold: that the boxes are drawn above.
        class_numbers: of the classes in the COCO file that they come from; empty where they come from none.
    """

    pictures: Sequence[Predicted]
    classes: Sequence[str]
    method: str
    layer: str
    epoch: int | None = None
    threshold: float | None = None
    class_numbers: Sequence[int] = ()

    @property
    def about(self) -> dict[str, Any]:
        """What all boxes have in common, as plain values."""
        threshold = None if self.threshold is None else round(float(self.threshold), 6)
        return plain({"threshold": threshold, "method": self.method, "layer": self.layer, "epoch": self.epoch})

    @property
    def without_boxes(self) -> int:
        """How many pictures have none."""
        return sum(not picture.boxes for picture in self.pictures)

    def name(self, box: Box) -> str:
        """The class of a box."""
        return readable(self.classes[box.label])


def box_of(corners: np.ndarray | None, label: int, probability: float) -> tuple[Box, ...]:
    """The one box of a map, or none where it has no area: some protocols call that a box at 0, 0."""
    if corners is None or not (corners[2:] > corners[:2]).all():
        return ()
    return (Box(corners, int(label), float(probability)),)


def pictures_of(rows: Iterable[Row], numbers: Mapping[str, int]) -> list[Predicted]:
    """The pictures of some rows, each with the boxes of all of its rows.

    Args:
        numbers: of pictures in the COCO file that they come from, by their ids.
    """
    pictures: dict[str, Predicted] = {}
    for record, width, height, boxes in rows:
        empty = Predicted(file_of(record), width, height, (), numbers.get(record.picture))
        picture = pictures.setdefault(record.picture, empty)
        pictures[record.picture] = replace(picture, boxes=(*picture.boxes, *boxes))
    return list(pictures.values())


def file_of(record: Record) -> str:
    """What a record's picture is called: its id, with the suffix of its file."""
    suffix = PurePath(getattr(record.image, "name", "")).suffix
    return record.picture if record.picture.endswith(suffix) else record.picture + suffix


def write_predictions(folder: Path, form: str, predictions: Predictions) -> None:
    """Write one of `FORMS` into a folder, every file whole or not at all."""
    files = _ends([picture.file for picture in predictions.pictures])
    named = [replace(picture, file=file) for picture, file in zip(predictions.pictures, files, strict=True)]
    for path, content in FORMS[form](replace(predictions, pictures=named)):
        write_bytes(folder / path, content)


def _ends(paths: Sequence[str]) -> list[str]:
    """The files' names, with as many of their folders as tell them apart; never one that leads elsewhere."""
    parts = [[part for part in PurePath(path).parts if part != ".." and part != PurePath(path).anchor] for path in paths]
    depths = [1] * len(paths)
    while True:
        ends = ["/".join(each[-depth:]) or "picture" for each, depth in zip(parts, depths, strict=True)]
        count = Counter(ends)
        longer = [place for place, end in enumerate(ends) if count[end] > 1 and depths[place] < len(parts[place])]
        if not longer:
            return [end if count[end] == 1 else f"{place}-{end}" for place, end in enumerate(ends)]
        for place in longer:
            depths[place] += 1


def _stems(pictures: Sequence[Predicted]) -> list[str]:
    """The files' names without suffix, which is what files of their own are called by; with it where two would be one."""
    stems = [str(PurePosixPath(picture.file).with_suffix("")) for picture in pictures]
    count = Counter(stem.casefold() for stem in stems)
    return [stem if count[stem.casefold()] == 1 else picture.file for stem, picture in zip(stems, pictures, strict=True)]


def _pixels(picture: Predicted, box: Box) -> list[float]:
    """x0, y0, x1, y1 in pixels, half-open."""
    return to_pixels(box.corners, picture.width, picture.height).round(2).tolist()


def _whole_pixels(picture: Predicted, box: Box) -> list[int]:
    """xmin, ymin, xmax, ymax as VOC counts: from 1, the last pixel inside; a box has one pixel at least."""
    x0, y0, x1, y1 = np.rint(to_pixels(box.corners, picture.width, picture.height)).astype(int).tolist()
    x0, y0 = min(x0, picture.width - 1), min(y0, picture.height - 1)
    return [x0 + 1, y0 + 1, max(x1, x0 + 1), max(y1, y0 + 1)]


def _json(document: Any) -> bytes:
    return (json.dumps(plain(document), indent=1, ensure_ascii=False) + "\n").encode()


def coco(predictions: Predictions) -> Files:
    """results.json, which `pycocotools` loads as results, of the pictures and categories of instances.json.

    Numbers of pictures and categories are those of the COCO file that all come from, else they count from 1. instances.json has
    the boxes as annotations too, as tools for annotating take them; each has its "score", so that nobody takes them for
    somebody's.
    """
    own = [picture.number for picture in predictions.pictures]
    numbers = own if None not in own and len(set(own)) == len(own) else range(1, len(own) + 1)
    categories = predictions.class_numbers or range(1, len(predictions.classes) + 1)
    results = []
    for number, picture in zip(numbers, predictions.pictures, strict=True):
        for box in picture.boxes:
            x0, y0, x1, y1 = _pixels(picture, box)
            corner = [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)]
            score = round(box.probability, 6)
            known = {"score": score, "threshold": predictions.about["threshold"]}
            results.append({"image_id": number, "category_id": categories[box.label], "bbox": corner, **known})
    images = [
        {"id": number, "file_name": picture.file, "width": picture.width, "height": picture.height}
        for number, picture in zip(numbers, predictions.pictures, strict=True)
    ]
    annotations = [
        {"id": number, **each, "area": round(each["bbox"][2] * each["bbox"][3], 2), "iscrowd": 0}
        for number, each in enumerate(results, 1)
    ]
    named = [{"id": number, "name": name} for number, name in zip(categories, predictions.classes, strict=True)]
    info = {"description": "predicted by dogcam, not annotated", **predictions.about}
    yield "results.json", _json(results)
    yield "instances.json", _json({"info": info, "images": images, "annotations": annotations, "categories": named})


def yolo(predictions: Predictions) -> Files:
    """labels/<picture>.txt with "class centre-x centre-y width height confidence", relative, and data.yaml with the names."""
    names = {label: readable(name) for label, name in enumerate(predictions.classes)}
    document = {"names": names, "predicted": predictions.about}
    yield "data.yaml", yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode()
    for stem, picture in zip(_stems(predictions.pictures), predictions.pictures, strict=True):
        lines = []
        for box in picture.boxes:
            x0, y0, x1, y1 = box.corners.astype(np.float64).tolist()
            numbers = ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, box.probability)
            lines.append(f"{box.label} {' '.join(f'{number:.6f}' for number in numbers)}\n")
        yield f"labels/{stem}.txt", "".join(lines).encode()


def voc(predictions: Predictions) -> Files:
    """Annotations/<picture>.xml; probability, threshold and the map's name are in <prediction>, which readers pass over."""
    for stem, picture in zip(_stems(predictions.pictures), predictions.pictures, strict=True):
        root = ElementTree.Element("annotation")
        _add(root, filename=PurePosixPath(picture.file).name)
        _add(ElementTree.SubElement(root, "source"), database="predicted by dogcam, not annotated")
        _add(ElementTree.SubElement(root, "size"), width=picture.width, height=picture.height, depth=3)
        for box in picture.boxes:
            entry = ElementTree.SubElement(root, "object")
            _add(entry, name=predictions.name(box), pose="Unspecified", truncated=0, difficult=0)
            corners = _whole_pixels(picture, box)
            _add(ElementTree.SubElement(entry, "bndbox"), **dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)))
            told = {name: value for name, value in predictions.about.items() if value is not None}
            _add(ElementTree.SubElement(entry, "prediction"), probability=f"{box.probability:.6f}", **told)
        ElementTree.indent(root)
        yield f"Annotations/{stem}.xml", ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _add(parent: ElementTree.Element, **texts: Any) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = _NO_XML.sub("", readable(str(text)))


COLUMNS = ("path", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
_ABOUT = ("probability", "threshold", "method", "layer", "epoch")


def table(predictions: Predictions) -> Files:
    """boxes.csv: a row for each box, its corners in pixels as VOC counts them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *_ABOUT])
    about = ["" if value is None else value for value in predictions.about.values()]
    for picture in predictions.pictures:
        for box in picture.boxes:
            corners = _whole_pixels(picture, box)
            row = [readable(picture.file), picture.width, picture.height, predictions.name(box), *corners]
            writer.writerow([*row, f"{box.probability:.6f}", *about])
    yield "boxes.csv", text.getvalue().encode()


FORMS: dict[str, Callable[[Predictions], Files]] = {"coco": coco, "yolo": yolo, "voc": voc, "csv": table}
