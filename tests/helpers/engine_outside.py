"""All that a method may need, computed without the engine: NumPy networks in double precision, finite differences."""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np

STEP = 1e-6


def slopes(function, value, step=STEP):
    """The gradient of function (n, ...) -> (n,) at one value, by central differences, one coordinate after the other."""
    flat, found = value.ravel(), np.zeros(value.size)
    for start in range(0, value.size, 256):
        part = np.arange(start, min(start + 256, value.size))
        moved = np.repeat(flat[None], 2 * len(part), axis=0)
        moved[np.arange(len(part)), part] += step
        moved[len(part) + np.arange(len(part)), part] -= step
        values = function(moved.reshape(-1, *value.shape))
        found[part] = (values[: len(part)] - values[len(part) :]) / (2 * step)
    return found.reshape(value.shape)


def shares_of(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class Outside:
    """One picture's evidence at a layer, by the names of `dogcam.methods.NEEDS`.

    Args:
        cuts: picture -> `engine_networks.Cuts` of the network; `untrained` the same of its twin.
        chosen, against: the class, and the one whose score is taken off or None.
        kind: "logit" or "softmax".
    """

    def __init__(self, cuts, untrained, kernel, picture, layer, chosen, against, kind):
        self._cuts, self._untrained, self._kernel = cuts, untrained, kernel
        self.inputs, self._layer, self._chosen, self._against, self._kind = picture, layer, chosen, against, kind
        self._here = cuts(picture)

    def _signed(self, values):
        return values[:, self._chosen] - (0 if self._against is None else values[:, self._against])

    def _score_of(self, logits, kind=None):
        return self._signed(shares_of(logits) if (kind or self._kind) == "softmax" else logits)

    def _gradient(self, cuts, place):
        value, tail = cuts.places[place]
        return slopes(lambda v: self._score_of(tail(v)), value)

    @property
    def _place(self):
        return self._here.places[self._layer]

    @cached_property
    def logits(self):
        value, tail = self._here.places["input"]
        return tail(value[None])[0]

    @cached_property
    def activations(self):
        return self._place[0]

    @cached_property
    def gradients(self):
        return self._gradient(self._here, self._layer)

    @cached_property
    def finer_gradients(self):
        distance = np.abs(self.logits - self.logits[self._chosen])
        nearest = [c for c in np.argsort(distance) if c != self._chosen][:3]
        similar = nearest if self._against is None else [self._against]

        def finer(v):
            logits = self._place[1](v)
            chances = np.exp(logits[:, similar])
            drops = logits[:, [self._chosen]] - logits[:, similar]
            return (chances * drops).sum(axis=1) / chances.sum(axis=1)

        return slopes(finer, self.activations)

    @cached_property
    def hessian_activations(self):
        """(g(A + e A) - g(A - e A)) / 2e."""
        value, tail = self._place
        up, down = (slopes(lambda v: self._score_of(tail(v)), value * (1 + e), 1e-4) for e in (1e-4, -1e-4))
        return (up - down) / 2e-4

    @cached_property
    def class_weights(self):
        return self._kernel[:, self._chosen] - (0 if self._against is None else self._kernel[:, self._against])

    @cached_property
    def untrained_activations(self):
        return self._untrained(self.inputs).places[self._layer][0]

    @cached_property
    def untrained_gradients(self):
        return self._gradient(self._untrained(self.inputs), self._layer)

    @cached_property
    def input_gradients(self):
        return self._gradient(self._here, "input")

    @cached_property
    def guided_gradients(self):
        """From ReLU to ReLU backward: each passes on what is positive, where it passed something on forward."""
        value, tail = self._here.after_relus
        passed = slopes(lambda v: self._score_of(tail(v)), value)
        for taken, segment in reversed(self._here.to_relus):
            passed = np.maximum(passed, 0) * (segment(taken[None])[0] > 0)
            passed = slopes(lambda v, s=segment, p=passed: (s(v) * p).reshape(len(v), -1).sum(axis=1), taken)
        return passed

    def _bias_terms(self, places):
        return [bias * slopes(lambda v, t=tail: self._score_of(t(v)), value) for value, bias, tail in places]

    @cached_property
    def bias_gradients(self):
        return self._bias_terms(self._here.biased)

    @cached_property
    def dense_bias_gradients(self):
        return self._bias_terms(self._here.dense)

    @cached_property
    def score(self):
        return float(self._score_of(self.logits[None])[0])

    @property
    def rescore(self):
        def ask(count, copies, probability=False):
            masks = np.float64(copies(slice(0, count)))
            logits = self._here.places["input"][1](self.inputs[None] * masks[..., None])
            return self._score_of(logits, "softmax" if probability else None)

        ask.shape = self.inputs.shape[:2]
        return ask

    def rerun(self, count, copies):
        return self._score_of(self._place[1](np.float64(copies(slice(0, count)))))

    def mean_gradient(self, count, copies):
        pictures = copies(slice(0, count))
        return np.mean([self._gradient(self._cuts(each), self._layer) for each in pictures], axis=0)

    @property
    def rng(self):
        """Documented: the seed comes from the picture, by the CRC-32 of its bytes."""
        return np.random.default_rng([0, zlib.crc32(self.inputs.tobytes())])


def map_of(row, evidence):
    """The pure function of a method on evidence from outside."""
    given = {need: getattr(evidence, need) for need in row.needs}
    if row.probing:
        given = {need: np.float32(each) if need == "activations" else each for need, each in given.items()}
        return np.asarray(row.function(np, **given))
    batched = {need: [part[None] for part in each] if isinstance(each, list) else each[None] for need, each in given.items()}
    return np.asarray(row.function(np, **batched))[0]
