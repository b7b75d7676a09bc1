"""Registries, as tables of names."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from dogcam.console.tables import PLAIN, clean, show, stream

WIDE = 120  # columns of a terminal that has room for everything


def show_listing(listing: Any) -> None:
    """A registry as a table: names stay whole, the last column takes the room that is left.

    Columns that the listing calls `wide_only` are left out of a terminal narrower than `WIDE`.
    """
    headings = listing.headings
    kept = [i for i, name in enumerate(headings) if stream().width >= WIDE or name not in listing.wide_only]
    made = Table(**PLAIN)
    for position in kept:
        made.add_column(Text(headings[position]), no_wrap=position != kept[-1], overflow="fold")
    for row in listing.rows:
        made.add_row(*(Text(clean(row[position])) for position in kept))
    show(Group(Text(clean(listing.title), style="bold"), made))
    for each in listing.more:
        show("")
        show_listing(each)
