"""Averages over noisy copies: how much noise, and none."""

from __future__ import annotations

import numpy as np
import pytest


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
