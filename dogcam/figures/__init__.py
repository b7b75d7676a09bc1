"""Overlays, contact sheets and charts, in one style, light or dark: the only user of matplotlib.

Figures are made with matplotlib's objects and never with pyplot, so nothing is kept open and no window system is asked
for. Texts come from users (classes, files, layers): they are cut to their place and never read as mathematics.

    style     colours, fonts, and figures as files
    pictures  heatmaps and boxes over pictures (imports style)
    charts    lines and intervals (imports style)
    waterfall from one mean to another, one bar for each choice between them (imports style)
    dynamics  small charts on one axis of epochs (imports charts and style)
"""

from dogcam.figures.charts import Interval, Series, curves, intervals, line_chart
from dogcam.figures.dynamics import Small, Track, small_charts
from dogcam.figures.pictures import (
    ANNOTATED_COLOUR,
    PREDICTED_COLOUR,
    Panel,
    contact_sheet,
    heat_gradient,
    heat_levels,
    overlay,
    tile,
    wall,
)
from dogcam.figures.style import KINDS, PRINT_DPI, THEMES, fitted, image_bytes, save
from dogcam.figures.waterfall import waterfall

__all__ = [
    "ANNOTATED_COLOUR",
    "KINDS",
    "PREDICTED_COLOUR",
    "PRINT_DPI",
    "THEMES",
    "Interval",
    "Panel",
    "Series",
    "Small",
    "Track",
    "contact_sheet",
    "curves",
    "fitted",
    "heat_gradient",
    "heat_levels",
    "image_bytes",
    "intervals",
    "line_chart",
    "overlay",
    "save",
    "small_charts",
    "tile",
    "wall",
    "waterfall",
]
