"""The one box convention of dogcam, and its arithmetic.

A box is (x0, y0, x1, y1), float, relative to the picture (0 to 1), half-open: x1 and y1 are the first coordinates
outside. Squashing a picture leaves its boxes unchanged. Whatever counts in pixels converts at its own border.
"""

from __future__ import annotations

import numpy as np

WHOLE_IMAGE = np.array([0, 0, 1, 1], np.float32)
# In the mask of an object: a pixel that is not known to be of the object or of the rest.
UNKNOWN = 255


def to_relative(boxes: np.ndarray, width: float, height: float) -> np.ndarray:
    """Boxes (..., 4) in pixels of a `width` x `height` picture -> relative boxes, float32."""
    return (np.asarray(boxes, np.float64) / (width, height, width, height)).astype(np.float32)


def to_pixels(boxes: np.ndarray, width: float, height: float) -> np.ndarray:
    """Relative boxes (..., 4) -> boxes in pixels of a `width` x `height` picture, float64."""
    return np.asarray(boxes, np.float64) * (width, height, width, height)


def clip(boxes: np.ndarray) -> np.ndarray:
    """Boxes (..., 4) cut at the edges of the picture; one that lay outside becomes empty."""
    return np.clip(boxes, 0, 1)


def area(boxes: np.ndarray) -> np.ndarray:
    """The share of the picture that each box (..., 4) covers; 0 where it is empty or inverted."""
    boxes = np.asarray(boxes, np.float64)
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def iou(first: np.ndarray, second: np.ndarray, last: float = 0) -> np.ndarray:
    """Intersection over union of every box of `first` (n, 4) with every box of `second` (m, 4).

    |A ∩ B| / |A ∪ B| of half-open boxes (Everingham 2010).

    Args:
        last: what is added to every side: 1 in conventions that count pixels and have both corners inside.

    Returns:
        float64 (n, m); 0 where the union is empty.
    """
    a, b = np.array(first, np.float64)[:, None], np.array(second, np.float64)[None]
    a[..., 2:] += last
    b[..., 2:] += last
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.prod(np.maximum(sides, 0), axis=-1)
    union = area(a) + area(b) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def centre_box(share: float) -> np.ndarray:
    """The centred box whose sides are `share` of the picture's: a baseline that never looks."""
    margin = (1 - share) / 2
    return np.array([margin, margin, 1 - margin, 1 - margin], np.float32)
