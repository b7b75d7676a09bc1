"""What these tests share: terminals of any width, texts that mean harm, made-up results."""

from __future__ import annotations

import io
import sys

import console_results
import pytest


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
