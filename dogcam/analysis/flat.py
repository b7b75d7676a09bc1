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


def table(analysis: Analysis, name: str = "scores") -> pa.Table:
    """One of `TABLES`.

    Raises:
        UnknownName: there is no such table.
    """
    if name not in TABLES:
        raise unknown("table", name, TABLES)
    rows = rows_of(analysis, name)
    return pa.table({head: [row[head] for row in rows] for head in (rows[0] if rows else ())})


def rows_of(analysis: Analysis, name: str) -> list[Row]:
    """The rows of one of `TABLES`, all with the same columns; what is several columns where it is there leaves none."""
    rows = [plain(row) for row in TABLES[name](analysis)]
    heads = dict.fromkeys(head for row in rows for head in row)
    empty = {head for head in heads if all(row.get(head) is None for row in rows)}
    kept = [head for head in heads if head not in empty or not any(each.startswith(f"{head}_") for each in heads)]
    return [{head: row.get(head) for head in kept} for row in rows]


def flat(record: Any) -> Row:
    """A dataclass as one row."""
    return _about(record, (field.name for field in fields(record)))


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
        return {name: "; ".join(map(str, value))}  # one name together, such as the runs of a mean
    return {name: value}


def _every(attribute: str) -> Callable[[Analysis], Iterator[Row]]:
    """A row for each record of a field."""
    return lambda analysis: map(flat, getattr(analysis, attribute))


def _about(record: Any, names: Iterable[str]) -> Row:
    """Some fields of a dataclass."""
    row: Row = {}
    for name in names:
        row |= _columns(name, getattr(record, name))
    return row


_FAMILY = ("protocol", "runs", "epoch")


def _pairs(analysis: Analysis) -> Iterator[Row]:
    """A row for every two lines of each family, under the first map of each."""
    for family in analysis.comparisons:
        yield from ({**_about(family, _FAMILY), **flat(pair)} for pair in family.pairs)


def _ranking(analysis: Analysis) -> Iterator[Row]:
    """A row for each map of each line of each family; maps that draw the same boxes share their line's figures."""
    for family in analysis.comparisons:
        for line in family.lines:
            figures = {name: value for name, value in flat(line).items() if name != "maps"}
            for key in line.maps:
                yield {**_about(family, _FAMILY), **flat(key), **figures, "verdict": line.verdict}


def _claims(analysis: Analysis) -> Iterator[Row]:
    """A row for each difference that a claim rests on; `verdict` is the claim's, `side` the difference's."""
    for claim in analysis.claims:
        about = _about(claim, ("claim", "source", "protocol", "verdict"))
        for each in (*claim.differences, *([claim.whole] if claim.whole else [])):
            figures = {"method": each.method, "other": each.other, "epoch": each.epoch, "earlier": each.earlier}
            yield {**about, **figures, **_columns("difference", each.interval), "side": each.verdict}


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


TABLES: dict[str, Callable[[Analysis], Iterable[Row]]] = {
    "scores": _every("scores"),
    "over_runs": _every("over_runs"),
    "ranking": _ranking,
    "pairs": _pairs,
    "groups": _groups,
    "curves": _curves,
    "decompositions": _decompositions,
    "training": _training,
    "dynamics": _dynamics,
    "claims": _claims,
    "faithfulness": _faithfulness,
}
