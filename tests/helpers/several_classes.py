"""A drawn set with several classes in a picture, one picture of every kind, assembled as a format's reading is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from dogcam.core.progress import Progress
from dogcam.data import Origin, Problem
from dogcam.data.assembling import Annotated, Reading, assemble
from dogcam.data.images import ImageFile

SIDE = 64
COLOURS = {"disc": (220, 40, 40), "frame": (40, 200, 60), "square": (50, 70, 230)}
NAMES = tuple(COLOURS)
# Of the test split: rows that are scored, rows without a usable box, and what is left out (see `several_classes`).
SCORED, UNANNOTATED, LEFT_OUT = 12 + 2 * 2, 1 + 2, 2 + 2 + 1


def shapes(random, count):
    """`count` shapes of different classes, each in a quarter of the picture of its own: names, and corners in pixels (n, 4)."""
    names = [str(name) for name in random.permutation(NAMES)[:count]]
    quarters = random.permutation(4)[:count]
    corner = np.stack([quarters % 2, quarters // 2], axis=1) * (SIDE // 2) + random.integers(2, 8, (count, 2))
    return names, np.concatenate([corner, corner + random.integers(14, 22, (count, 2))], axis=1).astype(float)


def draw(path, names, corners, random):
    """A PNG file of shapes on noise."""
    image = Image.fromarray(random.integers(90, 140, (SIDE, SIDE, 3), np.uint8))
    pen = ImageDraw.Draw(image)
    for name, (x0, y0, x1, y1) in zip(names, corners, strict=True):
        how = {"outline": COLOURS[name], "width": 4} if name == "frame" else {"fill": COLOURS[name]}
        (pen.ellipse if name == "disc" else pen.rectangle)((x0, y0, x1 - 1, y1 - 1), **how)
    image.save(path)


def annotated(folder, split, number, count, random):
    """A drawn picture with `count` classes."""
    names, corners = shapes(random, count)
    path = folder / f"{split}-{number:02d}.png"
    draw(path, names, corners, random)
    return Annotated(path.name, ImageFile(path), split, (), tuple(names), corners, (SIDE, SIDE))


def several_classes(folder, training=18):
    """The dataset. Its test split has 12 pictures of one class, 2 of two, and one of every other kind:

    of no class (twice), without a box but with a class, with boxes of another size that are refused (two classes), cut off in
    its file (two classes), and listed but not there.
    """
    random = np.random.default_rng(7)
    folder.mkdir()
    pictures = [annotated(folder, "train", number, number % 3 + 1, random) for number in range(training)]
    pictures += [annotated(folder, "train", training, 0, random)]
    counts = [1] * 12 + [2, 2] + [0, 0] + [1] + [2] + [2]
    test = [annotated(folder, "test", number, count, random) for number, count in enumerate(counts)]
    test[16] = replace(test[16], labels=test[16].names, names=(), corners=np.zeros((0, 4)))
    test[17] = replace(test[17], size=(300, SIDE))
    cut = test[18].image.path
    cut.write_bytes(cut.read_bytes()[:200])
    gone = Problem("test-19", "listed, but not there", "test", kind="missing")
    reading = Reading([*pictures, *test], NAMES, (gone,))
    return assemble("several", reading, Origin("files", str(folder), "drawn"), 0, Progress())
