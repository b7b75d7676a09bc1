"""Regions against pycocotools itself, and what must not reach it."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from dogcam.data.images import ImageFile
from dogcam.data.regions import LARGEST, DrawnPixels, RelativePixels, Runs, box_of, drawn, fits, region_of

SQUARE = [2, 1, 6, 1, 6, 4, 2, 4]


def blob(seed, height=13, width=17, share=0.4):
    return np.random.default_rng(seed).random((height, width)) < share


def compressed(mask):
    runs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": runs["size"], "counts": runs["counts"].decode()}


def uncompressed(mask):
    """Run lengths counted by hand: columns one after the other, the first run outside."""
    counts, value = [0], False
    for pixel in mask.ravel(order="F"):
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return {"size": list(mask.shape), "counts": counts}


@pytest.mark.parametrize("write", [compressed, uncompressed])
@pytest.mark.parametrize("mask", [blob(0), blob(1, 200, 300, 0.01), blob(2, 5, 5, 0), blob(3, 5, 5, 1), blob(4, 1, 1, 1)])
def test_run_lengths_give_the_pixels_they_were_counted_from(write, mask):
    pixels = DrawnPixels((region_of(write(mask)),), mask.shape[::-1])()
    assert pixels.dtype == bool
    np.testing.assert_array_equal(pixels, mask)


def test_a_polygon_on_whole_pixels_is_their_rectangle():
    expected = np.zeros((7, 9), bool)
    expected[1:4, 2:6] = True
    np.testing.assert_array_equal(drawn([region_of([SQUARE])], (9, 7)), expected)
    np.testing.assert_array_equal(drawn([region_of(SQUARE)], (9, 7)), expected)


def test_regions_of_every_kind_are_joined():
    mask = blob(5, 7, 9)
    several = [region_of([SQUARE, [0, 5, 2, 5, 2, 7, 0, 7]]), region_of(compressed(mask))]
    expected = mask.copy()
    expected[1:4, 2:6] = expected[5:7, 0:2] = True
    np.testing.assert_array_equal(DrawnPixels(tuple(several), (9, 7))(), expected)


def test_relative_polygons_are_drawn_on_the_picture_as_it_stands_upright(tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6  # stored 12 x 8, upright 8 x 12
    Image.new("RGB", (12, 8)).save(tmp_path / "a.jpg", exif=tags)
    polygon = array("d", [0.25, 0.5, 0.75, 0.5, 0.75, 0.75, 0.25, 0.75])
    pixels = RelativePixels((polygon,), ImageFile(tmp_path / "a.jpg"))()
    expected = np.zeros((12, 8), bool)
    expected[6:9, 2:6] = True
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        ("polygon", "neither polygons nor run lengths"),
        ([[1, 2, 3, 4]], "a polygon of 4 numbers"),
        ([[1, 2, 3, 4, 5, 6, 7]], "a polygon of 7 numbers"),
        ([[1, 2, 3, 4, 5, "6"]], "not numbers"),
        ([[1, 2, 3, 4, 5, float("nan")]], "not finite"),
        ([[1, 2, 3, 4, 5, 10**400]], "not numbers"),
        ({"counts": [4]}, "without the height and width"),
        ({"size": [2, 2.0], "counts": [4]}, "without the height and width"),
        ({"size": [2, -2], "counts": [4]}, "without the height and width"),
        ({"size": [1 << 15, 1 << 15], "counts": [1 << 30]}, "32768 x 32768 pixels"),
        ({"size": [2, 2], "counts": [1, 9]}, "do not fill 2 x 2"),
        ({"size": [2, 2], "counts": [1, -1, 4]}, "do not fill"),
        ({"size": [2, 2], "counts": [1.5, 2.5]}, "not whole numbers"),
        ({"size": [2, 2], "counts": None}, "not whole numbers"),
        ({"size": [5, 5], "counts": "55"}, "do not fill"),  # pycocotools gives whatever lay in memory
        ({"size": [5, 5], "counts": ""}, "characters"),
        ({"size": [5, 5], "counts": "한"}, "do not fill"),
        ({"size": [5, 5], "counts": "zz"}, "characters"),
        ({"size": [5, 5], "counts": "`"}, "characters"),  # more of the number is to follow
        ({"size": [5, 5], "counts": "oooooooooo0"}, "too large"),
    ],
)
def test_what_is_broken_never_reaches_the_drawing(segmentation, said):
    with pytest.raises(ValueError, match=said):
        region_of(segmentation)


@pytest.mark.parametrize("nothing", [[], [[]]])
def test_nothing_is_no_region(nothing):
    assert region_of(nothing) is None


@pytest.mark.parametrize("segmentation", [[SQUARE], [[2.3, 1.7, 6.9, 1.2, 5.5, 4.4]], compressed(blob(6))])
def test_a_box_is_what_coco_makes_of_the_region(segmentation):
    runs = coco.merge(coco.frPyObjects(segmentation, 50, 50)) if isinstance(segmentation, list) else segmentation
    assert box_of(region_of(segmentation)) == coco.toBbox(runs).tolist()


def test_a_region_fits_its_own_picture():
    assert fits(region_of(compressed(blob(7))), (17, 13))
    assert not fits(region_of(compressed(blob(7))), (13, 17))
    assert fits(region_of([SQUARE]), (9, 7))
    assert not fits(region_of([[0, 0, 1e9, 0, 1e9, 1e9]]), (9, 7))
    assert not fits(region_of([SQUARE]), (LARGEST, 2))
    with pytest.raises(ValueError, match="outside any picture"):
        box_of(region_of([[-9, -9, -5, -9, -5, -5]]))


def test_a_region_is_kept_small():
    region = region_of(compressed(blob(8)))
    assert isinstance(region, Runs)
    assert isinstance(region.counts, bytes)
    assert all(isinstance(polygon, array) for polygon in region_of([SQUARE]))
