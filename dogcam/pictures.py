"""Which pictures a user means by files, folders, globs and ids."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from pathlib import Path

from dogcam.datasets import NO_BOXES, Dataset, ImageFile, Problem, Record
from dogcam.datasets.stanford_dogs import annotation_beside, read_annotation
from dogcam.errors import InputError
from dogcam.registry import nearest

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif"}


def find_pictures(
    wanted: Sequence[str], open_dataset: Callable[[], Dataset | None]
) -> tuple[list[Record], list[Problem]]:
    """The pictures that `wanted` names, in order, each once.

    Args:
        wanted: files, folders (their pictures, or those of their folders where they have none of their own), globs, or
            ids of pictures in the model's dataset.
        open_dataset: opens that dataset; called once, and only if an id is asked for.

    Returns:
        Records (with boxes where an annotation lies beside the file), and what is wrong with annotations.

    Raises:
        InputError: a name that is none of these, or a folder without pictures.
    """
    found: dict[str, Record] = {}
    seen: set[Path] = set()
    problems: list[Problem] = []
    known: dict[str, Record] | None = None
    for name in wanted:
        paths = _paths(name)
        if paths is None:
            known = _by_id(open_dataset()) if known is None else known
            found[name] = _known(name, known)
            continue
        for path in paths:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                record, wrong = _from_file(path)
                problems += wrong
                found[record.id] = record
    return list(found.values()), problems


def _paths(name: str) -> list[Path] | None:
    """The files that `name` means; None where it is no file, folder or glob."""
    path = Path(name)
    if path.is_file():
        return [path]
    if path.is_dir():
        paths = _pictures(path.iterdir()) or _pictures(path.rglob("*"))
        if not paths:
            raise InputError(f"the folder {name} holds no picture ({', '.join(sorted(SUFFIXES))})")
        return paths
    if glob.has_magic(name):
        paths = _pictures(Path(each) for each in glob.glob(name, recursive=True))
        if not paths:
            raise InputError(f"no picture matches {name}")
        return paths
    return None


def _pictures(paths) -> list[Path]:  # noqa: ANN001 - any iterable of paths
    return sorted(path for path in paths if path.suffix.lower() in SUFFIXES and path.is_file())


def _from_file(path: Path) -> tuple[Record, list[Problem]]:
    """The record of a file; its boxes where it lies in an unpacked copy of Stanford Dogs."""
    content = annotation_beside(path.absolute())
    if content is None:
        # Turned as its EXIF tag says: what a person sees. Annotations refer to the pixels as they are stored.
        return Record(str(path), ImageFile(path, upright=True), None), []
    boxes, problems = read_annotation(content, str(path))
    return Record(str(path), ImageFile(path), None, NO_BOXES if boxes is None else boxes), problems


def _by_id(dataset: Dataset | None) -> dict[str, Record]:
    if dataset is None:
        return {}
    return {record.id: record for records in dataset.splits.values() for record in records}


def _known(name: str, known: dict[str, Record]) -> Record:
    if name not in known:
        close = nearest(name, known)
        hint = f"; the nearest ids in the model's dataset: {', '.join(close)}" if close else ""
        raise InputError(f"no such file, folder or picture of the model's dataset: {name}{hint}")
    return known[name]
