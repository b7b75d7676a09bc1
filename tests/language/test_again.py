"""Texts kept in English, said again."""

import pytest

from dogcam.language.again import again

CATALOGUE = """msgid ""
msgstr ""
"Language: ko\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "above {threshold}"
msgstr "{threshold} 초과"

msgid "{first} before {second}"
msgstr "{second}보다 먼저 {first}"

msgid "{side} × {side} (a.b)"
msgstr "한 변이 {side}"
"""
MESSAGES = ("{side} × {side} (a.b)", "above {threshold}", "{first} before {second}")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("above 0.15", "0.15 초과"),
        ("A before B", "B보다 먼저 A"),
        ("224 × 224 (a.b)", "한 변이 224"),
        ("224 × 96 (a.b)", "224 × 96 (a.b)"),
        ("96 × 96 (axb)", "96 × 96 (axb)"),
        ("not above 0.15", "not above 0.15"),
        ("above 0.15, or so {x}", "0.15, or so {x} 초과"),
        ("above ", "above "),
        ("two\nlines before B", "B보다 먼저 two\nlines"),
    ],
)
def test_values_are_found_in_the_text_and_filled_in_anew(korean, kept, said):
    assert again(kept, MESSAGES) == said


def test_of_messages_that_fit_the_first_counts(korean):
    assert again("above A before B", ("{first} before {second}", "above {threshold}")) == "B보다 먼저 above A"
    assert again("above A before B", ("above {threshold}", "{first} before {second}")) == "A before B 초과"


def test_in_english_nothing_changes():
    assert again("above 0.15", MESSAGES) == "above 0.15"
