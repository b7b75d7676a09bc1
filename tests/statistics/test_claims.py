"""Verdicts on statements, and the published study's two as they would be judged."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.statistics import Interval, all_of, claim, compare, intervals

INF, NAN = float("inf"), float("nan")


def between(low, high):
    return Interval((low + high) / 2, low, high, 100)


@pytest.mark.parametrize(
    ("low", "high", "above", "below"),
    [
        (0.01, 0.02, "supported", "contradicted"),
        (-0.02, -0.01, "contradicted", "supported"),
        (-0.01, 0.02, "undecided", "undecided"),
        (0.0, 0.02, "undecided", "contradicted"),
        (0.0, 0.0, "contradicted", "contradicted"),
        (-INF, INF, "undecided", "undecided"),
        (NAN, NAN, "undecided", "undecided"),
    ],
)
def test_an_interval_on_a_direction(low, high, above, below):
    assert claim({"": between(low, high)}, "above").verdict == above
    assert claim({"": between(low, high)}, "below").verdict == below


@pytest.mark.parametrize(
    ("low", "high", "above", "below", "same"),
    [
        (0.006, 0.02, "supported", "contradicted", "contradicted"),
        (0.004, 0.02, "undecided", "contradicted", "undecided"),
        (0.001, 0.004, "contradicted", "contradicted", "supported"),
        (-0.004, 0.004, "contradicted", "contradicted", "supported"),
        (-0.02, 0.02, "undecided", "undecided", "undecided"),
        (-0.02, -0.006, "contradicted", "supported", "contradicted"),
        (NAN, NAN, "undecided", "undecided", "undecided"),
    ],
)
def test_with_a_margin(low, high, above, below, same):
    for direction, verdict in (("above", above), ("below", below), ("same", same)):
        assert claim({"": between(low, high)}, direction, margin=0.005).verdict == verdict


@pytest.mark.parametrize(
    ("intervals", "verdict"),
    [
        ([(0.1, 0.2), (0.1, 0.3)], "supported"),
        ([(0.1, 0.2), (-0.1, 0.3)], "undecided"),
        ([(0.1, 0.2), (-0.3, -0.1)], "contradicted"),
        ([(-0.1, 0.2), (-0.3, -0.1)], "contradicted"),
    ],
)
def test_every_one_must_and_any_one_can_contradict(intervals, verdict):
    found = claim({f"epoch {k}": between(*each) for k, each in enumerate(intervals)}, "above")
    assert found.verdict == verdict
    assert list(found.each) == ["epoch 0", "epoch 1"]


def test_wider_intervals_may_decide_about_contradiction():
    """One of many epochs dips by chance: at the confidence for many comparisons it does not."""
    seen, wider = ({"3": between(0.1, 0.2), "5": between(-0.2, -0.01)}, {"3": between(0.05, 0.25), "5": between(-0.3, 0.05)})
    assert claim(seen, "above").verdict == "contradicted"
    assert claim(seen, "above", contradicting=wider).verdict == "undecided"


def test_how_often_a_true_claim_is_contradicted_and_a_false_one_supported():
    """Differences of exactly 0: neither direction may be supported in more than 2.5 % of the samples."""
    rng = np.random.default_rng(0)
    found = intervals(rng.normal(0, 1, (30, 2000)), resamples=1000)
    for direction in ("above", "below"):
        supported = np.mean([claim({"": each}, direction).verdict == "supported" for each in found])
        assert supported == pytest.approx(0.025, abs=0.012)


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    image = rng.normal(0, 0.1, 2000)
    means = {"cam": (0.782, 0.793, 0.800), "gradcam": (0.881, 0.883, 0.816)}
    return {
        name: {e: m + image + rng.normal(0, 0.05, 2000) for e, m in zip((3, 5, 7), row, strict=True)}
        for name, row in means.items()
    }


class TestTheStudysStatements:
    """Scores with the published means: Grad-CAM .881, .883, .816 and CAM .782, .793, .800 at epochs 3, 5, 7."""

    def test_gradcam_above_cam_at_every_epoch(self, scores):
        subtracted = np.column_stack([scores["gradcam"][e] - scores["cam"][e] for e in (3, 5, 7)])
        found = intervals(subtracted, resamples=1000)
        differences = {f"epoch {e}": each for e, each in zip((3, 5, 7), found, strict=True)}
        assert claim(differences, "above").verdict == "supported"
        assert claim(differences, "above", margin=0.05).verdict == "contradicted"
        assert claim(differences, "same", margin=0.01).verdict == "contradicted"

    def test_gradcam_falls_at_epoch_7_and_cam_rises(self, scores):
        pairs = {}
        for name in scores:
            columns = np.column_stack(list(scores[name].values()))
            pairs[name] = compare(columns, ("3", "5", "7"), [("5", "3"), ("7", "5")], resamples=500)
        falls = claim({"7 − 5": pairs["gradcam"][1]}, "below")
        rises = claim({f"{p.first} − {p.second}": p for p in pairs["cam"]}, "above")
        assert (falls.verdict, rises.verdict, all_of([falls.verdict, rises.verdict])) == ("supported",) * 3
        steady = claim({f"{p.first} − {p.second}": p for p in pairs["gradcam"]}, "above")
        assert steady.each["7 − 5"] == "contradicted"
        assert all_of([falls.verdict, steady.verdict]) == "contradicted"

    def test_too_few_images_decide_nothing(self, scores):
        columns = np.column_stack([scores["gradcam"][7][:9], scores["gradcam"][5][:9]])
        assert claim({"": compare(columns, ("7", "5"))[0]}, "below").verdict == "undecided"


@pytest.mark.parametrize(
    ("differences", "direction", "options", "match"),
    [
        ({}, "above", {}, "0 differences"),
        ({"": between(0, 1)}, "up", {}, "above, below, same; received 'up'"),
        ({"": between(0, 1)}, "above", {"margin": -0.1}, "margin"),
        ({"": between(0, 1)}, "above", {"margin": NAN}, "margin"),
        ({"": between(0, 1)}, "same", {}, "margin"),
        ({"a": between(0, 1)}, "above", {"contradicting": {"b": between(0, 1)}}, "same differences"),
    ],
)
def test_what_cannot_be_is_refused(differences, direction, options, match):
    with pytest.raises(ValueError, match=match):
        claim(differences, direction, **options)
