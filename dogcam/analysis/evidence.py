"""What one experiment offers a report: its curves, its scored images, and the picture that stands for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from dogcam.analysis.choosing import Gallery, chosen
from dogcam.analysis.samples import Sample
from dogcam.analysis.tables import cell_order, is_baseline
from dogcam.analysis.training import Training, training
from dogcam.boxes.drawing import prepare
from dogcam.boxes.protocols import PROTOCOLS, Protocol
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.experiment.runs import Experiment
from dogcam.experiment.training_curves import Curve, RunChoice
from dogcam.language import counted
from dogcam.language.numbers import count

Columns = Mapping[str, np.ndarray]
Pair = tuple[str, str]  # method, layer
Place = tuple[str, str, int]  # and epoch


@dataclass(frozen=True, eq=False)
class Evidence:
    """One experiment, read once.

    Attributes:
        document: `experiment.json`.
        evaluation: the scope that is reported: of those there are, the one over the whole split, else the latest.
        tables: the per-image columns of each of its cells, in the order of tables.
    """

    experiment: Experiment
    document: Mapping[str, Any]
    training: Training
    evaluation: Evaluation | None = None
    tables: dict[Cell, Columns] = field(default_factory=dict)

    @classmethod
    def of(cls, experiment: Experiment, evaluation: Evaluation | None = None) -> Evidence:
        """Read everything that a report needs, but for the pictures.

        Args:
            evaluation: which of the experiment's; None takes the one over the whole test split, else the latest.
        """
        evaluation = evaluation or next(iter(experiment.evaluations()), None)
        cells = sorted(evaluation.cells(), key=cell_order) if evaluation else []
        tables = {cell: evaluation.read(cell) for cell in cells} if evaluation else {}
        return cls(experiment, experiment.document, training(experiment), evaluation, tables)

    @cached_property
    def curves(self) -> dict[int, Curve]:
        """Test curves by run."""
        return self.training.curves

    @property
    def chosen(self) -> RunChoice | None:
        """The run that is used, and why; None before the first epoch."""
        return self.training.chosen

    @cached_property
    def runs(self) -> list[int]:
        """The runs that were evaluated."""
        return sorted({cell.run for cell in self.tables if not is_baseline(cell)})

    @cached_property
    def run(self) -> int:
        """The run that pictures and findings are about: the chosen one if it was evaluated, else the first that was."""
        wanted = self.chosen.run if self.chosen else 0
        return wanted if wanted in self.runs or not self.runs else self.runs[0]

    @cached_property
    def protocols(self) -> list[str]:
        """The protocols that were evaluated, the main one first."""
        return list(dict.fromkeys(cell.protocol for cell in self.tables))

    def protocol(self, name: str) -> Protocol | None:
        """A protocol's fields, the user's own as they were kept; None where this dogcam does not know it."""
        if name in PROTOCOLS or self.evaluation is None:
            return PROTOCOLS.get(name)
        document = self.evaluation.about().get("protocols", {}).get(name)
        return None if document is None else Protocol(**{**document, "iou_levels": tuple(document["iou_levels"])})

    @cached_property
    def drawn_under(self) -> Protocol | None:
        """What pictures are drawn under: the first evaluated protocol of the logit, whose maps are the ones kept."""
        known = (self.protocol(name) for name in self.protocols)
        return next((each for each in known if each is not None and each.score == "logit"), None)

    @cached_property
    def epochs(self) -> list[int]:
        """The epochs of `run` that were evaluated."""
        return sorted({cell.epoch for cell in self.tables if cell.run == self.run and not is_baseline(cell)})

    @cached_property
    def pooled_layer(self) -> str:
        """The layer that feeds the pooling, where CAM and Grad-CAM can be compared."""
        recorded = self.document.get("model", {}).get("pooled_layer")
        layers = [cell.layer for cell in self.tables if cell.method == "cam"] or self.layers
        return recorded or (layers[-1] if layers else "")

    @cached_property
    def layers(self) -> list[str]:
        """The layers that were evaluated, from the input on: the stages first, as the model has them."""
        found = list(dict.fromkeys(cell.layer for cell in self.tables if not is_baseline(cell)))
        stages = [layer for layer in self.document.get("model", {}).get("stages", ()) if layer in found]
        return [*(layer for layer in found if layer not in stages), *stages]

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """(method, layer) of what was evaluated of `run`, in the order of tables."""
        cells = [cell for cell in self.tables if cell.run == self.run and not is_baseline(cell)]
        return list(dict.fromkeys((cell.method, cell.layer) for cell in cells))

    @cached_property
    def pooled_methods(self) -> list[str]:
        """The methods that were evaluated at the layer that feeds the pooling."""
        return [method for method, layer in self.pairs if layer == self.pooled_layer]

    def columns(self, protocol: str, method: str, layer: str, epoch: int) -> Columns | None:
        """The per-image columns of a cell of `run`; None where it was not evaluated."""
        return self.tables.get(Cell(self.run, epoch, method, layer, protocol))

    def pooled(self, protocol: str, method: str, epoch: int) -> Columns | None:
        """The same at the layer that feeds the pooling."""
        return self.columns(protocol, method, self.pooled_layer, epoch)

    def together(self, protocol: str) -> list[int]:
        """The runs that were scored at the layer that feeds the pooling wherever `run` was, itself among them."""
        scored = {
            number: {(c.method, c.epoch) for c in self.tables if self._is_pooled(c, number, protocol)}
            for number in self.runs
        }
        return [number for number in self.runs if scored[number] >= scored[self.run]]

    def _is_pooled(self, cell: Cell, run: int, protocol: str) -> bool:
        return (cell.run, cell.layer, cell.protocol) == (run, self.pooled_layer, protocol)

    def pooled_by_run(self, protocol: str, method: str, epoch: int) -> list[Columns]:
        """The columns of a cell at that layer in each run of `together`; empty where `run` has none."""
        cells = (Cell(run, epoch, method, self.pooled_layer, protocol) for run in self.together(protocol))
        return [self.tables[cell] for cell in cells] if self.pooled(protocol, method, epoch) is not None else []

    def last_pooled(self, protocol: str) -> int | None:
        """The latest epoch at which a method was scored at that layer; None where there is none."""
        there = (e for e in self.epochs if any(self.pooled(protocol, m, e) is not None for m in self.pooled_methods))
        return max(there, default=None)

    def baselines(self, protocol: str) -> dict[str, Columns]:
        """The columns of the boxes that never look, by name."""
        return {cell.method: t for cell, t in self.tables.items() if is_baseline(cell) and cell.protocol == protocol}

    @cached_property
    def n(self) -> int:
        """How many images were scored."""
        return max((len(table["image"]) for table in self.tables.values()), default=0)

    @property
    def split(self) -> str:
        """The split whose images were scored; "" before evaluation."""
        return self.evaluation.scope.partition("-")[0] if self.evaluation else ""

    @property
    def on_training(self) -> bool:
        """Whether the scored images are those that the network was trained on."""
        return self.split == "train"

    @property
    def images(self) -> str:
        """How many images were scored, in words that tell training images apart."""
        if self.on_training:
            return counted("{count} training image", "{count} training images", self.n, count=count(self.n))
        return counted("{count} image", "{count} images", self.n, count=count(self.n))

    @cached_property
    def samples(self) -> list[Sample]:
        """The pictures that evaluation kept, evenly spaced among all: what is measured on kept pictures is measured on them."""
        index = self.evaluation.samples() if self.evaluation else []
        return [Sample.of(place, entry) for place, entry in enumerate(index)]

    @cached_property
    def pictures(self) -> list[Sample]:
        """`samples`, and after them the other pictures that rules chose for galleries, which stand for nothing but their rule."""
        known, found = {sample.id for sample in self.samples}, list(self.samples)
        for entry in self.evaluation.gallery.entries() if self.evaluation else ():
            if entry["id"] not in known:
                found.append(Sample.of(len(found), entry))
        return found

    def kept_maps(self, run: int, epoch: int) -> dict[Pair, list[np.ndarray | None]]:
        """The raw maps (h, w) of `pictures` by method and layer, None where none was kept: a gallery's are of one epoch."""
        if self.evaluation is None:
            return {}
        own, others = self.evaluation.maps(run, epoch), self.evaluation.gallery.maps(run, epoch)
        places = {image: place for place, image in enumerate(self.evaluation.gallery.ids())} if others else {}
        found: dict[Pair, list[np.ndarray | None]] = {}
        for pair in {**own, **others}:
            maps, more = own.get(pair, ()), others.get(pair, ())
            kept = [maps[k] if k < len(maps) else None for k in range(len(self.pictures))]
            for picture in self.pictures:
                if kept[picture.place] is None and len(more) and picture.id in places:
                    kept[picture.place] = more[places[picture.id]]
            found[pair] = kept
        return found

    def raw_map(self, sample: Sample, method: str, layer: str, epoch: int) -> np.ndarray | None:
        """The kept raw map (h, w) of a picture; None where none was kept."""
        maps = self._maps(epoch).get((method, layer))
        return None if maps is None else maps[sample.place]

    def drawn(self, method: str, layer: str) -> list[int]:
        """The epochs at which maps of a method at a layer were kept beside their scores: what pictures can show."""
        scored = (e for e in self.epochs if self._drawn_columns(method, layer, e) is not None)
        return [epoch for epoch in scored if self._have_maps((method, layer), epoch)]

    def _have_maps(self, pair: Pair, epoch: int) -> bool:
        """Whether the maps of all `samples` were kept."""
        kept = self._maps(epoch).get(pair, [])[: len(self.samples)]
        return bool(kept) and all(each is not None for each in kept)

    def last_drawn(self, pairs: Sequence[tuple[str, str]], least: int = 1) -> int | None:
        """The latest epoch at which maps of at least `least` of the (method, layer) were kept; None: there is none."""
        numbers = Counter(epoch for pair in pairs for epoch in self.drawn(*pair))
        return max((epoch for epoch, n in numbers.items() if n >= least), default=None)

    def _drawn_columns(self, method: str, layer: str, epoch: int) -> Columns | None:
        return self.columns(self.drawn_under.name, method, layer, epoch) if self.drawn_under else None

    def _maps(self, epoch: int) -> dict[Pair, list[np.ndarray | None]]:
        # A frozen dataclass has no room to write to but its own dictionary, where cached_property writes as well.
        cache = self.__dict__.setdefault("_maps_by_epoch", {})
        if epoch not in cache:
            cache[epoch] = self.kept_maps(self.run, epoch)
        return cache[epoch]

    def heat(self, raw: np.ndarray, sample: Sample, protocol: Protocol) -> np.ndarray:
        """The heat that a protocol makes of a raw map."""
        return prepare(raw, protocol, sample.shape)

    def _row(self, sample: Sample, protocol: str, place: Place) -> dict[str, Any] | None:
        """A kept picture's row in the per-image table of a cell; None where it is not in it."""
        columns = self.columns(protocol, *place)
        found = np.flatnonzero(columns["image"] == sample.id) if columns is not None else ()
        return (
            {name: values[found[0]] for name, values in columns.items()} if columns is not None and len(found) else None
        )

    def score(self, sample: Sample, protocol: str, place: Place) -> float | None:
        """A kept picture's IoU in the per-image table of a cell; None where it is not in it."""
        row = self._row(sample, protocol, place)
        return None if row is None else float(row["iou"])

    def box(self, sample: Sample, protocol: str, place: Place) -> np.ndarray | None:
        """The box (4,) that was scored, drawn at the cell's own threshold; None where there is none."""
        row = self._row(sample, protocol, place)
        corners = np.array([np.nan] if row is None else [row[name] for name in ("x0", "y0", "x1", "y1")], np.float32)
        return None if np.isnan(corners).any() else corners

    def classified(self, sample: Sample, protocol: str, place: Place) -> tuple[str, bool] | None:
        """The class that the network puts first on a kept picture, and whether it is right; None where that is not known."""
        row = self._row(sample, protocol, place)
        if row is None or not np.isfinite(np.array([row["predicted"], row["label"]], np.float64)).all():
            return None
        first, names = int(row["predicted"]), self.document.get("dataset", {}).get("classes", ())
        return str(names[first]) if first < len(names) else str(first), first == int(row["label"])

    @cached_property
    def galleries_at(self) -> int | None:
        """The epoch that galleries are chosen at: the last one of `run` that was scored under `drawn_under`."""
        return max((e for e in self.epochs if any(self._drawn_columns(*pair, e) for pair in self.pairs)), default=None)

    def galleries(self, among: Collection[str] | None = None) -> tuple[Gallery, ...]:
        """What the rules choose of the scored images, or of those `among` them, by the tables of `run` at `galleries_at`."""
        if self.galleries_at is None:
            return ()
        tables = {pair: self._drawn_columns(*pair, self.galleries_at) for pair in self.pairs}
        there = {pair: columns for pair, columns in tables.items() if columns is not None}
        return chosen(there, self.pooled_layer, among)

    @cached_property
    def judged_by(self) -> tuple[str, str] | None:
        """(method, layer) that the featured picture is chosen by: Grad-CAM at the pooled layer, else what has maps."""
        there = [pair for pair in self.pairs if self.drawn(*pair)]
        wanted = ("gradcam", self.pooled_layer)
        return wanted if wanted in there else there[-1] if there else None

    @cached_property
    def judged_at(self) -> int | None:
        """The epoch that pictures are of: the latest one at which `judged_by` was scored and its maps were kept."""
        return self.last_drawn([self.judged_by]) if self.judged_by else None

    @cached_property
    def ranked(self) -> list[tuple[float, Sample]]:
        """(IoU, picture) of the kept pictures, lowest first, as `judged_by` scores them at `judged_at`."""
        if self.judged_by is None or self.judged_at is None:
            return []
        columns = self._drawn_columns(*self.judged_by, self.judged_at)
        known = {} if columns is None else dict(zip(columns["image"], columns["iou"], strict=True))
        scored = [(float(known[sample.id]), sample) for sample in self.samples if sample.id in known]
        return sorted(scored, key=lambda pair: (pair[0], pair[1].id))

    @cached_property
    def featured(self) -> Sample | None:
        """The kept picture of median IoU (the lower one of the two in the middle), so that nobody picked it."""
        return self.ranked[(len(self.ranked) - 1) // 2][1] if self.ranked else None
