"""The boxes of annotated pictures, checked against the pictures themselves, thousands at once, since there may be a million.

What of a box lies outside is cut, corners that are the wrong way round are exchanged, and what leaves nothing is taken out:
each is named. `frames` says what corners are of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dogcam.boxes.geometry import clip
from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Problem
from dogcam.data.annotated import Annotated
from dogcam.data.decoding import Header
from dogcam.data.frames import OVERHANG, Extent, Frame, frame_of, frame_of_relative
from dogcam.data.pipeline import threaded

# Relative corners written with a few decimals come back this near, in pixels, to the whole pixel that they were.
_ROUNDED = 0.02
_HEADERS = 256  # that one thread reads on end
_BATCH = 16 * _HEADERS  # pictures whose boxes are checked together


@dataclass(frozen=True, eq=False)
class Faults:
    """What was found wrong so far: problems, and what could be set right."""

    problems: list[Problem]
    mended: list[Problem] = field(default_factory=list)

    def wrong(self, identity: str, reason: str, kind: str) -> None:
        """Boxes that cannot be used as they are."""
        self.problems.append(Problem(identity, reason, lost=False, kind=kind))

    def mend(self, identity: str, reason: str, kind: str) -> None:
        """Something that is not as it should be, and is set right."""
        self.mended.append(Problem(identity, reason, lost=False, kind=kind))


def checked(
    pictures: Sequence[Annotated], ids: Sequence[str], faults: Faults, progress: Progress
) -> Iterator[tuple[Annotated, np.ndarray]]:
    """Each picture in its frame, with the names of the boxes that are left, and those boxes, relative and cut (n, 4)."""
    headers = _headers(pictures, progress)
    frames = _framed(pictures, headers, ids, faults)
    for start in range(0, len(pictures), _BATCH):
        part = slice(start, start + _BATCH)
        yield from _checked_together(pictures[part], headers[part], frames[part], ids[part], faults)


def _headers(pictures: Sequence[Annotated], progress: Progress) -> list[Header | None]:
    """Each picture's header, which is read only where there are boxes to check; None where it is not, or cannot be."""
    shared: dict[Header, Header] = {}  # most pictures of a set have the same few sizes

    def read(part: Sequence[Annotated]) -> list[Header | None]:
        headers: list[Header | None] = []
        for each in part:
            try:
                header = each.image.header() if len(each.corners) or each.masks else None
            except InputError:  # is said where its pixels are asked for
                header = None
            headers.append(header and shared.setdefault(header, header))
        return headers

    parts = [pictures[start : start + _HEADERS] for start in range(0, len(pictures), _HEADERS)]
    in_order: list[Header | None] = []
    with progress.task("checking annotations", len(pictures)) as step:
        for part, future in threaded(read, parts):
            in_order += future.result()
            step.advance(len(part))
    return in_order


def _framed(
    pictures: Sequence[Annotated], headers: Sequence[Header | None], ids: Sequence[str], faults: Faults
) -> list[Frame | None]:
    """The frame of each picture's annotation; None where its boxes cannot be taken. What has to be said of it is said."""
    frames: list[Frame | None] = []
    votes = [0, 0]  # of pictures that EXIF turns and that leave no doubt: annotated as stored, as turned
    for place, (each, header, extent) in enumerate(zip(pictures, headers, _extents(pictures), strict=True)):
        try:
            frame = header and _frame(each, header, extent, each.upright)
        except InputError as error:
            faults.wrong(ids[place], str(error), "other-size")
            frame = None
        frames.append(frame or None)
        if header and frame and not frame.either and header.orientation > 1:
            votes[frame.upright] += 1
    upright = votes[1] > votes[0]
    others = "the other one is" if votes[upright] == 1 else f"{votes[upright]:,} others are"
    told = f"{'as turned' if upright else 'as stored'}{f', as {others}' if votes[upright] else ''}"
    for place, frame in enumerate(frames):
        if frame and frame.either and (header := headers[place]):
            frames[place] = frame = _frame(pictures[place], header, next(iter(_extents([pictures[place]]))), upright)
            faults.mend(ids[place], f"its EXIF tag turns it, and its annotation fits both ways: taken {told}", "either-way")
        elif frame and (header := headers[place]) and _by_format(pictures[place], header):
            how = "as turned" if frame.upright else "as stored"
            reason = f"its EXIF tag turns it, and relative boxes fit both ways: taken {how}, as other tools read this format"
            faults.mend(ids[place], reason, "either-way")
        if frame and frame.kind:
            faults.mend(ids[place], frame.reason, frame.kind)
    return frames


def _by_format(each: Annotated, header: Header) -> bool:
    """Whether a picture that EXIF turns stands as its format has it, where neither a size nor corners could contradict."""
    return each.relative and each.upright is not None and header.orientation > 1


def _frame(each: Annotated, header: Header, extent: Extent | None, upright: bool | None) -> Frame:
    if each.relative:
        return frame_of_relative(header, each.size, upright)
    return frame_of(header, each.size, extent, upright)


def _extents(pictures: Sequence[Annotated]) -> Iterator[Extent | None]:
    """The extent of the corners of each picture, of those that are finite; None where it has none."""
    for start in range(0, len(pictures), _BATCH):
        part = pictures[start : start + _BATCH]
        corners, counts = _together(part)
        finite = np.isfinite(corners).all(axis=1)
        owners = np.repeat(np.arange(len(part)), counts)[finite]
        low, high = np.full((len(part), 2), np.inf), np.full((len(part), 2), -np.inf)
        for two in (corners[finite, :2], corners[finite, 2:]):
            np.minimum.at(low, owners, two)
            np.maximum.at(high, owners, two)
        for extent in np.concatenate([low, high], axis=1).tolist():
            yield None if extent[0] > extent[2] else tuple(extent)


def _together(pictures: Sequence[Annotated]) -> tuple[np.ndarray, np.ndarray]:
    """All corners (n, 4) of some pictures, and how many each has."""
    corners = [np.asarray(each.corners, np.float64).reshape(-1, 4) for each in pictures]
    return np.concatenate([np.zeros((0, 4)), *corners]), np.array([len(each) for each in corners])


def _checked_together(
    pictures: Sequence[Annotated],
    headers: Sequence[Header | None],
    frames: Sequence[Frame | None],
    ids: Sequence[str],
    faults: Faults,
) -> Iterator[tuple[Annotated, np.ndarray]]:
    """The pictures of `checked`, some of them."""
    corners, counts = _together(pictures)
    owners = np.repeat(np.arange(len(pictures)), counts)
    framed = np.array([frame is not None for frame in frames])
    seen = np.array([_seen(header, frame) for header, frame in zip(headers, frames, strict=True)])
    size = np.array([frame.size if frame else (1, 1) for frame in frames], np.float64)
    relative = np.array([each.relative for each in pictures])
    straight, swapped = _straight(corners, seen[owners], size[owners], relative[owners])
    boxes, kept, slipped = _cut(straight)
    thin = kept & ((boxes[:, 2:] - boxes[:, :2]) * seen[owners] <= 1.001).any(axis=1)
    _tell(straight, kept, {"swapped": swapped, "slipped": slipped, "thin": thin}, framed[owners], owners, ids, faults)
    ends = np.cumsum(counts)
    kept &= framed[owners]
    for place, (each, frame) in enumerate(zip(pictures, frames, strict=True)):
        part = slice(ends[place] - counts[place], ends[place])
        yield _with_boxes(each, frame, headers[place] is not None, boxes[part], kept[part])


@np.errstate(invalid="ignore", over="ignore")
def _straight(corners: np.ndarray, seen: np.ndarray, size: np.ndarray, relative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners (n, 4) as relative boxes, each the right way round, and which were not.

    Relative corners that are a whole pixel but for rounding are that whole pixel.

    Args:
        seen: width and height of each box's picture (n, 2).
        size: those that its corners are of, where they are in pixels.
        relative: whether they are relative (n,).
    """
    pixels = corners * np.tile(seen, 2)
    whole = np.where(np.abs(pixels - np.round(pixels)) < _ROUNDED, np.round(pixels), pixels) / np.tile(seen, 2)
    boxes = np.where(relative[:, None], whole, corners / np.tile(size, 2))
    straight = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)
    finite = np.isfinite(boxes).all(axis=1)
    return np.where(finite[:, None], straight, boxes), (straight != boxes).any(axis=1) & finite


def _seen(header: Header | None, frame: Frame | None) -> tuple[float, float]:
    """Width and height of the picture in its frame."""
    if header is None or frame is None:
        return (1, 1)
    return header.upright_size if frame.upright else header.size


def _with_boxes(
    each: Annotated, frame: Frame | None, read: bool, boxes: np.ndarray, kept: np.ndarray
) -> tuple[Annotated, np.ndarray]:
    """A picture with those of its boxes that are kept, turned as they are."""
    # Without an annotation to say otherwise a picture is as a person sees it.
    bare = each.upright if each.upright is not None else not read
    upright = frame.upright if frame else bare
    every = bool(kept.all())
    names = each.names if every else tuple(name for name, keep in zip(each.names, kept, strict=True) if keep)
    masks = each.masks if frame or not read else {}
    image = replace(each.image, upright=True) if upright else each.image
    if image is not each.image or names is not each.names or masks is not each.masks:
        each = replace(each, image=image, names=names, labels=each.classes, masks=masks)
    return each, boxes if every else boxes[kept]


def _tell(
    boxes: np.ndarray,
    kept: np.ndarray,
    wrong: Mapping[str, np.ndarray],
    framed: np.ndarray,
    owners: np.ndarray,
    ids: Sequence[str],
    faults: Faults,
) -> None:
    """Name what is wrong with boxes."""
    for place in np.flatnonzero(wrong["slipped"] & framed):
        faults.problems.append(_problem_of(ids[owners[place]], boxes[place], bool(kept[place]), ""))
    for owner in np.unique(owners[wrong["swapped"] & framed]):
        faults.mend(ids[owner], "corners of a box are the wrong way round: exchanged", "swapped")
    thin = Counter(owners[wrong["thin"] & framed].tolist())
    for owner, count in sorted(thin.items()):
        faults.mend(ids[owner], f"{count} of its boxes is one pixel wide or high: kept", "one-pixel")


@np.errstate(invalid="ignore", over="ignore")
def _cut(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Relative boxes (n, 4) cut at the edges, float32; which of them are left; and which have to be told of."""
    given = boxes.astype(np.float32)
    cut = clip(given)
    kept = np.isfinite(given).all(axis=1) & (cut[:, 2:] > cut[:, :2]).all(axis=1)
    return cut, kept, ~kept | (np.abs(given - cut).max(axis=1, initial=0) > OVERHANG)


def usable_boxes(identity: str, boxes: np.ndarray, split: str) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
    """Cut relative boxes (n, 4) at the picture's edges.

    A box with nothing left, or not a number, becomes a problem; so does one that lost more than `OVERHANG`.

    Returns:
        The boxes that are left, which of the given ones they are (n,), and what is wrong.
    """
    given = np.asarray(boxes, np.float32).reshape(-1, 4)
    cut, kept, slipped = _cut(given)
    problems = [_problem_of(identity, given[place], bool(kept[place]), split) for place in np.flatnonzero(slipped)]
    if not kept.any() and not problems:
        problems.append(Problem(identity, "no annotated box", split, False, "no-box"))
    return cut[kept], kept, problems


def _problem_of(identity: str, box: np.ndarray, usable: bool, split: str) -> Problem:
    shown = ", ".join(f"{value:.3f}" for value in box)
    wrong = "reaches outside the picture and was cut" if usable else "is empty or outside it"
    return Problem(identity, f"box ({shown}), relative to the picture, {wrong}", split, False, "cut" if usable else "outside")
