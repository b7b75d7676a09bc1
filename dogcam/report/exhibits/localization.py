"""How well the boxes fit: mean IoU by method and epoch beside the published figures, thresholds, and every score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from dogcam.analysis import study
from dogcam.analysis.claims import Claim
from dogcam.analysis.scores import Scores, ThresholdCurve
from dogcam.analysis.study import Setting
from dogcam.boxes.baselines import never_looks
from dogcam.experiment.evaluations import MapKey
from dogcam.figures import Interval, Series, Sweep, intervals, line_chart, sweep_chart
from dogcam.language import say
from dogcam.language.numbers import NONE, count, number, percent, signed
from dogcam.methods import title_of
from dogcam.metrics import METRICS
from dogcam.report.claims_words import caution, difference_label, sentence
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.material import Material
from dogcam.report.naming import layer_words
from dogcam.report.protocol_words import in_words
from dogcam.report.study_words import comparability
from dogcam.report.texts import exhibit, heads, text

_REFERENCES = 4  # dotted lines in a chart: more lie on each other
_CURVES = 8  # lines in the chart of thresholds


def localization(material: Material) -> Exhibit | None:
    """None where no box was scored."""
    analysis = material.analysis
    if not analysis.scores:
        return None
    main, *others = analysis.protocols
    blocks: list[Table | Chart] = [_iou_table(material, main), *_iou_chart(material, main)]
    blocks += [*_differences(material, main), *_thresholds(material, main)]
    blocks += [_iou_table(material, protocol) for protocol in others]
    blocks += [_every_score(material, protocol) for protocol in analysis.protocols]
    lead = [sentence(claim) for claim in analysis.claims if claim.protocol == main]
    cannot = " ".join(
        [caution(analysis.claims, material.images, material.on_training), text("localization.cannot"), text("study.unstated")]
    )
    return exhibit("localization", lead, blocks, cannot=cannot)


def series(material: Material, protocol: str, metric: str, errors: bool) -> list[Series]:
    """One line for each method at the pooled layer.

    Args:
        errors: with 1.96 standard errors on both sides.
    """
    found = []
    for key in material.analysis.pooled:
        rows = material.analysis.of(protocol, key=key)
        values = [row.value(metric) for row in rows.values()]
        half = [1.96 * np.nan_to_num(row.value("sem")) for row in rows.values()] if errors else None
        if rows:
            found.append(Series(title_of(key.method), list(rows), values, half, colour=material.colour_of(key.method)))
    return found


def _iou_table(material: Material, protocol: str) -> Table:
    """The study's table: a row for each method and layer, ours and the published figure side by side at each epoch."""
    analysis = material.analysis
    epochs = sorted({*analysis.epochs, *study.EPOCHS})
    by_run = [(run, key) for run in analysis.runs for key in analysis.maps]
    rows = [_iou_row(material, protocol, run, key, epochs) for run, key in by_run]
    for row in analysis.baselines(protocol):
        values = [entry for _ in epochs for entry in (_mean(row), NONE)]
        what = text("localization.unseen" if never_looks(row.map.method) else "localization.fresh")
        rows.append(Row.of(title_of(row.map.method), what, NONE, count(row.n), *values, kind="baseline"))
    both = [text(f"localization.{name}", epoch=epoch) for epoch in epochs for name in ("epoch", "published")]
    first = heads("localization.heads")
    unseen = ", ".join(f"{name} {number(value)}" for name, value in study.UNSEEN_IOU.items())
    note = [
        in_words(material.kept.tables.protocol(protocol) if material.kept else None),
        comparability(Setting.of(material.document)),
    ]
    return Table(
        text("localization.table", protocol=protocol),
        (*first, "n", *both),
        tuple(row for row in rows if row is not None),
        words=3,
        aside=tuple(range(5, 4 + len(both), 2)),
        note=" ".join([*note, text("localization.orientation", values=unseen)]),
    )


def _mean(row: Scores) -> Entry:
    value, sem = row.value("mean_iou"), row.value("sem")
    return Entry(number(value) if np.isnan(sem) else f"{number(value)} ± {number(sem)}", bar=value)


def _iou_row(material: Material, protocol: str, run: int, key: MapKey, epochs: Sequence[int]) -> Row | None:
    rows = material.analysis.of(protocol, run, key)
    if not rows:
        return None
    published = study.IOU.get(key.method, {}) if key.layer == material.analysis.pooled_layer else {}
    values: list[str | Entry] = []
    for epoch in epochs:
        values += [_mean(rows[epoch]) if epoch in rows else NONE, number(published.get(epoch))]
    return Row.of(title_of(key.method), key.layer, str(run), count(max(row.n for row in rows.values())), *values)


def _iou_chart(material: Material, protocol: str) -> list[Chart]:
    """Ours with error bars, the published figures hollow, and what never looking reaches as dotted lines."""
    lines = series(material, protocol, "mean_iou", errors=True)
    if not lines:
        return []
    for method, values in study.IOU.items():
        label, colour = text("localization.as_published", method=title_of(method)), material.colour_of(method)
        lines.append(Series(label, list(values), list(values.values()), colour=colour, hollow=True))
    references = _references(material.analysis.baselines(protocol))
    draw = partial(line_chart, lines, text("localization.axis"), references=references)
    caption = text("localization.chart", layer=layer_words(material.analysis.pooled_layer), protocol=protocol)
    return [Chart("iou-by-epoch", caption, text("localization.chart_alt"), draw)]


def _references(rows: Iterable[Scores]) -> dict[str, float]:
    """The baselines' means; of many the best and the worst that never look, and those that do."""
    means = {row.map.method: row.value("mean_iou") for row in rows}
    unseen = sorted((name for name in means if never_looks(name)), key=means.__getitem__)
    kept = means if len(means) <= _REFERENCES else [name for name in means if name in (*unseen[:1], *unseen[-1:])]
    looking = [name for name in means if name not in unseen]
    return {title_of(name): means[name] for name in dict.fromkeys([*kept, *looking])}


def _differences(material: Material, protocol: str) -> list[Chart]:
    """Every comparison that the claims rest on, each once."""
    mine: list[Claim] = [claim for claim in material.analysis.claims if claim.protocol == protocol]
    labelled = {difference_label(each): each.interval for claim in mine for each in claim.differences}
    rows = [Interval(label, i.value, i.low, i.high) for label, i in labelled.items() if np.isfinite(i.low)]
    if not rows:
        return []
    draw = partial(intervals, rows, text("localization.differences_axis"))
    caption, alt = text("localization.differences", protocol=protocol), text("localization.differences_alt")
    return [Chart("iou-differences", caption, alt, draw)]


def _thresholds(material: Material, protocol: str) -> list[Chart | Table]:
    """The curves at the layer that feeds the pooling, at the latest epoch of the run that speaks; none where none were kept."""
    analysis = material.analysis
    at = (analysis.run, protocol, analysis.pooled_layer)
    mine = [curve for curve in analysis.curves if (curve.cell.run, curve.cell.protocol, curve.cell.layer) == at]
    last = [curve for curve in mine if curve.cell.epoch == max(curve.cell.epoch for curve in mine)]
    return [_threshold_chart(material, last[:_CURVES]), _threshold_table(last)] if last else []


def _threshold_chart(material: Material, curves: Sequence[ThresholdCurve]) -> Chart:
    sweeps = [
        Sweep(title_of(c.cell.method), c.thresholds, c.mean_iou, c.threshold, material.colour_of(c.cell.method)) for c in curves
    ]
    cell = curves[0].cell
    return Chart(
        "iou-by-threshold",
        text("thresholds.chart", layer=layer_words(cell.layer), protocol=cell.protocol, run=cell.run, epoch=cell.epoch),
        text("thresholds.chart_alt"),
        partial(sweep_chart, sweeps, text("localization.axis"), text("thresholds.axis")),
    )


def _threshold_table(curves: Sequence[ThresholdCurve]) -> Table:
    """Both thresholds with what they reach."""
    rows = tuple(map(_threshold_row, curves))
    return Table(text("thresholds.table"), heads("thresholds.heads"), rows, note=text("thresholds.note"), folded=True)


def _threshold_row(curve: ThresholdCurve) -> Row:
    best = max(curve.mean_iou)
    used = None if curve.threshold is None else curve.at(curve.threshold)
    lost = NONE if used is None else signed(best - used)
    oracle = number(curve.oracle), number(best)
    return Row.of(title_of(curve.cell.method), number(curve.threshold), number(used), *oracle, lost)


def _every_score(material: Material, protocol: str) -> Table:
    """Every score of every cell."""
    rows = []
    for row in material.analysis.scores:
        if row.protocol == protocol:
            where = ("", "", NONE) if row.baseline else (row.map.layer, str(row.runs[0]), str(row.epoch))
            values = [(percent if name == "empty" else number)(row.value(name)) for name in METRICS]
            kind = "baseline" if row.baseline else ""
            rows.append(Row.of(title_of(row.map.method), *where, count(row.n), *values, kind=kind))
    titles = [say(metric.title) for metric in METRICS.values()]
    return Table(
        text("localization.every", protocol=protocol),
        (*heads("localization.every_heads"), "n", *titles),
        tuple(rows),
        words=2,
        note=" ".join(f"{say(metric.title)}: {say(metric.description)}" for metric in METRICS.values()),
        folded=True,
    )
