"""Hugging Face `datasets`: sets saved by `save_to_disk`, and folders of pictures with a metadata file ("imagefolder").

    dataset_dict.json                    the splits; a set without splits has its files here instead
    train/dataset_info.json              the columns and the names of classes
    train/state.json                     the Arrow files of the split, in order
    train/data-00000-of-00001.arrow      the rows, pictures included

    train/metadata.jsonl, .csv           a row a picture: file_name, and label or objects; with or without splits above
    train/0001.png

The library itself is not needed: Arrow files are streams that pyarrow reads. They are mapped, not loaded, and a picture is taken
from its row when it is asked for. Checked against `datasets` 5.2.0, and the older ways to write a list of objects.

The picture is the first column of type Image, the class `label` or the like: a ClassLabel (named by its number), a text, a
number, or a list of these; where there are `objects`, theirs count. These have a `bbox` and a `category` each, in two lists or in
a list of both. Nothing says what the four numbers of a box are; they are taken as x, y, width and height in pixels, as COCO and
the library's guides have them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dogcam.core.errors import InputError, first_line
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.formats.arrow import ArrowCell, span_of, table_of
from dogcam.data.images import ImageFile, Stored
from dogcam.data.splits import split_named, split_of_path
from dogcam.data.trees import Place, Tree, decoded, leads_out

DICT, INFO, STATE = "dataset_dict.json", "dataset_info.json", "state.json"
METADATA = ("metadata.jsonl", "metadata.csv")
_BESIDE = 50_000_000  # bytes of a metadata file that is read for the sake of one picture
_LABELS = ("label", "labels", "class", "category", "fine_label", "breed", "species")
_BOXES, _CATEGORIES = ("bbox", "bboxes"), ("category", "categories", "label", "labels", "category_id", "class")


def sign_hf(tree: Tree) -> str:
    """See `formats.Source`."""
    if saved := _saved(tree):
        return f"{saved[0]}{STATE} of a saved set"
    return next((f"{path} of pictures" for path in _metadata(tree) if "file_name" in decoded(tree.content(path)[:4096])), "")


def _saved(tree: Tree) -> list[str]:
    """The folders of a saved set's splits, with a slash behind them; "" is the place itself."""
    return [base for base in tree.bases(STATE, INFO) if base.count("/") <= 1]


def _metadata(tree: Tree) -> list[str]:
    return [path for path in tree.files if PurePosixPath(path).name in METADATA]


def read_hf(place: Place, progress: Progress) -> Reading:
    """See `formats.Source`.

    Raises:
        InputError: it is neither of the two, or lacks what it says it has.
    """
    problems: list[Problem] = []
    bases = [] if place.file else _saved(place.tree)
    if bases:
        return _read_saved(place.tree, bases, problems, progress)
    paths = [place.file] if place.file else _metadata(place.tree)
    if not paths:
        raise InputError(f"{place.tree.place} is no saved set ({INFO}, {STATE}) and has no {' or '.join(METADATA)}")
    pictures: list[Annotated] = []
    for path in paths:
        rows = list(_listed(place.tree, path, problems))
        for row in progress.track(rows, f"reading {path}", len(rows)):
            each = _from_metadata(row, path, place.pictures, problems)
            pictures += [each] if each else []
    return Reading(pictures, _in_order(pictures), problems)


# Saved sets ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Columns:
    """Which columns of a set hold what; "" where there is none.

    Attributes:
        names: of the classes by number; empty where the columns hold names themselves.
    """

    image: str
    label: str
    objects: str
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Row:
    """A row of a saved set.

    Attributes:
        split: as its folder names it.
        number: in its split.
        name: of its picture's file, "" where the row has none.
        image: None where the row has none.
        values: of the other columns.
    """

    split: str
    number: int
    name: str
    image: ArrowCell | None
    values: Mapping[str, Any]


def _read_saved(tree: Tree, bases: Sequence[str], problems: list[Problem], progress: Progress) -> Reading:
    table_of.cache_clear()  # a file that is kept mapped may have been written anew since
    columns = {base: _columns(tree, f"{base}{INFO}") for base in bases}
    rows = [row for base in bases for row in progress.track(_rows(tree, base, columns[base]), f"reading {base or 'rows'}")]
    distinct = len({row.name for row in rows if row.name}) == len(rows)
    pictures = []
    for row in rows:
        of = columns[f"{row.split}/" if row.split else ""]
        # Pictures that are not told apart by their names are called by split and row.
        name = row.name if distinct else f"{row.split or 'row'}-{row.number:06d}"
        split = split_named(row.split)
        if row.image is None:
            problems.append(Problem(PurePosixPath(name).stem, "its row has no picture", split, kind="missing"))
        else:
            pictures.append(_annotated(f"{row.split}/{name}", row.image, split, row.values, of, problems))
    names = list(dict.fromkeys(name for each in columns.values() for name in each.names))
    return Reading(pictures, names or _in_order(pictures), problems)


def _json(tree: Tree, path: str) -> dict[str, Any]:
    try:
        content = json.loads(tree.text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"cannot read {path} as JSON: {first_line(error)}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must be a JSON object, as `save_to_disk` writes it; received a {type(content).__name__}")
    return content


def _columns(tree: Tree, path: str) -> _Columns:
    features = _json(tree, path).get("features")
    features = features if isinstance(features, dict) else {}
    kinds = {name: each.get("_type", "") if isinstance(each, dict) else "" for name, each in features.items()}
    image = next((name for name, kind in kinds.items() if kind == "Image"), None)
    if image is None:
        raise InputError(f"{path} has no column of type Image; its columns: {', '.join(features) or 'none'}")
    objects = "objects" if "objects" in features else ""
    named = [*(name for name in _LABELS if name in features), *(name for name, kind in kinds.items() if kind == "ClassLabel")]
    label = named[0] if named and not objects else ""
    return _Columns(image, label, objects, _names_in(features.get(objects or label)))


def _names_in(feature: Any) -> tuple[str, ...]:
    """The names of the ClassLabel in a column, however deep it is in lists; none where there is none."""
    if isinstance(feature, list):
        return next((names for each in feature if (names := _names_in(each))), ())
    if not isinstance(feature, dict):
        return ()
    if feature.get("_type") == "ClassLabel":
        return tuple(map(str, feature.get("names") or ()))
    return next((names for key in ("feature", *_CATEGORIES) if (names := _names_in(feature.get(key)))), ())


def _rows(tree: Tree, base: str, columns: _Columns) -> Iterator[_Row]:
    """The rows of a split, in order.

    Raises:
        InputError: a file is missing or is not as the set says.
    """
    state = _json(tree, f"{base}{STATE}")
    if state.get("_indices_data_files"):
        raise InputError(f"{base}{STATE}: saved with a choice of rows beside it; call flatten_indices() and save the set again")
    files = [f"{base}{each.get('filename')}" for each in state.get("_data_files") or ()]
    number = 0
    for path in files:
        if path not in tree.files:
            raise InputError(f"{tree.place} lacks {path}, which {base}{STATE} names; save the set again")
        where = span_of(tree.files[path])
        table = table_of(*where)
        if columns.image not in table.column_names or not pa.types.is_struct(table.schema.field(columns.image).type):
            raise InputError(f"{path} has no pictures in the column {columns.image!r}, which {base}{INFO} says it has")
        names = pc.struct_field(table[columns.image], "path").to_pylist()
        there = pc.struct_field(table[columns.image], "bytes").is_valid().to_pylist()
        wanted = [name for name in (columns.label, columns.objects, "width", "height") if name in table.column_names]
        values = table.select(wanted).to_pylist() if wanted else [{}] * len(table)
        for row, (name, full, of) in enumerate(zip(names, there, values, strict=True)):
            image = ArrowCell(*where, columns.image, row) if full else None
            yield _Row(base.rstrip("/"), number, PurePosixPath((name or "").replace("\\", "/")).name, image, of)
            number += 1


# Folders with metadata -------------------------------------------------------------------------------------------------------


def _listed(tree: Tree, path: str, problems: list[Problem]) -> Iterator[dict[str, Any]]:
    """The rows of a metadata file that are objects.

    Raises:
        InputError: it is a CSV that cannot be parted into fields.
    """
    if path.endswith(".csv"):
        try:
            yield from csv.DictReader(io.StringIO(tree.text(path), newline=""))
        except csv.Error as error:
            raise InputError(f"cannot read {path} as a CSV: {error}") from error
        return
    for number, line in enumerate(tree.lines(path), 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            yield row
        else:
            problems.append(Problem(f"{path}, row {number}", "it is no JSON object"))


def _from_metadata(row: Mapping[str, Any], path: str, pictures: Tree, problems: list[Problem]) -> Annotated | None:
    """What a row of the metadata file at `path` says; None where its picture cannot be used."""
    folder = path.rpartition("/")[0]
    name = row.get("file_name")
    full = f"{folder}/{name}" if folder else str(name)
    split = split_of_path(full)
    if not isinstance(name, str) or not name:
        problems.append(Problem(path, f"a row without file_name: {json.dumps(row)[:80]}", split, kind="missing"))
    elif leads_out(name):
        problems.append(Problem(name, "its file_name leads out of the folder", split, kind="leads-out"))
    elif (found := pictures.find(full) or pictures.find(name)) is None:
        problems.append(Problem(PurePosixPath(name).stem, f"{path} has it, but there is no {full}", split, kind="missing"))
    else:
        label = next((key for key in _LABELS if row.get(key) not in (None, "")), "")
        objects = "objects" if row.get("objects") not in (None, "") else ""
        columns = _Columns("", "" if objects else label, objects, ())
        return _annotated(found, pictures.files[found], split, row, columns, problems)
    return None


def beside(image: Path) -> Annotated | None:
    """What the metadata file in a picture's folder, or in one of the two above it, says of the picture.

    Raises:
        InputError: it is a CSV that cannot be parted into fields.
    """
    for folder, kind in product(image.parents[:3], METADATA):
        path = folder / kind
        if path.is_file() and path.stat().st_size <= _BESIDE:
            name = image.relative_to(folder).as_posix()
            tree = Tree(folder, {name: ImageFile(image), kind: ImageFile(path)})
            row = next((row for row in _listed(tree, kind, []) if row.get("file_name") == name), None)
            return None if row is None else _from_metadata(row, kind, tree, [])
    return None


# What a row says -------------------------------------------------------------------------------------------------------------


def _annotated(
    path: str, image: Stored, split: str, row: Mapping[str, Any], columns: _Columns, problems: list[Problem]
) -> Annotated:
    """What the columns of a row say of its picture."""
    identity = PurePosixPath(path).stem
    wrong: list[str] = []
    labels = _class_names(row.get(columns.label), columns.names, wrong) if columns.label else []
    names, corners = _boxes(row.get(columns.objects), columns.names, wrong) if columns.objects else ([], NO_BOXES)
    problems += [Problem(identity, each, split, False, "no-box" if columns.objects else "no-class") for each in wrong]
    size = (row.get("width"), row.get("height"))
    said = size if all(isinstance(each, int) for each in size) else None
    return Annotated(path, image, split, tuple(labels), tuple(names), corners, said)


def _boxes(value: Any, classes: Sequence[str], wrong: list[str]) -> tuple[list[str], np.ndarray]:
    """The class and the corners (n, 4) of each of a row's objects that can be used."""
    try:
        boxes, categories = _objects(value)
        named = [_class_names(each, classes, wrong) for each in categories]
        kept = [(box, name[0]) for box, name in zip(boxes, named, strict=True) if name]
        corners = np.array([box for box, _ in kept], np.float64).reshape(len(kept), 4)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        wrong.append(f"its objects are not boxes with categories: {first_line(error)}")
        return [], NO_BOXES
    if len(kept) < len(boxes):
        wrong.append(f"{len(boxes) - len(kept)} of its {len(boxes)} boxes are of no class: left out")
    corners[:, 2:] += corners[:, :2]
    return [name for _, name in kept], corners


def _class_names(value: Any, names: Sequence[str], wrong: list[str]) -> list[str]:
    """The classes that a label means, a number by its name; none where it is empty or -1, the library's "not known"."""
    if isinstance(value, list):
        return [name for each in value for name in _class_names(each, names, wrong)]
    if value is None or value in (-1, ""):
        return []
    if not names or isinstance(value, str):
        return [str(value)]
    if 0 <= value < len(names):
        return [names[value]]
    wrong.append(f"the class {value} is none of {len(names)}")
    return []


def _objects(value: Any) -> tuple[list[Any], list[Any]]:
    """Boxes and categories of a row's objects, written as two lists, as a list of both, or as JSON of either in a CSV.

    Raises:
        ValueError, TypeError, AttributeError: they are not.
    """
    value = json.loads(value) if isinstance(value, str) else value
    if isinstance(value, list):
        return [_first_of(each, _BOXES) for each in value], [_first_of(each, _CATEGORIES) for each in value]
    return (_first_of(value, _BOXES) or [], _first_of(value, _CATEGORIES) or []) if value else ([], [])


def _first_of(value: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((value[key] for key in keys if value.get(key) is not None), None)


def _in_order(pictures: Sequence[Annotated]) -> list[str]:
    """Classes that are numbers in the order of these; nothing for others, which are sorted by name."""
    used = {name for each in pictures for name in each.classes}
    return sorted(used, key=int) if all(name.isdecimal() for name in used) else []
