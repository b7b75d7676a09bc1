"""The score that maps explain: a class's logit or probability, less that of the class it is set against."""

from __future__ import annotations

import tensorflow as tf

from dogcam.engine.targets import NOBODY
from dogcam.models.readout import Readout

# Finer-CAM sets a class against the three whose logits are nearest to its own, at full strength, as its authors do.
SIMILAR, FINER_STRENGTH = 3, 1.0


def resolve(logits: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Classes (B,): `wanted` itself, the class in place r where it is -r, and -1 for nobody."""
    order = tf.argsort(logits, axis=-1, direction="DESCENDING", stable=True)
    places = tf.clip_by_value(-(wanted + 1), 0, tf.shape(logits)[1] - 1)
    classes = tf.where(wanted < 0, tf.gather(order, places, batch_dims=1), wanted)
    return tf.where(wanted == NOBODY, -1, classes)


def class_signs(chosen: tf.Tensor, against: tf.Tensor, count: int) -> tf.Tensor:
    """(B, classes): 1 for the class explained, -1 for the one it is set against, 0 elsewhere."""
    return tf.one_hot(chosen, count) - tf.one_hot(against, count)


def score(readout: Readout, logits: tf.Tensor, signs: tf.Tensor, kind: str) -> tf.Tensor:
    """S (B,) of `kind` "logit" or "softmax", which means the probability of a sigmoid too."""
    values = readout.probabilities(logits) if kind == "softmax" else logits
    return tf.reduce_sum(signs * values, axis=-1)


def finer_score(logits: tf.Tensor, chosen: tf.Tensor, opposed: tf.Tensor) -> tf.Tensor:
    """F (B,) of Finer-CAM: sum_d p_d (S_c - alpha S_d) / sum_d p_d over the classes d most like c.

    Those are the ones whose logits are nearest to that of c; p are the probabilities, and their share in the derivative
    counts, as in pytorch-grad-cam. Where a class is set against c already (`opposed` is not -1), it is the only d.
    """
    own = tf.gather(logits, chosen, batch_dims=1)[:, None]
    itself = tf.one_hot(chosen, logits.shape[-1], on_value=logits.dtype.max, off_value=0.0)
    distance = tf.abs(tf.stop_gradient(logits - own)) + itself
    _, similar = tf.math.top_k(-distance, min(SIMILAR, logits.shape[-1] - 1))
    others = tf.gather(logits, similar, batch_dims=1)
    # Among these alone the softmax is p_d / sum p_d, and it does not underflow where all of them are unlikely.
    finer = tf.reduce_sum(tf.nn.softmax(others) * (own - FINER_STRENGTH * others), axis=-1)
    named = tf.gather(logits, tf.maximum(opposed, 0), batch_dims=1)
    return tf.where(opposed < 0, finer, own[:, 0] - FINER_STRENGTH * named)
