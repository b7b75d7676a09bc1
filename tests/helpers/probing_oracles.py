"""The formulas of the papers for probing methods, of the toy network's picture, in loops over pixels and channels.

A loop takes the toy network and the probes after the method has asked them: what is random is read from the copies that
were scored, and that these are as the paper says is tested beside it.
"""

from __future__ import annotations

import numpy as np

# conftest.py has loaded oracles.py under this name.
from method_oracles import bilinear_loop, gradcam_plus_plus_loop, saliency_loop, weighted


def score_loop(toy, picture):
    """The toy's score, added up block by block."""
    (height, width), (rows, columns) = toy.grid, toy.block
    activations = np.zeros((height, width, toy.mixing.shape[1]))
    for i in range(height):
        for j in range(width):
            block = picture[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns].astype(np.float64)
            mean = [block[..., colour].sum() / (rows * columns) for colour in range(3)]
            for k in range(toy.mixing.shape[1]):
                activations[i, j, k] = np.tanh(sum(mean[colour] * toy.mixing[colour, k] for colour in range(3)))
    return head_loop(toy, activations)


def head_loop(toy, activations):
    total = 0.0
    for place, a in np.ndenumerate(activations):
        total += toy.linear[place] * a + toy.square[place] * a * a / 2
    return toy.scale * total + toy.bias


def masked_score(toy, mask):
    """S of the picture, every colour of a pixel times the mask there."""
    return score_loop(toy, np.stack([toy.inputs[..., colour] * mask for colour in range(3)], axis=-1))


def mask_loop(toy, channel):
    """Wang et al. 2020, eq. 5: enlarged, then scaled to 0..1."""
    large = bilinear_loop(channel.astype(np.float64), *toy.size)
    return (large - large.min()) / (large.max() - large.min())


def _softmaxed(toy, channels, scores):
    """ReLU(sum_k softmax(scores)_k A_k) over the channels named; the textbook's softmax, in exact exponents."""
    parts = [np.exp(np.longdouble(score)) for score in scores]
    weights = [float(part / sum(parts)) for part in parts]
    return np.maximum(weighted(toy.activations[..., channels].astype(np.float64), weights), 0)


def _varied(toy):
    return [k for k in range(toy.activations.shape[-1]) if len(set(toy.activations[..., k].ravel())) > 1]


def scorecam_loop(toy, probes, channels=None):
    channels = _varied(toy) if channels is None else channels
    return _softmaxed(toy, channels, [masked_score(toy, mask_loop(toy, toy.activations[..., k])) for k in channels])


def faster_scorecam_loop(toy, probes):
    """tabayashi0117 2020: Score-CAM on the ten channels that vary most."""
    ranked = sorted(_varied(toy), key=lambda k: toy.activations[..., k].astype(np.float64).var(), reverse=True)
    return scorecam_loop(toy, probes, ranked[:10])


def ss_cam_loop(toy, probes):
    """Wang et al. 2020: the mean of the scores of 35 noisy masks of each channel, in the order they were asked for."""
    scores = [masked_score(toy, mask) for mask in probes.copies]
    return _softmaxed(toy, _varied(toy), [sum(scores[i : i + 35]) / 35 for i in range(0, len(scores), 35)])


def is_cam_loop(toy, probes):
    """Naidu et al. 2020: the mean over t = 1..10 of S(x * (t / 10) m_k)."""
    channels = _varied(toy)
    masks = [mask_loop(toy, toy.activations[..., k]) for k in channels]
    scores = [sum(masked_score(toy, mask * t / 10) for t in range(1, 11)) / 10 for mask in masks]
    return _softmaxed(toy, channels, scores)


def ablation_loop(toy, probes):
    """Desai and Ramaswamy 2020, eq. 4 and 5, every channel set to 0 in turn."""
    y = head_loop(toy, toy.activations)
    weights = []
    for k in range(toy.activations.shape[-1]):
        without = toy.activations.copy()
        without[..., k] = 0
        weights.append((y - head_loop(toy, without)) / y)
    return np.maximum(weighted(toy.activations, weights), 0)


def occlusion_loop(toy, probes):
    """Zeiler and Fergus 2014: the mean drop over the patches that cover a pixel, the patches found pixel by pixel."""
    height, width = toy.size
    patch = max(1, round(min(height, width) / 7))
    step = max(1, patch // 2)

    def corners(side):
        found, at = [], 0
        while at + patch < side:
            found.append(at)
            at += step
        return [*found, side - patch]

    drops = [[[] for _ in range(width)] for _ in range(height)]
    for top in corners(height):
        for left in corners(width):
            picture = toy.inputs.copy()
            picture[top : top + patch, left : left + patch] = 0
            drop = score_loop(toy, toy.inputs) - score_loop(toy, picture)
            for i in range(top, top + patch):
                for j in range(left, left + patch):
                    drops[i][j].append(drop)
    return [[sum(drop) / len(drop) for drop in row] for row in drops]


def rise_loop(toy, probes):
    """Petsiuk et al. 2018, eq. 6, p = 1/2: 1/(N p) sum_i P(x * M_i) M_i, of the masks that were asked for."""
    total = np.zeros(toy.size)
    for mask in probes.copies:
        total += mask / (1 + np.exp(-masked_score(toy, mask)))
    return total / (len(probes.copies) / 2)


def integrated_loop(toy, probes):
    """Sundararajan et al. 2017, eq. 1, by the midpoint rule with 32 steps."""
    total = np.zeros(toy.inputs.shape)
    for t in range(32):
        total += toy.input_gradients(toy.inputs[None] * (t + 0.5) / 32)[0] / 32
    return saliency_loop(toy.inputs * total)


def smoothgrad_loop(toy, probes):
    """Smilkov et al. 2017: the mean gradient of the 25 copies that were asked for."""
    assert len(probes.copies) == 25
    return saliency_loop(sum(toy.input_gradients(copy[None])[0] for copy in probes.copies) / 25)


def smooth_plus_plus_loop(toy, probes):
    assert len(probes.copies) == 25
    mean = sum(toy.layer_gradients(copy[None])[0] for copy in probes.copies) / 25
    return gradcam_plus_plus_loop(toy.activations.astype(np.float64), mean)


def random_map_loop(toy, probes):
    """Uniform noise on 7 x 7 cells, from the seed of the probes."""
    return bilinear_loop(np.random.default_rng(5).random((7, 7)), *toy.size)


PROBING = {
    "scorecam": scorecam_loop,
    "faster-scorecam": faster_scorecam_loop,
    "ss-cam": ss_cam_loop,
    "is-cam": is_cam_loop,
    "ablationcam": ablation_loop,
    "occlusion": occlusion_loop,
    "rise": rise_loop,
    "integrated-gradients": integrated_loop,
    "smoothgrad": smoothgrad_loop,
    "smooth-gradcam++": smooth_plus_plus_loop,
    "random-map": random_map_loop,
}
