"""The waterfall: from one pipeline's mean to another's, one bar for each choice that is switched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dogcam.figures.charts import tidy
from dogcam.figures.fonts import fitted
from dogcam.figures.style import styled
from dogcam.language import say
from dogcam.language.numbers import number, signed
from dogcam.statistics import Decomposition, Interval
from dogcam.statistics.decomposition import Bar

_HALF = 0.3  # of a bar's thickness, in rows
_WIDE, _WORDS, _VALUES = 6.2, 2.3, 0.62  # inches: the figure, and what is left in it for the names and for the values
_SHORT = 36  # letters of what was changed that stand on one line
# Below this share of the larger end the axis begins at 0; else all changes would be drawn too small to be seen.
_FROM_ZERO = 0.35


@styled
def waterfall(
    found: Decomposition,
    ends: tuple[str, str],
    words: Mapping[str, str] | None = None,
    account: str = "average",
    x_label: str | None = None,
    *,
    colours: Any = None,
) -> Figure:
    """Two ends and the choices between them, one below the other; each bar begins where the one above it ended.

    A gain is plain, a loss hatched, and every value is written with its sign, so that no colour is needed to read it. The
    error bars are the intervals of the changes, and of the means at the ends.

    Args:
        ends: names of the pipelines.
        words: by choice, what it was changed from and to; written small below its name.
        account: whose changes are shown: "average", "forward" or "backward".
        x_label: None: mean IoU.

    Raises:
        ValueError: an unknown account.
    """
    bars = found.waterfall(account)
    rows, tall = len(bars) + 2, 0.48 if words else 0.32
    high = rows * tall + 0.62
    figure = Figure(figsize=(_WIDE, high))
    left, right = _WORDS / _WIDE, 1 - _VALUES / _WIDE
    axes = figure.add_axes((left, 0.5 / high, right - left, rows * tall / high))
    low, top = _limits(found, bars)
    _end(axes, 0, found.start, low, colours)
    _end(axes, rows - 1, found.end, low, colours)
    for row, bar in enumerate(bars, start=1):
        _step(axes, row, bar, colours)
    _links(axes, bars, colours)
    changes = [signed(bar.change.value) for bar in bars]
    _names(axes, [ends[0], *(bar.label for bar in bars), ends[1]], words or {}, colours)
    _values(axes, [number(found.start.value), *changes, number(found.end.value)])
    axes.set(xlim=(low, top), ylim=(rows - 0.5, -0.5), yticks=[])
    label = say("mean IoU") if x_label is None else x_label
    axes.set_xlabel(say("{label} (the axis begins at {low})", label=label, low=f"{low:.2f}") if low else label)
    tidy(axes, colours, 5, across=True)
    return figure


def _reach(around: float, found: Interval) -> list[float]:
    """The ends of an error bar at `around`, for the interval of a change or a mean; none where there is no interval."""
    return [] if np.isnan(found.low) else [around + found.low - found.value, around + found.high - found.value]


def _limits(found: Decomposition, bars: list[Bar]) -> tuple[float, float]:
    """Of the axis: from 0, or from a little below all that is drawn where that lies far above 0."""
    drawn = [found.start.value, found.end.value]
    drawn += _reach(found.start.value, found.start) + _reach(found.end.value, found.end)
    drawn += [place for bar in bars for place in (bar.start, bar.end, *_reach(bar.end, bar.change))]
    least, most = min(drawn), max(drawn)
    room = max(most - least, 0.01)
    low = 0.0 if least < _FROM_ZERO * most else np.floor(100 * max(least - 0.35 * room, 0)) / 100
    return float(low), most + 0.06 * room


def _end(axes: Axes, row: int, found: Interval, low: float, colours: Mapping[str, Any]) -> None:
    """The bar of a whole pipeline; where the axis does not begin at 0 it is broken, since its length means nothing."""
    axes.barh(row, found.value - low, 2 * _HALF, low, color=colours["muted"], gid="end", zorder=2)
    if low:
        for place in (0.035, 0.055):
            x, y = [place - 0.012, place + 0.012], [row + _HALF + 0.08, row - _HALF - 0.08]
            line = axes.get_yaxis_transform()
            axes.plot(x, y, color=colours["paper"], linewidth=2, transform=line, gid="break", zorder=3)
    _whisker(axes, row, _reach(found.value, found), colours["ink"])


def _step(axes: Axes, row: int, bar: Bar, colours: Mapping[str, Any]) -> None:
    colour = colours["series"][0 if bar.end >= bar.start else 1]
    if signed(bar.change.value) == "0.000":
        axes.plot([bar.end] * 2, [row - _HALF, row + _HALF], color=colours["muted"], linewidth=2, gid="nothing")
    else:
        style = {"facecolor": colour, "edgecolor": colours["paper"], "linewidth": 0}
        hatch = "/////" if bar.end < bar.start else None
        axes.barh(row, bar.end - bar.start, 2 * _HALF, bar.start, hatch=hatch, gid="step", zorder=2, **style)
    _whisker(axes, row, _reach(bar.end, bar.change), colours["ink"])


def _whisker(axes: Axes, row: int, reach: list[float], colour: str) -> None:
    if reach:
        axes.plot(reach, [row, row], color=colour, linewidth=1.3, gid="interval", zorder=4)
        axes.plot(reach, [row, row], "|", color=colour, markersize=6, zorder=4)


def _links(axes: Axes, bars: list[Bar], colours: Mapping[str, Any]) -> None:
    """From where a bar ended down to where the next begins."""
    for row, place in enumerate([*(bar.start for bar in bars), bars[-1].end]):
        axes.plot([place] * 2, [row + _HALF, row + 1 - _HALF], color=colours["muted"], linewidth=0.9, zorder=1)


def _names(axes: Axes, names: list[str], words: Mapping[str, str], colours: Mapping[str, Any]) -> None:
    """The rows' names, with what was changed in small letters below: what it was, and what it became."""
    style = {"transform": axes.get_yaxis_transform(), "ha": "right"}
    for row, name in enumerate(names):
        bold = {} if 0 < row < len(names) - 1 else {"fontweight": "bold"}
        said = words.get(name, "") if not bold else ""
        lines = said.replace("→ ", "→\n").split("\n") if len(said) > _SHORT else [said]
        below = "\n".join(fitted(line, _WORDS - 0.15, 6, lines=1) for line in lines)
        place = row - (0.25 if "\n" in below else 0.16 if below else 0)
        axes.text(
            -0.025, place, fitted(name, _WORDS - 0.15, 8, lines=1, bold=bool(bold)), va="center", fontsize=8, **bold, **style
        )
        axes.text(-0.025, place + 0.15, below, va="top", fontsize=6, color=colours["muted"], linespacing=1.1, **style)


def _values(axes: Axes, values: list[str]) -> None:
    """The numbers, below each other on the right."""
    for row, text in enumerate(values):
        bold = {} if 0 < row < len(values) - 1 else {"fontweight": "bold"}
        style = {"transform": axes.get_yaxis_transform(), "va": "center", "ha": "right", "fontsize": 8}
        axes.text(1 + 0.93 * _VALUES / (_WIDE - _WORDS - _VALUES), row, text, **style, **bold)
