"""Pascal VOC: an XML file a picture, in a VOCdevkit with its lists (ImageSets/Main), or in folders of any names.

Corners are taken as VOC defines them, x0 = xmin - 1 and x1 = xmax, unless a corner below 1 anywhere in the set proves that its
tool counted from 0: then all are taken as they stand. Stanford Dogs' files, written alike, are always taken as they stand
(`stanford_dogs`): so does TFDS, and so do the figures published on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.formats.voc_xml import Objects, counts_from_one, half_open, objects_of
from dogcam.data.images import ImageFile, stem_of
from dogcam.data.splits import split_named, split_of_path
from dogcam.data.trees import Place, Tree, decoded, files_ending, nearer

LISTS = ("ImageSets/Main", "ImageSets")
# Where annotations lie that are not beside their pictures, from the pictures' folder.
_BESIDE = (".", "../Annotations", "../annotations", "../xmls")
# Folders of pictures that are no photographs though they are called like them.
_MASKS = ("segmentationclass", "segmentationobject", "segmentationclassaug", "segmentationclassraw", "masks", "trimaps")
_ROOT = re.compile(r"<annotation[\s>]")
_BELOW_ONE = re.compile(r"<[xy]m(?:in|ax)>\s*(?:0|-)")


def sign_voc(tree: Tree) -> str:
    """What a tree is recognised by: some of a few of its XML files, spread over all, are VOC's."""
    paths = _annotations(tree)
    some = paths[:: max(len(paths) // 8, 1)][:8]
    if not any(_is_voc(tree.content(path)) for path in some):
        return ""
    return f"{len(paths):,} XML files as Pascal VOC has them{', lists in ImageSets' if _roots(tree) else ''}"


def _is_voc(content: bytes) -> bool:
    text = decoded(content)
    boxed = "<bndbox" in text or ("<object" not in text and "<size" in text)
    return boxed and _ROOT.search(text[:1000]) is not None


def read_voc(place: Place, progress: Progress) -> Reading:
    """The pictures of a VOCdevkit's lists; without lists all that have an XML file, and those beside them that have none.

    Raises:
        InputError: there are no XML files.
    """
    tree = place.tree
    if not _annotations(tree):
        raise InputError(f"{tree.place} has no XML files: Pascal VOC has one for each picture")
    pictures, problems = _Photographs(place), []
    roots = _roots(tree)
    entries = [*_listed(tree, roots, problems, progress), *_unlisted(tree, roots)]
    read: list[Annotated] = []
    for entry in progress.track(entries, "reading annotations", len(entries)):
        annotated, wrong = _read(entry, tree, pictures)
        problems += wrong
        read += [annotated] if annotated else []
    if any(not entry.listed for entry in entries):
        bare = pictures.without_annotation({each.path for each in read}, roots)
        problems += [Problem(path, "there is no XML file of its name", lost=False, kind="no-box") for path in bare]
        read += [Annotated(path, place.pictures.files[path], split_of_path(path)) for path in bare]
    return Reading(_as_counted(read, progress), (), problems)


def _as_counted(read: list[Annotated], progress: Progress) -> list[Annotated]:
    """The pictures with half-open corners, by the one rule for the whole set, which is said."""
    boxed = [each for each in read if len(each.corners)]
    zero = next((each for each in boxed if not counts_from_one(each.corners)), None)
    if zero:
        progress.note(f"corners are taken as they stand: one of {zero.path} is below 1, so they are not counted from 1 as VOC's")
        return read
    if boxed:
        progress.note("corners are taken as VOC's: pixels counted from 1, the last one included")
    return [replace(each, corners=half_open(each.corners)) for each in read]


@dataclass(frozen=True)
class _Entry:
    """One picture to read.

    Attributes:
        stem: what its file and its XML file are called.
        annotation: path of the XML file; "" where there is none.
        folder: that this is in, or would be.
        split: of the list that names it; "" for none.
        listed: whether a list names it.
    """

    stem: str
    annotation: str
    folder: str
    split: str = ""
    listed: bool = False


def _annotations(tree: Tree) -> list[str]:
    return [path for path in tree.files if path.lower().endswith(".xml")]


def _roots(tree: Tree) -> dict[str, dict[str, str]]:
    """Folders that have lists of their own -> path of the list by name: train, val, trainval, test."""
    roots: dict[str, dict[str, str]] = {}
    for lists in LISTS:
        for folder in tree.folders:
            root = folder.removesuffix(lists).rstrip("/")
            paths = {f"{folder}/{name}.txt": name for name in ("train", "val", "trainval", "test")}
            if (folder == lists or folder.endswith(f"/{lists}")) and root not in roots:
                names = {name: path for path, name in paths.items() if path in tree.files}
                roots.update({root: names} if names else {})
    return dict(sorted(roots.items()))


def _root_of(path: str, roots: Iterable[str]) -> str | None:
    return max((root for root in roots if not root or path.startswith(f"{root}/")), key=len, default=None)


def _listed(tree: Tree, roots: dict[str, dict[str, str]], problems: list[Problem], progress: Progress) -> Iterator[_Entry]:
    """What the lists name, in their order; a picture of several lists is kept out of training where one is the test's."""
    paths: dict[str, dict[str, str]] = {root: {} for root in roots}
    for path in _annotations(tree):
        root = _root_of(path, roots)
        if root is not None:
            paths[root].setdefault(stem_of(path, ".xml"), path)
    for root, lists in roots.items():
        splits = _splits(tree, lists, problems)
        left = len(paths[root].keys() - splits.keys())
        if left:
            progress.note(f"{left:,} XML files in {root or tree.place.name} are in no list and are left out")
        own = next((path.rpartition("/")[0] for path in paths[root].values()), f"{root}/Annotations")
        for stem, split in splits.items():
            yield _Entry(stem, paths[root].get(stem, ""), own, split, listed=True)


def _splits(tree: Tree, lists: dict[str, str], problems: list[Problem]) -> dict[str, str]:
    splits: dict[str, str] = {}
    for name in ("test", "val", "train", "trainval"):
        if name not in lists:
            continue
        for line in tree.lines(lists[name]):
            stem = stem_of(re.sub(r"\s+-?[01]$", "", line), ".xml")
            split = splits.setdefault(stem, split_named(name) or "train")
            if name != "trainval" and split != name:
                problems.append(Problem(stem, f"it is in the lists {split} and {name}: taken for {split}", split, False, "twice"))
    return splits


def _unlisted(tree: Tree, roots: dict[str, dict[str, str]]) -> Iterator[_Entry]:
    for path in _annotations(tree):
        if _root_of(path, roots) is None:
            yield _Entry(stem_of(path, ".xml"), path, path.rpartition("/")[0])


def _is_mask(path: str) -> bool:
    return any(part in _MASKS for part in path.lower().split("/")[:-1])


class _Photographs:
    """The pictures of a place by their names without suffix."""

    def __init__(self, place: Place):
        self.tree = place.pictures
        photographs = ((stem, [path for path in paths if not _is_mask(path)]) for stem, paths in self.tree.by_stem.items())
        self.by_stem = {stem: paths for stem, paths in photographs if paths}

    def of(self, entry: _Entry, names: Iterable[str]) -> str | None:
        """The picture of an annotation that calls it `names`: that of its own name comes first, the nearest of several."""
        names = list(names)
        same = nearer(self.by_stem.get(entry.stem, ()), entry.folder)
        if len(same) > 1:
            same = [path for path in same if path.rpartition("/")[2] in names] or same
        if len(same) == 1:
            return same[0]
        found = (self.tree.picture(name, entry.folder) for name in (entry.stem, *names))
        return None if same else next(filter(None, found), None)

    def without_annotation(self, annotated: set[str], roots: Iterable[str]) -> list[str]:
        """The pictures that lie in a folder with annotated ones and are not among them, but for those of lists."""
        folders = {path.rpartition("/")[0] for path in annotated}
        every = sorted(path for paths in self.by_stem.values() for path in paths)
        inside = (path for path in every if path.rpartition("/")[0] in folders and path not in annotated)
        return [path for path in inside if _root_of(path, roots) is None]


def _read(entry: _Entry, tree: Tree, pictures: _Photographs) -> tuple[Annotated | None, list[Problem]]:
    """What is said of a picture, with corners as they stand, None where it is missing; and what is wrong."""
    objects, reasons = _objects(entry, tree)
    path = pictures.of(entry, objects.pictures)
    if path is None:
        where = entry.annotation or "a list of ImageSets"
        reason = "; ".join([f"named by {where}, but there is no such picture", *reasons.values()])
        return None, [Problem(entry.stem, reason, entry.split, kind="missing")]
    split = entry.split or ("" if entry.listed else split_of_path(path))
    problems = [Problem(path, reason, split, False, kind) for kind, reason in reasons.items()]
    image = pictures.tree.files[path]
    return _annotated(path, image, split, objects), problems


def _annotated(path: str, image: ImageFile, split: str, objects: Objects) -> Annotated:
    """The picture with its objects, but for those that have no class."""
    named = [bool(name) for name in objects.names]
    names = tuple(filter(None, objects.names))
    return Annotated(path, image, split, tuple(filter(None, objects.boxless)), names, objects.corners[named], objects.size)


_NOTHING = Objects(None, np.zeros((0, 4)))


def _objects(entry: _Entry, tree: Tree) -> tuple[Objects, dict[str, str]]:
    """What an entry's XML file gives, nothing where it cannot be used; and what is wrong, by its kind."""
    if not entry.annotation:
        return _NOTHING, {"no-box": "there is no XML file of its name"}
    try:
        found = objects_of(tree.content(entry.annotation))
    except (InputError, ValueError) as error:
        return _NOTHING, {"no-box": f"broken annotation {entry.annotation}: {error}"}
    wrong = {}
    if found.boxless:
        wrong["no-box"] = f"{len(found.boxless)} objects in {entry.annotation} have no bndbox"
    if "" in found.names + found.boxless:
        wrong["no-class"] = f"an object in {entry.annotation} has no name: it is left out"
    return found, wrong


def beside(image: Path) -> Annotated | None:
    """What is said of a picture by the XML file of its name beside it, or in a folder of annotations beside its own.

    Raises:
        InputError: the annotation cannot be read.
    """
    places = (image.parent / folder / f"{image.stem}.xml" for folder in _BESIDE)
    path = next((place for place in places if place.is_file()), None)
    if path is None or not _ROOT.search(decoded(content := ImageFile(path).content())):
        return None
    try:
        found = objects_of(content)
    except ValueError as error:
        raise InputError(f"broken annotation {path.name}: {error}") from error
    annotated = _annotated(str(image), ImageFile(image), "", found)
    if _any_below_one(path.parent, path.parent.stat().st_mtime_ns):
        return annotated
    return replace(annotated, corners=half_open(annotated.corners))


@lru_cache(maxsize=64)
def _any_below_one(folder: Path, changed: int) -> bool:
    """Whether a corner below 1 stands in any XML file of a folder that changed at `changed`: what all are taken by."""
    return any(_BELOW_ONE.search(decoded(ImageFile(path).content())) for path in files_ending(folder, ".xml"))
