"""YOLO: drawn trees of every layout, and real boxes against real polygons of the same objects."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data.formats.yolo import beside, read_yolo, sign_yolo
from dogcam.data.opening import open_dataset
from dogcam.data.trees import Place, open_tree

LINE = "1 0.5 0.5 0.25 0.5\n"
NAMES = "names: [cat, dog]\n"


@pytest.fixture
def write(tmp_path):
    """Writes texts, and a picture wherever the name is one's; gives the folder."""

    def written(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix in (".jpg", ".png"):
                Image.new("RGB", (40, 20), (90, 10, 10)).save(path)
            else:
                path.write_text(text, encoding="utf-8")
        return tmp_path

    return written


def read(folder, listener=Progress, file=""):
    progress = listener()
    return read_yolo(Place(open_tree(folder), file), progress), progress


LAYOUTS = {
    "images and labels, splits inside": ("images/train/a.jpg", "labels/train/a.txt"),
    "splits, images and labels inside": ("train/images/a.jpg", "train/labels/a.txt"),
    "the last images counts": ("images/set/images/a.jpg", "images/set/labels/a.txt"),
    "no splits": ("images/a.jpg", "labels/a.txt"),
    "pictures in another folder": ("pictures/a.jpg", "labels/a.txt"),
    "labels in a tree of their own": ("images/train/a.jpg", "boxes/labels/train/a.txt"),
    "beside each other": ("data/a.jpg", "data/a.txt"),
}


@pytest.mark.parametrize(("picture", "label"), LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("config", [{}, {"data.yaml": NAMES}], ids=["no YAML", "YAML"])
def test_labels_are_found_in_every_layout(write, picture, label, config):
    folder = write(**{picture: "", label: LINE, **config})
    reading, _ = read(folder)
    (each,) = reading.pictures
    assert (each.path, each.names) == (picture, ("dog",) if config else ("1",))
    assert (each.relative, each.upright) == (True, True)
    assert each.corners.tolist() == [[0.375, 0.25, 0.625, 0.75]]
    assert each.split == ("train" if "train" in picture else "")
    assert sign_yolo(open_tree(folder)) == (
        "data.yaml with names" if config else f"lines of classes and relative boxes in {label}"
    )


def test_a_picture_without_label_file_and_one_with_an_empty_one_are_background(write):
    folder = write(**{"images/a.jpg": "", "images/b.jpg": "", "images/c.jpg": "", "labels/a.txt": LINE, "labels/b.txt": "\n"})
    dataset = open_dataset(f"yolo:{folder}")
    records = {record.id: record for records in dataset.splits.values() for record in records}
    assert {name: record.label for name, record in records.items()} == {"a": 0, "b": None, "c": None}
    assert dataset.problems == ()


def test_pictures_that_are_not_labelled_are_left_out_where_the_yaml_says_so(write, listener):
    files = {"images/a.jpg": "", "images/b.jpg": "", "labels/a.txt": LINE}
    reading, progress = read(write(**files, **{"data.yaml": f"{NAMES}skip_if_label_file_missing: true"}), listener)
    assert [each.path for each in reading.pictures] == ["images/a.jpg"]
    assert progress.notes == ["1 pictures have no label file: left out (skip_if_label_file_missing in data.yaml)"]


PICTURES = {f"{split}/images/{split}.jpg": "" for split in ("train", "valid", "test")}
LABELS = {f"{split}/labels/{split}.txt": LINE for split in ("train", "valid", "test")}


@pytest.mark.parametrize(
    "entries",
    [
        "train: train/images\nval: valid/images\ntest: test/images",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images",  # as Roboflow writes
        "path: /home/someone/set\ntrain: /home/someone/set/train/images\nval: [valid/images]\ntest: ./test/images/",
        "path: ../datasets/set\ntrain: train.txt\nval: valid\\images\ntest: test",
    ],
)
@pytest.mark.parametrize("file", ["", "data.yaml"])
def test_splits_are_folders_lists_or_several(write, entries, file):
    lists = {"train.txt": "./train/images/train.jpg\n", "data.yaml": f"{NAMES}{entries}"}
    reading, _ = read(write(**PICTURES, **LABELS, **lists), file=file)
    assert {each.path: each.split for each in reading.pictures} == {
        "train/images/train.jpg": "train",
        "valid/images/valid.jpg": "val",
        "test/images/test.jpg": "test",
    }
    assert reading.problems == []


def test_a_split_that_was_never_shipped_is_said_and_no_problem(write, listener):
    files = {**PICTURES, **LABELS, "data.yaml": f"{NAMES}train: train/images\nval: images/val2017"}
    reading, progress = read(write(**files), listener)
    assert [each.split for each in reading.pictures] == ["train"]
    assert reading.problems == []
    assert progress.notes == [
        "data.yaml names images/val2017 for val, which is not there",
        "2 pictures are in no split of data.yaml: left out",
    ]


def test_where_no_split_is_there_it_is_an_error(write):
    with pytest.raises(InputError, match=r"names no folder with pictures in .* \(train: a/b; val: c\): correct it, or name"):
        read(write(**PICTURES, **LABELS, **{"data.yaml": f"{NAMES}train: a/b\nval: c"}))


def test_splits_that_are_the_same_are_one_set(write, listener):
    files = {**PICTURES, **LABELS, "data.yaml": f"{NAMES}train: train\nval: train"}
    reading, progress = read(write(**files), listener)
    assert [each.split for each in reading.pictures] == [""]
    assert any("names the same pictures as train and val" in note for note in progress.notes)


def test_a_picture_in_two_splits_is_named_and_taken_for_the_first(write):
    files = {**PICTURES, **LABELS, "data.yaml": f"{NAMES}val: [valid, train]\ntrain: train"}
    reading, _ = read(write(**files))
    assert {each.path: each.split for each in reading.pictures} == {
        "train/images/train.jpg": "train",
        "valid/images/valid.jpg": "val",
    }
    assert [(each.id, each.kind, each.lost) for each in reading.problems] == [("train/images/train.jpg", "twice", False)]


def test_a_list_may_name_pictures_that_are_not_there(write):
    lists = {"train.txt": "train/images/train.jpg\ntrain/images/gone.jpg\n", "data.yaml": f"{NAMES}train: train.txt"}
    reading, _ = read(write(**PICTURES, **LABELS, **lists))
    assert [(each.id, each.kind, each.lost) for each in reading.problems] == [("train/images/gone.jpg", "missing", True)]
    assert [each.path for each in reading.pictures] == ["train/images/train.jpg"]


def test_a_line_that_is_broken_is_named_with_its_picture(write):
    reading, _ = read(write(**{"images/a.jpg": "", "labels/a.txt": f"7 0.5 0.5 0.5 0.5\n{LINE}", "data.yaml": NAMES}))
    (problem,) = reading.problems
    assert (problem.id, problem.lost) == ("images/a.jpg", False)
    assert problem.reason == "labels/a.txt line 1: its class 7 is none of the 2 named, 0 to 1"
    assert reading.pictures[0].names == ("dog",)


@pytest.mark.parametrize(
    ("line", "said"),
    [("1 320 240 64 48", "320 is not relative"), ("9 0.5 0.5 0.5 0.5", "class 9 is none of"), ("1 0.5 0.5", "it has 3 numbers")],
)
def test_labels_that_are_wrong_throughout_are_one_error(write, line, said):
    files = {f"images/{name}.jpg": "" for name in "abc"} | {f"labels/{name}.txt": line for name in "abc"}
    with pytest.raises(InputError, match=f"not one of 3 lines of labels can be used; the first: labels/a.txt line 1: .*{said}"):
        read(write(**files, **{"data.yaml": NAMES}))


def test_labels_found_by_name_alone_are_those_of_one_picture_only(write):
    folder = write(
        **{"set/images/a.jpg": "", "set/labels/a.txt": LINE, "set/labels/b.txt": LINE, "set2/a.jpg": "", "set2/b.jpg": ""}
    )
    reading, _ = read(folder)
    assert {each.path: each.names for each in reading.pictures} == {
        "set/images/a.jpg": ("1",),
        "set2/a.jpg": (),
        "set2/b.jpg": ("1",),
    }


def test_labels_of_no_picture_are_named(write):
    files = {
        "images/a.jpg": "",
        "labels/a.txt": LINE,
        "labels/b.txt": LINE,
        "labels/classes.txt": "x\ny",
        "labels/val/c.txt": LINE,
    }
    reading, _ = read(write(**files))
    assert [(each.id, each.kind, each.lost) for each in reading.problems] == [("labels/b.txt", "missing", True)]
    assert list(reading.classes) == ["x", "y"]


def test_without_names_classes_are_in_the_order_of_their_numbers(write):
    files = {"images/a.jpg": "", "labels/a.txt": "10 0.5 0.5 0.5 0.5\n9 0.5 0.5 0.5 0.5\n"}
    assert list(read(write(**files))[0].classes) == ["9", "10"]


POLYGON = "0 0.25 0.5 0.75 0.5 0.75 1 0.25 1\n"


def test_a_polygon_gives_its_bounds_and_its_pixels(write):
    reading, _ = read(write(**{"images/a.jpg": "", "labels/a.txt": POLYGON, "data.yaml": NAMES}))
    (each,) = reading.pictures
    expected = np.zeros((20, 40), bool)
    expected[10:, 10:30] = True
    assert each.corners.tolist() == [[0.25, 0.5, 0.75, 1]]
    np.testing.assert_array_equal(each.masks["cat"](), expected)


def test_of_a_class_with_a_box_alone_the_pixels_are_not_known(write):
    files = {"images/a.jpg": "", "labels/a.txt": f"{POLYGON}{LINE}0 0.5 0.5 0.5 0.5", "data.yaml": NAMES}
    assert dict(read(write(**files))[0].pictures[0].masks) == {}


TWO_TREES = {
    "images/train/a.jpg": "",
    "boxes/labels/train/a.txt": LINE,
    "boxes/config.yaml": f"path: .\ntrain: images/train\n{NAMES}",
    "polygons/labels/train/a.txt": POLYGON,
}


@pytest.mark.parametrize(
    ("named", "name"),
    [("", "dog"), ("boxes", "dog"), ("boxes/config.yaml", "dog"), ("polygons", "cat"), ("polygons/labels", "cat")],
)
def test_of_two_trees_of_labels_the_one_that_is_named_is_read(write, named, name):
    (record,) = open_dataset(f"yolo:{write(**TWO_TREES) / named}").splits["train"]
    assert record.label == ["cat", "dog"].index(name)
    assert (record.mask is None) == (name == "dog")


def test_the_tree_of_labels_that_is_not_read_is_said(write, listener):
    folder = write(**TWO_TREES)
    _, progress = read(folder, listener)
    assert progress.notes == [f"the labels in polygons/labels are not read; to read them: --dataset yolo:{folder / 'polygons'}"]


def test_two_trees_of_labels_of_which_none_is_meant_are_an_error(write):
    files = {name: text for name, text in TWO_TREES.items() if not name.endswith(".yaml")}
    with pytest.raises(InputError, match=r"labels lie in boxes/labels, polygons/labels: say which are meant: yolo:.*boxes"):
        read(write(**files))


def test_a_set_without_pictures_or_with_those_of_another_is_one_error(write):
    folder = write(**{"set/labels/a.txt": LINE, "set/data.yaml": NAMES})
    with pytest.raises(InputError, match="has no usable picture"):
        open_dataset(f"yolo:{folder / 'set'}")
    write(**{"images/b.jpg": ""})
    with pytest.raises(InputError, match=r"not one of 1 pictures in .* has a label file"):
        open_dataset(f"yolo:{folder / 'set'}")


def test_lists_of_other_formats_are_not_taken_for_labels(write):
    folder = write(**{"images/a.jpg": "", "images.txt": "1 a.jpg\n", "bounding_boxes.txt": "1 60.0 27.0 325.0 304.0\n"})
    assert sign_yolo(open_tree(folder)) == ""


def test_a_turned_picture_is_read_upright(write):
    folder = write(**{"labels/a.txt": "0 0.25 0.5 0.5 1", "images/b.jpg": "", "labels/b.txt": LINE, "data.yaml": NAMES})
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.new("RGB", (40, 20)).save(folder / "images/a.jpg", exif=tags)
    dataset = open_dataset(str(folder))
    records = {record.id: record for records in dataset.splits.values() for record in records}
    assert records["a"].image.pixels().shape == (40, 20, 3)
    assert records["a"].boxes.tolist() == [[0, 0, 0.5, 1]]
    # Whoever annotated it as it is stored has to be told that it was not taken so: nothing in the files can tell.
    assert [(each.id, each.kind) for each in dataset.mended] == [("a", "either-way")]


@pytest.mark.parametrize(
    ("picture", "label"),
    [
        ("images/train/a.jpg", "labels/train/a.txt"),
        ("train/images/a.jpg", "train/labels/a.txt"),
        ("jpg/a.jpg", "labels/a.txt"),
        ("images/train/a.jpg", "boxes/labels/train/a.txt"),
    ],
)
def test_a_picture_finds_its_labels(write, picture, label):
    folder = write(**{picture: "", label: LINE, "data.yaml": NAMES, "train/classes.txt": "x\ny"})
    found = beside(folder / picture)
    assert (found.corners.tolist(), found.relative) == ([[0.375, 0.25, 0.625, 0.75]], True)
    assert found.names == (("y",) if label.startswith("train") else ("dog",))


def test_a_picture_without_labels_has_none_and_broken_ones_are_told(write):
    folder = write(**{"images/a.jpg": "", "images/b.jpg": "", "labels/b.txt": "1 2 3"})
    assert beside(folder / "images/a.jpg") is None
    with pytest.raises(InputError, match=r"labels/b\.txt: line 1: it has 3 numbers"):
        beside(folder / "images/b.jpg")


# Real files -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def coco128(real_data):
    folder = real_data / "formats" / "coco128_yolo"
    return {name: open_dataset(f"yolo:{folder / name}") for name in ("object_detection/config.yaml", "instance_segmentation")}


def test_real_pictures_are_all_read_and_the_labels_of_none_are_named(coco128):
    boxes, polygons = coco128.values()
    count = {name: len({r.picture for rs in each.splits.values() for r in rs}) for name, each in coco128.items()}
    assert list(count.values()) == [128, 100]
    assert boxes.classes == polygons.classes
    assert len(boxes.classes) == 80
    assert [each.id.rpartition("/")[2] for each in boxes.problems] == ["000000000656.txt", "000000000659.txt"]
    assert polygons.problems == ()


def test_real_boxes_are_the_bounds_of_the_polygons_of_the_same_objects(coco128):
    """The polygons were traced along the outermost pixels of masks, whose indices are whole: their right and lower bounds are
    a pixel too small, the boxes' are not. A few objects, above all crowds, were cut up in one and not in the other."""
    boxes, polygons = ({r.id: r for rs in each.splits.values() for r in rs} for each in coco128.values())
    apart = []
    for name in sorted(boxes.keys() & polygons.keys()):
        size = np.tile(boxes[name].image.header().size, 2)
        differences = np.abs(boxes[name].boxes[:, None] - polygons[name].boxes[None]) * size
        if differences.size:
            apart += differences.max(axis=2).min(axis=0).tolist()
    assert len(apart) > 700
    assert np.median(apart) < 1.5
    assert np.mean(np.array(apart) < 2.5) > 0.9


def test_the_real_yaml_names_cocos_classes_in_order(coco128, real_data):
    file = real_data / "formats" / "tiny_coco" / "annotations" / "instances_val2017.json"
    categories = json.loads(file.read_text(encoding="utf-8"))["categories"]
    assert list(coco128["instance_segmentation"].classes) == [each["name"] for each in sorted(categories, key=lambda c: c["id"])]


def test_what_roboflow_means_by_a_folder_above_holds_below_another_folder(write):
    """Its data.yaml says ../train/images of what lies beside it, wherever its folder lies."""
    yaml = NAMES + "train: ../train/images\nval: ../valid/images\n"
    files = {f"exports/one/{split}/{kind}/{split}.{end}": LINE for split in ("train", "valid") for kind, end in YOLO_FOLDERS}
    dataset = open_dataset(str(write(**files, **{"exports/one/data.yaml": yaml, "readme.md": ""})))
    assert {split: [each.id for each in records] for split, records in dataset.splits.items()} == {
        "train": ["train"],
        "test": ["valid"],
    }


YOLO_FOLDERS = (("images", "jpg"), ("labels", "txt"))


def test_labels_in_utf_16_are_recognised(write):
    folder = write(**{"images/a.jpg": "", "labels/a.txt": LINE, "classes.txt": "cat\ndog\n"})
    (folder / "labels/a.txt").write_text(LINE, encoding="utf-16")
    assert sign_yolo(open_tree(folder))
    assert open_dataset(str(folder)).splits["train"][0].boxes.tolist() == [[0.375, 0.25, 0.625, 0.75]]
    assert beside(folder / "images/a.jpg").corners.tolist() == [[0.375, 0.25, 0.625, 0.75]]
