"""Baselines that know nothing of the picture, or nothing of what was learnt: a method has to beat them to mean anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from dogcam.methods import method
from dogcam.methods.gradient import gradcam
from dogcam.methods.upsampling import enlarged_picture

_CHOE = "Choe et al., Evaluating Weakly Supervised Object Localization Methods Right, CVPR 2020, arXiv:2001.07437"
_ADEBAYO = "Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018, arXiv:1810.03292"
_NOISE = "baseline: noise on a coarse grid (like one mask of Petsiuk et al., BMVC 2018, arXiv:1806.07421)"
SIGMA = 0.25
CELLS = 7
_TWIN = ("untrained_activations", "untrained_gradients")


@method("centre-gaussian", needs=("inputs",), title="centre Gaussian", paper=_CHOE, year=2020, baseline=True)
def centre_gaussian(xp: Any, inputs: Any) -> Any:
    """A Gaussian in the middle of the picture, the center-gaussian of Choe et al. 2020: (B, H, W).

    L(i, j) = exp(-(u^2 + v^2) / 2), u = ((j + 1/2)/W - 1/2) / sigma and v = ((i + 1/2)/H - 1/2) / sigma: relative
    coordinates, so that it is as oblong as the picture. sigma = 0.25 of the side is ours; for a box at the best threshold
    it does not matter.
    """
    height, width = inputs.shape[1:3]
    v, u = (((np.arange(side) + 0.5) / side - 0.5) / SIGMA for side in (height, width))
    bump = np.exp(-(v[:, None] ** 2 + u[None, :] ** 2) / 2).astype(np.float32)
    return xp.zeros_like(inputs[..., 0]) + bump


@method("random-map", needs=("inputs", "rng"), title="random map", paper=_NOISE, year=2018, passes="none", baseline=True)
def random_map(xp: Any, inputs: Any, rng: Any) -> Any:
    """Independent uniform noise in 0..1 on 7 x 7 cells, enlarged bilinearly: one picture -> (H, W)."""
    return enlarged_picture(rng.random((CELLS, CELLS)), *inputs.shape[:2])


@method("random-weights", needs=_TWIN, title="random weights", paper=_ADEBAYO, year=2018, baseline=True)
def random_weights(xp: Any, untrained_activations: Any, untrained_gradients: Any) -> Any:
    """Grad-CAM of the same architecture with fresh weights, after Adebayo et al. 2018: (B, h, w).

    L(i, j) = ReLU(sum_k a_k A_k(i, j)), a_k = (1/Z) sum_ij g_k(i, j), A and g those of the untrained network. What it
    scores is owed to the architecture and to where objects are in pictures, not to training.
    """
    return gradcam(xp, untrained_activations, untrained_gradients)
