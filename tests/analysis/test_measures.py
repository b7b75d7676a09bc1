"""Measures of heat, on maps small enough to count on."""

import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence

from dogcam.analysis.measures import difference_table, likeness, outside_share, outside_table


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
    assert likeness(first, 5 * first + 2) == pytest.approx(1)
    assert likeness(first, -first) == pytest.approx(-1)
    assert np.isnan(likeness(first, np.ones((2, 2))))


def test_gradcam_is_found_to_be_the_relu_of_cam(made):
    (table,) = difference_table(Evidence.of(made.write()), "conv5_block1_out")
    for row in table.rows:
        _, n, below, left = (entry.text for entry in row.entries)
        assert n == "4"
        assert float(left) < 1e-5
        assert 0 < float(below.removesuffix(" %")) < 100


def test_the_table_stands_beside_an_even_map(made):
    evidence = Evidence.of(made.write())
    places = [("epoch 2", ("cam", evidence.pooled_layer, 2))]
    table = outside_table(evidence, "CAM", places, {"epoch 2": "reading"})
    assert [entry.text for entry in table.rows[0].entries][1] == "reading"
    assert table.rows[-1].kind == "baseline"
    # 224 pixels: the box from a quarter to three quarters covers exactly half of them each way
    assert table.rows[-1].entries[-1].text == "75.0 %"
