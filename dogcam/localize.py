"""From a raw map to a box, as a protocol says."""

from __future__ import annotations

import cv2
import numpy as np

from dogcam.boxes import clip, iou, to_relative
from dogcam.protocols import Protocol

_INTERPOLATION = {"bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


def is_empty(raw: np.ndarray) -> bool:
    """Whether a raw map shows nothing: no positive value, or a value that is not finite."""
    return not (np.isfinite(raw).all() and raw.max() > 0)


def prepare(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int]) -> np.ndarray:
    """A raw map (h, w) -> float32 map, cut, enlarged and normalised as `protocol` says.

    Args:
        shape: (height, width) of the picture, for the protocols that enlarge to it.

    Returns:
        (size, size) or `shape`. Its maximum is 1; without ReLU and with "max" its minimum may be below 0. Zeros where
        there is nothing to normalise: with "max" no positive value, with "minmax" a constant, with both a value that
        is not finite.
    """
    height, width = shape if protocol.size is None else (protocol.size, protocol.size)
    # An all-negative map is empty for "max", but has a minimum and a maximum for "minmax".
    if is_empty(raw) and (protocol.normalise == "max" or not np.isfinite(raw).all()):
        return np.zeros((height, width), np.float32)
    cut = np.maximum(raw, 0) if protocol.relu else raw
    # OpenCV takes (width, height), the other way round than shapes.
    large = cv2.resize(cut.astype(np.float32), (width, height), interpolation=_INTERPOLATION[protocol.upsample])
    return _normalise(large, protocol.normalise)


def _normalise(values: np.ndarray, how: str) -> np.ndarray:
    low = values.min() if how == "minmax" else np.float32(0)
    span = values.max() - low
    return (values - low) / span if span > 0 else np.zeros_like(values)


def predicted_box(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int]) -> np.ndarray | None:
    """The relative box (4,) float32 that `protocol` draws on a raw map (h, w); None where nothing is above the threshold.

    Args:
        shape: (height, width) of the picture, in pixels.
    """
    values = prepare(raw, protocol, shape)
    mask = (values > protocol.threshold).astype(np.uint8)
    if protocol.quantise:
        mask = (mask * np.clip(values * 255, 0, 255)).astype(np.uint8)
    box = _COMPONENT_BOXES[protocol.component, protocol.box](mask)
    return None if box is None else clip(to_relative(box, values.shape[1], values.shape[0]))


def score(box: np.ndarray | None, truth: np.ndarray, protocol: Protocol) -> float:
    """IoU of a predicted box (4,) with the annotated ones (n, 4), the best or the first as `protocol` says; 0 for none."""
    if box is None:
        return 0.0
    return float(iou(box[None], truth[:1] if protocol.truth == "first" else truth).max())


def _largest_extent(mask: np.ndarray) -> np.ndarray | None:
    """Pixels (x0, y0, x1, y1), half-open, of the largest 4-connected component; of equal ones the first found."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8), connectivity=4)
    if count < 2:
        return None
    x, y, width, height, _ = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))]
    return np.array([x, y, x + width, y + height])


def _first_contour_rectangle(mask: np.ndarray) -> np.ndarray | None:
    """The extent of the minimum-area rectangle around the first contour OpenCV finds, corners cut to whole pixels."""
    contours, _ = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    corners = cv2.boxPoints(cv2.minAreaRect(contours[0])).astype(np.int32)
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    return box if (box[2:] > box[:2]).all() else None


_COMPONENT_BOXES = {
    ("largest", "extent"): _largest_extent,
    ("first", "min-area-rect"): _first_contour_rectangle,
}
