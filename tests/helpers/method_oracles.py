"""The formulas of the papers for one-pass methods, for one picture, in loops over pixels and channels.

A new method needs its own line in the table at the end, or in that of probing_oracles.py. A loop takes what its method
needs, by name, without the batch.
"""

from __future__ import annotations

import numpy as np


def cam_loop(activations, class_weights):
    """Zhou et al. 2016, eq. 2: M(x, y) = sum_k w_k f_k(x, y)."""
    height, width, channels = activations.shape
    return [[sum(class_weights[k] * activations[i, j, k] for k in range(channels)) for j in range(width)] for i in range(height)]


def gradcam_loop(activations, gradients):
    """Selvaraju et al. 2017, eq. 1 and 2: a_k = 1/Z sum_ij dy/dA_ij; L = ReLU(sum_k a_k A_k)."""
    height, width, channels = activations.shape
    a = [sum(gradients[i, j, k] for i in range(height) for j in range(width)) / (height * width) for k in range(channels)]
    return [[max(0.0, sum(a[k] * activations[i, j, k] for k in range(channels))) for j in range(width)] for i in range(height)]


def weighted(activations, weights):
    height, width, channels = activations.shape
    return np.array(
        [[sum(weights[k] * activations[i, j, k] for k in range(channels)) for j in range(width)] for i in range(height)]
    )


def hirescam_loop(activations, gradients):
    """Draelos and Carin 2020: ReLU(sum_k g_k(i, j) A_k(i, j))."""
    height, width, _ = activations.shape
    return [[max(0.0, gradients[i, j] @ activations[i, j]) for j in range(width)] for i in range(height)]


def elementwise_loop(activations, gradients):
    """pytorch-grad-cam: sum_k ReLU(g_k A_k)."""
    height, width, channels = activations.shape
    return [
        [sum(max(0.0, gradients[i, j, k] * activations[i, j, k]) for k in range(channels)) for j in range(width)]
        for i in range(height)
    ]


def gradcam_plus_plus_loop(activations, gradients):
    """Chattopadhay et al. 2018, eq. 5 and 19, with the quotient as it is printed there."""
    weights = []
    for k in range(activations.shape[-1]):
        weight = 0.0
        for g in gradients[..., k].ravel():
            divisor = 2 * g**2 + g**3 * activations[..., k].sum()
            weight += (g**2 / divisor if divisor != 0 else 0.0) * max(g, 0.0)
        weights.append(weight)
    return np.maximum(weighted(activations, weights), 0)


def xgradcam_loop(activations, gradients):
    """Fu et al. 2020, eq. 8."""
    weights = [
        (gradients[..., k] * activations[..., k]).sum() / total if (total := activations[..., k].sum()) != 0 else 0.0
        for k in range(activations.shape[-1])
    ]
    return np.maximum(weighted(activations, weights), 0)


def layercam_loop(activations, gradients):
    """Jiang et al. 2021, eq. 5 and 6."""
    height, width, channels = activations.shape
    return [
        [max(0.0, sum(max(0.0, gradients[i, j, k]) * activations[i, j, k] for k in range(channels))) for j in range(width)]
        for i in range(height)
    ]


def _turned(scores, source):
    mean = source.mean(axis=-1)
    return -scores if ((mean - mean.mean()) * scores).sum() < 0 else scores


def eigencam_loop(activations):
    """Muhammad and Yeasin 2020, by the singular value decomposition itself."""
    rows = activations.reshape(-1, activations.shape[-1])
    rows = rows - rows.mean(axis=0)
    _, _, right = np.linalg.svd(rows, full_matrices=False)
    return _turned((rows @ right[0]).reshape(activations.shape[:2]), activations)


def eigengradcam_loop(activations, gradients):
    return eigencam_loop(gradients * activations)


def kpca_loop(activations):
    """Schölkopf et al. 1998 with the sigmoid kernel: centre by (I - 1/Z), then the first eigenvector, power-iterated."""
    rows = activations.reshape(-1, activations.shape[-1])
    rows = rows - rows.mean(axis=0)
    count, channels = rows.shape
    kernel = np.array([[np.tanh(rows[i] @ rows[j] / channels + 1) for j in range(count)] for i in range(count)])
    centre = np.eye(count) - np.full((count, count), 1 / count)
    values, vectors = np.linalg.eig(centre @ kernel @ centre)
    first = int(np.argmax(values.real))
    scores = vectors[:, first].real * np.sqrt(max(values[first].real, 0))
    return _turned(scores.reshape(activations.shape[:2]), activations)


def fem_loop(activations):
    """Fuad et al. 2020: channels weighted by how often they are more than two standard deviations above their mean."""
    weights = []
    for k in range(activations.shape[-1]):
        values = activations[..., k].ravel()
        bound = values.mean() + 2 * values.std()
        weights.append(sum(value > bound for value in values) / len(values))
    return weighted(activations, weights)


def mean_loop(activations):
    return [[sum(place) / len(place) for place in row] for row in activations]


def shapleycam_loop(activations, gradients, hessian_activations):
    """Cai 2025: w_k = mean_ij(g_k - (H A)_k / 2)."""
    height, width, channels = activations.shape
    weights = [0.0] * channels
    for k in range(channels):
        for i in range(height):
            for j in range(width):
                weights[k] += (gradients[i, j, k] - hessian_activations[i, j, k] / 2) / (height * width)
    return np.maximum(weighted(activations, weights), 0)


def finercam_loop(activations, finer_gradients):
    return gradcam_loop(activations, finer_gradients)


def random_weights_loop(untrained_activations, untrained_gradients):
    return gradcam_loop(untrained_activations, untrained_gradients)


def bilinear_loop(picture, height, width):
    """Pixel by pixel, half-pixel centres, the outermost value going on outside."""

    def neighbours(index, size, target):
        place = min(max((index + 0.5) * size / target - 0.5, 0), size - 1)
        first = int(place)
        return first, min(first + 1, size - 1), place - first

    large = np.zeros((height, width))
    for i in range(height):
        top, bottom, down = neighbours(i, len(picture), height)
        for j in range(width):
            left, right, along = neighbours(j, len(picture[0]), width)
            above = (1 - along) * picture[top][left] + along * picture[top][right]
            below = (1 - along) * picture[bottom][left] + along * picture[bottom][right]
            large[i, j] = (1 - down) * above + down * below
    return large


def saliency_loop(input_gradients):
    """maths.md: absolute value summed over colour."""
    return [[sum(abs(value) for value in place) for place in row] for row in input_gradients]


def guided_gradcam_loop(activations, gradients, guided_gradients):
    """Selvaraju et al. 2017: the product, colour by colour, before anything is added up."""
    height, width, _ = guided_gradients.shape
    coarse = bilinear_loop(gradcam_loop(activations, gradients), height, width)
    return saliency_loop([[[coarse[i, j] * g for g in guided_gradients[i, j]] for j in range(width)] for i in range(height)])


def fullgrad_loop(inputs, input_gradients, bias_gradients):
    """Srinivas and Fleuret 2019: every channel scaled with its layer, enlarged by itself, added up."""
    height, width, _ = inputs.shape
    total = np.zeros((height, width))
    for signed in [inputs * input_gradients, *bias_gradients]:
        values = [abs(value) for value in signed.ravel()]
        least, greatest = min(values), max(values)
        for k in range(signed.shape[-1]):
            if greatest > least:
                total += bilinear_loop((abs(signed[..., k]) - least) / (greatest - least), height, width)
    return total


def centre_gaussian_loop(inputs):
    """exp(-distance^2 / 2), distance from the middle in quarters of a side."""
    height, width, _ = inputs.shape
    return [
        [
            np.exp(-((4 * (i + 0.5 - height / 2) / height) ** 2 + (4 * (j + 0.5 - width / 2) / width) ** 2) / 2)
            for j in range(width)
        ]
        for i in range(height)
    ]


ONE_PASS = {
    "cam": cam_loop,
    "gradcam": gradcam_loop,
    "hirescam": hirescam_loop,
    "gradcam-elementwise": elementwise_loop,
    "gradcam++": gradcam_plus_plus_loop,
    "xgradcam": xgradcam_loop,
    "layercam": layercam_loop,
    "shapleycam": shapleycam_loop,
    "finercam": finercam_loop,
    "eigencam": eigencam_loop,
    "eigengradcam": eigengradcam_loop,
    "kpca-cam": kpca_loop,
    "fem": fem_loop,
    "mean-activation": mean_loop,
    "saliency": saliency_loop,
    "guided-backprop": lambda guided_gradients: saliency_loop(guided_gradients),
    "guided-gradcam": guided_gradcam_loop,
    "fullgrad": fullgrad_loop,
    "centre-gaussian": centre_gaussian_loop,
    "random-weights": random_weights_loop,
}
