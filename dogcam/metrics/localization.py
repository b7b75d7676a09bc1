"""How well boxes and maps fit, from the per-image columns of a cell.

Columns: `iou`, `area` and `empty` (n,); `rank` (n,), how many classes that are not in the picture the network puts before the
row's own; `picture` (n,), the picture that a row is of, another for each where it has one class; `curve` (n, T),
the IoU at every threshold; `levels` (L,), the IoUs at which the protocol counts a box as right; `inside` and `outside`
(n, bins), pixels of the object and of the rest by the map's value, ascending (see `localize.pixel_counts`).
"""

from __future__ import annotations

import numpy as np

from dogcam.metrics import metric
from dogcam.statistics.clusters import linearised, numbered

# The IoU from which on a box counts as right in localisation accuracy (Russakovsky et al. 2015).
RIGHT = 0.5


@metric("mean_iou", needs=("iou",), title="mean IoU")
def mean_iou(iou: np.ndarray) -> np.ndarray:
    """Mean intersection over union with the annotated box; an image without a predicted box counts as 0."""
    return iou


@metric("sem", needs=("iou", "picture"), title="± s.e.", summary="whole")
def standard_error(iou: np.ndarray, picture: np.ndarray) -> float:
    """Standard error of the mean IoU over images: s / sqrt(n), s with n - 1; NaN for a single image.

    Where several rows are of one picture, n counts pictures, and s is that of their linearised means.
    """
    of_pictures = linearised(np.asarray(iou, np.float64)[None], numbered(picture))[0]
    return float(np.std(of_pictures, ddof=1) / np.sqrt(len(of_pictures))) if len(of_pictures) > 1 else float("nan")


@metric("median_iou", needs=("iou",), title="median", summary="median")
def median_iou(iou: np.ndarray) -> np.ndarray:
    """Median intersection over union: half of the images are fitted better."""
    return iou


def _at_least(iou: np.ndarray, bound: float) -> np.ndarray:
    return np.asarray(iou) >= bound


@metric("iou30", needs=("iou",), title="IoU≥.3", short="≥.3", digits=2)
def iou_at_30(iou: np.ndarray) -> np.ndarray:
    """Share of images with IoU >= 0.3 (GT-known localisation accuracy)."""
    return _at_least(iou, 0.3)


@metric("iou50", needs=("iou",), title="IoU≥.5", short="≥.5", digits=2)
def iou_at_50(iou: np.ndarray) -> np.ndarray:
    """Share of images with IoU >= 0.5 (GT-known localisation accuracy)."""
    return _at_least(iou, 0.5)


@metric("iou70", needs=("iou",), title="IoU≥.7", short="≥.7", digits=2)
def iou_at_70(iou: np.ndarray) -> np.ndarray:
    """Share of images with IoU >= 0.7 (GT-known localisation accuracy)."""
    return _at_least(iou, 0.7)


@metric("top1_loc", needs=("iou", "rank"), title="top-1", digits=2)
def top1_localisation(iou: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Share of images whose class comes first and whose box has IoU >= 0.5 (top-1 localisation).

    The two conventions in use, the box of the true class where the class is right and the box of the predicted class,
    are one here: where the class is right it is the predicted one.
    """
    return _located(iou, rank, 1)


@metric("top5_loc", needs=("iou", "rank"), title="top-5", digits=2)
def top5_localisation(iou: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Share of images whose class is among the first five and whose box has IoU >= 0.5 (top-5 localisation).

    With `--target true` the box is that of the true class. That is also the convention of a box for EACH of the five
    predicted classes (Russakovsky et al. 2015), of which only the one of the true class can be right. With `--target
    predicted` there is one box, that of the first class, for all five.
    """
    return _located(iou, rank, 5)


def _located(iou: np.ndarray, rank: np.ndarray, first: int) -> np.ndarray:
    rank = np.asarray(rank, np.float64)
    return np.where(np.isnan(rank), np.nan, (rank < first) & (np.asarray(iou) >= RIGHT))


@metric("max_box_acc", needs=("curve", "levels"), title="MaxBoxAcc")
def max_box_accuracy(curve: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Share of right boxes at the one threshold that is best for all images, a mean over the protocol's IoU levels.

    MaxBoxAcc (level 0.5) and MaxBoxAccV2 (0.3, 0.5 and 0.7, each with a threshold of its own) of Choe et al. 2020, under
    the protocols wsol-v1 and wsol-v2. The threshold is chosen on the evaluated images, so it is what could be reached.
    """
    right = np.stack([curve >= np.float32(level) for level in levels])
    best = right.mean(axis=1).argmax(axis=1)
    return np.mean([at_level[:, place] for at_level, place in zip(right, best, strict=True)], axis=0)


@metric("oracle_iou", needs=("curve",), title="oracle")
def oracle_iou(curve: np.ndarray) -> np.ndarray:
    """Mean IoU at the one threshold that is best for the evaluated images: what no honest choice can beat."""
    return curve[:, curve.mean(axis=0).argmax()]


@metric("oracle_gap", needs=("curve", "iou"), title="gap")
def oracle_gap(curve: np.ndarray, iou: np.ndarray) -> np.ndarray:
    """Mean IoU at the oracle's threshold less that at the threshold in use: what choosing it honestly cost."""
    return oracle_iou(curve) - iou


@metric("pxap", needs=("inside", "outside"), title="PxAP", summary="sums")
def pixel_average_precision(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Area under precision and recall of the map's pixels against the object's mask, over all images together.

    PxAP of Choe et al. 2020: sum over thresholds of precision * (recall - recall at the next higher threshold), all pixels
    of all images pooled.

    Args:
        inside, outside: (..., bins), pixels of the object and of the rest, by the map's value, ascending.
    """
    right = np.cumsum(np.asarray(inside, np.float64)[..., ::-1], axis=-1)
    taken = right + np.cumsum(np.asarray(outside, np.float64)[..., ::-1], axis=-1)
    precision = np.divide(right, taken, out=np.zeros_like(right), where=taken > 0)
    gained = np.diff(right, axis=-1, prepend=0)
    total = right[..., -1]
    return np.divide((precision * gained).sum(axis=-1), total, out=np.full_like(total, np.nan), where=total > 0)


@metric("area", needs=("area",), title="box area", short="area", digits=2)
def mean_box_area(area: np.ndarray) -> np.ndarray:
    """Mean share of the picture that the predicted box covers; no box counts as 0."""
    return area


@metric("empty", needs=("empty",), title="empty")
def empty_share(empty: np.ndarray) -> np.ndarray:
    """Share of images whose map has no positive value, so that there is nothing to draw a box around."""
    return empty
