"""What takes something away and watches the score: against scores whose drops are known."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.methods import METHODS


class TestAblationCam:
    def test_a_score_of_zero_gives_zeros(self, toy):
        found, probes = toy.probed("ablationcam", toy.Toy(scale=0.0))
        assert (found == 0).all()
        assert probes.copies is None

    def test_a_negative_score_turns_the_weights_as_the_formula_has_it(self, toy):
        """w_k = (y - y_k) / y: with S and -S the drops and y change their sign together, and the map does not change."""
        positive, negative = toy.Toy(seed=7), toy.Toy(seed=7, scale=-1.0)
        assert positive.score() * negative.score() < 0
        np.testing.assert_allclose(toy.probed("ablationcam", negative)[0], toy.probed("ablationcam", positive)[0], rtol=1e-5)

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
        self.rescore = toy.Rescore(lambda pictures: (pictures * self.slopes).sum(axis=(1, 2, 3)), self.inputs, self.asked)


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
