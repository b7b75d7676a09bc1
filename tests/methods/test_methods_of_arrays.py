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
            part = given.changed({need: arrays[need] for need in row.needs}, lambda each, n=batch: tf.constant(each[:n]))
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
            for part, old in zip(*([each], [before[need]]) if need != "bias_gradients" else (each, before[need]), strict=True):
                np.testing.assert_array_equal(part, old)
