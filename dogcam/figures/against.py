"""One figure against another: mean IoU by threshold, and two scores of the same methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from dogcam.figures.charts import MARKERS, ink_of, look_of, tidy
from dogcam.figures.fonts import fitted, room
from dogcam.figures.style import styled
from dogcam.language import say

_STROKES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (8, 3)), (0, (3, 1.2, 1.2, 1.2, 1.2, 1.2)))
_POINTS = 7.5


@dataclass(frozen=True)
class Sweep:
    """A score at every threshold.

    Attributes:
        label: in the key.
        thresholds, values: of equal number, ascending from 0 to below 1.
        used: the threshold in use, which gets a filled mark; None for none.
        colour: a position in the theme's `series`.
    """

    label: str
    thresholds: Sequence[float]
    values: Sequence[float]
    used: float | None = None
    colour: int = 0


@dataclass(frozen=True)
class Point:
    """A method under two scores: (mean, low, high) of each, NaN for no interval; how it is drawn see `charts.look_of`."""

    label: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    colour: int | None = 0
    hollow: bool = False


@styled
def sweep_chart(sweeps: Sequence[Sweep], y_label: str, x_label: str, *, colours: Any = None) -> Figure:
    """Scores by threshold, each line in a stroke of its own, its best threshold ringed and the one in use filled."""
    words = float(np.clip(0.065 * max(room(each.label) for each in sweeps) + 0.65, 1.2, 2.2))
    figure = Figure(figsize=(6.2, 3.4))
    axes = figure.add_axes((0.1, 0.14, 0.88 - words / 6.2, 0.82))
    handles = [_sweep(axes, each, _STROKES[place % len(_STROKES)], colours) for place, each in enumerate(sweeps)]
    axes.set(xlabel=x_label, ylabel=y_label, xlim=(0, 1))
    axes.set_ylim(bottom=min(0.0, *(min(each.values) for each in sweeps)))
    axes.xaxis.set_major_locator(MaxNLocator(10))
    tidy(axes, colours)
    dot = {"linestyle": "none", "color": colours["ink"]}
    handles.append(Line2D([], [], marker="o", markersize=5, label=say("in use"), **dot))
    handles.append(Line2D([], [], marker="o", markersize=9, markerfacecolor="none", label=say("best (oracle)"), **dot))
    legend = figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1 - words / 6.2, 0.97), fontsize=_POINTS, handlelength=3.4
    )
    legend.set_in_layout(False)
    return figure


def _sweep(axes: Axes, sweep: Sweep, stroke: Any, colours: Mapping[str, Any]) -> Line2D:
    """Draw one line and its two thresholds; returns its entry of the key."""
    colour = ink_of(sweep.colour, colours)
    label = fitted(sweep.label, 1.6, _POINTS, lines=1)
    line = {"color": colour, "linestyle": stroke, "linewidth": 1.7, "marker": MARKERS[sweep.colour % len(MARKERS)]}
    marks = {"markersize": 4, "markevery": (0.03 + 0.012 * sweep.colour, 0.1)}  # not all at the same thresholds
    axes.plot(sweep.thresholds, sweep.values, zorder=3, gid="sweep", **line, **marks)
    best = int(np.argmax(sweep.values))
    ring = {"markerfacecolor": "none", "markeredgewidth": 1.4, "markersize": 9}
    axes.plot(sweep.thresholds[best], sweep.values[best], "o", color=colour, zorder=5, gid="oracle", **ring)
    if sweep.used is not None:
        at = float(np.interp(sweep.used, sweep.thresholds, sweep.values))
        axes.plot(sweep.used, at, "o", color=colour, markersize=5, zorder=6, gid="used")
    return Line2D([], [], label=label, markersize=4, **line)


@styled
def scatter(points: Sequence[Point], x_label: str, y_label: str, *, colours: Any = None) -> Figure:
    """Methods under two scores, with both intervals and their names beside them, where no other name or point is."""
    figure = Figure(figsize=(6.2, 4.2))
    axes = figure.add_axes((0.115, 0.12, 0.86, 0.855))
    for each in points:
        look = look_of(each.colour, each.hollow, colours)
        axes.plot([each.x[1], each.x[2]], [each.y[0]] * 2, color=look["color"], linewidth=1.2, zorder=2, gid="across")
        axes.plot([each.x[0]] * 2, [each.y[1], each.y[2]], color=look["color"], linewidth=1.2, zorder=2, gid="up")
        axes.plot(each.x[0], each.y[0], markersize=6.5, zorder=3, gid="point", **look)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.margins(0.12)
    tidy(axes, colours, across=True)
    tidy(axes, colours)
    _beside(axes, points, colours)
    return figure


Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in points


def _beside(axes: Axes, points: Sequence[Point], colours: Mapping[str, Any]) -> None:
    """Write every name at the nearest place around its point that is free; a thin line leads to one farther away."""
    wide, high = (72 * axes.figure.get_size_inches() * axes.get_position().size).tolist()
    spans = [(*axes.get_xlim(), wide), (*axes.get_ylim(), high)]

    def at(value: float, axis: int) -> float:
        low, top, size = spans[axis]
        return (value - low) / (top - low) * size

    marks = [(at(each.x[0], 0), at(each.y[0], 1)) for each in points]
    taken: list[Box] = [(x - 4, y - 4, x + 4, y + 4) for x, y in marks]
    for each, (x, y) in zip(points, marks, strict=True):
        taken += [(at(each.x[1], 0), y - 1, at(each.x[2], 0), y + 1)] if np.isfinite(each.x[1]) else []
        taken += [(x - 1, at(each.y[1], 1), x + 1, at(each.y[2], 1))] if np.isfinite(each.y[1]) else []
    for each, (x, y) in sorted(zip(points, marks, strict=True), key=lambda pair: -pair[1][1]):
        label = fitted(each.label, 2.2, 7, lines=1)
        size = 0.6 * 7 * room(label), 8.5
        box = min(_around(x, y, size), key=lambda place: _cost(place, (x, y), taken, (wide, high)))
        taken.append(box)
        colour = look_of(each.colour, each.hollow, colours)["color"]
        far = np.hypot(max(box[0] - x, x - box[2], 0), max(box[1] - y, y - box[3], 0)) > 14
        arrow = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkB": 4, "shrinkA": 0} if far else None
        axes.annotate(
            label,
            (each.x[0], each.y[0]),
            ((box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7,
            color=colour,
            arrowprops=arrow,
            gid="name",
        )


def _around(x: float, y: float, size: tuple[float, float]) -> Iterator[Box]:
    """Places for a box of a size around a point, the nearest first."""
    wide, high = size
    for reach, (right, up) in product(
        (6, 14, 24, 36, 50, 70, 95), ((1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1), (1, 0), (-1, 0))
    ):
        x0 = x + reach if right > 0 else x - reach - wide if right < 0 else x - wide / 2
        y0 = y + 0.6 * reach if up > 0 else y - 0.6 * reach - high if up < 0 else y - high / 2
        yield x0, y0, x0 + wide, y0 + high


def _cost(box: Box, point: tuple[float, float], taken: Sequence[Box], paper: tuple[float, float]) -> float:
    """How bad a place is: what it covers, then how far away it lies."""
    x0, y0, x1, y1 = box
    outside = max(-x0, 0) + max(-y0, 0) + max(x1 - paper[0], 0) + max(y1 - paper[1], 0)
    shared = sum(max(min(x1, other[2]) - max(x0, other[0]), 0) * max(min(y1, other[3]) - max(y0, other[1]), 0) for other in taken)
    away = np.hypot((x0 + x1) / 2 - point[0], (y0 + y1) / 2 - point[1])
    return 1e4 * outside + 50 * shared + away
