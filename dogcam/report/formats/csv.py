"""Tables as CSV files (RFC 4180, UTF-8): those of a document as they are shown, and those of `summary.json`, tidy.

A figure that is not there is empty; truth is `true` or `false`. A text that a spreadsheet would take for a formula, since it
begins with =, +, -, @, a tabulator or a line's end, begins with an apostrophe instead: layers, classes and files have names that
others gave. Numbers are left as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dogcam.analysis.analysis import Analysis
from dogcam.analysis.flat import TABLES, rows_of
from dogcam.core.files import readable, write_bytes
from dogcam.language import say
from dogcam.report.document import Document, Table
from dogcam.report.formats.tables_of import tables_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FORMER = ("rows", "breakdowns", "walks")  # what an earlier dogcam called its tables: of another family, maybe of other verdicts
SHOWN = "shown"  # the folder of the document's own tables


def write_shown(document: Document, folder: Path) -> list[Path]:
    """Write each table of the document, as it is shown, into `folder`/shown/<name>.csv; those of an earlier call go.

    Returns:
        The files written.
    """
    tables = {folder / SHOWN / f"{name}.csv": table for name, table in tables_of(document).items()}
    for path in set((folder / SHOWN).glob("*.csv")) - set(tables):
        path.unlink()
    for path, table in tables.items():
        write_bytes(path, table_csv(table).encode("utf-8"))
    return list(tables)


def table_csv(table: Table) -> str:
    """A table's texts under its headings; a column on what others published says so."""
    heads = [
        say("{column} (published)", column=head) if place in table.aside and "published" not in head else head
        for place, head in enumerate(table.columns)
    ]
    return in_columns(heads, ([entry.text for entry in row.entries] for row in table.rows))


def write_csv(analysis: Analysis, folder: Path) -> list[Path]:
    """Write the tables of an analysis (`analysis.flat.TABLES`) that have rows; those of an earlier call that have none now go.

    Returns:
        The files written.
    """
    written = []
    for name in _FORMER:
        (folder / f"{name}.csv").unlink(missing_ok=True)
    for name in TABLES:
        path, rows = folder / f"{name}.csv", rows_of(analysis, name)
        if rows:
            write_bytes(path, as_csv(rows).encode("utf-8"))
            written.append(path)
        else:
            path.unlink(missing_ok=True)
    return written


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows under the names of all their columns, in the order in which these first appear."""
    headings = list(dict.fromkeys(name for row in rows for name in row))
    return in_columns(headings, ([row.get(name) for name in headings] for row in rows))


def in_columns(headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Rows of values under their headings, of which several may be alike."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(map(_text, headings))
    writer.writerows(map(_text, row) for row in rows)
    return buffer.getvalue()


def _text(value: Any) -> str:
    """One cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = readable(str(value))
    harmless = not isinstance(value, str) or not text.startswith(_FORMULA) or _is_number(text)
    return text if harmless else f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
