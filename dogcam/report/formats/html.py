"""The document as one HTML page that needs nothing else."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from dogcam.core.files import write_text
from dogcam.figures import ANNOTATED_COLOUR, PREDICTED_COLOUR, heat_gradient
from dogcam.report.document import Document
from dogcam.report.formats.illustrations import Pictures
from dogcam.report.formats.templating import digest, environment
from dogcam.report.viewer import json_text

_SCRIPTS = ("localize.js", "drawing.js", "picking.js", "viewer.js")


def write_html(document: Document, out: Path, pictures: Pictures) -> Path:
    """Write the page as `out`/index.html."""
    return write_text(out / "index.html", html(document, pictures))


def html(document: Document, pictures: Pictures | None = None) -> str:
    """The report as one HTML file: no request, pictures within, the viewer's script alone; light or dark as the system.

    Args:
        pictures: what was drawn already; None draws it.
    """
    drawn, templates = pictures or Pictures.of(document), environment()
    return templates.get_template("report.html").render(
        document=document,
        viewer=_viewer_parts(templates, document),
        tile_uri=lambda tile: _uri("jpeg", drawn.tile(tile)),
        chart_uri=lambda chart, theme: _uri("svg+xml", drawn.chart(chart, theme)),
        colours={"predicted": PREDICTED_COLOUR, "annotated": ANNOTATED_COLOUR, "heat": Markup(heat_gradient())},
    )


def _viewer_parts(templates: Environment, document: Document) -> dict[str, Markup] | None:
    """The viewer's script, its hash (the only script that the page's policy allows) and its values; None without one."""
    if document.viewer is None:
        return None
    script = "\n".join(templates.loader.get_source(templates, name)[0].strip() for name in _SCRIPTS)
    return {"script": Markup(script), "hash": digest(script), "values": Markup(json_text(document.viewer))}


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"
