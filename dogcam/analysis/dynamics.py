"""What training does: accuracy, loss, localisation and box size, epoch by epoch and run by run, on one axis.

Epochs of one method at one layer are scored on the same images, so their differences are paired, as between methods.
Over several runs a mean's interval takes runs and images as crossed, and holds for training again (`intervals_over_runs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from dogcam.analysis.evidence import Columns
from dogcam.analysis.tables import cell_order, is_baseline
from dogcam.analysis.tracks import Dynamics, Learning, Peak, Track, steps
from dogcam.analysis.weighing import aligned, differences
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.experiment.runs import HistoryRow
from dogcam.experiment.training_curves import Curve, curves_of
from dogcam.statistics import Interval, Pair, compare, holm, intervals, intervals_over_runs

# A run's accuracy as scoring found it and as training did may differ by rounding of the network's arithmetic.
_AGREES = 0.002


def dynamics(
    history: Iterable[HistoryRow], tables: Mapping[Cell, Columns], protocol: str, layers: Sequence[str] = ()
) -> Dynamics | None:
    """Everything about training that one protocol's tables show; None where no method was scored at two epochs of a run.

    Args:
        history: accuracy and loss of every epoch; runs that were not evaluated are left out.
        tables: per-image columns by cell (`Evaluation.read`); other protocols and baselines are left out.
        layers: the order of layers, from the input on; those not named come first, by name.
    """
    mine = {cell: tables[cell] for cell in tables if cell.protocol == protocol and not is_baseline(cell)}
    order = {layer: place for place, layer in enumerate(layers)}
    cells = sorted(mine, key=lambda cell: (order.get(cell.layer, -1), cell_order(cell)))
    runs = tuple(sorted({cell.run for cell in cells}))
    by_run = [path for run in runs for path in _paths(cells, (run,))]
    if not by_run:
        return None
    curves = {run: curve for run, curve in curves_of(list(history)).items() if run in runs}
    together = _paths(cells, runs) if len(runs) > 1 else []
    learning = _learning(curves, mine, runs if together else ())
    of = {each.run: each.curve for each in learning}
    tracks = [*_tracks(by_run, mine, of), *_tracks(together, mine, of)]
    return Dynamics(protocol, runs, tuple(learning), tuple(tracks))


def dynamics_of(
    history: Iterable[HistoryRow], evaluation: Evaluation, protocol: str, wanted: Iterable[Cell] | None = None
) -> Dynamics | None:
    """`dynamics` of an evaluation's own tables.

    Args:
        wanted: of which cells; None takes all that are there.
    """
    cells = [cell for cell in (evaluation.cells() if wanted is None else set(wanted)) if cell.protocol == protocol]
    return dynamics(history, {cell: evaluation.read(cell) for cell in cells if not is_baseline(cell)}, protocol)


_Path = tuple[tuple[Cell, ...], ...]  # the cells of a method at a layer: by epoch, then by run


def _paths(cells: Sequence[Cell], runs: tuple[int, ...]) -> list[_Path]:
    """What was scored at two epochs or more in all of these runs."""
    there = set(cells)
    found: dict[tuple[str, str], dict[int, tuple[Cell, ...]]] = {}
    for cell in cells:
        each = tuple(replace(cell, run=run) for run in runs)
        if cell.run == runs[0] and there.issuperset(each):
            found.setdefault((cell.method, cell.layer), {})[cell.epoch] = each
    return [tuple(each.values()) for each in found.values() if len(each) > 1]


def _tracks(paths: Sequence[_Path], tables: Mapping[Cell, Columns], curves: Mapping[int | None, Curve]) -> list[Track]:
    """All paths of as many runs at once: resampling is what takes the time, and one set of resamples serves all."""
    if not paths:
        return []
    flat = [cell for path in paths for each in path for cell in each]
    runs = len(paths[0][0])
    scores = aligned([tables[cell] for cell in flat]).reshape(-1, len(flat) // runs, runs)
    scores = scores[..., 0] if runs == 1 else np.moveaxis(scores, -1, 0)
    means = iter(intervals(scores) if runs == 1 else intervals_over_runs(scores))
    found = [tuple(next(means) for _ in path) for path in paths]
    plan = [[*steps(len(each)), _best_two([mean.value for mean in each])] for each in found]
    names = iter(range(scores.shape[-1]))
    places = [[str(next(names)) for _ in path] for path in paths]
    which = [(named[a], named[b]) for named, each in zip(places, plan, strict=True) for a, b in each]
    pairs = iter(compare(scores, [name for named in places for name in named], which))
    tested = [[next(pairs) for _ in each] for each in plan]
    return [_track(*each, tables, curves) for each in zip(paths, found, plan, tested, strict=True)]


def _best_two(values: Sequence[float]) -> tuple[int, int]:
    """The places of the highest and of the next; ties by the earlier."""
    first, second, *_ = sorted(range(len(values)), key=lambda place: (-values[place], place))
    return first, second


def _track(
    path: _Path,
    iou: tuple[Interval, ...],
    plan: Sequence[tuple[int, int]],
    tested: Sequence[Pair],
    tables: Mapping[Cell, Columns],
    curves: Mapping[int | None, Curve],
) -> Track:
    """One track from its figures; the last of what was tested is the best epoch against the next."""
    cell, epochs = path[0][0], tuple(each[0].epoch for each in path)
    run = cell.run if len(path[0]) == 1 else None
    areas = tuple(float(np.mean([np.mean(tables[cell]["area"]) for cell in each])) for each in path)
    (*steps, (first, second)), (*pairs, lead) = plan, tested
    corrected = holm([pair.p for pair in pairs])
    changes = tuple(
        replace(pair, first=f"epoch {epochs[a]}", second=f"epoch {epochs[b]}", holm=float(p))
        for pair, (a, b), p in zip(pairs, steps, corrected, strict=True)
    )
    peak = Peak(epochs[first], iou[first].value, epochs[second]).led_by(lead.difference)
    accuracy = curves[run].best_of(epochs) if run in curves else None
    return Track(run, cell.method, cell.layer, epochs, iou, areas, peak, accuracy, changes)


def _learning(curves: Mapping[int, Curve], tables: Mapping[Cell, Columns], together: Sequence[int]) -> list[Learning]:
    """Of each run, and of `together` the mean over the epochs that all of these have."""
    found: dict[tuple[int, ...], Learning] = {(run,): _learned_by(run, curve) for run, curve in curves.items()}
    if together and set(together) <= set(curves):
        shared = sorted(set.intersection(*(set(curves[run].epochs) for run in together)))
        if shared:
            found[tuple(together)] = _learned_by(None, _mean([curves[run] for run in together], shared))
    right = {}
    for runs, each in found.items():
        two = (each.accuracy_peak.epoch, each.accuracy_peak.runner_up)
        sides = [[_classified(curves[run], tables, run, epoch) for run in runs] for epoch in two]
        if all(table is not None for side in sides for table in side):
            right[runs] = tuple(sides)
    leads = differences(right, of=lambda table: np.equal(table["predicted"], table["label"]))
    return [replace(each, accuracy_peak=each.accuracy_peak.led_by(leads.get(runs))) for runs, each in found.items()]


def _mean(curves: Sequence[Curve], epochs: Sequence[int]) -> Curve:
    """The mean over runs at epochs that all have."""
    rows = [[(each.accuracy[k], each.loss[k]) for k in map(each.epochs.index, epochs)] for each in curves]
    accuracy, loss = np.mean(rows, axis=0).T.tolist()
    return Curve(tuple(epochs), tuple(accuracy), tuple(loss))


def _learned_by(run: int | None, curve: Curve) -> Learning:
    peak = curve.peak()
    rest = curve.best_of(epoch for epoch in curve.epochs if epoch != curve.epochs[peak])
    lowest = min(range(len(curve.epochs)), key=lambda place: (np.isnan(curve.loss[place]), curve.loss[place]))
    loss = None if np.isnan(curve.loss[lowest]) else Peak(curve.epochs[lowest], curve.loss[lowest])
    accuracy = Peak(curve.epochs[peak], curve.accuracy[peak], rest)
    return Learning(run, curve.epochs, curve.accuracy, curve.loss, accuracy, loss)


def _classified(curve: Curve, tables: Mapping[Cell, Columns], run: int, epoch: int | None) -> Columns | None:
    """A table that holds the run's predictions at an epoch, where they are those that its accuracy was measured on."""
    table = next((tables[cell] for cell in tables if (cell.run, cell.epoch) == (run, epoch)), None)
    if table is None:
        return None
    right = np.mean(np.equal(table["predicted"], table["label"]))
    return table if abs(right - curve.accuracy[curve.epochs.index(epoch)]) <= _AGREES else None
