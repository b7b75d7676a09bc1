"""Made-up scores for faithfulness, as an evaluation keeps them."""

from __future__ import annotations

import numpy as np

from dogcam.experiment.evaluations import Cell
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS

CELLS = [Cell(2, 3, "gradcam", "block_5", ""), Cell(2, 3, "cam", "block_12", ""), Cell(1, 3, "random-map", "input", "")]


def columns(count, seed=0, boxed=None):
    """Made-up scores; every third picture has no box, and the second no label."""
    rng = np.random.default_rng(seed)
    boxed = np.arange(count) % 3 != 0 if boxed is None else np.full(count, boxed)
    scores = {name: rng.random(count).astype(np.float32) for name in FAITHFULNESS}
    scores |= {name: np.where(boxed, scores[name], np.float32(np.nan)) for name in BOXED_ONLY}
    labels = np.array([None if place == 1 else place for place in range(count)], object)
    images = np.array([f"picture {place}" for place in range(count)], object)
    classes = {"predicted": np.arange(count, dtype=np.int32), "target": np.full(count, 7, np.int32)}
    return {"image": images, "picture": images, "label": labels, **classes, "boxed": boxed, **scores}
