"""Every method of the registry through the engine: two networks, square and not, against evidence from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest

from dogcam.core.errors import LayerError
from dogcam.engine import INPUT, NOBODY, PREDICTED, HeatmapEngine, Heatmaps, plan_cells
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier

# Either network sees either shape and either score.
CASES = {
    "smooth 16x16 logit": ("smooth", (16, 16), "logit"),
    "smooth 12x20 softmax": ("smooth", (12, 20), "softmax"),
    "nested 16x16 softmax": ("nested", (16, 16), "softmax"),
    "nested 12x20 logit": ("nested", (12, 20), "logit"),
}
SEED = 1  # of the first ones that where no ReLU leaves nothing but zeros
CHECKED = (0, 1)  # the pictures that are compared with evidence from outside: a class, and one against another
# Averaging gradients by differences takes seconds: one picture has to do, oblong of one network, square of the other.
AVERAGED = (("smooth", 12), ("nested", 16))
TARGETS, AGAINST = np.array([2, 0, PREDICTED]), np.array([NOBODY, 3, NOBODY])


@dataclass
class Case:
    classifier: Classifier
    inputs: np.ndarray
    engine: HeatmapEngine
    found: Heatmaps
    alone: list[Heatmaps]
    before: Any
    evidence: Any

    def cells(self, name):
        return [cell for cell in self.engine.cells if cell[0] == name]


def state_of(model):
    """All that a user could miss: weights, flags, configuration, and how often layers were called on symbolic tensors."""
    parts = list(model._flatten_layers())
    return {
        "weights": [weight.numpy() for weight in model.weights],
        "trainable": [(each.name, each.trainable) for each in parts],
        "nodes": [(each.name, len(each._inbound_nodes), len(each._outbound_nodes)) for each in parts],
        "config": model.get_config(),
        "names": [weight.path for weight in model.weights],
        "outputs": [id(each) for each in model.outputs],
    }


def assert_unchanged(model, before):
    after = state_of(model)
    for now, then in zip(after.pop("weights"), before["weights"], strict=True):
        np.testing.assert_array_equal(now, then)
    assert after == {key: each for key, each in before.items() if key != "weights"}


def possible(classifier, layers):
    """(method, layer) of every method that the network can give."""
    names = [name for name, row in METHODS.items() if classifier.pooled_layer() or not row.only_pooled]
    return plan_cells(classifier, names, layers)


@pytest.fixture(scope="module", params=CASES)
def case(request, networks, outside):
    network, (height, width), kind = CASES[request.param]
    build, cut, layers = networks.NETWORKS[network]
    model = build(height, width, seed=SEED)
    model.layers[0].trainable = False
    before = state_of(model)
    classifier = networks.classifier(model)
    inputs = np.random.default_rng(3).normal(size=(3, height, width, 3)).astype(np.float32)
    engine = HeatmapEngine(classifier, possible(classifier, layers), kind, mask_batch=64)
    found = engine(inputs, TARGETS, AGAINST)
    alone = [engine(inputs[i : i + 1], TARGETS[i : i + 1], AGAINST[i : i + 1]) for i in range(3)]
    twin = classifier.untrained(0).model
    kernel = np.float64(model.layers[-1].get_weights()[0])
    kept = {}

    def evidence(picture, layer):
        if (picture, layer) not in kept:
            against = None if AGAINST[picture] == NOBODY else AGAINST[picture]
            kept[picture, layer] = outside.Outside(
                lambda x: cut(model, x), lambda x: cut(twin, x), kernel, inputs[picture], layer, TARGETS[picture], against, kind
            )
        return kept[picture, layer]

    return Case(classifier, inputs, engine, found, alone, before, evidence)


def test_the_networks_in_numpy_are_those_in_keras(case):
    expected = case.classifier.model.predict(case.inputs, verbose=0)
    for picture in CHECKED:
        logits = case.evidence(picture, INPUT).logits
        np.testing.assert_allclose(case.found.logits[picture], logits, atol=1e-5)
        shares = np.exp(logits) / np.exp(logits).sum()
        ends_in_softmax = np.allclose(expected.sum(axis=1), 1)
        np.testing.assert_allclose(expected[picture], shares if ends_in_softmax else logits, atol=1e-5)


def test_the_model_is_left_as_it_was(case):
    assert_unchanged(case.classifier.model, case.before)


def test_the_targets_are_those_asked_for(case):
    predicted = case.classifier.model.predict(case.inputs, verbose=0).argmax(axis=1)
    assert case.found.targets.tolist() == [2, 0, predicted[2]]
    assert case.found.against.tolist() == [-1, 3, -1]


@pytest.mark.parametrize("name", METHODS)
class TestEveryMethod:
    @pytest.fixture(autouse=True)
    def _only_what_exists(self, name, case):
        if METHODS[name].only_pooled and not case.classifier.pooled_layer():
            with pytest.raises(LayerError, match=r"needs global average pooling .* fed by Dense 'hidden'"):
                plan_cells(case.classifier, [name])
            pytest.skip("the network has no pooling, and the error says so")

    def test_maps_are_float32_finite_and_of_the_layers_size(self, name, case):
        row = METHODS[name]
        for cell in case.cells(name):
            maps = case.found.maps[cell]
            at_input = not row.at_layer or "guided_gradients" in row.needs
            size = case.inputs.shape[1:3] if at_input else case.evidence(0, cell[1]).activations.shape[:2]
            assert maps.shape == (3, *size)
            assert maps.dtype == np.float32
            assert np.isfinite(maps).all()
            flags = case.found.flags[cell]
            assert flags.shape == (3,)
            if not row.positive_only:
                assert not flags.any()

    def test_one_of_a_batch_equals_the_same_alone(self, name, case):
        for cell in case.cells(name):
            for picture, alone in enumerate(case.alone):
                together = case.found.maps[cell][picture]
                atol = 1e-5 * np.abs(together).max() + 1e-9
                np.testing.assert_allclose(alone.maps[cell][0], together, atol=atol)

    def test_it_is_the_pure_function_of_evidence_from_outside(self, name, case, outside):
        row, shown = METHODS[name], 0
        for cell in case.cells(name):
            few = "mean_gradient" in row.needs
            if few and (case.classifier.model.name, case.inputs.shape[1]) not in AVERAGED:
                shown = 1
                continue
            for picture in CHECKED[-1:] if few else CHECKED:
                expected = outside.map_of(row, case.evidence(picture, cell[1]))
                atol = 2e-4 * np.abs(expected).max() + 1e-8
                np.testing.assert_allclose(case.found.maps[cell][picture], expected, atol=atol)
                shown += np.abs(expected).max() > 1e-6
        assert shown, "maps of zeros prove nothing"


@pytest.fixture(scope="module")
def all_together(networks):
    """A classifier, inputs, and what every method gives where all of them share an engine."""
    classifier = networks.classifier(networks.smooth(10, 14))
    inputs = np.random.default_rng(4).normal(size=(2, 10, 14, 3)).astype(np.float32)
    cells = [*possible(classifier, ()), ("gradcam", "inside")]
    return classifier, inputs, HeatmapEngine(classifier, cells, mask_batch=50)(inputs)


@pytest.mark.parametrize("name", METHODS)
def test_alone_in_an_engine_it_gives_the_same_and_leaves_the_model_alone(name, all_together):
    """What one method needs must not depend on what others need."""
    classifier, inputs, together = all_together
    before = state_of(classifier.model)
    cells = plan_cells(classifier, [name])
    found = HeatmapEngine(classifier, cells, mask_batch=64)(inputs)
    assert list(found.maps) == list(found.flags) == cells
    expected = together.maps[cells[0]]
    np.testing.assert_allclose(found.maps[cells[0]], expected, atol=1e-5 * np.abs(expected).max() + 1e-9)
    np.testing.assert_allclose(found.logits, classifier.model.predict(inputs, verbose=0), atol=1e-5)
    assert_unchanged(classifier.model, before)


@pytest.mark.parametrize("network", ["smooth", "nested"])
def test_bias_gradients_and_input_gradients_add_up_to_the_logit(network, networks, monkeypatch):
    """Srinivas and Fleuret 2019, prop. 1: x * dS/dx and b dS/db over all biases are complete where S is piecewise linear.

    `smooth` is made so by taking its tanh away.
    """
    build, cut, _ = networks.NETWORKS[network]
    model = build(12, 20)
    for layer in model.layers:
        if getattr(layer, "activation", None) is keras.activations.tanh:
            layer.activation = keras.activations.relu
    classifier = networks.classifier(model)
    inputs = np.random.default_rng(6).normal(size=(2, 12, 20, 3)).astype(np.float32)

    def total(xp, inputs, input_gradients, bias_gradients):
        assert len(bias_gradients) == {"smooth": 4, "nested": 3}[network]
        parts = [inputs * input_gradients, *bias_gradients]
        return sum(xp.sum(each, axis=(1, 2, 3)) for each in parts)[:, None, None]

    row = type(METHODS["fullgrad"])(total, METHODS["fullgrad"].needs, "sum", "", 2019, "", False)
    monkeypatch.setitem(METHODS._entries, "total", row)
    found = HeatmapEngine(classifier, [("total", INPUT)])(inputs, np.array([1, 4]))
    of_maps = found.maps["total", INPUT][:, 0, 0]
    for picture, target in enumerate((1, 4)):
        logit = found.logits[picture, target]
        dense = 0.0
        if network == "nested":
            for value, bias, tail in cut(model, inputs[picture]).dense:
                slope = [
                    (tail(value[None] + step)[0, target] - tail(value[None] - step)[0, target]) / 2e-5
                    for step in np.eye(value.size) * 1e-5
                ]
                dense += (bias * slope).sum()
        else:
            dense = model.get_layer("logits").bias.numpy()[target]
        np.testing.assert_allclose(of_maps[picture] + dense, logit, atol=1e-4)
