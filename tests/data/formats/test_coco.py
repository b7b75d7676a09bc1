"""COCO: drawn files of every oddity, and real ones against pycocotools' own reading."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco
from pycocotools.coco import COCO

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data.formats.coco import beside, read_coco, sign_coco
from dogcam.data.opening import open_dataset
from dogcam.data.trees import Place, open_tree

WIDTH, HEIGHT = 40, 30
CATEGORIES = [{"id": 90, "name": "dog"}, {"id": 3, "name": "cat"}]


def image(number, name=None, **more):
    return {"id": number, "file_name": name or f"{number}.png", "width": WIDTH, "height": HEIGHT, **more}


def annotation(number, picture, category=3, box=(4, 6, 10, 12), **more):
    return {"id": number, "image_id": picture, "category_id": category, "bbox": list(box), "iscrowd": 0, **more}


@pytest.fixture
def write(tmp_path):
    """Writes a JSON at a path, and pictures at others; gives the folder."""

    def written(path="annotations/instances_train2017.json", pictures=("images/train2017/7.png",), **changes):
        content = {"images": [image(7)], "annotations": [annotation(1, 7)], "categories": CATEGORIES, **changes}
        for each in (path, *pictures):
            (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(content), encoding="utf-8")
        for each in pictures:
            Image.new("RGB", (WIDTH, HEIGHT), (90, 10, 10)).save(tmp_path / each)
        return tmp_path

    return written


def read(folder, listener=Progress, file=""):
    progress = listener()
    return read_coco(Place(open_tree(folder), file), progress), progress


def test_corners_are_x_y_and_x_y_plus_width_and_height(write):
    boxes = [annotation(1, 7, 90, (1.25, 2.5, 3.5, 4.75)), annotation(2, 7, 3, (0, 0, 40, 30))]
    reading, _ = read(write(annotations=boxes))
    (each,) = reading.pictures
    assert reading.classes == ("cat", "dog")
    assert (each.path, each.split, each.size, each.names) == ("images/train2017/7.png", "train", (40, 30), ("dog", "cat"))
    assert each.corners.tolist() == [[1.25, 2.5, 4.75, 7.25], [0, 0, 40, 30]]
    assert each.corners.dtype == np.float64
    assert reading.problems == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("7.png", "train/7.png"),
        ("train/7.png", "train/7.png"),
        ("train\\7.png", "train/7.png"),
        ("/somewhere/else/train/7.png", "train/7.png"),
        ("http://images.org/other/7.png?size=3", "train/7.png"),
        ("C:\\data\\train\\7.png", "train/7.png"),
    ],
)
def test_a_file_name_may_be_a_path_or_an_address(write, name, found):
    reading, _ = read(write("train.json", ["train/7.png"], images=[image(7, name)]))
    assert [each.path for each in reading.pictures] == [found]


def test_pictures_of_the_same_name_are_those_of_the_jsons_own_subset(write):
    pictures = ["images/train2017/7.png", "images/val2017/7.png"]
    write(pictures=pictures)
    reading, _ = read(write("annotations/instances_val2017.json", pictures))
    assert [(each.path, each.split) for each in reading.pictures] == [(pictures[0], "train"), (pictures[1], "val")]


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("annotations/instances_val2014.json", "val"),
        ("valid/_annotations.coco.json", "val"),
        ("test/_annotations.coco.json", "test"),
        ("annotations/training.json", "train"),
        ("annotations/all.json", ""),
    ],
)
def test_a_split_is_that_of_the_files_or_its_folders_name(write, path, split):
    reading, _ = read(write(path))
    assert [each.split for each in reading.pictures] == [split]


@pytest.mark.parametrize(
    ("images", "kind", "said"),
    [
        ([image(7, "../7.png")], "leads-out", "leads out of its folder"),
        ([image(7, "..\\7.png")], "leads-out", "leads out of its folder"),
        ([image(7, "8.png")], "missing", "no such picture"),
        ([{"id": 7}], "", "needs an id and a file_name"),
        ([{"file_name": "7.png"}], "", "needs an id and a file_name"),
        ([{"id": [7], "file_name": "7.png"}], "", "needs an id and a file_name"),
        (["7.png"], "", "needs an id and a file_name"),
        ([image(5, "7.png")], "twice", "its id 5 is that of 5.png already"),
    ],
)
def test_an_image_that_cannot_be_taken_is_named_and_the_others_are_read(write, images, kind, said):
    folder = write(pictures=["images/5.png", "images/7.png"], images=[image(5), *images], annotations=[annotation(1, 5)])
    reading, _ = read(folder)
    assert [each.path for each in reading.pictures] == ["images/5.png"]
    assert [(each.kind, each.lost) for each in reading.problems] == [(kind, True)]
    assert said in reading.problems[0].reason


@pytest.mark.parametrize(
    ("odd", "boxes", "said"),
    [
        (annotation(2, 7, 4), 1, "category_id 4 is not among the categories"),
        (annotation(2, 7, None), 1, "category_id None is not among the categories"),
        (annotation(2, 7, box=(1, 2)), 1, "(cat) its bbox is not four numbers"),
        ({"image_id": 7, "category_id": 3}, 1, "(cat) has no bbox"),
        (annotation(2, 7, segmentation=[[1, 2]]), 2, "(cat) its segmentation is broken"),
        (annotation(2, 7, segmentation={"size": [4, 4], "counts": [16]}), 2, "not of a picture of 40 x 30 pixels, but of 4 x 4"),
        (annotation(2, 7, segmentation=[[0, 0, 1e9, 0, 9, 9]]), 2, "not of a picture of 40 x 30 pixels"),
    ],
)
def test_an_annotation_that_is_broken_is_named_with_its_picture(write, odd, boxes, said):
    reading, _ = read(write(annotations=[annotation(1, 7), odd]))
    assert len(reading.pictures[0].corners) == boxes
    assert [(each.id, each.split, each.lost) for each in reading.problems] == [("images/train2017/7.png", "train", False)]
    assert said in reading.problems[0].reason
    assert not reading.pictures[0].masks


def test_annotations_of_images_that_are_not_listed_are_counted(write):
    reading, _ = read(write(annotations=[annotation(n, n) for n in (1, 2, 7, 8, 9)]))
    (problem,) = reading.problems
    assert problem.reason == "4 of its annotations are of an image_id that it does not list (1, 2, 8, ...)"
    assert (problem.id, problem.lost) == ("annotations/instances_train2017.json", False)


SQUARE = [4, 6, 14, 6, 14, 18, 4, 18]


def test_a_class_has_the_union_of_its_regions_and_another_has_its_own(write):
    runs = coco.encode(np.asfortranarray(np.eye(HEIGHT, WIDTH, dtype=np.uint8)))
    annotations = [
        annotation(1, 7, segmentation=[SQUARE]),
        annotation(2, 7, segmentation={"size": [HEIGHT, WIDTH], "counts": [WIDTH * HEIGHT - 5, 5]}),
        annotation(3, 7, 90, segmentation={"size": runs["size"], "counts": runs["counts"].decode()}),
    ]
    reading, _ = read(write(annotations=annotations))
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[6:18, 4:14] = expected[-5:, -1] = True
    np.testing.assert_array_equal(reading.pictures[0].masks["cat"](), expected)
    np.testing.assert_array_equal(reading.pictures[0].masks["dog"](), np.eye(HEIGHT, WIDTH, dtype=bool))


def test_of_a_class_with_an_object_that_has_no_region_the_pixels_are_not_known(write):
    reading, _ = read(write(annotations=[annotation(1, 7, segmentation=[SQUARE]), annotation(2, 7)]))
    assert dict(reading.pictures[0].masks) == {}


def test_a_crowd_gives_pixels_and_no_box(write, listener):
    crowd = annotation(2, 7, 90, (0, 0, 9, 9), iscrowd=1, segmentation={"size": [HEIGHT, WIDTH], "counts": [0, WIDTH * HEIGHT]})
    reading, progress = read(write(annotations=[annotation(1, 7), crowd]), listener)
    (each,) = reading.pictures
    assert (each.names, sorted(each.classes), len(each.corners)) == (("cat",), ["cat", "dog"], 1)
    assert each.masks["dog"]().all()
    assert reading.problems == []
    assert any("1 regions of several objects (iscrowd)" in note for note in progress.notes)


@pytest.mark.parametrize("box", [None, []])
def test_a_box_that_is_not_given_is_that_of_the_pixels(write, box):
    marked = {**annotation(1, 7, segmentation=[SQUARE]), "bbox": box}
    reading, _ = read(write(annotations=[marked]))
    assert reading.pictures[0].corners.tolist() == [[4, 6, 14, 18]]


@pytest.mark.parametrize("size", [{"width": None}, {"height": 0}, {"width": "40"}, {"width": 1 << 40}])
def test_without_a_size_there_are_boxes_and_no_masks(write, listener, size):
    reading, progress = read(write(images=[image(7, **size)], annotations=[annotation(1, 7, segmentation=[SQUARE])]), listener)
    (each,) = reading.pictures
    assert (each.size, len(each.corners), dict(each.masks)) == (None, 1, {})
    assert any("have no width and height" in note for note in progress.notes)


def test_pictures_without_annotations_are_background(write):
    dataset = open_dataset(str(write(images=[image(7), image(8)], pictures=["images/7.png", "images/8.png"])))
    records = {record.id: record for records in dataset.splits.values() for record in records}
    assert {name: record.label for name, record in records.items()} == {"7": 0, "8": None}
    assert dataset.problems == ()


def test_jsons_of_other_tasks_are_left_out_and_it_is_said(write, listener):
    write("annotations/captions_train2017.json", annotations=[{"id": 1, "image_id": 7, "caption": "a cat"}])
    write("annotations/person_keypoints_train2017.json")
    folder = write()
    reading, progress = read(folder, listener)
    assert len(reading.pictures) == 1
    told = "annotations/captions_train2017.json, annotations/person_keypoints_train2017.json"
    assert progress.notes == [f"not taken, since they are of other tasks: {told}"]


def test_a_broken_json_beside_a_whole_one_is_a_problem_and_alone_an_error(write):
    folder = write()
    text = (folder / "annotations/instances_train2017.json").read_text(encoding="utf-8")
    (folder / "annotations/instances_val2017.json").write_text(text[:-20], encoding="utf-8")
    reading, _ = read(folder)
    assert [(each.id, each.kind, each.lost) for each in reading.problems] == [
        ("annotations/instances_val2017.json", "unreadable", True)
    ]
    assert len(reading.pictures) == 1
    with pytest.raises(InputError, match=r"instances_val2017\.json is no JSON"):
        read(folder, file="annotations/instances_val2017.json")


def test_pictures_that_are_nowhere_are_an_error_that_tells_what_to_name(write):
    with pytest.raises(
        InputError, match=r"none of the 1 pictures of .* \(the first: 7\.png\): name their folder with --data-dir"
    ):
        read(write(pictures=["images/8.png"]))


def test_a_folder_without_a_json_is_told_what_to_name(tmp_path):
    (tmp_path / "results.json").write_text("[]", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"no JSON in .* has images, annotations and categories: export as COCO, or name the file, coco:FILE"
    ):
        read(tmp_path)


def test_pictures_may_lie_in_a_folder_of_their_own(write, tmp_path_factory):
    folder, elsewhere = write(pictures=()), tmp_path_factory.mktemp("pictures")
    Image.new("RGB", (WIDTH, HEIGHT)).save(elsewhere / "7.png")
    file = str(folder / "annotations/instances_train2017.json")
    assert [len(records) for records in open_dataset(file, str(elsewhere)).splits.values()] == [1, 0]


@pytest.mark.parametrize("where", ["", "annotations", "annotations/instances_train2017.json"])
@pytest.mark.parametrize("prefix", ["", "coco:"])
def test_the_folder_that_of_the_annotations_or_the_file_may_be_named(write, listener, where, prefix):
    folder, progress = write(), listener()
    dataset = open_dataset(f"{prefix}{folder / where}", progress=progress)
    (record,) = dataset.splits["train"]
    np.testing.assert_allclose(record.boxes, [[4 / 40, 6 / 30, 14 / 40, 18 / 30]], rtol=1e-6)
    assert progress.notes[-1].startswith("read as COCO: 1 pictures, 2 classes")


def test_an_archive_is_read_where_it_lies(write, tmp_path):
    folder = write()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".zip":
                archive.write(path, path.relative_to(folder))
    assert open_dataset(str(tmp_path / "all.zip")).fingerprint() == open_dataset(str(folder)).fingerprint()


@pytest.mark.parametrize(
    ("text", "recognised"),
    [
        ('{"info": {}, "images": [{"file_name": "a.jpg"}]}', True),
        ('\ufeff {"annotations": [{"image_id": 1}]}', True),
        ('{"categories": [{"id": 1, "supercategory": "x"}]}', True),
        ('[{"image_id": 1, "bbox": []}]', False),
        ('{"shapes": [], "imagePath": "a.jpg"}', False),
        ('{"images": ["a.jpg"]}', False),
        ("", False),
    ],
)
def test_a_json_is_recognised_by_its_beginning(tmp_path, text, recognised):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert sign_coco(open_tree(tmp_path)) == ("a.json" if recognised else "")


@pytest.mark.parametrize("where", ["images/train2017/7.png", "images/7.png", "annotations/7.png"])
def test_a_picture_finds_its_annotation(write, where):
    found = beside(write(pictures=[where]) / where)
    assert (found.corners.tolist(), found.names) == ([[4, 6, 14, 18]], ("cat",))
    assert found.size == (40, 30)


def test_a_picture_that_no_json_names_has_none(write):
    assert beside(write(pictures=["images/8.png"]) / "images/8.png") is None


@pytest.mark.parametrize("split", ["train", "val"])
def test_real_boxes_and_masks_are_those_that_pycocotools_reads(real_data, split):
    folder = real_data / "formats" / "tiny_coco"
    file = f"annotations/instances_{split}2017.json"
    theirs = COCO(str(folder / file))
    reading, _ = read(folder, file=file)
    assert reading.problems == []
    assert list(reading.classes) == [each["name"] for each in theirs.loadCats(sorted(theirs.getCatIds()))]
    by_name = {each["file_name"]: each["id"] for each in theirs.imgs.values()}
    assert len(reading.pictures) == len(by_name)
    regions = 0
    for each in reading.pictures:
        annotations = theirs.loadAnns(theirs.getAnnIds(by_name[each.path.rpartition("/")[2]]))
        single = [theirs.anns[marked["id"]] for marked in annotations if not marked["iscrowd"]]
        assert each.names == tuple(theirs.cats[marked["category_id"]]["name"] for marked in single)
        boxes = np.array([marked["bbox"] for marked in single]).reshape(-1, 4)
        np.testing.assert_allclose(each.corners, np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1))
        for name, mask in each.masks.items():
            own = [marked for marked in annotations if theirs.cats[marked["category_id"]]["name"] == name]
            np.testing.assert_array_equal(mask(), np.any([theirs.annToMask(marked) for marked in own], axis=0))
            regions += len(own)
    assert regions == len(theirs.anns)


def test_a_json_in_utf_16_is_recognised(write):
    folder = write()
    path = folder / "annotations/instances_train2017.json"
    path.write_text(path.read_text(), encoding="utf-16")
    assert sign_coco(open_tree(folder)) == "annotations/instances_train2017.json"
    assert len(open_dataset(str(folder)).splits["train"]) == 1


def test_a_json_without_a_byte_is_named(write):
    folder = write()
    (folder / "annotations/instances_val2017.json").write_bytes(b"")
    (problem,) = open_dataset(str(folder)).problems
    assert (problem.id, problem.kind, problem.reason) == ("annotations/instances_val2017.json", "unreadable", "the file is empty")


@pytest.mark.parametrize(("name", "lost"), [("7.png", False), ("8.png", True)])
def test_an_image_that_is_listed_twice_is_one_and_another_of_its_id_is_lost(write, name, lost):
    """What is read adds up: a picture is not among those left out if it is there."""
    folder = write(images=[image(7), image(7, name)], pictures=("images/train2017/7.png", "images/train2017/8.png"))
    dataset = open_dataset(str(folder))
    assert [(each.kind, each.lost) for each in dataset.problems] == [("twice", lost)]
    assert [each.id for each in dataset.splits["train"]] == ["7"]
