"""Table rows against numbers worked out by hand."""

import numpy as np
import pytest

from dogcam.analysis.tables import (
    cell_order,
    check_same_images,
    image_values,
    localisation_rows,
    scores,
)
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Cell
from dogcam.metrics import METRICS


def test_the_numbers_of_a_row_are_those_of_its_images(made):
    made.images, made.samples, made.epochs = 4, 2, (4,)
    made.ious = {("cam", 4): np.array([0.1, 0.3, 0.5, 0.7])}
    (evaluation,) = made.write().evaluations()
    row = next(row for row in localisation_rows(evaluation) if row["method"] == "cam")
    assert (row["run"], row["epoch"], row["layer"], row["n"]) == (2, 4, "conv5_block1_out", 4)
    assert row["mean_iou"] == pytest.approx(0.4)
    # s^2 = (0.09 + 0.01 + 0.01 + 0.09) / 3, divided by n = 4
    assert row["sem"] == pytest.approx((0.2 / 3 / 4) ** 0.5)
    assert (row["iou30"], row["iou50"], row["iou70"], row["empty"]) == (0.75, 0.5, 0.25, 0)
    assert set(METRICS) <= set(row)


def test_rows_come_by_protocol_and_epoch_with_the_baselines_last(made):
    made.protocols = ("cam2016", "default")
    (evaluation,) = made.write().evaluations()
    rows = localisation_rows(evaluation)
    one = [(2, "cam", 5), (2, "gradcam", 3), (2, "gradcam", 4), (2, "gradcam", 5)]
    one += [(4, "cam", 5), (4, "gradcam", 3), (4, "gradcam", 4), (4, "gradcam", 5), (0, "whole-image", None)]
    found = [(row["epoch"], row["method"], int(row["layer"][4]) if row["layer"] else None) for row in rows]
    assert found == one + one
    assert [row["protocol"] for row in rows] == ["default"] * 9 + ["cam2016"] * 9


def test_layers_are_counted_as_people_count():
    cells = [Cell(1, 1, "gradcam", f"block_{k}_add", "default") for k in (12, 5)]
    assert [cell.layer for cell in sorted(cells, key=cell_order)] == ["block_5_add", "block_12_add"]


def test_names_that_no_registry_knows_come_last():
    cells = [Cell(1, 1, method, "a", "default") for method in ("newer", "gradcam", "cam")]
    assert [cell.method for cell in sorted(cells, key=cell_order)] == ["cam", "gradcam", "newer"]


def test_a_metric_whose_column_an_older_table_lacks_is_none():
    found = scores({"iou": np.array([0.5, 0.5])})
    assert found["mean_iou"] == 0.5
    assert found["area"] is None


def test_values_of_images_are_those_of_every_mean_and_median_that_applies():
    rank = np.array([0, np.nan, 7])
    found = image_values({"iou": np.array([0.2, 0.5, 0.8]), "rank": rank, "area": np.full(3, np.nan)})
    assert list(found) == ["mean_iou", "median_iou", "iou30", "iou50", "iou70", "top1_loc", "top5_loc"]
    assert found["iou50"].tolist() == [0, 1, 1]
    np.testing.assert_array_equal(found["top5_loc"], [0, np.nan, 0])


def test_scores_are_the_same_from_values_that_are_known(made):
    (evaluation,) = made.write().evaluations()
    for cell in evaluation.cells():
        columns = evaluation.read(cell)
        assert scores(columns, image_values(columns)) == scores(columns)


def of_images(*boxes):
    """A table of as many pictures as there are lists of boxes."""
    truth = np.empty(len(boxes), object)
    truth[:] = [np.asarray(each, np.float32).reshape(-1, 4) for each in boxes]
    return {
        "image": np.array([f"p{k}" for k in range(len(boxes))], object),
        "label": np.zeros(len(boxes)),
        "truth": truth,
    }


class TestSameImages:
    ONE, TWO, THREE = [0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0, 1, 1]

    def test_equal_boxes_in_other_arrays_are_the_same(self):
        check_same_images({name: of_images([self.ONE, self.TWO], [], [self.THREE]) for name in "abc"})
        check_same_images({name: of_images() for name in "ab"})

    def test_the_same_numbers_cut_otherwise_are_not(self):
        """Laid end to end both are three boxes in this order."""
        tables = {
            "a": of_images([self.ONE, self.TWO], [self.THREE]),
            "b": of_images([self.ONE], [self.TWO, self.THREE]),
        }
        with pytest.raises(ExperimentError, match="a and b differ in the annotated boxes of p0 and 1 other images"):
            check_same_images(tables)

    def test_one_number_of_one_box_tells_them_apart(self):
        tables = {"a": of_images([self.ONE], [self.TWO]), "b": of_images([self.ONE], [self.THREE])}
        with pytest.raises(ExperimentError, match="differ in the annotated boxes of p1 and 0 other images"):
            check_same_images(tables)
