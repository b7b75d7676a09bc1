"""Pictures of a dataset that are worth a look, chosen by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dogcam.boxes import geometry
from dogcam.data import Dataset, Problem, Record
from dogcam.data.contents import Content, rows_by_picture

Rows = Mapping[str, Sequence[Record]]  # of each picture that can be read


@dataclass(frozen=True)
class Sample:
    """A picture that was chosen to be looked at.

    Attributes:
        picture: its id.
        split: that it is in.
        classes: that it shows.
        rules: why it was chosen: kinds of findings, "smallest-box", "median-box", "largest-box", "most-boxes", "widest",
            "tallest", "class".
        boxes: annotated, relative.
        width, height: in pixels.
    """

    picture: str
    split: str
    classes: tuple[str, ...]
    rules: tuple[str, ...]
    boxes: tuple[tuple[float, ...], ...]
    width: int
    height: int


def samples_of(dataset: Dataset, contents: Mapping[str, Content], problems: Sequence[Problem], limit: int) -> tuple[Sample, ...]:
    """At most `limit` pictures, each once with all rules that chose it: findings first, then extremes, then one of each class.

    Args:
        contents: of the pictures that can be read, by picture.
        problems: the findings, mended ones too.
    """
    split_of = {record.picture: split for split, records in dataset.splits.items() for record in records}
    rows = rows_by_picture(record for records in dataset.splits.values() for record in records)
    readable = {picture: several for picture, several in rows.items() if picture in contents}
    chosen: dict[str, list[str]] = {}
    for rule, picture in (*_by_findings(problems, readable), *_by_size(readable, contents), *_by_class(readable)):
        if picture in chosen or len(chosen) < limit:
            chosen.setdefault(picture, []).append(rule)
    return tuple(
        _sample(picture, rules, readable[picture], split_of[picture], dataset.classes, contents[picture])
        for picture, rules in chosen.items()
    )


def _by_findings(problems: Sequence[Problem], readable: Rows) -> list[tuple[str, str]]:
    """The first picture of each kind of finding."""
    first: dict[str, str] = {}
    for problem in problems:
        if problem.id in readable:
            first.setdefault(problem.kind, problem.id)
    return list(first.items())


def _by_size(readable: Rows, contents: Mapping[str, Content]) -> Iterator[tuple[str, str]]:
    """With the smallest, the median and the largest box by share of the picture, with the most boxes, the widest, the tallest."""
    areas = {picture: [area for row in rows for area in geometry.area(row.boxes).tolist()] for picture, rows in readable.items()}
    order = sorted((area, picture) for picture, several in areas.items() for area in several)
    if order:
        yield "smallest-box", order[0][1]
        yield "median-box", order[(len(order) - 1) // 2][1]
        yield "largest-box", order[-1][1]
        most = max(areas, key=lambda picture: len(areas[picture]))
        if len(areas[most]) > 1:
            yield "most-boxes", most
    ratios = {picture: shape[1] / shape[0] for picture in readable if (shape := contents[picture].shape)}
    if ratios:
        yield "widest", max(ratios, key=lambda picture: ratios[picture])
        yield "tallest", min(ratios, key=lambda picture: ratios[picture])


def _by_class(readable: Rows) -> list[tuple[str, str]]:
    """The first picture of each class, in the order of classes; one with a box where there is one."""
    first: dict[int, str] = {}
    boxed: dict[int, str] = {}
    for picture, rows in readable.items():
        for record in rows:
            if record.label is not None:
                (boxed if len(record.boxes) else first).setdefault(record.label, picture)
    return [("class", picture) for _, picture in sorted({**first, **boxed}.items())]


def _sample(
    picture: str, rules: Sequence[str], rows: Sequence[Record], split: str, classes: Sequence[str], content: Content
) -> Sample:
    height, width = content.shape or (0, 0)
    named = tuple(classes[record.label] for record in rows if record.label is not None)
    boxes = np.concatenate([record.boxes for record in rows]).astype(np.float64)
    return Sample(picture, split, named, tuple(dict.fromkeys(rules)), tuple(map(tuple, boxes.tolist())), width, height)
