"""What a picture of a figure shows, as a plain value: a document holds such values without matplotlib being there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a figure.

    Attributes:
        title: such as "Grad-CAM" and, on a second line, the layer.
        heat: float (h, w) from `localize.prepare`, drawn from 0 to 1 (negative values as 0); None for the bare picture.
        box: the predicted box, relative (4,); None where there is none.
        note: a short line below the picture, such as its IoU.
    """

    title: str
    heat: np.ndarray | None = None
    box: np.ndarray | None = None
    note: str = ""
