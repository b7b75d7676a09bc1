"""Bilinear enlargement with half-pixel centres, as cv2's INTER_LINEAR and tf.image do it; this file holds no methods.

Pixel i of n covers [i/n, (i + 1)/n) of the side, so that its centre is at (i + 0.5)/n; outside the outermost centres the
outermost value goes on. It is a linear map for each side, hence a matrix.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np


def interpolation(size: int, target: int) -> np.ndarray:
    """The matrix (target, size) that interpolates a side of `size` values at the centres of `target` pixels."""
    place = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    left = np.floor(place).astype(int)
    right = np.minimum(left + 1, size - 1)
    matrix = np.zeros((target, size))
    # += because at the last value both neighbours are the same
    np.add.at(matrix, (np.arange(target), left), 1 - (place - left))
    np.add.at(matrix, (np.arange(target), right), place - left)
    return matrix.astype(np.float32)


def enlarged(xp: Any, maps: Any, height: int, width: int) -> Any:
    """Maps (B, h, w) or (B, h, w, C), h and w known, at (height, width), in the namespace `xp`."""
    rows, columns = interpolation(maps.shape[1], height), interpolation(maps.shape[2], width)
    return xp.einsum("byw...,xw->byx...", xp.einsum("bhw...,yh->byw...", maps, rows), columns)


def enlarged_picture(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """One map (h, w) at (height, width), float32: the same without a namespace, and fast."""
    return cv2.resize(np.asarray(picture, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
