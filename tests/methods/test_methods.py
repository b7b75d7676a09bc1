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


LOOPS = {"cam": cam_loop, "gradcam": gradcam_loop}


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
        np.testing.assert_allclose(found, expected(name, given), rtol=1e-4, atol=1e-5)

    def test_the_engines_namespace_gives_the_papers_formula(self, name, ops):
        given = evidence(4)
        found = maps_of(name, {need: ops.convert_to_tensor(each) for need, each in given.items()}, ops)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected(name, given), rtol=1e-4, atol=1e-5)

    def test_a_picture_does_not_depend_on_its_batch(self, name):
        given = evidence(5, batch=3)
        alone = maps_of(name, {need: each[1:2] for need, each in given.items()})
        np.testing.assert_allclose(maps_of(name, given)[1:2], alone, rtol=1e-5, atol=1e-6)

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
