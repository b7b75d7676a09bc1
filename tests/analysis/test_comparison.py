"""Which cells draw the same, which can be told apart, and which lie below a box that never looks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dogcam.analysis.comparison import comparison, comparisons, spoken
from dogcam.analysis.tables import Tables
from dogcam.boxes.geometry import WHOLE_IMAGE
from dogcam.core.errors import ExperimentError
from dogcam.core.records import to_plain
from dogcam.experiment.evaluations import Cell, Choice, MapKey
from dogcam.experiment.runs import create_experiment

IMAGES, LAYER, POOLED = 60, "last", "conv5_block1_out"
RNG = np.random.default_rng(0)
UNSEEN = RNG.uniform(0.3, 0.6, IMAGES)


def boxes(shift=0.0):
    """A box for each image, moved to the right by `shift`."""
    left = np.linspace(0.1, 0.3, IMAGES) + shift
    return np.column_stack([left, np.full(IMAGES, 0.2), left + 0.4, np.full(IMAGES, 0.7)])


@pytest.fixture
def experiment(tmp_path):
    return create_experiment(str(tmp_path), "x", "x", {"model": {"pooled_layer": LAYER}})


@pytest.fixture
def evaluation(experiment):
    return experiment.evaluation("test", None, "true")


def at(method):
    """A map at the one layer."""
    return MapKey(method, LAYER)


WHOLE = MapKey("whole-image", "")


def pairs_of(found):
    return {frozenset((pair.first, pair.second)): pair for pair in found.pairs}


def write(evaluation, cell, corners, iou, **changes):
    n = len(iou)
    evaluation.write(
        cell,
        {
            "image": [f"picture {k}" for k in range(n)], "label": [0] * n, "predicted": [0] * n, "target": [0] * n,
            "against": [-1] * n, "probability": [0.5] * n, "rank": [0] * n, "empty": [False] * n,
            "flagged": [False] * n, **{side: corners[:, k] for k, side in enumerate(("x0", "y0", "x1", "y1"))},
            "area": [0.2] * n, "iou": iou, "width": [9] * n, "height": [9] * n, "truth": [[0.0, 0, 1, 1]] * n,
            **changes,
        },
        Choice(0.15),
    )  # fmt: skip
    return cell


def cells(evaluation, protocol="default"):
    """cam and gradcam draw the same; layercam is better than the baseline, fem worse, hirescam about equal to it."""
    good, bad = UNSEEN + RNG.uniform(0.1, 0.2, IMAGES), UNSEEN - RNG.uniform(0.1, 0.2, IMAGES)
    even = UNSEEN + RNG.normal(0, 0.05, IMAGES)
    drawn = {"cam": (0, good), "gradcam": (0, good), "layercam": (0.01, good + 0.05), "fem": (0.02, bad)}
    drawn["mean-activation"] = (0.03, even)
    found = [write(evaluation, Cell(1, 7, method, LAYER, protocol), boxes(shift), iou) for method, (shift, iou) in drawn.items()]
    whole = np.tile(WHOLE_IMAGE, (IMAGES, 1))
    found.append(write(evaluation, Cell(0, 0, "whole-image", "", protocol), whole, UNSEEN))
    found.append(write(evaluation, Cell(0, 0, "random-weights", LAYER, protocol), boxes(0.1), UNSEEN + 0.3))
    found.append(write(evaluation, Cell(1, 3, "cam", LAYER, protocol), boxes(0.2), UNSEEN))  # another epoch
    return found


@pytest.fixture
def family(experiment, evaluation):
    """The family of `cells` under a protocol, of a network that pools after a layer."""

    def make(protocol="default", pooled=LAYER):
        cells(evaluation, protocol)
        experiment.update_document(model={"pooled_layer": pooled})
        return comparison(Tables.of(experiment, evaluation), protocol, (1,), 7)

    return make


def test_methods_that_draw_the_same_share_a_line_with_the_theorem_where_it_holds(family):
    found = family()
    (line,) = [line for line in found.lines if len(line.maps) > 1]
    assert set(line.maps) == {at("cam"), at("gradcam")}
    assert (line.agreement.boxes, line.agreement.images, line.by_algebra) == (1, 60, True)
    assert [each.agreement for each in found.lines if each is not line] == [None] * (len(found.lines) - 1)


@pytest.mark.parametrize(("protocol", "pooled"), [("cam2016", LAYER), ("exercise", LAYER), ("default", "another")])
def test_where_the_theorem_does_not_hold_only_the_measurement_is_told(family, protocol, pooled):
    (line,) = [line for line in family(protocol, pooled).lines if len(line.maps) > 1]
    assert (line.agreement.boxes, line.by_algebra) == (1, False)


def test_the_best_box_that_never_looks_and_who_lies_below_it(family):
    found = family()
    assert found.unseen == WHOLE, "an untrained network has looked"
    assert found.unseen_iou.value == pytest.approx(UNSEEN.mean())
    assert set(found.methods_of(found.on_side("above"))) == {at("cam"), at("gradcam"), at("layercam")}
    assert found.methods_of(found.on_side("below")) == [at("fem")]
    assert found.methods_of(found.on_side("undecided")) == [at("mean-activation")]


def test_lines_are_ranked_and_only_cells_of_that_epoch_count(family):
    found = family()
    assert [line.rank for line in found.lines] == sorted(line.rank for line in found.lines)
    assert found.lines[-1].maps == (at("fem"),)
    assert len({key for line in found.lines for key in line.maps}) == 7
    assert (found.n, found.runs, found.epoch, len(found.methods)) == (IMAGES, (1,), 7, 5)
    assert all(line.iou.low <= line.iou.value <= line.iou.high for line in found.lines)
    assert found.looking == tuple(line for line in found.lines if line.maps[0].method not in _BOXES)


_BOXES = ("whole-image", "random-weights")


def test_pairs_are_those_of_scipy_and_two_baselines_are_no_pair_of_interest(evaluation, family):
    found = family()
    pair = pairs_of(found)[frozenset((at("layercam"), at("fem")))]
    first, second = (evaluation.read(Cell(1, 7, key.method, LAYER, "default"))["iou"] for key in (pair.first, pair.second))
    assert pair.mean == pytest.approx(np.mean(first - second))
    assert pair.p == pytest.approx(stats.wilcoxon(first, second, zero_method="pratt").pvalue, rel=0.2)
    assert found.of_methods == [pair for pair in found.pairs if {pair.first.method, pair.second.method} != {*_BOXES}]
    assert len(found.of_methods) == len(found.pairs) - 1


def test_a_pair_of_lines_is_turned_as_it_is_asked_for(family):
    found = family()
    first, *_, last = found.lines
    assert found.between(first, last) == found.between(last, first).turned()
    assert found.between(first, last).mean == pytest.approx(first.iou.value - last.iou.value)
    assert found.line_of(at("gradcam")) is found.line_of(at("cam"))
    assert found.line_of(at("nothing")) is None


def corrected(p):
    """Holm's (1979) p-values, step by step from the smallest."""
    found, running = np.empty(len(p)), 0.0
    for place, k in enumerate(np.argsort(p)):
        running = max(running, min(1.0, p[k] * (len(p) - place)))
        found[k] = running
    return found


def test_one_family_holds_every_pair_and_all_that_is_told_rests_on_it(family):
    found = family()
    assert len(found.pairs) == 6 * 5 / 2, "six lines"
    assert [pair.holm for pair in found.pairs] == pytest.approx(corrected([pair.p for pair in found.pairs]))
    known = pairs_of(found)
    for line in found.lines:
        if WHOLE in line.maps:
            assert (line.unseen, line.verdict) == (None, None)
            continue
        pair = known[frozenset((line.maps[0], WHOLE))]
        assert line.unseen == (pair if pair.second == WHOLE else pair.turned())
        assert line.verdict == line.unseen.verdict
        assert line.unseen.mean == pytest.approx(line.iou.value - found.unseen_iou.value)
    for pair in found.pairs:
        letters = [set(found.line_of(key).letters) for key in (pair.first, pair.second)]
        assert bool(letters[0] & letters[1]) == (not pair.told_apart)


def test_few_images_are_said_and_not_faked(experiment, evaluation):
    write(evaluation, Cell(1, 7, "cam", LAYER, "default"), boxes()[:4], UNSEEN[:4])
    write(evaluation, Cell(0, 0, "whole-image", "", "default"), boxes(0.1)[:4], UNSEEN[:4] + 0.2)
    (found,) = comparisons(Tables.of(experiment, evaluation))
    assert all(np.isnan(line.iou.low) and line.iou.reason == "too-few" for line in found.lines)
    assert found.on_side("below") == []
    assert [line.verdict for line in found.looking] == ["few"]
    assert to_plain(found)["lines"][0]["iou"]["low"] is None


def test_without_methods_there_is_nothing_to_compare(experiment, evaluation):
    write(evaluation, Cell(0, 0, "whole-image", "", "default"), boxes(), UNSEEN)
    assert comparisons(Tables.of(experiment, evaluation)) == ()


def test_without_a_box_that_never_looks_there_is_no_verdict(experiment, evaluation):
    write(evaluation, Cell(1, 7, "cam", LAYER, "default"), boxes(), UNSEEN)
    write(evaluation, Cell(0, 0, "random-weights", LAYER, "default"), boxes(0.1), UNSEEN + 0.3)
    (found,) = comparisons(Tables.of(experiment, evaluation))
    assert (found.unseen, found.unseen_iou, {line.verdict for line in found.lines}) == (None, None, {None})


def test_a_method_may_draw_the_same_boxes_as_a_box_that_never_looks(experiment, evaluation):
    whole = np.tile(WHOLE_IMAGE, (IMAGES, 1))
    write(evaluation, Cell(1, 7, "fem", LAYER, "default"), whole, UNSEEN)
    write(evaluation, Cell(1, 7, "cam", LAYER, "default"), boxes(), UNSEEN + 0.1)
    write(evaluation, Cell(0, 0, "whole-image", "", "default"), whole, UNSEEN)
    (found,) = comparisons(Tables.of(experiment, evaluation))
    assert [(line.maps, line.looks, line.verdict) for line in found.lines] == [
        ((at("cam"),), True, "above"),
        ((at("fem"), WHOLE), True, None),
    ]
    assert found.methods_of(found.looking) == [at("cam"), at("fem")]
    assert [pair.first for pair in found.of_methods] == [at("cam")]


def test_a_protocol_that_this_dogcam_does_not_know_is_compared_without_the_theorem(experiment, evaluation):
    cells(evaluation, "unheard-of")
    found = spoken(comparisons(Tables.of(experiment, evaluation)), 1, "unheard-of")
    assert (found.protocol, found.epoch, found.unseen) == ("unheard-of", 7, WHOLE)
    assert [line.by_algebra for line in found.lines] == [False] * 6
    assert [line.agreement.boxes for line in found.lines if len(line.maps) > 1] == [1]


def test_there_is_a_family_for_each_protocol_and_epoch(experiment, evaluation):
    for protocol in ("cam2016", "default"):
        cells(evaluation, protocol)
    found = comparisons(Tables.of(experiment, evaluation))
    assert [(each.protocol, each.epoch) for each in found] == [(p, e) for p in ("default", "cam2016") for e in (3, 7)]
    assert spoken(found, 1, "cam2016") is found[3]
    assert spoken(found, 1, "cam2016", 3) is found[2]
    assert spoken(found, 2, "cam2016") is spoken(found, 1, "exercise") is spoken(found, 1, "default", 5) is None


class TestOverRuns:
    """Three runs of two methods that differ by 0.1 in every one, while runs differ from each other by up to 0.2."""

    CAM, FEM = at("cam"), at("fem")

    @pytest.fixture
    def tables(self, experiment, evaluation):
        write(evaluation, Cell(0, 0, "whole-image", "", "default"), boxes(0.5), UNSEEN)
        for run, luck in ((1, -0.1), (2, 0.0), (3, 0.1)):
            base = np.clip(UNSEEN + luck + RNG.normal(0, 0.02, IMAGES), 0, 1)
            write(evaluation, Cell(run, 7, "cam", LAYER, "default"), boxes(0.01 * run), base)
            better = base + 0.1 + RNG.normal(0, 0.01, IMAGES)
            write(evaluation, Cell(run, 7, "fem", LAYER, "default"), boxes(0.1 + 0.01 * run), better)
        return Tables.of(experiment, evaluation)

    def test_means_are_over_runs_and_intervals_know_that_runs_differ(self, evaluation, tables):
        together, *alone = comparisons(tables)
        assert [each.runs for each in (together, *alone)] == [(1, 2, 3), (1,), (2,), (3,)]
        assert spoken((*alone, together), 1, "default") is together
        iou = together.line_of(self.CAM).iou
        scores = [evaluation.read(Cell(run, 7, "cam", LAYER, "default"))["iou"].mean() for run in (1, 2, 3)]
        assert iou.value == pytest.approx(np.mean(scores))
        assert (iou.runs, together.n) == (3, IMAGES)
        one = alone[1].line_of(self.CAM).iou
        assert iou.high - iou.low > 3 * (one.high - one.low)

    def test_a_difference_that_every_run_shows_is_sure_all_the_same(self, tables):
        pair = pairs_of(comparisons(tables)[0])[frozenset((self.CAM, self.FEM))]
        assert abs(pair.mean) == pytest.approx(0.1, abs=0.01)
        assert pair.test == "crossed-t"
        assert pair.low * pair.high > 0

    def test_only_runs_of_the_same_cells_are_compared_together(self, experiment, evaluation, tables):
        """The third run lacks a method: the first two are one family, and it is one by itself."""
        (evaluation.path / Cell(3, 7, "fem", LAYER, "default").file_name).unlink()
        found = comparisons(Tables.of(experiment, evaluation))
        assert [each.runs for each in found] == [(1, 2), (1,), (2,), (3,)]
        assert {key for line in found[0].lines for key in line.maps} == {self.CAM, self.FEM, WHOLE}
        assert {key for line in found[-1].lines for key in line.maps} == {self.CAM, WHOLE}

    def test_runs_that_were_evaluated_with_other_methods_are_never_mixed(self, experiment, evaluation):
        for run, method in ((1, "cam"), (2, "fem")):
            write(evaluation, Cell(run, 7, method, LAYER, "default"), boxes(0.1 * run), UNSEEN + 0.1 * run)
        write(evaluation, Cell(0, 0, "whole-image", "", "default"), boxes(0.5), UNSEEN)
        found = comparisons(Tables.of(experiment, evaluation))
        assert [(each.runs, each.methods) for each in found] == [((1,), (self.CAM,)), ((2,), (self.FEM,))]


class TestOfAnExperiment:
    """Sixteen images under two epochs alike, beside a box that never looks, whose IoU is a half on each."""

    HALF, SPREAD = np.full(16, 0.5), np.tile([0.0, 0.02, -0.02, 0.01], 4)

    def spoken(self, experiment, protocol="default"):
        tables = Tables.of(experiment, *experiment.evaluations())
        return spoken(comparisons(tables), tables.run, protocol)

    def family(self, made, cam, gradcam, **changes):
        made.images, made.unseen = 16, 0.5
        ious = {"cam": cam, "gradcam": gradcam, "hirescam": cam, "layercam": gradcam}
        made.ious = {(m, e): np.clip(self.HALF + iou, 0, 1) for m, iou in ious.items() for e in made.epochs}
        for name, value in changes.items():
            setattr(made, name, value)
        return self.spoken(made.write())

    @pytest.mark.parametrize(
        ("cam", "gradcam", "above", "below"),
        [
            (0.2 + SPREAD, 0.2 + SPREAD, {"cam", "gradcam"}, set()),
            (-0.2 + SPREAD, -0.2 + SPREAD, set(), {"cam", "gradcam"}),
            (10 * SPREAD, 10 * SPREAD, set(), set()),
            (0.2 + SPREAD, -0.2 + SPREAD, {"cam"}, {"gradcam"}),
            (-0.2 + SPREAD, 10 * SPREAD, set(), {"cam"}),
            (-0.2 + SPREAD, 0.2 + SPREAD, {"gradcam"}, {"cam"}),
        ],
    )
    def test_sides_follow_the_data(self, made, cam, gradcam, above, below):
        found = self.family(made, cam, gradcam, mirrored=("gradcam",))
        assert [{key.method for key in found.methods_of(found.on_side(side))} for side in ("above", "below")] == [above, below]

    def test_a_method_outside_the_pooled_layer_can_be_the_best(self, made):
        """What holds of the pooled layer need not hold of all: here only the input lies above the box that never looks."""
        made.images, made.unseen, made.methods = 16, 0.5, ("cam",)
        made.ious = {("cam", epoch): self.HALF - 0.2 + self.SPREAD for epoch in made.epochs}
        experiment = made.write()
        saliency = {"method": "saliency", "layer": "input"}
        made.rewrite(
            experiment,
            Cell(2, 4, "cam", POOLED, "default"),
            saliency,
            x1=lambda known: known["x1"] * 0.9,
            iou=self.HALF + 0.2 + self.SPREAD,
        )
        found = self.spoken(experiment)
        first, other = found.looking
        assert (first.maps, first.verdict, other.verdict) == ((MapKey(**saliency),), "above", "below")
        assert (first.iou.value, first.unseen.mean) == pytest.approx((0.7025, 0.2025))
        assert found.between(first, other).mean == pytest.approx(0.4)
        assert found.between(first, other).verdict == "above"

    def test_what_draws_the_same_boxes_and_what_is_not_told_apart(self, made):
        methods = {"methods": ("cam", "hirescam", "layercam"), "mirrored": ("layercam",)}
        found = self.family(made, 0.001 + self.SPREAD, 10 * self.SPREAD - 0.1, **methods)
        first = found.line_of(MapKey("cam", POOLED))
        other = found.line_of(MapKey("layercam", POOLED))
        assert ({key.method for key in first.maps}, first.by_algebra) == ({"cam", "hirescam"}, True)
        assert first.agreement.mapped == made.samples
        assert [first.verdict, other.verdict, found.between(first, other).verdict] == ["undecided"] * 3

    def test_many_methods_of_one_box_are_one_line(self, made):
        six = ("layercam", "hirescam", "fem", "eigencam", "xgradcam", "mean-activation")
        made.images, made.methods, made.mirrored = 16, ("cam", *six), six
        made.ious = {(m, e): self.HALF + 0.1 + np.roll(10 * self.SPREAD, k) for k, m in enumerate(("cam", *six)) for e in (2, 4)}
        found = self.spoken(made.write())
        (line,) = [line for line in found.looking if len(line.maps) > 1]
        assert ({key.method for key in line.maps}, line.by_algebra) == ({*six}, False)

    def test_each_protocol_has_its_own_best_box(self, made):
        changes = {"protocols": ("default", "cam2016"), "mirrored": ("gradcam",)}
        self.family(made, 0.1 + self.SPREAD, 0.2 + self.SPREAD, **changes)
        made.name = "again"
        found = self.spoken(made.write(), "cam2016")
        (line,) = [line for line in found.looking if line.maps[0].method == "gradcam"]
        assert (line.verdict, line.unseen.mean) == ("above", pytest.approx(0.2025))

    def test_several_runs_that_were_scored_alike_are_one_answer(self, made):
        made.images, made.ious = 16, {(m, e): self.HALF for m in ("cam", "gradcam") for e in (2, 4)}
        experiment = made.write()
        made.rewrite(experiment, lambda cell: cell.run == 2, {"run": 1}, iou=lambda known: known["iou"] + 0.2)
        found = self.spoken(experiment)
        assert (found.runs, found.looking[0].iou.value) == ((1, 2), pytest.approx(0.6))
        (evaluation,) = experiment.evaluations()
        (evaluation.path / Cell(1, 4, "cam", POOLED, "default").file_name).unlink()
        found = self.spoken(experiment)
        assert (found.runs, found.looking[0].iou.value) == ((2,), pytest.approx(0.5))


class TestOtherData:
    """Tables that are not of the same images are never compared: the difference is named."""

    @pytest.fixture
    def refused(self, experiment, evaluation):
        def check(match, **changes):
            write(evaluation, Cell(1, 7, "cam", LAYER, "default"), boxes(), UNSEEN)
            write(evaluation, Cell(1, 7, "fem", LAYER, "default"), boxes(0.1), UNSEEN, **changes)
            with pytest.raises(ExperimentError, match=match):
                comparisons(Tables.of(experiment, evaluation))

        return check

    def test_other_images(self, refused):
        others = [f"picture {k}" for k in range(IMAGES - 1)] + ["another"]
        refused("different images .*only one of them has another, picture 59", image=others)

    def test_the_same_images_in_another_order(self, refused):
        refused("in another order", image=[f"picture {k}" for k in reversed(range(IMAGES))])

    def test_other_classes(self, refused):
        refused("differ in the class of picture 3 and 0 other", label=[int(k == 3) for k in range(60)])

    def test_other_boxes(self, refused):
        truth = [[0.0, 0, 1, 0.5 if k > 57 else 1] for k in range(IMAGES)]
        refused("differ in the annotated boxes of picture 58 and 1 other", truth=truth)
