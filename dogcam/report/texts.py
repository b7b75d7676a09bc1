"""What reports say: titles, captions, column heads, notes, what can and cannot be concluded, and a sentence for each result.

The texts stand in `texts.toml` beside this file, by exhibit, and every format reads them from there. A list of two is a text for
one and a text for several (`language.counted`). Which of several sentences holds is found in code, where the result is: the case
is the last part of the key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from dogcam.language import counted, say, translated
from dogcam.report.document import Chart, Exhibit, Sheet, Table

_FILE = Path(__file__).with_name("texts.toml")


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def text(key: str, /, n: int | None = None, **values: Any) -> str:
    """A text in the language that is spoken, filled in.

    Args:
        key: "training.title".
        n: how many there are, for a text that differs for one and for several.

    Raises:
        KeyError: there is no such text.
    """
    found = _found(key)
    if isinstance(found, list):
        one, many = found
        return counted(one, many, 0 if n is None else n, **values)
    return say(found, **values) if n is None else say(found, n=n, **values)


def heads(key: str, /, **values: Any) -> tuple[str, ...]:
    """The texts of a list of column heads."""
    return tuple(say(each, **values) for each in _found(key))


def raw_texts(key: str) -> dict[str, str]:
    """All texts of a table in the language that is spoken, nothing filled in: a script does that."""
    return {name: translated(each) for name, each in _found(key).items()}


def _found(key: str) -> Any:
    found: Any = _texts()
    for part in key.split("."):
        found = found[part]
    return found


def exhibit(
    key: str,
    lead: Iterable[str],
    blocks: Iterable[Table | Chart | Sheet],
    *,
    title: str | None = None,
    can: str | None = None,
    cannot: str | None = None,
) -> Exhibit:
    """The exhibit `key`, with its own title, "can" and "cannot" where none are given."""
    said = (given or text(f"{key}.{name}") for name, given in (("title", title), ("can", can), ("cannot", cannot)))
    heading, may, may_not = said
    return Exhibit(key, heading, tuple(lead), tuple(blocks), may, may_not)
