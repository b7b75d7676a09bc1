"""The engine itself: a batch in, raw maps of many methods at many layers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from dogcam.core.config import ExplainConfig
from dogcam.core.errors import OptionError
from dogcam.core.progress import Progress
from dogcam.core.registry import unknown
from dogcam.engine.cells import SCORES, Cell, check_cell
from dogcam.engine.combining import fuse, fused_cells, variations
from dogcam.engine.one_pass import OnePass
from dogcam.engine.probing import Network, Probes, probed_map
from dogcam.engine.targets import NOBODY, PREDICTED
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Heatmaps:
    """What the engine gives for a batch.

    Attributes:
        maps: raw maps float32 (B, h, w) by (method, layer); never a NaN or an infinity.
        logits: float32 (B, classes).
        targets: int32 (B,), the class that each image was explained for.
        against: int32 (B,), the class it was set against, -1 for none.
        flags: bool (B,) by (method, layer): maps that are not what their formula means. Either a value was not finite,
            and the map was put to zeros; or the score was not above 0, where the method's formula asks for one.
    """

    maps: dict[Cell, np.ndarray]
    logits: np.ndarray
    targets: np.ndarray
    against: np.ndarray
    flags: dict[Cell, np.ndarray] = field(default_factory=dict)


class HeatmapEngine:
    """Raw maps of many methods at many layers, from as few passes of the network as they need.

    All methods that need activations, gradients or class weights share ONE forward and one backward pass in one compiled
    function. Maps are raw: no ReLU that is not in a method's own formula, no resizing, no normalising (see `protocols`).

    Args:
        classifier: the model to look into; it is not changed.
        cells: (method, layer) pairs, see `plan_cells`.
        score: what is explained, the target class's "logit" or its "softmax" probability.
        fuse: "mean", "max" or "product" of each method's layers, as further cells; None for none.
        smooth: of "flip" and "scale": maps are means over so varied inputs.
        mask_batch: how many masked copies of a picture go through the network at a time.
        progress: hears of methods that ask the network again and again.

    Raises:
        UnknownName, LayerError, OptionError: a method, layer or option that does not exist or does not fit.
        ModelError: the model lacks what a method needs.
    """

    def __init__(
        self,
        classifier: Classifier,
        cells: Sequence[Cell],
        score: str = "logit",
        *,
        fuse: str | None = None,
        smooth: Sequence[str] = (),
        mask_batch: int = ExplainConfig.mask_batch,
        progress: Progress | None = None,
    ):
        if score not in SCORES:
            raise unknown("score", score, SCORES)
        if not cells:
            raise OptionError("an engine needs at least one (method, layer)")
        if not isinstance(mask_batch, int | np.integer) or mask_batch < 1:
            raise OptionError(f"--mask-batch must be a whole number of at least 1; received {mask_batch}")
        self.classifier, self.score, self.fuse, self.smooth = classifier, score, fuse, tuple(smooth)
        self.plain = list(dict.fromkeys(check_cell(classifier, cell) for cell in cells))
        self.fused = fused_cells(self.plain, fuse) if fuse else {}
        self.cells = [*self.plain, *self.fused]
        self.progress = progress or Progress()
        self._variations = variations(self.smooth)
        self._probing = [cell for cell in self.plain if METHODS[cell[0]].probing]
        features = [layer for method, layer in self._probing if "activations" in METHODS[method].needs]
        in_one = [cell for cell in self.plain if cell not in self._probing]
        self._pass = OnePass(classifier, in_one, list(dict.fromkeys(features)), score)
        self._network = Network(classifier, score, mask_batch)

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None, against: np.ndarray | None = None) -> Heatmaps:
        """Explain a batch.

        Args:
            inputs: what the model takes, float32 (B, H, W, C), preprocessed (see `Classifier.inputs_of`).
            targets: int (B,), the class to explain each image for, or -r for the one that the model puts in place r;
                None means `PREDICTED`.
            against: the same for a class whose score is taken off, `NOBODY` for none; None means none for all.
        """
        inputs = np.asarray(inputs, np.float32)
        self._check_inputs(inputs)
        wanted = self._classes("targets", targets, len(inputs), PREDICTED)
        opposed = self._classes("against", against, len(inputs), NOBODY)
        found = self._explain(self._variations[0].apply(inputs), wanted, opposed)
        if len(self._variations) > 1:
            found = self._smoothed(inputs, found)
        return self._with_fused(found)

    def _check_inputs(self, inputs: np.ndarray) -> None:
        expected = (*self.classifier.size, self.classifier.channels)
        if inputs.ndim != 4 or inputs.shape[1:] != expected:
            raise OptionError(f"inputs must be a batch (B, {', '.join(map(str, expected))}); received {inputs.shape}")

    def _classes(self, name: str, given: np.ndarray | None, images: int, default: int) -> np.ndarray:
        classes = np.full(images, default) if given is None else np.asarray(given)
        count = self.classifier.class_count
        known = (classes >= -count) & (classes < count) | (classes == NOBODY) & (name == "against")
        if classes.shape != (images,) or not known.all():
            raise OptionError(f"{name} must be one class below {count} for each of {images} images; received {classes}")
        return classes.astype(np.int32)

    def _explain(self, inputs: np.ndarray, targets: np.ndarray, against: np.ndarray) -> Heatmaps:
        """Maps of all plain cells, of the inputs as they are."""
        tensors = tf.convert_to_tensor(inputs), tf.constant(targets, tf.int32), tf.constant(against, tf.int32)
        maps, features, logits, chosen, opposed = self._pass.compute(*tensors)
        by_cell = {cell: each.numpy() for cell, (each, _) in zip(self._pass.cells, maps, strict=True)}
        found = Heatmaps(by_cell, logits.numpy(), chosen.numpy(), opposed.numpy())
        unsound = {cell: ~sound.numpy() for cell, (_, sound) in zip(self._pass.cells, maps, strict=True)}
        if self._probing:
            activations = dict(zip(self._pass.features, (each.numpy() for each in features), strict=True))
            by_cell |= self._probed(inputs, found, activations)
        scores = self._scores(found)
        # Not left to what comes out: TensorFlow's fused convolution with a ReLU makes zeros of NaN.
        unreadable = ~np.isfinite(inputs).all(axis=(1, 2, 3))
        for cell in self.plain:
            unfounded = unreadable | ~np.isfinite(scores) & METHODS[cell[0]].class_specific
            by_cell[cell], found.flags[cell] = _finite(by_cell[cell], unsound.get(cell, False) | unfounded)
            if METHODS[cell[0]].positive_only:
                found.flags[cell] |= ~(scores > 0)
        return found

    def _signs(self, found: Heatmaps) -> np.ndarray:
        """(B, classes): 1 for the class explained, -1 for the one it is set against."""
        classes = np.arange(found.logits.shape[1])
        return (classes == found.targets[:, None]).astype(np.float32) - (classes == found.against[:, None])

    def _scores(self, found: Heatmaps) -> np.ndarray:
        """S (B,) of the pictures."""
        values = self.classifier.probabilities(found.logits) if self.score == "softmax" else found.logits
        signs = self._signs(found)
        # Only the classes that count: 0 times an infinite logit would be NaN.
        return np.multiply(signs, values, out=np.zeros_like(signs), where=signs != 0).sum(axis=1)

    def _probed(self, inputs: np.ndarray, found: Heatmaps, activations: dict[str, np.ndarray]) -> dict[Cell, np.ndarray]:
        """Maps of the methods that probe, picture by picture."""
        scores, signs = self._scores(found), self._signs(found)
        maps: dict[Cell, list[np.ndarray]] = {cell: [] for cell in self._probing}
        for position, picture in enumerate(inputs):
            arrays = {"inputs": picture}
            for method, layer in self._probing:
                if layer in activations:
                    arrays["activations"] = activations[layer][position]
                title = f"{method} at {layer}, picture {position + 1} of {len(inputs)}"
                score = float(scores[position])
                probes = Probes(self._network, picture, signs[position], layer, score, self.progress, title)
                with np.errstate(all="ignore"):  # what is not finite is flagged in the end
                    maps[method, layer].append(probed_map(method, probes, arrays))
        return {cell: np.stack(each) for cell, each in maps.items()}

    def _smoothed(self, inputs: np.ndarray, plain: Heatmaps) -> Heatmaps:
        """Means over all variations, for the classes that the inputs themselves are explained for."""
        against = np.where(plain.against < 0, NOBODY, plain.against)
        maps, flags = plain.maps, plain.flags
        for each in self._variations[1:]:
            found = self._explain(each.apply(inputs), plain.targets, against)
            maps = {cell: maps[cell] + each.undo(found.maps[cell]) for cell in maps}
            flags = {cell: flags[cell] | found.flags[cell] for cell in flags}
        count = np.float32(len(self._variations))
        means = {cell: _finite(values / count)[0] for cell, values in maps.items()}
        return Heatmaps(means, plain.logits, plain.targets, plain.against, flags)

    def _with_fused(self, found: Heatmaps) -> Heatmaps:
        for cell, parts in self.fused.items():
            found.maps[cell] = fuse([found.maps[part] for part in parts], self.fuse or "")
            found.flags[cell] = np.any([found.flags[part] for part in parts], axis=0)
        return found


def _finite(maps: np.ndarray, unsound: np.ndarray | bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Maps (B, h, w) with zeros in place of what holds a NaN or an infinity or is `unsound`, and which (B,) those are."""
    broken = ~np.isfinite(maps).all(axis=(1, 2)) | unsound
    return (np.where(broken[:, None, None], np.float32(0), maps) if broken.any() else maps), broken
