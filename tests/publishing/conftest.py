"""The made-up experiment is the reporting tests' own; test folders are no packages, so it is loaded by its path."""

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("made_up", Path(__file__).parents[1] / "reporting" / "conftest.py")
_MADE_UP = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MADE_UP)
make, made = _MADE_UP.make, _MADE_UP.made
