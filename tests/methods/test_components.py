"""The principal components against NumPy's full decompositions in float64, on fair matrices and on nasty ones."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from dogcam.methods import METHODS
from dogcam.methods.components import DENSE, _first_eigenpair

EIGENCAM, EIGENGRADCAM, KPCA = (METHODS[name].function for name in ("eigencam", "eigengradcam", "kpca-cam"))
EXACT = 1e-4  # of the map's maximum

# The last ones: both sides on either side of DENSE, a single place, a single channel, more places than channels by far.
SHAPES = (
    *((28, 28, 64), (14, 14, 96), (7, 7, 64), (5, 9, 33)),
    *((9, 8, 70), (13, 5, 66), (1, 70, 100), (1, 1, 8), (1, 2, 3), (12, 12, 1), (1, 1, 1)),
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def activations_like(rng, height, width, channels, parts=6, noise=0.5):
    """What a ReLU leaves of a few parts, each with its own channels, plus noise: float32 (h, w, K)."""
    weights = rng.normal(size=(parts, channels)) * np.linspace(1, 0.3, parts)[:, None]
    before = rng.normal(size=(height * width, parts)) @ weights + noise * rng.normal(size=(height * width, channels))
    return np.maximum(before, 0).reshape(height, width, channels).astype(np.float32)


def with_singular_values(rng, height, width, channels, values):
    """Centred activations with exactly these singular values: float32 (h, w, K)."""
    count = len(values)
    columns = np.concatenate([np.ones((height * width, 1)), rng.normal(size=(height * width, count))], axis=1)
    left = np.linalg.qr(columns)[0][:, 1:]  # orthogonal to the constant: the columns' means are 0
    right = np.linalg.qr(rng.normal(size=(channels, count)))[0]
    return ((left * values) @ right.T).reshape(height, width, channels).astype(np.float32)


def with_eigenvalues(rng, size, values):
    """A symmetric float64 matrix with these eigenvalues, and 0 for the rest."""
    vectors = np.linalg.qr(rng.normal(size=(size, len(values))))[0]
    return (vectors * values) @ vectors.T


def centred(activations):
    rows = activations.astype(np.float64).reshape(-1, activations.shape[-1])
    return rows - rows.mean(axis=0)


def by_svd(activations):
    """X v from the full decomposition, in the direction of the mean of the channels."""
    rows = centred(activations)
    scores = rows @ np.linalg.svd(rows, full_matrices=False)[2][0]
    return turned(scores, rows).reshape(activations.shape[:2])


def by_kernel(activations):
    """KPCA's scores by the full decomposition of the centred sigmoid kernel."""
    rows = centred(activations)
    centring = np.eye(len(rows)) - 1 / len(rows)
    kernel = centring @ np.tanh(rows @ rows.T / rows.shape[1] + 1) @ centring
    values, vectors = np.linalg.eigh((kernel + kernel.T) / 2)
    return turned(np.sqrt(max(values[-1], 0)) * vectors[:, -1], rows).reshape(activations.shape[:2])


def turned(scores, rows):
    return -scores if scores @ rows.mean(axis=1) < 0 else scores


def assert_same_maps(maps, expected):
    np.testing.assert_allclose(maps, expected, rtol=0, atol=EXACT * np.abs(expected).max())


def share_of_best(activations, one_map):
    """The variance along the map's direction as a share of the first component's."""
    rows, direction = centred(activations), one_map.astype(np.float64).ravel()
    along = np.sum((direction @ rows) ** 2) / np.sum(direction**2)
    return along / np.linalg.norm(rows, 2) ** 2


@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestActivations:
    def test_eigencam_is_the_first_singular_vectors_projection(self, rng, shape):
        batch = np.stack([activations_like(rng, *shape), activations_like(rng, *shape)])
        assert_same_maps(EIGENCAM(np, batch)[1], by_svd(batch[1]))

    def test_eigengradcam_is_that_of_gradients_times_activations(self, rng, shape):
        activations, gradients = activations_like(rng, *shape), rng.normal(size=shape).astype(np.float32)
        assert_same_maps(EIGENGRADCAM(np, activations[None], gradients[None])[0], by_svd(activations * gradients))

    def test_kpca_is_the_centred_kernels_first_eigenvector(self, rng, shape):
        batch = np.stack([activations_like(rng, *shape), activations_like(rng, *shape)])
        assert_same_maps(KPCA(np, batch)[1], by_kernel(batch[1]))


class TestNastySpectra:
    @pytest.mark.parametrize(
        "values",
        [
            [1.0],
            [1.0, 0.99],
            [1.0, *[1e-3] * 80],
            [1.0, *[1e-5] * 80],
            np.linspace(1, 0.5, 30),
            np.arange(1, 90) ** -0.3,
            0.3 ** np.arange(40),
        ],
        ids=["rank 1", "rank 2", "noise of 1e-3", "noise of 1e-5", "a gap of 2 %", "slow decay", "fast decay"],
    )
    def test_a_component_with_a_gap_is_exact(self, rng, values):
        activations = with_singular_values(rng, 14, 14, 96, values)
        assert_same_maps(EIGENCAM(np, activations[None])[0], by_svd(activations))
        assert_same_maps(KPCA(np, activations[None])[0], by_kernel(activations))

    @pytest.mark.parametrize(
        "values",
        [[1, 1, *0.9 * np.arange(1, 80) ** -0.5], [1, 1 - 1e-6, *[0.5] * 50], [1] * 5, [1] * 96],
        ids=["two equal", "two nearly equal", "five equal", "all equal"],
    )
    def test_without_a_gap_it_is_one_of_the_best_directions(self, rng, values):
        activations = with_singular_values(rng, 14, 14, 96, values)
        one_map = EIGENCAM(np, activations[None])[0]
        assert share_of_best(activations, one_map) > 1 - 1e-4
        assert np.linalg.norm(one_map) == pytest.approx(1, abs=1e-4)

    @pytest.mark.parametrize("shape", [(28, 28, 64), (14, 14, 300)], ids=str)
    def test_pure_noise_gives_one_of_the_best_directions(self, rng, shape):
        activations = rng.normal(size=shape).astype(np.float32)
        assert share_of_best(activations, EIGENCAM(np, activations[None])[0]) > 1 - 1e-4

    def test_one_strong_place(self):
        activations = np.zeros((14, 14, 96), np.float32)
        activations[3, 4, 5] = 7
        assert_same_maps(EIGENCAM(np, activations[None])[0], by_svd(activations))

    def test_two_calls_agree_to_the_last_bit(self, rng):
        batch = rng.normal(size=(2, 9, 9, 80)).astype(np.float32)
        np.testing.assert_array_equal(EIGENCAM(np, batch), EIGENCAM(np, batch))


class TestScales:
    @pytest.mark.parametrize("shape", [(14, 14, 96), (7, 7, 64)], ids=str)
    @pytest.mark.parametrize("scale", [1e4, 1e-12, 1e-25])
    def test_eigencam_grows_with_the_activations(self, rng, shape, scale):
        activations = activations_like(rng, *shape) * np.float32(scale)
        assert_same_maps(EIGENCAM(np, activations[None])[0], by_svd(activations))

    def test_kpca_of_huge_activations(self, rng):
        activations = activations_like(rng, 14, 14, 96) * np.float32(1e4)
        assert_same_maps(KPCA(np, activations[None])[0], by_kernel(activations))

    @pytest.mark.parametrize("scale", [1e-4, 1e-12, 1e-25])
    def test_kpca_of_tiny_activations_is_eigencam_by_tanhs_slope(self, rng, scale):
        activations = activations_like(rng, 14, 14, 96) * np.float32(scale)
        slope = (1 - np.tanh(1) ** 2) / 96
        assert_same_maps(KPCA(np, activations[None])[0], by_svd(activations) * np.sqrt(slope))

    @pytest.mark.parametrize("shape", [(28, 28, 70), (7, 7, 64), (1, 1, 8)], ids=str)
    @pytest.mark.parametrize("level", [0, 0.1, 1e4, -1e-25])
    def test_channels_without_variation_give_zeros(self, rng, shape, level):
        batch = np.full((2, *shape), level, np.float32) * rng.normal(size=shape[-1]).astype(np.float32)
        for maps in (EIGENCAM(np, batch), EIGENGRADCAM(np, batch, np.ones_like(batch)), KPCA(np, batch)):
            np.testing.assert_array_equal(maps, np.zeros((2, *shape[:2])))

    def test_one_image_in_a_batch_leaves_the_others_alone(self, rng):
        kinds = [activations_like(rng, 9, 9, 80) * np.float32(scale) for scale in (1, 0, 1e4, 1e-25)]
        for function in (EIGENCAM, KPCA):
            maps = function(np, np.stack(kinds))
            for one_map, activations in zip(maps, kinds, strict=True):
                assert_same_maps(one_map, function(np, activations[None])[0])


@pytest.mark.parametrize("size", [DENSE, 150])
class TestIndefiniteMatrices:
    """A sigmoid kernel may have negative eigenvalues larger in size than the largest, which is the one that is wanted."""

    decay = 0.9 * np.arange(1, 25) ** -0.5

    @pytest.mark.parametrize(
        "others",
        [[-50, -40, -30], [-1000], [-1, *-decay], [-20, *-20 * decay], -np.arange(1, 30)],
        ids=["few", "one huge", "mirrored", "mirrored x 20", "many"],
    )
    def test_it_finds_the_largest_and_not_the_largest_in_size(self, rng, size, others):
        matrix = with_eigenvalues(rng, size, np.array([1, *self.decay, *others]))
        value, vector = _first_eigenpair(np, matrix[None].astype(np.float32))
        best = np.linalg.eigh(matrix)[1][:, -1]
        assert value[0, 0] == pytest.approx(1, abs=EXACT * np.abs(others).max())
        assert_same_maps(vector[0] * np.sign(vector[0] @ best), best)

    def test_a_hard_band_of_them_leaves_a_vector_nearly_as_good(self, rng, size):
        matrix = with_eigenvalues(rng, size, np.array([1, *0.8 * self.decay, *np.linspace(-10, -1, 30)]))
        _, vector = _first_eigenpair(np, matrix[None].astype(np.float32))
        assert vector[0] @ matrix @ vector[0] == pytest.approx(1, abs=1e-4)


class TestInTheEnginesGraph:
    """In a tf.function of unknown batch size, with keras.ops for the namespace."""

    @staticmethod
    def compiled(function, shape, count=1):
        signature = [tf.TensorSpec((None, *shape), tf.float32)] * count
        return tf.function(lambda *arrays: function(keras.ops, *arrays), input_signature=signature)

    @pytest.mark.parametrize("shape", [(14, 14, 96), (10, 12, 70), (7, 7, 64)], ids=str)
    @pytest.mark.parametrize("function", [EIGENCAM, KPCA], ids=["eigencam", "kpca-cam"])
    def test_it_gives_what_numpy_gives_whatever_the_batch(self, rng, function, shape):
        batch = np.stack([activations_like(rng, *shape), np.zeros(shape, np.float32), activations_like(rng, *shape)])
        graph = self.compiled(function, shape)
        for count in (3, 1):
            maps = graph(batch[:count]).numpy()
            assert maps.shape == (count, *shape[:2])
            for one_map, expected in zip(maps, function(np, batch[:count]), strict=True):
                assert_same_maps(one_map, expected)

    def test_eigengradcam_too(self, rng):
        batch, gradients = rng.normal(size=(2, 2, 9, 9, 80)).astype(np.float32) ** 3
        maps = self.compiled(EIGENGRADCAM, (9, 9, 80), 2)(batch, gradients).numpy()
        assert share_of_best((batch * gradients)[1], maps[1]) > 1 - 1e-4

    def test_an_empty_batch_gives_no_maps(self):
        assert self.compiled(EIGENCAM, (9, 9, 80))(np.zeros((0, 9, 9, 80), np.float32)).shape == (0, 9, 9)


@pytest.mark.parametrize("name", ["eigencam", "eigengradcam", "kpca-cam"])
def test_the_sign_of_a_component_is_not_left_to_chance(name, given):
    for seed in range(20):
        arrays = given.evidence(seed)
        source = arrays["activations"] * (arrays["gradients"] if name == "eigengradcam" else 1)
        mean = source.mean(axis=-1)
        mean = mean - mean.mean(axis=(1, 2), keepdims=True)
        assert ((given.maps_of(name, arrays) * mean).sum(axis=(1, 2)) >= -1e-5).all()
