"""What is in a dataset, before anything is trained: counts, boxes, what a box that never looks would score, a sample by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dogcam.analysis.samples import Sample, samples_of
from dogcam.boxes import drawing, geometry
from dogcam.boxes.baselines import boxes_that_never_look
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.data import Dataset, Division, Origin, Problem, Record
from dogcam.data.contents import Content, rows_by_picture

PROTOCOL = "default"
CELLS = 32  # on each side of the map of places
AREA_BINS = 20  # of the share of the picture that a box covers


@dataclass(frozen=True)
class SplitCount:
    """What a split holds.

    Attributes:
        split: its name.
        pictures: how many, those that cannot be read among them.
        unreadable: of them.
        boxed: pictures that have a box.
        rows: what is scored: one for each class in a picture.
        boxes: annotated ones.
    """

    split: str
    pictures: int
    unreadable: int
    boxed: int
    rows: int
    boxes: int


@dataclass(frozen=True)
class ClassCount:
    """What there is of a class.

    Attributes:
        name: of the class.
        pictures: that show it, by split.
        boxes: annotated as it, by split.
    """

    name: str
    pictures: Mapping[str, int]
    boxes: Mapping[str, int]

    @property
    def total(self) -> int:
        """Its pictures in all splits."""
        return sum(self.pictures.values())


@dataclass(frozen=True)
class Spread:
    """Quantiles of a number.

    Attributes:
        least: the lowest.
        low: 5 % lie below.
        middle: the median.
        high: 95 % lie below.
        most: the highest.
    """

    least: float
    low: float
    middle: float
    high: float
    most: float

    @classmethod
    def of(cls, values: np.ndarray) -> Spread | None:
        """Of any numbers; None where there are none."""
        return cls(*np.quantile(values, (0, 0.05, 0.5, 0.95, 1)).tolist()) if len(values) else None


@dataclass(frozen=True)
class Boxes:
    """How large annotated boxes are, and where they lie, over all splits.

    Attributes:
        each_picture: how many pictures have so many boxes, by that number.
        area: share of the picture that a box covers.
        width, height: of a box in pixels.
        areas: how many boxes cover so much of the picture: up to 5 %, 10 %, ... 100 %.
        covered: a grid of 32 by 32 over the picture, rows from the top: the share of boxes that cover each place.
        mean: the mean box, x0, y0, x1, y1, relative; None where there are no boxes.
    """

    each_picture: Mapping[int, int]
    area: Spread | None
    width: Spread | None
    height: Spread | None
    areas: tuple[int, ...]
    covered: tuple[tuple[float, ...], ...]
    mean: tuple[float, ...] | None


@dataclass(frozen=True)
class UnseenBox:
    """A box that never looks at a picture, scored against the annotated ones.

    Attributes:
        name: of the baseline.
        box: x0, y0, x1, y1, relative.
        iou: its mean IoU, by split.
        rows: that it was scored on, by split.
    """

    name: str
    box: tuple[float, ...]
    iou: Mapping[str, float]
    rows: Mapping[str, int]


@dataclass(frozen=True)
class Kind:
    """How many of one kind of finding there are.

    Attributes:
        kind: its code, see `data.Problem`.
        count: how many.
        mended: whether it could be set right.
        first: the first of them.
    """

    kind: str
    count: int
    mended: bool
    first: tuple[Problem, ...]


@dataclass(frozen=True)
class Inspection:
    """What is in a dataset.

    Attributes:
        dataset: the specification it was opened by.
        source: where it was read from; null where that is not known.
        division: how it came by its splits.
        fingerprint: of its classes, pictures and boxes.
        multilabel: whether a picture may have several classes, each a row.
        protocol: by which boxes are scored.
        splits: what each holds.
        classes: what there is of each.
        width, height: of the pictures that can be read, in pixels.
        boxes: their sizes and places.
        unseen: boxes that never look at a picture, and their scores.
        kinds: findings by kind, those that could not be mended first.
        problems: what could not be used, or is not as it should be.
        mended: what could be set right by one rule.
        samples: pictures to look at, chosen by rule.
    """

    dataset: str
    source: Origin | None
    division: Division
    fingerprint: str
    multilabel: bool
    protocol: str
    splits: tuple[SplitCount, ...]
    classes: tuple[ClassCount, ...]
    width: Spread | None
    height: Spread | None
    boxes: Boxes
    unseen: tuple[UnseenBox, ...]
    kinds: tuple[Kind, ...]
    problems: tuple[Problem, ...]
    mended: tuple[Problem, ...]
    samples: tuple[Sample, ...]

    @property
    def pictures(self) -> int:
        """In all splits."""
        return sum(each.pictures for each in self.splits)

    @property
    def best_unseen(self) -> tuple[UnseenBox, str] | None:
        """The box that never looks with the highest mean IoU, on the test split where that has boxes, and that split."""
        splits = [split for split in ("test", *(each.split for each in self.splits)) if any(split in u.iou for u in self.unseen)]
        if not splits:
            return None
        scored = [each for each in self.unseen if splits[0] in each.iou]
        return min(scored, key=lambda each: (-each.iou[splits[0]], each.name)), splits[0]


def inspected(dataset: Dataset, contents: Mapping[str, Content], found: Sequence[Problem], samples: int) -> Inspection:
    """What is in `dataset`.

    Args:
        contents: of the pictures that can be read, by picture.
        found: problems that these contents show.
        samples: how many pictures are chosen to be looked at, at most.
    """
    problems = (*dataset.problems, *found)
    shapes = np.array([each.shape for each in contents.values() if each.shape], np.float64).reshape(-1, 2)
    return Inspection(
        dataset=dataset.name,
        source=dataset.source,
        division=dataset.division,
        fingerprint=dataset.fingerprint(),
        multilabel=dataset.multilabel,
        protocol=PROTOCOL,
        splits=tuple(_split_count(split, records, contents) for split, records in dataset.splits.items()),
        classes=_class_counts(dataset),
        width=Spread.of(shapes[:, 1]),
        height=Spread.of(shapes[:, 0]),
        boxes=_boxes(dataset, contents),
        unseen=_unseen(dataset, contents),
        kinds=(*by_kind(problems, False), *by_kind(dataset.mended, True)),
        problems=problems,
        mended=dataset.mended,
        samples=samples_of(dataset, contents, (*problems, *dataset.mended), samples),
    )


def _split_count(split: str, records: Sequence[Record], contents: Mapping[str, Content]) -> SplitCount:
    pictures = rows_by_picture(records)
    boxed = sum(any(len(row.boxes) for row in rows) for rows in pictures.values())
    unreadable = sum(picture not in contents for picture in pictures)
    return SplitCount(split, len(pictures), unreadable, boxed, len(records), sum(len(record.boxes) for record in records))


def _class_counts(dataset: Dataset) -> tuple[ClassCount, ...]:
    pictures = [dict.fromkeys(dataset.splits, 0) for _ in dataset.classes]
    boxes = [dict.fromkeys(dataset.splits, 0) for _ in dataset.classes]
    for split, records in dataset.splits.items():
        for record in records:
            if record.label is not None:
                pictures[record.label][split] += 1
                boxes[record.label][split] += len(record.boxes)
    return tuple(ClassCount(*each) for each in zip(dataset.classes, pictures, boxes, strict=True))


def _boxes(dataset: Dataset, contents: Mapping[str, Content]) -> Boxes:
    rows = [record for records in dataset.splits.values() for record in records]
    counts: dict[int, int] = {}
    for several in rows_by_picture(rows).values():
        number = sum(len(record.boxes) for record in several)
        counts[number] = counts.get(number, 0) + 1
    boxes = np.concatenate([np.zeros((0, 4), np.float32), *(record.boxes for record in rows)])
    sides = [
        (record.boxes[:, 2:] - record.boxes[:, :2]) * shape[::-1]
        for record in rows
        if record.picture in contents and (shape := contents[record.picture].shape) is not None
    ]
    sizes = np.concatenate([np.zeros((0, 2)), *sides])
    areas = geometry.area(boxes)
    return Boxes(
        each_picture=dict(sorted(counts.items())),
        area=Spread.of(areas),
        width=Spread.of(sizes[:, 0]),
        height=Spread.of(sizes[:, 1]),
        areas=tuple(np.histogram(areas, AREA_BINS, (0, 1))[0].tolist()),
        covered=tuple(map(tuple, covered(boxes, CELLS).tolist())),
        mean=tuple(boxes.mean(axis=0, dtype=np.float64).tolist()) if len(boxes) else None,
    )


def covered(boxes: np.ndarray, cells: int) -> np.ndarray:
    """The mean share of every cell of a `cells` x `cells` grid that relative boxes (n, 4) cover; rows from the top."""
    edges = np.arange(cells) / cells
    corners = np.asarray(boxes, np.float64)
    x, y = (
        np.clip(np.minimum(corners[:, place + 2, None], edges + 1 / cells) - np.maximum(corners[:, place, None], edges), 0, None)
        for place in (0, 1)
    )
    return (y.T @ x) * cells**2 / max(len(corners), 1)


def _unseen(dataset: Dataset, contents: Mapping[str, Content]) -> tuple[UnseenBox, ...]:
    """As `dogcam evaluate` scores them: every row with a box, of the pictures that can be read."""
    found = []
    for name, box in boxes_that_never_look(dataset.training_boxes()).items():
        scores = {split: _scores(box, records, contents) for split, records in dataset.splits.items()}
        means = {split: float(np.mean(each)) for split, each in scores.items() if each}
        rows = {split: len(each) for split, each in scores.items() if each}
        found.append(UnseenBox(name, tuple(np.asarray(box, np.float64).tolist()), means, rows))
    return tuple(found)


def _scores(box: np.ndarray, records: Sequence[Record], contents: Mapping[str, Content]) -> list[float]:
    truths, shapes = [], []
    for record in records:
        content = contents.get(record.picture)
        if len(record.boxes) and content is not None and content.shape is not None:
            truths.append(record.boxes)
            shapes.append(content.shape)
    return drawing.scores_of_one_box(box, truths, PROTOCOLS[PROTOCOL], shapes)


def by_kind(problems: Iterable[Problem], mended: bool, named: int = 3) -> tuple[Kind, ...]:
    """How many there are of each kind, the most first, and the first `named` of them."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(problem.kind, []).append(problem)
    kinds = [Kind(kind, len(several), mended, tuple(several[:named])) for kind, several in found.items()]
    return tuple(sorted(kinds, key=lambda each: -each.count))
