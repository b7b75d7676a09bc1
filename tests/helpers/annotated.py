"""Small annotated datasets of pictures in files, with what tests of looking at data need: copies, broken files, lone classes."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image

from dogcam.data import Dataset, Problem, Record
from dogcam.data.images import ImageFile

BOX = (0.25, 0.25, 0.75, 0.75)


def picture(folder: Path, name: str, size: tuple[int, int] = (40, 30), of: str = "") -> ImageFile:
    """A JPEG of `size` (width, height) that shows what the name `of` gives, its own if none: the same bytes for the same `of`."""
    path = folder / f"{name}.jpg"
    rng = np.random.default_rng(crc32((of or name).encode()))
    Image.fromarray(rng.integers(0, 255, (*size[::-1], 3), np.uint8)).save(path, quality=95)
    return ImageFile(path)


def dataset(folder: Path, **changes) -> Dataset:
    """Two classes, four pictures for training and two for the test, each with one box in the middle unless `changes` say so.

    Args:
        changes: by id, the fields of its record that differ.
    """
    splits = {"train": ("a1", "a2", "b1", "b2"), "test": ("a3", "b3")}
    made = {}
    for split, ids in splits.items():
        rows = []
        for each in ids:
            fields = {"image": None, "label": "ab".index(each[0]), "boxes": [BOX], **changes.get(each, {})}
            rows.append(Record(each, fields.pop("image") or picture(folder, each), **fields))
        made[split] = tuple(rows)
    return Dataset("drawn", ("ape", "bee"), made)


def lying(folder: Path) -> Dataset:
    """The same with a picture in both splits, one that cannot be read, a box that was cut, a corner that was exchanged."""
    made = dataset(folder, a1={"image": picture(folder, "a1", of="same")}, a3={"image": picture(folder, "a3", of="same")})
    (folder / "b2.jpg").write_bytes((folder / "b2.jpg").read_bytes()[:300])
    problems = (Problem("a2", "box <b>[red]was cut[/red]</b>", "train", False, "cut"),)
    mended = (Problem("b1", "exchanged", "train", False, "swapped"),)
    return Dataset(made.name, made.classes, made.splits, problems, mended=mended)
