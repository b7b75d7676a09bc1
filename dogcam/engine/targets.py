"""What a map is drawn for: a class, a place in the model's own order, or one of them set against another.

A target is one number for each picture: a class's index, or -r for the class that the model puts in place r.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dogcam.core.errors import InputError, OptionError, UnknownName

PREDICTED, SECOND = -1, -2  # the class that the model puts first, and second
NOBODY = np.iinfo(np.int32).min  # set against no class
_PLACES = {"predicted": PREDICTED, "second": SECOND}
TRUE = "true"


@dataclass(frozen=True)
class Target:
    """What the maps of a picture are drawn for.

    Attributes:
        text: as asked for, "beagle:basset".
        chosen: a class, a place (negative), or "true" for the picture's own label.
        against: the same for the class whose score is taken off, or None.
    """

    text: str
    chosen: int | str
    against: int | str | None = None

    @classmethod
    def parse(cls, text: str, class_index: Callable[[str], int]) -> Target:
        """The target that `text` means: predicted, second, true, a class, or two of these as A:B.

        Args:
            class_index: finds a class by index, name or unique part, see `Classifier.class_index`.

        Raises:
            UnknownName, OptionError: no such class, none at all, or a class against itself.
        """

        def one(part: str) -> int | str:
            return TRUE if part == TRUE else _PLACES[part] if part in _PLACES else class_index(part)

        first, colon, second = (part.strip() for part in text.partition(":"))
        if not first or (colon and not second):
            raise OptionError(f"--target takes a class, or two of them as A:B; received {text!r}")
        if not colon or _is_class(text, class_index):
            return cls(text, one(text.strip()))
        if one(first) == one(second):
            raise OptionError(f"--target {text} sets a class against itself, which leaves nothing: name two different ones")
        return cls(text, one(first), one(second))

    @property
    def needs_label(self) -> bool:
        """Whether pictures need to have a true class."""
        return TRUE in (self.chosen, self.against)

    def of(self, label: int | None, identity: str) -> tuple[int, int]:
        """The target of one picture and what it is set against, as the engine takes them.

        Raises:
            InputError: its true class is asked for and not known.
        """
        if self.needs_label and label is None:
            raise InputError(f"{identity}: --target {self.text}, but its true class is not known")
        chosen = label if self.chosen == TRUE else self.chosen
        against = NOBODY if self.against is None else label if self.against == TRUE else self.against
        return int(chosen), int(against)


def top(places: int) -> tuple[Target, ...]:
    """The classes that the model puts first to `places`-th."""
    return tuple(Target(f"top-{place}", -place) for place in range(1, places + 1))


def _is_class(text: str, class_index: Callable[[str], int]) -> bool:
    """Whether a text with a colon is a class's name as a whole."""
    try:
        class_index(text)
    except UnknownName:
        return False
    return True
