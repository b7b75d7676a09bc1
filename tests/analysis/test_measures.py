"""Measures of heat, on maps small enough to count on."""

import numpy as np
import pytest

from dogcam.analysis.measures import correlation, measures, outside_share
from dogcam.analysis.pictures import Kept
from dogcam.analysis.tables import Tables
from dogcam.experiment.evaluations import MapKey

POOLED = "conv5_block1_out"


def kept(made):
    experiment = made.write()
    return Kept.of(Tables.of(experiment, *experiment.evaluations()))


def test_outside_share_counts_positive_heat_by_pixel():
    heat = np.array([[1.0, 3.0, -9.0, 0.0], [2.0, 2.0, 0.0, 0.0]])
    left_half, right_column = [[0, 0, 0.25, 1]], [[0.75, 0, 1, 1]]
    assert outside_share(heat, np.array(left_half)) == pytest.approx(5 / 8)
    assert outside_share(heat, np.array(left_half + right_column)) == pytest.approx(5 / 8)
    assert outside_share(heat, np.array([[0, 0, 1, 1]])) == 0
    assert outside_share(heat, np.zeros((0, 4))) == 1
    assert np.isnan(outside_share(-heat.clip(0), np.array(left_half)))


def test_outside_share_of_an_even_map_is_the_area_outside():
    assert outside_share(np.ones((40, 60)), np.array([[0.25, 0.25, 0.75, 0.75]])) == pytest.approx(0.75)


def test_likeness_is_correlation():
    first = np.array([[0.0, 1.0], [2.0, 3.0]])
    assert correlation(first, 5 * first + 2) == pytest.approx(1)
    assert correlation(first, -first) == pytest.approx(-1)
    assert np.isnan(correlation(first, np.ones((2, 2))))


def test_gradcam_is_found_to_be_the_relu_of_cam(made):
    found = measures(kept(made)).remainders
    assert [(each.epoch, each.n) for each in found] == [(2, 4), (4, 4)]
    assert all(each.largest < 1e-5 for each in found)
    assert all(0 < each.below < 1 for each in found)


def test_heat_outside_is_measured_beside_an_even_map(made):
    """224 pixels: the box from a quarter to three quarters covers exactly half of them each way."""
    pictures = kept(made)
    found = measures(pictures).outside
    cam, layers = MapKey("cam", POOLED), ("conv3_block1_out", "conv4_block1_out", POOLED)
    assert [(each.map, each.epoch) for each in found] == [
        *((cam, epoch) for epoch in (2, 4)),
        *((MapKey("gradcam", layer), 4) for layer in layers),
    ]
    assert {each.n for each in found} == {4}
    assert [each.even for each in found] == pytest.approx([0.75] * 5)
    shares = [outside_share(pictures.heat(each, cam, 2), each.boxes) for each in pictures.samples]
    assert found[0].share == pytest.approx(np.mean(shares))


def test_epochs_are_as_alike_as_their_raw_maps(made):
    pictures = kept(made)
    (found,) = measures(pictures).likeness
    assert (found.map, found.earlier, found.later) == (MapKey("cam", POOLED), 2, 4)
    raw = [[pictures.raw(each, found.map, epoch).ravel() for epoch in (2, 4)] for each in pictures.samples]
    assert found.correlation == pytest.approx(np.mean([np.corrcoef(*both)[0, 1] for both in raw]))


def test_without_kept_maps_there_is_nothing_to_measure(made):
    made.protocols = ("exercise",)
    found = measures(kept(made))
    assert (found.outside, found.likeness) == ((), ())
