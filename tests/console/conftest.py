"""What these tests share: terminals of any width, texts that mean harm, made-up results."""

from __future__ import annotations

import io
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def beside(name: str) -> ModuleType:
    """The file `name`.py of this folder: in importlib mode the folder is on no path, so that it cannot be imported."""
    spec = spec_from_file_location(f"console_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_RESULTS = beside("results")


@pytest.fixture(scope="session")
def made():
    """tests/console/results.py: what the commands hand over, made up."""
    return _RESULTS


@pytest.fixture(params=_RESULTS.HOSTILE)
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
