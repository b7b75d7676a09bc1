"""The texts: all that code asks for is there and is filled in with its own fields, and nothing is there that no code asks for."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import dogcam
from dogcam.language import speaking
from dogcam.report import texts
from dogcam.report.texts import exhibit, heads, raw_texts, text

PACKAGE = Path(dogcam.__file__).parent
ALWAYS = ("title", "can", "cannot")  # of an exhibit, unless it gives its own


class Asked(NamedTuple):
    """A call of `text` or `heads`."""

    where: str
    by: str
    pattern: str
    literal: bool
    counted: bool
    values: set[str]
    more: bool


def leaves(key: str, value: object) -> Iterator[tuple[str, str | list[str]]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(f"{key}.{name}" if key else name, each)
    else:
        yield key, value


TEXTS = dict(leaves("", texts._texts()))


def pattern(node: ast.AST) -> str | None:
    """The keys that an expression can be, as a regular expression; None where nothing of it is known."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return "".join(map(part, node.values))
    return None


def part(node: ast.AST) -> str:
    """A part of a key; what is filled in is a group, of two constants one or the other."""
    if isinstance(node, ast.Constant):
        return re.escape(node.value)
    either = (node.value.body, node.value.orelse) if isinstance(node.value, ast.IfExp) else ()
    if either and all(isinstance(each, ast.Constant) for each in either):
        return f"(?:{'|'.join(re.escape(each.value) for each in either)})"
    return r"([\w-]+)"


MODULES = {
    path.relative_to(PACKAGE).as_posix(): ast.walk(ast.parse(source))
    for path in sorted(PACKAGE.rglob("*.py"))
    if "report.texts import" in (source := path.read_text(encoding="utf-8"))
}
NODES = [(name, node) for name, nodes in MODULES.items() for node in nodes]
WORDS = {node.value for _, node in NODES if isinstance(node, ast.Constant) and isinstance(node.value, str)}
PIECES = {word.strip(".") for word in WORDS}  # `.can` of `f"{kind}.can"`


def called() -> Iterator[Asked]:
    for name, node in NODES:
        by = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if by not in ("text", "heads") or (key := pattern(node.args[0])) is None:
            continue
        values = {each.arg for each in node.keywords}
        literal = isinstance(node.args[0], ast.Constant)
        more = None in values or any(isinstance(each, ast.Starred) for each in node.args)
        counted = len(node.args) > 1 or "n" in values
        yield Asked(f"{name}:{node.lineno}", by, key, literal, counted, values - {None, "n"}, more)


CALLED = list(called())


def matching(of: str) -> list[str]:
    return [key for key in TEXTS if re.fullmatch(of, key)]


def fields(value: str | list[str]) -> set[str]:
    found = [value] if isinstance(value, str) else value
    return {name for each in found for _, name, _, _ in string.Formatter().parse(each) if name}


def test_what_code_asks_for_is_there():
    """Of a key with a part that is filled in, one at least; heads where heads are asked for."""
    assert len(CALLED) > 200
    for asked in CALLED:
        found = matching(asked.pattern)
        assert (asked.by == "heads") in {key.endswith("heads") for key in found}, asked


def exhibits() -> Iterator[tuple[str, set[str]]]:
    """Each key of an exhibit, and what the exhibit gives itself."""
    for _, node in NODES:
        named = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "exhibit"
        if named and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value, {each.arg for each in node.keywords}


def test_exhibits_have_what_they_do_not_give_themselves():
    known = dict(exhibits())
    assert len(known) > 9
    lacking = {f"{key}.{each}" for key, own in known.items() for each in ALWAYS if each not in own} - TEXTS.keys()
    assert not lacking


def said() -> Iterator[str]:
    """Every key that some code can ask for; it may stand there before that, such as one of two.

    Which keys of a table are meant by `f"between.{name}"` is told by the names that stand in the code; only a case, the last
    part of several, may come from elsewhere.
    """
    for of in filter(None, (pattern(node) for _, node in NODES)):
        if re.match(r"\w+\\\.\(\[", of):
            for key in matching(of.replace(r"[\w-]", r"[\w.-]")):
                *named, last = re.fullmatch(of.replace(r"[\w-]", r"[\w.-]"), key).groups()
                told = named if named and "." not in last else [*named, last]
                if all(each in WORDS or PIECES.issuperset(each.split(".")) for each in told):
                    yield key
        elif "." in of:
            yield from matching(of)
    for _, node in NODES:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "raw_texts":
            yield from (key for key in TEXTS if key.startswith(f"{node.args[0].value}."))
    yield from (f"{key}.{each}" for key, own in exhibits() for each in ALWAYS if each not in own)


def test_every_text_is_said_by_some_code():
    assert not TEXTS.keys() - set(said())


def test_a_text_is_filled_in_with_its_own_fields():
    """Of several that a key with a part can be: with what one of them needs, and nothing that none of them has."""
    for asked in CALLED:
        wanted = [fields(TEXTS[key]) - {"n"} for key in matching(asked.pattern)]
        assert asked.values <= set().union(*wanted), asked
        assert asked.more or any(each <= asked.values for each in wanted), asked


def test_a_text_that_differs_by_number_is_given_one():
    for asked in CALLED:
        if asked.by == "text" and asked.literal and not asked.more:
            value = TEXTS[re.sub(r"\\(.)", r"\1", asked.pattern)]
            assert asked.counted == (isinstance(value, list) or "n" in fields(value)), asked


@pytest.mark.parametrize(("n", "words"), [(1, "there is 1."), (9, "there are 9.")])
def test_one_and_several_differ(n, words):
    assert text("claims.few", n, least=10) == f"An interval needs 10 images; {words}"


def test_texts_follow_the_language_and_a_name_with_braces_stays():
    assert text("naming.at_layer", method="{x}", layer="l") == "{x} at l"
    assert heads("ranking.heads")[0] == "method"
    with speaking("ko"):
        assert heads("ranking.heads")[0] == "방법"
        assert raw_texts("viewer.words")["none"] != texts._texts()["viewer"]["words"]["none"]


def test_an_exhibit_has_its_own_words_and_those_that_it_is_given():
    made = exhibit("ranking", ["lead"], [], can="this")
    assert (made.key, made.title, made.lead) == ("ranking", text("ranking.title"), ("lead",))
    assert (made.can, made.cannot) == ("this", text("ranking.cannot"))


def test_an_unknown_text_is_an_error():
    with pytest.raises(KeyError):
        text("ranking.no such text")
