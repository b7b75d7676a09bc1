"""Every row of the model registry: built without weights, run on one picture, and asked where its weights come from."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from dogcam.core.errors import LayerError
from dogcam.core.registry import resolve
from dogcam.engine import HeatmapEngine, plan_cells
from dogcam.models.backbones import BACKBONES
from dogcam.models.classifier import build, imagenet_classifier

WITH_WEIGHTS = [name for name, row in BACKBONES.items() if row.weights]
# Deeper networks of families whose smallest one is tested every time: run by hand with -m slow.
LARGER = {"resnet101", "resnet101_v2", "resnet152", "resnet152_v2", "efficientnet_v2_b1", "efficientnet_v2_b2"}
LARGER |= {"efficientnet_v2_b3", "efficientnet_v2_s"}
LONG = pytest.mark.slow
# VGG16 has no pooling before its head; ConvNeXt has a norm between them, which CAM cannot look through.
NO_CAM_WITH_TOP = {"vgg16", "convnext_tiny"}


# What the builders repeat: without it they are built in no time, and ask for their weights all the same.
REPEATED = {
    "resnet": ("stack_residual_blocks_v1", "stack_residual_blocks_v2"),
    "densenet": ("dense_block",),
    "efficientnet_v2": ("MBConvBlock", "FusedMBConvBlock"),
    "convnext": ("ConvNeXtBlock",),
}


@pytest.fixture(scope="module", autouse=True)
def as_traced():
    """Graphs run as they were traced: TensorFlow's rewriting of networks that run once costs more than it saves."""
    before = tf.config.optimizer.get_experimental_options()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False, **before})


@pytest.fixture
def zeros(monkeypatch):
    """Networks that are built and not run need no random weights, of which VGG16 has 138 million."""

    def zeros(self, shape, dtype=None, **options):
        return keras.ops.zeros(shape, dtype)

    for initializer in (keras.initializers.VarianceScaling, keras.initializers.TruncatedNormal):
        monkeypatch.setattr(initializer, "__call__", zeros)


@pytest.fixture
def hollow(monkeypatch):
    """Builders that leave out what they repeat."""

    def nothing(*arguments, **options):
        first = arguments[0] if arguments else None
        return first if keras.backend.is_keras_tensor(first) else lambda x: x

    for module, names in REPEATED.items():
        for name in names:  # where a later Keras calls it otherwise, the test takes longer and says the same
            monkeypatch.setattr(f"keras.src.applications.{module}.{name}", nothing, raising=False)


def test_the_registry_has_what_was_promised():
    promised = {
        *(f"resnet{depth}{version}" for depth in (50, 101, 152) for version in ("", "_v2")),
        *("mobilenet", "mobilenet_v2", "densenet121", "vgg16", "xception", "inception_v3", "convnext_tiny"),
        *(f"efficientnet_v2_{variant}" for variant in ("b0", "b1", "b2", "b3", "s")),
        "small_resnet",
    }
    assert promised <= set(BACKBONES)


@pytest.mark.parametrize("name", [pytest.param(n, marks=LONG) if n in LARGER else n for n in BACKBONES])
def test_contract(name):
    row = BACKBONES[name]
    classifier = build(name, ("cat", "dog", "bird"), weights="none")
    size = row.image_size
    picture = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    engine = HeatmapEngine(classifier, plan_cells(classifier, ("cam",)) + [("gradcam", stage) for stage in row.stages])
    found = engine(classifier.inputs_of(picture))

    assert found.logits.shape == (1, 3)
    assert np.isfinite(found.logits).all()
    sides = [found.maps["gradcam", stage].shape[1] for stage in row.stages]
    assert len(set(row.stages)) == 3
    assert sides == sorted(sides, reverse=True)
    if name != "small_resnet":  # whose last stage keeps its resolution on purpose
        assert sides[0] > sides[1] > sides[2]
    assert all(np.isfinite(maps).all() for maps in found.maps.values())
    assert row.last_conv == row.stages[-1]
    assert row.source


@pytest.mark.parametrize("name", [pytest.param(n, marks=LONG) if n in LARGER else n for n in WITH_WEIGHTS])
def test_contract_with_the_imagenet_head(name, zeros):
    """Built only, since the layers are those of the contract above."""
    row = BACKBONES[name]
    classifier = imagenet_classifier(name, "none", ())
    assert classifier.class_count == 1000
    assert classifier.kernel.shape[1] == 1000
    # ConvNeXt's last norm comes after the pooling here.
    assert set(classifier.stages) <= {step.path for step in classifier.graph.maps()}
    assert classifier.stages == row.stages or name == "convnext_tiny"
    if name in NO_CAM_WITH_TOP:
        with pytest.raises(LayerError, match="needs global average pooling"):
            plan_cells(classifier, ("cam",))
    else:
        assert plan_cells(classifier, ("cam",)) == [("cam", row.last_conv)]


def test_a_head_that_was_a_convolution_explains_a_picture():
    classifier = imagenet_classifier("mobilenet", "none", ())
    picture = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8)
    found = HeatmapEngine(classifier, plan_cells(classifier, ("cam", "gradcam")))(classifier.inputs_of(picture))
    assert found.logits.shape == (1, 1000)
    assert found.maps["cam", "conv_pw_13_relu"].shape == (1, 7, 7)
    assert all(np.isfinite(maps).all() for maps in found.maps.values())


def test_layers_have_the_same_names_however_many_networks_were_built_before(zeros):
    names = [[layer.name for layer in build("convnext_tiny", ("a", "b"), "none").model.operations] for _ in range(2)]
    assert names[0] == names[1]


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_are_downloaded_from_where_the_row_says(name, zeros, hollow, monkeypatch):
    class AskedFor(Exception):
        pass

    asked = []

    def get_file(fname=None, origin=None, **options):
        asked.append((fname, origin, options.get("cache_subdir")))
        raise AskedFor

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    row = BACKBONES[name]
    with pytest.raises(AskedFor):
        resolve(row.builder)(include_top=False, weights="imagenet", input_shape=(row.image_size,) * 2 + (3,))
    assert asked == [(row.weights.rsplit("/", 1)[1], row.weights, "models")]
