"""Numbers for tables, all computed from the per-image rows: what `evaluate` prints and what the report shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from dogcam.evaluations import Cell, Evaluation
from dogcam.methods import METHODS
from dogcam.metrics import METRICS
from dogcam.protocols import PROTOCOLS
from dogcam.runs import HistoryRow


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts "block_5" before "block_12"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def _position(name: str, known: Iterable[str]) -> tuple[int, str]:
    """The place of a name in a registry; names that it does not know come last, in order of the alphabet."""
    names = list(known)
    return (names.index(name), "") if name in names else (len(names), name)


def is_baseline(cell: Cell) -> bool:
    """Whether a cell never looks at the picture: it belongs to no run."""
    return cell.run == 0


def cell_order(cell: Cell) -> tuple[Any, ...]:
    """Sorts cells by protocol, run, epoch, method and layer, with a protocol's baselines at its end."""
    method = _position(cell.method, METHODS)
    return (
        _position(cell.protocol, PROTOCOLS),
        is_baseline(cell),
        cell.run,
        cell.epoch,
        method,
        _natural(cell.layer),
    )


def scores(columns: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """Every registered metric of a cell's columns; None where the table lacks what the metric needs."""
    return {
        name: metric.of(columns) if all(need in columns for need in metric.needs) else None
        for name, metric in METRICS.items()
    }


def localisation_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One row per cell: run, epoch, method, layer, protocol, n (images) and every metric of `METRICS`.

    Returns:
        In order of protocol, run, epoch, method and layer; a protocol's baselines come after its methods.
    """
    found = []
    for cell in sorted(evaluation.cells(), key=cell_order):
        columns = evaluation.read(cell)
        found.append({**asdict(cell), "n": len(columns["image"]), **scores(columns)})
    return found


def training_rows(history: Iterable[HistoryRow]) -> list[dict[str, Any]]:
    """One row per run and epoch: run, epoch, and accuracy and loss of each split (test_accuracy, train_loss, ...).

    A split that was not measured at an epoch has no entry there.
    """
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for row in history:
        entry = found.setdefault((row.run, row.epoch), {"run": row.run, "epoch": row.epoch})
        entry[f"{row.split}_accuracy"] = row.accuracy
        entry[f"{row.split}_loss"] = row.loss
    return [found[key] for key in sorted(found)]
