"""A subfolder for each class."""

from __future__ import annotations

import pytest
from drawn_files import everything, picture, told, write
from PIL import ExifTags, Image

from dogcam.core.errors import InputError
from dogcam.data.formats.folder import sign_folder
from dogcam.data.opening import open_dataset
from dogcam.data.trees import open_tree


def labelled(dataset):
    found = everything(dataset).items()
    return {name: record.label if record.label is None else dataset.classes[record.label] for name, record in found}


def test_folders_are_classes(tmp_path):
    files = ["cat/a.jpg", "cat/deeper/b.2.jpg", "dog of Bär/c d.PNG", "dog of Bär/readme.txt"]
    dataset = open_dataset(str(write(tmp_path, {path: picture() for path in files})))
    assert dataset.source.name == "folder"
    assert labelled(dataset) == {"a": "cat", "b.2": "cat", "c d": "dog of Bär"}
    assert all(not len(record.boxes) and record.mask is None for record in everything(dataset).values())
    assert (dataset.problems, dataset.division.how) == ((), "seeded")


@pytest.mark.parametrize(("other", "how"), [("test", "given"), ("validation", "val"), ("Val", "val")])
def test_splits_lie_above_classes(tmp_path, other, how):
    files = ["train/cat/a.jpg", "train/dog/a.jpg", f"{other}/cat/c.jpg"]
    dataset = open_dataset(str(write(tmp_path, {path: picture() for path in files})))
    assert {split: [each.id for each in records] for split, records in dataset.splits.items()} == {
        "train": ["train/cat/a", "train/dog/a"],
        "test": ["c"],
    }
    assert (dataset.division.how, dataset.classes) == (how, ("cat", "dog"))


def test_pictures_are_turned_as_their_tags_say(tmp_path):
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    files = {"cat/a.jpg": picture(20, 10, exif=turned), "dog/b.jpg": picture(20, 10)}
    records = everything(open_dataset(str(write(tmp_path, files))))
    assert records["a"].image.pixels().shape == (20, 10, 3)
    assert records["b"].image.pixels().shape == (10, 20, 3)


def test_a_picture_in_no_folder_is_named(tmp_path):
    dataset = open_dataset(str(write(tmp_path, {path: picture() for path in ["cat/a.jpg", "dog/b.jpg", "dog/c.jpg", "d.jpg"]})))
    assert told(dataset) == [("d.jpg", "no-class", True)]
    assert labelled(dataset) == {"a": "cat", "b": "dog", "c": "dog"}


@pytest.mark.parametrize(
    "files",
    [
        [],
        ["a.jpg", "b.jpg"],
        ["cat/a.jpg"],
        ["images/a.jpg", "labels/a.png"],
        ["train/a.jpg", "test/b.jpg"],
        ["JPEGImages/a.jpg", "Masks/a.png"],
        ["train/images/a.jpg", "train/cat/a.jpg"],
        ["cat/a.jpg", "dog/b.jpg", "c.jpg", "d.jpg", "e.jpg"],
    ],
)
def test_what_are_no_classes_is_not_recognised(tmp_path, files):
    assert not sign_folder(open_tree(write(tmp_path, {path: picture() for path in files})))


def test_one_class_can_be_asked_for(tmp_path):
    assert open_dataset(f"folder:{write(tmp_path, {'cat/a.jpg': picture()})}").classes == ("cat",)


@pytest.mark.parametrize("files", [[], ["a.jpg"], ["train/a.jpg"]])
def test_without_folders_there_are_no_classes(tmp_path, files):
    with pytest.raises(InputError, match=r"has no subfolder with pictures: .* cat/a.jpg"):
        open_dataset(f"folder:{write(tmp_path, {path: picture() for path in files})}")
