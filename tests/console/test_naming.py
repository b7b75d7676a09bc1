"""What rows are about: what they share is said once, and what differs tells them apart."""

from __future__ import annotations

import pytest

from dogcam.console.naming import about, identified, named
from dogcam.experiment.evaluations import Cell


def headings(rows):
    return [column.heading for column in identified(rows)[1]]


class TestIdentified:
    def test_what_all_share_is_no_column(self, made):
        rows = [made.row(), made.row("cam"), made.baseline("whole-image")]
        shared, columns = identified(rows)
        assert shared == ", run 2, epoch 7, layer conv5_block3_out"
        assert [(column.heading, column.values) for column in columns] == [("method", ("gradcam", "cam", "whole-image"))]

    def test_where_baselines_have_layers_of_their_own_these_are_not_told(self, made):
        rows = [made.row(), made.baseline("random-map", "input"), made.baseline("random-weights", "last")]
        assert identified(rows)[0].endswith("layer conv5_block3_out")
        assert headings(rows) == ["method"]

    def test_but_where_one_of_them_has_several(self, made):
        rows = [made.row(), *(made.baseline("random-weights", layer) for layer in ("first", "last"))]
        assert identified(rows)[1][-1].values == ("conv5_block3_out", "first", "last")

    @pytest.mark.parametrize(
        ("changes", "heading", "values", "shared"),
        [
            ({"epoch": 3}, "epoch", ("7", "3", ""), ", run 2, layer"),
            ({"runs": (1,)}, "run", ("2", "1", ""), ", epoch 7, layer"),
            ({"runs": (10,), "epoch": 12}, "r·ep", ("2·7", "10·12", ""), ", layer"),
        ],
    )
    def test_run_and_epoch_are_columns_where_they_differ(self, made, changes, heading, values, shared):
        rows = [made.row(), made.row(**changes), made.baseline("whole-image")]
        said, columns = identified(rows)
        assert (columns[0].heading, columns[0].values) == (heading, values), "a baseline is of no run and no epoch"
        assert said.startswith(shared)

    def test_means_over_runs(self, made):
        rows = [made.row(runs=(1, 2, 3)), made.baseline("whole-image")]
        assert identified(rows)[0].startswith(", means over runs 1, 2, 3, epoch 7")


class TestNamed:
    def test_the_method_where_nothing_else_differs(self, made):
        assert named([made.row(), made.row("cam"), made.baseline("whole-image")]) == ["gradcam", "cam", "whole-image"]

    def test_all_that_differs(self, made):
        rows = [made.row(), made.row(layer="x", epoch=3, runs=(1,), protocol="cam2016"), made.baseline("whole-image")]
        assert named(rows) == [
            "gradcam at conv5_block3_out, run 2, epoch 7 by default",
            "gradcam at x, run 1, epoch 3 by cam2016",
            "whole-image by default",
        ]

    def test_cells_as_rows(self):
        cells = [Cell(2, 7, "cam", "last", "default"), Cell(0, 0, "whole-image", "", "default")]
        assert [(row.runs, row.epoch, row.map, row.protocol) for row in about(cells)] == [
            ((2,), 7, cells[0].map, "default"),
            ((), 0, cells[1].map, "default"),
        ]
