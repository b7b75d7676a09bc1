"""Score-CAM and its kin: which masks they ask about, and what scores weigh."""

from __future__ import annotations

import numpy as np
import pytest

SCORED = ("scorecam", "faster-scorecam", "ss-cam", "is-cam")


class TestScoreCam:
    @pytest.mark.parametrize("name", SCORED)
    def test_constant_channels_are_dropped_before_the_softmax(self, name, toy):
        network, more = toy.Toy(seed=6), toy.Toy(seed=6)
        height, width, channels = network.activations.shape
        constant = np.broadcast_to(np.array([2.5, 0, -1 / 3], np.float32), (height, width, 3))
        more.activations = np.concatenate([network.activations, constant], axis=-1)
        # The scores stay the same: what the network computes itself has zeros there, and no weight on them.
        more.mixing, more.linear, more.square = (
            np.concatenate([each, np.zeros((*each.shape[:-1], 3))], axis=-1) for each in (more.mixing, more.linear, more.square)
        )
        (plain, asked), (found, asked_more) = toy.probed(name, network), toy.probed(name, more)
        np.testing.assert_allclose(found, plain, atol=1e-6)
        assert len(asked_more.copies) == len(asked.copies) == channels * {"ss-cam": 35, "is-cam": 10}.get(name, 1)

    @pytest.mark.parametrize("name", SCORED)
    def test_only_constant_channels_give_zeros_without_asking(self, name, toy):
        network = toy.Toy()
        network.activations = np.full_like(network.activations, 0.1)
        found, probes = toy.probed(name, network)
        assert (found == 0).all()
        assert probes.copies is None

    @pytest.mark.parametrize("bias", [1e4, -1e4])
    def test_a_shift_of_every_score_changes_nothing(self, bias, toy):
        """The softmax cancels it, as it cancels the baseline of the paper; 1e4 would overflow if done naively."""
        shifted = toy.probed("scorecam", toy.Toy(bias=bias))[0]
        # A logit of 1e4 in single precision is known to about 1e-3 only.
        np.testing.assert_allclose(shifted, toy.probed("scorecam", toy.Toy())[0], atol=3e-3)

    def test_masks_span_zero_to_one(self, toy):
        _, probes = toy.probed("scorecam", toy.Toy())
        assert (probes.copies.min(axis=(1, 2)) == 0).all()
        assert (probes.copies.max(axis=(1, 2)) == 1).all()

    def test_the_faster_one_asks_for_ten(self, toy):
        assert len(toy.probed("faster-scorecam", toy.Toy(channels=13))[1].copies) == 10
        few = toy.Toy(channels=6)
        np.testing.assert_allclose(toy.probed("faster-scorecam", few)[0], toy.probed("scorecam", few)[0], rtol=1e-5)

    def test_without_noise_ss_cam_is_scorecam(self, toy, monkeypatch):
        network = toy.Toy(channels=5)
        plain, asked = toy.probed("scorecam", network)
        monkeypatch.setattr("dogcam.methods.scores.MASK_NOISE", 0.0)
        found, probes = toy.probed("ss-cam", network)
        np.testing.assert_allclose(found, plain, rtol=1e-5)
        np.testing.assert_allclose(probes.copies, asked.copies.repeat(35, axis=0), atol=1e-6)

    def test_the_noise_of_ss_cam_has_a_deviation_of_two(self, toy):
        network = toy.Toy(size=(24, 40))
        asked, probes = toy.probed("scorecam", network)[1], toy.probed("ss-cam", network)[1]
        noise = probes.copies - asked.copies.repeat(35, axis=0)
        np.testing.assert_allclose(noise.mean(), 0, atol=5 * 2 / np.sqrt(noise.size))
        np.testing.assert_allclose(noise.std(), 2, rtol=5 / np.sqrt(2 * noise.size))
        correlation = np.corrcoef(noise.reshape(len(noise), -1))
        assert np.abs(correlation - np.eye(len(noise))).max() < 6 / np.sqrt(24 * 40)

    def test_the_masks_of_is_cam_fade_in(self, toy):
        network = toy.Toy()
        asked, probes = toy.probed("scorecam", network)[1], toy.probed("is-cam", network)[1]
        steps = np.arange(1, 11)[None, :, None, None] / 10
        np.testing.assert_allclose(probes.copies, (asked.copies[:, None] * steps).reshape(-1, 12, 10), atol=1e-6)
