"""A made-up experiment, written through `runs` as training and evaluation write theirs."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from dogcam.boxes import drawing, geometry
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.files import write_bytes
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.experiment.runs import Experiment, HistoryRow, create_experiment

STAGES = ("conv3_block1_out", "conv4_block1_out", "conv5_block1_out")
HISTORY = {  # run -> (accuracy, loss) of epochs 1 to 4
    1: [(0.5, 1.2), (0.6, 1.0), (0.7, 0.8), (0.68, 0.95)],
    2: [(0.55, 1.1), (0.65, 0.9), (0.75, 0.7), (0.8, 0.6)],
}


@dataclass
class Made:
    """What the made-up experiment is to be like; a test changes what it is about."""

    home: str
    name: str = "made"
    images: int = 8
    samples: int = 4
    epochs: tuple[int, ...] = (2, 4)
    methods: tuple[str, ...] = ("cam", "gradcam")
    protocols: tuple[str, ...] = ("default",)
    ious: dict = field(default_factory=dict)  # (method, epoch) -> IoU of every image at the pooled layer
    unseen: float = 0.3
    classes: tuple[str, ...] = ("pug", "husky")
    ids: tuple[str, ...] = ()
    evaluated: bool = True
    split: str = "test"
    mirrored: tuple[str, ...] = ()  # methods whose maps, and so whose boxes, are turned left to right

    def write(self) -> Experiment:
        """Write it."""
        experiment = create_experiment(self.home, self.name, "x", self._document())
        rows = [
            HistoryRow(run, epoch + 1, split, accuracy + (0.1 if split == "train" else 0), loss)
            for run, points in HISTORY.items()
            for epoch, (accuracy, loss) in enumerate(points)
            for split in ("train", "test")
        ]
        experiment.add_history(rows)
        for run in HISTORY:
            for epoch in self.epochs:
                write_bytes(experiment.checkpoint(run, epoch), b"kept")
        if self.evaluated:
            self._evaluate(experiment)
        return experiment

    @staticmethod
    def rewrite(experiment, which, to=None, scope=None, **columns):
        """Write tables of an experiment again, some columns changed, with the choices of their thresholds.

        Args:
            which: a cell, or a function that says of each whether it is meant.
            to: the fields in which the cell that is written differs; None writes in place.
            scope: the name of the evaluation; None means the only one.
            columns: values, or functions of a table's columns that make them.
        """
        (evaluation,) = [each for each in experiment.evaluations() if scope in (None, each.scope)]
        meant = which if isinstance(which, Callable) else which.__eq__
        cells = [cell for cell in evaluation.cells() if meant(cell)]
        assert cells, f"nothing is {which}"
        for cell in cells:
            known = {**evaluation.read(cell), **evaluation.long(cell)}
            known["truth"] = [boxes.ravel().tolist() for boxes in known["truth"]]
            changed = {name: value(known) if isinstance(value, Callable) else value for name, value in columns.items()}
            evaluation.write(replace(cell, **(to or {})), {**known, **changed}, evaluation.choice(cell))

    def _document(self):
        return {
            "dogcam": "0.1.0",
            "status": "finished",
            "config": {"dataset": "synthetic", "learning_rate": 0.001, "checkpoints": list(self.epochs)},
            "seeds": [0, 1],
            "versions": {"python": "3.11", "tensorflow": "2.21", "keras": "3"},
            "dataset": {
                "name": "synthetic",
                "source": {"kind": "drawn", "folder": "", "name": ""},
                "fingerprint": "abc",
                "classes": list(self.classes),
                "counts": {"train": 20, "test": 8},
            },
            "model": {"backbone": "small_resnet", "image_size": 96, "stages": STAGES, "pooled_layer": STAGES[-1]},
            "seconds": {"run-1": 2.0},
            "problems": [{"id": "broken | picture", "reason": "too short"}],
        }

    def image_ids(self):
        """The ids of all scored images."""
        return [*self.ids, *(f"picture-{n}" for n in range(len(self.ids), self.images))]

    def _columns(self, found, iou):
        n = self.images
        absent = np.full(4, None)
        drawn = [absent if box is None else box.tolist() for box in found]
        corners = {key: [box[k] for box in drawn] for k, key in enumerate(("x0", "y0", "x1", "y1"))}
        return {
            "image": self.image_ids(),
            "label": [k % 2 for k in range(n)],
            "predicted": [0] * n,
            "target": [0] * n,
            "against": [-1] * n,
            "probability": [0.5] * n,
            "rank": [0] * n,
            "empty": [False] * n,
            "flagged": [False] * n,
            **corners,
            "area": [0.0 if box is None else float(geometry.area(box)) for box in found],
            "iou": list(np.broadcast_to(iou, n).astype(float)),
            "width": [60] * n,
            "height": [40] * n,
            "truth": [[0.25, 0.25, 0.75, 0.75]] * n,
        }

    def _evaluate(self, experiment):
        evaluation = experiment.evaluation(self.split, None, "true")
        rng = np.random.default_rng(0)
        self._keep(evaluation, rng)  # first: maps are kept with the names of the pictures that they are of
        for epoch in self.epochs:
            raw = rng.normal(0.2, 1, (self.images, 6, 9)).astype(np.float32)
            kept = {}
            for method in self.methods:
                for layer in STAGES if method == "gradcam" else STAGES[-1:]:
                    maps = raw if method == "cam" else np.maximum(raw, 0) / 54
                    maps = maps[:, :, ::-1] if method in self.mirrored else maps
                    kept[method, layer] = maps[: self.samples]
                    self._score(evaluation, epoch, (method, layer), maps)
            evaluation.sample.write_maps(2, epoch, kept)
        for protocol in self.protocols:
            whole = [geometry.WHOLE_IMAGE] * self.images
            evaluation.write(Cell(0, 0, "whole-image", "", protocol), self._columns(whole, self.unseen), Choice(None))

    def _score(self, evaluation, epoch, pair, maps):
        for protocol in self.protocols:
            found = [drawing.predicted_box(each, PROTOCOLS[protocol], (40, 60)) for each in maps]
            iou = self.ious.get((pair[0], epoch), np.linspace(0.2, 0.9, self.images))
            evaluation.write(Cell(2, epoch, *pair, protocol), self._columns(found, iou), Choice(0.15))

    def _keep(self, evaluation, rng):
        index, pictures = [], []
        for place in range(self.samples):
            index.append(
                {
                    "id": self.image_ids()[place],
                    "label": place % 2,
                    "class": self.classes[place % 2],
                    "boxes": [[0.25, 0.25, 0.75, 0.75]],
                    "width": 60,
                    "height": 40,
                }
            )
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(buffer, "JPEG")
            pictures.append(buffer.getvalue())
        evaluation.sample.write(index, pictures)
