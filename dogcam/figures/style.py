"""The one style of all figures, and how they become files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from dogcam.core.files import write_bytes
from dogcam.figures.fonts import families, labelled_in, outlined
from dogcam.language import speaking

PRINT_DPI = 300
SCREEN_DPI = 160

# Okabe and Ito's colours (2008), which colour-blind readers tell apart; lighter ones of the same hues on dark paper.
THEMES: dict[str, dict[str, Any]] = {
    "light": {
        "paper": "#ffffff",
        "ink": "#1c2027",
        "muted": "#5d6675",
        "grid": "#e3e6eb",
        "series": ("#0072b2", "#d55e00", "#00875f", "#a8437e", "#8a6500", "#4b5a70"),
    },
    "dark": {
        "paper": "#191d24",
        "ink": "#e9ecf1",
        "muted": "#a3adbd",
        "grid": "#323946",
        "series": ("#5cb8ec", "#ff9a57", "#3ccfa0", "#e79cc8", "#eac35a", "#b4c0d2"),
    },
}


def _rc(theme: str) -> dict[str, Any]:
    colours = THEMES[theme]
    return {
        "font.family": families(),
        "font.size": 8.5,
        "text.parse_math": False,
        "text.color": colours["ink"],
        "axes.labelcolor": colours["muted"],
        "axes.edgecolor": colours["muted"],
        "axes.facecolor": colours["paper"],
        "figure.facecolor": colours["paper"],
        "legend.frameon": False,
        "svg.hashsalt": "dogcam",
        "svg.fonttype": "path",
    }


def styled(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the one style of dogcam; adds the option `theme`, "light" or "dark".

    What a figure says of itself is said in the spoken language, in English where its letters cannot be drawn.
    """

    @wraps(function)
    def draw(*args: Any, theme: str = "light", **kwargs: Any) -> Figure:
        with mpl.rc_context(_rc(theme)), speaking(labelled_in()):
            return function(*args, colours=THEMES[theme], **kwargs)

    return draw


_SAVED: dict[str, dict[str, Any]] = {
    "jpg": {"pil_kwargs": {"quality": 86, "optimize": True}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}},
}
KINDS = ("png", *_SAVED)


def image_bytes(figure: Figure, kind: str = "png", dpi: int = SCREEN_DPI) -> bytes:
    """The figure as a file; the same figure gives the same bytes, with no date in them.

    Args:
        kind: of `KINDS`: "png", "jpg", "svg" (letters as outlines) or "pdf" (letters as text, in the fonts themselves).
        dpi: pixels per inch (the figure's own size is in inches); SVG and PDF have none but for the pictures in them.
    """
    buffer = io.BytesIO()
    # TrueType as it is, which can be searched and edited, as journals ask for; outlines (3) where the font is none.
    style = {**_rc("light"), "pdf.fonttype": 3 if kind == "pdf" and outlined(figure) else 42}
    with mpl.rc_context(style), warnings.catch_warnings():
        # A letter that no installed font has is drawn as a box: nothing that a user could mend here.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        if kind == "png":
            return _png(figure, dpi)
        figure.savefig(buffer, format=kind, dpi=dpi, **_SAVED[kind])
    return buffer.getvalue()


def _png(figure: Figure, dpi: int) -> bytes:
    """Without an alpha channel, which nothing needs, and packed less hard: half the time for a tenth more room."""
    raw, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="rgba", dpi=dpi)
    width, height = (int(inches * dpi + 1e-6) for inches in figure.get_size_inches())
    image = Image.frombuffer("RGBA", (width, height), raw.getbuffer(), "raw", "RGBA", 0, 1)
    image.convert("RGB").save(packed, "PNG", compress_level=3, dpi=(dpi, dpi))
    return packed.getvalue()


def save(figure: Figure, path: Path, dpi: int = PRINT_DPI) -> None:
    """Write the figure, whole or not at all: PNG (300 dpi unless told otherwise), JPEG, SVG or PDF, as the suffix says."""
    path = Path(path)
    content = image_bytes(figure, path.suffix.removeprefix(".").lower().replace("jpeg", "jpg"), dpi)
    write_bytes(path, content)
