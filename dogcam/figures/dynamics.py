"""Small charts on one common axis of epochs: what training does to several figures at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dogcam.figures.charts import MARKERS, End, end_labels, ink_of, tidy
from dogcam.figures.fonts import fitted
from dogcam.figures.style import styled
from dogcam.language import say

# Between neighbouring lines, so that none hides another that is the same, or its intervals: of a chart's width, and at
# most this many epochs in all, so that every point stays at its own.
_DODGE, _MOST = 0.022, 0.5


@dataclass(frozen=True)
class Track:
    """One line of a small chart.

    Attributes:
        label: written at its end; "" for none.
        x, y: its points, of equal number, x whole numbers in ascending order.
        low, high: the ends of each point's interval; NaN where it has none. None: the line has no intervals.
        colour: see `charts.ink_of`.
        thin: a single run, behind the mean over runs.
        peak: the x of its best point, which gets a ring; None for none.
    """

    label: str
    x: Sequence[int]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    colour: int | None = None
    thin: bool = False
    peak: int | None = None


@dataclass(frozen=True)
class Small:
    """One small chart: its title, above it on the left, and its lines."""

    title: str
    tracks: Sequence[Track]


@styled
def small_charts(charts: Sequence[Small], x_label: str | None = None, *, columns: int = 2, colours: Any = None) -> Figure:
    """Small charts in `columns` columns over one common axis: thick lines on thin ones, peaks ringed.

    Intervals are cut at the ends of a chart where they reach further than its lines and as much again: of two runs they
    are so wide that the lines would be flat. A cut end has no cap.

    Args:
        charts: row by row.
        x_label: None: epochs.
    """
    rows = -(-len(charts) // columns)
    high = 0.36 + 1.62 * rows
    figure = Figure(figsize=(8.0, high))
    xs = sorted({x for chart in charts for track in chart.tracks for x in track.x})
    for place, chart in enumerate(charts):
        row, column = divmod(place, columns)
        left = 0.06 + column / columns
        axes = figure.add_axes((left, 1 - (1.62 * row + 1.5) / high, 0.605 / columns, 1.16 / high))
        _chart(axes, chart, _DODGE * (xs[-1] - xs[0] + 0.7), colours)
        axes.set(xlim=(xs[0] - 0.35, xs[-1] + 0.35), xticks=xs if len(xs) <= 12 else xs[:: -(-len(xs) // 12)])
        if place + columns < len(charts):
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel(say("epoch") if x_label is None else x_label)
    return figure


def _chart(axes: Axes, chart: Small, dodge: float, colours: Mapping[str, Any]) -> None:
    dodged = [track for track in chart.tracks if not track.thin]
    dodge = min(dodge, _MOST / max(len(dodged), 1))
    for track in sorted(chart.tracks, key=lambda each: not each.thin):
        shift = dodge * (dodged.index(track) - (len(dodged) - 1) / 2) if track in dodged else 0.0
        _draw(axes, track, shift, colours)
    axes.set_title(fitted(chart.title, 2.9, 8.5, lines=1), loc="left", fontsize=8.5, color=colours["ink"])
    axes.set_ylim(_limits(chart.tracks))
    tidy(axes, colours, 4)
    _names(axes, chart.tracks, colours)


def _draw(axes: Axes, track: Track, shift: float, colours: Mapping[str, Any]) -> None:
    colour = ink_of(track.colour, colours)
    x, y = np.asarray(track.x, float) + shift, np.asarray(track.y, float)
    if track.thin:
        axes.plot(x, y, color=colour, linewidth=0.9, alpha=0.55, zorder=2, gid="run")
    else:
        marker = MARKERS[(track.colour or 0) % len(MARKERS)]
        axes.plot(x, y, color=colour, linewidth=2.0, marker=marker, markersize=4.5, zorder=4, gid="line")
    if track.low is not None and track.high is not None:
        ends = np.abs(np.array([y - np.asarray(track.low), np.asarray(track.high) - y]))
        axes.errorbar(x, y, yerr=ends, fmt="none", ecolor=colour, elinewidth=1.1, capsize=2.5, zorder=3)
    if track.peak is not None:
        at, size = list(track.x).index(track.peak), 6.5 if track.thin else 10.5
        ring = {"markerfacecolor": "none", "markeredgewidth": 0.9 if track.thin else 1.5}
        axes.plot(x[at], y[at], "o", color=colour, markersize=size, zorder=5, gid="peak", **ring)


def _limits(tracks: Sequence[Track]) -> tuple[float, float]:
    """From what the lines need to three times that, as far as their intervals reach."""
    heights = np.concatenate([np.asarray(track.y, float) for track in tracks])
    reach = [np.asarray(ends, float) for track in tracks for ends in (track.low, track.high) if ends is not None]
    heights = heights[np.isfinite(heights)]
    if not len(heights):
        return 0.0, 1.0
    low, high = heights.min(), heights.max()
    span = max(high - low, 0.02 * abs(high), 1e-6)
    everything = np.concatenate([heights, *(ends[np.isfinite(ends)] for ends in reach)])
    return max(everything.min(), low - span) - 0.14 * span, min(everything.max(), high + span) + 0.14 * span


def _names(axes: Axes, tracks: Sequence[Track], colours: Mapping[str, Any]) -> None:
    """Each name at the height of its line's end, with the marker of its points."""
    ends = []
    for track in tracks:
        if track.label and np.isfinite(track.y[-1]):
            marker = "" if track.thin else MARKERS[(track.colour or 0) % len(MARKERS)]
            colour = ink_of(track.colour, colours)
            ends.append(End(track.y[-1], track.label, colour, marker, colour))
    end_labels(axes, ends, 0.1, 0.82)
