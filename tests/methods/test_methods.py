"""The methods as pure functions: against loops written from the papers, in NumPy and in the engine's own namespace."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

from dogcam.methods import METHODS, NEEDS, Method, method

BATCH, HEIGHT, WIDTH, CHANNELS = 2, 3, 5, 4


def evidence(seed=0, batch=BATCH, height=HEIGHT, width=WIDTH, channels=CHANNELS):
    """All that a method may ask for; activations and gradients of both signs."""
    rng = np.random.default_rng(seed)
    shape = (batch, height, width, channels)
    return {
        "activations": rng.normal(size=shape).astype(np.float32),
        "gradients": rng.normal(size=shape).astype(np.float32),
        "class_weights": rng.normal(size=(batch, channels)).astype(np.float32),
    }


def maps_of(name, given, xp=np):
    row = METHODS[name]
    return np.asarray(row.function(xp, **{need: given[need] for need in row.needs}))


# The formulas of the papers for one picture, pixel by pixel. A new method needs its own line here.


def cam_loop(activations, gradients, class_weights):
    """Zhou et al. 2016, eq. 2: M(x, y) = sum_k w_k f_k(x, y)."""
    height, width, channels = activations.shape
    return [
        [sum(class_weights[k] * activations[i, j, k] for k in range(channels)) for j in range(width)]
        for i in range(height)
    ]


def gradcam_loop(activations, gradients, class_weights):
    """Selvaraju et al. 2017, eq. 1 and 2: a_k = 1/Z sum_ij dy/dA_ij; L = ReLU(sum_k a_k A_k)."""
    height, width, channels = activations.shape
    a = [
        sum(gradients[i, j, k] for i in range(height) for j in range(width)) / (height * width) for k in range(channels)
    ]
    return [
        [max(0.0, sum(a[k] * activations[i, j, k] for k in range(channels))) for j in range(width)]
        for i in range(height)
    ]


def _weighted(activations, weights):
    height, width, channels = activations.shape
    return np.array(
        [[sum(weights[k] * activations[i, j, k] for k in range(channels)) for j in range(width)] for i in range(height)]
    )


def hirescam_loop(activations, gradients, class_weights):
    """Draelos and Carin 2020: ReLU(sum_k g_k(i, j) A_k(i, j))."""
    height, width, _ = activations.shape
    return [[max(0.0, gradients[i, j] @ activations[i, j]) for j in range(width)] for i in range(height)]


def elementwise_loop(activations, gradients, class_weights):
    """pytorch-grad-cam: sum_k ReLU(g_k A_k)."""
    height, width, channels = activations.shape
    return [
        [sum(max(0.0, gradients[i, j, k] * activations[i, j, k]) for k in range(channels)) for j in range(width)]
        for i in range(height)
    ]


def gradcam_plus_plus_loop(activations, gradients, class_weights):
    """Chattopadhay et al. 2018, eq. 5 and 19, with the quotient as it is printed there."""
    weights = []
    for k in range(activations.shape[-1]):
        weight = 0.0
        for g in gradients[..., k].ravel():
            divisor = 2 * g**2 + g**3 * activations[..., k].sum()
            weight += (g**2 / divisor if divisor != 0 else 0.0) * max(g, 0.0)
        weights.append(weight)
    return np.maximum(_weighted(activations, weights), 0)


def xgradcam_loop(activations, gradients, class_weights):
    """Fu et al. 2020, eq. 8."""
    weights = [
        (gradients[..., k] * activations[..., k]).sum() / total if (total := activations[..., k].sum()) != 0 else 0.0
        for k in range(activations.shape[-1])
    ]
    return np.maximum(_weighted(activations, weights), 0)


def layercam_loop(activations, gradients, class_weights):
    """Jiang et al. 2021, eq. 5 and 6."""
    height, width, channels = activations.shape
    return [
        [
            max(0.0, sum(max(0.0, gradients[i, j, k]) * activations[i, j, k] for k in range(channels)))
            for j in range(width)
        ]
        for i in range(height)
    ]


def _turned(scores, source):
    mean = source.mean(axis=-1)
    return -scores if ((mean - mean.mean()) * scores).sum() < 0 else scores


def eigencam_loop(activations, gradients, class_weights):
    """Muhammad and Yeasin 2020, by the singular value decomposition itself."""
    rows = activations.reshape(-1, activations.shape[-1])
    rows = rows - rows.mean(axis=0)
    _, _, right = np.linalg.svd(rows, full_matrices=False)
    return _turned((rows @ right[0]).reshape(activations.shape[:2]), activations)


def eigengradcam_loop(activations, gradients, class_weights):
    return eigencam_loop(gradients * activations, None, None)


def kpca_loop(activations, gradients, class_weights):
    """Schölkopf et al. 1998 with the sigmoid kernel: centre by (I - 1/Z), then the first eigenvector, power-iterated."""
    rows = activations.reshape(-1, activations.shape[-1])
    rows = rows - rows.mean(axis=0)
    count, channels = rows.shape
    kernel = np.array([[np.tanh(rows[i] @ rows[j] / channels + 1) for j in range(count)] for i in range(count)])
    centre = np.eye(count) - np.full((count, count), 1 / count)
    values, vectors = np.linalg.eig(centre @ kernel @ centre)
    first = int(np.argmax(values.real))
    scores = vectors[:, first].real * np.sqrt(max(values[first].real, 0))
    return _turned(scores.reshape(activations.shape[:2]), activations)


def fem_loop(activations, gradients, class_weights):
    """Fuad et al. 2020: channels weighted by how often they are more than two standard deviations above their mean."""
    weights = []
    for k in range(activations.shape[-1]):
        values = activations[..., k].ravel()
        bound = values.mean() + 2 * values.std()
        weights.append(sum(value > bound for value in values) / len(values))
    return _weighted(activations, weights)


def mean_loop(activations, gradients, class_weights):
    return [[sum(place) / len(place) for place in row] for row in activations]


LOOPS = {
    "cam": cam_loop,
    "gradcam": gradcam_loop,
    "hirescam": hirescam_loop,
    "gradcam-elementwise": elementwise_loop,
    "gradcam++": gradcam_plus_plus_loop,
    "xgradcam": xgradcam_loop,
    "layercam": layercam_loop,
    "eigencam": eigencam_loop,
    "eigengradcam": eigengradcam_loop,
    "kpca-cam": kpca_loop,
    "fem": fem_loop,
    "mean-activation": mean_loop,
}


def expected(name, given):
    columns = zip(given["activations"], given["gradients"], given["class_weights"], strict=True)
    return np.array([LOOPS[name](*(each.astype(np.float64) for each in one)) for one in columns])


@pytest.fixture(scope="module")
def ops():
    """The namespace that the engine hands to methods."""
    return pytest.importorskip("keras").ops


def test_every_method_has_a_loop_written_from_its_paper():
    assert set(LOOPS) == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
class TestEveryMethod:
    @pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 7, 2, 3), (3, 1, 6, 1)])
    def test_numpy_gives_the_papers_formula(self, name, shape):
        given = evidence(3, *shape)
        found = maps_of(name, given)
        assert found.shape == shape[:3]
        truth = expected(name, given)
        np.testing.assert_allclose(found, truth, atol=1e-4 * max(np.abs(truth).max(), 1e-3))

    def test_the_engines_namespace_gives_the_papers_formula(self, name, ops):
        given = evidence(4)
        found = maps_of(name, {need: ops.convert_to_tensor(each) for need, each in given.items()}, ops)
        assert found.dtype == np.float32
        truth = expected(name, given)
        np.testing.assert_allclose(found, truth, atol=1e-4 * np.abs(truth).max())

    def test_a_picture_does_not_depend_on_its_batch(self, name):
        given = evidence(5, batch=3)
        alone = maps_of(name, {need: each[1:2] for need, each in given.items()})
        np.testing.assert_allclose(maps_of(name, given)[1:2], alone, atol=1e-5 * np.abs(alone).max())

    def test_it_does_not_change_what_it_is_given(self, name):
        given = evidence(6)
        before = {need: each.copy() for need, each in given.items()}
        maps_of(name, given)
        for need, each in given.items():
            np.testing.assert_array_equal(each, before[need])

    def test_its_row_tells_where_it_comes_from(self, name):
        row = METHODS[name]
        assert row.title
        assert str(row.year) in row.paper
        assert 2012 <= row.year <= 2030
        assert set(row.needs) <= set(NEEDS)

    def test_it_takes_what_it_says_it_needs(self, name):
        assert tuple(inspect.signature(METHODS[name].function).parameters) == ("xp", *METHODS[name].needs)

    def test_it_exists_only_at_the_pooled_layer_if_it_needs_class_weights(self, name):
        assert METHODS[name].only_pooled == ("class_weights" in METHODS[name].needs)


def test_only_cam_is_bound_to_the_pooled_layer():
    assert METHODS["cam"].only_pooled
    assert not METHODS["gradcam"].only_pooled


def test_cam_has_no_relu_and_gradcam_has_one():
    given = evidence(8)
    assert maps_of("cam", given).min() < 0
    assert maps_of("gradcam", given).min() == 0


def test_the_mean_of_cam_is_the_logit_less_the_bias():
    """Zhou et al. 2016, eq. 1: S = sum_k w_k mean(f_k)."""
    given = evidence(9)
    pooled = given["activations"].mean(axis=(1, 2))
    logit = (pooled * given["class_weights"]).sum(axis=-1)
    np.testing.assert_allclose(maps_of("cam", given).mean(axis=(1, 2)), logit, rtol=1e-4)


def test_at_the_pooled_layer_gradcam_is_relu_of_cam_over_the_number_of_pixels():
    """With a logit after global average pooling dS/dA_k(i, j) = w_k / Z everywhere."""
    given = evidence(10)
    pixels = HEIGHT * WIDTH
    given["gradients"] = np.broadcast_to(given["class_weights"][:, None, None, :] / pixels, given["activations"].shape)
    np.testing.assert_allclose(
        maps_of("gradcam", given), np.maximum(maps_of("cam", given), 0) / pixels, rtol=1e-4, atol=1e-6
    )


class TestWhereTheFormulasHaveHoles:
    """Zeros in denominators, in both namespaces: 0 by definition, and never a NaN."""

    @pytest.mark.parametrize("name", METHODS)
    @pytest.mark.parametrize("kind", ["zero", "constant", "negative", "no gradient", "huge", "tiny"])
    def test_no_map_holds_a_nan(self, name, kind, ops):
        given = evidence(11)
        if kind == "zero":
            given["activations"] = np.zeros_like(given["activations"])
        elif kind == "constant":
            given["activations"] = np.full_like(given["activations"], 2.5)
        elif kind == "negative":
            given["activations"] = -np.abs(given["activations"])
        elif kind == "no gradient":
            given["gradients"] = np.zeros_like(given["gradients"])
        else:
            given["gradients"] = given["gradients"] * np.float32(1e4 if kind == "huge" else 1e-25)
        assert np.isfinite(maps_of(name, given)).all()
        tensors = {need: ops.convert_to_tensor(each) for need, each in given.items()}
        assert np.isfinite(maps_of(name, tensors, ops)).all()

    def test_plus_plus_where_its_denominator_is_zero(self):
        """g = 1 and sum A = -2: 2 g^2 + g^3 sum A = 0, so that place weighs nothing; the other has alpha 1/2 - ..."""
        activations = np.array([[[[-3.0]], [[1.0]]]], np.float32)
        gradients = np.array([[[[1.0]], [[0.5]]]], np.float32)
        weight = 0.5 / (2 + 0.5 * -2)  # of the second place alone: ReLU(g) / (2 + g sum A)
        found = maps_of("gradcam++", {"activations": activations, "gradients": gradients})
        np.testing.assert_allclose(found[0, :, 0], [0, weight * 1.0])

    def test_plus_plus_does_not_change_with_the_scale_of_tiny_gradients(self):
        """Where g sum A vanishes beside 2, w = sum ReLU(g) / 2: proportional to g down to 1e-25, where g^2 underflows."""
        given = evidence(12)
        tiny = {**given, "gradients": given["gradients"] * np.float32(1e-25)}
        expected_weights = np.maximum(tiny["gradients"].astype(np.float64), 0).sum(axis=(1, 2)) / 2
        truth = np.maximum(np.einsum("bijk,bk->bij", given["activations"].astype(np.float64), expected_weights), 0)
        np.testing.assert_allclose(maps_of("gradcam++", tiny), truth, atol=1e-4 * truth.max())

    @pytest.mark.parametrize("name", ["eigencam", "eigengradcam", "kpca-cam"])
    def test_the_sign_of_a_component_is_not_left_to_chance(self, name):
        for seed in range(20):
            given = evidence(seed)
            source = given["activations"] * (given["gradients"] if name == "eigengradcam" else 1)
            mean = source.mean(axis=-1)
            mean = mean - mean.mean(axis=(1, 2), keepdims=True)
            assert ((maps_of(name, given) * mean).sum(axis=(1, 2)) >= -1e-5).all()


def test_families_coincide_where_gradients_do_not_depend_on_the_place():
    """As at the pooled layer with a logit score, activations after a ReLU."""
    given = evidence(13, height=7, width=7, channels=16)
    given["activations"] = np.maximum(given["activations"], 0)
    given["gradients"] = np.broadcast_to(given["class_weights"][:, None, None, :] / 49, given["activations"].shape)
    relu_of_cam = np.maximum(maps_of("cam", given), 0) / 49
    for name in ("gradcam", "hirescam", "xgradcam"):
        np.testing.assert_allclose(maps_of(name, given), relu_of_cam, atol=1e-5 * relu_of_cam.max())
    layercam, elementwise = maps_of("layercam", given), maps_of("gradcam-elementwise", given)
    np.testing.assert_allclose(layercam, elementwise, atol=1e-5 * layercam.max())


class TestRegistering:
    def test_a_need_that_no_engine_gives_is_refused(self):
        with pytest.raises(ValueError, match=r"method new: needs \['hessian'\], which no engine gives"):
            method("new", needs=("activations", "hessian"), title="New", paper="", year=2020)
        assert "new" not in METHODS

    def test_a_name_is_taken_once(self):
        with pytest.raises(ValueError, match="method 'cam' is registered twice"):
            method("cam", needs=("activations",), title="CAM", paper="", year=2020)(lambda xp, activations: activations)
        assert METHODS["cam"].year == 2016

    def test_decorating_is_all_it_takes_and_leaves_the_function_as_it_is(self):
        def mean(xp, activations):
            return xp.mean(activations, axis=-1)

        try:
            same = method("for-this-test", needs=("activations",), title="Mean", paper="A 2020", year=2020)(mean)
            assert same is mean
            assert METHODS["for-this-test"] == Method(mean, ("activations",), "Mean", "A 2020", 2020)
        finally:
            METHODS._entries.pop("for-this-test", None)


def test_listing_the_methods_imports_no_tensorflow():
    program = "import sys, dogcam.methods; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False"]
