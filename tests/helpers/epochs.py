"""Made-up scores along epochs, whose changes are known."""

import numpy as np

from dogcam.analysis.dynamics import dynamics
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.training_curves import Curve

N = 40
BASE = np.linspace(0.2, 0.7, N)
WIGGLE = np.tile([0.01, -0.01, 0.005, -0.005], N // 4)  # of mean 0, so that shifts stay what they are
NOISE = np.random.default_rng(0).normal(0, 0.1, (3, N))
NOISE -= NOISE.mean(axis=1, keepdims=True)
IMAGES = np.array([f"picture-{k}" for k in range(N)], object)


def table(iou, area=0.3, right=0):
    """Scores of N images, of which the first `right` were classified rightly."""
    n = len(iou)
    predicted = (np.arange(n) >= right).astype(int)
    return {
        "image": IMAGES[:n],
        "iou": np.asarray(iou, float),
        "area": np.full(n, area),
        "predicted": predicted,
        "label": np.zeros(n, int),
    }


def history(run=1, accuracy=(0.6, 0.8, 0.7), loss=(1.0, 0.5, 0.9), epochs=(3, 5, 7)):
    """Test curves by run."""
    return {run: Curve(epochs, accuracy, loss)}


def tables(ious, run=1, method="cam", layer="last", **more):
    """{epoch: IoU of every image} -> tables by cell."""
    return {Cell(run, epoch, method, layer, "default"): table(iou, **more) for epoch, iou in ious.items()}


def only(found, **wanted):
    (track,) = [t for t in found.tracks if all(getattr(t, name) == value for name, value in wanted.items())]
    return track


RISING = {3: BASE, 5: BASE + 0.05 + WIGGLE, 7: BASE + 0.10 - WIGGLE}
FALLING = {3: BASE, 5: BASE + 0.05 + WIGGLE, 7: BASE - 0.05}


def two_runs():
    """Run 1 rises by .10 from epoch 3 to 7 on every image, run 2 by .06."""
    shifted = {**tables({3: BASE, 7: BASE + 0.10}, run=1, area=0.2), **tables({3: BASE, 7: BASE + 0.06}, run=2, area=0.4)}
    rows = {**history(1, (0.6, 0.8, 0.7)), **history(2, (0.7, 0.8, 0.9), (0.9, 0.7, 0.3))}
    return rows, shifted


def under_default(curves, scored):
    """What is found under the one protocol that there is."""
    (found,) = dynamics(curves, scored)
    return found
