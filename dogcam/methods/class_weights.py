"""Methods that weigh the channels by the classifier's own dense kernel."""

from __future__ import annotations

from typing import Any

from dogcam.methods import method


@method(
    "cam",
    needs=("activations", "class_weights"),
    title="CAM",
    paper="Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016, arXiv:1512.04150",
    year=2016,
)
def cam(xp: Any, activations: Any, class_weights: Any) -> Any:
    """Class activation mapping, Zhou et al. 2016, eq. 2.

    M(i, j) = sum_k w_ck A_k(i, j), with A the activations (B, h, w, K) of the layer that feeds the pooling and w_c
    (B, K) the dense kernel's column of the target class. The bias is left out, as in the paper, and there is no ReLU.

    Returns:
        (B, h, w), in units of the logit: its mean over the map is the logit less the bias.
    """
    return xp.sum(activations * class_weights[:, None, None, :], axis=-1)
