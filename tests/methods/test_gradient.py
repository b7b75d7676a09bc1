"""Methods that weigh by the gradient: where they coincide, and where their formulas have holes."""

from __future__ import annotations

import numpy as np


def test_at_the_pooled_layer_gradcam_is_relu_of_cam_over_the_number_of_pixels(given):
    """With a logit after global average pooling dS/dA_k(i, j) = w_k / Z everywhere."""
    arrays = given.evidence(10)
    pixels = given.HEIGHT * given.WIDTH
    gradients = arrays["class_weights"][:, None, None, :] / pixels
    arrays["gradients"] = np.broadcast_to(gradients, arrays["activations"].shape)
    relu_of_cam = np.maximum(given.maps_of("cam", arrays), 0) / pixels
    np.testing.assert_allclose(given.maps_of("gradcam", arrays), relu_of_cam, rtol=1e-4, atol=1e-6)


def test_families_coincide_where_gradients_do_not_depend_on_the_place(given):
    """As at the pooled layer with a logit score, activations after a ReLU; the Hessian is 0 there."""
    arrays = given.evidence(13, height=7, width=7, channels=16)
    arrays["activations"] = np.maximum(arrays["activations"], 0)
    arrays["gradients"] = np.broadcast_to(arrays["class_weights"][:, None, None, :] / 49, arrays["activations"].shape)
    arrays["hessian_activations"] = np.zeros_like(arrays["activations"])
    relu_of_cam = np.maximum(given.maps_of("cam", arrays), 0) / 49
    for name in ("gradcam", "hirescam", "xgradcam", "shapleycam"):
        np.testing.assert_allclose(given.maps_of(name, arrays), relu_of_cam, atol=1e-5 * relu_of_cam.max())
    layercam, elementwise = given.maps_of("layercam", arrays), given.maps_of("gradcam-elementwise", arrays)
    np.testing.assert_allclose(layercam, elementwise, atol=1e-5 * layercam.max())


def test_shapleycam_of_a_quadratic_score_shares_it_out_among_the_channels(given):
    """S = sum (U A + V A^2 / 2): g - H A / 2 = U + V A / 2, and with no place to average over the map is ReLU(S)."""
    rng = np.random.default_rng(1)
    linear, square, values = (rng.normal(size=(40, 1, 1, 6)).astype(np.float32) for _ in range(3))
    arrays = {"activations": values, "gradients": linear + square * values, "hessian_activations": square * values}
    scores = (linear * values + square * values**2 / 2).sum(axis=-1)
    assert (scores > 0).any()
    np.testing.assert_allclose(given.maps_of("shapleycam", arrays), np.maximum(scores, 0), atol=1e-5)


class TestGradCamPlusPlus:
    def test_where_its_denominator_is_zero(self, given):
        """g = 1 and sum A = -2: 2 g^2 + g^3 sum A = 0, so that place weighs nothing; the other has alpha 1/2 - ..."""
        activations = np.array([[[[-3.0]], [[1.0]]]], np.float32)
        gradients = np.array([[[[1.0]], [[0.5]]]], np.float32)
        weight = 0.5 / (2 + 0.5 * -2)  # of the second place alone: ReLU(g) / (2 + g sum A)
        found = given.maps_of("gradcam++", {"activations": activations, "gradients": gradients})
        np.testing.assert_allclose(found[0, :, 0], [0, weight * 1.0])

    def test_it_does_not_change_with_the_scale_of_tiny_gradients(self, given):
        """Where g sum A vanishes beside 2, w = sum ReLU(g) / 2: proportional to g down to 1e-25, where g^2 underflows."""
        arrays = given.evidence(12)
        tiny = {**arrays, "gradients": arrays["gradients"] * np.float32(1e-25)}
        expected_weights = np.maximum(tiny["gradients"].astype(np.float64), 0).sum(axis=(1, 2)) / 2
        truth = np.maximum(np.einsum("bijk,bk->bij", arrays["activations"].astype(np.float64), expected_weights), 0)
        np.testing.assert_allclose(given.maps_of("gradcam++", tiny), truth, atol=1e-4 * truth.max())
