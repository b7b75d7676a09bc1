"""The metadata of Choe et al. 2020 (wsolevaluation): lists of weakly supervised localization, for CUB, ILSVRC and OpenImages.

    metadata/CUB/                  or metadata/CUB/test alone
      train/  val/  test/          each with
        image_ids.txt              <id>, the picture's path below the set's root: the pictures of the split
        class_labels.txt           <id>,<class>, from 0
        image_sizes.txt            <id>,<width>,<height>
        localization.txt           <id>,<x0>,<y0>,<x1>,<y1>, a line a box; or <id>,<mask>,<ignore>, a line a mask
    the pictures (and masks)       in --data-dir, or in the same place

Corners are counted from 0 in pixels of image_sizes. Their evaluation.py scales them to 224 x 224, cuts them to whole numbers, and
adds 1 to every side in its IoU, for boxes drawn on maps and for annotated ones; that belongs to the protocols `wsol-v1` and
`wsol-v2`, which do the same. So x1 and y1 are taken here as they are written: with them those protocols give the numbers of the
original, and under the others a box is at most a pixel smaller than its annotators may have meant it.

OpenImages has masks instead of boxes, a file for each object: each gives the box around it. Of the pixels of "ignore" (named in a
picture's first line) those of no object are neither object nor rest. Classes are numbers, and so their names are "0", "1", ...

val, "train-fullsup" there, is what thresholds may be chosen on: where no picture of train is there, it takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.images import Stored
from dogcam.data.pixels import Extents, StoredPixels, read_extents
from dogcam.data.splits import split_named
from dogcam.data.trees import Place, Tree, leads_out

IDS, LABELS, SIZES, BOXES = "image_ids.txt", "class_labels.txt", "image_sizes.txt", "localization.txt"
_DIGITS = 6  # of a class's number: all up to the highest are classes
_TRIED = 50  # pictures that are looked for to know where they lie


@dataclass(frozen=True, eq=False)
class _Lists:
    """The four lists of a split, the last three by id.

    Attributes:
        boxes: corners (n, 4) of each picture.
        masks: (mask, ignore) of each object of a picture, by path.
    """

    split: str
    ids: list[str]
    labels: Mapping[str, str]
    sizes: Mapping[str, tuple[float, float]]
    boxes: Mapping[str, list[tuple[float, ...]]]
    masks: Mapping[str, list[tuple[str, str]]]


def sign_wsol(tree: Tree) -> str:
    """See `formats.Source`."""
    return f"{IDS} and {LABELS}" if tree.bases(IDS, LABELS) else ""


def read_wsol(place: Place, progress: Progress) -> Reading:
    """See `formats.Source`.

    Raises:
        InputError: there are no lists, those of several sets, or no pictures.
    """
    folders = place.tree.bases(IDS, LABELS)
    if not folders:
        raise InputError(f"{place.tree.place} has no metadata: expected {IDS} and {LABELS} there, or in train, val and test")
    sets = sorted({folder.rstrip("/").rpartition("/")[0] for folder in folders})
    if len(sets) > 1:
        raise InputError(f"{place.tree.place} has the lists of several sets: name one of {', '.join(sets)}")
    problems: list[Problem] = []
    splits = [_read_lists(place.tree, folder, problems) for folder in folders]
    pictures = place.pictures
    root = _root(pictures, [image for each in splits for image in each.ids])
    if root is None:
        first = next((image for each in splits for image in each.ids), "any picture")
        raise InputError(f"{pictures.place} has not {first}: say where the pictures are with --data-dir, the folder above them")
    splits = _with_pictures(splits, pictures, root, problems)
    extents = _extents(splits, pictures, root, problems, progress)
    found = [
        _annotated(image, lists, pictures, root, extents, problems)
        for lists in splits
        for image in progress.track(lists.ids, f"reading lists ({lists.split or 'all'})", len(lists.ids))
    ]
    numbers = {int(each) for lists in splits for each in lists.labels.values()}
    return Reading([each for each in found if each], [str(number) for number in range(max(numbers, default=-1) + 1)], problems)


def _read_lists(tree: Tree, folder: str, problems: list[Problem]) -> _Lists:
    split = split_named(PurePosixPath(folder).name if folder else tree.place.absolute().name)
    ids = {}
    for image in tree.lines(f"{folder}{IDS}"):
        if leads_out(image):
            problems.append(Problem(image, "its id leads out of the folder", split, kind="leads-out"))
        elif image in ids:
            problems.append(Problem(_name(image), f"{IDS} has it twice: taken once", split, False, "twice"))
        ids[image] = None
    labels, sizes, boxes, masks = {}, {}, {}, {}
    for image, label in _fields(tree, f"{folder}{LABELS}", 1, ids, problems, split):
        if label.isdecimal() and len(label) <= _DIGITS:
            labels[image] = label
        else:
            problems.append(Problem(_name(image), f"{LABELS} has {label!r}, which is no number from 0", split, False))
    for image, width, height in _fields(tree, f"{folder}{SIZES}", 2, ids, problems, split):
        sizes[image] = tuple(_numbers(width, height))
    path = f"{folder}{BOXES}"
    of_masks = path in tree.files and all(line.count(",") == 2 for line in tree.lines(path)[:1])
    for image, *fields in _fields(tree, path, 2 if of_masks else 4, ids, problems, split):
        if of_masks:
            masks.setdefault(image, []).append(tuple(fields))
        else:
            boxes.setdefault(image, []).append(_numbers(*fields))
    return _Lists(split, [image for image in ids if not leads_out(image)], labels, sizes, boxes, masks)


def _fields(
    tree: Tree, path: str, count: int, ids: Mapping[str, None], problems: list[Problem], split: str
) -> Iterator[list[str]]:
    """The id and the `count` further fields of each line; an id may have commas. Nothing where there is no such list."""
    name = PurePosixPath(path).name
    for line in tree.lines(path) if path in tree.files else []:
        fields = [field.strip() for field in line.rsplit(",", count)]
        if len(fields) <= count or (name != BOXES and not all(field.replace(".", "", 1).isdecimal() for field in fields[1:])):
            reason = f"a line of {name} must be an id and {count} {'number' if count == 1 else 'fields'}, with commas: {line!r}"
            problems.append(Problem(_name(fields[0]), reason, split, False))
        elif fields[0] not in ids:
            problems.append(Problem(_name(fields[0]), f"{name} has it, {IDS} does not", split, kind="missing"))
        else:
            yield fields


def _numbers(*fields: str) -> tuple[float, ...]:
    """Numbers; what is none is not a number, and refused as such where boxes are checked."""
    try:
        return tuple(float(field) for field in fields)
    except ValueError:
        return (np.nan,) * len(fields)


def _name(image: str) -> str:
    return PurePosixPath(image).stem


def _root(tree: Tree, ids: list[str]) -> str | None:
    """The folder below which most of the first pictures lie by their ids, with a slash behind it; None where none is."""
    counts: dict[str, int] = {}
    for image in [image for image in ids if not leads_out(image)][:_TRIED]:
        for path in [image] if image in tree.files else tree.pictures:
            if f"/{path}".casefold().endswith(f"/{image}".casefold()):
                root = path[: len(path) - len(image)]
                counts[root] = counts.get(root, 0) + 1
    return max(counts, key=counts.__getitem__) if counts else None


def _with_pictures(splits: list[_Lists], tree: Tree, root: str, problems: list[Problem]) -> list[_Lists]:
    """The splits of which a picture is there: who evaluates has often no others than those of val and test."""
    there = []
    for lists in splits:
        if any(tree.find(f"{root}{image}") for image in lists.ids):
            there.append(lists)
        else:
            reason = f"none of the {len(lists.ids):,} pictures of this split is there"
            problems.append(Problem(lists.split or IDS, reason, lists.split, kind="missing"))
    if all(lists.split != "train" for lists in there):
        return [replace(lists, split="train") if lists.split == "val" else lists for lists in there]
    return there


def _extents(
    splits: list[_Lists], tree: Tree, root: str, problems: list[Problem], progress: Progress
) -> dict[str, tuple[Stored, Extents]]:
    """Each mask that is there and can be read, and what is in it, by path."""
    files: dict[str, Stored] = {}
    for lists in splits:
        for image, several in lists.masks.items():
            for path, _ in several:
                if leads_out(path) or f"{root}{path}" not in tree.files:
                    reason, kind = ("leads out of the folder", "leads-out") if leads_out(path) else ("is not there", "no-box")
                    problems.append(Problem(_name(image), f"its mask {path} {reason}", lists.split, False, kind))
                else:
                    files[path] = tree.files[f"{root}{path}"]
    usable = {}
    for path, (file, extents) in zip(files, read_extents(files.values(), "reading masks", len(files), progress), strict=True):
        if isinstance(extents, InputError):
            problems.append(Problem(_name(path), str(extents), "", False, "unreadable"))
        else:
            usable[path] = file, extents
    return usable


def _annotated(
    image: str, lists: _Lists, tree: Tree, root: str, extents: Mapping[str, tuple[Stored, Extents]], problems: list[Problem]
) -> Annotated | None:
    """What the lists say of a picture; None where it cannot be used."""
    path = tree.find(f"{root}{image}")
    if path is None:
        problems.append(Problem(_name(image), f"listed in {IDS}, but there is no {image}", lists.split, kind="missing"))
        return None
    if image not in lists.labels:
        problems.append(Problem(_name(image), f"{LABELS} does not have it", lists.split, kind="no-class"))
        return None
    label = lists.labels[image]
    each = Annotated(image, tree.files[path], lists.split, (label,))
    if lists.masks:
        return _with_masks(each, lists.masks.get(image, []), tree, root, extents, problems)
    corners = np.array(lists.boxes[image], np.float64) if image in lists.boxes else NO_BOXES
    if len(corners) and image not in lists.sizes:
        problems.append(Problem(_name(image), f"{SIZES} does not have it: the picture's own size is taken", lists.split, False))
    return replace(each, names=(label,) * len(corners), corners=corners, size=lists.sizes.get(image))


def _with_masks(
    each: Annotated,
    several: list[tuple[str, str]],
    tree: Tree,
    root: str,
    extents: Mapping[str, tuple[Stored, Extents]],
    problems: list[Problem],
) -> Annotated:
    """A picture with a box around each of its masks that has an object."""
    label = each.labels[0]
    drawn = [extents[path] for path, _ in several if path in extents and extents[path][1].corners]
    if not drawn:
        return each
    size = drawn[0][1].size
    if any(found.size != size for _, found in drawn):
        problems.append(Problem(_name(each.path), "its masks differ in size: none is taken", each.split, False, "other-size"))
        return each
    boxes = [np.array(list(found.corners.values())) for _, found in drawn]
    corners = [[*box[:, :2].min(axis=0), *box[:, 2:].max(axis=0)] for box in boxes]
    ignored = next((tree.files.get(f"{root}{path}") for _, path in several if path and not leads_out(path)), None)
    pixels = StoredPixels(tuple(file for file, _ in drawn), ignored=ignored)
    return replace(each, names=(label,) * len(corners), corners=np.array(corners, np.float64), size=size, masks={label: pixels})
