"""What a run's curve says, and why a run is used, in words."""

import math

import pytest

from dogcam.analysis.study import CURVES
from dogcam.experiment.training_curves import Curve, RunChoice, choose_run, judge
from dogcam.report.training_words import choice_words, verdict_sentence


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (
            CURVES[2],
            "Run 2 peaks at epoch 5 (accuracy 0.7395); from epoch 7 on its test loss stays more than 1 % above its lowest "
            "(0.9380; 0.9753 at the last epoch): overfitting.",
        ),
        (
            Curve((1, 2, 3, 4), (0.5, 0.6, 0.7, 0.8), (0.50, 0.53, 0.52, 0.501)),
            "Run 2 peaks at epoch 4 (accuracy 0.8000); at the last epoch its test loss is within 1 % of its lowest: no "
            "overfitting yet.",
        ),
        (
            Curve((1, 2), (0.2, 0.3), (math.nan, math.nan)),
            "Run 2 peaks at epoch 2 (accuracy 0.3000); its test loss is not a number at any epoch, so overfitting cannot be "
            "judged.",
        ),
        (
            Curve((1, 2), (0.5, 0.3), (0.9, math.nan)),
            "Run 2 peaks at epoch 1 (accuracy 0.5000); from epoch 2 on its test loss stays more than 1 % above its lowest "
            "(0.9000; nan at the last epoch): overfitting.",
        ),
    ],
)
def test_what_a_curve_says(curve, words):
    assert verdict_sentence(judge(2, curve)) == words


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (choose_run(CURVES), "highest test accuracy at its best epoch (0.7395 at epoch 5)"),
        (
            choose_run({1: CURVES[2], 4: CURVES[2]}),
            "highest test accuracy at its best epoch (0.7395 at epoch 5), and the lowest loss (0.9380) of the 2 runs that "
            "reach it",
        ),
        (RunChoice((1, 2), "all"), "all runs"),
        (RunChoice((3,), "as-asked"), "as asked"),
        (RunChoice((0,), "as-given"), "the model as it was given"),
    ],
)
def test_why_a_run_is_used(choice, words):
    assert choice_words(choice) == words
