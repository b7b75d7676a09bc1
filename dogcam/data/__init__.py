"""Where annotated pictures come from: one file a format in `formats`, and what all of them share.

A format converts its boxes to the one convention at its border (see `dogcam.boxes.geometry`): (x0, y0, x1, y1), relative to
the picture, half-open. What cannot be used becomes a named `Problem`, never a silent gap.

    pipeline     records -> pictures of the size that a network takes
    decoding     encoded pictures -> pixels
    images       pictures as they are stored: in files, or in archives
    pixels       masks as they are stored: numbers of classes
    regions      polygons and run lengths -> masks
    archives     the files in a .tar or .zip
    trees        the files of a folder or an archive
    splits       which pictures are for training and which for the test
    annotated    what a format says of its pictures
    frames       what an annotation's corners are of: the picture as stored or as turned, and of which size
    checking     boxes checked against the pictures themselves
    assembling   what a format says of its pictures -> records
    synthetic    drawn dogs
    formats      the registry, and one file a format
    opening      which dataset or format is meant
    class_names  a class by its name, however it is spelled
    maps         somebody else's heatmaps by picture
    pictures     what a user means by files, folders and ids
    predictions  predicted boxes in the forms of other tools
    contents     what only a look into the pictures tells: copies, classes without a box

What they hand over is here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from dogcam.core.errors import InputError

NO_BOXES = np.zeros((0, 4), np.float32)


class Picture(Protocol):
    """Anything that can be read into pixels."""

    def pixels(self) -> np.ndarray:
        """The picture as uint8 (height, width, 3), RGB. Raises `InputError` where it cannot be read."""


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """One class in one annotated picture: the row that is scored. Most sets have one class in a picture, and a row for each.

    Attributes:
        id: the name it is reported under, unique in its dataset; "picture#class" in a set with several classes in a picture.
        image: where its pixels come from.
        label: index into the dataset's classes; None where it is not known, or where there is no object.
        boxes: float32 (n, 4), (x0, y0, x1, y1), relative (0 to 1), half-open, of this class; n may be 0.
        mask: gives the object's pixels, bool (height, width), or uint8 with `boxes.geometry.UNKNOWN` where a pixel may be
            either; None where they are not known.
        picture: the id of its picture, which the rows of a picture have in common: what intervals resample.
        present: labels of all classes in the picture, ascending.
        path: of the picture below its dataset's place, with its suffix; "" where it lies in no file of its own.
    """

    id: str
    image: Picture
    label: int | None
    boxes: np.ndarray = field(default_factory=lambda: NO_BOXES)
    mask: Callable[[], np.ndarray] | None = None
    picture: str = ""
    present: tuple[int, ...] = ()
    path: str = ""

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        values = boxes.tolist()  # numbers of Python's: there may be a million records, and most have one box
        if not all(0 <= value <= 1 for box in values for value in box):  # NaN is neither
            raise InputError(f"{self.id}: boxes must be relative, within 0 and 1; received {values}")
        if not all(x1 > x0 and y1 > y0 for x0, y0, x1, y1 in values):
            raise InputError(f"{self.id}: boxes must have x1 > x0 and y1 > y0; received {values}")
        object.__setattr__(self, "boxes", boxes)
        if not self.picture:
            object.__setattr__(self, "picture", self.id)
        if not self.present and self.label is not None:
            object.__setattr__(self, "present", (self.label,))


@dataclass(frozen=True)
class Problem:
    """An input that could not be used as it should: shown, counted, and the reason for exit code 3.

    Attributes:
        id: the picture or file.
        reason: what is wrong with it, in words.
        split: the split it belongs to, "" where there is none.
        lost: the picture itself is unusable; otherwise only its boxes are.
        kind: what such problems are counted by: "unreadable", "missing", "outside", "cut", "swapped", "one-pixel", "other-size",
            "turned", "scaled", "either-way", "twice", "leak", "no-split", "no-box", "no-class", "leads-out", "copy", "one-split",
            "unboxed-class"; "" for others.
    """

    id: str
    reason: str
    split: str = ""
    lost: bool = True
    kind: str = ""


def reason_of(error: Exception, identity: str) -> str:
    """What `error` says is wrong, without naming `identity` again: a `Problem` is shown as "id: reason"."""
    told = str(error).removeprefix(f"{identity}: ")
    return told.replace(f"cannot read {identity}: ", "cannot be read: ", 1)


def short_names(names: Sequence[str]) -> tuple[str, ...]:
    """ "n02105641-Old_English_sheepdog" -> "Old English sheepdog": without WordNet's numbers, if they stay distinct."""
    short = tuple(re.sub(r"^n\d{8}-", "", name).replace("_", " ") for name in names)
    return short if len(set(short)) == len(short) else tuple(names)


@dataclass(frozen=True)
class Origin:
    """Where a dataset was read from.

    Attributes:
        kind: "drawn" on demand, "archives" as their authors publish them, "tfds", or "files" of one of the common formats.
        folder: where it lies; "" where it lies nowhere.
        name: what it is called there, with its version, or the format of its files; "" where the kind says it.
    """

    kind: str
    folder: str = ""
    name: str = ""


@dataclass(frozen=True)
class Division:
    """How a dataset came by its splits.

    Attributes:
        how: "given" by the data, "val" where its validation pictures stand for the test, or "seeded": drawn, class by class.
        seed: of the drawn one; None for others.
        share: of the pictures that the drawn one keeps for the test; None for others.
    """

    how: str = "given"
    seed: int | None = None
    share: float | None = None


@dataclass(frozen=True)
class Dataset:
    """Annotated pictures in splits ("train", "test", and "val" where both others are given beside it).

    Attributes:
        name: the specification it was opened by, such as "stanford_dogs".
        classes: names as shown to people, indexed by a record's label.
        splits: records by split.
        problems: what could not be used while opening.
        source: where it was read from; None where that is not known.
        division: how it came by its splits.
        mended: annotations that were not as they should be and could be set right by one rule, such as a swapped corner.
        multilabel: whether a picture may have several classes, each a row of its own.
        numbers: the format's own of pictures, by their ids, and of classes, in order, as COCO has them; else empty.
    """

    name: str
    classes: tuple[str, ...]
    splits: Mapping[str, tuple[Record, ...]]
    problems: tuple[Problem, ...] = ()
    source: Origin | None = None
    division: Division = Division()
    mended: tuple[Problem, ...] = ()
    multilabel: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)
    class_numbers: Sequence[int] = ()

    def picture_counts(self) -> dict[str, int]:
        """How many pictures each split has, whatever the number of their rows."""
        return {split: len({record.picture for record in records}) for split, records in self.splits.items()}

    def training_boxes(self) -> np.ndarray:
        """The first box of each training picture (n, 4)."""
        boxes = [record.boxes[0] for record in self.splits.get("train", ()) if len(record.boxes)]
        return np.array(boxes, np.float32).reshape(-1, 4)

    def fingerprint(self) -> str:
        """SHA-256 over classes, and over the id, label and boxes of every record: the same data, the same digits."""
        digest = hashlib.sha256("\0".join(self.classes).encode())
        for split, records in sorted(self.splits.items()):
            for record in records:
                digest.update(f"\0{split}\0{record.id}\0{record.label}\0".encode("utf-8", "backslashreplace"))
                digest.update(np.round(record.boxes, 5).astype("<f4").tobytes())
        return digest.hexdigest()
