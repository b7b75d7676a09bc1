"""A CSV as arrays: a file's bytes -> its rows as numbers -> what they say of each picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from dogcam.core.errors import InputError, first_line
from dogcam.data import NO_BOXES
from dogcam.data.formats.csv_columns import Columns, columns_of, rows_of
from dogcam.data.formats.voc_xml import counts_from_one, half_open
from dogcam.data.splits import split_named
from dogcam.data.trees import decoded

# Rows that are turned into arrays at once.
_AT_ONCE = 50_000
# What is written where there is no number.
_NOTHING = ("", "nan", "none", "null", "na", "n/a")
# Where no column says what is in a box.
_ONLY_CLASS = "object"


@dataclass(eq=False)
class Table:
    """The rows of one file.

    Attributes:
        names: of its pictures as they are written, in the order of their first rows.
        classes: names of its classes.
        splits: what its column of splits says.
        picture, label, split: int32 (n), indices into these.
        corners: float64 (n, 4), of those rows that have a box, else NaN.
        size: float64 (n, 2) or None.
        form: of its columns.
        wrong: what is wrong with a row: the picture's index, a kind of `Problem`, the reason.
    """

    names: list[str]
    classes: list[str]
    splits: list[str]
    picture: np.ndarray
    label: np.ndarray
    split: np.ndarray
    corners: np.ndarray
    size: np.ndarray | None
    form: str
    wrong: list[tuple[int, str, str]] = field(default_factory=list)


def table_of(content: bytes, name: str) -> Table:
    """The rows of the CSV with these bytes; `name` is for the error.

    Raises:
        InputError: it is none, it has no rows, its columns cannot be told, or its boxes are in the wrong ones.
    """
    text = decoded(content[: 1 << 16])
    columns = columns_of(text, name)
    reader = rows_of(_opened(content), columns)
    codes: list[dict[str, int]] = [{}, {}, {}]
    parts: list[list[np.ndarray]] = [[], [], [], [], []]
    wrong: list[tuple[int, str, str]] = []
    try:
        row = 1 + columns.header
        while chunk := list(islice(reader, _AT_ONCE)):
            arrays = _arrays(chunk, columns, codes, row, wrong)
            for part, array in zip(parts, arrays, strict=True):
                part.append(array)
            row += len(chunk)
    except csv.Error as error:
        raise InputError(f"cannot read {name} as CSV: line {reader.line_num}: {first_line(error)}") from error
    if not parts[0]:
        raise InputError(f"{name} has a header and no rows: a CSV needs a row for each box")
    picture, label, split, corners, size = (np.concatenate(part) for part in parts)
    corners = _as_corners(corners, columns, name)
    sizes = size if columns.size else None
    return Table(*map(list, codes), picture, label, split, corners, sizes, columns.form, wrong)  # type: ignore[arg-type]


def _opened(content: bytes) -> io.TextIOBase:
    """A file's text, decoded while it is read."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return io.TextIOWrapper(io.BytesIO(content), "utf-16", "replace", newline="")
    try:
        content.decode("utf-8")
        encoding = "utf-8-sig"
    except UnicodeDecodeError:
        encoding = "latin-1"
    return io.TextIOWrapper(io.BytesIO(content), encoding, newline="")


def _arrays(
    chunk: list[list[str]], columns: Columns, codes: list[dict[str, int]], first: int, wrong: list[tuple[int, str, str]]
) -> tuple[np.ndarray, ...]:
    """Of some rows, of which the first is that number in its file: pictures, classes and splits as codes; boxes; sizes."""
    count = len(columns.names)
    numbers = [first + place for place, row in enumerate(chunk) if row]
    chunk = [row if len(row) >= count else row + [""] * (count - len(row)) for row in chunk if row]
    cells = list(zip(*chunk, strict=False)) or [()] * count
    blank = ("",) * len(chunk)
    texts = [cells[columns.path], *(blank if place is None else cells[place] for place in (columns.label, columns.split))]
    if columns.label is None and columns.box:
        texts[1] = (_ONLY_CLASS,) * len(chunk)
    coded = [_coded(text, code) for text, code in zip(texts, codes, strict=True)]
    boxes = np.stack([_numbers(cells[place]) for place in columns.box], 1) if columns.box else np.full((len(chunk), 4), np.nan)
    for at in np.flatnonzero(np.isnan(boxes).any(axis=1)) if columns.box else ():
        written = [cells[place][at].strip() for place in columns.box]
        boxes[at] = np.nan
        if any(each.lower() not in _NOTHING for each in written) and texts[0][at].strip():
            wrong.append((int(coded[0][at]), "no-box", f"row {numbers[at]}: {', '.join(written)} is no box: left out"))
    size = np.stack([_numbers(cells[place]) for place in columns.size], 1) if columns.size else np.zeros((len(chunk), 2))
    return *coded, boxes, size


def _coded(texts: Sequence[str], codes: dict[str, int]) -> np.ndarray:
    """int32 (n): the number of each text, in the order in which they first come."""
    return np.array([codes.setdefault(text.strip(), len(codes)) for text in texts], np.int32)


def _numbers(cells: Sequence[str]) -> np.ndarray:
    """float64 (n), NaN where a cell is no number."""
    try:
        return np.array(cells, np.float64)
    except ValueError:
        return np.array([_number(cell) for cell in cells], np.float64)


def _number(cell: str) -> float:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return np.nan


def _as_corners(boxes: np.ndarray, columns: Columns, name: str) -> np.ndarray:
    """(x0, y0, x1, y1) of boxes in the form of their columns.

    Raises:
        InputError: x1 is below x0, or y1 below y0, in most of them: they stand in other columns than it seems.
    """
    start, last = boxes[:, :2], boxes[:, 2:]
    if columns.form == "centre":
        start = start - last / 2
    corners = np.concatenate([start, start + last if columns.form in ("sides", "centre") else last], axis=1)
    known = ~np.isnan(corners).any(axis=1)
    for at in (0, 1):
        below = int((corners[known, at + 2] < corners[known, at]).sum())
        if known.sum() > 1 and below > known.sum() / 2:
            first, second = (columns.names[columns.box[place]] for place in (at, at + 2))
            raise InputError(
                f"{name}: {second} is below {first} in {below:,} of {known.sum():,} boxes, so boxes are in the wrong columns: "
                f"{', '.join(columns.names[place] for place in columns.box)} were read; name them in a header"
            )
    return corners


def settle(tables: list[Table]) -> str:
    """Make corners half-open, by one rule for all tables that have VOC's columns; and what is to be said of it."""
    named = [table for table in tables if table.form == "voc" and not _is_relative(table)]
    named = [table for table in named if not np.isnan(table.corners).all()]
    if not named:
        return ""
    if not all(counts_from_one(table.corners) for table in named):
        return "xmin, ymin, xmax, ymax are taken as they stand: one is below 1, so they are not counted from 1 as VOC's"
    for table in named:
        table.corners = half_open(table.corners)
    return "xmin, ymin, xmax, ymax are taken as VOC's: pixels counted from 1, the last one included"


def _is_relative(table: Table) -> bool:
    """Whether a table's corners are from 0 to 1: most are, so that one slip does not make pixels of the others."""
    last = table.corners[~np.isnan(table.corners).any(axis=1), 2:]
    return len(last) > 0 and bool(np.median(last) <= 1)


@dataclass(frozen=True, eq=False, slots=True)
class Said:
    """What is said of a picture.

    Attributes:
        split: of its own column, "" where that does not say.
        said: labels, names, corners, size, relative: as `Annotated` has them.
    """

    split: str
    said: tuple


def pictures_of(table: Table) -> Iterator[Said]:
    """What a table says of each of its pictures, in order."""
    boxed = ~np.isnan(table.corners).any(axis=1)
    nameless = np.array([not name for name in table.classes], bool)[table.label]
    for at in np.flatnonzero(boxed & nameless):
        table.wrong.append((int(table.picture[at]), "no-class", "a box has no class: left out"))
    relative = _is_relative(table)
    with_box, without = (_by_picture(table, rows & ~nameless) for rows in (boxed, ~boxed))
    first = np.unique(table.picture, return_index=True)[1]
    splits = [split_named(name) for name in table.splits]
    names, corners = [table.classes[code] for code in with_box.label.tolist()], table.corners[with_box.rows]
    others = [table.classes[code] for code in without.label.tolist()]
    sizes = table.size[first].tolist() if table.size is not None else None
    for position, split in enumerate(table.split[first].tolist()):
        own, bare = slice(*with_box.bounds[position : position + 2]), slice(*without.bounds[position : position + 2])
        size = tuple(sizes[position]) if sizes and min(sizes[position]) > 0 else None
        boxes = corners[own] if own.start < own.stop else NO_BOXES
        labels = tuple(dict.fromkeys(others[bare]))
        yield Said(splits[split], (labels, tuple(names[own]), boxes, size, relative))


@dataclass(frozen=True, eq=False)
class _Group:
    """Some rows of a table, sorted by picture.

    Attributes:
        rows: their numbers.
        label: the class of each.
        bounds: where the rows of each picture begin; one more at the end.
    """

    rows: np.ndarray
    label: np.ndarray
    bounds: list[int]


def _by_picture(table: Table, wanted: np.ndarray) -> _Group:
    rows = np.flatnonzero(wanted)
    rows = rows[np.argsort(table.picture[rows], kind="stable")]
    bounds = np.searchsorted(table.picture[rows], np.arange(len(table.names) + 1))
    return _Group(rows, table.label[rows], bounds.tolist())
