"""The first lines of the page are true of all evaluated methods, and say what was tested."""

import numpy as np
import pytest

from dogcam.experiment.evaluations import Cell
from dogcam.language.numbers import spelled
from dogcam.report import answer
from dogcam.report.material import Material
from dogcam.report.page import compose
from dogcam.statistics import Interval, Pair

HALF, SPREAD = np.full(16, 0.5), np.tile([0.0, 0.02, -0.02, 0.01], 4)
PAIRED = ("cam", "gradcam", "hirescam", "layercam")
POOLED = "conv5_block1_out"


def written(made, cam, gradcam, unseen=0.5, **changes):
    """An experiment of 16 images whose boxes fit by that much, every epoch alike."""
    made.images, made.unseen = 16, unseen
    made.ious = {(m, e): np.clip(iou, 0, 1) for m, iou in zip(PAIRED, (cam, gradcam) * 2, strict=True) for e in made.epochs}
    for name, value in changes.items():
        setattr(made, name, value)
    return made.write()


def told(*args, **changes):
    """Its report."""
    return compose(written(*args, **changes))


def family(experiment):
    """The analysis, and the family that the answer rests on."""
    analysis = Material.of(experiment).analysis
    return analysis, analysis.spoken()


@pytest.mark.parametrize(
    ("cam", "gradcam", "headline"),
    [
        (0.2, 0.2, "The heatmaps' boxes fit better than a box drawn without looking"),
        (-0.2, -0.2, "The heatmaps' boxes fit worse than a box drawn without looking"),
        (10 * SPREAD, 10 * SPREAD, "Not settled: do the heatmaps' boxes beat a box drawn without looking?"),
        (0.2, -0.2, "Of 4 methods only CAM draws boxes that fit better than a box drawn without looking"),
        (-0.2, 10 * SPREAD, "No method's boxes are shown to fit better than a box drawn without looking"),
        (-0.2, 0.2, "Of 4 methods only Grad-CAM at conv3_block1_out, Grad-CAM at conv4_block1_out and Grad-CAM draw boxes that"),
    ],
)
def test_the_headline_follows_the_data(made, cam, gradcam, headline):
    document = told(made, HALF + cam + SPREAD, HALF + gradcam + SPREAD, mirrored=("gradcam",))
    assert document.headline.startswith(headline)


def test_a_method_outside_the_pooled_layer_can_be_the_answer(made):
    """What holds of the pooled layer need not hold of all: here only the input lies above the box that never looks."""
    made.images, made.unseen, made.methods = 16, 0.5, ("cam",)
    made.ious = {("cam", epoch): HALF - 0.2 + SPREAD for epoch in made.epochs}
    experiment = made.write()
    elsewhere = {"method": "saliency", "layer": "input"}
    made.rewrite(
        experiment, Cell(2, 4, "cam", POOLED, "default"), elsewhere, x1=lambda known: known["x1"] * 0.9, iou=HALF + 0.2 + SPREAD
    )
    document, (_, found) = compose(experiment), family(experiment)
    assert [(key.method, key.layer) for key in found.methods_of(found.on_side("above"))] == [("saliency", "input")]
    assert [key.method for key in found.methods_of(found.on_side("below"))] == ["cam"]
    assert "saliency at the input" in document.headline
    said = " ".join(document.answer)
    for words in ("16 images", "protocol default at epoch 4", "whole-image", "(0.500), by +0.202 [", "CAM, by +0.400"):
        assert words in said
    assert document.facts[0] == ("0.702", "highest mean IoU (saliency at the input, epoch 4)")


def test_one_method_alone_is_named(made):
    assert told(made, HALF + 0.2 + SPREAD, HALF, methods=("cam",)).headline.startswith("CAM's boxes fit better than")


def test_what_draws_the_same_boxes_and_what_is_not_told_apart_is_said(made):
    three = {"methods": ("cam", "hirescam", "layercam"), "mirrored": ("layercam",)}
    analysis, found = family(written(made, HALF + 0.001 + SPREAD, HALF + 10 * SPREAD - 0.1, **three))
    first, second = found.looking
    assert ([key.method for key in first.maps], first.by_algebra) == (["cam", "hirescam"], True)
    assert (first.verdict, second.verdict, found.between(first, second).verdict) == ("undecided",) * 3
    (same,) = answer.same(found, POOLED)
    assert same.startswith("CAM and HiResCAM draw the same boxes, as the algebra says")
    sentences = answer.sentences(analysis, found)
    assert "They are not told apart from LayerCAM." in sentences
    assert "LayerCAM is not told apart from that box." in sentences
    assert "whole-image" in sentences[0]


def test_a_method_may_draw_the_same_boxes_as_a_box_that_never_looks(made):
    made.methods, made.images = ("cam",), 16
    experiment = made.write()
    to = {"run": 2, "epoch": 4, "method": "fem", "layer": POOLED}
    made.rewrite(experiment, Cell(0, 0, "whole-image", "", "default"), to)
    _, found = family(experiment)
    assert answer.same(found, POOLED) == ["FEM and whole-image draw the same boxes."]
    assert [[key.method for key in found.methods_of([line])] for line in found.looking] == [["cam"], ["fem"]]
    assert "It lies above the other method, FEM, by" in " ".join(compose(experiment).answer)


def test_the_studys_claims_and_where_a_protocol_says_otherwise(made):
    made.protocols = ("default", "cam2016")
    said = " ".join(told(made, HALF, HALF + 0.1 + SPREAD, mirrored=("gradcam",)).answer)
    assert "The study found that Grad-CAM's boxes fit better than CAM's at each epoch (here supported)" in said
    assert "that CAM's boxes fit better the longer it trains (here undecided)" in said
    assert " while " not in said
    made.name = "alike"
    said = " ".join(told(made, HALF, HALF + 0.001 + SPREAD / 50, mirrored=()).answer)
    assert "(here supported, by a negligible difference)" in said


def test_each_other_protocol_has_a_sentence_of_its_own(made):
    made.protocols = ("default", "cam2016")
    experiment = written(made, HALF + 0.1 + SPREAD, HALF + 0.2 + SPREAD, mirrored=("gradcam",))
    (under,) = [each for each in compose(experiment).answer if each.startswith("Under protocol")]
    analysis, _ = family(experiment)
    assert under == f"Under protocol cam2016: {answer.best(analysis.spoken('cam2016'), POOLED)}"
    assert analysis.spoken("cam2016").looking[0].verdict == "above"
    assert "+0.202 [" in under


def test_of_many_methods_that_are_alike_the_best_three_are_named_and_the_rest_counted(made):
    """What draws the same boxes is one line, and where that is the best one it is named as a whole."""
    six = ("cam", "layercam", "hirescam", "fem", "eigencam", "xgradcam")
    made.ious = {(m, e): HALF + 0.1 + SPREAD for m in six for e in made.epochs}
    made.images, made.methods = 16, six
    _, found = family(made.write())
    assert len(found.looking[0].maps) == 6
    assert " and 3 more have the highest mean IoU" in answer.best(found, POOLED)
    (same,) = answer.same(found, POOLED)
    assert " and 3 more draw the same boxes" in same


def test_where_the_interval_excludes_0_and_the_corrected_test_does_not_decide_that_is_said():
    sure = Interval(0.1, 0.05, 0.15, 40, "bca")
    told, open_ = (answer.shown(Pair("a", "b", sure, holm, holm, 0.5, 30, 0, 10)) for holm in (0.01, 0.2))
    assert told == spelled(sure)
    assert open_ == f"{told}, which the corrected test does not bear out"


def test_several_runs_that_were_scored_alike_are_one_answer(made):
    made.images, made.ious = 16, {(m, e): HALF for m in ("cam", "gradcam") for e in (2, 4)}
    experiment = made.write()
    made.rewrite(experiment, lambda cell: cell.run == 2, {"run": 1}, iou=lambda known: known["iou"] + 0.2)
    analysis, found = family(experiment)
    assert (found.runs, found.looking[0].iou.value) == ((1, 2), pytest.approx(0.6))
    assert "means over runs 1 and 2" in answer.where(analysis, found)
    (evaluation,) = experiment.evaluations()
    (evaluation.path / Cell(1, 4, "cam", POOLED, "default").file_name).unlink()
    analysis, found = family(experiment)
    assert (found.runs, found.looking[0].iou.value) == ((2,), pytest.approx(0.5))
    assert "means over" not in answer.where(analysis, found)
