"""Where boxes lie and how large they are, as drawn."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam import figures

COVERED = np.linspace(0, 1, 16).reshape(4, 4)
AREAS = (0, 3, 1, 6)


def drawn(median=0.4, **options):
    return figures.box_places(COVERED, (0.1, 0.2, 0.6, 0.9), AREAS, median, **options)


def test_bars_stand_over_their_share_of_the_picture():
    sizes = drawn().axes[-1]
    bars = [patch for patch in sizes.patches if patch.get_gid() == "areas"]
    assert [bar.get_height() for bar in bars] == list(AREAS)
    assert [bar.get_x() + bar.get_width() / 2 for bar in bars] == pytest.approx([0.125, 0.375, 0.625, 0.875])
    (median,) = [line for line in sizes.lines if line.get_gid() == "median"]
    assert set(median.get_xdata()) == {0.4}


def test_the_map_has_its_first_row_on_top_and_the_mean_box_in_its_place():
    axes = drawn().axes[0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1), (1, 0))
    (image,) = [each for each in axes.images if each.get_gid() == "covered"]
    brightness = np.asarray(image.get_array(), float).sum(axis=-1)
    assert (np.diff(brightness.ravel()) > 0).all()
    assert image.get_extent() == [0, 1, 1, 0] or tuple(image.get_extent()) == (0, 1, 1, 0)
    (box,) = [patch for patch in axes.patches if patch.get_gid() == "mean"]
    assert box.get_bbox().extents == pytest.approx([0.1, 0.2, 0.6, 0.9])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("median", [0.0, 0.5, 1.0])
def test_all_words_are_on_the_paper(theme, median):
    figure = drawn(median, theme=theme)
    figure.draw_without_rendering()
    texts = [text for axes in figure.axes for text in (*axes.texts, *(axes.get_xticklabels() if axes.axison else ()))]
    for text in (each for each in (*texts, *figure.texts) if each.get_text() and each.get_visible()):
        span = text.get_window_extent()
        assert -1 <= span.x0 <= span.x1 <= figure.bbox.width + 1, text
        assert -1 <= span.y0 <= span.y1 <= figure.bbox.height + 1, text
