"""Boxes that never look at the picture: a method has to beat them to have said anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dogcam.boxes.geometry import WHOLE_IMAGE, centre_box
from dogcam.core.errors import InputError
from dogcam.core.registry import Registry
from dogcam.methods import METHODS

_CHOE = "Choe et al., Evaluating Weakly Supervised Object Localization Methods Right, CVPR 2020, arXiv:2001.07437"


@dataclass(frozen=True)
class Baseline:
    """A box that is the same for every picture.

    Attributes:
        box: called with the boxes (n, 4) of the training pictures, the first of each; gives a relative box (4,).
        trained: whether it looks at those.
        title: as written in tables and figures.
        paper: where such a baseline is used.
        year: of that.
    """

    box: Callable[[np.ndarray], np.ndarray]
    title: str
    trained: bool = False
    paper: str = _CHOE
    year: int = 2020


def _mean_box(boxes: np.ndarray) -> np.ndarray:
    if not len(boxes):
        raise InputError("mean-training-box needs training pictures with boxes, and there are none")
    return boxes.mean(axis=0).astype(np.float32)


BASELINES: Registry[Baseline] = Registry("baseline")
BASELINES.add("whole-image", Baseline(lambda boxes: WHOLE_IMAGE, "whole image"))
BASELINES.add("centre-box-0.9", Baseline(lambda boxes: centre_box(0.9), "centre box 0.9"))
BASELINES.add("centre-box-0.8", Baseline(lambda boxes: centre_box(0.8), "centre box 0.8"))
BASELINES.add("mean-training-box", Baseline(_mean_box, "mean training box", trained=True))


def boxes_that_never_look(training_boxes: np.ndarray) -> dict[str, np.ndarray]:
    """The box (4,) of every baseline that can be made of the boxes (n, 4) of the training pictures, which may be none."""
    return {name: row.box(training_boxes) for name, row in BASELINES.items() if len(training_boxes) or not row.trained}


# What --method takes: everything that gives a map or a box.
METHODS_AND_BASELINES: Registry[object] = Registry("method")
for _name, _row in (*METHODS.items(), *BASELINES.items()):
    METHODS_AND_BASELINES.add(_name, _row)


def never_looks(name: str) -> bool:
    """Whether a baseline's boxes have nothing to do with the picture; of somebody else's maps that is not known."""
    return name in BASELINES or (name in METHODS and METHODS[name].content_free)
