"""What tests of `dogcam evaluate` ask for, of the shared tiny experiment or of a copy of it."""

from __future__ import annotations

from dogcam.core.config import EvaluateConfig
from dogcam.data import Problem

LAYERS = ("conv3_block1_out", "conv4_block1_out", "conv5_block1_out")


def config_of(folder, **changes):
    """A few pictures of an experiment, with `changes`."""
    return EvaluateConfig(**{"home": str(folder.path.parent), "limit": 6, "samples": 2, "calibrate": 6, **changes})


def unannotated(identity):
    """What is said of a test picture without a box."""
    return Problem(identity, "no annotated box", "test", lost=False)
