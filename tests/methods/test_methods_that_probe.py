"""Methods that ask the network again and again: against loops, on a toy network whose gradients are known."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.methods import METHODS

PROBING = [name for name, row in METHODS.items() if row.probing]
RANDOM = [name for name, row in METHODS.items() if "rng" in row.needs]
# (H, W), (h, w), K: upright, oblong with more channels than Faster Score-CAM keeps, and square.
SHAPES = (((12, 10), (4, 5), 4), ((8, 21), (2, 3), 13), ((9, 9), (3, 3), 3))


class TestTheToyNetwork:
    """The oracles stand on it, so it is checked by itself."""

    @pytest.fixture(params=SHAPES)
    def network(self, request, toy):
        return toy.Toy(*request.param, scale=1.5, bias=0.25)

    def test_its_score_is_that_of_the_loops(self, network, probing_oracles):
        np.testing.assert_allclose(network.score(), probing_oracles.score_loop(network, network.inputs), rtol=1e-9)
        head = network.head(network.activations[None])[0]
        np.testing.assert_allclose(head, probing_oracles.head_loop(network, network.activations), rtol=1e-9)

    def test_its_gradient_at_the_input_is_that_of_differences(self, network):
        gradient = network.input_gradients(network.inputs[None])[0]
        for place in ((0, 0, 0), (3, 4, 1), (7, 8, 2)):
            step = np.zeros(network.inputs.shape)
            step[place] = 1e-4
            slope = (network.score(network.inputs + step) - network.score(network.inputs - step)) / 2e-4
            np.testing.assert_allclose(gradient[place], slope, rtol=1e-4, atol=1e-8)

    def test_its_gradient_at_the_layer_is_that_of_differences(self, network):
        gradient, layer = network.layer_gradients(network.inputs[None])[0], network.layer(network.inputs[None])
        for place in ((0, 0, 0), (1, 2, 1), (1, 1, 2)):
            step = np.zeros(layer.shape)
            step[0][place] = 1e-4
            slope = (network.head(layer + step) - network.head(layer - step))[0] / 2e-4
            np.testing.assert_allclose(gradient[place], slope, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", PROBING)
class TestEveryProbingMethod:
    @pytest.mark.parametrize(("size", "grid", "channels"), SHAPES)
    def test_it_is_the_papers_formula(self, name, size, grid, channels, toy, probing_oracles):
        # Of the first seeds the one where no ReLU leaves a map of zeros, which would show nothing.
        network = toy.Toy(size, grid, channels, seed=6)
        found, probes = toy.probed(name, network)
        assert found.shape == (grid if METHODS[name].at_layer else size)
        truth = np.array(probing_oracles.PROBING[name](network, probes))
        assert np.abs(truth).max() > 1e-3
        np.testing.assert_allclose(found, truth, atol=2e-4 * np.abs(truth).max())

    def test_the_map_does_not_depend_on_how_copies_are_sliced(self, name, toy):
        network = toy.Toy(seed=2)
        alone, probes = toy.probed(name, network, batch=1)
        assert all(part.stop - part.start == 1 for part in probes.slices)
        for batch in (3, 10_000):
            np.testing.assert_allclose(toy.probed(name, network, batch=batch)[0], alone, rtol=1e-5, atol=1e-6)

    def test_the_same_seed_gives_the_same_map(self, name, toy):
        network = toy.Toy(seed=3)
        first = toy.probed(name, network, seed=8)[0]
        np.testing.assert_array_equal(toy.probed(name, network, seed=8)[0], first)
        assert np.array_equal(toy.probed(name, network, seed=9)[0], first) == (name not in RANDOM)

    def test_it_does_not_change_what_it_is_given(self, name, toy):
        network = toy.Toy(seed=4)
        before = network.inputs.copy(), network.activations.copy()
        toy.probed(name, network)
        np.testing.assert_array_equal(network.inputs, before[0])
        np.testing.assert_array_equal(network.activations, before[1])

    def test_copies_can_be_asked_for_twice_and_in_any_order(self, name, toy, monkeypatch):
        """A probe may need a slice again, to trace its graph for instance: then it gets what it got before."""

        def gather(self, count, copies, shape):
            parts = [slice(start, min(start + 5, count)) for start in range(0, count, 5)]
            backwards = [copies(part) for part in reversed(parts)]
            for part, made in zip(parts, reversed(backwards), strict=True):
                np.testing.assert_array_equal(copies(part), made)
            self.copies = np.concatenate(backwards[::-1])
            return self.copies

        network = toy.Toy(seed=5)
        straight = toy.probed(name, network)[0]
        monkeypatch.setattr(toy.Probes, "gather", gather)
        np.testing.assert_allclose(toy.probed(name, network)[0], straight, rtol=1e-5, atol=1e-6)
