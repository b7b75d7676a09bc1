"""Enlargement: cv2's bilinear, in both namespaces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dogcam.methods.upsampling import enlarged, enlarged_picture, interpolation


class TestEnlarging:
    SIZES = (((3, 5), (7, 11)), ((7, 7), (224, 224)), ((1, 4), (6, 6)), ((2, 3), (2, 9)), ((6, 9), (6, 9)), ((14, 8), (15, 31)))

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
