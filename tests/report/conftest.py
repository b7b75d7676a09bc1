"""What tests of reports share: figures' PDFs without fonts, but where these are what is tested."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick(outlined):
    """Reports in half the time."""
