"""The boxes that `dogcam evaluate` draws, given back as COCO, YOLO, VOC or CSV: of annotated pictures, and of all others too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from dogcam.boxes import drawing
from dogcam.boxes.protocols import Protocol
from dogcam.core.config import EvaluateConfig
from dogcam.core.errors import OptionError
from dogcam.core.progress import Progress
from dogcam.data import Dataset
from dogcam.data.predictions import Predictions, Row, box_of, pictures_of, write_predictions
from dogcam.engine import HeatmapEngine
from dogcam.experiment.evaluations import Cell
from dogcam.models.classifier import Classifier
from dogcam.scoring import Asking, Scoring, by_score
from dogcam.scoring.tables import Pair

FOLDER = "boxes"


def give_back(
    config: EvaluateConfig,
    scoring: Scoring,
    dataset: Dataset,
    classifier: Classifier,
    number: int,
    epoch: int,
    pairs: tuple[Sequence[Pair], Sequence[Pair]],
    progress: Progress,
) -> None:
    """Write the boxes of one kept model: boxes/<form>/<cell>, for each cell of a method that was asked for.

    Those of annotated pictures are in the cells' tables. Pictures without annotation have no rows there: their maps are drawn
    here, for the predicted class where the true one is meant, and with the threshold that the others have.

    Args:
        pairs: methods and layers; and the fused ones.
    """
    cells = [Cell(number, epoch, *pair, protocol.name) for pair in sum(pairs, ()) for protocol in scoring.protocols]
    thresholds = {cell: threshold for cell in cells if (threshold := _threshold(scoring, cell, progress)) is not None}
    bare = _bare_rows(config, scoring, classifier, pairs[0], thresholds, progress)
    classes = [classifier.class_name(index) for index in range(classifier.class_count)]
    where, without = scoring.evaluation.path / FOLDER, 0
    for cell, threshold in thresholds.items():
        pictures = pictures_of([*_table_rows(scoring, cell), *bare[cell]], dataset.numbers)
        predictions = Predictions(pictures, classes, cell.method, cell.layer, epoch, threshold, dataset.class_numbers)
        without += predictions.without_boxes
        for form in config.save:
            write_predictions(where / form / cell.file_name.removesuffix(".parquet"), form, predictions)
    if thresholds:
        maps = f"{len(thresholds)} map{'' if len(thresholds) == 1 else 's'} of {len(pictures)} pictures"
        progress.note(f"run {number} epoch {epoch}: boxes of {maps} in {where}; {without} times none was drawn")


def _threshold(scoring: Scoring, cell: Cell, progress: Progress) -> float | None:
    """What the boxes of a cell are drawn above; None, which is said, where only annotated pictures could tell."""
    if scoring.pictures.records:
        return scoring.evaluation.choice(cell).threshold
    protocol = next(each for each in scoring.protocols if each.name == cell.protocol)
    try:
        return drawing.threshold_of(protocol)
    except OptionError as error:
        progress.warn(f"no boxes of {cell.method} by {protocol.name}: {error}")
        return None


def _table_rows(scoring: Scoring, cell: Cell) -> list[Row]:
    """The annotated pictures with the boxes that a cell's table has."""
    if not scoring.pictures.records:
        return []
    records = {record.id: record for record in scoring.pictures.records}
    rows = scoring.evaluation.read(cell)
    corners = np.stack([rows[name] for name in ("x0", "y0", "x1", "y1")], axis=1)
    columns = zip(rows["image"], rows["width"], rows["height"], corners, rows["target"], rows["probability"], strict=True)
    return [
        (records[image], int(width), int(height), box_of(box, label, share))
        for image, width, height, box, label, share in columns
        if image in records
    ]


def _bare_rows(
    config: EvaluateConfig,
    scoring: Scoring,
    classifier: Classifier,
    pairs: Sequence[Pair],
    thresholds: Mapping[Cell, float],
    progress: Progress,
) -> dict[Cell, list[Row]]:
    """By cell the pictures without annotation, and what is drawn there."""
    rows: dict[Cell, list[Row]] = {cell: [] for cell in thresholds}
    asking = scoring.given
    if asking is None or not rows:
        return rows
    for score, protocols in by_score(scoring.protocols).items():
        engine = HeatmapEngine(
            classifier, pairs, score, fuse=config.fuse, smooth=config.smooth, mask_batch=config.mask_batch, progress=progress
        )
        _draw(engine, asking, protocols, thresholds, scoring.batch_size, progress, rows)
    return rows


def _draw(
    engine: HeatmapEngine,
    asking: Asking,
    protocols: Sequence[Protocol],
    thresholds: Mapping[Cell, float],
    batch_size: int,
    progress: Progress,
    rows: dict[Cell, list[Row]],
) -> None:
    """Add to `rows` what an engine's maps give at the thresholds."""
    of = {(cell.method, cell.layer, cell.protocol): cell for cell in thresholds}
    with progress.task("boxes of pictures without annotation", len(asking.pictures.records)) as step:
        for part in asking.pictures.batches(batch_size):
            heat = engine(engine.classifier.inputs_of(asking.pictures.images[part]), *asking.targets[part].T)
            shares = engine.classifier.probabilities(heat.logits)
            records, shapes = asking.pictures.records[part], asking.pictures.sizes(part)
            for (pair, maps), protocol in product(heat.maps.items(), protocols):
                cell = of.get((*pair, protocol.name))
                if cell is None:
                    continue
                for place, (record, shape) in enumerate(zip(records, shapes, strict=True)):
                    corners = drawing.predicted_box(maps[place], protocol, shape, thresholds[cell])
                    label = int(heat.targets[place])
                    rows[cell].append((record, shape[1], shape[0], box_of(corners, label, shares[place, label])))
            step.advance(len(records))
