"""Training dynamics as an exhibit: what the epochs do to accuracy, loss, boxes' fit and boxes' size, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from dogcam import figures
from dogcam.analysis.dynamics import dynamics
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.tracks import Dynamics, Learning, Peak, Track
from dogcam.figures import Small, small_charts
from dogcam.language import message, say
from dogcam.language.numbers import NONE, number, p_value, spelled
from dogcam.methods import title_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.exhibits.localisation import colour_of
from dogcam.statistics import Interval, Pair

_MEASURES = {"accuracy": message("accuracy"), "loss": message("loss")}
_TOLD = 3  # tracks that sentences are about; all are in the table
_SHOWN = 6  # methods in one small chart: as many as there are colours
_CHANGES = (
    message("method"),
    message("layer"),
    message("run"),
    message("change"),
    message("in mean IoU"),
    message("images better / same / worse"),
    message("p"),
    message("p (Holm)"),
)


def training_dynamics(evidence: Evidence) -> Exhibit | None:
    """Exhibit 8, beyond the study's six; None where no method was scored at two epochs."""
    every = [dynamics(evidence.history, evidence.tables, each, evidence.layers) for each in evidence.protocols]
    found = [each for each in every if each is not None]
    if not found:
        return None
    main = found[0]
    lead = main.sentences(evidence.pooled_layer if _at(main, evidence.pooled_layer) else None, most=_TOLD)
    return Exhibit(
        "dynamics",
        say("Training dynamics: accuracy, loss and boxes on one axis"),
        tuple(lead),
        (_chart(evidence, main), _table(main), *(table for each in found for table in _folded(each, each is main))),
        say(
            "At which of the kept epochs boxes fit best, whether the classifier is best there as well, and which changes "
            "from epoch to epoch are more than chance."
        ),
        _cannot(main),
    )


def _cannot(found: Dynamics) -> str:
    """What these runs leave open."""
    if found.main[0].run is None:
        seeds = say("{n} runs say little about how much a further one would differ.", n=len(found.runs))
    else:
        seeds = say("One run cannot tell what training does from what its seed did: --run all evaluates every run.")
    between = say(
        "Between the epochs that were evaluated nothing is known of the boxes, and a change with training need not be an "
        "effect of the classifier's accuracy."
    )
    return f"{seeds} {between}"


def _at(found: Dynamics, layer: str) -> list[Track]:
    return [track for track in found.main if track.layer == layer]


def _chart(evidence: Evidence, found: Dynamics) -> Chart:
    """Accuracy and loss above, then fit and size of the boxes, a row for each layer."""
    layers = list(dict.fromkeys(track.layer for track in found.main))
    charts = [
        Small(say("test accuracy"), _learned(found, "accuracy")),
        Small(say("test loss"), _learned(found, "loss")),
    ]
    for layer in layers:
        shown = [track.method for track in _at(found, layer)][:_SHOWN]
        tracks = [t for t in found.tracks if t.layer == layer and t.method in shown]
        fits = [_iou(t, found, colour_of(evidence, t.method)) for t in tracks]
        sizes = [_area(t, found, colour_of(evidence, t.method)) for t in tracks]
        charts.append(Small(say("mean IoU at {layer}", layer=layer), fits))
        charts.append(Small(say("mean box area at {layer}", layer=layer), sizes))
    return Chart(
        "training-dynamics",
        _caption(found, most=max(len(_at(found, layer)) for layer in layers)),
        say("Small line charts of accuracy, loss, mean IoU and mean box area by epoch; the numbers are in the tables."),
        partial(small_charts, charts, x_label=say("epoch")),
    )


def _caption(found: Dynamics, most: int) -> str:
    """How the charts are read; `most` is how many methods there are at one layer."""
    told = []
    if found.main[0].run is None:
        told.append(say("Strong: means over {n} runs; pale: single runs.", n=len(found.runs)))
    told.append(
        say(
            "Rings: the best epoch of each line. Bars: 95 % intervals of the mean IoU, cut where they leave the chart. Each "
            "chart has its own scale; areas are shares of the picture; protocol {protocol}.",
            protocol=found.protocol,
        )
    )
    if most > _SHOWN:
        told.append(say("At each layer the first {n} methods; all are in the tables.", n=_SHOWN))
    return " ".join(told)


def _learned(found: Dynamics, measure: str) -> list[figures.Track]:
    """Accuracy or loss of each run, and of their mean."""
    main = found.main[0].run
    lines = []
    for each in found.learning:
        peak: Peak | None = getattr(each, f"{measure}_peak")
        label = say("mean") if each.run is None else say("run {run}", run=each.run)
        epoch = None if peak is None or each.run != main else peak.epoch
        values = getattr(each, measure)
        lines.append(figures.Track(label, each.epochs, values, thin=each.run != main, peak=epoch))
    return lines


def _iou(track: Track, found: Dynamics, colour: int) -> figures.Track:
    """Mean IoU of one track; intervals and ring only where it is a main one."""
    values = [each.value for each in track.iou]
    if track.run != found.main[0].run:
        return figures.Track("", track.epochs, values, colour=colour, thin=True)
    ends = ([each.low for each in track.iou], [each.high for each in track.iou])
    return figures.Track(title_of(track.method), track.epochs, values, *ends, colour=colour, peak=track.peak.epoch)


def _area(track: Track, found: Dynamics, colour: int) -> figures.Track:
    thin = track.run != found.main[0].run
    label = "" if thin else title_of(track.method)
    return figures.Track(label, track.epochs, track.area, colour=colour, thin=thin)


def _epochs(found: Dynamics) -> list[int]:
    return sorted({epoch for track in found.tracks for epoch in track.epochs})


def _table(found: Dynamics, run: int | None = None, folded: bool = False) -> Table:
    """Every figure by evaluated epoch, with its peak: of the main tracks, or of one run."""
    wanted = found.main[0].run if run is None else run
    epochs = _epochs(found)
    rows = [row for each in found.learning if each.run == wanted for row in _learning_rows(each, epochs)]
    rows += [row for track in found.tracks if track.run == wanted for row in _track_rows(track, epochs)]
    heads = (say("figure"), say("layer"), *(say("epoch {epoch}", epoch=epoch) for epoch in epochs))
    return Table(
        _of(found, wanted),
        (*heads, say("best"), say("ahead by")),
        tuple(rows),
        words=2,
        note=say(
            "In brackets: 95 % intervals. Set off: the best of these epochs; the best of all trained ones may lie between them. "
            "Ahead by: the best epoch less the second best, on the same images."
        ),
        folded=folded,
    )


def _of(found: Dynamics, run: int | None) -> str:
    """What the table of one run, or of all, holds."""
    if run is None:
        return say(
            "Test accuracy, test loss, mean IoU and mean box area by epoch over {n} runs, protocol {protocol}.",
            n=len(found.runs),
            protocol=found.protocol,
        )
    return say(
        "Test accuracy, test loss, mean IoU and mean box area by epoch of run {run}, protocol {protocol}.",
        run=run,
        protocol=found.protocol,
    )


def _learning_rows(each: Learning, epochs: Sequence[int]) -> list[Row]:
    found = []
    for measure, peak in (("accuracy", each.accuracy_peak), ("loss", each.loss_peak)):
        known = dict(zip(each.epochs, getattr(each, measure), strict=True))
        best = None if peak is None else peak.epoch
        values = [Entry(number(known.get(epoch), 4), strong=epoch == best, untested=True) for epoch in epochs]
        found.append(Row.of(say(_MEASURES[measure]), "", *values, *_best(peak)))
    return found


def _track_rows(track: Track, epochs: Sequence[int]) -> list[Row]:
    method = title_of(track.method)
    fits = dict(zip(track.epochs, track.iou, strict=True))
    areas = dict(zip(track.epochs, track.area, strict=True))
    peak, open_still = track.peak.epoch, not _sure(track)
    values = [Entry(_with_interval(fits.get(e)), strong=e == peak, untested=open_still) for e in epochs]
    return [
        Row.of(say("IoU, {method}", method=method), track.layer, *values, *_best(track.peak)),
        Row.of(
            say("area, {method}", method=method),
            track.layer,
            *(number(areas.get(epoch)) for epoch in epochs),
            NONE,
            NONE,
        ),
    ]


def _sure(track: Track) -> bool:
    """Whether the best epoch is told apart from every other one."""
    mine = [change for change in track.changes if f"epoch {track.peak.epoch}" in (change.first, change.second)]
    return bool(mine) and all(change.told_apart for change in mine)


def _best(peak: Peak | None) -> tuple[str, str]:
    if peak is None:
        return NONE, NONE
    # Without what is said of its size after the interval.
    return f"e{peak.epoch}", NONE if peak.lead is None else "".join(spelled(peak.lead).partition("]")[:2])


def _with_interval(found: Interval | None) -> str:
    if found is None or np.isnan(found.low):
        return number(None if found is None else found.value)
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"


def _folded(found: Dynamics, is_main: bool) -> list[Table]:
    """The tests between epochs, single runs where there is a mean over them, and the table itself of another protocol."""
    runs = [run for run in found.runs if run != found.main[0].run]
    own = [] if is_main else [_table(found, folded=True)]
    return [*own, _changes(found), *(_table(found, run, folded=True) for run in runs)]


def _changes(found: Dynamics) -> Table:
    """Every paired test between epochs."""
    rows = [
        Row.of(title_of(track.method), track.layer, _run(track), f"e{later} − e{earlier}", *_tested(change))
        for track in found.tracks
        for later, earlier, change in track.tested
    ]
    return Table(
        say("Paired tests between epochs, protocol {protocol}", protocol=found.protocol),
        tuple(say(head) for head in _CHANGES),
        tuple(rows),
        words=4,
        note=say(
            "One run: Wilcoxon's signed-rank test; all runs: Student's t with runs and images crossed. Holm: corrected for all "
            "changes of the method at the layer in the run. Bold: told apart at 5 % by the test, and by the interval of the "
            "mean."
        ),
        folded=True,
    )


def _run(track: Track) -> str:
    return say("all") if track.run is None else str(track.run)


def _tested(change: Pair) -> tuple[str | Entry, ...]:
    """The change, on how many images it is a gain, and its tests."""
    counts = f"{change.wins} / {change.ties} / {change.losses}"
    return spelled(change.difference), counts, p_value(change.p), Entry(p_value(change.holm), strong=change.told_apart)
