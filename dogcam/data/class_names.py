"""Classes by their names, however they are spelled: by an annotation or a dataset, and by a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dogcam.data import short_names


class ClassNames:
    """The classes of a model, to be found by name."""

    def __init__(self, classes: Sequence[str]):
        self._whole = _by_name([name] for name in classes)
        self._parts = _by_name(name.split(",") for name in classes)

    def places(self, name: str) -> list[int]:
        """The indices of the classes called `name`, by the whole name, else by one of those that commas part.

        Of "n02110958-pug" WordNet's number may be missing.
        """
        for spelled in (name, *short_names([name])):
            if found := self._whole.get(folded(spelled)) or self._parts.get(folded(spelled)):
                return found
        return []

    def label(self, name: str) -> int | None:
        """The index of the one class called `name`; None where there is none or several."""
        places = self.places(name)
        return places[0] if len(places) == 1 else None


def _by_name(names: Iterable[Sequence[str]]) -> dict[str, list[int]]:
    """Which classes go by a name, given the names of each."""
    places: dict[str, list[int]] = {}
    for index, several in enumerate(names):
        for name in several:
            places.setdefault(folded(name), []).append(index)
    return places


def folded(name: str) -> str:
    """A class's name without its spelling: "Norwegian_elkhound" is "norwegian elkhound"."""
    return " ".join("".join(each if each.isalnum() else " " for each in name.casefold()).split())
