"""What a page carries of the kept pictures: maps in 8 bits, and JPEG files that are together no heavier than allowed."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dogcam.analysis.pictures import pixels_of

# Both 251 and 255 - 64 are prime: no level is a round share of the highest one, so that none lies on a round threshold,
# where the last bit of a division would decide.
_TOP = 251
_ZERO = 64
_LEAST = 0.25  # of a kept picture's sides: smaller it shows nothing any more
_QUALITY = 80  # of JPEG


def quantised(raw: np.ndarray) -> tuple[np.ndarray, int, float, float]:
    """A raw map (h, w) in 8 bits that keep its sign: (uint8 (h, w), the level of 0, scale above it, scale below it).

    A value is (level - zero)² * its scale, below 0 with a minus: finer where low thresholds are. Above and below 0 have
    scales of their own, so that a few very negative values do not cost the positive ones their levels. A map with a value
    that is not finite shows nothing and becomes 0.
    """
    raw = np.asarray(raw, np.float32)
    if not np.isfinite(raw).all():
        raw = np.zeros_like(raw)
    zero = _ZERO if raw.min() < 0 else 0
    highest = 255 - zero if zero else _TOP
    above = np.float32(max(raw.max(), 0) / highest**2)
    below = np.float32(-min(raw.min(), 0) / _ZERO**2)
    scale = np.where(raw > 0, above, below)
    levels = np.sign(raw) * np.rint(np.sqrt(np.divide(np.abs(raw), scale, out=np.zeros_like(raw), where=scale > 0)))
    return np.clip(levels + zero, 0, 255).astype(np.uint8), zero, float(above), float(below)


def restored(levels: np.ndarray, zero: int, above: float, below: float) -> np.ndarray:
    """The float32 map that `quantised` keeps: what the page computes with."""
    steps = levels.astype(np.float32) - np.float32(zero)
    return steps * np.abs(steps) * np.where(steps > 0, np.float32(above), np.float32(below))


def packed(maps: Mapping[int, np.ndarray]) -> dict[str, Any]:
    """Maps (h, w) by the place of their picture, one after the other, as `report/formats/templates/localize.js` reads them."""
    levels, zeros, above, below = zip(*(quantised(each) for each in maps.values()), strict=True)
    return {
        "places": list(maps),
        "height": levels[0].shape[0],
        "width": levels[0].shape[1],
        "zero": list(zeros),
        "above": list(above),
        "below": list(below),
        "levels": urlsafe_b64encode(np.stack(levels).tobytes()).decode(),
    }


def jpegs(paths: Sequence[Path], room: int) -> list[bytes]:
    """The files as they are where they have at most `room` bytes together, else all of them smaller, until they have.

    Raises:
        InputError: a picture that must be made smaller is missing or damaged.
    """
    files = [path.read_bytes() for path in paths]
    scale = 1.0
    while (weight := sum(map(len, files))) > room and scale > _LEAST:
        # A JPEG weighs a little more than its area's share.
        scale = max(_LEAST, scale * min(0.95, 0.95 * (room / weight) ** 0.5))
        files = [_smaller(pixels_of(path), scale) for path in paths]
    return files


def _smaller(pixels: np.ndarray, scale: float) -> bytes:
    """The picture as JPEG, its sides times `scale`."""
    size = [max(1, round(length * scale)) for length in pixels.shape[1::-1]]
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, content = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return content.tobytes()
