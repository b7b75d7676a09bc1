"""A small catalogue in place of the real one."""

import pytest

from dogcam import language
from dogcam.language import CATALOGUES, speaking


@pytest.fixture
def korean(request, tmp_path, monkeypatch):
    """Korean is spoken by the `CATALOGUE` of the test's own module."""
    path = tmp_path / "ko.po"
    path.write_text(request.module.CATALOGUE, encoding="utf-8")
    monkeypatch.setitem(CATALOGUES, "ko", path)
    language._catalogue.cache_clear()
    with speaking("ko"):
        yield
    language._catalogue.cache_clear()
