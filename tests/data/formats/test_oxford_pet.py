"""Oxford-IIIT Pet: the animal by its trimap, the head by its XML."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from drawn_files import everything, mask, picture, pixels_of, told, write

from dogcam.boxes.geometry import UNKNOWN
from dogcam.core.errors import InputError
from dogcam.data.formats.oxford_pet import beside, sign_oxford_pet
from dogcam.data.opening import open_dataset
from dogcam.data.trees import open_tree

HEAD = (
    "<annotation><size><width>20</width><height>10</height></size><object><name>cat</name><bndbox><xmin>{}</xmin>"
    "<ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object></annotation>"
)
LINES = {"trainval": "Abyssinian_1 1 1 1\ngreat_pyrenees_7 2 2 1\n", "test": "Abyssinian_2 1 1 1\n"}
ANIMALS = {"Abyssinian_1": (2, 1, 9, 8), "Abyssinian_2": (0, 0, 20, 10), "great_pyrenees_7": (5, 5, 6, 7)}


def trimap(box):
    """The background is 2, a seam of one pixel 3, the animal 1: no pixel is 0."""
    x0, y0, x1, y1 = box
    return mask((2, 0, 0, 20, 10), (3, max(x0 - 1, 0), max(y0 - 1, 0), x1 + 1, y1 + 1), (1, *box))


FILES = {
    "annotations/list.txt": "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n" + LINES["trainval"] + LINES["test"],
    "annotations/trainval.txt": LINES["trainval"],
    "annotations/test.txt": LINES["test"],
    "annotations/README": "...",
    "annotations/xmls/Abyssinian_1.xml": HEAD.format(3, 2, 6, 5),
    **{f"annotations/trimaps/{name}.png": trimap(box) for name, box in ANIMALS.items()},
    **{f"annotations/trimaps/._{name}.png": b"left by a system" for name in ANIMALS},
    **{f"images/{name}.jpg": picture() for name in ANIMALS},
}
BOXES = {name: [list(box)] for name, box in ANIMALS.items()}
SAME = BOXES["Abyssinian_2"]
HEADS = {"Abyssinian_1": [[2, 1, 6, 5]], "Abyssinian_2": [], "great_pyrenees_7": []}


@pytest.mark.parametrize("meant", ["{}", "oxford_pet:{}", "oxford_pet:{}/annotations/trimaps"])
def test_the_animal_is_the_object(tmp_path, meant):
    dataset = open_dataset(meant.format(write(tmp_path / "pets", FILES)))
    assert dataset.source.name == "oxford_pet"
    assert dataset.classes == ("Abyssinian", "great pyrenees")
    assert pixels_of(dataset) == BOXES
    assert [(each.id, each.label) for each in dataset.splits["train"]] == [("Abyssinian_1", 0), ("great_pyrenees_7", 1)]
    assert [(each.id, each.label) for each in dataset.splits["test"]] == [("Abyssinian_2", 0)]
    assert (dataset.problems, dataset.division.how) == ((), "given")


def test_the_seam_is_neither_the_animal_nor_the_background(tmp_path):
    pixels = everything(open_dataset(str(write(tmp_path, FILES))))["great_pyrenees_7"].mask()
    expected = np.zeros((10, 20))
    expected[4:8, 4:7] = UNKNOWN
    expected[5:7, 5:6] = 1
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("named", [True, False], ids=["by its folder", "without trimaps"])
def test_heads_are_had_by_naming_them(tmp_path, named):
    files = {path: content for path, content in FILES.items() if named or "trimaps" not in path}
    place = write(tmp_path, files)
    dataset = open_dataset(f"oxford_pet:{place}/annotations/xmls" if named else str(place))
    assert dataset.classes == ("Abyssinian", "great pyrenees")
    assert pixels_of(dataset) == HEADS
    assert everything(dataset)["Abyssinian_1"].mask is None


def test_an_archive_is_read_where_it_lies(tmp_path):
    write(tmp_path / "pets", FILES)
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "pets")
    assert pixels_of(open_dataset(str(tmp_path / "packed.zip"))) == BOXES


@pytest.mark.parametrize("meant", ["annotations", "annotations/trimaps", "annotations/xmls"])
def test_pictures_may_lie_elsewhere(tmp_path, meant):
    write(tmp_path / "a", {path: content for path, content in FILES.items() if not path.startswith("images")})
    write(tmp_path / "b", {path: content for path, content in FILES.items() if path.startswith("images")})
    dataset = open_dataset(f"oxford_pet:{tmp_path / 'a' / meant}", str(tmp_path / "b"))
    assert pixels_of(dataset) == (HEADS if meant.endswith("xmls") else BOXES)


@pytest.mark.parametrize(
    ("changed", "problem", "boxes"),
    [
        ({"images/Abyssinian_2.jpg": None}, ("Abyssinian_2", "missing", True), None),
        ({"annotations/trimaps/Abyssinian_2.png": None}, ("Abyssinian_2", "no-box", False), []),
        ({"annotations/trimaps/Abyssinian_2.png": b"broken"}, ("Abyssinian_2", "no-box", False), []),
        ({"annotations/trimaps/Abyssinian_2.png": mask((2, 0, 0, 20, 10))}, ("Abyssinian_2", "no-box", False), []),
        ({"annotations/test.txt": LINES["test"] + "../secret_1 1 1 1\n"}, ("../secret_1", "leads-out", True), SAME),
        ({"annotations/test.txt": LINES["test"] + "\r\nAbyssinian_3 cat\r\n"}, ("Abyssinian_3", "", False), SAME),
        ({"annotations/test.txt": "Abyssinian_2 2 1 1\n"}, ("Abyssinian_2", "", False), SAME),
        ({"annotations/list.txt": FILES["annotations/list.txt"].replace("Abyssinian_2 1", "Abyssinian_2 2"),
          "annotations/test.txt": "Abyssinian_2 2 2 1"}, ("Abyssinian_2", "", False), SAME),
        ({"annotations/trainval.txt": LINES["trainval"] + LINES["test"]}, ("Abyssinian_2", "twice", False), SAME),
    ],
)  # fmt: skip
def test_what_is_broken_is_named_and_the_rest_is_read(tmp_path, changed, problem, boxes):
    files = {path: content for path, content in (FILES | changed).items() if content is not None}
    dataset = open_dataset(str(write(tmp_path, files)))
    assert told(dataset) == [problem]
    assert pixels_of(dataset).get("Abyssinian_2") == boxes
    assert pixels_of(dataset).items() >= {name: BOXES[name] for name in ("Abyssinian_1", "great_pyrenees_7")}.items()


def test_a_broken_head_is_named(tmp_path):
    files = FILES | {"annotations/xmls/great_pyrenees_7.xml": "<annotation>"}
    dataset = open_dataset(f"oxford_pet:{write(tmp_path, files)}/annotations/xmls")
    assert told(dataset) == [("great_pyrenees_7", "no-box", False)]


def test_two_breeds_of_one_name_keep_their_numbers(tmp_path):
    files = FILES | {
        "annotations/list.txt": "Abyssinian_1 1 1 1\nAbyssinian_2 2 1 1",
        "annotations/test.txt": "Abyssinian_2 2 1 1",
    }
    files |= {"annotations/trainval.txt": "Abyssinian_1 1 1 1"}
    assert open_dataset(str(write(tmp_path, files))).classes == ("Abyssinian 1", "Abyssinian 2")


def test_a_list_alone_is_no_set_of_pets(tmp_path):
    assert not sign_oxford_pet(open_tree(write(tmp_path, {"list.txt": LINES["test"], "images/Abyssinian_2.jpg": picture()})))
    with pytest.raises(InputError, match="is no Oxford-IIIT Pet"):
        open_dataset(f"oxford_pet:{tmp_path}")


def test_the_animal_of_a_single_picture_is_found(tmp_path):
    found = beside(write(tmp_path, FILES) / "images" / "great_pyrenees_7.jpg")
    assert (found.labels, found.corners.tolist(), found.size) == (("great_pyrenees",), [[5, 5, 6, 7]], (20, 10))
    assert beside(tmp_path / "images" / "none_1.jpg") is None


def test_folders_in_folders_of_their_own_names_as_they_circulate(tmp_path):
    files = {f"{path.partition('/')[0]}/{path}": content for path, content in FILES.items()} | {"readme.txt": "to read"}
    assert pixels_of(open_dataset(str(write(tmp_path, files)))) == BOXES


def test_pictures_of_a_camera_have_capital_suffixes(tmp_path):
    files = {path.replace(".jpg", ".JPG"): content for path, content in FILES.items()}
    assert pixels_of(open_dataset(str(write(tmp_path, files)))) == BOXES


@pytest.mark.parametrize("trimaps", [True, False])
def test_it_is_said_where_boxes_are_those_of_heads_though_animals_were_asked_for(tmp_path, listener, trimaps):
    files = {path: content for path, content in FILES.items() if trimaps or "trimaps" not in path}
    heard = listener()
    open_dataset(str(write(tmp_path, files)), progress=heard)
    assert ("boxes are those of heads, since there are no trimaps of the animals" in heard.notes) == (not trimaps)
