"""Methods that look for what varies most in the activations themselves: principal components, and rare strong values.

A is the activations (B, h, w, K) of the layer, Z = h * w. Every one returns (B, h, w), and none has a ReLU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dogcam.methods import method

_MUHAMMAD = "Muhammad and Yeasin, Eigen-CAM, IJCNN 2020, arXiv:2008.00299"
_EIGENGRAD = "Gildenblat et al., pytorch-grad-cam (software), 2021"
_KARMANI = "Karmani et al., KPCA-CAM, IEEE MMSP 2024, arXiv:2410.00267"
_FUAD = "Fuad et al., Features Understanding in 3D CNNs for Actions Recognition in Video (FEM), IPTA 2020"
_MEAN = "baseline: the mean of the channels (as in Zagoruyko and Komodakis, ICLR 2017, arXiv:1612.03928)"
FEM_SIGMAS = 2

# The first component of a matrix with more than DENSE rows is sought in a Krylov space of BLOCK x (STEPS + 1) columns.
# That is exact to rounding for the activations of networks; in pure noise, where the first of many is hardly a component,
# its share of the variance is within 1e-5 of the best. Up to DENSE rows the full decomposition is faster.
DENSE, BLOCK, STEPS = 64, 4, 16
# What remains of a product that the space already holds is rounding: a direction below this share is none.
ROUNDING = 1e-4
# Below this range of the activations the sigmoid kernel is linear to 1e-8, and its entries near float32's smallest.
LINEAR = 1e-4


@method("eigencam", needs=("activations",), title="Eigen-CAM", paper=_MUHAMMAD, year=2020)
def eigencam(xp: Any, activations: Any) -> Any:
    """Eigen-CAM, Muhammad and Yeasin 2020: the activations projected on their first principal component.

    X is A as a (Z x K) matrix, its columns centred; L = X v with v its first right singular vector. The sign, which the
    decomposition leaves open (and pytorch-grad-cam leaves to chance), is fixed so that L agrees with the mean of the
    channels. The class plays no part.
    """
    rows, scale = _centred(xp, activations)
    return _as_maps(xp, _first_component(xp, rows), rows, scale, activations)


@method("eigengradcam", needs=("activations", "gradients"), title="Eigen-Grad-CAM", paper=_EIGENGRAD, year=2021)
def eigengradcam(xp: Any, activations: Any, gradients: Any) -> Any:
    """Eigen-CAM of g * A, g the gradients of the score, as in pytorch-grad-cam; the sign agrees with the mean of g * A."""
    return eigencam(xp, gradients * activations)


@method("kpca-cam", needs=("activations",), title="KPCA-CAM", paper=_KARMANI, year=2024)
def kpca_cam(xp: Any, activations: Any) -> Any:
    """KPCA-CAM, Karmani et al. 2024: Eigen-CAM with kernel principal components, sigmoid kernel.

    k(x, y) = tanh(x . y / K + 1) over the rows of the column-centred (Z x K) matrix, centred in feature space; L is the
    first component's scores, sqrt(lambda) u, of the largest lambda: the kernel has negative ones too, at times larger
    in size, which are no components. The sign is fixed as in `eigencam`.
    """
    rows, scale = _centred(xp, activations)
    lifted = xp.maximum(scale, LINEAR)
    value, vector = _first_eigenpair(xp, _sigmoid_kernel(xp, rows, lifted))
    return _as_maps(xp, vector * xp.sqrt(xp.maximum(value, 0)), rows, scale / lifted, activations)


@method("fem", needs=("activations",), title="FEM", paper=_FUAD, year=2020)
def fem(xp: Any, activations: Any) -> Any:
    """Feature explanation method, Fuad et al. 2020.

    L(i, j) = sum_k w_k A_k(i, j), w_k the share of places where A_k is above its mean by more than two standard
    deviations (of the population). The class plays no part. So it is in pytorch-grad-cam; Xplique, of the same paper,
    adds up masks of those places, M_k(i, j) in place of A_k(i, j), weighted by the mean of A_k.
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


def _centred(xp: Any, activations: Any) -> tuple[Any, Any]:
    """(B, h, w, K) -> rows (B, Z, K) and scale (B, 1, 1): rows * scale is A less each channel's mean over places.

    No entry of the rows is above 1, so that products of tiny or huge activations stay within float32. A channel without
    variation becomes exactly 0 and not the rounding of its mean.
    """
    batch, height, width, channels = activations.shape
    places = xp.reshape(activations, (-1 if batch is None else batch, height * width, channels))
    spread = xp.max(places, axis=1, keepdims=True) - xp.min(places, axis=1, keepdims=True)
    scale = xp.max(spread, axis=2, keepdims=True)
    divisor = xp.where(spread > 0, scale, np.inf)
    return (places - xp.mean(places, axis=1, keepdims=True)) / divisor, scale


def _sigmoid_kernel(xp: Any, rows: Any, scale: Any) -> Any:
    """The kernel tanh(x . y / K + 1) of the rows (B, Z, K) times scale, centred in feature space: (B, Z, Z).

    It is taken less tanh(1), which centring removes anyway, by tanh's addition theorem: rows that vary little would
    otherwise lose their differences to the rounding of numbers near tanh(1).
    """
    inner = xp.matmul(rows, xp.swapaxes(rows, 1, 2)) * (scale * scale / rows.shape[-1])
    bent, at_zero = xp.tanh(inner), float(np.tanh(1.0))
    kernel = bent * (1 - at_zero**2) / (1 + at_zero * bent)
    by_row = xp.mean(kernel, axis=2, keepdims=True)
    by_column = xp.swapaxes(by_row, 1, 2)
    return (kernel - by_row) - (by_column - xp.mean(by_row, axis=1, keepdims=True))


def _first_component(xp: Any, rows: Any) -> Any:
    """X v (B, Z), v the first right singular vector of each X (Z x K), from the smaller of X X' and X' X."""
    turned = xp.swapaxes(rows, 1, 2)
    if rows.shape[1] <= rows.shape[2]:
        value, vector = _first_eigenpair(xp, xp.matmul(rows, turned))
        return vector * xp.sqrt(xp.maximum(value, 0))
    _, vector = _first_eigenpair(xp, xp.matmul(turned, rows))
    return xp.matmul(rows, vector[:, :, None])[:, :, 0]


def _first_eigenpair(xp: Any, matrix: Any) -> tuple[Any, Any]:
    """The largest (not: largest in size) eigenvalue (B, 1) of symmetric matrices (B, n, n) and its vector (B, n).

    Of large matrices by Rayleigh and Ritz in a block Krylov space: the best pair that its vectors can make.
    """
    if matrix.shape[-1] <= DENSE:
        values, vectors = xp.linalg.eigh(matrix)
        return values[:, -1:], vectors[:, :, -1]
    basis, image = _krylov_space(xp, matrix)
    inner = xp.matmul(xp.swapaxes(basis, 1, 2), image)
    values, vectors = xp.linalg.eigh((inner + xp.swapaxes(inner, 1, 2)) / 2)
    return values[:, -1:], xp.matmul(basis, vectors[:, :, -1:])[:, :, 0]


def _krylov_space(xp: Any, matrix: Any) -> tuple[Any, Any]:
    """Q and S Q (B, n, BLOCK * (STEPS + 1)), Q an orthonormal basis of V, S V, S^2 V, ... of each S (n x n).

    Block Lanczos with full reorthogonalisation (Golub and Van Loan, Matrix Computations, 10.3). The space is the same
    for S + c I, hence as good for a kernel with large negative eigenvalues, where powers of S would find those.
    A column of zeros stands where S has no further direction to give.
    """
    start = _start(matrix.shape[-1])
    image = xp.matmul(matrix, start)
    basis, images = xp.zeros_like(image) + start, image
    floor = ROUNDING * xp.sqrt(xp.max(xp.sum(image * image, axis=1, keepdims=True), axis=2, keepdims=True))
    for _ in range(STEPS):
        block = _new_directions(xp, basis, image, floor)
        image = xp.matmul(matrix, block)
        basis, images = xp.concatenate([basis, block], axis=2), xp.concatenate([images, image], axis=2)
    return basis, images


def _start(size: int) -> np.ndarray:
    """BLOCK fixed orthonormal columns (size, BLOCK) without pattern: cosines of growing frequency, all aliased."""
    place, column = np.arange(1, size + 1)[:, None], np.arange(1, BLOCK + 1)
    return np.linalg.qr(np.cos(np.sqrt(2) * place**2 * column + place))[0].astype(np.float32)


def _new_directions(xp: Any, basis: Any, image: Any, floor: Any) -> Any:
    """Orthonormal columns (B, n, BLOCK) for what of `image` is outside the basis; zeros for those below the floor."""
    across = xp.swapaxes(basis, 1, 2)
    outside = image - xp.matmul(basis, xp.matmul(across, image))
    columns, triangle = xp.linalg.qr(outside)
    length = xp.abs(xp.sum(triangle * np.eye(BLOCK, dtype=np.float32), axis=1, keepdims=True))
    columns = xp.where(length > floor, columns, xp.zeros_like(columns))
    # Once more: a short remainder, made long, brings back what rounding left of the basis in it.
    return columns - xp.matmul(basis, xp.matmul(across, columns))


def _as_maps(xp: Any, scores: Any, rows: Any, scale: Any, source: Any) -> Any:
    """Scores (B, Z) as maps (B, h, w) times scale, turned so that they agree with the mean over channels of the rows."""
    agreement = xp.sum(scores * xp.mean(rows, axis=-1), axis=1, keepdims=True)
    scores = xp.where(agreement < 0, -scores, scores) * scale[:, 0]
    return xp.reshape(scores, (-1, *source.shape[1:3]))
