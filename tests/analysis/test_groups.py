"""Scores by group, against means and counts taken by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dogcam.analysis.groups import Group, Groups, groups
from dogcam.core.choices import GROUPINGS
from dogcam.core.errors import ExperimentError
from dogcam.core.records import from_plain, to_plain
from dogcam.experiment.evaluations import Cell, Choice, Evaluation
from dogcam.statistics import intervals

METHOD = Cell(2, 7, "gradcam", "conv5", "default")
EARLIER = Cell(2, 3, "gradcam", "conv5", "default")
BOX = Cell(0, 0, "whole-image", "", "default")
CLASSES = ("pug", "husky", "boxer")


def square(side):
    return [0.0, 0.0, side, side]


def columns(iou, *, labels=None, predicted=None, truth=None, ids=None):
    n = len(iou)
    none = [None] * n
    return {
        "image": ids or [f"dog-{place}" for place in range(n)],
        "label": [0] * n if labels is None else labels,
        "predicted": none if predicted is None else predicted,
        "target": none,
        "against": [-1] * n,
        "probability": none,
        "rank": none,
        "empty": [False] * n,
        "flagged": [False] * n,
        **dict.fromkeys(("x0", "y0", "x1", "y1"), none),
        "area": [0.0] * n,
        "iou": iou,
        "width": [60] * n,
        "height": [40] * n,
        "truth": [square(0.5)] * n if truth is None else truth,
    }


@pytest.fixture
def made(tmp_path):
    """Writes tables by cell and returns their evaluation."""

    def make(tables):
        evaluation = Evaluation(tmp_path / "test-true")
        for cell, table in tables.items():
            evaluation.write(cell, table, Choice(None))
        return evaluation

    return make


def counted(found):
    return [(group.code, group.n) for group in found.groups]


def of(found, cell):
    return next(line.mean_iou for line in found.lines if line.cell == cell)


def means(found, cell):
    return [each.value for each in of(found, cell)]


def test_by_breed_in_the_order_of_the_classes_without_those_that_have_no_picture(made):
    labels = [2, 0, 2, 0, 0]
    evaluation = made({METHOD: columns([0.1, 0.2, 0.3, 0.4, 0.9], labels=labels), BOX: columns([0.5] * 5, labels=labels)})
    found = groups(evaluation, [BOX, METHOD], "breed", CLASSES)
    assert counted(found) == [("pug", 3), ("boxer", 2)]
    assert [line.cell for line in found.lines] == [METHOD, BOX], "methods first"
    assert means(found, METHOD) == pytest.approx([0.5, 0.2])
    assert means(found, BOX) == pytest.approx([0.5, 0.5])


class TestSize:
    def test_terciles_of_the_evaluated_pictures_named_by_their_bounds(self, made):
        sides = np.sqrt([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])  # the terciles are 0.3 and 0.5
        evaluation = made({METHOD: columns([0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 1.0], truth=[square(s) for s in sides])})
        found = groups(evaluation, [METHOD], "size", CLASSES)
        assert counted(found) == [("small", 2), ("medium", 3), ("large", 2)]
        bounds = [bound for group in found.groups for bound in (group.least, group.most)]
        assert bounds == [None, *map(pytest.approx, (0.3, 0.3, 0.5, 0.5)), None]
        assert means(found, METHOD) == pytest.approx([0.2, 0.6, 0.9])

    def test_a_picture_of_several_boxes_counts_with_their_mean(self, made):
        truth = [square(0.9) + square(0.1), square(0.5), square(0.7)]  # 0.41, 0.25, 0.49
        evaluation = made({METHOD: columns([0.1, 0.2, 0.3], truth=truth)})
        assert means(groups(evaluation, [METHOD], "size", CLASSES), METHOD) == pytest.approx([0.2, 0.1, 0.3])

    def test_animals_of_one_size_are_one_group(self, made):
        found = groups(made({METHOD: columns([0.1, 0.2, 0.3])}), [METHOD], "size", CLASSES)
        assert found.groups == (Group("up-to", 3, most=0.25),)

    def test_where_two_thirds_are_of_one_size_the_rest_is_larger(self, made):
        truth = [square(side) for side in (0.5, 0.5, 0.5, 0.5, 1)]
        found = groups(made({METHOD: columns([0.1] * 5, truth=truth)}), [METHOD], "size", CLASSES)
        assert found.groups == (Group("up-to", 4, most=0.25), Group("larger", 1, least=0.25))

    def test_without_any_box_there_is_no_size(self, made):
        assert groups(made({METHOD: columns([0.1, 0.2], truth=[[], []])}), [METHOD], "size", CLASSES) is None


def test_by_the_number_of_annotated_boxes(made):
    truth = [square(0.5) * k for k in (1, 4, 2, 3, 1)]
    found = groups(made({METHOD: columns([0.1, 0.2, 0.3, 0.4, 0.5], truth=truth)}), [METHOD], "animals", CLASSES)
    assert found.groups == (Group("exactly", 2, 1, 1), Group("exactly", 1, 2, 2), Group("or-more", 2, 3))
    assert means(found, METHOD) == pytest.approx([0.3, 0.3, 0.3])


class TestRight:
    LABELS = (0, 1, 2, 0)

    def tables(self):
        return {
            METHOD: columns([0.1, 0.2, 0.3, 0.4], labels=self.LABELS, predicted=[0, 1, 2, 1]),
            EARLIER: columns([0.5, 0.6, 0.7, 0.8], labels=self.LABELS, predicted=[0, 0, 0, 0]),
            BOX: columns([0.1, 0.3, 0.5, 0.7], labels=self.LABELS),
        }

    def test_each_cell_by_its_own_network_and_baselines_by_the_last(self, made):
        found = groups(made(self.tables()), [METHOD, EARLIER, BOX], "right", CLASSES)
        assert counted(found) == [("right", 3), ("wrong", 1)]
        assert means(found, METHOD) == pytest.approx([0.2, 0.4])
        assert means(found, EARLIER) == pytest.approx([0.65, 0.65])
        assert [each.n for each in of(found, EARLIER)] == [2, 2]
        assert means(found, BOX) == pytest.approx([0.3, 0.7])

    def test_baselines_by_the_network_that_is_named(self, made):
        found = groups(made(self.tables()), [METHOD, BOX], "right", CLASSES, EARLIER)
        assert counted(found) == [("right", 2), ("wrong", 2)]
        assert means(found, METHOD) == pytest.approx([0.2, 0.4])
        assert means(found, BOX) == pytest.approx([0.4, 0.4])
        assert groups(made(self.tables()), [BOX], "right", CLASSES, EARLIER).groups == found.groups

    def test_where_one_network_has_no_picture_in_a_group_there_is_no_mean(self, made):
        tables = {METHOD: columns([0.1, 0.2], predicted=[0, 0]), EARLIER: columns([0.3, 0.4], predicted=[1, 0])}
        found = groups(made(tables), [METHOD, EARLIER], "right", CLASSES)
        assert counted(found) == [("right", 2), ("wrong", 0)]
        assert np.isnan(of(found, METHOD)[1].value)
        assert means(found, EARLIER) == pytest.approx([0.4, 0.3])

    def test_baselines_alone_have_no_network(self, made):
        with pytest.raises(ValueError, match="name the cell of one"):
            groups(made(self.tables()), [BOX], "right", CLASSES)


def test_intervals_are_the_bootstrap_of_the_group_and_none_below_ten_pictures(made):
    labels = [0] * 12 + [1] * 9
    iou = np.random.default_rng(0).uniform(0, 1, 21)
    found = groups(made({METHOD: columns(iou, labels=labels)}), [METHOD], "breed", CLASSES)
    enough, few = of(found, METHOD)
    assert (enough,) == intervals(iou[:12])
    assert enough.low < enough.value < enough.high
    assert np.isnan(few.low)
    assert (few.n, few.reason) == (9, "too-few")
    assert few.value == pytest.approx(iou[12:].mean())


@pytest.mark.parametrize("by", GROUPINGS)
def test_every_grouping_goes_to_json_and_back(made, by):
    tables = {cell: columns([0.1, 0.2, 0.3], predicted=None if cell is BOX else [0, 1, 0]) for cell in (METHOD, BOX)}
    found = groups(made(tables), [METHOD, BOX], by, CLASSES)
    document = json.loads(json.dumps(to_plain(found), allow_nan=False))
    assert to_plain(from_plain(Groups, document)) == document
    assert document["by"] == by
    assert [line["cell"]["method"] for line in document["lines"]] == ["gradcam", "whole-image"]
    assert all(len(line["mean_iou"]) == len(document["groups"]) for line in document["lines"])
    assert sum(group["n"] for group in document["groups"]) == 3


def test_tables_of_other_pictures_are_refused(made):
    evaluation = made({METHOD: columns([0.1, 0.2]), BOX: columns([0.1, 0.2], ids=["dog-0", "cat"])})
    with pytest.raises(ExperimentError, match="different images"):
        groups(evaluation, [METHOD, BOX], "breed", CLASSES)


def test_an_unknown_grouping_and_no_cells_are_refused(made):
    evaluation = made({METHOD: columns([0.1])})
    for cells, by in (([METHOD], "colour"), ([], "breed")):
        with pytest.raises(ValueError, match="grouped by breed, size, animals, right"):
            groups(evaluation, cells, by, CLASSES)


class TestEveryScore:
    """Twelve pugs and twelve huskies; the pugs' boxes are all right, a third of the huskies' are."""

    IOU = np.array([0.6] * 12 + [0.6] * 4 + [0.2] * 8)

    @pytest.fixture
    def scores(self, made):
        table = columns(self.IOU.tolist(), labels=[0] * 12 + [1] * 12, predicted=[0] * 24)
        table |= {"rank": [0] * 12 + [1] * 12, "curve": np.column_stack([self.IOU, self.IOU / 2]).astype(np.float32)}
        table |= {"inside": np.tile([1, 3], (24, 1)), "outside": np.tile([9, 3], (24, 1))}
        table["outside"][12:] = [12, 0]
        (line,) = groups(made({METHOD: table}), [METHOD], "breed", CLASSES).lines
        return line.scores

    def test_shares_medians_and_places_of_each_group(self, scores):
        iou50, median, top1, top5 = (scores[name] for name in ("iou50", "median_iou", "top1_loc", "top5_loc"))
        assert [each.value for each in iou50] == pytest.approx([1, 1 / 3])
        assert [each.value for each in median] == pytest.approx([0.6, 0.2])
        assert [each.value for each in top1] == pytest.approx([1, 0]), "the huskies are taken for pugs"
        assert [each.value for each in top5] == pytest.approx([1, 1 / 3])
        assert iou50[1].low < 1 / 3 < iou50[1].high

    def test_the_oracles_threshold_is_one_for_all_groups(self, scores):
        assert [each.value for each in scores["oracle_iou"]] == pytest.approx([0.6, (4 * 0.6 + 8 * 0.2) / 12])

    def test_pooled_pixels_of_each_group(self, scores):
        """Of pugs 3 of 6, then 4 of 16 pixels: 3/6 * 3/4 + 4/16 * 1/4; of huskies 3 of 3, then 4 of 16."""
        assert [each.value for each in scores["pxap"]] == pytest.approx([0.375 + 0.0625, 0.75 + 0.0625])

    def test_what_does_not_apply_is_none(self, scores):
        assert scores["max_box_acc"] == (None, None), "no protocol was kept that says at which IoU"
