"""The main table of an evaluation: what was asked for, with the baselines beside it, a protocol at a time.

By default a table has at most eight columns, which a terminal of 80 columns has room for; with `--wide` every metric.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dogcam.analysis.comparison import Comparison, Line
from dogcam.analysis.faithfulness import FaithfulnessRow
from dogcam.analysis.scores import Figure, Scores
from dogcam.commands.evaluate.results import EvaluateResult
from dogcam.console.fitting import NAME, Column, drawn, fitting, stacked
from dogcam.console.naming import about, identified
from dogcam.console.tables import show, stream
from dogcam.language.numbers import ends, number
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS
from dogcam.report.naming import images

_SHORT = 8  # for the mark beside never looking, names may become as short as that
_MARKS = {"above": "above", "below": "below", "undecided": "same", "few": "too few"}
_MARKED = (
    "unseen: boxes beside the best one that never looks at the picture (marked best): above, below, or same: not told apart. "
    "rank: 1 + how many are better for certain. Both by a 95 % interval and a test corrected for all pairs (Holm)."
)
_ORACLE = "These thresholds are the best for the evaluated pictures themselves: what an oracle reaches, as MaxBoxAcc is defined."
_NO_INTERVAL = "Fewer than 10 images: there are no intervals, and nothing can be told apart."
_INTERVAL = "95 % interval: bootstrap over images, the same resamples for all (BCa; percentile of the median and of PxAP)."
_INTERVAL_OVER_RUNS = "95 % interval: over images and runs, which are crossed (Student's t); baselines: bootstrap over images."


def show_scores(result: EvaluateResult) -> None:
    """The scores of every cell that was asked for: as means over runs where there are several."""
    rows, wide = result.rows(), result.asked.config.wide
    if not rows:
        return
    tables = [rows, result.rows(single=True)] if wide and result.over_runs else [rows]
    left_out: dict[str, None] = {}
    for table in tables:
        for protocol in dict.fromkeys(row.protocol for row in table):
            title = f"Protocol {protocol}, {images(result.counted.images, '', _pictures(result))}"
            mine = [row for row in table if row.protocol == protocol]
            left_out |= dict.fromkeys((_show_wide if wide else _show)(title, mine, _standing(result, mine)))
    words = [*_notes(result, rows), *(f"No room for {name}: wider terminals and pipes have it." for name in left_out)]
    show(*words, *[""] * bool(words))


def _pictures(result: EvaluateResult) -> int | None:
    """How many pictures the scored rows are of; None where each is one of its own."""
    return result.analysis.scope.pictures if result.analysis.scope else None


def _notes(result: EvaluateResult, rows: Sequence[Scores]) -> list[str]:
    """What is to be known about the figures."""
    sure = any(_known(row) for row in rows)
    over = _INTERVAL_OVER_RUNS if result.over_runs else _INTERVAL
    words = [over if sure else _NO_INTERVAL] if result.asked.config.wide or not sure else []
    words += [_ORACLE] * any(row.threshold_from == "best" for row in rows)
    return words + [_MARKED] * (sure and result.main is not None and result.main.unseen is not None)


def _known(row: Scores) -> bool:
    """Whether the mean IoU has an interval."""
    return not math.isnan(row.scores["mean_iou"].low)


def _show(title: str, rows: Sequence[Scores], standing: Sequence[Column]) -> list[str]:
    """What fits 80 columns; returns the headings of the columns that narrower ones have no room for."""
    shared, columns = identified(rows)
    columns += [
        Column.of("mean IoU [95 %]", (_mean(row.scores["mean_iou"]) for row in rows), squeeze=0),
        *_metrics(rows, ["iou50"], _SHORT),
        *standing,
        *(_metrics(rows, ["empty"], 0) if any(row.value("empty") > 0 for row in rows) else ()),
    ]
    width = stream().width
    kept = fitting(columns, width)
    show(drawn(f"{title}{shared}", kept, width), "")
    return [column.heading for column in columns if column not in kept]


def _show_wide(title: str, rows: Sequence[Scores], standing: Sequence[Column]) -> list[str]:
    """Every metric, in as many tables as that takes."""
    shared, fixed = identified(rows)
    columns = [
        *_metrics(rows, ["mean_iou"]),
        Column.of("95 % interval", (_ends(row.scores["mean_iou"]) for row in rows)),
        *standing,
        *_metrics(rows, [name for name in METRICS if name != "mean_iou"]),
        Column.of("threshold", (figure(row.threshold, 2) for row in rows)),
    ]
    for each in stacked(f"{title}{shared}", fixed, [column for column in columns if any(column.values)], stream().width):
        show(each, "")
    return []


def _metrics(rows: Sequence[Scores], names: Iterable[str], squeeze: int = NAME) -> list[Column]:
    """A column for each metric."""
    return [
        Column.of(METRICS[name].short, (figure(row.value(name), METRICS[name].digits) for row in rows), squeeze=squeeze)
        for name in names
    ]


def _standing(result: EvaluateResult, rows: Sequence[Scores]) -> list[Column]:
    """How each row stands to the best box that never looks, and its rank, which baselines have at each epoch."""
    last = max((row.epoch for row in rows), default=0)
    ranked = len({row.epoch for row in rows if row.runs}) == 1
    marks, ranks = [], []
    for row in rows:
        family = result.comparison(row.protocol, row.epoch if row.runs else last, row.runs)
        line = None if family is None else family.line_of(row.map)
        marks.append("" if family is None or line is None else _mark(row, family, line))
        ranks.append(line.rank if line is not None and _known(row) and (row.runs or ranked) else "")
    columns = Column.of("unseen", marks, squeeze=_SHORT), Column.of("rank", ranks)
    return [column for column in columns if any(column.values)]


def _mark(row: Scores, family: Comparison, line: Line) -> str:
    """The side that a method lies on; "same" where it draws that very box."""
    if row.baseline:
        return "best" if row.map == family.unseen else ""
    return "same" if family.unseen in line.maps else _MARKS.get(line.verdict or "", "")


def figure(value: float | None, digits: int = 3) -> str:
    """A score; nothing where there is none."""
    return "" if value is None or math.isnan(value) else number(value, digits)


def _mean(found: Figure) -> str:
    """ "0.583 [.568, .597]"; without an interval the mean alone."""
    if math.isnan(found.low):
        return figure(found.value)
    low, high = (number(end).removeprefix("0") for end in (found.low, found.high))
    return f"{figure(found.value)} [{low}, {high}]"


def _ends(found: Figure) -> str:
    """The interval; nothing where there is none."""
    return "" if math.isnan(found.low) else ends(found)


def show_faithfulness(rows: Sequence[FaithfulnessRow]) -> None:
    """What the network says of pictures changed by a map: all scores, in as many tables as that takes."""
    if not rows:
        return
    shared, fixed = identified(about(row.cell for row in rows))
    columns = [
        Column.of(f"{name} {'↑' if score.larger_is_better else '↓'}", (figure(row.value(name)) for row in rows))
        for name, score in FAITHFULNESS.items()
    ]
    title = f"Faithfulness, {max(row.n for row in rows):,} images{shared}"
    for each in stacked(title, fixed, columns, stream().width):
        show(each, "")
