"""The largest component's box at every threshold of a map, in one pass.

Pixels enter from the highest threshold to the lowest and are joined in a union-find whose roots carry area, extent and
first pixel. Components only grow, so the largest can only be displaced by one that has just grown: one comparison a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit


def compiled(function: Callable[..., Any], compiler: Callable[..., Any] = njit) -> Callable[..., Any]:
    """`function` compiled at its first call and kept on disk; only in memory where no folder can be written to."""
    try:
        return compiler(nogil=True, cache=True)(function)
    except RuntimeError:  # Numba's word for it: "no locator available"; NUMBA_CACHE_DIR names another folder
        return compiler(nogil=True)(function)


def boxes_at(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The half-open pixel extent of the largest 4-connected component above each threshold.

    Largest by pixels; of equal ones that whose first pixel, row by row, comes first. Numbers are compared as float32,
    and NaN is above and below nothing.

    Args:
        values: (h, w).
        thresholds: (T,), in any order; a pixel is in where its value is strictly above.

    Returns:
        int32 (T, 4) of x0, y0, x1, y1; all -1 where nothing is above.
    """
    limits = np.asarray(thresholds, np.float32)
    limits = np.where(np.isnan(limits), np.float32(np.inf), limits)
    order = np.argsort(limits, kind="stable")
    boxes = np.empty((len(limits), 4), np.int32)
    boxes[order] = _swept(np.ascontiguousarray(values, np.float32), limits[order])
    return boxes


@compiled
def _swept(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """`boxes_at` for ascending limits without NaN."""
    height, width = values.shape
    boxes = np.full((limits.size, 4), -1, np.int32)
    if limits.size == 0 or values.size == 0:
        return boxes
    # Pixel (x, y) is number (y + 1) << shift | x. At least one column and the rows around are never in, so that every
    # pixel has four neighbours, and neither a bound is checked nor a number divided.
    shift = 1
    while 1 << shift <= width:
        shift += 1
    pixels, starts = _by_rank(values, limits, shift)
    part = np.zeros((height + 2) << shift, np.uint32)  # the part that a pixel came into; 0 while it is out
    # A part begins at a pixel with no neighbour in, of which there are at most half; parts that touch become one.
    up = np.empty(values.size // 2 + 2, np.uint32)  # nearer to the part that stands for them all: its root
    area = np.zeros(up.size, np.int32)  # of all that a root stands for, as are the next two
    first = np.empty(up.size, np.uint32)
    extent = np.empty((up.size, 4), np.int32)
    best, parts = np.uintp(0), np.uintp(0)
    for rank in range(limits.size, 0, -1):
        some = pixels[starts[rank] : starts[rank + 1]]
        best, parts = _add(some, shift, part, up, area, first, extent, best, parts)
        if best > 0:
            for side in range(4):  # a slice would be checked for overlap, which costs more than the rest
                boxes[rank - 1, side] = extent[best, side]
    return boxes


@compiled
def _add(
    pixels: np.ndarray,
    shift: int,
    part: np.ndarray,
    up: np.ndarray,
    area: np.ndarray,
    first: np.ndarray,
    extent: np.ndarray,
    best: np.uintp,
    parts: np.uintp,
) -> tuple[np.uintp, np.uintp]:
    """Let `pixels` in; `best` is the root of the largest component, 0 for none, and there are `parts` so far.

    `_join` and `_widen` cost nothing here: they are compiled into it. Numbers have no sign, as those with one are looked
    at for "from the end" at every index.
    """
    one, row = np.uintp(1), np.uintp(1) << np.uintp(shift)
    largest = area[best]
    for at in range(pixels.size):
        pixel = np.uintp(pixels[at])
        root = np.uintp(0)
        for beside in (pixel - row, pixel - one, pixel + one, pixel + row):
            other = np.uintp(part[beside])
            if other == 0 or other == root:
                continue
            while up[other] != other:
                up[other] = up[up[other]]  # halves the way for whoever comes next
                other = np.uintp(up[other])
            if root == 0:
                root = other
            elif other != root:
                if area[other] > area[root]:
                    root, other = other, root
                _join(root, other, up, area, first, extent)
        x, y = np.int32(pixel & (row - one)), np.int32(pixel >> np.uintp(shift)) - np.int32(1)
        if root == 0:
            parts += one
            root = parts
            up[root], first[root] = root, pixel
            extent[root, 0], extent[root, 1], extent[root, 2], extent[root, 3] = x, y, x, y
        part[pixel] = root
        area[root] += 1
        if pixel < first[root]:
            first[root] = pixel
        _widen(root, x, y, extent)
        if area[root] >= largest and (area[root] > largest or first[root] < first[best]):
            best, largest = root, area[root]
    return best, parts


@compiled
def _join(root: np.uintp, other: np.uintp, up: np.ndarray, area: np.ndarray, first: np.ndarray, extent: np.ndarray) -> None:
    """Let `root` stand for all that `other` stood for."""
    up[other] = root
    area[root] += area[other]
    first[root] = min(first[root], first[other])
    extent[root, 0] = min(extent[root, 0], extent[other, 0])
    extent[root, 1] = min(extent[root, 1], extent[other, 1])
    extent[root, 2] = max(extent[root, 2], extent[other, 2])
    extent[root, 3] = max(extent[root, 3], extent[other, 3])


@compiled
def _widen(root: np.uintp, x: np.int32, y: np.int32, extent: np.ndarray) -> None:
    """Let a component reach to a pixel; by branches, as that seldom widens it and a store costs more than a look."""
    if x < extent[root, 0]:
        extent[root, 0] = x
    elif x >= extent[root, 2]:
        extent[root, 2] = x + 1
    if y < extent[root, 1]:
        extent[root, 1] = y
    elif y >= extent[root, 3]:
        extent[root, 3] = y + 1


@compiled
def _by_rank(values: np.ndarray, limits: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels sorted by how many limits they are above, by counting; those of rank r are pixels[starts[r]:starts[r + 1]]."""
    height, width = values.shape
    count = limits.size
    ranks = np.empty((height, width), np.int32)
    starts = np.zeros(count + 2, np.int32)
    low, high = limits[0], limits[-1]
    step = np.float32(count - 1) / (high - low) if high > low else np.float32(0)
    for y in range(height):
        for x in range(width):
            rank = _rank(values[y, x], limits, step)
            ranks[y, x] = rank
            starts[rank + 1] += 1
    for rank in range(1, count + 2):
        starts[rank] += starts[rank - 1]
    pixels = np.empty(values.size, np.int32)
    free = starts.copy()
    for y in range(height):
        for x in range(width):
            rank = ranks[y, x]
            pixels[free[rank]] = (y + 1) << shift | x
            free[rank] += 1
    return pixels, starts


@compiled
def _rank(value: np.float32, limits: np.ndarray, step: np.float32) -> int:
    """How many of the ascending limits a value is strictly above; 0 for NaN."""
    if not value > limits[0]:
        return 0
    if value > limits[-1]:
        return limits.size
    # Near enough for even steps: the answer is beside it. Otherwise it is searched for.
    guess = min(max(int((value - limits[0]) * step), 1), limits.size - 1)
    if value > limits[guess - 1] and value <= limits[guess]:
        return guess
    if guess + 1 < limits.size and value > limits[guess] and value <= limits[guess + 1]:
        return guess + 1
    return int(np.searchsorted(limits, value))
