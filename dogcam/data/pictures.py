"""Which pictures a user means by files, folders, globs and ids."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dogcam.core.errors import DogcamError, InputError
from dogcam.core.registry import nearest
from dogcam.data import NO_BOXES, Dataset, Problem, Record
from dogcam.data.assembling import boxes_of
from dogcam.data.images import SUFFIXES, ImageFile
from dogcam.data.opening import boxes_beside

# Where explanations go unless --out names another folder, with a number from the second on.
EXPLAINED = "dogcam-explained"


def find_pictures(
    wanted: Sequence[str], open_dataset: Callable[[], Dataset | None], labels: bool = True
) -> tuple[list[Record], list[Problem]]:
    """The pictures that `wanted` names, in order, each once.

    Args:
        wanted: files, folders (their pictures, or those of their folders where they have none of their own, leaving out
            what dogcam wrote itself: experiments and folders named dogcam-explained*), globs, or ids of pictures in the
            model's dataset.
        open_dataset: opens that dataset; called once, and only if an id is asked for or, with `labels`, a file that lies
            beside its annotation, as in an unpacked copy of Stanford Dogs.
        labels: look up the true class of such files; without need that would be a long way for a short answer.

    Returns:
        Records, and what is wrong with annotations. A file has boxes where an annotation lies beside it; its label too
        (and boxes the annotation does not give) where the model's dataset has a picture of the file's name.

    Raises:
        InputError: a name that is none of these, or a folder without pictures.
    """
    found: dict[str, Record] = {}
    seen: set[Path] = set()
    problems: list[Problem] = []
    known = _Known(open_dataset, labels)
    for name in wanted:
        paths = _paths(name)
        if paths is None:
            found[name] = known.named(name)
            continue
        for path in paths:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                record, wrong = _from_file(path, known)
                problems += wrong
                found[record.id] = record
    return list(found.values()), problems


class _Known:
    """The pictures of the model's dataset by id; it is opened at the first question."""

    def __init__(self, open_dataset: Callable[[], Dataset | None], labels: bool):
        self._open = open_dataset
        self._records: dict[str, Record] | None = None
        self._closed = not labels

    def named(self, name: str) -> Record:
        """The picture of the id `name`.

        Raises:
            InputError: there is none; or what opening the dataset raises.
        """
        records = self._by_id()
        if name not in records:
            close = nearest(name, records)
            hint = f"; the nearest ids in the model's dataset: {', '.join(close)}" if close else ""
            raise InputError(f"no such file, folder or picture of the model's dataset: {name}{hint}")
        return records[name]

    def like(self, path: Path) -> Record | None:
        """The picture that a file is a copy of, by its name; None where that cannot be known."""
        if self._closed:
            return None
        try:
            return self._by_id().get(path.stem)
        except DogcamError:
            # The file can be explained without the dataset: all that is missing is its true class.
            self._closed = True
            return None

    def _by_id(self) -> dict[str, Record]:
        if self._records is None:
            dataset = self._open()
            splits = dataset.splits.values() if dataset else ()
            self._records = {record.id: record for records in splits for record in records}
        return self._records


def _paths(name: str) -> list[Path] | None:
    """The files that `name` means; None where it is no file, folder or glob."""
    if not name.strip():
        raise InputError("an empty name is no picture: name files, folders, globs or ids; . is the current folder")
    path = Path(name)
    if path.is_file():
        return [path]
    if path.is_dir():
        paths = _pictures(path.iterdir()) or _pictures(_below(path))
        if not paths:
            raise InputError(f"the folder {name} holds no picture ({', '.join(sorted(SUFFIXES))}) but dogcam's own")
        return paths
    if glob.has_magic(name):
        paths = _pictures(Path(each) for each in glob.glob(name, recursive=True))
        if not paths:
            raise InputError(f"no picture matches {name}")
        return paths
    return None


def _below(folder: Path) -> Iterator[Path]:
    """The files in the folders of `folder`, but for those in folders that dogcam wrote."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_ours(Path(place, name))]
        yield from (Path(place, name) for name in files)


def _is_ours(folder: Path) -> bool:
    return folder.name.startswith(EXPLAINED) or (folder / "experiment.json").exists()


def _pictures(paths) -> list[Path]:  # noqa: ANN001 - any iterable of paths
    return sorted(path for path in paths if path.suffix.lower() in SUFFIXES and path.is_file())


def _from_file(path: Path, known: _Known) -> tuple[Record, list[Problem]]:
    """The record of a file; its boxes and label where it lies as a format lays its pictures out, annotated."""
    try:
        beside = boxes_beside(path.absolute())
    except InputError as error:
        same = known.like(path)
        record = Record(str(path), ImageFile(path), same.label if same else None, same.boxes if same else NO_BOXES)
        return record, [Problem(str(path), str(error), lost=False, kind="no-box")]
    if beside is None:
        # Turned as its EXIF tag says: what a person sees. Annotations refer to the pixels as they are stored.
        return Record(str(path), ImageFile(path, upright=True), None), []
    annotated, boxes, problems = boxes_of(beside, str(path))
    same = known.like(path)
    if same and not len(boxes):
        boxes = same.boxes
    return Record(str(path), annotated.image, same.label if same else None, boxes), problems
