"""A report as plain values, from which every format is written (see `dogcam.report.formats`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dogcam.figures.panel import Panel


@dataclass(frozen=True)
class Entry:
    """One cell of a table.

    Attributes:
        text: as shown.
        strong: set off, such as the best of its row.
        bar: a share from 0 to 1 drawn behind the number, or None.
        untested: it is set off without a test, as the highest of its row: in LaTeX it is underlined, not bold.
    """

    text: str
    strong: bool = False
    bar: float | None = None
    untested: bool = False


@dataclass(frozen=True)
class Row:
    """One row of a table; `kind` is "", "published", "baseline" or "chosen"."""

    entries: tuple[Entry, ...]
    kind: str = ""

    @classmethod
    def of(cls, *entries: str | Entry, kind: str = "") -> Row:
        """A row of texts and entries."""
        return cls(tuple(each if isinstance(each, Entry) else Entry(each) for each in entries), kind)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        words: how many columns on the left hold words; the others hold numbers.
        aside: positions of columns that others published.
        folded: opens on demand.
        key: what it is, where a page gives it a place of its own: "protocols"; "" of others.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    words: int = 1
    aside: tuple[int, ...] = ()
    note: str = ""
    folded: bool = False
    key: str = ""

    @property
    def narrow(self) -> bool:
        """Whether it fits beside another one, without its numbers being cut."""
        cells = [self.columns, *([entry.text for entry in row.entries] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return len(widths) <= 5 and sum(widths) <= 60 and not self.folded


@dataclass(frozen=True)
class Chart:
    """A chart; `draw(theme)` makes it for "light" or "dark" paper."""

    name: str
    caption: str
    alt: str
    draw: Callable[..., object]


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture with what is drawn on it and the words below it."""

    panel: Panel
    pixels: np.ndarray
    truth: np.ndarray
    alt: str


@dataclass(frozen=True)
class Sheet:
    """Pictures in rows; as one figure on paper, where `draw` is called, and as a grid that wraps on a page.

    Attributes:
        mixed: they are different pictures, of different shapes.
    """

    name: str
    caption: str
    alt: str
    rows: tuple[tuple[str, tuple[Tile, ...]], ...]
    draw: Callable[..., object]
    mixed: bool = False

    @property
    def predicted(self) -> bool:
        """Whether a picture shows a predicted box."""
        return any(tile.panel.box is not None for _, row in self.rows for tile in row)

    @property
    def heated(self) -> bool:
        """Whether a picture shows heat."""
        return any(tile.panel.heat is not None for _, row in self.rows for tile in row)

    def beside(self, tiles: Sequence[Tile]) -> int:
        """How many of a row's pictures stand beside each other: at most six, with as many below them where there are more.

        Different pictures are of one size throughout, and a single one is no larger than a quarter of the page.
        """
        if self.mixed:
            return max(4, *(_balanced(len(row)) for _, row in self.rows))
        return _balanced(len(tiles))


def _balanced(count: int, most: int = 6) -> int:
    lines = max(1, -(-count // most))
    return -(-count // lines)


@dataclass(frozen=True)
class Exhibit:
    """One of the study's six things to be shown, or one beyond them.

    Attributes:
        key: its anchor.
        title, lead: what it is, and what it says, in sentences.
        blocks: tables, charts and sheets, in order.
        can, cannot: what may and what may not be concluded from it; "" for nothing to be said.
        place: its number, whichever others are absent: its place in the order of all exhibits.
    """

    key: str
    title: str
    lead: tuple[str, ...]
    blocks: tuple[Table | Chart | Sheet, ...]
    can: str
    cannot: str
    place: int = 0


@dataclass(frozen=True)
class Finding:
    """A claim held against the evidence, in words.

    Attributes:
        claim: what is claimed.
        source: who makes it: "study" or "dogcam"; `shown_source` in words.
        verdict: "supported", "contradicted", "undecided" or "identical"; `shown_verdict` in words.
        sentence: the verdict with its numbers.
        protocol: under which it was judged.
    """

    claim: str
    source: str
    shown_source: str
    protocol: str
    verdict: str
    shown_verdict: str
    sentence: str


@dataclass(frozen=True)
class Document:
    """A whole report, ready for any format.

    Attributes:
        name: of the experiment.
        headline, answer: the answer, in one line and in a paragraph of sentences.
        facts: (number, what it is) to be seen first.
        hero: the picture that stands for the rest, or None.
        findings: claims with their verdicts.
        exhibits, provenance: the evidence, and how it was made.
        next_step: what to type for what is missing; "" where nothing is.
        kind: what kind of page it is, in words; "" for a report.
        viewer: what the HTML page's viewer is given, see `viewer.viewer`; other formats leave it out.
    """

    name: str
    headline: str
    answer: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    hero: Sheet | None
    findings: tuple[Finding, ...]
    exhibits: tuple[Exhibit, ...]
    provenance: tuple[Table, ...]
    subtitle: str = ""
    next_step: str = ""
    limits: tuple[str, ...] = ()
    kind: str = ""
    viewer: Mapping[str, Any] | None = None

    @property
    def claims(self) -> dict[str, list[Finding]]:
        """The findings by claim, the main protocol's first."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.claim, []).append(finding)
        return found
