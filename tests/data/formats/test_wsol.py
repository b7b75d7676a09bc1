"""The metadata of Choe et al. 2020."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_files import everything, mask, picture, pixels_of, told, write

from dogcam.boxes.drawing import score
from dogcam.boxes.geometry import UNKNOWN, WHOLE_IMAGE
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import InputError
from dogcam.data.opening import open_dataset

LISTS = {
    "train/image_ids.txt": "001.Cat/a_1.jpg\n001.Cat/a_2.jpg\n",
    "train/class_labels.txt": "001.Cat/a_1.jpg,0\n001.Cat/a_2.jpg,0\n",
    "val/image_ids.txt": "v/0/0.jpeg\nv/2/0.jpeg\n",
    "val/class_labels.txt": "v/0/0.jpeg,0\nv/2/0.jpeg,2\n",
    "val/image_sizes.txt": "v/0/0.jpeg,20,10\nv/2/0.jpeg,20,10\n",
    "val/localization.txt": "v/0/0.jpeg,0,0,19,9\nv/2/0.jpeg,1,1,4,4\n",
    "test/image_ids.txt": "002.Dog/b, c.jpg\n",
    "test/class_labels.txt": "002.Dog/b, c.jpg,1\n",
    "test/image_sizes.txt": "002.Dog/b, c.jpg,40,20\n",
    "test/localization.txt": "002.Dog/b, c.jpg,3,2,12,8\n002.Dog/b, c.jpg,20,0,39,19\n",
}
PICTURES = {name: picture() for name in ["001.Cat/a_1.jpg", "001.Cat/a_2.jpg", "v/0/0.jpeg", "v/2/0.jpeg"]}
PICTURES["002.Dog/b, c.jpg"] = picture(40, 20)
BOXES = {"a_1": [], "a_2": [], "v/0/0": [[0, 0, 19, 9]], "v/2/0": [[1, 1, 4, 4]], "b, c": [[3, 2, 12, 8], [20, 0, 39, 19]]}


@pytest.mark.parametrize("below", ["", "dataset/CUB/"])
def test_lists_and_pictures_in_two_places(tmp_path, below):
    write(tmp_path / "metadata", LISTS)
    write(tmp_path / "pictures", {f"{below}{path}": content for path, content in PICTURES.items()})
    dataset = open_dataset(str(tmp_path / "metadata"), str(tmp_path / "pictures"))
    assert dataset.source.name == "wsol"
    assert dataset.classes == ("0", "1", "2")
    assert pixels_of(dataset) == BOXES
    found = {split: [(each.id, each.label) for each in records] for split, records in dataset.splits.items()}
    assert found == {"train": [("a_1", 0), ("a_2", 0)], "val": [("v/0/0", 0), ("v/2/0", 2)], "test": [("b, c", 1)]}
    assert (dataset.division.how, dataset.problems) == ("given", ())


def test_lists_and_pictures_in_one_place(tmp_path):
    write(tmp_path, {f"metadata/CUB/{path}": text for path, text in LISTS.items()})
    assert (
        pixels_of(open_dataset(str(write(tmp_path, {f"dataset/CUB/{path}": each for path, each in PICTURES.items()})))) == BOXES
    )


@pytest.mark.parametrize(("start", "problems"), [("train/", []), ("001.Cat", [("train", "missing", True)])])
def test_without_train_thresholds_are_chosen_on_val(tmp_path, start, problems):
    write(tmp_path, {path: each for path, each in (LISTS | PICTURES).items() if not path.startswith(start)})
    dataset = open_dataset(str(tmp_path))
    assert {split: len(records) for split, records in dataset.splits.items()} == {"train": 2, "test": 1}
    assert told(dataset) == problems


def test_lists_of_windows_with_empty_lines_are_the_same(tmp_path):
    lists = {name: "\ufeff" + text.replace("\n", "\r\n\r\n") for name, text in LISTS.items()}
    assert pixels_of(open_dataset(str(write(tmp_path, lists | PICTURES)))) == BOXES


def test_corners_as_written_give_the_ious_of_the_original(tmp_path):
    """Under wsol-v1 and the box of a map that is one everywhere; the original adds 1 to each side after scaling to 224 x 224.

    The annotated box 0, 0, 19, 9 of 20 x 10 is there int(19 * 224 / 20) = 212 and int(9 * 224 / 10) = 201; the box of
    the map is there 0, 0, 223, 223: (213 * 202) / (224 * 224).
    """
    record = everything(open_dataset(str(write(tmp_path, LISTS | PICTURES))))["v/0/0"]
    assert score(WHOLE_IMAGE, record.boxes, PROTOCOLS["wsol-v1"], (10, 20)) == pytest.approx(213 * 202 / 224**2)


def test_masks_of_openimages_give_boxes_and_leave_out_what_is_ignored(tmp_path):
    lists = {
        "val/image_ids.txt": "val/x/a.jpg\nval/x/b.jpg\n",
        "val/class_labels.txt": "val/x/a.jpg,1\nval/x/b.jpg,0\n",
        "val/localization.txt": "val/x/a.jpg,val/x/a_m1.png,val/x/a_ignore.png\nval/x/a.jpg,val/x/a_m2.png,\n"
        "val/x/b.jpg,val/x/b_m.png,val/x/b_ignore.png\n",
    }
    pictures = {
        "val/x/a.jpg": picture(),
        "val/x/a_m1.png": mask((255, 1, 1, 4, 4), mode="1"),
        "val/x/a_m2.png": mask((255, 6, 2, 9, 9), mode="1"),
        "val/x/a_ignore.png": mask((255, 0, 0, 8, 5), mode="1"),
        "val/x/b.jpg": picture(),
        "val/x/b_m.png": mask((255, 0, 0, 20, 5), size=(20, 10)),
    }
    write(tmp_path, {f"metadata/OpenImages/{path}": text for path, text in lists.items()})
    dataset = open_dataset(str(write(tmp_path, {f"dataset/OpenImages/{path}": each for path, each in pictures.items()})))
    assert pixels_of(dataset) == {"a": [[1, 1, 4, 4], [6, 2, 9, 9]], "b": [[0, 0, 20, 5]]}
    expected = np.zeros((10, 20))
    expected[:5, :8] = UNKNOWN
    expected[1:4, 1:4] = expected[2:9, 6:9] = 1
    np.testing.assert_array_equal(everything(dataset)["a"].mask(), expected)
    assert everything(dataset)["b"].mask().sum() == 100


@pytest.mark.parametrize(
    ("name", "line", "instead", "problem", "lost"),
    [
        ("image_ids", "", "../../x.jpg\n", ("../../x.jpg", "leads-out", True), None),
        ("image_ids", "", "v/2/0.jpeg\n", ("0", "twice", False), None),
        ("image_ids", "", "v/9/0.jpeg\n", ("0", "missing", True), None),
        ("class_labels", "v/2/0.jpeg,2\n", "", ("0", "no-class", True), "v/2/0"),
        ("class_labels", "", "v/5/0.jpeg,2\n", ("0", "missing", True), None),
        ("class_labels", "", "v/2/0.jpeg,²\n", ("0", "", False), None),
        ("class_labels", "", "v/2/0.jpeg,10000000000\n", ("0", "", False), None),
        ("class_labels", "", "nonsense\n", ("nonsense", "", False), None),
        ("image_sizes", "v/2/0.jpeg,20,10\n", "", ("0", "", False), None),
        ("image_sizes", "", "v/5/0.jpeg,20,10\n", ("0", "missing", True), None),
        ("localization", "", "v/5/0.jpeg,1,1,2,2\n", ("0", "missing", True), None),
        ("localization", "", "v/2/0.jpeg,1,1\n", ("v/2/0", "", False), None),
    ],
)
def test_lists_that_disagree_are_named_and_the_rest_is_read(tmp_path, name, line, instead, problem, lost):
    path = f"val/{name}.txt"
    text = LISTS[path].replace(line, instead) if line else LISTS[path] + instead
    dataset = open_dataset(str(write(tmp_path, LISTS | PICTURES | {path: text})))
    assert [each[1:] for each in told(dataset)] == [problem[1:]]
    expected = {identity: boxes for identity, boxes in BOXES.items() if identity != lost}
    found = pixels_of(dataset)
    assert sorted(found.values()) == sorted(expected.values())


def test_a_box_that_is_none_is_named(tmp_path):
    lists = LISTS | {"val/localization.txt": LISTS["val/localization.txt"] + "v/2/0.jpeg,1,a,2,2\nv/2/0.jpeg,9,9,9,9\n"}
    dataset = open_dataset(str(write(tmp_path, lists | PICTURES)))
    assert [each[1] for each in told(dataset)] == ["outside", "outside"]
    assert pixels_of(dataset) == BOXES


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.jpg": picture()}, "has no metadata: expected image_ids.txt"),
        ({f"{name}/{path}": text for name in ("CUB", "ILSVRC") for path, text in LISTS.items()}, "name one of CUB, ILSVRC"),
        (LISTS, "--data-dir"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, files, why):
    with pytest.raises(InputError, match=why):
        open_dataset(f"wsol:{write(tmp_path, files)}")


def test_pictures_of_a_camera_have_capital_suffixes(tmp_path):
    write(tmp_path / "lists", LISTS)
    write(tmp_path / "pictures", {f"set/{path.upper()}": content for path, content in PICTURES.items()})
    boxes = pixels_of(open_dataset(str(tmp_path / "lists"), str(tmp_path / "pictures")))
    assert boxes == BOXES
