"""The picture that stands for the rest: under the answer's best method, wherever its layer is, beside CAM and Grad-CAM."""

import numpy as np
import pytest
from made_up import Made

from dogcam.analysis.measures import Outside
from dogcam.experiment.evaluations import Cell, MapKey
from dogcam.language import speaking
from dogcam.report.material import Material
from dogcam.report.texts import text
from dogcam.report.tiles import hero, outside_table, tile, trend

EARLY, POOLED = "conv3_block1_out", "conv5_block1_out"


def rewrite(experiment, method, layer, iou):
    """Give a method at a layer another IoU, boxes and maps of its own: what draws the same would be one with others."""
    changed = {"iou": np.linspace(iou, iou + 0.01, 8), "x0": np.linspace(0.1, 0.2, 8)}
    Made.rewrite(experiment, Cell(2, 4, method, layer, "default"), **changed)
    maps = np.random.default_rng(1).normal(0, 1, (4, 6, 9)).astype(np.float32)
    experiment.evaluation("test", None, "true").sample.write_maps(2, 4, {(method, layer): maps})


def hero_of(experiment):
    return hero(Material.of(experiment))


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


def test_without_any_maps_there_is_none(made):
    made.samples = 0
    assert hero_of(made.write()) is None


def test_the_drawn_box_is_the_scored_one_not_one_at_the_protocols_own_threshold(made):
    experiment = made.write()
    rewrite(experiment, "cam", POOLED, 0.5)
    material = Material.of(experiment)
    for sample in material.kept.samples:
        drawn = tile(material, sample, MapKey("cam", POOLED), 4, "CAM").panel
        assert drawn.box[0] == pytest.approx(np.linspace(0.1, 0.2, 8)[sample.place])
        assert drawn.note == f"IoU {np.linspace(0.5, 0.51, 8)[sample.place]:.2f}"


def test_the_hero_speaks_korean(made):
    experiment = made.write()
    with speaking("ko"):
        shown = hero_of(experiment)
        assert titles(shown)[0] == "이미지"
        assert f"에포크 4, 층 {POOLED}." in shown.caption


def outside(*shares):
    return [(f"epoch {k}", Outside(MapKey("cam", POOLED), k, share, 4, 0.75)) for k, share in enumerate(shares)]


def test_heat_outside_the_boxes_stands_beside_that_of_an_even_map():
    table = outside_table("CAM", [(label, "", each) for label, each in outside(0.5, float("nan"))])
    assert [[entry.text for entry in row.entries[2:]] for row in table.rows] == [["4", "50.0 %"], ["4", "–"], ["4", "75.0 %"]]
    assert [row.kind for row in table.rows] == ["", "", "baseline"]
    assert [row.entries[3].bar for row in table.rows] == [0.5, None, 0.75]


def test_where_the_heat_outside_is_highest_and_lowest_is_said_where_they_differ():
    even = {"name": "CAM", "even": "75.0 %"}
    ends = {"at_most": "epoch 1", "most": "60.0 %", "at_least": "epoch 0", "least": "50.0 %"}
    assert trend("CAM", outside(0.5, 0.6, float("nan"))) == [text("pictures.shares", **ends, **even)]
    assert trend("CAM", outside(0.5, 0.501)) == [text("pictures.same_share", share="50.1 %", **even)]
    assert trend("CAM", outside(0.5, float("nan"))) == []
