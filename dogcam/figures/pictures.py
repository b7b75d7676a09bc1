"""Heatmaps and boxes over pictures: one overlay, a bare tile for a page, sheets of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from dogcam.boxes.geometry import to_pixels
from dogcam.figures.fonts import fitted
from dogcam.figures.heat import blended, heat_scale
from dogcam.figures.panel import Panel
from dogcam.figures.style import styled
from dogcam.language import say

PREDICTED_COLOUR = "#00c8ff"
ANNOTATED_COLOUR = "#ffffff"
_LEAST = 0.05  # inches: the shorter side of a tile
COLUMNS = 9  # panels in a line of a contact sheet, beside the bare picture


def _draw_box(axes: Axes, box: np.ndarray, shape: tuple[int, int], predicted: bool) -> None:
    height, width = shape
    x0, y0, x1, y1 = to_pixels(box, width, height)
    inches = axes.get_position().width * axes.figure.get_figwidth()
    line = (2.0 if predicted else 1.6) * float(np.clip(inches / 2.2, 0.6, 1.2))
    # A line on the picture's edge would be half cut off: it is drawn just inside.
    edge = 0.5 * line / 72 * width / inches
    x0, y0 = max(x0, edge), max(y0, edge)
    x1, y1 = min(x1, width - edge), min(y1, height - edge)
    axes.add_patch(
        Rectangle(
            (x0, y0),
            x1 - x0,
            y1 - y0,
            fill=False,
            edgecolor=PREDICTED_COLOUR if predicted else ANNOTATED_COLOUR,
            linewidth=line,
            linestyle="-" if predicted else (0, (4, 2.5)),
            clip_on=False,
            zorder=4 if predicted else 5,
            gid="predicted" if predicted else "annotated",
            # A dark edge keeps the line visible on light fur and snow.
            path_effects=[patheffects.Stroke(linewidth=line + 1.4, foreground="#101418c0"), patheffects.Normal()],
        )
    )


def _picture(axes: Axes, pixels: np.ndarray, panel: Panel, truth: np.ndarray) -> None:
    """Draw a panel: axes in pixels of the picture with (0, 0) at its upper left corner, so that boxes fall in place."""
    height, width = pixels.shape[:2]
    extent = (0, width, height, 0)
    shown = pixels if panel.heat is None else blended(pixels, panel.heat)
    axes.imshow(shown, extent=extent, interpolation="antialiased")
    for box in np.asarray(truth, np.float64).reshape(-1, 4):
        _draw_box(axes, box, (height, width), predicted=False)
    if panel.box is not None:
        _draw_box(axes, panel.box, (height, width), predicted=True)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal", anchor="NW")
    axes.set_axis_off()


def _legend(figure: Figure, x: float, y: float, predicted: bool, annotated: bool) -> None:
    """The key of the boxes there are, on a dark patch so that the annotated box's white is seen on white paper."""
    keys = [(say("predicted box"), PREDICTED_COLOUR, "-")] * predicted
    keys += [(say("annotated box"), ANNOTATED_COLOUR, (0, (4, 2.5)))] * annotated
    if not keys:
        return
    handles = [Line2D([], [], color=colour, linestyle=style, linewidth=2, label=name) for name, colour, style in keys]
    legend = figure.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(x, y),
        ncols=2,
        fontsize=7.5,
        frameon=True,
        facecolor="#2b313b",
        edgecolor="none",
        framealpha=1,
        labelcolor="#ffffff",
        handlelength=2.6,
        columnspacing=1.4,
        borderpad=0.5,
    )
    legend.set_in_layout(False)


@styled
def tile(pixels: np.ndarray, panel: Panel, truth: np.ndarray, *, inches: float = 3.0, colours: Any = None) -> Figure:
    """One picture with its heat and boxes and nothing else: a page writes the words beside it.

    Args:
        pixels: uint8 (H, W, 3).
        truth: annotated boxes, relative (n, 4).
        inches: the longer side.
    """
    height, width = pixels.shape[:2]
    # Of a picture that is a mere line something is to be seen, and a file has at least one pixel.
    wide, high = (max(_LEAST, inches * side / max(height, width)) for side in (width, height))
    figure = Figure(figsize=(wide, high))
    _picture(figure.add_axes((0, 0, 1, 1)), pixels, panel, truth)
    return figure


@styled
def overlay(pixels: np.ndarray, panel: Panel, truth: np.ndarray, *, colours: Any = None) -> Figure:
    """One labelled picture: heat with its colour bar, predicted box (solid), annotated boxes (dashed), title, note, key.

    Args:
        pixels: uint8 (H, W, 3).
        truth: annotated boxes, relative (n, 4); n may be 0.

    Returns:
        A figure whose longer side of the picture is 4 inches.
    """
    height, width = pixels.shape[:2]
    wide, high = 4.0 * width / max(height, width), 4.0 * height / max(height, width)
    page = max(wide, 3.4) + 0.3
    title = fitted(panel.title, page - 0.3, 10, lines=3, bold=True)
    top = 0.2 + 0.19 * (title.count("\n") + 1)
    bottom = 0.62 if panel.note else 0.45
    total = high + top + bottom
    figure = Figure(figsize=(page, total))
    left = (page - wide) / 2
    axes = figure.add_axes((left / page, bottom / total, wide / page, high / total))
    _picture(axes, pixels, panel, truth)
    figure.text(left / page, 1 - 0.09 / total, title, va="top", fontsize=10, weight="bold", linespacing=1.25)
    if panel.note:
        note = fitted(panel.note, page - 0.3, 8, lines=1)
        figure.text(left / page, (bottom - 0.08) / total, note, va="top", fontsize=8, color=colours["muted"])
    # Below a narrow picture the key begins at the paper's edge, to leave room for the colour bar.
    _legend(figure, (left - 0.05 if wide >= 3.4 else 0.1) / page, 0.2 / total, panel.box is not None, len(truth) > 0)
    if panel.heat is not None:
        heat_scale(figure, (1 - 0.65 / page, 0.14 / total, 0.45 / page, 0.12 / total), colours)
    return figure


@dataclass(frozen=True)
class _Grid:
    """Where the pictures of a sheet lie, in inches; `above` and `below` are the rooms for a picture's words."""

    rows: int
    columns: int
    wide: float
    high: float
    left: float
    top: float
    above: float
    below: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the whole sheet."""
        width = self.left + self.columns * (self.wide + 0.12)
        return max(width, 4.6), self.top + self.rows * (self.above + self.high + self.below) + 0.42

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """The upper left corner of a picture, from the upper left corner of the sheet."""
        y = self.top + row * (self.above + self.high + self.below) + self.above
        return self.left + column * (self.wide + 0.12), y

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Inches from the upper left corner -> matplotlib's shares from the lower left one."""
        return x / self.size[0], 1 - y / self.size[1]

    def rectangle(self, row: int, column: int) -> tuple[float, float, float, float]:
        """The picture's place: left, bottom, width, height as shares of the sheet."""
        x, y = self.corner(row, column)
        return *self.at(x, y + self.high), self.wide / self.size[0], self.high / self.size[1]


def _grid(labels: Sequence[str], columns: int, shape: tuple[float, float], words: tuple[bool, bool, bool]) -> _Grid:
    """A sheet at most about 11 inches wide; `words` says whether title, layers and notes need room."""
    title, layers, notes = words
    left = 0.1 + min(1.1, 0.085 * max((len(label) for label in labels), default=0))
    side = float(np.clip((10.8 - left) / columns - 0.12, 1.0, 2.5))
    scale = side / max(shape[1], 0.8 * shape[0])
    above, below = 0.4 if layers else 0.25, 0.24 if notes else 0.06
    return _Grid(len(labels), columns, shape[1] * scale, shape[0] * scale, left, 0.42 if title else 0.1, above, below)


@styled
def contact_sheet(
    pixels: np.ndarray, rows: Sequence[tuple[str, Sequence[Panel]]], truth: np.ndarray, title: str = "", *, colours: Any = None
) -> Figure:
    """One picture many times: a row for each epoch, a column for each method and layer, the bare picture first.

    A row of more than `COLUMNS` panels goes on in further lines, each with the bare picture first.

    Args:
        pixels: uint8 (H, W, 3).
        rows: label and panels of each row; a shorter row leaves its end blank. The part of a panel's title after a line
            break, such as the layer, is set small below the rest.
        truth: annotated boxes, relative (n, 4).
    """
    lines = [(label, part) for label, panels in rows for part in _lines(panels)]
    sheet = [[(pixels, panel, truth) for panel in (Panel(say("picture")), *part)] for _, part in lines]
    return _sheet([label for label, _ in lines], sheet, pixels.shape[:2], title, colours)


def _lines(panels: Sequence[Panel]) -> list[Sequence[Panel]]:
    """Panels in lines of at most `COLUMNS`, as even as they can be."""
    count = max(1, -(-len(panels) // COLUMNS))
    long = -(-len(panels) // count)
    return [panels[start : start + long] for start in range(0, max(len(panels), 1), max(long, 1))]


@styled
def wall(
    pictures: Sequence[tuple[np.ndarray, Panel, np.ndarray]], title: str = "", *, columns: int = 6, colours: Any = None
) -> Figure:
    """Different pictures, each with its own heat and boxes, in reading order.

    Args:
        pictures: (pixels, panel, annotated boxes) of each.
    """
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    return _sheet([""] * len(rows), rows, (1.0, 1.0), title, colours)


def _sheet(labels: Sequence[str], rows: Sequence[Sequence[Any]], shape: Any, title: str, colours: Any) -> Figure:
    """Rows of (pixels, panel, truth) as one figure; `shape` is the (height, width) of the place for each."""
    panels = [panel for row in rows for _, panel, _ in row]
    words = (bool(title), any("\n" in panel.title for panel in panels), any(panel.note for panel in panels))
    grid = _grid(labels, max((len(row) for row in rows), default=1), shape, words)
    figure = Figure(figsize=grid.size)
    figure.text(*grid.at(0.1, 0.1), fitted(title, grid.size[0] - 0.2, 10.5, 1, bold=True), va="top", fontsize=10.5, weight="bold")
    for number, (label, row) in enumerate(zip(labels, rows, strict=True)):
        middle = grid.corner(number, 0)[1] + grid.high / 2
        text = fitted(label, grid.left - 0.12, 8.5, lines=4, bold=True)
        figure.text(*grid.at(0.08, middle), text, va="center", fontsize=8.5, weight="bold")
        for column, (pixels, panel, truth) in enumerate(row):
            _picture(figure.add_axes(grid.rectangle(number, column)), pixels, panel, truth)
            high = min(grid.high, grid.wide * pixels.shape[0] / pixels.shape[1])
            _words(figure, grid, (*grid.corner(number, column), high), panel, colours)
    _foot(figure, grid, panels, any(len(truth) for row in rows for _, _, truth in row), colours)
    return figure


def _words(figure: Figure, grid: _Grid, place: tuple[float, float, float], panel: Panel, colours: Mapping[str, Any]) -> None:
    """A panel's title above its picture (after a line break, such as the layer, small and grey) and its note below.

    `place` is the picture's upper left corner and height.
    """
    x, y, high = place
    name, _, layer = panel.title.partition("\n")

    def write(text: str, height: float, least: float, most: float, **style: Any) -> None:
        # A layer's name tells most at its end, and a method's all through: set smaller before it is cut.
        points = float(np.clip(grid.wide * 72 / (0.6 * max(len(text), 1)), least, most))
        figure.text(*grid.at(x, height), fitted(text, grid.wide, points, 1), va="bottom", fontsize=points, **style)

    write(name, y - (0.2 if layer else 0.05), 5.4, 8.5)
    write(layer, y - 0.05, 5.2, 7.2, color=colours["muted"])
    write(panel.note, y + high + 0.19, 5.2, 7.2, color=colours["muted"])


def _foot(figure: Figure, grid: _Grid, panels: Sequence[Panel], annotated: bool, colours: Mapping[str, Any]) -> None:
    """The key, and the scale of the heat where there is room for it."""
    y, (width, height) = grid.size[1] - 0.2, grid.size
    _legend(figure, *grid.at(0.1, y), any(panel.box is not None for panel in panels), annotated)
    if any(panel.heat is not None for panel in panels):
        heat_scale(figure, (*grid.at(width - 1.25, y + 0.06), 1.0 / width, 0.12 / height), colours)
