"""Scores by group, and by threshold: a column for each cell, numbered where its name is too long."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len

from dogcam.analysis.groups import Groups
from dogcam.analysis.scores import ThresholdCurve
from dogcam.console.fitting import Column, drawn, fitting, stacked
from dogcam.console.naming import Row, about, identified, named
from dogcam.console.scores import figure
from dogcam.console.tables import clean, show, stream
from dogcam.report.group_words import labels
from dogcam.statistics import Interval

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARKS = 20  # letters of a curve
_LABEL = 34  # columns of a group's label, such as "small (below 0.31 of the picture)"
_FEW = 4  # groups that have room beside each other
_STEPS = 10  # thresholds of a curve that are told in numbers


def show_groups(found: Groups) -> None:
    """The mean IoU of each group: a column for each where there are few, else a line; the best of the first method first."""
    rows = about(line.cell for line in found.lines)
    title, known = _title(found, rows), labels(found)
    if len(known) <= _FEW:
        _show_across(title, found, rows, known)
        return
    order = list(range(len(known)))
    if found.by == "breed":
        first = next((line for line in found.lines if line.cell.run), found.lines[0])
        order.sort(key=lambda place: -first.mean_iou[place].value)
    fixed = [
        Column.of(found.by, (known[place] for place in order), name=True),
        Column.of("n", (f"{found.groups[place].n:,}" for place in order)),
    ]
    columns = [[_with_interval(line.mean_iou[place]) for place in order] for line in found.lines]
    _show_numbered(title, fixed, named(rows), columns)


def _title(found: Groups, rows: Sequence[Row]) -> str:
    # By "right", each epoch's network is right on other pictures; the groups' sizes are those of one of them.
    sizes = [group.n for group in found.groups]
    own = any([each.n for each in line.mean_iou] != sizes for line in found.lines)
    more = "; n of one network, others are right on other pictures" if own else ""
    protocols = dict.fromkeys(row.protocol for row in rows)
    under = f", protocol {next(iter(protocols))}" if len(protocols) == 1 else ""
    shared, _ = identified(rows)
    return f"Mean IoU and 95 % interval by {found.by}{under}{shared}{more}"


def _show_across(title: str, found: Groups, rows: Sequence[Row], known: Sequence[str]) -> None:
    """A line for each cell and a column for each group, under the word that tells it from the others."""
    _, fixed = identified(rows)
    columns = [
        Column.of(word, (_with_interval(line.mean_iou[place]) for line in found.lines))
        for place, word in enumerate(_telling(known))
    ]
    show("; ".join(f"{label}: n = {group.n:,}" for label, group in zip(known, found.groups, strict=True)))
    for each in stacked(title, fixed, columns, stream().width):
        show(each, "")


def _telling(labels: Sequence[str]) -> list[str]:
    """The first word of each label that tells all of them apart; the labels themselves where none does."""
    words = [clean(label).split() for label in labels]
    for each in zip(*words, strict=False):
        if len(set(each)) == len(labels):
            return list(each)
    return [clean(label) for label in labels]


def _with_interval(found: Interval) -> str:
    """ "0.553 [.51, .59]"; below 10 pictures there is no interval, and below one no mean."""
    if found.n == 0:
        return "no picture"
    low, high = (f"{end:.2f}".removeprefix("0") for end in (found.low, found.high))
    ends = f"[{low}, {high}]" if found.low == found.low else f"(n = {found.n})"
    return f"{found.value:.3f} {ends}"


def _show_numbered(title: str, fixed: Sequence[Column], names: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
    """Columns under their names, or under numbers that a line above explains where names are wider than figures."""
    headings = list(map(clean, names))
    room = min(max(map(cell_len, values), default=0) for values in columns)
    if any(cell_len(heading) > room for heading in headings):
        headings = [str(number) for number in range(1, len(names) + 1)]
        show("; ".join(f"{number}={name}" for number, name in zip(headings, names, strict=True)))
    made = [Column.of(heading, values) for heading, values in zip(headings, columns, strict=True)]
    for each in stacked(title, fixed, made, stream().width, _LABEL):
        show(each, "")


def show_curves(curves: Sequence[ThresholdCurve]) -> None:
    """Mean IoU by threshold: each cell's curve as a small picture, and about ten of its points in numbers."""
    if not curves:
        return
    rows, width = about(curve.cell for curve in curves), stream().width
    top = max(max(curve.mean_iou) for curve in curves)
    shared, columns = identified(rows)
    if len({row.protocol for row in rows}) > 1:
        columns.append(Column.of("protocol", (row.protocol for row in rows), name=True, squeeze=0))
    used = [None if curve.threshold is None else curve.at(curve.threshold) for curve in curves]
    columns += [
        Column.of("threshold", (figure(curve.threshold) for curve in curves), squeeze=0),
        Column.of("IoU", map(figure, used), squeeze=0),
        Column.of("best", (figure(curve.oracle) for curve in curves), squeeze=0),
        Column.of("IoU", (figure(curve.at(curve.oracle)) for curve in curves), squeeze=0),
        Column.of("mean IoU by threshold", (sparkline(curve.mean_iou, top) for curve in curves), squeeze=8),
    ]
    show(drawn(f"Mean IoU by threshold{shared}; up to {top:.3f}", fitting(columns, width), width), "")
    # Grids of several protocols may differ: each cell is told at its own thresholds nearest to these.
    steps = [step / _STEPS for step in range(_STEPS)]
    told = [[_point(curve, step) for step in steps] for curve in curves]
    fixed = [Column.of("threshold", (f"{step:.1f}" for step in steps))]
    _show_numbered("Mean IoU at thresholds (<: nearest to the one in use, *: to the best)", fixed, named(rows), told)


def sparkline(values: Sequence[float], top: float, letters: int = _SPARKS) -> str:
    """Values from 0 to `top` as so many letters, each the mean of those that it stands for."""
    letters = min(letters, len(values))
    ends = [round(place * len(values) / letters) for place in range(letters + 1)]
    means = (sum(values[a:b]) / (b - a) for a, b in pairwise(ends))
    last = len(_BLOCKS) - 1
    return "".join(_BLOCKS[min(last, int(mean / top * len(_BLOCKS)))] if top > 0 else _BLOCKS[0] for mean in means)


def _point(curve: ThresholdCurve, step: float) -> str:
    """The mean IoU at a threshold, and whether that in use or the best lies nearest to it."""
    marks = ""
    for mark, threshold in (("<", curve.threshold), ("*", curve.oracle)):
        near = None if threshold is None else min(round(threshold * _STEPS), _STEPS - 1)
        marks += mark if near is not None and near == round(step * _STEPS) else " "
    return f"{curve.at(step):.3f}{marks}"
