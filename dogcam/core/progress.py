"""How work tells what it is doing, without knowing who listens: the silent listener, which `console` and tests extend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

T = TypeVar("T")


class Progress:
    """Hears of long work and says nothing. `console.TerminalProgress` shows it; the API uses this one."""

    def task(self, title: str, total: int | None = None) -> AbstractContextManager[Step]:
        """A piece of work of `total` units: a context that hands out a `Step` to advance."""
        return nullcontext(Step())

    def note(self, text: str) -> None:
        """Something worth knowing: a choice made, a file written."""

    def warn(self, text: str) -> None:
        """Something to act on: hours of work ahead, an input that was skipped."""

    def history(self, rows: list[Any]) -> None:
        """The rows of `history.csv` so far, after each epoch."""

    def track(self, items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
        """Iterate over `items`, advancing a task by one for each."""
        with self.task(title, total) as step:
            for item in items:
                yield item
                step.advance()


class Step:
    """One running task of a `Progress`."""

    def advance(self, units: int = 1, text: str = "") -> None:
        """`units` more are done; `text` is a short remark such as the current loss."""
