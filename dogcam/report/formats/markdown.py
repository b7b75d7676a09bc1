"""The document as GitHub's Markdown, with links to the figures beside it."""

from __future__ import annotations

import re
from pathlib import Path

from dogcam.core.files import write_text
from dogcam.report.document import Document, Entry, Row, Table
from dogcam.report.formats.illustrations import Pictures
from dogcam.report.formats.templating import environment

_LONG = 25  # rows: a longer table is folded, so that the page can be read through


def write_markdown(document: Document, out: Path, pictures: Pictures) -> Path:
    """Write it as `out`/report.md, beside the folder of figures."""
    return write_text(out / "report.md", markdown(document))


def markdown(document: Document) -> str:
    """The report as one Markdown file; pictures are the PNG files in the folder of figures."""
    made = environment(md=markdown_text, code=_code).get_template("report.md")
    text = made.render(document=document, rule=_rule, cell=_cell, folded=_folded)
    return re.sub(r"\n{3,}", "\n\n", text)


def markdown_text(text: object) -> str:
    """Text as Markdown shows it literally, on one line: no markup, no HTML, no mathematics, no table border, no link."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_\[\]|$~#!])", r"\\\1", line)
    return re.sub(r"(?<=http)(:)(?=//)|(?<=https)(:)(?=//)|(?<=www)(\.)", r"\\\g<0>", line)  # GitHub links these by itself


def _code(text: str) -> str:
    """A command as it is to be typed; backticks in it end nothing."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence}{' ' if longest else ''}{text}{' ' if longest else ''}{fence}"


def _rule(table: Table) -> str:
    """The line below a table's head: words to the left, numbers to the right."""
    return "|" + "|".join("---" if place < table.words else "---:" for place in range(len(table.columns))) + "|"


def _cell(table: Table, row: Row, place: int) -> str:
    """One cell: what is set off in bold, what others published in italics."""
    entry: Entry = row.entries[place]
    text = markdown_text(entry.text)
    if not text:
        return ""
    if entry.strong:
        return f"**{text}**"
    return f"*{text}*" if place in table.aside or row.kind == "published" else text


def _folded(table: Table) -> bool:
    return table.folded or len(table.rows) > _LONG
