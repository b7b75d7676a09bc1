"""The analysis as tidy tables: a row is one observation, a column one variable, and no cell holds two.

A figure with an interval is three columns, `mean_iou`, `mean_iou_low` and `mean_iou_high`; a map two, `method` and `layer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pyarrow as pa

from dogcam.analysis.analysis import Analysis
from dogcam.core.files import plain

Row = dict[str, Any]
_ENDS = ("value", "low", "high")
_MERGED = ("map", "cell", "scores", "")  # what these hold needs no other name before its own


def table(analysis: Analysis, name: str = "scores") -> pa.Table:
    """One of `TABLES`; `.to_pandas()` makes a data frame of it, where pandas is installed.

    Raises:
        KeyError: there is no such table.
    """
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


_FAMILY = ("protocol", "runs", "epoch")
TABLES: dict[str, Callable[[Analysis], Iterable[Row]]] = {
    "scores": _every("scores"),
    "over_runs": _every("over_runs"),
    "ranking": _within("comparisons", "lines", _FAMILY),
    "pairs": _within("comparisons", "pairs", _FAMILY),
    "curves": _curves,
}
