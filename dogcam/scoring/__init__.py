"""Kept models against annotated boxes: maps from the engine, boxes by every protocol, one row per picture.

The members, each of which may import only those named before it:

    saving         all maps that are scored, in files
    thresholds     one threshold for all pictures of a cell, chosen from their curves
    measuring      one raw map -> its box, its IoU, its curve over all thresholds, its pixels
    tables         raw maps, whoever drew them -> the tables of their cells
    baselines      the boxes that never look
    given          somebody else's maps, and those that need no network
    passes         one pass of a network over the pictures -> the tables of its cells
    uninformed     the maps that know nothing of what was learnt
    faithfulness   what the network says when it is shown, or not shown, what a map points at
    sides          the two pipelines between which a gap is looked into
    decomposition  from one method's pipeline to another's, one choice at a time

What they share is here: what is scored, and on what thresholds are chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dogcam.boxes.protocols import Protocol
from dogcam.data.pipeline import Pictures
from dogcam.experiment.evaluations import Evaluation
from dogcam.scoring.saving import Saving


@dataclass(frozen=True, eq=False)
class Calibration:
    """Training pictures that thresholds are chosen on; none of them is evaluated.

    Attributes:
        targets: as in `Scoring`.
    """

    pictures: Pictures
    targets: np.ndarray


@dataclass(frozen=True, eq=False)
class Asking:
    """Pictures that the network is asked about, shown what a map points at or not: their maps' faithfulness.

    Attributes:
        targets: as in `Scoring`.
        steps: of the insertion and deletion curves.
    """

    pictures: Pictures
    targets: np.ndarray
    steps: int

    def document(self) -> dict[str, Any]:
        """What has to be the same in all tables that are compared."""
        return {"steps": self.steps, "ids": [record.id for record in self.pictures.records]}


@dataclass(frozen=True, eq=False)
class Scoring:
    """What every cell of an evaluation shares.

    Attributes:
        sampled: positions among the pictures whose raw maps are kept for figures, int (s,).
        targets: the class that each picture's map is drawn for, and the one it is set against, int (n, 2).
        calibration: None where no protocol calibrates, or where there is nothing to calibrate on.
        asking: None where no faithfulness is to be scored.
        saving: None where maps are not to be written to files of their own.
        given: pictures without a box that boxes are given to; None where there are none, or nothing is to be given back.
    """

    evaluation: Evaluation
    pictures: Pictures
    protocols: tuple[Protocol, ...]
    sampled: np.ndarray
    targets: np.ndarray
    batch_size: int
    calibration: Calibration | None = None
    asking: Asking | None = None
    saving: Saving | None = None
    given: Asking | None = None


def by_score(protocols: Sequence[Protocol]) -> dict[str, list[Protocol]]:
    """Protocols by the score that their maps explain: what one pass of the network can serve."""
    found: dict[str, list[Protocol]] = {}
    for protocol in protocols:
        found.setdefault(protocol.score, []).append(protocol)
    return found
