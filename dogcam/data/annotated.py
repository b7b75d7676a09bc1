"""What a format hands over: what it says of each picture, as it says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dogcam.data import NO_BOXES, Problem
from dogcam.data.images import Stored

Mask = Callable[[], np.ndarray]


@dataclass(frozen=True, eq=False, slots=True)
class Annotated:
    """What a format says of one picture.

    Attributes:
        path: of the picture below its place; its name without folder and suffix becomes its id.
        image: where its pixels come from.
        split: "train", "test", "val", or "" where the format does not say.
        labels: names of the classes of the picture as a whole, if the format has such.
        names: the class of each box (n).
        corners: float64 (n, 4), half-open, in pixels of `size`; relative where `relative`.
        size: width and height that the annotation says the picture has; None or 0 where it does not.
        relative: whether corners are from 0 to 1.
        upright: whether they are of the picture as its EXIF tag turns it; None where the format leaves that open.
        masks: the object's pixels by class, see `Record.mask`, in the annotation's own frame.
    """

    path: str
    image: Stored
    split: str = ""
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    corners: np.ndarray = field(default_factory=lambda: NO_BOXES)
    size: tuple[float, float] | None = None
    relative: bool = False
    upright: bool | None = None
    masks: Mapping[str, Mask] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of all classes that are in the picture, each once."""
        return tuple(dict.fromkeys((*self.labels, *self.names)))


@dataclass(frozen=True, eq=False)
class Reading:
    """What a format has read of a place.

    Attributes:
        pictures: in the order that they are to have.
        classes: names in the format's own order; empty where it has none: then they are sorted.
        problems: what could not be read; of a picture, by its path, which becomes its id.
        numbers: the format's own of pictures, by their paths, as COCO has them.
        class_numbers: the same of `classes`.
    """

    pictures: Sequence[Annotated]
    classes: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    class_numbers: Sequence[int] = ()
