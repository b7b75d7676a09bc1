"""Stanford Dogs (Khosla et al. 2011): 120 breeds with annotated boxes, from its own archives or through TFDS.

`data_dir` may hold what the dataset's page offers, `images.tar`, `annotation.tar` and `lists.tar`, or what they unpack
to (`Images/`, `Annotation/` and the .mat lists, there or in `lists/`), with any number of breeds. The archives are read
where they lie: nothing is unpacked. Where there is neither, TFDS gives its prepared copy or downloads one.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.core.registry import resolve
from dogcam.data import NO_BOXES, Dataset, FileSlice, ImageFile, Origin, Problem, Record, reason_of, short_names
from dogcam.data.voc_xml import read_voc_xml

IMAGES, ANNOTATION = "Images", "Annotation"
UNPACKED = {"images.tar": IMAGES, "annotation.tar": ANNOTATION}  # the folder that each archive holds
LISTS = {"train": "train_list.mat", "test": "test_list.mat"}


@dataclass(frozen=True)
class _Files:
    """The pictures, annotations and lists of one copy, by their paths in the archives."""

    images: Mapping[str, ImageFile | FileSlice]
    annotations: Mapping[str, ImageFile | FileSlice]
    lists: Mapping[str, ImageFile | FileSlice]


def open_stanford_dogs(argument: str, data_dir: str | None, progress: Progress) -> Dataset:
    """Stanford Dogs from `data_dir` where that holds it, else through TFDS.

    Raises:
        InputError: archives or lists that are incomplete or cannot be read.
        Unavailable: nothing is there, and it cannot be downloaded.
    """
    if argument:
        raise InputError(f"stanford_dogs takes no argument; received stanford_dogs:{argument}")
    folder = Path(data_dir) if data_dir is not None else None
    if folder is not None and not folder.is_dir():
        raise InputError(f"--data-dir must be a folder; there is no folder {str(folder)!r}")
    if folder is not None and (files := _find_files(folder)) is not None:
        return _read(files, folder, progress)
    return resolve("dogcam.data.tfds:open_tfds")("stanford_dogs", data_dir, progress)


def _find_files(folder: Path) -> _Files | None:
    """What `folder` holds, each part packed or unpacked; None where it holds neither pictures nor annotations."""
    parts = {archive: _part(folder, archive, name) for archive, name in UNPACKED.items()}
    if all(part is None for part in parts.values()):
        return None
    parts["lists.tar"] = _lists(folder)
    missing = [archive for archive, part in parts.items() if part is None]
    if missing:
        needed = ", ".join(parts)
        raise InputError(f"{folder} lacks {', '.join(missing)}: Stanford Dogs needs {needed} there, or what they unpack to")
    return _Files(*parts.values())


def _part(folder: Path, archive: str, name: str) -> dict[str, ImageFile | FileSlice] | None:
    if (folder / archive).exists():
        return _members(folder / archive)
    return _tree(folder, name) if (folder / name).is_dir() else None


def _members(archive: Path) -> dict[str, FileSlice]:
    """Where each file of an uncompressed archive begins and ends."""
    try:
        with tarfile.open(archive, "r:") as opened:
            members = [member for member in opened if member.isfile()]
        _require_end(archive, opened.offset)
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"cannot read {archive} as a tar archive: {error}; fetch it again") from error
    return {each.name.removeprefix("./"): FileSlice(archive, each.offset_data, each.size, each.name) for each in members}


def _require_end(archive: Path, offset: int) -> None:
    """Nothing but zeros may follow `offset`, where reading stopped: tarfile takes a broken header for the end, silently.

    Raises:
        InputError: there is more.
    """
    with archive.open("rb") as file:
        file.seek(offset)
        while block := file.read(1 << 20):
            if block.strip(b"\0"):
                raise InputError(f"{archive} is damaged at byte {offset}: what follows cannot be read; fetch it again")


def _tree(folder: Path, name: str) -> dict[str, ImageFile]:
    paths = (path for path in sorted((folder / name).rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): ImageFile(path) for path in paths}


def _lists(folder: Path) -> dict[str, ImageFile | FileSlice] | None:
    for place in (folder, folder / "lists"):
        if all((place / name).exists() for name in LISTS.values()):
            return {name: ImageFile(place / name) for name in LISTS.values()}
    return _members(folder / "lists.tar") if (folder / "lists.tar").exists() else None


def _listed(files: _Files, split: str) -> list[str]:
    """The "breed/id.jpg" entries of a split's list, in its order."""
    name = LISTS[split]
    source = next((each for path, each in files.lists.items() if Path(path).name == name), None)
    if source is None:
        raise InputError(f"lists.tar lacks {name}, which says what belongs to the {split} split")
    content = io.BytesIO(source.content())
    try:
        entries = scipy.io.loadmat(content, squeeze_me=True, variable_names=["file_list"])["file_list"]
    except Exception as error:  # SciPy's reader lets out whatever it stumbles over: IndexError, zlib.error, ...
        raise InputError(f"cannot read {name} as a list of files ({error!r}); fetch lists.tar again") from error
    return [str(entry) for entry in np.atleast_1d(entries)]


def _read(files: _Files, folder: Path, progress: Progress) -> Dataset:
    listed = {split: _listed(files, split) for split in LISTS}
    breeds = sorted({entry.split("/")[0] for entries in listed.values() for entry in entries})
    labels = {breed: label for label, breed in enumerate(breeds)}
    problems: list[Problem] = []
    splits = {}
    for split, entries in listed.items():
        records = []
        for entry in progress.track(entries, f"reading annotations ({split})", len(entries)):
            record, found = _record(entry, split, labels, files)
            problems += found
            records += [record] if record else []
        splits[split] = tuple(records)
    return Dataset("stanford_dogs", short_names(breeds), splits, tuple(problems), Origin("archives", str(folder)))


def _record(entry: str, split: str, labels: Mapping[str, int], files: _Files) -> tuple[Record | None, list[Problem]]:
    """The record of a list's entry, None where its picture is missing, and what is wrong with it."""
    identity = Path(entry).stem
    image = files.images.get(f"{IMAGES}/{entry}")
    if image is None:
        return None, [Problem(identity, f"listed in {LISTS[split]}, but there is no {IMAGES}/{entry}", split)]
    boxes, problems = _annotated(f"{ANNOTATION}/{Path(entry).with_suffix('').as_posix()}", identity, split, files)
    label = labels[entry.split("/")[0]]
    return Record(identity, image, label, boxes), problems


def _annotated(path: str, identity: str, split: str, files: _Files) -> tuple[np.ndarray, list[Problem]]:
    """The boxes that the annotation at `path` gives, none where it cannot be used, and what is wrong."""
    if path not in files.annotations:
        return NO_BOXES, [Problem(identity, f"no annotation {path}", split, lost=False)]
    try:
        content = files.annotations[path].content()
    except InputError as error:
        return NO_BOXES, [Problem(identity, reason_of(error, identity), split, lost=False)]
    return read_voc_xml(content, identity, split)


def boxes_beside(image: Path) -> tuple[np.ndarray, list[Problem]] | None:
    """Boxes and problems of a picture that lies in an unpacked copy (Images/<breed>/<id>.jpg), see `data.Source`."""
    if len(image.parts) < 3 or image.parents[1].name != IMAGES:
        return None
    path = image.parents[2] / ANNOTATION / image.parent.name / image.stem
    return read_voc_xml(path.read_bytes(), str(image)) if path.is_file() else None
