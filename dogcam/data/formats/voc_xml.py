"""Pascal VOC's XML: a file of one picture's annotation -> the boxes of its objects.

VOC counts pixels from 1, and a box ends with its last pixel (Everingham & Winn, "The PASCAL VOC2007 Development Kit", 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree


@dataclass(frozen=True, eq=False)
class Objects:
    """What a file says of its objects.

    Attributes:
        size: width and height of the annotated picture, in pixels; None where they are missing or not above 0.
        corners: float64 (n, 4), (xmin, ymin, xmax, ymax) as they stand.
        names: the class of each of these (n), "" where it has none.
        boxless: classes of the objects that have no box.
        pictures: what it calls its picture: <filename>, <path>.
    """

    size: tuple[float, float] | None
    corners: np.ndarray
    names: tuple[str, ...] = ()
    boxless: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()


def objects_of(content: bytes) -> Objects:
    """The objects that a file annotates. The boxes of an object's parts (VOC's heads, hands and feet) do not count.

    Raises:
        ValueError: it is not such a file, and why; XML entities are refused.
    """
    if not content.strip():
        raise ValueError("it is empty")
    try:
        root = SafeTree.fromstring(content)
        if root.tag != "annotation":
            raise ValueError(f"it begins with <{root.tag}>, not with VOC's <annotation>")
        objects = [(_text(each, "name"), each.find("bndbox")) for each in root.findall("object")]
        corners = [[_number(box, name) for name in _CORNERS] for _, box in objects if box is not None]
    except DefusedXmlException as error:
        raise ValueError("it declares XML entities, which are refused") from error
    except (SafeTree.ParseError, LookupError) as error:  # LookupError: its encoding
        raise ValueError(str(error)) from error
    return Objects(
        _size(root),
        np.array(corners, np.float64).reshape(-1, 4),
        tuple(name for name, box in objects if box is not None),
        tuple(name for name, box in objects if box is None),
        tuple(name for name in (_text(root, "filename"), _text(root, "path")) if name),
    )


_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def _number(box: Element, name: str) -> float:
    text = _text(box, name)
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"its {name} must be a number with a point, such as 63.5; received {text!r}") from error


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _size(root: Element) -> tuple[float, float] | None:
    try:
        width, height = (float(root.findtext(f"size/{name}", "")) for name in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def counts_from_one(corners: np.ndarray) -> bool:
    """Whether the corners (n, 4) of a whole set are VOC's own: pixels counted from 1, the last one included.

    Many tools write files like VOC's and count from 0. One corner below 1 anywhere proves that; without such proof the
    format's own definition holds. What a tool rounded or clamped cannot be told from the numbers.
    """
    return not len(corners) or bool(np.nanmin(corners, initial=np.inf) >= 1)


def half_open(corners: np.ndarray) -> np.ndarray:
    """VOC's corners (n, 4) -> (x0, y0, x1, y1) with x0 = xmin - 1 and x1 = xmax; exchanged corners stay exchanged."""
    first = corners[:, :2] <= corners[:, 2:]
    return corners - np.concatenate([first, ~first], axis=1)
