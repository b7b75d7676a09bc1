"""Tables that fit a terminal: one line a row, numbers whole, names cut in the middle, what matters least left out.

Without a terminal nothing is left out and nothing is cut: `PIPED_WIDTH` has room for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from dogcam.console.tables import PLAIN, clean, shortened

# A name gives way to numbers down to so many letters: all of dogcam's methods, and Keras's usual layers, are whole in it.
NAME = 20


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: whether it holds names: to the left, and cut in the middle where there is no room.
        squeeze: how narrow names may become for its sake, before it is left out; 0: it stays whatever names become.
    """

    heading: str
    values: tuple[str, ...]
    name: bool = False
    squeeze: int = NAME

    @classmethod
    def of(cls, heading: str, values: Iterable[object], **more: Any) -> Column:
        """A column of any values, as texts on one line each."""
        return cls(clean(heading), tuple(map(clean, values)), **more)

    @property
    def width(self) -> int:
        """What it takes to be whole."""
        return max(map(cell_len, (self.heading, *self.values)))

    def least(self, names: int) -> int:
        """What it takes where names have so much room."""
        return min(self.width, names) if self.name else self.width

    def cut(self, room: int) -> Column:
        """The column in so much room; different names stay different."""
        return replace(self, values=tuple(told_apart(self.values, room)))


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """Those columns, the most important first, that fit; from the first that does not, all but those that stay are left out."""
    kept = [column.squeeze == 0 for column in columns]
    for place, column in enumerate(columns):
        if not kept[place]:
            kept[place] = True
            if _together(compress((each.least(column.squeeze) for each in columns), kept)) > width:
                kept[place] = False
                break
    return list(compress(columns, kept))


def _together(widths: Iterable[int]) -> int:
    """Columns beside each other, a blank between any two."""
    widths = list(widths)
    return sum(widths) + len(widths) - 1


def stacked(title: str, fixed: Sequence[Column], others: Sequence[Column], width: int, names: int = NAME) -> list[Group]:
    """Tables one below the other that hold all of `others`, as many in each as fit beside the `fixed` columns.

    Args:
        names: what the names in `fixed` keep before there is another table.
    """
    tables, beside = [], list(others)
    while beside or not tables:
        taken = 1
        while taken < len(beside) and _together(each.least(names) for each in (*fixed, *beside[: taken + 1])) <= width:
            taken += 1
        tables.append(drawn(title if not tables else f"{title}, continued", [*fixed, *beside[:taken]], width))
        beside = beside[taken:]
    return tables


def drawn(title: str, columns: Sequence[Column], width: int) -> Group:
    """A table of all the columns, its names cut to the room that the numbers leave."""
    made = Table(**PLAIN)
    shown = _cut(columns, width)
    for column in shown:
        overflow = "ellipsis" if column.name else "crop"
        made.add_column(Text(column.heading), justify="left" if column.name else "right", no_wrap=True, overflow=overflow)
    for row in zip(*(column.values for column in shown), strict=True):
        made.add_row(*map(Text, row))
    return Group(Text(clean(title), style="bold"), made)


def _cut(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns, their names within what is left of the width: the shortest are whole first, the others share alike."""
    names = sorted((place for place, column in enumerate(columns) if column.name), key=lambda i: columns[i].width)
    left = width - _together(0 if column.name else column.width for column in columns)
    cut = list(columns)
    for done, place in enumerate(names):
        room = max(1, min(columns[place].width, left // (len(names) - done)))
        cut[place] = columns[place].cut(room)
        left -= room
    return cut


def told_apart(names: Sequence[str], room: int) -> list[str]:
    """The names in at most `room` columns each, such that different ones stay different.

    Cut in the middle; where that makes two alike, without what all names begin with; and else with a number at the end.
    """
    different = list(dict.fromkeys(names))
    cut = [shortened(name, room) for name in different]
    if len(set(cut)) < len(cut):
        cut = [shortened(name, room) for name in _without_beginning(different)]
    if len(set(cut)) < len(cut):
        ends = [f"~{number}" for number in range(1, len(cut) + 1)]
        cut = [
            name if cell_len(name) <= room else shortened(name, room - len(end)) + end
            for name, end in zip(different, ends, strict=True)
        ]
    of = dict(zip(different, cut, strict=True))
    return [of[name] for name in names]


def _without_beginning(names: Sequence[str]) -> list[str]:
    """The names, but for the letters that all that are not empty begin with."""
    first, last = min(filter(None, names)), max(names)
    shared = next((i for i, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return [f"…{name[shared:]}" if name and shared > 1 else name for name in names]
