"""Verdicts follow the data, and say what they rest on."""

import json

import numpy as np
import pytest
from made_up import Made

from dogcam.analysis.claims import Claim, Difference, claims, rests_on
from dogcam.analysis.comparison import comparisons, spoken
from dogcam.analysis.tables import Tables
from dogcam.core.records import fields_of, from_plain, to_plain
from dogcam.experiment.evaluations import Cell, MapKey

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
    for cell in experiment.evaluations()[0].cells():
        if cell.run == 2:
            moved = shift.get((cell.method, cell.epoch), 0)
            Made.rewrite(experiment, cell, {"run": 1}, iou=lambda known, moved=moved: known["iou"] + moved)


def claims_of(experiment):
    tables = Tables.of(experiment, *experiment.evaluations())
    return claims(tables, comparisons(tables))


def verdicts(made, protocol="default", **ious):
    made.ious = {(name[:-1], int(name[-1])): values for name, values in ious.items()}
    return {each.claim: each for each in claims_of(made.write()) if each.protocol == protocol}


def between(claim):
    """What is subtracted from what, by difference."""
    return [(each.method, each.other, each.epoch, each.earlier) for each in claim.differences]


@pytest.mark.parametrize(
    ("gap", "verdict"), [(0.1 + SPREAD, "supported"), (-0.1 + SPREAD, "contradicted"), (0.01 + NOISE, "undecided")]
)
def test_gradcam_above_cam(made, gap, verdict):
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + gap, gradcam4=HALF + gap)
    assert (found["above"].verdict, found["above"].source) == (verdict, "study")
    assert between(found["above"]) == [("gradcam", "cam", 2, None), ("gradcam", "cam", 4, None)]
    assert found["above"].differences[0].interval.value == pytest.approx(gap.mean())


def test_one_epoch_of_two_is_not_every_epoch(made):
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + 0.1 + SPREAD, gradcam4=HALF - 0.1 + SPREAD)
    assert found["above"].verdict == "contradicted"


def test_equal_rows_are_called_identical_and_the_handling_is_given(made):
    above = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF, gradcam4=HALF)["above"]
    assert (above.verdict, above.relu, above.score) == ("identical", True, "logit")


def test_two_misses_are_not_the_same_box(made):
    """Two boxes beside the object both have IoU 0: only their corners tell whether they are one."""
    made.mirrored = ("gradcam",)
    nothing = np.zeros(IMAGES)
    found = verdicts(made, cam2=nothing, cam4=nothing, gradcam2=nothing, gradcam4=nothing)
    assert found["above"].verdict == "undecided"


def test_images_without_a_box_under_both_methods_are_alike(made):
    experiment = made.write()
    corners = {corner: lambda known, corner=corner: [None, *known[corner][1:].tolist()] for corner in ("x0", "y0", "x1", "y1")}
    made.rewrite(experiment, lambda cell: cell.layer == "conv5_block1_out", **corners)
    assert claims_of(experiment)[0].verdict == "identical"


def test_a_sure_but_tiny_difference_is_supported(made):
    tiny = 0.001 + SPREAD / 50
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + tiny, gradcam4=HALF + tiny)
    assert found["above"].verdict == "supported"


def test_a_protocol_that_keeps_negative_values_is_named_as_the_cause(made):
    made.protocols = ("cam2016",)
    found = verdicts(made, "cam2016", cam2=HALF, cam4=HALF, gradcam2=HALF + 0.1, gradcam4=HALF + 0.1 + SPREAD)
    assert (found["above"].relu, found["above"].score) == (False, "logit")


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
    assert found["rises"].verdict == rises
    assert found["falls"].verdict == falls


@pytest.mark.parametrize(("unseen", "verdict"), [(0.3, "supported"), (0.7, "contradicted"), (0.5, "undecided")])
def test_never_looking(made, unseen, verdict):
    made.unseen = unseen
    found = verdicts(made, cam4=HALF + SPREAD, gradcam4=HALF + SPREAD)
    assert found["beats"].verdict == verdict
    assert between(found["beats"]) == [(method, "whole-image", 4, None) for method in ("cam", "gradcam")]
    assert (found["beats"].source, found["beats"].box_iou) == ("dogcam", pytest.approx(unseen))


def test_one_epoch_says_nothing_of_change(made):
    made.epochs = (4,)
    assert set(verdicts(made)) == {"above", "beats"}


def test_one_image_decides_nothing(made):
    made.images = made.samples = 1
    found = verdicts(made, cam2=0.5, cam4=0.9, gradcam2=0.6, gradcam4=0.1)
    assert {claim.verdict for claim in found.values()} == {"undecided"}
    (step,) = found["rises"].differences
    assert (step.interval.value, step.interval.n, step.interval.method) == (pytest.approx(0.4), 1, "none")


def test_every_comparison_counts_once(made):
    found = claims_of(made.write())
    # Above at 2 epochs, one step of each method, two methods against the baseline; the statement made of two adds none.
    assert len(rests_on(found)) == 6
    assert {each.interval.n for _, each in rests_on(found)} == {IMAGES}


def test_the_best_box_that_never_looks_is_not_one_of_an_untrained_network(made):
    """Fresh weights have looked at the picture, whatever they have seen; a Gaussian in the middle has not."""
    made.unseen = 0.3
    experiment = made.write()
    for name, layer, iou in (("random-weights", "conv5_block1_out", 0.9), ("centre-gaussian", "input", 0.4)):
        to = {"method": name, "layer": layer}
        made.rewrite(experiment, lambda cell: cell.method == "whole-image", to, iou=np.full(IMAGES, iou))
    tables = Tables.of(experiment, *experiment.evaluations())
    found = spoken(comparisons(tables), tables.run, "default")
    assert (found.unseen, found.unseen_iou.value) == (MapKey("centre-gaussian", "input"), pytest.approx(0.4))
    beats = claims_of(experiment)[-1]
    assert ({each.other for each in beats.differences}, beats.box_iou) == ({"centre-gaussian"}, pytest.approx(0.4))


def test_falls_and_rises_are_one_statement_of_two(made):
    """The study's: Grad-CAM worse at the last epoch, CAM better at each."""
    found = verdicts(made, cam2=HALF, cam4=HALF + 0.1 + SPREAD, gradcam2=HALF, gradcam4=HALF - 0.1 + SPREAD)
    assert (found["parts"].verdict, found["parts"].of_parts) == ("supported", ("supported", "supported"))
    assert between(found["parts"]) == [("gradcam", None, 4, 2), ("cam", None, 4, 2)]


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
    assert found["parts"].verdict == verdict


def test_two_methods_of_one_box_cannot_part(made):
    found = verdicts(made, cam2=HALF, cam4=HALF + 0.1, gradcam2=HALF, gradcam4=HALF + 0.1)
    assert found["parts"].verdict == "identical"


def test_rising_means_from_every_epoch_to_the_next(made):
    made.epochs = (2, 3, 4)
    found = verdicts(made, cam2=HALF, cam3=HALF + 0.2 + SPREAD, cam4=HALF + 0.1 - SPREAD)
    rises = found["rises"]
    assert rises.verdict == "contradicted"
    assert (rises.whole.epoch, rises.whole.earlier, rises.whole.interval.value) == (4, 2, pytest.approx(0.1))
    assert between(rises) == [("cam", None, 3, 2), ("cam", None, 4, 3)]
    assert [each.interval.value for each in rises.differences] == pytest.approx([0.2, -0.1])


def test_one_of_two_epochs_that_is_below_by_a_hair_does_not_contradict(made):
    """2.3 standard errors below 0: past the 2.131 of 95 % (t, 15 degrees), short of the 2.490 of 97.5 % for two epochs."""
    hair = -2.3 * SPREAD.std(ddof=1) / np.sqrt(IMAGES)
    found = verdicts(made, cam2=HALF, cam4=HALF, gradcam2=HALF + 0.1 + SPREAD, gradcam4=HALF + hair + SPREAD)
    assert found["above"].differences[1].interval.verdict == "below"
    assert found["above"].verdict == "undecided"


@pytest.mark.parametrize(("images", "verdict"), [(9, "undecided"), (10, "supported")])
def test_nine_images_are_too_few(made, images, verdict):
    made.images = images
    gap = (HALF + 0.1 + SPREAD)[:images]
    above = verdicts(made, cam2=0.5, cam4=0.5, gradcam2=gap, gradcam4=gap)["above"]
    assert above.verdict == verdict
    assert (above.differences[0].interval.method == "none") == (verdict == "undecided")


def test_runs_of_the_same_epochs_are_judged_together(made):
    """+.10 in one run and +.06 in the other, on every image: .08 ± 12.706 · .02, so two runs do not decide."""
    made.ious = {(method, epoch): HALF + 0.1 * (method == "gradcam") for method in ("cam", "gradcam") for epoch in (2, 4)}
    experiment = made.write()
    assert claims_of(experiment)[0].verdict == "supported"
    add_run(experiment, {("gradcam", 2): -0.04, ("gradcam", 4): -0.04})
    above = claims_of(experiment)[0]
    intervals = [each.interval for each in above.differences]
    assert [(each.low, each.high) for each in intervals] == [pytest.approx((0.08 - 0.25412, 0.08 + 0.25412), abs=1e-4)] * 2
    assert (above.verdict, {each.runs for each in intervals}) == ("undecided", {2})


def test_a_run_that_lacks_an_epoch_is_not_judged_with_the_other(made):
    experiment = made.write()
    add_run(experiment, {})
    (evaluation,) = experiment.evaluations()
    (evaluation.path / Cell(1, 2, "cam", "conv5_block1_out", "default").file_name).unlink()
    *studys, beats = claims_of(experiment)
    assert {each.interval.runs for _, each in rests_on(studys)} == {1}
    assert {each.interval.runs for _, each in rests_on([beats])} == {2}, "of epoch 4 alone, that both were scored at"


@pytest.mark.parametrize("images", [IMAGES, 1])
def test_claims_are_json_and_back(made, images):
    made.images = made.samples = images
    made.epochs = (2, 3, 4)
    found = claims_of(made.write())
    document = json.loads(json.dumps([to_plain(each) for each in found], allow_nan=False))
    assert [each["claim"] for each in document] == ["above", "rises", "falls", "parts", "beats"]
    again = tuple(from_plain(Claim, each) for each in document)
    assert [to_plain(each) for each in again] == document
    assert again == found or images == 1  # where there is no interval NaN stands, which equals nothing
    assert len(rests_on(again)) == len(rests_on(found)) == 9


def test_what_a_claim_rests_on_as_plain_values(made):
    beats = to_plain(claims_of(made.write())[-1])
    assert (beats["source"], beats["protocol"], beats["verdict"]) == ("dogcam", "default", "supported")
    first = beats["differences"][0]
    assert (first["method"], first["other"], first["epoch"], first["earlier"]) == ("cam", "whole-image", 4, None)
    assert (first["interval"]["value"], first["interval"]["n"]) == (pytest.approx(0.55 - 0.3), IMAGES)


def test_every_field_says_what_it_means():
    assert not {name for kind in (Claim, Difference) for name, meaning in fields_of(kind) if not meaning and "." not in name}
