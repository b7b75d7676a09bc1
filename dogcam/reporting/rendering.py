"""The document as files: one HTML page that needs nothing else, Markdown, and the figures at print quality."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from dogcam.figures import ANNOTATED_COLOUR, PREDICTED_COLOUR, heat_gradient, image_bytes, save, tile
from dogcam.files import write_bytes, write_text
from dogcam.language import say, spoken
from dogcam.reporting import Chart, Document, Sheet, Table, Tile, isolated
from dogcam.reporting.viewer import json_text

FILES = {"html": "index.html", "md": "report.md"}
TILE_INCHES = 3.0
_TILE_DPI = (80, 160)
_SCRIPTS = ("localize.js", "drawing.js", "picking.js", "viewer.js")
_FULL_SIZE_TILES = 60  # with more pictures on a page each is made smaller, so that the page can still be mailed


def illustrations(document: Document) -> Iterator[Chart | Sheet]:
    """Every chart and sheet of the exhibits, in order; the hero shows nothing that they do not."""
    for exhibit in document.exhibits:
        yield from (block for block in exhibit.blocks if isinstance(block, Chart | Sheet))


def write(
    document: Document, out: Path, formats: tuple[str, ...], done: Callable[[], None]
) -> tuple[list[Path], list[Path]]:
    """Write the report's files into the folder `out`, each whole or not at all.

    Args:
        formats: of "html" and "md".
        done: called after each figure and each page.

    Returns:
        The pages, and the figures.
    """
    figures = []
    for each in illustrations(document):
        figures += _write_figure(each, out / "figures")
        done()
    pages = []
    for kind in formats:
        pages.append(out / FILES[kind])
        write_text(pages[-1], RENDERERS[kind](document))
        done()
    return pages, figures


def _write_figure(block: Chart | Sheet, folder: Path) -> list[Path]:
    """PNG for print, and for a chart SVG as well."""
    figure = block.draw(theme="light")
    paths = [folder / f"{block.name}.png"]
    save(figure, paths[0])
    if isinstance(block, Chart):
        paths.append(folder / f"{block.name}.svg")
        write_bytes(paths[1], image_bytes(figure, "svg"))
    return paths


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dogcam.reporting"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(_=say, spoken=spoken)
    environment.filters.update(
        md=markdown_text, kind=lambda block: type(block).__name__, digest=_digest, isolated=isolated
    )
    return environment


def html(document: Document) -> str:
    """The report as one HTML file: no request, pictures within, the viewer's script alone; light or dark as the system."""
    tiles = sum(len(row) for sheet in _sheets(document) for _, row in sheet.rows)
    dpi = int(np.clip(_TILE_DPI[1] * (_FULL_SIZE_TILES / max(tiles, 1)) ** 0.5, *_TILE_DPI))
    known: dict[int, str] = {}

    def picture(each: Tile) -> str:
        if id(each) not in known:
            known[id(each)] = _tile_uri(each, dpi)
        return known[id(each)]

    environment = _environment()
    return environment.get_template("report.html").render(
        document=document,
        viewer=_viewer_parts(environment, document),
        tile_uri=picture,
        chart_uri=_chart_uri,
        colours={"predicted": PREDICTED_COLOUR, "annotated": ANNOTATED_COLOUR, "heat": Markup(heat_gradient())},
    )


def _viewer_parts(environment: Environment, document: Document) -> dict[str, Markup] | None:
    """The viewer's script, its hash (the only script that the page's policy allows) and its values; None without one."""
    if document.viewer is None:
        return None
    script = "\n".join(environment.loader.get_source(environment, name)[0].strip() for name in _SCRIPTS)
    return {"script": Markup(script), "hash": _digest(script), "values": Markup(json_text(document.viewer))}


def _digest(text: str) -> Markup:
    """How a Content-Security-Policy names the one script or style that it allows."""
    return Markup(f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}")


def _sheets(document: Document) -> list[Sheet]:
    found = [each for each in illustrations(document) if isinstance(each, Sheet)]
    return [document.hero, *found] if document.hero else found


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"


def _tile_uri(each: Tile, dpi: int) -> str:
    figure = tile(each.pixels, each.panel, each.truth, inches=TILE_INCHES)
    return _uri("jpeg", image_bytes(figure, "jpg", dpi))


def _chart_uri(chart: Chart, theme: str) -> str:
    return _uri("svg+xml", image_bytes(chart.draw(theme=theme), "svg"))


def markdown(document: Document) -> str:
    """The report as GitHub's Markdown, with links to the figures beside it."""
    return _environment().get_template("report.md").render(document=document, rule=_rule)


def markdown_text(text: object) -> str:
    """Text as Markdown shows it literally, on one line: no markup, no HTML, no mathematics, no table border."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|$~#!])", r"\\\1", line)


def _rule(table: Table) -> str:
    """The line below a table's head: words to the left, numbers to the right."""
    return "|" + "|".join("---" if place < table.words else "---:" for place in range(len(table.columns))) + "|"


RENDERERS: dict[str, Callable[[Document], Any]] = {"html": html, "md": markdown}
