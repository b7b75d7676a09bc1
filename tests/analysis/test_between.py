"""Experiments held against each other: only where they may be, with the statistics of `statistics`, and in true sentences."""

import json

import numpy as np
import pytest
from compared import HALF, IMAGES, NOISE, SPREAD, writer
from made_up import Made

from dogcam.analysis.between import contrast
from dogcam.core.records import to_plain
from dogcam.experiment.evaluations import Cell
from dogcam.statistics import compare

POOLED = "conv5_block1_out"


@pytest.fixture
def write_one(tmp_path):
    return writer(tmp_path / "home")


def gaps_of(found, protocol=0):
    return {gap.method: gap for gap in found.matches[protocol].gaps}


class TestLocalisation:
    def test_gaps_and_corrected_tests_are_those_of_statistics(self, write_one):
        cam, grad = HALF + 0.1 + SPREAD, HALF + NOISE / 10
        found, _ = contrast([write_one("one"), write_one("other", cam, grad)])
        columns = np.column_stack([HALF, cam, HALF, grad])
        direct = compare(columns, list("abcd"), [("b", "a"), ("d", "c")])
        for gap, expected in zip(found.matches[0].gaps, direct, strict=True):
            shown = (gap.pair.mean, gap.pair.low, gap.pair.high, gap.pair.p, gap.pair.holm)
            assert shown == pytest.approx((expected.mean, expected.low, expected.high, expected.p, expected.holm))
        assert gaps_of(found)["cam"].pair.mean == pytest.approx(0.1)
        assert (gaps_of(found)["cam"].first, gaps_of(found)["cam"].second) == ("one", "other")

    @pytest.mark.parametrize(
        ("change", "verdict"),
        [(0.1 + SPREAD, "above"), (-0.1 + SPREAD, "below"), (NOISE, "undecided"), (0 * SPREAD, "identical")],
    )
    def test_verdicts_follow_the_data(self, write_one, change, verdict):
        found, _ = contrast([write_one("one"), write_one("other", HALF + change, HALF + change)])
        assert {gap.verdict for gap in found.matches[0].gaps} == {verdict}

    def test_an_interval_that_the_correction_does_not_bear_out_is_not_told_apart(self, write_one):
        """Many small wins and few large losses: the mean lies below, the ranks do not."""
        skewed = np.where(np.arange(IMAGES) < 13, 0.01, -0.4)
        found, _ = contrast([write_one("one"), write_one("other", HALF + skewed)])
        assert gaps_of(found)["cam"].pair.mean < 0
        assert gaps_of(found)["cam"].verdict == "undecided"

    def test_the_same_iou_of_other_boxes_is_not_identical(self, write_one):
        found, _ = contrast([write_one("one"), write_one("other", mirrored=("cam",))])
        assert not gaps_of(found)["cam"].same
        assert gaps_of(found)["gradcam"].same

    def test_each_method_stands_beside_the_best_box_that_never_looks(self, write_one):
        one, other = write_one("one", HALF + SPREAD), write_one("other", HALF + SPREAD)
        for experiment in (one, other):
            gaussian = {"method": "centre-gaussian", "layer": "input"}
            Made.rewrite(experiment, lambda cell: cell.run == 0, gaussian, iou=np.full(IMAGES, 0.4))
        found, _ = contrast([one, other])
        match = found.matches[0]
        assert [(box.label, box.method) for box in match.unseen] == [("one", "centre-gaussian"), ("other", "centre-gaussian")]
        score = next(each for each in match.scores if (each.label, each.method) == ("other", "cam"))
        assert score.unseen.mean == pytest.approx(0.1)
        assert score.iou.value == pytest.approx(0.5)

    def test_the_last_epoch_that_all_have(self, write_one):
        found, _ = contrast([write_one("one", epochs=(2, 3, 4)), write_one("other", epochs=(1, 3))])
        assert found.matches[0].epochs == (3, 3)

    def test_without_one_each_ones_last(self, write_one):
        found, _ = contrast([write_one("one", epochs=(2, 4)), write_one("other", epochs=(1, 3))])
        assert found.matches[0].epochs == (4, 3)

    def test_methods_meet_at_the_pooled_layer_of_each_network(self, write_one):
        """The second one pools earlier: its CAM, at a layer that does not, is left out; its Grad-CAM is taken there."""
        one, other = write_one("one"), write_one("other")
        other.update_document(model={**other.document["model"], "pooled_layer": "conv4_block1_out"})
        match = contrast([one, other])[0].matches[0]
        assert [(score.label, score.method, score.layer) for score in match.scores] == [
            ("one", "gradcam", POOLED),
            ("other", "gradcam", "conv4_block1_out"),
        ]
        assert match.left_out == ("cam",)

    def test_a_method_that_none_has_at_the_pooled_layer_is_taken_at_its_last(self, write_one):
        one, other = write_one("one"), write_one("other")
        for experiment, iou in ((one, HALF), (other, HALF + 0.1)):
            for layer, less in (("conv3_block1_out", 0.3), ("conv4_block1_out", 0.0)):
                to = {"method": "layercam", "layer": layer}
                Made.rewrite(experiment, Cell(2, 4, "cam", POOLED, "default"), to, iou=iou - less)
        match = contrast([one, other])[0].matches[0]
        score = next(each for each in match.scores if each.method == "layercam")
        assert (score.layer, score.iou.value) == ("conv4_block1_out", pytest.approx(0.5))

    def test_every_common_protocol_the_main_one_first(self, write_one):
        protocols = ("default", "cam2016")
        found, _ = contrast([write_one("one", protocols=protocols), write_one("other", protocols=("cam2016", "default"))])
        assert [match.protocol for match in found.matches] == ["default", "cam2016"]

    def test_three_experiments_in_pairs(self, write_one):
        found, _ = contrast([write_one("a"), write_one("b", HALF + 0.1 + SPREAD, HALF), write_one("c")])
        pairs = [(gap.second, gap.first, gap.verdict) for gap in found.matches[0].gaps if gap.method == "cam"]
        assert pairs == [("b", "a", "above"), ("c", "a", "identical"), ("c", "b", "below")]
        match = found.matches[0]
        assert [match.leads(label, "cam") for label in "abc"] == [False, True, False]


class TestAccuracy:
    def test_the_best_epoch_of_the_chosen_run(self, write_one):
        each = contrast([write_one("one"), write_one("other")])[0].accuracy[1]
        assert (each.run, each.epoch, each.accuracy, each.runs, each.others) == (2, 4, 0.8, 2, (0.7,))

    @pytest.mark.parametrize(("epochs", "best", "at"), [((2, 4), True, (4, 4)), ((2,), False, (2, 2))])
    def test_images_are_paired_at_the_best_epochs_where_these_were_evaluated(self, write_one, epochs, best, at):
        """Every picture right in the second: of those of class 1 the first has none."""
        one, other = write_one("one", epochs=epochs), write_one("other", epochs=epochs)
        Made.rewrite(other, lambda cell: cell.epoch == at[0], predicted=[k % 2 for k in range(IMAGES)])
        found = contrast([one, other])[0].classified
        assert (found.best, found.epochs, found.shares) == (best, at, (0.5, 1.0))
        assert found.pairs[0].mean == pytest.approx(0.5)
        assert found.pairs[0].verdict == "above"

    def test_models_from_elsewhere_have_no_training_to_compare(self, write_one):
        one, other = write_one("one"), write_one("other")
        for experiment in (one, other):
            (experiment.path / "history.csv").unlink()
        found, _ = contrast([one, other])
        assert found.accuracy == ()
        assert not found.classified.best


def test_as_plain_values(write_one):
    found, _ = contrast([write_one("one"), write_one("other", HALF + 0.1 + SPREAD)])
    document = json.loads(json.dumps(to_plain(found), allow_nan=False))
    assert document["labels"] == ["one", "other"]
    assert document["matches"][0]["gaps"][0]["pair"]["first"] == ["other", "cam"]


def test_too_few_images_have_no_interval(make, tmp_path):
    found, _ = contrast([make(str(tmp_path), name=name, images=8).write() for name in ("one", "other")])
    assert all(np.isnan(gap.pair.low) for gap in found.matches[0].gaps)
    json.dumps(to_plain(found), allow_nan=False)
