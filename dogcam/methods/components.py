"""Methods that look for what varies most in the activations themselves: principal components, and rare strong values.

A is the activations (B, h, w, K) of the layer, Z = h * w. Every one returns (B, h, w), and none has a ReLU.
"""

from __future__ import annotations

from typing import Any

from dogcam.methods import method

_MUHAMMAD = "Muhammad and Yeasin, Eigen-CAM, IJCNN 2020, arXiv:2008.00299"
_EIGENGRAD = "Gildenblat et al., pytorch-grad-cam (software), 2021"
_KARMANI = "Karmani et al., KPCA-CAM, IEEE MMSP 2024, arXiv:2410.00267"
_FUAD = "Fuad et al., Features Understanding in 3D CNNs for Actions Recognition in Video (FEM), IPTA 2020"
_MEAN = "baseline: the mean of the channels (as in Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928)"
FEM_SIGMAS = 2


@method("eigencam", needs=("activations",), title="Eigen-CAM", paper=_MUHAMMAD, year=2020)
def eigencam(xp: Any, activations: Any) -> Any:
    """Eigen-CAM, Muhammad and Yeasin 2020: the activations projected on their first principal component.

    X is A as a (Z x K) matrix, its columns centred; L = X v with v its first right singular vector. The sign, which the
    decomposition leaves open (and pytorch-grad-cam leaves to chance), is fixed so that L agrees with the mean of the
    channels. The class plays no part.
    """
    return _first_component(xp, _centred(xp, activations), activations)


@method("eigengradcam", needs=("activations", "gradients"), title="Eigen-Grad-CAM", paper=_EIGENGRAD, year=2021)
def eigengradcam(xp: Any, activations: Any, gradients: Any) -> Any:
    """Eigen-CAM of g * A, g the gradients of the score, as in pytorch-grad-cam; the sign agrees with the mean of g * A."""
    product = gradients * activations
    return _first_component(xp, _centred(xp, product), product)


@method("kpca-cam", needs=("activations",), title="KPCA-CAM", paper=_KARMANI, year=2024)
def kpca_cam(xp: Any, activations: Any) -> Any:
    """KPCA-CAM, Karmani et al. 2024: Eigen-CAM with kernel principal components, sigmoid kernel.

    k(x, y) = tanh(x . y / K + 1) over the rows of the column-centred (Z x K) matrix, centred in feature space; L is the
    first component's scores, sqrt(lambda) u. The sign is fixed as in `eigencam`.
    """
    rows = _centred(xp, activations)
    kernel = xp.tanh(xp.matmul(rows, xp.swapaxes(rows, 1, 2)) / rows.shape[-1] + 1)
    by_row = xp.mean(kernel, axis=1, keepdims=True)
    by_column = xp.mean(kernel, axis=2, keepdims=True)
    centred = kernel - by_row - by_column + xp.mean(kernel, axis=(1, 2), keepdims=True)
    values, vectors = xp.linalg.eigh(centred)
    scores = vectors[:, :, -1] * xp.sqrt(xp.maximum(values[:, -1:], 0))
    return _signed(xp, scores, activations)


@method("fem", needs=("activations",), title="FEM", paper=_FUAD, year=2020)
def fem(xp: Any, activations: Any) -> Any:
    """Feature explanation method, Fuad et al. 2020.

    L(i, j) = sum_k w_k A_k(i, j), w_k the share of places where A_k is above its mean by more than two standard
    deviations (of the population). The class plays no part.
    """
    mean = xp.mean(activations, axis=(1, 2), keepdims=True)
    deviation = xp.sqrt(xp.mean((activations - mean) ** 2, axis=(1, 2), keepdims=True))
    rare = activations > mean + FEM_SIGMAS * deviation
    weights = xp.mean(xp.where(rare, xp.ones_like(activations), xp.zeros_like(activations)), axis=(1, 2), keepdims=True)
    return xp.sum(weights * activations, axis=-1)


@method("mean-activation", needs=("activations",), title="mean activation", paper=_MEAN, year=2017)
def mean_activation(xp: Any, activations: Any) -> Any:
    """The mean of the channels: a baseline that knows the network but not the class."""
    return xp.mean(activations, axis=-1)


def _centred(xp: Any, activations: Any) -> Any:
    """(B, h, w, K) -> (B, Z, K), the mean over places taken from each channel."""
    batch, height, width, channels = activations.shape
    rows = xp.reshape(activations, (-1 if batch is None else batch, height * width, channels))
    return rows - xp.mean(rows, axis=1, keepdims=True)


def _first_component(xp: Any, rows: Any, source: Any) -> Any:
    """X v, v the first right singular vector of each X (Z x K), from the smaller of X X' and X' X."""
    if rows.shape[1] <= rows.shape[2]:
        values, vectors = xp.linalg.eigh(xp.matmul(rows, xp.swapaxes(rows, 1, 2)))
        scores = vectors[:, :, -1] * xp.sqrt(xp.maximum(values[:, -1:], 0))
    else:
        _, vectors = xp.linalg.eigh(xp.matmul(xp.swapaxes(rows, 1, 2), rows))
        scores = xp.matmul(rows, vectors[:, :, -1:])[:, :, 0]
    return _signed(xp, scores, source)


def _signed(xp: Any, scores: Any, source: Any) -> Any:
    """Scores (B, Z) as maps (B, h, w), turned so that they agree with the mean over channels of `source`."""
    maps = xp.reshape(scores, (-1, *source.shape[1:3]))
    mean = xp.mean(source, axis=-1)
    mean = mean - xp.mean(mean, axis=(1, 2), keepdims=True)
    agreement = xp.sum(maps * mean, axis=(1, 2), keepdims=True)
    return xp.where(agreement < 0, -maps, maps)
