"""Verdicts follow the data, and say what they rest on."""

import numpy as np
import pytest

from dogcam.evaluations import Cell
from dogcam.reporting.evidence import Evidence, paired
from dogcam.reporting.findings import best_baseline, caution, findings, spelled
from dogcam.statistics import Difference

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


def test_two_misses_are_not_the_same_box(made):
    """Two boxes beside the object both have IoU 0: only their corners tell whether they are one."""
    made.mirrored = ("gradcam",)
    nothing = np.zeros(8)
    finding = of(verdicts(made, cam2=nothing, cam4=nothing, gradcam2=nothing, gradcam4=nothing), "better than CAM")
    assert finding.verdict == "undecided"
    assert "same box" not in finding.sentence


def test_images_without_a_box_under_both_methods_are_alike(made):
    experiment = made.write()
    evaluation = experiment.evaluation("test", None, "true")
    for cell in evaluation.cells():
        if cell.layer == "conv5_block1_out":
            columns = evaluation.read(cell)
            none = {corner: [None, *columns[corner][1:].tolist()] for corner in ("x0", "y0", "x1", "y1")}
            truth = [boxes.ravel().tolist() for boxes in columns["truth"]]
            evaluation.write(cell, {**columns, **none, "truth": truth})
    (finding,) = [each for each in findings(Evidence.of(experiment)) if "better than CAM" in each.claim]
    assert finding.verdict == "identical"


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
    ],
)
def test_an_interval_that_excludes_zero_shows_so_and_a_tiny_one_is_called_negligible(low, mean, high, text):
    assert spelled(Difference(mean, low, high, 8)) == text


def test_a_sure_but_tiny_difference_is_supported_and_negligible(made):
    tiny = 0.001 + SPREAD / 50
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + tiny, gradcam4=HALF + tiny)
    finding = of(found, "better than CAM")
    assert finding.verdict == "supported"
    assert "], negligible; epoch 4" in finding.sentence


def test_negligible_is_explained_where_it_is_said(made):
    made.ious = {("cam", 2): HALF, ("cam", 4): HALF + 0.001 + SPREAD / 50}
    evidence = Evidence.of(made.write())
    assert "within ±0.005" in caution(evidence, findings(evidence))
    made.name, made.ious = (
        "wide",
        {(m, e): HALF + e * SPREAD * (1 + (m == "cam")) for m in ("cam", "gradcam") for e in (2, 4)},
    )
    evidence = Evidence.of(made.write())
    assert "±" not in caution(evidence, findings(evidence))


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


def test_the_best_box_that_never_looks_is_not_one_of_an_untrained_network(made):
    """Fresh weights have looked at the picture, whatever they have seen; a Gaussian in the middle has not."""
    made.unseen = 0.3
    experiment = made.write()
    (evaluation,) = experiment.evaluations()
    rows = evaluation.read(Cell(0, 0, "whole-image", "", "default"))
    rows["truth"] = [each.ravel().tolist() for each in rows["truth"]]
    for name, layer, iou in (("random-weights", "conv5_block1_out", 0.9), ("centre-gaussian", "input", 0.4)):
        evaluation.write(Cell(0, 0, name, layer, "default"), {**rows, "iou": np.full(8, iou)})
    assert best_baseline(Evidence.of(experiment), "default") == ("centre-gaussian", pytest.approx(0.4))
