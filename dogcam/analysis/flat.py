"""The analysis as tidy tables: a row is one observation, a column one variable, and no cell holds two.

A figure with an interval is three columns, `mean_iou`, `mean_iou_low` and `mean_iou_high`; a map two, `method` and `layer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from itertools import product
from typing import Any

import pyarrow as pa

from dogcam.core.files import plain
from dogcam.core.registry import unknown

Row = dict[str, Any]
Analysis = Any  # `analysis.Analysis`, which offers these tables itself and so cannot be imported here
_ENDS = ("value", "low", "high")
_MERGED = ("map", "cell", "scores", "")  # what these hold needs no other name before its own


def table(analysis: Analysis, name: str) -> pa.Table:
    """One of `TABLES`.

    Raises:
        UnknownName: there is no such table.
    """
    if name not in TABLES:
        raise unknown("table", name, TABLES)
    rows = [plain(row) for row in TABLES[name](analysis)]
    heads = dict.fromkeys(head for row in rows for head in row)
    return pa.table({head: [row.get(head) for row in rows] for head in heads})


def flat(record: Any) -> Row:
    """A dataclass as one row."""
    row: Row = {}
    for field in fields(record):
        row |= _columns(field.name, getattr(record, field.name))
    return row


def _columns(name: str, value: Any) -> Row:
    """What one field becomes: one column or several."""
    before = "" if name in _MERGED else f"{name}_"
    if all(hasattr(value, end) for end in _ENDS):
        return {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
    if is_dataclass(value):
        return {f"{before}{key}": each for key, each in flat(value).items()}
    if isinstance(value, dict):
        row: Row = {}
        for key, each in value.items():
            row |= _columns(f"{before}{key}", each)
        return row
    if isinstance(value, tuple):
        return {name: "; ".join(map(_word, value))}
    return {name: value}


def _word(value: Any) -> str:
    """One of several values that are one name together: the runs of a mean, the maps of a line."""
    return " at ".join(filter(None, flat(value).values())) if is_dataclass(value) else str(value)


def _every(attribute: str) -> Callable[[Analysis], Iterator[Row]]:
    """A row for each record of a field."""
    return lambda analysis: map(flat, getattr(analysis, attribute))


def _within(attribute: str, inner: str, about: tuple[str, ...]) -> Callable[[Analysis], Iterator[Row]]:
    """A row for each record inside of the records of a field, with what these say of all of them."""

    def rows(analysis: Analysis) -> Iterator[Row]:
        for outer in getattr(analysis, attribute):
            head: Row = {}
            for name in about:
                head |= _columns(name, getattr(outer, name))
            for record in getattr(outer, inner):
                yield {**head, **flat(record)}

    return rows


def _curves(analysis: Analysis) -> Iterator[Row]:
    """A row for each threshold of each cell."""
    for curve in analysis.curves:
        about = {**flat(curve.cell), "in_use": curve.threshold, "oracle": curve.oracle}
        for threshold, mean in zip(curve.thresholds, curve.mean_iou, strict=True):
            yield {**about, "threshold": threshold, "mean_iou": mean}


def _groups(analysis: Analysis) -> Iterator[Row]:
    """A row for each score of each group of each cell."""
    for found in analysis.groups:
        for line in found.lines:
            scores = {"mean_iou": line.mean_iou, **line.scores}
            for (metric, figures), (place, group) in product(scores.items(), enumerate(found.groups)):
                if figures[place] is not None:
                    about = {"by": found.by, **_columns("group", group), **flat(line.cell), "metric": metric}
                    yield {**about, **{end: getattr(figures[place], end) for end in _ENDS}}


def _decompositions(analysis: Analysis) -> Iterator[Row]:
    """A row for each choice of each decomposition."""
    for found in analysis.decompositions:
        for step in found.numbers.steps:
            about = {"first": found.first.name, "second": found.second.name}
            yield {**about, "layer": found.layer, "run": found.run, "epoch": found.epoch, **flat(step)}


def _training(analysis: Analysis) -> Iterator[Row]:
    """A row for each split of each epoch of each run."""
    for run in analysis.training.runs:
        for split, curve in (("train", run.train), ("test", run.test)):
            for epoch, accuracy, loss in zip(curve.epochs, curve.accuracy, curve.loss, strict=True):
                yield {"run": run.run, "epoch": epoch, "split": split, "accuracy": accuracy, "loss": loss}


def _dynamics(analysis: Analysis) -> Iterator[Row]:
    """A row for each epoch of each method at a layer: mean IoU and box area; of several runs also over them."""
    for found in analysis.dynamics:
        for track in found.tracks:
            about = {"protocol": found.protocol, "run": track.run, "method": track.method, "layer": track.layer}
            for epoch, iou, area in zip(track.epochs, track.iou, track.area, strict=True):
                yield {**about, "epoch": epoch, **_columns("mean_iou", iou), "area": area}


def _faithfulness(analysis: Analysis) -> Iterator[Row]:
    """A row for each cell."""
    return map(flat, analysis.faithfulness.rows if analysis.faithfulness else ())


_FAMILY = ("protocol", "runs", "epoch")
TABLES: dict[str, Callable[[Analysis], Iterable[Row]]] = {
    "scores": _every("scores"),
    "over_runs": _every("over_runs"),
    "ranking": _within("comparisons", "lines", _FAMILY),
    "pairs": _within("comparisons", "pairs", _FAMILY),
    "groups": _groups,
    "curves": _curves,
    "decompositions": _decompositions,
    "training": _training,
    "dynamics": _dynamics,
    "claims": _within("claims", "differences", ("claim", "source", "protocol", "verdict")),
    "faithfulness": _faithfulness,
}
