"""Throughput of the engine on ResNet50 at 224, batch 32, as ratios to a plain forward pass in the same process.

Run by hand on a quiet machine: pytest tests/benchmarks --benchmark-enable -n 0 -s
Each case takes turns with the plain pass, so that a drifting machine slows both; the median of the pairs' ratios counts.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest
import tensorflow as tf

from dogcam.engine import HeatmapEngine
from dogcam.methods import METHODS
from dogcam.models.classifier import build

BATCH, ROUNDS = 32, 5
LAST = ("conv5_block3_out",)
THREE = ("conv3_block4_out", "conv4_block6_out", "conv5_block3_out")
STUDY = ("cam", "gradcam")
# All that share the one forward and the one backward pass.
ONE_PASS = [name for name, row in METHODS.items() if {"activations", "gradients", "class_weights"}.issuperset(row.needs)]
EVERYTHING_COMPILED = [name for name, row in METHODS.items() if not row.probing]

# (methods, layers, share of the plain pass's throughput that is the goal; None: measured, and no goal set)
CASES = {
    "b: CAM and Grad-CAM at the last layer": (STUDY, LAST, 0.75),
    "c: all one-pass methods at the last layer": (ONE_PASS, LAST, 0.60),
    "d: CAM and Grad-CAM at three layers": (STUDY, THREE, 0.40),
    "e: all one-pass methods at three layers": (ONE_PASS, THREE, 0.33),
    "f: and those with passes of their own, at three layers": (EVERYTHING_COMPILED, THREE, None),
}


@pytest.fixture(scope="module")
def classifier():
    return build("resnet50", tuple(f"breed {number}" for number in range(120)), weights="none")


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(0).normal(0, 50, (BATCH, 224, 224, 3)).astype(np.float32)


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


@pytest.mark.parametrize("case", CASES)
def test_ratio_to_a_plain_forward_pass(benchmark, classifier, batch, case):
    methods, layers, goal = CASES[case]
    pooled = classifier.pooled_layer()
    cells = [(m, layer) for m in methods for layer in layers if layer == pooled or not METHODS[m].only_pooled]
    engine = HeatmapEngine(classifier, cells)
    signature = [tf.TensorSpec((None, 224, 224, 3), tf.float32)]
    plain = tf.function(lambda images: classifier.model(images, training=False), input_signature=signature)
    tensor = tf.convert_to_tensor(batch)
    plain(tensor)
    engine(batch)

    ratios = [seconds(lambda: plain(tensor).numpy()) / seconds(lambda: engine(batch)) for _ in range(ROUNDS)]
    benchmark.extra_info.update(ratio=statistics.median(ratios), goal=goal, cells=len(cells))
    benchmark.pedantic(lambda: engine(batch), rounds=1)
    print(f"\n{case}: {statistics.median(ratios):.2f} of a plain pass's throughput (goal {goal}), {len(cells)} maps")
