"""The heatmap engine: one pass over a batch gives the raw maps of many methods at many layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from dogcam.classifier import Classifier
from dogcam.errors import LayerError, ModelError, OptionError
from dogcam.methods import METHODS
from dogcam.registry import unknown

SCORES = ("logit", "softmax")
PREDICTED = -1  # as a target: the class that the model puts first

Cell = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Heatmaps:
    """What one pass over a batch gives.

    Attributes:
        maps: raw maps float32 (B, h, w) by (method, layer).
        logits: float32 (B, classes).
        targets: int32 (B,), the class that each image was explained for.
    """

    maps: dict[Cell, np.ndarray]
    logits: np.ndarray
    targets: np.ndarray


def plan_cells(classifier: Classifier, methods: Sequence[str], layers: Sequence[str] = ()) -> list[Cell]:
    """Every wanted (method, layer), in order. No layers: each method at its own, the last one.

    A method that exists only at the layer that feeds the pooling is drawn there if that layer is among `layers`.

    Raises:
        UnknownName, LayerError: no such method or layer, or a method that none of the layers is fit for.
    """
    wanted = [_check_layer(classifier, layer) for layer in dict.fromkeys(layers)]
    cells: list[Cell] = []
    for name in dict.fromkeys(methods):
        if METHODS[name].only_pooled:
            cells.append((name, _pooled_among(classifier, name, wanted)))
        else:
            cells += [(name, layer) for layer in wanted or classifier.stages[-1:]]
    return cells


def study_cells(classifier: Classifier) -> list[Cell]:
    """The study's: CAM at the layer that feeds the pooling, Grad-CAM at the last layer of each of the last three stages."""
    cam = [("cam", layer)] if (layer := classifier.pooled_layer()) else []
    return cam + [("gradcam", stage) for stage in classifier.stages]


def _check_layer(classifier: Classifier, layer: str) -> str:
    classifier.tensor(layer)
    return layer


def _pooled_among(classifier: Classifier, method: str, layers: Sequence[str]) -> str:
    pooled = classifier.pooled_layer()
    if pooled is None:
        raise LayerError(
            f"{method} needs global average pooling before the dense layer, and {classifier.name} has none: "
            f"use gradcam instead"
        )
    if layers and pooled not in layers:
        raise LayerError(
            f"{method} exists only at the layer that feeds the pooling, {pooled!r}; received "
            f"{', '.join(map(repr, layers))}: leave --layer out, or use gradcam there"
        )
    return pooled


class HeatmapEngine:
    """Raw maps of many methods at many layers, from ONE forward and at most one backward pass in one compiled function.

    Maps are raw: no ReLU that is not in a method's own formula, no resizing and no normalising (see `protocols`).

    Args:
        classifier: the model to look into; it is not changed.
        cells: (method, layer) pairs, see `plan_cells`.
        score: what gradients are taken of, the target class's "logit" or its "softmax" probability.

    Raises:
        UnknownName, LayerError: a method or layer that does not exist or does not fit.
        ModelError: the model's graph cannot be followed from its input to that layer and to the logits.
    """

    def __init__(self, classifier: Classifier, cells: Sequence[Cell], score: str = "logit"):
        if score not in SCORES:
            raise unknown("score", score, SCORES)
        if not cells:
            raise OptionError("an engine needs at least one (method, layer)")
        for method, layer in cells:
            if METHODS[method].only_pooled:
                _pooled_among(classifier, method, [layer])
        self.classifier, self.cells, self.score = classifier, list(cells), score
        self.layers = list(dict.fromkeys(layer for _, layer in cells))
        tensors = [classifier.tensor(layer) for layer in self.layers]
        try:
            self._network = keras.Model(classifier.model.inputs, [*tensors, classifier.logits()])
        except ValueError as error:
            raise ModelError(f"cannot follow the graph of {classifier.name}: {error}") from error
        self._compute = tf.function(self._trace, input_signature=self._signature())

    def _signature(self) -> tuple[tf.TensorSpec, tf.TensorSpec]:
        # A free first dimension: the last, smaller batch needs no second compilation.
        shape = self.classifier.model.input_shape
        return tf.TensorSpec((None, *shape[1:]), tf.float32), tf.TensorSpec((None,), tf.int32)

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> Heatmaps:
        """Explain a batch.

        Args:
            inputs: what the model takes, float32 (B, S, S, 3), preprocessed (see `Classifier.inputs_of`).
            targets: int (B,), the class to explain each image for; None or `PREDICTED` means the predicted one.
        """
        wanted = np.full(len(inputs), PREDICTED) if targets is None else np.asarray(targets)
        count = self.classifier.class_count
        if wanted.shape != (len(inputs),) or wanted.max(initial=0) >= count:
            raise OptionError(
                f"targets must be one class below {count} for each of {len(inputs)} images; received {wanted}"
            )
        maps, logits, chosen = self._compute(tf.convert_to_tensor(inputs), tf.constant(wanted, tf.int32))
        by_cell = {cell: each.numpy() for cell, each in zip(self.cells, maps, strict=True)}
        return Heatmaps(by_cell, logits.numpy(), chosen.numpy())

    def _trace(self, inputs: tf.Tensor, targets: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """The compiled pass: activations and gradients at all layers, then every method's formula."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            *activations, logits = self._network(inputs, training=False)
            logits = tf.cast(logits, tf.float32)
            targets = tf.where(targets < 0, tf.argmax(logits, axis=-1, output_type=tf.int32), targets)
            scores = tf.nn.softmax(logits) if self.score == "softmax" else logits
            total = tf.reduce_sum(tf.gather(scores, targets, batch_dims=1))
        gradients = self._gradients(tape, total, activations)
        evidence = self._evidence(activations, gradients, targets)
        maps = [self._map(method, evidence[layer]) for method, layer in self.cells]
        return maps, logits, targets

    def _gradients(self, tape: tf.GradientTape, total: tf.Tensor, activations: list[tf.Tensor]) -> list[Any]:
        if not any("gradients" in METHODS[method].needs for method, _ in self.cells):
            return [None] * len(activations)
        gradients = tape.gradient(total, activations)
        for layer, gradient in zip(self.layers, gradients, strict=True):
            if gradient is None:
                raise LayerError(f"the score of {self.classifier.name} does not depend on layer {layer!r}")
        return gradients

    def _evidence(self, activations: list, gradients: list, targets: tf.Tensor) -> dict[str, dict[str, Any]]:
        """What methods may ask for, by layer and name, in float32."""
        kernel = tf.cast(tf.convert_to_tensor(self.classifier.kernel), tf.float32)
        class_weights = tf.gather(tf.transpose(kernel), targets)
        return {
            layer: {
                "activations": tf.cast(activation, tf.float32),
                "gradients": None if gradient is None else tf.cast(gradient, tf.float32),
                "class_weights": class_weights,
            }
            for layer, activation, gradient in zip(self.layers, activations, gradients, strict=True)
        }

    @staticmethod
    def _map(method: str, evidence: dict[str, Any]) -> tf.Tensor:
        row = METHODS[method]
        return row.function(ops, **{need: evidence[need] for need in row.needs})
