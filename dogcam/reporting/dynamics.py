"""What training does: accuracy, loss, localisation and box size, epoch by epoch and run by run, on one axis.

Epochs of one method at one layer are scored on the same images, so their differences are paired, as between methods.
Over several runs a mean's interval takes runs and images as crossed, and holds for training again (`intervals_over_runs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dogcam.evaluations import Cell, Evaluation
from dogcam.files import plain
from dogcam.metrics.classification import Curve, curves_of
from dogcam.reporting import listed, number
from dogcam.reporting.evidence import Columns, title_of
from dogcam.reporting.tables import cell_order, is_baseline
from dogcam.reporting.weighing import aligned, differences, spelled
from dogcam.runs import HistoryRow
from dogcam.statistics import Interval, Pair, compare, holm, intervals, intervals_over_runs

# A run's accuracy as scoring found it and as training did may differ by rounding of the network's arithmetic.
_AGREES = 0.002


@dataclass(frozen=True)
class Peak:
    """The best epoch of one figure.

    Attributes:
        runner_up: the second best; None where there is one epoch.
        lead: by how much the best is ahead of it, on the same images; None where images cannot be compared one by one.
        separable: whether the lead's 95 % interval lies above 0; None where there is no lead. That the two were picked
            for being the best does not make this likelier by chance: of equal epochs the best two lie closer together
            than two picked beforehand.
    """

    epoch: int
    value: float
    runner_up: int | None = None
    lead: Interval | None = None
    separable: bool | None = None

    def led_by(self, lead: Interval | None) -> Peak:
        """The same with the lead over the runner-up."""
        known = lead is not None and not np.isnan(lead.low)
        return replace(self, lead=lead, separable=lead.verdict == "above" if known else None)


@dataclass(frozen=True)
class Learning:
    """Test accuracy and loss of one run at every trained epoch, or their means over runs (`run` None).

    Attributes:
        accuracy_peak: the highest; ties by lower loss, then the earlier, as everywhere in dogcam.
        loss_peak: the lowest, ties by the earlier; None where no loss is a number. Losses have no lead: images' own are
            not kept.
    """

    run: int | None
    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    accuracy_peak: Peak
    loss_peak: Peak | None

    @property
    def curve(self) -> Curve:
        """The same as a `Curve`."""
        return Curve(self.epochs, self.accuracy, self.loss)


@dataclass(frozen=True)
class Track:
    """One method at one layer along its evaluated epochs, in one run or over all runs (`run` None).

    Attributes:
        iou: the mean IoU at each epoch.
        area: the mean box area at each epoch, as a share of the picture; an image without a box counts as 0.
        peak: where the mean IoU is highest, ties by the earlier.
        accuracy_epoch: of these epochs the one of the best test accuracy; None where that was not recorded.
        changes: later - earlier of neighbouring epochs, then last - first where there are more than two; p-values are
            corrected over these (Holm).
    """

    run: int | None
    method: str
    layer: str
    epochs: tuple[int, ...]
    iou: tuple[Interval, ...]
    area: tuple[float, ...]
    peak: Peak
    accuracy_epoch: int | None
    changes: tuple[Pair, ...]

    @property
    def name(self) -> str:
        """ "Grad-CAM at conv5_block3_out"."""
        return f"{title_of(self.method)} at {self.layer}"


@dataclass(frozen=True)
class Dynamics:
    """How training went under one protocol.

    Attributes:
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
        run = None if any(track.run is None for track in self.tracks) else self.tracks[0].run
        return tuple(track for track in self.tracks if track.run == run)

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON; an interval that could not be given is null."""
        return plain({**asdict(self), "sentences": self.sentences()})

    def sentences(self, layer: str | None = None) -> list[str]:
        """What the figures say, in words; of the tracks at one layer only where one is named."""
        run = self.main[0].run
        found = [_learned(each, len(self.runs)) for each in self.learning if each.run == run]
        tracks = [track for track in self.main if layer is None or track.layer == layer]
        for group in _alike(tracks):
            found.append(" ".join([_peaked(group, len(self.runs)), _changed(group[0])]))
            found += self._by_run(group[0]) if run is None else []
        return found

    def _by_run(self, track: Track) -> list[str]:
        """Where each run peaks, where they do not agree."""
        runs = [t for t in self.tracks if t.run is not None and (t.method, t.layer) == (track.method, track.layer)]
        if len({each.peak.epoch for each in runs}) < 2:
            return []
        peaks = listed([f"epoch {each.peak.epoch} (run {each.run})" for each in runs])
        return [f"The runs of {track.name} do not agree: its mean IoU is highest at {peaks}."]


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


def _steps(n: int) -> list[tuple[int, int]]:
    """(later, earlier) places of n epochs: neighbours, then the last and the first."""
    return [(place + 1, place) for place in range(n - 1)] + ([(n - 1, 0)] if n > 2 else [])


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
    plan = [[*_steps(len(each)), _best_two([mean.value for mean in each])] for each in found]
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


def _alike(tracks: Sequence[Track]) -> list[list[Track]]:
    """Tracks in groups of the same scores: methods that draw the same boxes need one sentence."""
    found: dict[tuple[Any, ...], list[Track]] = {}
    for track in tracks:
        key = (track.layer, track.epochs, *(round(each.value, 9) for each in track.iou))
        found.setdefault((*key, *(round(each, 9) for each in track.area)), []).append(track)
    return list(found.values())


def _learned(each: Learning, runs: int) -> str:
    of = f"Over {runs} runs" if each.run is None else f"In run {each.run}"
    peak = each.accuracy_peak
    told = f"{of} test accuracy is highest at epoch {peak.epoch} ({number(peak.value, 4)}{_ahead(peak)})"
    if each.loss_peak is None:
        return f"{told}; its test loss is not a number at any epoch."
    return f"{told} and test loss lowest at epoch {each.loss_peak.epoch} ({number(each.loss_peak.value, 4)})."


def _ahead(peak: Peak) -> str:
    """The lead in words; "" where none was tested."""
    if peak.lead is None:
        return ""
    sure = "more than chance if taken alone" if peak.separable else "which may be chance"
    return f"; ahead of epoch {peak.runner_up} by {spelled(peak.lead)}, {sure}"


def _peaked(group: Sequence[Track], runs: int) -> str:
    """Where mean IoU peaks, how surely, and whether accuracy does there as well."""
    track, peak = group[0], group[0].peak
    of = f"{listed([title_of(each.method) for each in group])} at {track.layer}"
    over = f" over {runs} runs" if track.run is None else f" in run {track.run}" if runs > 1 else ""
    told = f"The mean IoU of {of}{over} is highest at epoch {peak.epoch} ({number(peak.value)}{_ahead(peak)})"
    if track.accuracy_epoch is None:
        return f"{told}."
    where = "there too" if peak.epoch == track.accuracy_epoch else f"at epoch {track.accuracy_epoch}"
    return f"{told}; of these {len(track.epochs)} epochs accuracy is highest {where}."


def told_apart(change: Pair) -> bool:
    """Whether a change is more than chance: by the corrected test of the ranks, and by the interval of the mean it shows.

    Where a few images lose much and many win little the two disagree, and the mean IoU says nothing for certain.
    """
    return change.separable() and change.verdict != "undecided"


def _changed(track: Track) -> str:
    """Which changes are more than chance, and how box sizes go."""
    sure = [pair for pair in track.changes if told_apart(pair)]
    told = "; ".join(f"{pair.first} − {pair.second} {spelled(pair.difference)}" for pair in sure)
    n = len(track.changes)
    tested = "Its one change" if n == 1 else f"Of its {n} changes between epochs"
    if not sure:
        stated = f"{tested} {'cannot be' if n == 1 else 'none can be'} told apart from 0 (Holm-corrected)"
    else:
        stated = f"{tested} {'is' if n == 1 else f'{len(sure)} can be'} told apart from 0 (Holm-corrected): {told}"
    return f"{stated}. Its mean box area goes from {number(track.area[0])} to {number(track.area[-1])} of the picture."
