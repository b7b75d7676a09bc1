"""Claims in words: each case has its sentence, its numbers are in it, and what all of them leave open is said."""

from dataclasses import replace

import pytest

from dogcam.analysis.claims import Claim, Difference
from dogcam.report.claims_words import caution, claim_words, difference_label, sentence, source_words, verdict_words
from dogcam.report.wording import interval_reason
from dogcam.statistics import Interval

NAN = float("nan")
UP, DOWN, OPEN = Interval(0.1, 0.08, 0.12, 16, "bca"), Interval(-0.1, -0.12, -0.08, 16), Interval(0.01, -0.1, 0.12, 16)
TINY, NONE = Interval(0.001, 0.0008, 0.0012, 16), Interval(0.4, NAN, NAN, 1, "none")


def difference(method, other, epoch, earlier, interval):
    return Difference(method, other, epoch, earlier, interval, interval.verdict)


def above(verdict="supported", first=UP, **changes):
    resting = tuple(difference("gradcam", "cam", epoch, None, each) for epoch, each in ((2, first), (4, UP)))
    return Claim("above", "study", "default", verdict, resting, **{"relu": True, "score": "logit", **changes})


def steps(method, *made, first=2):
    return tuple(difference(method, None, epoch + 1, epoch, each) for epoch, each in enumerate(made, start=first))


def beats(*made):
    resting = tuple(difference(method, "centre-gaussian", 4, None, each) for method, each in made)
    return Claim("beats", "dogcam", "default", "undecided", resting, box_iou=0.3)


def parts(verdict="contradicted"):
    resting = (*steps("gradcam", DOWN, first=3), *steps("cam", UP, DOWN))
    return Claim("parts", "study", "default", verdict, resting, of_parts=("supported", "contradicted"))


def test_a_difference_has_a_label():
    assert difference_label(above().differences[0]) == "Grad-CAM − CAM, epoch 2"
    assert difference_label(steps("cam", UP)[0]) == "CAM, epoch 3 − epoch 2"
    assert difference_label(difference("cam", "whole-image", 4, None, UP)) == "CAM − whole-image, epoch 4"


def test_the_sentence_holds_every_difference_and_calls_a_tiny_one_negligible():
    told = sentence(above(first=TINY))
    assert "epoch 2: +0.0010 [+0.0008, +0.0012], negligible; epoch 4: +0.100 [+0.080, +0.120]" in told


def test_every_verdict_has_a_sentence_of_its_own():
    made = [above(each) for each in ("supported", "contradicted", "undecided", "identical")]
    made += [Claim(name, "study", "p", each.verdict, steps("cam", UP)) for name in ("rises", "falls") for each in made[:3]]
    made += [parts(), parts("identical")]
    assert len({sentence(each) for each in made}) == len(made)


def test_of_identical_boxes_the_algebra_is_given():
    told = sentence(above("identical", first=NONE))
    assert "ReLU(CAM)/(h·w)" in told
    assert "An interval needs" not in told


@pytest.mark.parametrize(
    ("verdict", "relu", "score", "words"),
    [
        ("identical", True, "logit", "cuts negative values from both"),
        ("identical", False, "logit", "but below its threshold"),
        ("supported", False, "logit", "keeps CAM's negative values, which Grad-CAM does not have."),
        ("supported", True, "softmax", "under protocol default gradients are of the softmax"),
        ("supported", False, "softmax", "and takes gradients of the softmax"),
    ],
)
def test_the_handling_is_named_as_the_cause(verdict, relu, score, words):
    assert words in sentence(above(verdict, relu=relu, score=score))
    assert words not in sentence(above(verdict, relu=None, score=None))


@pytest.mark.parametrize(("n", "words"), [(1, "there is 1."), (9, "there are 9.")])
def test_too_few_images_are_said(n, words):
    told = sentence(above("undecided", first=replace(NONE, n=n)))
    assert "epoch 2: +0.400 (no interval)" in told
    assert f"An interval needs 10 images; {words}" in told


def test_a_rise_of_several_steps_has_the_whole_and_each():
    whole = difference("cam", None, 4, 2, UP)
    told = sentence(Claim("rises", "study", "p", "contradicted", steps("cam", UP, DOWN), whole))
    assert "From epoch 2 to 4 CAM's mean IoU changes by +0.100" in told
    assert "epoch 3 − epoch 2: +0.100" in told
    assert "epoch 4 − epoch 3: −0.100" in told
    told = sentence(Claim("rises", "study", "p", "supported", steps("cam", UP)))
    assert "From epoch 2 to 3 CAM's mean IoU changes by +0.100" in told
    assert "Step by step" not in told


def test_one_statement_of_two():
    assert claim_words(parts()) == "Grad-CAM's boxes get worse at epoch 4 while CAM's get better from epoch 2 to 4"
    told = sentence(parts())
    assert "from epoch 3 to 4 is supported (−0.100" in told
    assert "both together are contradicted" in told


def test_methods_are_told_by_their_side_of_the_best_box():
    told = sentence(beats(("cam", DOWN), ("gradcam", OPEN), ("layercam", DOWN)))
    assert told.startswith("At epoch 4, against the best box that never looks at the picture (centre Gaussian, mean IoU 0.300)")
    assert "Grad-CAM cannot be told apart for certain; those of CAM and LayerCAM fit worse" in told


def test_claims_verdicts_and_sources_are_shown_in_words():
    assert len({claim_words(each) for each in (above(), parts(), beats(("cam", UP)))}) == 3
    assert verdict_words("undecided") == "undecided"
    assert source_words("study") == "the study's claim"


class TestCaution:
    def test_comparisons_outside_the_family_and_images_are_counted(self):
        told = caution([above(), above(), beats(("cam", UP))], "16 images", False)
        assert "2 of them, between CAM and Grad-CAM" in told
        assert "paired over the same 16 images" in told
        assert "trained on these" not in told
        assert "Bonferroni" not in caution([beats(("cam", UP))], "16 images", False)

    def test_negligible_is_explained_where_it_is_said(self):
        assert "within ±0.005" in caution([above(first=TINY)], "16 images", False)
        assert "±" not in caution([above()], "16 images", False)

    def test_runs_and_training_images(self):
        crossed = replace(UP, runs=2, method="t")
        assert "crossed with 2 runs" in caution([above(first=crossed)], "16 images", False)
        assert "2 or 3 runs" in caution([beats(("cam", crossed), ("fem", replace(crossed, runs=3)))], "16 images", False)
        few = [replace(each, reason="few-runs") for each in (crossed, TINY)]
        told = [caution([beats(("cam", each))], "16 images", False) for each in few]
        assert [interval_reason(few[0]) in each for each in told] == [True, False]
        assert "trained on these" in caution([above()], "16 training images", True)
