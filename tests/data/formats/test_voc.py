"""Pascal VOC as people have it: with lists, in folders of any names, and with every slip that its tools make."""

from __future__ import annotations

import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.data import Division
from dogcam.data.formats.voc import sign_voc
from dogcam.data.opening import boxes_beside, open_dataset
from dogcam.data.trees import open_tree

OBJECT = "<object><name>{}</name><difficult>1</difficult><truncated>1</truncated><bndbox>{}</bndbox></object>"


def xml(*objects, size=(40, 20), more=""):
    """An annotation; `objects` are (class, xmin, ymin, xmax, ymax)."""
    names = ("xmin", "ymin", "xmax", "ymax")
    boxes = ("".join(f"<{name}>{at}</{name}>" for name, at in zip(names, corners, strict=True)) for _, *corners in objects)
    told = "".join(OBJECT.format(each[0], box) for each, box in zip(objects, boxes, strict=True))
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>" if size else ""
    return f"<annotation>{more}{sides}{told}</annotation>"


def write(folder, files):
    """Files by path: a text, or the size of a grey picture."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, tuple):
            Image.new("RGB", content, (len(name), 90, 30)).save(path)
        else:
            path.write_text(content, encoding="utf-8")
    return folder


def boxes(dataset):
    """Boxes by id, as lists of pixels of 40 x 20."""
    pixels = np.array([40, 20, 40, 20])
    records = [record for records in dataset.splits.values() for record in records]
    return {record.id: np.round(record.boxes * pixels, 3).tolist() for record in records}


DEVKIT = {
    **{f"JPEGImages/{number:06d}.jpg": (40, 20) for number in range(1, 7)},
    **{f"Annotations/{number:06d}.xml": xml(("dog", 1, 1, 40, number)) for number in range(1, 7)},
    "ImageSets/Main/train.txt": "000001\n000002\n\n",
    "ImageSets/Main/val.txt": "000003  \r\n",
    "ImageSets/Main/trainval.txt": "000001\n000002\n000003\n",
    "ImageSets/Main/test.txt": "000004 -1\n000005.jpg\n",
    "ImageSets/Main/dog_train.txt": "000001  1\n000006 -1\n",
    "SegmentationClass/000001.png": (40, 20),
}


@pytest.mark.parametrize("start", ["", "VOC2007/", "VOCdevkit/VOC2007/"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_lists_of_a_devkit_say_what_is_in_which_split(tmp_path, listener, start, packed):
    place = write(tmp_path / "data", {f"{start}{name}": content for name, content in DEVKIT.items()})
    if packed:
        place = shutil.make_archive(str(tmp_path / "packed"), "zip", place)
    heard = listener()
    dataset = open_dataset(str(place), progress=heard)
    found = {split: [record.id for record in records] for split, records in dataset.splits.items()}
    assert found == {"train": ["000001", "000002"], "val": ["000003"], "test": ["000004", "000005"]}
    assert boxes(dataset)["000004"] == [[0, 0, 40, 4]]
    assert (dataset.problems, dataset.division) == ((), Division("given"))
    assert any("1 XML files in" in note and "in no list" in note for note in heard.notes)


def test_both_years_of_a_devkit_are_read(tmp_path):
    later = {name.replace("00000", "2012_00"): text for name, text in DEVKIT.items() if not name.startswith("ImageSets")}
    later["ImageSets/Main/trainval.txt"] = "2012_001\n"
    both = {f"VOC2007/{name}": text for name, text in DEVKIT.items()} | {f"VOC2012/{name}": text for name, text in later.items()}
    dataset = open_dataset(f"voc:{write(tmp_path, both)}")
    assert [record.id for record in dataset.splits["train"]] == ["000001", "000002", "2012_001"]


def test_a_picture_of_two_lists_is_not_trained_on(tmp_path):
    write(tmp_path, DEVKIT | {"ImageSets/Main/train.txt": "000001\n000004\n"})
    dataset = open_dataset(str(tmp_path))
    assert [record.id for record in dataset.splits["train"]] == ["000001", "000002"]
    assert [(each.id, each.kind, each.lost, each.split) for each in dataset.problems] == [("000004", "twice", False, "test")]


PAIRS = [
    ("images/a.jpg", "annotations/a.xml"),
    ("JPEGImages/a.jpg", "Annotations/a.xml"),
    ("a.jpg", "a.xml"),
    ("p/q/a.jpg", "x/a.xml"),
]


@pytest.mark.parametrize(("picture", "annotation"), PAIRS)
def test_folders_may_have_any_names(tmp_path, picture, annotation):
    dataset = open_dataset(str(write(tmp_path, {picture: (40, 20), annotation: xml(("cat", 2, 3, 30, 15))})))
    assert boxes(dataset) == {"a": [[1, 2, 30, 15]]}
    assert (dataset.classes, dataset.problems) == (("cat",), ())


def test_folders_of_splits_are_splits_and_names_in_them_may_be_the_same(tmp_path):
    files = {}
    for place, split in enumerate(("train", "test")):
        files |= {f"images/{split}/a.jpg": (40, 20), f"annotations/{split}/a.xml": xml(("cat", 1, 1, 10 + place, 9))}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert boxes(dataset) == {"images/train/a": [[0, 0, 10, 9]], "images/test/a": [[0, 0, 11, 9]]}
    assert dataset.division == Division("given")


@pytest.mark.parametrize(
    ("objects", "expected", "said"),
    [
        ([("a", 1, 1, 40, 20)], [[0, 0, 40, 20]], "taken as VOC's"),
        ([("a", 7, 5, 7, 5)], [[6, 4, 7, 5]], "taken as VOC's"),
        ([("a", 1, 0, 40, 20)], [[1, 0, 40, 20]], "taken as they stand"),
        ([("a", 30, 15, 4, 3)], [[3, 2, 30, 15]], "taken as VOC's"),
        ([("a", 4.5, 3, 30.25, 15)], [[3.5, 2, 30.25, 15]], "taken as VOC's"),
    ],
)
def test_one_rule_for_the_corners_of_a_whole_set(tmp_path, listener, objects, expected, said):
    """The other picture's corners follow: they are taken as VOC's unless one of this picture's is below 1."""
    files = {"a.jpg": (40, 20), "a.xml": xml(*objects), "b.jpg": (40, 20), "b.xml": xml(("a", 11, 11, 20, 20))}
    heard = listener()
    dataset = open_dataset(str(write(tmp_path, files)), progress=heard)
    other = [[11, 11, 20, 20]] if "stand" in said else [[10, 10, 20, 20]]
    assert boxes(dataset) == {"a": expected, "b": other}
    assert any(said in note for note in heard.notes)
    for name in "ab":
        assert boxes_beside(tmp_path / f"{name}.jpg").corners.tolist() in (
            boxes(dataset)[name],
            [[29, 14, 4, 3]],
            [[30, 15, 3, 2]],
        )


@pytest.mark.parametrize("size", [None, (0, 0), (0, 20)])
def test_where_no_size_is_said_the_pictures_own_is_taken(tmp_path, size):
    dataset = open_dataset(
        str(write(tmp_path, {"a.jpg": (40, 20), "a.xml": xml(("a", 1, 1, 20, 20), size=size) + "\n<!--<size-->"}))
    )
    assert boxes(dataset) == {"a": [[0, 0, 20, 20]]}


NAMED = "<filename>{}</filename><path>{}</path>"


@pytest.mark.parametrize(
    ("annotation", "filename", "path", "picture"),
    [
        ("a.xml", "b.jpg", "b.jpg", "a"),  # its own name comes first
        ("other.xml", "a.jpg", "b.jpg", "a"),  # then filename
        ("other.xml", "none.jpg", "C:\\pics\\b.jpg", "b"),  # then path
        ("a.jpg.xml", "", "", "a"),
    ],
)
def test_which_picture_an_annotation_is_of(tmp_path, annotation, filename, path, picture):
    text = xml(("cat", 1, 1, 40, 20), more=NAMED.format(filename, path))
    dataset = open_dataset(f"voc:{write(tmp_path, {'a.jpg': (40, 20), 'b.jpg': (40, 20), annotation: text})}")
    assert {name for name, found in boxes(dataset).items() if found} == {picture}
    assert [(each.id, each.kind) for each in dataset.problems] == [("b" if picture == "a" else "a", "no-box")]


BROKEN = {
    "cut": (xml(("cat", 1, 1, 9, 9))[:90], "broken annotation"),
    "empty": ("", "broken annotation"),
    "another": ("<annotations/>", "begins with <annotations>"),
    "no number": (xml(("cat", 1, "one", 9, 9)), "its ymin must be a number with a point, such as 63.5; received 'one'"),
    "entity": ('<!DOCTYPE a [<!ENTITY x "y">]><annotation>&x;</annotation>', "XML entities"),
    "no box": ("<annotation><object><name>cat</name></object></annotation>", "1 objects in x.xml have no bndbox"),
    "no name": (xml(("", 1, 1, 9, 9)), "an object in x.xml has no name"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_annotation_is_named_and_its_picture_kept(tmp_path, case):
    text, said = BROKEN[case]
    files = {"a.jpg": (40, 20), "a.xml": xml(("cat", 1, 1, 40, 20)), "x.jpg": (40, 20), "x.xml": text}
    dataset = open_dataset(f"voc:{write(tmp_path, files)}")
    (problem,) = dataset.problems
    assert (problem.id, problem.lost) == ("x", False)
    assert said in problem.reason
    assert boxes(dataset) == {"a": [[0, 0, 40, 20]], "x": []}


def test_a_picture_that_is_not_there_is_lost_by_name(tmp_path):
    dataset = open_dataset(str(write(tmp_path, {"a.jpg": (40, 20), "a.xml": xml(), "gone.xml": xml(("cat", 1, 1, 9, 9))})))
    assert [(each.id, each.kind, each.lost) for each in dataset.problems] == [("gone", "missing", True)]
    assert boxes(dataset) == {"a": []}


def test_listed_pictures_without_annotation_are_kept_and_without_anything_lost(tmp_path):
    write(tmp_path, DEVKIT | {"ImageSets/Main/test.txt": "000004\n000009\n"})
    (tmp_path / "Annotations/000004.xml").unlink()
    dataset = open_dataset(str(tmp_path))
    assert [(each.id, each.kind, each.lost) for each in dataset.problems] == [
        ("000004", "no-box", False),
        ("000009", "missing", True),
    ]
    assert [record.id for record in dataset.splits["test"]] == ["000004"]


@pytest.mark.parametrize(
    "files",
    [
        {"a.jpg": (40, 20), "pom.xml": "<project/>", "b.xml": "<annotations><image/></annotations>"},
        {"a.jpg": (40, 20), "a.xml": "<annotation><object><name>x</name><polygon/></object></annotation>"},
        {"a.jpg": (40, 20), "a.txt": xml(("cat", 1, 1, 9, 9))},
    ],
    ids=["other XML", "LabelMe", "no XML"],
)
def test_what_is_not_vocs_is_not_taken_for_it(tmp_path, files):
    assert sign_voc(open_tree(write(tmp_path, files))) == ""


def test_a_folder_without_xml_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no XML files"):
        open_dataset(f"voc:{write(tmp_path, {'a.jpg': (40, 20)})}")


@pytest.mark.parametrize("folder", ["", "Annotations/", "annotations/", "xmls/"])
def test_the_annotation_beside_a_picture(tmp_path, folder):
    where = f"p/{folder}" if folder else "p/images/"
    write(tmp_path, {"p/images/a.jpg": (40, 20), f"{where}a.xml": xml(("cat", 2, 3, 30, 15))})
    found = boxes_beside(tmp_path / "p" / "images" / "a.jpg")
    assert (found.corners.tolist(), found.names, found.size) == ([[1, 2, 30, 15]], ("cat",), (40, 20))
    assert boxes_beside(tmp_path / "p" / "images" / "b.jpg") is None


def test_a_folder_called_like_an_annotation_is_none(tmp_path):
    write(tmp_path, {"a.jpg": (40, 20), "a.xml": xml(("cat", 2, 3, 30, 15))})
    (tmp_path / "old.xml").mkdir()
    assert boxes_beside(tmp_path / "a.jpg").corners.tolist() == [[1, 2, 30, 15]]


def test_a_broken_annotation_beside_a_picture_is_told(tmp_path):
    write(tmp_path, {"a.jpg": (40, 20), "a.xml": "<annotation><object>"})
    with pytest.raises(InputError, match=r"broken annotation a\.xml"):
        boxes_beside(tmp_path / "a.jpg")


def test_real_blood_cells(real_data):
    dataset = open_dataset(str(real_data / "formats" / "bccd"))
    pictures = {split: len({record.picture for record in records}) for split, records in dataset.splits.items()}
    assert pictures == {"train": 205, "val": 87, "test": 72}
    assert dataset.classes == ("Platelets", "RBC", "WBC")
    records = [record for records in dataset.splits.values() for record in records]
    assert Counter(dataset.classes[record.label] for record in records for _ in record.boxes) == {
        "RBC": 4155,
        "WBC": 372,
        "Platelets": 361,
    }
    assert (dataset.problems, [each.kind for each in dataset.mended]) == ((), ["one-pixel"] * 2)


def test_real_raccoons_have_the_same_boxes_in_both_formats(real_data):
    place = real_data / "formats" / "raccoon"
    voc, table = (open_dataset(each) for each in (f"voc:{place}", f"csv:{place}/data/raccoon_labels.csv"))
    assert sum(len(records) for records in voc.splits.values()) == 200
    assert sum(len(record.boxes) for records in voc.splits.values() for record in records) == 217
    assert voc.fingerprint() == table.fingerprint()
    assert (*voc.problems, *table.problems, *voc.mended, *table.mended) == ()
    with pytest.raises(InputError, match=r"of several formats at once: voc .*; csv "):
        open_dataset(str(place))


def test_xml_in_utf_16_is_recognised_and_found_beside_its_picture(tmp_path):
    write(tmp_path, {"a.jpg": (40, 20), "b.jpg": (40, 20), "b.xml": xml(("cat", 1, 1, 20, 10))})
    for name, low in (("a", 0), ("b", 1)):  # one corner of 0 in the set: all are taken as they stand
        (tmp_path / f"{name}.xml").write_text(xml(("cat", low, 1, 20, 10)), encoding="utf-16")
    assert sign_voc(open_tree(tmp_path)) == "2 XML files as Pascal VOC has them"
    assert boxes(open_dataset(str(tmp_path))) == {"a": [[0, 1, 20, 10]], "b": [[1, 1, 20, 10]]}
    assert boxes_beside(tmp_path / "b.jpg").corners.tolist() == [[1, 1, 20, 10]]


def test_where_no_picture_is_there_it_is_said_how_to_say_where_they_are(tmp_path):
    write(tmp_path, {"annotations/a.xml": xml(("cat", 1, 1, 20, 10)), "stray/b.jpg": (40, 20)})
    with pytest.raises(InputError, match=r"no usable picture: a: .*; if the pictures lie elsewhere, say where with --data-dir"):
        open_dataset(str(tmp_path))
