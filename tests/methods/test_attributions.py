"""Maps of the input: the axioms that their papers claim, and the enlargement that some of them need."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dogcam.methods.upsampling import enlarged, enlarged_picture, interpolation


class TestEnlarging:
    SIZES = (
        ((3, 5), (7, 11)),
        ((7, 7), (224, 224)),
        ((1, 4), (6, 6)),
        ((2, 3), (2, 9)),
        ((6, 9), (6, 9)),
        ((14, 8), (15, 31)),
    )

    @pytest.mark.parametrize(("small", "large"), SIZES)
    def test_it_is_cv2s_bilinear_in_both_namespaces(self, small, large, ops):
        maps = np.random.default_rng(0).normal(size=(3, *small)).astype(np.float32)
        truth = np.stack([cv2.resize(each, large[::-1], interpolation=cv2.INTER_LINEAR) for each in maps])
        np.testing.assert_allclose(enlarged(np, maps, *large), truth, atol=1e-5)
        np.testing.assert_allclose(np.asarray(enlarged(ops, ops.convert_to_tensor(maps), *large)), truth, atol=1e-5)
        np.testing.assert_allclose(enlarged_picture(maps[0], *large), truth[0], atol=1e-5)

    @pytest.mark.parametrize(("small", "large"), SIZES)
    def test_channels_are_enlarged_one_by_one(self, small, large, ops):
        maps = np.random.default_rng(1).normal(size=(2, *small, 3)).astype(np.float32)
        truth = np.stack([enlarged(np, maps[..., k], *large) for k in range(3)], axis=-1)
        assert truth.shape == (2, *large, 3)
        np.testing.assert_allclose(enlarged(np, maps, *large), truth, atol=1e-6)
        np.testing.assert_allclose(np.asarray(enlarged(ops, ops.convert_to_tensor(maps), *large)), truth, atol=1e-5)

    def test_it_is_as_drawn_by_hand(self):
        """Two pixels to four: centres at 1/8, 3/8, 5/8, 7/8 between centres at 1/4 and 3/4."""
        np.testing.assert_allclose(interpolation(2, 4), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])

    def test_a_constant_stays_what_it_is(self):
        for size, target in ((1, 5), (7, 224), (8, 9), (5, 5)):
            np.testing.assert_allclose(interpolation(size, target).sum(axis=1), 1, rtol=1e-6)

    def test_the_loop_of_the_oracles_is_cv2s_bilinear(self, oracles):
        picture = np.random.default_rng(2).normal(size=(4, 7)).astype(np.float32)
        np.testing.assert_allclose(oracles.bilinear_loop(picture, 9, 13), cv2.resize(picture, (13, 9)), atol=1e-5)


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


class TestSmoothing:
    @pytest.mark.parametrize("name", ["smoothgrad", "smooth-gradcam++"])
    def test_the_noise_is_a_share_of_the_inputs_range(self, name, toy):
        """Smilkov et al. 2017: 15 % of max - min, independent in every value and copy."""
        network = toy.Toy(size=(24, 40))
        _, probes = toy.probed(name, network)
        noise = (probes.copies - network.inputs) / (network.inputs.max() - network.inputs.min())
        count = noise.size
        assert probes.copies.shape == (25, 24, 40, 3)
        np.testing.assert_allclose(noise.mean(), 0, atol=5 * 0.15 / np.sqrt(count))
        np.testing.assert_allclose(noise.std(), 0.15, rtol=5 / np.sqrt(2 * count))
        correlation = np.corrcoef(noise.reshape(25, -1))
        assert np.abs(correlation - np.eye(25)).max() < 6 / np.sqrt(count / 25)

    def test_without_noise_smooth_gradcam_plus_plus_is_gradcam_plus_plus(self, toy, given, monkeypatch):
        monkeypatch.setattr("dogcam.methods.smoothing.NOISE", 0.0)
        network = toy.Toy()
        arrays = {"activations": network.activations[None], "gradients": network.layer_gradients(network.inputs[None])}
        found, _ = toy.probed("smooth-gradcam++", network)
        np.testing.assert_allclose(found, given.maps_of("gradcam++", arrays)[0], rtol=1e-4)
