"""The kept pictures, and the one of them that nobody picked."""

import numpy as np
import pytest

from dogcam.analysis.pictures import Kept
from dogcam.analysis.tables import Tables
from dogcam.core.errors import InputError


def kept(made):
    experiment = made.write()
    return Kept.of(Tables.of(experiment, *experiment.evaluations()))


@pytest.mark.parametrize(("samples", "expected"), [(4, "picture-1"), (3, "picture-1"), (1, "picture-0")])
def test_the_featured_picture_is_the_one_of_median_iou(made, samples, expected):
    made.samples = samples
    made.ious = {("gradcam", 4): np.array([0.3, 0.5, 0.9, 0.6, 0.1, 0.1, 0.1, 0.1])}
    if samples == 1:
        made.ious = {}
    assert kept(made).featured.id == expected


def test_the_rule_looks_at_the_last_epoch_only(made):
    made.ious = {("gradcam", 2): np.arange(8) / 10, ("gradcam", 4): np.array([0.4, 0.1, 0.2, 0.3, 0, 0, 0, 0])}
    assert kept(made).featured.id == "picture-2"


def test_what_is_kept_of_a_picture(made):
    featured = kept(made).featured
    assert (featured.shape, featured.pixels.shape) == ((40, 60), (40, 60, 3))
    assert featured.boxes.tolist() == [[0.25, 0.25, 0.75, 0.75]]


def test_a_protocol_whose_maps_are_not_kept_shows_no_picture(made):
    made.protocols = ("exercise",)
    found = kept(made)
    assert found.tables.drawn_under is None
    assert found.featured is None


def test_a_lost_picture_is_named(made):
    sample = kept(made).samples[0]
    sample.path.unlink()
    with pytest.raises(InputError, match="dogcam evaluate"):
        _ = sample.pixels
