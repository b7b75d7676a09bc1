"""Texts that were kept in English, said again: read back by the messages that they were made from.

What `evaluate` keeps in files is English, whatever language a report is in. Where such a text is one message filled in, the
values in it can be found, and filled into the message in another language.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from functools import lru_cache

from dogcam.language import SOURCE, say, spoken


def again(text: str, messages: Iterable[str]) -> str:
    """A text that was said in English, in the language that is spoken.

    Args:
        messages: what it may have been made from; of several that fit the first counts. Where none fits it stays as it is.
    """
    if spoken() == SOURCE:
        return text
    fits = ((each, _pattern(each).fullmatch(text)) for each in messages)
    return next((say(each, **found.groupdict()) for each, found in fits if found), text)


@lru_cache(maxsize=256)
def _pattern(message: str) -> re.Pattern[str]:
    """What a filled-in message looks like; a value that is filled in twice is the same both times."""
    parts: list[str] = []
    known: set[str] = set()
    for literal, name, _, _ in string.Formatter().parse(message):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P={name})" if name in known else f"(?P<{name}>.+?)")
            known.add(name)
    return re.compile("".join(parts), re.DOTALL)
