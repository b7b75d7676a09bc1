"""What the engine has to know of single layers: which are ReLUs, and which add a bias at every place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from dogcam.core.errors import ModelError
from dogcam.models.graph import Graph, Step, is_map
from dogcam.models.readout import activation_name

_RELUS = {"relu", "relu6", "Relu", "Relu6"}
# The derivative of an activation inside a layer, from what the layer gives: y = f(z) -> f'(z).
_DERIVATIVES: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "linear": tf.ones_like,
    "relu": lambda y: tf.cast(y > 0, y.dtype),
    "relu6": lambda y: tf.cast((y > 0) & (y < 6), y.dtype),
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
    "elu": lambda y: tf.where(y > 0, tf.ones_like(y), y + 1),
    "softplus": lambda y: 1 - tf.exp(-y),
}


def _activation(operation: Any) -> str:
    return activation_name(getattr(operation, "activation", None))


def is_relu(step: Step) -> bool:
    """Whether a step ends in a ReLU (ReLU6 too): a layer, an operation, or the activation inside another layer."""
    operation = step.operation
    if isinstance(operation, keras.layers.ReLU):
        return not operation.negative_slope and not operation.threshold
    return type(operation).__name__ in _RELUS or (hasattr(operation, "activation") and _activation(operation) in _RELUS)


@tf.custom_gradient
def guided(value: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The value itself; backward only what is positive, which behind a ReLU makes guided backpropagation of it."""
    return tf.identity(value), lambda gradient: tf.maximum(gradient, 0)


def require_relus(graph: Graph, source: Any) -> None:
    """Raise `ModelError` where guided backpropagation would be nothing but the gradient."""
    if not any(is_relu(step) for step in graph.between((), [source])):
        raise ModelError(f"guided backpropagation needs ReLUs, and {graph.name} has none: use saliency instead")


def biased_steps(graph: Graph, source: Any) -> list[Step]:
    """The steps between input and classes that add a bias to a map: convolutions, batch normalisation, rescaling.

    Raises:
        ModelError: one of them has an activation inside whose derivative is not known here.
    """
    steps = [step for step in graph.between((), [source]) if is_map(step.output) and _bias_of(step) is not None]
    for step in steps:
        if (name := _activation(step.operation)) not in _DERIVATIVES:
            raise ModelError(f"fullgrad: layer {step.path!r} of {graph.name} has a {name} inside; it takes {[*_DERIVATIVES]}")
    return steps


def bias_gradient(step: Step, value: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """b dS/dz (B, h, w, C) of a biased step that gave `value` = f(z), from dS/d(value)."""
    value, gradient = tf.cast(value, tf.float32), tf.cast(gradient, tf.float32)
    return tf.cast(_bias_of(step), tf.float32) * gradient * _DERIVATIVES[_activation(step.operation)](value)


def _bias_of(step: Step) -> Any:
    """The bias that a step adds before its activation, one for each channel or one for all; None where there is none."""
    operation = step.operation
    if isinstance(operation, keras.layers.BatchNormalization):
        return _shift(operation)
    if isinstance(operation, keras.layers.Rescaling):
        return tf.constant(operation.offset, tf.float32)
    if isinstance(operation, keras.layers.Normalization) and not operation.invert:
        mean, variance = (tf.cast(each, tf.float32) for each in (operation.mean, operation.variance))
        return -mean / tf.maximum(tf.sqrt(variance), keras.config.epsilon())
    if isinstance(operation, keras.Layer) and getattr(operation, "use_bias", False):
        return getattr(operation, "bias", None)
    return None


def _shift(layer: keras.layers.BatchNormalization) -> tf.Tensor:
    """beta - gamma mean / sqrt(variance + epsilon): what batch normalisation adds at inference."""
    mean, variance = (tf.cast(each, tf.float32) for each in (layer.moving_mean, layer.moving_variance))
    gamma = tf.cast(layer.gamma, tf.float32) if layer.scale else 1.0
    beta = tf.cast(layer.beta, tf.float32) if layer.center else 0.0
    return beta - gamma * mean / tf.sqrt(variance + layer.epsilon)
