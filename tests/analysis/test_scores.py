"""What cells scored, against numbers worked out by hand."""

import numpy as np
import pytest

from dogcam.analysis.scores import figures, image_values, scores, scores_over_runs, threshold_curves
from dogcam.analysis.tables import Tables
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.metrics import METRICS
from dogcam.statistics import intervals, intervals_over_runs

POOLED = "conv5_block1_out"


def tables(experiment):
    return Tables.of(experiment, *experiment.evaluations())


def over_runs(experiment):
    read = tables(experiment)
    return scores_over_runs(read, scores(read))


def of(rows, method, layer=POOLED, epoch=4):
    (row,) = [row for row in rows if (row.map.method, row.map.layer, row.epoch) == (method, layer, epoch)]
    return row


def test_the_numbers_of_a_row_are_those_of_its_images(made):
    made.images, made.samples, made.epochs = 4, 2, (4,)
    made.ious = {("cam", 4): np.array([0.1, 0.3, 0.5, 0.7])}
    row = of(scores(tables(made.write())), "cam")
    assert (row.runs, row.n, row.threshold, row.threshold_from, row.baseline) == ((2,), 4, 0.15, "fixed", False)
    assert row.value("mean_iou") == pytest.approx(0.4)
    # s^2 = (0.09 + 0.01 + 0.01 + 0.09) / 3, divided by n = 4
    assert row.value("sem") == pytest.approx((0.2 / 3 / 4) ** 0.5)
    assert [row.value(name) for name in ("iou30", "iou50", "iou70", "empty")] == [0.75, 0.5, 0.25, 0]
    assert np.isnan(row.scores["mean_iou"].low)
    assert row.scores.keys() <= METRICS.keys()


def test_rows_come_by_protocol_and_epoch_with_the_baselines_last(made):
    made.protocols = ("cam2016", "default")
    rows = scores(tables(made.write()))
    one = [(2, "cam", 5), (2, "gradcam", 3), (2, "gradcam", 4), (2, "gradcam", 5)]
    one += [(4, "cam", 5), (4, "gradcam", 3), (4, "gradcam", 4), (4, "gradcam", 5), (0, "whole-image", None)]
    found = [(row.epoch, row.map.method, int(row.map.layer[4]) if row.map.layer else None) for row in rows]
    assert found == one + one
    assert [row.protocol for row in rows] == ["default"] * 9 + ["cam2016"] * 9
    assert [row.baseline for row in rows] == ([False] * 8 + [True]) * 2


def test_intervals_are_those_of_statistics(made):
    made.images = 16
    made.ious = {("cam", 4): np.linspace(0.1, 0.9, 16) ** 2}
    row = of(scores(tables(made.write())), "cam")
    (expected,) = intervals(made.ious["cam", 4][:, None])
    assert (row.scores["mean_iou"].low, row.scores["mean_iou"].high) == pytest.approx((expected.low, expected.high))


def test_a_metric_whose_column_an_older_table_lacks_is_not_there():
    columns = {"iou": np.array([0.5, 0.5])}
    found = figures(columns, image_values(columns))
    assert found["mean_iou"] == 0.5
    assert "area" not in found


def test_values_of_images_are_those_of_every_mean_and_median_that_applies():
    rank = np.array([0, np.nan, 7])
    found = image_values({"iou": np.array([0.2, 0.5, 0.8]), "rank": rank, "area": np.full(3, np.nan)})
    assert list(found) == ["mean_iou", "median_iou", "iou30", "iou50", "iou70", "top1_loc", "top5_loc"]
    assert found["iou50"].tolist() == [0, 1, 1]
    np.testing.assert_array_equal(found["top5_loc"], [0, np.nan, 0])


def test_figures_of_images_are_those_of_the_metrics_themselves(made):
    (evaluation,) = made.write().evaluations()
    for cell in evaluation.cells():
        columns = evaluation.read(cell)
        expected = {name: metric.of(columns) for name, metric in METRICS.items() if metric.applies(columns)}
        assert figures(columns, image_values(columns)) == expected


class TestOverRuns:
    @pytest.fixture
    def two(self, made):
        """Run 1 beside run 2, better by a tenth."""
        made.images = 16
        experiment = made.write()
        made.rewrite(experiment, lambda cell: cell.run == 2, to={"run": 1}, iou=lambda known: known["iou"] + 0.1)
        return experiment

    def test_means_over_runs_know_that_runs_differ(self, two):
        rows = over_runs(two)
        assert [row.runs for row in rows] == [(1, 2)] * 8 + [()]
        (evaluation,) = two.evaluations()
        every = np.stack([evaluation.read(Cell(run, 4, "cam", POOLED, "default"))["iou"] for run in (1, 2)])
        (expected,) = intervals_over_runs(every[..., None])
        found = of(rows, "cam").scores["mean_iou"]
        assert (found.value, found.low, found.high) == pytest.approx((every.mean(), expected.low, expected.high))

    def test_a_threshold_is_the_mean_of_the_runs(self, two):
        (evaluation,) = two.evaluations()
        cell = Cell(1, 4, "cam", POOLED, "default")
        rows = evaluation.read(cell)
        rows["truth"] = [boxes.ravel().tolist() for boxes in rows["truth"]]
        evaluation.write(cell, rows, Choice(0.25, "calibrated"))
        assert of(over_runs(two), "cam").threshold == pytest.approx(0.2)

    def test_what_one_run_lacks_is_left_out_and_one_run_has_no_mean(self, made, two):
        (evaluation,) = two.evaluations()
        (evaluation.path / Cell(1, 4, "cam", POOLED, "default").file_name).unlink()
        assert len(over_runs(two)) == 8
        made.name = "alone"
        assert over_runs(made.write()) == ()

    def test_runs_of_other_images_are_refused(self, made, two):
        cell = Cell(1, 4, "cam", POOLED, "default")
        made.rewrite(two, cell, image=[f"other {k}" for k in range(16)])
        with pytest.raises(ExperimentError, match="run 1 and run 2 were scored on different images"):
            over_runs(two)


def test_the_curve_of_a_threshold_that_was_chosen(made):
    experiment = made.write()
    curve = np.tile(np.array([0.2, 0.5, 0.6, 0.1], np.float32), (8, 1))
    made.rewrite(experiment, Cell(2, 4, "cam", POOLED, "default"), curve=curve)
    (found,) = threshold_curves(*experiment.evaluations(), tables(experiment).cells)
    assert (found.cell, found.threshold, found.oracle) == (Cell(2, 4, "cam", POOLED, "default"), 0.15, 0.5)
    assert found.thresholds == [0, 0.25, 0.5, 0.75]
    assert found.mean_iou == pytest.approx((0.2, 0.5, 0.6, 0.1))
    assert [found.at(threshold) for threshold in (0.0, 0.3, 1.0)] == pytest.approx([0.2, 0.5, 0.1])
