"""Streams, plain texts and tables, JSON, the error line, what was skipped: what every other part of the room is made of."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from shlex import quote
from typing import Any

from rich.cells import cell_len
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from dogcam.core.config import TrainConfig

# Without a terminal nothing is cut to a width that nobody sees; a table may be as wide as its content.
PIPED_WIDTH = 1000

PLAIN = {"box": None, "padding": (0, 1, 0, 0), "pad_edge": False, "header_style": "bold"}


_NEAREST = "dogcam-nearest"
_LETTERS = {"−": "-", "–": "-", "…": "~"}


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """What a stream that cannot say a letter says in its place."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_LETTERS.get(each, "?") for each in letters), error.end


codecs.register_error(_NEAREST, _nearest)


def stream(stderr: bool = False) -> Console:
    """Standard output, or standard error, as rich writes to it: as wide as its content where it is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
        # A pipe on Windows cannot say "≥" or "한": it gets a "?" there, not an error, and a hyphen for a minus.
        stream.reconfigure(errors=_NEAREST)
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def clean(text: object) -> str:
    """`text` on one line, without control characters that a terminal would obey."""
    return "".join(each if each.isprintable() else "�" for each in str(text).replace("\n", " "))


def shortened(text: str, room: int) -> str:
    """`text` in at most `room` columns of the terminal: its beginning and its end, which tell most."""
    half = (room - 1) // 2
    # The end is the beginning read backwards, letter by letter: letters may be two columns wide.
    return text if cell_len(text) <= room else f"{_beginning(text, half)}…{_beginning(text[::-1], half)[::-1]}"


def _beginning(text: str, room: int) -> str:
    """The first letters of `text`, in at most `room` columns."""
    widths = accumulate(cell_len(letter) for letter in text)
    return "".join(letter for letter, width in zip(text, widths, strict=True) if width <= room)


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> Group:
    """A plain table under its title; the first `left` columns are text, the others numbers and never wrapped."""
    made = Table(**PLAIN)
    for position, heading in enumerate(headings):
        text = position < left
        made.add_column(
            Text(heading), justify="left" if text else "right", no_wrap=not text, overflow="fold" if text else "ellipsis"
        )
    for row in rows:
        made.add_row(*(Text(clean(value)) for value in row))
    # A title of the table's own would be broken at the table's width, which may be narrow.
    return Group(Text(clean(title), style="bold"), made)


def show(*things: Any) -> None:
    """Print texts and tables to standard output."""
    console = stream()
    for thing in things:
        if isinstance(thing, str):
            say(console, Text(clean(thing)))
        else:
            console.print(thing)


def say(console: Console, text: Text) -> None:
    """Print a text: broken between words on a terminal, and not at all where a program may read it."""
    console.print(text, soft_wrap=not console.is_terminal)


def show_json(document: Any) -> None:
    """Print JSON, and nothing else, to standard output."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=1)  # \u escapes, for a stream that cannot say every letter
    sys.stdout.write(text + "\n")


def show_error(text: str, label: str = "error") -> None:
    """The error line, on standard error."""
    console = stream(stderr=True)
    say(console, Text.assemble((f"{label}: ", "bold red"), clean(text)))


def show_problems(problems: Sequence[Any], limit: int = 10) -> None:
    """What was skipped or not as it should be, each with its reason, on standard error."""
    if problems:
        count = "1 input was" if len(problems) == 1 else f"{len(problems)} inputs were"
        show_error(f"{count} skipped, or not as it should be:", label="skipped")
    console = stream(stderr=True)
    for problem in problems[:limit]:
        say(console, Text(f"  {clean(problem.id)}: {clean(problem.reason)}"))
    if len(problems) > limit:
        console.print(Text(f"  ... and {len(problems) - limit} more: all are in --json"))


def duration(seconds: float) -> str:
    """ "48 s" or "3 min 20 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def following(command: str, experiment: Path) -> str:
    """The command line that goes on with an experiment, as it can be pasted."""
    home = "" if str(experiment.parent) == TrainConfig.home else f" --home {quote(str(experiment.parent))}"
    return f"dogcam {command} {quote(experiment.name)}{home}"
