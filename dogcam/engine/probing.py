"""Probes: the network asked again and again about varied copies of one picture, a bounded number at a time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from dogcam.core.progress import Progress, Step
from dogcam.engine import scores
from dogcam.engine.cells import INPUT
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier

Copies = Callable[[slice], np.ndarray]
RNG_SEED = 0


class Network:
    """The compiled functions that probes of any picture share; each is traced once, when it is first used.

    Args:
        kind: of score, "logit" or "softmax".
        batch: how many copies go through the network at a time: what bounds the memory.
    """

    def __init__(self, classifier: Classifier, kind: str, batch: int):
        self.classifier, self.kind, self.batch = classifier, kind, batch
        self._signs = tf.TensorSpec((1, classifier.class_count), tf.float32)
        self._tails: dict[str, tuple[Any, Any]] = {}
        self._gradients: dict[str, Any] = {}

    @cached_property
    def scores_of(self) -> Any:
        """(inputs (n, H, W, C), signs (1, classes)) -> S and probability, each (n,)."""

        def compute(inputs: tf.Tensor, signs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            graph, source = self.classifier.graph, self.classifier.readout.source
            return self._score_and_share(*graph.run({graph.input: inputs}, [source]), signs)

        return _compiled(compute, _spec(self.classifier.graph.input, tf.float32), self._signs)

    def tail(self, layer: str) -> tuple[Any, Any]:
        """What follows a layer: (inputs -> what it needs beside the layer, (that, activations, signs) -> S)."""
        if layer not in self._tails:
            graph, source = self.classifier.graph, self.classifier.readout.source
            tensor = graph.tensor(layer)
            beside = graph.frontier(tensor, source)

            def before(inputs: tf.Tensor) -> list[tf.Tensor]:
                return graph.run({graph.input: inputs}, beside)

            def after(others: list[tf.Tensor], activations: tf.Tensor, signs: tf.Tensor) -> tf.Tensor:
                count = tf.shape(activations)[0]
                given = {each: tf.repeat(value, count, axis=0) for each, value in zip(beside, others, strict=True)}
                (found,) = graph.run({**given, tensor: tf.cast(activations, tensor.dtype)}, [source])
                return self._score_and_share(found, signs)[0]

            first = _compiled(before, _spec(graph.input, tf.float32))
            second = _compiled(after, [_spec(each) for each in beside], _spec(tensor, tf.float32), self._signs)
            self._tails[layer] = first, second
        return self._tails[layer]

    def summed_gradient(self, layer: str) -> Any:
        """(inputs (n, H, W, C), signs) -> the sum over copies of dS/dA at a layer, or of dS/dx for `INPUT`."""
        if layer not in self._gradients:
            graph, readout = self.classifier.graph, self.classifier.readout
            place = graph.input if layer == INPUT else graph.tensor(layer)

            def compute(inputs: tf.Tensor, signs: tf.Tensor) -> tf.Tensor:
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(inputs)
                    value, source = graph.run({graph.input: inputs}, [place, readout.source])
                    total, _ = self._score_and_share(source, signs)
                return tf.reduce_sum(tf.cast(tape.gradient(total, value), tf.float32), axis=0)

            self._gradients[layer] = _compiled(compute, _spec(graph.input, tf.float32), self._signs)
        return self._gradients[layer]

    def _score_and_share(self, source: tf.Tensor, signs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """S and the same of probabilities, from what the logits are computed from."""
        readout = self.classifier.readout
        logits = readout.logits(source)
        return scores.score(readout, logits, signs, self.kind), scores.score(readout, logits, signs, "softmax")


def _compiled(function: Callable[..., Any], *signature: Any) -> Any:
    # The one trace itself, and not the tf.function, which warns of many engines as if they were retraced.
    return tf.function(function, autograph=False).get_concrete_function(*signature)


def _spec(tensor: Any, dtype: Any = None) -> tf.TensorSpec:
    """Of a symbolic tensor, with a free first dimension."""
    return tf.TensorSpec((None, *tensor.shape[1:]), dtype or tensor.dtype)


class Probes:
    """What a method may ask of the network about one picture; see `dogcam.methods.PROBES`.

    Args:
        inputs: the picture as the network takes it (H, W, C).
        signs: (classes,), see `scores.class_signs`.
        layer: where the method's map is, by full path, or `INPUT`.
        score: S of the picture.
    """

    def __init__(
        self, network: Network, inputs: np.ndarray, signs: np.ndarray, layer: str, score: float, progress: Progress, title: str
    ):
        self._network, self._inputs, self._layer = network, inputs, layer
        self._signs = tf.constant(signs[None], tf.float32)
        self._progress, self._title = progress, title
        self.shape = inputs.shape[:2]
        self.score = score

    @property
    def rng(self) -> np.random.Generator:
        """A generator whose seed comes from the picture alone, so that it does not depend on the batch."""
        return np.random.default_rng([RNG_SEED, zlib.crc32(np.ascontiguousarray(self._inputs))])

    def rescore(self) -> _Rescore:
        """S of the input times masks."""
        return _Rescore(self)

    def rerun(self, count: int, copies: Copies) -> np.ndarray:
        """S from copies of the layer's activations, by what follows the layer alone."""
        before, after = self._network.tail(self._layer)
        others = before(tf.convert_to_tensor(self._inputs[None]))
        found = [
            after(others, tf.convert_to_tensor(np.asarray(copies(part), np.float32)), self._signs).numpy()
            for part in self._parts(count)
        ]
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def mean_gradient(self, count: int, copies: Copies) -> np.ndarray:
        """The mean over copies of the input of dS/dA at the layer, or of dS/dx."""
        compute, total = self._network.summed_gradient(self._layer), 0.0
        for part in self._parts(count):
            total = total + compute(tf.convert_to_tensor(np.asarray(copies(part), np.float32)), self._signs).numpy()
        return total / np.float32(count)

    def masked(self, count: int, copies: Copies, probability: bool) -> np.ndarray:
        """S, or the probability, of the input times each of `count` masks (n, H, W)."""
        found = [
            self._network.scores_of(self._times(copies(part)), self._signs)[int(probability)].numpy()
            for part in self._parts(count)
        ]
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def _times(self, masks: np.ndarray) -> tf.Tensor:
        return tf.convert_to_tensor(self._inputs[None] * np.asarray(masks, np.float32)[..., None])

    def _parts(self, count: int) -> Iterator[slice]:
        """Slices of range(count) of at most the network's batch, with progress."""
        step: Step
        with self._progress.task(self._title, count) as step:
            for start in range(0, count, self._network.batch):
                stop = min(start + self._network.batch, count)
                yield slice(start, stop)
                step.advance(stop - start)


class _Rescore:
    """The probe `rescore`, as a method calls it."""

    def __init__(self, probes: Probes):
        self._probes, self.shape = probes, probes.shape

    def __call__(self, count: int, copies: Copies, probability: bool = False) -> np.ndarray:
        return self._probes.masked(count, copies, probability)


def probed_map(method: str, probes: Probes, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The map (h, w) of a method that probes; `arrays` are those of one picture that it may need."""
    row = METHODS[method]
    given: dict[str, Any] = {
        **arrays,
        "score": probes.score,
        "rescore": probes.rescore(),
        "rerun": probes.rerun,
        "mean_gradient": probes.mean_gradient,
        "rng": probes.rng,
    }
    return np.asarray(row.function(np, **{need: given[need] for need in row.needs}), np.float32)
