"""A made-up experiment that has all that a full evaluation leaves: curves, finer maps, faithfulness, a decomposition."""

from __future__ import annotations

import numpy as np
from made_decomposition import decomposition
from made_up import Made

from dogcam.core.records import to_plain
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.experiment.runs import Experiment
from dogcam.metrics.faithfulness import FAITHFULNESS

IMAGES, SAMPLES, CURVE = 24, 12, 100


def everything(home) -> Experiment:
    """Written to `home`: every exhibit has something to show of it."""
    protocols = ("default", "cam2016", "exercise")
    experiment = Made(str(home), images=IMAGES, samples=SAMPLES, protocols=protocols, epochs=(2, 3, 4)).write()
    _with_curves(experiment)
    _with_finer_maps(experiment)
    _with_more(experiment)
    return experiment


def _with_curves(experiment):
    """Give every map's cell under the protocol "default" its curves, and say that its threshold is calibrated."""
    evaluation, rng = experiment.evaluation("test", None, "true"), np.random.default_rng(3)
    for cell in [cell for cell in evaluation.cells() if cell.run and cell.protocol == "default"]:
        known = evaluation.read(cell)
        truth = [boxes.ravel().tolist() for boxes in known["truth"]]
        curves = np.sort(0.9 * rng.random((len(truth), CURVE), np.float32))[:, ::-1]
        curves[:, 30] = 0.95  # the oracle's
        evaluation.write(cell, {**known, "truth": truth, "curve": curves}, Choice(0.15, "calibrated"))


def _with_finer_maps(experiment):
    """Give the first two stages maps of their own, finer than the last one's."""
    evaluation = experiment.evaluation("test", None, "true")
    for epoch in (2, 3, 4):
        maps = evaluation.sample.maps(2, epoch)
        for (method, layer), coarse in maps.items():
            if layer != "conv5_block1_out":
                maps[method, layer] = coarse[:, ::-1].repeat(2, axis=1).repeat(2, axis=2)
        evaluation.sample.write_maps(2, epoch, maps)


def _with_more(experiment):
    """What a full evaluation also leaves: faithfulness, and where a difference comes from."""
    evaluation, rng = experiment.evaluation("test", None, "true"), np.random.default_rng(5)
    classes = {"label": [0] * IMAGES, "predicted": [0] * IMAGES, "target": [0] * IMAGES, "boxed": [True] * IMAGES}
    for method in ("cam", "gradcam"):
        scores = {name: rng.random(IMAGES, np.float32) for name in FAITHFULNESS}
        columns = {"image": [f"picture-{n}" for n in range(IMAGES)], **classes, **scores}
        evaluation.write_faithfulness(Cell(2, 4, method, "conv5_block1_out", ""), columns)
    evaluation.write_decomposition("cam@cam2016 gradcam@gradcam2017", to_plain(decomposition(IMAGES)), b"no figure")
