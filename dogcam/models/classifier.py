"""The classifier: a backbone, global average pooling and a dense layer of logits, built, saved, loaded and looked into.

What we build is one flat functional graph that ends in logits. Preprocessing stays outside the graph, so that a kept
epoch is an ordinary Keras file without code of ours in it. Anybody else's model is read without being changed: `graph`
follows the models within it, `readout` finds its logits behind a softmax or a sigmoid.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dogcam.core.errors import ModelError, OptionError, UnknownName, first_line
from dogcam.core.registry import resolve, unknown
from dogcam.experiment.runs import Experiment
from dogcam.models.backbones import BACKBONES, Backbone
from dogcam.models.graph import Graph, has_graph, is_map
from dogcam.models.pretrained import backbone_model, load_model
from dogcam.models.readout import Readout, read

POOLING_NAME, LOGITS_NAME = "avg_pool", "logits"
ANY_SIZE = 224  # what a model for pictures of any size is shown


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model and what is needed to use it on pictures. The model is looked into and never changed.

    Attributes:
        model: the Keras model: functional or Sequential, models within it to any depth.
        preprocess: pixels float32 (B, H, W, 3), 0 to 255, RGB -> what the model takes.
        classes: names by index; may be empty.
        stages: the paths of the last layers of the last three stages; found by resolution where none are given.
        name: what it is called in results.
        output: the name of the output that gives the classes, of a model with several.
        activation: what makes probabilities of its logits, where the model itself does not say: "sigmoid" of ours that was
            trained on pictures with several classes.
    """

    model: keras.Model
    preprocess: Callable[[np.ndarray], np.ndarray]
    classes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    name: str = "model"
    output: str | None = None
    activation: str | None = None

    def __post_init__(self) -> None:
        if self.classes and len(self.classes) != self.class_count:
            raise ModelError(f"{self.name} has {self.class_count} classes, but {len(self.classes)} names were given for them")
        if not self.stages:
            object.__setattr__(self, "stages", _last_of_stages(self.graph, self.readout))

    @cached_property
    def graph(self) -> Graph:
        """The model's steps, models within it followed to any depth."""
        return Graph(self.model, (*self.size, self.channels), self.name)

    @cached_property
    def readout(self) -> Readout:
        """How its classes are read from the end of the graph."""
        found = read(self.graph, self.graph.outputs[self._output_position()])
        return found if self.activation is None else replace(found, activation=self.activation)

    def _output_position(self) -> int:
        """Which of the model's outputs gives the classes: by the key of its dictionary, or by its layer's name.

        Raises:
            ModelError, UnknownName: it has several and none is named, or none of that name.
        """
        layers = list(getattr(self.model, "output_names", None) or [self.model.outputs[0].name])
        names = list(self.graph.output_keys) or layers
        if self.output is None and len(names) > 1:
            raise ModelError(f"{self.name} has several outputs: choose one with --output: {', '.join(names)}")
        if self.output is None:
            return 0
        if self.output not in (*names, *layers):
            raise unknown("output", self.output, names)
        return (names if self.output in names else layers).index(self.output)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width of its input, in pixels.

        Raises:
            ModelError: it does not take pictures.
        """
        shape = _input_shape(self.model, self.name)
        return shape[1] or ANY_SIZE, shape[2] or ANY_SIZE

    @property
    def channels(self) -> int:
        """Colours of its input: 3, or 1 for grey."""
        return _input_shape(self.model, self.name)[3]

    @property
    def class_count(self) -> int:
        """How many classes the model tells apart."""
        return self.readout.class_count

    @property
    def head(self) -> Any:
        """The dense layer that gives the logits.

        Raises:
            ModelError: there is none.
        """
        if self.readout.head is None:
            raise ModelError(f"{self.name} must end in a dense layer of classes: {self.readout.obstacle}")
        return self.readout.head

    @property
    def kernel(self) -> Any:
        """The head's kernel, a variable (K, classes): CAM's class weights."""
        return self.head.kernel

    def inputs_of(self, images: np.ndarray) -> np.ndarray:
        """Pictures uint8 (B, H, W, 3) -> the model's input, float32; grey by its luminance where it takes one channel."""
        pixels = images.astype(np.float32)
        if self.channels == 1:
            pixels = (pixels @ np.float32([0.299, 0.587, 0.114]))[..., None]
        return np.asarray(self.preprocess(pixels), np.float32)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities (B, classes) of logits: softmax, or sigmoid where the model ends in one."""
        return self.readout.probabilities(logits, np)

    def class_name(self, index: int) -> str:
        """The name of a class, or "class 207" where names are not known."""
        return self.classes[index] if self.classes else f"class {index}"

    def class_index(self, text: str) -> int:
        """The class that `text` means: its name, its index, or a part that only one name has.

        Raises:
            UnknownName: none does, or several do.
        """
        folded = text.casefold()
        names = [name.casefold() for name in self.classes]
        if names.count(folded) == 1:
            return names.index(folded)
        if text.isdecimal() and int(text) < self.class_count:
            return int(text)
        matches = [index for index, name in enumerate(names) if folded in name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            several = ", ".join(self.classes[index] for index in matches[:5])
            raise UnknownName(f"class {text!r} is ambiguous: {several}; give its whole name or its index")
        if not self.classes:
            raise UnknownName(f"class {text!r}: {self.name} has no class names; give an index below {self.class_count}")
        raise unknown("class", text, self.classes)

    def tensor(self, path: str) -> Any:
        """The output of the layer `path`: a symbolic (B, h, w, K) of `graph`.

        Raises:
            LayerError: there is no such layer, several are meant, or it has no spatial extent.
        """
        return self.graph.tensor(path)

    def pooled_layer(self) -> str | None:
        """The layer that feeds the pooling, where there is global average pooling before the head; else None."""
        return self.readout.pooled

    def document(self, backbone: str) -> dict[str, Any]:
        """What an experiment remembers of it, under the name of its backbone."""
        height, width = self.size
        return {
            "backbone": backbone,
            "image_size": height if height == width else [height, width],
            "stages": list(self.stages),
            "pooled_layer": self.pooled_layer(),
            "parameters": int(self.model.count_params()),
        }

    def untrained(self, seed: int = 0) -> Classifier:
        """The same architecture with fresh weights, the same for the same seed.

        Raises:
            ModelError: a layer of the model cannot be made anew from its configuration.
        """
        # Keras draws the seeds of nameless initializers from Python's generator: lend it one and give the old one back.
        state = random.getstate()
        random.seed(seed)
        try:
            twin = keras.models.clone_model(self.model)
        except Exception as error:  # a layer may raise anything
            raise ModelError(f"{self.name} cannot be built anew with fresh weights: {first_line(error)}") from error
        finally:
            random.setstate(state)
        return replace(self, model=twin, name=f"{self.name} (fresh weights)")


def _input_shape(model: keras.Model, name: str) -> tuple[int | None, ...]:
    """(None, height or None, width or None, channels) of a model that takes one picture.

    Raises:
        ModelError: it has no graph, or does not take one picture.
    """
    if not has_graph(model) or not getattr(model, "inputs", None):
        raise ModelError(
            f"{name} has no graph to look into: only Sequential and functional models that were built for an input have one"
        )
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] not in (1, 3):
        raise ModelError(f"{name} must take one picture, (batch, height, width, 3 colours or 1); its inputs are {shapes}")
    return shapes[0]


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
    backbone_name: str,
    classes: tuple[str, ...],
    weights: str = "imagenet",
    preprocess: str = "backbone",
    multilabel: bool = False,
) -> Classifier:
    """Backbone + global average pooling + dense logits.

    Args:
        multilabel: whether a picture may have several classes: each logit is then a class's own, by a sigmoid.
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
    return Classifier(model, prepared, classes, row.stages, backbone_name, activation=_activation(multilabel))


def imagenet_classifier(backbone_name: str, weights: str, classes: tuple[str, ...]) -> Classifier:
    """The backbone with its own ImageNet head of 1,000 classes, as logits; nothing is trained."""
    row = BACKBONES[backbone_name]
    model = backbone_model(backbone_name, weights, include_top=True)
    # Some networks end otherwise with their head: ConvNeXt normalises after the pooling then, not before it.
    names = {operation.name for operation in model.operations}
    stages = row.stages if names.issuperset(row.stages) else ()
    return Classifier(model, preprocessing("backbone", row), classes, stages, f"imagenet:{backbone_name}")


def load_trained(experiment: Experiment, run: int, epoch: int) -> Classifier:
    """A kept epoch of an experiment, with the preprocessing it was trained on."""
    document = experiment.training_document()
    config, classes = document["config"], tuple(document["dataset"]["classes"])
    row = BACKBONES[config["backbone"]]
    model = load_model(experiment.checkpoint(run, epoch))
    name = f"{experiment.name} run {run} epoch {epoch}"
    activation = _activation(document["dataset"].get("multilabel", False))
    return Classifier(model, preprocessing(config["preprocess"], row), classes, row.stages, name, activation=activation)


def _activation(multilabel: bool) -> str | None:
    return "sigmoid" if multilabel else None


def load_foreign(path: Path, preprocess: str, classes: tuple[str, ...], output: str | None = None) -> Classifier:
    """A model file of unknown origin, see `foreign`."""
    return foreign(load_model(path), preprocess, classes, output, path.name)


def foreign(
    model: keras.Model,
    preprocess: str | Callable[[np.ndarray], np.ndarray],
    classes: tuple[str, ...] = (),
    output: str | None = None,
    name: str | None = None,
) -> Classifier:
    """Anybody's Keras model. Its stages are the last layer at each of the last three resolutions.

    Args:
        preprocess: "unit", "none", the name of a backbone whose own it uses, or a function of pixels.
        output: the name of the output that gives the classes, of a model with several.

    Raises:
        ModelError, UnknownName: it cannot be looked into; no such preprocessing or output.
    """
    if callable(preprocess):
        prepared = preprocess
    elif preprocess in BACKBONES:
        prepared = preprocessing("backbone", BACKBONES[preprocess])
    elif preprocess in ("unit", "none"):
        prepared = _unit if preprocess == "unit" else _as_they_are
    else:
        raise unknown("preprocessing", preprocess, ["unit", "none", *BACKBONES])
    return Classifier(model, prepared, classes, (), name or getattr(model, "name", type(model).__name__), output)


def _last_of_stages(graph: Graph, readout: Readout) -> tuple[str, ...]:
    """The last layer at each of the last three resolutions, the layer that is pooled as the last of all.

    Only layers that everything goes through count: a gate, a branch or the insides of an attention are no stage.
    """
    last: dict[tuple[int, int], str] = {}
    for step in graph.necks(readout.source):
        if is_map(step.output):
            last.pop(size := tuple(step.output.shape[1:3]), None)
            last[size] = step.path
        if step.path == readout.pooled:
            break
    return tuple(last.values())[-3:]
