"""The lines of a YOLO label file: class and box, or class and polygon, in numbers relative to the picture."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

# So far outside of 0 to 1 a number is one that was rounded; Ultralytics takes the same.
_OUTSIDE = 0.01
_BOX = (5, 6)  # numbers of a box, without and with a confidence
_NEEDED = "5 (class, centre x and y, width, height), 6 with a confidence, or a class and x and y of at least 3 corners"


@dataclass
class Labels:
    """What a label file says.

    Attributes:
        classes: the class's number of each object.
        corners: x0, y0, x1, y1 of each, relative.
        polygons: corners x, y, x, y, ... of each, relative; None where it has a box alone.
        wrong: why a line is not taken, for each that is not.
    """

    classes: list[int] = field(default_factory=list)
    corners: list[tuple[float, float, float, float]] = field(default_factory=list)
    polygons: list[array | None] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def labels_of(text: str, names: Mapping[int, str], keypoints: bool = False) -> Labels:
    """The objects of a label file.

    Args:
        text: its lines.
        names: of the classes, by number; empty where they have none, and any number is one.
        keypoints: whether what follows a box are a body's points, as in sets for poses.
    """
    labels = Labels()
    for place, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            label, polygon, corners = _object(words, names, keypoints)
        except ValueError as error:
            labels.wrong.append(f"line {place}: {error}")
            continue
        labels.classes.append(label)
        labels.corners.append(corners)
        labels.polygons.append(polygon)
    return labels


def _object(
    words: list[str], names: Mapping[int, str], keypoints: bool
) -> tuple[int, array | None, tuple[float, float, float, float]]:
    """An object's class, polygon and corners. Raises `ValueError` with what is wrong."""
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f"{' '.join(words)[:60]!r} is not numbers alone") from error
    label = _class(numbers[0], words[0], names)
    length = _BOX[0] if keypoints else len(numbers)
    if len(numbers) < _BOX[0]:
        raise ValueError(f"it has {len(numbers)} numbers, where {_NEEDED} belong")
    # Of a polygon with a confidence the count is even.
    geometry = numbers[1:5] if length in _BOX else numbers[1 : length - 1 + length % 2]
    odd = [value for value in geometry if not -_OUTSIDE <= value <= 1 + _OUTSIDE]
    if odd:
        raise ValueError(f"{odd[0]:g} is not relative to the picture, from 0 to 1")
    if length in _BOX:
        x, y, width, height = geometry
        return label, None, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    xs, ys = geometry[::2], geometry[1::2]
    return label, array("d", geometry), (min(xs), min(ys), max(xs), max(ys))


def _class(number: float, word: str, names: Mapping[int, str]) -> int:
    if not (0 <= number < 1 << 31 and number == int(number)):
        raise ValueError(f"its class {word[:20]} is no number of a class: 0, 1, 2, ...")
    if names and int(number) not in names:
        raise ValueError(f"its class {int(number)} is none of the {len(names)} named, {min(names)} to {max(names)}")
    return int(number)


def looks_like_labels(text: str) -> bool:
    """Whether a text is lines of a class and numbers relative to a picture: what a set without YAML is recognised by."""
    labels = labels_of(text, {})
    return bool(labels.classes) and not labels.wrong
