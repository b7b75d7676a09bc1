"""The classifier: a backbone, global average pooling and a dense layer of logits, built, saved, loaded and looked into.

It is one flat functional graph that ends in logits. Preprocessing stays outside the graph, so that a kept epoch is an
ordinary Keras file without code of ours in it. A user's softmax model is read without being changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dogcam.backbones import BACKBONES, Backbone
from dogcam.errors import LayerError, ModelError, OptionError, UnknownName
from dogcam.pretrained import backbone_model, load_model
from dogcam.registry import nearest, resolve, unknown
from dogcam.runs import Experiment

POOLING_NAME, LOGITS_NAME = "avg_pool", "logits"
# Layers that hand the pooled features on unchanged at inference, so that CAM may look through them.
_TRANSPARENT = (keras.layers.Dropout, keras.layers.Flatten)


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model and what is needed to use it on pictures.

    Attributes:
        model: the Keras model.
        preprocess: pixels float32 (B, S, S, 3), 0 to 255, RGB -> what the model takes.
        classes: names by index; may be empty.
        stages: the last layer of each of the last three stages.
        name: what it is called in results.
    """

    model: keras.Model
    preprocess: Callable[[np.ndarray], np.ndarray]
    classes: tuple[str, ...]
    stages: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        if self.class_count < 2:
            raise ModelError(f"{self.name} has one output; dogcam explains classes, and needs one output for each")
        if self.classes and len(self.classes) != self.class_count:
            raise ModelError(
                f"{self.name} has {self.class_count} classes, but {len(self.classes)} names were given for them"
            )

    @property
    def image_size(self) -> int:
        """Side of the square input."""
        side = self.model.input_shape[1]
        return side if side else 224

    @property
    def class_count(self) -> int:
        """How many classes the model tells apart."""
        return int(self.model.output_shape[-1])

    @property
    def head(self) -> keras.layers.Dense:
        """The dense layer that gives the logits."""
        return _head(self.model)

    @property
    def kernel(self) -> Any:
        """The head's kernel, a variable (K, classes): CAM's class weights."""
        return self.head.kernel

    def inputs_of(self, images: np.ndarray) -> np.ndarray:
        """Pictures uint8 (B, S, S, 3) -> the model's input, float32."""
        return np.asarray(self.preprocess(images.astype(np.float32)), np.float32)

    def class_name(self, index: int) -> str:
        """The name of a class, or "class 207" where names are not known."""
        return self.classes[index] if self.classes else f"class {index}"

    def class_index(self, text: str) -> int:
        """The class that `text` means: its index, its name, or a part that only one name has.

        Raises:
            UnknownName: none does, or several do.
        """
        if text.isdecimal() and int(text) < self.class_count:
            return int(text)
        folded = text.casefold()
        names = [name.casefold() for name in self.classes]
        if names.count(folded) == 1:
            return names.index(folded)
        matches = [index for index, name in enumerate(names) if folded in name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            several = ", ".join(self.classes[index] for index in matches[:5])
            raise UnknownName(f"class {text!r} is ambiguous: {several}; name one in full or by its index")
        if not self.classes:
            raise UnknownName(f"class {text!r}: {self.name} has no class names; give an index below {self.class_count}")
        raise unknown("class", text, self.classes)

    def tensor(self, path: str) -> Any:
        """The output of the layer `path`: a symbolic (B, h, w, K).

        Raises:
            LayerError: there is no such layer, or it has no spatial extent.
        """
        found = {operation.name: operation for operation in self.model.operations}
        if path not in found:
            close = nearest(path, self.spatial_layers(), 3)
            hint = f"the nearest: {', '.join(close)}" if close else f"the last stages end in {', '.join(self.stages)}"
            raise LayerError(f"{self.name} has no layer {path!r}; {hint}")
        output = found[path].output
        if not _is_map(output):
            raise LayerError(
                f"layer {path!r} gives {getattr(output, 'shape', 'several tensors')}: a heatmap needs (batch, height, "
                f"width, channels); the last stages end in {', '.join(self.stages)}"
            )
        return output

    def spatial_layers(self) -> list[str]:
        """The layers whose output has height and width, in order."""
        return [operation.name for operation in self.model.operations if _is_map(operation.output)]

    def logits(self) -> Any:
        """The symbolic logits (B, classes): of a model that ends in softmax, what it takes the softmax of."""
        return _logits(self.model)

    def pooled_layer(self) -> str | None:
        """The layer that feeds the pooling, where there is global average pooling before the head; else None."""
        tensor = self.head.input
        while isinstance(operation := _producer(self.model, tensor), _TRANSPARENT):
            tensor = operation.input
        if not isinstance(operation, keras.layers.GlobalAveragePooling2D):
            return None
        producer = _producer(self.model, operation.input)
        return producer.name if producer is not None else None


def _is_map(tensor: Any) -> bool:
    shape = getattr(tensor, "shape", ())
    return len(shape) == 4 and (shape[1] is None or shape[1] > 1 or shape[2] > 1)


def _producer(model: keras.Model, tensor: Any) -> Any:
    """The operation of `model` whose output is `tensor`."""
    return next((each for each in model.operations if each.output is tensor), None)


def _head(model: keras.Model) -> keras.layers.Dense:
    last = _producer(model, model.outputs[0])
    if isinstance(last, keras.layers.Softmax | keras.layers.Activation):
        last = _producer(model, last.input)
    if not isinstance(last, keras.layers.Dense):
        raise ModelError(f"{model.name} must end in a dense layer of classes; it ends in {type(last).__name__}")
    return last


def _logits(model: keras.Model) -> Any:
    head = _head(model)
    if keras.activations.serialize(head.activation) == "linear":
        return head.output
    # The same layer without its activation, on the same weights; the user's own layer is not touched.
    twin = keras.layers.Dense(head.units, use_bias=head.use_bias, name=f"{head.name}_logits")
    output = twin(head.input)
    twin.set_weights(head.get_weights())
    return output


def preprocessing(name: str, backbone: Backbone) -> Callable[[np.ndarray], np.ndarray]:
    """What turns pixels (0 to 255) into a network's input.

    Args:
        name: "backbone" for the backbone's own, "unit" for division by 255, "none" for pixels as they are.

    Raises:
        OptionError: "unit" for a backbone that scales its input inside the network.
    """
    if name == "unit" and not backbone.preprocess:
        raise OptionError("--preprocess unit: this backbone scales its pixels itself and would see them scaled twice")
    if name == "unit":
        return _unit
    return resolve(backbone.preprocess) if name == "backbone" and backbone.preprocess else _as_they_are


def _unit(images: np.ndarray) -> np.ndarray:
    return images / np.float32(255)


def _as_they_are(images: np.ndarray) -> np.ndarray:
    return images


def build(
    backbone_name: str, classes: tuple[str, ...], weights: str = "imagenet", preprocess: str = "backbone"
) -> Classifier:
    """Backbone + global average pooling + dense logits.

    Args:
        weights: "imagenet", "none" or a weights file saved by Keras.

    Raises:
        UnknownName, ModelError, Unavailable, OptionError.
    """
    row = BACKBONES[backbone_name]
    prepared = preprocessing(preprocess, row)
    base = backbone_model(backbone_name, weights, include_top=False)
    pooled = keras.layers.GlobalAveragePooling2D(name=POOLING_NAME)(base.output)
    logits = keras.layers.Dense(len(classes), name=LOGITS_NAME)(pooled)
    model = keras.Model(base.input, logits, name=backbone_name)
    return Classifier(model, prepared, classes, row.stages, backbone_name)


def imagenet_classifier(backbone_name: str, weights: str, classes: tuple[str, ...]) -> Classifier:
    """The backbone with its own ImageNet head of 1,000 classes, as logits; nothing is trained."""
    row = BACKBONES[backbone_name]
    model = backbone_model(backbone_name, weights, include_top=True)
    # Some networks end otherwise with their head: ConvNeXt normalises after the pooling then, not before it.
    names = {operation.name for operation in model.operations}
    stages = row.stages if names.issuperset(row.stages) else _last_of_stages(model)
    return Classifier(model, preprocessing("backbone", row), classes, stages, f"imagenet:{backbone_name}")


def load_trained(experiment: Experiment, run: int, epoch: int) -> Classifier:
    """A kept epoch of an experiment, with the preprocessing it was trained on."""
    document = experiment.training_document()
    config, classes = document["config"], tuple(document["dataset"]["classes"])
    row = BACKBONES[config["backbone"]]
    model = load_model(experiment.checkpoint(run, epoch))
    name = f"{experiment.name} run {run} epoch {epoch}"
    return Classifier(model, preprocessing(config["preprocess"], row), classes, row.stages, name)


def load_foreign(path: Path, preprocess: str, classes: tuple[str, ...]) -> Classifier:
    """A model file of unknown origin; `preprocess` is "unit", "none" or the name of a backbone whose own it uses.

    Its stages are the last layer at each of the last three resolutions.
    """
    model = _flat(load_model(path), path.name)
    if preprocess in BACKBONES:
        prepared = preprocessing("backbone", BACKBONES[preprocess])
    elif preprocess in ("unit", "none"):
        prepared = _unit if preprocess == "unit" else _as_they_are
    else:
        raise unknown("preprocessing", preprocess, ["unit", "none", *BACKBONES])
    return Classifier(model, prepared, classes, _last_of_stages(model), path.name)


def _flat(model: keras.Model, name: str) -> keras.Model:
    """The model as one flat graph of its own layers (a Sequential's too), if it is one that pictures can be put into.

    Raises:
        ModelError: several inputs or outputs, another shape than square RGB pictures, or models within the model.
    """
    try:
        flat = keras.Model(model.inputs, model.outputs, name=model.name)
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{name} has no graph to look into: only Sequential and functional models have one") from error
    if isinstance(model, keras.Sequential):
        # Its layers were called for the Sequential itself as well: fresh ones belong to one graph only.
        flat = keras.models.clone_model(flat)
        flat.set_weights(model.get_weights())
    shapes = [tuple(tensor.shape) for tensor in (*flat.inputs, *flat.outputs)]
    if len(flat.inputs) != 1 or len(flat.outputs) != 1 or len(shapes[1]) != 2:
        raise ModelError(
            f"{name} must take one picture and give one list of classes; its inputs and outputs are {shapes}"
        )
    if len(shapes[0]) != 4 or shapes[0][3] != 3 or shapes[0][1] != shapes[0][2]:
        raise ModelError(f"{name} must take square RGB pictures, (batch, S, S, 3); it takes {shapes[0]}")
    nested = [layer.name for layer in flat.layers if isinstance(layer, keras.Model)]
    if nested:
        raise ModelError(f"{name} uses {', '.join(nested)} as a layer: models within models cannot be looked into yet")
    return flat


def _last_of_stages(model: keras.Model) -> tuple[str, ...]:
    last: dict[int, str] = {}
    for operation in model.operations:
        if _is_map(operation.output) and not isinstance(operation, keras.layers.InputLayer):
            last[operation.output.shape[1]] = operation.name
    ordered = sorted(last, key=lambda side: side or 0, reverse=True)
    return tuple(last[side] for side in ordered[-3:])
