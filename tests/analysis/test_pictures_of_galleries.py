"""Pictures of galleries beside the sample: which there are, which maps they have, and what tables say of them."""

import numpy as np
import pytest
from gallery_pictures import keep

from dogcam.analysis.pictures import Kept
from dogcam.analysis.tables import Tables
from dogcam.experiment.evaluations import MapKey

CAM = MapKey("cam", "conv5_block1_out")
SAMPLE = [f"picture-{k}" for k in range(4)]


def kept_of(experiment):
    (evaluation,) = experiment.evaluations()
    return Kept.of(Tables.of(experiment, evaluation))


def test_the_samples_come_first_and_the_gallerys_other_pictures_after_them(made):
    kept = kept_of(keep(made.write(), ["picture-6", "picture-1"]))
    assert [picture.id for picture in kept.samples] == SAMPLE
    assert [picture.id for picture in kept.pictures] == [*SAMPLE, "picture-6"]
    assert [picture.place for picture in kept.pictures] == [0, 1, 2, 3, 4]
    assert kept.pictures[4].pixels.shape == (40, 60, 3)


def test_a_picture_of_both_has_the_samples_maps_and_a_gallerys_its_own(made):
    kept = kept_of(keep(made.write(), ["picture-6", "picture-1"]))
    own = kept.tables.evaluation.sample.maps(2, 4)[CAM.method, CAM.layer]
    np.testing.assert_array_equal(kept.raw(kept.pictures[1], CAM, 4), own[1])
    assert (kept.raw(kept.pictures[4], CAM, 4) == 1).all()


def test_where_no_map_was_kept_there_is_none(made):
    kept = kept_of(keep(made.write(), ["picture-6"]))
    assert kept.raw(kept.pictures[4], CAM, 2) is None
    assert kept.raw(kept.pictures[4], MapKey("saliency", "input"), 4) is None
    assert [each is None for each in kept.maps(2, 2)[CAM]] == [False, False, False, False, True]
    assert kept.maps(1, 4) == {}


def test_maps_of_gallery_pictures_alone_make_no_epoch_of_the_sample(made):
    experiment = keep(made.write(), ["picture-6", "picture-1"])
    (experiment.path / "evaluation/test-true/samples/maps_run-2_epoch-04.npz").unlink()
    kept = kept_of(experiment)
    assert kept.epochs_of(CAM) == [2]
    assert (kept.raw(kept.samples[1], CAM, 4) == 2).all()


def test_a_box_is_the_one_that_was_scored(made):
    kept = kept_of(made.write())
    columns = kept.tables.columns("default", CAM, 4)
    for picture in kept.samples:
        expected = np.array([columns[name][picture.place] for name in ("x0", "y0", "x1", "y1")], np.float32)
        np.testing.assert_array_equal(kept.box(picture, CAM, 4), expected)
        assert kept.iou(picture, CAM, 4) == pytest.approx(columns["iou"][picture.place])
    assert kept.box(kept.samples[0], CAM, 3) is None


def test_the_class_that_comes_first_and_whether_it_is_right(made):
    kept = kept_of(made.write())
    told = [kept.predicted(picture, CAM, 4) for picture in kept.samples]
    assert told == [("pug", True), ("pug", False), ("pug", True), ("pug", False)]
