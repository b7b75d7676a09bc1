"""One kept picture: what a report needs of it besides its maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dogcam.core.errors import InputError


def picture_of(path: Path) -> np.ndarray:
    """A JPEG file -> uint8 (H, W, 3), RGB.

    Raises:
        InputError: it cannot be read.
    """
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.exists() else None
    if pixels is None:
        raise InputError(f"{path} is missing or not a picture: run dogcam evaluate again")
    return np.ascontiguousarray(pixels[..., ::-1])


@dataclass(frozen=True, eq=False)
class Sample:
    """One kept picture: its place among `Evidence.pictures`, what is annotated, and its pixels."""

    place: int
    id: str
    label: str
    boxes: np.ndarray
    path: Path
    shape: tuple[int, int]  # height and width of the original, whose kept copy may be smaller

    @classmethod
    def of(cls, place: int, entry: Mapping[str, Any]) -> Sample:
        """From an entry of `kept.KeptPictures`."""
        return cls(
            place,
            str(entry["id"]),
            str(entry.get("class", "")),
            np.asarray(entry["boxes"], np.float32).reshape(-1, 4),
            entry["picture"],
            (int(entry["height"]), int(entry["width"])),
        )

    @cached_property
    def pixels(self) -> np.ndarray:
        """uint8 (H, W, 3)."""
        return picture_of(self.path)
