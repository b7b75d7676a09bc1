"""The colours of heat, one choice for all figures that are drawn within a block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from dogcam.core.choices import COLORMAPS
from dogcam.core.registry import unknown
from dogcam.language import say

_STEPS = 1024  # of heat that are told apart in a picture: more than a screen's colours
# A picture's colours in -> out: a quarter of themselves and three of its grey.
_PALE = (0.25 * np.eye(3) + 0.75 * np.array([0.299, 0.587, 0.114])).astype(np.float32)
_chosen: ContextVar[str] = ContextVar("heat colours", default=COLORMAPS[0])


@contextmanager
def heat_colours(name: str) -> Iterator[None]:
    """Draw heat in the colours of `name`, one of `COLORMAPS`, until the end of the block.

    Raises:
        UnknownName: it is none of them.
    """
    if name not in COLORMAPS:
        raise unknown("colormap", name, COLORMAPS)
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def heat_rgba(heat: np.ndarray) -> np.ndarray:
    """Heat (h, w) -> RGBA (h, w, 4): coloured by value, and the more opaque the higher, so that the object shows."""
    values = np.clip(np.nan_to_num(heat), 0, 1)
    rgba = mpl.colormaps[_chosen.get()](0.12 + 0.86 * values)
    rgba[..., 3] = 0.82 * values**0.7
    return rgba


def blended(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture uint8 (H, W, 3) under its heat (h, w), enlarged to it (bilinear): uint8 (H, W, 3).

    Most of the picture's colour is taken out, so that the colours of the heat are the only strong ones.
    """
    base = cv2.transform(pixels[..., :3].astype(np.float32), _PALE)
    height, width = pixels.shape[:2]
    values = cv2.resize(np.nan_to_num(np.asarray(heat, np.float32)), (width, height))
    steps = heat_rgba(np.linspace(0, 1, _STEPS)[None])[0].astype(np.float32)
    steps[:, :3] *= 255 * steps[:, 3:]
    over = steps[(np.clip(values, 0, 1) * (_STEPS - 1) + 0.5).astype(np.intp)]
    return (base * (1 - over[..., 3:]) + over[..., :3] + 0.5).astype(np.uint8)


def heat_gradient() -> str:
    """The colours of the heat from 0 to 1 over mid-grey, as the stops of a CSS gradient, for a page's own scale."""
    rgba = heat_rgba(np.linspace(0, 1, 12)[None])[0]
    over = np.round(255 * (rgba[:, :3] * rgba[:, 3:] + 0.5 * (1 - rgba[:, 3:]))).astype(int)
    return ", ".join(f"rgb({r} {g} {b})" for r, g, b in over)


def heat_levels(count: int) -> np.ndarray:
    """The colours and opacities of `count` even steps of heat from 0 to 1, uint8 (count, 4) RGBA, for a page's script."""
    return np.round(255 * heat_rgba(np.linspace(0, 1, count)[None])[0]).astype(np.uint8)


def heat_scale(figure: Figure, rectangle: tuple[float, float, float, float], colours: Mapping[str, Any]) -> None:
    """The colour bar: as over a mid-grey picture, from no heat to the map's maximum; its words lie left of `rectangle`."""
    axes = figure.add_axes(rectangle, gid="scale")
    axes.imshow(np.full((1, 1, 3), 128, np.uint8), extent=(0, 1, 0, 1), aspect="auto")
    axes.imshow(heat_rgba(np.linspace(0, 1, 256)[None]), extent=(0, 1, 0, 1), aspect="auto")
    axes.set_axis_off()
    words = {"va": "center", "fontsize": 7.5, "color": colours["muted"]}
    axes.text(-0.05, 0.5, say("heat") + "  0", ha="right", **words)
    axes.text(1.05, 0.5, "1", ha="left", **words)
