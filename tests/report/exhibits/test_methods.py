"""Exhibit 4: methods side by side on three pictures, and what is left of the difference between CAM and Grad-CAM."""

import numpy as np
import pytest

from dogcam.language.numbers import percent
from dogcam.report.exhibits.methods import mean_ious, methods
from dogcam.report.material import Material
from dogcam.report.texts import text


def test_three_pictures_at_the_quartiles_of_iou_under_each_method(made):
    material = Material.of(made.write())
    exhibit = methods(material)
    sheet, remainders = exhibit.blocks
    assert [[tile.panel.title for tile in row] for _, row in sheet.rows] == [["picture", "CAM", "Grad-CAM"]] * 3
    ranked = [picture.pixels for _, picture in material.kept.ranked]
    for (_, row), place in zip(sheet.rows, (0, 1, 3), strict=True):
        np.testing.assert_array_equal(row[0].pixels, ranked[place])
    assert exhibit.lead[0] == text("methods.algebra")
    measured = material.analysis.measures.remainders
    assert [row.entries[2].text for row in remainders.rows] == [percent(each.below) for each in measured]
    assert [row.entries[1].text for row in remainders.rows] == ["4", "4"]


@pytest.mark.parametrize(
    ("chosen", "title"),
    [
        (("cam", "gradcam"), text("methods.two", first="CAM", second="Grad-CAM")),
        (("cam", "fem", "gradcam"), text("methods.three", first="CAM", second="FEM", third="Grad-CAM")),
        (("cam", "fem", "gradcam", "layercam"), text("methods.many", first="CAM", n=3)),
    ],
)
def test_the_title_names_them_or_counts_them(made, chosen, title):
    made.methods = chosen
    assert methods(Material.of(made.write())).title == title


def test_without_gradcam_nothing_is_said_of_the_algebra(made):
    made.methods = ("cam", "fem")
    exhibit = methods(Material.of(made.write()))
    assert text("methods.algebra") not in exhibit.lead
    assert len(exhibit.blocks) == 1


def test_means_stand_beside_what_never_looks_and_what_was_published(made):
    made.epochs = (3,)
    (said,) = mean_ious(Material.of(made.write()))
    for figure in ("CAM 0.550", "Grad-CAM 0.550", "whole-image", "0.300", "CAM 0.782", "8 images"):
        assert figure in said
    made.epochs, made.name = (4,), "unpublished"
    assert "0.782" not in mean_ious(Material.of(made.write()))[0]


def test_of_one_method_there_is_none(made):
    made.methods = ("cam",)
    assert methods(Material.of(made.write())) is None
