"""A table as LaTeX: booktabs, in an article's own width, upright where it fits, sideways or in smaller letters where it does not.

A short table is a float, a long one a longtable. Columns of long texts are paragraphs that share what the others leave. Widths
are estimated from the letters, rather too wide than too narrow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from jinja2 import Environment

from dogcam.language import say
from dogcam.report.document import Entry, Row, Table
from dogcam.report.formats.templating import environment
from dogcam.report.formats.tex_text import ems, tex

PACKAGES = ("array", "booktabs", "longtable", "pdflscape", "rotating")
_UPRIGHT, _SIDEWAYS = 465.0, 690.0  # points: the width of the template's page, and its height
_SIZES = (("small", 9.0, 11.0), ("footnotesize", 8.0, 9.5), ("scriptsize", 7.0, 8.0), ("tiny", 5.0, 6.0))
_GAP = 8.0  # points between two columns
_TEXT = 20.0  # ems: a wider column is set as a paragraph
_LEAST = 9.0  # ems of a paragraph
_HEAD = 6.0  # ems: a longer heading goes on in further lines
_FLOAT = {False: 430.0, True: 300.0}  # points: the height of what may float, sideways or not


@dataclass(frozen=True)
class _Layout:
    """How a table is set.

    Attributes:
        size: LaTeX's name of the letters' size.
        sideways: turned by 90 degrees.
        shares: of the line's width, for each column that is a paragraph; None for others.
        height: of all rows, in points.
        stacked: intervals stand below their figures.
    """

    size: str
    sideways: bool
    shares: tuple[float | None, ...]
    height: float
    stacked: bool = False

    @property
    def floats(self) -> bool:
        """Whether it is short enough to stay on one page."""
        return self.height <= _FLOAT[self.sideways]


def templates() -> Environment:
    """LaTeX's templates."""
    return environment(tex=tex, group="{{{}}}".format)


def table_tex(table: Table, name: str) -> str:
    """A whole table with caption, `\\label{tab:name}` and note, for `\\input`."""
    layout = _layout(table)
    parts = {"columns": _columns(table, layout), "head": _head(table, layout), "body": _body(table, layout)}
    made = templates().get_template("table.tex")
    return made.render(table=table, name=name, layout=layout, gap=f"{_GAP / 2:g}", note=_note(table), **parts)


def _note(table: Table) -> str:
    """What stands below the table: its note, and what underlining and italics mean in it."""
    entries = [entry for row in table.rows for entry in row.entries]
    told = [table.note] if table.note else []
    if any(entry.strong and entry.untested for entry in entries):
        told.append(say("Underlined: the best, but not told from the next by a test."))
    if table.aside or any(row.kind == "published" for row in table.rows):
        told.append(say("Italics: as published."))
    text = tex(" ".join(told))
    return rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize\raggedright {text}}}" + "\n" if told else ""


def _head(table: Table, layout: _Layout) -> str:
    sides = ("l" if place < table.words else "r" for place in range(len(table.columns)))
    heads = zip(table.columns, sides, layout.shares, strict=True)
    cells = [tex(head) if share else _stacked(_broken(head), side) for head, side, share in heads]
    return " & ".join(cells) + r" \\"


def _stacked(lines: list[str], side: str) -> str:
    """Lines of text, one above the other."""
    shown = [tex(line) for line in lines]
    return shown[0] if len(shown) == 1 else rf"\shortstack[{side}]{{" + r"\\".join(shown) + "}"


def _broken(head: str) -> list[str]:
    """A heading in lines."""
    lines = [""]
    for word in head.split():
        wide = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], wide] if not lines[-1] or ems(wide) <= _HEAD else [*lines, word]
    return lines


def _body(table: Table, layout: _Layout) -> str:
    """The rows, those of another kind apart from the ones before them."""
    lines = [_row(table, row, layout) for row in table.rows[:1]]
    for before, row in pairwise(table.rows):
        lines += [r"\addlinespace"] if before.kind != row.kind and "chosen" not in (before.kind, row.kind) else []
        lines.append(_row(table, row, layout))
    return "\n".join(lines)


def _row(table: Table, row: Row, layout: _Layout) -> str:
    cells = []
    for place, entry in enumerate(row.entries):
        published = place in table.aside or row.kind == "published"
        cells.append(_cell(entry, _parts(entry, place >= table.words and layout.stacked), published))
    return " & ".join(cells) + r" \\"


def _parts(entry: Entry, stacked: bool) -> list[str]:
    """The lines of a cell: where it is stacked a figure, and its interval below."""
    found = re.fullmatch(r"(\S+) (\[.+\])", entry.text) if stacked else None
    return list(found.groups()) if found else [entry.text]


def _cell(entry: Entry, lines: list[str], published: bool) -> str:
    """A cell: bold where a test tells it apart, underlined where it is only set off, in italics what others published."""
    text = _stacked(lines, "r")
    if entry.strong:
        return rf"\textbf{{{text}}}" if not entry.untested else rf"\underline{{{text}}}"
    return rf"\textit{{{text}}}" if published and text else text


def _columns(table: Table, layout: _Layout) -> str:
    """The argument of tabular."""
    parts = []
    for place, share in enumerate(layout.shares):
        side = "l" if place < table.words else "r"
        parts.append(rf">{{\raggedright\arraybackslash}}p{{{share:.3f}\linewidth}}" if share else side)
    return f"@{{}}{''.join(parts)}@{{}}"


# In this order the first that is wide enough is taken: (size, sideways, stacked).
_TRIES = (
    *((size, False, False) for size in _SIZES[:2]),
    *((size, True, False) for size in _SIZES[:3]),
    (_SIZES[2], True, True),
    (_SIZES[3], True, True),
)


def _layout(table: Table) -> _Layout:
    for (size, points, line), sideways, stacked in _TRIES:
        whole = _SIDEWAYS if sideways else _UPRIGHT
        natural = [_natural(table, place, stacked) for place in range(len(table.columns))]
        shares = _shares(natural, (whole - _GAP * (len(natural) - 1)) / points)
        if shares is not None:
            found = tuple(None if each is None else each * points / whole for each in shares)
            return _Layout(size, sideways, found, line * _lines(table, shares, stacked), stacked)
    # Not even so: every column a paragraph.
    even = [(1 - _GAP * len(table.columns) / _SIDEWAYS) / len(table.columns) for _ in table.columns]
    widths: list[float | None] = [share * _SIDEWAYS / points for share in even]
    return _Layout(size, True, tuple(even), line * _lines(table, widths, False))


def _natural(table: Table, place: int, stacked: bool) -> float:
    """The width of a column in ems where no text of it is broken, but for its heading and what is stacked."""
    widest = 0.0
    for row in table.rows:
        entry = row.entries[place]
        width = max(ems(line) for line in _parts(entry, stacked and place >= table.words))
        widest = max(widest, width * (1.15 if entry.strong else 1.0))
    return max([widest, *(ems(line) for line in _broken(table.columns[place]))])


def _shares(natural: list[float], room: float) -> list[float | None] | None:
    """The width in ems of each column that is to be a paragraph, None for others; None where there is no room."""
    texts = [width > _TEXT for width in natural]
    left = room - sum(width for width, text in zip(natural, texts, strict=True) if not text)
    if not any(texts):
        return [None] * len(natural) if left >= 0 else None
    weights = [math.sqrt(width) if text else 0.0 for width, text in zip(natural, texts, strict=True)]
    unit = min(left / sum(weights), max(natural) / max(weights)) if left > 0 else 0.0
    found = [min(weight * unit, width) if weight else None for weight, width in zip(weights, natural, strict=True)]
    enough = all(each is None or each >= min(_LEAST, width) for each, width in zip(found, natural, strict=True))
    return found if enough else None


def _lines(table: Table, shares: Sequence[float | None], stacked: bool) -> int:
    """How many lines of text the rows take, roughly."""
    heads = max((len(_broken(head)) for head in table.columns), default=1)
    return heads + sum(_height(row, shares, stacked) for row in table.rows)


def _height(row: Row, shares: Sequence[float | None], stacked: bool) -> int:
    return max(
        math.ceil(ems(entry.text) / share * 1.15) if share else len(_parts(entry, stacked))
        for entry, share in zip(row.entries, shares, strict=True)
    )
