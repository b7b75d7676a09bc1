"""Scores by group of pictures: by breed, by the size of the animal, by how many there are, by whether the network is right.

A mean over all pictures may hide that a method fits large animals alone; each group has its own mean and interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import numpy as np

from dogcam.analysis.tables import cell_columns, cell_order, check_same_images, image_values, is_baseline
from dogcam.boxes import geometry
from dogcam.core.config import GROUPINGS
from dogcam.core.files import plain
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.language import say
from dogcam.metrics import METRICS
from dogcam.statistics import Interval, intervals, median_intervals, pooled_interval
from dogcam.statistics.resampling import RESAMPLES

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Group:
    """Some of the pictures: what they share, in the language that is spoken, and how many there are."""

    label: str
    n: int


@dataclass(frozen=True)
class Breakdown:
    """The scores of every cell in every group.

    Attributes:
        by: one of `config.GROUPINGS`.
        groups: those that hold a picture. By "right" their `n` is by the network that baselines are grouped by.
        lines: for each cell an interval per group; "right" asks each cell's own network, so that its `n` may be another
            one. Without a picture in a group the value is NaN, with fewer than 10 there is no interval.
        scores: by metric, for each cell an interval per group, None where the metric does not apply. What is chosen for all
            pictures, such as a threshold, is the same in every group.
    """

    by: str
    groups: tuple[Group, ...]
    lines: tuple[tuple[Cell, tuple[Interval, ...]], ...]
    scores: Mapping[str, tuple[tuple[Interval | None, ...], ...]]

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        lines = [
            {
                **asdict(cell),
                "mean_iou": [asdict(each) for each in found],
                "scores": {name: [_ends(each) for each in of[place]] for name, of in self.scores.items()},
            }
            for place, (cell, found) in enumerate(self.lines)
        ]
        return plain({"by": self.by, "groups": [asdict(group) for group in self.groups], "lines": lines})


def _ends(found: Interval | None) -> list[float] | None:
    """[value, low, high]; None where there is no value."""
    return None if found is None or np.isnan(found.value) else [found.value, found.low, found.high]


def broken_down(
    evaluation: Evaluation,
    cells: Sequence[Cell],
    by: str,
    classes: Sequence[str],
    network: Cell | None = None,
    *,
    iou_only: bool = False,
) -> Breakdown:
    """Every score of each group with its 95 % bootstrap interval, cell by cell.

    Groups are of "breed", the picture's class; "size", terciles of the mean area of a picture's annotated boxes; "animals",
    how many boxes are annotated; "right", whether the network's first class is the picture's own.

    Args:
        cells: of which cells, methods and baselines.
        classes: the dataset's class names, in the order of the labels.
        network: for "right" the cell whose network's predictions baselines are grouped by; None means that of the last
            run and epoch among `cells`.
        iou_only: no other score, and intervals of fewer resamples: for figures, which are to be quick.

    Raises:
        ValueError: there are no cells, an unknown grouping, or no network to be right or wrong.
        ExperimentError: the cells are of different images.
    """
    if by not in GROUPINGS or not cells:
        raise ValueError(
            f"pictures of one cell or more are grouped by {', '.join(GROUPINGS)}; received {by!r}, {cells}"
        )
    ordered = sorted(set(cells), key=cell_order)
    tables = {cell: evaluation.read(cell) if iou_only else cell_columns(evaluation, cell) for cell in ordered}
    check_same_images({str(cell): table for cell, table in tables.items()})
    if by == "right":
        labels, of = _by_right(tables, _prediction(evaluation, ordered, network))
    else:
        labels, of = _GROUPINGS[by](next(iter(tables.values())), classes)
    of = of[:, None] if of.ndim == 1 else of
    iou = np.column_stack([table["iou"] for table in tables.values()])
    stacks = [] if iou_only else _stacks(list(tables.values()))
    groups, found, others = [], [], []
    for place, label in enumerate(labels):
        inside = np.broadcast_to((of == place)[:, -len(ordered) :], (len(of), len(ordered)))
        if inside.any():
            groups.append(Group(label, int((of[:, 0] == place).sum())))
            found.append(_means(iou, inside, _FEWER if iou_only else RESAMPLES))
            others.append({} if iou_only else _scores(list(tables.values()), stacks, inside))
    lines = tuple(zip(ordered, zip(*found, strict=True), strict=True))
    scores = {name: tuple(zip(*(each[name] for each in others), strict=True)) for name in others[0]}
    return Breakdown(by, tuple(groups), lines, scores)


# All but the one that `lines` hold, and the standard error, which intervals stand for.
_SHOWN = tuple(name for name, metric in METRICS.items() if name != "mean_iou" and metric.summary != "whole")
_FEWER = 2000  # resamples of the other scores, of which there are many


def _means(values: np.ndarray, inside: np.ndarray, resamples: int) -> tuple[Interval, ...]:
    """The means of columns (n, m) each over its own pictures, `inside` (n, m), from the same resamples."""
    some = inside.any(axis=1)
    return intervals(np.where(inside[some], values[some], np.nan), resamples=resamples)


@dataclass(frozen=True, eq=False)
class _Stack:
    """The values (n, k) of all scores of one kind, computed once for all groups; `of` names each column's score and table."""

    made: Callable[..., tuple[Interval, ...]]
    of: list[tuple[str, int]]
    values: np.ndarray

    def within(self, inside: np.ndarray) -> tuple[Interval, ...]:
        """The intervals over the pictures of each column's table, `inside` (n, m)."""
        places = [place for _, place in self.of]
        some = np.flatnonzero(inside[:, sorted(set(places))].any(axis=1))
        return self.made(np.where(inside[some][:, places], self.values[some], np.nan), resamples=_FEWER)


def _stacks(tables: Sequence[Columns]) -> list[_Stack]:
    """The means and the medians that any of the tables has."""
    known = [image_values(table) for table in tables]
    found = []
    for summary, made in (("mean", intervals), ("median", median_intervals)):
        names = [name for name in _SHOWN if METRICS[name].summary == summary]
        of = [(name, place) for name in names for place, values in enumerate(known) if name in values]
        if of:
            found.append(_Stack(made, of, np.column_stack([known[place][name] for name, place in of])))
    return found


def _scores(
    tables: Sequence[Columns], stacks: Sequence[_Stack], inside: np.ndarray
) -> dict[str, list[Interval | None]]:
    """Every other score of the tables, each over its own pictures; None where the score does not apply."""
    found: dict[str, list[Interval | None]] = {name: [None] * len(tables) for name in _SHOWN}
    for stack in stacks:
        for (name, place), interval in zip(stack.of, stack.within(inside), strict=True):
            found[name][place] = interval
    for name in _SHOWN:
        metric = METRICS[name]
        for place, table in enumerate(tables):
            if metric.summary == "sums" and metric.applies(table) and inside[:, place].any():
                columns = (table[need][inside[:, place]] for need in metric.needs)
                found[name][place] = pooled_interval(metric.function, *columns, resamples=_FEWER)
    return found


def _by_breed(columns: Columns, classes: Sequence[str]) -> tuple[Sequence[str], np.ndarray]:
    return classes, np.asarray(columns["label"])


def _by_size(columns: Columns, classes: Sequence[str]) -> tuple[Sequence[str], np.ndarray]:
    """Terciles of the mean area of the annotated boxes, over the evaluated pictures."""
    sizes = np.array([geometry.area(each).mean() if len(each) else np.nan for each in columns["truth"]]).round(6)
    low, high = np.nanquantile(sizes, [1 / 3, 2 / 3])
    if low == high:
        labels = say("{most} of the picture or less", most=f"{low:.2g}"), say("larger")
        return labels, (sizes > low).astype(int)
    least, most = _told_apart(low, high)
    labels = (
        say("small (below {least} of the picture)", least=least),
        say("medium ({least} to {most})", least=least, most=most),
        say("large (above {most})", most=most),
    )
    return labels, (sizes >= low).astype(int) + (sizes > high)


def _told_apart(low: float, high: float) -> tuple[str, str]:
    """Two different numbers in as few digits as tell them apart, two at least."""
    texts = ((f"{low:.{digits}g}", f"{high:.{digits}g}") for digits in count(2))
    return next((one, other) for one, other in texts if one != other)


def _by_animals(columns: Columns, classes: Sequence[str]) -> tuple[Sequence[str], np.ndarray]:
    annotated = np.array([len(each) for each in columns["truth"]])
    labels = say("none annotated"), say("1 animal"), say("2 animals"), say("3 animals or more")
    return labels, np.minimum(annotated, 3)


_GROUPINGS: dict[str, Callable[[Columns, Sequence[str]], tuple[Sequence[str], np.ndarray]]] = {
    "breed": _by_breed,
    "size": _by_size,
    "animals": _by_animals,
}


def _prediction(evaluation: Evaluation, cells: Sequence[Cell], network: Cell | None) -> np.ndarray:
    """The first class (n,) of the network that baselines are grouped by."""
    informed = [cell for cell in cells if not is_baseline(cell)]
    if network is None and not informed:
        raise ValueError("baselines alone have no network that is right or wrong: name the cell of one")
    return evaluation.read(network or max(informed))["predicted"]


def _by_right(tables: Mapping[Cell, Columns], given: np.ndarray) -> tuple[Sequence[str], np.ndarray]:
    """Each cell's pictures by its own network; baselines, which have none, by the prediction `given` (n,), the first column."""
    own = [given if is_baseline(cell) else table["predicted"] for cell, table in tables.items()]
    labels = next(iter(tables.values()))["label"]
    of = np.column_stack([np.asarray(predicted) != labels for predicted in (given, *own)])
    return (say("the network is right"), say("the network is wrong")), of.astype(int)
