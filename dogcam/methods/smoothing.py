"""Methods that average over noisy copies of the picture, one picture at a time, and the noise itself.

x is the input of the network (H, W, C) as preprocessed. The noise is SmoothGrad's: independent Gaussian, its standard
deviation 0.15 of the range of x, on N = 25 copies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dogcam.methods import method
from dogcam.methods.gradient import gradcam_plus_plus
from dogcam.methods.pixels import over_colours

_SMILKOV = "Smilkov et al., SmoothGrad: removing noise by adding noise, 2017, arXiv:1706.03825"
_OMEIZA = "Omeiza et al., Smooth Grad-CAM++, 2019, arXiv:1908.01224"
COPIES = 25
NOISE = 0.15
_AT_INPUT = ("inputs", "mean_gradient", "rng")
_AT_LAYER = ("activations", "inputs", "mean_gradient", "rng")
_PASSES = f"{COPIES + 1} F + {COPIES} B"


@method("smoothgrad", needs=_AT_INPUT, title="SmoothGrad", paper=_SMILKOV, year=2017, passes=_PASSES)
def smoothgrad(xp: Any, inputs: Any, mean_gradient: Any, rng: Any) -> Any:
    """SmoothGrad, Smilkov et al. 2017: one picture -> (H, W).

    L(i, j) = sum_c |(1/N) sum_n dS/dx_c(x + e_n)(i, j)|, e_n Gaussian noise of standard deviation 0.15 (max x - min x),
    N = 25. The absolute value is of the mean: signs that noise turns cancel.
    """
    return over_colours(xp, mean_gradient(COPIES, noisy(inputs, rng)))


@method("smooth-gradcam++", needs=_AT_LAYER, title="Smooth Grad-CAM++", paper=_OMEIZA, year=2019, passes=_PASSES)
def smooth_gradcam_plus_plus(xp: Any, activations: Any, inputs: Any, mean_gradient: Any, rng: Any) -> Any:
    """Smooth Grad-CAM++, Omeiza et al. 2019: Grad-CAM++ of the gradient averaged over noisy copies, one picture -> (h, w).

    L as in `gradcam_plus_plus`, g = (1/N) sum_n dS/dA(x + e_n), with the noise e_n of `smoothgrad`; A is that of the
    picture without noise. The higher derivatives are the powers of that mean, as in Grad-CAM++; the paper averages each by
    itself, and torch-cam their powers, with ReLU(g) of the last copy alone.
    """
    mean = mean_gradient(COPIES, noisy(inputs, rng))
    return gradcam_plus_plus(xp, activations[None], mean[None])[0]


def noisy(inputs: np.ndarray, rng: np.random.Generator) -> Callable[[slice], np.ndarray]:
    """The function that makes the copies of x (n, H, W, C) of a slice of range(`COPIES`)."""
    seeds = seeds_of(COPIES, rng)
    deviation = NOISE * np.ptp(inputs)
    return lambda part: inputs + deviation * noise(seeds[part], inputs.shape)


def seeds_of(count: int, rng: np.random.Generator) -> np.ndarray:
    """A seed for each of `count` copies, so that a copy is the same however the copies are sliced, and whenever."""
    return rng.integers(2**63, size=count)


def noise(seeds: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Standard Gaussian noise (n, *shape), float32, each copy from its own seed."""
    return np.stack([np.random.default_rng(seed).standard_normal(shape, np.float32) for seed in seeds])
