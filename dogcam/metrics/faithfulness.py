"""Faithfulness: does the network's own answer depend on what the map shows? No annotated box is needed, but for two games.

What these functions take, unless they say otherwise, is the EVIDENCE that a map shows: its positive part at the size of the
network's input, see `evidence`. What is asked of the network, and how often, is up to `scoring`.

A map that shows nothing (a value that is not finite, or none above 0) is all zeros, and an even map prefers no pixel. Both
get defined scores everywhere:
    insertion, deletion   equal pixels change together, so that the picture fades in, or out, as a whole
    road                  0: what is removed first and what is removed last are the same pixels
    drop, increase        min-max leaves zeros of an even map, so that all of the picture is masked
    complexity, coherency 0 and 0, hence adcc 0
    pointing, energy      0 of a map that shows nothing; of an even one the share of the picture that the boxes cover
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

# In how many steps the pixels of a curve change. Petsiuk et al. take 224 for 224 x 224 pixels.
STEPS = 16
# The shares of the pixels that ROAD removes.
ROAD_SHARES = (0.2, 0.4, 0.6, 0.8)
ROAD_NOISE = 0.01
_BLUR, _BLUR_SIDE, _BLUR_SIGMA = 11, 224, 5.0
_SEED = 0
_STRAIGHT, _DIAGONAL = 1 / 6, 1 / 12
_NEIGHBOURS = {
    (down, right): _DIAGONAL if down and right else _STRAIGHT for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right
}


class FaithfulnessScore(NamedTuple):
    """A score as tables show it."""

    title: str
    description: str
    larger_is_better: bool


FAITHFULNESS: dict[str, FaithfulnessScore] = {
    "insertion": FaithfulnessScore(
        "insertion", "Mean probability while pixels come back into the blurred picture, the warmest first.", True
    ),
    "deletion": FaithfulnessScore(
        "deletion", "Mean probability while pixels are put to the input's 0, the warmest first.", False
    ),
    "road": FaithfulnessScore(
        "ROAD", "How much more probability is left when the coldest pixels are filled in than when the warmest are.", True
    ),
    "drop": FaithfulnessScore("avg. drop", "Share of the probability lost when the picture is masked by its map.", False),
    "increase": FaithfulnessScore(
        "avg. increase", "Share of pictures whose probability rises when they are masked by their map.", True
    ),
    "coherency": FaithfulnessScore(
        "coherency", "Correlation of the map with that of the picture masked by it, from 0 (opposite) to 1.", True
    ),
    "complexity": FaithfulnessScore("complexity", "Mean of the map between its minimum, 0, and its maximum, 1.", False),
    "adcc": FaithfulnessScore("ADCC", "Harmonic mean of coherency, 1 - complexity and 1 - drop.", True),
    "pointing": FaithfulnessScore("pointing", "Share of maps whose maximum lies in an annotated box.", True),
    "energy": FaithfulnessScore("energy", "Share of the positive heat that lies in the annotated boxes.", True),
}
BOXED_ONLY = ("pointing", "energy")


def evidence(raw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What a raw map (h, w) shows, float32 (height, width) = `size`: cut at 0, then enlarged, bilinear.

    The negative part goes: it says what speaks against the class, not how much a pixel speaks for it. Zeros where a value
    is not finite.
    """
    raw = np.asarray(raw, np.float32)
    cut = np.maximum(raw, 0) if np.isfinite(raw).all() else np.zeros_like(raw)
    # Where all values are equal OpenCV's linear enlargement does not round: an even map stays even.
    return cv2.resize(cut, size[::-1], interpolation=cv2.INTER_LINEAR)


def min_max(values: np.ndarray) -> np.ndarray:
    """(x - min) / (max - min), float32 (H, W); zeros where all are equal."""
    values = _finite(values)
    low, high = values.min(), values.max()
    return ((values - low) / (high - low) if high > low else np.zeros_like(values)).astype(np.float32)


def _finite(values: np.ndarray) -> np.ndarray:
    """float64; zeros where a value is not finite."""
    values = np.asarray(values, np.float64)
    return values if np.isfinite(values).all() else np.zeros_like(values)


def changes(values: np.ndarray, steps: int) -> np.ndarray:
    """How much of each pixel has changed after each step, the warmest first: float32 (steps + 1, H, W), from 0 to 1.

    After step i it is k = i HW / steps pixels, rounded. Of n equal pixels of which only m have their turn, each has changed
    by m / n, which is what the means of all their orders would be. Implementations sort instead, and so let the position
    decide, which counts: of a map with a ReLU, half of the pixels may be equal.

    Raises:
        ValueError: no step.
    """
    if steps < 1:
        raise ValueError(f"pixels change in at least one step; received {steps}")
    flat = _finite(values).ravel()
    _, place, sizes = np.unique(-flat, return_inverse=True, return_counts=True)
    before = np.cumsum(sizes) - sizes
    turns = np.rint(np.arange(steps + 1) * flat.size / steps)
    shares = np.clip((turns[:, None] - before) / sizes, 0, 1).astype(np.float32)
    return shares[:, place].reshape(steps + 1, *np.shape(values))


def mixed(first: np.ndarray, second: np.ndarray, change: np.ndarray) -> np.ndarray:
    """(1 - m) first + m second: pictures (H, W, C), m (H, W). The first where m is 0, the second where it is 1, exactly."""
    share = np.asarray(change, np.float32)[..., None]
    return (1 - share) * first + share * second


def blurred(inputs: np.ndarray) -> np.ndarray:
    """What insertion starts from: the input (H, W, C) under a Gaussian of 11 x 11 pixels and sigma 5, as Petsiuk et al. 2018.

    That is for 224 pixels; both go with the shorter side. They let the input's 0 reach in from beyond the edges, here the
    picture is mirrored there. xplique inserts into the input's 0 instead, where a network sees edges of its own making.
    """
    scale = min(inputs.shape[:2]) / _BLUR_SIDE
    side = 2 * max(round(_BLUR * scale / 2 - 0.5), 1) + 1
    blur = cv2.GaussianBlur(np.asarray(inputs, np.float32), (side, side), _BLUR_SIGMA * scale)
    return blur.reshape(inputs.shape)


def area_under(curve: np.ndarray) -> float:
    """The area under probabilities (n + 1,) at the shares 0, 1/n ... 1 of changed pixels, by the trapezoidal rule.

    Insertion and deletion of Petsiuk et al., RISE, BMVC 2018, arXiv:1806.07421: (sum_i p_i - p_0/2 - p_n/2) / n. Deletion
    puts pixels to the input's 0, which after most preprocessing is the mean colour, after others grey or black: figures
    of networks with different preprocessing do not compare. RISE does the same; others take black or the blurred picture.
    """
    curve = np.asarray(curve, np.float64)
    return float((curve[:-1] + curve[1:]).sum() / (2 * (len(curve) - 1)))


def drop(full: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Average drop of single pictures, float64 (n,): ReLU(y - o) / y, from 0 to 1; 0 where y is 0.

    Chattopadhay et al., Grad-CAM++, WACV 2018, arXiv:1710.11063. y and o are the target's probability for the picture and
    for the input times the min-max map. pytorch-grad-cam does not divide by y.
    """
    full, masked = np.asarray(full, np.float64), np.asarray(masked, np.float64)
    lost = np.maximum(full - masked, 0)
    return np.divide(lost, full, out=np.zeros_like(lost), where=full != 0)


def increase(full: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Average increase of single pictures, float64 (n,): 1 where o > y, else 0; y and o as in `drop`, from the same paper."""
    full, masked = np.asarray(full, np.float64), np.asarray(masked, np.float64)
    return np.where(np.isnan(full) | np.isnan(masked), np.nan, masked > full)


def removed(values: np.ndarray, share: float, warmest: bool) -> np.ndarray:
    """The pixels that ROAD removes, bool (H, W): `share` of them, rounded, the warmest or the coldest.

    Equal ones come in the order of one shuffle, the same for every map of the shape and in both directions: not by position,
    and so that an even map loses the same pixels either way.
    """
    flat = _finite(values).ravel()
    shuffle = np.random.default_rng(_SEED).permutation(flat.size)
    keys = -flat[shuffle] if warmest else flat[shuffle]
    order = shuffle[np.argsort(keys, kind="stable")]
    gone = np.zeros(flat.size, bool)
    gone[order[: round(share * flat.size)]] = True
    return gone.reshape(np.shape(values))


def imputation_noise(inputs: np.ndarray, share: float = ROAD_NOISE) -> np.ndarray:
    """The noise of `imputed`, float32 (H, W, C): normal, of `share` of the input's standard deviation, always the same draw.

    The authors take 0.01 of inputs whose deviation is 1; networks here take inputs of any scale.
    """
    draw = np.random.default_rng(_SEED).standard_normal(inputs.shape, np.float32)
    return np.float32(share * np.std(inputs)) * draw


def imputed(inputs: np.ndarray, missing: np.ndarray, noise: np.ndarray | float = 0.0) -> np.ndarray:
    """Noisy linear imputation of Rong et al., ROAD, ICML 2022, arXiv:2202.00449: float32 (H, W, C).

    Each missing pixel is the weighted mean of its neighbours, x = sum_n w_n x_n / sum_n w_n, w = 1/6 for the four beside it
    and 1/12 for the four diagonal ones, those beyond the edge left out. Of all missing pixels that is one sparse, symmetric
    system of equations; its solution is smooth, so that the shape of the hole gives away as little as it can.

    Args:
        inputs: (H, W, C).
        missing: bool (H, W).
        noise: added to what is filled in, (H, W, C) or a number.

    Raises:
        ValueError: all pixels are missing.
    """
    if missing.all():
        raise ValueError("nothing can be filled in where every pixel is missing")
    filled = np.array(inputs, np.float32)
    if missing.any():
        matrix, right = _equations(np.asarray(inputs, np.float64), missing)
        # An ordering and pivots that keep a symmetric matrix symmetric: the fastest of what SuperLU offers.
        factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        filled[missing] = factors.solve(right) + np.broadcast_to(noise, filled.shape)[missing]
    return filled


def _equations(inputs: np.ndarray, missing: np.ndarray) -> tuple[sparse.csc_matrix, np.ndarray]:
    """The matrix (m, m) and the right-hand sides (m, C) of the m missing pixels."""
    count = int(missing.sum())
    unknown, known, beyond = np.arange(count), -1, -2
    index = np.full(np.add(missing.shape, 2), beyond)
    index[1:-1, 1:-1] = known
    index[1:-1, 1:-1][missing] = unknown
    padded = np.pad(inputs, ((1, 1), (1, 1), (0, 0)))
    y, x = np.nonzero(missing)
    total, right = np.zeros(count), np.zeros((count, inputs.shape[2]))
    entries = []
    for (down, across), weight in _NEIGHBOURS.items():
        where = y + 1 + down, x + 1 + across
        beside = index[where]
        total += weight * (beside != beyond)
        right += weight * (beside == known)[:, None] * padded[where]
        rows = np.flatnonzero(beside >= 0)
        entries.append((np.full(len(rows), -weight), rows, beside[rows]))
    values, rows, columns = (np.concatenate(each) for each in zip((total, unknown, unknown), *entries, strict=True))
    return sparse.csc_matrix((values, (rows, columns)), (count, count)), right


def road(without_warmest: np.ndarray, without_coldest: np.ndarray) -> float:
    """ROAD of both directions: mean over shares of p without the coldest less p without the warmest, from -1 to 1.

    Rong et al. 2022 show both curves; their difference is pytorch-grad-cam's ROADCombined, which halves it.

    Args:
        without_warmest, without_coldest: the target's probability (s,) when those shares of the pixels are `imputed`.
    """
    return float(np.mean(np.asarray(without_coldest, np.float64) - np.asarray(without_warmest, np.float64)))


def coherency(first: np.ndarray, second: np.ndarray) -> float:
    """(r + 1) / 2, r Pearson's correlation of the map (H, W) with the map of the picture masked by it: from 0 to 1.

    Poppi et al., Revisiting the Evaluation of Class Activation Mapping, CVPRW 2021, arXiv:2104.10252. 0 where one of them is
    even, as the authors' code has it where a map is NaN: it does not say again what was said before. A map that never looks
    at the picture comes back as it was: 1. Hence coherency and ADCC mean little without centre-gaussian beside them.
    """
    deviations = [heat - heat.mean() for heat in map(_finite, (first, second)) if heat.min() < heat.max()]
    if len(deviations) < 2:
        return 0.0
    # Each by its largest first: the squares of tiny gradients underflow.
    one, other = (deviation / np.abs(deviation).max() for deviation in deviations)
    return float((np.vdot(one, other) / np.sqrt(np.vdot(one, one) * np.vdot(other, other)) + 1) / 2)


def complexity(values: np.ndarray) -> float:
    """The L1 norm of the min-max map (H, W) by its number of pixels: from 0 to 1 (Poppi et al. 2021)."""
    return float(np.mean(min_max(values), dtype=np.float64))


def adcc(coherency: float, complexity: float, drop: float) -> float:
    """3 / (1 / coherency + 1 / (1 - complexity) + 1 / (1 - drop)) of one picture; 0 where one of the three is 0.

    Poppi et al. 2021; the authors' published code multiplies by the sum where the paper divides.
    """
    parts = np.array([coherency, 1 - complexity, 1 - drop], np.float64)
    if np.isnan(parts).any():
        return float("nan")
    return float(3 / np.sum(1 / parts)) if (parts > 0).all() else 0.0


def pointing_game(values: np.ndarray, boxes: np.ndarray, tolerance: float = 0.0) -> float:
    """Whether the map's maximum lies in an annotated box, 1 or 0; of several equal maxima the share that does.

    Zhang et al., Top-down Neural Attention by Excitation Backprop, ECCV 2016, IJCV 2018, arXiv:1608.00507. They and TorchRay
    also count what is up to 15 pixels away from the object, of the picture's own pixels; others allow nothing, as here
    unless asked: with boxes, and with pictures of a few hundred pixels, 15 more on each side leave little to miss.

    Args:
        values: (H, W).
        boxes: relative (n, 4).
        tolerance: how far away still counts, in pixels of the map.

    Returns:
        NaN where there is no box.
    """
    if not len(boxes):
        return float("nan")
    values = _finite(values)
    highest = (values == values.max()) & (values > 0)
    return float(_inside(values.shape, boxes, tolerance)[highest].mean()) if highest.any() else 0.0


def energy_pointing_game(values: np.ndarray, boxes: np.ndarray) -> float:
    """The share of the positive heat (H, W) that lies in the relative annotated boxes (n, 4); NaN where there is none.

    Wang et al., Score-CAM, CVPRW 2020, arXiv:1910.01279: sum of L over the boxes / sum of L over all pixels.
    """
    if not len(boxes):
        return float("nan")
    positive = np.maximum(_finite(values), 0)
    total = positive.sum()
    return float(positive[_inside(positive.shape, boxes)].sum() / total) if total > 0 else 0.0


def _inside(shape: tuple[int, ...], boxes: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """The pixels (H, W) whose centres lie in a box, or not farther from one than `tolerance` pixels."""
    height, width = shape
    y, x = (np.arange(height) + 0.5)[:, None], (np.arange(width) + 0.5)[None]
    inside = np.zeros((height, width), bool)
    for x0, y0, x1, y1 in np.asarray(boxes, np.float64).reshape(-1, 4) * (width, height, width, height):
        inside |= (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
        if tolerance > 0:
            aside, apart = np.maximum(x0 - x, x - x1).clip(0), np.maximum(y0 - y, y - y1).clip(0)
            inside |= np.hypot(aside, apart) <= tolerance
    return inside
