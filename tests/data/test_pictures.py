"""Files, folders, globs and ids: which pictures are meant, each once, and what is said of a name that is none."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from dogcam.core.errors import InputError, Unavailable
from dogcam.data import Dataset, Record
from dogcam.data.assembling import Annotated
from dogcam.data.formats import DATASETS
from dogcam.data.images import ImageFile
from dogcam.data.pictures import SUFFIXES, boxes_for, find_pictures

XML = """<annotation><size><width>40</width><height>20</height><depth>3</depth></size>
<object><name>pug</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>
</annotation>"""


def picture(path, size=(40, 20), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 100, 0)).save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder: two pictures and a note on top, pictures further down, a folder of notes only."""
    for name in ("b.png", "a.JPG", "deep/c.png", "deep/deeper/d.webp", "deepest/x/y/e.jpeg"):
        picture(tmp_path / name)
    (tmp_path / "note.txt").write_text("a note")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "n.txt").write_text("a note")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dogs(tmp_path):
    """A dataset of three pictures, and a count of how often it is opened."""
    image = ImageFile(picture(tmp_path / "elsewhere" / "dog.png"))
    box = [[0.1, 0.2, 0.3, 0.4]]
    records = [Record(f"n02110958_{number}", image, 1, box) for number in (7, 150, 15028)]
    made = Dataset("made", ("collie", "pug"), {"train": tuple(records[:1]), "test": tuple(records[1:])})
    opened = []

    def opener():
        opened.append(made)
        return made

    opener.opened = opened
    opener.records = {record.id: record for record in records}
    return opener


def never():
    raise AssertionError("the dataset was opened though nothing of it was asked for")


def none():
    """The opener of a model whose data is not known."""


def names(wanted, opener=never):
    records, problems = find_pictures(wanted, opener)
    assert problems == []
    return [record.id for record in records]


def test_a_file_is_itself(folder):
    (record,), problems = find_pictures(["b.png"], never)
    assert (record.id, record.label, record.boxes.shape) == ("b.png", None, (0, 4))
    assert record.image.pixels().shape == (20, 40, 3)
    assert problems == []


def test_files_come_in_the_order_they_are_named(folder):
    assert names(["b.png", "a.JPG", "deep/c.png"]) == ["b.png", "a.JPG", "deep/c.png"]


def test_a_file_is_tried_whatever_its_name(folder):
    """What a user names is not dropped for its ending: reading it says what is wrong."""
    (record,), _ = find_pictures(["note.txt"], never)
    with pytest.raises(InputError, match=r"cannot read note\.txt: not a picture"):
        record.image.pixels()


def test_a_folder_is_its_own_pictures_sorted(folder):
    assert names(["."]) == ["a.JPG", "b.png"]
    assert names([str(folder)]) == [str(folder / "a.JPG"), str(folder / "b.png")]
    assert names(["deep/"]) == ["deep/c.png"]


def test_a_folder_without_pictures_of_its_own_is_those_of_its_folders(folder):
    assert names(["deepest"]) == ["deepest/x/y/e.jpeg"]


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_an_empty_name_is_not_the_current_folder(folder, name):
    with pytest.raises(InputError, match="an empty name is no picture"):
        find_pictures([name], never)


def test_what_dogcam_wrote_itself_is_left_out_of_a_folder_of_folders(folder):
    for name in ("dogcam-explained", "dogcam-explained-2", "a/b/dogcam-explained", "runs/tiny/report"):
        picture(folder / "deepest" / name / "sheet.png")
    (folder / "deepest" / "runs" / "tiny" / "experiment.json").write_text("{}")
    assert names(["deepest"]) == ["deepest/x/y/e.jpeg"]
    # What is named is meant: only the folders in it are chosen from.
    assert names(["deepest/dogcam-explained"]) == ["deepest/dogcam-explained/sheet.png"]
    assert names(["deepest/runs/tiny"]) == ["deepest/runs/tiny/report/sheet.png"]
    with pytest.raises(InputError, match=r"the folder deepest/runs holds no picture \(.*\) but dogcam's own"):
        find_pictures(["deepest/runs"], never)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_ending_counts_in_both_cases(tmp_path, suffix):
    for name in (f"lower{suffix}", f"upper{suffix.upper()}"):
        (tmp_path / name).write_bytes(b"x")
    assert len(names([str(tmp_path)])) == 2


def test_a_folder_named_like_a_picture_is_no_picture(folder):
    (folder / "odd.png").mkdir()
    assert names(["."]) == ["a.JPG", "b.png"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", ["b.png"]),
        ("*", ["a.JPG", "b.png"]),
        ("deep/*", ["deep/c.png"]),
        ("**/*.png", ["b.png", "deep/c.png", "elsewhere/dog.png"]),
        ("[ab].*", ["a.JPG", "b.png"]),
        ("deep/**/?.webp", ["deep/deeper/d.webp"]),
    ],
)
def test_a_glob_that_the_shell_left_alone(folder, dogs, pattern, expected):
    assert names([pattern]) == expected


def test_a_file_whose_name_looks_like_a_glob(folder):
    picture(folder / "dog[1].png")
    picture(folder / "dog1.png")
    assert names(["dog[1].png"]) == ["dog[1].png"]


def test_ids_are_those_of_the_dataset(folder, dogs):
    records, problems = find_pictures(["n02110958_150", "b.png", "n02110958_7"], dogs)
    assert [record.id for record in records] == ["n02110958_150", "b.png", "n02110958_7"]
    assert records[0] is dogs.records["n02110958_150"]
    assert records[2] is dogs.records["n02110958_7"]
    assert len(dogs.opened) == 1
    assert problems == []


def test_each_picture_comes_once(folder, dogs):
    wanted = ["b.png", "./b.png", "*.png", ".", str(folder / "b.png"), "n02110958_7", "n02110958_7"]
    assert names(wanted, dogs) == ["b.png", "a.JPG", "n02110958_7"]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links here")
def test_a_link_to_a_picture_is_that_picture(folder):
    (folder / "link.png").symlink_to(folder / "b.png")
    assert names(["b.png", "link.png"]) == ["b.png"]


def test_an_empty_folder_says_what_it_was_searched_for(folder):
    for name in ("empty", "notes"):
        with pytest.raises(InputError, match=rf"the folder {name} holds no picture .*\.jpeg, \.jpg.*\.png"):
            find_pictures([name], never)


def test_a_glob_without_a_match(folder):
    for pattern in ("*.gif", "*.txt", "nowhere/*"):
        with pytest.raises(InputError) as caught:
            find_pictures([pattern], never)
        assert str(caught.value) == f"no picture matches {pattern}"


def test_a_name_that_is_none_of_these_is_told_the_nearest_ids(folder, dogs):
    with pytest.raises(InputError) as caught:
        find_pictures(["n02110958_151"], dogs)
    text = str(caught.value)
    assert text.startswith("no such file, folder or picture of the model's dataset: n02110958_151; the nearest ids")
    assert "n02110958_150" in text


def test_a_name_like_no_id(folder, dogs):
    with pytest.raises(InputError, match=r"picture of the model's dataset: holiday\.jpg$"):
        find_pictures(["holiday.jpg"], dogs)


def test_a_model_without_a_dataset_knows_no_ids(folder):
    with pytest.raises(InputError, match=r"dataset: n02110958_7$"):
        find_pictures(["n02110958_7"], lambda: None)


# Files in an unpacked copy of Stanford Dogs ---------------------------------------------------------------------------


@pytest.fixture
def unpacked(tmp_path):
    """Images/ and Annotation/ with one breed; gives a function that adds a picture with a box in pixels of 40 x 20."""

    def add(identity, box=None, xml=None, **options):
        path = picture(tmp_path / "Images" / "n02110958-pug" / f"{identity}.jpg", **options)
        if box or xml:
            note = tmp_path / "Annotation" / "n02110958-pug" / identity
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(xml or XML.format(*box))
        return path

    return add


def test_the_annotation_beside_a_file_gives_its_boxes(unpacked, monkeypatch):
    path = unpacked("n02110958_7", (4, 5, 30, 15))
    (record,), problems = find_pictures([str(path)], none)
    np.testing.assert_array_equal(record.boxes, np.array([[0.1, 0.25, 0.75, 0.75]], np.float32))
    assert (record.id, record.label, problems) == (str(path), None, [])
    monkeypatch.chdir(path.parent)
    (record,), _ = find_pictures(["n02110958_7.jpg"], none)
    np.testing.assert_array_equal(record.boxes, np.array([[0.1, 0.25, 0.75, 0.75]], np.float32))


def test_a_whole_breed_has_its_boxes(unpacked):
    folder = unpacked("n02110958_7", (4, 5, 30, 15)).parent
    unpacked("n02110958_9", (0, 0, 40, 10))
    records, problems = find_pictures([str(folder)], none)
    assert [record.boxes.tolist()[0][3] for record in records] == [0.75, 0.5]
    assert problems == []


@pytest.mark.parametrize(
    ("xml", "said"), [("<annotation>", "broken annotation"), (XML.format(50, 5, 60, 15), "is empty or outside it")]
)
def test_a_spoiled_annotation_is_named_once_and_the_picture_kept(unpacked, xml, said):
    path = unpacked("n02110958_7", xml=xml)
    records, problems = find_pictures([str(path), str(path), str(path.parent)], none)
    assert [(record.id, record.boxes.shape) for record in records] == [(str(path), (0, 4))]
    assert [(problem.id, problem.lost) for problem in problems] == [(str(path), False)]
    assert said in problems[0].reason


def test_a_picture_is_turned_upright_only_where_no_annotation_refers_to_its_pixels(unpacked, tmp_path):
    tags = Image.Exif()
    tags[0x0112] = 6
    boxed = unpacked("n02110958_7", (4, 5, 30, 15), exif=tags)
    free = unpacked("n02110958_8", exif=tags)
    other = picture(tmp_path / "holiday.jpg", exif=tags)
    records, _ = find_pictures([str(boxed), str(free), str(other)], none)
    assert [record.image.pixels().shape[:2] for record in records] == [(20, 40), (40, 20), (40, 20)]


def test_a_copy_of_a_picture_of_the_models_data_has_its_label(unpacked, dogs):
    own, other = unpacked("n02110958_7", (4, 5, 30, 15)), unpacked("n02110958_999", (4, 5, 30, 15))
    records, problems = find_pictures([str(own), str(other), "n02110958_150"], dogs)
    assert [(record.id, record.label) for record in records] == [(str(own), 1), (str(other), None), ("n02110958_150", 1)]
    # The boxes are those of the annotation beside it, which may be newer.
    np.testing.assert_array_equal(records[0].boxes, np.array([[0.1, 0.25, 0.75, 0.75]], np.float32))
    assert records[0].image == ImageFile(own)
    assert problems == []
    assert len(dogs.opened) == 1


@pytest.mark.parametrize("xml", ["<annotation>", XML.format(50, 5, 60, 15)])
def test_where_the_annotation_gives_no_boxes_the_models_data_does(unpacked, dogs, xml):
    path = unpacked("n02110958_7", xml=xml)
    (record,), (problem,) = find_pictures([str(path)], dogs)
    np.testing.assert_array_equal(record.boxes, dogs.records["n02110958_7"].boxes)
    assert (record.label, problem.id) == (1, str(path))


def test_a_file_of_the_same_name_elsewhere_is_another_picture(unpacked, tmp_path, dogs):
    other, bare = picture(tmp_path / "mine" / "n02110958_7.jpg"), unpacked("n02110958_150")
    records, _ = find_pictures([str(other), str(bare)], dogs)
    assert [record.label for record in records] == [None, None]
    assert dogs.opened == []


def test_a_file_can_be_explained_though_its_dataset_cannot_be_opened(unpacked):
    asked = []

    def gone():
        asked.append(1)
        raise Unavailable("the data is elsewhere")

    paths = [str(unpacked(f"n02110958_{number}", (4, 5, 30, 15))) for number in (7, 8)]
    records, problems = find_pictures(paths, gone)
    assert [(record.label, len(record.boxes)) for record in records] == [(None, 1)] * 2
    assert (problems, len(asked)) == ([], 1)
    with pytest.raises(Unavailable, match="the data is elsewhere"):
        find_pictures([*paths, "n02110958_7"], gone)


def test_the_dataset_is_not_opened_for_labels_that_nobody_asked_for(tmp_path):
    folder, notes = tmp_path / "Images" / "beagle", tmp_path / "Annotation" / "beagle"
    folder.mkdir(parents=True)
    notes.mkdir(parents=True)
    Image.new("RGB", (40, 20)).save(folder / "dog_1.jpg")
    (notes / "dog_1").write_text(
        "<annotation><size><width>40</width><height>20</height></size><object><bndbox><xmin>10</xmin><ymin>5</ymin>"
        "<xmax>20</xmax><ymax>15</ymax></bndbox></object></annotation>"
    )

    def never():
        raise AssertionError("the dataset was opened")

    records, problems = find_pictures([str(folder / "dog_1.jpg")], never, labels=False)
    assert problems == []
    assert records[0].label is None
    assert records[0].boxes.tolist() == [[0.25, 0.25, 0.5, 0.75]]


# What an annotation beside a file says of its classes -------------------------------------------------------------------


def test_the_annotations_class_is_the_models_however_it_is_spelled(unpacked):
    path = unpacked("n02110958_7", (4, 5, 30, 15))
    for classes, expected in (
        (("collie", "PUG, pug-dog"), 1),
        (("n02110958-pug",), 0),
        (("collie",), None),
        (("pug", "Pug"), None),
    ):
        (record,), _ = find_pictures([str(path)], none, classes=classes)
        assert (record.label, record.box_labels) == (expected, (expected,))


def test_a_class_that_is_known_is_not_looked_up(unpacked):
    (record,), _ = find_pictures([str(unpacked("n02110958_7", (4, 5, 30, 15)))], never, classes=("pug",))
    assert (record.label, record.present) == (0, (0,))


@pytest.fixture
def annotated(tmp_path, monkeypatch):
    """Call it with what a format says: a picture of 40 x 20 pixels has that annotation beside it; gives the picture's path."""

    def annotate(exif=None, **said):
        path = picture(tmp_path / "wide.jpg", **({"exif": exif} if exif else {}))

        def beside(image):
            return Annotated(str(image), ImageFile(image), **said) if image == path else None

        monkeypatch.setattr("dogcam.data.pictures.boxes_beside", beside)
        return path

    return annotate


BOXES = np.array([(0, 0, 20, 20), (20, 0, 40, 20), (30, 10, 40, 20)], np.float64)


def test_of_several_classes_each_box_has_its_own(annotated):
    path = annotated(names=("pug", "collie", "cat"), corners=BOXES, size=(40, 20))
    (record,), problems = find_pictures([str(path)], never, classes=("collie", "pug"))
    assert (record.label, record.present, record.box_labels, problems) == (None, (0, 1), (1, 0, None), [])
    np.testing.assert_array_equal(boxes_for(record, 0), [[0.5, 0, 1, 1]])
    np.testing.assert_array_equal(boxes_for(record, 1), [[0, 0, 0.5, 1]])


@pytest.mark.parametrize("label", [2, None])
def test_a_class_that_is_not_in_the_picture_is_held_against_all_of_its_boxes(annotated, label):
    path = annotated(names=("pug", "collie", "cat"), corners=BOXES, size=(40, 20))
    (record,), _ = find_pictures([str(path)], never, classes=("collie", "pug", "beagle"))
    np.testing.assert_array_equal(boxes_for(record, label), record.boxes)
    assert len(record.boxes) == 3


def test_an_annotation_that_was_set_right_is_said(annotated, listener):
    progress = listener()
    path = annotated(names=("pug",), corners=BOXES[:1, [2, 3, 0, 1]] * 2, size=(80, 40))
    (record,), problems = find_pictures([str(path)], never, classes=("pug",), progress=progress)
    np.testing.assert_array_equal(record.boxes, [[0, 0, 0.5, 1]])
    assert problems == []
    said = f"{path}: annotated for 80 x 40, and the picture has 40 x 20: boxes scaled (and 1 more set right)"
    assert progress.notes == [said]


def test_where_the_model_knows_one_of_several_classes_that_is_the_pictures(annotated):
    path = annotated(names=("pug", "collie", "cat"), corners=BOXES, size=(40, 20))
    (record,), _ = find_pictures([str(path)], never, classes=("beagle", "collie"))
    assert record.label == 1


def test_where_a_box_cannot_be_used_the_others_keep_their_classes(annotated):
    path = annotated(names=("pug", "collie"), corners=np.array([(0, 0, 20, 20), (70, 0, 80, 20)], np.float64), size=(40, 20))
    (record,), (problem,) = find_pictures([str(path)], never, classes=("collie", "pug"))
    assert (record.box_labels, problem.kind) == ((1,), "outside")


def test_a_background_picture_is_no_problem(annotated):
    (record,), problems = find_pictures([str(annotated())], none, classes=("pug",))
    assert (record.label, len(record.boxes), problems) == (None, 0, [])


def test_an_annotation_of_the_turned_picture_shows_it_upright(annotated):
    tags = Image.Exif()
    tags[0x0112] = 6
    path = annotated(tags, names=("pug",), corners=np.array([(0.0, 0, 10, 20)]), size=(20, 40))
    (record,), problems = find_pictures([str(path)], never, classes=("pug",))
    assert (record.image.pixels().shape, problems) == ((40, 20, 3), [])
    np.testing.assert_array_equal(record.boxes, [[0, 0, 0.5, 0.5]])


def test_a_picture_whose_annotation_is_broken_is_shown_upright(unpacked):
    tags = Image.Exif()
    tags[0x0112] = 6
    (record,), (problem,) = find_pictures([str(unpacked("n02110958_7", xml="<annotation>", exif=tags))], none)
    assert record.image.pixels().shape == (40, 20, 3)
    assert "broken annotation" in problem.reason


# Folders of masks, and ids of a dataset that was named ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("photographs", "masks"),
    [
        ("VOC2012/JPEGImages/a.jpg", "VOC2012/SegmentationClass/a.png"),
        ("VOC2012/JPEGImages/a.jpg", "VOC2012/SegmentationObject/a.png"),
        ("images/a.jpg", "annotations/trimaps/a.png"),
        ("images/train/a.jpg", "masks/train/a.png"),
    ],
)
def test_masks_are_no_photographs(tmp_path, photographs, masks):
    for name in (photographs, masks):
        picture(tmp_path / "tree" / name)
    records, _ = find_pictures([str(tmp_path / "tree")], none)
    assert [record.id for record in records] == [str(tmp_path / "tree" / photographs)]
    records, _ = find_pictures([str((tmp_path / "tree" / masks).parent)], none)
    assert [record.id for record in records] == [str(tmp_path / "tree" / masks)], "what is named is meant"


def test_a_folder_of_nothing_but_such_a_folder_is_taken(tmp_path):
    path = picture(tmp_path / "tree" / "masks" / "carnival.jpg")
    assert names([str(tmp_path / "tree")]) == [str(path)]


def test_ids_of_the_dataset_that_was_named_come_before_files(folder, dogs):
    (folder / "n02110958_7").write_text("a file of that name")
    records, _ = find_pictures(["n02110958_7", "b.png"], dogs, dataset="made")
    assert [(record.id, record.label) for record in records] == [("n02110958_7", 1), ("b.png", None)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("n02110958_15*", ["n02110958_150", "n02110958_15028"]),
        ("*", ["n02110958_7", "n02110958_150", "n02110958_15028"]),
        ("*.png", ["b.png"]),  # no id, but files
    ],
)
def test_a_glob_over_the_ids_of_the_dataset_that_was_named(folder, dogs, pattern, expected):
    assert [record.id for record in find_pictures([pattern], dogs, dataset="made")[0]] == expected


def test_a_name_that_the_named_dataset_has_not(folder, dogs):
    with pytest.raises(InputError, match=r"no such file, folder or picture of made: n02110958_8; the nearest ids in made: "):
        find_pictures(["n02110958_8"], dogs, dataset="made")


def test_the_rows_of_a_picture_are_found_alone_and_together(tmp_path):
    image = ImageFile(picture(tmp_path / "dog.png"))
    rows = [
        Record("p#collie", image, 0, [[0, 0, 0.5, 1]], picture="p", present=(0, 1)),
        Record("p#pug", image, 1, [[0.5, 0, 1, 1], [0.6, 0, 1, 1]], picture="p", present=(0, 1)),
    ]
    made = Dataset("made", ("collie", "pug"), {"test": tuple(rows)}, multilabel=True)
    whole, row = find_pictures(["p", "p#pug"], lambda: made)[0]
    assert row is rows[1]
    assert (whole.id, whole.label, whole.present, whole.box_labels) == ("p", None, (0, 1), (0, 1, 1))
    np.testing.assert_array_equal(boxes_for(whole, 1), rows[1].boxes)
    np.testing.assert_array_equal(whole.boxes, np.concatenate([each.boxes for each in rows]))


# Real formats -----------------------------------------------------------------------------------------------------------


def test_where_there_are_boxes_of_classes_and_a_mask_the_boxes_count(tmp_path):
    path = picture(tmp_path / "JPEGImages" / "dog.jpg")
    notes = tmp_path / "Annotations" / "dog.xml"
    notes.parent.mkdir()
    notes.write_text(XML.format(5, 6, 30, 15).replace("<annotation>", "<annotation><filename>dog.jpg</filename>"))
    masks = tmp_path / "SegmentationClass" / "dog.png"
    masks.parent.mkdir()
    Image.fromarray(np.eye(20, 40, dtype=np.uint8) * 12).save(masks)
    (record,), problems = find_pictures([str(path)], never, classes=("pug",))
    assert (record.label, record.boxes.tolist(), problems) == (0, np.float32([[0.1, 0.25, 0.75, 0.75]]).tolist(), [])


@pytest.mark.parametrize(
    ("place", "classes", "count", "boxed", "several"),
    [
        ("raccoon", ("raccoon",), 200, 200, 0),
        ("bccd", ("RBC", "WBC", "Platelets"), 364, 364, 354),
        ("tiny_coco", ("person", "dog"), 38, 36, 0),
    ],
)
def test_real_sets_are_explained_with_what_lies_beside_them(real_data, place, classes, count, boxed, several):
    if place == "tiny_coco" and "coco" not in DATASETS:
        pytest.skip("there is no reader of coco yet")
    records, problems = find_pictures([str(real_data / "formats" / place)], none, classes=classes)
    assert (len(records), sum(len(record.boxes) > 0 for record in records), problems) == (count, boxed, [])
    assert sum(len(record.present) > 1 for record in records) == several
