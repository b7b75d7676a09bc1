"""The summary as CSV files (RFC 4180, UTF-8), one a table: what `evaluate --csv` writes.

The tables are tidy: a row is one observation, a column one variable, and no cell holds two. An interval is two columns,
`mean_iou_low` and `mean_iou_high`; a figure that is not there is empty; truth is `true` or `false`. A text that a spreadsheet
would take for a formula, since it begins with =, +, -, @, a tabulator or a line's end, begins with an apostrophe instead:
layers, classes and files have names that others gave. Numbers are left as they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dogcam.core.files import readable, write_bytes

Row = dict[str, Any]
_CELL = ("run", "epoch", "method", "layer", "protocol")
_ENDS = ("low", "high")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(folder: Path, document: Mapping[str, Any]) -> list[Path]:
    """Write the tables of a summary (see `summary.FIELDS`) that have rows; those of an earlier call that have none now go.

    Returns:
        The files written: of rows, over_runs, ranking, pairs, breakdowns, curves, decompositions, dynamics, claims, faithfulness.
    """
    written = []
    for name, rows_of in TABLES.items():
        path, rows = folder / f"{name}.csv", list(rows_of(document))
        if rows:
            write_bytes(path, as_csv(rows).encode("utf-8"))
            written.append(path)
        else:
            path.unlink(missing_ok=True)
    return written


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows under the names of all their columns, in the order in which these first appear."""
    headings = list(dict.fromkeys(name for row in rows for name in row))
    return in_columns(headings, ([row.get(name) for name in headings] for row in rows))


def in_columns(headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Rows of values under their headings, of which several may be alike."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(map(_text, headings))
    writer.writerows(map(_text, row) for row in rows)
    return buffer.getvalue()


def _text(value: Any) -> str:
    """One cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = readable(str(value))
    harmless = not isinstance(value, str) or not text.startswith(_FORMULA) or _is_number(text)
    return text if harmless else f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listed(values: Iterable[Any]) -> str:
    """Several values that are one name together: the runs of a mean, the names of a line."""
    return "; ".join(map(str, values))


def _interval(found: Mapping[str, Any] | None, name: str) -> Row:
    """A figure and its ends, under its name; nothing where there is no figure."""
    found = found or {}
    return {name: found.get("value"), **{f"{name}_{end}": found.get(end) for end in _ENDS}}


def _scored(row: Mapping[str, Any]) -> Row:
    """A row of scores, its intervals as columns."""
    flat = {name: value for name, value in row.items() if name not in ("intervals", "reasons", "runs")}
    runs = {"runs": _listed(row["runs"])} if "runs" in row else {}
    ends = {
        f"{name}_{end}": value
        for name, both in row["intervals"].items()
        for end, value in zip(_ENDS, both or (None, None), strict=True)
    }
    return {**runs, **flat, **ends}


def _table_of(key: str) -> Callable[[Mapping[str, Any]], Iterator[Row]]:
    return lambda document: map(_scored, document[key])


def _compared(comparison: Mapping[str, Any]) -> Row:
    return {**{name: comparison[name] for name in ("protocol", "epoch")}, "runs": _listed(comparison["runs"])}


def _ranking(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each line of each comparison."""
    for comparison in document["comparisons"]:
        for line in comparison["lines"]:
            own = {"names": _listed(line["names"]), "rank": line["rank"], "letters": line["letters"]}
            own |= {f"same_{of}": (line["same"] or {}).get(of) for of in ("boxes", "maps")}
            unseen = _interval((line["unseen"] or {}).get("difference"), "unseen")
            yield {**_compared(comparison), **own, **_interval(line["iou"], "mean_iou"), **unseen}


def _pairs(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each pair of each comparison."""
    for comparison in document["comparisons"]:
        for pair in comparison["pairs"]:
            yield {**_compared(comparison), **_pair(pair)}


def _pair(pair: Mapping[str, Any]) -> Row:
    own = {name: value for name, value in pair.items() if name != "difference"}
    return {**own, "n": pair["difference"]["n"], **_interval(pair["difference"], "difference")}


def _breakdowns(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each group of each cell."""
    for breakdown in document["breakdowns"]:
        for line in breakdown["lines"]:
            cell = {name: line[name] for name in _CELL}
            for group, found in zip(breakdown["groups"], line["mean_iou"], strict=True):
                about = {"by": breakdown["by"], "group": group["label"], **cell, "n": found["n"]}
                ends = {name: found[name] for name in ("value", "low", "high")}
                yield {**about, "metric": "mean_iou", **ends, "reason": found["reason"]}
            for metric, values in line["scores"].items():
                for group, found in zip(breakdown["groups"], values, strict=True):
                    if found is not None:
                        ends = dict(zip(("value", "low", "high"), found, strict=True))
                        yield {"by": breakdown["by"], "group": group["label"], **cell, "metric": metric, **ends}


def _curves(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each threshold of each cell."""
    for curve in document["curves"]:
        about = {
            **{name: curve[name] for name in _CELL},
            "in_use": curve["threshold"],
            "oracle": curve["oracle_threshold"],
        }
        for threshold, mean in zip(curve["thresholds"], curve["mean_iou"], strict=True):
            yield {**about, "threshold": threshold, "mean_iou": mean}


def _decompositions(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each choice of each decomposition."""
    for found in document["decompositions"]:
        ends = found["first"], found["second"]
        about = {end: f"{of['method']}@{of['protocol']}" for end, of in zip(("first", "second"), ends, strict=True)}
        about |= {name: found[name] for name in ("layer", "run", "epoch")}
        for step in found["numbers"]["steps"]:
            changed = {
                end: _listed(_code(each) for name in step["names"] for each in of["settings"][name])
                for end, of in zip(("from", "to"), ends, strict=True)
            }
            changes = [_interval(step[account], account) for account in ("forward", "backward", "average")]
            flat = {name: value for each in changes for name, value in each.items()}
            bounds = {"least": step["least"], "most": step["most"]}
            yield {**about, "choice": _listed(step["names"]), **changed, **flat, **bounds}


def _code(setting: Mapping[str, Any]) -> str:
    """ "above 0.2"."""
    return setting["code"] if setting["number"] is None else f"{setting['code']} {setting['number']:g}"


def _dynamics(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each figure of each epoch: accuracy and loss of the network, mean IoU and box area of the methods."""
    for found in document["dynamics"]:
        for each in found["learning"]:
            for figure in ("accuracy", "loss"):
                of = {
                    "protocol": found["protocol"],
                    "run": each["run"],
                    "method": None,
                    "layer": None,
                    "figure": figure,
                }
                yield from _by_epoch(of, each["epochs"], ({"value": value} for value in each[figure]))
        for each in found["tracks"]:
            of = {"protocol": found["protocol"], **{name: each[name] for name in ("run", "method", "layer")}}
            yield from _by_epoch({**of, "figure": "mean_iou"}, each["epochs"], each["iou"])
            areas = ({"value": value} for value in each["area"])
            yield from _by_epoch({**of, "figure": "area"}, each["epochs"], areas)


def _by_epoch(of: Row, epochs: Iterable[int], found: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    for epoch, each in zip(epochs, found, strict=True):
        yield {**of, "epoch": epoch, **{name: each.get(name) for name in ("value", *_ENDS)}}


def _claims(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each difference that a claim rests on; one for a claim that rests on none."""
    for claim in document["claims"]:
        about = {name: claim[name] for name in ("claim", "source", "protocol", "verdict")}
        for found in claim["differences"] or [{}]:
            between = {name: found.get(name) for name in ("method", "other", "epoch", "earlier")}
            interval = found.get("interval", {})
            yield {**about, **between, "n": interval.get("n"), **_interval(interval, "difference")}


TABLES: dict[str, Callable[[Mapping[str, Any]], Iterable[Row]]] = {
    "rows": _table_of("rows"),
    "over_runs": _table_of("over_runs"),
    "ranking": _ranking,
    "pairs": _pairs,
    "breakdowns": _breakdowns,
    "curves": _curves,
    "decompositions": _decompositions,
    "dynamics": _dynamics,
    "claims": _claims,
    "faithfulness": _table_of("faithfulness"),
}
