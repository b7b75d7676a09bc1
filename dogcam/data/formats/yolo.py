"""YOLO's layout: a text file of relative boxes or polygons beside each picture's folder, and a YAML file that names classes.

Numbers are of the picture as its EXIF tag turns it, as Ultralytics reads them. A picture without a label file shows none of
the classes. The labels of .../images/x.jpg are .../labels/x.txt (the last `images` counts), those of a tree of their own that
has the same folders, or those beside the picture, as darknet has them.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.formats.yolo_lines import Labels, labels_of, looks_like_labels
from dogcam.data.formats.yolo_yaml import LISTS, YAML, Config, config_of, listed_names, named_yaml
from dogcam.data.images import ImageFile, Stored
from dogcam.data.regions import RelativePixels
from dogcam.data.splits import split_named
from dogcam.data.trees import Place, Tree, decoded, files_ending

SPLITS = ("train", "val", "test")
_LOOKED_AT = 20  # label files, of a set without YAML, by which it is recognised


def sign_yolo(tree: Tree) -> str:
    """By what a folder is recognised: label files, and a YAML with `names` where there is one."""
    label = next(_telling_labels(tree), "")
    if not label:
        return ""
    config = named_yaml(tree)
    return f"{config} with names" if config else f"lines of classes and relative boxes in {label}"


def _telling_labels(tree: Tree) -> Iterator[str]:
    """Label files that say something, of the first few."""
    folders = _label_folders(tree)
    beside = {str(PurePosixPath(path).with_suffix(".txt")) for path in tree.pictures} if not folders else set()
    paths = [path for folder in folders for path in tree.under(folder, ".txt")] or [path for path in beside if path in tree.files]
    for path in sorted(paths)[:_LOOKED_AT]:
        if PurePosixPath(path).name not in LISTS and looks_like_labels(_beginning(tree.files[path])):
            yield path


def _beginning(file: Stored) -> str:
    """Its first whole lines; nothing where it cannot be read."""
    try:
        content = decoded(file.beginning(1 << 14))
    except InputError:
        return ""
    return content if len(content) < 1 << 14 else content.rpartition("\n")[0]


def read_yolo(place: Place, progress: Progress) -> Reading:
    """All pictures, those of the YAML's splits where it names any.

    Raises:
        InputError: the YAML or the labels cannot be used, or it is not to be told which labels are meant.
    """
    config = config_of(place, progress)
    problems: list[Problem] = []
    splits = _splits(config, place.pictures, problems, progress)
    folders = _Folders(place, config)
    located = folders.labels_of(place.pictures.pictures)
    if located and not any(located.values()):
        looked = "as .../labels/x.txt for .../images/x.jpg, or x.txt beside x.jpg"
        raise InputError(f"not one of {len(located):,} pictures in {place.pictures.place} has a label file, {looked}")
    problems += _without_picture(place.tree, located)
    folders.tell_of_others(located, progress)
    names = config.names if config else listed_names(place.tree)
    pictures, used, lines = [], set(), 0
    splits = _labelled(splits, located, config, progress)
    for path, split in progress.track(splits.items(), "reading labels", len(splits)):
        labels, wrong = _labels(place.tree, located[path], names, config is not None and config.keypoints)
        pictures.append(_annotated(path, place.pictures.files[path], split, labels, names))
        used.update(labels.classes)
        lines += len(labels.classes)
        problems += [Problem(path, f"{located[path]} {reason}", split, False, "no-box") for reason in wrong]
    unusable = [each for each in problems if each.kind == "no-box"]
    if unusable and not lines:
        raise InputError(f"not one of {len(unusable):,} lines of labels can be used; the first: {unusable[0].reason}")
    return Reading(pictures, list(names.values()) or [str(number) for number in sorted(used)], problems)


def _labelled(
    splits: dict[str, str], located: Mapping[str, str | None], config: Config | None, progress: Progress
) -> dict[str, str]:
    """The pictures without those that have no label file, where the YAML says that these are not to be taken."""
    if config is None or not config.labelled:
        return splits
    kept = {path: split for path, split in splits.items() if located[path] is not None}
    if len(kept) < len(splits):
        left = len(splits) - len(kept)
        progress.note(f"{left:,} pictures have no label file: left out (skip_if_label_file_missing in {config.path})")
    return kept


def _labels(tree: Tree, path: str | None, names: Mapping[int, str], keypoints: bool) -> tuple[Labels, list[str]]:
    """The labels at `path`, none where there is no such file, and what is wrong with them."""
    if path is None:
        return Labels(), []
    try:
        text = tree.text(path)
    except InputError as error:
        return Labels(), [f"cannot be read: {error}"]
    labels = labels_of(text, names, keypoints)
    return labels, labels.wrong


def _annotated(path: str, image: Stored, split: str, labels: Labels, names: Mapping[int, str]) -> Annotated:
    if not labels.classes:
        return Annotated(path, image, split, relative=True, upright=True)
    named = tuple(names[number] if names else str(number) for number in labels.classes)
    polygons: dict[str, list[Any]] = {}
    for name, polygon in zip(named, labels.polygons, strict=True):
        polygons.setdefault(name, []).append(polygon)
    # Of a class of which one object has a box alone the pixels are not known.
    masks = {name: RelativePixels(tuple(several), image) for name, several in polygons.items() if None not in several}
    corners = np.array(labels.corners, np.float64) if labels.corners else NO_BOXES
    return Annotated(path, image, split, (), named, corners, relative=True, upright=True, masks=masks)


# The splits -----------------------------------------------------------------------------------------------------------


def _splits(config: Config | None, pictures: Tree, problems: list[Problem], progress: Progress) -> dict[str, str]:
    """The split of each picture that is to be read.

    Raises:
        InputError: a YAML names splits, and none of them is there.
    """
    if config is None or not config.splits:
        return {path: _split_in(path) for path in pictures.pictures}
    named = {split: _named(config, split, pictures, problems, progress) for split in config.splits}
    if not any(named.values()):
        entries_of = "; ".join(f"{split}: {', '.join(entries)}" for split, entries in config.splits.items())
        raise InputError(
            f"{config.path} names no folder with pictures in {pictures.place} ({entries_of}): correct it, or name --data-dir"
        )
    if len(named) > 1 and len({frozenset(paths) for paths in named.values()}) == 1:
        progress.note(f"{config.path} names the same pictures as {' and '.join(named)}: taken as one set without splits")
        return dict.fromkeys(next(iter(named.values())), "")
    splits: dict[str, str] = {}
    for split in sorted(named, key=SPLITS.index):
        for path in named[split]:
            if splits.setdefault(path, split) != split:
                reason = f"{config.path} names it as {splits[path]} and as {split}: taken as {splits[path]}"
                problems.append(Problem(path, reason, splits[path], False, "twice"))
    if len(splits) < len(pictures.pictures):
        progress.note(f"{len(pictures.pictures) - len(splits):,} pictures are in no split of {config.path}: left out")
    return splits


def _split_in(path: str) -> str:
    """The split that a picture is of by its folders, the innermost that is one."""
    return next((split for part in reversed(path.split("/")[:-1]) if (split := split_named(part))), "")


def _named(config: Config, split: str, pictures: Tree, problems: list[Problem], progress: Progress) -> list[str]:
    """The pictures that a YAML names for a split; it is said what of them is not there, which often was never shipped."""
    paths: list[str] = []
    for entry in config.splits[split]:
        place = next(
            (each for each in _candidates(entry, config.bases) if each in pictures.folders or each in pictures.files), None
        )
        if place is None:
            progress.note(f"{config.path} names {entry} for {split}, which is not there")
        elif place in pictures.folders:
            paths += [path for path in pictures.pictures if path.startswith(f"{place}/" if place else "")]
        else:
            paths += _in_list(place, split, pictures, problems)
    return paths


def _candidates(entry: str, bases: Sequence[str]) -> Iterator[str]:
    """Where an entry may lie: below one of the bases, or, of a path that is another computer's, where its end is."""
    entry = entry.replace("\\", "/")
    for base in bases:
        joined = posixpath.normpath(posixpath.join(base, entry))
        yield "" if joined == "." else joined
    parts = [part for part in entry.split("/") if part not in ("", ".", "..")]
    # Roboflow writes ../train/images and means ./train/images.
    yield from (posixpath.join(base, *parts) for base in bases if base)
    yield from ("/".join(parts[start:]) for start in range(len(parts)))


def _in_list(path: str, split: str, pictures: Tree, problems: list[Problem]) -> list[str]:
    """The pictures of a text file with a path a line."""
    paths = []
    for name in pictures.lines(path):
        if picture := pictures.picture(name, posixpath.dirname(path)):
            paths.append(picture)
        else:
            problems.append(Problem(name, f"{path} names it, and there is no such picture", split, kind="missing"))
    return paths


# The label files ------------------------------------------------------------------------------------------------------


def _label_folders(tree: Tree) -> list[str]:
    """The folders called labels; the whole tree where it is one."""
    folders = sorted(folder for folder in tree.folders if posixpath.basename(folder).lower() == "labels")
    return folders or ([""] if tree.place.name.lower() == "labels" else [])


class _Folders:
    """Where the label files of pictures are.

    Attributes:
        all: folders of labels.
    """

    def __init__(self, place: Place, config: Config | None):
        self._tree, self._config = place.tree, config
        self.all = _label_folders(place.tree)

    def labels_of(self, pictures: Sequence[str]) -> dict[str, str | None]:
        """The path of each picture's labels: by its folders, else by its name where no other picture has them; None for none."""
        places = {picture: self._places(picture) for picture in pictures}
        exact = {picture: path for picture, (path, _) in places.items() if path in self._tree.files}
        named = {picture: path for picture, (_, path) in places.items() if picture not in exact and path in self._tree.files}
        count = Counter([*set(exact.values()), *named.values()])
        return {
            picture: exact.get(picture) or (named[picture] if count[named.get(picture)] == 1 else None) for picture in pictures
        }

    def _places(self, picture: str) -> tuple[str, str]:
        """Where the labels of a picture may be: by its folders, and by its name alone."""
        stem = picture.rpartition(".")[0]
        if not self.all:
            return f"{stem}.txt", f"{stem}.txt"
        parts = stem.split("/")
        places = [place for place, part in enumerate(parts[:-1]) if part.lower() == "images"]
        inner = parts[places[-1] + 1 :] if places else parts
        own = "/".join([*parts[: places[-1]], "labels"]) if places else ""
        folder = own if own in self.all else self._around(picture)
        start = f"{folder}/" if folder else ""
        return f"{start}{'/'.join(inner)}.txt", f"{start}{inner[-1]}.txt"

    def _around(self, picture: str) -> str:
        """The folder of labels of a picture that does not lie beside it: the one in the nearest folder above, or a tree's."""
        above = [folder for folder in self.all if "/" in folder and picture.startswith(f"{posixpath.dirname(folder)}/")]
        return max(above, key=len) if above else self._apart

    @cached_property
    def _apart(self) -> str:
        """The one tree of labels that lies apart from the pictures, that of the YAML's folder where there are several.

        Raises:
            InputError: there are several.
        """
        start = posixpath.dirname(self._config.path) if self._config else ""
        chosen = [folder for folder in self.all if start and folder.startswith(f"{start}/")] or self.all
        if len(chosen) > 1:
            raise InputError(
                f"labels lie in {', '.join(chosen)}: say which are meant: yolo:{self._tree.place / posixpath.dirname(chosen[0])}"
            )
        return chosen[0]

    def tell_of_others(self, located: Mapping[str, str | None], progress: Progress) -> None:
        """Say which folders of labels are not read, and how they would be."""
        used = [f"{path}" for path in located.values() if path]
        taken = {folder for folder in self.all for path in used if path.startswith(f"{folder}/" if folder else "")}
        for folder in self.all:
            if folder not in taken and taken:
                other = self._tree.place / posixpath.dirname(folder)
                progress.note(f"the labels in {folder} are not read; to read them: --dataset yolo:{other}")


def _without_picture(tree: Tree, located: Mapping[str, str | None]) -> list[Problem]:
    """The label files of no picture, in folders where others have theirs: a split that was never shipped has none."""
    used = {path for path in located.values() if path}
    folders = {posixpath.dirname(path) for path in used}
    return [
        Problem(path, "labels of a picture that is not there", _split_in(path), kind="missing")
        for path in tree.under("", ".txt")
        if path not in used and posixpath.dirname(path) in folders and posixpath.basename(path) not in LISTS
    ]


def beside(image: Path) -> Annotated | None:
    """What is said of a picture by .../labels/x.txt where it is .../images/x.jpg, or by ../labels/x.txt.

    Labels may also lie in a folder beside `images`, as in .../object_detection/labels/x.txt: the first of these counts.

    Raises:
        InputError: the labels cannot be used.
    """
    parts = list(image.parts)
    places = [place for place, part in enumerate(parts[:-1]) if part.lower() == "images"]
    root = Path(*parts[: places[-1]]) if places else image.parent.parent
    inner = Path(*parts[places[-1] + 1 :]) if places else Path(image.name)
    label = Path("labels", inner).with_suffix(".txt")
    homes = [root, *(sorted(path.parent for path in root.glob("*/labels")) if places else ())]
    home = next((folder for folder in homes if (folder / label).is_file()), None)
    if home is None:
        return None
    path = home / label
    named = (_names_beside(folder) for folder in dict.fromkeys((home, root)))
    names, keypoints = next((each for each in named if each[0]), ({}, False))
    labels = labels_of(decoded(ImageFile(path).content()), names, keypoints)
    if labels.wrong and not labels.classes:
        raise InputError(f"{path}: {labels.wrong[0]}")
    return _annotated(str(image), ImageFile(image), "", labels, names)


def _names_beside(root: Path) -> tuple[Mapping[int, str], bool]:
    """The classes of a set by the files at its root, and whether it has keypoints."""
    kept = {path.name: ImageFile(path) for path in files_ending(root, *YAML, *LISTS)}
    tree = Tree(root, kept)
    config = config_of(Place(tree), Progress())
    return (config.names, config.keypoints) if config else (listed_names(tree), False)
