"""The values of a report: what fits beside what."""

import pytest

from dogcam.report.document import Document, Entry, Finding, Row, Sheet, Table


@pytest.mark.parametrize(("tiles", "beside"), [(1, 1), (6, 6), (7, 4), (12, 6), (13, 5)])
def test_a_row_of_pictures_is_broken_evenly(tiles, beside):
    assert Sheet("s", "", "", (), print).beside([None] * tiles) == beside


def test_different_pictures_are_of_one_size_and_never_larger_than_a_quarter_of_the_page():
    rows = (("", (None,) * 2), ("", (None,) * 9))
    sheet = Sheet("s", "", "", rows, print, mixed=True)
    assert [sheet.beside(row) for _, row in rows] == [5, 5]
    assert Sheet("s", "", "", rows[:1], print, mixed=True).beside(rows[0][1]) == 4


def test_a_row_takes_texts_and_entries():
    assert Row.of("a", Entry("b", strong=True), kind="chosen").entries == (Entry("a"), Entry("b", strong=True))


@pytest.mark.parametrize(
    ("columns", "width", "folded", "narrow"),
    [(5, 12, False, True), (6, 3, False, False), (5, 13, False, False), (5, 12, True, False)],
)
def test_what_is_narrow_fits_beside_another(columns, width, folded, narrow):
    table = Table("", ("h",) * columns, (Row.of(*["x" * width] * columns),), folded=folded)
    assert table.narrow is narrow


def test_findings_are_grouped_by_claim_in_their_order():
    findings = tuple(Finding(claim, "study", "", protocol, "", "", "") for claim, protocol in ("ap", "bp", "aq"))
    document = Document("n", "h", (), (), None, findings, (), ())
    assert {claim: [each.protocol for each in of] for claim, of in document.claims.items()} == {"a": ["p", "q"], "b": ["p"]}
