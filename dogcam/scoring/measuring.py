"""One raw map -> its box, its IoU, its IoU at every threshold, and the pixels that it puts inside and outside the object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dogcam.boxes import drawing
from dogcam.boxes.protocols import Protocol
from dogcam.data import Record


@dataclass(frozen=True, eq=False)
class Measured:
    """What a protocol makes of one map.

    Attributes:
        box: relative (4,); None where none was drawn.
        iou: with the annotated box that the protocol compares with; of several drawn boxes that of the best.
        curve: IoU at every threshold (T,); None where the protocol's threshold is fixed.
        inside, outside: see `drawing.pixel_counts`; None where the object's pixels are not known.
    """

    box: np.ndarray | None
    iou: float
    curve: np.ndarray | None = None
    inside: np.ndarray | None = None
    outside: np.ndarray | None = None


def curve_of(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], record: Record) -> np.ndarray | None:
    """IoU at every threshold (T,), where the protocol has one to choose."""
    if protocol.threshold_from == "fixed":
        return None
    return drawing.iou_curve(raw, protocol, shape, record.boxes)


def boxed(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], record: Record, threshold: float | None) -> Measured:
    """The box at a threshold and its IoU."""
    boxes = drawing.predicted_boxes(raw, protocol, shape, threshold)
    iou = drawing.score(boxes, record.boxes, protocol, shape)
    return Measured(boxes[0] if len(boxes) else None, iou)


def measured(
    raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], record: Record, mask: np.ndarray | None, threshold: float | None
) -> Measured:
    """All that can be said of a map while the threshold for all pictures may not be known yet: then there is no box."""
    curve = curve_of(raw, protocol, shape, record)
    drawn = Measured(None, 0.0) if threshold is None else boxed(raw, protocol, shape, record, threshold)
    counts = (None, None) if mask is None else drawing.pixel_counts(raw, protocol, shape, mask)
    return Measured(drawn.box, drawn.iou, curve, *counts)
