"""What a format says of its pictures -> records: boxes checked against the pictures themselves, classes numbered, splits drawn.

An annotation may have been made for the picture as its EXIF tag turns it, or for a copy of another size. Where one rule fits
all of its corners its boxes are taken by that rule, and it is said; where none does they are refused by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import numpy as np

from dogcam.boxes.geometry import clip, to_relative
from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Dataset, Origin, Problem, Record, reason_of, short_names
from dogcam.data.images import Header, Stored
from dogcam.data.pipeline import threaded
from dogcam.data.splits import divided

# So far beyond the edge, as a share of the side, a box is cut without a word: corners are rounded, pictures scaled after
# they were annotated, and two of Stanford Dogs' own 22,126 boxes reach out by 2 and 6 %. Beyond that it is a slip.
OVERHANG = 0.10
# Relative corners written with a few decimals come back this near, in pixels, to the whole pixel that they were.
_ROUNDED = 0.02

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
        masks: the object's pixels by class, bool (height, width) of the picture in the annotation's own frame.
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
        problems: what could not be read.
    """

    pictures: Sequence[Annotated]
    classes: Sequence[str] = ()
    problems: Sequence[Problem] = ()


def assemble(name: str, reading: Reading, source: Origin, seed: int, progress: Progress) -> Dataset:
    """The dataset of what a format has read.

    Args:
        seed: of the split, where the format gives none.

    Raises:
        InputError: not one picture is usable, or a picture's class is not in the format's own list of classes.
    """
    once, problems = _each_once(reading.pictures)
    problems = [*reading.problems, *problems]
    mended: list[Problem] = []
    classes = _classes(once, reading.classes)
    labels = {each: label for label, each in enumerate(classes)}
    ids = _ids(once)
    checked = []
    for each, header in _with_headers(once, progress):
        identity = ids[len(checked)]
        checked.append(_checked(each, identity, header, problems, mended))
    if not checked:
        raise InputError(f"{source.folder} has no usable picture{_first(problems)}")
    present = [tuple(sorted(labels[each] for each in annotated.classes)) for annotated, _ in checked]
    splits, division = divided(ids, [each.split for each in once], present, seed)
    multilabel = any(len(several) > 1 for several in present)
    found: dict[str, list[Record]] = {"train": [], "test": []}
    for position, (annotated, boxes) in enumerate(checked):
        rows = _rows(ids[position], annotated, boxes, present[position], classes, multilabel)
        found.setdefault(splits[position], []).extend(rows)
    where = dict(zip(ids, splits, strict=True))
    problems, mended = (
        [replace(each, split=where.get(each.id, each.split)) for each in several] for several in (problems, mended)
    )
    return Dataset(
        name,
        short_names(classes),
        {split: tuple(records) for split, records in found.items()},
        tuple(problems),
        source,
        division,
        tuple(mended),
        multilabel,
    )


def boxes_of(each: Annotated, identity: str) -> tuple[np.ndarray, Stored, list[Problem]]:
    """Relative boxes (n, 4) of one picture, of all its classes; the picture in the frame they are of; and what is wrong."""
    problems: list[Problem] = []
    try:
        header: Header | InputError = each.image.header()
    except InputError as error:
        header = error
    checked, boxes = _checked(each, identity, header, problems, [])
    return boxes, checked.image, problems


def _first(problems: Sequence[Problem]) -> str:
    return f": {problems[0].id}: {problems[0].reason}" if problems else ""


def _each_once(pictures: Iterable[Annotated]) -> tuple[list[Annotated], list[Problem]]:
    """The pictures, each once; of one that is annotated twice, alike, the first; where the two differ, without its boxes."""
    found: dict[str, Annotated] = {}
    problems = []
    for each in pictures:
        before = found.setdefault(each.path, each)
        if before is each:
            continue
        alike = before.names == each.names and before.labels == each.labels and np.array_equal(before.corners, each.corners)
        if alike:
            problems.append(Problem(each.path, "it is annotated twice, alike: taken once", each.split, False, "twice"))
        else:
            reason = "it has two annotations that differ: neither's boxes are taken"
            problems.append(Problem(each.path, reason, each.split, False, "twice"))
            found[each.path] = replace(before, corners=NO_BOXES, names=(), labels=before.classes, masks={})
    return list(found.values()), problems


def _classes(pictures: Sequence[Annotated], listed: Sequence[str]) -> tuple[str, ...]:
    used = {name for each in pictures for name in each.classes}
    if not listed:
        return tuple(sorted(used))
    unlisted = sorted(used.difference(listed))
    if unlisted:
        raise InputError(
            f"the class {unlisted[0]!r} of an annotation is not in the list of {len(listed)} classes "
            f"({', '.join(list(listed)[:5])}{', ...' if len(listed) > 5 else ''})"
        )
    return tuple(listed)


def _ids(pictures: Sequence[Annotated]) -> list[str]:
    """Names without folder and suffix, where that tells the pictures apart; else with more of their paths."""
    stems = [PurePosixPath(each.path).stem for each in pictures]
    count = Counter(stems)
    longer = [str(PurePosixPath(each.path).with_suffix("")) for each in pictures]
    twice = Counter(longer)
    return [
        stem if count[stem] == 1 else (long if twice[long] == 1 else each.path)
        for stem, long, each in zip(stems, longer, pictures, strict=True)
    ]


def _with_headers(pictures: Sequence[Annotated], progress: Progress) -> Iterable[tuple[Annotated, Header | InputError | None]]:
    """Each picture with its header, which is read only where there are boxes to check; or with why it cannot be."""

    def header(each: Annotated) -> Header | InputError | None:
        if not len(each.corners) and not each.masks:
            return None
        try:
            return each.image.header()
        except InputError as error:
            return error

    for each, future in progress.track(threaded(header, pictures), "checking annotations", len(pictures)):
        yield each, future.result()


def _checked(
    each: Annotated, identity: str, header: Header | InputError | None, problems: list[Problem], mended: list[Problem]
) -> tuple[Annotated, np.ndarray]:
    """The picture with its boxes made relative and cut (n, 4), and with the names of those that are left."""
    if header is None or isinstance(header, InputError):  # what cannot be read is said where its pixels are asked for
        upright = True if each.upright is None else each.upright
        return replace(each, image=replace(each.image, upright=upright), names=(), labels=each.classes), NO_BOXES
    try:
        upright, frame, change = _frame(each, header)
    except InputError as error:
        problems.append(Problem(identity, reason_of(error, identity), each.split, False, "other-size"))
        image = replace(each.image, upright=bool(each.upright))
        return replace(each, image=image, names=(), labels=each.classes, masks={}), NO_BOXES
    if change:
        mended.append(Problem(identity, change[1], each.split, False, change[0]))
    image = replace(each.image, upright=upright)
    seen = header.upright_size if upright else header.size
    corners = _whole_pixels(each.corners, seen) if each.relative else to_relative(each.corners, *frame)
    straight = np.concatenate([np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], axis=1)
    straight = np.where(np.isnan(straight).any(axis=1, keepdims=True), corners, straight)
    if (np.nan_to_num(straight) != np.nan_to_num(corners)).any():
        mended.append(Problem(identity, "corners of a box are the wrong way round: exchanged", each.split, False, "swapped"))
    boxes, kept, found = usable_boxes(identity, straight, each.split)
    problems += found
    names = tuple(name for name, keep in zip(each.names, kept, strict=True) if keep)
    _tell_of_single_pixels(identity, boxes, seen, each.split, mended)
    return replace(each, image=image, names=names, labels=each.classes), boxes


def _whole_pixels(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Relative corners, those that are a whole pixel but for rounding as the whole pixel."""
    pixels = np.asarray(corners, np.float64) * (*size, *size)
    whole = np.round(pixels)
    return to_relative(np.where(np.abs(pixels - whole) < _ROUNDED, whole, pixels), *size)


def _tell_of_single_pixels(identity: str, boxes: np.ndarray, size: tuple[int, int], split: str, mended: list[Problem]) -> None:
    thin = int(((boxes[:, 2:] - boxes[:, :2]) * size <= 1.001).any(axis=1).sum()) if len(boxes) else 0
    if thin:
        mended.append(Problem(identity, f"{thin} of its boxes is one pixel wide or high: kept", split, False, "one-pixel"))


def _frame(each: Annotated, header: Header) -> tuple[bool, tuple[float, float], tuple[str, str] | None]:
    """In which frame an annotation's corners are: upright or as stored, its width and height, and what is to be said of it.

    Raises:
        InputError: no rule fits.
    """
    stored, upright = header.size, header.upright_size
    if each.relative or each.upright is not None:
        turned = bool(each.upright)
        own = upright if turned else stored
        said = each.size if each.size and min(each.size) > 0 else own
        return turned, *_scaled(each, said, own)
    if each.size is None or not min(each.size) > 0:
        return _by_corners(each.corners, header)
    if tuple(each.size) == stored or header.orientation == 1:
        return False, *_scaled(each, each.size, stored)
    if tuple(each.size) == upright:
        return True, each.size, ("turned", "annotated as its EXIF tag turns it: shown and scored so")
    if _alike(each.size, stored):
        return False, *_scaled(each, each.size, stored)
    return True, *_scaled(each, each.size, upright)


def _by_corners(corners: np.ndarray, header: Header) -> tuple[bool, tuple[float, float], tuple[str, str] | None]:
    """Where no size is said: the picture's own, upright if the corners fit only so."""
    stored, upright = header.size, header.upright_size
    if stored != upright and not _inside(corners, stored) and _inside(corners, upright):
        return True, upright, ("turned", "its corners fit only the picture as its EXIF tag turns it: shown and scored so")
    return False, stored, None


def _scaled(
    each: Annotated, said: tuple[float, float], own: tuple[int, int]
) -> tuple[tuple[float, float], tuple[str, str] | None]:
    """The frame of an annotation that says `said` of a picture that has `own`, both width and height."""
    if tuple(said) == tuple(own) or each.relative:
        return own, None
    shown = f"{said[0]:g} x {said[1]:g}, and the picture has {own[0]} x {own[1]}"
    if _inside(each.corners, said) and _alike(said, own):
        return said, ("scaled", f"annotated for {shown}: boxes scaled")
    if not _inside(each.corners, said) and _inside(each.corners, own):
        return own, ("scaled", f"annotated for {shown}: its corners fit only the picture's own size, which is taken")
    if _alike(said, own):
        return said, ("scaled", f"annotated for {shown}: boxes scaled")
    raise InputError(f"annotated for {shown}: no scaling fits both sides, so its boxes are not taken")


def _alike(said: tuple[float, float], own: tuple[int, int]) -> bool:
    """Whether two sizes are of one shape, but for a pixel of rounding in the smaller."""
    return abs(said[0] * own[1] - said[1] * own[0]) <= max(*said, *own)


def _inside(corners: np.ndarray, size: Sequence[float]) -> bool:
    """Whether all corners lie in a picture of `size`, but for a pixel."""
    return not len(corners) or bool((corners >= -1).all() and (corners <= (size[0] + 1, size[1] + 1) * 2).all())


def usable_boxes(identity: str, boxes: np.ndarray, split: str) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
    """Cut relative boxes (n, 4) at the picture's edges.

    A box with nothing left, or not a number, becomes a problem; so does one that lost more than `OVERHANG`.

    Returns:
        The boxes that are left, which of the given ones they are (n,), and what is wrong.
    """
    given = np.asarray(boxes, np.float32).reshape(-1, 4)
    cut = clip(given)
    kept = np.isfinite(given).all(axis=1) & (cut[:, 2:] > cut[:, :2]).all(axis=1)
    slipped = ~kept | (np.abs(given - cut).max(axis=1, initial=0) > OVERHANG)
    problems = [_problem_of(identity, given[place], bool(kept[place]), split) for place in np.flatnonzero(slipped)]
    if not kept.any() and not problems:
        problems.append(Problem(identity, "no annotated box", split, False, "no-box"))
    return cut[kept], kept, problems


def _problem_of(identity: str, box: np.ndarray, usable: bool, split: str) -> Problem:
    shown = ", ".join(f"{value:.3f}" for value in box)
    wrong = "reaches outside the picture and was cut" if usable else "is empty or outside it"
    return Problem(identity, f"box ({shown}), relative to the picture, {wrong}", split, False, "cut" if usable else "outside")


def _rows(
    identity: str, each: Annotated, boxes: np.ndarray, present: tuple[int, ...], classes: Sequence[str], multilabel: bool
) -> list[Record]:
    """The records of a picture: one, or one for each class in a set with several classes in a picture."""
    if not multilabel or not present:
        label = present[0] if present else None
        mask = _mask(each, None if label is None else classes[label])
        return [Record(identity, each.image, label, boxes, mask, path=each.path)]
    names = np.array(each.names)
    rows = []
    for label in present:
        name = classes[label]
        own = boxes[names == name] if len(boxes) else boxes
        rows.append(Record(f"{identity}#{name}", each.image, label, own, _mask(each, name), identity, present, each.path))
    return rows


def _mask(each: Annotated, name: str | None) -> Mask | None:
    return None if name is None else each.masks.get(name)
