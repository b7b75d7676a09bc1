"""The first lines of the page are true of all evaluated methods, and say what was tested."""

import numpy as np
import pytest

from dogcam.experiment.evaluations import Cell, Choice
from dogcam.report.page import compose

HALF, SPREAD = np.full(16, 0.5), np.tile([0.0, 0.02, -0.02, 0.01], 4)


PAIRED = ("cam", "gradcam", "hirescam", "layercam")


def told(made, cam, gradcam, unseen=0.5, **changes):
    """The report of 16 images whose boxes fit by that much, every epoch alike."""
    made.images, made.unseen = 16, unseen
    made.ious = {
        (m, e): np.clip(iou, 0, 1) for m, iou in zip(PAIRED, (cam, gradcam) * 2, strict=True) for e in made.epochs
    }
    for name, value in changes.items():
        setattr(made, name, value)
    return compose(made.write())


@pytest.mark.parametrize(
    ("cam", "gradcam", "headline"),
    [
        (0.2, 0.2, "The heatmaps' boxes fit better than a box drawn without looking"),
        (-0.2, -0.2, "The heatmaps' boxes fit worse than a box drawn without looking"),
        (10 * SPREAD, 10 * SPREAD, "Not settled: do the heatmaps' boxes beat a box drawn without looking?"),
        (0.2, -0.2, "Of 4 methods only CAM draws boxes that fit better than a box drawn without looking"),
        (-0.2, 10 * SPREAD, "No method's boxes are shown to fit better than a box drawn without looking"),
        (
            -0.2,
            0.2,
            "Of 4 methods only Grad-CAM at conv3_block1_out, Grad-CAM at conv4_block1_out and Grad-CAM draw boxes that",
        ),
    ],
)
def test_the_headline_follows_the_data(made, cam, gradcam, headline):
    document = told(made, HALF + cam + SPREAD, HALF + gradcam + SPREAD, mirrored=("gradcam",))
    assert document.headline.startswith(headline)


def test_a_method_outside_the_pooled_layer_can_be_the_answer(made):
    """What holds of the pooled layer need not hold of all: here only the input lies above the box that never looks."""
    made.images, made.unseen, made.methods = 16, 0.5, ("cam",)
    made.ious = {("cam", epoch): HALF - 0.2 + SPREAD for epoch in made.epochs}
    written = made.write()
    evaluation = written.evaluation("test", None, "true")
    rows = evaluation.read(Cell(2, 4, "cam", "conv5_block1_out", "default"))
    rows["truth"] = [each.ravel().tolist() for each in rows["truth"]]
    evaluation.write(
        Cell(2, 4, "saliency", "input", "default"),
        {**rows, "x1": rows["x1"] * 0.9, "iou": HALF + 0.2 + SPREAD},
        Choice(0.15),
    )
    document = compose(written)
    assert (
        document.headline
        == "Of 2 methods only saliency at the input draws boxes that fit better than a box drawn without looking"
    )
    first, second, beside, third = document.answer[:4]
    assert first.startswith(
        "On 16 images, under protocol default at epoch 4, saliency at the input has the highest mean IoU"
    )
    assert beside.startswith(
        "The highest mean IoU is above that of the best box that never looks at the picture, whole-"
    )
    assert "whole-image (0.500); the difference is +0.202 [" in beside
    assert second.startswith("It lies above the other method, CAM, by +0.400")
    assert third == "CAM is below that box."
    assert document.facts[0] == ("0.702", "highest mean IoU (saliency at the input, epoch 4)")


def test_one_method_alone_is_named(made):
    assert told(made, HALF + 0.2 + SPREAD, HALF, methods=("cam",)).headline.startswith("CAM's boxes fit better than")


def test_what_draws_the_same_boxes_and_what_is_not_told_apart_is_said(made):
    three = {"methods": ("cam", "hirescam", "layercam"), "mirrored": ("layercam",)}
    answer = " ".join(told(made, HALF + 0.001 + SPREAD, HALF + 10 * SPREAD - 0.1, **three).answer)
    assert "CAM and HiResCAM draw the same boxes, as the algebra says they must when handled alike." in answer
    assert (
        "They are not told apart from LayerCAM. The highest mean IoU is not told apart from that of the best" in answer
    )
    assert "best box that never looks at the picture, whole-image (0.500); the difference is " in answer
    assert "LayerCAM is not told apart from that box." in answer


def test_a_method_may_draw_the_same_boxes_as_a_box_that_never_looks(made):
    made.methods, made.images = ("cam",), 16
    experiment = made.write()
    evaluation = experiment.evaluation("test", None, "true")
    rows = evaluation.read(Cell(0, 0, "whole-image", "", "default"))
    rows["truth"] = [each.ravel().tolist() for each in rows["truth"]]
    evaluation.write(Cell(2, 4, "fem", "conv5_block1_out", "default"), rows, Choice(0.15))
    answer = " ".join(compose(experiment).answer)
    assert "FEM and whole-image draw the same boxes." in answer
    assert "It lies above the other method, FEM, by" in answer


def test_the_studys_claims_and_where_a_protocol_says_otherwise(made):
    made.protocols = ("default", "cam2016")
    answer = " ".join(told(made, HALF, HALF + 0.1 + SPREAD, mirrored=("gradcam",)).answer)
    assert "The study found that Grad-CAM's boxes fit better than CAM's at each epoch (here supported)" in answer
    assert "that CAM's boxes fit better the longer it trains (here undecided)" in answer
    assert " while " not in answer
    made.name = "alike"
    answer = " ".join(told(made, HALF, HALF + 0.001 + SPREAD / 50, mirrored=()).answer)
    assert "(here supported, by a negligible difference)" in answer


def test_each_other_protocol_has_a_sentence_of_its_own(made):
    made.protocols = ("default", "cam2016")
    document = told(made, HALF + 0.1 + SPREAD, HALF + 0.2 + SPREAD, mirrored=("gradcam",))
    (under,) = [each for each in document.answer if each.startswith("Under protocol")]
    assert under.startswith("Under protocol cam2016 the highest mean IoU is that of Grad-CAM")
    assert "], above the best such box there, whole-image (0.500); the difference is +0.202 [" in under


def test_of_many_methods_three_are_named_and_the_rest_counted(made):
    six = ("cam", "layercam", "hirescam", "fem", "eigencam", "xgradcam", "mean-activation")
    made.ious = {(m, e): HALF + 0.1 + np.roll(10 * SPREAD, k) for k, m in enumerate(six) for e in made.epochs}
    made.images, made.methods = 16, six
    made.mirrored = six[1:]
    answer = " ".join(compose(made.write()).answer)
    assert " and 3 more draw the same boxes." in answer


def test_several_runs_that_were_scored_alike_are_one_answer(made):
    made.images, made.ious = 16, {(m, e): HALF for m in ("cam", "gradcam") for e in (2, 4)}
    experiment = made.write()
    evaluation = experiment.evaluation("test", None, "true")
    for cell in evaluation.cells():
        if cell.run == 2:
            rows = evaluation.read(cell)
            rows["truth"] = [each.ravel().tolist() for each in rows["truth"]]
            other = Cell(1, cell.epoch, cell.method, cell.layer, cell.protocol)
            evaluation.write(other, {**rows, "iou": rows["iou"] + 0.2}, Choice(0.15))
    assert "(means over runs 1 and 2)" in compose(experiment).answer[0]
    assert ": 0.600 [" in compose(experiment).answer[0]
    (evaluation.path / Cell(1, 4, "cam", "conv5_block1_out", "default").file_name).unlink()
    assert "means over" not in compose(experiment).answer[0]
    assert ": 0.500 [" in compose(experiment).answer[0]
