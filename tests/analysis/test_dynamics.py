"""What training does, from tables whose answer is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from epochs import BASE, FALLING, NOISE, RISING, N, history, only, table, tables, two_runs, under_default

from dogcam.analysis.dynamics import Dynamics, dynamics
from dogcam.analysis.tables import Tables
from dogcam.analysis.training import training
from dogcam.core.records import from_plain, to_plain
from dogcam.experiment.evaluations import Cell


def test_a_known_shift_is_found_at_its_epoch_and_told_apart():
    found = under_default(history(), {**tables(RISING), **tables(FALLING, method="gradcam")})
    cam, grad = only(found, method="cam"), only(found, method="gradcam")
    assert [each.value for each in cam.iou] == pytest.approx([0.45, 0.50, 0.55])
    assert all(each.low < each.value < each.high for each in cam.iou)
    assert (cam.peak.epoch, cam.peak.runner_up, cam.peak.separable) == (7, 5, True)
    assert (grad.peak.epoch, grad.peak.runner_up, grad.peak.separable) == (5, 3, True)
    assert [cam.peak.lead.mean, grad.peak.lead.mean] == pytest.approx([0.05, 0.05])
    assert [(change.first, change.second) for change in cam.changes] == [(5, 3), (7, 5), (7, 3)]
    assert [c.mean for c in cam.changes] == pytest.approx([0.05, 0.05, 0.10])
    assert [c.mean for c in grad.changes] == pytest.approx([0.05, -0.10, -0.05])
    assert all(change.told_apart for change in (*cam.changes, *grad.changes))


def test_noise_is_told_apart_from_nothing():
    found = under_default(history(), tables({3: BASE + NOISE[0], 5: BASE + NOISE[1] + 0.001, 7: BASE + NOISE[2]}))
    (track,) = found.tracks
    assert track.peak.epoch == 5
    assert track.peak.separable is False
    assert not any(change.told_apart for change in track.changes)


def test_a_change_that_ranks_and_mean_do_not_both_show_is_not_told_apart():
    """35 images win a little, 5 lose much: the ranks say up, the mean nothing for certain."""
    few = np.where(np.arange(N) < 5, -0.25, 0.04) + 0.02 * (np.arange(N) % 2)
    (track,) = under_default(history(), tables({3: BASE, 5: BASE + few})).tracks
    pair = track.changes[0]
    assert pair.holm < 0.05
    assert pair.low < 0 < pair.high
    assert not pair.told_apart
    assert all(change.told_apart for change in under_default(history(), tables(RISING)).tracks[0].changes)


def test_equal_epochs_peak_at_the_first_and_do_not_differ():
    (track,) = under_default(history(), tables({3: BASE, 5: BASE, 7: BASE})).tracks
    assert (track.peak.epoch, track.peak.separable) == (3, False)
    assert [(c.mean, c.holm, c.ties) for c in track.changes] == [(0, 1, N)] * 3


def test_p_values_are_corrected_over_the_changes_of_a_method_and_no_others():
    """Holm: the smallest of three times 3, the next times 2, the last times 1, never below one before it."""
    faint = {3: BASE + NOISE[0], 5: BASE + NOISE[1] + 0.02, 7: BASE + NOISE[2] + 0.06}
    found = under_default(history(), {**tables(faint), **tables(RISING, method="gradcam")})
    changes = only(found, method="cam").changes
    running, expected = 0.0, {}
    for place, change in enumerate(sorted(changes, key=lambda each: each.p)):
        running = max(running, min(1.0, (3 - place) * change.p))
        expected[change.first, change.second] = running
    assert {(c.first, c.second): c.holm for c in changes} == pytest.approx(expected)
    assert len({c.p for c in changes}) == 3


def test_accuracy_peaks_among_all_trained_epochs_and_among_those_evaluated():
    """Epoch 6 is the best, but was not evaluated: of those that were it is epoch 5, and CAM peaks at 7."""
    rows = history(accuracy=(0.6, 0.8, 0.9, 0.7), loss=(1.0, 0.4, 0.5, 0.9), epochs=(3, 5, 6, 7))
    found = under_default(rows, tables(RISING))
    (learning,) = found.learning
    assert (learning.accuracy_peak.epoch, learning.accuracy_peak.value) == (6, 0.9)
    assert (learning.loss_peak.epoch, learning.loss_peak.value) == (5, 0.4)
    assert only(found, method="cam").accuracy_epoch == 5


def test_the_lead_in_accuracy_is_paired_over_the_images_that_were_classified():
    """Right on 20, 36 and 24 of 40: epoch 5 leads epoch 7 by 12 images, which is more than chance."""
    right = {3: 20, 5: 36, 7: 24}
    scored = {cell: table(BASE, right=right[cell.epoch]) for cell in tables(RISING)}
    found = under_default(history(accuracy=(0.5, 0.9, 0.6)), scored).learning[0].accuracy_peak
    assert (found.epoch, found.runner_up, found.separable) == (5, 7, True)
    assert found.lead.mean == pytest.approx(12 / 40)
    elsewhere = under_default(history(accuracy=(0.5, 0.8, 0.6)), scored).learning[0].accuracy_peak
    assert (elsewhere.epoch, elsewhere.lead, elsewhere.separable) == (5, None, None)


def test_a_loss_that_is_not_a_number_is_no_peak():
    nan = float("nan")
    found = under_default(history(loss=(nan, 0.7, nan)), tables(RISING))
    assert found.learning[0].loss_peak.epoch == 5
    found = under_default(history(loss=(nan, nan, nan)), tables(RISING))
    assert found.learning[0].loss_peak is None


def test_over_runs_the_interval_holds_for_training_again():
    """Only runs vary: .08 ± 12.706 · .02, Student's t of one degree; either run alone is sure of itself."""
    found = under_default(*two_runs())
    assert [track.run for track in found.tracks] == [1, 2, None]
    assert found.main == (found.tracks[2],)
    assert found.main_run is None
    change = found.main[0].changes[0]
    assert change.test == "crossed-t"
    assert (change.mean, change.low, change.high) == pytest.approx((0.08, 0.08 - 0.25412, 0.08 + 0.25412), abs=1e-4)
    assert (found.main[0].peak.epoch, found.main[0].peak.separable) == (7, False)
    assert [track.peak.separable for track in found.tracks[:2]] == [True, True]
    assert [each.value for each in found.main[0].iou] == pytest.approx([0.45, 0.53])
    assert found.main[0].area == pytest.approx((0.3, 0.3))
    mean = found.learning[2]
    assert mean.run is None
    assert mean.accuracy == pytest.approx((0.65, 0.8, 0.8))
    assert mean.loss == pytest.approx((0.95, 0.6, 0.6))
    assert found.main[0].accuracy_epoch == 7


def test_runs_of_other_epochs_have_no_mean():
    rows, shifted = two_runs()
    moved = {replace(cell, epoch=cell.epoch + 1) if cell.run == 2 else cell: each for cell, each in shifted.items()}
    found = under_default(rows, moved)
    assert [track.run for track in found.tracks] == [1, 2]
    assert [track.epochs for track in found.tracks] == [(3, 7), (4, 8)]
    assert [track.accuracy_epoch for track in found.tracks] == [7, None]
    assert [learning.run for learning in found.learning] == [1, 2]
    assert found.main_run == 1


def test_images_are_paired_by_their_names():
    shuffled = {name: each[::-1] for name, each in table(BASE + 0.05).items()}
    cells = list(tables(RISING))
    (track,) = under_default(history(), {cells[0]: table(BASE), cells[1]: shuffled}).tracks
    assert (track.changes[0].low, track.changes[0].high) == pytest.approx((0.05, 0.05))


@pytest.mark.parametrize("ious", [{}, {3: BASE}])
def test_fewer_than_two_epochs_have_no_dynamics(ious):
    assert dynamics(history(), tables(ious)) == ()
    baseline = {Cell(0, epoch, "centre-box-0.9", "", "default"): table(BASE) for epoch in (0, 1)}
    assert dynamics(history(), {**tables(ious), **baseline}) == ()


def test_each_protocol_has_its_own_in_the_order_of_the_tables():
    other = {replace(cell, protocol="cam2016"): each for cell, each in tables(FALLING).items()}
    once = {replace(cell, protocol="calibrated"): each for cell, each in tables({3: BASE}).items()}
    found = dynamics(history(), {**other, **once, **tables(RISING)})
    assert [each.protocol for each in found] == ["cam2016", "default"]
    assert [each.tracks[0].peak.epoch for each in found] == [5, 7]


def test_a_method_of_one_epoch_is_left_out():
    found = under_default(history(), {**tables(RISING), **tables({7: BASE}, method="gradcam")})
    assert [track.method for track in found.tracks] == ["cam"]


def test_too_few_images_have_figures_without_intervals():
    few = {epoch: iou[:9] for epoch, iou in RISING.items()}
    found = under_default(history(), tables(few))
    (track,) = found.tracks
    assert track.iou[0].value == pytest.approx(BASE[:9].mean())
    assert track.peak.separable is None, "nobody can say"
    assert math.isnan(track.iou[0].low)
    plain = to_plain(found)
    assert plain["tracks"][0]["iou"][0]["low"] is None
    assert to_plain(from_plain(Dynamics, plain)) == plain


@pytest.mark.parametrize("loss", [(1.0, 0.5), (math.nan, math.nan)])
def test_every_figure_survives_json(loss):
    curves, shifted = two_runs()
    found = under_default({**curves, 1: replace(curves[1], epochs=(3, 7), accuracy=(0.6, 0.7), loss=loss)}, shifted)
    plain = to_plain(found)
    again = from_plain(Dynamics, plain)
    assert to_plain(again) == plain
    assert again.tracks == found.tracks
    assert again.runs == (1, 2)
    assert [each["run"] for each in plain["learning"]] == [1, 2, None]
    track = plain["tracks"][2]
    assert (track["method"], track["epochs"], track["peak"]["epoch"]) == ("cam", [3, 7], 7)
    assert track["changes"][0]["difference"]["runs"] == 2


def test_of_an_experiment(made):
    experiment = made.write()
    read = Tables.of(experiment, *experiment.evaluations())
    (found,) = dynamics(training(experiment).curves, {cell: read.read(cell) for cell in read.cells}, read.layers)
    assert {(t.run, t.method) for t in found.tracks} == {(2, "cam"), (2, "gradcam")}
    assert len(found.tracks) == 4  # CAM at one layer, Grad-CAM at three
    assert [t.layer for t in found.tracks if t.method == "gradcam"] == read.layers
