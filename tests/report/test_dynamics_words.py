"""Training dynamics in sentences, each message once."""

from dataclasses import replace

import pytest
from epochs import BASE, NOISE, RISING, WIGGLE, history, table, tables, two_runs, under_default

from dogcam.experiment.evaluations import Cell
from dogcam.language import speaking
from dogcam.report.dynamics_words import sentences

NAN = float("nan")


def told(curves, scored, **options):
    return sentences(under_default(curves, scored), **options)


def test_of_one_run_whose_boxes_fit_best_where_accuracy_is_highest():
    learnt, fit = told(history(accuracy=(0.6, 0.7, 0.8)), tables(RISING))
    assert learnt == "In run 1 test accuracy is highest at epoch 7 (0.8000) and test loss lowest at epoch 5 (0.5000)."
    assert fit.startswith("The mean IoU of CAM at last is highest at epoch 7 (0.550; ahead of epoch 5 by +0.050 [")
    assert "], more than chance if taken alone); of these 3 epochs accuracy is highest there too. Of its 3" in fit
    assert "changes between epochs 3 can be told apart from 0 (Holm-corrected): epoch 5 − epoch 3 +0.050 [" in fit


def test_accuracy_may_be_highest_elsewhere_or_unknown():
    curves = history(accuracy=(0.6, 0.8, 0.9, 0.7), loss=(1.0, 0.4, 0.5, 0.9), epochs=(3, 5, 6, 7))
    assert "; of these 3 epochs accuracy is highest at epoch 5. " in told(curves, tables(RISING))[1]
    (fit,) = told({}, tables(RISING))
    assert "accuracy" not in fit


def test_what_may_be_chance():
    noise = tables({3: BASE + NOISE[0], 5: BASE + NOISE[1] + 0.001, 7: BASE + NOISE[2]})
    fit = told(history(), noise)[1]
    assert ", which may be chance)" in fit
    assert "Of its 3 changes between epochs none can be told apart from 0 (Holm-corrected)." in fit


@pytest.mark.parametrize(
    ("scored", "words"), [(tables(RISING), "In run 1 test accuracy"), (two_runs()[1], "Over 2 runs test accuracy")]
)
def test_a_loss_that_is_no_number(scored, words):
    curves = {run: replace(each[run], loss=(NAN,) * 3) for run, each in ((1, history(1)), (2, history(2)))}
    first = told(curves, scored)[0]
    assert first.startswith(words)
    assert first.endswith("; its test loss is not a number at any epoch.")


def test_over_runs_and_where_these_do_not_agree():
    curves, shifted = two_runs()
    learnt, fit = told(curves, shifted)
    assert learnt.startswith("Over 2 runs test accuracy is highest at epoch 5 (0.8000) and test loss lowest")
    assert fit.startswith("The mean IoU of CAM at last over 2 runs is")
    shifted[Cell(2, 7, "cam", "last", "default")] = table(BASE - 0.06)
    assert told(curves, shifted)[2] == (
        "The runs of CAM at last do not agree: its mean IoU is highest at epoch 7 (run 1) and epoch 3 (run 2)."
    )


def test_a_run_of_several_without_a_mean_is_named():
    curves, shifted = two_runs()
    moved = {replace(cell, epoch=cell.epoch + 1) if cell.run == 2 else cell: each for cell, each in shifted.items()}
    assert told(curves, moved)[1].startswith("The mean IoU of CAM at last in run 1 is highest at")


def test_methods_of_the_same_scores_share_a_sentence():
    found = told(history(), {**tables(RISING), **tables(RISING, method="gradcam")})
    assert len(found) == 2
    assert "CAM and Grad-CAM at last" in found[1]


def test_only_of_one_layer_and_of_so_many_methods_the_studys_first():
    scored = {**tables(RISING, method="fem"), **tables({3: BASE, 5: BASE - 0.1}), **tables(RISING, layer="first")}
    assert len(told(history(), scored)) == 4
    learnt, fit = told(history(), scored, layer="last", most=1)
    assert "CAM at last" in fit
    assert told(history(), scored, layer="elsewhere") == [learnt]


def test_sizes_that_do_not_change_are_said_to_stay():
    grown = {**tables({3: BASE}, area=0.2), **tables({5: BASE}, area=0.4)}
    same = {**tables({3: BASE}, area=0.2), **tables({5: BASE}, area=0.2004)}
    assert told(history(), grown)[1].endswith("Its mean box area goes from 0.200 to 0.400 of the picture.")
    assert told(history(), same)[1].endswith("Its mean box area stays at 0.200 of the picture.")


def test_one_change_is_told_apart_or_not():
    apart = told(history(), tables({3: BASE, 5: BASE + 0.05 + WIGGLE}))[1]
    assert "Its one change is told apart from 0 (Holm-corrected): epoch 5 − epoch 3 +0.050 [" in apart
    assert "Its one change cannot be told apart from 0 (Holm-corrected)." in told(history(), tables({3: BASE, 5: BASE}))[1]


def test_too_few_images_have_no_interval():
    assert "(no interval)" in told(history(), tables({epoch: iou[:9] for epoch, iou in RISING.items()}))[1]


def test_in_korean():
    with speaking("ko"):
        learnt, fit = told(history(accuracy=(0.6, 0.7, 0.8)), tables(RISING))
    assert learnt == "실행 1에서 테스트 정확도는 에포크 7에서 가장 높고(0.8000), 테스트 손실은 에포크 5에서 가장 낮다(0.5000)."
    assert fit.startswith("last 층의 CAM의 평균 IoU는 에포크 7에서 가장 높다(0.550; 에포크 5와의 차이 +0.050 [")
    assert "평가한 에포크 3개 가운데 정확도도 그곳에서 가장 높다." in fit
    assert "에포크 사이의 변화 3개 가운데 3개가 0과 구별된다(Holm 보정): 에포크 5 − 에포크 3: +0.050 [" in fit
