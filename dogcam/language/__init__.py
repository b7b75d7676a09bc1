"""The languages of reports. What is said stands in the code in English, and is looked up in one catalogue per language.

    particles  Korean particles after a name that is only known when the sentence is made

A sentence is said whole, with names for what is filled in, so that a translator may put them in another order:

    say("{method} has the highest mean IoU: {value}.", method="CAM", value="0.579")

A text that is kept in a table of constants or in a registry, and said later, is marked where it stands by `message`. Templates
say theirs by `_`. The catalogue of a language is `<language>.po` beside this file; `tests/language` fails where an entry is
missing, obsolete, or fills in other names. Where nothing is chosen English is spoken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from dogcam.language.particles import with_particles

SOURCE = "en"  # what the code is written in; it needs no catalogue
CATALOGUES = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.po"))}

_spoken: ContextVar[str] = ContextVar("language", default=SOURCE)


def spoken() -> str:
    """The language that is spoken now: "en", "ko"."""
    return _spoken.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language until the end of the block.

    Raises:
        ValueError: it has no catalogue.
    """
    if language != SOURCE and language not in CATALOGUES:
        raise ValueError(f"languages are {', '.join([SOURCE, *CATALOGUES])}; received {language!r}")
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def message(text: str) -> str:
    """The text itself: marks for the catalogue what is said later, by `say`."""
    return text


def say(text: str, /, **values: Any) -> str:
    """A text in the language that is spoken, with `values` filled in by their names, as by `str.format`.

    A text that the catalogue does not have, such as a user's own, stays as it is. Without values nothing is filled in, so that
    braces in it mean nothing.
    """
    return _filled(translated(text), values)


def counted(one: str, many: str, n: int, /, **values: Any) -> str:
    """`one` where `n` is 1, else `many`, in the language that is spoken; `n` is filled in as well."""
    own = one if n == 1 else many
    found = own if spoken() == SOURCE else _catalogue(spoken()).get(one, own)
    return _filled(found, {"n": n, **values})


def translated(text: str) -> str:
    """A text in the language that is spoken, nothing filled in."""
    return text if spoken() == SOURCE else _catalogue(spoken()).get(text, text)


def _filled(text: str, values: dict[str, Any]) -> str:
    filled = text.format(**values) if values else text
    return with_particles(filled) if spoken() == "ko" else filled


@lru_cache(maxsize=4)
def _catalogue(language: str) -> dict[str, str]:
    """English -> the language; of a text with a plural its singular -> the only form (no language here has several)."""
    with CATALOGUES[language].open("rb") as file:
        entries = read_po(file, locale=language)
    found = {}
    for entry in entries:
        if entry.id and entry.string:
            key = entry.id if isinstance(entry.id, str) else entry.id[0]
            found[key] = entry.string if isinstance(entry.string, str) else entry.string[0]
    return found
