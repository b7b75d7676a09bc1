"""Records -> pictures of the one size that a network takes, the same geometry for every network and every split.

A picture is squashed to the network's size, not cropped, so that its relative boxes stay as they are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import cv2
import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Problem, Record, reason_of

# Decoding runs outside Python's lock: a few threads keep the processors busy, more only hold memory.
WORKERS = 4
# Pictures beyond this lie in a temporary file instead of in memory.
MEMORY_BYTES = 1 << 30

T = TypeVar("T")


def squash(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Squash a picture uint8 (h, w, 3) to (*size, 3): averaged over areas when it shrinks, bilinear when it grows."""
    height, width = size
    shrinks = pixels.shape[0] >= height and pixels.shape[1] >= width
    # OpenCV takes (width, height), the other way round than shapes.
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures that could be read, in the order of their records.

    Attributes:
        records: one per picture.
        images: uint8 (n, height, width, 3).
        shapes: int32 (n, 2), height and width of each original.
        problems: the records that could not be read, each with its reason.
    """

    records: tuple[Record, ...]
    images: np.ndarray
    shapes: np.ndarray
    problems: tuple[Problem, ...]

    @property
    def labels(self) -> np.ndarray:
        """int32 (n,)"""
        return np.array([record.label for record in self.records], np.int32)

    def sizes(self, part: slice = slice(None)) -> list[tuple[int, int]]:
        """Height and width of each original."""
        return [(height, width) for height, width in self.shapes[part].tolist()]

    def batches(self, size: int) -> Iterator[slice]:
        """Slices of at most `size` pictures, in order."""
        return (slice(start, start + size) for start in range(0, len(self.records), size))


def threaded(function, items: Iterable[T], ahead: int = 4 * WORKERS) -> Iterator[tuple[T, Future]]:  # noqa: ANN001
    """(item, future of function(item)) in order, computed by threads, at most `ahead` of the reader."""
    iterator = iter(items)
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting = [(item, pool.submit(function, item)) for item in islice(iterator, ahead)]
        try:
            while waiting:
                yield waiting.pop(0)
                waiting += [(item, pool.submit(function, item)) for item in islice(iterator, 1)]
        finally:
            pool.shutdown(cancel_futures=True)


def read_pictures(records: Sequence[Record], size: tuple[int, int], title: str, progress: Progress) -> Pictures:
    """Read every picture once, squashed to `size` (height, width); what cannot be read becomes a problem.

    Raises:
        InputError: not one picture could be read.
    """
    images = room_for((len(records), *size, 3), np.uint8)
    read, shapes, problems, first = [], [], [], ""

    def load(record: Record) -> tuple[np.ndarray, tuple[int, int]]:
        pixels = record.image.pixels()
        return squash(pixels, size), pixels.shape[:2]

    for record, future in progress.track(threaded(load, records), title, len(records)):
        try:
            images[len(read)], shape = future.result()
        except InputError as error:
            first = first or str(error)
            problems.append(Problem(record.id, reason_of(error, record.id)))
            continue
        read.append(record)
        shapes.append(shape)
    if not read:
        raise InputError(
            f"not one of {len(records)} pictures could be read; the first: {first}"
            if problems
            else "there are no pictures to read"
        )
    return Pictures(tuple(read), images[: len(read)], np.array(shapes, np.int32), tuple(problems))


def room_for(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """An uninitialised array, in a temporary file where it would be too large for memory."""
    if np.prod(shape, dtype=np.int64) * np.dtype(dtype).itemsize <= MEMORY_BYTES:
        return np.empty(shape, dtype)
    return np.memmap(tempfile.TemporaryFile(prefix="dogcam-"), dtype, "w+", shape=shape)


def limited(records: Sequence[Record], limit: int | None) -> tuple[Record, ...]:
    """At most `limit` records, spread evenly over the classes: the first of each class, then the second, and so on."""
    if limit is None or limit >= len(records):
        return tuple(records)
    seen: dict[int | None, int] = {}
    rank = []
    for position, record in enumerate(records):
        seen[record.label] = seen.get(record.label, -1) + 1
        rank.append((seen[record.label], position))
    chosen = sorted(position for _, position in sorted(rank)[:limit])
    return tuple(records[position] for position in chosen)
