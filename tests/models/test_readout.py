"""The end of a classifier: logits, probabilities and pooling of every kind of head, against the model's own output."""

from __future__ import annotations

from decimal import Decimal, getcontext

import keras
import numpy as np
import pytest
from keras import layers, ops

from dogcam.core.errors import ModelError
from dogcam.models.graph import Graph
from dogcam.models.readout import read

SIZE = (6, 8, 3)
PICTURES = np.random.default_rng(0).normal(size=(4, *SIZE)).astype(np.float32)


def pooled(x):
    return layers.GlobalAveragePooling2D()(x)


def model_of(head, seed=0):
    inputs = keras.Input(SIZE)
    model = keras.Model(inputs, head(layers.Conv2D(5, 3, padding="same", name="last")(inputs)), name="mine")
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def readout_of(model):
    graph = Graph(model, SIZE)
    return graph, read(graph, graph.outputs[0])


def end(model):
    """Logits and probabilities by the readout."""
    graph, readout = readout_of(model)
    (source,) = graph.run({graph.input: PICTURES}, [readout.source])
    logits = readout.logits(source)
    return np.array(logits), np.array(readout.probabilities(logits)), readout


def conv_head(keep=True, units=3):
    def head(x):
        one = layers.GlobalAveragePooling2D(keepdims=True)(x)
        return layers.Flatten()(layers.Conv2D(units, 1, name="out")(one))

    return head


# name: (head, activation, whether global average pooling feeds it)
HEADS = {
    "logits": (lambda x: layers.Dense(3)(pooled(x)), "linear", True),
    "softmax inside": (lambda x: layers.Dense(3, "softmax")(pooled(x)), "softmax", True),
    "sigmoid inside": (lambda x: layers.Dense(3, "sigmoid")(pooled(x)), "sigmoid", True),
    "softmax activation": (lambda x: layers.Activation("softmax")(layers.Dense(3)(pooled(x))), "softmax", True),
    "softmax layer": (lambda x: layers.Softmax()(layers.Dense(3)(pooled(x))), "softmax", True),
    "softmax operation": (lambda x: ops.softmax(layers.Dense(3)(pooled(x))), "softmax", True),
    "sigmoid operation": (lambda x: ops.sigmoid(layers.Dense(3)(pooled(x))), "sigmoid", True),
    "linear at the end": (lambda x: layers.Activation("linear")(layers.Dense(3)(pooled(x))), "linear", True),
    "softmax, then linear": (
        lambda x: layers.Activation("linear", dtype="float32")(layers.Dense(3, "softmax")(pooled(x))),
        "softmax",
        True,
    ),
    "no bias": (lambda x: layers.Dense(3, "softmax", use_bias=False)(pooled(x)), "softmax", True),
    "dropout": (lambda x: layers.Dense(3)(layers.Dropout(0.5)(pooled(x))), "linear", True),
    "1x1 convolution": (conv_head(), "linear", True),
    "1x1 convolution, softmax": (lambda x: layers.Softmax()(conv_head()(x)), "softmax", True),
    "average pooling of all": (lambda x: layers.Dense(3)(layers.Flatten()(layers.AveragePooling2D((6, 8))(x))), "linear", True),
    "ops.mean": (lambda x: layers.Dense(3)(ops.mean(x, axis=(1, 2))), "linear", True),
    "ops.mean, kept": (lambda x: layers.Dense(3)(layers.Flatten()(ops.mean(x, axis=(-3, -2), keepdims=True))), "linear", True),
    "average pooling of parts": (
        lambda x: layers.Dense(3)(layers.Flatten()(layers.AveragePooling2D((3, 8))(x))),
        "linear",
        False,
    ),
    "maximum": (lambda x: layers.Dense(3)(layers.GlobalMaxPooling2D()(x)), "linear", False),
    "flat": (lambda x: layers.Dense(3, "softmax")(layers.Flatten()(x)), "softmax", False),
    "two dense layers": (lambda x: layers.Dense(3)(layers.Dense(4, "relu")(pooled(x))), "linear", False),
    "normalised features": (lambda x: layers.Dense(3)(layers.LayerNormalization()(pooled(x))), "linear", False),
    "mean over colours": (lambda x: layers.Dense(3)(layers.Flatten()(ops.mean(x, axis=-1))), "linear", False),
    "pooled classes": (lambda x: pooled(layers.Conv2D(3, 1)(x)), "linear", False),
    "pooled classes, softmax": (lambda x: layers.Softmax()(pooled(layers.Conv2D(3, 1)(x))), "softmax", False),
    "scaled logits": (lambda x: ops.softmax(layers.Dense(3)(pooled(x)) / 2.0), "softmax", False),
    "a sum of two": (lambda x: layers.Add()([layers.Dense(3)(pooled(x)), layers.Dense(3)(pooled(x))]), "linear", False),
}


def softmax(values):
    powers = np.exp(values.astype(np.float64))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("name", HEADS)
class TestHeads:
    def test_probabilities_are_what_the_model_gives(self, name):
        head, activation, _ = HEADS[name]
        model = model_of(head)
        logits, shares, readout = end(model)
        assert readout.activation == activation
        assert logits.shape == (4, 3)
        given = model.predict(PICTURES, verbose=0)
        # A model of logits gives these; its probabilities are taken to be their softmax.
        np.testing.assert_allclose(logits if activation == "linear" else shares, given, atol=1e-5)
        np.testing.assert_allclose(shares, softmax(logits) if activation != "sigmoid" else given, atol=1e-5)
        np.testing.assert_allclose(readout.probabilities(logits, np), shares, atol=1e-6)

    def test_the_pooled_layer_is_found_where_its_mean_gives_the_logits(self, name):
        """CAM's own equation: mean(A) w + b = logit, for the layer and weights that are told; else the reason."""
        head, _, is_pooled = HEADS[name]
        model = model_of(head)
        logits, _, readout = end(model)
        if not is_pooled:
            assert readout.pooled is None
            assert "dense layer" in readout.obstacle
            return
        assert (readout.pooled, readout.obstacle) == ("last", "")
        features = model.get_layer("last")(PICTURES).numpy().mean(axis=(1, 2))
        bias = readout.head.bias.numpy() if readout.head.use_bias else 0
        np.testing.assert_allclose(features @ np.array(readout.class_weights) + bias, logits, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flat", "fed by Conv2D 'last', not by global average pooling"),
        ("maximum", "fed by GlobalMaxPooling2D 'global_max"),
        ("two dense layers", "fed by Dense 'dense"),
        ("average pooling of parts", "fed by AveragePooling2D"),
        ("pooled classes", "do not come from a plain dense layer but from a GlobalAveragePooling2D"),
        ("a sum of two", "do not come from a plain dense layer but from a Add"),
    ],
)
def test_the_reason_why_no_layer_is_pooled_is_told(name, words):
    assert words in readout_of(model_of(HEADS[name][0]))[1].obstacle


class TestOneSigmoid:
    @pytest.mark.parametrize(
        "head",
        [
            lambda x: layers.Dense(1, "sigmoid")(pooled(x)),
            lambda x: ops.sigmoid(layers.Dense(1)(pooled(x))),
            lambda x: layers.Activation("sigmoid")(layers.Dense(1, use_bias=False)(pooled(x))),
        ],
    )
    def test_it_stands_for_two_classes(self, head):
        model = model_of(head)
        logits, shares, readout = end(model)
        assert readout.binary
        assert (readout.outputs, readout.class_count) == (1, 2)
        given = model.predict(PICTURES, verbose=0)[:, 0]
        np.testing.assert_allclose(shares, np.stack([1 - given, given], axis=1), atol=1e-6)
        np.testing.assert_allclose(logits[:, 1], np.log(given / (1 - given)), atol=1e-4)
        np.testing.assert_allclose(logits[:, 0], -logits[:, 1])
        kernel = readout.head.kernel.numpy()
        np.testing.assert_array_equal(readout.class_weights, np.concatenate([-kernel, kernel], axis=1))

    def test_without_a_sigmoid_it_is_refused(self):
        for head in (lambda x: layers.Dense(1)(pooled(x)), lambda x: layers.Dense(1, "softmax")(pooled(x))):
            with pytest.raises(ModelError, match="mine has one output and no sigmoid; dogcam explains classes"):
                readout_of(model_of(head))


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (lambda x: x, r"mine must give one list of classes, \(batch, classes\); it gives \(None, 6, 8, 5\)"),
        (lambda x: layers.Dense(3)(x), r"it gives \(None, 6, 8, 3\)"),
        (
            lambda x: layers.Flatten()(layers.Conv2D(2, 1, activation="softmax", name="out")(x)),
            "mine ends in a Conv2D with its own softmax, whose logits cannot be read: give its last layer no activation",
        ),
    ],
)
def test_ends_that_cannot_be_read_are_one_clear_error(head, words):
    with pytest.raises(ModelError, match=words):
        readout_of(model_of(head))


def test_a_dense_layer_with_another_activation_is_taken_as_it_is():
    """tanh(w x + b) are the numbers that the classes are compared by: they are the logits, and there is no CAM."""
    model = model_of(lambda x: layers.Dense(3, "tanh")(pooled(x)))
    logits, _, readout = end(model)
    np.testing.assert_allclose(logits, model.predict(PICTURES, verbose=0), atol=1e-5)
    assert (readout.head, readout.pooled) == (None, None)


@pytest.mark.parametrize("size", [1e4, -1e4, 88.0, 1e30])
def test_probabilities_of_extreme_logits_do_not_overflow(size):
    for head in (lambda x: layers.Dense(3)(pooled(x)), lambda x: layers.Dense(3, "sigmoid")(pooled(x))):
        _, readout = readout_of(model_of(head))
        logits = np.array([[size, 0, -size], [size, size, size]], np.float32)
        for found in (readout.probabilities(logits, np), np.array(readout.probabilities(ops.convert_to_tensor(logits)))):
            assert np.isfinite(found).all()
            assert ((found >= 0) & (found <= 1)).all()
            if readout.activation != "sigmoid":
                np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_probabilities_against_decimals_of_fifty_digits():
    getcontext().prec = 50
    _, readout = readout_of(model_of(lambda x: layers.Dense(3)(pooled(x))))
    logits = np.array([[1.5, -2.25, 0.125], [30.0, 31.0, -4.0], [1000.0, 1000.0, -1000.0]])
    for row, found in zip(logits, readout.probabilities(logits, np), strict=True):
        powers = [Decimal(value).exp() for value in row]
        np.testing.assert_allclose(found, [float(power / sum(powers)) for power in powers], rtol=1e-14)
    np.testing.assert_allclose(readout.probabilities(logits[:2] + 300, np), readout.probabilities(logits[:2], np), rtol=1e-9)


def test_logits_are_float32_in_half_precision():
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        model = model_of(lambda x: layers.Dense(3)(pooled(x)))
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    logits, shares, readout = end(model)
    assert logits.dtype == shares.dtype == np.float32
    assert np.array(readout.class_weights).dtype == np.float32
    np.testing.assert_allclose(logits, model.predict(PICTURES, verbose=0), rtol=0.02, atol=0.02)


def test_a_nested_backbone_is_looked_into_for_the_pooling():
    inner = keras.Input(SIZE)
    backbone = keras.Model(inner, pooled(layers.Conv2D(5, 3, name="conv")(inner)), name="backbone")
    inputs = keras.Input(SIZE)
    model = keras.Model(inputs, layers.Dense(3, "softmax")(layers.Dropout(0.2)(backbone(inputs))))
    assert readout_of(model)[1].pooled == "backbone/conv"
