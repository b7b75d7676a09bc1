"""Galleries: chosen over all scored images where evaluation kept the pictures, else among its sample; each labelled."""

import numpy as np
import pytest
from gallery_pictures import keep

from dogcam.experiment.evaluations import Cell
from dogcam.language import speaking
from dogcam.report.exhibits.galleries import galleries
from dogcam.report.material import Material
from dogcam.report.texts import text


def every(made):
    return [f"picture-{k}" for k in range(made.images)]


def by_name(exhibit):
    return {block.name: block for block in exhibit.blocks}


def tiles(sheet):
    return [tile for _, row in sheet.rows for tile in row]


@pytest.fixture
def kept(made):
    """Grad-CAM's IoU falls from picture to picture, CAM's is always 0.45: half of all are right."""
    made.ious = {("gradcam", 4): np.linspace(0.9, 0.2, 8), ("cam", 4): np.full(8, 0.45)}
    return keep(made.write(), every(made))


def test_the_extremes_are_those_of_all_images_not_of_the_sample(kept):
    exhibit = galleries(Material.of(kept))
    rows = by_name(exhibit)["gallery-extremes"].rows
    assert [label for label, _ in rows] == ["CAM", "Grad-CAM"]
    assert [tile.panel.title for tile in rows[1][1]] == ["best", "median", "worst"]
    assert [tile.panel.note.split(" · ")[0] for tile in rows[1][1]] == ["IoU 0.90", "IoU 0.50", "IoU 0.20"]
    assert "on picture-7" in rows[1][1][2].alt, "only the first four pictures are of the sample"
    assert "over all 8 images, at epoch 4 of run 2 under protocol default" in exhibit.lead[0]


def test_every_picture_is_labelled_with_all_that_it_is(kept):
    found = [tile for sheet in galleries(Material.of(kept)).blocks for tile in tiles(sheet)]
    assert found
    for tile in found:
        for part in ("IoU 0.", "CAM", "epoch 4, run 2, default", "predicted"):
            assert part in tile.panel.note
    notes = [tile.panel.note for tile in tiles(galleries(Material.of(kept)).blocks[0])]
    assert notes[0].endswith("one of 8 of this IoU")


def test_class_and_box_that_disagree_are_counted_over_all(kept):
    """Pictures 0 to 3 have an IoU of 0.6 or more under Grad-CAM, 4 has 0.5; every second one is predicted wrong."""
    sheets = by_name(galleries(Material.of(kept)))
    right_class = sheets["gallery-right-class-wrong-box"]
    assert "One of 8 images, which is shown." in right_class.caption
    assert "the box of Grad-CAM, the method of the highest mean IoU, has an IoU below 0.5" in right_class.caption
    assert ["picture-6" in tile.alt for tile in tiles(right_class)] == [True]
    right_box = sheets["gallery-wrong-class-right-box"]
    assert "2 of 8 images, all of them shown." in right_box.caption
    assert all("predicted as pug" in tile.panel.note for tile in tiles(right_box))


def test_a_rule_that_no_image_meets_is_said_and_not_shown(kept):
    exhibit = galleries(Material.of(kept))
    assert "gallery-empty-maps" not in by_name(exhibit)
    assert text("galleries.none.empty-maps") in exhibit.lead


def test_empty_maps_are_shown_with_their_count(made, kept):
    made.rewrite(kept, Cell(2, 4, "gradcam", "conv3_block1_out", "default"), empty=(np.arange(8) == 5).tolist())
    exhibit = galleries(Material.of(kept))
    (shown,) = tiles(by_name(exhibit)["gallery-empty-maps"])
    assert "picture-5" in shown.alt
    assert "Grad-CAM at conv3_block1_out" in shown.panel.note
    assert text("galleries.none.empty-maps") not in exhibit.lead


def test_without_the_rules_pictures_the_kept_sample_is_chosen_from_and_that_is_said(made):
    made.ious = {("gradcam", 4): np.linspace(0.9, 0.2, 8), ("cam", 4): np.full(8, 0.45)}
    exhibit = galleries(Material.of(made.write()))
    assert "among the 4 kept pictures only, of 8 images that were scored" in exhibit.lead[0]
    assert "--resume" in exhibit.lead[0]
    worst = by_name(exhibit)["gallery-extremes"].rows[1][1][2]
    assert worst.panel.note.startswith("IoU 0.60")
    assert "over 4 images" in by_name(exhibit)["gallery-extremes"].caption


def test_a_gallery_of_other_tables_is_not_taken_for_the_choice(made):
    """The tables have changed since: what they would choose now was not kept."""
    made.ious = {("gradcam", 4): np.linspace(0.9, 0.2, 8)}
    exhibit = galleries(Material.of(keep(made.write(), every(made)[:5])))
    assert "among the 4 kept pictures only" in exhibit.lead[0]


def test_one_method_has_no_disagreement_and_needs_no_sentence_about_it(made):
    made.methods = ("cam",)
    exhibit = galleries(Material.of(keep(made.write(), every(made))))
    assert "gallery-disagreement" not in by_name(exhibit)
    assert text("galleries.none.disagreement") not in exhibit.lead


def test_of_more_than_three_methods_two_share_a_row_and_each_picture_names_its_own(made):
    made.methods = ("cam", "gradcam", "layercam", "hirescam", "eigencam")
    made.ious = {(method, 4): np.linspace(0.1, 0.5 + k / 10, 8) for k, method in enumerate(made.methods)}
    rows = galleries(Material.of(keep(made.write(), every(made)))).blocks[0].rows
    assert [label for label, _ in rows] == ["CAM · Eigen-CAM", "Grad-CAM · HiResCAM", "LayerCAM"]
    titles = [tile.panel.title for tile in rows[0][1]]
    assert titles == [f"{method}, {place}" for method in ("CAM", "Eigen-CAM") for place in ("best", "median", "worst")]


def test_methods_that_fit_alike_share_their_row(made):
    sheet = galleries(Material.of(keep(made.write(), every(made)))).blocks[0]
    ((label, row),) = sheet.rows
    assert label == "CAM and Grad-CAM"
    assert len(row) == 3
    assert "CAM and Grad-CAM have the same IoU on every image and are shown once." in sheet.caption
    assert "of the highest mean IoU are shown" not in sheet.caption


def test_of_more_methods_than_are_shown_their_number_is_told(made):
    made.methods = ("cam", "eigencam", "gradcam", "gradcam++", "hirescam", "layercam", "scorecam", "ss-cam", "xgradcam")
    made.ious = {(method, 4): np.linspace(0.1, 0.9 - k / 20, 8) for k, method in enumerate(made.methods)}
    sheet = galleries(Material.of(keep(made.write(), every(made)))).blocks[0]
    assert "Of 9 methods the 8 of the highest mean IoU are shown." in sheet.caption
    assert "XGrad-CAM" not in " ".join(label for label, _ in sheet.rows)


def test_the_figure_draws_every_picture(kept):
    for sheet in galleries(Material.of(kept)).blocks:
        figure = sheet.draw(theme="light")
        assert len([axes for axes in figure.axes if axes.get_gid() != "scale"]) == len(tiles(sheet))


@pytest.mark.parametrize("change", ["samples", "evaluated"])
def test_without_pictures_there_is_no_exhibit(made, change):
    setattr(made, change, 0)
    assert galleries(Material.of(made.write())) is None


def test_it_speaks_korean(kept):
    with speaking("ko"):
        exhibit = galleries(Material.of(kept))
        assert exhibit.title == "규칙으로 고른 갤러리"
        assert [tile.panel.title for tile in tiles(exhibit.blocks[0])][:3] == ["최고", "중앙값", "최저"]


@pytest.mark.parametrize(
    ("target", "words"),
    [("true", "the true class"), ("predicted", "the class that the network predicts"), ("husky", "the target husky")],
)
def test_what_the_maps_are_drawn_for_is_said(kept, target, words):
    kept.evaluation("test", None, "true").write_about({"target": target})
    assert words in galleries(Material.of(kept)).lead[1]
