"""From a raw map to a box, as a protocol says: at one threshold, or at all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np

from dogcam.boxes.geometry import clip, iou, to_pixels, to_relative
from dogcam.boxes.protocols import Protocol
from dogcam.boxes.sweep import boxes_at
from dogcam.core.errors import OptionError

_INTERPOLATION = {"bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


def is_empty(raw: np.ndarray) -> bool:
    """Whether a raw map shows nothing: no positive value, or a value that is not finite."""
    return not (np.isfinite(raw).all() and raw.max() > 0)


def prepare(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], precision: type[np.floating] = np.float32) -> np.ndarray:
    """A raw map (h, w) -> a map that is cut, enlarged and normalised as `protocol` says.

    Args:
        shape: (height, width) of the picture, for the protocols that enlarge to it.
        precision: what is computed in, and the result's.

    Returns:
        (size, size) or `shape`. Its maximum is 1; without ReLU and with "max" its minimum may be below 0. Zeros where
        there is nothing to normalise: with "max" no positive value, with "minmax" a constant, with both a value that
        is not finite.
    """
    raw = np.asarray(raw, precision)
    height, width = shape if protocol.size is None else (protocol.size, protocol.size)
    # An all-negative map is empty for "max", but has a minimum and a maximum for "minmax".
    if is_empty(raw) and (protocol.normalise == "max" or not np.isfinite(raw).all()):
        return np.zeros((height, width), raw.dtype)
    cut = np.maximum(raw, 0) if protocol.relu else raw
    # Enlarging rounds, and of a constant map "minmax" would show nothing but that.
    if protocol.normalise == "minmax" and cut.min() == cut.max():
        return np.zeros((height, width), raw.dtype)
    # OpenCV takes (width, height), the other way round than shapes.
    large = cv2.resize(cut, (width, height), interpolation=_INTERPOLATION[protocol.upsample])
    low = large.min() if protocol.normalise == "minmax" else large.dtype.type(0)
    span = large.max() - low
    return (large - low) / span if span > 0 else np.zeros_like(large)


def _compared(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int]) -> np.ndarray:
    """The map that thresholds are set against: `prepare`'s, or its 8-bit levels where they come first."""
    if protocol.quantise_first:
        # In double precision, as the reference of Choe et al. 2020 computes: a level's edge is where rounding shows.
        values = prepare(raw, protocol, shape, np.float64)
        return np.clip(values * 255, 0, 255).astype(np.uint8)
    values = prepare(raw, protocol, shape)
    # In 8 bits after the threshold, what is below 1 is 0: not above any threshold, so it may be so from the first.
    return np.where(values * 255 >= 1, values, 0) if protocol.quantise else values


def _limits(thresholds: np.ndarray, compared: np.ndarray) -> np.ndarray:
    """What a pixel must be strictly above at each threshold: itself, or the level int(t * highest level)."""
    if compared.dtype == np.uint8:
        return (thresholds * compared.max()).astype(np.int64)
    return thresholds.astype(np.float32)


def predicted_box(
    raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], threshold: float | None = None
) -> np.ndarray | None:
    """The relative box (4,) float32 that `protocol` draws on a raw map (h, w); None where it draws none.

    Of a protocol that keeps all contours, the largest one's by the area inside it.

    Args:
        shape: (height, width) of the picture, in pixels.
        threshold: in place of the protocol's own.

    Raises:
        OptionError: the protocol has no threshold of its own, and none is given.
    """
    boxes = predicted_boxes(raw, protocol, shape, threshold)
    return boxes[0] if len(boxes) else None


def predicted_boxes(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], threshold: float | None = None) -> np.ndarray:
    """`predicted_box` with all the boxes (n, 4) that the protocol would take the best of: several only with "all"."""
    threshold = threshold_of(protocol) if threshold is None else threshold
    compared = _compared(raw, protocol, shape)
    mask = compared > _limits(np.array([threshold]), compared)[0]
    return _relative(_DRAWN[protocol.component](mask.astype(np.uint8)), protocol, mask.shape)


def threshold_of(protocol: Protocol) -> float:
    """The threshold that a protocol names; of one that is to be chosen, what holds until it has been.

    Raises:
        OptionError: it names none.
    """
    if protocol.threshold is None:
        raise OptionError(
            f"protocol {protocol.name} has no threshold of its own: it is chosen on many pictures at once, by dogcam "
            "evaluate; evaluate the same model, method and layer by it first, or take another protocol"
        )
    return protocol.threshold


def _relative(boxes: np.ndarray, protocol: Protocol, shape: tuple[int, int]) -> np.ndarray:
    """Pixel boxes (n, 4) -> relative ones, with the protocol's ways at the edge and where nothing was found."""
    height, width = shape
    if not len(boxes) and protocol.missing == "zero":
        boxes = np.zeros((1, 4))
    reach = 1 if protocol.edge == "last-pixel" else 0
    inside = np.minimum(boxes, (width, height, width - reach, height - reach))
    return clip(to_relative(inside, width, height)).reshape(-1, 4)


def score(box: np.ndarray | None, truth: np.ndarray, protocol: Protocol, shape: tuple[int, int] | None = None) -> float:
    """IoU of a predicted box (4,) with the annotated ones (n, 4), the best or the first as `protocol` says; 0 for none.

    Of several predicted ones (k, 4) the best counts.

    Args:
        shape: (height, width) of the picture, for the protocols that enlarge to it and count in its pixels.
    """
    if box is None or not np.size(box):
        return 0.0
    return float(_overlaps(np.reshape(box, (-1, 4)), truth, protocol, shape).max())


def scores_of_one_box(
    box: np.ndarray, truths: Iterable[np.ndarray], protocol: Protocol, shapes: Iterable[tuple[int, int]]
) -> list[float]:
    """`score` of one box (4,) in every picture, as of those that never look: `dogcam inspect` and `dogcam evaluate` agree in it.

    Args:
        truths: the annotated boxes (n, 4) of each picture.
        shapes: (height, width) of each.
    """
    return [score(box, truth, protocol, shape) for truth, shape in zip(truths, shapes, strict=True)]


def _overlaps(boxes: np.ndarray, truth: np.ndarray, protocol: Protocol, shape: tuple[int, int] | None) -> np.ndarray:
    """IoU (k,) of relative boxes (k, 4) with the annotated box that the protocol compares with."""
    truth = truth[:1] if protocol.truth == "first" else truth
    if not protocol.counts_pixels:
        return iou(boxes, truth).max(axis=1)
    enlarged = shape if protocol.size is None else (protocol.size, protocol.size)
    if enlarged is None:
        raise OptionError(f"protocol {protocol.name} counts pixels of the picture; it needs the picture's shape")
    height, width = enlarged
    reached, annotated = _in_pixels(boxes, width, height), _in_pixels(truth, width, height)
    if protocol.truth_corners == "truncated":
        annotated = np.floor(annotated)
    if protocol.edge == "last-pixel":  # boxes that never looked at a map come here too
        reached = np.minimum(reached, (width, height, width - 1, height - 1))
    return iou(reached, annotated, last=protocol.iou == "inclusive").max(axis=1)


def _in_pixels(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """Relative boxes in pixels; what misses a whole pixel by no more than the rounding of float32 is on it."""
    corners = to_pixels(boxes, width, height)
    nearest = np.rint(corners)
    return np.where(np.abs(corners - nearest) <= 1e-7 * max(width, height), nearest, corners)


def iou_curve(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], truth: np.ndarray) -> np.ndarray:
    """The IoU that `score` gives `predicted_boxes` at every threshold of `protocol.grid()`, float32 (T,).

    Args:
        raw: (h, w).
        shape: (height, width) of the picture.
        truth: relative annotated boxes (n, 4).
    """
    compared = _compared(raw, protocol, shape)
    limits = _limits(protocol.grid(), compared)
    if protocol.component == "largest":
        boxes = boxes_at(compared, limits)
        drawn = boxes[:, 0] >= 0
        return _best_of_each(boxes[drawn], drawn, protocol, compared.shape, truth)
    # Thresholds with no value of the map between them have the same pixels above them.
    _, once, ranks = np.unique(np.searchsorted(np.sort(compared, axis=None), limits, side="right"), True, True)
    parts = [_DRAWN[protocol.component]((compared > limit).astype(np.uint8)) for limit in limits[once]]
    sizes = np.array([len(part) for part in parts])
    return _best_of_each(np.concatenate(parts), sizes, protocol, compared.shape, truth)[ranks]


def _best_of_each(
    boxes: np.ndarray, sizes: np.ndarray, protocol: Protocol, shape: tuple[int, int], truth: np.ndarray
) -> np.ndarray:
    """The best IoU (T,) float32 of each group of pixel boxes (n, 4) that follow each other; `sizes` (T,) may be 0."""
    nothing = _relative(boxes[:0], protocol, shape)
    curve = np.full(len(sizes), _overlaps(nothing, truth, protocol, shape).max(initial=0), np.float32)
    if len(boxes):
        overlaps = _overlaps(_relative(boxes, protocol, shape), truth, protocol, shape)
        full = sizes > 0
        curve[full] = np.maximum.reduceat(overlaps, (np.cumsum(sizes) - sizes)[full])
    return curve


def pixel_counts(raw: np.ndarray, protocol: Protocol, shape: tuple[int, int], mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many pixels of the object, and of the rest, have a value in each bin: what PxAP is made of.

    Bin 0 is below every threshold, bin i from threshold i - 1 of `protocol.grid()` up to the next, the last one from 1 (the
    map's maximum) up: the bins of Choe et al. 2020, who leave out bin 0, which their maps cannot have.

    Args:
        raw: (h, w).
        shape: (height, width) of the picture.
        mask: (height, width), bool or uint8: 1 is the object, 0 the rest; `geometry.UNKNOWN` counts for neither, as what is
            ignored in Choe et al.; resized to the enlarged map by the nearest pixel.

    Returns:
        Two of int32 (T + 2,).
    """
    values = prepare(raw, protocol, shape)
    height, width = values.shape
    known = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    edges = np.append(protocol.grid(), 1).astype(np.float32)
    bins = np.searchsorted(edges, values, side="right")
    inside, outside = (np.bincount(bins[side], minlength=len(edges) + 1) for side in (known == 1, known == 0))
    return inside.astype(np.int32), outside.astype(np.int32)


def _largest_extent(mask: np.ndarray) -> np.ndarray:
    """Pixels (1, 4), half-open, of the largest 4-connected component; of equal ones the first found."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 2:
        return np.empty((0, 4), np.int32)
    x, y, width, height, _ = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))]
    return np.array([[x, y, x + width, y + height]])


def _first_contour_rectangle(mask: np.ndarray) -> np.ndarray:
    """The extent (1, 4) of the minimum-area rectangle around OpenCV's first contour, corners cut to whole pixels."""
    for contour in _contours(mask)[:1]:
        corners = cv2.boxPoints(cv2.minAreaRect(contour)).astype(np.int32)
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
        if (box[2:] > box[:2]).all():
            return box[None]
    return np.empty((0, 4), np.int32)


def _all_contours(mask: np.ndarray) -> np.ndarray:
    """The extents (n, 4) of all contours, inner ones too; first that of the largest area inside, of equal ones the first."""
    contours = _contours(mask)
    boxes = np.array([cv2.boundingRect(contour) for contour in contours], np.int32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    if len(boxes) > 1:
        largest = int(np.argmax([cv2.contourArea(contour) for contour in contours]))
        boxes[[0, largest]] = boxes[[largest, 0]]
    return boxes


def _largest_contour(mask: np.ndarray) -> np.ndarray:
    """The extent (1, 4) of the contour of the largest area inside it, which is not the number of its pixels."""
    contours = _contours(mask)
    if not contours:
        return np.empty((0, 4), np.int32)
    x, y, width, height = cv2.boundingRect(max(contours, key=cv2.contourArea))
    return np.array([[x, y, x + width, y + height]])


def _contours(mask: np.ndarray) -> Sequence[np.ndarray]:
    return cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]


_DRAWN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "largest": _largest_extent,
    "largest-contour": _largest_contour,
    "first": _first_contour_rectangle,
    "all": _all_contours,
}
