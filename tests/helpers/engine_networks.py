"""Two tiny networks in Keras, and the same two written in NumPy, in double precision, cut open at every place.

`smooth` is flat: a ReLU, batch normalisation with statistics of its own, a residual block, tanh, global average pooling,
logits. `nested` is a Sequential that holds a functional backbone that holds a Sequential: ReLUs of every kind (inside a
convolution, a depthwise convolution and a dense layer, and as a layer), Flatten in place of pooling, a softmax at the end.
Its biases are not 0 even where it is fresh: differences across the very kink of a ReLU would not be the derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view

from dogcam.models.classifier import Classifier

CLASSES = 5
Tail = Callable[[np.ndarray], np.ndarray]


def classifier(model: keras.Model, **options) -> Classifier:
    return Classifier(model, lambda images: images, name="tiny", **options)


def randomised(model: keras.Model, seed: int = 0, scale: float = 0.5) -> keras.Model:
    """The model with seeded weights, biases and statistics: nothing is left at 0 or 1."""
    rng = np.random.default_rng(seed)
    values = []
    for weight in model.weights:
        value = rng.normal(0, scale, weight.shape)
        values.append(np.abs(value) + 0.5 if weight.path.endswith(("moving_variance", "gamma")) else value)
    model.set_weights(values)
    return model


def smooth(height: int = 16, width: int = 16, seed: int = 0, classes: int = CLASSES) -> keras.Model:
    inputs = keras.Input((height, width, 3))
    first = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="first")(inputs)
    norm = layers.BatchNormalization(name="norm")(first)
    inside = layers.Conv2D(4, 3, padding="same", activation="tanh", name="inside")(norm)
    block = layers.Add(name="block")([norm, inside])
    last = layers.Conv2D(6, 3, strides=2, padding="same", activation="tanh", name="last")(block)
    pooled = layers.GlobalAveragePooling2D(name="pool")(last)
    return randomised(keras.Model(inputs, layers.Dense(classes, name="logits")(pooled), name="smooth"), seed)


def nested(height: int = 16, width: int = 16, seed: int = 0) -> keras.Model:
    inner = keras.Input((height, width, 3))
    body = keras.Sequential(
        [
            layers.DepthwiseConv2D(3, padding="same", activation="relu", name="deep", bias_initializer="normal"),
            layers.Conv2D(5, 1, name="point", bias_initializer="normal"),
            layers.ReLU(name="act"),
        ],
        name="body",
    )
    stem = layers.Conv2D(4, 3, 2, padding="same", activation="relu", name="stem", bias_initializer="normal")(inner)
    backbone = keras.Model(inner, body(stem), name="backbone")
    hidden = layers.Dense(6, activation="relu", name="hidden", bias_initializer="normal")
    head = [layers.Flatten(), hidden, layers.Dense(CLASSES, "softmax", name="out")]
    return randomised(keras.Sequential([keras.Input((height, width, 3)), backbone, *head], name="nested"), seed)


@dataclass
class Cuts:
    """A network cut open for one picture.

    Attributes:
        places: by layer (and "input"): its value without a batch dimension, and what follows: (n, ...) -> logits.
        biased: for each layer with a bias: its value before the activation, the bias, and what follows that value.
        to_relus: before each ReLU, in order: the value that what lies between it and the ReLU before takes, and that.
        after_relus: the value after the last ReLU, and what follows.
        dense: for each dense layer: its value before the activation, the bias, and what follows that value.
    """

    places: dict[str, tuple[np.ndarray, Tail]]
    biased: list[tuple[np.ndarray, np.ndarray, Tail]]
    to_relus: list[tuple[np.ndarray, Tail]]
    after_relus: tuple[np.ndarray, Tail]
    dense: list[tuple[np.ndarray, np.ndarray, Tail]]


def windows(x: np.ndarray, size: int, stride: int) -> np.ndarray:
    """(n, H, W, C) -> (n, h, w, C, size, size), padded as TensorFlow's "same"."""
    pads = [max((-(-side // stride) - 1) * stride + size - side, 0) for side in x.shape[1:3]]
    padded = np.pad(x, [(0, 0), *[(pad // 2, pad - pad // 2) for pad in pads], (0, 0)])
    return sliding_window_view(padded, (size, size), axis=(1, 2))[:, ::stride, ::stride]


def convolution(layer: keras.Layer, stride: int = 1) -> Tail:
    kernel, bias = (np.float64(each) for each in layer.get_weights())
    size = kernel.shape[0]
    if isinstance(layer, layers.DepthwiseConv2D):
        return lambda x: np.einsum("nhwcab,abc->nhwc", windows(x, size, stride), kernel[..., 0]) + bias
    return lambda x: np.tensordot(windows(x, size, stride), kernel, ([3, 4, 5], [2, 0, 1])) + bias


def dense(layer: keras.Layer) -> Tail:
    kernel, bias = (np.float64(each) for each in layer.get_weights())
    return lambda x: x @ kernel + bias


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def bias_of(layer: keras.Layer) -> np.ndarray:
    return np.float64(layer.get_weights()[1])


def smooth_cuts(model: keras.Model, picture: np.ndarray) -> Cuts:
    first, inside = convolution(model.get_layer("first"), 2), convolution(model.get_layer("inside"))
    last, logits = convolution(model.get_layer("last"), 2), dense(model.get_layer("logits"))
    gamma, beta, mean, variance = (np.float64(each) for each in model.get_layer("norm").get_weights())
    factor = gamma / np.sqrt(variance + model.get_layer("norm").epsilon)

    def norm(x):
        return (x - mean) * factor + beta

    def after_last(x):
        return logits(x.mean(axis=(1, 2)))

    def after_block(x):
        return after_last(np.tanh(last(x)))

    def after_norm(x):
        return after_block(x + np.tanh(inside(x)))

    x = np.float64(picture[None])
    z1 = first(x)
    n1 = norm(relu(z1))
    z2 = inside(n1)
    z3 = last(n1 + np.tanh(z2))
    names = ("first", "inside", "last")
    biases = dict(zip(names, (bias_of(model.get_layer(name)) for name in names), strict=True))
    pooled = np.tanh(z3).mean(axis=(1, 2))
    return Cuts(
        {
            "input": (x[0], lambda v: after_norm(norm(relu(first(v))))),
            "first": (relu(z1)[0], lambda v: after_norm(norm(v))),
            "norm": (n1[0], after_norm),
            "inside": (np.tanh(z2)[0], lambda v: after_block(n1 + v)),
            "block": ((n1 + np.tanh(z2))[0], after_block),
            "last": (np.tanh(z3)[0], after_last),
        },
        [
            (z1[0], biases["first"], lambda v: after_norm(norm(relu(v)))),
            (n1[0], beta - mean * factor, after_norm),
            (z2[0], biases["inside"], lambda v: after_block(n1 + np.tanh(v))),
            (z3[0], biases["last"], lambda v: after_last(np.tanh(v))),
        ],
        [(x[0], first)],
        (relu(z1)[0], lambda v: after_norm(norm(v))),
        [(logits(pooled)[0], bias_of(model.get_layer("logits")), lambda v: v)],
    )


def nested_cuts(model: keras.Model, picture: np.ndarray) -> Cuts:
    backbone = model.get_layer("backbone")
    body = backbone.get_layer("body")
    stem = convolution(backbone.get_layer("stem"), 2)
    deep, point = convolution(body.get_layer("deep")), convolution(body.get_layer("point"))
    hidden, out = dense(model.get_layer("hidden")), dense(model.get_layer("out"))

    def after_act(x):
        return out(relu(hidden(x.reshape(len(x), -1))))

    def after_deep(x):
        return after_act(relu(point(x)))

    def after_stem(x):
        return after_deep(relu(deep(x)))

    x = np.float64(picture[None])
    z1 = stem(x)
    z2 = deep(relu(z1))
    z3 = point(relu(z2))
    act = relu(z3)
    z4 = hidden(act.reshape(1, -1))
    z5 = out(relu(z4))
    return Cuts(
        {
            "input": (x[0], lambda v: after_stem(relu(stem(v)))),
            "backbone/stem": (relu(z1)[0], after_stem),
            "backbone/body/deep": (relu(z2)[0], after_deep),
            "backbone/body/act": (act[0], after_act),
        },
        [
            (z1[0], bias_of(backbone.get_layer("stem")), lambda v: after_stem(relu(v))),
            (z2[0], bias_of(body.get_layer("deep")), lambda v: after_deep(relu(v))),
            (z3[0], bias_of(body.get_layer("point")), lambda v: after_act(relu(v))),
        ],
        [(x[0], stem), (relu(z1)[0], deep), (relu(z2)[0], point), (act[0], lambda v: hidden(v.reshape(len(v), -1)))],
        (relu(z4)[0], out),
        [
            (z4[0], bias_of(model.get_layer("hidden")), lambda v: out(relu(v))),
            (z5[0], bias_of(model.get_layer("out")), lambda v: v),
        ],
    )


NETWORKS = {
    "smooth": (smooth, smooth_cuts, ("inside", "last")),
    "nested": (nested, nested_cuts, ("backbone/stem", "backbone/body/act")),
}
