"""Training dynamics as an exhibit: what the epochs do to accuracy, loss, boxes' fit and boxes' size, on one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from dogcam import figures
from dogcam.analysis.dynamics import Dynamics, Learning, Peak, Track
from dogcam.figures import Small, small_charts
from dogcam.language import say
from dogcam.language.numbers import NONE, number, p_value, signed_ends, spelled, with_ends
from dogcam.methods import title_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.dynamics_words import sentences
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, heads, text
from dogcam.statistics import Pair

_TOLD = 3  # tracks that sentences are about; all are in the table
_SHOWN = 6  # methods in one small chart: as many as there are colours


def dynamics(material: Material) -> Exhibit | None:
    """None where no method was scored at two epochs."""
    found, pooled = material.analysis.dynamics, material.analysis.pooled_layer
    if not found:
        return None
    main = found[0]
    layer = pooled if _at(main, pooled) else None
    folded = (table for each in found for table in _folded(each, each is main))
    blocks = (_chart(main, material.colour_of), _table(main), *folded)
    return exhibit("dynamics", sentences(main, layer, most=_TOLD), blocks, cannot=_cannot(main))


def _cannot(found: Dynamics) -> str:
    """What these runs leave open."""
    several = found.main_run is None
    seeds = text("dynamics.cannot_over_runs", len(found.runs)) if several else text("dynamics.cannot_of_one_run")
    return " ".join([seeds, text("dynamics.cannot_between")])


def _at(found: Dynamics, layer: str) -> list[Track]:
    return [track for track in found.main if track.layer == layer]


def _chart(found: Dynamics, colour_of: Callable[[str], int]) -> Chart:
    """Accuracy and loss above, then fit and size of the boxes, a row for each layer."""
    layers = list(dict.fromkeys(track.layer for track in found.main))
    accuracy, loss = heads("dynamics.chart_heads")
    charts = [Small(accuracy, _learned(found, "accuracy")), Small(loss, _learned(found, "loss"))]
    for layer in layers:
        shown = [track.method for track in _at(found, layer)][:_SHOWN]
        tracks = [track for track in found.tracks if track.layer == layer and track.method in shown]
        lines = [_lines(track, found.main_run, colour_of(track.method)) for track in tracks]
        titles = heads("dynamics.layer_heads", layer=layer)
        charts += [Small(title, each) for title, each in zip(titles, zip(*lines, strict=True), strict=True)]
    return Chart(
        "training-dynamics",
        _caption(found, most=max(len(_at(found, layer)) for layer in layers)),
        text("dynamics.chart_alt"),
        partial(small_charts, charts, x_label=say("epoch")),
    )


def _caption(found: Dynamics, most: int) -> str:
    """How the charts are read; `most` is how many methods there are at one layer."""
    told = [text("dynamics.chart_over_runs", len(found.runs))] if found.main_run is None else []
    told.append(text("dynamics.chart", protocol=found.protocol))
    return " ".join([*told, text("dynamics.chart_first", _SHOWN)] if most > _SHOWN else told)


def _learned(found: Dynamics, measure: str) -> list[figures.Track]:
    """Accuracy or loss of each run, and of their mean."""
    lines = []
    for each in found.learning:
        peak: Peak | None = getattr(each, f"{measure}_peak")
        label = say("mean") if each.run is None else say("run {run}", run=each.run)
        thin = each.run != found.main_run
        epoch = None if peak is None or thin else peak.epoch
        lines.append(figures.Track(label, each.epochs, getattr(each, measure), thin=thin, peak=epoch))
    return lines


def _lines(track: Track, main: int | None, colour: int) -> tuple[figures.Track, figures.Track]:
    """Mean IoU and mean area of one track; name, intervals and ring only where it is a main one."""
    values = [each.value for each in track.iou]
    if track.run != main:
        fit, area = (figures.Track("", track.epochs, each, colour=colour, thin=True) for each in (values, track.area))
        return fit, area
    ends = ([each.low for each in track.iou], [each.high for each in track.iou])
    name = title_of(track.method)
    fit = figures.Track(name, track.epochs, values, *ends, colour=colour, peak=track.peak.epoch)
    return fit, figures.Track(name, track.epochs, track.area, colour=colour)


def _table(found: Dynamics, run: int | None = None, folded: bool = False) -> Table:
    """Every figure by evaluated epoch, with its peak: of the main tracks, or of one run."""
    wanted = found.main_run if run is None else run
    epochs = sorted({epoch for track in found.tracks for epoch in track.epochs})
    rows = [row for each in found.learning if each.run == wanted for row in _learning_rows(each, epochs)]
    rows += [row for track in found.tracks if track.run == wanted for row in _track_rows(track, epochs)]
    figure, layer, best, ahead = heads("dynamics.table_heads")
    by_epoch = (say("epoch {epoch}", epoch=epoch) for epoch in epochs)
    if wanted is None:
        caption = text("dynamics.table_over_runs", len(found.runs), protocol=found.protocol)
    else:
        caption = text("dynamics.table_of_run", run=wanted, protocol=found.protocol)
    note = text("dynamics.table_note")
    return Table(caption, (figure, layer, *by_epoch, best, ahead), tuple(rows), words=2, note=note, folded=folded)


def _learning_rows(each: Learning, epochs: Sequence[int]) -> list[Row]:
    """Accuracy and loss."""
    rows = []
    measures = ((each.accuracy, each.accuracy_peak), (each.loss, each.loss_peak))
    for title, (measured, peak) in zip(heads("dynamics.learning_heads"), measures, strict=True):
        known = dict(zip(each.epochs, measured, strict=True))
        best = None if peak is None else peak.epoch
        values = [Entry(number(known.get(epoch), 4), strong=epoch == best, untested=True) for epoch in epochs]
        rows.append(Row.of(title, "", *values, *_best(peak)))
    return rows


def _track_rows(track: Track, epochs: Sequence[int]) -> list[Row]:
    """Fit and size of the boxes."""
    fit, area = heads("dynamics.track_heads", method=title_of(track.method))
    ious = dict(zip(track.epochs, track.iou, strict=True))
    areas = dict(zip(track.epochs, track.area, strict=True))
    best, untested = track.peak.epoch, not _sure(track)
    values = [Entry(with_ends(ious.get(epoch)), strong=epoch == best, untested=untested) for epoch in epochs]
    return [
        Row.of(fit, track.layer, *values, *_best(track.peak)),
        Row.of(area, track.layer, *(number(areas.get(epoch)) for epoch in epochs), NONE, NONE),
    ]


def _sure(track: Track) -> bool:
    """Whether the best epoch is told apart from every other one that it was tested against."""
    mine = [pair for pair in track.changes if track.peak.epoch in (pair.first, pair.second)]
    return bool(mine) and all(pair.told_apart for pair in mine)


def _best(peak: Peak | None) -> tuple[str, str]:
    """The best epoch, and its lead without what is said of its size."""
    if peak is None:
        return NONE, NONE
    return f"e{peak.epoch}", NONE if peak.lead is None else signed_ends(peak.lead)


def _folded(found: Dynamics, is_main: bool) -> list[Table]:
    """The tests between epochs, single runs where there is a mean over them, and the table itself of another protocol."""
    own = [] if is_main else [_table(found, folded=True)]
    return [*own, _changes(found), *(_table(found, run, folded=True) for run in found.runs if run != found.main_run)]


def _changes(found: Dynamics) -> Table:
    """Every paired test between epochs."""
    rows = [
        Row.of(
            title_of(track.method),
            track.layer,
            say("all") if track.run is None else str(track.run),
            f"e{change.first} − e{change.second}",
            *_tested(change),
        )
        for track in found.tracks
        for change in track.changes
    ]
    return Table(
        text("dynamics.changes", protocol=found.protocol),
        heads("dynamics.changes_heads"),
        tuple(rows),
        words=4,
        note=text("dynamics.changes_note"),
        folded=True,
    )


def _tested(pair: Pair[int]) -> tuple[str | Entry, ...]:
    """The change, on how many images it is a gain, and its tests."""
    counts = f"{pair.wins} / {pair.ties} / {pair.losses}"
    return spelled(pair), counts, p_value(pair.p), Entry(p_value(pair.holm), strong=pair.told_apart)
