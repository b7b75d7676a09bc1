"""A small bottleneck ResNet in the layer naming of `keras.applications`: trained from scratch in half a minute.

The blocks are those of He et al. (2015), "Deep Residual Learning for Image Recognition" (1x1 reduce, 3x3, 1x1 expand,
plus the shortcut), with batch normalisation after each convolution; only their number, width and strides differ.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from dogcam.core.errors import ModelError

# (stage, blocks, filters of the 3x3, stride). Of the five halvings of a ResNet two are left out: the last stages keep
# 12 x 12 cells for 96 x 96 pixels, so a heatmap places a box to about 8 pixels, where 3 x 3 cells could place nothing.
STAGES = ((2, 1, 16, 1), (3, 1, 32, 2), (4, 1, 48, 1), (5, 1, 64, 1))
EXPANSION = 4
# Keras's 0.99 averages over hundreds of steps; a run of a few hundred would be judged by statistics of its beginning.
MOMENTUM = 0.9


def preprocess_input(x: Any) -> Any:
    """Pixels 0 to 255 -> -1 to 1: x / 127.5 - 1. The array or tensor given is not changed; integers become float32."""
    if "int" in str(x.dtype):
        x = keras.ops.cast(x, "float32") if keras.ops.is_tensor(x) else x.astype("float32")
    return x / 127.5 - 1


def SmallResNet(  # noqa: N802 - named as the builders of keras.applications are
    include_top: bool = False,
    weights: str | None = None,
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] = (96, 96, 3),
    pooling: str | None = None,
    classes: int = 8,
    classifier_activation: str | None = None,
    name: str = "small_resnet",
) -> keras.Model:
    """Build the network, as one flat functional graph with random weights.

    Args:
        include_top: end in global average pooling and a dense layer "predictions" of `classes` units.
        weights: None, or a weights file written by Keras; there are none to download.
        input_tensor: build on this Keras tensor rather than on a new input.
        input_shape: (height, width, channels) of the input where `input_tensor` is None.
        pooling: without the top, None (a map), "avg" or "max" (a vector).
        classifier_activation: of the top; None gives logits.

    Returns:
        a model of preprocessed inputs (batch, height, width, channels) to maps (batch, height / 8, width / 8, 256).

    Raises:
        ModelError: `weights` that would have to be downloaded, or an unknown `pooling`.
    """
    if weights == "imagenet":
        raise ModelError("SmallResNet has no ImageNet weights; give weights=None, or the path of a weights file")
    if pooling not in (None, "avg", "max"):
        raise ModelError(f"pooling must be None, 'avg' or 'max'; received {pooling!r}")
    image = layers.Input(input_shape) if input_tensor is None else input_tensor
    x = _stem(image)
    for stage, blocks, filters, stride in STAGES:
        for block in range(1, blocks + 1):
            x = _block(x, filters, stride if block == 1 else 1, f"conv{stage}_block{block}", shortcut=block == 1)
    x = _head(x, include_top, pooling, classes, classifier_activation)
    inputs = image if input_tensor is None else keras.utils.get_source_inputs(input_tensor)
    model = keras.Model(inputs, x, name=name)
    if weights is not None:
        model.load_weights(weights)
    return model


def _stem(x: Any) -> Any:
    x = _conv(x, 24, 3, "conv1", stride=2)
    x = layers.Activation("relu", name="conv1_relu")(x)
    return layers.MaxPooling2D(3, strides=2, padding="same", name="pool1_pool")(x)


def _conv(x: Any, filters: int, size: int, name: str, stride: int = 1) -> Any:
    # no bias: the normalisation that follows takes it away
    x = layers.Conv2D(filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv")(x)
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=1.001e-5, name=f"{name}_bn")(x)


def _block(x: Any, filters: int, stride: int, name: str, shortcut: bool) -> Any:
    """A bottleneck block; `shortcut` projects its input to the new number of filters."""
    kept = _conv(x, EXPANSION * filters, 1, f"{name}_0", stride) if shortcut else x
    x = layers.Activation("relu", name=f"{name}_1_relu")(_conv(x, filters, 1, f"{name}_1"))
    x = layers.Activation("relu", name=f"{name}_2_relu")(_conv(x, filters, 3, f"{name}_2", stride))
    x = _conv(x, EXPANSION * filters, 1, f"{name}_3")
    return layers.Activation("relu", name=f"{name}_out")(layers.Add(name=f"{name}_add")([kept, x]))


def _head(x: Any, include_top: bool, pooling: str | None, classes: int, activation: str | None) -> Any:
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        return layers.Dense(classes, activation=activation, name="predictions")(x)
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return layers.GlobalMaxPooling2D(name="max_pool")(x) if pooling == "max" else x
