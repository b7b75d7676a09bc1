"""Numbers for tables, all computed from the per-image rows: what `evaluate` prints and what the report shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import numpy as np

from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.experiment.selection import OF_THE_OBJECT
from dogcam.methods import METHODS
from dogcam.metrics import METRICS, SUMMARIES, Metric
from dogcam.statistics import (
    Interval,
    interval_of_run_scores,
    intervals,
    intervals_over_runs,
    median_intervals,
    pooled_interval,
    pooled_spread,
)
from dogcam.statistics.resampling import resampled_medians

_MEDIANS = 2000  # resamples of a median, which takes as long as drawing them does; of means there are 10,000


def _natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts "block_5" before "block_12"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def _position(name: str, known: Iterable[str]) -> tuple[int, str]:
    """The place of a name in a registry; names that it does not know come last, in order of the alphabet."""
    names = list(known)
    return (names.index(name), "") if name in names else (len(names), name)


def is_baseline(cell: Cell) -> bool:
    """Whether a cell never looks at the picture: it belongs to no run."""
    return cell.run == 0


def cell_order(cell: Cell) -> tuple[Any, ...]:
    """Sorts cells by protocol, run, epoch, method and layer, with a protocol's baselines at its end."""
    method = _position(cell.method, METHODS)
    return (
        _position(cell.protocol, PROTOCOLS),
        is_baseline(cell),
        cell.run,
        cell.epoch,
        method,
        _natural(cell.layer),
    )


def cell_columns(evaluation: Evaluation, cell: Cell) -> dict[str, np.ndarray]:
    """The columns of a cell with all that a metric may need: its curves and pixels, and the protocol's IoU levels."""
    protocol = evaluation.about().get("protocols", {}).get(cell.protocol, {})
    levels = np.array(protocol.get("iou_levels", ()), np.float64)
    columns = {**evaluation.read(cell), **evaluation.long(cell), **({"levels": levels} if len(levels) else {})}
    if evaluation.about().get("target", "true") not in OF_THE_OBJECT:
        columns.pop("rank", None)  # the box of another class locates nothing, however right the network is
    return columns


def image_values(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The value of each image (n,) under every metric that is a mean or a median and has one for an image at least."""
    there = [
        name for name, metric in METRICS.items() if metric.summary in SUMMARIES and columns.keys() >= {*metric.needs}
    ]
    found = {name: METRICS[name].values(columns) for name in there}
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def scores(
    columns: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray] | None = None
) -> dict[str, float | None]:
    """Every registered metric of a cell's columns; None where the table lacks what the metric needs.

    Args:
        values: those of `image_values`, where they are known.
    """
    known = image_values(columns) if values is None else values
    found: dict[str, float | None] = {}
    for name, metric in METRICS.items():
        if metric.summary in SUMMARIES:
            found[name] = float(SUMMARIES[metric.summary](known[name])) if name in known else None
        else:
            found[name] = metric.of(columns) if metric.applies(columns) else None
    return found


def localisation_rows(evaluation: Evaluation, cells: Iterable[Cell] | None = None) -> list[dict[str, Any]]:
    """One row per cell: run, epoch, method, layer, protocol, n (images), threshold and every metric of `METRICS`.

    "intervals" holds [low, high] by metric, 95 % over images (BCa for means, percentile for medians and pooled pixels); None
    where there is none, such as for fewer than 10 images. Those of what depends on a choice made on the same images
    (MaxBoxAcc, the oracle) take the choice as given.

    Args:
        cells: of which cells; None means all.

    Returns:
        In order of protocol, run, epoch, method and layer; a protocol's baselines come after its methods.
    """
    chosen = sorted(evaluation.cells() if cells is None else set(cells), key=cell_order)
    tables = [cell_columns(evaluation, cell) for cell in chosen]
    values = [image_values(columns) for columns in tables]
    found = _intervals(tables, values)
    rows = []
    for cell, columns, known, ends in zip(chosen, tables, values, found, strict=True):
        choice = evaluation.choice(cell)
        head = {
            **asdict(cell),
            "n": len(columns["image"]),
            "threshold": choice.threshold,
            "threshold_from": choice.source,
        }
        if choice.source == "best":  # its threshold is an oracle's itself: there is no gap to be honest about
            known, ends = (
                {name: each for name, each in known.items() if name != "oracle_gap"},
                {**ends, "oracle_gap": None},
            )
        rows.append({**head, **scores(columns, known), "intervals": ends})
    return rows


_Values = Mapping[str, np.ndarray]  # see `image_values`


def _intervals(
    tables: Sequence[Mapping[str, np.ndarray]], values: Sequence[_Values]
) -> list[dict[str, list[float] | None]]:
    """[low, high] by metric of each table; tables of the same number of images share one set of resamples."""
    found: list[dict[str, list[float] | None]] = [dict.fromkeys(METRICS) for _ in tables]
    sizes = [len(columns["image"]) for columns in tables]
    for (name, metric), size in product(METRICS.items(), sorted(set(sizes))):
        alike = [i for i in range(len(tables)) if sizes[i] == size]
        if metric.summary in SUMMARIES:
            there = [i for i in alike if name in values[i]]
            made = _of_metric(metric, [values[i][name] for i in there])
        else:
            there = [i for i in alike if metric.summary == "sums" and metric.applies(tables[i])]
            made = [pooled_interval(metric.function, *(tables[i][need] for need in metric.needs)) for i in there]
        for place, interval in zip(there, made, strict=True):
            found[place][name] = None if np.isnan(interval.low) else [interval.low, interval.high]
    return found


def _of_metric(metric: Metric, values: Sequence[np.ndarray]) -> Sequence[Interval]:
    """The intervals of the means or medians of values (n,), each of a table."""
    if not values:
        return ()
    stacked = np.column_stack(values)
    return intervals(stacked) if metric.summary == "mean" else median_intervals(stacked, resamples=_MEDIANS)


def rows_over_runs(evaluation: Evaluation, cells: Iterable[Cell], runs: Sequence[int]) -> list[dict[str, Any]]:
    """One row for what was evaluated in every one of several runs: the mean over runs of every metric.

    "intervals" are 95 % over images and runs, which are crossed (Student's t, see `statistics.crossed`). "runs" stands in
    place of "run".

    Raises:
        ExperimentError: the runs were scored on different images.
    """
    known = set(cells)
    shared = [cell for cell in known if cell.run == runs[0] and all(replace(cell, run=run) in known for run in runs)]
    return [_row_over_runs(evaluation, cell, runs) for cell in sorted(shared, key=cell_order)]


def _row_over_runs(evaluation: Evaluation, cell: Cell, runs: Sequence[int]) -> dict[str, Any]:
    tables = [cell_columns(evaluation, replace(cell, run=run)) for run in runs]
    check_same_images({f"run {run}": table for run, table in zip(runs, tables, strict=True)})
    values = [image_values(columns) for columns in tables]
    each = [scores(*both) for both in zip(tables, values, strict=True)]
    means = {name: _mean([row[name] for row in each]) for name in METRICS}
    ends: dict[str, list[float] | None] = dict.fromkeys(METRICS)
    for name, metric in METRICS.items():
        if metric.summary != "whole" and means[name] is not None:
            found = _interval_over_runs(name, tables, values)
            ends[name] = None if np.isnan(found.low) else [found.low, found.high]
    if any(evaluation.choice(replace(cell, run=run)).source == "best" for run in runs):
        means["oracle_gap"] = ends["oracle_gap"] = None  # as in `localisation_rows`
    thresholds = [evaluation.choice(replace(cell, run=run)).threshold for run in runs]
    head = {name: value for name, value in asdict(cell).items() if name != "run"}
    return {
        "runs": list(runs),
        **head,
        "n": len(tables[0]["image"]),
        "threshold": _mean(thresholds),
        **means,
        "intervals": ends,
    }


def _interval_over_runs(name: str, tables: Sequence[Mapping[str, np.ndarray]], values: Sequence[_Values]) -> Interval:
    """The interval over images and runs of one metric of the same images in every run."""
    metric, n = METRICS[name], len(tables[0]["image"])
    if metric.summary == "mean":
        (found,) = intervals_over_runs(np.stack([known[name] for known in values])[..., None])
        return found
    if metric.summary == "median":
        columns = np.column_stack([known[name] for known in values])
        return interval_of_run_scores(np.nanmedian(columns, axis=0), resampled_medians(columns, _MEDIANS, 0), n)
    pooled = [[table[need] for need in metric.needs] for table in tables]
    spread = np.column_stack([pooled_spread(metric.function, *each, resamples=_MEDIANS) for each in pooled])
    return interval_of_run_scores(np.array([metric.of(table) for table in tables]), spread, n)


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean; None where one is missing."""
    return None if any(value is None for value in values) else float(np.mean(values))


def curve_rows(evaluation: Evaluation, cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Mean IoU by threshold of every cell whose threshold was chosen.

    Returns:
        thresholds and mean_iou (T,), the threshold in use and the oracle's.
    """
    rows = []
    for cell in sorted(set(cells), key=cell_order):
        curves = evaluation.long(cell).get("curve")
        if curves is None or curves.shape[1] < 2:
            continue
        means = curves.mean(axis=0, dtype=np.float64)
        thresholds = np.arange(len(means)) / len(means)
        chosen = {"threshold": evaluation.choice(cell).threshold, "oracle_threshold": float(thresholds[means.argmax()])}
        rows.append({**asdict(cell), **chosen, "thresholds": thresholds.tolist(), "mean_iou": means.tolist()})
    return rows


def check_same_images(tables: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Refuse to compare tables that are not of the same images with the same classes and boxes.

    Raises:
        ExperimentError: two are not, with what differs.
    """
    (first, known), *others = tables.items()
    for name, table in others:
        if not np.array_equal(known["image"], table["image"]):
            apart = sorted(set(known["image"]) ^ set(table["image"]))
            which = f"only one of them has {listed(apart)}" if apart else "in another order"
            raise ExperimentError(
                f"{first} and {name} were scored on different images ({len(known['image'])} and {len(table['image'])}; "
                f"{which}), so that they cannot be compared: evaluate both again"
            )
        for column, what in (("label", "class"), ("truth", "annotated boxes")):
            if not _alike(known[column], table[column]):
                same = [np.array_equal(one, other) for one, other in zip(known[column], table[column], strict=True)]
                raise ExperimentError(
                    f"{first} and {name} differ in the {what} of {known['image'][same.index(False)]} and "
                    f"{same.count(False) - 1} other images, so that they cannot be compared: evaluate both again"
                )


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two columns of as many rows are equal; annotated boxes are laid end to end, since rows one by one are slow."""
    if one is other or not len(one):
        return True
    if one.dtype != object:
        return np.array_equal(one, other)
    counts = [np.fromiter(map(len, each), int, len(each)) for each in (one, other)]
    return np.array_equal(*counts) and np.array_equal(np.concatenate(one), np.concatenate(other))


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
