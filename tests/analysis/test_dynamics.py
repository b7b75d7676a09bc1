"""What training does, from tables whose answer is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dogcam.analysis.dynamics import dynamics, dynamics_of
from dogcam.analysis.evidence import Evidence
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import HistoryRow
from dogcam.language import speaking
from dogcam.report.exhibits.epochs import training_dynamics

N = 40
BASE = np.linspace(0.2, 0.7, N)
WIGGLE = np.tile([0.01, -0.01, 0.005, -0.005], N // 4)  # of mean 0, so that shifts stay what they are
NOISE = np.random.default_rng(0).normal(0, 0.1, (3, N))
NOISE -= NOISE.mean(axis=1, keepdims=True)
IMAGES = np.array([f"picture-{k}" for k in range(N)], object)


def table(iou, area=0.3, right=0):
    """Scores of N images, of which the first `right` were classified rightly."""
    n = len(iou)
    predicted = (np.arange(n) >= right).astype(int)
    return {
        "image": IMAGES[:n],
        "iou": np.asarray(iou, float),
        "area": np.full(n, area),
        "predicted": predicted,
        "label": np.zeros(n, int),
    }


def history(run=1, accuracy=(0.6, 0.8, 0.7), loss=(1.0, 0.5, 0.9), epochs=(3, 5, 7)):
    points = zip(epochs, accuracy, loss, strict=True)
    return [HistoryRow(run, epoch, "test", a, b) for epoch, a, b in points]


def tables(ious, run=1, method="cam", layer="last", **more):
    """{epoch: IoU of every image} -> tables by cell."""
    return {Cell(run, epoch, method, layer, "default"): table(iou, **more) for epoch, iou in ious.items()}


def only(found, **wanted):
    (track,) = [t for t in found.tracks if all(getattr(t, name) == value for name, value in wanted.items())]
    return track


RISING = {3: BASE, 5: BASE + 0.05 + WIGGLE, 7: BASE + 0.10 - WIGGLE}
FALLING = {3: BASE, 5: BASE + 0.05 + WIGGLE, 7: BASE - 0.05}


def test_a_known_shift_is_found_at_its_epoch_and_told_apart():
    found = dynamics(history(), {**tables(RISING), **tables(FALLING, method="gradcam")}, "default")
    cam, grad = only(found, method="cam"), only(found, method="gradcam")
    assert [each.value for each in cam.iou] == pytest.approx([0.45, 0.50, 0.55])
    assert all(each.low < each.value < each.high for each in cam.iou)
    assert (cam.peak.epoch, cam.peak.runner_up, cam.peak.separable) == (7, 5, True)
    assert (grad.peak.epoch, grad.peak.runner_up, grad.peak.separable) == (5, 3, True)
    assert [cam.peak.lead.mean, grad.peak.lead.mean] == pytest.approx([0.05, 0.05])
    assert [(c.first, c.second) for c in cam.changes] == [
        ("epoch 5", "epoch 3"),
        ("epoch 7", "epoch 5"),
        ("epoch 7", "epoch 3"),
    ]
    assert [c.mean for c in cam.changes] == pytest.approx([0.05, 0.05, 0.10])
    assert [c.mean for c in grad.changes] == pytest.approx([0.05, -0.10, -0.05])
    assert all(change.told_apart for change in (*cam.changes, *grad.changes))


def test_noise_is_told_apart_from_nothing():
    found = dynamics(history(), tables({3: BASE + NOISE[0], 5: BASE + NOISE[1] + 0.001, 7: BASE + NOISE[2]}), "default")
    (track,) = found.tracks
    assert track.peak.epoch == 5
    assert track.peak.separable is False
    assert not any(change.told_apart for change in track.changes)
    assert "which may be chance" in " ".join(found.sentences())
    assert "none can be told apart from 0" in " ".join(found.sentences())


def test_a_change_that_ranks_and_mean_do_not_both_show_is_not_told_apart():
    """35 images win a little, 5 lose much: the ranks say up, the mean nothing for certain."""
    few = np.where(np.arange(N) < 5, -0.25, 0.04) + 0.02 * (np.arange(N) % 2)
    (track,) = dynamics(history(), tables({3: BASE, 5: BASE + few}), "default").tracks
    assert track.changes[0].separable()
    assert track.changes[0].low < 0 < track.changes[0].high
    assert not told_apart(track.changes[0])
    assert all(change.told_apart for change in dynamics(history(), tables(RISING), "default").tracks[0].changes)


def test_equal_epochs_peak_at_the_first_and_do_not_differ():
    (track,) = dynamics(history(), tables({3: BASE, 5: BASE, 7: BASE}), "default").tracks
    assert (track.peak.epoch, track.peak.separable) == (3, False)
    assert [(c.mean, c.holm, c.ties) for c in track.changes] == [(0, 1, N)] * 3


def test_p_values_are_corrected_over_the_changes_of_a_method_and_no_others():
    """Holm: the smallest of three times 3, the next times 2, the last times 1, never below one before it."""
    faint = {3: BASE + NOISE[0], 5: BASE + NOISE[1] + 0.02, 7: BASE + NOISE[2] + 0.06}
    found = dynamics(history(), {**tables(faint), **tables(RISING, method="gradcam")}, "default")
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
    found = dynamics(rows, tables(RISING), "default")
    (learning,) = found.learning
    assert (learning.accuracy_peak.epoch, learning.accuracy_peak.value) == (6, 0.9)
    assert (learning.loss_peak.epoch, learning.loss_peak.value) == (5, 0.4)
    assert only(found, method="cam").accuracy_epoch == 5
    assert "of these 3 epochs accuracy is highest at epoch 5" in " ".join(found.sentences())


def test_the_lead_in_accuracy_is_paired_over_the_images_that_were_classified():
    """Right on 20, 36 and 24 of 40: epoch 5 leads epoch 7 by 12 images, which is more than chance."""
    right = {3: 20, 5: 36, 7: 24}
    scored = {cell: table(BASE, right=right[cell.epoch]) for cell in tables(RISING)}
    found = dynamics(history(accuracy=(0.5, 0.9, 0.6)), scored, "default").learning[0].accuracy_peak
    assert (found.epoch, found.runner_up, found.separable) == (5, 7, True)
    assert found.lead.mean == pytest.approx(12 / 40)
    elsewhere = dynamics(history(accuracy=(0.5, 0.8, 0.6)), scored, "default").learning[0].accuracy_peak
    assert (elsewhere.epoch, elsewhere.lead, elsewhere.separable) == (5, None, None)


def test_a_loss_that_is_not_a_number_is_no_peak():
    nan = float("nan")
    found = dynamics(history(loss=(nan, 0.7, nan)), tables(RISING), "default")
    assert found.learning[0].loss_peak.epoch == 5
    found = dynamics(history(loss=(nan, nan, nan)), tables(RISING), "default")
    assert found.learning[0].loss_peak is None
    assert "not a number at any epoch" in found.sentences()[0]


def two_runs():
    """Run 1 rises by .10 from epoch 3 to 7 on every image, run 2 by .06."""
    shifted = {
        **tables({3: BASE, 7: BASE + 0.10}, run=1, area=0.2),
        **tables({3: BASE, 7: BASE + 0.06}, run=2, area=0.4),
    }
    rows = [*history(1, (0.6, 0.8, 0.7)), *history(2, (0.7, 0.8, 0.9), (0.9, 0.7, 0.3))]
    return rows, shifted


def test_over_runs_the_interval_holds_for_training_again():
    """Only runs vary: .08 ± 12.706 · .02, Student's t of one degree; either run alone is sure of itself."""
    found = dynamics(*two_runs(), "default")
    assert [track.run for track in found.tracks] == [1, 2, None]
    assert found.main == (found.tracks[2],)
    (change,) = found.main[0].changes
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
    assert "over 2 runs" in found.sentences()[1]


def test_runs_that_do_not_agree_are_named():
    rows, shifted = two_runs()
    shifted[Cell(2, 7, "cam", "last", "default")] = table(BASE - 0.06)
    told = " ".join(dynamics(rows, shifted, "default").sentences())
    assert "epoch 7 (run 1) and epoch 3 (run 2)" in told


def test_runs_of_other_epochs_have_no_mean():
    rows, shifted = two_runs()
    moved = {replace(cell, epoch=cell.epoch + 1) if cell.run == 2 else cell: each for cell, each in shifted.items()}
    found = dynamics(rows, moved, "default")
    assert [track.run for track in found.tracks] == [1, 2]
    assert [track.epochs for track in found.tracks] == [(3, 7), (4, 8)]
    assert [track.accuracy_epoch for track in found.tracks] == [7, None]
    assert [learning.run for learning in found.learning] == [1, 2]
    assert "in run 1 is highest" in found.sentences()[1]


def test_images_are_paired_by_their_names():
    shuffled = {name: each[::-1] for name, each in table(BASE + 0.05).items()}
    cells = list(tables(RISING))
    (track,) = dynamics(history(), {cells[0]: table(BASE), cells[1]: shuffled}, "default").tracks
    assert (track.changes[0].low, track.changes[0].high) == pytest.approx((0.05, 0.05))


@pytest.mark.parametrize("ious", [{}, {3: BASE}])
def test_fewer_than_two_epochs_have_no_dynamics(ious):
    assert dynamics(history(), tables(ious), "default") is None
    baseline = {Cell(0, epoch, "centre", "", "default"): table(BASE) for epoch in (0, 1)}
    assert dynamics(history(), {**tables(ious), **baseline}, "default") is None
    assert dynamics(history(), tables(RISING), "another") is None


def test_a_method_of_one_epoch_is_left_out():
    found = dynamics(history(), {**tables(RISING), **tables({7: BASE}, method="gradcam")}, "default")
    assert [track.method for track in found.tracks] == ["cam"]


def test_too_few_images_have_figures_without_intervals():
    few = {epoch: iou[:9] for epoch, iou in RISING.items()}
    found = dynamics(history(), tables(few), "default")
    (track,) = found.tracks
    assert track.iou[0].value == pytest.approx(BASE[:9].mean())
    assert track.peak.separable is None, "nobody can say"
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    assert document["tracks"][0]["iou"][0]["low"] is None
    assert "(no interval)" in " ".join(document["sentences"])


def test_the_document_holds_every_figure_as_plain_values():
    document = json.loads(json.dumps(dynamics(*two_runs(), "default").document(), allow_nan=False))
    assert document["protocol"] == "default"
    assert document["runs"] == [1, 2]
    assert [each["run"] for each in document["learning"]] == [1, 2, None]
    track = document["tracks"][2]
    assert (track["method"], track["epochs"], track["peak"]["epoch"]) == ("cam", [3, 7], 7)
    assert track["changes"][0]["difference"]["runs"] == 2


def test_methods_of_the_same_scores_share_a_sentence():
    found = dynamics(history(), {**tables(RISING), **tables(RISING, method="gradcam")}, "default")
    assert len(found.sentences()) == 2
    assert "CAM and Grad-CAM at last" in found.sentences()[1]
    assert dynamics(history(), tables(RISING), "default").sentences("elsewhere") == found.sentences()[:1]


def test_sizes_that_do_not_change_are_said_to_stay():
    grown = {**tables({3: BASE}, area=0.2), **tables({5: BASE}, area=0.4)}
    same = {**tables({3: BASE}, area=0.2), **tables({5: BASE}, area=0.2004)}
    assert "mean box area goes from 0.200 to 0.400 of" in dynamics(history(), grown, "default").sentences()[1]
    assert "mean box area stays at 0.200 of the" in dynamics(history(), same, "default").sentences()[1]


def test_one_change_is_told_apart_or_not():
    apart = dynamics(history(), tables({3: BASE, 5: BASE + 0.05 + WIGGLE}), "default").sentences()[1]
    assert "Its one change is told apart from 0 (Holm-corrected): epoch 5 − epoch 3 +0.050 [" in apart
    same = dynamics(history(), tables({3: BASE, 5: BASE}), "default").sentences()[1]
    assert "Its one change cannot be told apart from 0 (Holm-corrected)." in same


def test_in_korean_and_what_is_kept_stays_as_it_was():
    with speaking("ko"):
        found = dynamics(history(accuracy=(0.6, 0.7, 0.8)), tables(RISING), "default")
        learnt, fit = found.sentences()
    assert (
        learnt
        == "실행 1에서 테스트 정확도는 에포크 7에서 가장 높고(0.8000), 테스트 손실은 에포크 5에서 가장 낮다(0.5000)."
    )
    assert fit.startswith("last 층의 CAM의 평균 IoU는 에포크 7에서 가장 높다(0.550; 에포크 5와의 차이 +0.050 [")
    assert "평가한 에포크 3개 가운데 정확도도 그곳에서 가장 높다." in fit
    assert "에포크 사이의 변화 3개 가운데 3개가 0과 구별된다(Holm 보정): 에포크 5 − 에포크 3: +0.050 [" in fit
    (track,) = found.tracks
    assert (track.changes[0].first, track.changes[0].second) == ("epoch 5", "epoch 3")
    assert [(later, earlier) for later, earlier, _ in track.tested] == [(5, 3), (7, 5), (7, 3)]


class TestFromAnExperiment:
    def test_of_an_evaluation_and_of_what_was_wanted_of_it(self, made):
        experiment = made.write()
        (evaluation,) = experiment.evaluations()
        found = dynamics_of(experiment.history(), evaluation, "default")
        assert {(t.run, t.method) for t in found.tracks} == {(2, "cam"), (2, "gradcam")}
        assert len(found.tracks) == 4  # CAM at one layer, Grad-CAM at three
        wanted = [cell for cell in evaluation.cells() if cell.method == "cam"]
        assert [t.method for t in dynamics_of(experiment.history(), evaluation, "default", wanted).tracks] == ["cam"]
        assert dynamics_of(experiment.history(), evaluation, "cam2016") is None

    def test_the_exhibit_shows_the_figures_that_were_written(self, made):
        made.images = 16
        made.ious = {("cam", 2): np.full(16, 0.5), ("cam", 4): np.linspace(0.5, 0.8, 16)}
        exhibit = training_dynamics(Evidence.of(made.write()))
        chart, table_, *folded = exhibit.blocks
        rows = {(row.entries[0].text, row.entries[1].text): [e.text for e in row.entries[2:]] for row in table_.rows}
        assert table_.columns[2:4] == ("epoch 2", "epoch 4")
        assert rows["accuracy", ""][:3] == ["0.6500", "0.8000", "e4"]
        assert rows["loss", ""][:3] == ["0.9000", "0.6000", "e4"]
        fit = rows["IoU, CAM", "conv5_block1_out"]
        assert fit[0] == "0.500 [0.500, 0.500]"
        assert fit[1].startswith("0.650 [")
        assert fit[2] == "e4"
        assert fit[3].startswith("+0.150 [")
        assert all(each.folded for each in folded)
        assert chart.draw(theme="dark") is not None

    def test_other_protocols_and_single_runs_are_folded_in(self, made):
        made.protocols = ("default", "cam2016")
        experiment = made.write()
        (evaluation,) = experiment.evaluations()
        for cell in evaluation.cells():
            if cell.run == 2:
                columns = evaluation.read(cell)
                truth = [boxes.ravel().tolist() for boxes in columns["truth"]]
                evaluation.write(replace(cell, run=1), {**columns, "truth": truth}, evaluation.choice(cell))
        exhibit = training_dynamics(Evidence.of(experiment))
        captions = [block.caption for block in exhibit.blocks]
        assert len([caption for caption in captions if "of run 1" in caption]) == 2
        assert [caption for caption in captions if "over 2 runs, protocol cam2016" in caption]
        assert "pale: single runs" in exhibit.blocks[0].caption

    def test_one_epoch_has_no_exhibit(self, made):
        made.epochs = (4,)
        assert training_dynamics(Evidence.of(made.write())) is None
