"""Where annotated boxes lie in their pictures, and how large they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter

from dogcam.figures.charts import tidy
from dogcam.figures.heat import heat_rgba
from dogcam.figures.style import styled
from dogcam.language import say
from dogcam.language.numbers import percent

_WIDE, _HIGH, _SIDE = 6.2, 3.0, 2.35  # inches: the figure, and the map of places


@styled
def box_places(covered: np.ndarray, mean: Sequence[float], areas: Sequence[int], median: float, *, colours: Any = None) -> Figure:
    """On the left the share of boxes that cover each place of the picture, on the right how many are of which size.

    Args:
        covered: shares (n, n), rows from the top.
        mean: the mean box, relative (4,), drawn as a dashed line.
        areas: how many boxes cover so much of the picture, in even steps up to the whole.
        median: of those areas.
    """
    figure = Figure(figsize=(_WIDE, _HIGH))
    places = figure.add_axes((0.02, 0.5 / _HIGH, _SIDE / _WIDE, _SIDE / _HIGH))
    _map(places, np.asarray(covered), mean)
    figure.text(0.02, 0.17 / _HIGH, say("mean box: dashed"), va="center", fontsize=7.5, color=colours["muted"])
    _scale(figure, colours)
    sizes = figure.add_axes(((_SIDE + 0.9) / _WIDE, 0.5 / _HIGH, (_WIDE - _SIDE - 1.15) / _WIDE, _SIDE / _HIGH))
    step = 1 / len(areas)
    sizes.bar((np.arange(len(areas)) + 0.5) * step, areas, 0.88 * step, color=colours["series"][0], gid="areas")
    sizes.axvline(median, color=colours["ink"], linestyle=(0, (1, 2)), linewidth=1.2, gid="median")
    words = say("median {share}", share=percent(median))
    side = {"ha": "left", "x": median + 0.012} if median < 0.6 else {"ha": "right", "x": median - 0.012}
    sizes.text(side["x"], 1.01, words, ha=side["ha"], va="bottom", fontsize=7.5, transform=sizes.get_xaxis_transform())
    sizes.set(xlim=(0, 1), xlabel=say("share of the picture that a box covers"), ylabel=say("boxes"))
    tidy(sizes, colours)
    sizes.xaxis.set_major_formatter(PercentFormatter(1))
    return figure


def _map(axes: Axes, covered: np.ndarray, mean: Sequence[float]) -> None:
    """The picture as a square, its places coloured by how many boxes cover them."""
    axes.imshow(_opaque(covered), extent=(0, 1, 1, 0), aspect="auto", interpolation="bilinear", gid="covered")
    x0, y0, x1, y1 = mean
    style = {"edgecolor": "#ffffff", "linestyle": (0, (4, 2.5)), "linewidth": 1.6, "fill": False}
    axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, gid="mean", **style))
    axes.set(xlim=(0, 1), ylim=(1, 0))
    axes.set_axis_off()


def _opaque(shares: np.ndarray) -> np.ndarray:
    """The colours of heat without the picture below it that heat lets through."""
    return heat_rgba(shares)[..., :3]


def _scale(figure: Figure, colours: Mapping[str, Any]) -> None:
    """What the colours mean: from no box to all of them."""
    axes = figure.add_axes((1.6 / _WIDE, 0.12 / _HIGH, 0.4 / _WIDE, 0.1 / _HIGH))
    axes.imshow(_opaque(np.linspace(0, 1, 256)[None]), extent=(0, 1, 0, 1), aspect="auto")
    axes.set_axis_off()
    words = {"va": "center", "fontsize": 7.5, "color": colours["muted"]}
    axes.text(-0.1, 0.5, "0", ha="right", **words)
    axes.text(1.1, 0.5, say("all boxes"), ha="left", **words)
