"""Exhibit 2: CAM of one picture at each kept epoch, and where its heat lies on all kept pictures."""

import numpy as np

from dogcam.report.exhibits.cam_by_epoch import cam_by_epoch
from dogcam.report.material import Material
from dogcam.report.texts import text

POOLED = "conv5_block1_out"


def test_a_tile_and_a_row_for_each_epoch(made):
    made.epochs = (2, 3, 4)
    material = Material.of(made.write())
    sheet, table = cam_by_epoch(material).blocks
    assert [tile.panel.title for tile in sheet.rows[0][1]] == ["picture", "epoch 2", "epoch 3", "epoch 4"]
    rows = [[entry.text for entry in row.entries] for row in table.rows]
    assert [row[:3] for row in rows[:3]] == [
        ["epoch 2", "–", "4"],
        ["epoch 3", text("study.cam_readings.3"), "4"],
        ["epoch 4", "–", "4"],
    ]
    measured = [e for e in material.analysis.measures.outside if (e.map.method, e.map.layer) == ("cam", POOLED)]
    assert [row[3] for row in rows[:3]] == [f"{100 * each.share:.1f} %" for each in measured]
    assert table.rows[3].kind == "baseline"


def test_how_alike_neighbouring_epochs_are_is_told(made):
    made.epochs = (2, 3, 4)
    experiment = made.write()
    (evaluation,) = experiment.evaluations()
    evaluation.sample.write_maps(2, 3, evaluation.sample.maps(2, 2))
    said = cam_by_epoch(Material.of(experiment)).lead[-1]
    assert text("cam-by-epoch.between", value="1.00", earlier=2, later=3) in said
    assert "4" in said


def test_one_epoch_or_no_maps_of_cam_have_none(made):
    made.methods = ("gradcam",)
    assert cam_by_epoch(Material.of(made.write())) is None
    made.methods, made.epochs, made.name = ("cam",), (4,), "one"
    assert cam_by_epoch(Material.of(made.write())) is None


def test_what_it_cannot_say_counts_the_pictures(made):
    exhibit = cam_by_epoch(Material.of(made.write()))
    assert exhibit.cannot == text("cam-by-epoch.cannot", n=4)
    assert all(np.isfinite(tile.panel.heat).all() for tile in exhibit.blocks[0].rows[0][1][1:])
