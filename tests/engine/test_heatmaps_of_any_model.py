"""Any Keras 3 model: maps of the odd ones against maps of a plain one with the same weights, or against Keras itself."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from dogcam.core.errors import LayerError
from dogcam.engine import HeatmapEngine, plan_cells
from dogcam.methods import METHODS

HEIGHT, WIDTH, CLASSES = 12, 16, 3
AT_LAST = ("cam", "gradcam", "shapleycam", "scorecam", "ablationcam")


def pictures(count=3, channels=3, seed=1):
    return np.random.default_rng(seed).normal(size=(count, HEIGHT, WIDTH, channels)).astype(np.float32)


def explained(networks, model, names=AT_LAST, inputs=None, targets=(0, 1, 2), layer=(), score="logit", **options):
    classifier = networks.classifier(model, **options)
    cells = plan_cells(classifier, names, layer)
    engine = HeatmapEngine(classifier, cells, score, mask_batch=64)
    found = engine(pictures() if inputs is None else inputs, None if targets is None else np.array(targets))
    return {name: found.maps[name, at] for name, at in cells}, found


def features(x):
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="tanh", name="first")(x)
    return layers.Conv2D(6, 3, padding="same", activation="relu", name="last")(x)


def model_of(networks, head, inputs=None, before=lambda x: x, seed=3):
    """`features`, then what `head` makes of them; the same weights for all heads with as many of them."""
    inputs = keras.Input((HEIGHT, WIDTH, 3)) if inputs is None else inputs
    return networks.randomised(keras.Model(inputs, head(features(before(inputs)))), seed)


def plain_head(x):
    return layers.Dense(CLASSES, name="out")(layers.GlobalAveragePooling2D()(x))


@pytest.fixture(scope="module")
def plain(networks):
    return explained(networks, model_of(networks, plain_head))


HEADS = {
    "softmax inside": lambda x: layers.Dense(CLASSES, "softmax")(layers.GlobalAveragePooling2D()(x)),
    "softmax activation": lambda x: layers.Activation("softmax")(plain_head(x)),
    "softmax layer": lambda x: layers.Softmax()(plain_head(x)),
    "softmax operation": lambda x: keras.ops.softmax(plain_head(x)),
    "linear activation": lambda x: layers.Activation("linear", dtype="float32")(plain_head(x)),
    "softmax then linear": lambda x: layers.Activation("linear")(layers.Activation("softmax")(plain_head(x))),
    "several sigmoids": lambda x: layers.Dense(CLASSES, "sigmoid")(layers.GlobalAveragePooling2D()(x)),
    "sigmoid activation": lambda x: layers.Activation("sigmoid")(plain_head(x)),
    "sigmoid operation": lambda x: keras.ops.sigmoid(plain_head(x)),
    "pooling keeps dimensions": lambda x: layers.Dense(CLASSES)(
        layers.Flatten()(layers.GlobalAveragePooling2D(keepdims=True)(x))
    ),
    "mean": lambda x: layers.Dense(CLASSES)(keras.ops.mean(x, axis=(1, 2))),
    "mean from behind": lambda x: layers.Dense(CLASSES)(keras.ops.mean(x, axis=[-3, -2])),
    "average of the whole map": lambda x: layers.Dense(CLASSES)(layers.Flatten()(layers.AveragePooling2D((6, 8))(x))),
    "convolution": lambda x: layers.Reshape((CLASSES,))(
        layers.Conv2D(CLASSES, 1)(layers.Reshape((1, 1, 6))(layers.GlobalAveragePooling2D()(x)))
    ),
    "MobileNet": lambda x: layers.Activation("softmax")(
        layers.Reshape((CLASSES,))(
            layers.Conv2D(CLASSES, 1)(layers.Dropout(0.5)(layers.GlobalAveragePooling2D(keepdims=True)(x)))
        )
    ),
    "dropout": lambda x: layers.Dense(CLASSES)(layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))),
}


@pytest.mark.parametrize("head", HEADS)
def test_the_same_weights_under_another_head_give_the_same_maps(networks, plain, head):
    model = model_of(networks, HEADS[head])
    maps, found = explained(networks, model)
    for name in AT_LAST:
        expected = plain[0][name]
        np.testing.assert_allclose(maps[name], expected, atol=2e-5 * np.abs(expected).max(), err_msg=name)
    np.testing.assert_allclose(found.logits, plain[1].logits, atol=1e-5)
    values, given = found.logits.astype(np.float64), model.predict(pictures(), verbose=0)
    if "sigmoid" in head:
        np.testing.assert_allclose(given, 1 / (1 + np.exp(-values)), atol=1e-5)
    else:
        powers = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(given, powers if "softmax" in head or head == "MobileNet" else values, atol=1e-5)


@pytest.mark.parametrize("head", ["several sigmoids", "softmax inside"])
def test_the_probability_of_a_class_is_what_the_model_gives(networks, head):
    """Grad-CAM of a probability: by differences of the model's own output as the pooled features move."""
    model = model_of(networks, HEADS[head])
    last = keras.Model(model.input, model.get_layer("last").output).predict(pictures(), verbose=0)
    tail = keras.Model(model.get_layer("last").output, model.output)
    maps, _ = explained(networks, model, ("gradcam",), score="softmax")
    for picture, target in enumerate((0, 1, 2)):
        moved = [last[picture] + sign * np.eye(6, dtype=np.float32)[k] * 0.01 for k in range(6) for sign in (1, -1)]
        values = tail.predict(np.array(moved), verbose=0)[:, target].astype(np.float64).reshape(6, 2)
        weights = (values[:, 0] - values[:, 1]) / 0.02 / 48
        expected = np.maximum(last[picture] @ weights, 0)
        np.testing.assert_allclose(maps["gradcam"][picture], expected, atol=2e-3 * expected.max() + 1e-7)


@pytest.mark.parametrize("fused", [True, False])
def test_one_sigmoid_stands_for_two_classes(networks, fused):
    def head(x):
        pooled = layers.GlobalAveragePooling2D()(x)
        return layers.Dense(1, "sigmoid")(pooled) if fused else layers.Activation("sigmoid")(layers.Dense(1)(pooled))

    model = model_of(networks, head)
    kernel, bias = model.layers[-1 if fused else -2].get_weights()
    last = keras.Model(model.input, model.get_layer("last").output).predict(pictures(), verbose=0)
    logit = last.mean(axis=(1, 2)) @ kernel[:, 0] + bias
    maps, found = explained(networks, model, ("cam", "gradcam"), targets=(0, 1, 0))
    np.testing.assert_allclose(found.logits, np.stack([-logit, logit], axis=1), atol=1e-5)
    cam = (last @ kernel[:, 0]) * np.array([-1, 1, -1])[:, None, None]
    np.testing.assert_allclose(maps["cam"], cam, atol=1e-5)
    np.testing.assert_allclose(maps["gradcam"], np.maximum(cam, 0) / 48, atol=1e-6)
    chance = model.predict(pictures(), verbose=0)[:, 0]
    shares = networks.classifier(model).probabilities(found.logits)
    np.testing.assert_allclose(shares, np.stack([1 - chance, chance], axis=1), atol=1e-6)
    predicted = explained(networks, model, ("cam",), targets=None)[1].targets
    np.testing.assert_array_equal(predicted, chance > 0.5)
    # Class 1's probability p has the derivative p (1 - p) by its logit, and class 0's, 1 - p, the opposite.
    soft, _ = explained(networks, model, ("gradcam",), targets=(0, 1, 0), score="softmax")
    expected = np.maximum(cam * (chance * (1 - chance))[:, None, None], 0) / 48
    np.testing.assert_allclose(soft["gradcam"], expected, atol=1e-6)


class TestInference:
    def test_layers_of_training_are_at_rest(self, networks, plain):
        """Dropout called with training=True, augmentation and noise in the graph: as `predict`, at rest."""

        def before(x):
            x = layers.RandomFlip("horizontal")(x)
            return layers.GaussianNoise(0.5)(layers.RandomRotation(0.2)(x))

        model = model_of(networks, plain_head, before=before)
        maps, found = explained(networks, model)
        np.testing.assert_allclose(found.logits, model.predict(pictures(), verbose=0), atol=1e-5)
        for name in AT_LAST:
            np.testing.assert_allclose(maps[name], plain[0][name], atol=2e-5 * np.abs(plain[0][name]).max())

    def test_dropout_that_the_graph_calls_for_training_is_at_rest_too(self, networks, plain):
        def head(x):
            return plain_head(layers.Dropout(0.5)(x, training=True))

        maps, _ = explained(networks, model_of(networks, head), ("gradcam",), layer=["last"])
        np.testing.assert_allclose(maps["gradcam"], plain[0]["gradcam"], atol=2e-5 * plain[0]["gradcam"].max())

    def test_batch_normalisation_uses_and_keeps_its_moving_statistics(self, networks):
        def before(x):
            return layers.BatchNormalization(name="norm")(x)

        model = model_of(networks, plain_head, before=before)
        statistics = [w.copy() for w in model.get_layer("norm").get_weights()]
        _, found = explained(networks, model)
        np.testing.assert_allclose(found.logits, model.predict(pictures(), verbose=0), atol=1e-5)
        for now, then in zip(model.get_layer("norm").get_weights(), statistics, strict=True):
            np.testing.assert_array_equal(now, then)


@keras.saving.register_keras_serializable("dogcam-tests")
class Doubled(layers.Layer):
    """A layer with a call of its own, without compute_output_shape."""

    def call(self, x):
        return 2 * x


class Opaque(keras.Model):
    """A subclassed model: it has no graph."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(6, 3, padding="same", name="inner")

    def call(self, x):
        return keras.ops.tanh(self.conv(x))


class TestOddModels:
    def test_a_layer_of_ones_own_in_the_middle(self, networks, plain):
        model = model_of(networks, plain_head, before=lambda x: Doubled(name="doubled")(x / 2))
        maps, _ = explained(networks, model)
        for name in AT_LAST:
            np.testing.assert_allclose(maps[name], plain[0][name], atol=2e-5 * np.abs(plain[0][name]).max())
        assert explained(networks, model, ("gradcam",), layer=["doubled"])[0]["gradcam"].shape == (3, HEIGHT, WIDTH)

    def test_a_subclassed_model_in_the_middle_is_one_opaque_layer(self, networks):
        inputs = keras.Input((HEIGHT, WIDTH, 3))
        opaque = Opaque()
        model = networks.randomised(keras.Model(inputs, plain_head(opaque(inputs))))
        classifier = networks.classifier(model)
        assert [step.path for step in classifier.graph.maps()] == [opaque.name] == [classifier.pooled_layer()]
        maps, _ = explained(networks, model, ("cam", "gradcam"))
        cam = opaque(pictures()).numpy() @ model.layers[-1].kernel.numpy()
        cam = np.stack([cam[picture, ..., picture] for picture in range(3)])
        np.testing.assert_allclose(maps["cam"], cam, atol=1e-5)
        np.testing.assert_allclose(maps["gradcam"], np.maximum(cam, 0) / HEIGHT / WIDTH, atol=1e-6)
        with pytest.raises(LayerError, match="has no layer 'inner'"):
            plan_cells(classifier, ["gradcam"], ["inner"])

    def test_a_model_for_pictures_of_any_size(self, networks):
        inputs = keras.Input((None, None, 3))
        model = networks.randomised(keras.Model(inputs, plain_head(features(inputs))), 3)
        classifier = networks.classifier(model)
        assert classifier.size == (224, 224)
        inputs = np.random.default_rng(0).normal(size=(1, 224, 224, 3)).astype(np.float32)
        found = HeatmapEngine(classifier, [("cam", "last"), ("gradcam", "first")])(inputs)
        assert found.maps["cam", "last"].shape == found.maps["gradcam", "first"].shape == (1, 112, 112)
        np.testing.assert_allclose(found.logits, model.predict(inputs, verbose=0), atol=1e-4)

    def test_a_grey_picture(self, networks):
        model = model_of(networks, plain_head, keras.Input((HEIGHT, WIDTH, 1)))
        grey = pictures(channels=1)
        _, found = explained(networks, model, METHODS, grey)
        np.testing.assert_allclose(found.logits, model.predict(grey, verbose=0), atol=1e-5)
        assert all(np.isfinite(maps).all() and maps.shape[0] == 3 for maps in found.maps.values())

    def test_pixels_of_uint8_rescaled_inside(self, networks):
        """Every method: the gradient at the input is that at the pixels as numbers, though their type has none."""
        inputs = keras.Input((HEIGHT, WIDTH, 3), dtype="uint8")
        model = model_of(networks, plain_head, inputs, layers.Rescaling(1 / 127.5, -1, name="scale"))
        twin = model_of(networks, plain_head, None, layers.Rescaling(1 / 127.5, -1, name="scale"))
        pixels = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH, 3)).astype(np.float32)
        found, expected = (explained(networks, each, METHODS, pixels)[1] for each in (model, twin))
        np.testing.assert_allclose(found.logits, model.predict(pixels.astype(np.uint8), verbose=0), atol=1e-5)
        for cell, maps in expected.maps.items():
            atol = 1e-4 * np.abs(maps).max() + 1e-9
            np.testing.assert_allclose(found.maps[cell], maps, atol=atol, err_msg=str(cell))

    @pytest.mark.parametrize("output", ["dogs", "cats"])
    @pytest.mark.parametrize("kind", [list, dict])
    def test_one_of_several_outputs_by_its_name(self, networks, kind, output):
        inputs = keras.Input((HEIGHT, WIDTH, 3))
        last = features(inputs)
        dogs, cats = (layers.Dense(n, name=name)(layers.GlobalAveragePooling2D()(last)) for n, name in ((3, "dogs"), (4, "cats")))
        both = {"dogs": dogs, "cats": cats} if kind is dict else [cats, dogs]
        model = networks.randomised(keras.Model(inputs, both))
        _, found = explained(networks, model, ("cam", "gradcam"), output=output)
        expected = keras.Model(inputs, dogs if output == "dogs" else cats).predict(pictures(), verbose=0)
        np.testing.assert_allclose(found.logits, expected, atol=1e-5)


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16"])
def policy(request):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(request.param)
    yield request.param
    keras.mixed_precision.set_dtype_policy(before)


def test_mixed_precision_gives_nearly_the_maps_of_float32(networks, plain, policy):
    """Half precision keeps 11 bits, bfloat16 8: within 1 and 8 per cent of the largest value."""
    model = model_of(networks, lambda x: layers.Activation("softmax", dtype="float32")(plain_head(x)))
    assert model.get_layer("last").compute_dtype == policy.removeprefix("mixed_")
    names = [name for name in METHODS if name != "random-weights"]
    maps, found = explained(networks, model, names)
    keras.mixed_precision.set_dtype_policy("float32")
    full, expected = explained(networks, model_of(networks, plain_head), names)
    share = 0.01 if policy == "mixed_float16" else 0.08
    np.testing.assert_allclose(found.logits, expected.logits, atol=share * np.abs(expected.logits).max())
    for name in names:
        assert maps[name].dtype == np.float32
        difference = np.abs(maps[name] - full[name])
        # Where a ReLU lies near its kink single pixels of a gradient differ: the mean counts, and the bulk.
        assert difference.mean() <= share * np.abs(full[name]).max(), name
        assert np.quantile(difference, 0.9) <= 3 * share * np.abs(full[name]).max(), name
