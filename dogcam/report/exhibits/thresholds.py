"""How much hangs on the threshold: mean IoU at every one of them, and at the one in use beside the best (in exhibit 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dogcam.analysis.evidence import Evidence
from dogcam.analysis.tables import curve_rows
from dogcam.experiment.evaluations import Cell
from dogcam.figures import Sweep, sweep_chart
from dogcam.language import say
from dogcam.language.numbers import NONE, number, signed
from dogcam.methods import title_of
from dogcam.report.colours import colour_of
from dogcam.report.document import Chart, Row, Table

_MOST = 8  # lines in one chart


def threshold_blocks(evidence: Evidence, protocol: str) -> list[Chart | Table]:
    """The curves at the layer that feeds the pooling, at the latest epoch of the shown run; none where none were kept."""
    epoch = evidence.last_pooled(protocol)
    if evidence.evaluation is None or epoch is None:
        return []
    pooled = evidence.pooled_layer
    cells = [Cell(evidence.run, epoch, method, pooled, protocol) for method in evidence.pooled_methods]
    rows = curve_rows(evidence.evaluation, [cell for cell in cells if cell in evidence.tables])
    return [_chart(evidence, rows[:_MOST]), _table(rows)] if rows else []


def _chart(evidence: Evidence, rows: Sequence[Mapping[str, Any]]) -> Chart:
    sweeps = [
        Sweep(
            title_of(row["method"]),
            row["thresholds"],
            row["mean_iou"],
            row["threshold"],
            colour_of(evidence, row["method"]),
        )
        for row in rows
    ]
    first = rows[0]
    return Chart(
        "iou-by-threshold",
        say(
            "Mean IoU by threshold at {layer}, protocol {protocol}, run {run}, epoch {epoch}. Filled: the threshold in use; "
            "ringed: the best of all, which only an oracle knows.",
            layer=first["layer"],
            protocol=first["protocol"],
            run=first["run"],
            epoch=first["epoch"],
        ),
        say("Line chart of mean IoU by threshold; the numbers at the marked thresholds are in the table."),
        partial(sweep_chart, sweeps, say("mean IoU"), say("threshold (share of the map's maximum)")),
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Both thresholds with what they reach."""
    heads = (
        say("method"),
        say("threshold in use"),
        say("mean IoU there"),
        say("best threshold"),
        say("mean IoU there"),
        say("lost"),
    )
    return Table(
        say("The threshold in use and the best one (oracle), chosen on the very images that are scored."),
        heads,
        tuple(_row(row) for row in rows),
        note=say("Lost: what the best threshold would add to the mean IoU."),
        folded=True,
    )


def _row(row: Mapping[str, Any]) -> Row:
    values, best = row["mean_iou"], max(row["mean_iou"])
    at = row["threshold"]
    # Thresholds are an even grid from 0: the one in use is the grid's or lies between two of its.
    used = None if at is None else values[min(round(at * len(values)), len(values) - 1)]
    lost = NONE if used is None else signed(best - used)
    oracle = number(row["oracle_threshold"]), number(best)
    return Row.of(title_of(row["method"]), number(at), number(used), *oracle, lost)
