"""How training went: the study's published table must lead to the study's published conclusions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import Decimal, getcontext

import numpy as np
import pytest

from dogcam.experiment.training_curves import RISE, Curve, choose_run, curves_of, judge, softmax

EPOCHS = (3, 5, 7)
# study.md: test accuracy and loss as published.
STUDY = {
    1: Curve(EPOCHS, (0.709655, 0.731480, 0.730294), (1.025016, 0.964633, 0.993686)),
    2: Curve(EPOCHS, (0.727495, 0.739506, 0.734725), (0.965132, 0.937959, 0.975292)),
    3: Curve(EPOCHS, (0.728195, 0.728195, 0.728912), (0.957389, 0.980687, 1.005752)),
}


@dataclass
class Row:
    run: int
    epoch: int
    split: str
    accuracy: float
    loss: float


class TestTheStudy:
    def test_run_2_is_chosen_for_its_accuracy(self):
        run, why = choose_run(STUDY)
        assert run == 2
        assert "0.7395 at epoch 5" in why

    def test_run_2_has_the_lowest_loss_too(self):
        assert min(STUDY, key=lambda run: STUDY[run].lowest_loss()) == 2

    @pytest.mark.parametrize(("run", "peak"), [(1, 5), (2, 5), (3, 7)])
    def test_the_peak_is_where_the_published_accuracy_is_highest(self, run, peak):
        """The study's text says 5, 5 and 3; by its own table run 3 is better at epoch 7, by 0.0007."""
        assert judge(run, STUDY[run]).peak_epoch == peak

    @pytest.mark.parametrize(("run", "stated"), [(1, 5), (2, 5), (3, 3)])
    def test_the_peaks_that_the_text_states_are_those_of_the_loss(self, run, stated):
        curve = STUDY[run]
        assert curve.epochs[curve.loss.index(curve.lowest_loss())] == stated

    @pytest.mark.parametrize(("run", "epoch"), [(1, 7), (2, 7), (3, 5)])
    def test_overfitting_starts_where_the_study_sees_it(self, run, epoch):
        assert judge(run, STUDY[run]).overfits_from == epoch

    def test_a_verdict_in_words(self):
        assert judge(2, STUDY[2]).sentence() == (
            "Run 2 peaks at epoch 5 (accuracy 0.7395); from epoch 7 on its test loss stays more than 1 % above its "
            "lowest (0.9380; 0.9753 at the last epoch): overfitting."
        )

    def test_from_the_rows_of_a_history(self):
        rows = [
            Row(run, epoch, "test", accuracy, loss)
            for run, curve in STUDY.items()
            for epoch, accuracy, loss in zip(*vars(curve).values(), strict=True)
        ]
        noise = [Row(run, epoch, "train", 1.0, 0.0) for run in STUDY for epoch in EPOCHS]
        assert curves_of([*noise, *reversed(rows)]) == STUDY


class TestCurve:
    def test_equal_accuracies_are_told_apart_by_the_loss(self):
        assert Curve((1, 2, 3), (0.5, 0.5, 0.4), (0.9, 0.8, 0.1)).peak() == 1

    def test_and_equal_losses_by_the_earlier_epoch(self):
        assert Curve((1, 2, 3), (0.4, 0.5, 0.5), (0.9, 0.8, 0.8)).peak() == 1

    def test_a_loss_that_only_falls_is_no_overfitting(self):
        curve = Curve((1, 2, 3), (0.1, 0.2, 0.3), (3.0, 2.0, 1.0))
        assert curve.overfits_from() is None
        assert "no overfitting yet" in judge(1, curve).sentence()

    def test_a_rise_within_noise_is_none(self):
        just, over = (1 + RISE) * 1.0, (1 + RISE) * 1.0 + 1e-9
        assert Curve((1, 2), (0.5, 0.5), (1.0, just)).overfits_from() is None
        assert Curve((1, 2), (0.5, 0.5), (1.0, over)).overfits_from() == 2

    def test_a_high_loss_before_the_lowest_is_not_a_rise(self):
        assert Curve((1, 2, 3, 4), (0.1,) * 4, (2.0, 5.0, 1.0, 1.2)).overfits_from() == 4

    def test_one_blip_is_no_overfitting(self):
        curve = Curve((1, 2, 3, 4), (0.5, 0.6, 0.7, 0.8), (0.50, 0.53, 0.52, 0.501))
        assert curve.overfits_from() is None
        assert (
            judge(1, curve)
            .sentence()
            .endswith("at the last epoch its test loss is within 1 % of its lowest: no overfitting yet.")
        )

    def test_it_starts_after_the_last_loss_within_noise(self):
        assert Curve((1, 2, 3, 4, 5), (0.5,) * 5, (0.5, 0.6, 0.501, 0.55, 0.52)).overfits_from() == 4

    def test_a_loss_that_comes_down_but_stays_high_is_not_said_to_rise(self):
        curve = Curve((1, 2, 3), (0.5,) * 3, (0.5, 0.6, 0.55))
        assert curve.overfits_from() == 2
        sentence = judge(1, curve).sentence()
        assert "rises" not in sentence
        assert "from epoch 2 on its test loss stays more than 1 % above its lowest (0.5000; 0.5500 at" in sentence

    def test_one_epoch(self):
        verdict = judge(4, Curve((6,), (0.5,), (1.5,)))
        assert (verdict.run, verdict.peak_epoch, verdict.overfits_from) == (4, 6, None)
        assert (verdict.lowest_loss, verdict.last_loss) == (1.5, 1.5)

    def test_a_loss_that_stopped_being_a_number_has_risen(self):
        """Training that went astray must not be told as "no overfitting", nor hide the lowest loss."""
        curve = Curve((1, 2, 3), (0.4, 0.5, 0.1), (1.2, 0.9, math.nan))
        assert curve.overfits_from() == 3
        assert judge(1, curve).lowest_loss == 0.9
        assert judge(1, Curve((1, 2), (0.1, 0.5), (math.nan, 0.9))).lowest_loss == 0.9

    def test_of_equal_accuracies_one_with_a_loss_wins_whatever_the_order(self):
        assert Curve((1, 2), (0.5, 0.5), (math.nan, 0.9)).peak() == 1
        assert Curve((1, 2), (0.5, 0.5), (0.9, math.nan)).peak() == 0

    def test_without_any_loss(self):
        curve = Curve((1, 2), (0.2, 0.3), (math.nan, math.nan))
        assert (curve.peak(), curve.overfits_from()) == (1, None)
        assert judge(1, curve).sentence().endswith("not a number at any epoch, so overfitting cannot be judged.")

    @pytest.mark.parametrize(
        ("epochs", "best"),
        [((1, 2, 3, 4), 3), ((4, 2, 1), 2), ((1, 4), 4), ((1,), 1), ((9, 1), 1), ((2, 2), 2), ((9,), None), ((), None)],
    )
    def test_the_best_of_some_epochs(self, epochs, best):
        """Accuracy first; of epochs 2 and 4 the loss is lower at 2; of epochs 2 and 3 the accuracy is higher at 3."""
        curve = Curve((1, 2, 3, 4), (0.4, 0.5, 0.6, 0.5), (0.9, 0.8, 2.0, 0.85))
        assert curve.best_of(epochs) == curve.best_of(iter(epochs)) == best

    def test_of_equal_epochs_the_earlier_is_best_and_one_without_a_loss_is_not(self):
        assert Curve((3, 5, 7), (0.5,) * 3, (math.nan, 0.8, 0.8)).best_of((7, 5, 3)) == 5

    @pytest.mark.parametrize("run", STUDY)
    def test_the_best_of_all_is_the_peak(self, run):
        assert STUDY[run].best_of(EPOCHS) == EPOCHS[STUDY[run].peak()]


class TestChoice:
    def test_the_highest_accuracy_wins_over_a_lower_loss(self):
        low = replace(STUDY[2], accuracy=(0.7, 0.7, 0.7), loss=(0.1, 0.1, 0.1))
        assert choose_run({1: low, 2: STUDY[2]})[0] == 2

    def test_a_tie_goes_to_the_lower_loss_and_says_so(self):
        worse = replace(STUDY[2], loss=(2.0, 2.0, 2.0))
        run, why = choose_run({1: worse, 4: STUDY[2]})
        assert run == 4
        assert "of the 2 runs" in why

    def test_a_full_tie_goes_to_the_lower_number_in_any_order(self):
        assert choose_run({7: STUDY[2], 3: STUDY[2]})[0] == 3


class TestSoftmax:
    def test_against_decimals_of_fifty_digits(self):
        getcontext().prec = 50
        logits = [[1.5, -2.25, 0.125], [30.0, 31.0, -4.0]]
        for row, found in zip(logits, softmax(np.array(logits)), strict=True):
            powers = [Decimal(value).exp() for value in row]
            np.testing.assert_allclose(found, [float(power / sum(powers)) for power in powers], rtol=1e-14)

    def test_it_holds_for_logits_of_any_size(self):
        found = softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0], [88.9, 90.0]], np.float32))
        assert found.dtype == np.float64
        np.testing.assert_allclose(found[0], [0.5, 0.5])
        np.testing.assert_allclose(found[1], [0, 1])
        np.testing.assert_allclose(found.sum(axis=-1), 1)

    def test_a_constant_added_changes_nothing(self):
        logits = np.random.default_rng(2).normal(size=(4, 7))
        np.testing.assert_allclose(softmax(logits + 300), softmax(logits), rtol=1e-9)
