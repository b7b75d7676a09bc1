"""The words of codes and numbers: each phrase once, every code in every language."""

import re
from dataclasses import replace

import pytest

from dogcam.analysis.comparison import Line
from dogcam.experiment.evaluations import MapKey
from dogcam.language import speaking
from dogcam.report.wording import interval_described, interval_reason, interval_words, same_reason
from dogcam.statistics import Agreement, Interval
from dogcam.statistics.intervals import METHODS, REASONS

NAN = float("nan")
SURE = Interval(0.5, 0.4, 0.6, 8580, "bca")
NONE = Interval(0.5, NAN, NAN, 4, "none", reason="too-few")


def line(*names, same=None, by_algebra=False):
    return Line(tuple(MapKey(name, "last") for name in names), SURE, 1, "a", same, by_algebra, True, None)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (SURE, "95 % BCa bootstrap, 8,580 images"),
        (replace(SURE, method="t", n=80, confidence=0.9, runs=3), "90 % Student's t, runs and images crossed, 80 images, 3 runs"),
        (replace(SURE, n=1060, pictures=364), "95 % BCa bootstrap, 1,060 rows of 364 images"),
        (
            replace(SURE, method="t", n=90, pictures=30, runs=3),
            "95 % Student's t, runs and images crossed, 90 rows of 30 images, 3 runs",
        ),
    ],
)
def test_how_an_interval_was_made(interval, words):
    assert interval_described(interval) == interval_words(interval) == words


@pytest.mark.parametrize(
    ("reason", "n", "runs", "words"),
    [
        ("", 40, 1, ""),
        ("too-few", 9, 1, "9 scored images are too few for an interval: 10 are needed"),
        ("too-few", 9, 2, "9 images scored in every run are too few for an interval: 10 are needed"),
        ("undefined", 0, 1, "the denominators add up to 0"),
        ("constant", 40, 1, "all 40 images agree: resampling cannot tell what others, up to 7.2% of images, would do"),
        ("one-sided", 40, 1, "BCa is not defined here: all resamples lie on one side of the figure"),
        ("few", 20, 1, "of only 20 images: where scores are skewed, the interval is too narrow"),
        ("few-runs", 40, 2, "too narrow where runs differ much: 2 runs hardly show how runs vary"),
    ],
)
def test_what_is_to_be_known_of_an_interval(reason, n, runs, words):
    assert interval_reason(replace(SURE, reason=reason, n=n, runs=runs)) == words


def test_where_there_is_no_interval_its_words_are_why():
    assert interval_words(NONE) == interval_reason(NONE)


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("reason", [code for code in REASONS if code])
def test_every_reason_has_a_korean(reason, runs):
    with speaking("ko"):
        told = interval_reason(replace(SURE, reason=reason, runs=runs))
    assert re.search("[가-힣]", told)
    assert not re.search("[A-Za-z]", told.replace("BCa", ""))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_korean(method):
    with speaking("ko"):
        assert re.search("[가-힣]", interval_described(replace(SURE, method=method)))


@pytest.mark.parametrize(
    ("same", "by_algebra", "words"),
    [
        (Agreement(0.995, NAN, 1400, 0), False, "the same box on 99.50% of 1,400 images"),
        (Agreement(NAN, 1e-4, 0, 5), False, "maps of 5 images differ by 0.0001 at most"),
        (
            Agreement(1, 0, 40, 5),
            True,
            "the same box on 100.00% of 40 images; maps of 5 images differ by 0 at most: with a logit score and pooling on this "
            "layer, Grad-CAM and its kin are ReLU(CAM)/hw",
        ),
    ],
)
def test_why_two_count_as_one(same, by_algebra, words):
    assert same_reason(line("a", "b", same=same, by_algebra=by_algebra)) == words
    assert same_reason(line("a", "b", "c", same=same, by_algebra=by_algebra)) == f"every two of them: {words}"
    assert same_reason(line("a")) == ""
