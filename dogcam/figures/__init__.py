"""Overlays, contact sheets and charts, in one style, light or dark: the only user of matplotlib.

Figures are made with matplotlib's objects and never with pyplot, so nothing is kept open and no window system is asked
for. Texts come from users (classes, files, layers): they are cut to their place and never read as mathematics.

    fonts     which letters can be drawn, and how much room words take
    style     the one look of all, and figures as files (imports fonts)
    heat      the colours of heat
    pictures  heatmaps and boxes over pictures (imports heat, style and fonts)
    charts    lines and intervals (imports style and fonts)
    dots      means with intervals row by row, and a ranking (imports charts, style and fonts)
    against   scores by threshold, and one score against another (imports charts, dots, style and fonts)
    waterfall from one mean to another, one bar for each choice between them (imports style and fonts)
    dynamics  small charts on one axis of epochs (imports charts, style and fonts)
"""

from dogcam.core.config import COLORMAPS
from dogcam.figures.against import Point, Sweep, scatter, sweep_chart
from dogcam.figures.charts import Interval, Series, curves, intervals, line_chart
from dogcam.figures.dots import Dots, Placed, dot_plot, rank_plot
from dogcam.figures.dynamics import Small, Track, small_charts
from dogcam.figures.fonts import can_write, fitted, has_hangul, labelled_in, warning
from dogcam.figures.heat import heat_colours, heat_gradient, heat_levels
from dogcam.figures.pictures import (
    ANNOTATED_COLOUR,
    PREDICTED_COLOUR,
    Panel,
    contact_sheet,
    overlay,
    tile,
    wall,
)
from dogcam.figures.style import KINDS, PRINT_DPI, THEMES, image_bytes, save
from dogcam.figures.waterfall import waterfall

__all__ = [
    "ANNOTATED_COLOUR",
    "COLORMAPS",
    "KINDS",
    "PREDICTED_COLOUR",
    "PRINT_DPI",
    "THEMES",
    "Dots",
    "Interval",
    "Panel",
    "Placed",
    "Point",
    "Series",
    "Small",
    "Sweep",
    "Track",
    "can_write",
    "contact_sheet",
    "curves",
    "dot_plot",
    "fitted",
    "has_hangul",
    "heat_colours",
    "heat_gradient",
    "heat_levels",
    "image_bytes",
    "intervals",
    "labelled_in",
    "line_chart",
    "overlay",
    "rank_plot",
    "save",
    "scatter",
    "small_charts",
    "sweep_chart",
    "tile",
    "wall",
    "warning",
    "waterfall",
]
