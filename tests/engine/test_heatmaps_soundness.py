"""No NaN and no infinity ever leaves the engine, whatever goes in; and what is sound beside it stays as it is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dogcam.engine import INPUT, HeatmapEngine, plan_cells
from dogcam.methods import METHODS

HEIGHT, WIDTH = 8, 12


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module", params=["logit", "softmax"])
def engine(request, networks):
    """Of every method at two layers. Tests set the weights of its model: it reads them anew for every batch."""
    classifier = networks.classifier(networks.smooth(HEIGHT, WIDTH, seed=1))
    return HeatmapEngine(classifier, plan_cells(classifier, METHODS, ["last"]), request.param, mask_batch=128)


@pytest.fixture
def weights(engine):
    """A function that sets a layer's weights, until the test is over."""
    model = engine.classifier.model
    before = model.get_weights()
    yield lambda layer, change: model.get_layer(layer).set_weights([change(w) for w in model.get_layer(layer).get_weights()])
    model.set_weights(before)


def assert_finite(found, cells):
    assert set(found.maps) == set(found.flags) == set(cells)
    for cell, maps in found.maps.items():
        assert np.isfinite(maps).all(), cell
        assert maps.dtype == np.float32, cell
        assert (maps[found.flags[cell] & (METHODS[cell[0]].positive_only is False)] == 0).all(), cell


INPUTS = normal(2, HEIGHT, WIDTH, 3)
EXTREMES = {
    "logits of 1e4": ("logits", lambda w: w * 1e4, INPUTS),
    "logits of -1e4": ("logits", lambda w: w * -1e4, INPUTS),
    "activations of 0": ("last", lambda w: w * 0, INPUTS),
    "constant activations": ("last", lambda w: w * 0 + (0.3 if w.ndim == 1 else 0), INPUTS),
    "negative activations": ("last", lambda w: w - 5 if w.ndim == 1 else w * 0.1, INPUTS),
    "no weight in the head": ("logits", lambda w: w * 0, INPUTS),
    "inputs of 0": ("logits", lambda w: w, INPUTS * 0),
    "inputs of 1e6": ("logits", lambda w: w, INPUTS * 1e6),
}


@pytest.mark.parametrize("extreme", EXTREMES)
def test_extremes_give_finite_maps_and_no_flags(engine, weights, extreme):
    layer, change, inputs = EXTREMES[extreme]
    weights(layer, change)
    found = engine(inputs, np.array([0, 3]))
    assert_finite(found, engine.cells)
    assert np.isfinite(found.logits).all()
    if extreme.startswith("logits of"):
        assert np.abs(found.logits).max() > 1e3
    for cell, flags in found.flags.items():
        if not METHODS[cell[0]].positive_only:
            assert not flags.any(), cell


def test_what_is_linear_in_the_head_is_so_at_1e4_too(engine, weights):
    """The extreme above is explained, and not put to zeros."""
    if engine.score != "logit":
        pytest.skip("a probability is not linear in the logits")
    before = engine(INPUTS, np.array([0, 3]))
    weights("logits", lambda w: w * 1e4)
    after = engine(INPUTS, np.array([0, 3]))
    for name in ("cam", "gradcam", "hirescam", "xgradcam", "layercam"):
        expected = before.maps[name, "last"] * 1e4
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(after.maps[name, "last"], expected, rtol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_a_picture_that_breaks_the_network_is_flagged_and_the_others_are_right(engine, value):
    """1e38 is finite: it is the network that makes an infinity of it."""
    broken = normal(4, HEIGHT, WIDTH, 3, seed=2)
    sound = np.delete(broken, 2, axis=0)
    broken[2, 3:5] = value
    found, expected = engine(broken, np.array([1, 2, 3, 4])), engine(sound, np.array([1, 2, 4]))
    assert_finite(found, engine.cells)
    for cell in engine.cells:
        maps = np.delete(found.maps[cell], 2, axis=0)
        atol = 1e-5 * np.abs(expected.maps[cell]).max() + 1e-9
        np.testing.assert_allclose(maps, expected.maps[cell], atol=atol)
        np.testing.assert_array_equal(np.delete(found.flags[cell], 2), expected.flags[cell])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_maps_of_a_picture_that_is_not_one_are_zeros_and_flagged(engine, value):
    broken = normal(2, HEIGHT, WIDTH, 3, seed=2)
    broken[1, 4, 5, 0] = value
    found = engine(broken)
    for cell in engine.cells:
        assert found.flags[cell][1], cell
        assert (found.maps[cell][1] == 0).all(), cell
        assert not found.flags[cell][0] or METHODS[cell[0]].positive_only, cell


def test_a_network_of_nans_gives_zeros_and_flags(engine, weights):
    weights("inside", lambda w: w * np.nan)
    found = engine(INPUTS)
    assert_finite(found, engine.cells)
    for (name, layer), flags in found.flags.items():
        if METHODS[name].class_specific:
            assert flags.all(), (name, layer)


def test_a_picture_that_the_network_makes_a_nan_of_is_flagged_where_the_class_counts(networks):
    """The root of a negative mean: inputs and activations are finite, the logits of one picture are not."""
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    x = keras.layers.ReLU(name="relu")(keras.layers.Conv2D(4, 3, name="conv", bias_initializer="normal")(inputs))
    rooted = keras.ops.sqrt(keras.ops.mean(keras.layers.Conv2D(4, 1, name="last")(x), axis=(1, 2)))
    model = keras.Model(inputs, keras.layers.Dense(3, name="out")(rooted))
    model.get_layer("last").set_weights([np.ones((1, 1, 4, 4)), np.full(4, -0.5)])
    model.get_layer("conv").set_weights([np.abs(normal(3, 3, 3, 4)), np.zeros(4)])
    classifier = networks.classifier(model)
    pictures = np.abs(normal(3, HEIGHT, WIDTH, 3))
    pictures[1] *= -1
    assert np.isnan(model.predict(pictures, verbose=0)).all(axis=1).tolist() == [False, True, False]
    cells = plan_cells(classifier, [name for name, row in METHODS.items() if not row.only_pooled], ["conv"])
    engine = HeatmapEngine(classifier, cells, mask_batch=128)
    found, expected = engine(pictures, np.array([0, 1, 2])), engine(pictures[[0, 2]], np.array([0, 2]))
    assert_finite(found, cells)
    for cell in cells:
        if METHODS[cell[0]].class_specific and METHODS[cell[0]].needs[0] != "untrained_activations":
            assert found.flags[cell][1], cell
            assert (found.maps[cell][1] == 0).all()
        np.testing.assert_allclose(found.maps[cell][[0, 2]], expected.maps[cell], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(found.flags[cell][[0, 2]], expected.flags[cell])


def test_nan_in_one_layer_leaves_the_map_of_another_as_it_is(networks):
    """A bias of infinity at the end makes no activation before it unsound."""
    model = networks.smooth(HEIGHT, WIDTH)
    classifier = networks.classifier(model)
    cells = [("eigencam", "inside"), ("eigencam", "last"), ("saliency", INPUT)]
    expected = HeatmapEngine(classifier, cells)(INPUTS).maps["eigencam", "inside"]
    model.get_layer("last").set_weights([w * np.nan for w in model.get_layer("last").get_weights()])
    found = HeatmapEngine(classifier, cells)(INPUTS)
    np.testing.assert_allclose(found.maps["eigencam", "inside"], expected, atol=1e-6)
    assert found.flags["eigencam", "last"].all()
    assert not found.flags["eigencam", "inside"].any()


def test_an_infinity_that_only_the_map_holds_is_flagged(networks):
    """Activations near the largest number there is: each is finite, and their sum is not."""
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    x = keras.layers.Conv2D(4, 3, name="conv", bias_initializer=keras.initializers.Constant(3e38))(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GlobalMaxPooling2D()(x)))
    cell = "mean-activation", "conv"
    found = HeatmapEngine(networks.classifier(model), [cell])(INPUTS)
    assert found.flags[cell].all()
    assert (found.maps[cell] == 0).all()


def test_smoothing_and_fusing_flag_what_their_parts_flag(networks):
    classifier = networks.classifier(networks.smooth(HEIGHT, WIDTH))
    cells = plan_cells(classifier, ["gradcam", "scorecam"], ["inside", "last"])
    engine = HeatmapEngine(classifier, cells, fuse="mean", smooth=("flip", "scale"))
    broken = normal(3, HEIGHT, WIDTH, 3)
    broken[0, 0, 0, 0] = np.nan
    found, expected = engine(broken), engine(broken[1:])
    for cell in engine.cells:
        assert found.flags[cell].tolist() == [True, False, False]
        assert (found.maps[cell][0] == 0).all()
        np.testing.assert_allclose(found.maps[cell][1:], expected.maps[cell], atol=1e-5)
