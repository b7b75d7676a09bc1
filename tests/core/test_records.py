"""Records to JSON and back, and what their docstrings say of their fields."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pytest

from dogcam.core.records import BadRecord, fields_of, from_plain, meanings, to_plain

K = TypeVar("K")


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        method, layer: its two parts.
    """

    method: str
    layer: str


@dataclass(frozen=True)
class Pair(Generic[K]):
    """Two of a kind.

    Attributes:
        first: the first, on
            two lines.
        gap: by how much.
    """

    first: K
    gap: float


@dataclass(frozen=True)
class Record:
    """Everything at once.

    Attributes:
        pairs: several.
        best: one; null where there is none.
        by_name: lists by name.
        epochs: numbers.
    """

    pairs: tuple[Pair[Key], ...]
    best: Key | None
    by_name: dict[str, tuple[float, ...]]
    epochs: tuple[int, ...] = ()


RECORD = Record((Pair(Key("cam", "conv"), math.nan),), None, {"a b": (0.5, math.nan)}, (3, 5))


def test_what_is_written_is_what_json_has():
    assert to_plain(RECORD) == {
        "pairs": [{"first": {"method": "cam", "layer": "conv"}, "gap": None}],
        "best": None,
        "by_name": {"a b": [0.5, None]},
        "epochs": [3, 5],
    }


def test_it_is_equal_both_ways():
    document = json.loads(json.dumps(to_plain(RECORD)))
    found = from_plain(Record, document)
    assert found.pairs[0].first == Key("cam", "conv")
    assert math.isnan(found.pairs[0].gap)
    assert (found.epochs, found.best) == ((3, 5), None)
    assert to_plain(found) == document


def test_numbers_of_numpy_and_paths_are_plain():
    assert to_plain(Record((), None, {"a": (np.float32(0.5),)}, (np.int64(3),))) == {
        **to_plain(Record((), None, {"a": (0.5,)}, (3,)))
    }
    assert to_plain(Key(Path("a"), "b")) == {"method": "a", "layer": "b"}


@pytest.mark.parametrize("change", [{"more": 1}, {"pairs": [{"gap": 1.0}]}, {"epochs": ["three"]}])
def test_a_document_of_another_shape_is_refused(change):
    with pytest.raises(BadRecord):
        from_plain(Record, {**to_plain(RECORD), **change})


def test_meanings_are_read_from_the_docstring():
    assert meanings(Key) == {"method": "its two parts", "layer": "its two parts"}
    assert meanings(Pair)["first"] == "the first, on two lines"


def test_every_field_has_a_path_through_lists_names_and_generics():
    assert dict(fields_of(Record)) == {
        "pairs[]": "several",
        "pairs[].first": "the first, on two lines",
        "pairs[].first.method": "its two parts",
        "pairs[].first.layer": "its two parts",
        "pairs[].gap": "by how much",
        "best": "one; null where there is none",
        "best.method": "its two parts",
        "best.layer": "its two parts",
        "by_name.*[]": "lists by name",
        "epochs[]": "numbers",
    }
