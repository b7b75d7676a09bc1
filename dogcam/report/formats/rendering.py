"""The document as files, in every format that is asked for; the figures in any case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dogcam.core.choices import COLORMAPS
from dogcam.report.document import Document
from dogcam.report.formats.html import write_html
from dogcam.report.formats.illustrations import Pictures, draw
from dogcam.report.formats.latex import write_latex
from dogcam.report.formats.markdown import write_markdown
from dogcam.report.formats.pdf import write_pdf


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


WRITERS: dict[str, Callable[[Document, Path, Pictures], Path]] = {
    "html": write_html,
    "md": write_markdown,
    "latex": write_latex,
    "pdf": write_pdf,
}
