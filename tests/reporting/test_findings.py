"""Verdicts follow the data, and say what they rest on."""

import numpy as np
import pytest

from dogcam.reporting.evidence import Evidence, paired
from dogcam.reporting.findings import caution, findings

SPREAD = np.array([0.0, 0.02, -0.02, 0.01, -0.01, 0.015, -0.015, 0.0])
NOISE = np.array([0.2, -0.2, 0.2, -0.2, 0.2, -0.2, 0.2, -0.2])
HALF = np.full(8, 0.5)


def verdicts(made, protocol="default", **ious):
    made.ious = {(name[:-1], int(name[-1])): values for name, values in ious.items()}
    found = findings(Evidence.of(made.write()))
    return {finding.claim: finding for finding in found if finding.protocol == protocol}


def of(found, words):
    (finding,) = [finding for claim, finding in found.items() if words in claim]
    return finding


@pytest.mark.parametrize(
    ("gap", "verdict"), [(0.1 + SPREAD, "supported"), (-0.1 + SPREAD, "contradicted"), (0.01 + NOISE, "undecided")]
)
def test_gradcam_above_cam(made, gap, verdict):
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + gap, gradcam4=HALF + gap)
    finding = of(found, "better than CAM")
    assert finding.verdict == verdict
    assert len(finding.intervals) == 2
    assert finding.intervals[0][1].mean == pytest.approx(gap.mean())


def test_one_epoch_of_two_is_not_every_epoch(made):
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + 0.1 + SPREAD, gradcam4=HALF - 0.1 + SPREAD)
    assert of(found, "better than CAM").verdict == "contradicted"


def test_equal_rows_are_called_identical_and_the_algebra_is_given(made):
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF, gradcam4=HALF)
    finding = of(found, "better than CAM")
    assert finding.verdict == "identical"
    assert "ReLU(CAM)/(h·w)" in finding.sentence
    assert "cuts negative values from both" in finding.sentence


def test_a_protocol_that_keeps_negative_values_is_named_as_the_cause(made):
    made.protocols = ("cam2016",)
    found = verdicts(made, "cam2016", cam2=HALF, cam4=HALF, gradcam2=HALF + 0.1, gradcam4=HALF + 0.1 + SPREAD)
    assert "keeps CAM's negative values" in of(found, "better than CAM").sentence


@pytest.mark.parametrize(
    ("change", "rises", "falls"),
    [
        (0.1 + SPREAD, "supported", "contradicted"),
        (-0.1 + SPREAD, "contradicted", "supported"),
        (NOISE, "undecided", "undecided"),
    ],
)
def test_change_with_training(made, change, rises, falls):
    found = verdicts(made, cam2=HALF, cam4=HALF + change, gradcam2=HALF, gradcam4=HALF + change)
    assert of(found, "longer it trains").verdict == rises
    assert of(found, "last epoch").verdict == falls


@pytest.mark.parametrize(("unseen", "verdict"), [(0.3, "supported"), (0.7, "contradicted"), (0.5, "undecided")])
def test_never_looking(made, unseen, verdict):
    made.unseen = unseen
    found = verdicts(made, cam4=HALF + SPREAD, gradcam4=HALF + SPREAD)
    assert of(found, "without looking").verdict == verdict
    assert "whole-image" in of(found, "without looking").sentence


def test_one_epoch_says_nothing_of_change(made):
    made.epochs = (4,)
    found = verdicts(made)
    assert not [claim for claim in found if "longer" in claim or "last epoch" in claim]


def test_one_image_decides_nothing(made):
    made.images = made.samples = 1
    found = verdicts(made, cam2=0.5, cam4=0.9, gradcam2=0.6, gradcam4=0.1)
    assert {finding.verdict for finding in found.values()} == {"undecided"}
    assert "one image: no interval" in of(found, "longer it trains").sentence


def test_images_are_paired_by_name_not_by_place():
    first = {"image": np.array(["a", "b", "c"]), "iou": np.array([0.1, 0.2, 0.9])}
    second = {"image": np.array(["b", "a"]), "iou": np.array([0.1, 0.1])}
    difference = paired(first, second)
    assert difference.n == 2
    assert difference.mean == pytest.approx(0.05)


def test_caution_counts_the_comparisons(made):
    evidence = Evidence.of(made.write())
    found = findings(evidence)
    total = sum(len(finding.intervals) for finding in found)
    assert f"{total} comparisons" in caution(evidence, found)
    assert "8 images" in caution(evidence, found)
