"""One threshold for all pictures of a cell, chosen from the IoU of each at every threshold.

Chosen on training pictures it is honest ("calibrated"); chosen on the pictures that are reported it is what could be
reached at best, which is how MaxBoxAcc is defined (Choe et al. 2020), and is never called anything else.
"""

from __future__ import annotations

import numpy as np

from dogcam.boxes.protocols import Protocol
from dogcam.experiment.evaluations import Choice


def fixed(protocol: Protocol) -> Choice:
    """The threshold that the protocol itself names; none where it must wait for the pictures that are evaluated."""
    return Choice(None, "best") if protocol.threshold_from == "best" else Choice(protocol.threshold)


def calibrated(curves: np.ndarray, protocol: Protocol) -> Choice:
    """The threshold of the highest mean IoU; of equal ones the lowest.

    Args:
        curves: (n, T), IoU of n training pictures at the thresholds of `protocol.grid()`.
    """
    means = curves.mean(axis=0, dtype=np.float64)
    place = int(means.argmax())
    return Choice(float(protocol.grid()[place]), "calibrated", len(curves), float(means[place]))


def best(curves: np.ndarray, protocol: Protocol) -> Choice:
    """The threshold of the highest mean share of right boxes over the protocol's IoU levels; of equal ones the lowest.

    MaxBoxAccV2 gives each level a threshold of its own; a box that is drawn and a mean IoU need one for all levels.

    Args:
        curves: (n, T), IoU of the n evaluated pictures.
    """
    shares = np.mean([(curves >= np.float32(level)).mean(axis=0) for level in protocol.iou_levels], axis=0)
    place = int(shares.argmax())
    return Choice(float(protocol.grid()[place]), "best", len(curves), float(shares[place]))
