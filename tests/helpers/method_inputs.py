"""Random arrays for all that a one-pass method may need, of both signs, no two sides alike."""

from __future__ import annotations

import numpy as np

from dogcam.methods import METHODS

BATCH, HEIGHT, WIDTH, CHANNELS = 2, 3, 5, 4
INPUT = (11, 14, 3)
# Layers with a bias: as large as the input, a row or a column less, and a single pixel.
BIASED = ((11, 14, 2), (6, 7, 3), (3, 2, 5), (1, 1, 2))


def evidence(seed=0, batch=BATCH, height=HEIGHT, width=WIDTH, channels=CHANNELS):
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(size=(batch, *shape)).astype(np.float32)

    layer = (height, width, channels)
    return {
        "activations": normal(*layer),
        "gradients": normal(*layer),
        "class_weights": normal(channels),
        "finer_gradients": normal(*layer),
        "hessian_activations": normal(*layer),
        "untrained_activations": normal(*layer),
        "untrained_gradients": normal(*layer),
        "inputs": normal(*INPUT),
        "input_gradients": normal(*INPUT),
        "guided_gradients": normal(*INPUT),
        "bias_gradients": [normal(*shape) for shape in BIASED],
    }


def changed(given, how, names=None):
    """`given` with `how` applied to every array, or to those of `names`; a list of arrays counts as one."""

    def one(name, each):
        if names is not None and name not in names:
            return each
        return [how(part) for part in each] if isinstance(each, list) else how(each)

    return {name: one(name, each) for name, each in given.items()}


def maps_of(name, given, xp=np):
    row = METHODS[name]
    return np.asarray(row.function(xp, **{need: given[need] for need in row.needs}))


def one_pass():
    """The methods that take arrays only."""
    return [name for name, row in METHODS.items() if not row.probing]
