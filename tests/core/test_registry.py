"""The one mechanism behind every list of names."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest

from dogcam.core.errors import DogcamError, UnknownName
from dogcam.core.registry import Registry, nearest, resolve, unknown


@pytest.fixture
def breeds():
    made = Registry("breed")
    for number, name in enumerate(("Chihuahua", "Pug", "Old English sheepdog", "Shetland sheepdog")):
        made.add(name, number)
    return made


def test_it_is_a_mapping_in_the_order_of_registration(breeds):
    assert list(breeds) == ["Chihuahua", "Pug", "Old English sheepdog", "Shetland sheepdog"]
    assert len(breeds) == 4
    assert breeds["Pug"] == 1
    assert "Pug" in breeds
    assert "pug" not in breeds
    assert dict(breeds)["Shetland sheepdog"] == 3


def test_add_returns_what_it_was_given():
    entry = object()
    assert Registry("thing").add("a", entry) is entry


def test_a_name_is_taken_once_and_the_first_entry_stays(breeds):
    with pytest.raises(ValueError, match="breed 'Pug' is registered twice"):
        breeds.add("Pug", 9)
    assert breeds["Pug"] == 1


def test_looking_up_an_unknown_name_is_an_error_for_the_user_that_names_the_nearest(breeds):
    with pytest.raises(UnknownName) as caught:
        breeds["Chihuaua"]
    assert isinstance(caught.value, DogcamError)
    assert str(caught.value) == "unknown breed 'Chihuaua'; the nearest: Chihuahua"


def test_get_keeps_the_contract_of_a_mapping(breeds):
    assert breeds.get("Chihuaua") is None
    assert breeds.get("Chihuaua", 7) == 7
    assert breeds.get("Pug") == 1


@pytest.mark.parametrize(
    ("typed", "expected"), [("resnet5", ["resnet50"]), ("RESNET50", ["resnet50"]), ("ResNet-50", ["resnet50"]), ("sheep", [])]
)
def test_nearest_by_spelling_whatever_the_case(typed, expected):
    assert nearest(typed, ["vgg16", "resnet50", "xception"]) == expected


def test_near_spellings_come_before_names_that_contain_what_was_typed():
    assert nearest("cam", ["smooth-gradcam-plus-plus", "can"]) == ["can", "smooth-gradcam-plus-plus"]


def test_nearest_offers_a_name_that_contains_what_was_typed_however_long_it_is():
    assert nearest("dog", ["cat", "Old English sheepdog, the large one"]) == ["Old English sheepdog, the large one"]


def test_nearest_gives_at_most_so_many_each_once():
    known = ["block1", "block2", "block3", "block4", "block1"]
    assert nearest("block1", known)[0] == "block1"
    assert len(nearest("block", known)) == 3
    assert len(set(nearest("block", known))) == 3


def test_nothing_typed_is_near_nothing():
    assert nearest("", ["a", "b"]) == []


def test_few_names_are_all_listed_where_none_is_near():
    assert str(unknown("method", "zzz", ["cam", "gradcam"])) == "unknown method 'zzz'; there are: cam, gradcam"


def test_many_names_are_counted_where_none_is_near():
    message = str(unknown("class", "zzz", [f"breed {number}" for number in range(120)]))
    assert message == "unknown class 'zzz'; none of the 120 known is like it"


def test_no_names_at_all():
    assert str(unknown("run", 3, [])) == "unknown run '3'; there are none"


def test_numbers_are_names_too():
    assert "the nearest: 5" in str(unknown("epoch", 5, [5]))
    assert "there are: 3, 5" in str(unknown("epoch", 9, (each for each in (3, 5))))


def test_resolve_imports_what_a_dotted_string_names():
    assert resolve("fractions:Fraction") is Fraction


def test_a_dotted_string_stays_a_string_until_it_is_resolved():
    program = (
        "import sys\n"
        "from dogcam.core.registry import Registry, resolve\n"
        "Registry('x').add('a', 'wave:open')\n"
        "print('wave' in sys.modules); resolve('wave:open'); print('wave' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "True"]
