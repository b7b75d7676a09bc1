"""The templates' environment, the same for every format: texts are said in the language that is spoken."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from dogcam.language import say, spoken
from dogcam.language.numbers import isolated


@cache
def environment(**filters: Callable[..., str]) -> Environment:
    """The environment of a format, with its filters; only HTML is escaped by itself."""
    made = Environment(
        loader=PackageLoader("dogcam.report.formats"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(_=say, spoken=spoken)
    made.filters.update(kind=lambda block: type(block).__name__, digest=digest, isolated=isolated, **filters)
    return made


def digest(text: str) -> Markup:
    """How a Content-Security-Policy names the one script or style that it allows."""
    return Markup(f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}")
