"""Finished experiments as documents: plain values, here, that every format is written from (see `dogcam.publishing`).

The members, each of which may import only those named before it:

    tables         numbers computed from the per-image rows
    comparison     methods against each other: ranks, pairs, what is the same
    breakdown      scores by group of pictures
    study          the published figures
    choosing       which pictures a gallery shows, by rule
    samples        one kept picture
    evidence       what one experiment offers: its curves, its scored images, the picture that stands for the rest
    weighing       paired differences by image, and claims about them
    statements     the claims one by one: what each says, as a verdict and a sentence
    findings       all claims held against the evidence, and what they leave open
    tracks         how training went, as values and in sentences
    dynamics       how accuracy, fit and box area go with training
    answer         how all methods stand
    answer_words   the same, and what became of the study's claims, as the page's first sentences
    decompositions where a gap between two pipelines comes from
    summary        what every field of summary.json means
    csv_tables     summary.json as tables for other programs
    colours        which colour a method has in charts
    faithfulness   what the network says of its maps: numbers, a table and exhibit 10
    measures       numbers measured on the kept maps
    tiles          kept pictures with what is drawn on them
    training       exhibit 1: accuracy and loss
    thresholds     how much hangs on the threshold
    localisation   exhibit 6: IoU; and box areas
    ranks          exhibit 7, beyond the study's six: methods against each other
    groups         exhibit 9: groups of pictures
    epochs         exhibit 8, beyond the study's six: training dynamics
    protocol_words a protocol in words
    gallery        exhibits 2 to 5: pictures
    galleries      exhibit 12, beyond the study's: pictures chosen by rule over all that were scored
    provenance     how it was made
    sameness       whether experiments may be compared, and what differs in how they were made
    between        experiments against each other: accuracy and localisation over the same images
    between_words  the same in sentences
    between_page   the same as a document
    embedding      maps in 8 bits and pictures within a budget of bytes
    viewer         the kept pictures' maps and scores, for the page's script
    page           the whole document: the one that assembles

A new exhibit is a function from evidence to `Exhibit`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dogcam.figures import Panel
from dogcam.language import message, say

NONE = "–"
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def number(value: float | None, digits: int = 3) -> str:
    """A number as tables write it, with a true minus; a dash where there is none."""
    return NONE if value is None or not np.isfinite(value) else signed(value, digits).removeprefix("+")


def signed(value: float, digits: int = 3) -> str:
    """A difference, with its sign (a true minus, not a hyphen); what rounds to zero has none."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def count(value: int | None) -> str:
    """A whole number, its thousands apart."""
    return NONE if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return NONE if value is None or not np.isfinite(value) else say("{share} %", share=f"{100 * value:.1f}")


def p_value(p: float) -> str:
    """A p-value as tables write it: the smallest as a bound, since no test gives 0."""
    return NONE if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def listed(items: list[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"."""
    if len(items) > 2:
        return say("{several} and {last}", several=", ".join(items[:-1]), last=items[-1])
    return say("{one} and {other}", one=items[0], other=items[1]) if len(items) == 2 else "".join(items)


# Verdicts on claims and who makes these, as data have them -> as they are shown.
VERDICTS = {
    "supported": message("supported"),
    "contradicted": message("contradicted"),
    "undecided": message("undecided"),
    "identical": message("identical"),
}
SOURCES = {"study": message("the study's claim"), "dogcam": message("asked by dogcam")}


def isolated(name: str) -> str:
    """A name for plain text: between marks that keep its direction to itself, without marks of its own, which could end that."""
    return f"\u2068{_DIRECTIONS.sub('', name)}\u2069"


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
class Finding:
    """A claim held against the evidence.

    Attributes:
        claim: in words.
        source: who makes it: a key of `SOURCES`.
        verdict: a key of `VERDICTS`.
        sentence: the verdict with its numbers.
        protocol: under which it was judged.
        intervals: (label, `statistics.Interval`) of every comparison it rests on.
        composed: it is made of two other claims, which are judged on their own as well.
    """

    claim: str
    source: str
    verdict: str
    sentence: str
    protocol: str
    intervals: tuple[tuple[str, object], ...] = ()
    composed: bool = False

    @property
    def shown_verdict(self) -> str:
        """The verdict in the language that is spoken."""
        return say(VERDICTS[self.verdict])

    @property
    def shown_source(self) -> str:
        """Who makes the claim, in the language that is spoken: "the study's claim"."""
        return say(SOURCES[self.source])


@dataclass(frozen=True)
class Exhibit:
    """One of the study's six things to be shown, or one beyond them; `place` is its number, whichever others are absent.

    Attributes:
        key: its anchor.
        title, lead: what it is, and what it says, in sentences.
        blocks: tables, charts and sheets, in order.
        can, cannot: what may and what may not be concluded from it.
    """

    place: int
    key: str
    title: str
    lead: tuple[str, ...]
    blocks: tuple[Table | Chart | Sheet, ...]
    can: str
    cannot: str


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
    viewer: Mapping[str, Any] | None = None

    @property
    def claims(self) -> dict[str, list[Finding]]:
        """The findings by claim, the main protocol's first."""
        found: dict[str, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.claim, []).append(finding)
        return found
