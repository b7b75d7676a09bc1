"""What every cell scored: each metric with its interval, of one run or in the mean over several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from dogcam.analysis.tables import Columns, Tables, cell_columns, cell_order, check_same_images, in_run, is_baseline, pictures_of
from dogcam.experiment.evaluations import Cell, Evaluation, MapKey
from dogcam.metrics import METRICS, SUMMARIES, Metric
from dogcam.statistics import Interval, interval_of_run_scores, intervals, intervals_over_runs, median_intervals
from dogcam.statistics.clusters import numbered
from dogcam.statistics.pooled import pooled_interval, pooled_spread
from dogcam.statistics.resampling import resampled_medians

_MEDIANS = 2000  # resamples of a median, which takes as long as drawing them does; of means there are 10,000
_NAN = float("nan")


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval.

    Attributes:
        value: the figure itself.
        low, high: the ends of the interval; null where none can be given.
    """

    value: float
    low: float = _NAN
    high: float = _NAN

    @classmethod
    def of(cls, value: float, found: Interval | None) -> Figure:
        """A figure, and the ends of its interval where there is one."""
        return cls(value) if found is None else cls(value, found.low, found.high)


@dataclass(frozen=True)
class Scores:
    """What a method at a layer scored, after an epoch under a protocol, on the images of the scope.

    Attributes:
        map: the method or baseline, and its layer.
        epoch: after which the network was taken; 0 of baselines.
        protocol: how the map became a box.
        runs: the run, or those that the figures are means over; none of baselines.
        n: images.
        threshold: what a pixel of the normalised map must be above; null where no map is looked at.
        threshold_from: fixed by the protocol, calibrated on training pictures, or the best of the evaluated ones.
        scores: by metric, see `dogcam list metrics`; one that does not apply is not there.
    """

    map: MapKey
    epoch: int
    protocol: str
    runs: tuple[int, ...]
    n: int
    threshold: float | None
    threshold_from: str
    scores: dict[str, Figure]

    @property
    def baseline(self) -> bool:
        """Whether it belongs to no run."""
        return not self.runs

    def value(self, metric: str) -> float:
        """A score; NaN where it does not apply."""
        return self.scores[metric].value if metric in self.scores else _NAN


_Values = Mapping[str, np.ndarray]  # of each image, by metric


def image_values(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The value of each image (n,) under every metric that is a mean or a median and has one for an image at least."""
    there = [name for name, metric in METRICS.items() if metric.summary in SUMMARIES and columns.keys() >= {*metric.needs}]
    found = {name: METRICS[name].values(columns) for name in there}
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def figures(columns: Columns, values: _Values) -> dict[str, float]:
    """Every registered metric that applies to a cell's columns.

    Args:
        values: those of `image_values`.
    """
    found = {}
    for name, metric in METRICS.items():
        if metric.summary in SUMMARIES:
            if name in values:
                found[name] = float(SUMMARIES[metric.summary](values[name]))
        elif metric.applies(columns):
            found[name] = metric.of(columns)
    return found


def scores(tables: Tables) -> tuple[Scores, ...]:
    """Of every cell, in their order.

    Intervals are 95 % over images (BCa for means, percentile for medians and pooled pixels), none for fewer than 10. Those of
    what depends on a choice made on the same images (MaxBoxAcc, the oracle) take the choice as given.
    """
    columns = [cell_columns(tables.evaluation, cell) for cell in tables.cells]
    values = [image_values(each) for each in columns]
    ends = _intervals(columns, values)
    return tuple(_scores(tables.evaluation, *each) for each in zip(tables.cells, columns, values, ends, strict=True))


def _scores(evaluation: Evaluation, cell: Cell, columns: Columns, values: _Values, ends: Mapping[str, Interval]) -> Scores:
    choice = evaluation.choice(cell)
    known = {name: Figure.of(value, ends.get(name)) for name, value in figures(columns, values).items()}
    if choice.source == "best":  # its threshold is an oracle's itself: there is no gap to be honest about
        known.pop("oracle_gap", None)
    runs = () if is_baseline(cell) else (cell.run,)
    n = len(columns["image"])
    return Scores(cell.map, cell.epoch, cell.protocol, runs, n, choice.threshold, choice.source, known)


def _intervals(tables: Sequence[Columns], values: Sequence[_Values]) -> list[dict[str, Interval]]:
    """By metric of each table; tables of the same number of images share one set of resamples."""
    found: list[dict[str, Interval]] = [{} for _ in tables]
    sizes = [len(columns["image"]) for columns in tables]
    for (name, metric), size in product(METRICS.items(), sorted(set(sizes))):
        alike = [i for i in range(len(tables)) if sizes[i] == size]
        pictures = pictures_of(tables[alike[0]])
        if metric.summary in SUMMARIES:
            there = [i for i in alike if name in values[i]]
            made = _of_metric(metric, [values[i][name] for i in there], pictures)
        else:
            there = [i for i in alike if metric.summary == "sums" and metric.applies(tables[i])]
            columns = ([tables[i][need] for need in metric.needs] for i in there)
            made = [pooled_interval(metric.function, *each, pictures=pictures) for each in columns]
        for place, interval in zip(there, made, strict=True):
            found[place][name] = interval
    return found


def _of_metric(metric: Metric, values: Sequence[np.ndarray], pictures: np.ndarray | None) -> Sequence[Interval]:
    """The intervals of the means or medians of values (n,), each of a table."""
    if not values:
        return ()
    stacked = np.column_stack(values)
    if metric.summary == "mean":
        return intervals(stacked, pictures=pictures)
    return median_intervals(stacked, resamples=_MEDIANS, pictures=pictures)


def scores_over_runs(tables: Tables, single: Sequence[Scores]) -> tuple[Scores, ...]:
    """Of what was evaluated in every run, where there are several: the mean over runs of every metric.

    Args:
        single: those of `scores`, of which baselines are taken as they are.

    Intervals are 95 % over images and runs, which are crossed (Student's t, see `statistics.crossed`).

    Raises:
        ExperimentError: the runs were scored on different images.
    """
    if len(tables.runs) < 2:
        return ()
    mine = (cell for cell in tables.cells if is_baseline(cell) or cell.run == tables.runs[0])
    shared = [cell for cell in mine if all(in_run(cell, run) in tables.known for run in tables.runs)]
    known = {(row.map, row.protocol): row for row in single if row.baseline}
    return tuple(
        known[cell.map, cell.protocol] if is_baseline(cell) else _over_runs(tables.evaluation, cell, tables.runs)
        for cell in sorted(shared, key=cell_order)
    )


def _over_runs(evaluation: Evaluation, cell: Cell, runs: Sequence[int]) -> Scores:
    cells = [in_run(cell, run) for run in runs]
    every = [cell_columns(evaluation, each) for each in cells]
    check_same_images({f"run {run}": columns for run, columns in zip(runs, every, strict=True)})
    by_run = [image_values(columns) for columns in every]
    single = [figures(*both) for both in zip(every, by_run, strict=True)]
    choices = [evaluation.choice(each) for each in cells]
    known = {}
    for name in METRICS:
        if all(name in row for row in single):
            whole = METRICS[name].summary == "whole"
            ends = None if whole else _interval_over_runs(name, every, by_run)
            known[name] = Figure.of(float(np.mean([row[name] for row in single])), ends)
    if any(choice.source == "best" for choice in choices):
        known.pop("oracle_gap", None)  # as of one run
    thresholds = [choice.threshold for choice in choices if choice.threshold is not None]
    threshold = float(np.mean(thresholds)) if len(thresholds) == len(runs) else None
    n = len(every[0]["image"])
    return Scores(cell.map, cell.epoch, cell.protocol, tuple(runs), n, threshold, choices[0].source, known)


def _interval_over_runs(name: str, tables: Sequence[Columns], values: Sequence[_Values]) -> Interval:
    """The interval over images and runs of one metric of the same images in every run."""
    metric, n, pictures = METRICS[name], len(tables[0]["image"]), pictures_of(tables[0])
    if metric.summary == "mean":
        (found,) = intervals_over_runs(np.stack([known[name] for known in values])[..., None], pictures=pictures)
        return found
    several = None if pictures is None else len(set(pictures))
    if metric.summary == "median":
        columns = np.column_stack([known[name] for known in values])
        spread = resampled_medians(columns, _MEDIANS, 0, numbered(pictures))
        return interval_of_run_scores(np.nanmedian(columns, axis=0), spread, n, pictures=several)
    pooled = [[table[need] for need in metric.needs] for table in tables]
    spread = np.column_stack([pooled_spread(metric.function, *each, resamples=_MEDIANS, pictures=pictures) for each in pooled])
    return interval_of_run_scores(np.array([metric.of(table) for table in tables]), spread, n, pictures=several)


@dataclass(frozen=True)
class ThresholdCurve:
    """Mean IoU by threshold of a cell whose threshold was chosen.

    Attributes:
        cell: run, epoch, method, layer and protocol.
        threshold: the one in use.
        oracle: the one that is best for the evaluated images.
        mean_iou: at every threshold of the protocol's grid: the k-th of T is k / T.
    """

    cell: Cell
    threshold: float | None
    oracle: float
    mean_iou: tuple[float, ...]

    @property
    def thresholds(self) -> list[float]:
        """The grid."""
        return [place / len(self.mean_iou) for place in range(len(self.mean_iou))]

    def at(self, threshold: float) -> float:
        """The mean IoU at the threshold of the grid that is nearest."""
        return self.mean_iou[min(round(threshold * len(self.mean_iou)), len(self.mean_iou) - 1)]


def threshold_curves(evaluation: Evaluation, cells: Iterable[Cell]) -> tuple[ThresholdCurve, ...]:
    """Of every cell whose threshold was chosen, in the order of tables."""
    found = []
    for cell in cells:
        curves = evaluation.long(cell).get("curve")
        if curves is not None and curves.shape[1] > 1:
            means = curves.mean(axis=0, dtype=np.float64)
            oracle = int(means.argmax()) / len(means)
            found.append(ThresholdCurve(cell, evaluation.choice(cell).threshold, oracle, tuple(means.tolist())))
    return tuple(found)
