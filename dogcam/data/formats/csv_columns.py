"""Which column of a CSV holds what: by the names of its header, or, without one, by what stands in its first rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dogcam.core.errors import InputError
from dogcam.data.images import SUFFIXES

_DELIMITERS = ",;\t|"
# Names as they are compared: in lower case, without anything but letters and digits. Of several the first counts.
_PATH = "path filepath imagepath imgpath filename file imagefile imagename imgname image img imageid picture".split()
_LABEL = "label class classname labelname category categoryname name classid labelid categoryid".split()
_SPLIT = "split set subset".split()
_SIZE = (("width", "height"), ("imagewidth", "imageheight"), ("imgwidth", "imgheight"))
# The four columns of a box, and what the numbers are; as they stand here or after "bbox" or "box".
_BOXES = (
    ("xmin ymin xmax ymax", "voc"),
    ("x0 y0 x1 y1", "corners"),
    ("x1 y1 x2 y2", "corners"),
    ("left top right bottom", "corners"),
    ("x y w h", "sides"),
    ("x y width height", "sides"),
    ("left top width height", "sides"),
    ("xcenter ycenter width height", "centre"),
    ("xcenter ycenter w h", "centre"),
    ("cx cy w h", "centre"),
)
_WHOLE_BOX = ("bbox", "box", "boundingbox", "bndbox", "boxes")


@dataclass(frozen=True)
class Columns:
    """What stands where in a CSV.

    Attributes:
        delimiter: one character.
        header: whether the first row is one.
        names: of all columns, as the header has them; "column 1" and so on without one.
        path: the column of the picture's path.
        label: of the class; None where there is none.
        box: the four of a box; empty where there are none.
        form: what these hold: "corners" (x0, y0, x1, y1), "voc" (the same, named as VOC names them), "sides" (x0, y0, width,
            height) or "centre" (its x and y, width, height).
        size: the two of the picture's width and height; empty where there are none.
        split: of the split; None where there is none.
    """

    delimiter: str
    header: bool
    names: tuple[str, ...]
    path: int
    label: int | None = None
    box: tuple[int, ...] = ()
    form: str = "corners"
    size: tuple[int, ...] = ()
    split: int | None = None


def columns_of(text: str, name: str) -> Columns:
    """The columns of the CSV that begins with `text`; `name` is for the error.

    Raises:
        InputError: it has no column of pictures, or a box's columns are incomplete or cannot be told apart.
    """
    # The last of the lines may be cut; a byte-order mark may be left of UTF-16.
    text = text.lstrip("\ufeff")
    lines = text.splitlines(keepends=True)[:30]
    rows_by = {delimiter: _parsed(lines, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda each: _regularity(rows_by[each]))
    rows = rows_by[delimiter]
    if not rows:
        raise InputError(f"{name} is empty: a CSV needs a row for each box")
    if any(_is_picture(cell) for cell in rows[0]):
        return replace(_by_content(rows, name), delimiter=delimiter)
    columns = replace(_by_header(rows[0], name), delimiter=delimiter)
    _require_no_json(rows[1:], columns, name)
    return columns


def _parsed(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
    except csv.Error:
        return []
    return rows[:-1] if len(rows) > 20 else rows


def _regularity(rows: list[list[str]]) -> tuple[bool, int]:
    """How well a delimiter fits: first whether it divides all rows alike, then into how many cells."""
    counts = [len(row) for row in rows]
    if not counts or max(counts) < 2:
        return False, 0
    return min(counts) == max(counts), min(counts)


def _is_picture(cell: str) -> bool:
    return any(cell.lower().endswith(suffix) for suffix in SUFFIXES)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _by_header(header: Sequence[str], name: str) -> Columns:
    places = {_plain(cell): place for place, cell in reversed(list(enumerate(header)))}
    shown = ", ".join(header[:12])
    path = _first(places, _PATH)
    if path is None:
        raise InputError(
            f"{name} has no column of pictures (path, filename, image or file) and no picture in its first row: {shown}"
        )
    # "bbox_x" is x; the path's own column is no part of a box.
    short = {re.sub(r"^b?box(?=.)", "", each): place for each, place in reversed(places.items())}
    kinds = ((names.split(), form) for names, form in _BOXES)
    complete = ((tuple(short[part] for part in parts), form) for parts, form in kinds if short.keys() >= {*parts})
    box, form = next(complete, ((), "corners"))
    size = next((tuple(places[each] for each in pair) for pair in _SIZE if all(each in places for each in pair)), ())
    size = () if set(size) & set(box) else size
    if not box:
        _require_no_box(header, places, short, size, name)
    label = _first({each: place for each, place in places.items() if place != path}, _LABEL)
    return Columns(",", True, tuple(header), path, label, box, form, size, _first(places, _SPLIT))


def _require_no_box(
    header: Sequence[str], places: dict[str, int], short: dict[str, int], size: tuple[int, ...], name: str
) -> None:
    """Raise where there are columns of a box that are not the four of one: read without them, its boxes were lost in silence."""
    if "regionshapeattributes" in places:
        raise InputError(
            f"{name} is VGG VIA's own CSV, with shapes as JSON in its cells; export the project as COCO and name that"
        )
    wanted = "x0,y0,x1,y1, xmin,ymin,xmax,ymax or x,y,w,h"
    whole = [header[place] for each, place in places.items() if each in _WHOLE_BOX]
    if whole:
        raise InputError(f"{name}: the column {whole[0]} holds a whole box in one cell; give its numbers four columns: {wanted}")
    parts = {part for names, _ in _BOXES for part in names.split()}
    some = [header[place] for each, place in short.items() if each in parts and place not in size]
    if some:
        raise InputError(f"{name}: its header has {', '.join(some)}, which are not the four columns of a box: {wanted}")


def _require_no_json(rows: list[list[str]], columns: Columns, name: str) -> None:
    """Raise where the classes are JSON, as Label Studio writes them: each of them would be a class of its own, without a box."""
    label = columns.label
    if label is not None and any(len(row) > label and re.match(r"\[?\s*\{", row[label]) for row in rows):
        told = f"{name}: the column {columns.names[label]} holds JSON, as Label Studio's own CSV does"
        raise InputError(f"{told}; export as COCO, YOLO or Pascal VOC instead")


def _first(places: dict[str, int], names: Sequence[str]) -> int | None:
    return next((places[name] for name in names if name in places), None)


def _by_content(rows: list[list[str]], name: str) -> Columns:
    """Of rows without a header: where pictures, numbers and words stand."""
    count = max(map(len, rows))
    columns = [[row[place] for row in rows if place < len(row) and row[place]] for place in range(count)]
    path = next(place for place, cell in enumerate(rows[0]) if _is_picture(cell))
    numeric = [bool(cells) and all(map(_is_number, cells)) and place != path for place, cells in enumerate(columns)]
    words = [place for place, cells in enumerate(columns) if cells and not numeric[place] and place != path]
    runs = re.finditer("1+", "".join("1" if numbers else " " for numbers in numeric))
    by_length = {len(run[0]): run.start() for run in runs}
    names = tuple(f"column {place + 1}" for place in range(count))
    label = words[0] if words else None
    size = (by_length[2], by_length[2] + 1) if 2 in by_length and 4 in by_length else ()
    if 4 in by_length:
        box = tuple(range(by_length[4], by_length[4] + 4))
    elif 5 in by_length and label is None:
        box, label = _box_and_number(rows, by_length[5], name)
    elif sum(numeric) <= 1:
        box, label = (), label if label is not None else next((place for place, each in enumerate(numeric) if each), None)
    else:
        raise InputError(
            f"{name} has no header, and which of its {count} columns are a box cannot be told: give it one, such as "
            f"path,label,x0,y0,x1,y1"
        )
    return Columns(",", False, names, path, label, box, "corners", size)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", cell.replace(",", "."), re.IGNORECASE) is not None


def _box_and_number(rows: list[list[str]], start: int, name: str) -> tuple[tuple[int, ...], int]:
    """Of five columns of numbers the four that are corners in all rows; the other one is the class."""
    full = [row[start : start + 5] for row in rows if len(row) >= start + 5 and all(row[start : start + 5])]
    numbers = np.array([[float(cell.replace(",", ".")) for cell in row] for row in full]).reshape(-1, 5)
    fits = [bool((numbers[:, at + 2 : at + 4] > numbers[:, at : at + 2]).all()) for at in (0, 1)]
    if sum(fits) != 1:
        raise InputError(f"{name} has no header, and which of five columns of numbers is the class cannot be told: give it one")
    at = start + fits.index(True)
    return tuple(range(at, at + 4)), start if at > start else start + 4


def rows_of(content: io.TextIOBase, columns: Columns) -> csv.reader:  # type: ignore[valid-type]
    """The rows of a CSV as lists of cells, without its header."""
    reader = csv.reader(content, delimiter=columns.delimiter, skipinitialspace=True)
    if columns.header:
        next((row for row in reader if row), None)
    return reader
