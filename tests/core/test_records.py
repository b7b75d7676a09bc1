"""Records: equal after a way through JSON, strict about what they are given, and described by their own docstrings."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

import cattrs
import numpy as np
import pytest

from dogcam.core.records import fields_of, from_plain, meanings, to_plain


@dataclass(frozen=True, order=True)
class Leaf:
    """A part.

    Attributes:
        low, high: the ends, in
            relative numbers.
        name: what it is called.
    """

    low: float
    high: float
    name: str = ""


@dataclass(frozen=True)
class Tree:
    """A whole.

    Attributes:
        leaves: its parts.
        by_name: the same, by name.
        best: of them; None where there is none.
    """

    leaves: tuple[Leaf, ...]
    by_name: dict[str, Leaf]
    best: Leaf | None = None
    numbers: tuple[int, ...] = ()


TREE = Tree((Leaf(0.1, 0.2), Leaf(1, 2, "b")), {"b": Leaf(1, 2, "b")}, None, (1, 2))


@pytest.mark.parametrize("tree", [TREE, replace(TREE, best=Leaf(1 / 3, 0.5)), Tree((), {})])
def test_what_goes_through_json_is_equal(tree):
    assert from_plain(Tree, json.loads(json.dumps(to_plain(tree), allow_nan=False))) == tree


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_float_that_is_not_finite_is_null_and_comes_back_as_nan(value):
    document = to_plain(Leaf(value, 1))
    assert document == {"low": None, "high": 1, "name": ""}
    assert math.isnan(from_plain(Leaf, document).low)


def test_values_of_numpy_are_jsons_own():
    document = to_plain(Leaf(np.float32(0.5), np.float64(1), np.str_("a")))
    assert {name: type(value) for name, value in document.items()} == {"low": float, "high": float, "name": str}


@pytest.mark.parametrize("document", [{"low": 0}, {"low": 0, "high": 1, "middle": 2}, {"low": "a", "high": 1}])
def test_fields_that_are_missing_unknown_or_of_another_type_are_refused(document):
    with pytest.raises(cattrs.BaseValidationError):
        from_plain(Leaf, document)


def test_meanings_are_those_of_the_docstring_on_one_line():
    ends = "the ends, in relative numbers"
    assert meanings(Leaf) == {"low": ends, "high": ends, "name": "what it is called"}


def test_fields_are_found_at_any_depth():
    parts = ["low", "high", "name"]
    paths = ["leaves[]", *(f"leaves[].{part}" for part in parts), "by_name.*", *(f"by_name.*.{part}" for part in parts)]
    assert [path for path, _ in fields_of(Tree)] == [*paths, "best", *(f"best.{part}" for part in parts), "numbers[]"]
    assert dict(fields_of(Tree))["best.name"] == "what it is called"
    assert dict(fields_of(Tree))["numbers[]"] == ""
