"""A report's tables as CSV: none is left out, and what is in them is what is shown."""

import csv

from dogcam.analysis.analysis import current
from dogcam.analysis.flat import TABLES, table
from dogcam.report.document import Document, Exhibit, Row, Table
from dogcam.report.formats.csv import SHOWN, table_csv, write_csv, write_shown
from dogcam.report.formats.tables_of import tables_of
from dogcam.report.page import compose


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_no_table_of_the_document_lacks_a_csv_and_each_holds_its_texts(made, tmp_path):
    document = compose(made.write())
    write_shown(document, tmp_path)
    tables = [b for e in document.exhibits for b in e.blocks if isinstance(b, Table)] + list(document.provenance)
    found = {path.stem: read(path) for path in (tmp_path / SHOWN).iterdir()}
    claims = [
        [f.claim, {"study": "the study"}.get(f.source, f.source), f.protocol, f.verdict, f.sentence] for f in document.findings
    ]
    assert sorted(found["claims"][1:]) == sorted(claims)
    del found["claims"]
    assert len(found) == len(tables)
    shown = [[[entry.text for entry in row.entries] for row in table.rows] for table in tables]
    unguarded = [str([[cell.removeprefix("'") for cell in row] for row in rows[1:]]) for rows in found.values()]
    assert sorted(unguarded) == sorted(map(str, shown))


def test_names_are_those_of_the_exhibits_and_unique():
    table = Table("c", ("a",), (Row.of("x"),))
    exhibits = tuple(Exhibit(key, "t", (), (table, table), "c.", "n.") for key in ("iou", "A b/.."))
    document = Document("d", "h", (), (), None, (), exhibits, (table,))
    assert list(tables_of(document)) == ["iou", "iou-2", "a-b", "a-b-2", "made"]


def test_headings_that_are_alike_keep_their_columns_and_published_ones_are_told():
    table = Table("c", ("a", "IoU", "IoU", "e3 published"), (Row.of("=1+1", "0.1", "0.2", "0.3"),), aside=(2, 3))
    assert table_csv(table) == "a,IoU,IoU (published),e3 published\r\n'=1+1,0.1,0.2,0.3\r\n"


def test_tables_of_an_earlier_report_go(made, tmp_path):
    (tmp_path / SHOWN).mkdir()
    (tmp_path / SHOWN / "old.csv").write_text("x")
    write_shown(compose(made.write()), tmp_path)
    assert not (tmp_path / SHOWN / "old.csv").exists()


def test_tables_of_the_analysis_hold_its_values_and_those_without_rows_go(made, tmp_path):
    analysis, folder = current(made.write()), tmp_path / "csv"
    folder.mkdir()
    (folder / "faithfulness.csv").write_text("x")
    (folder / "own.csv").write_text("x")
    files = {path.stem: read(path) for path in write_csv(analysis, folder)}
    assert sorted(files) == sorted(name for name in TABLES if table(analysis, name).num_rows)
    assert sorted(path.stem for path in folder.iterdir()) == sorted([*files, "own"])
    for name, (heads, *rows) in files.items():
        columns = table(analysis, name).to_pydict()
        assert heads == list(columns)
        for texts, values in zip(zip(*rows, strict=True), columns.values(), strict=True):
            assert all(map(means, texts, values))


def means(text, value):
    """Whether a cell of CSV has a value of a table."""
    if isinstance(value, bool) or value is None:
        return text == {None: "", True: "true", False: "false"}[value]
    return text == value if isinstance(value, str) else float(text) == value
