"""Training dynamics as an exhibit: what the epochs do to accuracy, loss, boxes' fit and boxes' size, on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from dogcam import figures
from dogcam.figures import Small, small_charts
from dogcam.reporting import NONE, Chart, Entry, Exhibit, Row, Table, number
from dogcam.reporting.dynamics import Dynamics, Learning, Peak, Track, dynamics, told_apart
from dogcam.reporting.evidence import Evidence, title_of
from dogcam.reporting.localisation import colour_of
from dogcam.reporting.weighing import spelled
from dogcam.statistics import Interval

DYNAMICS = "Training dynamics: accuracy, loss and boxes on one axis"
PLACE = 8
_SHOWN = 6  # methods in one small chart: as many as there are colours


def training_dynamics(evidence: Evidence) -> Exhibit | None:
    """Exhibit 8, beyond the study's six; None where no method was scored at two epochs."""
    every = [dynamics(evidence.history, evidence.tables, each, evidence.layers) for each in evidence.protocols]
    found = [each for each in every if each is not None]
    if not found:
        return None
    main = found[0]
    lead = main.sentences(evidence.pooled_layer) if _at(main, evidence.pooled_layer) else main.sentences()
    return Exhibit(
        PLACE,
        "dynamics",
        DYNAMICS,
        tuple(lead),
        (_chart(evidence, main), _table(main), *(table for each in found for table in _folded(each, each is main))),
        "At which of the kept epochs boxes fit best, whether the classifier is best there as well, and which changes "
        "from epoch to epoch are more than chance.",
        _cannot(main),
    )


def _cannot(found: Dynamics) -> str:
    """What these runs leave open."""
    several = found.main[0].run is None
    seeds = (
        f"{len(found.runs)} runs say little about how much a further one would differ."
        if several
        else "One run cannot tell what training does from what its seed did: --run all evaluates every run."
    )
    return (
        f"{seeds} Between the epochs that were evaluated nothing is known of the boxes, and a change with training need "
        "not be an effect of the classifier's accuracy."
    )


def _at(found: Dynamics, layer: str) -> list[Track]:
    return [track for track in found.main if track.layer == layer]


def _chart(evidence: Evidence, found: Dynamics) -> Chart:
    """Accuracy and loss above, then fit and size of the boxes, a row for each layer."""
    layers = list(dict.fromkeys(track.layer for track in found.main))
    shown = {layer: [track.method for track in _at(found, layer)][:_SHOWN] for layer in layers}
    charts = [Small("test accuracy", _learned(found, "accuracy")), Small("test loss", _learned(found, "loss"))]
    for layer in layers:
        tracks = [t for t in found.tracks if t.layer == layer and t.method in shown[layer]]
        charts.append(Small(f"mean IoU at {layer}", [_iou(t, found, colour_of(evidence, t.method)) for t in tracks]))
        charts.append(
            Small(f"mean box area at {layer}", [_area(t, found, colour_of(evidence, t.method)) for t in tracks])
        )
    several = found.main[0].run is None
    runs = f"Strong: means over {len(found.runs)} runs; pale: single runs. " if several else ""
    most = max(len(_at(found, layer)) for layer in layers)
    left_out = f" At each layer the first {_SHOWN} methods; all are in the tables." if most > _SHOWN else ""
    return Chart(
        "training-dynamics",
        f"{runs}Rings: the best epoch of each line. Bars: 95 % intervals of the mean IoU, cut where they leave the chart. Each "
        f"chart has its own scale; areas are shares of the picture; protocol {found.protocol}.{left_out}",
        "Small line charts of accuracy, loss, mean IoU and mean box area by epoch; the numbers are in the tables.",
        partial(small_charts, charts),
    )


def _learned(found: Dynamics, measure: str) -> list[figures.Track]:
    """Accuracy or loss of each run, and of their mean."""
    main = found.main[0].run
    lines = []
    for each in found.learning:
        peak: Peak | None = getattr(each, f"{measure}_peak")
        label = "mean" if each.run is None else f"run {each.run}"
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
    of = f"over {len(found.runs)} runs" if wanted is None else f"of run {wanted}"
    return Table(
        f"Test accuracy, test loss, mean IoU and mean box area by epoch {of}, protocol {found.protocol}.",
        ("figure", "layer", *(f"epoch {epoch}" for epoch in epochs), "best", "ahead by"),
        tuple(rows),
        words=2,
        note="In brackets: 95 % intervals. Bold: the best of these epochs; the best of all trained ones may lie between them. "
        "Ahead by: the best epoch less the second best, on the same images.",
        folded=folded,
    )


def _learning_rows(each: Learning, epochs: Sequence[int]) -> list[Row]:
    found = []
    for measure, peak in (("accuracy", each.accuracy_peak), ("loss", each.loss_peak)):
        known = dict(zip(each.epochs, getattr(each, measure), strict=True))
        best = None if peak is None else peak.epoch
        values = [Entry(number(known.get(epoch), 4), strong=epoch == best) for epoch in epochs]
        found.append(Row.of(measure, "", *values, *_best(peak)))
    return found


def _track_rows(track: Track, epochs: Sequence[int]) -> list[Row]:
    method = title_of(track.method)
    fits = dict(zip(track.epochs, track.iou, strict=True))
    areas = dict(zip(track.epochs, track.area, strict=True))
    values = [Entry(_with_interval(fits.get(epoch)), strong=epoch == track.peak.epoch) for epoch in epochs]
    return [
        Row.of(f"IoU, {method}", track.layer, *values, *_best(track.peak)),
        Row.of(f"area, {method}", track.layer, *(number(areas.get(epoch)) for epoch in epochs), NONE, NONE),
    ]


def _best(peak: Peak | None) -> tuple[str, str]:
    if peak is None:
        return NONE, NONE
    return f"e{peak.epoch}", NONE if peak.lead is None else spelled(peak.lead).partition(", neg")[0]


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
    rows = []
    for track in found.tracks:
        for pair in track.changes:
            run = "all" if track.run is None else str(track.run)
            counts = f"{pair.wins} / {pair.ties} / {pair.losses}"
            tested = (spelled(pair.difference), counts, _p(pair.p), Entry(_p(pair.holm), strong=told_apart(pair)))
            rows.append(
                Row.of(
                    title_of(track.method),
                    track.layer,
                    run,
                    f"{pair.first} − {pair.second}".replace("epoch ", "e"),
                    *tested,
                )
            )
    return Table(
        f"Paired tests between epochs, protocol {found.protocol}",
        ("method", "layer", "run", "change", "in mean IoU", "images better / same / worse", "p", "p (Holm)"),
        tuple(rows),
        words=4,
        note="One run: Wilcoxon's signed-rank test; all runs: Student's t with runs and images crossed. Holm: corrected for all "
        "changes of the method at the layer in the run. Bold: told apart at 5 % by the test, and by the interval of the mean.",
        folded=True,
    )


def _p(p: float) -> str:
    if np.isnan(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
