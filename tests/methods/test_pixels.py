"""Maps of the input: the axioms that their papers claim."""

from __future__ import annotations

import numpy as np
import pytest


class TestColours:
    def test_they_are_added_up_after_taking_absolute_values(self, given):
        gradients = np.array([3, -4, 0.5], np.float32).reshape(1, 1, 1, 3)
        for name, need in (("saliency", "input_gradients"), ("guided-backprop", "guided_gradients")):
            np.testing.assert_allclose(given.maps_of(name, {need: gradients}), [[[7.5]]])


class TestGuidedGradCam:
    def test_it_is_zero_where_gradcam_is(self, given):
        """Only the upper left corner of the layer speaks for the class, and only its surroundings remain."""
        arrays = {
            "activations": np.zeros((1, 4, 4, 1), np.float32),
            "gradients": np.ones((1, 4, 4, 1), np.float32),
            "guided_gradients": -np.ones((1, 16, 16, 3), np.float32),
        }
        arrays["activations"][0, 0, 0] = 1
        found = given.maps_of("guided-gradcam", arrays)[0]
        assert (found[:2, :2] == 3).all()
        assert (found[6:] == 0).all()
        assert (found[:, 6:] == 0).all()


class TestFullGrad:
    def test_a_layer_counts_as_much_whatever_its_scale(self, given):
        arrays = given.evidence(2)
        louder = {**arrays, "bias_gradients": [each * 1000 for each in arrays["bias_gradients"]]}
        np.testing.assert_allclose(given.maps_of("fullgrad", louder), given.maps_of("fullgrad", arrays), rtol=1e-4)

    def test_a_channel_counts_by_its_part_in_its_layer(self, given):
        """Unlike in pytorch-grad-cam: a channel of a thousandth adds at most a thousandth."""
        arrays = given.evidence(3)
        layer = np.abs(np.random.default_rng(0).normal(size=(2, 3, 4, 2))).astype(np.float32)
        layer[:, 0, 0, 0], layer[..., 1] = 0, layer[..., 1] * 0  # the least value is 0, so that nothing is shifted
        faint = layer.copy()
        faint[..., 1] = layer[..., 0] / 1000
        arrays["bias_gradients"] = [layer]
        without = given.maps_of("fullgrad", arrays)
        arrays["bias_gradients"] = [faint]
        difference = given.maps_of("fullgrad", arrays) - without
        assert 0 < difference.max() <= 1.01e-3

    def test_a_constant_layer_and_no_layer_at_all_add_nothing(self, given):
        arrays = given.evidence(4)
        arrays["bias_gradients"] = []
        none = given.maps_of("fullgrad", arrays)
        arrays["bias_gradients"] = [np.full((2, 3, 3, 2), -5, np.float32)]
        np.testing.assert_array_equal(given.maps_of("fullgrad", arrays), none)
        assert none.max() > 0


class TestIntegratedGradients:
    @pytest.mark.parametrize("seed", range(3))
    def test_it_is_complete(self, toy, seed):
        """Sundararajan et al. 2017, proposition 1: before absolute values it adds up to S(x) - S(0)."""
        network = toy.Toy(seed=seed)
        found, probes = toy.probed("integrated-gradients", network)
        signed = network.inputs * probes.mean
        difference = network.score() - network.score(np.zeros_like(network.inputs))
        assert abs(difference) > 0.1
        np.testing.assert_allclose(signed.sum(), difference, rtol=2e-3)
        np.testing.assert_allclose(found, np.abs(signed).sum(axis=-1), rtol=1e-5)

    def test_its_copies_are_the_midpoints_of_the_way_from_zero(self, toy):
        network = toy.Toy()
        _, probes = toy.probed("integrated-gradients", network)
        scales = probes.copies[:, 0, 0, 0] / network.inputs[0, 0, 0]
        np.testing.assert_allclose(scales, (np.arange(32) + 0.5) / 32, rtol=1e-5)
