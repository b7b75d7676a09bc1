"""Scores of a cell, against sums over the images written out."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from dogcam.metrics import METRICS

IOU = [0.0, 0.29999, 0.3, 0.5, 0.69, 0.7, 1.0, 0.12]
AREA = [0.0, 0.25, 1.0, 0.5]
EMPTY = [True, False, False, False, True]


def score(name, values):
    metric = METRICS[name]
    column, *_ = metric.needs
    return metric.of({column: np.array(values), "picture": np.arange(len(values)), "other": np.zeros(3)})


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("mean_iou", IOU, sum(IOU) / 8),
        ("median_iou", IOU, (0.3 + 0.5) / 2),
        ("sem", IOU, statistics.stdev(IOU) / math.sqrt(8)),
        ("iou30", IOU, 5 / 8),
        ("iou50", IOU, 4 / 8),
        ("iou70", IOU, 2 / 8),
        ("area", AREA, 1.75 / 4),
        ("empty", EMPTY, 2 / 5),
    ],
)
def test_by_hand(name, values, expected):
    assert score(name, values) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "bound"), [("iou30", 0.3), ("iou50", 0.5), ("iou70", 0.7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_iou_on_the_bound_counts(name, bound, dtype):
    """GT-known localisation accuracy is "IoU of at least" (Choe et al. 2020)."""
    below = np.nextafter(dtype(bound), dtype(0))
    assert METRICS[name].of({"iou": np.array([bound, below], dtype)}) == 0.5


def test_a_single_image_has_no_standard_error():
    assert math.isnan(score("sem", [0.5]))


def test_equal_scores_have_no_error():
    assert score("sem", [0.5] * 4) == 0


def test_rows_of_one_picture_are_no_more_sure_than_the_picture():
    """Four pictures, each of two equal rows: the error is that of the four."""
    four = [0.1, 0.5, 0.6, 0.9]
    columns = {"iou": np.repeat(four, 2), "picture": np.repeat(np.arange(4), 2)}
    assert METRICS["sem"].of(columns) == pytest.approx(statistics.stdev(four) / 2)


def test_the_shares_fall_as_the_bound_rises():
    values = np.random.default_rng(0).random(100)
    shares = [score(name, values) for name in ("iou30", "iou50", "iou70")]
    assert shares == sorted(shares, reverse=True)


class TestTopOfTheClasses:
    IOU = np.array([0.5, 0.49, 0.9, 0.9, 0.9, 0.9])
    RANK = np.array([0, 0, 1, 4, 5, np.nan])

    def test_the_class_is_first_and_the_box_right(self):
        """Of the five images with a prediction only the first: the second's box is wrong, the others' class is."""
        assert METRICS["top1_loc"].of({"iou": self.IOU, "rank": self.RANK}) == pytest.approx(1 / 5)

    def test_the_class_is_among_the_first_five_and_the_box_right(self):
        assert METRICS["top5_loc"].of({"iou": self.IOU, "rank": self.RANK}) == pytest.approx(3 / 5)

    def test_a_box_that_asks_no_network_has_none(self):
        assert not METRICS["top1_loc"].applies({"iou": self.IOU, "rank": np.full(6, np.nan)})


class TestChosenOnTheImages:
    # Three images at four thresholds; the means are .5, .6, .5, .2
    CURVE = np.array([[0.6, 0.8, 0.1, 0.0], [0.5, 0.4, 0.9, 0.6], [0.4, 0.6, 0.5, 0.0]], np.float32)

    def test_the_oracle_has_one_threshold_for_all(self):
        """The best of each image would give (.8 + .9 + .6) / 3 = .77, which is not allowed."""
        assert METRICS["oracle_iou"].of({"curve": self.CURVE}) == pytest.approx(0.6)

    def test_the_gap_is_what_the_threshold_in_use_falls_short(self):
        in_use = {"curve": self.CURVE, "iou": self.CURVE[:, 2].astype(float)}
        assert METRICS["oracle_gap"].of(in_use) == pytest.approx(0.1)

    @pytest.mark.parametrize(
        ("levels", "expected"),
        [
            ([0.5], 2 / 3),  # two of three at thresholds 0, 1 and 2
            ([0.3, 0.5, 0.7], (1 + 2 / 3 + 1 / 3) / 3),  # all three at 0; two; one at 1 or 2
        ],
    )
    def test_the_best_share_of_right_boxes_at_each_level(self, levels, expected):
        assert METRICS["max_box_acc"].of({"curve": self.CURVE, "levels": np.array(levels)}) == pytest.approx(expected)

    @pytest.mark.parametrize(("part", "whole"), [(3, 10), (5, 10), (7, 10), (21, 70)])
    def test_an_iou_of_exactly_the_level_is_right(self, part, whole):
        columns = {"curve": np.array([[part / whole], [part / whole - 1e-6]], np.float32)}
        assert METRICS["max_box_acc"].of({**columns, "levels": np.array([round(part / whole, 1)])}) == 0.5

    def test_a_box_without_a_threshold_is_right_or_not(self):
        columns = {"curve": np.array([[0.6], [0.4]], np.float32), "levels": np.array([0.5])}
        assert METRICS["max_box_acc"].of(columns) == 0.5


class TestPixels:
    def test_a_map_that_ranks_all_of_the_object_first_is_perfect(self):
        columns = {"inside": np.array([[0, 0, 3, 2]]), "outside": np.array([[7, 4, 0, 0]])}
        assert METRICS["pxap"].of(columns) == pytest.approx(1)

    def test_an_even_map_has_the_share_of_the_object(self):
        columns = {"inside": np.array([[0, 0, 3]]), "outside": np.array([[0, 0, 9]])}
        assert METRICS["pxap"].of(columns) == pytest.approx(3 / 12)

    def test_pixels_of_all_images_are_pooled(self):
        """From high to low: 1 of 1, then 2 of 4, then 4 of 8 pixels: 1/4 * 1 + 1/4 * 1/2 + 2/4 * 1/2."""
        columns = {"inside": np.array([[1, 1, 0], [1, 0, 1]]), "outside": np.array([[1, 2, 0], [1, 0, 0]])}
        assert METRICS["pxap"].of(columns) == pytest.approx(0.25 + 0.125 + 0.25)

    def test_it_is_the_area_under_precision_and_recall_of_the_references(self):
        """Choe et al.'s own sum, written out over thresholds with a comparison of all pixels at each."""
        rng = np.random.default_rng(3)
        values = np.round(rng.random(500), 2)
        values[0] = 1
        mask = rng.random(500) < 0.2 + 0.6 * values
        edges = np.append(np.arange(100) * (1 / 100), 1).astype(np.float32)
        bins = np.searchsorted(edges, values.astype(np.float32), side="right")
        counts = {name: np.bincount(bins[chosen], minlength=102)[None] for name, chosen in
                  (("inside", mask), ("outside", ~mask))}  # fmt: skip
        area, before = 0.0, 0.0
        for edge in edges[::-1]:
            taken = values.astype(np.float32) >= edge
            if taken.any():
                recall = (taken & mask).sum() / mask.sum()
                area += (taken & mask).sum() / taken.sum() * (recall - before)
                before = recall
        assert METRICS["pxap"].of(counts) == pytest.approx(area)
