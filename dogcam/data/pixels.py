"""Masks as they are stored: the numbers of their pixels, the extent of each number, and the object of one of them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

import cv2
import numpy as np
from PIL import Image

from dogcam.boxes.geometry import UNKNOWN
from dogcam.core.errors import InputError, first_line
from dogcam.core.progress import Progress
from dogcam.data.images import Stored
from dogcam.data.pipeline import threaded

_LOSSY = (".jpg", ".jpeg", ".jfif", ".webp")
_MOST = 1 << 16  # numbers that a mask can have


@dataclass(frozen=True, eq=False)
class Extents:
    """What is in one mask.

    Attributes:
        size: width and height.
        corners: of all pixels of each number but 0, in pixels, half-open.
    """

    size: tuple[int, int]
    corners: Mapping[int, tuple[int, int, int, int]]


@dataclass(frozen=True)
class StoredPixels:
    """The object in one or several masks: called, it gives them as a `Record.mask`, uint8 (height, width) with `UNKNOWN`.

    Attributes:
        files: the masks; where the object is in one of them, it is.
        number: of the object's pixels; None for all but 0 and `unknown`.
        unknown: the number of pixels that may be either; None where there is none.
        ignored: a mask of further such pixels, where it is not 0 and the object is not.
    """

    files: tuple[Stored, ...]
    number: int | None = None
    unknown: int | None = None
    ignored: Stored | None = None

    def __call__(self) -> np.ndarray:
        """The pixels. Raises `InputError` where a mask cannot be read."""
        masks = [numbers(file) for file in self.files]
        shape = masks[0].shape
        masks = [_resized(mask, shape) for mask in masks]
        inside = np.any([self._object(mask) for mask in masks], axis=0)
        either = np.zeros(shape, bool) if self.unknown is None else np.any([mask == self.unknown for mask in masks], axis=0)
        if self.ignored is not None:
            either |= _resized(numbers(self.ignored), shape) > 0
        return np.where(inside, 1, np.where(either, UNKNOWN, 0)).astype(np.uint8)

    def _object(self, mask: np.ndarray) -> np.ndarray:
        return mask == self.number if self.number is not None else (mask > 0) & (mask != self.unknown)


def _resized(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return mask if mask.shape == shape else cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST)


def numbers(file: Stored) -> np.ndarray:
    """The numbers of a mask's pixels, uint8 or uint16 (height, width): of a palette its places, not its colours.

    A lossy file (JPEG) has no exact numbers: its brighter half is 1, the other 0.

    Raises:
        InputError: it cannot be read, or its pixels are colours or fractions.
    """
    try:
        with Image.open(io.BytesIO(file.content())) as image:
            image.load()
            lossy = PurePosixPath(file.name).suffix.lower() in _LOSSY
            values = _lossless(image.convert("L") if lossy else image)
    # Decoders of any format run here, on files from elsewhere: they let out whatever happens.
    except Exception as error:
        reason = "not a picture" if isinstance(error, Image.UnidentifiedImageError) else first_line(error)
        raise InputError(f"cannot read the mask {file.name}: {reason}") from error
    return (values >= 128).astype(np.uint8) if lossy else values


def _lossless(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.ndim == 3:
        colours = values[..., :3] if values.shape[2] > 2 else values[..., :1]  # an alpha channel is no number
        if (colours != colours[..., :1]).any():
            raise ValueError("its pixels are colours, not the numbers of classes; save it with a palette or in grey")
        values = colours[..., 0]
    if values.dtype.kind == "f" or (values.dtype.itemsize > 2 and (values.min() < 0 or values.max() >= _MOST)):
        raise ValueError(f"its pixels are not whole numbers below {_MOST:,}")
    return values.astype(np.uint8 if values.dtype.itemsize == 1 else np.uint16)


def extents_of(mask: np.ndarray) -> Extents:
    """The extents of all numbers in a mask (height, width)."""
    height, width = mask.shape
    present = np.flatnonzero(np.bincount(mask.ravel()))
    return Extents((width, height), {int(number): _extent(mask == number) for number in present if number})


def _extent(inside: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def read_extents(
    files: Iterable[Stored], title: str, total: int, progress: Progress
) -> Iterator[tuple[Stored, Extents | InputError]]:
    """Each mask with what is in it, in order, or with why that cannot be known: read by threads."""

    def read(file: Stored) -> Extents | InputError:
        try:
            return extents_of(numbers(file))
        except InputError as error:
            return error

    for file, future in progress.track(threaded(read, files), title, total):
        yield file, future.result()
