"""Overlays, contact sheets and charts, in one style, light or dark: the only user of matplotlib, which is loaded on first use.

Figures are made with matplotlib's objects and never with pyplot, so nothing is kept open and no window system is asked
for. Texts come from users (classes, files, layers): they are cut to their place and never read as mathematics.

    panel          what a picture of a figure shows (without matplotlib)
    fonts          which letters can be drawn, and how much room words take
    style          the one look of all, and figures as files (imports fonts)
    heat           the colours of heat
    pictures       heatmaps and boxes over pictures (imports heat, panel, style and fonts)
    places         where boxes lie and how large they are (imports charts, heat and style)
    charts         lines and intervals (imports style and fonts)
    dots           means with intervals row by row, and a ranking (imports charts, style and fonts)
    against        scores by threshold, and one score against another (imports charts, style and fonts)
    decomposition  from one mean to another, one bar for each choice between them (imports charts, style and fonts)
    dynamics       small charts on one axis of epochs (imports charts, style and fonts)
"""

from typing import Any

from dogcam.core.registry import resolve

_MEMBERS = {
    "against": ("Point", "Sweep", "scatter", "sweep_chart"),
    "charts": ("Interval", "Series", "curves", "intervals", "line_chart"),
    "decomposition": ("waterfall",),
    "dots": ("Dots", "dot_plot", "rank_plot"),
    "dynamics": ("Small", "Track", "small_charts"),
    "fonts": ("can_write", "fitted", "labelled_in", "warning"),
    "heat": ("heat_colours", "heat_gradient", "heat_levels"),
    "panel": ("Panel",),
    "places": ("box_places",),
    "pictures": ("ANNOTATED_COLOUR", "PREDICTED_COLOUR", "contact_sheet", "overlay", "tile", "wall"),
    "style": ("KINDS", "PRINT_DPI", "THEMES", "image_bytes", "save"),
}
_WHERE = {name: member for member, names in _MEMBERS.items() for name in names}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve(f"dogcam.figures.{_WHERE[name]}:{name}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
