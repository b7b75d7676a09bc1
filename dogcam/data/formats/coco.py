"""COCO's JSON (Lin et al. 2014): boxes, polygons and run lengths of the objects in pictures, one file a split.

Boxes are x, y, width and height in continuous pixels, so that the corners are (x, y, x + width, y + height) as they stand. A
region with `iscrowd` is of several objects: it gives no box; its pixels, which are of its class, belong to the mask.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Problem, reason_of
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.formats.coco_json import Instances, Marked, key_of, read_instances
from dogcam.data.images import ImageFile, Stored
from dogcam.data.regions import DrawnPixels, Region, Runs, box_of, fits
from dogcam.data.splits import split_of_file
from dogcam.data.trees import Place, Tree, decoded, files_ending

# What COCO itself ships beside the instances, by the beginnings of the files' names.
_OTHER_TASKS = ("captions", "person_keypoints", "panoptic", "stuff", "image_info")
_BEGINNING = 1 << 16  # bytes of a file that are read to tell what it is
_LISTS = re.compile(r'"(images|annotations|categories)"\s*:\s*\[')
_ENTRIES = re.compile(r'"(file_name|image_id|supercategory|bbox)"')
_LOOKED_AT = 100  # JSON files of a folder, the shallowest: sets with one for each picture are another format's
_BESIDE = 50_000_000  # bytes of a JSON that is read for the sake of one picture


def sign_coco(tree: Tree) -> str:
    """By which file a folder is recognised."""
    files = _coco_files(tree)
    return f"{files[0]}{f' and {len(files) - 1} more JSON' if files[1:] else ''}" if files else ""


def read_coco(place: Place, progress: Progress) -> Reading:
    """All pictures of one JSON, or of those in a folder, each of which is a split by its name.

    Raises:
        InputError: there is no JSON of instances, the only one cannot be used, or none of the pictures is there.
    """
    paths = [place.file] if place.file else _chosen(place.tree, progress)
    pictures: list[Annotated] = []
    problems: list[Problem] = []
    classes: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    for path in paths:
        try:
            instances = read_instances(place.tree.text(path), path)
        except InputError as error:
            if len(paths) == 1:
                raise
            problems.append(Problem(path, reason_of(error, path), kind="unreadable"))
            continue
        for number, name in instances.names.items():
            classes.setdefault(name, number)
        found, wrong = _pictures_of(instances, path, place, numbers, progress)
        pictures += found
        problems += wrong
    return Reading(pictures, tuple(classes), problems, _whole(numbers), tuple(_whole(classes).values()))


def _whole(numbers: Mapping[str, Any]) -> dict[str, int]:
    """The format's own numbers, none where one is no whole number: other tools take nothing else."""
    return dict(numbers) if all(isinstance(each, int) for each in numbers.values()) else {}


def _coco_files(tree: Tree) -> list[str]:
    paths = sorted(tree.under("", ".json"), key=lambda path: (path.count("/"), path))[:_LOOKED_AT]
    return [path for path in paths if _is_coco(tree.files[path])]


def _is_coco(file: Stored) -> bool:
    try:
        beginning = decoded(file.beginning(_BEGINNING))
    except InputError:
        return False
    is_object = beginning.lstrip()[:1] == "{"
    return is_object and bool(_LISTS.search(beginning) and _ENTRIES.search(beginning))


def _chosen(tree: Tree, progress: Progress) -> list[str]:
    """The JSON files of a folder that hold instances; those of COCO's other tasks are left out where there are such."""
    files = _coco_files(tree)
    others = [path for path in files if _is_of_another_task(path)]
    chosen = [path for path in files if path not in others] or others
    if not chosen:
        raise InputError(
            f"no JSON in {tree.place} has images, annotations and categories: export as COCO, or name the file, coco:FILE"
        )
    if others and chosen is not others:
        progress.note(f"not taken, since they are of other tasks: {', '.join(others)}")
    return chosen


def _is_of_another_task(path: str) -> bool:
    return PurePosixPath(path).name.lower().startswith(_OTHER_TASKS)


def _pictures_of(
    instances: Instances, path: str, place: Place, numbers: dict[str, Any], progress: Progress
) -> tuple[list[Annotated], list[Problem]]:
    """The pictures that one JSON lists, and what is wrong with them; their ids are added to `numbers`, by their paths.

    Raises:
        InputError: not one of them is there.
    """
    split, near = split_of_file(path), _near(path)
    pictures, problems = [], []
    crowds = unsized = 0
    listed: dict[Any, str] = {}
    for entry in progress.track(instances.images, f"reading {PurePosixPath(path).name}", len(instances.images)):
        try:
            identity, name = _entry(entry, listed)
            found = _found(name, near, place.pictures)
        except _Refused as refused:
            problems.append(Problem(refused.name, str(refused), split, refused.lost, refused.kind))
            continue
        objects = instances.objects.pop(identity, ())  # not held any longer than they are needed
        image = place.pictures.files[found]
        each, wrong = _annotated(found, image, split, _size(entry), objects, instances.names)
        pictures.append(each)
        numbers[found] = identity
        problems += [Problem(found, reason, split, False, "no-box") for reason in wrong]
        crowds += sum(marked.crowd for marked in objects)
        unsized += each.size is None and any(marked.region for marked in objects)
    _require_some(pictures, problems, path, place)
    problems += _strays(instances, path, listed)
    if crowds:
        progress.note(f"{path}: {crowds:,} regions of several objects (iscrowd) give no box; their pixels are of their class")
    if unsized:
        progress.note(f"{path}: {unsized:,} pictures have no width and height there, so that their masks are not drawn")
    return pictures, problems


class _Refused(ValueError):
    """An entry that cannot be taken: what its picture is called, the kind of its `Problem`, whether the picture is lost by it."""

    def __init__(self, name: str, kind: str, reason: str, lost: bool = True):
        super().__init__(reason)
        self.name, self.kind, self.lost = name, kind, lost


def _entry(entry: Any, listed: dict[Any, str]) -> tuple[Any, str]:
    """The id of an entry of `images` and the name of its file; `listed` remembers them."""
    identity = key_of(entry.get("id")) if isinstance(entry, dict) else None
    name = entry.get("file_name") if isinstance(entry, dict) else None
    if identity is None or not isinstance(name, str) or not name.strip():
        raise _Refused(str(name or f"image {identity}"), "", f"an image needs an id and a file_name; received {str(entry)[:80]}")
    if listed.get(identity) == name:
        raise _Refused(name, "twice", f"it is listed twice by the id {identity}: taken once", lost=False)
    if identity in listed:
        raise _Refused(name, "twice", f"its id {identity} is that of {listed[identity]} already")
    listed[identity] = name
    return identity, name


def _found(name: str, near: Sequence[str], pictures: Tree) -> str:
    """The path of the picture that a file_name means."""
    wanted = unquote(urlsplit(name).path).rpartition("/")[2] if "://" in name else name.replace("\\", "/")
    if ".." in wanted.split("/"):
        raise _Refused(name, "leads-out", "its file_name leads out of its folder (..)")
    found = pictures.picture(wanted, *near)
    if found is None:
        raise _Refused(name, "missing", "there is no such picture, or several in different folders")
    return found


def _require_some(pictures: Sequence[Annotated], problems: Sequence[Problem], path: str, place: Place) -> None:
    missing = [each for each in problems if each.kind == "missing"]
    if not pictures and missing:
        raise InputError(
            f"none of the {len(missing):,} pictures of {path} is in {place.pictures.place} (the first: {missing[0].id}): "
            f"name their folder with --data-dir"
        )


def _near(path: str) -> tuple[str, ...]:
    """Folders to look for a JSON's pictures in: for annotations/instances_val2017.json images/val2017, val2017, images, ..."""
    where = PurePosixPath(path)
    subset = where.stem.rpartition("_")[2]
    bases = [_text(base) for base in dict.fromkeys((where.parent.parent, where.parent, PurePosixPath()))]
    folders = (f"{base}{inner}" for base in bases for inner in (f"images/{subset}", subset, "images", "JPEGImages", ""))
    return tuple(dict.fromkeys(folder.rstrip("/") for folder in folders if folder.strip("/")))


def _text(base: PurePosixPath) -> str:
    return "" if base == PurePosixPath() else f"{base}/"


def _size(entry: dict[str, Any]) -> tuple[int, int] | None:
    size = entry.get("width"), entry.get("height")
    usable = all(isinstance(side, int | float) and 0 < side < 1 << 24 for side in size)
    return (round(size[0]), round(size[1])) if usable else None


def _annotated(
    path: str, image: Stored, split: str, size: tuple[int, int] | None, objects: Iterable[Marked], names: Mapping[Any, str]
) -> tuple[Annotated, list[str]]:
    """A picture with its boxes and masks by class, and what is wrong with its annotations."""
    if not objects:
        return Annotated(path, image, split, size=size), []
    boxed: list[str] = []
    boxes: list[Any] = []
    wrong: list[str] = []
    regions: dict[str, list[Region | None]] = {}
    for each in objects:
        name = names.get(each.category)
        if name is None:
            wrong.append(f"an annotation's category_id {each.category} is not among the categories")
            continue
        wrong += [f"of an annotation ({name}) {reason}" for reason in each.wrong]
        regions.setdefault(name, []).append(_drawable(each, name, size, wrong))
        box = None if each.crowd else _box(each)
        if box is not None:
            boxes.append(box)
            boxed.append(name)
        elif not (each.crowd or each.wrong):
            wrong.append(f"an annotation ({name}) has no bbox, and no segmentation that gives one")
    return Annotated(path, image, split, tuple(regions), tuple(boxed), _corners(boxes), size, masks=_masks(regions, size)), wrong


def _box(each: Marked) -> Sequence[float] | None:
    """x, y, width and height of an object, from its pixels where no bbox is given."""
    if each.box is not None or each.region is None:
        return each.box
    try:
        return box_of(each.region)
    except ValueError:
        return None


def _drawable(each: Marked, name: str, size: tuple[int, int] | None, wrong: list[str]) -> Region | None:
    """The region of an object, None where it is not one of this picture, which is added to `wrong`."""
    if each.region is None or size is None or fits(each.region, size):
        return each.region
    shown = f"{size[0]} x {size[1]}"
    own = f", but of {each.region.size[0]} x {each.region.size[1]}" if isinstance(each.region, Runs) else ""
    wrong.append(f"of an annotation ({name}) its segmentation is not of a picture of {shown} pixels{own}")
    return None


def _corners(boxes: Sequence[Any]) -> np.ndarray:
    if not boxes:
        return NO_BOXES
    corners = np.array(boxes, np.float64)
    corners[:, 2:] += corners[:, :2]
    return corners


def _masks(regions: Mapping[str, Sequence[Region | None]], size: tuple[int, int] | None) -> dict[str, DrawnPixels]:
    """The pixels by class; of a class of which one object has none, nothing: its pixels would count as the background's."""
    if size is None:
        return {}
    return {name: DrawnPixels(tuple(several), size) for name, several in regions.items() if None not in several}


def _strays(instances: Instances, path: str, listed: Mapping[Any, str]) -> list[Problem]:
    """The annotations of pictures that the JSON does not list, counted as one problem."""
    strays = Counter({image: len(objects) for image, objects in instances.objects.items() if image not in listed})
    if not strays:
        return []
    shown = ", ".join([*(str(image) for image in list(strays)[:3]), *(["..."] if len(strays) > 3 else [])])
    reason = f"{strays.total():,} of its annotations are of an image_id that it does not list ({shown})"
    return [Problem(path, reason, split_of_file(path), False, "no-box")]


def beside(image: Path) -> Annotated | None:
    """What a JSON says of a picture: one in its folder, in ../annotations or in ../../annotations, of less than 50 MB.

    Raises:
        InputError: a JSON that names the picture cannot be used.
    """
    folders = (image.parent, image.parent.parent / "annotations", image.parent.parent.parent / "annotations")
    paths = [path for folder in folders for path in files_ending(folder, ".json")[:_LOOKED_AT]]
    for path in paths:
        if _is_of_another_task(path.name) or path.stat().st_size > _BESIDE or not _is_coco(ImageFile(path)):
            continue
        instances, entries = _loaded(path, path.stat().st_mtime_ns)
        if entry := entries.get(image.name):
            objects = instances.objects.get(key_of(entry.get("id")), ())
            return _annotated(str(image), ImageFile(image), "", _size(entry), objects, instances.names)[0]
    return None


@lru_cache(maxsize=2)
def _loaded(path: Path, changed: int) -> tuple[Instances, dict[str, dict[str, Any]]]:
    """A JSON and its images by file name, kept, since several pictures are asked about one after the other."""
    instances = read_instances(path.read_bytes().decode("utf-8-sig", "replace"), str(path))
    named = (each for each in instances.images if isinstance(each, dict) and isinstance(each.get("file_name"), str))
    return instances, {PurePosixPath(each["file_name"].replace("\\", "/")).name: each for each in named}
