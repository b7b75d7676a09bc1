"""CSV: a table with a row for each box, or for each picture that has none; see `csv_columns` for what its columns may be.

Columns named xmin, ymin, xmax, ymax are VOC's own, and tables with them are mostly VOC files written as rows: their numbers are
taken by the rule that holds there (`voc_xml.counts_from_one`), so that both give the same boxes. Others are taken as they stand.
"""

from __future__ import annotations

import csv
import io
import os
import posixpath
from functools import lru_cache
from itertools import islice
from pathlib import Path

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.formats.csv_columns import columns_of, rows_of
from dogcam.data.formats.csv_table import Said, pictures_of, settle, table_of
from dogcam.data.images import SUFFIXES, ImageFile, Stored, stem_of
from dogcam.data.splits import split_of_file, split_of_path
from dogcam.data.trees import Place, Tree, decoded, files_ending

# Larger tables are not searched for the boxes of a single picture.
_SMALL = 20 << 20


def sign_csv(tree: Tree) -> str:
    """What a tree is recognised by: its tables of pictures that are there."""
    tables = _tables(tree)
    return (
        f"{tables[0]}{f' and {len(tables) - 1} more' if tables[1:] else ''}, with a row for each box or picture" if tables else ""
    )


def _tables(tree: Tree) -> list[str]:
    return [path for path in tree.files if path.lower().endswith((".csv", ".tsv")) and _is_of_pictures(tree, path)]


def _is_of_pictures(tree: Tree, path: str) -> bool:
    """Whether the first rows of a file name pictures that are there, by columns that can be read or nearly so."""
    text = decoded(tree.files[path].beginning(1 << 16))
    try:
        columns = columns_of(text, path)
    except InputError:
        return False
    if columns.header and not (columns.box or columns.label is not None):
        return False
    rows = islice(rows_of(io.StringIO(text, newline=""), columns), 20)
    try:
        return any(stem_of(row[columns.path].strip()) in tree.by_stem for row in rows if len(row) > columns.path)
    except csv.Error:
        return False


def _why_not(tree: Tree) -> str:
    """What the first table lacks that is none of pictures; what to do where it lacks nothing but its pictures."""
    for path in tree.files:
        if path.lower().endswith((".csv", ".tsv")):
            try:
                columns_of(decoded(tree.files[path].beginning(1 << 16)), path)
            except InputError as error:
                return f": {error}"
            return f": those of {path} are not there; say where they are with --data-dir, or name the file: csv:FILE"
    return ": there is no .csv or .tsv"


def read_csv(place: Place, progress: Progress) -> Reading:
    """The pictures of the table that was named, or of all tables of pictures in a folder.

    Raises:
        InputError: there is none, its columns cannot be told, or its boxes are in the wrong columns.
    """
    paths = [place.file] if place.file else _tables(place.tree)
    if not paths:
        raise InputError(f"{place.tree.place} has no CSV that names its pictures{_why_not(place.tree)}")
    tables = {path: table_of(place.tree.content(path), path) for path in paths}
    said = settle(list(tables.values()))
    if said:
        progress.note(said)
    pictures: list[Annotated] = []
    problems: list[Problem] = []
    for path, table in tables.items():
        find = _Finder(path, place)
        for position, each in progress.track(enumerate(pictures_of(table)), f"reading {path}", len(table.names)):
            split = each.split or split_of_file(path)
            image = find(table.names[position])
            if isinstance(image, Problem):
                problems.append(Problem(image.id, image.reason, split, kind=image.kind))
                continue
            pictures.append(Annotated(*image, split or split_of_path(image[0]), *each.said))
        problems += [
            Problem(_id(find(table.names[at])), f"{path}, {reason}", "", False, kind) for at, kind, reason in table.wrong
        ]
    return Reading(pictures, (), problems)


def _id(found: tuple[str, Stored] | Problem) -> str:
    return found.id if isinstance(found, Problem) else found[0]


class _Finder:
    """Finds the pictures that the table at `path` names: below its folder or anywhere in the place; absolute ones anywhere."""

    def __init__(self, path: str, place: Place):
        self.table, self.tree = path, place.pictures
        self.folder = path.rpartition("/")[0]

    def __call__(self, name: str) -> tuple[str, Stored] | Problem:
        """The picture's path and where it is, or what is wrong."""
        wanted = name.replace("\\", "/")
        if not wanted:
            return Problem(self.table, "a row names no picture", kind="missing")
        if ".." in wanted.split("/"):
            wanted = posixpath.normpath(posixpath.join(self.folder, wanted))
            if ".." in wanted.split("/"):
                return Problem(stem_of(name), f"{self.table} names {name}, which leads out of the folder", kind="leads-out")
        path = self.tree.picture(wanted, *((self.folder,) if self.folder else ())) or self._without_suffix(wanted)
        if path:
            return path, self.tree.files[path]
        # Not `Path.is_file`, which raises where a name is too long to be one.
        if os.path.isabs(name) and name.lower().endswith(tuple(SUFFIXES)) and os.path.isfile(name):
            return wanted, ImageFile(Path(name))
        return Problem(stem_of(name), f"{self.table} names {name}, and there is no such picture", kind="missing")

    def _without_suffix(self, wanted: str) -> str | None:
        if Path(wanted).suffix.lower() in SUFFIXES:
            return None
        paths = self.tree.by_stem.get(wanted.rpartition("/")[2], [])
        return paths[0] if len(paths) == 1 else None


def beside(image: Path) -> Annotated | None:
    """What is said of a picture by a table in its folder, the one above, or `data` beside its folder.

    Raises:
        InputError: a table of pictures cannot be read.
    """
    for folder in (image.parent, image.parent.parent, image.parent.parent / "data"):
        for path in files_ending(folder, ".csv", ".tsv"):
            if path.stat().st_size <= _SMALL:
                said = _said_by(path, path.stat().st_mtime_ns).get(image.name, ())
                for name, each in said:
                    if _is_meant(name, path.parent, image):
                        return Annotated(str(image), ImageFile(image), "", *each.said)
    return None


def _is_meant(name: str, folder: Path, image: Path) -> bool:
    """Whether the name in a table is the picture's: its path from there; of a path that is not there, the end counts."""
    direct = folder / name.replace("\\", "/")
    return direct.resolve() == image.resolve() if direct.exists() else True


@lru_cache(maxsize=16)
def _said_by(path: Path, changed: int) -> dict[str, list[tuple[str, Said]]]:
    """What a table that changed at `changed` says of pictures, by their names without folders; nothing if it is of none."""
    content = ImageFile(path).content()
    by_name: dict[str, list[tuple[str, Said]]] = {}
    try:
        columns_of(decoded(content[: 1 << 16]), path.name)
    except InputError:
        return by_name
    table = table_of(content, path.name)
    settle([table])
    for name, each in zip(table.names, pictures_of(table), strict=True):
        by_name.setdefault(name.replace("\\", "/").rpartition("/")[2], []).append((name, each))
    return by_name
