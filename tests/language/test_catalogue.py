"""The catalogue: an entry for every text that dogcam says, none that it does not, and the same names filled in.

What is said is found by Babel's extractor in the code and the templates, and in the registries, whose titles and descriptions
are said by the report.
"""

from __future__ import annotations

import ast
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import dogcam
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.choices import LANGUAGES
from dogcam.language import CATALOGUES, SOURCE
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS

PACKAGE = Path(dogcam.__file__).parent
TEXTS = PACKAGE / "report" / "texts.toml"
SAYING = {"say": None, "message": None, "counted": (1, 2), "_": None}
WHERE = [("**.py", "python"), *((f"**/templates/**.{kind}", "jinja2") for kind in ("html", "md", "tex"))]
REGISTRIES = (METRICS, FAITHFULNESS, PROTOCOLS)


def shown(key: str, value: object) -> Iterator[tuple[str, str]]:
    """(key, text) of what exhibits always say; of a text for one and for several the first."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from shown(f"{key}.{name}", each)
    else:
        yield from ((key, each) for each in (value if key.endswith("heads") else value[:1]))


def said() -> dict[str, str]:
    """Every text that is said -> where; of one with a plural the singular."""
    found = extract_from_dir(PACKAGE, WHERE, {"**": {"encoding": "utf-8"}}, SAYING)
    texts = {(text if isinstance(text, str) else text[0]): f"{name}:{line}" for name, line, text, *_ in found}
    texts |= {text: f"texts.toml: {key}" for key, text in shown("", tomllib.loads(TEXTS.read_text(encoding="utf-8")))}
    for registry in REGISTRIES:
        for name, each in registry.items():
            for field in ("title", "description"):
                if getattr(each, field, None):
                    texts.setdefault(getattr(each, field), f"the registry's {name}")
    return texts


def entries(language: str) -> dict[str, object]:
    with CATALOGUES[language].open("rb") as file:
        return {(e.id if isinstance(e.id, str) else e.id[0]): e for e in read_po(file) if e.id}


SAID = said()
LANGUAGES_WITH_CATALOGUE = sorted(CATALOGUES)


def fields(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:  # braces that fill in nothing
        return set()


def test_languages_on_offer_are_those_with_a_catalogue():
    assert set(LANGUAGES) == {SOURCE, *CATALOGUES}


@pytest.mark.parametrize("language", LANGUAGES_WITH_CATALOGUE)
def test_every_text_has_an_entry(language):
    known = entries(language)
    lacking = {text: where for text, where in SAID.items() if text not in known or not known[text].string}
    assert not lacking


@pytest.mark.parametrize("language", LANGUAGES_WITH_CATALOGUE)
def test_no_entry_is_left_of_what_is_said_no_more(language):
    obsolete = set(entries(language)) - set(SAID)
    assert not obsolete


@pytest.mark.parametrize("language", LANGUAGES_WITH_CATALOGUE)
def test_entries_fill_in_what_the_text_fills_in_and_none_is_doubtful(language):
    for text, entry in entries(language).items():
        forms = [entry.string] if isinstance(entry.string, str) else list(entry.string)
        originals = [entry.id] if isinstance(entry.id, str) else list(entry.id)
        for form in forms:
            assert fields(form) == set().union(*map(fields, originals)), text
        assert not entry.fuzzy, text


def test_what_is_said_is_a_constant_that_can_be_found():
    """A text put together before it is looked up is never found in a catalogue."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None))
            if named in ("say", "message", "counted") and node.args:
                assert not isinstance(node.args[0], ast.JoinedStr | ast.BinOp), f"{path}:{node.lineno}"


def test_nothing_is_said_inside_a_formatted_string():
    """The extractor does not look into them."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            inside = ast.walk(node) if isinstance(node, ast.JoinedStr) else ()
            saying = [each for each in inside if isinstance(each, ast.Call) and getattr(each.func, "id", "") in SAYING]
            assert not [each for each in saying if isinstance(each.args[0], ast.Constant)], f"{path}:{node.lineno}"
