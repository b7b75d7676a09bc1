"""The tables of a summary, tidy, as rows for CSV: a row is one observation, a column one variable, and no cell holds two.

An interval is two columns, `mean_iou_low` and `mean_iou_high`; a figure that is not there is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
_CELL = ("run", "epoch", "method", "layer", "protocol")
_ENDS = ("low", "high")


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
            own = {"names": _listed(line["names"]), **{name: line[name] for name in ("rank", "letters", "same")}}
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


def _walks(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each choice of each walk."""
    for walk in document["walks"]:
        about = {name: walk[name] for name in ("first", "second", "layer", "run", "epoch")}
        for step in walk["steps"]:
            label = " + ".join(step["names"])
            changes = [_interval(step[account], account) for account in ("forward", "backward", "average")]
            flat = {name: value for each in changes for name, value in each.items()}
            bounds = {"least": step["least"], "most": step["most"]}
            yield {**about, "choice": label, "change": walk["said"].get(label), **flat, **bounds}


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
        about = {name: claim[name] for name in ("claim", "source", "protocol", "verdict", "sentence")}
        for found in claim["differences"] or [{}]:
            yield {**about, "label": found.get("label"), "n": found.get("n"), **_interval(found, "difference")}


TABLES: dict[str, Callable[[Mapping[str, Any]], Iterable[Row]]] = {
    "rows": _table_of("rows"),
    "over_runs": _table_of("over_runs"),
    "ranking": _ranking,
    "pairs": _pairs,
    "breakdowns": _breakdowns,
    "curves": _curves,
    "walks": _walks,
    "dynamics": _dynamics,
    "claims": _claims,
    "faithfulness": _table_of("faithfulness"),
}
