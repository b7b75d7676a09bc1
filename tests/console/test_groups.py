"""Scores by group of pictures and by threshold, as `--by` and `--curves` show them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from console_results import WIDTHS
from rich.cells import cell_len

from dogcam.analysis.groups import Group
from dogcam.console.groups import sparkline
from dogcam.core.config import EvaluateConfig
from dogcam.experiment.evaluations import Cell

SIZES = (Group("small", most=0.31), Group("medium", least=0.31, most=0.52), Group("large", least=0.52))
BREEDS = ("pug", "boxer", "Old English sheepdog", "husky", "beagle")


class TestGroups:
    def result(self, made, *found):
        config = EvaluateConfig(by=tuple(dict.fromkeys(each.by for each in found)))
        return made.evaluation([made.row()], groups=found, config=config)

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    @pytest.mark.parametrize("layer", ["conv5_block3_out", "outer/body/" * 6])
    def test_every_cell_is_a_column_of_some_table_and_every_group_a_line(self, shown, made, width, layer):
        cells = made.cells(7, layer)
        lines = shown(self.result(made, made.groups(cells, BREEDS)), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        text = "\n".join(lines)
        for figure in ("0.800 [.75, .85]", "0.790 [.74, .85]", "0.123 (n = 7)"):
            assert text.count(figure) == len(cells)
        assert re.sub(r"\s", "", text).count(re.sub(r"\s", "", f"7=method-6 at {layer}_6; 8=whole-image")) == 1
        assert text.count("Old English sheepdog") == text.count("Mean IoU and 95 % interval by breed")

    def test_names_head_the_columns_where_they_fit(self, shown, made, table):
        lines = shown(self.result(made, made.groups(made.cells(1), BREEDS)))
        assert "Mean IoU and 95 % interval by breed, protocol default, run 2, epoch 7, layer " in " ".join(lines)
        assert table(lines, "Mean IoU and")[0].split() == ["breed", "n", "method-0", "whole-image"]
        assert not any(line.startswith("1=") for line in lines)

    def test_breeds_with_the_best_of_the_first_method_first(self, shown, made, table):
        found = made.groups(made.cells(1), ("pug", "boxer", "husky", "beagle", "collie"))
        backwards = tuple(replace(each, mean_iou=each.mean_iou[::-1]) for each in found.lines)
        turned = replace(found, groups=found.groups[::-1], lines=backwards)
        rows = table(shown(self.result(made, turned)), "Mean IoU and")
        assert [line.split()[0] for line in rows[1:]] == ["pug", "boxer", "husky", "beagle", "collie"]

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    def test_few_groups_lie_beside_each_other_and_every_cell_is_a_line(self, shown, made, table, width):
        cells = made.cells(7, "conv5_block3_out")
        lines = shown(self.result(made, made.groups(cells, SIZES, "size")), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        assert "small (below 0.31 of the picture): n = " in " ".join(lines)
        rows = table(lines, "Mean IoU and")
        if width != 60:
            assert rows[0].split()[-3:] == ["small", "medium", "large"]
            assert len(rows) == 1 + len(cells)
        assert "\n".join(lines).count("0.800 [.75, .85]") == len(cells)

    def test_right_and_wrong_are_told_by_the_word_that_differs(self, shown, made, table):
        found = made.groups(made.cells(1), (Group("right"), Group("wrong")), "right")
        lines = shown(self.result(made, found))
        assert table(lines, "Mean IoU and")[0].split()[-2:] == ["right", "wrong"]

    def test_where_networks_are_right_on_different_pictures_it_is_said(self, shown, made):
        found = made.groups(made.cells(1), (Group("right"), Group("wrong")), "right")
        changed = replace(found, groups=tuple(replace(each, n=each.n + 1) for each in found.groups))
        assert "n of one network" in " ".join(shown(self.result(made, changed)))
        assert "n of one network" not in " ".join(shown(self.result(made, found)))

    def test_hostile_labels_and_names(self, shown, made, hostile):
        cells = [Cell(2, epoch, hostile, hostile, "default") for epoch in (3, 7)]
        for labels in ((hostile, *"bcde"), (hostile, "b")):
            lines = shown(self.result(made, made.groups(cells, labels)))
            assert max(map(cell_len, lines)) <= 80
            # With few groups every cell is a line, with many every group.
            assert sum("0.800 [.75, .85]" in line for line in lines) == (1 if len(labels) > 4 else len(cells))

    def test_only_what_was_asked_for(self, shown, made):
        both = made.groups(made.cells(1), SIZES, "size"), made.groups(made.cells(1), BREEDS)
        result = made.evaluation([made.row()], groups=both, config=EvaluateConfig(by=("size",)))
        text = " ".join(shown(result))
        assert "by size" in text
        assert "by breed" not in text

    def test_of_the_cells_that_were_asked_for(self, shown, made, table):
        cells = [Cell(2, 7, name, "conv5_block3_out", "default") for name in ("gradcam", "not-asked")]
        lines = shown(self.result(made, made.groups([*cells, Cell(0, 0, "whole-image", "", "default")], SIZES, "size")))
        assert [line.split()[0] for line in table(lines, "Mean IoU and")[1:]] == ["gradcam"]


class TestCurves:
    def result(self, made, *curves, config=None):
        rows = [made.row(each.cell.method, each.cell.layer, runs=(each.cell.run,)) for each in curves]
        return made.evaluation(rows, config=config or EvaluateConfig(curves=True), curves=curves)

    def test_the_curve_its_two_thresholds_and_ten_points(self, shown, made, table):
        lines = shown(self.result(made, made.curve(), made.curve("cam", threshold=None)))
        first, second = table(lines, "Mean IoU by threshold")[1:]
        assert first.split()[:5] == ["gradcam", "0.200", "0.550", "0.300", "0.600"]
        assert second.split()[:3] == ["cam", "0.300", "0.600"], "no threshold in use"
        assert len(first.split()[5]) == 20
        points = table(lines, "Mean IoU at thresholds")
        assert [line.split()[0] for line in points[1:]] == [f"0.{step}" for step in range(10)]
        assert points[3].split() == ["0.2", "0.550<", "0.550"]
        assert points[4].split() == ["0.3", "0.600", "*", "0.600", "*"]

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    def test_hostile_names_and_many_cells_fit(self, shown, made, hostile, width):
        lines = shown(self.result(made, *(made.curve(hostile, hostile, run=run) for run in range(1, 16))), width)
        told = [line for line in lines if not line.startswith("1=")]
        assert max(map(cell_len, lines if width else told)) <= (width or 1000)
        assert sum(line.count("0.550<") for line in lines) == 15

    def test_they_are_shown_where_they_are_asked_for(self, shown, made):
        lines = shown(self.result(made, made.curve(), config=EvaluateConfig()))
        assert not any("by threshold" in line for line in lines)

    @pytest.mark.parametrize(
        ("values", "top", "expected"),
        [([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"), ([8] * 8, 8, "████████"), ([0, 0], 0, "▁▁"), ([1, 3, 5, 7], 8, "▃▇")],
    )
    def test_a_sparkline_goes_from_0_to_the_top(self, values, top, expected):
        assert sparkline(values, top, letters=len(expected)) == expected
