"""What only the contents of pictures show, on small pictures whose bytes are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from annotated import dataset, picture
from PIL import Image

from dogcam.core.progress import Progress
from dogcam.data import Dataset, Record
from dogcam.data.contents import copies, hash_contents, odd_classes, read_contents
from dogcam.data.images import ImageFile
from dogcam.data.synthetic.breeds import BREEDS
from dogcam.data.synthetic.dataset import Drawing

BREED = next(iter(BREEDS))


def read(splits):
    return read_contents(splits, Progress())


def found(made):
    return [(each.id, each.kind, each.split, each.lost) for each in copies(made.splits, read(made.splits))]


class TestContents:
    def test_a_size_is_height_and_width(self, tmp_path):
        made = dataset(tmp_path, a1={"image": picture(tmp_path, "wide", (60, 20))})
        contents = read(made.splits)
        assert contents.by_picture["a1"].shape == (20, 60)
        assert contents.problems == ()
        assert len(contents.by_picture) == 6

    @pytest.mark.parametrize(("upright", "shape"), [(False, (20, 60)), (True, (60, 20))])
    def test_a_picture_is_turned_as_its_boxes_want_it(self, upright, shape, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (60, 20), (1, 2, 3)).save(tmp_path / "t.jpg", exif=exif)
        record = Record("t", ImageFile(tmp_path / "t.jpg", upright), 0)
        contents = read({"train": (record,)})
        assert contents.by_picture["t"].shape == shape == record.image.pixels().shape[:2]

    @pytest.mark.parametrize("cut", [0, 10, 400])
    def test_what_cannot_be_read_is_named_with_its_reason_and_without_its_path(self, cut, tmp_path):
        made = dataset(tmp_path)
        (tmp_path / "b1.jpg").write_bytes((tmp_path / "b1.jpg").read_bytes()[:cut])
        contents = read(made.splits)
        (problem,) = contents.problems
        assert (problem.id, problem.split, problem.lost, problem.kind) == ("b1", "train", True, "unreadable")
        assert str(tmp_path) not in problem.reason
        assert "b1" not in contents.by_picture

    def test_of_drawn_pictures_the_pixels_are_hashed(self):
        rows = [Record(str(seed), Drawing(BREED, seed, 40, 30), 0) for seed in (1, 2)]
        rows.append(replace(rows[0], id="again", picture="again"))
        contents = read({"train": rows})
        digests = [contents.by_picture[row.id].digest for row in rows]
        assert digests[0] == digests[2] != digests[1]
        assert contents.by_picture["1"].shape == (30, 40)

    def test_hashing_alone_gives_the_same_digests_and_leaves_drawn_pictures_out(self, tmp_path):
        made = dataset(tmp_path)
        drawn = Record("drawn", Drawing(BREED, 1, 40, 30), 0)
        splits = {**made.splits, "train": (*made.splits["train"], drawn)}
        hashed, contents = hash_contents(splits, Progress()), read(splits)
        assert {each: content.digest for each, content in hashed.by_picture.items()} == {
            each: content.digest for each, content in contents.by_picture.items() if each != "drawn"
        }


class TestCopies:
    def test_different_pictures_are_none(self, tmp_path):
        assert found(dataset(tmp_path)) == []

    def test_within_a_split(self, tmp_path):
        same = {each: {"image": picture(tmp_path, each, of="same")} for each in ("a1", "a2")}
        assert found(dataset(tmp_path, **same)) == [("a1", "copy", "train", False)]

    def test_across_splits(self, tmp_path):
        same = {each: {"image": picture(tmp_path, each, of="same")} for each in ("b2", "b3")}
        made = dataset(tmp_path, **same)
        assert found(made) == [("b2", "leak", "train", False)]
        (problem,) = copies(made.splits, read(made.splits))
        assert "b3 (test)" in problem.reason

    def test_a_group_of_copies_is_one_finding(self, tmp_path):
        same = {each: {"image": picture(tmp_path, each, of="same")} for each in ("a1", "a2", "a3")}
        assert found(dataset(tmp_path, **same)) == [("a1", "leak", "train", False)]

    @pytest.mark.parametrize(
        ("change", "words"), [({}, ""), ({"label": 1}, "another class"), ({"boxes": [(0, 0, 1, 1)]}, "other boxes")]
    )
    def test_that_disagree_are_said_to(self, change, words, tmp_path):
        same = {each: {"image": picture(tmp_path, each, of="same")} for each in ("a1", "a2")}
        same["a2"] |= change
        made = dataset(tmp_path, **same)
        (problem,) = copies(made.splits, read(made.splits))
        assert words in problem.reason
        assert ("," in problem.reason) == bool(words)

    def test_rows_of_one_picture_are_no_copies(self, tmp_path):
        image = picture(tmp_path, "p")
        rows = tuple(Record(f"p#{label}", image, label, picture="p", present=(0, 1)) for label in (0, 1))
        assert copies({"train": rows}, read({"train": rows})) == ()


class TestClasses:
    def dataset(self, boxes=((0, 1), (0, 1)), train=(0, 1), test=(0, 1)):
        """`boxes`: for each split, the labels whose rows have a box."""
        box, image = np.array([[0, 0, 1, 1]], np.float32), Drawing(BREED, 1, 40, 30)
        splits = {
            split: tuple(Record(f"{split}{each}", image, each, box[: each in boxed]) for each in labels)
            for split, labels, boxed in (("train", train, boxes[0]), ("test", test, boxes[1]))
        }
        return Dataset("d", ("ape", "bee", "never there"), splits)

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, []),
            ({"test": (0,)}, [("bee", "one-split", "train")]),
            ({"train": (1,)}, [("ape", "one-split", "test")]),
            ({"test": ()}, []),  # a set of one split has all of its classes there
            ({"boxes": ((0,), (0,))}, [("bee", "unboxed-class", "")]),
            ({"boxes": ((0,), (0, 1))}, []),
            ({"boxes": ((), ())}, []),  # a set without boxes is no worse for it
        ],
    )
    def test_those_in_one_split_and_those_without_a_box(self, options, expected):
        assert [(each.id, each.kind, each.split) for each in odd_classes(self.dataset(**options))] == expected
