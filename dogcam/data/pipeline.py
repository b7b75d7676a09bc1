"""Records -> pictures of the one size that a network takes, the same geometry for every network and every split.

A picture is squashed to the network's size, not cropped, so that its relative boxes stay as they are.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Picture, Problem, Record, reason_of

# Decoding runs outside Python's lock: a few threads keep the processors busy, more only hold memory.
WORKERS = 4
# Pictures beyond this lie in a temporary file instead of in memory.
MEMORY_BYTES = 1 << 30

SAMPLE_SIDE = 512  # the longer side of a picture kept for figures, in pixels

T = TypeVar("T")


def shrunk(image: Picture) -> Image.Image:
    """A picture as figures show it: its longer side at most `SAMPLE_SIDE`."""
    small = Image.fromarray(image.pixels())
    small.thumbnail((SAMPLE_SIDE, SAMPLE_SIDE))
    return small


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
        """int32 (n,); -1 where a record has none."""
        return np.array([-1 if record.label is None else record.label for record in self.records], np.int32)

    def present(self, classes: int) -> np.ndarray:
        """float32 (n, classes), 1 for each class that is in the picture."""
        found = np.zeros((len(self.records), classes), np.float32)
        for row, record in enumerate(self.records):
            found[row, list(record.present)] = 1
        return found

    def some(self, positions: Sequence[int]) -> Pictures:
        """Those at some positions, without problems; as they lie in memory where they are the first ones."""
        chosen = slice(len(positions)) if list(positions) == list(range(len(positions))) else list(positions)
        return Pictures(tuple(self.records[each] for each in positions), self.images[chosen], self.shapes[chosen], ())

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

    Records in a row of one and the same image share one reading of it.

    Raises:
        InputError: not one picture could be read.
    """
    images = room_for((len(records), *size, 3), np.uint8)
    read, shapes, problems, first = [], [], [], ""

    def load(together: Sequence[Record]) -> tuple[np.ndarray, tuple[int, int]]:
        pixels = together[0].image.pixels()
        return squash(pixels, size), pixels.shape[:2]

    shared = [list(together) for _, together in groupby(records, key=lambda record: id(record.image))]
    for together, future in progress.track(threaded(load, shared), title, len(shared)):
        try:
            image, shape = future.result()
        except InputError as error:
            first = first or str(error)
            problems += [Problem(record.id, reason_of(error, record.id)) for record in together]
            continue
        images[len(read) : len(read) + len(together)] = image
        read += together
        shapes += [shape] * len(together)
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
    return _spread(records, [record.label for record in records], limit)


def examples(dataset: Dataset, split: str, limit: int | None) -> tuple[Record, ...]:
    """What training uses of a split: each picture once, whatever the number of its rows, under its own id.

    A picture without a class is left out, unless pictures may have several: it is then an example of each one's absence. At most
    `limit` pictures, spread evenly over the classes as by `limited`; a picture counts for the rarest of those `present`.
    """
    pictures: dict[str, Record] = {}
    for record in dataset.splits.get(split, ()):
        if record.picture not in pictures and (dataset.multilabel or record.label is not None):
            pictures[record.picture] = record if record.id == record.picture else replace(record, id=record.picture)
    once = list(pictures.values())
    counts = Counter(label for record in once for label in record.present)
    rarest = [min(record.present, key=lambda label: (counts[label], label), default=None) for record in once]
    return _spread(once, rarest, limit)


def _spread(records: Sequence[Record], classes: Sequence[int | None], limit: int | None) -> tuple[Record, ...]:
    if limit is None or limit >= len(records):
        return tuple(records)
    seen: Counter[int | None] = Counter()
    rank = []
    for position, label in enumerate(classes):
        rank.append((seen[label], position))
        seen[label] += 1
    chosen = sorted(position for _, position in sorted(rank)[:limit])
    return tuple(records[position] for position in chosen)
