"""Scores by group, and by threshold: a column for each cell, numbered where its name is too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from rich.cells import cell_len

from dogcam.analysis.groups import Groups
from dogcam.console.fitting import Column, drawn, fitting, stacked
from dogcam.console.naming import identified, is_baseline, named
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
    rows = [asdict(line.cell) for line in found.lines]
    title, known = _title(found, rows), labels(found)
    if len(known) <= _FEW:
        _show_across(title, found, rows, known)
        return
    order = list(range(len(known)))
    if found.by == "breed":
        first = next((line for line in found.lines if not is_baseline(asdict(line.cell))), found.lines[0])
        order.sort(key=lambda place: -first.mean_iou[place].value)
    fixed = [
        Column.of(found.by, (known[place] for place in order), name=True),
        Column.of("n", (f"{found.groups[place].n:,}" for place in order)),
    ]
    columns = [[_with_interval(line.mean_iou[place]) for place in order] for line in found.lines]
    _show_numbered(title, fixed, named(rows), columns)


def _title(found: Groups, rows: Sequence[Any]) -> str:
    # By "right", each epoch's network is right on other pictures; the groups' sizes are those of one of them.
    sizes = [group.n for group in found.groups]
    own = any([each.n for each in line.mean_iou] != sizes for line in found.lines)
    more = "; n of one network, others are right on other pictures" if own else ""
    protocols = dict.fromkeys(row["protocol"] for row in rows)
    under = f", protocol {next(iter(protocols))}" if len(protocols) == 1 else ""
    shared, _ = identified(rows)
    return f"Mean IoU and 95 % interval by {found.by}{under}{shared}{more}"


def _show_across(title: str, found: Groups, rows: Sequence[Any], known: Sequence[str]) -> None:
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


def show_curves(curves: Sequence[Any]) -> None:
    """Mean IoU by threshold: each cell's curve as a small picture, and about ten of its points in numbers."""
    if not curves:
        return
    names, width = named(curves), stream().width
    top = max(max(curve["mean_iou"]) for curve in curves)
    shared, columns = identified(curves)
    if len({curve["protocol"] for curve in curves}) > 1:
        columns.append(Column.of("protocol", (curve["protocol"] for curve in curves), name=True, squeeze=0))
    columns += [
        Column.of("threshold", (figure(curve["threshold"]) for curve in curves), squeeze=0),
        Column.of("IoU", (figure(_at(curve, curve["threshold"])) for curve in curves), squeeze=0),
        Column.of("best", (figure(curve["oracle_threshold"]) for curve in curves), squeeze=0),
        Column.of("IoU", (figure(_at(curve, curve["oracle_threshold"])) for curve in curves), squeeze=0),
        Column.of("mean IoU by threshold", (sparkline(curve["mean_iou"], top) for curve in curves), squeeze=8),
    ]
    show(drawn(f"Mean IoU by threshold{shared}; up to {top:.3f}", fitting(columns, width), width), "")
    # Grids of several protocols may differ: each cell is told at its own thresholds nearest to these.
    steps = [step / _STEPS for step in range(_STEPS)]
    told = [[_point(curve, step) for step in steps] for curve in curves]
    fixed = [Column.of("threshold", (f"{step:.1f}" for step in steps))]
    _show_numbered("Mean IoU at thresholds (<: nearest to the one in use, *: to the best)", fixed, names, told)


def sparkline(values: Sequence[float], top: float, letters: int = _SPARKS) -> str:
    """Values from 0 to `top` as so many letters, each the mean of those that it stands for."""
    letters = min(letters, len(values))
    ends = [round(place * len(values) / letters) for place in range(letters + 1)]
    means = (sum(values[a:b]) / (b - a) for a, b in pairwise(ends))
    last = len(_BLOCKS) - 1
    return "".join(_BLOCKS[min(last, int(mean / top * len(_BLOCKS)))] if top > 0 else _BLOCKS[0] for mean in means)


def _nearest(curve: Any, threshold: float) -> int:
    distances = [abs(each - threshold) for each in curve["thresholds"]]
    return distances.index(min(distances))


def _at(curve: Any, threshold: float | None) -> float | None:
    return None if threshold is None else curve["mean_iou"][_nearest(curve, threshold)]


def _point(curve: Any, step: float) -> str:
    """The mean IoU at a threshold, and whether that in use or the best lies nearest to it."""
    marks = ""
    for mark, key in (("<", "threshold"), ("*", "oracle_threshold")):
        near = None if curve[key] is None else min(round(curve[key] * _STEPS), _STEPS - 1)
        marks += mark if near is not None and near == round(step * _STEPS) else " "
    return f"{curve['mean_iou'][_nearest(curve, step)]:.3f}{marks}"
