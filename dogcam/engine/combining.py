"""Maps put together: one of several layers' maps, and one of the maps of several variations of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from dogcam.core.choices import FUSIONS, SMOOTHINGS
from dogcam.core.errors import OptionError
from dogcam.core.registry import unknown
from dogcam.engine.cells import Cell
from dogcam.methods import METHODS

# How each of `config.FUSIONS` makes one map of several.
_FUSE = {"mean": np.mean, "max": np.max, "product": np.prod}


def fused_cells(cells: Sequence[Cell], how: str) -> dict[Cell, list[Cell]]:
    """The fused cells that `how` ("mean", "max", "product") makes: of every method at several layers, one from all of them.

    Raises:
        UnknownName, OptionError: no such way; no method is at several layers.
    """
    if how not in FUSIONS:
        raise unknown("way of fusing", how, FUSIONS)
    by_method: dict[str, list[Cell]] = {}
    for method, layer in cells:
        if METHODS[method].at_layer and not METHODS[method].only_pooled:
            by_method.setdefault(method, []).append((method, layer))
    found = {
        (method, f"{how}({'+'.join(layer for _, layer in parts)})"): parts
        for method, parts in by_method.items()
        if len(parts) > 1
    }
    if not found:
        raise OptionError(f"--fuse {how} needs a method at two layers or more; received {listed(cells)}")
    return found


def listed(cells: Sequence[Cell]) -> str:
    """ "gradcam at conv5, cam at conv5"."""
    return ", ".join(f"{method} at {layer}" for method, layer in cells)


def fuse(maps: Sequence[np.ndarray], how: str) -> np.ndarray:
    """One map (B, h, w) of several layers' maps: ReLU, each picture's divided by its maximum, enlarged to the finest.

    Layers differ in resolution and in the scale of their values, which is why they are normalised first, as in LayerCAM
    (Jiang et al. 2021, there by tanh); an empty map counts as zeros. Bilinear, half-pixel centres.
    """
    height, width = max((each.shape[1:] for each in maps), key=lambda shape: shape[0] * shape[1])
    enlarged = []
    for each in maps:
        positive = np.maximum(each, 0)
        top = positive.max(axis=(1, 2), keepdims=True)
        shares = np.divide(positive, top, out=np.zeros_like(positive), where=top > 0)
        # OpenCV takes (width, height), the other way round than shapes.
        enlarged.append(np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in shares]))
    return _FUSE[how](np.stack(enlarged), axis=0)


@dataclass(frozen=True)
class Variation:
    """A varied input, and how its map is turned back."""

    mirrored: bool
    factor: float

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs (B, H, W, C) varied."""
        return (inputs[:, :, ::-1] if self.mirrored else inputs) * np.float32(self.factor)

    def undo(self, maps: np.ndarray) -> np.ndarray:
        """Maps (B, h, w) of varied inputs, as they lie over the inputs themselves."""
        return maps[:, :, ::-1] if self.mirrored else maps


# Test-time smoothing, as pytorch-grad-cam's: mirrored left to right, and the network's input times 0.9, 1 and 1.1.
_MIRRORED, _FACTORS = (False, True), (1.0, 0.9, 1.1)


def variations(names: Sequence[str]) -> list[Variation]:
    """Every combination that `names` ("flip", "scale") mean, the input itself first.

    Raises:
        UnknownName: there is no such variation.
    """
    for name in names:
        if name not in SMOOTHINGS:
            raise unknown("smoothing", name, SMOOTHINGS)
    mirrored = _MIRRORED if "flip" in names else (False,)
    factors = _FACTORS if "scale" in names else (1.0,)
    return [Variation(*each) for each in product(mirrored, factors)]
