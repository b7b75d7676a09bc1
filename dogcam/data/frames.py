"""What an annotation's corners are of: the picture as stored or as its EXIF tag turns it, and of which width and height.

An annotation may have been made for the turned picture, or for a copy of another size. Where one rule fits all of its
corners they are taken by that rule, and it is said; where none does they are refused. Where the picture as stored and as turned
fit alike, as they do if it is turned by half or mirrored, what the other pictures of the set tell decides, and that is said too.
"""

from __future__ import annotations

from dataclasses import dataclass

from dogcam.core.errors import InputError
from dogcam.data.decoding import Header

# So far beyond the edge, as a share of the side, a box is cut without a word: corners are rounded, pictures scaled after
# they were annotated, and two of Stanford Dogs' own 22,126 boxes reach out by 2 and 6 %. Beyond that it is a slip.
OVERHANG = 0.10

Size = tuple[float, float]  # width and height
Extent = tuple[float, float, float, float]  # the least x and y and the largest of all corners of a picture


@dataclass(frozen=True, slots=True)
class Frame:
    """What the corners of an annotation are of.

    Attributes:
        upright: the picture as its EXIF tag turns it; else as it is stored.
        size: the width and height that corners in pixels are divided by.
        kind: "turned" or "scaled" where that has to be said, see `Problem`.
        reason: in words.
        either: whether as stored and as turned fit alike.
    """

    upright: bool
    size: Size
    kind: str = ""
    reason: str = ""
    either: bool = False


def frame_of(header: Header, said: Size | None, extent: Extent | None, upright: bool | None = None) -> Frame:
    """The frame of corners in pixels.

    Args:
        header: of the picture.
        said: the width and height that the annotation gives; None or not above 0 where it gives none.
        extent: of its corners; None where it has none.
        upright: whether it is of the turned picture, where the format says so.

    Raises:
        InputError: no rule fits.
    """
    stored, turned = header.size, header.upright_size
    said = said if said and min(said) > 0 else None
    if upright is not None or header.orientation == 1:
        return _of_size(turned if upright else stored, said, extent, bool(upright))
    if stored == turned:  # mirrored, turned by half, or square: no size can tell
        frame = _of_size(stored, said, extent, False)
        return Frame(False, frame.size, frame.kind, frame.reason, either=True)
    if said is None:
        return _by_corners(stored, turned, extent)
    if said in (stored, turned):
        return _turned_or_not(stored, turned, said == turned, extent)
    if _alike(said, turned) and not _alike(said, stored):
        return _of_size(turned, said, extent, True)
    return _of_another_size(stored, turned, said, extent)


def frame_of_relative(header: Header, said: Size | None, upright: bool | None = None) -> Frame:
    """The frame of relative corners: any size of the same shape will do, and none refuses them."""
    stored, turned = header.size, header.upright_size
    if upright is not None or header.orientation == 1:
        return Frame(bool(upright), turned if upright else stored)
    tells = said is not None and min(said) > 0 and _alike(said, turned) != _alike(said, stored)
    if said is not None and tells and _alike(said, turned):
        return Frame(True, turned, "turned", _TURNED)
    return Frame(False, stored, either=not tells)


_TURNED = "annotated as its EXIF tag turns it: shown and scored so"
_CORNERS_TURNED = "its corners fit only the picture as its EXIF tag turns it: shown and scored so"
_CORNERS_STORED = "its corners fit only the picture as it is stored, not as its EXIF tag turns it: shown and scored so"


def _by_corners(stored: Size, turned: Size, extent: Extent | None) -> Frame:
    """Where no size is said: as stored, or turned if the corners fit only so."""
    in_stored, in_turned = _inside(extent, stored), _inside(extent, turned)
    if in_turned and not in_stored:
        return Frame(True, turned, "turned", _CORNERS_TURNED)
    return Frame(False, stored, either=in_stored and in_turned)


def _turned_or_not(stored: Size, turned: Size, says_turned: bool, extent: Extent | None) -> Frame:
    """Where the size said is the picture's as stored or as turned: that, unless corners fit the other alone, and clearly."""
    mine, other = (turned, stored) if says_turned else (stored, turned)
    if _inside(extent, other) and not _inside(extent, mine, OVERHANG):
        return Frame(not says_turned, other, "turned", _CORNERS_STORED if says_turned else _CORNERS_TURNED)
    return Frame(True, turned, "turned", _TURNED) if says_turned else Frame(False, stored)


def _of_another_size(stored: Size, turned: Size, said: Size, extent: Extent | None) -> Frame:
    """Where the size said is neither the stored picture's nor the turned one's, nor of the turned one's shape alone."""
    either = _alike(said, stored) == _alike(said, turned)
    if either and _inside(extent, turned) and not _inside(extent, stored) and not _inside(extent, said):
        return _of_size(turned, said, extent, True)
    frame = _of_size(stored, said, extent, False)
    fits_both = either and (frame.size == said or _inside(extent, turned))
    return Frame(frame.upright, frame.size, frame.kind, frame.reason, fits_both)


def _of_size(own: Size, said: Size | None, extent: Extent | None, upright: bool) -> Frame:
    """The frame of an annotation that says `said` of a picture that has `own`."""
    if said is None or said == own:
        return Frame(upright, own)
    shown = f"annotated for {said[0]:g} x {said[1]:g}, and the picture has {own[0]} x {own[1]}"
    if not _inside(extent, said) and _inside(extent, own):
        return Frame(upright, own, "scaled", f"{shown}: its corners fit only the picture's own size, which is taken")
    if _alike(said, own):
        return Frame(upright, said, "scaled", f"{shown}: boxes scaled")
    raise InputError(f"{shown}: no scaling fits both sides, so its boxes are not taken")


def _alike(said: Size, own: Size) -> bool:
    """Whether two sizes are of one shape, but for a pixel of rounding in the smaller."""
    return abs(said[0] * own[1] - said[1] * own[0]) <= max(*said, *own)


def _inside(extent: Extent | None, size: Size, beyond: float = 0) -> bool:
    """Whether all corners lie in a picture of `size`, but for a pixel, or for the share `beyond` of its sides."""
    if extent is None:
        return True
    x, y = (max(1, beyond * side) for side in size)
    return extent[0] >= -x and extent[1] >= -y and extent[2] <= size[0] + x and extent[3] <= size[1] + y
