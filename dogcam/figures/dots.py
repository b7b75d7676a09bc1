"""Dots with intervals: means of several methods row by row, and a ranking with a bar over what no test tells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dogcam.figures.charts import Interval, look_of, tidy
from dogcam.figures.fonts import fitted, room
from dogcam.figures.style import styled

_POINTS = 7.5  # of rows' names
_LETTER = 0.6 * _POINTS / 72  # inches that a Latin letter of these takes at most
_WIDE = 6.2  # inches
_LINE = 0.115  # inches from one method's dot to the next one's within a row


@dataclass(frozen=True)
class Dots:
    """One method in a dot plot.

    Attributes:
        label: in the key.
        values, low, high: by row; NaN where there is none.
        colour, hollow: how it is drawn, see `charts.look_of`.
    """

    label: str
    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    colour: int | None = 0
    hollow: bool = False


@styled
def dot_plot(rows: Sequence[str], dots: Sequence[Dots], x_label: str, *, cut: int | None = None, colours: Any = None) -> Figure:
    """Means with their intervals, a row for each group of pictures and in it a dot for each method, with a key above.

    Args:
        rows: their names, from the top.
        cut: after so many rows others are left out: a gap is drawn there.
    """
    places = np.arange(len(rows)) + (0.0 if cut is None else 0.8 * (np.arange(len(rows)) >= cut))
    tall = max(0.19, _LINE * len(dots) + 0.06)
    above, below = 0.12 + 0.2 * -(-len(dots) // 2), 0.46
    total = above + tall * (places[-1] + 1) + below
    words = float(np.clip(_LETTER * max(map(room, rows)), 0.6, 2.3)) + 0.1
    figure = Figure(figsize=(_WIDE, total))
    axes = figure.add_axes((words / _WIDE, below / total, 1 - (words + 0.15) / _WIDE, 1 - (above + below) / total))
    _stripes(axes, places, colours)
    for number, each in enumerate(dots):
        at = places + (number - (len(dots) - 1) / 2) * _LINE / tall
        _dots(axes, each, at, colours)
    axes.set(ylim=(places[-1] + 0.5, -0.5), xlabel=x_label, yticks=places)
    axes.set_yticklabels([fitted(row, words - 0.05, _POINTS, lines=1) for row in rows])
    if cut is not None:
        axes.text(0.5, cut - 0.1, "⋮", transform=axes.get_yaxis_transform(), ha="center", va="center", gid="cut")
    _across(axes, colours)
    _key(figure, dots, colours)
    return figure


def _stripes(axes: Axes, places: np.ndarray, colours: Mapping[str, Any]) -> None:
    """Every second row on pale ground, so that the eye keeps to its row."""
    for place in places[1::2]:
        axes.axhspan(place - 0.5, place + 0.5, color=colours["grid"], alpha=0.45, linewidth=0, zorder=0, gid="stripe")


def _dots(axes: Axes, dots: Dots, at: np.ndarray, colours: Mapping[str, Any]) -> None:
    look = look_of(dots.colour, dots.hollow, colours)
    low, high = np.asarray(dots.low, float), np.asarray(dots.high, float)
    axes.hlines(at, low, high, color=look["color"], linewidth=1.3, zorder=2)
    axes.plot(dots.values, at, linestyle="none", markersize=4.6, zorder=3, gid="dots", **look)


def _across(axes: Axes, colours: Mapping[str, Any]) -> None:
    """The look of both charts."""
    tidy(axes, colours, across=True)
    axes.tick_params(axis="y", colors=colours["ink"], labelsize=_POINTS)


def _key(figure: Figure, dots: Sequence[Dots], colours: Mapping[str, Any]) -> None:
    """The key, in two columns across the paper."""
    wide = figure.get_figwidth() / 2 - 0.55
    style = {"linestyle": "-", "linewidth": 1.3, "markersize": 4.6}
    handles = [
        Line2D([], [], label=fitted(each.label, wide, _POINTS, 1), **style, **look_of(each.colour, each.hollow, colours))
        for each in dots
    ]
    place = (0.1 / figure.get_figwidth(), 1 - 0.06 / figure.get_figheight())
    legend = figure.legend(handles=handles, loc="upper left", bbox_to_anchor=place, ncols=2, fontsize=_POINTS, borderpad=0)
    legend.set_in_layout(False)


@styled
def rank_plot(
    lines: Sequence[Interval],
    groups: Mapping[str, Sequence[int]],
    x_label: str,
    *,
    reference: tuple[str, float] | None = None,
    colours: Any = None,
) -> Figure:
    """A ranking, the best on top, with a bar on the right for each group of lines that no test tells apart.

    What Demšar (JMLR 7, 2006) draws as a critical-difference diagram, over means instead of ranks and with their intervals. A
    bar runs past lines that do not belong to its group: those that do have a dot on it.

    Args:
        groups: by letter the places in `lines` of those that share it.
        reference: name and height of a dotted line down: what costs nothing to reach.
    """
    tall, above, below = 0.27, 0.3, 0.46
    total = above + tall * len(lines) + below
    words = float(np.clip(_LETTER * max(room(line.label) for line in lines), 0.6, 2.4)) + 0.1
    bars = 0.17 * len(groups) + 0.18
    figure = Figure(figsize=(_WIDE, total))
    axes = figure.add_axes((words / _WIDE, below / total, 1 - (words + bars + 0.5) / _WIDE, tall * len(lines) / total))
    for row, line in enumerate(lines):
        look = look_of(line.colour, line.hollow, colours)
        axes.plot([line.low, line.high], [row, row], color=look["color"], linewidth=1.6, gid="interval", zorder=3)
        axes.plot(line.mean, row, markersize=5.6, gid="mean", zorder=4, **look)
        axes.text(1.02, row, f"{line.mean:.3f}", transform=axes.get_yaxis_transform(), va="center", fontsize=_POINTS)
    if reference is not None:
        axes.axvline(reference[1], color=colours["muted"], linestyle=(0, (1, 2)), linewidth=1.1, zorder=1, gid="reference")
        axes.text(reference[1], -0.55, reference[0], ha="center", va="bottom", fontsize=6.5, color=colours["muted"])
    axes.set(ylim=(len(lines) - 0.5, -0.5), xlabel=x_label, yticks=range(len(lines)))
    axes.set_yticklabels([fitted(line.label, words - 0.05, _POINTS, lines=1) for line in lines])
    _across(axes, colours)
    box = figure.add_axes((1 - bars / _WIDE, below / total, (bars - 0.1) / _WIDE, tall * len(lines) / total), gid="groups")
    _group_bars(box, groups, len(lines), colours)
    return figure


def _group_bars(axes: Axes, groups: Mapping[str, Sequence[int]], lines: int, colours: Mapping[str, Any]) -> None:
    """A bar for each letter from its first line to its last, a dot at every line that has it."""
    for column, (letter, members) in enumerate(groups.items()):
        style = {"color": colours["ink"], "solid_capstyle": "round", "zorder": 3}
        axes.plot([column] * 2, [min(members), max(members)], linewidth=2.2, gid="group", **style)
        axes.plot([column] * len(members), members, "o", color=colours["ink"], markersize=5, gid="members")
        axes.text(column, -0.62, letter, ha="center", va="bottom", fontsize=_POINTS, color=colours["ink"])
    axes.set(xlim=(-0.6, max(len(groups), 1) - 0.4), ylim=(lines - 0.5, -0.5))
    axes.set_axis_off()
