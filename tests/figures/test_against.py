"""Scores by threshold, and one score against another."""

import numpy as np
import pytest

from dogcam import figures
from dogcam.figures import Point, Sweep, against

GRID = np.arange(100) / 100
NAN = float("nan")


def sweep(number, peak=0.3, used=0.2):
    return Sweep(f"method {number}", GRID, 0.6 * np.exp(-(((GRID - peak) / 0.3) ** 2)), used, number)


def by_gid(axes, gid):
    return [line for line in axes.lines if line.get_gid() == gid]


class TestSweeps:
    def test_the_best_threshold_is_ringed_and_the_one_in_use_filled(self):
        axes = figures.sweep_chart([sweep(0), sweep(1, 0.5, None)], "mean IoU", "threshold").axes[0]
        assert [line.get_xdata()[0] for line in by_gid(axes, "oracle")] == [0.3, 0.5]
        assert all(line.get_markerfacecolor() == "none" for line in by_gid(axes, "oracle"))
        (used,) = by_gid(axes, "used")
        assert used.get_xdata()[0] == 0.2
        assert used.get_ydata()[0] == pytest.approx(0.6 * np.exp(-1 / 9))

    def test_a_threshold_between_two_of_the_grid_lies_on_the_line(self):
        axes = figures.sweep_chart([Sweep("a", (0, 0.5), (0.2, 0.6), 0.25)], "mean IoU", "threshold").axes[0]
        assert by_gid(axes, "used")[0].get_ydata()[0] == pytest.approx(0.4)

    def test_eight_lines_are_told_apart_without_colour(self):
        axes = figures.sweep_chart([sweep(k) for k in range(8)], "mean IoU", "threshold").axes[0]
        looks = [(line.get_linestyle(), line.get_marker()) for line in by_gid(axes, "sweep")]
        assert len({marker for _, marker in looks}) == 8

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_the_key_is_on_the_paper_and_beside_the_lines(self, theme):
        long = Sweep("x" * 300, GRID, np.full(100, 0.5), 0.5, 1)
        figure = figures.sweep_chart([sweep(0), long], "mean IoU", "threshold", theme=theme)
        figure.draw_without_rendering()
        span = figure.legends[0].get_window_extent()
        assert figure.axes[0].get_window_extent().x1 <= span.x0
        assert span.x1 <= figure.bbox.width
        entries = [text.get_text() for text in figure.legends[0].get_texts()]
        assert entries[-2:] == ["in use", "best (oracle)"]


def point(label, x, y, colour=0):
    return Point(label, (x, x - 0.02, x + 0.02), (y, y - 0.02, y + 0.02), colour, colour is None)


CLOSE = [point(f"method {k}", 0.5 + 0.004 * k, 0.3 + 0.003 * (k % 3), k) for k in range(8)]


class TestScatter:
    def test_points_and_both_intervals_are_at_their_places(self):
        axes = figures.scatter([point("CAM", 0.5, 0.3), point("random map", 0.2, 0.0, None)], "x", "y").axes[0]
        assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in by_gid(axes, "point")] == [(0.5, 0.3), (0.2, 0)]
        assert list(by_gid(axes, "across")[0].get_xdata()) == pytest.approx([0.48, 0.52])
        assert list(by_gid(axes, "up")[0].get_ydata()) == pytest.approx([0.28, 0.32])
        hollow = [line.get_markerfacecolor() for line in by_gid(axes, "point")]
        assert hollow[1] == figures.THEMES["light"]["paper"] != hollow[0]

    @pytest.mark.parametrize("points", [CLOSE, CLOSE[:1], [point("x" * 300, 0.5, 0.3), point("한국어 이름", 0.9, 0.9)]])
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_names_do_not_lie_on_each_other_and_stay_on_the_paper(self, points, theme):
        figure = figures.scatter(points, "mean IoU", "ROAD", theme=theme)
        figure.draw_without_rendering()
        names = [text for text in figure.axes[0].texts if text.get_gid() == "name"]
        # Of the words alone: an annotation's own extent holds its line as well.
        spans = [super(type(text), text).get_window_extent() for text in names]
        assert len(spans) == len(points)
        assert not [(a, b) for k, a in enumerate(spans) for b in spans[k + 1 :] if a.overlaps(b)]
        assert all(s.x0 >= 0 and s.x1 <= figure.bbox.width and s.y0 >= 0 and s.y1 <= figure.bbox.height for s in spans)

    def test_a_point_without_intervals_is_drawn(self):
        axes = figures.scatter([Point("a", (0.5, NAN, NAN), (0.1, NAN, NAN))], "x", "y").axes[0]
        assert len(by_gid(axes, "point")) == 1

    def test_the_nearest_free_place_is_taken(self):
        size, paper = (20.0, 8.0), (200.0, 200.0)
        first = min(against._around(100, 100, size), key=lambda b: against._cost(b, (100, 100), [], paper))
        second = min(against._around(100, 100, size), key=lambda b: against._cost(b, (100, 100), [first], paper))
        assert first != second
        assert not (first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3])
