"""All methods and all boxes that never look, compared over the same images: one family for each protocol and epoch.

Every pair of the family is compared, paired by image, and one correction (Holm) covers them all: the ranking, its letters and
on which side of the best box that never looks a method lies all rest on these pairs, so that they cannot disagree. Of one run
the uncertainty is about other images; of several, also about training again (see `statistics.crossed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dogcam.analysis.tables import Columns, Tables, check_same_images, in_run, is_baseline, pictures_of
from dogcam.analysis.weighing import best_unseen
from dogcam.boxes.protocols import Protocol
from dogcam.experiment.evaluations import MapKey
from dogcam.methods import METHODS
from dogcam.statistics import Interval, Pair, compare, groups_of_same, intervals, intervals_over_runs, ranking, representatives
from dogcam.statistics.same import Agreement

CORNERS = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class Line:
    """One line of the ranking: a method at a layer, or several that draw the same boxes.

    Attributes:
        maps: which; the first stands for all of them.
        iou: the mean IoU.
        rank: 1 + how many lines are better for certain.
        letters: two lines share a letter exactly where they are not told apart.
        agreement: how far every two of several agree; null of a single one.
        by_algebra: whether they must, as a theorem says.
        looks: whether one of them is no baseline.
        unseen: its IoU less that of the best box that never looks, of the family's own pairs; null of that box itself.
    """

    maps: tuple[MapKey, ...]
    iou: Interval
    rank: int
    letters: str
    agreement: Agreement | None
    by_algebra: bool
    looks: bool
    unseen: Pair[MapKey] | None

    @property
    def verdict(self) -> str | None:
        """ "above", "below", "undecided", or "few" without an interval, beside never looking; None where there is no such box."""
        if self.unseen is None:
            return None
        return "few" if np.isnan(self.unseen.low) else self.unseen.verdict


@dataclass(frozen=True)
class Comparison:
    """A family: all lines, the best first, and every pair of them.

    Attributes:
        protocol: how maps became boxes.
        runs: compared over these; several are crossed with the images.
        epoch: after which the networks were taken.
        n: images; in a set with several classes in a picture rows.
        methods: what is no baseline.
        lines: the ranking.
        pairs: every two lines, each under the first of its maps.
        unseen: the box of the highest mean IoU among those that never look; null where none was scored.
    """

    protocol: str
    runs: tuple[int, ...]
    epoch: int
    n: int
    methods: tuple[MapKey, ...]
    lines: tuple[Line, ...]
    pairs: tuple[Pair[MapKey], ...]
    unseen: MapKey | None

    @property
    def looking(self) -> tuple[Line, ...]:
        """The lines that a method is in, the best first; a baseline that draws the same boxes may share one."""
        return tuple(line for line in self.lines if line.looks)

    def methods_of(self, lines: Iterable[Line]) -> list[MapKey]:
        """The methods of some lines, in their order."""
        return [key for line in lines for key in line.maps if key in self.methods]

    def on_side(self, verdict: str) -> list[Line]:
        """The lines of methods that have a `Line.verdict`."""
        return [line for line in self.looking if line.verdict == verdict]

    def line_of(self, key: MapKey) -> Line | None:
        """The line that a map is in."""
        return next((line for line in self.lines if key in line.maps), None)

    @property
    def unseen_iou(self) -> Interval | None:
        """What the best box that never looks reaches."""
        line = None if self.unseen is None else self.line_of(self.unseen)
        return None if line is None else line.iou

    def between(self, first: Line, second: Line) -> Pair[MapKey]:
        """The first line less the second."""
        return _between(self.pairs, first.maps[0], second.maps[0])

    @property
    def of_methods(self) -> list[Pair[MapKey]]:
        """The pairs that a method is in: how two baselines compare says nothing of any."""
        looking = {key for line in self.looking for key in line.maps}
        return [pair for pair in self.pairs if looking & {pair.first, pair.second}]


def _between(pairs: Iterable[Pair[MapKey]], first: MapKey, second: MapKey) -> Pair[MapKey]:
    pair = next(each for each in pairs if {each.first, each.second} == {first, second})
    return pair if pair.first == first else pair.turned()


def comparisons(tables: Tables) -> tuple[Comparison, ...]:
    """Of every protocol and epoch: over the runs that were scored as the one that speaks, first, and of each run alone."""
    found = []
    for protocol in tables.protocols:
        mine = [cell for cell in tables.methods if cell.protocol == protocol]
        for epoch in sorted({cell.epoch for cell in mine}):
            at = [cell for cell in mine if cell.epoch == epoch]
            speaking = [cell for cell in at if cell.run == tables.run]
            together = [tables.alike(speaking)] if speaking else []
            alone = [[run] for run in sorted({cell.run for cell in at}) if [run] not in together]
            found += [comparison(tables, protocol, runs, epoch) for runs in (*together, *alone)]
    return tuple(found)


def comparison(tables: Tables, protocol: str, runs: Sequence[int], epoch: int) -> Comparison:
    """One family: what was scored of the first of the runs at an epoch, in all of them, and all baselines.

    Raises:
        ExperimentError: the tables are of different images.
    """
    of = [cell for cell in tables.cells if cell.protocol == protocol]
    cells = [cell for cell in of if is_baseline(cell) or (cell.run, cell.epoch) == (runs[0], epoch)]
    every = [[tables.read(in_run(cell, run)) for cell in cells] for run in runs]
    check_same_images({str(cell): table for row in every for cell, table in zip(cells, row, strict=True)})
    keys, looking = [cell.map for cell in cells], tuple(cell.map for cell in cells if not is_baseline(cell))
    by_run = np.stack([np.column_stack([table["iou"] for table in row]) for row in every])
    scores = by_run if len(runs) > 1 else by_run[0]
    pictures = pictures_of(tables.read(cells[0]))
    boxes = {key: np.concatenate([corners_of(row[place]) for row in every]) for place, key in enumerate(keys)}
    how = tables.protocol(protocol)
    groups = groups_of_same(boxes, _kept_maps(tables, how, runs, epoch, keys))
    kept = representatives(keys, groups)
    pairs = compare(scores[..., [keys.index(key) for key in kept]], kept, pictures=pictures)
    found = intervals_over_runs(scores, pictures=pictures) if len(runs) > 1 else intervals(scores, pictures=pictures)
    means = dict(zip(keys, found, strict=True))
    unseen = best_unseen({key: iou.value for key, iou in means.items() if key not in looking})
    standing = next((group.names[0] for group in groups if unseen in group.names), unseen)
    lines = tuple(
        Line(
            ranked.names,
            means[ranked.names[0]],
            ranked.rank,
            ranked.letters,
            ranked.same,
            len(ranked.names) > 1 and _one_map(ranked.names, how, tables.pooled_layer),
            any(key in looking for key in ranked.names),
            None if standing in (None, ranked.names[0]) else _between(pairs, ranked.names[0], standing),
        )
        for ranked in ranking(scores, keys, groups, pairs)
    )
    return Comparison(protocol, tuple(runs), epoch, by_run.shape[1], looking, lines, pairs, unseen)


def corners_of(table: Columns) -> np.ndarray:
    """The boxes (n, 4) of a table, NaN where none was drawn."""
    return np.column_stack([np.asarray(table[name], np.float64) for name in CORNERS])


def _kept_maps(
    tables: Tables, protocol: Protocol | None, runs: Sequence[int], epoch: int, keys: Sequence[MapKey]
) -> dict[MapKey, np.ndarray]:
    """The maps of the sample, of one run, and of passes that keep them; without negative values where the protocol cuts these."""
    if protocol is None or len(runs) > 1 or protocol.score != "logit":
        return {}
    kept = {MapKey(*pair): maps for pair, maps in tables.evaluation.sample.maps(runs[0], epoch).items()}
    return {key: np.maximum(kept[key], 0) if protocol.relu else kept[key] for key in keys if key in kept}


def _one_map(keys: Sequence[MapKey], protocol: Protocol | None, pooled: str) -> bool:
    """Whether maps are one by algebra: CAM's at the pooled layer but for a factor and ReLU, which the protocol takes of all."""
    if protocol is None or protocol.score != "logit" or not protocol.relu:
        return False
    names = {key.method for key in keys}
    alike = all(name in METHODS and METHODS[name].cam_when_pooled for name in names - {"cam"})
    return "cam" in names and alike and all(key.layer == pooled for key in keys)


def spoken(comparisons: Iterable[Comparison], run: int, protocol: str, epoch: int | None = None) -> Comparison | None:
    """The family of the run that speaks under a protocol: at an epoch, or at its latest."""
    mine = [each for each in comparisons if each.protocol == protocol and run in each.runs]
    at = [each for each in mine if epoch in (None, each.epoch)]
    return max(at, key=lambda each: (each.epoch, len(each.runs)), default=None)
