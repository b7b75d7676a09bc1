"""The main table: it fits any terminal whatever names are in it, and nobody has to look for the rest."""

from __future__ import annotations

import re
from itertools import product

import pytest
from console_results import WIDTHS
from rich.cells import cell_len

from dogcam.boxes.baselines import BASELINES
from dogcam.console import scores
from dogcam.console.tables import clean
from dogcam.core.config import EvaluateConfig
from dogcam.methods import METHODS
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS

LAYERS = ("conv5_block3_out", "block_13_expand_relu", "outer/body/c3", "a" * 29 + "/" + "b" * 30)
KERAS = ("conv5_block3_out", "block_16_project", "out_relu")
WIDE = EvaluateConfig(wide=True)


def figures(lines, figure="0.816"):
    """The lines below the answer that show a figure."""
    return [line for line in lines[lines.index("") :] if re.search(rf"(?<!\S){figure}(?!\S)", line)]


class TestTable:
    @pytest.mark.parametrize("width", [*WIDTHS, None])
    @pytest.mark.parametrize("layers", [LAYERS[:1], LAYERS, LAYERS[3:]])
    @pytest.mark.parametrize("epochs", [(7,), (7, 12)])
    def test_every_row_is_one_line_and_no_figure_is_cut(self, shown, made, width, layers, epochs):
        rows = [made.row(method, layer, epoch=each) for method in METHODS for layer in layers for each in epochs]
        rows += [made.baseline(name) for name in made.BASELINES]
        lines = shown(made.evaluation(rows), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        found = figures(lines)
        assert len(found) == len(rows)
        assert all("0.816 [.801, .830]" in line for line in found), "the interval stays as well"
        assert sum("below" in line.split() for line in found) == len(rows) - len(made.BASELINES)

    @pytest.mark.parametrize("epochs", [(7,), (3, 7)])
    @pytest.mark.parametrize("empty", [0.0, 0.02])
    def test_at_80_columns_it_is_complete_with_kerass_usual_names(self, shown, made, table, epochs, empty):
        keys = list(product(METHODS, KERAS))
        rows = [made.row(*key, epoch=epoch, empty=empty) for epoch in epochs for key in keys]
        rows += [made.baseline(name) for name in BASELINES]
        lines = shown(made.evaluation(rows))
        mine = table(lines)
        assert max(map(cell_len, lines)) <= 80
        assert not any("…" in line for line in lines), "no name is cut"
        first = len(epochs) > 1
        assert [tuple(line.split()[first : first + 2]) for line in mine[1 : len(keys) + 1]] == keys
        assert [line.split()[0] for line in mine[-len(BASELINES) :]] == list(BASELINES)
        assert any(line.startswith("No room for rank") for line in lines) == (len(epochs) > 1 and empty > 0)

    @pytest.mark.parametrize("width", [80, None])
    def test_at_most_eight_columns(self, shown, made, table, width):
        keys = product(METHODS, KERAS, (3, 7))
        rows = [made.row(method, layer, epoch=epoch, empty=0.02) for method, layer, epoch in keys]
        heading = table(shown(made.evaluation([*rows, made.baseline("whole-image")]), width))[0]
        columns = re.split(r" (?=layer|mean|≥|unseen|rank|empty)|(?<=epoch) ", heading)
        wanted = ["epoch", "method", "layer", "mean IoU [95 %]", "≥.5", "unseen", "rank", "empty"]
        assert [each.strip() for each in columns] == [each for each in wanted if width is None or each != "rank"]
        assert len(columns) <= 8

    def test_without_a_terminal_the_same_columns_whole(self, shown, made, table):
        rows = [made.row(), made.row(layer="x" * 60), made.baseline("whole-image")]
        lines = shown(made.evaluation(rows), None)
        assert table(lines)[0].split() == "method layer mean IoU [95 %] ≥.5 unseen rank".split()
        assert any("x" * 60 in line for line in lines)

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    @pytest.mark.parametrize("config", [EvaluateConfig(), WIDE])
    def test_hostile_names(self, shown, made, hostile, width, config):
        rows = [made.row(), made.row(method=hostile), made.row(layer=hostile), made.row(hostile, hostile, epoch=12)]
        lines = shown(made.evaluation(rows, config=config), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        assert len(figures(lines)) == len(rows)
        if width is None:
            start = next(place for place, line in enumerate(lines) if line.startswith("Protocol"))
            assert " ".join(lines[start : start + 6]).count(clean(hostile)) == 4, "whole where no terminal cuts them"

    def test_the_figures_of_a_row(self, shown, made, table):
        rows = [made.row(method, layer) for method in ("cam", "gradcam") for layer in LAYERS[:2]]
        lines = shown(made.evaluation([*rows, made.baseline("whole-image"), made.baseline("centre-box-0.8")]))
        assert any(line.startswith("Protocol default, 8,580 images, run 2, epoch 7") for line in lines)
        assert " ".join(table(lines)[0].split()) == "method layer mean IoU [95 %] ≥.5 unseen rank"
        assert table(lines)[1].split() == "cam conv5_block3_out 0.816 [.801, .830] 0.95 below 1".split()
        assert table(lines)[5].split() == "whole-image 0.816 [.801, .830] 0.95 best 5".split()
        assert table(lines)[6].split() == "centre-box-0.8 0.816 [.801, .830] 0.95 6".split(), "no mark"

    def test_what_there_is_no_room_for_is_named(self, shown, made):
        rows = [made.row(*key, epoch=epoch) for key in product(METHODS, KERAS) for epoch in (3, 7)]
        assert "No room for rank: wider terminals and pipes have it." in " ".join(shown(made.evaluation(rows), 60))

    def test_what_all_rows_share_is_said_once(self, shown, made, table):
        lines = shown(made.evaluation([made.row(), made.row("cam"), made.baseline("whole-image")]), 120)
        assert "Protocol default, 8,580 images, run 2, epoch 7, layer conv5_block3_out" in lines
        assert table(lines)[0].startswith("method         mean IoU [95 %]")

    @pytest.mark.parametrize("width", WIDTHS)
    def test_empty_maps_are_always_told(self, shown, made, table, width):
        rows = [made.row(layer=layer, epoch=epoch) for layer in LAYERS for epoch in (3, 7)]
        lines = shown(made.evaluation([*rows, made.row("cam", empty=0.02)]), width)
        assert table(lines)[0].endswith(" empty")
        assert table(lines)[-1].endswith(" 0.020")

    def test_one_table_a_protocol_with_what_was_asked_for(self, shown, made):
        rows = [made.row(), made.row(protocol="cam2016", mean_iou=0.5), made.row("not-asked")]
        text = "\n".join(shown(made.evaluation(rows)))
        assert text.index("Protocol default, 8,580 images") < text.index("Protocol cam2016, 8,580 images")
        assert "not-asked" not in text[text.index("Protocol default") :]
        assert "0.500" in text

    def test_too_few_images_have_no_interval(self, shown, made, table):
        rows = [made.row(sure=False), made.baseline("whole-image", sure=False)]
        lines = shown(made.evaluation(rows, comparisons=made.families(rows, verdicts={"gradcam": "few"})))
        assert table(lines)[1].split() == "gradcam 0.816 0.95 too few".split(), "no interval, no rank"
        assert lines.count("Fewer than 10 images: there are no intervals, and nothing can be told apart.") == 1
        assert "nan" not in " ".join(lines).lower()
        assert "None" not in " ".join(lines)

    @pytest.mark.parametrize("config", [EvaluateConfig(), WIDE])
    def test_a_threshold_that_the_pictures_themselves_chose_is_called_so(self, shown, made, config):
        for source in ("fixed", "best"):
            text = " ".join(shown(made.evaluation([made.row(threshold_from=source)], config=config)))
            assert ("what an oracle reaches" in text) == (source == "best")


class TestStanding:
    @pytest.mark.parametrize(
        ("verdict", "word"), [("above", "above"), ("below", "below"), ("undecided", "same"), ("few", "too few")]
    )
    def test_beside_what_never_looks(self, shown, made, table, verdict, word):
        rows = [made.row(), made.baseline("whole-image")]
        lines = shown(made.evaluation(rows, comparisons=made.families(rows, verdicts={"gradcam": verdict})))
        assert f" {word} " in table(lines)[1]
        assert sum(line.startswith("unseen: ") for line in lines) == 1

    def test_without_such_a_box_there_is_no_such_column(self, shown, made, table):
        lines = shown(made.evaluation([made.row()]))
        assert "unseen" not in table(lines)[0]
        assert not any(line.startswith("unseen: ") for line in lines)

    def test_a_method_that_draws_that_very_box(self, shown, made, table):
        rows = [made.row(), made.baseline("whole-image")]
        found = made.families(rows, alike=("gradcam", "whole-image"))
        lines = shown(made.evaluation(rows, comparisons=found))
        assert [line.split()[-2] for line in table(lines)[1:]] == ["same", "best"]

    def test_at_several_epochs_a_baseline_has_no_rank(self, shown, made, table):
        rows = [made.row(epoch=3), made.row(epoch=7), made.baseline("whole-image")]
        mine = table(shown(made.evaluation(rows)))
        assert [line.split()[-1] for line in mine[1:]] == ["1", "1", "best"]

    def test_each_row_is_of_its_own_family(self, shown, made, table):
        rows = [made.row(epoch=3), made.row(epoch=7), made.row(protocol="cam2016", epoch=7), made.baseline("whole-image")]
        places = (("default", 3, "below"), ("default", 7, "above"), ("cam2016", 7, "undecided"))
        found = tuple(made.family(rows, name, epoch, verdicts={"gradcam": verdict}) for name, epoch, verdict in places)
        lines = shown(made.evaluation(rows, comparisons=found))
        assert [line.split()[-2] for line in table(lines)[1:3]] == ["below", "above"]


class TestWide:
    @pytest.mark.parametrize("width", [*WIDTHS, None])
    def test_every_metric_of_every_row(self, shown, made, width):
        rows = [made.row(*key, epoch=epoch) for key in product(("cam", "gradcam"), LAYERS) for epoch in (3, 7)]
        lines = shown(made.evaluation([*rows, made.baseline("whole-image")], config=WIDE), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        assert len(figures(lines)) == len(rows) + 1
        text = " ".join(lines)
        for metric in METRICS.values():
            assert re.search(rf"(?<!\S){re.escape(metric.short)}(?!\S)", text), metric.short
        assert "threshold" in text
        assert "[0.801, 0.830]" in text
        assert "No room" not in text

    def test_without_a_terminal_in_one_table(self, shown, made, table):
        lines = shown(made.evaluation([made.row(), made.baseline("whole-image")], config=WIDE), None)
        assert (
            table(lines)[0].split()
            == (
                "method mean IoU 95 % interval unseen rank ± s.e. median ≥.3 ≥.5 ≥.7 top-1 top-5 MaxBoxAcc oracle gap PxAP area "
                "empty threshold"
            ).split()
        )

    def test_a_metric_that_no_row_has_has_no_column(self, shown, made, table):
        lines = shown(made.evaluation([made.row(pxap=None, top1_loc=None)], config=WIDE), None)
        assert not {"PxAP", "top-1"} & set(table(lines)[0].split())

    def test_how_intervals_are_made(self, shown, made):
        for runs, words in (((2,), "bootstrap over images, the same"), ((1, 2), "over images and runs")):
            assert words in " ".join(shown(made.evaluation([made.row(runs=runs)], config=WIDE)))


class TestSeveralRuns:
    def result(self, made, **more):
        rows = [made.row(runs=(run,), mean_iou=run / 10) for run in (1, 2, 3)]
        return made.evaluation([*rows, made.row(runs=(1, 2, 3), mean_iou=0.2), made.baseline("whole-image")], **more)

    @pytest.mark.parametrize("width", [80, None])
    def test_their_mean_beside_the_baselines(self, shown, made, table, width):
        lines = shown(self.result(made), width)
        assert "means over runs 1, 2, 3, epoch 7, layer conv5_block3_out" in " ".join(lines)
        assert [line.split()[:2] for line in table(lines)[1:]] == [["gradcam", "0.200"], ["whole-image", "0.816"]]
        assert "0.300" not in " ".join(lines)

    @pytest.mark.parametrize("width", [80, None])
    def test_wide_the_single_runs_follow(self, shown, made, table, width):
        lines = shown(self.result(made, config=WIDE), width)
        second = table(lines, "Protocol default, 8,580 images, epoch 7")
        assert [line.split()[:3] for line in second[1:4]] == [[str(run), "gradcam", f"{run / 10:.3f}"] for run in (1, 2, 3)]


@pytest.mark.parametrize(
    ("gap", "text"), [(-0.0004, "0.000"), (-0.0006, "−0.001"), (float("nan"), ""), (None, ""), (0.25, "0.250")]
)
def test_what_rounds_to_zero_has_no_sign(gap, text):
    assert scores.figure(gap) == text


class TestFaithfulness:
    def result(self, made, *rows, **more):
        found = made.faithfulness(*rows)
        return made.evaluation([], faithfulness=found, config=EvaluateConfig(faithfulness=100), **more)

    @pytest.mark.parametrize("width", [*WIDTHS, None])
    def test_every_score_is_in_one_of_the_tables(self, shown, made, width):
        rows = [made.faithful(), made.faithful("integrated-gradients", "x" * 60)]
        lines = shown(self.result(made, *rows), width)
        assert max(map(cell_len, lines)) <= (width or 1000)
        assert sum(line.count("0.432") for line in lines) == 20
        text = " ".join(lines)
        for name, score in FAITHFULNESS.items():
            assert f" {name} {'↑' if score.larger_is_better else '↓'}" in text
        assert "Faithfulness, 100 images, run 2, epoch 7" in text

    def test_what_has_no_value_is_blank(self, shown, made):
        lines = shown(self.result(made, made.faithful(road=None)), None)
        assert sum(line.count("0.432") for line in lines) == 9

    def test_none_no_table(self, shown, made):
        assert not any("Faithfulness" in line for line in shown(made.evaluation([made.row()])))
