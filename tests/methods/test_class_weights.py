"""CAM: the dense kernel's sum over channels, and what it adds up to."""

from __future__ import annotations

import numpy as np


def test_cam_has_no_relu_and_gradcam_has_one(given):
    arrays = given.evidence(8)
    assert given.maps_of("cam", arrays).min() < 0
    assert given.maps_of("gradcam", arrays).min() == 0


def test_the_mean_of_cam_is_the_logit_less_the_bias(given):
    """Zhou et al. 2016, eq. 1: S = sum_k w_k mean(f_k)."""
    arrays = given.evidence(9)
    pooled = arrays["activations"].mean(axis=(1, 2))
    logit = (pooled * arrays["class_weights"]).sum(axis=-1)
    np.testing.assert_allclose(given.maps_of("cam", arrays).mean(axis=(1, 2)), logit, rtol=1e-4)
