"""How well boxes fit, over the images of a cell: one IoU, one box area and one "empty" per image."""

from __future__ import annotations

import numpy as np

from dogcam.metrics import metric


@metric("mean_iou", needs=("iou",), title="mean IoU")
def mean_iou(iou: np.ndarray) -> float:
    """Mean intersection over union with the annotated box; an image without a predicted box counts as 0."""
    return float(np.mean(iou))


@metric("sem", needs=("iou",), title="± s.e.")
def standard_error(iou: np.ndarray) -> float:
    """Standard error of the mean IoU over images: s / sqrt(n), s with n - 1; NaN for a single image."""
    return float(np.std(iou, ddof=1) / np.sqrt(len(iou))) if len(iou) > 1 else float("nan")


def _share_at_least(iou: np.ndarray, bound: float) -> float:
    return float(np.mean(np.asarray(iou) >= bound))


@metric("iou30", needs=("iou",), title="IoU≥.3")
def iou_at_30(iou: np.ndarray) -> float:
    """Share of images with IoU >= 0.3 (GT-known localisation accuracy)."""
    return _share_at_least(iou, 0.3)


@metric("iou50", needs=("iou",), title="IoU≥.5")
def iou_at_50(iou: np.ndarray) -> float:
    """Share of images with IoU >= 0.5 (GT-known localisation accuracy)."""
    return _share_at_least(iou, 0.5)


@metric("iou70", needs=("iou",), title="IoU≥.7")
def iou_at_70(iou: np.ndarray) -> float:
    """Share of images with IoU >= 0.7 (GT-known localisation accuracy)."""
    return _share_at_least(iou, 0.7)


@metric("area", needs=("area",), title="box area")
def mean_box_area(area: np.ndarray) -> float:
    """Mean share of the picture that the predicted box covers; no box counts as 0."""
    return float(np.mean(area))


@metric("empty", needs=("empty",), title="empty")
def empty_share(empty: np.ndarray) -> float:
    """Share of images whose map has no positive value, so that there is nothing to draw a box around."""
    return float(np.mean(empty))
