"""Which pictures a user means by files, folders, globs and ids."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import filter as matching
from pathlib import Path

import numpy as np

from dogcam.core.errors import DogcamError, InputError
from dogcam.core.progress import Progress
from dogcam.core.registry import nearest
from dogcam.data import Dataset, Picture, Problem, Record
from dogcam.data.assembling import Annotated, boxes_of
from dogcam.data.checking import Faults
from dogcam.data.class_names import ClassNames
from dogcam.data.images import SUFFIXES, ImageFile
from dogcam.data.opening import boxes_beside

# Where explanations go unless --out names another folder, with a number from the second on.
EXPLAINED = "dogcam-explained"
# Folders of annotated pictures that hold masks, not photographs, in VOC, Oxford-IIIT Pet, COCO-Stuff, ADE20K, ...
_OF_MASKS = (
    *("segmentationclass", "segmentationclassaug", "segmentationobject", "trimaps", "stuffthingmaps"),
    *("annotations", "annotation", "labels", "masks", "mask"),
)


@dataclass(frozen=True, eq=False, slots=True)
class WholePicture(Record):
    """A picture with the boxes of all of its classes; its own label is None where it has several.

    Attributes:
        box_labels: of each box, None where its class is none of the model's.
    """

    box_labels: tuple[int | None, ...] = ()


def boxes_for(record: Record, label: int | None) -> np.ndarray:
    """The annotated boxes (n, 4) that a box drawn for the class `label` is held against.

    Those of that class where the picture has such, else all: a map of a class that is not annotated there can still be on an
    object.
    """
    if isinstance(record, WholePicture) and label is not None and label in record.box_labels:
        return record.boxes[[each == label for each in record.box_labels]]
    return record.boxes


def find_pictures(
    wanted: Sequence[str],
    open_dataset: Callable[[], Dataset | None],
    labels: bool = True,
    classes: Sequence[str] = (),
    dataset: str | None = None,
    progress: Progress | None = None,
) -> tuple[list[Record], list[Problem]]:
    """The pictures that `wanted` names, in order, each once.

    Args:
        wanted: files, folders (their pictures, or those of their folders where they have none of their own, leaving out
            masks and what dogcam wrote itself: experiments and folders named dogcam-explained*), globs, or ids of pictures in
            the dataset; of a set with several classes in a picture, also of a picture with one of them, "id#class".
        open_dataset: opens that dataset, with labels as the model counts them; called once, and only if an id is asked for or,
            with `labels`, a file whose annotation lies beside it and names no class of the model.
        labels: look up the true class of such files; without need that would be a long way for a short answer.
        classes: of the model, by which the class of an annotation beside a file is known.
        dataset: its specification where the user named it; then names and globs are looked for among its ids first.
        progress: hears of annotations that were set right by a rule.

    Returns:
        Records, and what is wrong with annotations. A file has boxes and label where an annotation lies beside it; what
        that does not give it has from the dataset, where that has a picture of the file's name.

    Raises:
        InputError: a name that is none of these, or a folder without pictures.
    """
    records_by_id: dict[str, Record] = {}
    seen: set[Path] = set()
    faults = Faults([])
    known = _Known(open_dataset, labels, classes, dataset)
    for name in wanted:
        if dataset and (records := known.matching(name)):
            records_by_id.update((record.id, record) for record in records)
            continue
        paths = _paths(name)
        if paths is None:
            records_by_id[name] = known.named(name)
            continue
        for path in paths:
            if path.resolve() not in seen:
                seen.add(path.resolve())
                record = _from_file(path, known, faults)
                records_by_id[record.id] = record
    if faults.mended and progress:
        first, more = faults.mended[0], len(faults.mended) - 1
        progress.note(f"{first.id}: {first.reason}{f' (and {more:,} more set right)' if more else ''}")
    return list(records_by_id.values()), faults.problems


class _Known:
    """The pictures of the dataset by id, which is opened at the first question; and the names of the model's classes."""

    def __init__(self, open_dataset: Callable[[], Dataset | None], labels: bool, classes: Sequence[str], named: str | None):
        self._open = open_dataset
        self._records: dict[str, Record] | None = None
        self._closed = not labels
        self._called = named or "the model's dataset"
        self.classes = ClassNames(classes)

    def named(self, name: str) -> Record:
        """The picture of the id `name`.

        Raises:
            InputError: there is none; or what opening the dataset raises.
        """
        records = self._by_id()
        if name not in records:
            close = nearest(name, records)
            hint = f"; the nearest ids in {self._called}: {', '.join(close)}" if close else ""
            raise InputError(f"no such file, folder or picture of {self._called}: {name}{hint}")
        return records[name]

    def matching(self, name: str) -> list[Record]:
        """The picture of the id `name`, or the pictures whose ids match a glob."""
        records = self._by_id()
        if name in records:
            return [records[name]]
        whole = [identity for identity, record in records.items() if identity == record.picture]
        return [records[identity] for identity in matching(whole, name)] if glob.has_magic(name) else []

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
            rows = [record for records in dataset.splits.values() for record in records] if dataset else []
            self._records = {record.id: record for record in rows}
            self._records |= _whole(row for row in rows if row.id != row.picture)
        return self._records


def _whole(rows: Iterable[Record]) -> dict[str, Record]:
    """By picture what its rows, each of one class, say together."""
    by_picture: dict[str, list[Record]] = {}
    for row in rows:
        by_picture.setdefault(row.picture, []).append(row)
    pictures: dict[str, Record] = {}
    for picture, several in by_picture.items():
        labels = [row.label for row in several for _ in row.boxes]
        boxes = np.concatenate([row.boxes for row in several])
        pictures[picture] = _picture(picture, several[0].image, {row.label for row in several}, boxes, labels)
    return pictures


def _picture(
    identity: str, image: Picture, present: Iterable[int | None], boxes: np.ndarray, labels: Sequence[int | None]
) -> WholePicture:
    """A picture of these classes; where the model knows but one of them, that is its label."""
    known = tuple(sorted({label for label in present if label is not None}))
    return WholePicture(identity, image, known[0] if len(known) == 1 else None, boxes, present=known, box_labels=tuple(labels))


def _paths(name: str) -> list[Path] | None:
    """The files that `name` means; None where it is no file, folder or glob."""
    if not name.strip():
        raise InputError("an empty name is no picture: name files, folders, globs or ids; . is the current folder")
    path = Path(name)
    if path.is_file():
        return [path]
    if path.is_dir():
        paths = _pictures(path.iterdir()) or _without_masks(_pictures(_below(path)), path)
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


def _without_masks(paths: list[Path], folder: Path) -> list[Path]:
    """The pictures that do not lie in a folder of masks; all where they all do."""
    photographs = [path for path in paths if not any(part.lower() in _OF_MASKS for part in path.relative_to(folder).parts[:-1])]
    return photographs or paths


def _is_ours(folder: Path) -> bool:
    return folder.name.startswith(EXPLAINED) or (folder / "experiment.json").exists()


def _pictures(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.suffix.lower() in SUFFIXES and path.is_file())


def _from_file(path: Path, known: _Known, faults: Faults) -> Record:
    """The record of a file; its boxes and label where it lies as a format lays its pictures out, annotated."""
    identity, broken = str(path), False
    try:
        beside = boxes_beside(path.absolute())
    except InputError as error:
        beside, broken = None, True
        faults.problems.append(Problem(identity, str(error), lost=False, kind="no-box"))
    if beside is None and not broken:
        # Turned as its EXIF tag says: what a person sees. Annotations may refer to the pixels as they are stored.
        return Record(identity, ImageFile(path, upright=True), None)
    annotated, boxes, own = boxes_of(beside or Annotated(identity, ImageFile(path)), identity)
    labels = [known.classes.label(name) for name in annotated.names]
    record = _picture(identity, annotated.image, map(known.classes.label, annotated.classes), boxes, labels)
    if not record.present or not len(boxes):
        record = _completed(record, known.like(path))
    faults.problems.extend(own.problems)
    faults.mended.extend(own.mended)
    return record


def _completed(record: WholePicture, same: Record | None) -> WholePicture:
    """A file's record with the label and the boxes that it lacks, as the dataset has them."""
    if same is None:
        return record
    label, present = (record.label, record.present) if record.present else (same.label, same.present)
    if len(record.boxes):
        return replace(record, label=label, present=present)
    labels = same.box_labels if isinstance(same, WholePicture) else (same.label,) * len(same.boxes)
    image = replace(record.image, upright=getattr(same.image, "upright", False))  # the frame that these boxes are of
    return replace(record, image=image, label=label, present=present, boxes=same.boxes, box_labels=labels)
