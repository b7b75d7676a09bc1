"""Which pictures are chosen to be looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from annotated import BOX, dataset, lying, picture

from dogcam.analysis.samples import samples_of
from dogcam.core.progress import Progress
from dogcam.data import Problem
from dogcam.data.contents import read_contents


def chosen(made, problems=(), limit=24):
    contents = read_contents(made.splits, Progress()).by_picture
    return {each.picture: each.rules for each in samples_of(made, contents, problems, limit)}


@pytest.fixture
def varied(tmp_path):
    """The smallest box in b3, the largest in a2, three of middling size elsewhere; a3 is wide, b1 tall and has two boxes."""
    return dataset(
        tmp_path,
        a2={"boxes": [(0, 0, 1, 1)]},
        b3={"boxes": [(0, 0, 0.1, 0.1)]},
        a3={"image": picture(tmp_path, "a3", (90, 10))},
        b1={"image": picture(tmp_path, "b1", (10, 90)), "boxes": [BOX, (0, 0, 0.6, 0.6)]},
    )


def test_extremes_then_classes(varied):
    rules = chosen(varied)
    assert rules["b3"][0] == "smallest-box"
    assert rules["a2"][0] == "largest-box"
    assert {"most-boxes", "tallest"} < set(rules["b1"])
    assert "widest" in rules["a3"]
    assert sum("median-box" in each for each in rules.values()) == 1
    assert "class" in rules["a1"]
    assert "b2" not in rules  # nothing about it is the first or the most


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_findings_come_first_and_no_more_than_asked_for(limit, varied):
    problems = [Problem("b2", "", kind="cut"), Problem("a1", "", kind="cut"), Problem("not there", "", kind="missing")]
    rules = chosen(varied, problems, limit)
    assert len(rules) == limit
    assert next(iter(rules.items())) == ("b2", ("cut",))


def test_a_picture_that_cannot_be_read_is_not_chosen(tmp_path):
    made = lying(tmp_path)
    assert "b2" not in chosen(made, [Problem("b2", "", kind="unreadable")])


def test_of_a_class_one_with_a_box_is_shown(tmp_path):
    rules = chosen(dataset(tmp_path, a1={"boxes": []}))
    assert "class" in rules["a2"]


def test_the_same_every_time_and_with_all_boxes_of_a_picture(varied):
    contents = read_contents(varied.splits, Progress()).by_picture
    first, again = (samples_of(varied, contents, (), 24) for _ in range(2))
    assert first == again
    (two,) = [each for each in first if each.picture == "b1"]
    assert (len(two.boxes), two.width, two.height, two.classes, two.split) == (2, 10, 90, ("bee",), "train")


def test_rows_of_a_picture_are_one_sample_with_all_classes(tmp_path):
    made = dataset(tmp_path)
    first, *rest = made.splits["train"]
    rows = [replace(first, id=f"a1#{label}", label=label, picture="a1", present=(0, 1)) for label in (0, 1)]
    made = replace(made, splits={**made.splits, "train": (*rows, *rest)})
    contents = read_contents(made.splits, Progress()).by_picture
    (both,) = [each for each in samples_of(made, contents, (), 24) if each.picture == "a1"]
    assert (both.classes, len(both.boxes)) == (("ape", "bee"), 2)
