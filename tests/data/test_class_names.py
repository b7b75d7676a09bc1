"""Classes by name: spellings, synonyms, WordNet's numbers, and names that several have."""

from __future__ import annotations

import pytest

from dogcam.data.class_names import ClassNames, folded

NAMES = ("Norwegian elkhound, elkhound", "pug, pug-dog", "crane", "crane", "n02110958-pug_dog")


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("norwegian_elkhound", [0]),
        ("Elkhound", [0]),
        ("Norwegian elkhound,elkhound", [0]),
        ("crane", [2, 3]),
        ("n02110958-pug", [1]),
        ("n02110958-pug_dog", [4]),
        ("hound", []),
        ("", []),
    ],
)
def test_a_class_goes_by_its_whole_name_else_by_a_part(name, places):
    known = ClassNames(NAMES)
    assert known.places(name) == places
    assert known.label(name) == (places[0] if len(places) == 1 else None)


def test_folding_keeps_letters_of_any_script():
    assert folded("  진돗개_(Jindo)  ") == "진돗개 jindo"
