"""Charts: lines by epoch, and differences with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from dogcam.analysis.training import TrainedRun
from dogcam.figures.fonts import fitted, room
from dogcam.figures.style import styled
from dogcam.language import message, say

MARKERS = "os^DvPX*"
_MOST = 0.5  # of an epoch: how far lines are moved apart in all, so that every point stays at its own
_MEASURES = {"accuracy": message("accuracy"), "loss": message("loss")}


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        label: written at its end; "" for none.
        x, y: its points, of equal number.
        half: half the length of each point's error bar, or None.
        colour: a position in the theme's `series`.
        faint: drawn thin and pale, behind the others.
        hollow: its points are drawn hollow and its line dashed: figures that others published.
        marked: only the points at these x get a marker; None marks all.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    half: Sequence[float] | None = None
    colour: int = 0
    faint: bool = False
    hollow: bool = False
    marked: Iterable[float] | None = None


@dataclass(frozen=True)
class Interval:
    """One row of a chart across: a mean or a difference with its confidence interval.

    Attributes:
        label: at its left.
        mean, low, high: the figure and the ends of its interval; NaN for none.
        colour, hollow: of a ranking's line: how it is drawn, see `look_of`.
    """

    label: str
    mean: float
    low: float
    high: float
    colour: int | None = 0
    hollow: bool = False


def ink_of(colour: int | None, colours: Mapping[str, Any]) -> str:
    """A position in the theme's `series` as a colour; None is the colour of words, for what belongs to no series."""
    return colours["muted"] if colour is None else colours["series"][colour % len(colours["series"])]


def look_of(colour: int | None, hollow: bool, colours: Mapping[str, Any]) -> dict[str, Any]:
    """How a marker is drawn: its shape and, without any colour, whether it is filled tell methods apart as well.

    Args:
        hollow: such as what never looks at the picture.
    """
    ink = ink_of(colour, colours)
    shape = "D" if colour is None else MARKERS[colour % len(MARKERS)]
    face = colours["paper"] if hollow else ink
    return {"color": ink, "marker": shape, "markerfacecolor": face, "markeredgecolor": ink, "markeredgewidth": 1.1}


def tidy(axes: Axes, colours: Mapping[str, Any], ticks: int = 6, *, across: bool = False) -> None:
    """The look of all charts, whose values run up or `across`: a light grid behind, no box around."""
    axes.set_axisbelow(True)
    axes.grid(axis="x" if across else "y", color=colours["grid"], linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, colors=colours["muted"], labelsize=8)
    (axes.xaxis if across else axes.yaxis).set_major_locator(MaxNLocator(ticks))


@styled
def line_chart(
    series: Sequence[Series],
    y_label: str,
    *,
    x_label: str | None = None,
    references: Mapping[str, float] | None = None,
    limits: tuple[float | None, float | None] = (None, None),
    colours: Any = None,
) -> Figure:
    """Lines over whole numbers, named at their ends instead of in a key, with error bars where the series has them.

    Args:
        x_label: None: epochs.
        references: name -> height of a dotted line across: what costs nothing to reach.
        limits: of the y axis; None leaves an end to the data.
    """
    figure = Figure(figsize=(5.4, 3.3))
    longest = max((room(name) for name in [*(each.label for each in series), *(references or {})]), default=0)
    words = min(0.33, 0.0115 * longest + 0.045)
    axes = figure.add_axes((0.125, 0.145, 0.865 - words, 0.81))
    ends: list[End] = []
    for name, height in (references or {}).items():
        axes.axhline(height, color=colours["muted"], linestyle=(0, (1, 2)), linewidth=1.1, zorder=1, gid="reference")
        ends.append(End(height, name, colours["muted"]))
    dodge = min(0.07, _MOST / max(len(series), 1)) if any(each.half is not None for each in series) else 0.0
    for number, each in enumerate(series):
        colour = ink_of(each.colour, colours)
        # A line that another covers exactly is drawn broader, so that both are seen.
        covered = not dodge and any(np.array_equal(each.y, later.y) for later in series[number + 1 :])
        shift = dodge * (number - (len(series) - 1) / 2)
        _line(axes, each, (shift, 2.4 if covered else 1.0), colour, colours["paper"])
        if each.label and len(each.y):
            face = colours["paper"] if each.hollow else colour
            marker = "" if each.faint else MARKERS[each.colour % len(MARKERS)]
            ends.append(End(each.y[-1], each.label, colour, marker, face))
    xs = sorted({x for each in series for x in each.x})
    axes.set(xlabel=say("epoch") if x_label is None else x_label, ylabel=y_label, xticks=xs, ylim=limits)
    axes.margins(x=0.06, y=0.1)
    tidy(axes, colours)
    end_labels(axes, ends, 0.062, 1.5)
    return figure


def _line(axes: Axes, series: Series, place: tuple[float, float], colour: str, paper: str) -> None:
    """Draw a series, moved aside and broadened by `place`."""
    x, y = np.asarray(series.x, float) + place[0], np.asarray(series.y, float)
    style = {"color": colour, "linewidth": place[1] * (1.0 if series.faint else 2.0), "alpha": 0.4 if series.faint else 1}
    axes.plot(x, y, linestyle=(0, (4, 2)) if series.hollow else "-", zorder=2 if series.faint else 3, **style)
    marked = np.ones(len(x), bool) if series.marked is None else np.isin(series.x, list(series.marked))
    if not series.faint:
        marker, size = MARKERS[series.colour % len(MARKERS)], 6 * place[1] ** 0.7
        face = paper if series.hollow else colour
        axes.plot(x[marked], y[marked], marker, color=colour, markerfacecolor=face, markersize=size, zorder=4)
    if series.half is not None:
        axes.errorbar(x, y, yerr=series.half, fmt="none", ecolor=colour, elinewidth=1.4, capsize=3, zorder=3)


class End(NamedTuple):
    """A line's end: its height, its name and colour, and the marker of its points ("" for none) with that one's face."""

    height: float
    name: str
    colour: str
    marker: str = ""
    face: str = ""


def end_labels(axes: Axes, ends: Sequence[End], gap: float, inches: float) -> None:
    """Write each name at the height of its line's end, moved apart where they would overlap; a thin line leads to it.

    Before it stands the marker of the line's points, by which names are told apart without colour.

    Args:
        gap: between neighbours, as a share of the chart's height.
        inches: room for a name.
    """
    low, high = axes.get_ylim()
    wide = axes.get_position().width * axes.figure.get_figwidth()
    line, mark, word = (1 + x / wide for x in (0.1, 0.15, 0.215))
    wanted = sorted(ends, key=lambda end: end.height)
    places = [(end.height - low) / (high - low) for end in wanted]
    style = {"transform": axes.transAxes, "clip_on": False}
    for height, place, end in zip(_apart(places, gap), places, wanted, strict=True):
        points = float(np.clip(inches * 72 / (0.6 * max(room(end.name), 1)), 5.6, 7.5))  # set smaller before it is cut
        axes.text(
            word if end.marker else mark,
            height,
            fitted(end.name, inches, points, lines=1),
            transform=axes.transAxes,
            va="center",
            fontsize=points,
            color=end.colour,
        )
        axes.figure.add_artist(Line2D([1, line], [place, height], color=end.colour, linewidth=0.7, alpha=0.6, **style))
        if end.marker:
            look = {"marker": end.marker, "markerfacecolor": end.face, "markersize": 4}
            axes.figure.add_artist(Line2D([mark], [height], color=end.colour, **look, **style))


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Ascending heights moved as little as can be (least squares) so that neighbours are `gap` apart within 0 to 1.

    Less the room of those below it every height must only not fall: those that do share the mean of their block. Where there
    are more than fit, they lie closer.
    """
    gap = min(gap, 1 / max(len(heights) - 1, 1))
    blocks: list[list[float]] = []
    for place, height in enumerate(heights):
        blocks.append([height - gap * place])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    level = [float(np.mean(block)) for block in blocks for _ in block]
    most = 1 - gap * (len(heights) - 1)
    return [float(np.clip(each, 0, max(most, 0))) + gap * place for place, each in enumerate(level)]


@styled
def intervals(rows: Sequence[Interval], x_label: str, *, colours: Any = None) -> Figure:
    """Differences with their confidence intervals, one below the other, coloured by the side of 0 they lie on."""
    figure = Figure(figsize=(5.4, max(1.6, 0.75 + 0.27 * len(rows))))
    high = figure.get_figheight()
    axes = figure.add_axes((0.395, 0.48 / high, 0.575, 1 - 0.55 / high))
    axes.axvline(0, color=colours["muted"], linewidth=1.2, zorder=1)
    above, below = colours["series"][0], colours["series"][1]
    for y, row in enumerate(rows):
        colour = above if row.low > 0 else below if row.high < 0 else colours["muted"]
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=2.2, solid_capstyle="round", gid="interval")
        axes.plot(row.mean, y, "o", color=colour, markersize=6)
    axes.set(yticks=range(len(rows)), ylim=(len(rows) - 0.5, -0.5), xlabel=x_label)
    axes.set_yticklabels([fitted(row.label, 2.05, 7.5, lines=2) for row in rows])
    tidy(axes, colours, 5, across=True)
    return figure


@styled
def curves(runs: Sequence[TrainedRun], measure: str = "accuracy", *, colours: Any = None) -> Figure:
    """Accuracy or loss by epoch: test solid and named by its run, training faint.

    The epochs whose models were kept are marked; every one where none was.

    Args:
        measure: "accuracy" or "loss".
    """
    series = []
    for colour, each in enumerate(runs):
        marked = each.kept if any(run.kept for run in runs) else None
        for name, curve in ((say("run {run}", run=each.run), each.test), ("", each.train)):
            if curve.epochs:
                values = getattr(curve, measure)
                series.append(Series(name, curve.epochs, values, colour=colour, faint=not name, marked=marked))
    return line_chart.__wrapped__(series, say(_MEASURES[measure]), colours=colours)
