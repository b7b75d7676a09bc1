"""What an experiment offers, and the picture that nobody picked."""

import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence

from dogcam.core.errors import InputError


@pytest.mark.parametrize(("samples", "expected"), [(4, "picture-1"), (3, "picture-1"), (1, "picture-0")])
def test_the_featured_picture_is_the_one_of_median_iou(made, samples, expected):
    made.samples = samples
    made.ious = {("gradcam", 4): np.array([0.3, 0.5, 0.9, 0.6, 0.1, 0.1, 0.1, 0.1])}
    if samples == 1:
        made.ious = {}
    assert Evidence.of(made.write()).featured.id == expected


def test_the_rule_looks_at_the_last_epoch_only(made):
    made.ious = {("gradcam", 2): np.arange(8) / 10, ("gradcam", 4): np.array([0.4, 0.1, 0.2, 0.3, 0, 0, 0, 0])}
    assert Evidence.of(made.write()).featured.id == "picture-2"


def test_names_and_numbers_of_what_is_there(made):
    evidence = Evidence.of(made.write())
    assert evidence.run == evidence.chosen.run == 2
    assert evidence.epochs == [2, 4]
    assert evidence.layers == ["conv3_block1_out", "conv4_block1_out", "conv5_block1_out"]
    assert evidence.pooled_methods == ["cam", "gradcam"]
    assert evidence.n == 8
    assert evidence.featured.pixels.shape == (40, 60, 3)


def test_a_protocol_whose_maps_are_not_kept_shows_no_picture(made):
    made.protocols = ("exercise",)
    evidence = Evidence.of(made.write())
    assert evidence.drawn_under is None
    assert evidence.featured is None


def test_a_lost_picture_is_named(made):
    evidence = Evidence.of(made.write())
    evidence.samples[0].path.unlink()
    with pytest.raises(InputError, match="dogcam evaluate"):
        _ = evidence.samples[0].pixels


def test_without_evaluation_there_is_training_only(made):
    made.evaluated = False
    evidence = Evidence.of(made.write())
    assert evidence.chosen.run == 2
    assert evidence.tables == {}
    assert evidence.featured is None
