"""Methods that weigh the channels by the gradient of the score."""

from __future__ import annotations

from typing import Any

from dogcam.methods import method


@method(
    "gradcam",
    needs=("activations", "gradients"),
    title="Grad-CAM",
    paper="Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks, ICCV 2017, arXiv:1610.02391",
    year=2017,
)
def gradcam(xp: Any, activations: Any, gradients: Any) -> Any:
    """Gradient-weighted class activation mapping, Selvaraju et al. 2017, eq. 1 and 2.

    L(i, j) = ReLU(sum_k a_k A_k(i, j)), a_k = (1/Z) sum_ij dS/dA_k(i, j), with A the activations (B, h, w, K), S the score
    and Z = h * w. At the layer that feeds the pooling, with a logit score, L = ReLU(CAM) / Z exactly.

    Returns:
        (B, h, w), not negative.
    """
    weights = xp.mean(gradients, axis=(1, 2), keepdims=True)
    return xp.maximum(xp.sum(weights * activations, axis=-1), 0)
