"""Networks and weights that others trained: built from the registry, read from files, downloaded where there is a network."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import h5py
import keras

from dogcam.core.downloads import require_reachable
from dogcam.core.errors import InputError, ModelError, OptionError, Unavailable, first_line
from dogcam.core.progress import Progress
from dogcam.core.registry import resolve
from dogcam.models.backbones import BACKBONES, Backbone

CLASS_INDEX = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
IMAGENET_CLASSES = 1000


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
    if not include_top:
        return _call_builder(row, weights, include_top=False)
    return _with_dense_head(_call_builder(row, weights, include_top=True, classifier_activation=None))


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
        with _stdout_is_ours():
            model = resolve(row.builder)(weights=own, input_shape=shape, **options)
    except Exception as error:
        if own is None:
            raise
        # Keras raises a bare Exception where a download breaks off.
        raise ModelError(f"could not load the ImageNet weights: {error}") from error
    if own is None and weights != "none":
        load_weights(model, Path(weights))
    return model


def _stdout_is_ours() -> contextlib.AbstractContextManager:
    """Keras tells of its downloads on standard output, which is ours for answers: let it do so on standard error."""
    return contextlib.redirect_stdout(sys.stderr)


def _with_dense_head(model: keras.Model) -> keras.Model:
    """The model itself, or the same function with a dense layer where its head is a 1x1 convolution of pooled features.

    MobileNet's is one (built for logits: the activation after it is linear). On features of one pixel it is a dense
    layer whose kernel (K, classes) is the convolution's (1, 1, K, classes); written as one, its head is found, and CAM
    with it, like any other network's.
    """
    layers = keras.layers
    head = _maker(model, model.outputs[0], (layers.Activation, layers.Reshape, layers.Flatten))
    if not isinstance(head, layers.Conv2D) or head.kernel_size != (1, 1):
        return model
    pooling = _maker(model, head.input, (layers.Dropout,))
    if not isinstance(pooling, layers.GlobalAveragePooling2D):
        return model
    dense = layers.Dense(head.filters, activation=head.activation, use_bias=head.use_bias, name="predictions")
    pooled = layers.GlobalAveragePooling2D(name="avg_pool")(pooling.input)
    dense_model = keras.Model(model.input, dense(pooled), name=model.name)
    kernel, *bias = head.get_weights()
    dense.set_weights([kernel[0, 0], *bias])
    return dense_model


def _maker(model: keras.Model, tensor: Any, transparent: tuple[type, ...]) -> Any:
    """The operation that `tensor` comes from, seen through the kinds of layers that are `transparent`."""
    while True:
        operation = next((each for each in model.operations if each.output is tensor), None)
        if not isinstance(operation, transparent):
            return operation
        tensor = operation.input


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
        with warnings.catch_warnings():
            # Keras warns of every group that a file lacks, then raises an error: that says it all.
            warnings.simplefilter("ignore")
            _load_weights(model, path)
    except (ValueError, KeyError, OSError, AttributeError, TypeError) as error:
        raise ModelError(f"{path} does not hold weights of {model.name}: {first_line(error)}") from error


def _load_weights(model: keras.Model, path: Path) -> None:
    if path.suffix == ".keras":
        _copy_weights(keras.models.load_model(path, compile=False, safe_mode=True), model)
    else:
        _read_weights(model, path)


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
        # Keras writes a whole configuration after what is wrong.
        reason = first_line(error).partition(" Full object config")[0]
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
    """The names of ImageNet's 1,000 classes, from Keras's copy or downloaded; empty, with a note, where there is neither.

    Raises:
        InputError: the copy is broken.
    """
    file = cache() / CLASS_INDEX.rsplit("/", 1)[1]
    if not file.exists():
        try:
            _download_class_index(file)
        except Unavailable as error:
            progress.note(f"classes are shown by number: {error}")
            return ()
    return _class_names(file)


def _download_class_index(file: Path) -> None:
    remedy = f"Put it at {file} or give --labels FILE"
    require_reachable(CLASS_INDEX, remedy)
    try:
        with _stdout_is_ours():
            keras.utils.get_file(file.name, CLASS_INDEX, cache_dir=str(file.parents[1]), cache_subdir="models")
    except Exception as error:  # Keras raises a bare one where a download breaks off
        raise Unavailable(f"cannot fetch {CLASS_INDEX} ({error}). {remedy}") from error


def _class_names(file: Path) -> tuple[str, ...]:
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
        return tuple(index[str(number)][1].replace("_", " ") for number in range(IMAGENET_CLASSES))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file} is not Keras's list of ImageNet's classes ({type(error).__name__}: {error}): delete it, and it is "
            "fetched again, or give --labels FILE"
        ) from error
