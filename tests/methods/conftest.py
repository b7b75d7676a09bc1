"""What these tests share: evidence for one-pass methods, a toy network for probing ones, the papers' formulas as loops."""

from __future__ import annotations

import method_inputs
import method_oracles
import probing_oracles as probing
import pytest
import toy_network


@pytest.fixture(scope="session")
def oracles():
    """tests/helpers/method_oracles.py: the formulas of one-pass methods, one picture at a time, in loops."""
    return method_oracles


@pytest.fixture(scope="session")
def probing_oracles():
    """tests/helpers/probing_oracles.py: those of methods that ask the network again and again."""
    return probing


@pytest.fixture(scope="session")
def toy():
    """tests/helpers/toy_network.py: a differentiable network with known gradients, and probes of it that remember."""
    return toy_network


@pytest.fixture(scope="session")
def given():
    """tests/helpers/method_inputs.py: random arrays for all that a one-pass method may need."""
    return method_inputs


@pytest.fixture(scope="session")
def ops():
    """The namespace that the engine hands to methods."""
    return pytest.importorskip("keras").ops
