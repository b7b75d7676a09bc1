"""The picture that stands for the rest: under the answer's best method, wherever its layer is, beside CAM and Grad-CAM."""

import numpy as np
import pytest
from dogcam.analysis.answer import standing
from dogcam.analysis.evidence import Evidence
from dogcam.report.exhibits.gallery import boxes, hero

from dogcam.experiment.evaluations import Cell, Choice
from dogcam.language import speaking
from dogcam.report.tiles import tile

EARLY, POOLED = "conv3_block1_out", "conv5_block1_out"


def rewrite(experiment, method, layer, iou):
    """Give a method at a layer another IoU, boxes and maps of its own: what draws the same would be one with others."""
    evaluation = experiment.evaluation("test", None, "true")
    cell = Cell(2, 4, method, layer, "default")
    rows = {**evaluation.read(cell), "iou": np.linspace(iou, iou + 0.01, 8), "x0": np.linspace(0.1, 0.2, 8)}
    rows["truth"] = [each.ravel().tolist() for each in rows["truth"]]
    evaluation.write(cell, {name: list(values) for name, values in rows.items()}, Choice(0.15))
    evaluation.write_maps(2, 4, {(method, layer): np.random.default_rng(1).normal(0, 1, (4, 6, 9)).astype(np.float32)})


def hero_of(experiment):
    evidence = Evidence.of(experiment)
    return hero(evidence, standing(evidence))


def titles(sheet):
    return [each.panel.title for each in sheet.rows[0][1]]


def test_the_best_method_comes_first_though_its_layer_does_not_feed_the_pooling(made):
    experiment = made.write()
    rewrite(experiment, "gradcam", EARLY, 0.95)
    shown = hero_of(experiment)
    assert titles(shown) == ["picture", f"Grad-CAM at {EARLY}", "CAM", "Grad-CAM"]
    assert f"Epoch 4, layer {POOLED} where no other is named." in shown.caption
    assert f"Grad-CAM at {EARLY} has the highest mean IoU of all." in shown.caption


@pytest.mark.parametrize(("best", "expected"), [("cam", ["CAM", "Grad-CAM"]), ("gradcam", ["Grad-CAM", "CAM"])])
def test_of_the_two_at_the_pooled_layer_the_best_comes_first(made, best, expected):
    experiment = made.write()
    rewrite(experiment, best, POOLED, 0.95)
    shown = hero_of(experiment)
    assert titles(shown)[1:] == expected
    assert f"Epoch 4, layer {POOLED}. {expected[0]} has the highest mean IoU of all." in shown.caption


def test_cam_and_gradcam_come_before_others_that_are_not_the_best(made):
    made.methods = ("layercam", "cam", "gradcam")
    made.ious = {("layercam", 4): np.full(8, 0.1)}
    experiment = made.write()
    rewrite(experiment, "gradcam", POOLED, 0.95)
    assert titles(hero_of(experiment)) == ["picture", "Grad-CAM", "CAM", "LayerCAM"]


def test_without_an_answer_the_pooled_methods_are_shown(made):
    evidence = Evidence.of(made.write())
    assert titles(hero(evidence, None)) == ["picture", "CAM", "Grad-CAM"]
    assert "highest" not in hero(evidence, None).caption


def test_the_drawn_box_is_the_scored_one_not_one_at_the_protocols_own_threshold(made):
    experiment = made.write()
    rewrite(experiment, "cam", POOLED, 0.5)
    evidence = Evidence.of(experiment)
    for sample in evidence.samples:
        drawn = tile(evidence, sample, ("cam", POOLED, 4), "CAM").panel
        assert drawn.box[0] == pytest.approx(np.linspace(0.1, 0.2, 8)[sample.place])
        assert drawn.note == f"IoU {np.linspace(0.5, 0.51, 8)[sample.place]:.2f}"


def test_of_many_kept_pictures_only_a_dozen_are_drawn(made):
    made.images = made.samples = 40
    blocks = boxes(Evidence.of(made.write())).blocks
    (shown,) = [block for block in blocks if getattr(block, "name", "") == "kept-pictures"]
    assert len(shown.rows[0][1]) == 12
    assert shown.caption.startswith("12 of the 40 (evenly spaced in rank) kept pictures under Grad-CAM")


def test_the_hero_speaks_korean(made):
    experiment = made.write()
    with speaking("ko"):
        shown = hero_of(experiment)
        assert titles(shown)[0] == "이미지"
        assert f"에포크 4, 층 {POOLED}." in shown.caption
