"""Faithfulness as numbers and as a table: what the network answers when it sees, or does not see, what a map points at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dogcam.evaluations import Cell, Evaluation
from dogcam.methods import METHODS
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS
from dogcam.reporting import Entry, Exhibit, Row, Table, count, number
from dogcam.reporting.evidence import Evidence, title_of
from dogcam.reporting.tables import cell_order
from dogcam.statistics import Interval, intervals

_KEYS = ("run", "epoch", "method", "layer")


def faithfulness_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One row per cell: run, epoch, method, layer, n (images), n_without_boxes and the mean of every score.

    Tables of other images than those asked about last are left out: they cannot stand beside the others.
    A mean is over the images that have the score, None where none has. "intervals" holds [low, high] by score, 95 % over
    images (BCa); None where there is none, and then "reasons" says why.

    Returns:
        In order of run, epoch, method and layer.
    """
    asked = (evaluation.about().get("faithfulness") or {}).get("ids")
    tables = {
        cell: evaluation.read_faithfulness(cell) for cell in sorted(evaluation.faithfulness_cells(), key=cell_order)
    }
    return [
        _row(cell, columns) for cell, columns in tables.items() if asked is None or columns["image"].tolist() == asked
    ]


def _row(cell: Cell, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    names = [name for name in FAITHFULNESS if name in columns]  # an earlier dogcam may have known fewer
    made = dict(zip(names, intervals(np.column_stack([columns[name] for name in names])), strict=True))
    boxed = columns["boxed"]
    own = {name: value for name, value in asdict(cell).items() if name in _KEYS}
    return {
        **own,
        "n": len(boxed),
        "n_without_boxes": int(np.sum(~boxed)),
        **{name: None if np.isnan(found.value) else found.value for name, found in made.items()},
        "intervals": {name: _ends(found) for name, found in made.items()},
        "reasons": {name: found.reason for name, found in made.items() if _ends(found) is None},
    }


def _ends(found: Interval) -> list[float] | None:
    return None if np.isnan(found.low) else [found.low, found.high]


def faithfulness_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The rows of `faithfulness_rows` as a table: means with their intervals, each score with the way that is better."""
    names = [name for name in FAITHFULNESS if any(row.get(name) is not None for row in rows)]
    heads = [f"{FAITHFULNESS[name].title} {'↑' if FAITHFULNESS[name].larger_is_better else '↓'}" for name in names]
    return Table(
        "Faithfulness: how the network's own probability of the class depends on what the map shows, mean and 95 % interval.",
        ("method", "layer", "run", "epoch", "n", *heads),
        tuple(_shown(row, names) for row in rows),
        words=2,
        note=_note(rows, names),
    )


PLACE = 9


def faithfulness(evidence: Evidence) -> Exhibit | None:
    """Exhibit 9, beyond the study's six; None where no map was scored for faithfulness."""
    rows = faithfulness_rows(evidence.evaluation) if evidence.evaluation else []
    if not rows:
        return None
    return Exhibit(
        PLACE,
        "faithfulness",
        "Faithfulness: does the network use what the map shows?",
        (),
        (faithfulness_table(rows),),
        "Whether the network's answer changes with what a map points at, beside maps that point at nothing it has learnt.",
        "Pictures that are masked or blurred are unlike those the network was trained on, so a score says how the network "
        "reacts to them, too. A map that never looks can do well in coherency and pointing: read each beside that baseline.",
    )


def _shown(row: Mapping[str, Any], names: Sequence[str]) -> Row:
    method = row["method"]
    where = title_of(method), row["layer"], str(row["run"]), str(row["epoch"])
    kind = "baseline" if method in METHODS and METHODS[method].baseline else ""
    return Row.of(*where, count(row["n"]), *(_entry(row, name) for name in names), kind=kind)


def _entry(row: Mapping[str, Any], name: str) -> Entry:
    """ "0.512 [0.480, 0.550]"; without an interval the mean alone."""
    ends = row["intervals"].get(name)
    if row.get(name) is None or ends is None:
        return Entry(number(row.get(name)))
    return Entry(f"{number(row[name])} [{number(ends[0])}, {number(ends[1])}]")


def _note(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """What the scores are, what the games left out, and why intervals are missing."""
    said = [f"{FAITHFULNESS[name].title}: {FAITHFULNESS[name].description}" for name in names]
    games = [FAITHFULNESS[name].title for name in BOXED_ONLY if name in names]
    without = sorted({row["n_without_boxes"] for row in rows})
    if games and any(without):
        said.append(f"{' and '.join(games)} leave out the pictures without a box ({', '.join(map(str, without))}).")
    reasons = dict.fromkeys(reason for row in rows for name, reason in row["reasons"].items() if name in names)
    said += [f"No interval where {reason}." for reason in reasons]
    return " ".join(said)
