"""Masks: one picture of numbers for each picture, whose boxes are the extents of what is drawn in it.

    images/a.jpg       or JPEGImages, ..., a folder for each class below it or not, train/ and test/ above or below
    masks/a.png        or SegmentationClass, labels, annotations, ...; also a.jpg and a_mask.png, a_mask_1.png, ... side by side
    classes.txt        the classes' names, if there is one

A mask either tells the object from the rest, 0 and one other number (1, 255, 65535), or has the number of a class at each
pixel, 0 for none and 255 for those that may be either, as VOC's SegmentationClass has. Which of them is seen from all masks
together. Of a palette the places count, not the colours. Object masks in a folder for each class are of that class, others of
the class "object". `classes.txt` names 0, 1, ... in its lines if the first is a background, else 1, 2, ...; or it numbers them.

A class has one box in a mask, around all of its pixels; several masks of a picture have one each. A mask without an object
makes its picture a background picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Problem
from dogcam.data.assembling import Annotated, Mask, Reading
from dogcam.data.images import ImageFile, Stored
from dogcam.data.pixels import Extents, StoredPixels, extents_of, numbers, read_extents
from dogcam.data.splits import split_named
from dogcam.data.trees import Place, Tree

_OF_MASKS = set(
    "mask masks segmentationclass segmentationclassaug segmentation segmentations seg label labels annotation annotations "
    "annot groundtruth gt gts".split()
)
_OF_PICTURES = set("image images img imgs jpegimages picture pictures photo photos rgb input inputs".split())
_LEFT_OUT = {"segmentationobject"}  # numbers of objects, not of classes
_NAMED_MASK = re.compile(r"(.+?)[ ._-]masks?(?:[ ._-]?\d+)?", re.IGNORECASE)
_LISTS = ("classes.txt", "labels.txt", "class_names.txt", "label_names.txt")
_BACKGROUNDS = {"background", "_background_", "__background__", "bg", "none", "unlabeled", "unlabelled"}
_OBJECTS = {1, 255, 65535}  # numbers that stand for "the object" where they are the only one
_VOID = (255, 65535)
# So many numbers in one mask are no classes, unless a list names them: they are greys of a mask that was resized.
_GREYS = 64


@dataclass(frozen=True)
class _File:
    """A picture or a mask by what its path says.

    Attributes:
        path: in its tree.
        mask: which of the two it is.
        split: "" where its path names none.
        folders: those that are neither of a split nor of pictures or masks: the last is its class.
        stem: its name, the same for a picture and its masks.
    """

    path: str
    mask: bool
    split: str
    folders: tuple[str, ...]
    stem: str


@dataclass(frozen=True)
class _Meaning:
    """What numbers mean in the masks of a set.

    Attributes:
        objects: whether all but 0 is the object.
        names: of the classes by number; empty where nothing names them: then their numbers are their names.
        void: the number of what may be either; None where there is none.
    """

    objects: bool
    names: dict[int, str]
    void: int | None = None


def sign_masks(tree: Tree) -> str:
    """See `formats.Source`: at least half of the masks have their picture. Those of a VOC devkit are of a few of its pictures."""
    if any(folder.rpartition("/")[2] == "ImageSets" for folder in tree.folders) and tree.under("", ".xml"):
        return ""
    pictures, masks = _files(tree)
    stems = {each.stem for each in pictures}
    pairs = sum(each.stem in stems for each in masks)
    return f"{pairs} masks beside pictures of the same names" if pairs and 2 * pairs >= len(masks) else ""


def read_masks(place: Place, progress: Progress) -> Reading:
    """See `formats.Source`.

    Raises:
        InputError: there are no masks, or none has a picture.
    """
    pictures, masks = _files(place.pictures)
    if place.pictures is not place.tree:
        masks = _files(place.tree)[1] or [each for path in place.tree.pictures if (each := _file(path, True))]
    if not masks:
        raise InputError(f"{place.tree.place} has no masks: expected images/a.jpg beside masks/a.png, or a.jpg beside a_mask.png")
    problems: list[Problem] = []
    listed = _listed(place.tree)
    read = _read(masks, place.tree, listed, problems, progress)
    if read and not any(each.corners for each in read.values()):
        raise InputError(f"not one of {len(read):,} masks has an object: all their pixels are 0; the first: {masks[0].path}")
    of, homeless = _paired(pictures, masks)
    if not of:
        raise InputError(f"none of {len(masks)} masks has a picture of its name; the first: {masks[0].path}")
    problems += [Problem(each.stem, f"the mask {each.path} has no picture", each.split, kind="missing") for each in homeless]
    meaning = _meaning(read, listed)
    annotated = []
    for picture in pictures:
        if picture not in of:
            problems.append(Problem(picture.stem, f"{picture.path} has no mask", picture.split, kind="missing"))
        extents = [(mask, read[mask]) for mask in of.get(picture, ()) if mask in read]
        if extents or (meaning.objects and picture.folders):
            each = _annotated(picture, place.pictures.files[picture.path], extents, place.tree, meaning, problems)
            annotated += [each] if each else []
    return Reading(annotated, _classes(meaning, read), problems)


def beside(image: Path) -> Annotated | None:
    """What a mask beside a picture says of it (a_mask.png, or a.png in ../masks or the like), see `formats.Source`.

    Raises:
        InputError: the mask cannot be read.
    """
    folders = [image.parents[1] / name for name in ("masks", "mask", "SegmentationClass")] if len(image.parts) > 2 else []
    places = [image.with_name(f"{image.stem}_mask.png"), *(folder / f"{image.stem}.png" for folder in folders)]
    path = next((each for each in places if each.is_file() and each != image), None)
    if path is None:
        return None
    extents = extents_of(numbers(ImageFile(path)))
    mask = _File(path.name, True, "", (), image.stem)
    meaning = _meaning({mask: extents}, {})
    tree = Tree(path.parent, {path.name: ImageFile(path)})
    return _annotated(_File(str(image), False, "", (), image.stem), ImageFile(image), [(mask, extents)], tree, meaning, [])


# What paths say --------------------------------------------------------------------------------------------------------------


def _files(tree: Tree) -> tuple[list[_File], list[_File]]:
    """Pictures and masks of a tree, without the folders that all of them have in common."""
    files = [each for path in tree.pictures if (each := _file(path))]
    common = len(_common([each.folders for each in files]))
    files = [_File(each.path, each.mask, each.split, each.folders[common:], each.stem) for each in files]
    return [each for each in files if not each.mask], [each for each in files if each.mask]


def _file(path: str, mask: bool = False) -> _File | None:
    """What a path says; None of what is neither picture nor mask."""
    *folders, name = path.split("/")
    split, others = "", []
    for folder in folders:
        words = re.split(r"[ _-]", folder.lower())
        if folder.lower() in _LEFT_OUT:
            return None
        if not all(word in _OF_MASKS or word in _OF_PICTURES or split_named(word) for word in words):
            others.append(folder)
            continue
        mask |= any(word in _OF_MASKS for word in words)
        split = next((said for word in words if (said := split_named(word))), split)
    stem = PurePosixPath(name).stem
    named = _NAMED_MASK.fullmatch(stem)
    return _File(path, mask or named is not None, split, tuple(others), named[1] if named else stem)


def _common(folders: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    first, last = min(folders, default=()), max(folders, default=())
    same = [one == other for one, other in zip(first, last, strict=False)]
    return first[: same.index(False) if False in same else len(same)]


def _paired(pictures: Iterable[_File], masks: Iterable[_File]) -> tuple[dict[_File, list[_File]], list[_File]]:
    """The masks of each picture, and those without one: by all that paths say, else by the name where that is enough."""
    exact = {(each.split, each.folders, each.stem): each for each in pictures}
    by_stem: dict[str, list[_File]] = {}
    for each in exact.values():
        by_stem.setdefault(each.stem, []).append(each)
    of: dict[_File, list[_File]] = {}
    homeless = []
    for mask in masks:
        picture = exact.get((mask.split, mask.folders, mask.stem))
        if picture is None:
            near = [each for each in by_stem.get(mask.stem, ()) if not (each.split and mask.split) or each.split == mask.split]
            picture = near[0] if len(near) == 1 else None
        if picture is None:
            homeless.append(mask)
        else:
            of.setdefault(picture, []).append(mask)
    return of, homeless


def _listed(tree: Tree) -> dict[int, str]:
    """The classes' names by number, from the list that lies highest; empty where there is none."""
    paths = sorted((path.count("/"), path) for path in tree.files if PurePosixPath(path).name.lower() in _LISTS)
    if not paths:
        return {}
    lines = tree.lines(paths[0][1])
    numbered = [re.fullmatch(r"(\d+)[\s:,=]+(.+)", line) for line in lines]
    if all(numbered):
        return {int(each[1]): each[2] for each in numbered if each}
    return dict(enumerate(lines, 0 if lines and lines[0].lower() in _BACKGROUNDS else 1))


# What masks say --------------------------------------------------------------------------------------------------------------


def _read(
    masks: Sequence[_File], tree: Tree, listed: dict[int, str], problems: list[Problem], progress: Progress
) -> dict[_File, Extents]:
    """What is in each mask that can be used."""
    usable = {}
    files = [tree.files[each.path] for each in masks]
    for mask, (_, extents) in zip(masks, read_extents(files, "reading masks", len(files), progress), strict=True):
        if isinstance(extents, InputError):
            problems.append(Problem(mask.stem, str(extents), mask.split, not mask.folders, "unreadable"))
        elif len(extents.corners) > _GREYS and not listed:
            reason = f"{mask.path} has {len(extents.corners)} different greys: neither classes nor object and background"
            problems.append(Problem(mask.stem, reason, mask.split, not mask.folders, "no-class"))
        else:
            usable[mask] = extents
    return usable


def _meaning(read: dict[_File, Extents], listed: dict[int, str]) -> _Meaning:
    used = {number for each in read.values() for number in each.corners}
    one = len(used) <= 1 and used <= _OBJECTS and not (used == {1} and listed)
    if one or (any(each.folders for each in read) and all(len(each.corners) <= 1 for each in read.values())):
        return _Meaning(True, {})
    void = next((number for number in _VOID if number in used and number not in listed), None)
    return _Meaning(False, listed, void)


def _classes(meaning: _Meaning, read: dict[_File, Extents]) -> list[str]:
    """Names in the order of their numbers; none where folders name the classes."""
    if meaning.objects:
        return []
    if meaning.names:
        return list(dict.fromkeys(name for number, name in sorted(meaning.names.items()) if number))
    used = {number for each in read.values() for number in each.corners}
    return [str(number) for number in sorted(used) if number != meaning.void]


def _annotated(
    picture: _File, image: Stored, masks: Sequence[tuple[_File, Extents]], tree: Tree, meaning: _Meaning, problems: list[Problem]
) -> Annotated | None:
    """What the masks of a picture say of it; None where they say nothing that can be used."""
    tell = partial(Problem, picture.stem, split=picture.split)
    size = masks[0][1].size if masks else None
    objects: list[tuple[str, tuple[int, int, int, int]]] = []
    files: dict[tuple[str, int | None], list[Stored]] = {}
    nameless = []
    for mask, extents in masks:
        if extents.size != size:
            reason = f"its masks differ in size: {mask.path} is not taken"
            problems.append(tell(reason, lost=False, kind="other-size"))
            continue
        for name, number, box in _boxes(extents, meaning, mask.folders[-1:]):
            if name:
                objects.append((name, box))
                files.setdefault((name, number), []).append(tree.files[mask.path])
            else:
                nameless.append(f"{mask.path} has the class {number}, which the list of classes has not")
    problems += [tell(reason, lost=not objects, kind="no-class") for reason in nameless]
    if nameless and not objects:
        return None
    names = tuple(name for name, _ in objects)
    corners = np.array([box for _, box in objects], np.float64) if objects else NO_BOXES
    drawn: dict[str, Mask] = {name: StoredPixels(tuple(each), number, meaning.void) for (name, number), each in files.items()}
    split = picture.split or next((mask.split for mask, _ in masks), "")
    labels = picture.folders[-1:] if meaning.objects else ()
    return Annotated(picture.path, image, split, labels, names, corners, size, masks=drawn)


def _boxes(
    extents: Extents, meaning: _Meaning, folder: tuple[str, ...]
) -> Iterator[tuple[str, int | None, tuple[int, int, int, int]]]:
    """(class, number, corners) of what is in a mask in the class folder `folder`; of an object mask one, around all but 0."""
    if meaning.objects:
        for box in extents.corners.values():
            yield folder[0] if folder else "object", None, box
    else:
        for number, box in extents.corners.items():
            if number != meaning.void:
                yield meaning.names.get(number, "") if meaning.names else str(number), number, box
