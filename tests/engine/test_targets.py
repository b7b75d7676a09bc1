"""Targets: what a text means, and the numbers that the engine is given for it."""

from __future__ import annotations

import pytest

from dogcam.core.errors import InputError, OptionError, UnknownName
from dogcam.engine.targets import NOBODY, PREDICTED, SECOND, Target, top

CLASSES = ("beagle", "basset", "golden retriever", "dog: big", "dog: small", "7")


def index(text):
    """As `Classifier.class_index`, without a model: an index, a name, or a part of one name only."""
    if text.isdecimal() and int(text) < len(CLASSES):
        return int(text)
    found = [number for number, name in enumerate(CLASSES) if text.casefold() in name]
    if len(found) != 1:
        raise UnknownName(f"class {text!r}")
    return found[0]


def numbers(text, label=None):
    return Target.parse(text, index).of(label, "dog.jpg")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("predicted", (PREDICTED, NOBODY)),
        ("second", (SECOND, NOBODY)),
        ("true", (4, NOBODY)),
        ("beagle", (0, NOBODY)),
        ("GOLDEN", (2, NOBODY)),
        (" 3 ", (3, NOBODY)),
        ("beagle:basset", (0, 1)),
        ("basset : beagle", (1, 0)),
        ("0:1", (0, 1)),
        ("predicted:second", (PREDICTED, SECOND)),
        ("second:predicted", (SECOND, PREDICTED)),
        ("true:predicted", (4, PREDICTED)),
        ("predicted:true", (PREDICTED, 4)),
        ("true:beagle", (4, 0)),
        ("dog: big", (3, NOBODY)),
        ("big:small", (3, 4)),
    ],
)
def test_what_a_text_means_to_the_engine(text, expected):
    assert numbers(text, label=4) == expected


def test_places_are_the_ones_the_engine_counts_in():
    assert (PREDICTED, SECOND) == (-1, -2)
    assert NOBODY < -1000, "no place among thousands of classes can be taken for it"


@pytest.mark.parametrize("text", ["beagle:beagle", "beagle:0", "predicted:predicted", "true:true", "second: second"])
def test_a_class_against_itself_is_refused(text):
    with pytest.raises(OptionError, match="sets a class against itself, which leaves nothing: name two different ones"):
        numbers(text, label=0)


@pytest.mark.parametrize("text", ["", " ", ":", "beagle:", ":beagle", "predicted: "])
def test_a_side_without_a_class_is_refused(text):
    with pytest.raises(OptionError, match="--target takes a class, or two of them as A:B; received"):
        numbers(text)


@pytest.mark.parametrize("text", ["zebra", "zebra:beagle", "beagle:zebra", "beagle:basset:7", "b", "beagle:b", "Predicted"])
def test_a_class_that_is_not_one_is_refused(text):
    with pytest.raises(UnknownName):
        numbers(text)


@pytest.mark.parametrize(
    ("text", "needed"),
    [("true", True), ("true:beagle", True), ("predicted:true", True), ("predicted", False), ("beagle:second", False)],
)
def test_labels_are_needed_for_the_true_class_only(text, needed):
    target = Target.parse(text, index)
    assert target.needs_label is needed
    if needed:
        with pytest.raises(InputError, match=f"dog.jpg: --target {text}, but its true class is not known"):
            target.of(None, "dog.jpg")
    else:
        target.of(None, "dog.jpg")


def test_the_first_class_of_all_is_a_label_like_any_other():
    assert numbers("true", label=0) == (0, NOBODY)


def test_the_first_places():
    assert [target.of(None, "") for target in top(3)] == [(-1, NOBODY), (-2, NOBODY), (-3, NOBODY)]
    assert [target.text for target in top(2)] == ["top-1", "top-2"]
    assert not any(target.needs_label for target in top(3))
