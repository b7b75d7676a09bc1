"""The main table of an evaluation: what every cell scored, with the baselines beside it, a protocol at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dogcam.analysis.faithfulness import FaithfulnessRow
from dogcam.console.fitting import NAME, Column, drawn, fitting, stacked
from dogcam.console.naming import Row, identified, is_baseline
from dogcam.console.tables import piped, show, stream
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS

_SHORT = 8  # for the interval, and for how it stands to what never looks, names may become as short as that
_MARKS = {"above": "above", "below": "below", "undecided": "same", "few": "too few", None: ""}
_ORACLE = "These thresholds are the best for the evaluated pictures themselves: what an oracle reaches, as MaxBoxAcc is defined."
_NO_INTERVAL = "Fewer than 10 images: there are no intervals, and nothing can be told apart."
_UNSEEN = "unseen"
_MARKED = (
    "unseen: the mean IoU is below or above that of the best box that never looks, by a paired 95 % interval that is not "
    "corrected for their number, or the same: not told apart from it."
)

_INTERVAL = (
    "95 % interval: bootstrap over images, the same resamples for all (BCa; percentile of the median and of PxAP)."
)
_INTERVAL_OVER_RUNS = (
    "95 % interval: over images and runs, which are crossed (Student's t); baselines: bootstrap over images."
)


def show_scores(result: Any) -> None:
    """The scores of every cell that was asked for: as means over runs where there are several.

    Without a terminal the single runs follow.
    """
    single = [row for row in result.rows if result.asked(row)]
    tables = [single]
    if result.over_runs:
        over = [*result.over_runs, *(row for row in single if is_baseline(row))]
        tables = [over, single] if piped() else [over]
    left_out: dict[str, None] = {}
    for rows in tables:
        for protocol in dict.fromkeys(row["protocol"] for row in rows):
            title = f"Protocol {protocol}, {result.images:,} images"
            left_out |= dict.fromkeys(_show(title, [row for row in rows if row["protocol"] == protocol]))
    sure = any(row["intervals"]["mean_iou"] for row in tables[0])
    words = [_NO_INTERVAL if not sure else _INTERVAL_OVER_RUNS if result.over_runs else _INTERVAL]
    words += [_ORACLE] * any(row.get("threshold_from") == "best" for row in single)
    words += [_MARKED] * (any(row["unseen"] for row in tables[0]) and _UNSEEN not in left_out)
    words += [f"No room for {', '.join(left_out)}: wider terminals, pipes and --json have them."] * bool(left_out)
    show(*words, *[""] * bool(words))


def _show(title: str, rows: Sequence[Row]) -> list[str]:
    """Show one table, and return the headings of the columns that it has no room for."""
    shared, columns = identified(rows)
    columns = [*columns, *_score_columns(rows)]
    width = stream().width
    kept = fitting(columns, width)
    show(drawn(f"{title}{shared}", kept, width), "")
    return [column.heading for column in columns if column not in kept]


def _score_columns(rows: Sequence[Row]) -> list[Column]:
    """The figures, the most important first; those that no row has are left out."""
    first = [
        Column.of("mean IoU", (figure(row["mean_iou"]) for row in rows), squeeze=0),
        Column.of("95 % interval", (_ends(row["intervals"]["mean_iou"]) for row in rows), squeeze=_SHORT),
        Column.of(_UNSEEN, (_MARKS[row["unseen"]] for row in rows), squeeze=_SHORT),
    ]
    # The interval stands for the standard error; how many maps are empty comes last.
    others = (name for name in METRICS if name not in ("mean_iou", "sem", "empty"))
    rest = [_score_column(name, rows) for name in (*others, "threshold", "empty")]
    return [column for column in (*first, *rest) if column.squeeze == 0 or any(column.values)]


def _score_column(name: str, rows: Sequence[Row]) -> Column:
    """One score; where maps are empty, how many is always said."""
    heading, digits = (METRICS[name].short, METRICS[name].digits) if name in METRICS else (name, 2)
    squeeze = 0 if name == "empty" and any(row[name] for row in rows) else NAME
    return Column.of(heading, (figure(row[name], digits) for row in rows), squeeze=squeeze)


def figure(value: float | None, digits: int = 3) -> str:
    """A score; nothing where there is none, and no sign where it rounds to 0."""
    return "" if value is None or value != value else f"{value:z.{digits}f}"


def _ends(ends: Sequence[float] | None) -> str:
    """An interval; nothing where there are too few images for one."""
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def show_faithfulness(rows: Sequence[FaithfulnessRow]) -> None:
    """What the network says of pictures changed by a map: all scores, in as many tables as that takes."""
    if not rows:
        return
    shared, fixed = identified([asdict(row.cell) for row in rows])
    columns = [
        Column.of(f"{name} {'↑' if score.larger_is_better else '↓'}", (figure(row.value(name)) for row in rows))
        for name, score in FAITHFULNESS.items()
    ]
    title = f"Faithfulness, {max(row.n for row in rows):,} images{shared}"
    for each in stacked(title, fixed, columns, stream().width):
        show(each, "")
