"""Dataclasses as JSON's own values and back, equal both ways, and what each of their fields means.

JSON has no NaN: a float that is not finite is null there, and null is NaN where a float is wanted.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from inspect import getdoc
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from cattrs import BaseValidationError, Converter, transform_error

from dogcam.core.files import plain

T = TypeVar("T")

_CONVERTER = Converter(forbid_extra_keys=True)
_CONVERTER.register_structure_hook(float, lambda value, _: math.nan if value is None else float(value))


class BadRecord(ValueError):
    """A document that is not of the wanted dataclass: another version's, or edited."""


# One line "name, other: what they are" under "Attributes:", and the lines that go on with it.
_ATTRIBUTE = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)*): (?P<meaning>.+(?:\n {8,}\S.*)*)", re.MULTILINE)


def to_plain(record: Any) -> Any:
    """A dataclass, with all that it holds, as JSON's own types."""
    return plain(_CONVERTER.unstructure(record))


def from_plain(kind: type[T], document: Any) -> T:
    """The dataclass `kind` of a document that `to_plain` made.

    Raises:
        BadRecord: fields are missing, unknown or of another type.
    """
    try:
        return _CONVERTER.structure(document, kind)
    except BaseValidationError as error:
        raise BadRecord(f"not a {kind.__name__}: {'; '.join(transform_error(error))}") from error


def meanings(kind: type[Any]) -> dict[str, str]:
    """By field of a dataclass, what its docstring says of it under "Attributes:", on one line."""
    section = (getdoc(kind) or "").partition("\nAttributes:\n")[2]
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(section):
        for name in match["names"].split(", "):
            found[name] = " ".join(match["meaning"].split()).removesuffix(".")
    return found


def fields_of(kind: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, meaning) of every field that a dataclass holds, at any depth: "rows[].cell.run", "scores.*" by name."""
    own = get_origin(kind) or kind
    bound = dict(zip(getattr(own, "__parameters__", ()), get_args(kind), strict=True))
    said, hints = meanings(own), get_type_hints(own)
    for field in dataclasses.fields(own):
        where = f"{path}.{field.name}".removeprefix(".")
        hint = hints[field.name]
        marks, inner = _inside(bound.get(hint, hint))
        yield where + marks, said.get(field.name, "")
        if dataclasses.is_dataclass(get_origin(inner) or inner):
            yield from fields_of(inner, where + marks)


def _inside(hint: Any) -> tuple[str, Any]:
    """ "[]" for a sequence, ".*" for an object with a name for each entry, and the type that is inside of them all."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _inside(next(each for each in arguments if each is not type(None)))
    if origin in (tuple, list):
        marks, inner = _inside(arguments[0])
        return "[]" + marks, inner
    if isinstance(origin, type) and issubclass(origin, Mapping):
        marks, inner = _inside(arguments[1])
        return ".*" + marks, inner
    return "", hint
