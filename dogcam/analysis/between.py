"""Experiments against each other, such as backbones or recipes: accuracy and localisation over the same images.

One run speaks for each experiment, the one that is used everywhere else. Methods are compared at the last epoch that these
runs were all evaluated at, so that none has trained for longer; where there is no such epoch, at each one's last. A method
is taken at the layer that feeds the pooling in each network; where it was scored there in none of them, at the last layer
that it was. All differences of a protocol share resamples and one correction (Holm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from dogcam.analysis.evidence import Columns, Evidence
from dogcam.analysis.sameness import Side, common_protocols, differing, sides_of
from dogcam.analysis.tables import check_same_images, listed
from dogcam.analysis.weighing import aligned, best_unseen, same_boxes
from dogcam.core.errors import ExperimentError
from dogcam.core.files import plain
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment
from dogcam.statistics import Interval, Pair, compare, intervals


@dataclass(frozen=True)
class Accuracy:
    """How well the run that speaks for an experiment classifies the test images.

    Attributes:
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
        pairs: the later named - the earlier named.
    """

    epochs: tuple[int, ...]
    best: bool
    shares: tuple[float, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Score:
    """One method (or the best box that never looks) in one experiment.

    Attributes:
        layer: "" for a box.
        iou: the mean IoU with its interval.
        unseen: IoU less that of the best box that never looks; None for that box and where there is none.
    """

    label: str
    method: str
    layer: str
    iou: Interval
    unseen: Pair | None = None


@dataclass(frozen=True)
class Gap:
    """One method in two experiments: IoU in `second` less that in `first`.

    Attributes:
        same: both draw the same box on every image.
    """

    method: str
    first: str
    second: str
    pair: Pair
    same: bool


@dataclass(frozen=True)
class Match:
    """All common methods under one protocol.

    Attributes:
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


@dataclass(frozen=True)
class Contrast:
    """Several experiments compared; the main protocol's match first.

    Attributes:
        differs: "config.learning_rate" -> a value of each experiment.
        accuracy: of those that have been trained here.
        classified: None where no predictions of the same images are kept.
    """

    labels: tuple[str, ...]
    scope: str
    differs: dict[str, tuple[Any, ...]]
    accuracy: tuple[Accuracy, ...]
    classified: Classified | None
    matches: tuple[Match, ...]

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return plain(asdict(self))


def contrast(experiments: Sequence[Experiment]) -> tuple[Contrast, tuple[Side, ...]]:
    """Compare two experiments or more; also what was read of each.

    Raises:
        ExperimentError: they are not of the same data, classes, scope and pictures, or share no protocol or method.
    """
    sides = sides_of(experiments)
    matches = [_match(sides, protocol) for protocol in common_protocols(sides)]
    found = tuple(match for match in matches if match is not None)
    if not found:
        had = "; ".join(f"{side.label}: {listed(_methods(side.evidence))}" for side in sides)
        raise ExperimentError(
            f"no method that all were scored with under one protocol, at the layer that feeds the pooling or at others "
            f"in all ({had}): evaluate them again with the same --method"
        )
    accuracy = tuple(_accuracy(side) for side in sides if side.evidence.chosen is not None)
    made = Contrast(
        labels=tuple(side.label for side in sides),
        scope=sides[0].evidence.evaluation.scope,
        differs=differing(sides),
        accuracy=accuracy,
        classified=_classified(sides, accuracy, found[0].epochs),
        matches=found,
    )
    return made, sides


def _methods(evidence: Evidence) -> list[str]:
    return list(dict.fromkeys(method for method, _ in evidence.pairs))


def _accuracy(side: Side) -> Accuracy:
    curves, run = side.evidence.curves, side.evidence.chosen.run
    curve, peak = curves[run], curves[run].peak()
    others = tuple(max(other.accuracy) for number, other in curves.items() if number != run)
    return Accuracy(side.label, run, curve.epochs[peak], curve.accuracy[peak], curve.loss[peak], len(curves), others)


def _classified(sides: Sequence[Side], accuracy: Sequence[Accuracy], epochs: Sequence[int]) -> Classified | None:
    """At the best epochs where predictions of all are kept there, else at those that methods are compared at."""
    best = [each.epoch for each in accuracy] if _shown_are_chosen(sides, accuracy) else []
    for wanted in (best, list(epochs)):
        tables = [_predictions(side.evidence, epoch) for side, epoch in zip(sides, wanted, strict=False)]
        if len(tables) == len(sides) and all(table is not None for table in tables):
            check_same_images({side.label: table for side, table in zip(sides, tables, strict=True)})
            right = aligned(tables, of=lambda table: np.equal(table["predicted"], table["label"]))
            pairs = compare(right, [side.label for side in sides], _turned([side.label for side in sides]))
            return Classified(tuple(wanted), wanted is best, tuple(right.mean(axis=0).tolist()), pairs)
    return None


def _shown_are_chosen(sides: Sequence[Side], accuracy: Sequence[Accuracy]) -> bool:
    return [each.run for each in accuracy] == [side.evidence.run for side in sides]


def _predictions(evidence: Evidence, epoch: int) -> Columns | None:
    """A table that holds the shown run's predictions at an epoch."""
    there = (table for cell, table in evidence.tables.items() if (cell.run, cell.epoch) == (evidence.run, epoch))
    return next(there, None)


def _turned(labels: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair, the later named first: a difference then says what the later one gains."""
    return [(second, first) for first, second in combinations(labels, 2)]


_Places = dict[str, list[Cell]]  # method -> its cell in each experiment


def _match(sides: Sequence[Side], protocol: str) -> Match | None:
    """The comparison under one protocol; None where no method is common."""
    there = [_by_epoch(side.evidence, protocol) for side in sides]
    if not all(there):
        return None
    common = sorted(set.intersection(*(set(each) for each in there)), reverse=True)
    candidates = [(epoch,) * len(sides) for epoch in common] or [tuple(max(each) for each in there)]
    matched = ((epochs, _places(sides, there, epochs)) for epochs in candidates)
    epochs, places = next(((epochs, places) for epochs, places in matched if places), ((), {}))
    return _made(sides, protocol, epochs, places) if places else None


def _by_epoch(evidence: Evidence, protocol: str) -> dict[int, dict[str, Cell]]:
    """Epoch -> method -> the cell of the shown run that stands for it: at the pooled layer, else at the last one."""
    found: dict[int, dict[str, Cell]] = {}
    order = {layer: place for place, layer in enumerate([*evidence.layers, evidence.pooled_layer])}
    for cell in evidence.tables:
        if (cell.protocol, cell.run) == (protocol, evidence.run):
            mine = found.setdefault(cell.epoch, {})
            known = mine.get(cell.method)
            mine[cell.method] = cell if known is None or order[cell.layer] > order[known.layer] else known
    return found


def _places(sides: Sequence[Side], there: Sequence[dict[int, dict[str, Cell]]], epochs: Sequence[int]) -> _Places:
    """The methods that all have at those epochs: at the pooled layer in all, or at another one in all."""
    at = [each[epoch] for each, epoch in zip(there, epochs, strict=True)]
    common = [method for method in at[0] if all(method in each for each in at)]
    cells = {method: [each[method] for each in at] for method in common}
    pooled = {
        method: {cell.layer == side.evidence.pooled_layer for cell, side in zip(each, sides, strict=True)}
        for method, each in cells.items()
    }
    return {method: each for method, each in cells.items() if len(pooled[method]) == 1}


_Key = tuple[str, str]  # an experiment's label and a method or box


def _made(sides: Sequence[Side], protocol: str, epochs: tuple[int, ...], places: _Places) -> Match:
    """All intervals and tests of one protocol."""
    cells = {
        (side.label, method): cell for method, each in places.items() for side, cell in zip(sides, each, strict=True)
    }
    evidence = {side.label: side.evidence for side in sides}
    unseen = {label: name for label, each in evidence.items() if (name := _best_unseen(each, protocol)) is not None}
    tables = {key: evidence[key[0]].tables[cell] for key, cell in cells.items()}
    tables |= {(label, name): evidence[label].baselines(protocol)[name] for label, name in unseen.items()}
    check_same_images({_written(key): table for key, table in tables.items()})
    scores = aligned(list(tables.values()))
    means = dict(zip(tables, intervals(scores), strict=True))
    against = _tested(scores, list(tables), [(key, (key[0], unseen[key[0]])) for key in cells if key[0] in unseen])
    turned = _turned([side.label for side in sides])
    gaps = _tested(scores, list(tables), [((b, method), (a, method)) for method in places for b, a in turned])
    return Match(
        protocol=protocol,
        runs=tuple(each.run for each in evidence.values()),
        epochs=epochs,
        images=len(scores),
        scores=tuple(Score(*key, cell.layer, means[key], _of(against, key)) for key, cell in cells.items()),
        gaps=tuple(Gap(b[1], a[0], b[0], pair, same_boxes(tables[a], tables[b])) for (b, a), pair in gaps.items()),
        unseen=tuple(Score(*key, "", means[key]) for key in unseen.items()),
        left_out=_left_out(sides, places),
    )


def _left_out(sides: Sequence[Side], places: _Places) -> tuple[str, ...]:
    """The methods that were scored in some of the experiments, but are not compared."""
    everything = dict.fromkeys(method for side in sides for method in _methods(side.evidence))
    return tuple(method for method in everything if method not in places)


def _written(key: _Key) -> str:
    return f"{key[1]} of {key[0]}"


def _tested(
    scores: np.ndarray, keys: Sequence[_Key], which: Sequence[tuple[_Key, _Key]]
) -> dict[tuple[_Key, _Key], Pair]:
    """`compare` by keys; columns are known by their places, so that no label can be taken for another."""
    names = {key: str(place) for place, key in enumerate(keys)}
    pairs = compare(scores, list(names.values()), [(names[first], names[second]) for first, second in which])
    written = (replace(p, first=_written(b), second=_written(a)) for (b, a), p in zip(which, pairs, strict=True))
    return dict(zip(which, written, strict=True))


def _of(against: Mapping[tuple[_Key, _Key], Pair], key: _Key) -> Pair | None:
    return next((pair for (first, _), pair in against.items() if first == key), None)


def _best_unseen(evidence: Evidence, protocol: str) -> str | None:
    """The best box that never looks; ties go by name, so that all experiments agree."""
    return best_unseen({name: float(np.mean(t["iou"])) for name, t in evidence.baselines(protocol).items()})
