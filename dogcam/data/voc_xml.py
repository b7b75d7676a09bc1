"""Pascal VOC's XML: a file of one picture's annotation -> the boxes of its objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from dogcam.boxes.geometry import to_relative
from dogcam.data import NO_BOXES, Problem, usable_boxes


@dataclass(frozen=True, eq=False)
class Objects:
    """What a file says of its objects.

    Attributes:
        size: width and height of the annotated picture, in pixels.
        corners: float64 (n, 4), (xmin, ymin, xmax, ymax) as they stand.
    """

    size: tuple[float, float]
    corners: np.ndarray


def objects_of(content: bytes) -> Objects:
    """The objects that a file annotates.

    Raises:
        ValueError: it is not such a file, and why; XML entities are refused.
    """
    try:
        root = SafeTree.fromstring(content)
        width, height = (float(root.findtext(f"size/{name}", "")) for name in ("width", "height"))
        corners = [[float(box.findtext(name, "")) for name in ("xmin", "ymin", "xmax", "ymax")] for box in root.iter("bndbox")]
    except DefusedXmlException as error:
        raise ValueError("it declares XML entities, which are refused") from error
    except (SafeTree.ParseError, LookupError) as error:  # LookupError: its encoding
        raise ValueError(str(error)) from error
    if not (width > 0 and height > 0):
        raise ValueError(f"its size is {width:g} x {height:g}")
    return Objects((width, height), np.array(corners, np.float64).reshape(-1, 4))


def read_voc_xml(content: bytes, identity: str, split: str = "") -> tuple[np.ndarray, list[Problem]]:
    """Relative boxes (n, 4) of the picture `identity`, none where the file cannot be read, and what is wrong.

    The corners are taken as they stand, divided by the annotated size, as TFDS does.
    """
    try:
        found = objects_of(content)
    except ValueError as error:
        return NO_BOXES, [Problem(identity, f"broken annotation: {error}", split, lost=False)]
    return usable_boxes(identity, to_relative(found.corners, *found.size), split)
