"""Which cells draw the same, which can be told apart, and which lie below a box that never looks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dogcam.analysis.comparison import compared
from dogcam.boxes.geometry import WHOLE_IMAGE
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Cell, Choice, Evaluation

IMAGES, LAYER = 60, "last"
RNG = np.random.default_rng(0)
UNSEEN = RNG.uniform(0.3, 0.6, IMAGES)


def boxes(shift=0.0):
    """A box for each image, moved to the right by `shift`."""
    left = np.linspace(0.1, 0.3, IMAGES) + shift
    return np.column_stack([left, np.full(IMAGES, 0.2), left + 0.4, np.full(IMAGES, 0.7)])


@pytest.fixture
def evaluation(tmp_path):
    return Evaluation(tmp_path)


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
    found = [
        write(evaluation, Cell(1, 7, method, LAYER, protocol), boxes(shift), iou)
        for method, (shift, iou) in drawn.items()
    ]
    whole = np.tile(WHOLE_IMAGE, (IMAGES, 1))
    found.append(write(evaluation, Cell(0, 0, "whole-image", "", protocol), whole, UNSEEN))
    found.append(write(evaluation, Cell(0, 0, "random-weights", LAYER, protocol), boxes(0.1), UNSEEN + 0.3))
    found.append(write(evaluation, Cell(1, 3, "cam", LAYER, protocol), boxes(0.2), UNSEEN))  # another epoch
    return found


def comparison(evaluation, protocol="default", pooled=LAYER):
    return compared(evaluation, cells(evaluation, protocol), PROTOCOLS[protocol], (1,), 7, pooled)


def test_methods_that_draw_the_same_share_a_line_with_the_theorem_where_it_holds(evaluation):
    found = comparison(evaluation)
    (line,) = [line for line in found.lines if len(line.names) > 1]
    assert set(line.names) == {f"cam at {LAYER}", f"gradcam at {LAYER}"}
    assert (line.same.boxes, line.same.images, line.by_algebra) == (1, 60, True)
    assert [each.same for each in found.lines if each is not line] == [None] * (len(found.lines) - 1)


@pytest.mark.parametrize(("protocol", "pooled"), [("cam2016", LAYER), ("exercise", LAYER), ("default", "another")])
def test_where_the_theorem_does_not_hold_only_the_measurement_is_told(evaluation, protocol, pooled):
    (line,) = [line for line in comparison(evaluation, protocol, pooled).lines if len(line.names) > 1]
    assert (line.same.boxes, line.by_algebra) == (1, False)


def test_the_best_box_that_never_looks_and_who_lies_below_it(evaluation):
    found = comparison(evaluation)
    assert found.baseline == "whole-image", "an untrained network has looked"
    assert set(found.below("above")) == {f"{name} at {LAYER}" for name in ("cam", "gradcam", "layercam")}
    assert found.below("below") == [f"fem at {LAYER}"]
    assert found.below("undecided") == [f"mean-activation at {LAYER}"]


def test_lines_are_ranked_and_only_cells_of_that_epoch_count(evaluation):
    found = comparison(evaluation)
    assert [line.rank for line in found.lines] == sorted(line.rank for line in found.lines)
    assert found.lines[-1].names == (f"fem at {LAYER}",)
    names = {name for line in found.lines for name in line.names}
    assert len(names) == 7
    assert all(line.iou.low <= line.iou.value <= line.iou.high for line in found.lines)


def test_pairs_are_those_of_scipy_and_two_baselines_are_no_pair_of_interest(evaluation):
    found = comparison(evaluation)
    first, second = f"layercam at {LAYER}", f"fem at {LAYER}"
    (pair,) = [each for each in found.pairs if {each.first, each.second} == {first, second}]
    tables = {
        name: evaluation.read(Cell(1, 7, name.split()[0], LAYER, "default"))["iou"]
        for name in (pair.first, pair.second)
    }
    assert pair.mean == pytest.approx(np.mean(tables[pair.first] - tables[pair.second]))
    expected = stats.wilcoxon(tables[pair.first], tables[pair.second], zero_method="pratt").pvalue
    assert pair.p == pytest.approx(expected, rel=0.2)
    assert {"whole-image", "random-weights"} not in [{each.first, each.second} for each in found.of_methods]
    assert len(found.of_methods) == len(found.pairs) - 1


def test_against_the_box_that_never_looks_the_test_is_corrected_for_the_lines_compared_with_it_alone(evaluation):
    found = comparison(evaluation)
    p = {(pair.first, pair.second): pair.p for pair in found.pairs if found.baseline in (pair.first, pair.second)}
    ordered = sorted(p.values())
    assert len(ordered) == len(found.lines) - 1, "the untrained network is compared with it too"
    steps = [min(1.0, value * (len(ordered) - place)) for place, value in enumerate(ordered)]
    corrected = dict(zip(ordered, np.maximum.accumulate(steps), strict=True))
    for line in found.lines:
        if line.unseen is not None:
            assert line.unseen.holm == pytest.approx(corrected[line.unseen.p])


def test_few_images_are_said_and_not_faked(evaluation):
    few = [
        write(evaluation, Cell(1, 7, "cam", LAYER, "default"), boxes()[:4], UNSEEN[:4]),
        write(evaluation, Cell(0, 0, "whole-image", "", "default"), boxes(0.1)[:4], UNSEEN[:4] + 0.2),
    ]
    found = compared(evaluation, few, PROTOCOLS["default"], (1,), 7, LAYER)
    assert all(np.isnan(line.iou.low) and line.iou.reason == "too-few" for line in found.lines)
    assert found.below("below") == []
    assert found.document()["lines"][0]["iou"]["low"] is None


def test_without_methods_there_is_nothing_to_compare(evaluation):
    only = [write(evaluation, Cell(0, 0, "whole-image", "", "default"), boxes(), UNSEEN)]
    assert compared(evaluation, only, PROTOCOLS["default"], (1,), 7, LAYER) is None


class TestOverRuns:
    """Three runs of two methods that differ by 0.1 in every one, while runs differ from each other by up to 0.2."""

    def cells(self, evaluation, protocol="default"):
        found = [write(evaluation, Cell(0, 0, "whole-image", "", protocol), boxes(0.5), UNSEEN)]
        for run, luck in ((1, -0.1), (2, 0.0), (3, 0.1)):
            base = np.clip(UNSEEN + luck + RNG.normal(0, 0.02, IMAGES), 0, 1)
            found.append(write(evaluation, Cell(run, 7, "cam", LAYER, protocol), boxes(0.01 * run), base))
            better = base + 0.1 + RNG.normal(0, 0.01, IMAGES)
            found.append(write(evaluation, Cell(run, 7, "fem", LAYER, protocol), boxes(0.1 + 0.01 * run), better))
        return found

    def test_means_are_over_runs_and_intervals_know_that_runs_differ(self, evaluation):
        cells = self.cells(evaluation)
        found = compared(evaluation, cells, PROTOCOLS["default"], (1, 2, 3), 7, LAYER)
        by = {line.names[0]: line.iou for line in found.lines}
        scores = [evaluation.read(Cell(run, 7, "cam", LAYER, "default"))["iou"].mean() for run in (1, 2, 3)]
        assert by[f"cam at {LAYER}"].value == pytest.approx(np.mean(scores))
        assert by[f"cam at {LAYER}"].runs == 3
        alone = compared(evaluation, cells, PROTOCOLS["default"], (2,), 7, LAYER)
        one = next(line.iou for line in alone.lines if line.names == (f"cam at {LAYER}",))
        assert by[f"cam at {LAYER}"].high - by[f"cam at {LAYER}"].low > 3 * (one.high - one.low)

    def test_a_difference_that_every_run_shows_is_sure_all_the_same(self, evaluation):
        found = compared(evaluation, self.cells(evaluation), PROTOCOLS["default"], (1, 2, 3), 7, LAYER)
        (pair,) = [each for each in found.pairs if {each.first, each.second} == {f"cam at {LAYER}", f"fem at {LAYER}"}]
        assert abs(pair.mean) == pytest.approx(0.1, abs=0.01)
        assert pair.test == "crossed-t"
        assert pair.low * pair.high > 0
        assert pair.high - pair.low < 0.06

    def test_what_one_run_lacks_is_left_out(self, evaluation):
        cells = self.cells(evaluation)
        lacking = [cell for cell in cells if cell != Cell(3, 7, "fem", LAYER, "default")]
        found = compared(evaluation, lacking, PROTOCOLS["default"], (1, 2, 3), 7, LAYER)
        assert {name for line in found.lines for name in line.names} == {f"cam at {LAYER}", "whole-image"}


class TestOtherData:
    """Tables that are not of the same images are never compared: the difference is named."""

    def refused(self, evaluation, match, **changes):
        first = write(evaluation, Cell(1, 7, "cam", LAYER, "default"), boxes(), UNSEEN)
        second = write(evaluation, Cell(1, 7, "fem", LAYER, "default"), boxes(0.1), UNSEEN, **changes)
        with pytest.raises(ExperimentError, match=match):
            compared(evaluation, [first, second], PROTOCOLS["default"], (1,), 7, LAYER)

    def test_other_images(self, evaluation):
        others = [f"picture {k}" for k in range(IMAGES - 1)] + ["another"]
        self.refused(evaluation, "different images .*only one of them has another, picture 59", image=others)

    def test_the_same_images_in_another_order(self, evaluation):
        self.refused(evaluation, "in another order", image=[f"picture {k}" for k in reversed(range(IMAGES))])

    def test_other_classes(self, evaluation):
        self.refused(evaluation, "differ in the class of picture 3 and 0 other", label=[int(k == 3) for k in range(60)])

    def test_other_boxes(self, evaluation):
        truth = [[0.0, 0, 1, 0.5 if k > 57 else 1] for k in range(IMAGES)]
        self.refused(evaluation, "differ in the annotated boxes of picture 58 and 1 other", truth=truth)
