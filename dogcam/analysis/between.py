"""Experiments against each other, such as backbones or recipes: accuracy and localisation over the same images.

One run speaks for each experiment, the one that is used everywhere else. Methods are compared at the last epoch that these
runs were all evaluated at, so that none has trained for longer; where there is no such epoch, at each one's last. A method
is taken at the layer that feeds the pooling in each network; where it was scored there in none of them, at the last layer
that it was. All differences of a protocol share resamples and one correction (Holm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from dogcam.analysis.sameness import Side, common_protocols, differing, had, methods_of, sides_of
from dogcam.analysis.tables import Columns, Tables, check_same_images, right_of
from dogcam.analysis.training import training
from dogcam.analysis.weighing import aligned, best_unseen, pictures_in, same_boxes
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Cell, MapKey
from dogcam.experiment.runs import Experiment
from dogcam.statistics import Interval, Pair, compare, intervals

Key = tuple[str, str]  # an experiment's label, and a method or box


@dataclass(frozen=True)
class Accuracy:
    """How well the run that speaks for an experiment classifies the test images.

    Attributes:
        label: of the experiment.
        run, epoch: that run, and its best epoch.
        accuracy, loss: there.
        runs: how many there are.
        others: the best accuracies of the other runs.
    """

    label: str
    run: int
    epoch: int
    accuracy: float
    loss: float
    runs: int
    others: tuple[float, ...]


@dataclass(frozen=True)
class Classified:
    """The share of evaluated images that are classified correctly, at one epoch each, compared image by image.

    Attributes:
        epochs: of each experiment.
        best: whether these are their best epochs; otherwise those at which methods are compared.
        shares: of each experiment.
        pairs: the later named - the earlier named.
    """

    epochs: tuple[int, ...]
    best: bool
    shares: tuple[float, ...]
    pairs: tuple[Pair[str], ...]


@dataclass(frozen=True)
class Score:
    """One method (or the best box that never looks) in one experiment.

    Attributes:
        label, method: the experiment, and the method or box.
        layer: "" for a box.
        iou: the mean IoU with its interval.
        unseen: IoU less that of the best box that never looks; None for that box and where there is none.
    """

    label: str
    method: str
    layer: str
    iou: Interval
    unseen: Pair[Key] | None = None


@dataclass(frozen=True)
class Gap:
    """One method in two experiments: IoU in `second` less that in `first`.

    Attributes:
        method, first, second: which method, and the labels of the experiments.
        pair: the difference with its test, corrected for all of the protocol.
        same: both draw the same box on every image.
    """

    method: str
    first: str
    second: str
    pair: Pair[Key]
    same: bool

    @property
    def verdict(self) -> str:
        """ "above", "below", "undecided" or "identical": the later named experiment against the earlier."""
        return "identical" if self.same else self.pair.verdict


@dataclass(frozen=True)
class Match:
    """All common methods under one protocol.

    Attributes:
        protocol, images: under which, and over how many images.
        runs, epochs: of each experiment.
        scores: by method, then by experiment.
        gaps: of each method, the later named experiment - the earlier named.
        unseen: the best box that never looks in each experiment.
        left_out: methods that not all have at a layer that may be compared.
    """

    protocol: str
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    images: int
    scores: tuple[Score, ...]
    gaps: tuple[Gap, ...]
    unseen: tuple[Score, ...]
    left_out: tuple[str, ...]

    @property
    def methods(self) -> list[str]:
        """Those that are compared."""
        return list(dict.fromkeys(score.method for score in self.scores))

    def leads(self, label: str, method: str) -> bool:
        """Whether one experiment's boxes are better than every other's with a method."""
        mine = [gap for gap in self.gaps if gap.method == method and label in (gap.first, gap.second)]
        return all(gap.verdict == ("above" if gap.second == label else "below") for gap in mine)


@dataclass(frozen=True)
class Contrast:
    """Several experiments compared; the main protocol's match first.

    Attributes:
        labels, scope: of the experiments, and the evaluation that they have in common.
        differs: settings by part ("config", "model", "dataset", "versions") and name: a value of each experiment.
        accuracy: of those that have been trained here.
        classified: None where no predictions of the same images are kept.
        matches: by protocol.
    """

    labels: tuple[str, ...]
    scope: str
    differs: dict[str, dict[str, tuple[Any, ...]]]
    accuracy: tuple[Accuracy, ...]
    classified: Classified | None
    matches: tuple[Match, ...]


def contrast(experiments: Sequence[Experiment]) -> tuple[Contrast, tuple[Side, ...]]:
    """Compare two experiments or more; also what was read of each.

    Raises:
        ExperimentError: they are not of the same data, classes, scope and pictures, or share no protocol or method.
    """
    sides = sides_of(experiments)
    matches = tuple(filter(None, (_match(sides, protocol) for protocol in common_protocols(sides))))
    if not matches:
        raise ExperimentError(
            f"no method that all were scored with under one protocol, at the layer that feeds the pooling or at others "
            f"in all ({had({side.label: methods_of(side) for side in sides})}): evaluate them again with the same --method"
        )
    accuracy = tuple(found for side in sides if (found := _accuracy(side)) is not None)
    made = Contrast(
        labels=tuple(side.label for side in sides),
        scope=sides[0].tables.evaluation.scope,
        differs=differing(sides),
        accuracy=accuracy,
        classified=_classified(sides, accuracy, matches[0].epochs),
        matches=matches,
    )
    return made, sides


def _accuracy(side: Side) -> Accuracy | None:
    trained = training(side.tables.experiment)
    found = {each.run: each.verdict for each in trained.runs if each.verdict is not None}
    if trained.chosen is None:
        return None
    mine = found.pop(trained.chosen.run)
    others = tuple(each.peak_accuracy for each in found.values())
    return Accuracy(side.label, mine.run, mine.peak_epoch, mine.peak_accuracy, mine.peak_loss, len(found) + 1, others)


def _classified(sides: Sequence[Side], accuracy: Sequence[Accuracy], epochs: tuple[int, ...]) -> Classified | None:
    """At the best epochs where predictions of all are kept there, else at those that methods are compared at."""
    speak = [each.run for each in accuracy] == [side.tables.run for side in sides]
    tries = {tuple(each.epoch for each in accuracy): True} if speak else {}
    for wanted, best in (*tries.items(), (epochs, False)):
        found = {side.label: _predictions(side.tables, epoch) for side, epoch in zip(sides, wanted, strict=True)}
        tables = {label: table for label, table in found.items() if table is not None}
        if len(tables) == len(sides):
            check_same_images(tables)
            right = aligned(list(tables.values()), of=right_of)
            pairs = compare(right, list(tables), _turned(sides), pictures=pictures_in(list(tables.values())))
            return Classified(wanted, best, tuple(right.mean(axis=0).tolist()), pairs)
    return None


def _predictions(tables: Tables, epoch: int) -> Columns | None:
    """A table that holds the shown run's predictions at an epoch."""
    there = (tables.read(cell) for cell in tables.cells if (cell.run, cell.epoch) == (tables.run, epoch))
    return next(there, None)


def _turned(sides: Sequence[Side]) -> list[tuple[str, str]]:
    """The labels of every pair, the later named first: a difference then says what the later one gains."""
    return [(second.label, first.label) for first, second in combinations(sides, 2)]


_Cells = dict[str, list[Cell]]  # method -> its cell in each experiment


def _match(sides: Sequence[Side], protocol: str) -> Match | None:
    """The comparison under one protocol; None where no method is common."""
    there = [_by_epoch(side.tables, protocol) for side in sides]
    if not all(there):
        return None
    common = sorted(set.intersection(*map(set, there)), reverse=True)
    for epochs in [(epoch,) * len(sides) for epoch in common] or [tuple(map(max, there))]:
        if cells := _common_cells(sides, [each[epoch] for each, epoch in zip(there, epochs, strict=True)]):
            return _made(sides, protocol, epochs, cells)
    return None


def _by_epoch(tables: Tables, protocol: str) -> dict[int, dict[str, Cell]]:
    """Epoch -> method -> the cell of the shown run that stands for it: at the pooled layer, else at the last one."""
    found: dict[int, dict[str, Cell]] = {}
    rank = {layer: place for place, layer in enumerate([*tables.layers, tables.pooled_layer])}
    for cell in tables.cells:
        if (cell.protocol, cell.run) == (protocol, tables.run):
            mine = found.setdefault(cell.epoch, {})
            mine[cell.method] = max(mine.get(cell.method, cell), cell, key=lambda each: rank[each.layer])
    return found


def _common_cells(sides: Sequence[Side], there: Sequence[Mapping[str, Cell]]) -> _Cells:
    """The methods that all have: at the pooled layer in all, or at another one in all."""
    found = {method: [each[method] for each in there] for method in there[0] if all(method in each for each in there)}
    pooled = [side.tables.pooled_layer for side in sides]
    return {
        method: cells
        for method, cells in found.items()
        if len({cell.layer == layer for cell, layer in zip(cells, pooled, strict=True)}) == 1
    }


def _made(sides: Sequence[Side], protocol: str, epochs: tuple[int, ...], common: _Cells) -> Match:
    """All intervals and tests of one protocol."""
    read = {side.label: side.tables for side in sides}
    cells = {(label, method): cell for method, each in common.items() for label, cell in zip(read, each, strict=True)}
    boxes = {label: key for label, each in read.items() if (key := _best_unseen(each, protocol)) is not None}
    unseen = {label: key.method for label, key in boxes.items()}
    tables = {key: read[key[0]].read(cell) for key, cell in cells.items()}
    tables |= {(label, key.method): read[label].baselines(protocol)[key] for label, key in boxes.items()}
    check_same_images({f"{name} of {label}": table for (label, name), table in tables.items()})
    scores, pictures = aligned(list(tables.values())), pictures_in(list(tables.values()))
    means = dict(zip(tables, intervals(scores, pictures=pictures), strict=True))
    against = [(key, (key[0], unseen[key[0]])) for key in cells if key[0] in unseen]
    beside = {pair.first: pair for pair in compare(scores, list(tables), against, pictures=pictures)}
    turned = [((b, name), (a, name)) for name in common for b, a in _turned(sides)]
    gaps = compare(scores, list(tables), turned, pictures=pictures)
    return Match(
        protocol=protocol,
        runs=tuple(each.run for each in read.values()),
        epochs=epochs,
        images=len(scores) if pictures is None else len(set(pictures)),
        scores=tuple(Score(*key, cell.layer, means[key], beside.get(key)) for key, cell in cells.items()),
        gaps=tuple(_gap(pair, tables) for pair in gaps),
        unseen=tuple(Score(*key, "", means[key]) for key in unseen.items()),
        left_out=tuple(dict.fromkeys(name for side in sides for name in methods_of(side) if name not in common)),
    )


def _gap(pair: Pair[Key], tables: Mapping[Key, Columns]) -> Gap:
    (second, method), (first, _) = pair.first, pair.second
    return Gap(method, first, second, pair, same_boxes(tables[pair.second], tables[pair.first]))


def _best_unseen(tables: Tables, protocol: str) -> MapKey | None:
    """The best box that never looks; ties go by name, so that all experiments agree."""
    return best_unseen({key: float(np.mean(each["iou"])) for key, each in tables.baselines(protocol).items()})
