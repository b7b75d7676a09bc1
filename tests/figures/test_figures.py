"""Figures: boxes where they belong, words that are not markup, files that are the same twice."""

import io
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from dogcam import figures
from dogcam.analysis.training import TrainedRun
from dogcam.experiment.training_curves import Curve
from dogcam.figures import Interval, Panel, Series, charts

GREY = np.full((40, 60, 3), 128, np.uint8)
BOX = np.array([0.25, 0.25, 0.75, 0.75])
TRUTH = np.array([[0.1, 0.2, 0.5, 0.9]])
HEAT = np.linspace(-0.5, 1, 24).reshape(4, 6)


def patches(axes, name):
    return [patch for patch in axes.patches if patch.get_gid() == name]


def rendered(figure, dpi=100):
    return np.asarray(Image.open(io.BytesIO(figures.image_bytes(figure, "png", dpi))).convert("RGB")).astype(int)


def texts(figure):
    found = [text.get_text() for text in figure.texts]
    return found + [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (50, 50), (20, 80)])
def test_a_box_is_drawn_at_its_pixels_whatever_the_picture_shape(shape):
    height, width = shape
    pixels = np.full((*shape, 3), 128, np.uint8)
    figure = figures.overlay(pixels, Panel("t", HEAT, BOX), TRUTH)
    (predicted,) = patches(figure.axes[0], "predicted")
    (annotated,) = patches(figure.axes[0], "annotated")
    assert predicted.get_bbox().bounds == pytest.approx((width / 4, height / 4, width / 2, height / 2))
    assert annotated.get_bbox().bounds == pytest.approx((0.1 * width, 0.2 * height, 0.4 * width, 0.7 * height))
    assert predicted.get_linestyle() in ("-", "solid")
    assert annotated.get_linestyle() not in ("-", "solid")


def test_a_tile_shows_the_predicted_colour_on_the_edge_of_the_box_and_nowhere_else():
    image = rendered(figures.tile(GREY, Panel("t", None, BOX), np.zeros((0, 4)), inches=6))
    assert image.shape == (400, 600, 3)
    colour = np.round(np.array(to_rgb(figures.PREDICTED_COLOUR)) * 255)
    near = (np.abs(image - colour).sum(axis=-1) < 30).nonzero()
    rows, columns = near
    assert abs(rows.min() - 100) <= 2
    assert abs(rows.max() - 300) <= 2
    assert abs(columns.min() - 150) <= 2
    assert abs(columns.max() - 450) <= 2
    assert not image[200, 300] @ np.ones(3) - 3 * 128  # the middle is the picture


def test_a_box_along_the_edges_of_the_picture_is_seen_whole():
    image = rendered(figures.tile(GREY, Panel("t", None, np.array([0, 0, 1, 1])), np.zeros((0, 4)), inches=6))
    colour = np.round(np.array(to_rgb(figures.PREDICTED_COLOUR)) * 255)
    blue = np.abs(image - colour).sum(axis=-1) < 60
    assert blue[200, :4].any()
    assert blue[200, -4:].any()
    assert blue[:4, 300].any()
    assert blue[-4:, 300].any()


def test_the_higher_the_heat_the_more_it_covers_and_negative_heat_covers_nothing():
    heat = np.array([[-1.0, 0.0, 0.5, 1.0]])
    image = rendered(figures.tile(np.full((20, 80, 3), 100, np.uint8), Panel("t", heat), np.zeros((0, 4)), inches=4))
    changed = np.abs(image[50, [20, 130, 250, 390]] - 100).sum(axis=-1)
    assert changed[0] == 0
    assert changed[1] < changed[2] < changed[3]


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 2), (4, 8)])
def test_a_sheet_has_a_place_for_every_panel_and_one_for_the_picture_of_each_row(rows, columns):
    panels = [Panel(f"Grad-CAM\nconv{k}_block_with_a_long_name_out", HEAT, BOX, "IoU 0.61") for k in range(columns)]
    figure = figures.contact_sheet(GREY, [(f"epoch {k}", panels) for k in range(rows)], TRUTH, "title")
    pictures = [axes for axes in figure.axes if axes.get_gid() != "scale"]
    assert len(pictures) == rows * (columns + 1)
    assert sum(len(patches(axes, "predicted")) for axes in pictures) == rows * columns
    assert all(len(patches(axes, "annotated")) == 1 for axes in pictures)
    for axes in pictures:
        place = axes.get_position()
        inches = place.width * figure.get_figwidth(), place.height * figure.get_figheight()
        assert inches[0] / inches[1] == pytest.approx(60 / 40)
        assert place.x0 >= 0
        assert place.x1 <= 1
        assert place.y0 >= 0
        assert place.y1 <= 1


def test_the_words_of_neighbouring_panels_do_not_overlap():
    panels = [Panel(f"Grad-CAM\nconv{k}_block_with_a_very_long_name_out", HEAT, BOX, "IoU 0.61") for k in range(8)]
    figure = figures.contact_sheet(GREY, [("epoch 3", panels)], TRUTH)
    figure.draw_without_rendering()
    spans = [text.get_window_extent() for text in figure.texts if text.get_text()]
    overlaps = [(a, b) for k, a in enumerate(spans) for b in spans[k + 1 :] if a.overlaps(b)]
    assert not overlaps


def test_a_wall_keeps_the_shape_of_each_of_its_pictures():
    tall, wide = np.zeros((80, 40, 3), np.uint8), np.zeros((40, 80, 3), np.uint8)
    figure = figures.wall([(each, Panel("t", HEAT, BOX), TRUTH) for each in (tall, wide, wide)], columns=2)
    pictures = [axes for axes in figure.axes if axes.get_gid() != "scale"]
    assert [axes.get_xlim()[1] for axes in pictures] == [40, 80, 80]
    assert all(axes.get_aspect() == 1 for axes in pictures)


@pytest.mark.parametrize("text", ["$x_1$", "$\\frac{", "a\nb", "<script>", "한국어 🐕", "x" * 300])
def test_words_of_users_are_never_read_as_mathematics_and_always_fit(text, tmp_path):
    panel = Panel(text, HEAT, BOX, text)
    figures.save(figures.overlay(GREY, panel, TRUTH), tmp_path / "overlay.png", dpi=60)
    figure = figures.contact_sheet(GREY, [(text, [panel])], TRUTH, text)
    figures.save(figure, tmp_path / "sheet.png", dpi=60)
    assert all(not each.get_parse_math() for each in figure.texts)
    assert all(len(line) < 90 for each in texts(figure) for line in each.split("\n"))
    if text == "$x_1$":
        assert "$x_1$" in texts(figure)


def test_fitted_breaks_cuts_and_cleans():
    assert figures.fitted("one two", 10) == "one two"
    assert figures.fitted("tab\there", 10) == "tab here"
    lines = figures.fitted("word " * 100, 1.0, 8, lines=2).split("\n")
    assert len(lines) == 2
    assert lines[-1].endswith("…")


@pytest.mark.parametrize("kind", figures.KINDS)
def test_the_same_figure_gives_the_same_file_without_a_date(kind, tmp_path):
    for name in ("one", "two"):
        figures.save(figures.overlay(GREY, Panel("t", HEAT, BOX), TRUTH), tmp_path / f"{name}.{kind}")
    first, second = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("one", "two"))
    assert first == second
    assert b"dc:date" not in first
    assert b"CreationDate" not in first


def test_a_pdf_holds_its_words_as_text_in_truetype_fonts():
    """Type 3 fonts, which journals refuse, are matplotlib's default."""
    content = figures.image_bytes(figures.intervals([Interval("up", 0.2, 0.1, 0.3)], "difference"), "pdf")
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_a_file_is_written_at_print_quality(tmp_path):
    figure = figures.overlay(GREY, Panel("t", HEAT, BOX), TRUTH)
    figures.save(figure, tmp_path / "new" / "overlay.png")
    with Image.open(tmp_path / "new" / "overlay.png") as image:
        assert image.size[0] == pytest.approx(figure.get_figwidth() * 300, abs=2)
        assert image.info["dpi"][0] == pytest.approx(300, abs=1)


def trained(run, kept=()):
    curve = Curve((1, 2, 3), tuple(0.1 * epoch * run for epoch in (1, 2, 3)), (1.0,) * 3)
    return TrainedRun(run, curve, curve, kept, None)


def test_every_epoch_is_marked_where_none_was_kept():
    axes = figures.curves([trained(1)], "loss").axes[0]
    assert [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None"] == [[1, 2, 3]]
    assert axes.get_ylabel() == "loss"


def test_curves_show_test_strong_training_faint_and_the_kept_epochs_marked():
    figure = figures.curves([trained(1, kept=(3,)), trained(2, kept=(1, 3))])
    axes = figure.axes[0]
    lines = [line for line in axes.lines if line.get_linestyle() != "None"]
    assert sorted(line.get_alpha() for line in lines) == [0.4, 0.4, 1.0, 1.0]
    marks = [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None"]
    assert sorted(marks) == [[1, 3], [3]]
    assert {"run 1", "run 2"} <= set(texts(figure))


def test_a_chart_draws_its_points_error_bars_and_references():
    series = [Series("a", (3, 5), (0.5, 0.6), half=(0.1, 0.1)), Series("b", (3, 5), (0.7, 0.8), hollow=True, colour=1)]
    figure = figures.line_chart(series, "y", references={"floor": 0.4})
    axes = figure.axes[0]
    heights = [list(line.get_ydata()) for line in axes.lines]
    assert [0.5, 0.6] in heights
    assert [0.7, 0.8] in heights
    (reference,) = [line for line in axes.lines if line.get_gid() == "reference"]
    assert list(reference.get_ydata()) == [0.4, 0.4]
    assert {"a", "b", "floor"} <= set(texts(figure))


def check_names(figure):
    """All names at the ends of lines lie on the paper, none on another."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        spans = [text.get_window_extent() for text in axes.texts]
        assert all(0 <= span.x0 <= span.x1 <= figure.bbox.width for span in spans)
        assert all(0 <= span.y0 <= span.y1 <= figure.bbox.height for span in spans)
        assert all(upper.y0 >= lower.y1 - 1 for lower, upper in pairwise(sorted(spans, key=lambda span: span.y0)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_names_of_ten_lines_and_three_references_are_on_the_paper_and_apart(theme):
    series = [
        Series(f"Integrated Grad-CAM {k}" + "x" * 40 * (k == 3), (3, 5, 7), (0.5, 0.55, 0.5 + k / 900), (0.01,) * 3, k)
        for k in range(10)
    ]
    references = {"mean-training-box": 0.5, "centre Gaussian": 0.505, "whole-image": 0.1}
    check_names(figures.line_chart(series, "mean IoU", references=references, theme=theme))


def test_names_carry_the_marker_of_their_lines():
    series = [Series(f"method {k}", (3, 7), (0.5, 0.5 + k / 10), colour=k) for k in range(8)]
    figure = figures.line_chart(series, "mean IoU", references={"floor": 0.1})
    marks = [line for line in figure.artists if line.get_marker() != "None"]
    drawn = {line.get_marker() for line in figure.axes[0].lines if line.get_linestyle() == "None"}
    assert {line.get_marker() for line in marks} == drawn
    assert len(marks) == len(drawn) == 8


def test_a_line_that_another_covers_is_still_seen():
    same = [Series("a", (3, 5), (0.5, 0.6)), Series("b", (3, 5), (0.5, 0.6), colour=1)]
    widths = [line.get_linewidth() for line in figures.line_chart(same, "y").axes[0].lines if line.get_marker() == "None"]
    assert widths[0] > widths[1]


@pytest.mark.parametrize("heights", [[0.5, 0.5, 0.5], [0.0, 0.01, 0.99, 1.0], [0.2], [], [0.97, 0.98, 0.99]])
def test_labels_at_line_ends_are_moved_apart_and_stay_in_order(heights):
    moved = charts._apart(heights, gap=0.06)
    assert all(b - a >= 0.06 - 1e-9 for a, b in pairwise(moved))
    assert all(0 <= each <= 1 for each in moved)


def test_labels_are_moved_as_little_as_can_be():
    assert charts._apart([0.5, 0.5], gap=0.1) == pytest.approx([0.45, 0.55])
    assert charts._apart([0.2, 0.5, 0.52, 0.8], gap=0.1) == pytest.approx([0.2, 0.46, 0.56, 0.8])
    assert charts._apart([0.0, 0.0], gap=0.1) == pytest.approx([0.0, 0.1])


def test_more_labels_than_fit_lie_closer():
    assert charts._apart([0.5] * 41, gap=0.1) == pytest.approx(np.linspace(0, 1, 41))


def test_intervals_are_coloured_by_the_side_of_zero_they_lie_on():
    rows = [Interval("up", 0.2, 0.1, 0.3), Interval("down", -0.2, -0.3, -0.1), Interval("open", 0, -0.1, 0.1)]
    figure = figures.intervals(rows, "difference")
    lines = [line for line in figure.axes[0].lines if line.get_gid() == "interval"]
    assert [list(line.get_xdata()) for line in lines] == [[0.1, 0.3], [-0.3, -0.1], [-0.1, 0.1]]
    assert len({line.get_color() for line in lines}) == 3


def test_dark_paper_is_dark():
    light, dark = (rendered(figures.curves([trained(1)], theme=theme))[0, 0] for theme in ("light", "dark"))
    assert light.sum() == 3 * 255
    assert dark.sum() < 150


@pytest.mark.parametrize(("panels", "lines"), [(0, [0]), (1, [1]), (9, [9]), (10, [5, 5]), (35, [9, 9, 9, 8])])
def test_a_long_row_of_a_sheet_goes_on_in_further_lines(panels, lines):
    """Read off the places of the axes: each line begins with the bare picture, at its own height."""
    figure = figures.contact_sheet(GREY, [("epoch 3", [figures.Panel(f"m{k}") for k in range(panels)])], TRUTH)
    pictures = [axes for axes in figure.axes if axes.get_gid() != "scale"]
    heights = [round(axes.get_position().y0, 4) for axes in pictures]
    assert [heights.count(height) for height in sorted(set(heights), reverse=True)] == [1 + line for line in lines]
    assert sum(text.get_text() == "picture" for text in figure.texts) == len(lines)


class TestSmallCharts:
    def charts(self):
        mean = figures.Track("CAM", (3, 5, 7), (0.5, 0.6, 0.55), (0.45, 0.55, 0.5), (0.55, 0.65, 0.6), 0, peak=5)
        run = figures.Track("", (3, 5, 7), (0.48, 0.61, 0.53), colour=0, thin=True)
        accuracy = figures.Track("run 1", (1, 2, 3, 4, 5, 6, 7), [0.1 * k for k in range(1, 8)], peak=7)
        unknown = figures.Track("run 1", (1, 2), (float("nan"), float("nan")))
        return [figures.Small("accuracy", [accuracy]), figures.Small("loss", [unknown])] + [
            figures.Small(title, [run, mean]) for title in ("IoU", "area", "$x_1$")
        ]

    def test_all_stand_on_one_axis_of_epochs_in_two_columns_inside_the_figure(self):
        figure = figures.small_charts(self.charts())
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["accuracy", "loss", "IoU", "area", "$x_1$"]
        assert len({axes.get_xlim() for axes in figure.axes}) == 1
        places = [axes.get_position() for axes in figure.axes]
        assert len({round(place.x0, 6) for place in places}) == 2
        assert all(0 < place.x0 < place.x1 < 1 and 0 < place.y0 < place.y1 < 1 for place in places)
        figure.draw_without_rendering()
        named = [axes.get_xlabel() for axes in figure.axes]
        assert named == ["", "", "", "epoch", "epoch"]  # below the last chart of either column

    def test_runs_are_thin_behind_the_mean_and_its_peak_is_ringed(self):
        axes = figures.small_charts(self.charts()).axes[2]
        by_kind = {line.get_gid(): line for line in axes.lines}
        assert by_kind["run"].get_linewidth() < by_kind["line"].get_linewidth() / 2
        assert by_kind["run"].get_zorder() < by_kind["line"].get_zorder()
        assert list(by_kind["line"].get_ydata()) == [0.5, 0.6, 0.55]
        assert (by_kind["peak"].get_xdata()[0], by_kind["peak"].get_ydata()[0]) == (5, 0.6)
        assert len([text for text in axes.texts if text.get_text() == "CAM"]) == 1

    def test_the_same_lines_are_drawn_side_by_side(self):
        same = [figures.Track(name, (3, 7), (0.5, 0.6), colour=k) for k, name in enumerate(("CAM", "Grad-CAM"))]
        lines = figures.small_charts([figures.Small("IoU", same)]).axes[0].lines
        left, right = (line.get_xdata() for line in lines if line.get_gid() == "line")
        assert (right > left).all()
        assert np.abs(np.array([left, right]) - [3, 7]).max() < 0.5

    def test_an_interval_far_beyond_the_lines_does_not_flatten_them(self):
        wide = figures.Track("CAM", (3, 7), (0.50, 0.52), (-0.4, -0.4), (1.4, 1.4), 0)
        low, high = figures.small_charts([figures.Small("IoU", [wide])]).axes[0].get_ylim()
        assert low <= 0.50
        assert high >= 0.52
        assert high - low < 0.1

    def test_names_of_eight_methods_are_on_the_paper_and_apart(self):
        tracks = [figures.Track(f"Eigen-Grad-CAM {k}" + "x" * 40 * (k == 7), (3, 7), (0.5, 0.52), colour=k) for k in range(8)]
        figure = figures.small_charts([figures.Small("IoU", tracks), figures.Small("area", tracks)])
        check_names(figure)

    def test_dark_paper_is_dark(self):
        assert rendered(figures.small_charts(self.charts(), theme="dark"), dpi=40)[0, 0].sum() < 150


@pytest.mark.parametrize("shape", [(1, 512, 3), (512, 1, 3), (1, 1, 3)])
def test_a_tile_of_a_mere_line_is_a_file(shape):
    figure = figures.tile(np.zeros(shape, np.uint8), figures.Panel("line"), np.array([[0, 0, 1, 1]]))
    assert len(figures.image_bytes(figure, "jpg", 80)) > 100
