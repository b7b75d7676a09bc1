"""Networks and weights that others trained: built from the registry, read from files, downloaded where there is a network."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import keras

from dogcam.backbones import BACKBONES, Backbone
from dogcam.downloads import require_reachable
from dogcam.errors import InputError, ModelError, OptionError, Unavailable
from dogcam.progress import Progress
from dogcam.registry import resolve

CLASS_INDEX = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"


def cache() -> Path:
    """Where Keras keeps what it downloads."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def backbone_model(name: str, weights: str, include_top: bool) -> keras.Model:
    """A backbone's network.

    Args:
        weights: "imagenet", "none" or a file, see `load_weights`.
        include_top: with its own ImageNet head of 1,000 classes, as logits.

    Raises:
        UnknownName, OptionError, ModelError, Unavailable.
    """
    row = BACKBONES[name]
    if weights == "imagenet":
        _require_weights(name, row, include_top)
    top = {"classifier_activation": None} if include_top else {}
    return _call_builder(row, weights, include_top=include_top, **top)


def _call_builder(row: Backbone, weights: str, **options: Any) -> keras.Model:
    """Call the row's builder; `weights` is "imagenet", "none" or a file."""
    # Some networks number their nameless layers from a counter that never goes back: without this the second network of
    # a session would have other layer names than the first.
    policy = keras.config.dtype_policy()
    keras.utils.clear_session(free_memory=False)
    keras.config.set_dtype_policy(policy)
    own = weights if weights == "imagenet" else None
    shape = (row.image_size, row.image_size, 3)
    try:
        model = resolve(row.builder)(weights=own, input_shape=shape, **options)
    except Exception as error:
        if own is None:
            raise
        # Keras raises a bare Exception where a download breaks off.
        raise ModelError(f"could not load the ImageNet weights: {error}") from error
    if own is None and weights != "none":
        load_weights(model, Path(weights))
    return model


def _require_weights(name: str, row: Backbone, include_top: bool) -> None:
    """Say what to do where ImageNet weights are neither cached nor to be had."""
    if not row.weights:
        raise OptionError(f"there are no ImageNet weights of {name}: use --weights none or a file")
    url = row.weights.replace("_notop", "").replace("_no_top", "") if include_top else row.weights
    file = url.rsplit("/", 1)[1]
    if not (cache() / file).exists():
        remedy = (
            f"Fetch {file} elsewhere and put it at {cache() / file}, give it with --weights FILE, start from nothing with "
            "--weights none, or see everything work offline with: dogcam demo"
        )
        require_reachable(url, remedy)


def load_weights(model: keras.Model, path: Path) -> None:
    """Load a backbone's weights from a file saved by Keras, with or without a classification head on top.

    Takes .weights.h5 and .h5 files, and .keras models (weights are matched by layer name).

    Raises:
        ModelError: no such file, or it is not of this network.
    """
    if not path.is_file():
        raise ModelError(f"--weights must be imagenet, none or a file; there is no file {str(path)!r}")
    try:
        if path.suffix == ".keras":
            _copy_weights(keras.models.load_model(path, compile=False, safe_mode=True), model)
        else:
            _read_weights(model, path)
    except (ValueError, KeyError, OSError, AttributeError, TypeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path} does not hold weights of {model.name}: {reason}") from error


def _read_weights(model: keras.Model, path: Path) -> None:
    """Read an HDF5 file. In the format before Keras 3 a file with a head on top has too many layers: match those by name."""
    with h5py.File(path) as file:
        stored = file.get("model_weights", file)
        names = {name.decode() if isinstance(name, bytes) else name for name in stored.attrs.get("layer_names", ())}
    wanted = {layer.name for layer in model.layers if layer.weights}
    if wanted < names:
        model.load_weights(path, by_name=True)
    else:
        model.load_weights(path)


def _copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy weights layer by layer, matched by name; every layer of `target` that has weights must be in `source`."""
    found = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        if layer.weights:
            if layer.name not in found:
                raise ValueError(f"it has no layer {layer.name!r}")
            layer.set_weights(found[layer.name].get_weights())


def load_model(path: Path) -> keras.Model:
    """Read a Keras file without running code from it.

    Raises:
        ModelError: it cannot be read.
    """
    if not path.is_file():
        raise ModelError(f"there is no model file {str(path)!r}")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"cannot read {path} as a Keras model: {reason}") from error


def read_labels(path: Path, count: int) -> tuple[str, ...]:
    """Class names, one a line. A first line "background" is left out where there is one line too many for it.

    Raises:
        InputError: no such file, or not `count` names.
    """
    try:
        names = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the labels in {path}: {error}") from error
    if len(names) == count + 1 and names[0].strip().casefold() == "background":
        names = names[1:]
    if len(names) != count:
        raise InputError(f"{path} has {len(names)} names; the model has {count} classes, one name a line is needed")
    return tuple(name.strip() for name in names)


def imagenet_labels(progress: Progress) -> tuple[str, ...]:
    """The names of ImageNet's 1,000 classes, from Keras's copy or downloaded; empty, with a note, where there is neither."""
    file = cache() / CLASS_INDEX.rsplit("/", 1)[1]
    if not file.exists():
        try:
            require_reachable(CLASS_INDEX, f"Put it at {file} or give --labels FILE")
        except Unavailable as error:
            progress.note(f"classes are shown by number: {error}")
            return ()
        keras.utils.get_file(file.name, CLASS_INDEX, cache_dir=str(file.parents[1]), cache_subdir="models")
    index = json.loads(file.read_text(encoding="utf-8"))
    return tuple(index[str(number)][1].replace("_", " ") for number in range(len(index)))
