"""Exhibit 5: boxes by epoch and from worst to best, and how large they are beside the annotated ones."""

import numpy as np
import pytest

from dogcam.experiment.evaluations import MapKey
from dogcam.report.exhibits.boxes import boxes
from dogcam.report.material import Material

POOLED = "conv5_block1_out"


def texts(row):
    return [entry.text for entry in row.entries]


def by_name(exhibit):
    return {getattr(block, "name", "areas"): block for block in exhibit.blocks}


def test_areas_are_the_means_of_the_tables_beside_the_annotated_ones(made):
    material = Material.of(made.write())
    table, read = by_name(boxes(material))["areas"], material.kept.tables
    for row, key in zip(table.rows, material.analysis.maps, strict=False):
        means = [f"{read.columns('default', key, epoch)['area'].mean():.3f}" for epoch in (2, 4)]
        assert texts(row)[1:] == [key.layer, *means]
    *_, annotated, unseen = table.rows
    assert texts(annotated)[2:] == ["0.250", "0.250"]
    assert (texts(unseen), unseen.kind) == (["whole-image", "", "1.000", "1.000"], "baseline")


def test_the_lead_has_the_areas_of_the_latest_epoch(made):
    material = Material.of(made.write())
    (said,) = boxes(material).lead
    keys = (MapKey(method, POOLED) for method in ("cam", "gradcam"))
    areas = [material.kept.tables.columns("default", key, 4)["area"].mean() for key in keys]
    assert [f"{area:.1%}".replace("%", " %") in said for area in (0.25, *areas)] == [True] * 3
    assert "epoch 4" in said


def test_the_boxes_of_a_picture_are_drawn_at_every_epoch(made):
    sheet = by_name(boxes(Material.of(made.write())))["boxes-by-epoch"]
    assert [label for label, _ in sheet.rows] == ["CAM", "Grad-CAM"]
    assert [[tile.panel.title for tile in row] for _, row in sheet.rows] == [["picture", "epoch 2", "epoch 4"]] * 2


def test_of_many_kept_pictures_only_a_dozen_are_drawn(made):
    made.images = made.samples = 40
    blocks = boxes(Material.of(made.write())).blocks
    (shown,) = [block for block in blocks if getattr(block, "name", "") == "kept-pictures"]
    assert len(shown.rows[0][1]) == 12
    assert shown.caption.startswith("12 of the 40 (evenly spaced in rank) kept pictures under Grad-CAM")


def test_kept_pictures_go_from_the_worst_to_the_best(made):
    made.ious = {("gradcam", 4): np.linspace(0.9, 0.2, 8)}
    sheet = by_name(boxes(Material.of(made.write())))["kept-pictures"]
    ious = [float(tile.panel.note.split()[-1]) for tile in sheet.rows[0][1]]
    assert ious == sorted(ious) == pytest.approx([0.6, 0.7, 0.8, 0.9])


def test_of_one_epoch_there_is_no_chart(made):
    assert "box-areas" in by_name(boxes(Material.of(made.write())))
    made.epochs, made.name = (4,), "one"
    assert "box-areas" not in by_name(boxes(Material.of(made.write())))


def test_before_evaluation_there_is_none(made):
    made.evaluated = False
    assert boxes(Material.of(made.write())) is None
