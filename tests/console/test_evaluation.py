"""What `evaluate` shows: tables that fit any terminal, whatever names are in them, and what they say in words."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from dogcam import console
from dogcam.console import scores
from dogcam.console.groups import sparkline
from dogcam.core.config import EvaluateConfig
from dogcam.experiment.evaluations import Cell
from dogcam.methods import METHODS
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS
from dogcam.report.claims_words import sentence

WIDTHS = [60, 80, 100, 120]
LAYERS = ("conv5_block3_out", "block_13_expand_relu", "outer/body/c3", "a" * 29 + "/" + "b" * 30)


@pytest.fixture
def shown(terminal, made, capsys):
    """The lines that a result is shown as; a width of None is no terminal."""

    def show(result, width=80):
        if width is None:
            console.show_evaluation(result)
            text = capsys.readouterr().out
        else:
            out, _ = terminal(width)
            console.show_evaluation(result)
            text = made.text_of(out)
        assert made.harmless(text)
        return [line.rstrip() for line in text.splitlines()]

    return show


def table(lines, start="Protocol"):
    """The headings and rows of the table whose title starts so; a title may take several lines."""
    first = next(place for place, line in enumerate(lines) if line.startswith(start))
    rows = lines[first : lines.index("", first)]
    head = next(place for place, line in enumerate(rows) if place and not line.startswith(("layer", "means", "conv")))
    return rows[head:]


class TestScores:
    @pytest.mark.parametrize("width", [*WIDTHS, None])
    @pytest.mark.parametrize("layers", [LAYERS[:1], LAYERS, LAYERS[3:]])
    @pytest.mark.parametrize("epochs", [(7,), (7, 12)])
    def test_every_row_is_one_line_and_no_figure_is_cut(self, shown, made, width, layers, epochs):
        rows = [made.row(method, layer, epoch=each) for method in METHODS for layer in layers for each in epochs]
        rows += [made.baseline(name) for name in made.BASELINES]
        lines = shown(made.evaluation(rows), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        figures = [line for line in lines if re.search(r"(?<!\S)0\.816(?!\S)", line)]
        assert len(figures) == len(rows)
        assert all("0.801 to 0.830" in line for line in figures), "the interval stays as well"
        assert sum("below" in line.split() for line in figures) == len(rows) - len(made.BASELINES)

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    def test_hostile_names(self, shown, made, hostile, width):
        rows = [made.row(), made.row(method=hostile), made.row(layer=hostile), made.row(hostile, hostile, 10, 12)]
        lines = shown(made.evaluation(rows), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        assert len([line for line in lines if re.search(r"(?<!\S)0\.816(?!\S)", line)]) == len(rows)
        if width is None:
            assert " ".join(lines).count(console.clean(hostile)) == 4, "whole where no terminal cuts them"

    def test_at_80_columns_the_first_ones_and_what_there_is_room_for(self, shown, made):
        rows = [made.row(method, layer) for method in ("cam", "gradcam") for layer in LAYERS[:2]]
        lines = shown(made.evaluation([*rows, made.baseline("whole-image")]))
        assert lines[0] == "Protocol default, 8,580 images, run 2, epoch 7"
        headings = "method layer mean IoU 95 % interval unseen median ≥.5 ≥.3"
        assert " ".join(table(lines)[0].split()) == headings
        assert table(lines)[1].split() == "cam conv5_block3_out 0.816 0.801 to 0.830 below 0.250 0.95 0.25".split()
        assert table(lines)[5].split() == "whole-image 0.816 0.801 to 0.830 0.250 0.95 0.25".split(), "no mark"
        text = " ".join(lines)
        assert "No room for ≥.7, top-1, top-5, MaxBoxAcc, PxAP, oracle, gap, threshold, area, empty: wider" in text

    def test_a_wider_terminal_shows_more(self, shown, made):
        rows = [made.row(method, layer) for method in ("cam", "integrated-gradients") for layer in LAYERS]
        counts = [len(table(shown(made.evaluation(rows), width))[1].split()) for width in WIDTHS]
        assert counts == sorted(set(counts))

    def test_without_a_terminal_every_score_is_there(self, shown, made):
        lines = shown(made.evaluation([made.row(), made.row(layer="x" * 60)]), None)
        assert lines[1].split()[:7] == ["method", "layer", "mean", "IoU", "95", "%", "interval"]
        assert lines[1].split()[7:] == (
            "unseen median ≥.5 ≥.3 ≥.7 top-1 top-5 MaxBoxAcc PxAP oracle gap threshold area empty".split()
        )
        assert not any(line.startswith("No room") for line in lines)
        assert any("x" * 60 in line for line in lines)

    def test_what_all_rows_share_is_said_once(self, shown, made):
        lines = shown(made.evaluation([made.row(), made.row("cam"), made.baseline("whole-image")]), 120)
        assert lines[0] == "Protocol default, 8,580 images, run 2, epoch 7, layer conv5_block3_out"
        assert table(lines)[0].startswith("method      mean IoU")

    def test_where_baselines_have_layers_of_their_own_these_are_not_told(self, shown, made):
        others = [made.baseline("random-map", layer="input"), made.baseline("random-weights", layer="last")]
        lines = shown(made.evaluation([made.row(), *others]), 120)
        assert lines[0].endswith("epoch 7, layer conv5_block3_out")
        assert "layer" not in table(lines)[0]

    def test_but_where_one_of_them_has_several(self, shown, made):
        others = [made.baseline("random-weights", layer=layer) for layer in ("first", "last")]
        rows = table(shown(made.evaluation([made.row(), *others]), 120))
        assert [row.split()[1] for row in rows[1:]] == ["conv5_block3_out", "first", "last"]

    @pytest.mark.parametrize(
        ("changes", "heading", "value", "title"),
        [
            ({"epoch": 3}, "epoch", "3", ", run 2,"),
            ({"run": 1}, "run", "1", ", epoch 7,"),
            ({"run": 10, "epoch": 12}, "r·ep", "10·12", " images, layer"),
        ],
    )
    def test_run_and_epoch_are_columns_where_they_differ(self, shown, made, changes, heading, value, title):
        lines = shown(made.evaluation([made.row(), made.row(**changes), made.baseline("whole-image")]), 120)
        headings, _, changed, baseline = table(lines)
        assert headings.split()[0] == heading
        assert changed.split()[:2] == [value, "gradcam"]
        assert baseline.split()[0] == "whole-image", "of no run and no epoch"
        assert title in lines[0]

    @pytest.mark.parametrize("width", WIDTHS)
    def test_empty_maps_are_always_told(self, shown, made, width):
        rows = [made.row(layer=layer, epoch=epoch) for layer in LAYERS for epoch in (3, 7)]
        lines = shown(made.evaluation([*rows, made.row(empty=0.02)]), width)
        assert table(lines)[0].endswith(" empty")
        assert table(lines)[-1].endswith(" 0.020")

    @pytest.mark.parametrize(
        ("unseen", "word"), [("above", "above"), ("below", "below"), ("undecided", "same"), (None, None)]
    )
    def test_how_a_row_stands_to_what_never_looks(self, shown, made, unseen, word):
        lines = shown(made.evaluation([made.row(unseen=unseen)]))
        assert ("unseen" in table(lines)[0]) == (word is not None)
        assert any(line.startswith("unseen: the mean IoU is below or above") for line in lines) == (word is not None)
        assert word is None or word in table(lines)[1].split()

    def test_too_few_images_have_no_interval(self, shown, made):
        lines = shown(made.evaluation([made.row(intervals=dict.fromkeys(METRICS))]))
        assert "interval" not in table(lines)[0]
        assert "nan" not in " ".join(lines).lower()
        assert "None" not in " ".join(lines)

    def test_one_table_a_protocol_with_what_was_asked_for(self, shown, made):
        rows = [made.row(), made.row(protocol="cam2016", mean_iou=0.5), made.row("not-asked")]
        text = "\n".join(shown(made.evaluation(rows)))
        assert text.index("Protocol default, 8,580 images") < text.index("Protocol cam2016, 8,580 images")
        assert "not-asked" not in text
        assert "0.500" in text
        assert "1 min 15 s" in text

    @pytest.mark.parametrize(("gap", "text"), [(-0.0004, "0.000"), (-0.0006, "-0.001"), (float("nan"), "")])
    def test_what_rounds_to_zero_has_no_sign(self, gap, text):
        assert scores.figure(gap) == text

    def test_every_metric_has_a_heading_of_its_own(self):
        assert set(METRICS) == {*scores._FIGURES, "mean_iou", "sem"} - {"threshold"}

    def test_a_metric_of_tomorrow_has_its_column_all_the_same(self, shown, made):
        lines = shown(made.evaluation([made.row(novel=0.777, words="text")]), None)
        assert "0.777" in table(lines)[1]


class TestSeveralRuns:
    def result(self, made):
        rows = [made.row(run=run, mean_iou=run / 10) for run in (1, 2, 3)]
        return made.evaluation([*rows, made.baseline("whole-image")], over_runs=[made.over_runs(mean_iou=0.2)])

    def test_a_terminal_shows_their_mean_beside_the_baselines(self, shown, made):
        lines = shown(self.result(made), 120)
        assert "means over runs 1, 2, 3, epoch 7, layer conv5_block3_out" in lines[0]
        assert [line.split()[:2] for line in table(lines)[1:]] == [["gradcam", "0.200"], ["whole-image", "0.816"]]
        assert "0.300" not in " ".join(lines)

    def test_without_a_terminal_the_single_runs_follow(self, shown, made):
        lines = shown(self.result(made), None)
        second = table(lines, "Protocol default, 8,580 images, epoch 7")
        assert [line.split()[:3] for line in second[1:4]] == [
            [str(run), "gradcam", f"{run / 10:.3f}"] for run in (1, 2, 3)
        ]


class TestBreakdowns:
    LABELS = ("small (below 0.31 of the picture)", "medium (0.31 to 0.52)", "large (above 0.52)")
    BREEDS = ("pug", "boxer", "Old English sheepdog", "husky", "beagle")

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    @pytest.mark.parametrize("layer", ["conv5_block3_out", "outer/body/" * 6])
    def test_every_cell_is_a_column_of_some_table_and_every_group_a_line(self, shown, made, width, layer):
        cells = made.cells(7, layer)
        lines = shown(made.evaluation([made.row()], breakdowns=(made.breakdown(cells, self.BREEDS),)), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        text = "\n".join(lines)
        for figure in ("0.800 [.75, .85]", "0.790 [.74, .85]", "0.123 (n = 7)"):
            assert text.count(figure) == len(cells)
        assert re.sub(r"\s", "", text).count(re.sub(r"\s", "", f"7=method-6 at {layer}_6; 8=whole-image")) == 1
        assert text.count("Old English sheepdog") == text.count("Mean IoU and 95 % interval by size")

    def test_names_head_the_columns_where_they_fit(self, shown, made):
        lines = shown(made.evaluation([made.row()], breakdowns=(made.breakdown(made.cells(1), self.BREEDS),)))
        assert "Mean IoU and 95 % interval by size, protocol default, run 2, epoch 7, layer " in " ".join(lines)
        assert table(lines, "Mean IoU and")[0].split() == ["size", "n", "method-0", "whole-image"]
        assert not any(line.startswith("1=") for line in lines)

    def test_breeds_with_the_best_of_the_first_method_first(self, shown, made):
        found = made.breakdown(made.cells(1), ("pug", "boxer", "husky", "beagle", "collie"), "breed")
        backwards = tuple((cell, each[::-1]) for cell, each in found.lines)
        turned = replace(found, groups=found.groups[::-1], lines=backwards)
        lines = shown(made.evaluation([made.row()], breakdowns=(turned,)))
        assert [line.split()[0] for line in table(lines, "Mean IoU and")[1:]] == [
            "pug",
            "boxer",
            "husky",
            "beagle",
            "collie",
        ]

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    def test_few_groups_lie_beside_each_other_and_every_cell_is_a_line(self, shown, made, width):
        cells = made.cells(7, "conv5_block3_out")
        lines = shown(made.evaluation([made.row()], breakdowns=(made.breakdown(cells, self.LABELS),)), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        assert "small (below 0.31 of the picture): n = " in " ".join(lines)
        rows = table(lines, "Mean IoU and")
        if width != 60:
            assert rows[0].split()[-3:] == ["small", "medium", "large"]
            assert len(rows) == 1 + len(cells)
        assert "\n".join(lines).count("0.800 [.75, .85]") == len(cells)

    def test_right_and_wrong_are_told_by_the_word_that_differs(self, shown, made):
        labels = ("the network is right", "the network is wrong")
        lines = shown(made.evaluation([made.row()], breakdowns=(made.breakdown(made.cells(1), labels, "right"),)))
        assert table(lines, "Mean IoU and")[0].split()[-2:] == ["right", "wrong"]

    def test_where_networks_are_right_on_different_pictures_it_is_said(self, shown, made):
        found = made.breakdown(made.cells(1), ("right", "wrong"), "right")
        changed = replace(found, groups=tuple(replace(each, n=each.n + 1) for each in found.groups))
        assert "n of one network" in " ".join(shown(made.evaluation([made.row()], breakdowns=(changed,))))
        assert "n of one network" not in " ".join(shown(made.evaluation([made.row()], breakdowns=(found,))))

    def test_hostile_labels_and_names(self, shown, made, hostile):
        cells = [Cell(2, epoch, hostile, hostile, hostile) for epoch in (3, 7)]
        lines = shown(made.evaluation([made.row()], breakdowns=(made.breakdown(cells, (hostile, *"bcde")),)))
        assert max(map(cell_len, lines)) <= 80
        assert sum("0.800 [.75, .85]" in line for line in lines) == 1
        lines = shown(made.evaluation([made.row()], breakdowns=(made.breakdown(cells, (hostile, "b")),)))
        assert max(map(cell_len, lines)) <= 80
        assert sum("0.800 [.75, .85]" in line for line in lines) == 2


class TestCurves:
    def result(self, made, *curves):
        return made.evaluation([made.row()], config=EvaluateConfig(curves=True), curves=list(curves))

    def test_the_curve_its_two_thresholds_and_ten_points(self, shown, made):
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
        curves = [made.curve(hostile, hostile, run=run) for run in range(1, 16)]
        lines = shown(self.result(made, *curves), width)
        told = [line for line in lines if not line.startswith("1=")]
        assert max(map(cell_len, lines if width else told)) <= (width or 1000)
        assert sum(line.count("0.550<") for line in lines) == 15

    def test_they_are_shown_where_they_are_asked_for(self, shown, made):
        result = made.evaluation([made.row()], curves=[made.curve()])
        assert "threshold" not in table(shown(result))[0]
        assert not any("by threshold" in line for line in shown(result))

    @pytest.mark.parametrize(
        ("values", "top", "expected"),
        [
            ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
            ([8] * 8, 8, "████████"),
            ([0, 0], 0, "▁▁"),
            ([1, 3, 5, 7], 8, "▃▇"),
        ],
    )
    def test_a_sparkline_goes_from_0_to_the_top(self, values, top, expected):
        assert sparkline(values, top, letters=len(expected)) == expected


class TestWalks:
    @pytest.mark.parametrize("width", WIDTHS)
    def test_choices_and_what_each_changes(self, shown, made, width):
        lines = shown(made.evaluation([made.row()], walks=(made.walk(),)), width)
        rows = table(lines, "From A, cam")
        assert rows[-2].endswith("+0.050 +0.050  +0.050   [0.050, 0.050]")
        assert rows[-1].endswith("-0.020 -0.020  -0.020 [-0.020, -0.020]")
        assert rows[-1].startswith("thr")
        title, words = " ".join(lines).split("choice")[0], " ".join(lines)
        assert "From A, cam (0.494), to B, gradcam (0.524), at last, run 2, epoch 7: +0.030 [0.030, 0.030]" in title
        assert "on average over 2 orders of switching" in words
        assert width < 80 or "0.20 → 0.15" in rows[-1]

    def test_hostile_words(self, shown, made, hostile):
        walk = made.walk(hostile, hostile, {hostile: hostile, "b": "c"})
        lines = shown(made.evaluation([made.row()], walks=(walk,)))
        assert max(map(cell_len, lines)) <= 80
        assert sum("+0.050 +0.050  +0.050" in line for line in lines) == 1


class TestFaithfulness:
    @pytest.mark.parametrize("width", [*WIDTHS, None])
    def test_every_score_is_in_one_of_the_tables(self, shown, made, width):
        rows = [made.faithfulness(), made.faithfulness("integrated-gradients", "x" * 60)]
        lines = shown(made.evaluation([made.row()], faithfulness=rows), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        assert sum(line.count("0.432") for line in lines) == 20
        text = " ".join(lines)
        for name, score in FAITHFULNESS.items():
            assert f" {name} {'↑' if score.larger_is_better else '↓'}" in text
        assert "Faithfulness, 100 images, run 2, epoch 7" in text

    def test_what_has_no_value_is_blank(self, shown, made):
        lines = shown(made.evaluation([made.row()], faithfulness=[made.faithfulness(road=None)]), None)
        assert sum(line.count("0.432") for line in lines) == 9

    def test_none_no_table(self, shown, made):
        assert not any("Faithfulness" in line for line in shown(made.evaluation([made.row()])))


class TestComparisons:
    """The ranking and the pairs, as `--pairs` shows them, and their sentences with and without it."""

    @pytest.mark.parametrize("width", [80, 120])
    def test_with_pairs(self, shown, made, width):
        result = made.evaluation([made.row()], config=EvaluateConfig(pairs=True), comparisons=(made.comparison(),))
        text = " ".join(shown(result, width))
        for words in ("0.600", "[0.550, 0.650]", "too few", "+0.100", "[0.050, 0.150]", "0.0003", "+0.80", "30/2/8"):
            assert words in text, words
        assert "95 % BCa bootstrap, 40 images" in text
        assert "protocol default, run 1, epoch 7" in text
        assert "Wilcoxon signed-rank" in text

    @pytest.mark.parametrize("width", WIDTHS)
    def test_every_line_and_pair_is_one_line(self, shown, made, hostile, width):
        found = made.comparison()
        lines = tuple(replace(each, names=(hostile, hostile)) for each in found.lines)
        changed = replace(found, lines=lines, pairs=(replace(found.pairs[0], first=hostile),), baseline=None)
        result = made.evaluation([made.row()], config=EvaluateConfig(pairs=True), comparisons=(changed,))
        rows = shown(result, width)
        assert max(map(cell_len, rows)) <= width
        assert [sum(each in row for row in rows) for each in ("[0.550, 0.650]", "too few", "30/2/8")] == [1, 1, 1]

    def test_without_pairs_only_the_sentences(self, shown, made):
        text = " ".join(shown(made.evaluation([made.row()], comparisons=(made.comparison(),)), 120))
        assert "30/2/8" not in text
        assert "The same boxes: cam at last, gradcam at last (the same box on 100 % of 40 images)." in text
        assert "The best box that never looks is whole-image, mean IoU 0.450. Above it" in text


class TestWords:
    def test_claims_with_their_verdicts(self, shown, made):
        claims = (made.claim("rises", "p", "supported"), made.claim("falls", "p", "undecided"))
        lines = shown(made.evaluation([made.row()], claims=claims), 200)
        place = lines.index(f"supported: {sentence(claims[0])}")
        assert lines[place + 1] == f"undecided: {sentence(claims[1])}"

    def test_of_several_protocols_the_claims_are_those_of_the_first_and_say_so(self, shown, made):
        claims = (made.claim("rises", "one", "supported"), made.claim("rises", "two", "undecided"))
        lines = shown(made.evaluation([made.row()], claims=claims), 200)
        place = lines.index(f"one: supported: {sentence(claims[0])}")
        assert lines[place + 1] == "Verdicts and dynamics under two are in summary.json and in the report."
        assert not any("undecided" in line for line in lines)

    @pytest.mark.parametrize(
        ("count", "words"), [(1, "1 picture has no usable box"), (1200, "1,200 pictures have no usable box")]
    )
    def test_pictures_without_boxes_are_counted(self, shown, made, count, words):
        assert f"{words}: scored for faithfulness only." in shown(made.evaluation([made.row()], unannotated=count))

    def test_where_there_are_none_nothing_is_said(self, shown, made):
        assert not any("usable" in line for line in shown(made.evaluation([made.row()])))

    def test_what_to_type_next(self, shown, made):
        lines = shown(made.evaluation([made.row()]))
        assert lines[-1] == "Next: dogcam report tiny --home runs"
        assert "Run 2: highest test accuracy." in lines


class TestDynamics:
    """Two runs over epochs 1 and 3 of two methods, whose names may be as long as they like."""

    def found(self, layer="last", run=None):
        peak = SimpleNamespace(epoch=3, separable=True)
        unsure = SimpleNamespace(epoch=1, separable=False)
        learning = SimpleNamespace(
            run=run, epochs=(1, 2, 3), accuracy=(0.5, 0.6, 0.75), loss=(1.5, 1.2, 1.25), accuracy_peak=peak,
            loss_peak=SimpleNamespace(epoch=2, separable=None),
        )  # fmt: skip
        tracks = tuple(
            SimpleNamespace(run=run, method=method, layer=layer, epochs=(1, 3), area=(0.5, 0.25), peak=best,
                            iou=tuple(SimpleNamespace(value=value) for value in means))
            for method, means, best in (("cam", (0.512, 0.534), peak), ("gradcam", (0.55, 0.54), unsure))
        )  # fmt: skip
        return SimpleNamespace(protocol="default", runs=(1, 2), learning=(learning,), main=tracks)

    def test_accuracy_loss_and_fit_at_each_evaluated_epoch_and_where_each_is_best(self, shown, made):
        lines = shown(made.evaluation([made.row()], dynamics=(self.found(), self.found())))
        start = lines.index("Training dynamics, protocol default, mean over runs 1, 2")
        rows = [line.split() for line in lines[start + 1 : start + 6]]
        assert rows[0] == ["e1", "e3", "best", "sure", "box", "area"]
        assert rows[1] == ["test", "accuracy", "0.500", "0.750", "e3", "yes"]
        assert rows[2] == ["test", "loss", "1.500", "1.250", "e2"]
        assert rows[3] == ["cam", "at", "last", "0.512", "0.534", "e3", "yes", "0.50", "to", "0.25"]
        assert rows[4][3:7] == ["0.550", "0.540", "e1", "no"]
        assert sum(line.startswith("Training dynamics") for line in lines) == 1, "of the first protocol"

    @pytest.mark.parametrize("width", WIDTHS)
    def test_one_line_a_row_at_any_width(self, shown, made, width, hostile):
        lines = shown(made.evaluation([made.row()], dynamics=(self.found(hostile * 3, 1),)), width)
        assert max(map(cell_len, lines)) <= width
        assert len([line for line in lines if "0.512" in line or "0.550" in line]) == 2
