"""Wilcoxon, Holm, effect sizes and wins: against worked examples, SciPy, and every sign flipped."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from dogcam.statistics import compare, holm, paired_intervals, signed_rank

NAN = float("nan")


def flipped(differences):
    """p by its definition: the share of all 2^n flips of signs whose ranks are as far from even."""
    ranks = stats.rankdata(np.abs(differences)) * (differences != 0)
    there = ranks[differences != 0]
    won = ranks[differences > 0].sum()
    sums = [sum(r for r, up in zip(there, signs, strict=True) if up) for signs in product((0, 1), repeat=len(there))]
    middle = there.sum() / 2
    return np.mean([abs(each - middle) >= abs(won - middle) - 1e-9 for each in sums])


class TestSignedRank:
    def test_a_worked_example(self):
        """Ranks by |d|: 1 of -1, 2 of 2, 3 of 3, 4 of 4, 5 of 5: lost 1, won 14. Of 32 flips, ∅ {1} and their mirrors."""
        found = signed_rank(np.array([-1.0, 2, 3, 4, 5]))
        assert found.p == pytest.approx(4 / 32)
        assert found.effect == pytest.approx((14 - 1) / 15)
        assert (found.wins, found.ties, found.losses) == (4, 0, 1)

    def test_zeros_are_ranked_and_set_aside(self):
        """Zeros take ranks 1 and 2, so 1, 2 and -3 have 3, 4 and 5 of 15."""
        found = signed_rank(np.array([0.0, 0, 1, 2, -3]))
        assert found.effect == pytest.approx((7 - 5) / 15)
        assert found.p == pytest.approx(flipped(np.array([0.0, 0, 1, 2, -3])))
        assert (found.wins, found.ties, found.losses) == (2, 2, 1)

    @pytest.mark.parametrize("n", [6, 17, 50])
    def test_exact_as_scipys(self, n):
        differences = np.random.default_rng(n).normal(0.3, 1, n)
        assert signed_rank(differences).p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)

    @pytest.mark.parametrize("seed", range(6))
    def test_exact_with_ties_and_zeros(self, seed):
        differences = np.random.default_rng(seed).integers(-2, 4, 11).astype(float)
        assert signed_rank(differences).p == pytest.approx(flipped(differences))

    @pytest.mark.parametrize("n", [51, 400])
    @pytest.mark.parametrize("heap", [False, True])
    def test_normal_as_scipys(self, n, heap):
        rng = np.random.default_rng(n)
        differences = rng.normal(0.1, 1, n)
        if heap:
            differences = np.concatenate([np.round(differences, 1), np.zeros(n // 4)])
            differences[:5] = 0.3
            differences = np.concatenate([differences, rng.normal(0.1, 1, 60)])
        scipy = stats.wilcoxon(differences, zero_method="pratt", method="asymptotic", correction=False)
        assert signed_rank(differences).p == pytest.approx(scipy.pvalue)

    def test_it_keeps_its_level(self):
        rng = np.random.default_rng(0)
        p = [signed_rank(rng.normal(0, 1, 40) * (rng.random(40) < 0.7)).p for _ in range(2000)]
        assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.015)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_effect_is_1_where_all_images_agree(self, sign):
        assert signed_rank(sign * np.arange(1.0, 9)).effect == sign

    def test_one_image_among_many_alike_is_no_effect(self):
        one = np.zeros(1000)
        one[0] = 0.4
        found = signed_rank(one)
        assert found.effect == pytest.approx(1000 / (1000 * 1001 / 2))
        assert found.p == 1

    def test_equal_scores(self):
        found = signed_rank(np.zeros(20))
        assert (found.p, found.effect, found.ties) == (1, 0, 20)

    def test_rounding_is_no_difference(self):
        found = signed_rank(np.full(20, 0.1 + 0.2 - 0.3))
        assert (found.p, found.ties) == (1, 20)

    def test_not_scored_is_left_out(self):
        assert signed_rank(np.array([NAN, 1, 2, -3])) == signed_rank(np.array([1.0, 2, -3]))
        assert np.isnan(signed_rank(np.array([NAN])).p)


class TestHolm:
    def test_a_worked_example(self):
        """.005 x 4, .01 x 3, .03 x 2, and .04 x 1 raised to the one before it."""
        assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_it_stops_at_1_and_leaves_out_what_was_not_tested(self):
        assert holm([0.6, NAN, 0.7]) == pytest.approx([1, NAN, 1], nan_ok=True)
        assert holm([]).shape == (0,)
        assert np.isnan(holm([NAN])).all()

    def test_by_the_definition(self):
        p = np.random.default_rng(0).random(9) ** 3
        order = sorted(p)
        written_out = [max(min(1, (9 - j) * order[j]) for j in range(order.index(each) + 1)) for each in p]
        assert holm(p) == pytest.approx(written_out)


NAMES = ("cam", "gradcam", "layercam")


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    base = rng.random((60, 1)) * 0.6
    return base + np.array([0.0, 0.05, 0.3]) + rng.normal(0, 0.1, (60, 3))


class TestCompare:
    def test_every_pair_with_every_figure(self, scores):
        pairs = compare(scores, NAMES, resamples=400)
        assert [(p.first, p.second) for p in pairs] == [NAMES[:2], NAMES[::2], NAMES[1:]]
        for pair, (a, b) in zip(pairs, ((0, 1), (0, 2), (1, 2)), strict=True):
            difference = scores[:, a] - scores[:, b]
            assert pair.mean == pytest.approx(difference.mean())
            assert pair.p == pytest.approx(stats.wilcoxon(difference, method="asymptotic").pvalue)
            assert (pair.wins, pair.losses, pair.ties) == ((difference > 0).sum(), (difference < 0).sum(), 0)
            assert pair.difference == paired_intervals(scores, [a], [b], resamples=400)[0]
        assert [p.holm for p in pairs] == pytest.approx(holm([p.p for p in pairs]))

    def test_only_those_asked_for_are_corrected_together(self, scores):
        (pair,) = compare(scores, NAMES, [("layercam", "cam")], resamples=200)
        assert pair.mean > 0
        assert pair.holm == pair.p
        assert pair.told_apart
        assert pair.verdict == "above"
        assert (pair.low, pair.high, pair.n) == (pair.difference.low, pair.difference.high, 60)
        assert compare(scores, NAMES, []) == ()

    def test_each_pair_uses_the_images_that_both_scored(self, scores):
        lacking = scores.copy()
        lacking[:7, 0] = NAN
        lacking[5:20, 1] = NAN
        cam_grad, cam_layer, _ = compare(lacking, NAMES, resamples=200)
        assert (cam_grad.n, cam_layer.n) == (40, 53)
        assert cam_grad.wins + cam_grad.losses == 40
        assert cam_layer.p == pytest.approx(signed_rank(scores[7:, 0] - scores[7:, 2]).p)

    def test_a_pair_that_shares_no_image_is_not_separable(self, scores):
        lacking = scores.copy()
        lacking[:30, 0] = lacking[30:, 1] = NAN
        pair = compare(lacking, NAMES, resamples=200)[0]
        assert np.isnan([pair.mean, pair.p, pair.holm]).all()
        assert not pair.told_apart
        assert pair.difference.reason == "too-few"

    def test_ranks_that_contradict_the_mean_separate_nothing(self):
        """Slightly better on most images and far worse on a few: the mean says one thing and the ranks another."""
        rng = np.random.default_rng(0)
        differences = np.concatenate([rng.uniform(0.01, 0.02, 90), rng.uniform(-0.9, -0.5, 10)])
        (pair,) = compare(np.column_stack([differences, np.zeros(100)]), "ab", resamples=200)
        assert pair.mean < 0 < pair.effect
        assert pair.holm < 0.05
        assert not pair.told_apart

    def test_over_runs_the_test_knows_that_runs_vary(self):
        rng = np.random.default_rng(1)
        gain = np.array([0.2, -0.1, 0.05])[:, None] + rng.normal(0, 0.05, (3, 100))
        base = rng.random((3, 100))
        (pair,) = compare(np.stack([base + gain, base], axis=-1), "ab")
        assert (pair.test, pair.difference.method, pair.difference.runs) == ("crossed-t", "t", 3)
        assert pair.p > 0.05
        assert pair.verdict == "undecided"
        assert signed_rank(gain.mean(axis=0)).p < 1e-6
        assert pair.wins == (gain.mean(axis=0) > 0).sum()

    def test_epochs_are_columns_like_any(self):
        rng = np.random.default_rng(0)
        at_3 = rng.random(80)
        epochs = np.column_stack([at_3, at_3 + 0.1, at_3 + 0.1 + rng.normal(0, 0.1, 80)])
        steps = compare(epochs, ("3", "5", "7"), [("5", "3"), ("7", "5"), ("7", "3")], resamples=300)
        assert [step.verdict for step in steps] == ["above", "undecided", "above"]

    @pytest.mark.parametrize(
        ("shape", "names", "which", "match"),
        [
            ((20, 3), ("a", "b"), None, "one name of its own"),
            ((20, 2), ("a", "a"), None, "one name of its own"),
            ((20,), ("a",), None, "one name of its own"),
            ((20, 2), ("a", "b"), [("a", "c")], "no scores of c; there are a, b"),
        ],
    )
    def test_what_cannot_be_is_refused(self, shape, names, which, match):
        with pytest.raises(ValueError, match=match):
            compare(np.ones(shape), names, which)
