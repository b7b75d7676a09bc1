"""The registry of datasets and formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dogcam.core.errors import UnknownName
from dogcam.core.registry import resolve
from dogcam.data.assembling import Annotated
from dogcam.data.images import ImageFile
from dogcam.data.opening import DATASETS, Source, boxes_beside, check_name, open_dataset


@pytest.mark.parametrize("name", DATASETS)
def test_every_source_can_be_opened_by_what_it_names(name):
    row = DATASETS[name]
    assert bool(row.opener) != bool(row.reader) == bool(row.title)
    assert row.sign or not row.reader
    assert all(callable(resolve(each)) for each in (row.opener, row.reader, row.sign) if each)
    assert not row.beside or resolve(row.beside)(Path("/nowhere/a.jpg")) is None
    assert row.description


@pytest.mark.parametrize(("name", "near"), [("stanford_dog", "stanford_dogs"), ("sintetic:3", "synthetic")])
def test_an_unknown_source_is_told_the_nearest(name, near):
    with pytest.raises(UnknownName, match=rf"unknown dataset '{name.partition(':')[0]}'; .*{near}"):
        open_dataset(name)


def test_a_name_like_no_other_is_told_all():
    with pytest.raises(UnknownName) as caught:
        check_name("qqq")
    assert all(name in str(caught.value) for name in DATASETS)


def test_a_format_of_its_own_row_finds_the_boxes_of_single_pictures(monkeypatch):
    """No command has to know of it: the first format that knows the picture gives the boxes."""
    monkeypatch.setitem(DATASETS._entries, "mine", Source("for a test", beside=f"{__name__}:_halves"))
    assert boxes_beside(Path("/mine/a.jpg")).corners.tolist() == [[0, 0, 0.5, 1]]
    assert boxes_beside(Path("/other/a.jpg")) is None


def _halves(image):
    halves = np.array([[0, 0, 0.5, 1]])
    return Annotated("a.jpg", ImageFile(image), corners=halves, relative=True) if image.parent.name == "mine" else None
