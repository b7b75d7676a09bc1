"""All tables of a report as CSV: those of the document as they are shown, and beside them those of `summary.json`, tidy."""

from __future__ import annotations

import json
from pathlib import Path

from dogcam.analysis.csv_tables import in_columns, write_csv
from dogcam.analysis.summary import SUMMARY_VERSION
from dogcam.core.files import write_bytes
from dogcam.experiment.runs import Experiment
from dogcam.language import say
from dogcam.report.document import Document, Table
from dogcam.report.formats.tables_of import tables_of

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


def write_summary(experiment: Experiment, folder: Path) -> tuple[list[Path], str]:
    """Write the tables of an experiment's `summary.json` into `folder`.

    Returns:
        The files written, and why there are none; "" where there are.
    """
    path = experiment.path / "evaluation" / "summary.json"
    again = f"dogcam evaluate {experiment.name} --resume writes it"
    if not path.exists():
        return [], f"{path} is not there, so that its tables are left out of the CSV files: {again}"
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.get("schema_version") != SUMMARY_VERSION:
        return [], f"{path} is another dogcam's, so that its tables are left out of the CSV files: {again}"
    return write_csv(folder, document), ""
