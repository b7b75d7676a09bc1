"""Stanford Dogs (Khosla et al. 2011): 120 breeds with annotated boxes, from its own archives or through TFDS.

`data_dir` may hold what the dataset's page offers, `images.tar`, `annotation.tar` and `lists.tar`, or what they unpack
to (`Images/`, `Annotation/` and the .mat lists, there or in `lists/`), with any number of breeds. The archives are read
where they lie: nothing is unpacked. Where there is neither, TFDS gives its prepared copy or downloads one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.core.registry import resolve
from dogcam.data import NO_BOXES, Dataset, Origin, Problem, reason_of
from dogcam.data.assembling import Annotated, Reading, assemble
from dogcam.data.images import FileSlice, ImageFile
from dogcam.data.trees import tar_members
from dogcam.data.voc_xml import Objects, objects_of

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
        return tar_members(folder / archive)
    return _tree(folder, name) if (folder / name).is_dir() else None


def _tree(folder: Path, name: str) -> dict[str, ImageFile]:
    paths = (path for path in sorted((folder / name).rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): ImageFile(path) for path in paths}


def _lists(folder: Path) -> dict[str, ImageFile | FileSlice] | None:
    for place in (folder, folder / "lists"):
        if all((place / name).exists() for name in LISTS.values()):
            return {name: ImageFile(place / name) for name in LISTS.values()}
    return tar_members(folder / "lists.tar") if (folder / "lists.tar").exists() else None


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
    problems: list[Problem] = []
    pictures: list[Annotated] = []
    for split, entries in listed.items():
        for entry in progress.track(entries, f"reading annotations ({split})", len(entries)):
            picture, found = _picture(entry, split, files)
            problems += found
            pictures += [picture] if picture else []
    return assemble("stanford_dogs", Reading(pictures, breeds, problems), Origin("archives", str(folder)), 0, progress)


def _picture(entry: str, split: str, files: _Files) -> tuple[Annotated | None, list[Problem]]:
    """What is said of a list's entry, None where its picture is missing, and what is wrong with it."""
    identity = Path(entry).stem
    image = files.images.get(f"{IMAGES}/{entry}")
    if image is None:
        reason = f"listed in {LISTS[split]}, but there is no {IMAGES}/{entry}"
        return None, [Problem(identity, reason, split, kind="missing")]
    found, problems = _annotated(f"{ANNOTATION}/{Path(entry).with_suffix('').as_posix()}", identity, split, files)
    breed = entry.split("/")[0]
    return Annotated(entry, image, split, (breed,), (breed,) * len(found.corners), found.corners, found.size), problems


_NOTHING = Objects((0, 0), NO_BOXES)


def _annotated(path: str, identity: str, split: str, files: _Files) -> tuple[Objects, list[Problem]]:
    """What the annotation at `path` gives, nothing where it cannot be used, and what is wrong."""
    if path not in files.annotations:
        return _NOTHING, [Problem(identity, f"no annotation {path}", split, False, "no-box")]
    try:
        found = objects_of(files.annotations[path].content())
    except InputError as error:
        return _NOTHING, [Problem(identity, reason_of(error, identity), split, False, "no-box")]
    except ValueError as error:
        return _NOTHING, [Problem(identity, f"broken annotation: {error}", split, False, "no-box")]
    none = [] if len(found.corners) else [Problem(identity, "no annotated box", split, False, "no-box")]
    return found, none


def beside(image: Path) -> Annotated | None:
    """What is said of a picture that lies in an unpacked copy (Images/<breed>/<id>.jpg), see `opening.Source`.

    Raises:
        InputError: the annotation cannot be read.
    """
    if len(image.parts) < 3 or image.parents[1].name != IMAGES:
        return None
    path = image.parents[2] / ANNOTATION / image.parent.name / image.stem
    if not path.is_file():
        return None
    try:
        found = objects_of(path.read_bytes())
    except ValueError as error:
        raise InputError(f"broken annotation: {error}") from error
    breed = image.parent.name
    return Annotated(str(image), ImageFile(image), "", (breed,), (breed,) * len(found.corners), found.corners, found.size)
