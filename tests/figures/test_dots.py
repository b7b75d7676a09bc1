"""Dot plots and rankings: every value at its place, groups joined, nothing on top of something else."""

import numpy as np
import pytest

from dogcam import figures
from dogcam.figures import Dots, Interval

NAN = float("nan")
ROWS = ["Chihuahua (12)", "$x_1$", "시베리안 허스키", "b" * 300]
CAM = Dots("CAM", (0.7, 0.6, 0.5, NAN), (0.65, 0.5, NAN, NAN), (0.75, 0.7, NAN, NAN), 0)
BOX = Dots("centre-box-0.8", (0.4, 0.4, 0.4, 0.4), (0.3,) * 4, (0.5,) * 4, None, hollow=True)
LINES = [
    Interval("Grad-CAM++", 0.62, 0.60, 0.64, 2),
    Interval("CAM and Grad-CAM", 0.61, 0.59, 0.63, 0),
    Interval("centre-box-0.8", 0.58, NAN, NAN, None, hollow=True),
    Interval("Eigen-CAM " + "x" * 300, 0.4, 0.38, 0.42, 3),
]
GROUPS = {"a": [0, 1], "b": [1, 2], "c": [3]}


def by_gid(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


def on_paper(figure):
    """Every word's box in pixels, after a check that all lie on the paper."""
    figure.draw_without_rendering()
    texts = [text for axes in figure.axes for text in [*axes.texts, *_ticks(axes)]]
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    spans = [text.get_window_extent() for text in shown]
    for span, text in zip(spans, shown, strict=True):
        assert -1 <= span.x0 <= span.x1 <= figure.bbox.width + 1, text
        assert -1 <= span.y0 <= span.y1 <= figure.bbox.height + 1, text
    return spans


def _ticks(axes):
    """The labels of those ticks that are drawn."""
    (left, right), (bottom, top) = (sorted(limits) for limits in (axes.get_xlim(), axes.get_ylim()))
    along = [text for text in axes.get_xticklabels() if left <= text.get_position()[0] <= right]
    return [*along, *(t for t in axes.get_yticklabels() if bottom <= t.get_position()[1] <= top)] if axes.axison else []


class TestDotPlot:
    def test_every_method_has_a_dot_in_every_row_and_its_interval_through_it(self):
        axes = figures.dot_plot(ROWS, [CAM, BOX], "mean IoU").axes[0]
        cam, box = by_gid(axes, "dots")
        np.testing.assert_array_equal(cam.get_xdata(), CAM.values)
        np.testing.assert_array_equal(box.get_xdata(), BOX.values)
        assert (np.round(cam.get_ydata()) == range(4)).all()
        assert (cam.get_ydata() < box.get_ydata()).all(), "side by side, not on top of each other"
        spans = axes.collections[0].get_segments()
        assert [tuple(each[:, 0]) for each in spans[:2]] == [(0.65, 0.75), (0.5, 0.7)]

    def test_methods_are_told_apart_without_colour(self):
        cam, box = by_gid(figures.dot_plot(ROWS, [CAM, BOX], "mean IoU").axes[0], "dots")
        assert cam.get_marker() != box.get_marker()
        assert cam.get_markerfacecolor() == cam.get_color()
        assert box.get_markerfacecolor() == figures.THEMES["light"]["paper"]

    def test_the_first_row_is_on_top_and_a_gap_shows_that_others_are_left_out(self):
        whole, cut = (figures.dot_plot(ROWS, [CAM], "mean IoU", cut=cut).axes[0] for cut in (None, 2))
        assert whole.get_ylim()[0] > whole.get_ylim()[1]
        assert np.diff(whole.get_yticks()).tolist() == [1, 1, 1]
        assert np.diff(cut.get_yticks()).tolist() == pytest.approx([1, 1.8, 1])
        assert [text.get_text() for text in cut.texts if text.get_gid() == "cut"] == ["⋮"]

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_all_words_are_on_the_paper(self, theme):
        figure = figures.dot_plot(ROWS, [CAM, _named("y" * 300), BOX], "mean IoU", theme=theme)
        on_paper(figure)
        (legend,) = figure.legends
        span = legend.get_window_extent()
        assert 0 <= span.x0 <= span.x1 <= figure.bbox.width
        assert span.y0 >= figure.axes[0].get_window_extent().y1 - 1


def _named(label):
    return Dots(label, CAM.values, CAM.low, CAM.high, 1)


class TestRankPlot:
    def test_means_intervals_and_the_reference_are_at_their_places(self):
        axes = figures.rank_plot(LINES, GROUPS, "mean IoU", reference=("centre-box-0.8", 0.58)).axes[0]
        assert [tuple(np.concatenate(line.get_data())) for line in by_gid(axes, "mean")] == [
            (line.mean, row) for row, line in enumerate(LINES)
        ]
        assert [list(line.get_xdata()) for line in by_gid(axes, "interval")][:2] == [[0.60, 0.64], [0.59, 0.63]]
        (reference,) = by_gid(axes, "reference")
        assert set(reference.get_xdata()) == {0.58}

    def test_a_bar_joins_each_group_with_a_dot_at_each_member(self):
        (box,) = [axes for axes in figures.rank_plot(LINES, GROUPS, "mean IoU").axes if axes.get_gid() == "groups"]
        assert [list(line.get_ydata()) for line in by_gid(box, "group")] == [[0, 1], [1, 2], [3, 3]]
        assert [list(line.get_ydata()) for line in by_gid(box, "members")] == [[0, 1], [1, 2], [3]]
        assert [text.get_text() for text in box.texts] == ["a", "b", "c"]

    def test_a_bar_runs_past_a_line_that_is_no_member_without_a_dot(self):
        (box,) = [a for a in figures.rank_plot(LINES, {"a": [0, 2]}, "mean IoU").axes if a.get_gid() == "groups"]
        assert [list(line.get_ydata()) for line in by_gid(box, "group")] == [[0, 2]]
        assert [list(line.get_ydata()) for line in by_gid(box, "members")] == [[0, 2]]

    @pytest.mark.parametrize("theme", ["light", "dark"])
    @pytest.mark.parametrize("groups", [GROUPS, {chr(97 + k): [k % 4] for k in range(9)}])
    def test_no_word_is_off_the_paper_or_on_another(self, theme, groups):
        spans = on_paper(figures.rank_plot(LINES, groups, "mean IoU", theme=theme))
        assert not [(a, b) for k, a in enumerate(spans) for b in spans[k + 1 :] if a.overlaps(b)]
