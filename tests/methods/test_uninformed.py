"""Maps that know nothing of the picture."""

from __future__ import annotations

import numpy as np


class TestRandomMap:
    def test_it_fills_zero_to_one_and_is_smooth(self, toy):
        found, _ = toy.probed("random-map", toy.Toy(size=(72, 50)))
        assert found.shape == (72, 50)
        assert 0 <= found.min() < 0.15
        assert 0.85 < found.max() <= 1
        assert np.abs(np.diff(found, axis=0)).max() < 1.01 * 7 / 72
        assert np.abs(np.diff(found, axis=1)).max() < 1.01 * 7 / 50


def test_the_centre_gaussian_is_symmetric_and_falls_by_a_known_factor_over_one_sigma(given):
    """On an odd side the middle pixel is the middle; a quarter of the side away it is exp(-1/2)."""
    found = given.maps_of("centre-gaussian", {"inputs": np.full((2, 101, 61, 3), 7, np.float32)})
    assert found.shape == (2, 101, 61)
    assert found.max() == found[0, 50, 30] == 1
    np.testing.assert_allclose(found, found[:, ::-1, ::-1], rtol=1e-5)
    np.testing.assert_allclose(np.interp(50 + 101 / 4, np.arange(101), found[0, :, 30]), np.exp(-0.5), rtol=1e-3)
    np.testing.assert_allclose(np.interp(30 + 61 / 4, np.arange(61), found[0, 50]), np.exp(-0.5), rtol=1e-3)
