"""CUB-200-2011's lists."""

from __future__ import annotations

import tarfile

import pytest
from drawn_files import everything, picture, pixels_of, told, write

from dogcam.core.errors import InputError
from dogcam.data.formats.cub import beside, sign_cub
from dogcam.data.opening import open_dataset
from dogcam.data.trees import open_tree

ALBATROSS, WREN = "001.Black_footed_Albatross", "200.Common_Yellowthroat"
LISTS = {
    "images.txt": f"1 {ALBATROSS}/a_1.jpg\n2 {ALBATROSS}/a_2.jpg\n3 {WREN}/b 1.5.jpg\n",
    "image_class_labels.txt": "1 1\n2 1\n3 200\n",
    "classes.txt": f"1 {ALBATROSS}\n2 002.Laysan_Albatross\n200 {WREN}\n",
    "train_test_split.txt": "1 0\n2 1\n3 1\n",
    "bounding_boxes.txt": "1 0.0 1.0 12.0 8.0\n2 3.0 2.0 4.0 5.0\n3 0.0 0.0 20.0 10.0\n",
}
PICTURES = {f"images/{line.partition(' ')[2]}": picture() for line in LISTS["images.txt"].splitlines()}
BOXES = {"a_1": [[0, 1, 12, 9]], "a_2": [[3, 2, 7, 7]], "b 1.5": [[0, 0, 20, 10]]}


@pytest.mark.parametrize("folder", ["", "CUB_200_2011/"])
def test_a_copy_gives_its_records(tmp_path, folder):
    files = {f"{folder}{path}": content for path, content in (LISTS | PICTURES).items()}
    dataset = open_dataset(str(write(tmp_path, files | {"attributes.txt": "1 has_bill\n"})))
    assert dataset.source.name == "cub"
    assert dataset.classes == ("Black footed Albatross", "Laysan Albatross", "Common Yellowthroat")
    assert pixels_of(dataset) == BOXES
    assert [(record.id, record.label) for record in dataset.splits["train"]] == [("a_2", 0), ("b 1.5", 2)]
    assert [(record.id, record.label) for record in dataset.splits["test"]] == [("a_1", 0)]
    assert (dataset.division.how, dataset.problems, dataset.mended) == ("given", (), ())


def test_an_archive_is_read_where_it_lies(tmp_path):
    write(tmp_path / "CUB_200_2011", LISTS | PICTURES)
    with tarfile.open(tmp_path / "cub.tar", "w") as archive:
        archive.add(tmp_path / "CUB_200_2011", "CUB_200_2011")
    assert pixels_of(open_dataset(str(tmp_path / "cub.tar"))) == BOXES


def test_lists_of_windows_with_empty_lines_are_the_same(tmp_path):
    lists = {name: "\ufeff" + text.replace("\n", "\r\n\r\n") for name, text in LISTS.items()}
    assert pixels_of(open_dataset(str(write(tmp_path, lists | PICTURES)))) == BOXES


def test_pictures_may_lie_elsewhere(tmp_path):
    write(tmp_path / "lists", LISTS)
    write(tmp_path / "pictures", {path.removeprefix("images/"): content for path, content in PICTURES.items()})
    assert pixels_of(open_dataset(f"cub:{tmp_path / 'lists'}", str(tmp_path / "pictures"))) == BOXES


def test_without_a_split_it_is_drawn(tmp_path):
    lists = {name: text for name, text in LISTS.items() if name != "train_test_split.txt"}
    assert open_dataset(str(write(tmp_path, lists | PICTURES)), seed=3).division.seed == 3


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("images.txt", "4 ../../secret.jpg", ("../../secret.jpg", "leads-out", True)),
        ("images.txt", f"4 {WREN}/none.jpg", ("none", "missing", True)),
        ("images.txt", "4", ("4", "", False)),
        ("images.txt", f"3 {WREN}/other.jpg", ("3", "twice", False)),
        ("image_class_labels.txt", "9 1", ("9", "missing", True)),
        ("bounding_boxes.txt", "9 1 1 2 2", ("9", "missing", True)),
        ("train_test_split.txt", "9 1", ("9", "missing", True)),
    ],
)
def test_a_line_too_many_is_named_and_the_rest_is_read(tmp_path, name, line, problem):
    dataset = open_dataset(str(write(tmp_path, LISTS | PICTURES | {name: f"{LISTS[name]}{line}\n"})))
    assert told(dataset) == [problem]
    assert pixels_of(dataset) == BOXES


@pytest.mark.parametrize(
    ("name", "line", "instead", "problem", "boxes"),
    [
        ("image_class_labels.txt", "3 200\n", "", ("b 1.5", "no-class", True), None),
        ("image_class_labels.txt", "3 200\n", "3 7\n", ("b 1.5", "no-class", True), None),
        ("bounding_boxes.txt", "3 0.0 0.0 20.0 10.0\n", "", ("b 1.5", "no-box", False), []),
        ("bounding_boxes.txt", "3 0.0 0.0 20.0 10.0\n", "3 0.0 0.0 wide 10.0\n", ("b 1.5", "no-box", False), []),
    ],
)
def test_lists_that_disagree_are_named(tmp_path, name, line, instead, problem, boxes):
    dataset = open_dataset(str(write(tmp_path, LISTS | PICTURES | {name: LISTS[name].replace(line, instead)})))
    assert told(dataset) == [problem]
    assert everything(dataset).keys() == BOXES.keys() - ({"b 1.5"} if boxes is None else set())


@pytest.mark.parametrize("missing", ["classes.txt", "images.txt", "image_class_labels.txt"])
def test_without_a_list_it_cannot_be_read(tmp_path, missing):
    write(tmp_path, {name: text for name, text in (LISTS | PICTURES).items() if name != missing})
    assert bool(sign_cub(open_tree(tmp_path))) == (missing == "classes.txt")
    with pytest.raises(InputError, match=r"is no CUB-200-2011: expected images.txt"):
        open_dataset(f"cub:{tmp_path}")


def test_classes_of_one_name_keep_their_numbers(tmp_path):
    lists = LISTS | {"classes.txt": "1 Wren\n200 Wren\n"}
    assert open_dataset(str(write(tmp_path, lists | PICTURES))).classes == ("1 Wren", "200 Wren")


def test_the_box_of_a_single_picture_is_found(tmp_path):
    folder = write(tmp_path, LISTS | PICTURES)
    found = beside(folder / "images" / ALBATROSS / "a_2.jpg")
    assert (found.labels, found.corners.tolist()) == (("Black_footed_Albatross",), [[3, 2, 7, 7]])
    assert beside(tmp_path / "elsewhere" / "x" / "a.jpg") is None


def test_pictures_of_a_camera_have_capital_suffixes(tmp_path):
    pictures = {path.replace(".jpg", ".JPG"): content for path, content in PICTURES.items()}
    assert pixels_of(open_dataset(str(write(tmp_path, LISTS | pictures)))) == BOXES
    assert beside(tmp_path / "images" / ALBATROSS / "a_1.JPG").corners.tolist() == BOXES["a_1"]
