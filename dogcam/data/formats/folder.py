"""A subfolder of pictures for each class, as torchvision's ImageFolder and Keras's image_dataset_from_directory read it.

    cat/a.jpg  dog/b.jpg               or, with splits above them:
    train/cat/a.jpg  test/dog/b.jpg    train, val, validation, test, ...

There are no boxes: such a set can be trained on and explained, and faithfulness can be scored. Pictures deeper in a class's
folder are of that class; they are turned as their EXIF tags say, since no annotation refers to them as they are stored.
"""

from __future__ import annotations

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


def sign_folder(tree: Tree) -> str:
    """See `formats.Source`: at least two folders of pictures, none of which is named as a part of a set."""
    classes = {name for path in tree.pictures if (name := _place(path)[1])}
    loose = sum(not _place(path)[1] for path in tree.pictures)
    if len(classes) < 2 or any(name.lower() in _PARTS for name in classes) or 2 * loose > len(tree.pictures):
        return ""
    return f"pictures in {len(classes)} folders"


def _place(path: str) -> tuple[str, str]:
    """The split and class of a path, "" where it has none."""
    folders = path.split("/")[:-1]
    split = split_named(folders[0]) if folders else ""
    classes = folders[1:] if split else folders
    return split, classes[0] if classes else ""


def read_folder(place: Place, progress: Progress) -> Reading:
    """See `formats.Source`.

    Raises:
        InputError: no picture is in a folder.
    """
    pictures, problems = [], []
    for path in place.pictures.pictures:
        split, name = _place(path)
        if name:
            pictures.append(Annotated(path, place.pictures.files[path], split, (name,)))
        else:
            problems.append(Problem(path, "it lies in no folder of a class", split, kind="no-class"))
    if not pictures:
        raise InputError(f"{place.pictures.place} has no subfolder with pictures: expected one for each class, such as cat/a.jpg")
    return Reading(pictures, problems=problems)
