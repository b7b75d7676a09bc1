"""Register once, look up by name, suggest the nearest: the one mechanism behind every list of names in dogcam."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

from dogcam.core.errors import UnknownName

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """An ordered table of named things. Looking up a name that is not there raises `UnknownName`."""

    def __init__(self, kind: str):
        self.kind = kind
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> T:
        """Register `entry`; a name can be taken once."""
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        return self._entries[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The entry `name`, or `default`: Mapping's own would let `UnknownName` through."""
        return self._entries.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The `count` known names most like `name`, best first: near spellings, then names that contain it."""
    known = list(dict.fromkeys(known))
    by_folded = {candidate.casefold(): candidate for candidate in known}
    folded = name.casefold()
    close = [by_folded[match] for match in difflib.get_close_matches(folded, by_folded, count, cutoff=0.5)]
    containing = [candidate for key, candidate in by_folded.items() if folded and folded in key]
    return list(dict.fromkeys(close + containing))[:count]


def unknown(kind: str, name: object, known: Iterable[object]) -> UnknownName:
    """The error for a name that is not among `known`: the nearest names, or all of them where they are few."""
    names = [str(candidate) for candidate in known]
    close = nearest(str(name), names)
    if close:
        hint = "the nearest: " + ", ".join(close)
    elif 0 < len(names) <= 16:
        hint = "there are: " + ", ".join(names)
    else:
        hint = f"none of the {len(names)} known is like it" if names else "there are none"
    return UnknownName(f"unknown {kind} {str(name)!r}; {hint}")


def resolve(dotted: str) -> Any:
    """Import what `"package.module:attribute"` names: how heavy things stay strings until they are built."""
    module, _, attribute = dotted.partition(":")
    return getattr(import_module(module), attribute)
