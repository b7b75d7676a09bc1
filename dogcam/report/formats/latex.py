"""The document as LaTeX: an article that compiles with pdflatex, and a file for each table, fit for any other article."""

from __future__ import annotations

from pathlib import Path

from dogcam.core.files import write_text
from dogcam.language import spoken
from dogcam.report.document import Document, Table
from dogcam.report.formats.illustrations import FIGURES, Pictures
from dogcam.report.formats.tables_of import table_names, tables_of
from dogcam.report.formats.tex_tables import PACKAGES, table_tex, templates

FOLDER = "latex"
TABLES = "tables"


def write_latex(document: Document, out: Path, pictures: Pictures) -> Path:
    """Write `out`/latex: report.tex, and each table as tables/<name>.tex; its figures are the PDFs in `out`/figures.

    Returns:
        The path of report.tex.
    """
    folder = out / FOLDER
    for name, table in tables_of(document).items():
        write_text(folder / TABLES / f"{name}.tex", table_file(table, name))
    return write_text(folder / "report.tex", article(document))


def table_file(table: Table, name: str) -> str:
    """A table's file, which says what an article must load for it."""
    korean = ",kotex" if spoken() == "ko" else ""
    return f"% In the preamble: \\usepackage{{{','.join(PACKAGES)}{korean}}}\n{table_tex(table, name)}"


def article(document: Document) -> str:
    """The article, which reads tables and figures from their files."""
    made = templates().get_template("report.tex")
    names = {"figures": FIGURES, "tables": TABLES, "named": table_names(document), "packages": ",".join(PACKAGES)}
    return made.render(document=document, key=id, **names)
