"""Tables of boxes as people write them: every name, order, delimiter and slip; and a large one."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.data import Division
from dogcam.data.formats.csv import beside, sign_csv
from dogcam.data.opening import open_dataset
from dogcam.data.trees import open_tree


@pytest.fixture
def place(tmp_path):
    """A folder with pictures of 40 x 20: a.jpg, b.jpg in `images`, "c, d.png" beside them."""
    (tmp_path / "images").mkdir()
    for shade, name in enumerate(("images/a.jpg", "images/b.jpg", "c, d.png")):
        Image.new("RGB", (40, 20), (shade, 9, 9)).save(tmp_path / name)
    return tmp_path


def opened(place, text, name="boxes.csv", **options):
    content = text if isinstance(text, bytes) else text.encode()
    (place / name).write_bytes(content)
    return open_dataset(f"csv:{place / name}", **options)


def boxes(dataset):
    """(class, boxes in pixels of 40 x 20) by id."""
    records = [record for records in dataset.splits.values() for record in records]
    pixels = np.array([40, 20, 40, 20])
    return {
        record.id: (None if record.label is None else dataset.classes[record.label], np.round(record.boxes * pixels, 3).tolist())
        for record in records
    }


TWO = {"a": ("cat", [[4, 5, 30, 15]]), "b": ("dog", [[0, 0, 40, 20], [10, 10, 20, 20]])}
AS_THEY_STAND = """{p}{d}{n}{d}x0{d}y0{d}x1{d}y1
images/a.jpg{d}cat{d}4{d}5{d}30{d}15
b.jpg{d}dog{d}0{d}0{d}40{d}20
b.jpg{d}dog{d}10{d}10{d}20{d}20
"""


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("path", "label"), [("path", "label"), ("FileName", "Class"), (" image ", "name"), ("FILE", "category")])
def test_the_usual_names_and_delimiters(place, delimiter, path, label):
    dataset = opened(place, AS_THEY_STAND.format(d=delimiter, p=path, n=label))
    assert boxes(dataset) == TWO
    assert (dataset.problems, dataset.mended) == ((), ())


@pytest.mark.parametrize(
    "encode", [lambda t: b"\xef\xbb\xbf" + t.encode(), lambda t: t.encode("utf-16"), lambda t: t.encode("latin-1")]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_marks_of_encodings_and_ends_of_lines(place, encode, ending):
    text = AS_THEY_STAND.format(d=",", p="path", n="label").replace("cat", "kätzchen").replace("\n", ending)
    assert boxes(opened(place, encode(text)))["a"] == ("kätzchen", [[4, 5, 30, 15]])


FORMS = {
    "x0,y0,x1,y1": "4,5,30,15",
    "X_Min,Y_Min,X_Max,Y_Max": "5,6,30,15",  # VOC's names: the numbers count from 1
    "x1,y1,x2,y2": "4,5,30,15",
    "left,top,right,bottom": "4,5,30,15",
    "x,y,w,h": "4,5,26,10",
    "bbox_x,bbox_y,bbox_width,bbox_height": "4,5,26,10",
    "x_center,y_center,width,height": "17,10,26,10",
    "XMin,XMax,YMin,YMax": "0.1,0.75,0.25,0.75",
    "x , y, width, height": "0.1,0.25,0.65,0.5",
}


@pytest.mark.parametrize("names", FORMS)
def test_the_columns_of_a_box_say_what_its_numbers_are(place, names):
    dataset = opened(place, f"image_id,{names},label\na,{FORMS[names]},cat\n")
    assert boxes(dataset) == {"a": ("cat", [[4, 5, 30, 15]])}


def test_vocs_names_with_a_corner_below_one_are_taken_as_they_stand(place, listener):
    heard = listener()
    rows = "a.jpg,40,20,cat,0,5,30,15\nb.jpg,40,20,cat,4,5,30,15\n"
    dataset = opened(place, f"filename,width,height,class,xmin,ymin,xmax,ymax\n{rows}", progress=heard)
    assert boxes(dataset) == {"a": ("cat", [[0, 5, 30, 15]]), "b": ("cat", [[4, 5, 30, 15]])}
    assert any("as they stand" in note for note in heard.notes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("images/a.jpg,4,5,30,15,cat\nimages/b.jpg,,,,,\n", {"a": ("cat", [[4, 5, 30, 15]]), "b": (None, [])}),  # keras-retinanet
        ("a.jpg,4,5,30,15,0\nb.jpg,1,2,3,4,1\n", {"a": ("0", [[4, 5, 30, 15]]), "b": ("1", [[1, 2, 3, 4]])}),
        ("a.jpg\tcat\nb.jpg\tdog\n", {"a": ("cat", []), "b": ("dog", [])}),
        ("a.jpg;cat;4,0;5,0;30,0;15,0\n", {"a": ("cat", [[4, 5, 30, 15]])}),
        ("a.jpg,40,20,cat,4,5,30,15\nb.jpg,40,20,cat,1,2,3,4\n", {"a": ("cat", [[4, 5, 30, 15]]), "b": ("cat", [[1, 2, 3, 4]])}),
        ("a.jpg 4 5 30 15 cat\n", None),
        ("a.jpg,1,2,3,4,5,6\n", None),
    ],
)
def test_without_a_header_numbers_and_words_tell(place, text, expected):
    if expected is None:
        with pytest.raises(InputError, match=r"boxes\.csv"):
            opened(place, text)
    else:
        assert boxes(opened(place, text)) == expected


def test_quoted_names_empty_lines_and_rows_without_a_box(place):
    text = 'path,label,x0,y0,x1,y1\n"c, d.png",cat,1,2,3,4\n\na.jpg,dog,,,,\nb.jpg,,,,,\n'
    dataset = opened(place, text)
    assert boxes(dataset) == {"c, d": ("cat", [[1, 2, 3, 4]]), "a": ("dog", []), "b": (None, [])}
    assert dataset.problems == ()


def test_splits_of_a_column(place):
    text = "path,label,Subset\na.jpg,x,train\nb.jpg,x,validation\n"
    dataset = opened(place, text)
    assert {split: len(records) for split, records in dataset.splits.items()} == {"train": 1, "test": 1}
    assert dataset.division == Division("val")


def test_tables_of_a_folder_are_of_the_splits_they_are_named_for(place):
    (place / "train_labels.csv").write_text("filename,class\na.jpg,x\n")
    (place / "test.csv").write_text("filename,class\nb.jpg,x\n")
    (place / "prices.csv").write_text("file,class\nnone.jpg,x\n")
    dataset = open_dataset(str(place))
    assert {split: [record.id for record in records] for split, records in dataset.splits.items()} == {
        "train": ["a"],
        "test": ["b"],
    }


@pytest.mark.parametrize(
    ("row", "kind", "lost", "said"),
    [
        ("gone.jpg,x,1,2,3,4", "missing", True, "there is no such picture"),
        ("../../up.jpg,x,1,2,3,4", "leads-out", True, "leads out of the folder"),
        ("/nowhere/up.jpg,x,1,2,3,4", "missing", True, "there is no such picture"),
        ("b.jpg,x,1,two,3,4", "no-box", False, "row 3: 1, two, 3, 4 is no box"),
        ("b.jpg,x,1,2", "no-box", False, "row 3: 1, 2, ,  is no box"),
        ("b.jpg,,1,2,3,4", "no-class", False, "a box has no class"),
    ],
)
def test_a_broken_row_is_named_and_the_others_are_read(place, row, kind, lost, said):
    dataset = opened(place, f"path,label,x0,y0,x1,y1\na.jpg,x,4,5,30,15\n{row}\n")
    (problem,) = dataset.problems
    assert (problem.kind, problem.lost) == (kind, lost)
    assert said in problem.reason
    assert boxes(dataset)["a"] == ("x", [[4, 5, 30, 15]])
    assert ("b" in boxes(dataset)) is not lost


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("path,label\n", "no rows"),
        ("user,label\n1,x\n", "no column of pictures"),
        ("path,label,bbox\na.jpg,x,[1 2 3 4]\n", "the column bbox holds a whole box"),
        ("path,label,xmin,ymin,xmax\na.jpg,x,1,2,3\n", "xmin, ymin, xmax, which are not the four"),
        ("path,x1,y1,x0,y0\na.jpg,1,2,9,9\nb.jpg,1,2,9,9\n", "x1 is below x0 in 2 of 2 boxes, so boxes are in the wrong columns"),
        ("path,label,x0,y0,x1,y1\ngone.jpg,x,1,2,3,4\n", "no usable picture"),
        ('path,label\n"a.jpg' + "x" * 200_000, "cannot read boxes.csv as CSV: line"),
    ],
)
def test_what_makes_a_table_unusable_is_one_line(place, text, said):
    with pytest.raises(InputError) as caught:
        opened(place, text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_single_row_the_wrong_way_round_is_mended(place):
    dataset = opened(place, "path,x0,y0,x1,y1\na.jpg,30,5,4,15\nb.jpg,1,2,3,4\nb.jpg,1,2,3,5\n")
    assert boxes(dataset)["a"] == ("object", [[4, 5, 30, 15]])
    assert [(each.id, each.kind) for each in dataset.mended] == [("a", "swapped")]


def test_one_slip_does_not_make_pixels_of_relative_corners(place):
    dataset = opened(place, "path,x0,y0,x1,y1\na.jpg,0.1,0.25,0.75,0.75\nb.jpg,0,0,1,1\nb.jpg,0,0,1.02,1\n")
    assert boxes(dataset) == {"a": ("object", [[4, 5, 30, 15]]), "b": ("object", [[0, 0, 40, 20]] * 2)}


def test_absolute_paths_and_those_of_another_computer(place, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copy(place / "images/a.jpg", elsewhere / "far.jpg")
    text = f"path,label\n{elsewhere}/far.jpg,x\nC:\\pics\\images\\a.jpg,x\n{place}/images/b.jpg,x\n"
    assert set(boxes(opened(place, text))) == {"far", "a", "b"}


def test_utf_16_that_ends_within_a_character_is_read_up_to_there(place):
    (place / "boxes.csv").write_bytes("path,label\nimages/a.jpg,x\nimages/b.jpg,y\n".encode("utf-16") + b"z")
    assert set(boxes(open_dataset(f"csv:{place}/boxes.csv"))) >= {"a", "b"}


def test_a_name_too_long_to_be_one_is_missing(place):
    dataset = opened(place, f"path,label\nimages/a.jpg,x\n/{300 * 'x'}.jpg,x\n")
    assert [(problem.id, problem.kind) for problem in dataset.problems] == [(300 * "x", "missing")]


@pytest.mark.parametrize("name", ["a.csv", "data/a.csv"])
def test_a_table_may_lie_in_a_folder_of_its_own_or_in_an_archive(place, tmp_path_factory, name):
    (place / "data").mkdir()
    (place / name).write_text("path,label\n" + ("../" if "/" in name else "") + "images/a.jpg,x\n")
    packed = shutil.make_archive(str(tmp_path_factory.mktemp("packed") / "set"), "zip", place)
    for where in (place / name, place, packed):
        assert boxes(open_dataset(f"csv:{where}")) == {"a": ("x", [])}


@pytest.mark.parametrize(
    "text", ["numpy==1.0\npillow\n", "date,open,close\n1,2,3\n", "file,class\nmain.py,x\n", "path,x0,y0\na.jpg,1,2\n", "\0\0", ""]
)
@pytest.mark.parametrize("name", ["requirements.txt", "a.csv"])
def test_what_is_no_table_of_pictures_is_not_taken_for_one(place, text, name):
    (place / name).write_text(text)
    assert sign_csv(open_tree(place)) == ""


@pytest.mark.parametrize("where", ["images/boxes.csv", "boxes.csv", "data/boxes.tsv"])
def test_the_table_beside_a_picture(place, where):
    (place / "data").mkdir()
    (place / where).write_text("filename,class,xmin,ymin,xmax,ymax\na.jpg,cat,2,3,30,15\n")
    found = beside(place / "images" / "a.jpg")
    assert (found.corners.tolist(), found.names) == ([[1, 2, 30, 15]], ("cat",))
    assert beside(place / "images" / "b.jpg") is None
    assert beside(place / "images" / "c.jpg") is None


def test_a_table_beside_that_names_another_picture_of_that_name_is_not_meant(place):
    (place / "other").mkdir()
    shutil.copy(place / "images/a.jpg", place / "other/a.jpg")
    (place / "boxes.csv").write_text("path,x0,y0,x1,y1\nother/a.jpg,1,2,3,4\n")
    assert beside(place / "images" / "a.jpg") is None
    assert beside(place / "other" / "a.jpg").corners.tolist() == [[1, 2, 3, 4]]


def test_many_rows_are_all_read(place):
    """More rows than are turned into arrays at once, over hard links of one picture; the last rows are their pictures' own."""
    for number in range(50):
        os.link(place / "images/a.jpg", place / "images" / f"{number}.jpg")
    rows = [f"{row % 50}.jpg,c,{row % 7},0,{10 + row % 9},20" for row in range(120_003)]
    dataset = opened(place, "path,label,x0,y0,x1,y1\n" + "\n".join(rows))
    found = boxes(dataset)
    assert sum(len(each) for _, each in found.values()) == 120_003
    assert found["2"][1][-1] == [120_002 % 7, 0, 10 + 120_002 % 9, 20]


VIA = "filename,file_size,region_count,region_shape_attributes,region_attributes\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,c\nimage,x,y\n", ": boxes.csv has no column of pictures"),
        ("image_id,bbox\na,[1 2 3 4]\n", ": boxes.csv: the column bbox holds a whole box in one cell"),
        ("", ": boxes.csv is empty"),
        ("path,label\ngone.jpg,cat\n", ": those of boxes.csv are not there; say where they are with --data-dir"),
        (VIA + 'a.jpg,9,1,"{""name"":""rect""}","{}"\n', ": boxes.csv is VGG VIA's own CSV, .*; export the project as COCO"),
        ('image,id,label\na.jpg,1,"[{""x"":1}]"\n', ": boxes.csv: the column label holds JSON, as Label Studio's own CSV does"),
        (None, ": there is no .csv or .tsv"),
    ],
)
def test_why_a_folder_has_no_table_of_pictures(place, text, said):
    if text is not None:
        (place / "boxes.csv").write_text(text)
    with pytest.raises(InputError, match=f"has no CSV that names its pictures{said}"):
        open_dataset(f"csv:{place}")
