"""Numbers of localisation: how large the boxes are (in exhibit 5) and how well they fit (exhibit 6)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from dogcam.analysis import study
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.findings import caution, rests_on
from dogcam.analysis.statements import Finding
from dogcam.analysis.tables import is_baseline, scores
from dogcam.boxes.geometry import area
from dogcam.figures import Interval, Series, intervals, line_chart
from dogcam.language import message, say
from dogcam.language.numbers import NONE, count, number, percent
from dogcam.methods import never_looks, title_of
from dogcam.metrics import METRICS
from dogcam.report.colours import colour_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.exhibits.thresholds import threshold_blocks
from dogcam.report.protocol_words import in_words

IOU = message("How well the boxes fit: IoU by method and epoch")
_REFERENCES = 4  # dotted lines in a chart: more lie on each other


def area_blocks(evidence: Evidence) -> list[Table | Chart]:
    """How large the boxes are, by method and epoch, beside the annotated ones."""
    protocol = evidence.protocols[0]
    rows = [_area_row(evidence, protocol, method, layer) for method, layer in evidence.pairs]
    annotated = annotated_area(evidence)
    rows.append(Row.of(say("annotated boxes"), "", *(number(annotated) for _ in evidence.epochs)))
    for name, table in evidence.baselines(protocol).items():
        mean = number(float(np.mean(table["area"])))
        rows.append(Row.of(title_of(name), "", *(mean for _ in evidence.epochs), kind="baseline"))
    table = Table(
        say(
            "Mean area of the predicted boxes, as a share of the picture, under protocol {protocol} ({images}).",
            protocol=protocol,
            images=evidence.images,
        ),
        (say("method"), say("layer"), *(say("epoch {epoch}", epoch=epoch) for epoch in evidence.epochs)),
        tuple(rows),
        words=2,
        note=say(
            "An image without a predicted box counts as 0; of several annotated boxes of an image the mean is taken. The study "
            "compares the sizes in words and gives no figures."
        ),
    )
    return [table, *_area_chart(evidence, protocol, annotated)]


def _area_row(evidence: Evidence, protocol: str, method: str, layer: str) -> Row:
    tables = [evidence.columns(protocol, method, layer, epoch) for epoch in evidence.epochs]
    means = [NONE if table is None else number(float(np.mean(table["area"]))) for table in tables]
    return Row.of(title_of(method), layer, *means)


def annotated_area(evidence: Evidence) -> float:
    """The mean over images of the mean area of an image's annotated boxes, as a share of the picture."""
    truth = next(iter(evidence.tables.values()))["truth"]
    means = [float(area(boxes).mean()) for boxes in truth if len(boxes)]
    return float(np.mean(means)) if means else float("nan")


def _series(evidence: Evidence, protocol: str, column: str, errors: bool) -> list[Series]:
    """One line for each method at the pooled layer."""
    found = []
    for method in evidence.pooled_methods:
        tables = {epoch: evidence.pooled(protocol, method, epoch) for epoch in evidence.epochs}
        there = {epoch: scores(table) for epoch, table in tables.items() if table is not None}
        half = [_half(row["sem"]) for row in there.values()] if errors else None
        values = [row[column] for row in there.values()]
        found.append(Series(title_of(method), list(there), values, half, colour=colour_of(evidence, method)))
    return found


def _half(sem: float | None) -> float:
    """Half the width of the 95 % interval of a mean; 0 where there is none."""
    return 1.96 * sem if sem is not None and np.isfinite(sem) else 0.0


def _area_chart(evidence: Evidence, protocol: str, annotated: float) -> list[Chart]:
    series = _series(evidence, protocol, "area", errors=False)
    if len(evidence.epochs) < 2 or not series:
        return []
    references = {say("annotated"): annotated} if np.isfinite(annotated) else {}
    return [
        Chart(
            "box-areas",
            say(
                "Mean box area by epoch at {layer}, protocol {protocol}, beside the annotated boxes.",
                layer=evidence.pooled_layer,
                protocol=protocol,
            ),
            say("Line chart of mean box area by epoch; the numbers are in the table."),
            partial(line_chart, series, say("box area (share of picture)"), references=references),
        )
    ]


def iou(evidence: Evidence, made: tuple[Finding, ...]) -> Exhibit | None:
    """Exhibit 6: mean IoU by method and epoch with standard error, n and baselines, beside the published figures."""
    if not evidence.tables:
        return None
    blocks: list[Any] = []
    for place, protocol in enumerate(evidence.protocols):
        blocks.append(_iou_table(evidence, protocol))
        if place == 0:
            blocks += [*_iou_chart(evidence, protocol), *_interval_chart(made, protocol)]
            blocks += threshold_blocks(evidence, protocol)
    blocks += [_full_table(evidence, protocol) for protocol in evidence.protocols]
    lead = tuple(finding.sentence for finding in made if finding.protocol == evidence.protocols[0])
    return Exhibit(
        "iou",
        say(IOU),
        lead,
        tuple(blocks),
        say("Which of these methods and epochs boxes these images better, under these protocols, with this network."),
        " ".join(
            [
                caution(evidence, made),
                say(
                    "A box also depends on the threshold, so a low IoU does not mean that the network looked elsewhere."
                ),
                say(study.UNSTATED),
            ]
        ),
    )


def _iou_table(evidence: Evidence, protocol: str) -> Table:
    """The study's table: a row for each method and layer, ours and the published figure side by side at each epoch."""
    epochs = sorted({*evidence.epochs, *study.EPOCHS})
    rows = [
        _iou_row(evidence, protocol, run, method, layer, epochs)
        for run in evidence.runs
        for method, layer in evidence.pairs
    ]
    for name, table in evidence.baselines(protocol).items():
        ours = scores(table)
        values = [entry for _ in epochs for entry in (_mean(ours), NONE)]
        what = say("never looks") if never_looks(name) else say("fresh weights")
        rows.append(Row.of(title_of(name), what, NONE, count(len(table["image"])), *values, kind="baseline"))
    heads = [
        head for epoch in epochs for head in (say("epoch {epoch}", epoch=epoch), say("e{epoch} published", epoch=epoch))
    ]
    return Table(
        say("Mean IoU ± standard error under protocol {protocol}, beside the published figures.", protocol=protocol),
        (say("method"), say("layer"), say("run"), "n", *heads),
        tuple(row for row in rows if row is not None),
        words=3,
        aside=tuple(range(5, 4 + len(heads), 2)),
        note=f"{in_words(evidence.protocol(protocol))} {study.comparability(evidence.document)} {_unseen()}",
    )


def _unseen() -> str:
    values = ", ".join(f"{name} {number(value)}" for name, value in study.UNSEEN_IOU.items())
    return say(
        "To read the published figures by: on the full test split of Stanford Dogs never looking reaches {values}.",
        values=values,
    )


def _mean(row: dict[str, float | None], strong: bool = False) -> Entry:
    value, sem = row["mean_iou"], row["sem"]
    text = number(value) if sem is None or not np.isfinite(sem) else f"{number(value)} ± {number(sem)}"
    return Entry(text, strong, bar=value)


def _iou_row(evidence: Evidence, protocol: str, run: int, method: str, layer: str, epochs: list[int]) -> Row | None:
    found = {
        cell.epoch: table
        for cell, table in evidence.tables.items()
        if (cell.run, cell.method, cell.layer, cell.protocol) == (run, method, layer, protocol)
    }
    if not found:
        return None
    published = study.IOU.get(method, {}) if layer == evidence.pooled_layer else {}
    values: list[str | Entry] = []
    for epoch in epochs:
        values.append(_mean(scores(found[epoch])) if epoch in found else NONE)
        values.append(number(published.get(epoch)))
    n = count(max(len(table["image"]) for table in found.values()))
    return Row.of(title_of(method), layer, str(run), n, *values)


def _iou_chart(evidence: Evidence, protocol: str) -> list[Chart]:
    """Ours with error bars, the published figures hollow, and what never looking reaches as dotted lines."""
    series = _series(evidence, protocol, "mean_iou", errors=True)
    if not series:
        return []
    for method, values in study.IOU.items():
        label = say("{method}, published", method=title_of(method))
        series.append(
            Series(label, list(values), list(values.values()), colour=colour_of(evidence, method), hollow=True)
        )
    references = _references(evidence, protocol)
    return [
        Chart(
            "iou-by-epoch",
            say(
                "Mean IoU by epoch at {layer}, protocol {protocol}, with 95 % intervals; hollow and dashed: as published, "
                "protocol unknown; dotted: baselines.",
                layer=evidence.pooled_layer,
                protocol=protocol,
            ),
            say("Line chart of mean IoU by epoch, ours and published; the numbers are in the table."),
            partial(line_chart, series, say("mean IoU"), references=references),
        )
    ]


def _references(evidence: Evidence, protocol: str) -> dict[str, float]:
    """The baselines' means; of many the best and the worst that never look, and those that do."""
    means = {name: float(np.mean(table["iou"])) for name, table in evidence.baselines(protocol).items()}
    unseen = sorted((name for name in means if never_looks(name)), key=means.__getitem__)
    kept = means if len(means) <= _REFERENCES else [name for name in means if name in (*unseen[:1], *unseen[-1:])]
    looking = [name for name in means if name not in unseen]
    return {title_of(name): means[name] for name in dict.fromkeys([*kept, *looking])}


def _interval_chart(made: tuple[Finding, ...], protocol: str) -> list[Chart]:
    """Every comparison that the findings rest on, each once."""
    rows = [
        Interval(label, difference.mean, difference.low, difference.high)
        for (of, label), difference in rests_on(made).items()
        if of == protocol and np.isfinite(difference.low)
    ]
    if not rows:
        return []
    return [
        Chart(
            "iou-differences",
            say(
                "Paired differences in IoU with their 95 % intervals, protocol {protocol}; grey: the interval holds 0.",
                protocol=protocol,
            ),
            say("Intervals of the paired differences; the numbers are in the sentences above."),
            partial(intervals, rows, say("difference in IoU")),
        )
    ]


def _full_table(evidence: Evidence, protocol: str) -> Table:
    """Every score of every cell."""
    rows = []
    for cell, table in evidence.tables.items():
        if cell.protocol == protocol:
            values = scores(table)
            where = ("", "", NONE) if is_baseline(cell) else (cell.layer, str(cell.run), str(cell.epoch))
            kind = "baseline" if is_baseline(cell) else ""
            rows.append(Row.of(title_of(cell.method), *where, count(len(table["image"])), *_shown(values), kind=kind))
    heads = [say(metric.title) for metric in METRICS.values()]
    note = " ".join(f"{say(metric.title)}: {say(metric.description)}" for metric in METRICS.values())
    return Table(
        say("Every score under protocol {protocol}", protocol=protocol),
        (say("method"), say("layer"), say("run"), say("epoch"), "n", *heads),
        tuple(rows),
        words=2,
        note=note,
        folded=True,
    )


def _shown(values: dict[str, float | None]) -> list[str]:
    return [percent(value) if name == "empty" else number(value) for name, value in values.items()]
