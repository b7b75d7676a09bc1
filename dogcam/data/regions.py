"""The regions of objects, polygons and run lengths, and their pixels as COCO's own code makes them (pycocotools).

What comes from elsewhere is checked before that code sees it: of run lengths that do not fill the picture it makes pixels of
whatever lay in memory, and a coordinate of a billion costs it gigabytes.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco

from dogcam.data.images import Stored

LARGEST = 1 << 28  # pixels of a picture whose regions are drawn
_POINT = 2


@dataclass(frozen=True, slots=True)
class Runs:
    """Lengths of runs of pixels, column by column, beginning outside the object, in COCO's compressed text.

    Attributes:
        size: width and height of the picture.
        counts: the text.
    """

    size: tuple[int, int]
    counts: bytes


# Polygons are corners x, y, x, y, ... in pixels; a region is all of them together.
Region = tuple[array, ...] | Runs


@dataclass(frozen=True, slots=True)
class DrawnPixels:
    """The pixels of regions, drawn when asked for: bool (height, width).

    Attributes:
        regions: of one class in one picture.
        size: width and height of the picture.
    """

    regions: tuple[Region, ...]
    size: tuple[int, int]

    def __call__(self) -> np.ndarray:
        """The union of the regions."""
        return drawn(self.regions, self.size)


def drawn(regions: Iterable[Region], size: tuple[int, int]) -> np.ndarray:
    """The union of regions in a picture of `size` (width, height), bool (height, width)."""
    runs = [each for region in regions for each in _runs(region, size)]
    return np.ascontiguousarray(coco.decode(coco.merge(runs))).astype(bool)


def _runs(region: Region, size: tuple[int, int]) -> list[dict[str, Any]]:
    if isinstance(region, Runs):
        return [{"size": list(region.size[::-1]), "counts": region.counts}]
    return coco.frPyObjects(list(region), size[1], size[0])


def region_of(segmentation: Any) -> Region | None:
    """A COCO `segmentation`; None where it is empty.

    Raises:
        ValueError: it is neither polygons nor run lengths that fill their picture.
    """
    if isinstance(segmentation, dict):
        return _runs_of(segmentation)
    if not isinstance(segmentation, list):
        raise ValueError("neither polygons nor run lengths")
    several = segmentation if not segmentation or isinstance(segmentation[0], list) else [segmentation]
    return tuple(_polygon(each) for each in several if each != []) or None


def _polygon(numbers: Any) -> array:
    try:
        corners = array("d", numbers)
    except (TypeError, OverflowError) as error:
        raise ValueError("a polygon's corners are not numbers") from error
    if len(corners) < 3 * _POINT or len(corners) % _POINT:
        raise ValueError(f"a polygon of {len(corners)} numbers, where x and y of at least three corners belong")
    if not math.isfinite(sum(corners)):
        raise ValueError("a polygon's corners are not finite")
    return corners


def _runs_of(segmentation: dict[str, Any]) -> Runs:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if not (isinstance(size, list) and len(size) == 2 and all(type(each) is int and each > 0 for each in size)):
        raise ValueError("run lengths without the height and width of their picture")
    if size[0] * size[1] > LARGEST:
        raise ValueError(f"run lengths of a picture of {size[1]} x {size[0]} pixels")
    lengths = _lengths(counts.encode("latin-1", "replace")) if isinstance(counts, str) else _listed(counts)
    if (lengths < 0).any() or lengths.sum() != size[0] * size[1]:
        raise ValueError(f"run lengths that do not fill {size[1]} x {size[0]} pixels")
    if isinstance(counts, list):
        counts = coco.frPyObjects({"size": size, "counts": counts}, *size)["counts"].decode()
    return Runs((size[1], size[0]), counts.encode())


def _listed(counts: Any) -> np.ndarray:
    try:
        return np.array(array("q", counts))
    except (TypeError, OverflowError) as error:
        raise ValueError("run lengths that are not whole numbers") from error


def _lengths(text: bytes) -> np.ndarray:
    """The run lengths of COCO's compressed text.

    A character stands for six bits: five of a number, the least first, and whether more of it follow; the last one's highest
    is its sign. From the fourth on a number is the difference from that two before.
    """
    bits = np.frombuffer(text, np.uint8).astype(np.int64) - ord("0")
    if not len(bits) or bits.min() < 0 or bits.max() > 63 or bits[-1] & 0x20:
        raise ValueError("run lengths in characters that are not COCO's")
    last = np.flatnonzero(bits & 0x20 == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    digits = last - first
    if digits.max() > 6:
        raise ValueError("a run length that is too large")
    place = np.arange(len(bits)) - np.repeat(first, digits + 1)
    numbers = np.add.reduceat((bits & 0x1F) << (5 * place), first)
    numbers -= np.where(bits[last] & 0x10, 1 << (5 * (digits + 1)), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def fits(region: Region, size: tuple[int, int]) -> bool:
    """Whether a region is one of a picture of `size` (width, height): near enough that drawing it is cheap."""
    if size[0] * size[1] > LARGEST:
        return False
    if isinstance(region, Runs):
        return region.size == size
    reach = 2 * max(size)
    return all(min(corners) >= -reach and max(corners) <= reach for corners in region)


def box_of(region: Region) -> Sequence[float]:
    """x, y, width and height of a region's pixels, as COCO's own code gives them."""
    if isinstance(region, Runs):
        return coco.toBbox(_runs(region, region.size)[0]).tolist()
    size = tuple(max(math.ceil(max(each[axis::_POINT])) for each in region) + 1 for axis in range(_POINT))
    if min(size) <= 0 or not fits(region, size):
        raise ValueError("a segmentation outside any picture")
    return coco.toBbox(coco.merge(_runs(region, size))).tolist()


@dataclass(frozen=True, slots=True)
class RelativePixels:
    """The pixels of polygons whose corners are relative to the picture as its EXIF tag turns it, drawn when asked for.

    Attributes:
        polygons: of one class, corners x, y, x, y, ..., from 0 to 1.
        image: the picture, which says the size.
    """

    polygons: tuple[array, ...]
    image: Stored

    def __call__(self) -> np.ndarray:
        """The union of the polygons. Raises `InputError` where the picture cannot be read."""
        size = self.image.header().upright_size
        scaled = ((np.reshape(each, (-1, _POINT)) * size).ravel() for each in self.polygons)
        return drawn([tuple(array("d", each) for each in scaled)], size)
