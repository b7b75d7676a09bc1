"""What a format says of its pictures, made into records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Division, Origin, Problem
from dogcam.data.annotated import Annotated, Reading
from dogcam.data.assembling import assemble, boxes_of
from dogcam.data.images import ImageFile

HALF = np.array([[0, 0, 0.5, 1]])


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "a.png"
    Image.new("RGB", (40, 30), (9, 99, 199)).save(path)
    return ImageFile(path)


@pytest.fixture
def picture(image):
    """A picture of some classes, each with a box, unless something else is said."""

    def make(path, *names, **more):
        more = {"corners": np.repeat(HALF, len(names), axis=0), "names": names, "relative": True, "split": "train"} | more
        return Annotated(path, image, **more)

    return make


def assembled(pictures, classes=(), problems=(), seed=0):
    return assemble("files:x", Reading(pictures, classes, problems), Origin("files", "/x", "files"), seed, Progress())


def rows(dataset):
    """All of them, by their pictures, whatever splits those came to."""
    return sorted((record for records in dataset.splits.values() for record in records), key=lambda record: record.picture)


# Ids ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paths", "ids"),
    [
        (["a.jpg", "x/b.jpg"], ["a", "b"]),
        (["x/a.jpg", "y/a.jpg"], ["x/a", "y/a"]),
        (["a.jpg", "y/a.jpg"], ["a", "y/a"]),
        (["a.jpg", "a.png"], ["a.jpg", "a.png"]),
        (["a.jpg", "a.png", "x/a.jpg.gif"], ["a.jpg", "a.png", "x/a.jpg.gif"]),
        (["a.jpg", "A.jpg"], ["a", "A"]),
        (["x.y/a.b.jpg", "noend", ".hidden"], ["a.b", "noend", ".hidden"]),
        (["a#b.jpg", "a.jpg"], ["a#b", "a"]),
    ],
)
def test_ids_are_as_short_as_tells_them_apart(picture, paths, ids):
    assert [record.id for record in rows(assembled([picture(path, "dog") for path in paths]))] == sorted(ids)


def test_a_formats_own_numbers_are_kept_by_id(tmp_path):
    paths = ("x/a.png", "x/b.png")
    pictures = [Annotated(path, ImageFile(tmp_path / path), "train", ("cat",)) for path in paths]
    reading = Reading(pictures, ("dog", "cat"), numbers={"x/a.png": 139, "gone.png": 5}, class_numbers=(18, 17))
    dataset = assemble("coco:x", reading, Origin("files", str(tmp_path), "coco"), 0, Progress())
    assert (dataset.numbers, dataset.class_numbers) == ({"a": 139}, (18, 17))


def test_rows_of_several_classes_cannot_be_taken_for_each_other(picture):
    """a with the class b#c, a#b with the class c, and a#b#c with none."""
    dataset = assembled([picture("a.jpg", "b#c", "c"), picture("a#b.jpg", "c"), picture("a#b#c.jpg")])
    found = [record.id for record in rows(dataset)]
    assert found == ["a#b#c", "a#c", "a#b#c.jpg", "a#b.jpg#c"]
    assert [record.picture for record in rows(dataset)] == ["a", "a", "a#b#c.jpg", "a#b.jpg"]


# Rows and classes -----------------------------------------------------------------------------------------------------


def test_each_class_of_a_picture_is_a_row_with_its_own_boxes(picture):
    corners = np.array([[0, 0, 0.5, 1], [0.5, 0, 1, 1], [0, 0, 1, 0.5]])
    masks = {"cat": lambda: np.ones((30, 40), bool)}
    pictures = [
        picture("a.jpg", corners=corners, names=("dog", "cat", "dog"), masks=masks),
        picture("b.jpg", "dog"),
        picture("c.jpg"),
    ]
    dataset = assembled(pictures)
    assert dataset.multilabel
    assert dataset.classes == ("cat", "dog")
    assert [(row.id, row.picture, row.label, row.present, len(row.boxes)) for row in rows(dataset)] == [
        ("a#cat", "a", 0, (0, 1), 1),
        ("a#dog", "a", 1, (0, 1), 2),
        ("b#dog", "b", 1, (1,), 1),
        ("c", "c", None, (), 0),
    ]
    assert rows(dataset)[0].boxes.tolist() == [[0.5, 0, 1, 1]]
    assert [row.mask is not None for row in rows(dataset)] == [True, False, False, False]


def test_a_class_without_a_box_is_a_row_too(picture):
    dataset = assembled([picture("a.jpg", "dog", labels=("cat",))])
    assert [(row.id, len(row.boxes)) for row in rows(dataset)] == [("a#cat", 0), ("a#dog", 1)]


def test_the_formats_own_list_gives_the_order(picture):
    dataset = assembled([picture("a.jpg", "dog"), picture("b.jpg", "ant")], classes=("dog", "cow", "ant", "dog"))
    assert dataset.classes == ("dog", "cow", "ant")
    assert [row.label for row in rows(dataset)] == [0, 2]


def test_a_list_of_classes_that_disagrees_is_one_clear_line(picture):
    with pytest.raises(InputError) as caught:
        assembled([picture("a.jpg", "dog"), picture("x/b.jpg", "ant")], classes=[f"c{n}" for n in range(7)] + ["dog"])
    said = "the class 'ant', which x/b.jpg has, is not in the list of 8 classes (c0, c1, c2, c3, c4, ...)"
    assert str(caught.value) == said


@pytest.mark.parametrize("problems", [(), (Problem("a.xml", "broken"), Problem("b.xml", "gone"))])
def test_no_usable_picture_is_one_clear_line(problems):
    with pytest.raises(InputError) as caught:
        assembled([], problems=problems)
    assert str(caught.value) == f"/x has no usable picture{': a.xml: broken' if problems else ''}"


# One picture, several annotations -------------------------------------------------------------------------------------


def told(dataset):
    return [[(each.id, each.kind, each.split) for each in several] for several in (dataset.problems, dataset.mended)]


def test_an_annotation_that_is_there_twice_is_taken_once(picture):
    dataset = assembled([picture("a.jpg", "dog"), picture("a.jpg", "dog"), picture("b.jpg", "dog", split="test")])
    assert [(row.id, len(row.boxes)) for row in rows(dataset)] == [("a", 1), ("b", 1)]
    assert told(dataset) == [[], [("a", "twice", "train")]]


@pytest.mark.parametrize("other", [{"corners": HALF / 2}, {"names": ("cat",)}, {"labels": ("cow",)}, {"size": (1, 2)}])
def test_of_two_annotations_that_differ_no_box_is_taken(picture, other):
    dataset = assembled([picture("a.jpg", "dog"), picture("a.jpg", "dog", **other)])
    assert all(len(row.boxes) == 0 for row in rows(dataset))
    assert told(dataset)[0] == [("a", "twice", "train")]
    assert {dataset.classes[row.label] for row in rows(dataset)} == {"dog", *other.get("names", ()), *other.get("labels", ())}


@pytest.mark.parametrize("order", [("train", "test"), ("test", "train")])
def test_a_picture_for_training_and_the_test_is_kept_from_training(picture, order):
    pictures = [picture("a.jpg", "dog", split=split) for split in order]
    dataset = assembled([*pictures, picture("b.jpg", "dog"), picture("c.jpg", "dog", split="test")])
    assert {split: [row.id for row in records] for split, records in dataset.splits.items()} == {
        "train": ["b"],
        "test": ["a", "c"],
    }
    assert told(dataset) == [[("a", "leak", "test")], [("a", "twice", "test")]]


# Splits ---------------------------------------------------------------------------------------------------------------


def test_problems_are_of_the_split_that_their_picture_came_to(picture):
    """By its id or its path, as formats name them; val stands for the test."""
    pictures = [
        picture("x/a.jpg", "dog", split="val", corners=HALF * 9),
        picture("b.jpg", "dog"),
        picture("c.jpg", "dog", split=""),
    ]
    dataset = assembled(pictures, problems=[Problem("x/a.jpg", "odd", "val"), Problem("gone.xml", "broken", "train")])
    assert dataset.division == Division("val")
    problems, mended = told(dataset)
    assert problems == [("a", "", "test"), ("gone.xml", "", "train"), ("a", "cut", "test")]
    assert mended == [("c", "no-split", "train")]
    assert [row.id for row in dataset.splits["train"]] == ["b", "c"]


@pytest.mark.parametrize(("split", "how"), [("val", "val"), ("test", "given")])
def test_pictures_of_the_test_alone_are_all_tested(picture, split, how):
    dataset = assembled([picture(f"{number}.jpg", "dog", split=split) for number in range(4)])
    assert (dataset.division, len(dataset.splits["test"]), len(dataset.splits["train"])) == (Division(how), 4, 0)


@pytest.mark.parametrize("split", ["", "train"])
def test_pictures_of_no_test_are_drawn_anew_by_the_seed(picture, split):
    pictures = [picture(f"{number}.jpg", "dog", split=split) for number in range(40)]
    one, again, other = (assembled(pictures, seed=seed) for seed in (3, 3, 4))
    assert one.division == Division("seeded", 3, 0.2)
    assert len(one.splits["test"]) == 8
    assert one.mended == ()
    assert one.fingerprint() == again.fingerprint() != other.fingerprint()


def test_all_three_splits_are_handed_on(picture):
    dataset = assembled([picture(f"{split}.jpg", "dog", split=split) for split in ("train", "val", "test")])
    assert {split: len(records) for split, records in dataset.splits.items()} == {"train": 1, "val": 1, "test": 1}
    assert dataset.division == Division("given")


# One picture alone, and any at all ------------------------------------------------------------------------------------


def test_a_single_picture_is_checked_as_all_are(picture):
    found, boxes, faults = boxes_of(picture("a.jpg", "dog", "cat", corners=np.array([[0, 0, 2, 1], [3, 0, 4, 1]])), "mine")
    assert boxes.tolist() == [[0, 0, 1, 1]]
    assert found.names == ("dog",)
    assert [(each.id, each.kind) for each in faults.problems] == [("mine", "cut"), ("mine", "outside")]


NUMBERS = st.floats(width=32) | st.integers(-50, 90).map(float) | st.floats(-0.2, 1.2)
WORDS = st.sampled_from(["dog", "cat", "dog#1", "[b]x[/b]", "ü", "개", ""])
SIDES = st.none() | st.tuples(*[st.sampled_from([0.0, -1.0, 30.0, 40.0, 60.0, 80.0, float("nan"), float("inf")])] * 2)


@st.composite
def anything(draw, images):
    corners = draw(st.lists(st.tuples(*[NUMBERS] * 4), max_size=3))
    return Annotated(
        draw(st.sampled_from(["a.jpg", "a.png", "x/a.jpg", "a#dog.jpg", "a.jpg.png", "../a.jpg", "B.jpg", "b.jpg", "한.jpg"])),
        draw(st.sampled_from(images)),
        draw(st.sampled_from(["", "train", "val", "test"])),
        tuple(draw(st.lists(WORDS, max_size=2))),
        tuple(draw(st.lists(WORDS, min_size=len(corners), max_size=len(corners)))),
        np.array(corners, np.float64).reshape(-1, 4),
        draw(SIDES),
        draw(st.booleans()),
        draw(st.sampled_from([None, True, False])),
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    for orientation in range(1, 9):
        tags = Image.Exif()
        tags[0x0112] = orientation
        Image.new("RGB", (40, 30) if orientation % 2 else (30, 30)).save(folder / f"{orientation}.png", exif=tags)
    (folder / "9.png").write_bytes(b"broken")
    return [ImageFile(folder / f"{number}.png") for number in range(1, 11)]  # the last is not there


@pytest.mark.filterwarnings("error")
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_read_comes_to_sound_records(images, data):
    pictures = data.draw(st.lists(anything(images), min_size=1, max_size=9))
    dataset = assembled(pictures, seed=data.draw(st.integers(0, 3)))
    records = rows(dataset)
    assert len({record.id for record in records}) == len(records)
    assert len({record.picture for record in records}) == len({each.path for each in pictures})
    of_picture = {}
    for split, several in dataset.splits.items():
        for record in several:
            assert of_picture.setdefault(record.picture, split) == split
            assert record.label is None or record.label in record.present
    for problem in (*dataset.problems, *dataset.mended):
        assert problem.kind
        assert problem.split == of_picture[problem.id]
    assert dataset.fingerprint() == assembled(pictures, seed=dataset.division.seed or 0).fingerprint()
