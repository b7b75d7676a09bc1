"""Verdicts follow the data, and say what they rest on."""

import json

import numpy as np
import pytest

from dogcam.analysis.evidence import Evidence
from dogcam.analysis.findings import best_baseline, caution, claims_of, findings, rests_on
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.report.wording import interval_reason

IMAGES = 16
SPREAD = np.tile([0.0, 0.02, -0.02, 0.01, -0.01, 0.015, -0.015, 0.0], 2)
NOISE = np.tile([0.2, -0.2], 8)
HALF = np.full(IMAGES, 0.5)


@pytest.fixture
def made(made):
    """With enough images for an interval."""
    made.images = IMAGES
    return made


def add_run(experiment, shift):
    """Run 1 beside run 2: the same tables, their IoU moved by shift[method, epoch]."""
    evaluation = experiment.evaluation("test", None, "true")
    for cell in evaluation.cells():
        if cell.run == 2:
            columns = evaluation.read(cell)
            truth = [boxes.ravel().tolist() for boxes in columns["truth"]]
            iou = columns["iou"] + shift.get((cell.method, cell.epoch), 0)
            moved = Cell(1, cell.epoch, cell.method, cell.layer, cell.protocol)
            evaluation.write(moved, {**columns, "iou": iou, "truth": truth}, evaluation.choice(cell))


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
    nothing = np.zeros(IMAGES)
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
            evaluation.write(cell, {**columns, **none, "truth": truth}, evaluation.choice(cell))
    (finding,) = [each for each in findings(Evidence.of(experiment)) if "better than CAM" in each.claim]
    assert finding.verdict == "identical"


def test_a_sure_but_tiny_difference_is_supported_and_negligible(made):
    tiny = 0.001 + SPREAD / 50
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + tiny, gradcam4=HALF + tiny)
    finding = of(found, "better than CAM")
    assert finding.verdict == "supported"
    assert "], negligible; epoch 4" in finding.sentence


def test_negligible_is_explained_where_it_is_said(made):
    made.ious = {("cam", 2): HALF, ("cam", 4): HALF + 0.001 + SPREAD / 50}
    evidence = Evidence.of(made.write())
    assert "within ±0.005" in caution(evidence, findings(evidence), interval_reason)
    made.name, made.ious = (
        "wide",
        {(m, e): HALF + e * SPREAD * (1 + (m == "cam")) for m in ("cam", "gradcam") for e in (2, 4)},
    )
    evidence = Evidence.of(made.write())
    assert "±" not in caution(evidence, findings(evidence), interval_reason)


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
    assert "+0.400 (no interval)" in of(found, "longer it trains").sentence
    assert "An interval needs 10 images; there is 1." in of(found, "longer it trains").sentence


def test_caution_counts_the_comparisons(made):
    evidence = Evidence.of(made.write())
    found = findings(evidence)
    # Above at 2 epochs, one step of each method, two methods against the baseline; the statement made of two adds none.
    assert len(rests_on(found)) == 6
    assert "6 comparisons" in caution(evidence, found, interval_reason)
    assert "16 images" in caution(evidence, found, interval_reason)


def test_the_best_box_that_never_looks_is_not_one_of_an_untrained_network(made):
    """Fresh weights have looked at the picture, whatever they have seen; a Gaussian in the middle has not."""
    made.unseen = 0.3
    experiment = made.write()
    (evaluation,) = experiment.evaluations()
    rows = evaluation.read(Cell(0, 0, "whole-image", "", "default"))
    rows["truth"] = [each.ravel().tolist() for each in rows["truth"]]
    for name, layer, iou in (("random-weights", "conv5_block1_out", 0.9), ("centre-gaussian", "input", 0.4)):
        evaluation.write(Cell(0, 0, name, layer, "default"), {**rows, "iou": np.full(IMAGES, iou)}, Choice(None))
    assert best_baseline(Evidence.of(experiment), "default") == ("centre-gaussian", pytest.approx(0.4))


def test_falls_and_rises_are_one_statement_of_two(made):
    """The study's: Grad-CAM worse at the last epoch, CAM better at each."""
    found = verdicts(made, cam2=HALF, cam4=HALF + 0.1 + SPREAD, gradcam2=HALF, gradcam4=HALF - 0.1 + SPREAD)
    finding = of(found, "while CAM's get better")
    assert finding.claim == "Grad-CAM's boxes get worse at epoch 4 while CAM's get better from epoch 2 to 4"
    assert finding.verdict == "supported"
    assert [label for label, _ in finding.intervals] == ["Grad-CAM, epoch 4 − epoch 2", "CAM, epoch 4 − epoch 2"]


@pytest.mark.parametrize(
    ("cam", "grad", "verdict"),
    [
        (0.1 + SPREAD, 0.1 + SPREAD, "contradicted"),
        (-0.1 + SPREAD, -0.1 + SPREAD, "contradicted"),
        (NOISE, -0.1 + SPREAD, "undecided"),
        (0.1 + SPREAD, NOISE, "undecided"),
    ],
)
def test_one_part_is_enough_to_contradict_and_not_to_support(made, cam, grad, verdict):
    made.mirrored = ("gradcam",)
    found = verdicts(made, cam2=HALF, cam4=HALF + cam, gradcam2=HALF, gradcam4=HALF + grad)
    assert of(found, "while CAM's get better").verdict == verdict


def test_two_methods_of_one_box_cannot_part(made):
    found = verdicts(made, cam2=HALF, cam4=HALF + 0.1, gradcam2=HALF, gradcam4=HALF + 0.1)
    assert of(found, "while CAM's get better").verdict == "identical"


def test_rising_means_from_every_epoch_to_the_next(made):
    made.epochs = (2, 3, 4)
    found = verdicts(made, cam2=HALF, cam3=HALF + 0.2 + SPREAD, cam4=HALF + 0.1 - SPREAD)
    finding = of(found, "longer it trains")
    assert finding.verdict == "contradicted"
    assert "From epoch 2 to 4 CAM's mean IoU changes by +0.100" in finding.sentence
    assert "epoch 3 − epoch 2: +0.200" in finding.sentence
    assert "epoch 4 − epoch 3: −0.100" in finding.sentence


def test_one_of_two_epochs_that_is_below_by_a_hair_does_not_contradict(made):
    """2.3 standard errors below 0: past the 2.131 of 95 % (t, 15 degrees), short of the 2.490 of 97.5 % for two epochs."""
    hair = -2.3 * SPREAD.std(ddof=1) / np.sqrt(IMAGES)
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + 0.1 + SPREAD, gradcam4=HALF + hair + SPREAD)
    finding = of(found, "better than CAM")
    assert finding.intervals[1][1].verdict == "below"
    assert finding.verdict == "undecided"


@pytest.mark.parametrize(("images", "verdict"), [(9, "undecided"), (10, "supported")])
def test_nine_images_are_too_few_and_the_sentence_says_so(made, images, verdict):
    made.images = images
    gap = (HALF + 0.1 + SPREAD)[:images]
    finding = of(verdicts(made, cam2=0.5, cam4=0.5, gradcam2=gap, gradcam4=gap), "better than CAM")
    assert finding.verdict == verdict
    assert ("An interval needs 10 images; there are 9." in finding.sentence) == (verdict == "undecided")


def test_runs_of_the_same_epochs_are_judged_together(made):
    """+.10 in one run and +.06 in the other, on every image: .08 ± 12.706 · .02, so two runs do not decide."""
    made.ious = {
        (method, epoch): HALF + 0.1 * (method == "gradcam") for method in ("cam", "gradcam") for epoch in (2, 4)
    }
    experiment = made.write()
    assert of({f.claim: f for f in findings(Evidence.of(experiment))}, "better than CAM").verdict == "supported"
    add_run(experiment, {("gradcam", 2): -0.04, ("gradcam", 4): -0.04})
    evidence = Evidence.of(experiment)
    made_of = findings(evidence)
    finding = of({f.claim: f for f in made_of}, "better than CAM")
    low_high = [(found.low, found.high) for _, found in finding.intervals]
    assert low_high == [pytest.approx((0.08 - 0.25412, 0.08 + 0.25412), abs=1e-4)] * 2
    assert finding.verdict == "undecided"
    assert "crossed with 2 runs" in caution(evidence, made_of, interval_reason)
    assert "2 runs hardly show how runs vary" in caution(evidence, made_of, interval_reason)


def test_a_run_that_lacks_an_epoch_is_not_judged_with_the_other(made):
    experiment = made.write()
    add_run(experiment, {})
    (evaluation,) = experiment.evaluations()
    (evaluation.path / Cell(1, 2, "cam", "conv5_block1_out", "default").file_name).unlink()
    assert {found.runs for found in rests_on(findings(Evidence.of(experiment))).values()} == {1}


def test_claims_as_plain_values(made):
    found = findings(Evidence.of(made.write()))
    document = json.loads(json.dumps(claims_of(found), allow_nan=False))
    assert [each["claim"] for each in document] == [each.claim for each in found]
    (never,) = [each for each in document if "without looking" in each["claim"]]
    assert (never["source"], never["protocol"], never["verdict"]) == ("dogcam", "default", "supported")
    assert never["differences"][0]["label"] == "CAM − whole-image, epoch 4"
    assert never["differences"][0]["value"] == pytest.approx(0.55 - 0.3)
    assert never["differences"][0]["n"] == IMAGES
