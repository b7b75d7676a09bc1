"""Scores by group of pictures: by breed, by the size of the animal, by how many there are, by whether the network is right.

A mean over all pictures may hide that a method fits large animals alone; each group has its own mean and interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dogcam.analysis.scores import image_values
from dogcam.analysis.tables import Columns, cell_columns, cell_order, check_same_images, is_baseline, pictures_of, right_of
from dogcam.boxes import geometry
from dogcam.core.choices import GROUPINGS
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.metrics import METRICS
from dogcam.statistics import Interval, intervals, median_intervals, pooled_interval
from dogcam.statistics.resampling import RESAMPLES


@dataclass(frozen=True)
class Group:
    """Some of the pictures: what they share, and how many there are.

    Attributes:
        code: by "breed" the name of the class; by "size" small, medium and large, or up-to and larger where two of three thirds
            are of one size; by "animals" exactly or or-more; by "right" right or wrong.
        n: pictures; by "right" those of the network that baselines are grouped by.
        least, most: by "size" the bounds of the area, as shares of the picture; by "animals" those of the number; null where
            there is no bound.
    """

    code: str
    n: int = 0
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class GroupedScores:
    """The scores of a cell in every group.

    Attributes:
        cell: whose.
        mean_iou: of each group; NaN without a picture in it. By "right" the groups are those of the cell's own network.
        scores: by metric the other scores of each group, null where the metric does not apply. What is chosen for all pictures,
            such as a threshold, is the same in every group.
    """

    cell: Cell
    mean_iou: tuple[Interval, ...]
    scores: dict[str, tuple[Interval | None, ...]]


@dataclass(frozen=True)
class Groups:
    """The scores of cells by one grouping.

    Attributes:
        by: breed, size, animals or right.
        groups: those that hold a picture.
        lines: one for each cell, in the order of tables.
    """

    by: str
    groups: tuple[Group, ...]
    lines: tuple[GroupedScores, ...]


def groups(
    evaluation: Evaluation, cells: Sequence[Cell], by: str, classes: Sequence[str], network: Cell | None = None
) -> Groups | None:
    """Every score of each group with its 95 % bootstrap interval, cell by cell.

    Groups are of "breed", the picture's class; "size", terciles of the mean area of a picture's annotated boxes; "animals",
    how many boxes are annotated; "right", whether the network's first class is the picture's own (see `tables.right_of`).

    Args:
        cells: of which cells, methods and baselines.
        classes: the dataset's class names, in the order of the labels.
        network: for "right" the cell whose network's predictions baselines are grouped by; None means that of the last
            run and epoch among `cells`.

    Returns:
        None by size where no picture has a box.

    Raises:
        ValueError: there are no cells, an unknown grouping, or no network to be right or wrong.
        ExperimentError: the cells are of different images.
    """
    if by not in GROUPINGS or not cells:
        raise ValueError(f"pictures of one cell or more are grouped by {', '.join(GROUPINGS)}; received {by!r}, {cells}")
    tables = {cell: cell_columns(evaluation, cell) for cell in sorted(set(cells), key=cell_order)}
    check_same_images({str(cell): table for cell, table in tables.items()})
    first = next(iter(tables.values()))
    if by == "size" and not any(map(len, first["truth"])):
        return None
    if by == "right":
        known, of = _by_right(evaluation, list(tables), network)
    else:
        known, of = _GROUPINGS[by](first, classes)
    return _scored(by, tables, known, of[:, None] if of.ndim == 1 else of)


def _scored(by: str, tables: Mapping[Cell, Columns], known: Sequence[Group], of: np.ndarray) -> Groups:
    """All scores of the groups that hold a picture; `of` (n, m): the place of each picture's group, the tables' own last."""
    columns = list(tables.values())
    iou, stacks, pictures = np.column_stack([table["iou"] for table in columns]), _stacks(columns), pictures_of(columns[0])
    held, means, others = [], [], []
    for place, group in enumerate(known):
        inside = np.broadcast_to((of == place)[:, -len(columns) :], iou.shape)
        if inside.any():
            held.append(replace(group, n=int((of[:, 0] == place).sum())))
            some = inside.any(axis=1)
            own = None if pictures is None else pictures[some]
            means.append(intervals(np.where(inside[some], iou[some], np.nan), resamples=RESAMPLES, pictures=own))
            others.append(_scores(columns, stacks, inside))
    lines = (
        GroupedScores(cell, tuple(each[k] for each in means), {name: tuple(o[name][k] for o in others) for name in _SHOWN})
        for k, cell in enumerate(tables)
    )
    return Groups(by, tuple(held), tuple(lines))


# All but the one that `lines` hold, and the standard error, which intervals stand for.
_SHOWN = tuple(name for name, metric in METRICS.items() if name != "mean_iou" and metric.summary != "whole")
_FEWER = 2000  # resamples of the other scores, of which there are many


@dataclass(frozen=True, eq=False)
class _Stack:
    """The values (n, k) of all scores of one kind, computed once for all groups; `of` names each column's score and table."""

    made: Callable[..., tuple[Interval, ...]]
    of: list[tuple[str, int]]
    values: np.ndarray
    pictures: np.ndarray | None

    def within(self, inside: np.ndarray) -> tuple[Interval, ...]:
        """The intervals over the pictures of each column's table, `inside` (n, m)."""
        places = [place for _, place in self.of]
        some = np.flatnonzero(inside[:, sorted(set(places))].any(axis=1))
        own = None if self.pictures is None else self.pictures[some]
        return self.made(np.where(inside[some][:, places], self.values[some], np.nan), resamples=_FEWER, pictures=own)


def _stacks(tables: Sequence[Columns]) -> list[_Stack]:
    """The means and the medians that any of the tables has."""
    known = [image_values(table) for table in tables]
    found = []
    for summary, made in (("mean", intervals), ("median", median_intervals)):
        names = [name for name in _SHOWN if METRICS[name].summary == summary]
        of = [(name, place) for name in names for place, values in enumerate(known) if name in values]
        if of:
            values = np.column_stack([known[place][name] for name, place in of])
            found.append(_Stack(made, of, values, pictures_of(tables[0])))
    return found


def _scores(tables: Sequence[Columns], stacks: Sequence[_Stack], inside: np.ndarray) -> dict[str, list[Interval | None]]:
    """Every other score of the tables, each over its own pictures; None where the score does not apply."""
    found: dict[str, list[Interval | None]] = {name: [None] * len(tables) for name in _SHOWN}
    for stack in stacks:
        for (name, place), interval in zip(stack.of, stack.within(inside), strict=True):
            found[name][place] = interval
    for name in _SHOWN:
        metric = METRICS[name]
        for place, table in enumerate(tables):
            if metric.summary == "sums" and metric.applies(table) and inside[:, place].any():
                here, pictures = inside[:, place], pictures_of(table)
                columns = (table[need][here] for need in metric.needs)
                own = None if pictures is None else pictures[here]
                found[name][place] = pooled_interval(metric.function, *columns, resamples=_FEWER, pictures=own)
    return found


def _by_breed(columns: Columns, classes: Sequence[str]) -> tuple[Sequence[Group], np.ndarray]:
    return [Group(name) for name in classes], np.asarray(columns["label"])


def _by_size(columns: Columns, classes: Sequence[str]) -> tuple[Sequence[Group], np.ndarray]:
    """Terciles of the mean area of the annotated boxes, over the evaluated pictures."""
    sizes = np.array([geometry.area(each).mean() if len(each) else np.nan for each in columns["truth"]]).round(6)
    low, high = (float(bound) for bound in np.nanquantile(sizes, [1 / 3, 2 / 3]))
    if low == high:
        return (Group("up-to", most=low), Group("larger", least=low)), (sizes > low).astype(int)
    found = Group("small", most=low), Group("medium", least=low, most=high), Group("large", least=high)
    return found, (sizes >= low).astype(int) + (sizes > high)


def _by_animals(columns: Columns, classes: Sequence[str]) -> tuple[Sequence[Group], np.ndarray]:
    annotated = np.array([len(each) for each in columns["truth"]])
    found = [*(Group("exactly", least=number, most=number) for number in range(3)), Group("or-more", least=3)]
    return found, np.minimum(annotated, 3)


_GROUPINGS: dict[str, Callable[[Columns, Sequence[str]], tuple[Sequence[Group], np.ndarray]]] = {
    "breed": _by_breed,
    "size": _by_size,
    "animals": _by_animals,
}


def _by_right(evaluation: Evaluation, cells: Sequence[Cell], network: Cell | None) -> tuple[Sequence[Group], np.ndarray]:
    """Each cell's pictures by whether its own network is right; baselines, which have none, by `network`: the first column."""
    informed = [cell for cell in cells if not is_baseline(cell)]
    if network is None and not informed:
        raise ValueError("baselines alone have no network that is right or wrong: name the cell of one")
    given = right_of(evaluation.read(network or max(informed)))
    own = [given if is_baseline(cell) else right_of(evaluation.read(cell)) for cell in cells]
    return (Group("right"), Group("wrong")), (~np.column_stack([given, *own])).astype(int)
