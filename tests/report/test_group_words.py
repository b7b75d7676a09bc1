"""Groups of pictures in words: each says what its pictures share, and no two say the same."""

from __future__ import annotations

import pytest

from dogcam.analysis.groups import Group, Groups
from dogcam.language import speaking
from dogcam.report.group_words import labels


def sizes(low, high):
    return Groups("size", (Group("small", 1, None, low), Group("medium", 1, low, high), Group("large", 1, high)), ())


def test_sizes_are_told_by_their_bounds():
    assert labels(sizes(0.3, 0.5)) == ["small (below 0.3 of the picture)", "medium (0.3 to 0.5)", "large (above 0.5)"]


@pytest.mark.parametrize(("low", "high", "medium"), [(0.311633, 0.3129, "0.312 to 0.313"), (0.31, 0.52, "0.31 to 0.52")])
def test_bounds_have_the_digits_that_tell_them_apart(low, high, medium):
    assert labels(sizes(low, high))[1] == f"medium ({medium})"


def test_two_sizes_where_most_animals_are_of_one():
    found = Groups("size", (Group("up-to", 4, most=0.25), Group("larger", 1, least=0.25)), ())
    assert labels(found) == ["0.25 of the picture or less", "larger"]


def test_numbers_of_animals():
    found = Groups("animals", (*(Group("exactly", 1, k, k) for k in range(3)), Group("or-more", 1, 3)), ())
    assert labels(found) == ["none annotated", "1 animal", "2 animals", "3 animals or more"]


def test_classes_are_named_as_they_are_and_the_network_by_its_answer():
    assert labels(Groups("breed", (Group("small", 3), Group("pug {x}", 2)), ())) == ["small", "pug {x}"]
    found = Groups("right", (Group("right", 3), Group("wrong", 0)), ())
    assert labels(found) == ["the network is right", "the network is wrong"]
    with speaking("ko"):
        assert labels(found)[0] != "the network is right"
