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


LAID_OUT = [  # as the sets of cats and dogs, scenes and X-rays that circulate most are packed
    ("PetImages/{}/{}.jpg",),
    ("training_set/{}/{}.jpg", "test_set/{}/{}.jpg"),
    ("train/train/{}/{}.jpg", "test/test/{}/{}.jpg"),
    ("seg_train/seg_train/{}/{}.jpg", "seg_test/seg_test/{}/{}.jpg"),
    ("set/train-images/{}/{}.jpg", "set/test-images/{}/{}.jpg"),
    ("set/TRAIN/{}/images/{}.JPEG", "set/TEST/{}/images/{}.JPEG"),
]


@pytest.mark.parametrize("layout", LAID_OUT)
def test_folders_around_classes_are_no_classes(tmp_path, layout):
    files = {each.format(name, f"{name}{place}") for place, each in enumerate(layout) for name in ("cat", "dog")}
    dataset = open_dataset(str(write(tmp_path, {path: picture() for path in files} | {"readme[1].txt": "to read"})))
    assert dataset.source.name == "folder"
    assert labelled(dataset) == {f"{name}{place}": name for place in range(len(layout)) for name in ("cat", "dog")}
    if layout[1:]:
        assert {split: [each.id for each in records] for split, records in dataset.splits.items()} == {
            "train": ["cat0", "dog0"],
            "test": ["cat1", "dog1"],
        }


def test_a_train_beside_a_bus_is_a_class(tmp_path):
    files = ["train/a.jpg", "bus/b.jpg", "car/c.jpg"]
    dataset = open_dataset(str(write(tmp_path, {path: picture() for path in files})))
    assert labelled(dataset) == {"a": "train", "b": "bus", "c": "car"}
    assert dataset.division.how == "seeded"


def test_pictures_of_no_class_beside_splits_are_named(tmp_path):
    files = ["seg_train/seg_train/cat/a.jpg", "seg_train/seg_train/dog/b.jpg", "seg_test/cat/c.jpg", "seg_pred/seg_pred/d.jpg"]
    dataset = open_dataset(str(write(tmp_path, {path: picture() for path in files})))
    assert told(dataset) == [("seg_pred/seg_pred/d.jpg", "no-class", True)]
    assert dataset.classes == ("cat", "dog")


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
        ["images/cat/a.jpg", "images/dog/b.jpg", "boxes/unheard.of"],
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
