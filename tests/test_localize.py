"""From a raw map to a box: hand-drawn maps, loops written from the definition, and a published reference."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from dogcam.boxes import to_pixels
from dogcam.localize import is_empty, predicted_box, prepare
from dogcam.protocols import PROTOCOLS, Protocol

# Draws on the map as it is: enlarged to the shape it has already.
AS_IT_IS = Protocol("as it is", "for tests", relu=True, threshold=0.5, size=None)
LARGEST = [name for name in PROTOCOLS if PROTOCOLS[name].component == "largest"]


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
        np.testing.assert_allclose(
            prepare(raw, replace(AS_IT_IS, relu=False), raw.shape)[0], [-0.25, 0, 0.5, 1, 0], atol=1e-7
        )

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
    @pytest.mark.parametrize("name", PROTOCOLS)
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
            predicted_box(raw - 0.001 * (raw == 0), self.PROTOCOL, raw.shape),
            predicted_box(raw, self.PROTOCOL, raw.shape),
        )

    @pytest.mark.parametrize(("faint", "expected"), [(0.003, [15, 10, 29, 19]), (0.005, [10, 5, 39, 24])])
    def test_eight_bits_lose_what_is_below_one_of_255(self, faint, expected):
        """0.003 is 0.77 of 255 and becomes 0; 0.005 is 1.3 and stays."""
        raw = np.zeros((30, 50), np.float32)
        raw[5:25, 10:40] = faint
        raw[10:20, 15:30] = 1
        box = to_pixels(predicted_box(raw, replace(self.PROTOCOL, threshold=0), raw.shape), 50, 30)
        np.testing.assert_allclose(box, expected, atol=1.01)


# The reference implementation of Choe et al. 2020 (shared/golden):
# threshold -> box of the largest contour, x1 = x + w
REFERENCE_BOXES = {
    0.10: [26, 14, 155, 207],
    0.15: [32, 23, 149, 198],
    0.20: [37, 30, 144, 191],
    0.30: [44, 41, 137, 180],
    0.50: [55, 58, 126, 163],
    0.70: [65, 73, 116, 148],
    0.90: [77, 90, 104, 131],
}


class TestReference:
    """One map whose boxes a published implementation gives."""

    @staticmethod
    def reference_map():
        y, x = np.mgrid[:224, :224]
        values = np.exp(-((x - 90) ** 2 / (2 * 30**2) + (y - 110) ** 2 / (2 * 45**2)))
        values += 0.6 * np.exp(-((x - 190) ** 2 + (y - 40) ** 2) / (2 * 14**2))
        return (values - values.min()) / (values.max() - values.min())

    @pytest.mark.parametrize("threshold", REFERENCE_BOXES)
    def test_the_largest_component_on_the_same_eight_bit_map(self, threshold):
        eight_bits = np.floor(self.reference_map() * 255).astype(np.float32)
        strictly_above = (int(threshold * 255) + 0.5) / 255
        protocol = Protocol("wsol-like", "for tests", relu=False, threshold=strictly_above, normalise="minmax")
        box = to_pixels(predicted_box(eight_bits, protocol, (224, 224)), 224, 224)
        np.testing.assert_allclose(box, REFERENCE_BOXES[threshold], atol=1e-3)

    def test_these_are_the_golden_values(self, real_data):
        path = real_data.parent / "golden" / "wsol_boxes.json"
        if not path.exists():
            pytest.skip(f"the golden values are not at {path}")
        golden = json.loads(path.read_text())
        listed = {row["threshold"]: row["box"] for row in golden["largest_contour"]}
        # At 0.05 the box runs into the reference's clip to pixel 223, a convention of its own.
        assert {key: box for key, box in listed.items() if key != 0.05} == REFERENCE_BOXES
