"""Which letters can be drawn, and how much room words take."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from dogcam.language import SOURCE, spoken

MAIN_FONT = "DejaVu Sans"  # comes with matplotlib
# Fonts with Hangul that systems have, those without serifs first.
_FALLBACK_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Source Han Sans KR",
    "NanumGothic",
    "NanumBarunGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "UnDotum",
    "Baekmuk Dotum",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Gulim",
    "Batang",
    "Noto Serif CJK KR",
    "Arial Unicode MS",
)
_PROBE = {"ko": "가힣"}  # letters of languages that the main font does not have
_MOST = 2  # of them: a letter is looked for in each
NO_FONT = {
    "ko": "no font with Hangul was found, so that figures are labelled in English: install one, such as Noto Sans CJK "
    "(on Debian and Ubuntu fonts-noto-cjk)"
}


@cache
def families() -> tuple[str, ...]:
    """The fonts that letters are looked for in, in order: matplotlib's own, then those installed that have Hangul."""
    installed = set(font_manager.get_font_names())
    return (MAIN_FONT, *[name for name in _FALLBACK_FONTS if name in installed][:_MOST])


@cache
def _letters(family: str) -> frozenset[int]:
    """The letters of a font, as code points."""
    return frozenset(font_manager.get_font(_file(family)).get_charmap())


def _file(family: str) -> str:
    return font_manager.findfont(FontProperties(family=family))


def can_write(text: str) -> bool:
    """Whether the fonts that figures are drawn with have every letter of a text."""
    return all(any(ord(each) in _letters(name) for name in families()) for each in text if not each.isspace())


def labelled_in() -> str:
    """The language of figures' own words: the spoken one where its letters can be drawn, else English."""
    return spoken() if can_write(_PROBE.get(spoken(), "")) else SOURCE


def warning() -> str:
    """Why figures are not labelled in the spoken language; "" where they are."""
    return "" if labelled_in() == spoken() else NO_FONT[spoken()]


def outlined(figure: Figure) -> bool:
    """Whether some letters of a figure come from a font of PostScript outlines, which PDF cannot take as TrueType."""
    letters = {ord(each) for text in figure.findobj(Text) for each in text.get_text()} - _letters(MAIN_FONT)
    if not letters:
        return False
    return any(_is_postscript(_file(name)) for name in families()[1:] if letters & _letters(name))


@cache
def _is_postscript(path: str) -> bool:
    """By the first tag of an OpenType file, in a collection by that of its first font."""
    with Path(path).open("rb") as file:
        head = file.read(16)
        if head.startswith(b"ttcf"):
            file.seek(int.from_bytes(head[12:16], "big"))
            head = file.read(4)
    return head.startswith(b"OTTO")


_WIDE = "\0"  # stands behind a letter that takes the room of two


def _padded(text: str) -> str:
    return "".join(c + _WIDE if unicodedata.east_asian_width(c) in "WF" else c for c in text)


def room(text: str) -> int:
    """How many Latin letters' room a text takes: Hangul, Chinese and emoji are as wide as two."""
    return len(_padded(text))


def fitted(text: str, inches: float, points: float = 8.5, lines: int = 2, bold: bool = False) -> str:
    """`text` broken into at most `lines` lines of a width in inches; what is too long ends in an ellipsis."""
    count = max(4, int(inches * 72 / ((0.69 if bold else 0.6) * points)))
    parts = ["".join(" " if unicodedata.category(c)[0] == "C" else c for c in part) for part in text.split("\n")]
    wrapped = [line for part in parts for line in textwrap.wrap(_padded(part), count) or [""]]
    if len(wrapped) > lines:
        rest = " ".join(wrapped[lines - 1 :])
        wrapped = [*wrapped[: lines - 1], rest[: count - 1].rstrip() + "…"]
    return re.sub(_WIDE, "", "\n".join(wrapped))
