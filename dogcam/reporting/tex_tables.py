"""A table as LaTeX: booktabs, in an article's own width, upright where it fits, sideways or in smaller letters where it does not.

A short table is a float, a long one a longtable. Columns of long texts are paragraphs that share what the others leave. Widths
are estimated from the letters, rather too wide than too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from dogcam.reporting import Entry, Row, Table
from dogcam.reporting.tex_text import ems, tex

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
    """

    size: str
    sideways: bool
    shares: tuple[float | None, ...]
    height: float

    @property
    def floats(self) -> bool:
        """Whether it is short enough to stay on one page."""
        return self.height <= _FLOAT[self.sideways]


def table_tex(table: Table, name: str) -> str:
    """A whole table with caption, `\\label{tab:name}` and note, for `\\input`."""
    layout = _layout(table)
    return (_floating if layout.floats else _long)(table, name, layout)


def _floating(table: Table, name: str, layout: _Layout) -> str:
    kind = "sidewaystable" if layout.sideways else "table"
    return "\n".join(
        [
            rf"\begin{{{kind}}}[htbp]" if kind == "table" else rf"\begin{{{kind}}}[p]",
            r"\centering\setlength{\abovecaptionskip}{0pt}\setlength{\belowcaptionskip}{5pt}",
            *_caption(table, name),
            rf"\{layout.size}\setlength{{\tabcolsep}}{{{_GAP / 2:g}pt}}",
            rf"\begin{{tabular}}{{{_columns(table, layout)}}}",
            r"\toprule",
            _head(table, layout),
            r"\midrule",
            *_body(table, layout),
            r"\bottomrule",
            r"\end{tabular}",
            *_note(table),
            rf"\end{{{kind}}}",
            "",
        ]
    )


def _long(table: Table, name: str, layout: _Layout) -> str:
    lines = [
        r"\begingroup",
        rf"\{layout.size}\setlength{{\tabcolsep}}{{{_GAP / 2:g}pt}}\setlength{{\LTcapwidth}}{{\linewidth}}",
        rf"\begin{{longtable}}{{{_columns(table, layout)}}}",
        *[f"{each}" for each in _caption(table, name)[:-1]],
        _caption(table, name)[-1] + r"\\",
        r"\toprule",
        _head(table, layout),
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        _head(table, layout),
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *_body(table, layout),
        r"\end{longtable}",
        *_note(table),
        r"\endgroup",
    ]
    return "\n".join([r"\begin{landscape}", *lines, r"\end{landscape}", ""] if layout.sideways else [*lines, ""])


def _caption(table: Table, name: str) -> list[str]:
    return [rf"\caption{{{tex(table.caption)}}}", rf"\label{{tab:{name}}}"]


def _note(table: Table) -> list[str]:
    return (
        [rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize\raggedright {tex(table.note)}}}"] if table.note else []
    )


def _head(table: Table, layout: _Layout) -> str:
    sides = ("l" if place < table.words else "r" for place in range(len(table.columns)))
    heads = zip(table.columns, sides, layout.shares, strict=True)
    return " & ".join(_guarded([tex(head) if share else _stacked(head, side) for head, side, share in heads])) + r" \\"


def _stacked(head: str, side: str) -> str:
    """A heading, one line above the other."""
    lines = [tex(line) for line in _broken(head)]
    return lines[0] if len(lines) == 1 else rf"\shortstack[{side}]{{" + r"\\".join(lines) + "}"


def _broken(head: str) -> list[str]:
    """A heading in lines."""
    lines = [""]
    for word in head.split():
        wide = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], wide] if not lines[-1] or ems(wide) <= _HEAD else [*lines, word]
    return lines


def _body(table: Table, layout: _Layout) -> list[str]:
    """The rows, those of another kind apart from the ones before them."""
    lines = [_row(table, row) for row in table.rows[:1]]
    for before, row in pairwise(table.rows):
        lines += [r"\addlinespace"] if before.kind != row.kind and "chosen" not in (before.kind, row.kind) else []
        lines.append(_row(table, row))
    return lines


def _row(table: Table, row: Row) -> str:
    cells = [_cell(entry, place in table.aside or row.kind == "published") for place, entry in enumerate(row.entries)]
    return " & ".join(_guarded(cells)) + r" \\"


def _guarded(cells: list[str]) -> list[str]:
    """What begins a row is not to be read as an option of the line's end before it."""
    return [f"{{}}{cells[0]}" if cells[0].startswith(("[", "*")) else cells[0], *cells[1:]]


def _cell(entry: Entry, published: bool) -> str:
    """A cell: bold where a test tells it apart, underlined where it is only set off, in italics what others published."""
    text = tex(entry.text)
    if entry.strong:
        return rf"\textbf{{{text}}}" if entry.told else rf"\underline{{{text}}}"
    return rf"\textit{{{text}}}" if published and text else text


def _columns(table: Table, layout: _Layout) -> str:
    """The argument of tabular."""
    parts = []
    for place, share in enumerate(layout.shares):
        side = "l" if place < table.words else "r"
        parts.append(rf">{{\raggedright\arraybackslash}}p{{{share:.3f}\linewidth}}" if share else side)
    return f"@{{}}{''.join(parts)}@{{}}"


def _layout(table: Table) -> _Layout:
    """The first of these that is wide enough: upright in two sizes, sideways in three, sideways in the smallest."""
    tries = [*((size, False) for size in _SIZES[:2]), *((size, True) for size in _SIZES[:3]), (_SIZES[3], True)]
    natural = [_natural(table, place) for place in range(len(table.columns))]
    for (size, points, line), sideways in tries:
        room = (_SIDEWAYS if sideways else _UPRIGHT) - _GAP * (len(natural) - 1)
        shares = _shares(natural, room / points)
        if shares is not None:
            total = room + _GAP * (len(natural) - 1)
            found = tuple(None if each is None else each * points / total for each in shares)
            return _Layout(size, sideways, found, line * _lines(table, shares))
    size, _, line = _SIZES[3]
    even = tuple(0.98 * (1 / len(natural)) * (1 - _GAP * len(natural) / _SIDEWAYS) for _ in natural)
    return _Layout(size, True, even, line * _lines(table, [each * _SIDEWAYS / 5.0 for each in even]))


def _natural(table: Table, place: int) -> float:
    """The width of a column in ems where no text of it is broken, but for its heading."""
    texts = [row.entries[place] for row in table.rows]
    widest = max((ems(each.text) * (1.15 if each.strong else 1.0) for each in texts), default=0.0)
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
    return (
        found
        if all(each is None or each >= min(_LEAST, width) for each, width in zip(found, natural, strict=True))
        else None
    )


def _lines(table: Table, shares: list[float | None]) -> int:
    """How many lines of text the rows take, roughly."""
    heads = max((len(_broken(head)) for head in table.columns), default=1)
    return heads + sum(
        max(
            math.ceil(ems(entry.text) / share * 1.15) if share else 1
            for entry, share in zip(row.entries, shares, strict=True)
        )
        for row in table.rows
    )
