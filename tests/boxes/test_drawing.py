"""From a raw map to a box: hand-drawn maps, loops written from the definition, and a published reference."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dogcam.boxes.drawing import (
    iou_curve,
    is_empty,
    pixel_counts,
    predicted_box,
    predicted_boxes,
    prepare,
    score,
    scores_of_one_box,
)
from dogcam.boxes.geometry import UNKNOWN, to_pixels, to_relative
from dogcam.boxes.protocols import PROTOCOLS, Protocol
from dogcam.core.errors import OptionError

# Draws on the map as it is: enlarged to the shape it has already.
AS_IT_IS = Protocol("as it is", "for tests", relu=True, threshold=0.5, size=None)
LARGEST = [name for name in PROTOCOLS if PROTOCOLS[name].component == "largest"]
MAX = [name for name in PROTOCOLS if PROTOCOLS[name].normalise == "max"]
WSOL = ["wsol-v1", "wsol-v2"]


def drawn(*lines):
    """A map from digits in tenths: "0990" is 0, 0.9, 0.9, 0."""
    return np.array([[int(digit) / 10 for digit in line] for line in lines], np.float32)


def box_of(raw, protocol=AS_IT_IS):
    """The box in the map's own pixels, or None."""
    box = predicted_box(raw, protocol, raw.shape)
    return None if box is None else to_pixels(box, raw.shape[1], raw.shape[0]).round(4).tolist()


def bilinear(values, height, width):
    """Half-pixel-centre bilinear interpolation, pixel by pixel: out(i) samples in((i + 0.5) * in / out - 0.5)."""
    rows, columns = values.shape
    out = np.zeros((height, width))
    for i in range(height):
        y = min(max((i + 0.5) * rows / height - 0.5, 0), rows - 1)
        y0 = math.floor(y)
        y1 = min(y0 + 1, rows - 1)
        for j in range(width):
            x = min(max((j + 0.5) * columns / width - 0.5, 0), columns - 1)
            x0 = math.floor(x)
            x1 = min(x0 + 1, columns - 1)
            top = values[y0, x0] * (1 - (x - x0)) + values[y0, x1] * (x - x0)
            bottom = values[y1, x0] * (1 - (x - x0)) + values[y1, x1] * (x - x0)
            out[i, j] = top * (1 - (y - y0)) + bottom * (y - y0)
    return out


def components(mask):
    """4-connected components as sets of (x, y), found by flooding, in the order a reader meets them."""
    left = {(x, y): None for y, row in enumerate(mask.tolist()) for x, inside in enumerate(row) if inside}
    found = []
    while left:
        todo, seen = [next(iter(left))], set()
        while todo:
            x, y = todo.pop()
            if (x, y) in left:
                del left[x, y]
                seen.add((x, y))
                todo += [(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
        found.append(seen)
    return found


def largest_box(mask):
    """Half-open pixel boxes of all components that share the largest size; none where the mask is empty."""
    found = components(mask)
    most = max(map(len, found), default=0)
    boxes = []
    for each in found:
        if len(each) == most:
            xs, ys = {x for x, _ in each}, {y for _, y in each}
            boxes.append([min(xs), min(ys), max(xs) + 1, max(ys) + 1])
    return boxes


class TestHandDrawn:
    def test_one_component_in_a_map_that_is_not_square(self):
        assert box_of(drawn("00000", "00990", "00990", "00000")) == [2, 1, 4, 3]

    def test_a_tall_map(self):
        assert box_of(drawn("000", "090", "090", "090", "000")) == [1, 1, 2, 4]

    def test_the_largest_of_two_by_pixels_not_by_extent(self):
        # The first spans 4 x 1 of extent 4 with four pixels; the second 5 pixels in a 3 x 3 extent.
        assert box_of(drawn("0999900", "0000000", "0009000", "0099900", "0009000")) == [2, 2, 5, 5]
        # A hook of 5 pixels in an extent of 8, and a block of 6 pixels.
        assert box_of(drawn("9900000", "0900099", "0900099", "0900099")) == [5, 1, 7, 4]

    def test_of_equal_ones_the_first_found(self):
        assert box_of(drawn("99000", "00000", "00099", "00000")) == [0, 0, 2, 1]

    def test_pixels_that_touch_at_a_corner_are_two_components(self):
        assert box_of(drawn("99000", "00990", "00990", "00000")) == [2, 1, 4, 3]

    def test_a_pixel_on_the_threshold_is_outside(self):
        raw = np.array([[0, 0.5, 0.5000001, 1, 0]] * 4, np.float32)
        assert box_of(raw) == [2, 0, 4, 4]

    def test_the_threshold_is_a_share_of_the_maximum(self):
        raw = drawn("00000", "03460", "00000", "00000")
        assert box_of(raw) == [2, 1, 4, 2]
        assert box_of(1000 * raw) == [2, 1, 4, 2]
        assert box_of(1e-6 * raw) == [2, 1, 4, 2]

    def test_a_box_at_the_edges_ends_at_one(self):
        np.testing.assert_array_equal(predicted_box(drawn("99", "99", "99"), AS_IT_IS, (3, 2)), [0, 0, 1, 1])

    def test_a_box_is_relative_float32(self):
        box = predicted_box(drawn("00000", "00990", "00990", "00000"), AS_IT_IS, (4, 5))
        assert box.dtype == np.float32
        np.testing.assert_allclose(box, [0.4, 0.25, 0.8, 0.75])

    def test_the_map_that_was_given_is_not_changed(self):
        raw = drawn("00000", "00990", "00000", "00000") - 0.3
        before = raw.copy()
        predicted_box(raw, AS_IT_IS, (40, 50))
        np.testing.assert_array_equal(raw, before)


class TestNormalising:
    def test_relu_cuts_before_enlarging(self):
        """A negative neighbour pulls an enlarged map down unless it is cut first."""
        raw = np.array([[-1.0, 1, 0, 0, 0]] * 3, np.float32)
        with_relu = prepare(raw, AS_IT_IS, (3, 15))
        without = prepare(raw, replace(AS_IT_IS, relu=False), (3, 15))
        np.testing.assert_allclose(with_relu, bilinear(np.maximum(raw, 0), 3, 15), atol=1e-6)
        np.testing.assert_allclose(without, bilinear(raw, 3, 15), atol=1e-6)
        assert with_relu[1, 3] == pytest.approx(2 / 3, abs=1e-6)
        assert without[1, 3] == pytest.approx(1 / 3, abs=1e-6)

    def test_max_divides_by_the_maximum_and_keeps_zero_where_it_is(self):
        raw = np.array([[-1.0, 0, 2, 4, 0]] * 3, np.float32)
        np.testing.assert_allclose(prepare(raw, replace(AS_IT_IS, relu=False), raw.shape)[0], [-0.25, 0, 0.5, 1, 0], atol=1e-7)

    def test_minmax_maps_the_minimum_to_zero(self):
        raw = np.array([[-1.0, 0, 2, 4, 0]] * 3, np.float32)
        minmax = replace(AS_IT_IS, relu=False, normalise="minmax")
        np.testing.assert_allclose(prepare(raw, minmax, raw.shape)[0], [0, 0.2, 0.6, 1, 0.2], atol=1e-7)

    def test_minmax_draws_a_larger_box_than_max_where_the_map_goes_below_zero(self):
        raw = np.array([[-4.0, -1, 1, 4, -4]] * 3, np.float32)
        assert box_of(raw, replace(AS_IT_IS, relu=False)) == [3, 0, 4, 3]
        assert box_of(raw, replace(AS_IT_IS, relu=False, normalise="minmax", threshold=0.3)) == [1, 0, 4, 3]

    @pytest.mark.parametrize("upsample", ["bilinear", "cubic"])
    @pytest.mark.parametrize("normalise", ["max", "minmax"])
    def test_normalising_comes_after_enlarging_so_that_the_maximum_is_one(self, normalise, upsample):
        raw = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
        values = prepare(raw, replace(AS_IT_IS, relu=False, normalise=normalise, upsample=upsample), (31, 47))
        assert values.max() == pytest.approx(1)
        if normalise == "minmax":
            assert values.min() == 0

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
    def test_any_kind_of_number(self, dtype):
        raw = np.zeros((4, 5), dtype)
        raw[1:3, 2:4] = 3
        values = prepare(raw, AS_IT_IS, (8, 10))
        assert values.dtype == np.float32
        assert box_of(raw) == [2, 1, 4, 3]


class TestEnlarging:
    @pytest.mark.parametrize("shape", [(8, 10), (31, 47), (47, 31), (4, 5), (13, 5)])
    def test_bilinear_has_half_pixel_centres(self, shape):
        raw = np.random.default_rng(5).random((4, 5)).astype(np.float32)
        expected = bilinear(raw, *shape)
        np.testing.assert_allclose(prepare(raw, AS_IT_IS, shape), expected / expected.max(), atol=2e-6)

    def test_cubic_is_the_kernel_with_a_of_minus_three_quarters(self):
        """Twice as wide: the new pixels lie a quarter to each side of the old ones."""

        def weight(t, a=-0.75):
            t = abs(t)
            return (a + 2) * t**3 - (a + 3) * t**2 + 1 if t <= 1 else a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a

        row = np.array([1, 5, 2, 8, 3, 4, 7, 1], np.float64)
        expected = []
        for j in range(16):
            x = (j + 0.5) / 2 - 0.5
            base = math.floor(x)
            expected.append(sum(row[min(max(base + k, 0), 7)] * weight(x - base - k) for k in (-1, 0, 1, 2)))
        cubic = replace(AS_IT_IS, relu=False, upsample="cubic")
        values = prepare(np.stack([row] * 3).astype(np.float32), cubic, (3, 16))
        np.testing.assert_allclose(values[1], np.array(expected) / max(expected), atol=1e-5)

    @pytest.mark.parametrize("name", PROTOCOLS)
    def test_to_the_protocols_size_or_else_the_pictures_own(self, name):
        protocol = PROTOCOLS[name]
        expected = (60, 90) if protocol.size is None else (protocol.size, protocol.size)
        assert prepare(np.ones((4, 5), np.float32), protocol, (60, 90)).shape == expected

    @pytest.mark.parametrize("name", LARGEST)
    def test_a_fixed_size_gives_the_same_relative_box_whatever_the_pictures_shape(self, name):
        raw = drawn("00000", "00990", "03990", "00000")
        wide, tall = (predicted_box(raw, PROTOCOLS[name], shape) for shape in ((60, 400), (400, 60)))
        np.testing.assert_array_equal(wide, tall)


class TestNothingToSee:
    @pytest.mark.parametrize("name", MAX)
    @pytest.mark.parametrize(
        "raw",
        [
            np.zeros((4, 5)),
            np.full((4, 5), -2.0),
            np.linspace(-3, -1, 20).reshape(4, 5),
            np.full((4, 5), np.nan),
            np.where(np.eye(4, 5) > 0, np.nan, 1.0),
            np.where(np.eye(4, 5) > 0, np.inf, 1.0),
            np.where(np.eye(4, 5) > 0, -np.inf, 1.0),
        ],
        ids=["zero", "constant negative", "negative", "nan", "some nan", "infinite", "minus infinite"],
    )
    def test_an_empty_map_is_zeros_and_has_no_box_and_no_warning(self, name, raw, recwarn):
        raw = raw.astype(np.float32)
        assert is_empty(raw)
        assert not prepare(raw, PROTOCOLS[name], (6, 9)).any()
        assert predicted_box(raw, PROTOCOLS[name], (6, 9)) is None
        assert not recwarn.list

    def test_one_positive_value_is_something(self):
        raw = np.full((4, 5), -1.0, np.float32)
        raw[2, 3] = 1e-6
        assert not is_empty(raw)
        assert box_of(raw) == [3, 2, 4, 3]

    @pytest.mark.parametrize("name", LARGEST)
    def test_a_constant_positive_map_is_the_whole_picture_for_max(self, name):
        np.testing.assert_array_equal(predicted_box(np.full((4, 5), 3.0), PROTOCOLS[name], (6, 9)), [0, 0, 1, 1])

    def test_a_constant_map_is_zeros_for_minmax(self):
        minmax = replace(AS_IT_IS, relu=False, normalise="minmax")
        assert not prepare(np.full((4, 5), 3.0), minmax, (4, 5)).any()
        assert box_of(np.full((4, 5), 3.0, np.float32), minmax) is None

    def test_an_all_negative_map_has_a_range_for_minmax(self):
        """As in the reference of Choe et al. 2020: only a constant or a NaN makes a min-max map zeros."""
        raw = np.full((4, 5), -2.0, np.float32)
        raw[1:3, 1:4] = -1
        minmax = replace(AS_IT_IS, relu=False, normalise="minmax")
        assert box_of(raw, minmax) == [1, 1, 4, 3]
        assert box_of(np.where(raw == -1, np.nan, raw), minmax) is None


@pytest.mark.parametrize("name", LARGEST)
@pytest.mark.parametrize("seed", range(8))
def test_the_largest_component_found_by_flooding(name, seed):
    """The protocol's own steps, each written from its definition, on smooth noise of both signs."""
    protocol = replace(PROTOCOLS[name], size=None)
    raw = np.random.default_rng(seed).normal(size=(5, 7)).astype(np.float32)
    shape = (33, 21)
    cut = np.maximum(raw, 0) if protocol.relu else raw
    large = bilinear(cut.astype(np.float64), *shape)
    values = large / large.max()
    assert np.abs(values - protocol.threshold).min() > 1e-5, "a pixel too near the threshold to tell"
    box = to_pixels(predicted_box(raw, protocol, shape), shape[1], shape[0]).round(3).tolist()
    assert box in largest_box(values > protocol.threshold)


class TestExercise:
    """The first contour OpenCV finds, the extent of its rotated rectangle, at the picture's own size."""

    PROTOCOL = PROTOCOLS["exercise"]

    def blob(self, height, width, x0, y0, x1, y1):
        raw = np.zeros((height, width), np.float32)
        raw[y0:y1, x0:x1] = 1
        return raw

    @pytest.mark.parametrize(("height", "width"), [(30, 50), (50, 30)])
    def test_one_upright_rectangle(self, height, width):
        """Its extent runs between pixel centres: the last column and row are not counted, as in the exercise."""
        raw = self.blob(height, width, 5, 8, 20, 25)
        box = to_pixels(predicted_box(raw, self.PROTOCOL, raw.shape), width, height)
        np.testing.assert_allclose(box, [5, 8, 19, 24], atol=1.01)
        assert box[2] < 20
        assert box[3] < 25

    @pytest.mark.parametrize("shape", [(60, 100), (100, 60)])
    def test_it_enlarges_to_the_pictures_own_width_and_height(self, shape):
        height, width = shape
        box = predicted_box(self.blob(5, 5, 1, 3, 4, 4), self.PROTOCOL, shape)
        # Above 0.05 of the maximum a bilinear blob reaches 0.45 of a cell further on each side.
        expected = np.array([0.5 + 0.05, 2.5 + 0.05, 4.45, 4.45]) / 5
        np.testing.assert_allclose(box, expected, atol=2.5 / min(height, width))

    @pytest.mark.parametrize("large_one", [0, 1])
    def test_of_two_blobs_it_takes_the_first_that_opencv_lists_not_the_largest(self, large_one):
        """OpenCV lists contours from the bottom up; the exercise takes whichever comes first."""
        raw = np.zeros((60, 40), np.float32)
        corners = [(3, 3), (3, 40)]
        for number, (x, y) in enumerate(corners):
            side = 15 if number == large_one else 6
            raw[y : y + side, x : x + side] = 1
        box = to_pixels(predicted_box(raw, self.PROTOCOL, raw.shape), 40, 60)
        side = 15 if large_one == 1 else 6
        np.testing.assert_allclose(box, [3, 40, 3 + side - 1, 40 + side - 1], atol=1.01)

    def test_a_rotated_blob_has_the_extent_of_its_rectangle(self):
        """A diamond's rectangle of minimum area stands on its corner, so its extent is the diamond's."""
        ys, xs = np.mgrid[:41, :61]
        raw = (abs(xs - 30) + abs(ys - 20) <= 12).astype(np.float32)
        box = to_pixels(predicted_box(raw, self.PROTOCOL, raw.shape), 61, 41)
        np.testing.assert_allclose(box, [18, 8, 42, 32], atol=1.01)

    def test_corners_between_pixels_are_cut_to_whole_ones(self):
        """A band at 45 degrees, |x - y| <= 3 and 20 <= x + y <= 42, moved by 11: its corners lie on half pixels."""
        ys, xs = np.mgrid[:40, :60]
        u, v = (xs - 11) - ys, (xs - 11) + ys
        raw = ((abs(u) <= 3) & (v >= 20) & (v <= 42)).astype(np.float32)
        # x from (-3 + 20) / 2 to (3 + 42) / 2, moved: 19.5 to 33.5; y from 8.5 to 22.5.
        box = to_pixels(predicted_box(raw, self.PROTOCOL, raw.shape), 60, 40)
        np.testing.assert_allclose(box, [19, 8, 33, 22], atol=1e-3)

    def test_a_rectangle_that_leaves_the_picture_is_cut_at_its_edge(self):
        """A triangle in the corner: its minimum-area rectangle sticks out of the picture."""
        ys, xs = np.mgrid[:40, :60]
        raw = (xs + ys < 30).astype(np.float32)
        box = predicted_box(raw, self.PROTOCOL, raw.shape)
        assert box.min() >= 0
        assert box.max() <= 1
        assert (box[2:] > box[:2]).all()

    def test_a_contour_without_extent_is_no_box(self):
        raw = np.zeros((20, 30), np.float32)
        raw[7, 9] = 1
        assert predicted_box(raw, self.PROTOCOL, raw.shape) is None

    def test_negative_values_are_clipped(self):
        raw = self.blob(30, 50, 5, 8, 20, 25)
        np.testing.assert_array_equal(
            predicted_box(raw - 0.001 * (raw == 0), self.PROTOCOL, raw.shape), predicted_box(raw, self.PROTOCOL, raw.shape)
        )

    @pytest.mark.parametrize(("faint", "expected"), [(0.003, [15, 10, 29, 19]), (0.005, [10, 5, 39, 24])])
    def test_eight_bits_lose_what_is_below_one_of_255(self, faint, expected):
        """0.003 is 0.77 of 255 and becomes 0; 0.005 is 1.3 and stays."""
        raw = np.zeros((30, 50), np.float32)
        raw[5:25, 10:40] = faint
        raw[10:20, 15:30] = 1
        box = to_pixels(predicted_box(raw, replace(self.PROTOCOL, threshold=0), raw.shape), 50, 30)
        np.testing.assert_allclose(box, expected, atol=1.01)


def relative(*corners, width=5, height=4):
    """Boxes given in pixels."""
    return to_relative(np.array(corners).reshape(-1, 4), width, height)


# No enlarging, no convention but the plain ones: each test changes one field.
PLAIN = replace(AS_IT_IS, relu=False, threshold=0.25, thresholds=10)
WHOLE = relative(0, 0, 5, 4)
FOOT = drawn("00000", "00000", "09000", "99999")  # at the right and the lower edge


class TestConventions:
    """Each field on one 4 x 5 map by hand."""

    def test_half_open_boxes_end_at_the_first_pixel_outside(self):
        assert box_of(FOOT, PLAIN) == [0, 2, 5, 4]

    def test_at_the_last_pixel_boxes_are_clipped(self):
        assert box_of(FOOT, replace(PLAIN, edge="last-pixel")) == [0, 2, 4, 3]

    def test_what_does_not_reach_the_edge_is_not_clipped(self):
        raw = drawn("00000", "09900", "09900", "00000")
        assert box_of(raw, replace(PLAIN, edge="last-pixel")) == box_of(raw, PLAIN) == [1, 1, 3, 3]

    def test_a_box_that_never_looked_is_clipped_too(self):
        """4 x 3 of 5 x 4 pixels, against a truth that the whole picture covers: (4 * 3) / (5 * 4)."""
        assert score(WHOLE[0], WHOLE, replace(PLAIN, edge="last-pixel"), (4, 5)) == pytest.approx(12 / 20)

    def test_where_nothing_is_found_there_is_no_box_or_the_zero_box(self):
        nothing = np.zeros((4, 5), np.float32)
        assert box_of(nothing, PLAIN) is None
        assert box_of(nothing, replace(PLAIN, missing="zero")) == [0, 0, 0, 0]

    def test_the_zero_box_is_one_pixel_where_both_corners_are_inside(self):
        """Truth of 2 x 3 pixels in the corner: 1 of 6 are shared; without the 1 the box is empty."""
        corner, nothing = relative(0, 0, 1, 2), np.zeros((4, 5), np.float32)
        inclusive = replace(PLAIN, missing="zero", iou="inclusive")
        np.testing.assert_allclose(iou_curve(nothing, inclusive, (4, 5), corner), 1 / 6)
        assert not iou_curve(nothing, replace(inclusive, missing="none"), (4, 5), corner).any()
        assert not iou_curve(nothing, replace(inclusive, iou="plain"), (4, 5), corner).any()

    def test_inclusive_iou_counts_both_corners(self):
        """Columns 1 to 3 and rows 1 to 2 against columns 2 to 4 and rows 1 to 3."""
        box, truth = relative(1, 1, 3, 2)[0], relative(2, 1, 4, 3)
        assert score(box, truth, PLAIN, (4, 5)) == pytest.approx(1 / (2 + 4 - 1))
        assert score(box, truth, replace(PLAIN, iou="inclusive"), (4, 5)) == pytest.approx(4 / (6 + 9 - 4))

    def test_the_truths_corners_are_truncated_and_not_rounded(self):
        """1.9, 0.9, 3.9, 2.2 becomes 1, 0, 3, 2."""
        truth, box = relative(1.9, 0.9, 3.9, 2.2), relative(1, 0, 3, 2)[0]
        assert score(box, truth, replace(PLAIN, truth_corners="truncated"), (4, 5)) == 1
        assert score(box, truth, PLAIN, (4, 5)) == pytest.approx(1.1 * 1.1 / (4 + 2 * 1.3 - 1.1 * 1.1))

    def test_eight_bits_before_the_threshold_make_it_a_level(self):
        """Levels 0, 127 and 255; int(0.499 * 255) is 127, which 127 is not strictly above: 0.4999 is."""
        raw = np.array([[0, 0.4999, 0.4999, 1, 0]], np.float32)
        assert box_of(raw, replace(PLAIN, threshold=0.499)) == [1, 0, 4, 1]
        assert box_of(raw, replace(PLAIN, threshold=0.499, quantise_first=True)) == [3, 0, 4, 1]
        assert box_of(raw, replace(PLAIN, threshold=0.49, quantise_first=True)) == [1, 0, 4, 1]

    def test_negative_values_are_level_zero(self):
        raw = drawn("00000", "09900", "00000", "00000") - 0.05
        assert box_of(raw, replace(PLAIN, threshold=0, quantise_first=True)) == [1, 1, 3, 2]

    def test_the_largest_contour_is_not_the_component_of_most_pixels(self):
        """A contour runs through pixel centres: a row of four encloses nothing, a square of two by two encloses 1."""
        raw = drawn("09990", "99000", "00099", "00099")
        assert box_of(raw, PLAIN) == [0, 0, 4, 2]
        assert box_of(raw, replace(PLAIN, component="largest-contour")) == [3, 2, 5, 4]

    def test_contours_join_what_touches_at_a_corner(self):
        raw = drawn("99000", "99000", "00999", "00000")
        assert box_of(raw, PLAIN) == [0, 0, 2, 2]
        assert box_of(raw, replace(PLAIN, component="largest-contour")) == [0, 0, 5, 3]

    def test_all_contours_with_the_hole_in_one_of_them(self):
        """A hole's contour runs through the pixels around it; the largest comes first."""
        raw = drawn("90999", "00909", "00999", "00000")
        everything = replace(PLAIN, component="all")
        boxes = to_pixels(predicted_boxes(raw, everything, (4, 5)), 5, 4).round(4).tolist()
        assert boxes[0] == [2, 0, 5, 3]
        assert sorted(boxes) == [[0, 0, 1, 1], [2, 0, 5, 3], [2, 0, 5, 3]]
        assert box_of(raw, everything) == [2, 0, 5, 3]

    def test_of_all_contours_the_one_that_fits_best_counts(self):
        raw, small = drawn("90999", "00909", "00999", "00000"), relative(0, 0, 1, 1)
        every, one = replace(PLAIN, component="all"), replace(PLAIN, component="largest-contour")
        assert score(predicted_boxes(raw, every, (4, 5)), small, every) == 1
        np.testing.assert_allclose(iou_curve(raw, every, (4, 5), small), 1)
        assert not iou_curve(raw, one, (4, 5), small).any()

    @pytest.mark.parametrize(("truth", "expected"), [("any", 1), ("first", 0.25)])
    def test_the_first_or_the_best_annotated_box(self, truth, expected):
        raw, boxes = drawn("00000", "09900", "09900", "00000"), relative(1, 1, 2, 2, 1, 1, 3, 3)
        np.testing.assert_allclose(iou_curve(raw, replace(PLAIN, truth=truth), (4, 5), boxes), expected)

    def test_counting_pixels_of_the_picture_needs_its_shape(self):
        with pytest.raises(OptionError, match="needs the picture's shape"):
            score(WHOLE[0], WHOLE, replace(PLAIN, iou="inclusive"))


class TestThresholds:
    def test_one_that_is_given_takes_the_place_of_the_protocols(self):
        raw = drawn("00000", "03900", "03330", "00000")
        assert box_of(raw) == [2, 1, 3, 2]
        box = predicted_box(raw, AS_IT_IS, raw.shape, threshold=0.2)
        assert to_pixels(box, 5, 4).round(4).tolist() == [1, 1, 4, 3]
        np.testing.assert_array_equal(predicted_box(raw, AS_IT_IS, raw.shape, threshold=0), box)

    @pytest.mark.parametrize("name", WSOL)
    def test_a_protocol_without_one_asks_for_it(self, name):
        with pytest.raises(OptionError, match=f"protocol {name} has no threshold of its own"):
            predicted_box(np.eye(4, 5), PROTOCOLS[name], (4, 5))
        assert predicted_box(np.eye(4, 5), PROTOCOLS[name], (4, 5), threshold=0.5) is not None

    @pytest.mark.parametrize("name", PROTOCOLS)
    @pytest.mark.parametrize("seed", range(3))
    def test_the_curve_is_the_score_at_each_threshold(self, name, seed):
        protocol = replace(PROTOCOLS[name], thresholds=40)
        rng = np.random.default_rng(seed)
        raw, shape = rng.normal(size=(7, 6)).astype(np.float32), (90, 130)
        truth = np.array([[0.12, 0.1, 0.77, 0.9], [0.3, 0.25, 0.9, 0.93]], np.float32)
        one_by_one = [score(predicted_boxes(raw, protocol, shape, threshold), truth, protocol) for threshold in protocol.grid()]
        curve = iou_curve(raw, protocol, shape, truth)
        assert curve.dtype == np.float32
        np.testing.assert_array_equal(curve, np.array(one_by_one, np.float32))
        assert len(set(one_by_one)) > 2

    @pytest.mark.parametrize("name", PROTOCOLS)
    @pytest.mark.parametrize("seed", range(4))
    def test_the_curve_where_thresholds_are_values_of_the_map(self, name, seed):
        """Fifths in the map and among the thresholds: what equals a threshold is not above it."""
        protocol = replace(PROTOCOLS[name], size=None, thresholds=20)
        raw = np.random.default_rng(seed).integers(0, 6, (9, 12)).astype(np.float32)
        raw[0, :2] = 0, 5
        truth = relative(1, 1, 9, 8, width=12, height=9)
        one_by_one = [
            score(predicted_boxes(raw, protocol, raw.shape, threshold), truth, protocol, raw.shape)
            for threshold in protocol.grid()
        ]
        np.testing.assert_array_equal(iou_curve(raw, protocol, raw.shape, truth), np.array(one_by_one, np.float32))
        assert protocol.component == "first" or len(set(one_by_one)) > 1

    def test_the_curve_of_a_drawn_map(self):
        """Above 0 to 0.2 the box is 3 x 2, above 0.3 to 0.8 it is 1 x 1, above 0.9 / 0.9 there is none."""
        raw = drawn("00000", "03900", "03330", "00000")
        curve = iou_curve(raw, PLAIN, (4, 5), relative(1, 1, 4, 3))
        np.testing.assert_allclose(curve, [1] * 4 + [1 / 6] * 6)

    @pytest.mark.parametrize("name", MAX)
    def test_the_curve_of_nothing_is_zero(self, name):
        assert not iou_curve(np.full((4, 5), -1.0), PROTOCOLS[name], (40, 50), WHOLE).any()


def test_the_versions_take_their_own_levels():
    assert PROTOCOLS["wsol-v1"].iou_levels == (0.5,)
    assert PROTOCOLS["wsol-v2"].iou_levels == (0.3, 0.5, 0.7)


def contour_loop(values, thresholds, every):
    """The evaluation of Choe et al. 2020, threshold by threshold: boxes of a min-maxed map of doubles, as lists."""
    height, width = values.shape
    levels = (values * 255).astype(np.uint8)
    found = []
    for threshold in thresholds:
        _, mask = cv2.threshold(levels, int(threshold * levels.max()), 255, cv2.THRESH_BINARY)
        contours = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
        if contours and not every:
            contours = [max(contours, key=cv2.contourArea)]
        boxes = []
        for x, y, w, h in map(cv2.boundingRect, contours):
            boxes.append([x, y, min(x + w, width - 1), min(y + h, height - 1)])
        found.append(boxes or [[0, 0, 0, 0]])
    return found


def pixel_iou(a, b):
    """IoU of two boxes with both corners inside, from their definition."""
    wide = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    high = max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    area = sum((x1 - x0 + 1) * (y1 - y0 + 1) for x0, y0, x1, y1 in (a, b))
    return wide * high / (area - wide * high)


def hills():
    """The map of shared/golden, from its formula."""
    y, x = np.mgrid[:224, :224]
    values = np.exp(-((x - 90) ** 2 / (2 * 30**2) + (y - 110) ** 2 / (2 * 45**2)))
    values += 0.6 * np.exp(-((x - 190) ** 2 + (y - 40) ** 2) / (2 * 14**2))
    return (values - values.min()) / (values.max() - values.min())


def pixel_boxes(raw, name, threshold):
    found = predicted_boxes(raw, PROTOCOLS[name], (224, 224), threshold)
    return to_pixels(found, 224, 224).round(4).astype(int).tolist()


class TestWsol:
    """The published evaluation: step by step, threshold by threshold, and by its own figures."""

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("name", WSOL)
    def test_boxes_and_curve_of_noise_equal_the_published_loop(self, name, seed):
        protocol = PROTOCOLS[name]
        rng = np.random.default_rng(seed)
        raw = rng.normal(size=(7 + 7 * (seed % 2), 9)).astype(np.float32)
        large = cv2.resize(raw.astype(np.float64), (224, 224), interpolation=cv2.INTER_CUBIC)
        values = (large - large.min()) / (large - large.min()).max()
        thresholds = np.arange(0, 1, 0.001)
        loop = contour_loop(values, thresholds, every=name == "wsol-v2")
        for at in range(0, 1000, 37):
            assert sorted(pixel_boxes(raw, name, thresholds[at])) == sorted(loop[at])
        width, height = 500, 375
        corners = [[37, 21, 411, 333], [120, 33, 250, 200]]
        scaled = [[int(c * 224 / side) for c, side in zip(b, (width, height) * 2, strict=True)] for b in corners]
        expected = [max(pixel_iou(box, truth) for box in boxes for truth in scaled) for boxes in loop]
        curve = iou_curve(raw, protocol, (height, width), to_relative(np.array(corners), width, height))
        np.testing.assert_array_equal(curve, np.array(expected, np.float32))
        assert len(set(expected)) > 20

    def test_levels_are_cut_in_doubles_as_published(self):
        """In single precision some pixels fall to another level, and of one map in some tens a box is another."""
        thresholds = np.arange(0, 1, 0.004)
        for seed in range(13, 200):
            raw = np.random.default_rng(seed).normal(size=(4, 5)).astype(np.float32)
            double, single = (self.loop(raw.astype(kind), thresholds) for kind in (np.float64, np.float32))
            if double != single:
                break
        else:
            pytest.skip("this OpenCV rounds so that no map tells single from double precision")
        assert [sorted(pixel_boxes(raw, "wsol-v2", threshold)) for threshold in thresholds] == double

    @staticmethod
    def loop(raw, thresholds):
        large = cv2.resize(raw, (224, 224), interpolation=cv2.INTER_CUBIC)
        values = (large - large.min()) / (large.max() - large.min())
        return [sorted(boxes) for boxes in contour_loop(values, thresholds, every=True)]

    @pytest.mark.parametrize("threshold", [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9])
    def test_two_hills_by_flooding(self, threshold):
        """Where the hills are round, the largest contour is the largest component."""
        raw = hills()
        (expected,) = largest_box(np.floor(raw * 255) > int(threshold * 255))
        expected = [min(corner, 223) for corner in expected]
        assert pixel_boxes(raw, "wsol-v1", threshold) == [expected]
        assert pixel_boxes(raw, "wsol-v2", threshold)[0] == expected

    @pytest.mark.parametrize("name", WSOL)
    @pytest.mark.parametrize("raw", [np.full((4, 5), 3.0), np.full((4, 5), np.nan), np.zeros((4, 5))])
    def test_a_constant_map_and_one_of_nan_are_zeros_and_have_the_zero_box(self, name, raw):
        protocol = PROTOCOLS[name]
        assert not prepare(raw, protocol, (60, 90)).any()
        assert predicted_box(raw, protocol, (60, 90), 0).tolist() == [0, 0, 0, 0]
        # 1 pixel of the 4 x 3 that the truth has from 0 to 3 and 0 to 2.
        corner = to_relative(np.array([[0, 0, 3, 2]]), 224, 224)
        np.testing.assert_allclose(iou_curve(raw, protocol, (60, 90), corner), 1 / 12)

    def test_every_whole_pixel_of_every_width_is_truncated_as_in_whole_numbers(self):
        """Relative corners are float32, which must not make a 16 of what is 15.9999995."""
        for width in (*range(1, 700), 1024, 1333, 4032, 5999):
            x = np.arange(width + 1)
            boxes = np.stack([np.zeros_like(x), np.zeros_like(x), x, np.full_like(x, width)], axis=1)
            truth = to_relative(boxes, width, width)
            expected = np.stack([x * 0, x * 0, x * 224 // width, x * 0 + 224], axis=1)
            ious = [
                score(box, each[None], PROTOCOLS["wsol-v1"])
                for box, each in zip(to_relative(expected[::13], 224, 224), truth[::13], strict=True)
                if box[2] < 222 / 224
            ]
            # The predicted box may reach 223 at most, the truth 224: one row of 225 is missing.
            np.testing.assert_allclose(ious, 224 / 225, atol=1e-12)

    def test_the_golden_values(self, real_data):
        golden = self.golden(real_data)
        raw, truth = hills(), np.array([golden["ground_truth"]])
        relative_truth = to_relative(truth, 224, 224)
        curve = iou_curve(raw, PROTOCOLS["wsol-v1"], (224, 224), relative_truth)
        for row in golden["largest_contour"]:
            assert pixel_boxes(raw, "wsol-v1", row["threshold"]) == [row["box"]]
            found = score(
                predicted_box(raw, PROTOCOLS["wsol-v1"], (224, 224), row["threshold"]), relative_truth, PROTOCOLS["wsol-v1"]
            )
            assert round(found, 4) == row["iou"]
            assert round(float(curve[round(row["threshold"] * 1000)]), 4) == row["iou"]
        further = {row["threshold"]: row["box"] for row in golden["further_boxes_with_all_contours"]}
        for row in golden["largest_contour"]:
            threshold, box = row["threshold"], row["box"]
            expected = [box, further[threshold]] if threshold in further else [box]
            assert pixel_boxes(raw, "wsol-v2", threshold) == expected

    def test_the_golden_iou_and_the_golden_resizing(self, real_data):
        golden = self.golden(real_data)
        small = replace(PROTOCOLS["wsol-v1"], size=10)
        for row in golden["iou_examples"]:
            top, bottom = map(int, row["iou"].split("/"))
            a, b = (to_relative(np.array(row[key]), 10, 10) for key in "ab")
            assert score(a, b[None], small) == pytest.approx(top / bottom, abs=1e-12)
        row = golden["resize_example"]
        box, truth = to_relative(np.array(row["result"]), *row["to"]), to_relative(np.array([row["box"]]), *row["from"])
        assert score(box, truth, replace(PROTOCOLS["wsol-v1"], size=row["to"][0])) == 1

    @staticmethod
    def golden(real_data):
        path = real_data.parent / "golden" / "wsol_boxes.json"
        if not path.exists():
            pytest.skip(f"the golden values are not at {path}")
        return json.loads(path.read_text())


class TestPixelCounts:
    RAW = np.array([[-1.0, 0, 1, 2], [4, 2, 1, 0]], np.float32)
    MASK = np.array([[0, 0, 1, 1], [1, 1, 0, 0]], bool)

    def test_every_pixel_is_in_one_bin_inside_or_outside(self):
        """Divided by the maximum: -.25, 0, .25, .5 / 1, .5, .25, 0; thresholds 0 and .5, and 1."""
        protocol = replace(AS_IT_IS, relu=False, thresholds=2)
        inside, outside = pixel_counts(self.RAW, protocol, (2, 4), self.MASK)
        assert inside.tolist() == [0, 1, 2, 1]
        assert outside.tolist() == [1, 3, 0, 0]

    def test_the_mask_is_brought_to_the_size_of_the_map(self):
        protocol = replace(AS_IT_IS, thresholds=2, size=8)
        inside, outside = pixel_counts(np.ones((2, 2)), protocol, (2, 4), self.MASK)
        assert (inside.sum(), outside.sum()) == (32, 32)
        assert inside[-1] == 32, "the maximum has a bin of its own"

    def test_pixels_that_may_be_either_are_not_counted(self):
        mask = np.where([[1, 1, 0, 0], [0, 0, 0, 1]], UNKNOWN, self.MASK)
        inside, outside = pixel_counts(self.RAW, replace(AS_IT_IS, relu=False, thresholds=2), (2, 4), mask)
        assert (inside.tolist(), outside.tolist()) == ([0, 1, 2, 1], [0, 1, 0, 0])


class TestOneBox:
    """The whole image's IoU is the share that the annotated box covers, whatever the shape, and in whole pixels as well."""

    @pytest.mark.parametrize("name", PROTOCOLS)
    def test_of_every_picture_in_order(self, name):
        truths = [np.array([[0, 0, 0.5, 0.5]]), np.array([[0, 0, 1, 0.5], [0, 0, 1, 1]])]
        protocol = replace(PROTOCOLS[name], iou="plain", edge="half-open", truth="any", truth_corners="exact")
        scores = scores_of_one_box(np.array([0, 0, 1, 1]), truths, protocol, [(20, 40), (10, 80)])
        assert scores == pytest.approx([0.25, 1])

    def test_a_shape_is_missing(self):
        with pytest.raises(ValueError, match="shorter"):
            scores_of_one_box(np.array([0, 0, 1, 1]), [np.array([[0, 0, 1, 1]])] * 2, PROTOCOLS["default"], [(2, 2)])


class TestThresholdOf:
    def test_what_is_given_wins_over_the_protocols(self):
        raw = np.array([[0, 0.4, 1, 0]] * 3, np.float32)
        assert predicted_box(raw, AS_IT_IS, (3, 4), 0.3).tolist() == [0.25, 0, 0.75, 1]
        assert predicted_box(raw, AS_IT_IS, (3, 4), 0.6).tolist() == [0.5, 0, 0.75, 1]
