"""A network small enough to know its gradients in closed form, and probes of it that remember what they were asked.

x (H, W, 3) is averaged over blocks to (h, w, 3), A = tanh(x' M) is its layer, and
S = scale * sum_ijk (U A + V A^2 / 2) + bias, U and V of the layer's shape, so that dS/dA = scale * (U + V A).
"""

from __future__ import annotations

import numpy as np

from dogcam.methods import METHODS

COLOURS = 3


class Toy:
    """The network and one picture; `size` is (H, W), `grid` (h, w), which divides it."""

    def __init__(self, size=(12, 10), grid=(4, 5), channels=4, seed=0, scale=1.0, bias=0.0):
        rng = np.random.default_rng(seed)
        self.size, self.grid, self.scale, self.bias = size, grid, scale, bias
        self.block = size[0] // grid[0], size[1] // grid[1]
        self.mixing = rng.normal(size=(COLOURS, channels)) * np.linspace(0.3, 1.5, channels)
        self.linear = rng.normal(size=(*grid, channels)) * 0.3
        self.square = rng.normal(size=(*grid, channels)) * 0.3
        self.inputs = (rng.normal(size=(*size, COLOURS)) + 0.5).astype(np.float32)
        self.activations = self.layer(self.inputs[None])[0].astype(np.float32)

    def layer(self, pictures):
        (height, width), (rows, columns) = self.grid, self.block
        blocks = np.reshape(pictures, (-1, height, rows, width, columns, COLOURS)).astype(np.float64)
        return np.tanh(blocks.mean(axis=(2, 4)) @ self.mixing)

    def head(self, activations):
        activations = np.asarray(activations, np.float64)
        terms = self.linear * activations + self.square * activations**2 / 2
        return self.scale * terms.sum(axis=(1, 2, 3)) + self.bias

    def score(self, picture=None):
        return float(self.head(self.layer((self.inputs if picture is None else picture)[None]))[0])

    def layer_gradients(self, pictures):
        return self.scale * (self.linear + self.square * self.layer(pictures))

    def input_gradients(self, pictures):
        rows, columns = self.block
        inner = self.layer_gradients(pictures) * (1 - self.layer(pictures) ** 2)
        spread = (inner @ self.mixing.T) / (rows * columns)
        return spread.repeat(rows, axis=1).repeat(columns, axis=2)


class Rescore:
    """The probe `rescore`, of anything that scores pictures (n, H, W, C)."""

    def __init__(self, scores, inputs, probes):
        self.scores, self.inputs, self.probes, self.shape = scores, inputs, probes, inputs.shape[:2]

    def __call__(self, count, copies, probability=False):
        masks = self.probes.gather(count, copies, self.shape)
        scores = self.scores(self.inputs * masks[..., None])
        self.probes.probability = probability
        # In a network with one logit, the probability of the target.
        return ((1 + np.tanh(scores / 2)) / 2 if probability else scores).astype(np.float32)


class Probes:
    """The probes of a toy network: at most `batch` copies are asked for at a time, and all are kept in `copies`."""

    def __init__(self, toy, at_layer=True, batch=7, seed=5):
        self.toy, self.at_layer, self.batch = toy, at_layer, batch
        self.rng = np.random.default_rng(seed)
        self.copies, self.slices, self.mean, self.probability = None, [], None, False

    def gather(self, count, copies, shape):
        parts = []
        for start in range(0, count, self.batch):
            part = slice(start, min(start + self.batch, count))
            parts.append(np.asarray(copies(part)))
            assert parts[-1].shape == (part.stop - part.start, *shape)
            self.slices.append(part)
        self.copies = np.concatenate(parts)
        return self.copies

    def rerun(self, count, copies):
        return self.toy.head(self.gather(count, copies, self.toy.activations.shape)).astype(np.float32)

    def mean_gradient(self, count, copies):
        copies = self.gather(count, copies, self.toy.inputs.shape)
        gradients = self.toy.layer_gradients if self.at_layer else self.toy.input_gradients
        self.mean = gradients(copies).mean(axis=0).astype(np.float32)
        return self.mean

    def given(self):
        toy = self.toy
        return {
            "activations": toy.activations,
            "inputs": toy.inputs,
            "score": float(toy.head(toy.activations[None])[0]),
            "rescore": Rescore(lambda pictures: toy.head(toy.layer(pictures)), toy.inputs, self),
            "rerun": self.rerun,
            "mean_gradient": self.mean_gradient,
            "rng": self.rng,
        }


def probed(name, toy, **options):
    """The map that a probing method makes of the toy's picture, and the probes that it asked."""
    row = METHODS[name]
    probes = Probes(toy, row.at_layer, **options)
    given = probes.given()
    return np.asarray(row.function(np, **{need: given[need] for need in row.needs})), probes


def probing():
    """The methods that ask the network again and again."""
    return [name for name, row in METHODS.items() if row.probing]
