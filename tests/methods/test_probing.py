"""Methods that ask the network again and again: against loops, on a toy network whose gradients are known."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.methods import METHODS

PROBING = [name for name, row in METHODS.items() if row.probing]
RANDOM = [name for name, row in METHODS.items() if "rng" in row.needs]
SCORED = ("scorecam", "faster-scorecam", "ss-cam", "is-cam")
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


class TestScoreCam:
    @pytest.mark.parametrize("name", SCORED)
    def test_constant_channels_are_dropped_before_the_softmax(self, name, toy):
        network, more = toy.Toy(seed=6), toy.Toy(seed=6)
        height, width, channels = network.activations.shape
        constant = np.broadcast_to(np.array([2.5, 0, -1 / 3], np.float32), (height, width, 3))
        more.activations = np.concatenate([network.activations, constant], axis=-1)
        # The scores stay the same: what the network computes itself has zeros there, and no weight on them.
        more.mixing, more.linear, more.square = (
            np.concatenate([each, np.zeros((*each.shape[:-1], 3))], axis=-1)
            for each in (more.mixing, more.linear, more.square)
        )
        (plain, asked), (found, asked_more) = toy.probed(name, network), toy.probed(name, more)
        np.testing.assert_allclose(found, plain, atol=1e-6)
        assert len(asked_more.copies) == len(asked.copies) == channels * {"ss-cam": 35, "is-cam": 10}.get(name, 1)

    @pytest.mark.parametrize("name", SCORED)
    def test_only_constant_channels_give_zeros_without_asking(self, name, toy):
        network = toy.Toy()
        network.activations = np.full_like(network.activations, 0.1)
        found, probes = toy.probed(name, network)
        assert (found == 0).all()
        assert probes.copies is None

    @pytest.mark.parametrize("bias", [1e4, -1e4])
    def test_a_shift_of_every_score_changes_nothing(self, bias, toy):
        """The softmax cancels it, as it cancels the baseline of the paper; 1e4 would overflow if done naively."""
        shifted = toy.probed("scorecam", toy.Toy(bias=bias))[0]
        # A logit of 1e4 in single precision is known to about 1e-3 only.
        np.testing.assert_allclose(shifted, toy.probed("scorecam", toy.Toy())[0], atol=3e-3)

    def test_masks_span_zero_to_one(self, toy):
        _, probes = toy.probed("scorecam", toy.Toy())
        assert (probes.copies.min(axis=(1, 2)) == 0).all()
        assert (probes.copies.max(axis=(1, 2)) == 1).all()

    def test_the_faster_one_asks_for_ten(self, toy):
        assert len(toy.probed("faster-scorecam", toy.Toy(channels=13))[1].copies) == 10
        few = toy.Toy(channels=6)
        np.testing.assert_allclose(toy.probed("faster-scorecam", few)[0], toy.probed("scorecam", few)[0], rtol=1e-5)

    def test_without_noise_ss_cam_is_scorecam(self, toy, monkeypatch):
        network = toy.Toy(channels=5)
        plain, asked = toy.probed("scorecam", network)
        monkeypatch.setattr("dogcam.methods.scores.MASK_NOISE", 0.0)
        found, probes = toy.probed("ss-cam", network)
        np.testing.assert_allclose(found, plain, rtol=1e-5)
        np.testing.assert_allclose(probes.copies, asked.copies.repeat(35, axis=0), atol=1e-6)

    def test_the_noise_of_ss_cam_has_a_deviation_of_two(self, toy):
        network = toy.Toy(size=(24, 40))
        asked, probes = toy.probed("scorecam", network)[1], toy.probed("ss-cam", network)[1]
        noise = probes.copies - asked.copies.repeat(35, axis=0)
        np.testing.assert_allclose(noise.mean(), 0, atol=5 * 2 / np.sqrt(noise.size))
        np.testing.assert_allclose(noise.std(), 2, rtol=5 / np.sqrt(2 * noise.size))
        correlation = np.corrcoef(noise.reshape(len(noise), -1))
        assert np.abs(correlation - np.eye(len(noise))).max() < 6 / np.sqrt(24 * 40)

    def test_the_masks_of_is_cam_fade_in(self, toy):
        network = toy.Toy()
        asked, probes = toy.probed("scorecam", network)[1], toy.probed("is-cam", network)[1]
        steps = np.arange(1, 11)[None, :, None, None] / 10
        np.testing.assert_allclose(probes.copies, (asked.copies[:, None] * steps).reshape(-1, 12, 10), atol=1e-6)


class TestAblationCam:
    def test_a_score_of_zero_gives_zeros(self, toy):
        found, probes = toy.probed("ablationcam", toy.Toy(scale=0.0))
        assert (found == 0).all()
        assert probes.copies is None

    def test_a_negative_score_turns_the_weights_as_the_formula_has_it(self, toy):
        """w_k = (y - y_k) / y: with S and -S the drops and y change their sign together, and the map does not change."""
        positive, negative = toy.Toy(seed=7), toy.Toy(seed=7, scale=-1.0)
        assert positive.score() * negative.score() < 0
        np.testing.assert_allclose(
            toy.probed("ablationcam", negative)[0], toy.probed("ablationcam", positive)[0], rtol=1e-5
        )

    def test_channels_of_zeros_are_not_run_again(self, toy):
        network = toy.Toy(channels=6)
        network.activations[..., [1, 4]] = 0
        found, probes = toy.probed("ablationcam", network)
        assert len(probes.copies) == 4
        assert np.isfinite(found).all()
        for copy, channel in zip(probes.copies, (0, 2, 3, 5), strict=True):
            assert (copy[..., channel] == 0).all()
            others = [k for k in range(6) if k != channel]
            np.testing.assert_array_equal(copy[..., others], network.activations[..., others])


class Linear:
    """A score that is linear in the input, S = sum c x, in place of the toy's."""

    def __init__(self, toy, size, seed=0):
        rng = np.random.default_rng(seed)
        self.inputs = rng.normal(size=(*size, 3)).astype(np.float32)
        self.slopes = rng.normal(size=(*size, 3))
        self.shares = (self.slopes * self.inputs).sum(axis=-1)
        self.asked = toy.Probes(None, batch=64)
        self.rescore = toy.Rescore(
            lambda pictures: (pictures * self.slopes).sum(axis=(1, 2, 3)), self.inputs, self.asked
        )


class TestOcclusion:
    @pytest.mark.parametrize("size", [(12, 10), (10, 31), (30, 23), (29, 33), (5, 5), (56, 64)])
    def test_a_patch_of_a_linear_score_drops_its_own_share(self, toy, size):
        network = Linear(toy, size)
        found = METHODS["occlusion"].function(np, network.rescore, float(network.shares.sum()))
        hidden = 1 - network.asked.copies
        assert set(np.unique(network.asked.copies)) == {0, 1}
        assert (hidden.sum(axis=0) > 0).all()
        side = max(1, round(min(size) / 7))
        assert (hidden.sum(axis=(1, 2)) == side**2).all()
        drops = (hidden * network.shares).sum(axis=(1, 2))
        truth = (hidden * drops[:, None, None]).sum(axis=0) / hidden.sum(axis=0)
        np.testing.assert_allclose(found, truth, atol=1e-4 * np.abs(truth).max())
        assert found.min() < 0 < found.max()

    def test_how_often_the_network_runs_is_as_its_row_says(self, toy):
        network = Linear(toy, (224, 224))
        network.rescore(1, lambda part: np.ones((1, 224, 224), np.float32))
        network.rescore.scores = lambda pictures: np.zeros(len(pictures))
        METHODS["occlusion"].function(np, network.rescore, 0.0)
        assert METHODS["occlusion"].passes == f"{1 + len(network.asked.copies)} F"


class TestRise:
    def test_masks_lie_between_zero_and_one_and_let_half_through(self, toy):
        _, probes = toy.probed("rise", toy.Toy(size=(24, 40)))
        assert probes.copies.shape == (1000, 24, 40)
        assert probes.copies.min() >= 0
        assert probes.copies.max() <= 1
        # Every pixel's mask has the mean p and at most the variance p (1 - p).
        assert np.abs(probes.copies.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(1000)

    def test_a_mask_is_a_cut_at_a_random_place_from_a_grid_of_coins(self, toy, oracles):
        """For every place of the cut the grid is fitted to the mask: at the true place, and only there, nothing remains."""
        _, probes = toy.probed("rise", toy.Toy(size=(16, 24), grid=(4, 6)))
        cells = 3, 4  # ceil(16 / 7) and ceil(24 / 7)
        rows, columns = (oracles.bilinear_loop(np.eye(7), 8 * cell, 7) for cell in cells)
        counts, coins = np.zeros(cells, int), []
        for mask in probes.copies[:400]:
            fits = {}
            for top, left in np.ndindex(cells):
                down, along = rows[top : top + 16], columns[left : left + 24]
                grid = np.linalg.pinv(down) @ mask @ np.linalg.pinv(along).T
                # Cells that the cut leaves out cannot be told.
                seen = grid[np.ix_(down.any(axis=0), along.any(axis=0))]
                fits[top, left] = np.abs(down @ grid @ along.T - mask).max(), seen.ravel()
            exact = [place for place, (remainder, _) in fits.items() if remainder < 1e-4]
            assert len(exact) == 1
            counts[exact[0]] += 1
            coins.extend(fits[exact[0]][1])
        # 400 / 12 = 33 of each place, give or take five deviations of 5.5; 14,400 coins or more, five deviations of 0.0042.
        assert np.abs(counts - 400 / 12).max() < 28
        assert np.minimum(np.abs(coins), np.abs(np.array(coins) - 1)).max() < 1e-3
        assert len(coins) >= 14_400
        assert abs(np.mean(coins) - 0.5) < 0.021

    def test_it_asks_for_the_probability(self, toy):
        assert toy.probed("rise", toy.Toy())[1].probability
        assert not toy.probed("scorecam", toy.Toy())[1].probability

    def test_it_approaches_what_it_estimates(self, toy, oracles):
        """With P = sum_j c_j M_j in place of a probability, E L = (1/p) sum_j c_j E[M_j M], which is known.

        M = sum_ab G_ab W_ab, G the cells and W bilinear weights, so that E[M_j M_l] = p^2 + p (1 - p) sum W_j W_l, the
        last averaged over the places of the cut; the sum over cells falls into one along each side.
        """
        size, p, count = (16, 24), 0.5, 1000
        network = Linear(toy, size, seed=3)
        rescore = network.rescore
        chances = []

        def linear(number, copies, probability):
            chances.append(rescore(number, copies))
            return chances[-1]

        linear.shape = size
        found = METHODS["rise"].function(np, linear, np.random.default_rng(0))

        def products(side):
            cell = -(-side // 7)
            weights = oracles.bilinear_loop(np.eye(7), 8 * cell, 7)
            cuts = [weights[start : start + side] for start in range(cell)]
            return sum(cut @ cut.T for cut in cuts) / cell

        rows, columns = products(size[0]), products(size[1])
        truth = (p**2 * network.shares.sum() + p * (1 - p) * rows @ network.shares @ columns) / p
        masks = network.asked.copies
        error = (chances[0][:, None, None] * masks).std(axis=0) / p / np.sqrt(count)
        assert (np.abs(found - truth) < 5 * error).all()
        # The test could not tell anything if the truth were lost in the error.
        assert np.ptp(truth) > 5 * error.mean()


class TestRandomMap:
    def test_it_fills_zero_to_one_and_is_smooth(self, toy):
        found, _ = toy.probed("random-map", toy.Toy(size=(72, 50)))
        assert found.shape == (72, 50)
        assert 0 <= found.min() < 0.15
        assert 0.85 < found.max() <= 1
        assert np.abs(np.diff(found, axis=0)).max() < 1.01 * 7 / 72
        assert np.abs(np.diff(found, axis=1)).max() < 1.01 * 7 / 50
