"""The colours of heat: even steps, one choice for all figures, a scale beside every one."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from dogcam import figures
from dogcam.core.choices import COLORMAPS
from dogcam.core.config import ExplainConfig, ReportConfig
from dogcam.core.errors import UnknownName
from dogcam.figures import Panel
from dogcam.figures.heat import blended, heat_rgba

PIXELS = np.full((40, 60, 3), 128, np.uint8)
HEAT = np.linspace(0, 1, 24).reshape(4, 6)
NONE = np.zeros((0, 4))
UNIFORM = COLORMAPS[:-2]
DRAWN = {
    "overlay": lambda: figures.overlay(PIXELS, Panel("t", HEAT), NONE),
    "tile": lambda: figures.tile(PIXELS, Panel("t", HEAT), NONE),
    "contact sheet": lambda: figures.contact_sheet(PIXELS, [("epoch 3", [Panel("t", HEAT)])], NONE),
    "wall": lambda: figures.wall([(PIXELS, Panel("t", HEAT), NONE)]),
}


def lightness(colours):
    """CIE L* of sRGB colours (n, 3), from the standard's own formulas (IEC 61966-2-1, CIE 15)."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > (6 / 29) ** 3, 116 * np.cbrt(y) - 16, y * (29 / 3) ** 3)


def pixels_of(figure):
    return np.asarray(Image.open(io.BytesIO(figures.image_bytes(figure, "png", 60))).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", COLORMAPS)
def test_every_colormap_on_offer_is_matplotlibs(name):
    assert name in mpl.colormaps


@pytest.mark.parametrize("name", UNIFORM)
def test_all_but_the_last_two_get_lighter_in_even_steps(name):
    steps = np.diff(lightness(mpl.colormaps[name](np.linspace(0, 1, 33))[:, :3]))
    assert steps.min() > 0
    assert steps.std() < 0.35 * steps.mean()


@pytest.mark.parametrize("name", COLORMAPS[-2:])
def test_the_last_two_do_not(name):
    assert np.diff(lightness(mpl.colormaps[name](np.linspace(0, 1, 33))[:, :3])).min() < 0


def test_the_default_is_one_of_those_with_even_steps():
    assert ExplainConfig(images=("x",)).colormap == ReportConfig().colormap == UNIFORM[0]
    assert np.array_equal(figures.heat_levels(7)[:, :3], np.round(255 * levels(UNIFORM[0], 7)))


def levels(name, count):
    return mpl.colormaps[name](0.12 + 0.86 * np.linspace(0, 1, count))[:, :3]


@pytest.mark.parametrize("what", DRAWN)
def test_all_that_shows_heat_follows_the_choice_until_the_end_of_the_block(what):
    before = pixels_of(DRAWN[what]())
    with figures.heat_colours("viridis"):
        within = pixels_of(DRAWN[what]())
    assert np.abs(within - before).max() > 50
    assert np.array_equal(pixels_of(DRAWN[what]()), before)


def test_a_pages_own_scale_follows_the_choice():
    with figures.heat_colours("cividis"):
        assert np.array_equal(figures.heat_levels(5)[:, :3], np.round(255 * levels("cividis", 5)))
        chosen = figures.heat_gradient()
    assert chosen != figures.heat_gradient()


def test_a_name_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(UnknownName, match="viridis"), figures.heat_colours("virids"):
        pass
    for config in (lambda: ReportConfig(colormap="virids"), lambda: ExplainConfig(images=("x",), colormap="virids")):
        with pytest.raises(UnknownName, match="viridis"):
            config()


@pytest.mark.parametrize("what", ["overlay", "contact sheet", "wall"])
def test_a_figure_with_heat_has_its_colour_bar_on_the_paper(what):
    figure = DRAWN[what]()
    (scale,) = [axes for axes in figure.axes if axes.get_gid() == "scale"]
    figure.draw_without_rendering()
    boxes = [scale.get_window_extent(), *(text.get_window_extent() for text in scale.texts)]
    assert [text.get_text() for text in scale.texts] == ["heat  0", "1"]
    assert all(0 <= box.x0 <= box.x1 <= figure.bbox.width and 0 <= box.y0 <= box.y1 <= figure.bbox.height for box in boxes)


@pytest.mark.parametrize("shape", [(40, 60), (80, 20)])
def test_the_colour_bar_of_an_overlay_keeps_clear_of_the_key(shape):
    pixels, box = np.full((*shape, 3), 128, np.uint8), np.array([[0.1, 0.1, 0.5, 0.5]])
    figure = figures.overlay(pixels, Panel("t", HEAT, box[0], "IoU 0.50"), box)
    figure.draw_without_rendering()
    (scale,) = [axes for axes in figure.axes if axes.get_gid() == "scale"]
    (legend,) = figure.legends
    note = next(text for text in figure.texts if text.get_text() == "IoU 0.50")
    left = scale.texts[0].get_window_extent()
    assert not left.overlaps(legend.get_window_extent())
    assert not left.overlaps(note.get_window_extent())


def test_without_heat_there_is_no_scale():
    figure = figures.overlay(PIXELS, Panel("t"), NONE)
    assert not [axes for axes in figure.axes if axes.get_gid() == "scale"]


def test_a_picture_shows_through_its_heat_as_alpha_blending_has_it():
    """Each pixel by the formula of Porter and Duff, of a picture of one colour under heat of one value."""
    pixels = np.full((6, 8, 3), (200, 40, 90), np.uint8)
    grey = 0.299 * 200 + 0.587 * 40 + 0.114 * 90
    for value in (0.0, 0.37, 1.0):
        red, green, blue, alpha = heat_rgba(np.array([[value]]))[0, 0]
        expected = [
            alpha * 255 * over + (1 - alpha) * (0.75 * grey + 0.25 * under)
            for over, under in zip((red, green, blue), (200, 40, 90), strict=True)
        ]
        found = blended(pixels, np.full((2, 3), value))
        assert np.abs(found - np.array(expected)).max() <= 1.2


def test_heat_that_is_no_number_or_negative_covers_nothing():
    pixels = np.full((6, 8, 3), 100, np.uint8)
    assert (blended(pixels, np.array([[np.nan, -3.0]])) == 100).all()
