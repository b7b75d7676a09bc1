"""The one box convention, against boxes counted cell by cell and against published figures."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from dogcam.boxes.geometry import WHOLE_IMAGE, area, centre_box, clip, iou, to_pixels, to_relative

WIDTH, HEIGHT = 5, 4


def counted(box):
    """The cells of a 5 x 4 picture whose centre lies in a relative, half-open box."""
    x0, y0, x1, y1 = box
    return {(x, y) for x in range(WIDTH) for y in range(HEIGHT) if x0 <= (x + 0.5) / WIDTH < x1 and y0 <= (y + 0.5) / HEIGHT < y1}


def on_grid(seed, count):
    """Boxes whose corners lie on the 5 x 4 grid, so that counting cells is exact."""
    rng = np.random.default_rng(seed)
    xs = np.sort(rng.integers(0, WIDTH + 1, (count, 2)))
    ys = np.sort(rng.integers(0, HEIGHT + 1, (count, 2)))
    return np.stack([xs[:, 0] / WIDTH, ys[:, 0] / HEIGHT, xs[:, 1] / WIDTH, ys[:, 1] / HEIGHT], axis=1)


def test_pixels_to_relative_divides_x_by_the_width_and_y_by_the_height():
    relative = to_relative(np.array([100, 30, 300, 90]), 400, 120)
    assert relative.dtype == np.float32
    np.testing.assert_allclose(relative, [0.25, 0.25, 0.75, 0.75])


def test_relative_to_pixels_multiplies_x_by_the_width_and_y_by_the_height():
    np.testing.assert_allclose(to_pixels(np.array([0.25, 0.5, 0.75, 1]), 400, 120), [100, 60, 300, 120])


def test_there_and_back_for_many_boxes_of_a_picture_that_is_not_square():
    pixels = np.array([[[0, 0, 500, 333], [12, 7, 499, 332]], [[1, 2, 3, 4], [250, 100, 251, 101]]], float)
    np.testing.assert_allclose(to_pixels(to_relative(pixels, 500, 333), 500, 333), pixels, atol=1e-4)


def test_a_relative_box_survives_squashing():
    """The same box in a 500 x 333 picture and in the same picture squashed to 224 x 224."""
    box = np.array([50, 66.6, 250, 166.5])
    squashed = box * (224 / 500, 224 / 333, 224 / 500, 224 / 333)
    np.testing.assert_allclose(to_relative(box, 500, 333), to_relative(squashed, 224, 224), atol=1e-6)


def test_the_area_is_the_share_of_cells():
    boxes = on_grid(1, 50)
    np.testing.assert_allclose(area(boxes), [len(counted(box)) / (WIDTH * HEIGHT) for box in boxes], atol=1e-12)


def test_half_open_the_whole_picture_is_one_and_a_single_pixel_is_one_pixel():
    assert area(WHOLE_IMAGE) == 1
    assert area(to_relative(np.array([4, 3, 5, 4]), WIDTH, HEIGHT)) == pytest.approx(1 / 20)


@pytest.mark.parametrize("box", [[0.5, 0.2, 0.5, 0.9], [0.6, 0.2, 0.4, 0.9], [0.6, 0.9, 0.4, 0.2]])
def test_an_empty_or_inverted_box_has_no_area(box):
    assert area(np.array(box)) == 0


def test_iou_counts_cells():
    first, second = on_grid(2, 30), on_grid(3, 20)
    expected = np.zeros((30, 20))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            union = counted(a) | counted(b)
            expected[i, j] = len(counted(a) & counted(b)) / len(union) if union else 0
    found = iou(first, second)
    assert found.shape == (30, 20)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_iou_by_hand_without_the_plus_one():
    # 4 x 4 and 3 x 4 boxes sharing 2 x 3: 6 / (16 + 12 - 6). With the +1 of pixel counting it would be 12 / 33.
    a, b = np.array([[1, 2, 5, 6]]), np.array([[3, 1, 6, 5]])
    assert iou(a, b)[0, 0] == pytest.approx(6 / 22)


def test_iou_is_symmetric_one_with_itself_and_keeps_its_value_in_any_unit():
    first = np.array([[0.1, 0.2, 0.5, 0.9], [0.4, 0.1, 0.9, 0.3]])
    second = np.array([[0.2, 0.1, 0.6, 0.8]])
    np.testing.assert_allclose(iou(first, second), iou(second, first).T)
    np.testing.assert_allclose(np.diag(iou(first, first)), 1)
    np.testing.assert_allclose(iou(to_pixels(first, 640, 201), to_pixels(second, 640, 201)), iou(first, second))


def test_boxes_that_touch_share_nothing():
    assert iou(np.array([[0, 0, 0.5, 1]]), np.array([[0.5, 0, 1, 1]]))[0, 0] == 0


def test_an_empty_union_is_zero_and_no_warning():
    nothing = np.array([[0.5, 0.5, 0.5, 0.5]])
    assert iou(nothing, nothing)[0, 0] == 0
    assert iou(nothing, WHOLE_IMAGE[None])[0, 0] == 0


def test_no_boxes_give_no_scores():
    assert iou(np.zeros((0, 4)), WHOLE_IMAGE[None]).shape == (0, 1)
    assert iou(WHOLE_IMAGE[None], np.zeros((0, 4))).shape == (1, 0)


def test_clip_cuts_at_the_edges_and_empties_what_lay_outside():
    boxes = np.array([[-0.1, 0.2, 0.5, 1.3], [1.2, 0.1, 1.4, 0.5], [0.1, 0.2, 0.3, 0.4]], np.float32)
    cut = clip(boxes)
    assert cut.dtype == np.float32
    np.testing.assert_allclose(cut[0], [0, 0.2, 0.5, 1])
    assert area(cut[1]) == 0
    np.testing.assert_array_equal(cut[2], boxes[2])


@pytest.mark.parametrize("share", [1, 0.9, 0.8, 0.25])
def test_a_centred_box_has_its_sides_and_its_centre(share):
    box = centre_box(share)
    np.testing.assert_allclose(box[2:] - box[:2], share, atol=1e-6)
    np.testing.assert_allclose((box[2:] + box[:2]) / 2, 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("box", "mean", "at_half"),
    [(WHOLE_IMAGE, 0.5423, 0.563), (centre_box(0.9), 0.5857, 0.646), (centre_box(0.8), 0.5840, 0.699)],
    ids=["whole image", "0.9", "0.8"],
)
def test_boxes_that_never_look_score_on_stanford_dogs_as_published(real_data, box, mean, at_half):
    """Study: 8,580 test images, 9,249 boxes, the best annotated box counts."""
    truths = {}
    with gzip.open(real_data / "stanford_dogs_boxes.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            if row["official_split"] == "test":
                pixels = [float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax")]
                relative = to_relative(np.array(pixels), float(row["width"]), float(row["height"]))
                truths.setdefault(row["file"], []).append(relative)
    assert (len(truths), sum(map(len, truths.values()))) == (8580, 9249)
    best = np.array([iou(box[None], np.array(boxes)).max() for boxes in truths.values()])
    assert best.mean() == pytest.approx(mean, abs=2e-4)
    assert (best >= 0.5).mean() == pytest.approx(at_half, abs=1e-3)
