"""Methods of arrays: against loops written from the papers, in NumPy and in the engine's own namespace."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.methods import METHODS

ONE_PASS = [name for name, row in METHODS.items() if not row.probing]


@pytest.fixture
def expected(oracles):
    """The loop of a method over the pictures of a batch, in double precision."""

    def loops(name, arrays):
        def of(each, picture):
            return [part[picture].astype(np.float64) for part in each] if isinstance(each, list) else each[picture]

        batch = len(arrays["activations"])
        doubled = {need: each if isinstance(each, list) else each.astype(np.float64) for need, each in arrays.items()}
        loop, needs = oracles.ONE_PASS[name], METHODS[name].needs
        return np.array([loop(**{need: of(doubled[need], picture) for need in needs}) for picture in range(batch)])

    return loops


@pytest.mark.parametrize("name", ONE_PASS)
class TestEveryOnePassMethod:
    @pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 7, 2, 3), (3, 1, 6, 1)])
    def test_numpy_gives_the_papers_formula(self, name, shape, given, expected):
        arrays = given.evidence(3, *shape)
        found = given.maps_of(name, arrays)
        row = METHODS[name]
        of_input = not row.at_layer or name == "guided-gradcam"
        assert found.shape == (shape[0], *(given.INPUT[:2] if of_input else shape[1:3]))
        truth = expected(name, arrays)
        np.testing.assert_allclose(found, truth, atol=1e-4 * max(np.abs(truth).max(), 1e-3))

    def test_the_engines_namespace_gives_the_papers_formula(self, name, given, expected, ops):
        arrays = given.evidence(4)
        found = given.maps_of(name, given.changed(arrays, ops.convert_to_tensor), ops)
        assert found.dtype == np.float32
        truth = expected(name, arrays)
        np.testing.assert_allclose(found, truth, atol=1e-4 * np.abs(truth).max())

    def test_it_is_traced_for_a_batch_of_any_size(self, name, given, expected, ops):
        tf = pytest.importorskip("tensorflow")
        arrays, row = given.evidence(4), METHODS[name]

        def open_batch(each):
            return tf.TensorSpec((None, *each.shape[1:]), tf.float32)

        specs = given.changed({need: arrays[need] for need in row.needs}, open_batch)
        traced = tf.function(lambda needs: row.function(ops, **needs), input_signature=[specs])
        for batch in (2, 1):
            part = given.changed(
                {need: arrays[need] for need in row.needs}, lambda each, n=batch: tf.constant(each[:n])
            )
            truth = expected(name, arrays)[:batch]
            np.testing.assert_allclose(traced(part).numpy(), truth, atol=1e-4 * np.abs(truth).max())

    def test_a_picture_does_not_depend_on_its_batch(self, name, given):
        arrays = given.evidence(5, batch=3)
        alone = given.maps_of(name, given.changed(arrays, lambda each: each[1:2]))
        np.testing.assert_allclose(given.maps_of(name, arrays)[1:2], alone, atol=1e-5 * np.abs(alone).max())

    def test_it_does_not_change_what_it_is_given(self, name, given):
        arrays = given.evidence(6)
        before = given.changed(arrays, np.copy)
        given.maps_of(name, arrays)
        for need, each in arrays.items():
            for part, old in zip(
                *([each], [before[need]]) if need != "bias_gradients" else (each, before[need]), strict=True
            ):
                np.testing.assert_array_equal(part, old)


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


@pytest.mark.parametrize("name", ["eigencam", "eigengradcam", "kpca-cam"])
def test_the_sign_of_a_component_is_not_left_to_chance(name, given):
    for seed in range(20):
        arrays = given.evidence(seed)
        source = arrays["activations"] * (arrays["gradients"] if name == "eigengradcam" else 1)
        mean = source.mean(axis=-1)
        mean = mean - mean.mean(axis=(1, 2), keepdims=True)
        assert ((given.maps_of(name, arrays) * mean).sum(axis=(1, 2)) >= -1e-5).all()


def test_the_centre_gaussian_is_symmetric_and_falls_by_a_known_factor_over_one_sigma(given):
    """On an odd side the middle pixel is the middle; a quarter of the side away it is exp(-1/2)."""
    found = given.maps_of("centre-gaussian", {"inputs": np.full((2, 101, 61, 3), 7, np.float32)})
    assert found.shape == (2, 101, 61)
    assert found.max() == found[0, 50, 30] == 1
    np.testing.assert_allclose(found, found[:, ::-1, ::-1], rtol=1e-5)
    np.testing.assert_allclose(np.interp(50 + 101 / 4, np.arange(101), found[0, :, 30]), np.exp(-0.5), rtol=1e-3)
    np.testing.assert_allclose(np.interp(30 + 61 / 4, np.arange(61), found[0, 50]), np.exp(-0.5), rtol=1e-3)
