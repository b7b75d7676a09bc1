"""What is in a dataset, against numbers that can be counted by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from annotated import BOX, dataset, lying

from dogcam.analysis.inspection import CELLS, Inspection, Spread, by_kind, covered, inspected
from dogcam.core.progress import Progress
from dogcam.core.records import from_plain, meanings, to_plain
from dogcam.data import Dataset, Problem, Record
from dogcam.data.contents import copies, odd_classes, read_contents


def inspect(made, samples=24):
    contents = read_contents(made.splits, Progress())
    found = (*contents.problems, *copies(made.splits, contents), *odd_classes(made))
    return inspected(made, contents.by_picture, found, samples)


class TestCovered:
    @pytest.mark.parametrize("cells", [2, 4])
    def test_a_quarter_of_the_picture(self, cells):
        expected = np.zeros((cells, cells))
        expected[: cells // 2, cells // 2 :] = 1
        assert covered(np.array([[0.5, 0, 1, 0.5]]), cells) == pytest.approx(expected)

    def test_a_cell_that_is_covered_in_part(self):
        # The left half of the left column, the upper quarter of the lower row.
        box = np.array([[0, 0, 0.25, 0.625]])
        assert covered(box, 2) == pytest.approx(np.array([[0.5, 0], [0.125, 0]]))

    def test_the_mean_over_boxes_keeps_their_mean_area(self):
        boxes = np.sort(np.random.default_rng(0).random((7, 2, 2)), axis=1).reshape(7, 4)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        assert covered(boxes, 8).mean() == pytest.approx(areas.mean())

    def test_without_boxes_nothing_is_covered(self):
        assert not covered(np.zeros((0, 4)), 3).any()


def test_quantiles_of_nothing_are_none_and_of_few_lie_between_them():
    assert Spread.of(np.array([])) is None
    assert Spread.of(np.arange(101.0)) == Spread(0, 5, 50, 95, 100)


def test_counts_by_split_and_class(tmp_path):
    found = inspect(dataset(tmp_path, a1={"boxes": [BOX, (0, 0, 0.5, 0.5)]}, b3={"boxes": []}))
    assert [(s.split, s.pictures, s.unreadable, s.boxed, s.rows, s.boxes) for s in found.splits] == [
        ("train", 4, 0, 4, 4, 5),
        ("test", 2, 0, 1, 2, 1),
    ]
    assert [(c.name, dict(c.pictures), dict(c.boxes)) for c in found.classes] == [
        ("ape", {"train": 2, "test": 1}, {"train": 3, "test": 1}),
        ("bee", {"train": 2, "test": 1}, {"train": 2, "test": 0}),
    ]
    assert found.pictures == 6
    assert dict(found.boxes.each_picture) == {0: 1, 1: 4, 2: 1}


def test_sizes_of_boxes_are_in_pixels_of_their_own_picture(tmp_path):
    boxes = inspect(dataset(tmp_path)).boxes
    assert boxes.area == Spread(0.25, 0.25, 0.25, 0.25, 0.25)
    assert (boxes.width, boxes.height) == (Spread(20, 20, 20, 20, 20), Spread(15, 15, 15, 15, 15))
    assert boxes.mean == BOX
    assert np.shape(boxes.covered) == (CELLS, CELLS)
    assert boxes.areas[5] == sum(boxes.areas) == 6  # 25 % is the first of the bin up to 30 %


@pytest.mark.parametrize(("name", "iou"), [("whole-image", 0.25), ("centre-box-0.8", 0.25 / 0.64), ("mean-training-box", 1)])
def test_boxes_that_never_look_have_the_iou_of_two_boxes_round_one_centre(name, iou, tmp_path):
    found = {each.name: each for each in inspect(dataset(tmp_path)).unseen}
    assert found[name].iou == pytest.approx({"train": iou, "test": iou}, abs=1e-6)
    assert found[name].rows == {"train": 4, "test": 2}


def test_the_best_is_of_the_test_split_where_that_has_boxes(tmp_path):
    assert inspect(dataset(tmp_path)).best_unseen[1] == "test"
    bare = {each: {"boxes": []} for each in ("a3", "b3")}
    found = inspect(dataset(tmp_path, **bare))
    assert found.best_unseen[0].name == "mean-training-box"
    assert found.best_unseen[1] == "train"
    none = {each: {"boxes": []} for each in ("a1", "a2", "b1", "b2", *bare)}
    assert inspect(dataset(tmp_path, **none)).best_unseen is None


def test_what_cannot_be_read_is_not_scored(tmp_path):
    found = inspect(lying(tmp_path))
    assert [each.unreadable for each in found.splits] == [1, 0]
    assert found.unseen[0].rows == {"train": 3, "test": 2}


def test_every_row_of_a_picture_counts(tmp_path):
    made = dataset(tmp_path)
    (first, *rest) = made.splits["train"]
    rows = [replace(first, id=f"a1#{label}", label=label, picture="a1", present=(0, 1)) for label in (0, 1)]
    found = inspect(replace(made, splits={**made.splits, "train": (*rows, *rest)}, multilabel=True))
    assert (found.splits[0].pictures, found.splits[0].rows, found.splits[0].boxes) == (4, 5, 5)
    assert found.unseen[0].rows["train"] == 5
    assert dict(found.boxes.each_picture) == {1: 5, 2: 1}


def test_findings_are_counted_by_kind_the_most_first():
    problems = [Problem(str(k), "", kind=kind) for k, kind in enumerate(("cut", "", "outside", "outside"))]
    kinds = by_kind(problems, False, named=1)
    assert [(each.kind, each.count, len(each.first)) for each in kinds] == [("outside", 2, 1), ("cut", 1, 1), ("", 1, 1)]


def test_every_problem_is_in_one_kind(tmp_path):
    found = inspect(lying(tmp_path))
    assert Counter(each.kind for each in found.problems) == {"cut": 1, "unreadable": 1, "leak": 1}
    assert {each.kind: each.count for each in found.kinds if not each.mended} == Counter(e.kind for e in found.problems)
    assert [each.kind for each in found.kinds if each.mended] == ["swapped"]


def test_an_inspection_is_read_back_equal_and_says_what_its_fields_mean(tmp_path):
    found = inspect(lying(tmp_path))
    plain = to_plain(found)
    assert to_plain(from_plain(Inspection, plain)).keys() == plain.keys() == meanings(Inspection).keys()
    assert plain["unseen"][0]["box"] == [0, 0, 1, 1]


def test_nothing_at_all_is_no_error():
    found = inspect(Dataset("empty", (), {"train": (), "test": ()}))
    assert (found.pictures, found.width, found.boxes.area, found.samples, found.best_unseen) == (0, None, None, (), None)


def test_a_picture_of_no_class_is_counted(tmp_path):
    made = dataset(tmp_path)
    background = Record("none", made.splits["train"][0].image, None)
    found = inspect(replace(made, splits={**made.splits, "train": (*made.splits["train"], background)}))
    assert found.splits[0].pictures == 5
    assert found.classes[0].total == 3
