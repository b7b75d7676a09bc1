"""Every table of a document under a name of its own, for the formats that write a file for each.

The name is the exhibit's key, and from the exhibit's second table on its number: iou, iou-2. The claims are a table as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dogcam.language import say
from dogcam.report.document import Document, Exhibit, Finding, Row, Table


def tables_of(document: Document) -> dict[str, Table]:
    """All tables by name, in the order of the document: the claims, those of the exhibits, how it was made."""
    claims = [claims_table(document)] if document.findings else []
    parts = [("claims", claims), *((e.key, _tables(e)) for e in document.exhibits), ("made", list(document.provenance))]
    return dict(_named(parts))


def table_names(document: Document) -> dict[int, str]:
    """The name of each of the document's own tables, by its id."""
    return {id(table): name for name, table in tables_of(document).items()}


def _tables(exhibit: Exhibit) -> list[Table]:
    return [block for block in exhibit.blocks if isinstance(block, Table)]


def _named(parts: list[tuple[str, list[Table]]]) -> Iterator[tuple[str, Table]]:
    for key, tables in parts:
        safe = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-") or "table"
        for place, table in enumerate(tables, start=1):
            yield f"{safe}-{place}" if place > 1 else safe, table


def claims_table(document: Document) -> Table:
    """Every claim under every protocol, with its verdict."""
    heads = (say("claim"), say("made by"), say("protocol"), say("verdict"), say("in numbers"))
    rows = tuple(_claim_row(each) for found in document.claims.values() for each in found)
    return Table(say("Claims and verdicts"), heads, rows, words=len(heads))


def _claim_row(finding: Finding) -> Row:
    source = say("the study") if finding.source == "study" else "dogcam"
    return Row.of(finding.claim, source, finding.protocol, finding.shown_verdict, finding.sentence)
