"""Progress on standard error: bars and a live table on a terminal, lines now and then without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text
from tqdm import tqdm

from dogcam.console.tables import clean, say, shortened, stream
from dogcam.console.training import history_table
from dogcam.core.progress import Progress, Step

# Without a terminal, progress is a line now and then, and none for what is done in two seconds.
_LOG_LINES = {"mininterval": 10.0, "delay": 2.0, "ascii": True, "ncols": 100}


class TerminalProgress(Progress):
    """Shows work on standard error: bars and a live table on a terminal, lines now and then without one.

    Args:
        verbosity: -1 says nothing but warnings, 0 shows progress and notes.
    """

    def __init__(self, verbosity: int = 0):
        self.verbosity = verbosity
        self._console = stream(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            console=self._console,
        )
        self._table: Group | None = None
        self._live: Live | None = None

    def __enter__(self) -> TerminalProgress:
        if self._console.is_terminal and self.verbosity >= 0:
            self._live = Live(self._view(), console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _view(self) -> Group:
        return Group(*([self._table] if self._table else []), self._bars)

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Step]:
        """A bar on a terminal; otherwise tqdm's line, now and then."""
        if self.verbosity < 0:
            yield Step()
        elif self._live is None:
            with tqdm(total=total, desc=clean(title), file=_Lines(), **_LOG_LINES) as bar:
                yield _LineStep(bar)
        else:
            bar = self._bars.add_task(shortened(clean(title), self._console.width // 2), total=total, text="")
            try:
                yield _BarStep(self._bars, bar)
            finally:
                self._bars.remove_task(bar)

    def note(self, text: str) -> None:
        """A quiet line."""
        if self.verbosity >= 0:
            say(self._console, Text(clean(text), style="dim"))

    def warn(self, text: str) -> None:
        """A line that asks for attention."""
        say(self._console, Text.assemble(("warning: ", "bold yellow"), clean(text)))

    def history(self, rows: list[Any]) -> None:
        """The live table on a terminal; otherwise one line for the epoch that ended."""
        if self._live is not None:
            self._table = history_table(rows)
            self._live.update(self._view())
        elif self.verbosity >= 0:
            last = max((row.run, row.epoch) for row in rows)
            for row in (row for row in rows if row.split == "test" and (row.run, row.epoch) == last):
                self.note(f"run {row.run} epoch {row.epoch}: test accuracy {row.accuracy:.4f}, loss {row.loss:.4f}")


class _BarStep(Step):
    def __init__(self, bars: Bars, task: Any):
        self._bars, self._task = bars, task

    def advance(self, units: int = 1, text: str = "") -> None:
        self._bars.update(self._task, advance=units, text=text)


class _LineStep(Step):
    def __init__(self, bar: Any):
        self._bar = bar

    def advance(self, units: int = 1, text: str = "") -> None:
        if text:
            self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(units)


class _Lines:
    """Standard error for tqdm where it is no terminal: what would redraw a line ends it instead, and is written once."""

    def __init__(self) -> None:
        self._last = ""

    def write(self, text: str) -> None:
        line = text.replace("\r", "").strip()
        if line and line != self._last:
            sys.stderr.write(line + "\n")
            self._last = line

    def flush(self) -> None:
        sys.stderr.flush()
