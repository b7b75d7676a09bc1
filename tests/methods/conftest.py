"""What these tests share: evidence for one-pass methods, a toy network for probing ones, the papers' formulas as loops."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


def beside(name: str) -> ModuleType:
    """The file `name`.py of this folder: in importlib mode the folder is on no path, so that it cannot be imported."""
    spec = spec_from_file_location(f"methods_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_GIVEN, _TOY, _ORACLES, _PROBING_ORACLES = (beside(name) for name in ("evidence", "toy", "oracles", "probing_oracles"))


@pytest.fixture(scope="session")
def oracles():
    """tests/methods/oracles.py: the formulas of one-pass methods, one picture at a time, in loops."""
    return _ORACLES


@pytest.fixture(scope="session")
def probing_oracles():
    """tests/methods/probing_oracles.py: those of methods that ask the network again and again."""
    return _PROBING_ORACLES


@pytest.fixture(scope="session")
def toy():
    """tests/methods/toy.py: a differentiable network with known gradients, and probes of it that remember."""
    return _TOY


@pytest.fixture(scope="session")
def given():
    """tests/methods/evidence.py: random arrays for all that a one-pass method may need."""
    return _GIVEN


@pytest.fixture(scope="session")
def ops():
    """The namespace that the engine hands to methods."""
    return pytest.importorskip("keras").ops
