"""Which pictures are for training: as given, or drawn."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dogcam.data import Division
from dogcam.data.splits import TEST_SHARE, divided, drawn, split_named


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *((name, "train") for name in ("train", "Training", "train2017")),
        *((name, "val") for name in (" VAL ", "valid", "validation", "dev", "val2017")),
        *((name, "test") for name in ("test", "TEST")),
        *((name, "") for name in ("trainval", "", "images")),
    ],
)
def test_what_people_call_a_split(name, split):
    assert split_named(name) == split


SEEDED = Division("seeded", 5, TEST_SHARE)


@pytest.mark.parametrize(
    ("given_splits", "splits", "division"),
    [
        (["train", "test", "train"], ["train", "test", "train"], Division("given")),
        (["train", "test", "val"], ["train", "test", "val"], Division("given")),
        (["train", "val", "train"], ["train", "test", "train"], Division("val")),
        (["train", "test", ""], ["train", "test", "train"], Division("given")),
        (["train", "val", ""], ["train", "test", "train"], Division("val")),
        *((several, None, SEEDED) for several in (["train"] * 3, [""] * 3)),
        *((several, None, SEEDED) for several in (["train", "", "train"], ["test", "", ""])),
        (["test"] * 3, ["test"] * 3, Division("given")),
        (["val"] * 3, ["test"] * 3, Division("val")),
        (["val", "test", "test"], ["val", "test", "test"], Division("given")),
    ],
)
def test_what_is_given_holds_where_it_has_both_parts(given_splits, splits, division):
    ids, classes = ["a", "b", "c"], [["dog"]] * 3
    assert divided(ids, given_splits, classes, 5) == (splits or drawn(ids, classes, 5), division)


@pytest.mark.parametrize(("count", "tested"), [(1, 0), (2, 1), (4, 1), (7, 1), (8, 2), (10, 2), (100, 20), (999, 200)])
def test_a_fifth_of_every_class_is_for_the_test(count, tested):
    ids = [f"{name}{number}" for name in ("ant", "bee") for number in range(count)]
    splits = drawn(ids, [[identity[:3]] for identity in ids], 0)
    found = Counter(identity[:3] for identity, split in zip(ids, splits, strict=True) if split == "test")
    assert [found["ant"], found["bee"]] == [tested] * 2


def test_pictures_without_a_class_are_drawn_as_one():
    splits = drawn([str(number) for number in range(50)], [["dog"]] * 25 + [[]] * 25, 0)
    assert Counter(splits[:25])["test"] == Counter(splits[25:])["test"] == 5


def test_the_draw_is_the_same_everywhere_and_for_ever():
    """In another process with other hashes of strings, and next year: what was recorded once must come again."""
    tested = drawn([f"dog-{number}" for number in range(20)], [["dog"]] * 20, 7)
    assert [number for number, split in enumerate(tested) if split == "test"] == [6, 9, 10, 16]
    code = "from dogcam.data.splits import drawn; n = range(50); print(drawn([*map(str, n)], [['ab'[k % 2]] for k in n], 3))"
    outputs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


CLASSES = st.lists(st.sampled_from("abcdef"), max_size=3, unique=True)


@settings(max_examples=300, deadline=None)
@given(st.lists(CLASSES, max_size=40), st.integers(0, 9), st.randoms())
def test_any_draw_depends_on_ids_alone_and_leaves_something_of_all_classes(classes, seed, random):
    ids = [f"p{number}" for number in range(len(classes))]
    splits = dict(zip(ids, drawn(ids, classes, seed), strict=True))
    assert set(splits.values()) <= {"train", "test"}
    order = list(range(len(ids)))
    random.shuffle(order)
    mixed = [random.sample(classes[place], len(classes[place])) for place in order]
    assert dict(zip([ids[place] for place in order], drawn([ids[place] for place in order], mixed, seed), strict=True)) == splits
    for name in "abcdef":
        own = [splits[identity] for identity, several in zip(ids, classes, strict=True) if name in several]
        if len(own) == 1 and all(len(several) < 2 for several in classes):
            assert own == ["train"]
        if len(own) > 1 and all(len(several) < 2 for several in classes):
            assert set(own) == {"train", "test"}


def test_a_class_that_is_only_in_pictures_of_rarer_ones_is_in_both_parts():
    """Every picture counts for a class of its own kind, which has one: all would be for training."""
    ids = [str(number) for number in range(4)]
    splits = drawn(ids, [["dog", "rare1"], ["dog", "rare1"], ["dog", "rare2"], ["dog", "rare2"]], 0)
    for few in (splits[:2], splits[2:], splits):
        assert set(few) == {"train", "test"}
    lone = drawn(ids, [["dog", "a"], ["dog"], ["dog", "b"], ["dog", "c"]], 0)
    assert lone == ["train", "test", "train", "train"] or Counter(lone)["train"] == 3
