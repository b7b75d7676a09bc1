"""A decomposition made up, from CAM to Grad-CAM: the method changes nothing, ReLU and the threshold what they are told to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dogcam.analysis.decomposition import PipelineDecomposition, PipelineSettings, Setting
from dogcam.statistics import decompose

SHARED = {"score": (Setting("logit"),), "box": (Setting("largest"), Setting("last-pixel"))}
FIRST = PipelineSettings(
    "cam", "cam2016", {"method": (Setting("cam"),), "relu": (Setting("kept"),), "threshold": (Setting("above", 0.2),), **SHARED}
)
SECOND = PipelineSettings(
    "gradcam",
    "gradcam2017",
    {"method": (Setting("gradcam"),), "relu": (Setting("cut"),), "threshold": (Setting("above", 0.15),), **SHARED},
)


def decomposition(
    images: int = 40,
    relu: float = 0.05,
    threshold: float = -0.02,
    both: float = 0.0,
    choices: tuple[str, ...] = ("method", "relu", "threshold"),
    **changes,
) -> PipelineDecomposition:
    """ReLU and threshold add what they add, and both together `both` more; nothing else changes anything.

    Args:
        choices: in which the pipelines differ; in others the second has what the first has.
        changes: fields.
    """
    spread = np.linspace(-0.1, 0.1, images)

    def value(switched):
        added = relu * ("relu" in switched) + threshold * ("threshold" in switched)
        return 0.5 + spread * (1 + added) + added + both * ({"relu", "threshold"} <= switched)

    settings = {name: (SECOND if name in choices else FIRST).settings[name] for name in FIRST.settings}
    given = {
        "first": FIRST,
        "second": replace(SECOND, settings=settings),
        "layer": "conv5_block1_out",
        "run": 2,
        "epoch": 4,
        "numbers": decompose(value, list(choices), resamples=100),
        "pooled": True,
    }
    return PipelineDecomposition(**(given | changes))
