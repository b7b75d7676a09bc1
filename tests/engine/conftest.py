"""What these tests share: two tiny networks, and the same in NumPy, from which all evidence is computed anew."""

from __future__ import annotations

import engine_networks
import engine_outside
import pytest


@pytest.fixture(scope="session")
def networks():
    """tests/helpers/engine_networks.py: the networks in Keras, and in NumPy, cut open."""
    return engine_networks


@pytest.fixture(scope="session")
def outside():
    """tests/helpers/engine_outside.py: all that a method needs, by finite differences of the NumPy networks."""
    return engine_outside
