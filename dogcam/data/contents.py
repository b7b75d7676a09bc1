"""What only the contents of pictures show: those that cannot be read, and the same picture several times; and classes that a
split lacks. What is wrong with an annotation itself is found by `assembling`, where it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from dogcam.core.errors import InputError
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Problem, Record, reason_of
from dogcam.data.decoding import checked
from dogcam.data.images import Stored
from dogcam.data.pipeline import threaded

_DIGEST = 16  # bytes: of a billion pictures no two that differ will have the same
_NAMED = 3  # copies of a picture that are named


@dataclass(frozen=True, slots=True)
class Content:
    """What a picture's bytes say.

    Attributes:
        digest: BLAKE2b of its file, of a picture that is drawn of its pixels.
        shape: height and width, turned as its boxes want it; None where it was not asked for.
    """

    digest: bytes
    shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class Contents:
    """The contents of a dataset's pictures, each once whatever the number of its rows.

    Attributes:
        by_picture: of those that can be read, by `Record.picture`.
        problems: the others.
    """

    by_picture: Mapping[str, Content]
    problems: tuple[Problem, ...]


def rows_by_picture(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The rows of each picture, in order."""
    rows: dict[str, list[Record]] = {}
    for record in records:
        rows.setdefault(record.picture, []).append(record)
    return rows


def read_contents(splits: Mapping[str, Sequence[Record]], progress: Progress) -> Contents:
    """Read and check every picture: the bytes of its file, its size, and whether its pixels can be decoded."""
    return _contents(splits, _checked, "looking into pictures", progress)


def hash_contents(splits: Mapping[str, Sequence[Record]], progress: Progress) -> Contents:
    """Only hash the files of pictures, in a fraction of the time that decoding them takes; those that are drawn are left out."""
    stored = {split: [record for record in records if isinstance(record.image, Stored)] for split, records in splits.items()}
    return _contents(stored, _hashed, "looking for pictures that are there twice", progress)


def _contents(splits: Mapping[str, Sequence[Record]], read, title: str, progress: Progress) -> Contents:  # noqa: ANN001
    once = [(split, rows[0]) for split, records in splits.items() for rows in rows_by_picture(records).values()]
    contents, problems = {}, []
    for (split, record), future in progress.track(threaded(lambda item: read(item[1]), once), title, len(once)):
        try:
            contents[record.picture] = future.result()
        except InputError as error:
            name = getattr(record.image, "name", record.picture)
            problems.append(Problem(record.picture, reason_of(error, name), split, kind="unreadable"))
    return Contents(contents, tuple(problems))


def _hashed(record: Record) -> Content:
    return Content(_digest(record.image.content()))


def _checked(record: Record) -> Content:
    image = record.image
    if not isinstance(image, Stored):
        pixels = image.pixels()
        return Content(_digest(np.ascontiguousarray(pixels).data, str(pixels.shape).encode()), pixels.shape[:2])
    content = image.content()
    header = checked(content, image.name)
    width, height = header.upright_size if getattr(image, "upright", False) else header.size
    return Content(_digest(content), (height, width))


def _digest(content: bytes | memoryview, beside: bytes = b"") -> bytes:
    digest = blake2b(content, digest_size=_DIGEST)
    digest.update(beside)
    return digest.digest()


def copies(splits: Mapping[str, Sequence[Record]], contents: Contents) -> tuple[Problem, ...]:
    """A problem for each picture that is there several times, byte for byte: "leak" where several splits have it, else "copy"."""
    rows = rows_by_picture(record for records in splits.values() for record in records)
    split_of = {record.picture: split for split, records in splits.items() for record in records}
    alike: dict[bytes, list[str]] = {}
    for picture in rows:
        if picture in contents.by_picture:
            alike.setdefault(contents.by_picture[picture].digest, []).append(picture)
    return tuple(_copied(group, split_of, rows) for group in alike.values() if len(group) > 1)


def _copied(group: Sequence[str], split_of: Mapping[str, str], rows: Mapping[str, Sequence[Record]]) -> Problem:
    """One picture's copies, and whether their annotations agree: with others' a picture has two truths."""
    splits = list(dict.fromkeys(split_of[picture] for picture in group))
    others = [f"{picture} ({split_of[picture]})" for picture in group[1:]]
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    reason = f"the same picture as {', '.join(others[:_NAMED])}{more}"
    if len({_labels(rows[picture]) for picture in group}) > 1:
        reason += ", of another class there"
    elif len({_boxes(rows[picture]) for picture in group}) > 1:
        reason += ", with other boxes there"
    if len(splits) > 1:
        return Problem(group[0], f"{reason}: in {' and '.join(splits)}", splits[0], False, "leak")
    return Problem(group[0], reason, splits[0], False, "copy")


def _labels(rows: Sequence[Record]) -> tuple[int | None, ...]:
    return tuple(record.label for record in rows)


def _boxes(rows: Sequence[Record]) -> bytes:
    return b"".join(np.round(record.boxes, 3).tobytes() for record in rows)


def odd_classes(dataset: Dataset) -> tuple[Problem, ...]:
    """Classes that all splits but one lack ("one-split"), and those without a box where others have boxes ("unboxed-class")."""
    names = {split: _counted(records) for split, records in dataset.splits.items() if records}
    boxed = {record.label for records in dataset.splits.values() for record in records if len(record.boxes)}
    problems = []
    for label, name in enumerate(dataset.classes):
        there = {split: counts[label] for split, counts in names.items() if label in counts}
        if len(there) == 1 < len(names):
            ((split, count),) = there.items()
            what = "nothing of it is learnt" if split != "train" else "nothing of it is tested"
            problems.append(Problem(name, f"all of its pictures ({count}) are in {split}: {what}", split, False, "one-split"))
        if there and boxed and label not in boxed:
            reason = f"none of its pictures ({sum(there.values())}) has a box"
            problems.append(Problem(name, reason, "", False, "unboxed-class"))
    return tuple(problems)


def _counted(records: Sequence[Record]) -> dict[int, int]:
    """How many rows each class has."""
    counts: dict[int, int] = {}
    for record in records:
        if record.label is not None:
            counts[record.label] = counts.get(record.label, 0) + 1
    return counts
