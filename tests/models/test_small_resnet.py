"""The small ResNet: the names, the shapes and the arguments of keras.applications."""

from __future__ import annotations

import inspect
import socket

import keras
import numpy as np
import pytest

from dogcam.core.errors import ModelError
from dogcam.models.small_resnet import SmallResNet, preprocess_input


@pytest.fixture(scope="module")
def network():
    return SmallResNet()


def test_layers_are_named_as_in_keras_applications(network):
    theirs = {layer.name for layer in keras.applications.ResNet50(weights=None, include_top=False).layers}
    ours = {layer.name for layer in network.layers} - {network.layers[0].name}
    assert ours <= theirs
    assert {"conv1_conv", "conv2_block1_1_conv", "conv2_block1_add"} <= ours
    assert {f"conv{stage}_block1_out" for stage in (2, 3, 4, 5)} <= ours


def test_the_arguments_are_those_of_keras_applications():
    theirs = inspect.signature(keras.applications.ResNet50).parameters
    assert set(inspect.signature(SmallResNet).parameters) == set(theirs)


def test_the_last_map_keeps_an_eighth_of_the_resolution(network):
    assert network.name == "small_resnet"
    assert network.output_shape[:3] == (None, 12, 12)
    assert network.layers[-1].name == "conv5_block1_out"
    assert SmallResNet(input_shape=(64, 128, 3)).output_shape[:3] == (None, 8, 16)


def test_the_graph_is_flat(network):
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)


def test_the_top_gives_logits_unless_an_activation_is_named():
    keras.utils.set_random_seed(0)
    picture = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    logits = SmallResNet(include_top=True, classes=5, input_shape=(32, 32, 3))
    scores = SmallResNet(include_top=True, classes=5, input_shape=(32, 32, 3), classifier_activation="softmax")
    scores.set_weights(logits.get_weights())
    raw = logits(picture, training=False).numpy()
    assert [layer.name for layer in logits.layers[-2:]] == ["avg_pool", "predictions"]
    expected = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    assert scores(picture, training=False).numpy() == pytest.approx(expected, abs=1e-5)


def test_pooling_is_the_mean_or_maximum_of_the_map():
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
    plain = SmallResNet(input_shape=(32, 32, 3))
    answer = plain(picture, training=False).numpy()
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        pooled = SmallResNet(input_shape=(32, 32, 3), pooling=pooling)
        pooled.set_weights(plain.get_weights())
        assert pooled(picture, training=False).numpy() == pytest.approx(reduce(answer, axis=(1, 2)), abs=1e-5)


def test_a_given_tensor_becomes_the_input():
    tensor = keras.Input((48, 48, 3), name="mine")
    assert [x.name for x in SmallResNet(input_tensor=tensor).inputs] == ["mine"]


def test_the_same_seed_builds_the_same_weights():
    def build(seed):
        keras.utils.set_random_seed(seed)
        return SmallResNet(input_shape=(32, 32, 3)).get_weights()

    assert all(np.array_equal(a, b) for a, b in zip(build(3), build(3), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(build(3), build(4), strict=True))


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    SmallResNet(weights=None, input_shape=(32, 32, 3))
    with pytest.raises(ModelError, match="no ImageNet weights"):
        SmallResNet(weights="imagenet")


def test_weights_are_read_from_a_file(network, tmp_path):
    file = tmp_path / "small.weights.h5"
    network.save_weights(file)
    again = SmallResNet(weights=str(file))
    assert all(np.array_equal(a, b) for a, b in zip(network.get_weights(), again.get_weights(), strict=True))


def test_unknown_pooling_is_refused():
    with pytest.raises(ModelError, match="'mean'"):
        SmallResNet(pooling="mean")


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64])
def test_preprocessing_scales_to_one_and_leaves_its_input_alone(kind):
    pixels = np.array([0, 51, 255], kind)
    scaled = preprocess_input(pixels)
    assert scaled.dtype == np.float32
    assert scaled == pytest.approx([-1, -0.6, 1])
    assert pixels.tolist() == [0, 51, 255]
    assert np.array(preprocess_input(keras.ops.convert_to_tensor(pixels))) == pytest.approx([-1, -0.6, 1])
