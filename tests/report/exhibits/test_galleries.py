"""Galleries: chosen over all scored images where evaluation kept the pictures, else among its sample; each labelled."""

import io

import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence
from PIL import Image

from dogcam.experiment.evaluations import Cell, Choice
from dogcam.language import speaking
from dogcam.report.exhibits.galleries import galleries

POOLED = "conv5_block1_out"


def picture():
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), 128, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def keep(experiment, ids, epoch=4):
    """A gallery's pictures of these ids, as `dogcam evaluate` keeps them, with maps that tell them apart."""
    evaluation = experiment.evaluation("test", None, "true")
    box = {"boxes": [[0.25, 0.25, 0.75, 0.75]], "width": 60, "height": 40}
    index = [{"id": each, "label": 0, "class": "pug", "rules": [], **box} for each in ids]
    evaluation.gallery.write(index, [picture() for _ in ids])
    maps = np.stack([np.full((6, 9), 1 + k, np.float32) for k in range(len(ids))])
    pairs = {(cell.method, cell.layer) for cell in evaluation.cells() if cell.run}
    evaluation.gallery.write_maps(2, epoch, dict.fromkeys(pairs, maps))
    return experiment


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
    exhibit = galleries(Evidence.of(kept))
    rows = by_name(exhibit)["gallery-extremes"].rows
    assert [label for label, _ in rows] == ["CAM", "Grad-CAM"]
    assert [tile.panel.title for tile in rows[1][1]] == ["best", "median", "worst"]
    assert [tile.panel.note.split(" · ")[0] for tile in rows[1][1]] == ["IoU 0.90", "IoU 0.50", "IoU 0.20"]
    assert "on picture-7" in rows[1][1][2].alt, "only the first four pictures are of the sample"
    assert "over all 8 images, at epoch 4 of run 2 under protocol default" in exhibit.lead[0]


def test_every_picture_is_labelled_with_all_that_it_is(kept):
    found = [tile for sheet in galleries(Evidence.of(kept)).blocks for tile in tiles(sheet)]
    assert found
    for tile in found:
        for part in ("IoU 0.", "CAM", "epoch 4, run 2, default", "predicted"):
            assert part in tile.panel.note
    notes = [tile.panel.note for tile in tiles(galleries(Evidence.of(kept)).blocks[0])]
    assert notes[0].endswith("one of 8 of this IoU")


def test_class_and_box_that_disagree_are_counted_over_all(kept):
    """Pictures 0 to 3 have an IoU of 0.6 or more under Grad-CAM, 4 has 0.5; every second one is predicted wrong."""
    sheets = by_name(galleries(Evidence.of(kept)))
    right_class = sheets["gallery-right-class-wrong-box"]
    assert "One of 8 images, which is shown." in right_class.caption
    assert "the box of Grad-CAM, the method of the highest mean IoU, has an IoU below 0.5" in right_class.caption
    assert ["picture-6" in tile.alt for tile in tiles(right_class)] == [True]
    right_box = sheets["gallery-wrong-class-right-box"]
    assert "2 of 8 images, all of them shown." in right_box.caption
    assert all("predicted as pug" in tile.panel.note for tile in tiles(right_box))


def test_a_rule_that_no_image_meets_is_said_and_not_shown(kept):
    exhibit = galleries(Evidence.of(kept))
    assert "gallery-empty-maps" not in by_name(exhibit)
    assert "No map is empty." in exhibit.lead


def test_empty_maps_are_shown_with_their_count(kept):
    evaluation = kept.evaluation("test", None, "true")
    cell = Cell(2, 4, "gradcam", "conv3_block1_out", "default")
    rows = {**evaluation.read(cell), "empty": np.arange(8) == 5}
    rows["truth"] = [each.ravel().tolist() for each in rows["truth"]]
    evaluation.write(cell, {name: list(values) for name, values in rows.items()}, Choice(0.15))
    exhibit = galleries(Evidence.of(kept))
    (shown,) = tiles(by_name(exhibit)["gallery-empty-maps"])
    assert "picture-5" in shown.alt
    assert "Grad-CAM at conv3_block1_out" in shown.panel.note
    assert "No map is empty." not in exhibit.lead


def test_without_the_rules_pictures_the_kept_sample_is_chosen_from_and_that_is_said(made):
    made.ious = {("gradcam", 4): np.linspace(0.9, 0.2, 8), ("cam", 4): np.full(8, 0.45)}
    exhibit = galleries(Evidence.of(made.write()))
    assert "among the 4 kept pictures only, of 8 images that were scored" in exhibit.lead[0]
    assert "--resume" in exhibit.lead[0]
    worst = by_name(exhibit)["gallery-extremes"].rows[1][1][2]
    assert worst.panel.note.startswith("IoU 0.60")
    assert "over 4 images" in by_name(exhibit)["gallery-extremes"].caption


def test_a_gallery_of_other_tables_is_not_taken_for_the_choice(made):
    """The tables have changed since: what they would choose now was not kept."""
    made.ious = {("gradcam", 4): np.linspace(0.9, 0.2, 8)}
    exhibit = galleries(Evidence.of(keep(made.write(), every(made)[:5])))
    assert "among the 4 kept pictures only" in exhibit.lead[0]


def test_one_method_has_no_disagreement_and_needs_no_sentence_about_it(made):
    made.methods = ("cam",)
    exhibit = galleries(Evidence.of(keep(made.write(), every(made))))
    assert "gallery-disagreement" not in by_name(exhibit)
    assert not any("under different methods" in sentence for sentence in exhibit.lead)


def test_of_more_than_three_methods_two_share_a_row_and_each_picture_names_its_own(made):
    made.methods = ("cam", "gradcam", "layercam", "hirescam", "eigencam")
    made.ious = {(method, 4): np.linspace(0.1, 0.5 + k / 10, 8) for k, method in enumerate(made.methods)}
    rows = galleries(Evidence.of(keep(made.write(), every(made)))).blocks[0].rows
    assert [label for label, _ in rows] == ["CAM · Eigen-CAM", "Grad-CAM · HiResCAM", "LayerCAM"]
    titles = [tile.panel.title for tile in rows[0][1]]
    assert titles == [f"{method}, {place}" for method in ("CAM", "Eigen-CAM") for place in ("best", "median", "worst")]


def test_methods_that_fit_alike_share_their_row(made):
    sheet = galleries(Evidence.of(keep(made.write(), every(made)))).blocks[0]
    ((label, row),) = sheet.rows
    assert label == "CAM and Grad-CAM"
    assert len(row) == 3
    assert "CAM and Grad-CAM have the same IoU on every image and are shown once." in sheet.caption
    assert "of the highest mean IoU are shown" not in sheet.caption


def test_of_more_methods_than_are_shown_their_number_is_told(made):
    made.methods = ("cam", "eigencam", "gradcam", "gradcam++", "hirescam", "layercam", "scorecam", "ss-cam", "xgradcam")
    made.ious = {(method, 4): np.linspace(0.1, 0.9 - k / 20, 8) for k, method in enumerate(made.methods)}
    sheet = galleries(Evidence.of(keep(made.write(), every(made)))).blocks[0]
    assert "Of 9 methods the 8 of the highest mean IoU are shown." in sheet.caption
    assert "XGrad-CAM" not in " ".join(label for label, _ in sheet.rows)


def test_the_figure_draws_every_picture(kept):
    for sheet in galleries(Evidence.of(kept)).blocks:
        figure = sheet.draw(theme="light")
        assert len([axes for axes in figure.axes if axes.get_gid() != "scale"]) == len(tiles(sheet))


@pytest.mark.parametrize("change", ["samples", "evaluated"])
def test_without_pictures_there_is_no_exhibit(made, change):
    setattr(made, change, 0)
    assert galleries(Evidence.of(made.write())) is None


def test_it_speaks_korean(kept):
    with speaking("ko"):
        exhibit = galleries(Evidence.of(kept))
        assert exhibit.title == "규칙으로 고른 갤러리"
        assert [tile.panel.title for tile in tiles(exhibit.blocks[0])][:3] == ["최고", "중앙값", "최저"]


@pytest.mark.parametrize(
    ("target", "words"),
    [("true", "the true class"), ("predicted", "the class that the network predicts"), ("husky", "the target husky")],
)
def test_what_the_maps_are_drawn_for_is_said(kept, target, words):
    kept.evaluation("test", None, "true").write_about({"target": target})
    assert words in galleries(Evidence.of(kept)).lead[1]


class TestWhatEvidenceOffers:
    def test_the_samples_come_first_and_the_gallerys_other_pictures_after_them(self, made):
        evidence = Evidence.of(keep(made.write(), ["picture-6", "picture-1"]))
        assert [sample.id for sample in evidence.samples] == [f"picture-{k}" for k in range(4)]
        assert [sample.id for sample in evidence.pictures] == [*(f"picture-{k}" for k in range(4)), "picture-6"]
        assert [sample.place for sample in evidence.pictures] == [0, 1, 2, 3, 4]
        assert evidence.pictures[4].pixels.shape == (40, 60, 3)

    def test_a_picture_of_both_has_the_samples_maps_and_a_gallerys_its_own(self, made):
        evidence = Evidence.of(keep(made.write(), ["picture-6", "picture-1"]))
        own = evidence.evaluation.maps(2, 4)["cam", POOLED]
        np.testing.assert_array_equal(evidence.raw_map(evidence.pictures[1], "cam", POOLED, 4), own[1])
        assert (evidence.raw_map(evidence.pictures[4], "cam", POOLED, 4) == 1).all()

    def test_where_no_map_was_kept_there_is_none(self, made):
        evidence = Evidence.of(keep(made.write(), ["picture-6"]))
        assert evidence.raw_map(evidence.pictures[4], "cam", POOLED, 2) is None
        assert evidence.raw_map(evidence.pictures[4], "saliency", "input", 4) is None
        kept = evidence.kept_maps(2, 2)["cam", POOLED]
        assert [each is None for each in kept] == [False, False, False, False, True]
        assert evidence.kept_maps(1, 4) == {}

    def test_maps_of_gallery_pictures_alone_make_no_epoch_of_the_sample(self, made):
        experiment = keep(made.write(), ["picture-6", "picture-1"])
        (experiment.path / "evaluation/test-true/samples/maps_run-2_epoch-04.npz").unlink()
        evidence = Evidence.of(experiment)
        assert evidence.drawn("cam", POOLED) == [2]
        assert (evidence.raw_map(evidence.samples[1], "cam", POOLED, 4) == 2).all()

    def test_a_box_is_the_one_that_was_scored(self, made):
        evidence = Evidence.of(made.write())
        columns = evidence.columns("default", "cam", POOLED, 4)
        for sample in evidence.samples:
            expected = np.array([columns[name][sample.place] for name in ("x0", "y0", "x1", "y1")], np.float32)
            np.testing.assert_array_equal(evidence.box(sample, "default", ("cam", POOLED, 4)), expected)
        assert evidence.box(evidence.samples[0], "default", ("cam", POOLED, 3)) is None

    def test_the_class_that_comes_first_and_whether_it_is_right(self, made):
        evidence = Evidence.of(made.write())
        told = [evidence.classified(sample, "default", ("cam", POOLED, 4)) for sample in evidence.samples]
        assert told == [("pug", True), ("pug", False), ("pug", True), ("pug", False)]
