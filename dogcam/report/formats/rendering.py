"""The document as files, in every format that is asked for; the figures in any case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dogcam.core.config import COLORMAPS
from dogcam.core.files import write_text
from dogcam.report.document import Document
from dogcam.report.formats.html_page import html
from dogcam.report.formats.illustrations import FIGURES, KINDS, Pictures, draw, illustrations
from dogcam.report.formats.latex import write_latex
from dogcam.report.formats.markdown import markdown, markdown_text
from dogcam.report.formats.printing import write_pdf

__all__ = ["FIGURES", "KINDS", "html", "illustrations", "markdown", "markdown_text", "write"]


def write(
    document: Document,
    out: Path,
    formats: Sequence[str],
    done: Callable[[], None],
    *,
    processes: int = 1,
    colormap: str = COLORMAPS[0],
) -> tuple[list[Path], list[Path]]:
    """Write the report's files into the folder `out`, each whole or not at all.

    Args:
        formats: of `WRITERS`.
        done: called after each figure and each format.
        processes: how many may draw figures; 0 means one for each processor.
        colormap: of heat.

    Returns:
        The pages in the order of the formats, and the figures.

    Raises:
        OptionError: no browser was found that prints.
    """
    page = bool({"html", "pdf"} & set(formats))
    pictures, figures = draw(document, out, done, page=page, processes=processes, colormap=colormap)
    pages = []
    for kind in formats:
        pages.append(WRITERS[kind](document, out, pictures))
        done()
    return pages, figures


def _write_html(document: Document, out: Path, pictures: Pictures) -> Path:
    return _written(out / "index.html", html(document, pictures))


def _write_markdown(document: Document, out: Path, pictures: Pictures) -> Path:
    return _written(out / "report.md", markdown(document))


def _written(path: Path, text: str) -> Path:
    write_text(path, text)
    return path


WRITERS: dict[str, Callable[[Document, Path, Pictures], Path]] = {
    "html": _write_html,
    "md": _write_markdown,
    "latex": write_latex,
    "pdf": write_pdf,
}
