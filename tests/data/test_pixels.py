"""Masks as they are stored."""

from __future__ import annotations

import io

import numpy as np
import pytest
from drawn_files import mask, write
from PIL import Image

from dogcam.boxes.geometry import UNKNOWN
from dogcam.core.errors import InputError
from dogcam.data.images import ImageFile
from dogcam.data.pixels import StoredPixels, extents_of, numbers


def stored(folder, *images, suffix="png"):
    files = []
    for place, image in enumerate(images):
        files.append(ImageFile(folder / f"{place}.{suffix}"))
        Image.fromarray(image).save(files[-1].path)
    return tuple(files)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int32])
def test_numbers_are_kept(tmp_path, dtype):
    values = np.array([[0, 1, 1], [1, 0, 1]] if dtype is bool else [[0, 1, 200], [5, 0, 7]]).astype(dtype)
    (file,) = stored(tmp_path, values, suffix="tif")
    np.testing.assert_array_equal(numbers(file), values)


def test_numbers_of_16_bits_are_kept(tmp_path):
    (file,) = stored(tmp_path, np.array([[0, 300, 65535]], np.uint16))
    np.testing.assert_array_equal(numbers(file), [[0, 300, 65535]])


@pytest.mark.parametrize("mode", ["P", "RGB", "RGBA", "LA"])
def test_grey_in_colours_and_palettes_are_numbers(tmp_path, mode):
    write(tmp_path, {"a.png": mask((2, 1, 0, 3, 2), size=(4, 2), mode=mode)})
    np.testing.assert_array_equal(numbers(ImageFile(tmp_path / "a.png")), [[0, 2, 2, 0]] * 2)


def test_of_a_lossy_mask_the_brighter_half_is_the_object(tmp_path):
    values = np.zeros((16, 32), np.uint8)
    values[:, 8:16] = 255
    (file,) = stored(tmp_path, values, suffix="jpg")
    np.testing.assert_array_equal(numbers(file), values > 0)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.array([[[1, 2, 3]]], np.uint8), "colours"),
        (np.array([[0.5]], np.float32), "whole numbers"),
        (np.array([[70_000]], np.int32), "whole numbers"),
    ],
)
def test_what_are_no_numbers_is_refused(tmp_path, values, why):
    (file,) = stored(tmp_path, values, suffix="tif")
    with pytest.raises(InputError, match=why):
        numbers(file)


def test_extents_are_those_of_all_pixels_of_a_number():
    found = extents_of(np.array([[0, 3, 0, 0, 0], [0, 0, 0, 9, 0], [0, 0, 3, 0, 0]], np.uint8))
    assert found.size == (5, 3)
    assert found.corners == {3: (1, 0, 3, 3), 9: (3, 1, 4, 2)}
    assert extents_of(np.zeros((2, 2), np.uint16)).corners == {}


def test_pixels_of_several_masks_are_joined(tmp_path):
    """What is ignored is unknown where none of the masks has the object; a mask of another size follows the first."""
    first, second = np.array([[1, 0, 0, 0]], np.uint8), np.array([[0, 1]], np.uint8)
    files = stored(tmp_path, first, second, np.array([[9, 9, 0, 0]], np.uint8))
    assert StoredPixels(files[:2])().tolist() == [[1, 0, 1, 1]]
    assert StoredPixels(files[:1], ignored=files[2])().tolist() == [[1, UNKNOWN, 0, 0]]


def test_pixels_of_one_number(tmp_path):
    files = stored(tmp_path, np.array([[1, 2, 3, 0]], np.uint8))
    assert StoredPixels(files, 1, unknown=3)().tolist() == [[1, 0, UNKNOWN, 0]]
    assert StoredPixels(files, None, unknown=3)().tolist() == [[1, 1, UNKNOWN, 0]]


def test_a_broken_mask_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken" + bytes(io.DEFAULT_BUFFER_SIZE))
    with pytest.raises(InputError, match=r"cannot read the mask .*a.png"):
        numbers(ImageFile(tmp_path / "a.png"))
