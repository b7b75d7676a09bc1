"""Boxes given back: each form against what was written by hand, and read by others' libraries and by dogcam's own readers."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from defusedxml import ElementTree
from PIL import Image
from pycocotools.coco import COCO

from dogcam.core.choices import BOX_FORMS
from dogcam.data import Record
from dogcam.data.formats import DATASETS
from dogcam.data.images import FileSlice, ImageFile
from dogcam.data.opening import open_dataset
from dogcam.data.predictions import FORMS, Box, Predicted, Predictions, box_of, file_of, write_predictions

CLASSES = ("cat", "a <big> dog & co", "öre")
SIZES = {"a.jpg": (40, 20), "b.png": (30, 60), "c.jpg": (10, 10)}
PIXELS = {"a.jpg": [(4, 5, 30, 15, 1, 0.75), (0, 0, 40, 20, 0, 0.5)], "b.png": [(29, 59, 30, 60, 2, 1 / 3)], "c.jpg": []}


def predicted(file, size=None, boxes=None):
    width, height = size or SIZES[file]
    given = PIXELS[file] if boxes is None else boxes
    sides = (width, height, width, height)
    made = tuple(Box(np.array(box[:4], np.float32) / np.array(sides, np.float32), box[4], box[5]) for box in given)
    return Predicted(file, width, height, made)


def predictions(pictures=None, **changes):
    given = {"method": "gradcam", "layer": "conv5_block3_out", "epoch": 3, "threshold": np.float32(0.2)}
    pictures = [predicted(file) for file in SIZES] if pictures is None else pictures
    return Predictions(pictures, CLASSES, **{**given, **changes})


@pytest.fixture
def written(tmp_path):
    """Call it with a form: the folder it was written into."""

    def write(form, *arguments, **changes):
        write_predictions(tmp_path / form, form, predictions(*arguments, **changes))
        return tmp_path / form

    return write


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_forms_are_those_that_can_be_asked_for():
    assert tuple(FORMS) == BOX_FORMS


def test_coco_is_loaded_by_pycocotools(written):
    folder = written("coco")
    with contextlib.redirect_stdout(io.StringIO()):
        found = COCO(folder / "instances.json").loadRes(str(folder / "results.json"))
    assert [each["name"] for each in found.loadCats(found.getCatIds())] == list(CLASSES)
    images = {each["file_name"]: each for each in found.loadImgs(found.getImgIds())}
    assert {name: (each["width"], each["height"]) for name, each in images.items()} == SIZES
    for name, boxes in PIXELS.items():
        there = found.loadAnns(found.getAnnIds(imgIds=[images[name]["id"]]))
        assert [(*each["bbox"], each["category_id"], each["score"]) for each in there] == [
            (x0, y0, x1 - x0, y1 - y0, label + 1, pytest.approx(share, abs=1e-6)) for x0, y0, x1, y1, label, share in boxes
        ]
        assert all(each["threshold"] == pytest.approx(0.2) for each in there)


def test_coco_has_the_numbers_of_the_file_that_everything_comes_from(written):
    given = {"a.jpg": 139, "b.png": 7, "c.jpg": 9001}
    numbered = [replace(predicted(name), number=number) for name, number in given.items()]
    folder = written("coco", numbered, class_numbers=(3, 90, 1))
    document = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    assert {each["file_name"]: each["id"] for each in document["images"]} == given
    assert [(each["id"], each["name"]) for each in document["categories"]] == list(zip((3, 90, 1), CLASSES, strict=True))
    results = json.loads((folder / "results.json").read_text())
    assert [(each["image_id"], each["category_id"]) for each in results] == [(139, 90), (139, 3), (7, 1)]


@pytest.mark.parametrize("numbers", [(5, None, 6), (5, 5, 6)])
def test_pictures_of_several_places_are_numbered_anew(written, numbers):
    pictures = [replace(predicted(name), number=number) for name, number in zip(SIZES, numbers, strict=True)]
    document = json.loads((written("coco", pictures) / "instances.json").read_text(encoding="utf-8"))
    assert [each["id"] for each in document["images"]] == [1, 2, 3]


def test_coco_says_that_nobody_annotated_this(written):
    document = json.loads((written("coco") / "instances.json").read_text(encoding="utf-8"))
    assert document["info"]["description"] == "predicted by dogcam, not annotated"
    assert (document["info"]["method"], document["info"]["layer"], document["info"]["epoch"]) == (
        "gradcam",
        "conv5_block3_out",
        3,
    )
    assert [each["score"] for each in document["annotations"]] == [0.75, 0.5, 0.333333]


def test_yolo_is_as_one_writes_it_by_hand(written):
    folder = written("yolo")
    assert files(folder) == ["data.yaml", "labels/a.txt", "labels/b.txt", "labels/c.txt"]
    lines = (folder / "labels" / "a.txt").read_text().splitlines()
    assert lines == ["1 0.425000 0.500000 0.650000 0.500000 0.750000", "0 0.500000 0.500000 1.000000 1.000000 0.500000"]
    assert (folder / "labels" / "c.txt").read_bytes() == b""
    document = yaml.safe_load((folder / "data.yaml").read_text(encoding="utf-8"))
    assert document["names"] == dict(enumerate(CLASSES))
    assert document["predicted"] == {"threshold": 0.2, "method": "gradcam", "layer": "conv5_block3_out", "epoch": 3}


def test_voc_counts_from_one_and_has_the_last_pixel_inside(written):
    folder = written("voc")
    assert files(folder) == [f"Annotations/{stem}.xml" for stem in "abc"]
    root = ElementTree.parse(folder / "Annotations" / "a.xml").getroot()
    assert root.findtext("filename") == "a.jpg"
    assert [root.findtext(f"size/{name}") for name in ("width", "height", "depth")] == ["40", "20", "3"]
    corners = [[int(each.findtext(name)) for name in ("xmin", "ymin", "xmax", "ymax")] for each in root.iter("bndbox")]
    assert corners == [[5, 6, 30, 15], [1, 1, 40, 20]]
    assert [each.findtext("name") for each in root.iter("object")] == [CLASSES[1], CLASSES[0]]
    told = [{each.tag: each.text for each in entry} for entry in root.iter("prediction")]
    rest = {"threshold": "0.2", "method": "gradcam", "layer": "conv5_block3_out", "epoch": "3"}
    assert told == [{"probability": "0.750000", **rest}, {"probability": "0.500000", **rest}]
    assert list(ElementTree.parse(folder / "Annotations" / "c.xml").iter("object")) == []


def test_csv_has_a_row_for_each_box(written):
    with (written("csv") / "boxes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == "path,width,height,class,xmin,ymin,xmax,ymax,probability,threshold,method,layer,epoch"
    assert [tuple(row.values()) for row in rows] == [
        ("a.jpg", "40", "20", CLASSES[1], "5", "6", "30", "15", "0.750000", "0.2", "gradcam", "conv5_block3_out", "3"),
        ("a.jpg", "40", "20", CLASSES[0], "1", "1", "40", "20", "0.500000", "0.2", "gradcam", "conv5_block3_out", "3"),
        ("b.png", "30", "60", CLASSES[2], "30", "60", "30", "60", "0.333333", "0.2", "gradcam", "conv5_block3_out", "3"),
    ]


@pytest.mark.parametrize(
    ("corners", "expected"),
    [
        ((0.4, 0.4, 9.6, 9.6), (1, 1, 10, 10)),
        ((2.6, 3.4, 2.9, 3.45), (4, 4, 4, 4)),  # less than a pixel is a pixel
        ((9.7, 9.7, 10, 10), (10, 10, 10, 10)),  # inside the picture
    ],
)
def test_corners_between_pixels_are_rounded_to_whole_ones(tmp_path, corners, expected):
    write_predictions(tmp_path, "voc", predictions([predicted("c.jpg", boxes=[(*corners, 0, 1.0)])]))
    (box,) = ElementTree.parse(tmp_path / "Annotations" / "c.xml").iter("bndbox")
    assert tuple(int(each.text) for each in box) == expected


@pytest.mark.parametrize("form", FORMS)
def test_a_box_that_is_no_experiments_and_has_no_threshold(written, form):
    content = b"".join((written(form, epoch=None, threshold=None) / file).read_bytes() for file in files(written(form)))
    assert b"None" not in content
    assert b"nan" not in content.lower()


@pytest.mark.parametrize("form", FORMS)
def test_pictures_without_any_box_are_no_error(written, form):
    folder = written(form, [predicted("c.jpg")])
    assert predictions([predicted("c.jpg")]).without_boxes == 1
    if form == "coco":
        assert json.loads((folder / "results.json").read_text()) == []
        assert [each["file_name"] for each in json.loads((folder / "instances.json").read_text())["images"]] == ["c.jpg"]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["x/a.jpg", "/far/b.jpg"], ["a", "b"]),
        (["x/a.jpg", "y/a.jpg", "b.jpg"], ["x/a", "y/a", "b"]),
        (["a.jpg", "y/a.jpg"], ["a", "y/a"]),
        (["../a.jpg", "/y/../b.jpg"], ["a", "b"]),
        (["../a.jpg", "a.jpg"], ["0-a", "1-a"]),
        (["a.jpg", "a.png", "A.gif"], ["a.jpg", "a.png", "A.gif"]),
        (["v1.2.jpg"], ["v1.2"]),
    ],
)
def test_pictures_of_one_name_have_files_of_their_own_and_none_leads_out(tmp_path, paths, expected):
    pictures = [predicted("c.jpg", boxes=[(1, 2, 3, 4, 0, 0.5)]) for _ in paths]
    pictures = [Predicted(path, each.width, each.height, each.boxes) for path, each in zip(paths, pictures, strict=True)]
    for form, folder, suffix in (("yolo", "labels", "txt"), ("voc", "Annotations", "xml")):
        write_predictions(tmp_path / form, form, predictions(pictures))
        assert [each for each in files(tmp_path / form) if each != "data.yaml"] == sorted(
            f"{folder}/{name}.{suffix}" for name in expected
        )


def test_signs_that_xml_cannot_hold_are_left_out(tmp_path):
    made = Predictions([predicted("a.jpg")], ("c\x07at", "<!ENTITY x>"), "gradcam", "conv\udcff")
    write_predictions(tmp_path, "voc", made)
    root = ElementTree.parse(tmp_path / "Annotations" / "a.xml").getroot()
    assert [each.findtext("name") for each in root.iter("object")] == ["<!ENTITY x>", "cat"]


@pytest.mark.parametrize("corners", [None, np.zeros(4, np.float32), np.full(4, np.nan, np.float32)])
def test_what_has_no_area_is_no_box(corners):
    assert box_of(corners, 0, 0.5) == ()


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (Record("dog_1", ImageFile("x/y/dog_1.jpeg"), 0), "dog_1.jpeg"),
        (Record("x/dog_1.png", ImageFile("x/dog_1.png"), 0), "x/dog_1.png"),
        (Record("dog_1#cat", FileSlice("x.tar", 0, 9, "a/dog_1.jpg"), 0, picture="dog_1"), "dog_1.jpg"),
        (Record("drawn-7", object(), 0), "drawn-7"),
    ],
)
def test_a_record_says_what_its_picture_is_called(record, expected):
    assert file_of(record) == expected


@pytest.mark.parametrize("form", FORMS)
def test_what_was_written_is_read_back_by_dogcam_itself(tmp_path, form):
    if form not in DATASETS:
        pytest.skip(f"there is no reader of {form} yet")
    places = {"coco": "instances.json", "csv": "boxes.csv"}
    (tmp_path / "images").mkdir()
    for name, size in SIZES.items():
        Image.new("RGB", size).save(tmp_path / "images" / name)
    write_predictions(tmp_path, form, predictions())
    dataset = open_dataset(f"{form}:{tmp_path / places.get(form, '')}", str(tmp_path / "images") if form in places else None)
    boxes = {
        (record.picture, dataset.classes[record.label], tuple(box))
        for records in dataset.splits.values()
        for record in records
        for box in record.boxes.tolist()
    }
    expected = {
        (file.partition(".")[0], CLASSES[box.label], tuple(box.corners.tolist()))
        for file in SIZES
        for box in predicted(file).boxes
    }
    assert {each[:2] for each in boxes} == {each[:2] for each in expected}
    np.testing.assert_allclose([each[2] for each in sorted(boxes)], [each[2] for each in sorted(expected)], atol=1e-5, rtol=0)
