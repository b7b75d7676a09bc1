"""What a format says of its pictures -> records: each once, boxes checked, classes numbered, splits given or drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import NO_BOXES, Dataset, Origin, Problem, Record, short_names
from dogcam.data.annotated import Annotated, Mask, Reading
from dogcam.data.checking import Faults, checked
from dogcam.data.splits import divided


def assemble(name: str, reading: Reading, source: Origin, seed: int, progress: Progress) -> Dataset:
    """The dataset of what a format has read.

    Args:
        seed: of the split, where the format gives none.

    Raises:
        InputError: not one picture is usable, or a picture's class is not in the format's own list of classes.
    """
    faults = Faults(list(reading.problems))
    pictures = _each_once(reading.pictures, faults)
    if not pictures:
        raise InputError(f"{source.folder} has no usable picture{_first(faults.problems)}")
    classes = _classes(pictures, reading.classes)
    labels = {each: label for label, each in enumerate(classes)}
    present = [tuple(sorted(labels[each] for each in annotated.classes)) for annotated in pictures]
    multilabel = any(len(several) > 1 for several in present)
    ids = _ids(pictures, multilabel)
    splits, division = divided(ids, [each.split for each in pictures], [each.classes for each in pictures], seed)
    _tell_of_no_split(pictures, ids, division.how, faults)
    records: dict[str, list[Record]] = {"train": [], "test": []}
    for position, (annotated, boxes) in enumerate(checked(pictures, ids, faults, progress)):
        rows = _rows(ids[position], annotated, boxes, present[position], classes, multilabel)
        records.setdefault(splits[position], []).extend(rows)
    problems, mended = (_placed(several, pictures, ids, splits) for several in (faults.problems, faults.mended))
    shown = {split: tuple(several) for split, several in records.items()}
    numbers = {ids[place]: reading.numbers[each.path] for place, each in enumerate(pictures) if each.path in reading.numbers}
    own = numbers, tuple(reading.class_numbers)
    return Dataset(name, short_names(classes), shown, problems, source, division, mended, multilabel, *own)


def boxes_of(each: Annotated, identity: str) -> tuple[Annotated, np.ndarray, Faults]:
    """One picture with its relative boxes (n, 4), of all its classes, as `assemble` takes them; and what is wrong or set right.

    The picture's image is in the frame that the boxes are of, and its names are those of the boxes.
    """
    faults = Faults([])
    ((annotated, boxes),) = checked([each], [identity], faults, Progress())
    return annotated, boxes, faults


def _placed(
    problems: Sequence[Problem], pictures: Sequence[Annotated], ids: Sequence[str], splits: Sequence[str]
) -> tuple[Problem, ...]:
    """Problems, of each picture by its id and in its split."""
    known = dict(zip(ids, splits, strict=True))
    by_path = {each.path: identity for each, identity in zip(pictures, ids, strict=True)}

    def place(each: Problem) -> Problem:
        identity = by_path.get(each.id, each.id)
        return replace(each, id=identity, split=known.get(identity, each.split))

    return tuple(place(each) for each in problems)


def _tell_of_no_split(pictures: Sequence[Annotated], ids: Sequence[str], how: str, faults: Faults) -> None:
    """Name the pictures that the data puts into no split, where it has splits."""
    if how != "seeded":
        for identity, each in zip(ids, pictures, strict=True):
            if not each.split:
                faults.mend(identity, "it is in no split: taken for training", "no-split")


def _first(problems: Sequence[Problem]) -> str:
    if not problems:
        return ""
    elsewhere = "; if the pictures lie elsewhere, say where with --data-dir" if problems[0].kind == "missing" else ""
    return f": {problems[0].id}: {problems[0].reason}{elsewhere}"


def _each_once(pictures: Iterable[Annotated], faults: Faults) -> list[Annotated]:
    """The pictures, each once; of one that is annotated twice, alike, the first; where the two differ, without its boxes.

    One that is listed for training and for the test as well is kept from training.
    """
    by_path: dict[str, Annotated] = {}
    for each in pictures:
        before = by_path.setdefault(each.path, each)
        if before is each:
            continue
        if before.split != each.split and before.split and each.split:
            kept = "test" if "test" in (before.split, each.split) else "val"
            faults.wrong(each.path, f"it is listed for {before.split} and for {each.split}: taken for {kept} alone", "leak")
            before = by_path[each.path] = replace(before, split=kept)
        if _same_annotation(before, each):
            faults.mend(each.path, "it is annotated twice, alike: taken once", "twice")
        else:
            faults.wrong(each.path, "it has two annotations that differ: neither's boxes are taken", "twice")
            names = tuple(dict.fromkeys((*before.classes, *each.classes)))
            by_path[each.path] = replace(before, corners=NO_BOXES, names=(), labels=names, masks={})
    return list(by_path.values())


def _same_annotation(one: Annotated, other: Annotated) -> bool:
    alike = one.names == other.names and one.labels == other.labels and np.array_equal(one.corners, other.corners)
    return alike and one.size == other.size and one.relative == other.relative


def _classes(pictures: Sequence[Annotated], listed: Sequence[str]) -> tuple[str, ...]:
    used = {name for each in pictures for name in each.classes}
    if not listed:
        return tuple(sorted(used))
    if unlisted := sorted(used.difference(listed)):
        where = next(each.path for each in pictures if unlisted[0] in each.classes)
        raise InputError(
            f"the class {unlisted[0]!r}, which {where} has, is not in the list of {len(listed)} classes "
            f"({', '.join(list(listed)[:5])}{', ...' if len(listed) > 5 else ''})"
        )
    return tuple(dict.fromkeys(listed))


def _ids(pictures: Sequence[Annotated], multilabel: bool) -> list[str]:
    """Names without folder and suffix, where that tells the pictures apart; else with more of their paths.

    In a set of several classes in a picture, one whose name has a "#" is called by its path: rows are "id#class".
    """
    paths = [each.path for each in pictures]
    stems = [_stem(path) for path in paths]
    longer = [f"{path.rpartition('/')[0]}/{stem}".removeprefix("/") for path, stem in zip(paths, stems, strict=True)]
    count, twice = Counter(stems), Counter(longer)
    ids = [
        path if multilabel and "#" in stem else stem if count[stem] == 1 else long if twice[long] == 1 else path
        for path, stem, long in zip(paths, stems, longer, strict=True)
    ]
    while len(shared := Counter(ids)) < len(ids):  # "a.jpg" of a.jpg beside a.png, and of a.jpg.png
        ids = [identity if shared[identity] == 1 else path for identity, path in zip(ids, paths, strict=True)]
    return ids


def _stem(path: str) -> str:
    """A file's name without folder and suffix, as `PurePosixPath.stem` gives it, in a tenth of the time."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and dot and suffix else name


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
