"""Methods that end at the input: one value for every pixel, from the gradient of the score there.

x is the input of the network (B, H, W, C) as preprocessed, S the score, dS/dx its gradient, psi what a method does with
signs. Every one returns (B, H, W), or (H, W) where it probes; colours are added up, after taking absolute values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dogcam.methods import method
from dogcam.methods.gradient import gradcam
from dogcam.methods.upsampling import enlarged

_SIMONYAN = "Simonyan et al., Deep Inside Convolutional Networks, 2014, arXiv:1312.6034"
_SPRINGENBERG = "Springenberg et al., Striving for Simplicity, ICLR workshop 2015, arXiv:1412.6806"
_SELVARAJU = "Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks, ICCV 2017, arXiv:1610.02391"
_SUNDARARAJAN = "Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017, arXiv:1703.01365"
_SRINIVAS = "Srinivas and Fleuret, Full-Gradient Representation, NeurIPS 2019, arXiv:1905.00780"
STEPS = 32
_PATH = ("inputs", "mean_gradient")
_GUIDED_CAM = ("activations", "gradients", "guided_gradients")
_FULL = ("inputs", "input_gradients", "bias_gradients")


@method("saliency", needs=("input_gradients",), title="saliency", paper=_SIMONYAN, year=2014)
def saliency(xp: Any, input_gradients: Any) -> Any:
    """The gradient of the score, Simonyan et al. 2014: L(i, j) = sum_c |dS/dx_c(i, j)|.

    Simonyan et al. take the maximum over the colours c in place of the sum.
    """
    return over_colours(xp, input_gradients)


@method("guided-backprop", needs=("guided_gradients",), title="guided backpropagation", paper=_SPRINGENBERG, year=2015)
def guided_backprop(xp: Any, guided_gradients: Any) -> Any:
    """Guided backpropagation, Springenberg et al. 2015: L(i, j) = sum_c |G_c(i, j)|.

    G is dS/dx where every ReLU (as a layer, an operation or inside a layer; not as maximum(x, 0), and not within a layer
    of one's own) passes a gradient on only where both the gradient and its input are positive. It is known
    to depend little on the class and on the weights (Adebayo et al. 2018).
    """
    return over_colours(xp, guided_gradients)


@method("guided-gradcam", needs=_GUIDED_CAM, title="Guided Grad-CAM", paper=_SELVARAJU, year=2017)
def guided_gradcam(xp: Any, activations: Any, gradients: Any, guided_gradients: Any) -> Any:
    """Guided Grad-CAM, Selvaraju et al. 2017, section 3.2: L(i, j) = sum_c |U(Grad-CAM)(i, j) G_c(i, j)|.

    U enlarges bilinearly to the input's size, G is as in `guided_backprop`. The map has the input's size (B, H, W), and
    belongs to the layer of the activations.
    """
    coarse = gradcam(xp, activations, gradients)
    return enlarged(xp, coarse, *guided_gradients.shape[1:3]) * over_colours(xp, guided_gradients)


@method(
    "integrated-gradients",
    needs=_PATH,
    title="Integrated Gradients",
    paper=_SUNDARARAJAN,
    year=2017,
    passes=f"{STEPS + 1} F + {STEPS} B",
)
def integrated_gradients(xp: Any, inputs: Any, mean_gradient: Any) -> Any:
    """Integrated Gradients, Sundararajan et al. 2017, eq. 1 and 3: one picture -> (H, W).

    L(i, j) = sum_c |x_c(i, j) (1/N) sum_t dS/dx_c(a_t x)(i, j)| at a_t = (t + 1/2)/N, t = 0..N-1: the integral along the
    straight path from the baseline, by the midpoint rule with N = 32. The baseline is 0 in the network's input space,
    after preprocessing. Before taking absolute values it all adds up to S(x) - S(0), but for the error of the rule.
    """
    return over_colours(xp, inputs * mean_gradient(STEPS, lambda part: path(inputs, part)))


def path(inputs: Any, part: slice) -> np.ndarray:
    """The picture (H, W, C) scaled by the midpoints of `STEPS` equal steps from 0 to 1: (n, H, W, C), those of `part`."""
    scales = (np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS
    return scales[part, None, None, None] * inputs


@method("fullgrad", needs=_FULL, title="FullGrad", paper=_SRINIVAS, year=2019)
def fullgrad(xp: Any, inputs: Any, input_gradients: Any, bias_gradients: Any) -> Any:
    """FullGrad, Srinivas and Fleuret 2019, eq. 4 and 7.

    L = sum_c psi(x * dS/dx)_c + sum_l sum_c U(psi(b_l dS/db_l))_c over layers l with a bias b_l and their channels c.
    psi takes absolute values, then scales those of one layer and picture, all its channels together, from their least
    and greatest to 0 and 1 (to 0 where they are all the same); U enlarges bilinearly to the input's size.

    The biases are those of layers whose output has height and width: convolutions, dense layers, batch normalisation and
    Rescaling or Normalization of the input. What others add is left out (layer and group normalisation, an operation
    such as x + 1, layers inside a layer of one's own, the head), so that the terms add up to S only where there is no such.

    The paper's code enlarges with corners aligned in place of half-pixel centres, and adds 1e-6 to the range it divides
    by. pytorch-grad-cam scales every channel by itself, so that one that hardly matters counts as much as any other.
    """
    total = xp.sum(_scaled(xp, inputs * input_gradients), axis=-1)
    for each in bias_gradients:
        # U is linear: adding up the channels first saves enlarging every one of them.
        total = total + enlarged(xp, xp.sum(_scaled(xp, each), axis=-1), *inputs.shape[1:3])
    return total


def _scaled(xp: Any, signed: Any) -> Any:
    """psi of (B, h, w, C): absolute values, by their range over all but the first axis."""
    values = xp.abs(signed)
    least = xp.min(values, axis=(1, 2, 3), keepdims=True)
    extent = xp.max(values, axis=(1, 2, 3), keepdims=True) - least
    varied = extent > 0
    return xp.where(varied, (values - least) / xp.where(varied, extent, xp.ones_like(extent)), xp.zeros_like(values))


def over_colours(xp: Any, signed: Any) -> Any:
    """Absolute values added up over the last axis."""
    return xp.sum(xp.abs(signed), axis=-1)
