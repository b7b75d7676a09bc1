"""The maps that know nothing of what was learnt: beside every method."""

from __future__ import annotations

from itertools import product

from dogcam.core.progress import Progress
from dogcam.engine import HeatmapEngine, plan_cells
from dogcam.experiment.evaluations import Cell
from dogcam.models.classifier import Classifier
from dogcam.scoring import Scoring, by_score
from dogcam.scoring.passes import score_pass

# Maps that have nothing to do with what was learnt, and the same for all kept models: scored once.
UNINFORMED = ("centre-gaussian", "random-map", "random-weights")


def score_uninformed(scoring: Scoring, classifier: Classifier, resume: bool, progress: Progress) -> list[Cell]:
    """Score the maps that know nothing of the classes, by every protocol, and return their cells.

    Args:
        classifier: any of the models: its architecture is what counts.
        resume: leave those that are finished.
    """
    pairs = plan_cells(classifier, UNINFORMED)
    cells = [Cell(0, 0, *pair, protocol.name) for pair, protocol in product(pairs, scoring.protocols)]
    if resume and all(map(scoring.evaluation.has, cells)):
        return cells
    for score, protocols in by_score(scoring.protocols).items():
        score_pass(scoring, HeatmapEngine(classifier, pairs, score), protocols, 0, 0, progress)
    return cells
