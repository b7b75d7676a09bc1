"""Masks of numbers: boxes and pixels of what is drawn in them."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_files import everything, mask, picture, pixels_of, told, write

from dogcam.boxes.geometry import UNKNOWN
from dogcam.core.errors import InputError
from dogcam.data.formats.masks import beside, sign_masks
from dogcam.data.opening import open_dataset
from dogcam.data.trees import open_tree

PAIRS = [
    ("images/{}.jpg", "masks/{}.png"),
    ("JPEGImages/{}.jpg", "SegmentationClass/{}.png"),
    ("train/images/{}.jpg", "train/labels/{}.png"),
    ("images/train/{}.jpg", "annotations/train/{}.png"),
    ("train_images/{}.jpg", "train_masks/{}_mask.png"),
    ("{}.jpg", "{}_mask.png"),
    ("set/{}.jpg", "set/{}_mask.png"),
]


@pytest.mark.parametrize(("pictures", "masks"), PAIRS)
@pytest.mark.parametrize("name", ["a", "Bär 2.5 x"])
@pytest.mark.parametrize("number", [1, 255])
def test_an_object_has_the_extent_of_its_pixels(tmp_path, pictures, masks, name, number):
    files = {pictures.format(name): picture(), masks.format(name): mask((number, 3, 2, 8, 5), (number, 7, 4, 11, 9))}
    files |= {pictures.format("b"): picture(30, 20), masks.format("b"): mask((number, 0, 0, 30, 1), size=(30, 20))}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert dataset.source.name == "masks"
    assert dataset.classes == ("object",)
    assert pixels_of(dataset) == {name: [[3, 2, 11, 9]], "b": [[0, 0, 30, 1]]}
    expected = np.zeros((10, 20))
    expected[2:5, 3:8] = expected[4:9, 7:11] = 1
    np.testing.assert_array_equal(everything(dataset)[name].mask(), expected)
    assert dataset.problems == ()


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_numbers_are_classes_and_255_may_be_any(tmp_path, mode):
    """Of a palette the places count, not the colours."""
    drawn = mask((255, 2, 1, 9, 8), (15, 3, 2, 8, 7), (8, 12, 0, 20, 10), (15, 18, 9, 20, 10), mode=mode)
    files = {"JPEGImages/a.jpg": picture(), "SegmentationClass/a.png": drawn}
    files |= {"JPEGImages/none.jpg": picture(), "SegmentationClass/none.png": mask((255, 0, 0, 2, 2), mode=mode)}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert dataset.classes == ("8", "15")
    assert pixels_of(dataset) == {"a#8": [[12, 0, 20, 10]], "a#15": [[3, 2, 20, 10]], "none": []}
    assert everything(dataset)["none"].label is None
    pixels = everything(dataset)["a#15"].mask()
    expected = np.zeros((10, 20))
    expected[1:8, 2:9] = UNKNOWN
    expected[2:7, 3:8] = expected[9:, 18:] = 1
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("background\ncat\ndog\n", ("cat", "dog")),
        ("\ufeffcat\r\n\r\ndog\r\n", ("cat", "dog")),
        ("0: background\n2: dog\n1: cat\n", ("cat", "dog")),
    ],
)
def test_a_list_names_the_classes(tmp_path, listed, names):
    files = {"images/a.jpg": picture(), "masks/a.png": mask((1, 0, 0, 4, 4), (2, 5, 5, 9, 9), (3, 10, 0, 12, 2))}
    dataset = open_dataset(str(write(tmp_path, files | {"classes.txt": listed})))
    assert dataset.classes == names
    assert pixels_of(dataset) == {"a#cat": [[0, 0, 4, 4]], "a#dog": [[5, 5, 9, 9]]}
    assert told(dataset) == [("a", "no-class", False)]
    assert "has the class 3" in dataset.problems[0].reason


def test_a_single_class_of_a_list_has_its_name(tmp_path):
    files = {"images/a.jpg": picture(), "masks/a.png": mask((1, 0, 0, 4, 4)), "classes.txt": "background\ncat"}
    assert open_dataset(str(write(tmp_path, files))).classes == ("cat",)


@pytest.mark.parametrize("images", ["images/{}.jpg", "images/{folder}/{}.jpg"])
def test_folders_of_object_masks_are_classes(tmp_path, images):
    files = {}
    for name, folder, x in [("a", "cat", 2), ("b", "dog", 5)]:
        files |= {images.format(name, folder=folder): picture()}
        files |= {f"masks/{folder}/{name}.png": mask((255, x, 1, x + 3, 4))}
    dataset = open_dataset(f"masks:{write(tmp_path, files)}")
    assert dataset.classes == ("cat", "dog")
    assert pixels_of(dataset) == {"a": [[2, 1, 5, 4]], "b": [[5, 1, 8, 4]]}
    assert [everything(dataset)[name].label for name in "ab"] == [0, 1]


def test_two_class_folders_have_the_same_picture(tmp_path):
    files = {"images/a.jpg": picture(), "masks/cat/a.png": mask((1, 0, 0, 4, 4)), "masks/dog/a.png": mask((1, 5, 5, 9, 9))}
    assert pixels_of(open_dataset(str(write(tmp_path, files)))) == {"a#cat": [[0, 0, 4, 4]], "a#dog": [[5, 5, 9, 9]]}


def test_several_masks_of_a_picture_have_a_box_each_and_one_mask(tmp_path):
    files = {"benign/a (1).png": picture(form="PNG"), "normal/b.png": picture(form="PNG")}
    files |= {"benign/a (1)_mask.png": mask((255, 0, 0, 4, 4)), "benign/a (1)_mask_1.png": mask((255, 5, 5, 9, 9))}
    files |= {"normal/b_mask.png": mask()}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert dataset.classes == ("benign", "normal")
    assert pixels_of(dataset) == {"a (1)": [[0, 0, 4, 4], [5, 5, 9, 9]], "b": []}
    assert everything(dataset)["a (1)"].mask().sum() == 32
    assert everything(dataset)["b"].label == 1


def test_splits_are_taken_from_the_folders(tmp_path):
    files = {}
    for split, name in [("train", "a"), ("val", "a"), ("train", "b")]:
        files |= {f"{split}/images/{name}.jpg": picture(), f"{split}/masks/{name}.png": mask((1, 0, 0, 4, 4))}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert {split: len(records) for split, records in dataset.splits.items()} == {"train": 2, "test": 1}
    assert dataset.division.how == "val"


def test_a_mask_of_another_size_is_scaled_where_the_shape_is_the_same_and_refused_where_not(tmp_path):
    files = {f"images/{name}.jpg": picture() for name in "ab"}
    files |= {"masks/a.png": mask((1, 4, 2, 8, 10), size=(40, 20)), "masks/b.png": mask((1, 0, 0, 2, 2), size=(10, 10))}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert pixels_of(dataset) == {"a": [[2, 1, 4, 5]], "b": []}
    assert told(dataset) == [("b", "other-size", False)]
    assert [each.kind for each in dataset.mended] == ["scaled"]


def test_what_is_broken_is_named_and_the_rest_is_read(tmp_path):
    files = {f"images/{name}.jpg": picture() for name in ["good", "bare", "broken", "colours", "greys", "empty"]}
    greys = np.linspace(0, 255, 200).astype(np.uint8).reshape(10, 20)
    files |= {"masks/good.png": mask((1, 0, 0, 4, 4)), "masks/broken.png": b"no picture", "masks/empty.png": mask()}
    files |= {"masks/colours.png": picture(form="PNG"), "masks/lonely.png": mask((1, 0, 0, 4, 4)), "masks/greys.png": _png(greys)}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert pixels_of(dataset) == {"good": [[0, 0, 4, 4]], "empty": []}
    assert everything(dataset)["empty"].label is None
    assert told(dataset) == [
        ("bare", "missing", True),
        ("broken", "unreadable", True),
        ("colours", "unreadable", True),
        ("greys", "no-class", True),
        ("lonely", "missing", True),
    ]


def _png(values):
    return mask(*((int(value), x, y, x + 1, y + 1) for y, row in enumerate(values) for x, value in enumerate(row)))


def test_pictures_elsewhere(tmp_path):
    write(tmp_path, {"here/a.png": mask((1, 0, 0, 4, 4)), "there/a.jpg": picture()})
    dataset = open_dataset(f"masks:{tmp_path / 'here'}", str(tmp_path / "there"))
    assert pixels_of(dataset) == {"a": [[0, 0, 4, 4]]}


@pytest.mark.parametrize(
    "names", [["cat/a.jpg", "dog/b.jpg"], ["mask/a.jpg", "no_mask/b.jpg"], ["images/a.jpg", "labels/a.txt"], []]
)
def test_what_are_no_masks_is_not_recognised(tmp_path, names):
    write(tmp_path, {name: picture() for name in names})
    assert not sign_masks(open_tree(tmp_path))
    with pytest.raises(InputError):
        open_dataset(f"masks:{tmp_path}")


@pytest.mark.parametrize("path", ["a_mask.png", "../masks/a.png", "../SegmentationClass/a.png"])
def test_a_mask_is_found_beside_a_picture(tmp_path, path):
    write(tmp_path / "images", {"a.jpg": picture(), path: mask((255, 3, 2, 8, 5))})
    found = beside(tmp_path / "images" / "a.jpg")
    assert (found.names, found.corners.tolist(), found.size) == (("object",), [[3, 2, 8, 5]], (20, 10))
    assert beside(tmp_path / "images" / "b.jpg") is None


def test_masks_without_any_object_are_refused(tmp_path):
    """Often what a tool wrote for pictures that nobody drew in yet: all of them would be backgrounds, and none is of a class."""
    files = {
        f"{folder}/{name}": content
        for name in ("a.png", "b.png")
        for folder, content in (("images", picture()), ("masks", mask()))
    }
    with pytest.raises(InputError, match=r"not one of 2 masks has an object: all their pixels are 0; the first: masks/a\.png"):
        open_dataset(str(write(tmp_path, files)))
