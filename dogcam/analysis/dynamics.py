"""What training does: accuracy, loss, localisation and box size, epoch by epoch and run by run, on one axis.

Epochs of one method at one layer are scored on the same images, so their differences are paired, as between methods.
Over several runs a mean's interval takes runs and images as crossed, and holds for training again (`intervals_over_runs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dogcam.analysis.tables import Columns, cell_order, is_baseline, pictures_of, right_of
from dogcam.analysis.weighing import Sides, aligned, differences, pictures_in
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.training_curves import Curve
from dogcam.statistics import Interval, Pair, compare, holm, intervals, intervals_over_runs

# A run's accuracy as scoring found it and as training did may differ by rounding of the network's arithmetic.
_AGREES = 0.002


@dataclass(frozen=True)
class Peak:
    """The best epoch of one figure.

    Attributes:
        epoch: the best epoch.
        value: the figure there.
        runner_up: the second best; null where there is one epoch.
        lead: by how much the best is ahead of it, on the same images; null where images cannot be compared one by one.
        separable: whether the lead's 95 % interval lies above 0; null where there is no lead.
    """

    epoch: int
    value: float
    runner_up: int | None = None
    lead: Interval | None = None
    separable: bool | None = None

    def led_by(self, lead: Interval | None) -> Peak:
        """The same with the lead over the runner-up.

        That the two were picked for being the best does not make a lead likelier by chance: of equal epochs the best two lie
        closer together than two picked beforehand.
        """
        if lead is None or np.isnan(lead.low):
            return replace(self, lead=lead)
        return replace(self, lead=lead, separable=lead.verdict == "above")


@dataclass(frozen=True)
class Learning:
    """Test accuracy and loss of one run at every trained epoch, or their means over runs (`run` None).

    Attributes:
        run: number of the run; null for the mean over runs.
        epochs: every trained epoch.
        accuracy: test accuracy at each.
        loss: test loss at each; null where it is not a number.
        accuracy_peak: the highest; ties by lower loss, then the earlier, as everywhere in dogcam.
        loss_peak: the lowest, ties by the earlier; null where no loss is a number. Losses have no lead: images' own are not kept.
    """

    run: int | None
    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    accuracy_peak: Peak
    loss_peak: Peak | None


@dataclass(frozen=True)
class Track:
    """One method at one layer along its evaluated epochs, in one run or over all runs (`run` None).

    Attributes:
        run: number of the run; null over all runs.
        method: whose boxes these are.
        layer: of whose maps.
        epochs: the evaluated epochs, ascending.
        iou: the mean IoU at each epoch.
        area: the mean box area at each epoch, as a share of the picture; an image without a box counts as 0.
        peak: where the mean IoU is highest, ties by the earlier.
        accuracy_epoch: of these epochs the one of the best test accuracy; null where that was not recorded.
        changes: the later epoch less the earlier, image by image: of neighbours, then of the last and the first where there are
            more than two; p-values are corrected over these (Holm).
    """

    run: int | None
    method: str
    layer: str
    epochs: tuple[int, ...]
    iou: tuple[Interval, ...]
    area: tuple[float, ...]
    peak: Peak
    accuracy_epoch: int | None
    changes: tuple[Pair[int], ...]


@dataclass(frozen=True)
class Dynamics:
    """How training went under one protocol.

    Attributes:
        protocol: its name.
        runs: those that were evaluated.
        learning: of each run, then, of several, over all of them.
        tracks: of each run, then, of several, over all that were evaluated at the same epochs.
    """

    protocol: str
    runs: tuple[int, ...]
    learning: tuple[Learning, ...]
    tracks: tuple[Track, ...]

    @property
    def main(self) -> tuple[Track, ...]:
        """Over runs where there is such, else of the first run: what sentences are about."""
        return tuple(track for track in self.tracks if track.run == self.main_run)

    @property
    def main_run(self) -> int | None:
        """The run of `main`."""
        return None if any(track.run is None for track in self.tracks) else self.tracks[0].run


def dynamics(curves: Mapping[int, Curve], tables: Mapping[Cell, Columns], layers: Sequence[str] = ()) -> tuple[Dynamics, ...]:
    """What the tables show of training, by protocol; of one under which no method was scored at two epochs of a run nothing.

    Args:
        curves: accuracy and loss by run (`Training.curves`); runs that were not evaluated are left out.
        tables: per-image columns by cell (`Evaluation.read`), in the order of protocols; baselines are left out.
        layers: the order of layers, from the input on; those not named come first, by name.
    """
    place = {layer: place for place, layer in enumerate(layers)}
    cells = [cell for cell in tables if not is_baseline(cell)]
    ordered = sorted(cells, key=lambda cell: (place.get(cell.layer, -1), cell_order(cell)))
    protocols = dict.fromkeys(cell.protocol for cell in cells)
    found = (_under([cell for cell in ordered if cell.protocol == each], curves, tables) for each in protocols)
    return tuple(each for each in found if each is not None)


def _under(cells: Sequence[Cell], curves: Mapping[int, Curve], tables: Mapping[Cell, Columns]) -> Dynamics | None:
    """That of one protocol, from its cells."""
    mine = {cell: tables[cell] for cell in cells}
    runs = tuple(sorted({cell.run for cell in cells}))
    by_run = [path for run in runs for path in _paths(cells, (run,))]
    if not by_run:
        return None
    together = _paths(cells, runs) if len(runs) > 1 else []
    learning = _learning({run: curves[run] for run in runs if run in curves}, mine, runs if together else ())
    of = {each.run: Curve(each.epochs, each.accuracy, each.loss) for each in learning}
    tracks = [*_tracks(by_run, mine, of), *_tracks(together, mine, of)]
    return Dynamics(cells[0].protocol, runs, tuple(learning), tuple(tracks))


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
    pictures = pictures_in([tables[cell] for cell in flat])
    means = iter((intervals if runs == 1 else intervals_over_runs)(scores, pictures=pictures))
    found = [tuple(next(means) for _ in path) for path in paths]
    plan = [[*_steps(len(each)), _best_two([mean.value for mean in each])] for each in found]
    which = [(path[a], path[b]) for path, each in zip(paths, plan, strict=True) for a, b in each]
    pairs = iter(compare(scores, [cells for path in paths for cells in path], which, pictures=pictures))
    tested = [[next(pairs) for _ in each] for each in plan]
    return [_track(*each, tables, curves) for each in zip(paths, found, plan, tested, strict=True)]


def _steps(n: int) -> list[tuple[int, int]]:
    """(later, earlier) places of n epochs: neighbours, then the last and the first."""
    return [(place + 1, place) for place in range(n - 1)] + ([(n - 1, 0)] if n > 2 else [])


def _best_two(values: Sequence[float]) -> tuple[int, int]:
    """The places of the highest and of the next; ties by the earlier."""
    first, second, *_ = sorted(range(len(values)), key=lambda place: (-values[place], place))
    return first, second


def _track(
    path: _Path,
    iou: tuple[Interval, ...],
    plan: Sequence[tuple[int, int]],
    tested: Sequence[Pair[tuple[Cell, ...]]],
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
        Pair(epochs[a], epochs[b], t.difference, t.p, float(p), t.effect, t.wins, t.ties, t.losses, t.test)
        for t, (a, b), p in zip(pairs, steps, corrected, strict=True)
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
    right: dict[tuple[int, ...], Sides] = {}
    for runs, each in found.items():
        peak = each.accuracy_peak
        first, second = (_classified(curves, tables, runs, epoch) for epoch in (peak.epoch, peak.runner_up))
        if len(first) == len(second) == len(runs):
            right[runs] = first, second
    leads = differences(right, of=right_of)
    return [replace(each, accuracy_peak=each.accuracy_peak.led_by(leads.get(runs))) for runs, each in found.items()]


def _mean(curves: Sequence[Curve], epochs: Sequence[int]) -> Curve:
    """The mean over runs at epochs that all have."""
    rows = [[each.at(epoch) for epoch in epochs] for each in curves]
    accuracy, loss = np.mean(rows, axis=0).T.tolist()
    return Curve(tuple(epochs), tuple(accuracy), tuple(loss))


def _learned_by(run: int | None, curve: Curve) -> Learning:
    peak = curve.peak()
    rest = curve.best_of(epoch for epoch in curve.epochs if epoch != curve.epochs[peak])
    lowest = min(range(len(curve.epochs)), key=lambda place: (np.isnan(curve.loss[place]), curve.loss[place]))
    loss = None if np.isnan(curve.loss[lowest]) else Peak(curve.epochs[lowest], curve.loss[lowest])
    accuracy = Peak(curve.epochs[peak], curve.accuracy[peak], rest)
    return Learning(run, curve.epochs, curve.accuracy, curve.loss, accuracy, loss)


def _classified(
    curves: Mapping[int, Curve], tables: Mapping[Cell, Columns], runs: Sequence[int], epoch: int | None
) -> list[Columns]:
    """A table of each run's predictions at an epoch, where they are those that its accuracy was measured on.

    Rows that share a picture are not: accuracy counts each picture once.
    """
    if epoch is None:
        return []
    found = []
    for run in runs:
        table = next((tables[cell] for cell in tables if (cell.run, cell.epoch) == (run, epoch)), None)
        if table is None or pictures_of(table) is not None:
            continue
        right = float(np.mean(right_of(table)))
        if abs(right - curves[run].at(epoch)[0]) <= _AGREES:
            found.append(table)
    return found
