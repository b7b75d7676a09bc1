"""Methods that weigh the activations by the gradient of the score.

A is the activations (B, h, w, K) of the layer, g = dS/dA the gradients of the score S, of the same shape, Z = h * w.
Every one returns (B, h, w). At the layer that feeds the pooling, with a logit score, g does not depend on the place, so
that gradcam = hirescam = xgradcam = ReLU(cam) / Z, and layercam = gradcam-elementwise, to which gradcam++ is nearly
proportional: the normalised maps differ by at most 0.01 on MobileNetV2 and 40 photographs of dogs.
"""

from __future__ import annotations

from typing import Any

from dogcam.methods import method

_SELVARAJU = "Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks, ICCV 2017, arXiv:1610.02391"
_DRAELOS = "Draelos and Carin, Use HiResCAM instead of Grad-CAM, 2020, arXiv:2011.08891"
_ELEMENTWISE = "Gildenblat et al., pytorch-grad-cam (software), 2021"
_CHATTOPADHAY = "Chattopadhay et al., Grad-CAM++, WACV 2018, arXiv:1710.11063"
_FU = "Fu et al., Axiom-based Grad-CAM (XGrad-CAM), BMVC 2020, arXiv:2008.02312"
_JIANG = "Jiang et al., LayerCAM, IEEE Transactions on Image Processing 30, 2021"
_CAI = "Cai, CAMs as Shapley Value-based Explainers, 2025, arXiv:2501.06261"
_ZHANG = "Zhang et al., Finer-CAM: Spotting the Difference Reveals Finer Details, CVPR 2025, arXiv:2501.11309"
_BOTH = ("activations", "gradients")
_SECOND_ORDER = ("activations", "gradients", "hessian_activations")
_FINER = ("activations", "finer_gradients")


@method("gradcam", needs=_BOTH, title="Grad-CAM", paper=_SELVARAJU, year=2017, cam_when_pooled=True)
def gradcam(xp: Any, activations: Any, gradients: Any) -> Any:
    """Gradient-weighted class activation mapping, Selvaraju et al. 2017, eq. 1 and 2.

    L(i, j) = ReLU(sum_k a_k A_k(i, j)), a_k = (1/Z) sum_ij g_k(i, j).
    """
    weights = xp.mean(gradients, axis=(1, 2), keepdims=True)
    return xp.maximum(xp.sum(weights * activations, axis=-1), 0)


@method("hirescam", needs=_BOTH, title="HiResCAM", paper=_DRAELOS, year=2020, cam_when_pooled=True)
def hirescam(xp: Any, activations: Any, gradients: Any) -> Any:
    """HiResCAM, Draelos and Carin 2020: L(i, j) = ReLU(sum_k g_k(i, j) A_k(i, j)), gradients not averaged over places."""
    return xp.maximum(xp.sum(gradients * activations, axis=-1), 0)


@method("gradcam-elementwise", needs=_BOTH, title="Grad-CAM element-wise", paper=_ELEMENTWISE, year=2021)
def gradcam_elementwise(xp: Any, activations: Any, gradients: Any) -> Any:
    """The element-wise variant of pytorch-grad-cam: L(i, j) = sum_k ReLU(g_k(i, j) A_k(i, j))."""
    return xp.sum(xp.maximum(gradients * activations, 0), axis=-1)


@method("gradcam++", needs=_BOTH, title="Grad-CAM++", paper=_CHATTOPADHAY, year=2018)
def gradcam_plus_plus(xp: Any, activations: Any, gradients: Any) -> Any:
    """Grad-CAM++, Chattopadhay et al. 2018, eq. 5 and 19, exactly.

    L(i, j) = ReLU(sum_k w_k A_k(i, j)), w_k = sum_ij alpha_k(i, j) ReLU(g_k(i, j)), where
    alpha = g^2 / (2 g^2 + g^3 sum_ab A_k(a, b)), and 0 where that denominator is 0.

    It is computed as 1 / (2 + g sum_ab A_k(a, b)), the same wherever g is not 0, which neither underflows nor needs an
    epsilon. pytorch-grad-cam adds 1e-6 to a denominator that is about 4e-7 on ResNet50, which moves the normalised map
    by up to 0.23; torch-cam 0.5 divides a copy, so that its weights are sum ReLU(g)^3.
    """
    divisor = 2 + gradients * xp.sum(activations, axis=(1, 2), keepdims=True)
    defined = (gradients != 0) & (divisor != 0)
    alpha = xp.where(defined, 1 / xp.where(defined, divisor, xp.ones_like(divisor)), xp.zeros_like(divisor))
    weights = xp.sum(alpha * xp.maximum(gradients, 0), axis=(1, 2), keepdims=True)
    return xp.maximum(xp.sum(weights * activations, axis=-1), 0)


@method("xgradcam", needs=_BOTH, title="XGrad-CAM", paper=_FU, year=2020, cam_when_pooled=True)
def xgradcam(xp: Any, activations: Any, gradients: Any) -> Any:
    """XGrad-CAM, Fu et al. 2020, eq. 8.

    L(i, j) = ReLU(sum_k w_k A_k(i, j)), w_k = sum_ij g_k A_k / sum_ij A_k, and 0 where sum_ij A_k is 0.
    """
    total = xp.sum(activations, axis=(1, 2), keepdims=True)
    defined = total != 0
    shared = xp.sum(gradients * activations, axis=(1, 2), keepdims=True)
    weights = xp.where(defined, shared / xp.where(defined, total, xp.ones_like(total)), xp.zeros_like(total))
    return xp.maximum(xp.sum(weights * activations, axis=-1), 0)


@method("layercam", needs=_BOTH, title="LayerCAM", paper=_JIANG, year=2021)
def layercam(xp: Any, activations: Any, gradients: Any) -> Any:
    """LayerCAM, Jiang et al. 2021, eq. 5 and 6: L(i, j) = ReLU(sum_k ReLU(g_k(i, j)) A_k(i, j))."""
    return xp.maximum(xp.sum(xp.maximum(gradients, 0) * activations, axis=-1), 0)


@method("shapleycam", needs=_SECOND_ORDER, title="ShapleyCAM", paper=_CAI, year=2025, cam_when_pooled=True)
def shapleycam(xp: Any, activations: Any, gradients: Any, hessian_activations: Any) -> Any:
    """ShapleyCAM, Cai 2025: the Shapley values of the channels, S expanded to the second order.

    L(i, j) = ReLU(sum_k w_k A_k(i, j)), w_k = (1/Z) sum_ij (g_k - (1/2) (H A)_k)(i, j), H A the Hessian of S with respect
    to A, times A. pytorch-grad-cam does the same, up to its min-max. At the layer that feeds the pooling, with a logit
    score, H is 0, so that shapleycam = gradcam.
    """
    return gradcam(xp, activations, gradients - 0.5 * hessian_activations)


@method("finercam", needs=_FINER, title="Finer-CAM", paper=_ZHANG, year=2025)
def finercam(xp: Any, activations: Any, finer_gradients: Any) -> Any:
    """Finer-CAM on Grad-CAM, Zhang et al. 2025: what tells the class c from those most like it.

    L(i, j) = ReLU(sum_k a_k A_k(i, j)), a_k = (1/Z) sum_ij (dF/dA_k)(i, j), where
    F = sum_d p_d (S_c - alpha S_d) / sum_d p_d over the 3 classes d whose scores are nearest to S_c, p their
    probabilities, alpha = 1. The engine differentiates F whole, p_d included, as pytorch-grad-cam does. S is the logit,
    whatever the protocol's score. With a target A:B, B is the only d.
    """
    return gradcam(xp, activations, finer_gradients)
