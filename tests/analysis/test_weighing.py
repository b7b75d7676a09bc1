"""Differences are paired by image, with the interval of their kind, and told so that nobody reads more into them."""

import numpy as np
import pytest

from dogcam.analysis.weighing import Topic, aligned, best_unseen, differences, same_boxes, weigh
from dogcam.experiment.evaluations import MapKey
from dogcam.language.numbers import spelled
from dogcam.statistics import Interval, intervals, intervals_over_runs

NAN = float("nan")


def table(images, iou):
    return {"image": np.array(list(images), object), "iou": np.array(iou, float)}


def test_images_are_paired_by_name_not_by_place():
    first, second = table("abc", [0.1, 0.2, 0.9]), table("ba", [0.05, 0.1])
    assert aligned([first, second]).tolist()[:2] == [[0.1, 0.1], [0.2, 0.05]]
    assert np.isnan(aligned([first, second])[2, 1])
    (difference,) = differences({"": ([first], [second])}).values()
    assert difference.n == 2
    assert difference.mean == pytest.approx((0.0 + 0.15) / 2)
    assert np.isnan(difference.low)


def test_the_same_images_in_the_same_order_need_no_looking_up():
    first, second = table("abc", [0.1, 0.2, 0.9]), table("abc", [0.05, 0.1, 0.3])
    assert aligned([first, second]).tolist() == [[0.1, 0.05], [0.2, 0.1], [0.9, 0.3]]


@pytest.mark.parametrize("runs", [1, 3])
def test_rows_of_one_picture_are_drawn_together_whatever_their_order(runs):
    random = np.random.default_rng(runs)
    names = [f"{picture}#{label}" for picture in range(12) for label in range(3)]
    pictures = np.array([name.partition("#")[0] for name in names], object)
    tables = [{**table(names, random.random(36)), "picture": pictures} for _ in range(2 * runs)]
    order = random.permutation(36)
    turned = [{column: values[order] for column, values in each.items()} for each in tables[runs:]]
    (found,) = differences({"": (tables[:runs], turned)}).values()
    apart = np.stack([one["iou"] - other["iou"] for one, other in zip(tables[:runs], tables[runs:], strict=True)])
    (expected,) = (
        intervals(apart[0], pictures=pictures) if runs == 1 else intervals_over_runs(apart[..., None], pictures=pictures)
    )
    assert found == expected
    assert (found.n, found.pictures) == (36, 12)


def test_an_image_that_is_there_twice_counts_once():
    twice = table("aba", [0.1, 0.2, 0.9])
    assert aligned([twice, twice]).tolist() == [[0.9, 0.9], [0.2, 0.2]]


def test_another_figure_of_the_same_images():
    found = aligned([table("ab", [0.1, 0.8])], of=lambda each: each["iou"] > 0.5)
    assert found.tolist() == [[0.0], [1.0]]


def test_runs_are_crossed_with_images():
    """Run 1 is ahead by .10 on every image, run 2 by .06: only runs vary, so the mean is .08 ± 12.706 · .02 (one degree)."""
    images, base = [str(k) for k in range(20)], np.linspace(0.2, 0.7, 20)
    sides = ([table(images, base + 0.10), table(images, base + 0.06)], [table(images, base)] * 2)
    found = differences({"runs": sides, "one": ([table(images, base + 0.10)], [table(images, base)])})
    assert list(found) == ["runs", "one"]
    assert found["runs"].runs == 2
    assert (found["runs"].low, found["runs"].high) == pytest.approx((0.08 - 0.25412, 0.08 + 0.25412), abs=1e-4)
    assert found["one"].mean == pytest.approx(0.10)
    assert found["one"].runs == 1


def test_what_contradicts_is_wider_than_what_is_shown_by_the_size_of_the_family():
    """Against the normal quantiles: of 400 images 95 % is ±1.960 standard errors, 99 % (five at 5 %) ±2.576."""
    iou = np.random.default_rng(0).normal(0, 1, 400)
    images = [str(k) for k in range(400)]
    sides = {"a": ([table(images, iou)], [table(images, np.zeros(400))])}
    found = weigh([Topic("p", "five", sides, 5), Topic("p", "one", sides, 1)])
    error = iou.std(ddof=1) / 20
    widths = [each["a"].high - each["a"].low for each in (found["p", "five"].near, found["p", "five"].wide)]
    assert widths[0] == pytest.approx(2 * 1.960 * error, rel=0.03)
    assert widths[1] == pytest.approx(2 * 2.576 * error, rel=0.04)
    assert found["p", "one"].wide == found["p", "one"].near


def test_images_that_all_tie_decide_nothing():
    sides = {"a": ([table("abcdefghijkl", [0.0] * 12)], [table("abcdefghijkl", [0.0] * 12)])}
    found = weigh([Topic("p", "tie", sides, 2)])["p", "tie"]
    assert found.claim("above").verdict == found.claim("below").verdict == "undecided"


def test_the_best_box_that_never_looks_goes_by_name_among_ties():
    """A network of fresh weights has looked; sums in another order differ in the last digits."""

    def best(means):
        found = best_unseen({MapKey(name, ""): mean for name, mean in means.items()})
        return found and found.method

    small, large, whole = "centre-box-0.8", "centre-box-0.9", "whole-image"
    assert best({"random-weights": 0.9, large: 0.1 + 0.2, small: 0.3, whole: 0.2}) == large
    assert best({large: 0.3, small: 0.1 + 0.2}) == large
    assert best({"random-weights": 0.9, "somebody's": 0.9}) is None


def test_the_same_boxes_are_of_the_same_images_and_none_equals_none():
    one = {**table("ab", [0.5, 0]), **{corner: np.array([0.25, NAN]) for corner in ("x0", "y0", "x1", "y1")}}
    assert same_boxes(one, {**one, "x0": one["x0"] + 1e-7})
    assert not same_boxes(one, {**one, "x0": one["x0"] + 1e-3})
    assert not same_boxes(one, {**one, "y1": np.array([0.25, 1.0])})
    assert not same_boxes(one, {**one, "image": np.array(["a", "c"], object)})


@pytest.mark.parametrize(
    ("low", "mean", "high", "text"),
    [
        (0.0041, 0.012, 0.0199, "+0.012 [+0.004, +0.020]"),
        (0.0003, 0.001, 0.0017, "+0.0010 [+0.0003, +0.0017], negligible"),
        (-0.0017, -0.001, -0.0003, "−0.0010 [−0.0017, −0.0003], negligible"),
        (0.0003, 0.0202, 0.0401, "+0.0202 [+0.0003, +0.0401]"),
        (0.00002, 0.00102, 0.00202, "+0.00102 [+0.00002, +0.00202], negligible"),
        (-0.0004, 0.0203, 0.041, "+0.020 [0.000, +0.041]"),
        (-0.005, 0.0, 0.005, "0.000 [−0.005, +0.005], negligible"),
        (-0.0051, 0.0, 0.005, "0.000 [−0.005, +0.005]"),
        (NAN, 0.2, NAN, "+0.200 (no interval)"),
    ],
)
def test_an_interval_that_excludes_zero_shows_so_and_a_tiny_one_is_called_negligible(low, mean, high, text):
    assert spelled(Interval(mean, low, high, 8)) == text
