"""Pascal VOC's XML: a file of one picture's annotation -> the boxes of its objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree


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
