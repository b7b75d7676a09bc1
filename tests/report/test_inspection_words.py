"""What an inspection says in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dogcam.data
from dogcam.data import Division
from dogcam.language import speaking
from dogcam.report.inspection_words import RULES, division_words, finding, picked
from dogcam.report.texts import text


def kinds():
    """The codes that are listed where `Problem` is."""
    source = Path(dogcam.data.__file__).read_text(encoding="utf-8")
    section = source[source.index("kind: what such problems are counted by") :].partition('""')[0]
    return re.findall(r'"([\w-]+)"', section)


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_finding_has_its_words(kind):
    assert finding(kind) == text(f"inspection.kinds.{kind}")
    with speaking("ko"):
        assert not finding(kind).isascii()


def test_there_are_many_kinds():
    assert {"cut", "leak", "unboxed-class"} <= set(kinds())
    assert len(kinds()) > 12


def test_one_that_has_no_words_goes_by_its_code_and_no_code_is_other():
    assert finding("never heard of") == "never heard of"
    assert finding("") == "other"


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_words(rule):
    assert picked(rule) == text(f"inspection.rules.{rule}")


def test_a_finding_is_a_rule_too():
    assert picked("cut") == finding("cut")


@pytest.mark.parametrize(
    ("division", "words"),
    [
        (Division(), "split as given"),
        (Division("val"), "split as given, validation for the test"),
        (Division("seeded", 7, 0.2), "split by seed 7, 20 % of each class for the test"),
    ],
)
def test_how_data_were_split(division, words):
    assert division_words(division) == words
