"""Stanford Dogs (Khosla et al. 2011): 120 breeds with annotated boxes, from its own archives or through TFDS.

`data_dir` may hold what the dataset's page offers, `images.tar`, `annotation.tar` and `lists.tar`, or what they unpack
to (`Images/`, `Annotation/` and the .mat lists, there or in `lists/`), with any number of breeds; or the copy that circulates
without lists (`images/Images/`, `annotations/Annotation/`), whose split is drawn; or a .zip or .tar of any of these folders.
Archives are read where they lie: nothing is unpacked. Where there is none of it, TFDS gives its prepared copy or downloads one.

Corners are taken as they stand, (xmin, ymin, xmax, ymax) half-open, as TFDS takes them, though the files look like VOC's, which
counts from 1 (`voc_xml.half_open`): corners of 0 are among them, and every published figure rests on this reading.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.core.registry import resolve
from dogcam.data import NO_BOXES, Dataset, Origin, Problem, reason_of
from dogcam.data.archives import ARCHIVES, tar_members
from dogcam.data.assembling import Annotated, Reading, assemble
from dogcam.data.formats.voc_xml import Objects, objects_of
from dogcam.data.images import SUFFIXES, ImageFile, Stored
from dogcam.data.trees import Tree, open_tree

IMAGES, ANNOTATION = "Images", "Annotation"
UNPACKED = {"images.tar": IMAGES, "annotation.tar": ANNOTATION}  # the folder that each archive holds
WRAPPED = {"images.tar": "images", "annotation.tar": "annotations"}  # the folder round that in the copy that circulates
LISTS = {"train": "train_list.mat", "test": "test_list.mat"}


@dataclass(frozen=True)
class _Files:
    """The pictures, annotations and lists of one copy, by their paths in the archives; no lists in the copy that circulates."""

    images: Mapping[str, Stored]
    annotations: Mapping[str, Stored]
    lists: Mapping[str, Stored] | None


def sign_stanford_dogs(tree: Tree) -> str:
    """What a tree is recognised by: its archives, or a breed's picture with its annotation in the other folder."""
    if all(archive in tree.files for archive in UNPACKED):
        return "images.tar and annotation.tar"
    for outer, inner in (("", ""), (f"{WRAPPED['images.tar']}/", f"{WRAPPED['annotation.tar']}/")):
        some = tree.under(f"{outer}{IMAGES}")[:50]
        names = (Path(path.removeprefix(f"{outer}{IMAGES}/")).with_suffix("").as_posix() for path in some)
        if any(f"{inner}{ANNOTATION}/{name}" in tree.files for name in names):
            return f"{outer}{IMAGES} and {inner}{ANNOTATION}, with a folder for each breed"
    return ""


def open_stanford_dogs(argument: str, data_dir: str | None, progress: Progress, seed: int = 0) -> Dataset:
    """Stanford Dogs from `data_dir` where that holds it, else through TFDS; `seed` is of the split where there are no lists.

    Raises:
        InputError: archives or lists that are incomplete or cannot be read.
        Unavailable: nothing is there, and it cannot be downloaded.
    """
    if argument:
        raise InputError(f"stanford_dogs is followed by no colon; say where it lies with --data-dir {argument}")
    place = Path(data_dir) if data_dir is not None else None
    if place is not None and not (place.is_dir() or (place.is_file() and place.suffix.lower() in ARCHIVES)):
        raise InputError(f"--data-dir must be a folder, .zip or .tar; there is no such {str(place)!r}")
    if place is not None and (files := _find_files(place)) is not None:
        return _read(files, place, seed, progress)
    return resolve("dogcam.data.formats.tfds:open_tfds")("stanford_dogs", data_dir, progress, seed)


def _find_files(place: Path) -> _Files | None:
    """What a folder or archive holds, each part packed or unpacked; None where it holds neither pictures nor annotations."""
    tree = None if place.is_dir() else open_tree(place)
    parts = {archive: _part(place, tree, archive) for archive in UNPACKED}
    if all(part is None for part in parts.values()):
        return None
    parts["lists.tar"] = _lists(place, tree)
    missing = [archive for archive, part in parts.items() if part is None]
    if missing == ["lists.tar"] and _is_wrapped(place, tree):
        return _Files(*parts.values())
    if missing:
        needed = ", ".join(parts)
        raise InputError(f"{place} lacks {', '.join(missing)}: Stanford Dogs needs {needed} there, or what they unpack to")
    return _Files(*parts.values())


def _is_wrapped(place: Path, tree: Tree | None) -> bool:
    folder = f"{WRAPPED['images.tar']}/{IMAGES}"
    return (place / folder).is_dir() if tree is None else any(path.startswith(f"{folder}/") for path in tree.files)


def _part(place: Path, tree: Tree | None, archive: str) -> dict[str, Stored] | None:
    """The files of an archive, or of the folder that it unpacks to, by their paths in the archive."""
    name, wrapping = UNPACKED[archive], WRAPPED[archive]
    if tree is not None:
        inside = (
            {path.removeprefix(start): tree.files[path] for path in tree.under(start + name)} for start in ("", f"{wrapping}/")
        )
        return next(filter(None, inside), None)
    if (place / archive).exists():
        return dict(tar_members(place / archive))
    return next((_below(folder, name) for folder in (place, place / wrapping) if (folder / name).is_dir()), None)


def _below(folder: Path, name: str) -> dict[str, Stored]:
    paths = (path for path in sorted((folder / name).rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): ImageFile(path) for path in paths}


def _lists(place: Path, tree: Tree | None) -> dict[str, Stored] | None:
    if tree is not None:
        found = {path: file for path, file in tree.files.items() if Path(path).name in LISTS.values()}
        return found if len(found) == len(LISTS) else None
    for folder in (place, place / "lists"):
        if all((folder / name).exists() for name in LISTS.values()):
            return {name: ImageFile(folder / name) for name in LISTS.values()}
    return dict(tar_members(place / "lists.tar")) if (place / "lists.tar").exists() else None


def _listed(lists: Mapping[str, Stored], split: str) -> list[str]:
    """The "breed/id.jpg" entries of a split's list, in its order."""
    name = LISTS[split]
    source = next((each for path, each in lists.items() if Path(path).name == name), None)
    if source is None:
        raise InputError(f"lists.tar lacks {name}, which says what belongs to the {split} split")
    content = io.BytesIO(source.content())
    try:
        entries = scipy.io.loadmat(content, squeeze_me=True, variable_names=["file_list"])["file_list"]
    except Exception as error:  # SciPy's reader lets out whatever it stumbles over: IndexError, zlib.error, ...
        raise InputError(f"cannot read {name} as a list of files ({error!r}); fetch lists.tar again") from error
    return [str(entry) for entry in np.atleast_1d(entries)]


def _entries(files: _Files) -> dict[str, list[str]]:
    """The "breed/id.jpg" entries by split; by "" where there are no lists."""
    if files.lists is not None:
        return {split: _listed(files.lists, split) for split in LISTS}
    paths = (path.partition("/")[2] for path in files.images if Path(path).suffix.lower() in SUFFIXES)
    return {"": [path for path in paths if path.count("/") == 1]}


def _read(files: _Files, place: Path, seed: int, progress: Progress) -> Dataset:
    listed = _entries(files)
    breeds = sorted({entry.split("/")[0] for entries in listed.values() for entry in entries})
    problems: list[Problem] = []
    pictures: list[Annotated] = []
    for split, entries in listed.items():
        for entry in progress.track(entries, f"reading annotations{f' ({split})' if split else ''}", len(entries)):
            picture, found = _picture(entry, split, files)
            problems += found
            pictures += [picture] if picture else []
    if files.lists is None:
        problems += _without_picture(files, listed[""])
    source = Origin("archives", str(place)) if files.lists is not None else Origin("files", str(place), "stanford_dogs")
    dataset = assemble("stanford_dogs", Reading(pictures, breeds, problems), source, seed, progress)
    if files.lists is None:
        counts = ", ".join(f"{len(records):,} {split}" for split, records in dataset.splits.items())
        progress.note(f"Stanford Dogs without its lists: split by seed {seed}, breed by breed: {counts}")
    return dataset


def _without_picture(files: _Files, entries: Iterable[str]) -> list[Problem]:
    """The annotations of no picture, which no list tells of."""
    there = {f"{ANNOTATION}/{Path(entry).with_suffix('').as_posix()}" for entry in entries}
    reason = "the annotation of a picture that is not there"
    return [Problem(path, reason, kind="missing") for path in files.annotations if path not in there]


def _picture(entry: str, split: str, files: _Files) -> tuple[Annotated | None, list[Problem]]:
    """What is said of a list's entry, None where its picture is missing, and what is wrong with it."""
    identity = Path(entry).stem
    image = files.images.get(f"{IMAGES}/{entry}")
    if image is None:
        reason = f"listed in {LISTS[split]}, but there is no {IMAGES}/{entry}"
        return None, [Problem(identity, reason, split, kind="missing")]
    objects, problems = _annotated(f"{ANNOTATION}/{Path(entry).with_suffix('').as_posix()}", identity, split, files)
    breed = entry.split("/")[0]
    return Annotated(entry, image, split, (breed,), (breed,) * len(objects.corners), objects.corners, objects.size), problems


_NOTHING = Objects((0, 0), NO_BOXES)


def _annotated(path: str, identity: str, split: str, files: _Files) -> tuple[Objects, list[Problem]]:
    """What the annotation at `path` gives, nothing where it cannot be used, and what is wrong."""
    if path not in files.annotations:
        return _NOTHING, [Problem(identity, f"no annotation {path}", split, False, "no-box")]
    try:
        objects = objects_of(files.annotations[path].content())
    except InputError as error:
        return _NOTHING, [Problem(identity, reason_of(error, identity), split, False, "no-box")]
    except ValueError as error:
        return _NOTHING, [Problem(identity, f"broken annotation: {error}", split, False, "no-box")]
    none = [] if len(objects.corners) else [Problem(identity, "no annotated box", split, False, "no-box")]
    return objects, none


def beside(image: Path) -> Annotated | None:
    """What is said of a picture that lies in an unpacked copy (Images/<breed>/<id>.jpg), see `formats.Source`.

    Raises:
        InputError: the annotation cannot be read.
    """
    if len(image.parts) < 5 or image.parents[1].name != IMAGES:
        return None
    folders = (image.parents[2], image.parents[3] / WRAPPED["annotation.tar"])
    paths = (folder / ANNOTATION / image.parent.name / image.stem for folder in folders)
    path = next((each for each in paths if each.is_file()), None)
    if path is None:
        return None
    try:
        found = objects_of(ImageFile(path).content())
    except ValueError as error:
        raise InputError(f"broken annotation: {error}") from error
    breed = image.parent.name
    return Annotated(str(image), ImageFile(image), "", (breed,), (breed,) * len(found.corners), found.corners, found.size)
