"""Building, loading and looking into classifiers."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from dogcam.core.errors import ModelError, OptionError, UnknownName
from dogcam.engine import HeatmapEngine
from dogcam.models.backbones import BACKBONES
from dogcam.models.classifier import Classifier, build, foreign, load_foreign, load_trained, preprocessing

NAMES = ("beagle", "basset", "English foxhound", "Walker foxhound")


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return build("small_resnet", NAMES, weights="none")


def test_it_is_one_flat_graph_that_ends_in_pooling_and_logits(small):
    assert not any(isinstance(layer, keras.Model) for layer in small.model.layers)
    pooling, logits = small.model.layers[-2:]
    assert isinstance(pooling, keras.layers.GlobalAveragePooling2D)
    assert isinstance(logits, keras.layers.Dense)
    assert keras.activations.serialize(logits.activation) == "linear"
    assert logits.units == len(NAMES)
    assert small.pooled_layer() == BACKBONES["small_resnet"].last_conv


def test_a_saved_model_opens_with_keras_alone(small, tmp_path):
    path = tmp_path / "model.keras"
    small.model.save(path)
    opened = keras.models.load_model(path, safe_mode=True)
    batch = np.random.default_rng(0).random((2, 96, 96, 3), np.float32)
    np.testing.assert_allclose(opened.predict(batch, verbose=0), small.model.predict(batch, verbose=0), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "index"), [("2", 2), ("beagle", 0), ("BEAGLE", 0), ("bass", 1), ("English", 2), ("english foxhound", 2)]
)
def test_a_class_is_found_by_index_name_or_unique_part(small, text, index):
    assert small.class_index(text) == index


@pytest.mark.parametrize(
    ("text", "words"),
    [("foxhound", "ambiguous: English foxhound, Walker foxhound"), ("beagel", "the nearest: beagle"), ("4", "unknown class '4'")],
)
def test_a_class_that_is_not_there_or_ambiguous_is_said_so(small, text, words):
    with pytest.raises(UnknownName, match=words):
        small.class_index(text)


def test_without_names_classes_go_by_index(small):
    nameless = Classifier(small.model, small.preprocess, (), small.stages, "nameless")
    assert nameless.class_name(3) == "class 3"
    with pytest.raises(UnknownName, match="has no class names; give an index below 4"):
        nameless.class_index("beagle")


def test_a_wrong_number_of_names_is_refused(small):
    with pytest.raises(ModelError, match="4 classes, but 2 names"):
        Classifier(small.model, small.preprocess, ("a", "b"), small.stages, "short")


class TestPreprocessing:
    """Against the formulas: caffe's BGR means, [-1, 1], and division by 255."""

    pixels = np.array([[[[0, 127.5, 255]]]], np.float32)

    def test_resnet50_is_bgr_less_the_means_of_imagenet(self):
        found = preprocessing("backbone", BACKBONES["resnet50"])(self.pixels.copy())
        np.testing.assert_allclose(found[0, 0, 0], [255 - 103.939, 127.5 - 116.779, 0 - 123.68], rtol=1e-6)

    def test_mobilenet_v2_is_minus_one_to_one(self):
        found = preprocessing("backbone", BACKBONES["mobilenet_v2"])(self.pixels.copy())
        np.testing.assert_allclose(found[0, 0, 0], [-1, 0, 1], atol=1e-6)

    def test_unit_divides_by_255(self):
        found = preprocessing("unit", BACKBONES["resnet50"])(self.pixels.copy())
        np.testing.assert_allclose(found[0, 0, 0], [0, 0.5, 1], atol=1e-6)

    def test_unit_is_refused_where_the_network_scales_its_input_itself(self):
        with pytest.raises(OptionError, match="scaled twice"):
            preprocessing("unit", BACKBONES["efficientnet_v2_b0"])

    def test_the_classifier_does_not_change_the_pictures_it_prepares(self, small):
        pictures = np.full((1, 96, 96, 3), 7, np.uint8)
        small.inputs_of(pictures)
        assert (pictures == 7).all()


def test_a_kept_epoch_is_loaded_with_its_own_preprocessing_and_names(trained):
    classifier = load_trained(trained.experiment, 1, 2)
    assert classifier.classes == tuple(trained.experiment.document["dataset"]["classes"])
    assert classifier.stages == BACKBONES["small_resnet"].stages
    pixels = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1).repeat(3, axis=3)
    np.testing.assert_allclose(classifier.inputs_of(pixels)[0, 0, :, 0], [-1, 1], atol=1e-6)


def test_a_foreign_model_finds_its_stages(tmp_path):
    inputs = keras.Input((32, 32, 3))
    x = inputs
    for stage, width in enumerate((4, 6, 8), 1):
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", name=f"down{stage}")(x)
        x = keras.layers.ReLU(name=f"end{stage}")(x)
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(inputs, outputs).save(tmp_path / "mine.keras")
    classifier = load_foreign(tmp_path / "mine.keras", "unit", ("a", "b", "c"))
    assert classifier.stages == ("end1", "end2", "end3")
    assert classifier.pooled_layer() == "end3"
    with pytest.raises(UnknownName, match="preprocessing"):
        load_foreign(tmp_path / "mine.keras", "unti", ())


def conv(shape=(32, 32, 3), classes=3):
    inputs = keras.Input(shape)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes)(x))


def two_outputs():
    model = conv()
    return keras.Model(model.input, [model.output, keras.layers.Dense(2)(model.output)])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: conv((32, 48, 4)), r"odd.keras must take one picture, \(batch, height, width, 3 colours or 1\)"),
        (lambda: conv(classes=1), "odd.keras has one output and no sigmoid; dogcam explains classes"),
        (two_outputs, "odd.keras has several outputs: choose one with --output: dense_"),
    ],
)
def test_a_foreign_model_that_does_not_fit_is_one_clear_error(tmp_path, make, words):
    make().save(tmp_path / "odd.keras")
    with pytest.raises(ModelError, match=words):
        load_foreign(tmp_path / "odd.keras", "unit", ())


def test_a_foreign_sequential_model_is_explained_as_its_flat_graph(tmp_path):
    layers = [
        keras.Input((32, 32, 3)),
        keras.layers.Conv2D(4, 3, activation="relu", name="first"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.save(tmp_path / "sequential.keras")
    classifier = load_foreign(tmp_path / "sequential.keras", "unit", ("a", "b", "c"))
    assert classifier.pooled_layer() == "first"
    pictures = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    logits = HeatmapEngine(classifier, [("cam", "first"), ("gradcam", "first")])(pictures).logits
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, model.predict(pictures, verbose=0), atol=1e-5)


@pytest.mark.parametrize("content", [b"not a model", b""])
def test_a_file_that_is_no_model_is_one_clear_error(tmp_path, content):
    path = tmp_path / "broken.keras"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.keras"):
        load_foreign(path, "unit", ())


def test_a_model_that_carries_code_is_not_opened(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda t: t * 2)(inputs)
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(inputs, outputs).save(tmp_path / "code.keras")
    with pytest.raises(ModelError, match=r"code\.keras"):
        load_foreign(tmp_path / "code.keras", "unit", ())


def two_headed(kind):
    inputs = keras.Input((32, 48, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    breeds, colours = keras.layers.Dense(3, name="breeds")(pooled), keras.layers.Dense(5, name="colours")(pooled)
    return keras.Model(inputs, {"breeds": breeds, "colours": colours} if kind is dict else [colours, breeds])


class TestForeign:
    """Models as they come, without a file."""

    @pytest.mark.parametrize("kind", [list, dict])
    def test_an_output_is_chosen_by_its_name(self, kind):
        model = two_headed(kind)
        assert foreign(model, "none", output="breeds").class_count == 3
        assert foreign(model, "none", output="colours").class_count == 5
        with pytest.raises(UnknownName, match="unknown output 'breed'; the nearest: breeds"):
            foreign(model, "none", output="breed").class_count  # noqa: B018
        with pytest.raises(ModelError, match=r"several outputs: choose one with --output: .*breeds"):
            foreign(model, "none")

    def test_a_subclassed_model_is_one_clear_error(self):
        class Subclassed(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense = keras.layers.Dense(2)

            def call(self, x):
                return self.dense(keras.ops.mean(x, axis=(1, 2)))

        model = Subclassed()
        model(np.zeros((1, 8, 8, 3), np.float32))
        for broken in (model, keras.Sequential([keras.layers.Conv2D(2, 3)])):
            with pytest.raises(ModelError, match="mine has no graph to look into: only Sequential and functional models"):
                foreign(broken, "none", name="mine")

    @pytest.mark.parametrize(
        ("shape", "size", "channels"),
        [((32, 48, 3), (32, 48), 3), ((32, 48, 1), (32, 48), 1), ((None, None, 3), (224, 224), 3), ((None, 64, 3), (224, 64), 3)],
    )
    def test_its_input_is_read_from_it(self, shape, size, channels):
        classifier = foreign(conv(shape), "none")
        assert (classifier.size, classifier.channels) == (size, channels)

    def test_a_model_of_vectors_or_of_two_pictures_is_refused(self):
        vector = keras.Sequential([keras.Input((7,)), keras.layers.Dense(2)])
        left, right = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
        pair = keras.Model([left, right], keras.layers.Dense(2)(keras.ops.mean(left + right, axis=(1, 2))))
        for model in (vector, pair):
            with pytest.raises(ModelError, match="must take one picture"):
                foreign(model, "none")

    def test_a_grey_model_sees_the_luminance(self):
        pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), np.uint8)
        found = foreign(conv((32, 48, 1)), "unit").inputs_of(pixels)
        expected = (0.299 * pixels[..., :1] + 0.587 * pixels[..., 1:2] + 0.114 * pixels[..., 2:]) / 255
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_preprocessing_may_be_a_function(self):
        pixels = np.full((1, 32, 32, 3), 10, np.uint8)
        assert (foreign(conv(), lambda images: images * 3).inputs_of(pixels) == 30).all()

    def test_stages_are_the_last_layers_that_the_classes_depend_on(self):
        inputs = keras.Input((32, 48, 3))
        x = keras.layers.Conv2D(2, 3, strides=2, name="one")(inputs)
        x = keras.layers.Conv2D(2, 3, strides=2, name="two")(x)
        aside = keras.layers.Conv2D(2, 1, name="aside")(x)
        outputs = keras.layers.Dense(2, name="out")(keras.layers.GlobalAveragePooling2D()(x))
        model = keras.Model(inputs, [outputs, keras.layers.Flatten(name="other")(aside)])
        assert foreign(model, "none", output="out").stages == ("one", "two")


class TestUntrained:
    def test_it_is_the_same_architecture_with_other_weights(self, small):
        twin = small.untrained(1)  # not the seed that `small` was made from
        pairs = zip(small.model.layers[1:], twin.model.layers[1:], strict=True)  # the input's name is no matter
        assert all((type(a), a.name, a.output.shape) == (type(b), b.name, b.output.shape) for a, b in pairs)
        assert (twin.classes, twin.stages) == (small.classes, small.stages)
        kernels = [(a.numpy(), b.numpy()) for a, b in zip(small.model.weights, twin.model.weights, strict=True)]
        assert all(a.shape == b.shape for a, b in kernels)
        assert all(not np.allclose(a, b) for a, b in kernels if a.ndim > 1)

    def test_the_seed_decides_and_nothing_else_is_touched(self, small):
        before = [w.numpy() for w in small.model.weights]
        random.seed(7)
        state = random.getstate()
        first, again, other = small.untrained(3), small.untrained(3), small.untrained(4)
        assert random.getstate() == state
        pairs = list(zip(first.model.get_weights(), again.model.get_weights(), other.model.get_weights(), strict=True))
        for one, same, _ in pairs:
            np.testing.assert_array_equal(one, same)
        assert any(not np.allclose(one, different) for one, _, different in pairs)
        for now, then in zip(small.model.weights, before, strict=True):
            np.testing.assert_array_equal(now.numpy(), then)

    def test_a_layer_that_cannot_be_made_anew_is_one_clear_error(self):
        class Fixed(keras.layers.Layer):
            def __init__(self, times):
                super().__init__()
                self.times = times

            def call(self, x):
                return x * self.times

        inputs = keras.Input((8, 8, 3))
        outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(Fixed(2)(inputs)))
        with pytest.raises(ModelError, match="mine cannot be built anew with fresh weights: "):
            foreign(keras.Model(inputs, outputs), "none", name="mine").untrained()
