"""The end of a classifier: where its logits are, how they become probabilities, and which layer is pooled for them.

A softmax or sigmoid at the end is read analytically: the score is what it is taken of, and the model stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from dogcam.core.errors import ModelError
from dogcam.models.graph import Graph, Step

# Layers that hand pooled features or logits on as they are, or in another shape, at inference.
_TRANSPARENT = ("Dropout", "SpatialDropout2D", "Flatten", "Reshape", "Identity", "Squeeze", "Cast", "AlphaDropout")
_ACTIVATIONS = {"Softmax": "softmax", "Sigmoid": "sigmoid"}  # layers and operations by their class's name


@dataclass(frozen=True, eq=False)
class Readout:
    """How the classes' scores are read from a model.

    Attributes:
        source: the symbolic tensor that the logits are computed from: what goes into the head, or the logits themselves.
        head: the dense layer (or 1x1 convolution of pooled features) that gives the logits; None where there is none.
        activation: what makes probabilities of the logits: "softmax" or "sigmoid"; "linear" logits are taken for the
            former's.
        outputs: how many numbers the model gives; one sigmoid stands for two classes.
        pooled: the path of the layer that global average pooling feeds to the head, or None.
        obstacle: why there is no such layer, in words.
    """

    source: Any
    head: Any
    activation: str
    outputs: int
    pooled: str | None
    obstacle: str

    @property
    def binary(self) -> bool:
        """Whether one sigmoid stands for two classes: its logit z for the second, -z for the first."""
        return self.outputs == 1

    @property
    def class_count(self) -> int:
        """How many classes the model tells apart."""
        return 2 if self.binary else self.outputs

    @property
    def class_weights(self) -> Any:
        """The head's kernel, float32 (K, classes), as CAM needs it."""
        kernel = ops.cast(self.head.kernel, "float32")
        kernel = ops.reshape(kernel, kernel.shape[-2:])
        return ops.concatenate([-kernel, kernel], axis=-1) if self.binary else kernel

    def logits(self, source: Any) -> Any:
        """The logits float32 (B, classes) from the value of `source`."""
        source = ops.cast(source, "float32")
        if self.head is not None:
            kernel = ops.cast(self.head.kernel, "float32")
            kernel = ops.reshape(kernel, kernel.shape[-2:])
            source = ops.matmul(ops.reshape(source, (-1, kernel.shape[0])), kernel)
            if self.head.use_bias:
                source = source + ops.cast(self.head.bias, "float32")
        logits = ops.reshape(source, (-1, self.outputs))
        return ops.concatenate([-logits, logits], axis=-1) if self.binary else logits

    def probabilities(self, logits: Any, xp: Any = ops) -> Any:
        """Probabilities (B, classes) of logits, in the array namespace `xp`."""
        if self.activation == "sigmoid":
            return 0.5 * (xp.tanh(0.5 * logits) + 1)  # the logistic function, without overflow
        powers = xp.exp(logits - xp.max(logits, axis=-1, keepdims=True))
        return powers / xp.sum(powers, axis=-1, keepdims=True)


def read(graph: Graph, output: Any) -> Readout:
    """How the symbolic tensor `output` of `graph` gives classes.

    Raises:
        ModelError: it does not.
    """
    if len(output.shape) != 2 or output.shape[-1] is None:
        raise ModelError(f"{graph.name} must give one list of classes, (batch, classes); it gives {tuple(output.shape)}")
    activation, tensor = _before_activation(graph, output)
    step = _through(graph, tensor)
    fused = _fused(step)
    if step is not None and _is_head(step) and fused in ("linear", "softmax", "sigmoid"):
        head, source = step.operation, step.inputs[0]
        pooled, obstacle = _pooling(graph, step)
    else:
        if fused in ("softmax", "sigmoid"):
            raise ModelError(
                f"{graph.name} ends in a {type(step.operation).__name__} with its own {fused}, whose logits cannot be "
                "read: give its last layer no activation, and a separate one after it"
            )
        head, source, pooled = None, tensor, None
        kind = "its input" if step is None else f"a {type(step.operation).__name__}"
        obstacle = f"its classes do not come from a plain dense layer but from {kind}"
    activation = activation if fused in ("linear", "") else fused
    outputs = int(output.shape[-1])
    if outputs == 1 and activation != "sigmoid":
        raise ModelError(f"{graph.name} has one output and no sigmoid; dogcam explains classes, and needs one output for each")
    return Readout(source, head, activation, outputs, pooled, obstacle)


def _before_activation(graph: Graph, tensor: Any) -> tuple[str, Any]:
    """The name of the separate activation that a tensor comes from, and what that is taken of."""
    while (step := graph.producer(tensor)) is not None:
        name = _ACTIVATIONS.get(type(step.operation).__name__, "")
        if isinstance(step.operation, keras.layers.Activation):
            name = activation_name(step.operation.activation)
        if name in _ACTIVATIONS.values():
            return name, step.inputs[0]
        if name != "linear" and type(step.operation).__name__ not in _TRANSPARENT:
            break
        tensor = step.inputs[0]
    return "linear", tensor


def _through(graph: Graph, tensor: Any) -> Step | None:
    """The step that a tensor comes from, seen through layers that hand it on."""
    step = graph.producer(tensor)
    while step is not None and _hands_on(step):
        step = graph.producer(step.inputs[0])
    return step


def _hands_on(step: Step) -> bool:
    if isinstance(step.operation, keras.layers.Activation):
        return activation_name(step.operation.activation) == "linear"
    return type(step.operation).__name__ in _TRANSPARENT


def _fused(step: Step | None) -> str:
    """The name of the activation inside a step's own layer; "" where it has none to tell of."""
    if isinstance(getattr(step, "operation", None), keras.layers.Activation | keras.layers.Softmax):
        return ""
    activation = getattr(getattr(step, "operation", None), "activation", None)
    return "" if activation is None else activation_name(activation)


def activation_name(activation: Any) -> str:
    """Keras's name of an activation, "linear" for none; of somebody's own function, its type's name."""
    if activation is None:
        return "linear"
    try:
        name = keras.activations.serialize(activation)
    except TypeError:  # a partial function has no name to serialise
        return type(activation).__name__
    return name if isinstance(name, str) else type(activation).__name__


def _is_head(step: Step) -> bool:
    """Whether it is a dense layer of vectors, or the same written as a 1x1 convolution of one place."""
    operation = step.operation
    if getattr(operation, "quantization_mode", None) is not None:
        return False  # its kernel is not the matrix that it multiplies by
    # A layer of somebody's own, derived from these, may compute something else with the same kernel.
    if type(operation).call is keras.layers.Dense.call:
        return len(step.inputs[0].shape) == 2
    one = type(operation).call is keras.layers.Conv2D.call and operation.kernel_size == (1, 1)
    return one and tuple(step.inputs[0].shape[1:3]) == (1, 1) and operation.groups == 1


def _pooling(graph: Graph, head: Step) -> tuple[str | None, str]:
    """The path of the layer whose mean over places feeds the head; or None and the reason."""
    step = _through(graph, head.inputs[0])
    if step is None:
        return None, "its dense layer is fed by the input itself"
    if not _is_global_average(step):
        return (None, f"its dense layer is fed by {type(step.operation).__name__} {step.path!r}, not by global average pooling")
    producer = graph.producer(step.inputs[0])
    if producer is None:
        return None, "its pooling is fed by the input itself"
    return producer.path, ""


def _is_global_average(step: Step) -> bool:
    operation, shape = step.operation, tuple(step.inputs[0].shape)
    if isinstance(operation, keras.layers.GlobalAveragePooling2D):
        return True
    if isinstance(operation, keras.layers.AveragePooling2D):
        return tuple(operation.pool_size) == shape[1:3] and operation.padding == "valid"
    axes = getattr(operation, "axis", None)
    return type(operation).__name__ == "Mean" and len(shape) == 4 and tuple(axes or ()) in ((1, 2), (-3, -2))
