"""A subfolder of pictures for each class, as torchvision's ImageFolder and Keras's image_dataset_from_directory read it.

    cat/a.jpg  dog/b.jpg               or, with splits above them:
    train/cat/a.jpg  test/dog/b.jpg    train, val, validation, test, training_set, seg_train/seg_train, ...

There are no boxes: such a set can be trained on and explained, and faithfulness can be scored. Pictures deeper in a class's
folder are of that class; they are turned as their EXIF tags say, since no annotation refers to them as they are stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from itertools import takewhile

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Problem
from dogcam.data.assembling import Annotated, Reading
from dogcam.data.splits import split_named
from dogcam.data.trees import Place, Tree

# Folders that hold the parts of a set, not its classes.
_PARTS = set(
    "image images img imgs jpegimages picture pictures photo photos mask masks label labels annotation annotations xmls "
    "imagesets segmentationclass segmentationobject segmentation segmentations trimaps groundtruth gt data dataset".split()
)


# Words that stand beside a split's in the name of a folder: training_set, seg_train, train-images.
_BESIDE_SPLIT = {"set", "data", "dataset", "split", "seg", "images", "image", "imgs", "img", "pictures", "photos"}


def sign_folder(tree: Tree) -> str:
    """See `formats.Source`: at least two folders of pictures, none of which is named as a part of a set."""
    places = _places(tree.pictures)
    classes = {name for _, name in places.values() if name}
    loose = sum(not name for _, name in places.values())
    # Also around classes: where there is a folder of images, there may be one of annotations that nobody recognised.
    around = {folder for path, (_, name) in places.items() for folder in f"/{path}".partition(f"/{name}/")[0].split("/")}
    parts = {name.lower() for name in around | classes} & _PARTS
    if len(classes) < 2 or parts or 2 * loose > len(places):
        return ""
    return f"pictures in {len(classes)} folders"


def _places(paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The split and class of each path, "" where it has none.

    Folders that all have in common are none of either. Those below are splits if one that is called so has folders in it, or
    if all are called so: "train" beside "bus" is a class.
    """
    folders = {path: path.split("/")[:-1] for path in paths}
    around = _around(each for each in folders.values() if each)
    inner = {path: each[around:] for path, each in folders.items()}
    tops = {each[0] for each in inner.values() if each}
    called = {top for top in tops if _split_called(top)}
    splits = called if called == tops or any(len(each) > 1 and each[0] in called for each in inner.values()) else set()
    return {path: _place(each, splits) for path, each in inner.items()}


def _around(folders: Iterable[Sequence[str]]) -> int:
    """How many folders are around all classes: those that all begin with, if they are no split; of one class there are none."""
    folders = list(folders)
    first, last = min(folders, default=()), max(folders, default=())
    if first == last:
        return 0
    # A picture that lies in one of them directly is of a class called so.
    shared = takewhile(lambda pair: pair[0] == pair[1] and not _split_called(pair[0]), zip(first[:-1], last, strict=False))
    return sum(1 for _ in shared)


def _split_called(name: str) -> str:
    words = re.split("[ _-]+", name.lower())
    splits = [split for word in words if (split := split_named(word))]
    return splits[0] if len(splits) == 1 and all(split_named(word) or word in _BESIDE_SPLIT for word in words) else ""


def _place(folders: Sequence[str], splits: Set[str]) -> tuple[str, str]:
    if not splits:
        return "", folders[0] if folders else ""
    if not folders or folders[0] not in splits:
        return "", ""
    below = folders[2:] if folders[1:2] == folders[:1] else folders[1:]  # train/train/cat, as archives are unpacked
    return _split_called(folders[0]), below[0] if below else ""


def read_folder(place: Place, progress: Progress) -> Reading:
    """See `formats.Source`.

    Raises:
        InputError: no picture is in a folder.
    """
    pictures, problems = [], []
    for path, (split, name) in _places(place.pictures.pictures).items():
        if name:
            pictures.append(Annotated(path, place.pictures.files[path], split, (name,)))
        else:
            problems.append(Problem(path, "it lies in no folder of a class", split, kind="no-class"))
    if not pictures:
        raise InputError(f"{place.pictures.place} has no subfolder with pictures: expected one for each class, such as cat/a.jpg")
    return Reading(pictures, problems=problems)
