"""How training went, from the files of an experiment."""

import math

import pytest

from dogcam.analysis.training import Training, training
from dogcam.core.records import from_plain, to_plain
from dogcam.experiment.runs import HistoryRow, create_experiment
from dogcam.experiment.training_curves import Curve, choose_run, judge


@pytest.fixture
def write(tmp_path):
    """An experiment with these rows of history."""

    def make(*rows):
        experiment = create_experiment(str(tmp_path), "one", "x", {})
        experiment.add_history([HistoryRow(*row) for row in rows])
        return experiment

    return make


def test_every_run_with_what_its_curve_says_and_the_choice(made):
    found = training(made.write())
    assert [each.run for each in found.runs] == [1, 2]
    assert found.runs[0].test == Curve((1, 2, 3, 4), (0.5, 0.6, 0.7, 0.68), (1.2, 1.0, 0.8, 0.95))
    assert found.runs[0].train.accuracy == pytest.approx((0.6, 0.7, 0.8, 0.78))
    assert [each.kept for each in found.runs] == [(2, 4), (2, 4)]
    assert found.verdicts == (judge(1, found.runs[0].test), judge(2, found.runs[1].test))
    assert found.verdicts[0].overfits_from == 4
    assert found.chosen == choose_run(found.curves)
    assert (found.chosen.run, found.chosen.epoch) == (2, 4)


def test_what_was_not_measured_is_not_there(write):
    found = training(write((1, 1, "train", 0.9, 0.1), (1, 1, "test", 0.8, 0.2), (1, 2, "test", 0.7, 0.3), (2, 1, "train", 1, 0)))
    first, second = found.runs
    assert (first.epochs, first.train.epochs, first.kept) == ((1, 2), (1,), ())
    assert (second.test, second.verdict) == (Curve((), (), ()), None)
    assert list(found.curves) == [1]
    assert found.chosen.run == 1


def test_before_the_first_epoch(write):
    assert training(write()) == Training((), None)


@pytest.mark.parametrize("loss", [0.5, math.nan])
def test_it_survives_json(write, loss):
    found = training(write((1, 1, "train", 0.9, 0.1), (1, 1, "test", 0.8, loss), (2, 1, "train", 1.0, 0.0)))
    plain = to_plain(found)
    assert to_plain(from_plain(Training, plain)) == plain
    assert loss != loss or from_plain(Training, plain) == found


def test_as_made(made):
    found = training(made.write())
    assert from_plain(Training, to_plain(found)) == found
