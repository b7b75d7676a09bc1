"""What these tests share: terminals of any width, texts that mean harm, made-up results."""

from __future__ import annotations

import io
import sys

import console_results
import pytest

from dogcam.console.evaluation import show_evaluation


@pytest.fixture(scope="session")
def made():
    """tests/helpers/console_results.py: what the commands hand over, made up."""
    return console_results


@pytest.fixture(params=console_results.HOSTILE)
def hostile(request):
    """A text that a terminal would obey, that rich would read as markup, or that is too long."""
    return request.param


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Standard output and error as terminals of a given width; returns what they show."""

    def make(width, color=False):
        out, err = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("LINES", "50")
        if not color:
            monkeypatch.setenv("NO_COLOR", "1")
        return out, err

    return make


@pytest.fixture
def shown(terminal, made, capsys):
    """The lines that a result of `evaluate` is shown as; a width of None is no terminal."""

    def show(result, width=80):
        if width is None:
            show_evaluation(result)
            text = capsys.readouterr().out
        else:
            out, _ = terminal(width)
            show_evaluation(result)
            text = made.text_of(out)
        assert made.harmless(text)
        return [line.rstrip() for line in text.splitlines()]

    return show


@pytest.fixture
def table():
    """The headings and rows of the table whose title starts so; a title may take several lines."""

    def of(lines, start="Protocol"):
        first = next(place for place, line in enumerate(lines) if line.startswith(start))
        rows = lines[first : lines.index("", first)]
        head = next(place for place, line in enumerate(rows) if place and not line.startswith(("layer", "means", "conv")))
        return rows[head:]

    return of
