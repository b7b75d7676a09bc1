"""Methods that take something away and watch the score: a channel of the layer, a patch or random parts of the picture.

S is the score of the target, (H, W) the size of the input, (h, w, K) that of the layer; one picture at a time.
"""

from __future__ import annotations

from itertools import product
from math import ceil
from typing import Any

import numpy as np

from dogcam.methods import method
from dogcam.methods.upsampling import enlarged_picture

_DESAI = "Desai and Ramaswamy, Ablation-CAM, WACV 2020"
_ZEILER = "Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, arXiv:1311.2901"
_PETSIUK = "Petsiuk et al., RISE: Randomized Input Sampling for Explanation, BMVC 2018, arXiv:1806.07421"
PATCHES_PER_SIDE = 7
MASKS, CELLS, KEPT = 1000, 7, 0.5


@method(
    "ablationcam",
    needs=("activations", "rerun", "score"),
    title="Ablation-CAM",
    paper=_DESAI,
    year=2020,
    passes="1 F + K part",
    positive_only=True,
)
def ablationcam(xp: Any, activations: Any, rerun: Any, score: Any) -> Any:
    """Ablation-CAM, Desai and Ramaswamy 2020, eq. 4 and 5: one picture -> (h, w).

    L = ReLU(sum_k w_k A_k), w_k = (y - y_k) / y, y = S, y_k that with channel k of the layer set to 0. It is meant for
    y > 0: a negative y turns the sign of every weight, which is left as it stands; y = 0 gives zeros.
    """
    # Setting a channel of zeros to 0 changes nothing, so its weight is exactly 0: after a ReLU that saves many re-runs.
    active = np.flatnonzero(activations.any(axis=(0, 1)))
    if not len(active) or score == 0:
        return np.zeros(activations.shape[:2], activations.dtype)

    def ablated(part: slice) -> np.ndarray:
        channels = active[part]
        copies = np.repeat(activations[None], len(channels), axis=0)
        copies[np.arange(len(channels)), :, :, channels] = 0
        return copies

    weights = (score - np.asarray(rerun(len(active), ablated), np.float64)) / score
    return np.maximum(activations[..., active] @ weights.astype(activations.dtype), 0)


@method(
    "occlusion",
    needs=("rescore", "score"),
    title="occlusion",
    paper=_ZEILER,
    year=2014,
    passes="170 F",  # at 224 x 224
)
def occlusion(xp: Any, rescore: Any, score: Any) -> Any:
    """Occlusion sensitivity, Zeiler and Fergus 2014: one picture -> (H, W).

    L(i, j) = mean over the patches P that cover (i, j) of S - S_P, S_P the score with the pixels of P set to 0 in the
    network's input space (the paper's patch is grey, its map the score itself by the patch's place). Patches are squares
    of a 7th of the shorter side, half a patch apart, the last ones moved in from the border, so that every pixel is
    covered. It is a signed drop, with no absolute value: positive where a pixel speaks for the class.
    """
    height, width = rescore.shape
    patch = max(1, round(min(height, width) / PATCHES_PER_SIDE))
    corners = list(product(_starts(height, patch), _starts(width, patch)))

    def masks(part: slice) -> np.ndarray:
        return np.stack([1 - _patch(height, width, corner, patch) for corner in corners[part]])

    total, covered = np.zeros((height, width)), np.zeros((height, width))
    for corner, left in zip(corners, rescore(len(corners), masks), strict=True):
        here = _patch(height, width, corner, patch)
        total += here * (score - float(left))
        covered += here
    return (total / covered).astype(np.float32)


def _starts(side: int, patch: int) -> list[int]:
    """Where patches begin along a side: half a patch apart, the last one ending at the border."""
    stride = max(1, patch // 2)
    return [min(start, side - patch) for start in range(0, side - patch + stride, stride)]


def _patch(height: int, width: int, corner: tuple[int, int], size: int) -> np.ndarray:
    """1 in the square of `size` that begins at `corner`, 0 elsewhere: (height, width) float32."""
    inside = np.zeros((height, width), np.float32)
    inside[corner[0] : corner[0] + size, corner[1] : corner[1] + size] = 1
    return inside


@method("rise", needs=("rescore", "rng"), title="RISE", paper=_PETSIUK, year=2018, passes=f"{MASKS + 1} F")
def rise(xp: Any, rescore: Any, rng: Any) -> Any:
    """RISE, Petsiuk et al. 2018, eq. 6: one picture -> (H, W).

    L = 1/(N p) sum_i P(x * M_i) M_i, P the probability of the target, M_i random masks. A mask is a grid of s x s cells,
    each 1 with probability p and else 0, enlarged bilinearly to ((s + 1) C_H, (s + 1) C_W), C_H = ceil(H / s) and
    C_W = ceil(W / s), then cut to (H, W) at a random place in 0..C_H - 1, 0..C_W - 1. s = 7, p = 0.5, N = 1000 (the paper:
    4000 to 8000).
    """
    height, width = rescore.shape
    cell = ceil(height / CELLS), ceil(width / CELLS)
    # Only grids and places are kept, which are tiny; a mask is made anew whenever it is needed.
    grids = rng.random((MASKS, CELLS, CELLS)) < KEPT
    places = rng.integers(cell, size=(MASKS, 2))

    def mask(index: int) -> np.ndarray:
        large = enlarged_picture(grids[index], (CELLS + 1) * cell[0], (CELLS + 1) * cell[1])
        top, left = places[index]
        return large[top : top + height, left : left + width]

    chances = rescore(MASKS, lambda part: np.stack([mask(index) for index in range(MASKS)[part]]), probability=True)
    total = np.zeros((height, width))
    for index, chance in enumerate(chances):
        total += float(chance) * mask(index)
    return (total / (MASKS * KEPT)).astype(np.float32)
