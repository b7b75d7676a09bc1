"""Score-CAM and its kin: channels weighed by the score that the picture keeps when they mask it, without a gradient.

A is the activations (h, w, K) of one picture at the layer, x the input as preprocessed, S the score,
m_k = s(U(A_k)) the mask of channel k (H, W): U enlarges bilinearly to the input's size, then s scales from least and
greatest to 0 and 1. Every one returns L = ReLU(sum_k w_k A_k) (h, w), where w is the softmax of a score of each channel.

Channels that are constant have no mask; they are dropped before the softmax. The papers subtract the score of a baseline
picture, S(0) or S(x), from every channel's: the softmax cancels it, so it is not computed. torch-cam scales before it
enlarges; pytorch-grad-cam gives constant channels a mask of zeros and lets them into the softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dogcam.methods import method
from dogcam.methods.smoothing import noise, seeds_of
from dogcam.methods.upsampling import enlarged_picture

_WANG = "Wang et al., Score-CAM, CVPR workshops 2020, arXiv:1910.01279"
_TABAYASHI = "tabayashi0117, Score-CAM for Keras, with Faster-ScoreCAM (software), 2020"
_SMOOTHED = "Wang et al., SS-CAM: Smoothed Score-CAM for Sharper Visual Feature Localization, 2020, arXiv:2006.14255"
_INTEGRATED = "Naidu et al., IS-CAM: Integrated Score-CAM for axiomatic-based explanations, 2020, arXiv:2010.03023"
FASTER_CHANNELS = 10
NOISY_MASKS, MASK_NOISE = 35, 2.0
MASK_STEPS = 10
_NEEDS = ("activations", "rescore")


@method("scorecam", needs=_NEEDS, title="Score-CAM", paper=_WANG, year=2020, passes="K + 1 F")
def scorecam(xp: Any, activations: Any, rescore: Any) -> Any:
    """Score-CAM, Wang et al. 2020, eq. 3 to 7: L = ReLU(sum_k w_k A_k), w = softmax_k S(x * m_k)."""
    return _scored(activations, varied(activations), rescore)


@method("faster-scorecam", needs=_NEEDS, title="Faster Score-CAM", paper=_TABAYASHI, year=2020, passes=f"{FASTER_CHANNELS + 1} F")
def faster_scorecam(xp: Any, activations: Any, rescore: Any) -> Any:
    """Score-CAM on the 10 channels whose variance over places is largest, tabayashi0117 2020; the others weigh nothing."""
    kept = varied(activations)
    order = np.argsort(-np.var(activations[..., kept], axis=(0, 1)), kind="stable")
    return _scored(activations, kept[order[:FASTER_CHANNELS]], rescore)


@method("ss-cam", needs=(*_NEEDS, "rng"), title="SS-CAM", paper=_SMOOTHED, year=2020, passes=f"{NOISY_MASKS} K + 1 F")
def ss_cam(xp: Any, activations: Any, rescore: Any, rng: Any) -> Any:
    """SS-CAM, Wang et al. 2020, the variant with noise on the masks.

    w = softmax_k (1/N) sum_n S(x * (m_k + e_kn)), e_kn independent Gaussian noise of standard deviation 2 at every pixel,
    N = 35 (both as in torch-cam). A mask scaled to 0..1 nearly drowns in it: the weights are close to each other.
    """
    kept = varied(activations)
    seeds = seeds_of(len(kept) * NOISY_MASKS, rng)

    def with_noise(mask: np.ndarray, index: int) -> np.ndarray:
        return mask + MASK_NOISE * noise(seeds[index : index + 1], mask.shape)[0]

    return _scored(activations, kept, rescore, NOISY_MASKS, with_noise)


@method("is-cam", needs=_NEEDS, title="IS-CAM", paper=_INTEGRATED, year=2020, passes=f"{MASK_STEPS} K + 1 F")
def is_cam(xp: Any, activations: Any, rescore: Any) -> Any:
    """IS-CAM, Naidu et al. 2020: w = softmax_k (1/N) sum_t S(x * (t/N) m_k), t = 1..N, N = 10.

    torch-cam accumulates its coefficients, sum_{j<=t} j/N, so that its masks reach 5.5 in place of 1.
    """

    def faded(mask: np.ndarray, index: int) -> np.ndarray:
        return mask * np.float32((index % MASK_STEPS + 1) / MASK_STEPS)

    return _scored(activations, varied(activations), rescore, MASK_STEPS, faded)


def varied(activations: np.ndarray) -> np.ndarray:
    """The channels of (h, w, K) that are not constant, by their index."""
    return np.flatnonzero(activations.max(axis=(0, 1)) > activations.min(axis=(0, 1)))


def _scored(
    activations: np.ndarray,
    kept: np.ndarray,
    rescore: Any,
    variants: int = 1,
    altered: Callable[[np.ndarray, int], np.ndarray] = lambda mask, index: mask,
) -> np.ndarray:
    """L (h, w) of the channels `kept`, each scored by the mean over `variants` of its mask.

    Copy number i is variant i % variants of channel kept[i // variants]: altered(its mask, i).
    """
    if not len(kept):
        return np.zeros(activations.shape[:2], activations.dtype)
    count = len(kept) * variants

    def masks(part: slice) -> np.ndarray:
        made = ((index, _mask(activations[..., kept[index // variants]], *rescore.shape)) for index in range(count)[part])
        return np.stack([altered(mask, index) for index, mask in made])

    scores = np.asarray(rescore(count, masks), np.float64).reshape(len(kept), variants).mean(axis=1)
    weights = np.exp(scores - scores.max())  # less the largest, so that a logit of 1e4 does not overflow
    return np.maximum(activations[..., kept] @ (weights / weights.sum()).astype(activations.dtype), 0)


def _mask(channel: np.ndarray, height: int, width: int) -> np.ndarray:
    """s(U(A_k)): a channel (h, w) that is not constant, enlarged, then scaled to 0..1."""
    large = enlarged_picture(channel, height, width)
    large = large - large.min()
    return large / (large.max() or 1)
