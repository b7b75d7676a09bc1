"""The boxes that never look at a picture: beside every method."""

from __future__ import annotations

from itertools import product

import numpy as np

from dogcam.boxes import drawing
from dogcam.boxes.baselines import boxes_that_never_look
from dogcam.boxes.protocols import Protocol
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.scoring import Scoring
from dogcam.scoring.measuring import Measured
from dogcam.scoring.tables import table_columns


def score_baselines(scoring: Scoring, training_boxes: np.ndarray) -> list[Cell]:
    """Score the boxes that never look, by every protocol, and return their cells.

    Args:
        training_boxes: (n, 4), the first of each training picture; where there are none, no box is made of them.
    """
    cells = []
    for (name, box), protocol in product(boxes_that_never_look(training_boxes).items(), scoring.protocols):
        cells.append(Cell(0, 0, name, "", protocol.name))
        _score_box(scoring, box, cells[-1], protocol)
    return cells


def _score_box(scoring: Scoring, box: np.ndarray, cell: Cell, protocol: Protocol) -> None:
    """One box for all pictures: it has no threshold, so that its curve is its IoU."""
    pictures = scoring.pictures
    truths = (record.boxes for record in pictures.records)
    found = [Measured(box, iou) for iou in drawing.scores_of_one_box(box, truths, protocol, pictures.sizes())]
    curves = None
    if protocol.threshold_from != "fixed":
        curves = np.array([[each.iou] for each in found], np.float32)
    nothing = np.zeros(len(found), bool)
    scoring.evaluation.write(cell, table_columns(pictures, found, nothing, nothing, curves), Choice(None))
