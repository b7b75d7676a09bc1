"""What these tests share: two tiny networks, and the same in NumPy, from which all evidence is computed anew."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def beside(name: str) -> ModuleType:
    """The file `name`.py of this folder: in importlib mode the folder is on no path, so that it cannot be imported."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_NETWORKS, _OUTSIDE = beside("engine_networks"), beside("engine_outside")


@pytest.fixture(scope="session")
def networks():
    """tests/engine/engine_networks.py: the networks in Keras, and in NumPy, cut open."""
    return _NETWORKS


@pytest.fixture(scope="session")
def outside():
    """tests/engine/engine_outside.py: all that a method needs, by finite differences of the NumPy networks."""
    return _OUTSIDE
