"""Boxes at 1,000 thresholds of a 224 x 224 map: the sweep beside the loops over OpenCV that it replaces.

Run by hand on a quiet machine: pytest tests/benchmarks/test_sweep_speed.py --benchmark-enable -n 0 -s
The two take turns, so that a drifting machine slows both; the median of the pairs' ratios counts.
"""

from __future__ import annotations

import statistics
import time

import cv2
import numpy as np
import pytest

from dogcam.boxes.drawing import iou_curve
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.boxes.sweep import boxes_at

THRESHOLDS = np.arange(0, 1, 0.001)
TRUTH = np.array([[0.2, 0.1, 0.8, 0.9]], np.float32)
ROUNDS = 15


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def taking_turns(one, other, rounds=ROUNDS):
    """(median seconds of one, of the other, median of the ratios other / one), after a first call of each."""
    one(), other()
    pairs = [(seconds(one), seconds(other)) for _ in range(rounds)]
    ones, others = zip(*pairs, strict=True)
    return statistics.median(ones), statistics.median(others), statistics.median(b / a for a, b in pairs)


def raw_of(side):
    return np.random.default_rng(side).random((side, side)).astype(np.float32)


def map_of(raw):
    large = cv2.resize(raw, (224, 224), interpolation=cv2.INTER_CUBIC)
    return (large - large.min()) / (large.max() - large.min())


def contour_loop(values, every=False):
    """Boxes of the largest contour, or of all, at every threshold: the published evaluation's loop."""
    levels = (values * 255).astype(np.uint8)
    boxes = []
    for threshold in THRESHOLDS:
        _, mask = cv2.threshold(levels, int(threshold * levels.max()), 255, cv2.THRESH_BINARY)
        contours = cv2.findContours(mask, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
        chosen = contours if every else [max(contours, key=cv2.contourArea)] if contours else []
        boxes.append([cv2.boundingRect(each) for each in chosen])
    return boxes


def component_loop(values):
    boxes = []
    for threshold in THRESHOLDS.astype(np.float32):
        _, _, stats, _ = cv2.connectedComponentsWithStats((values > threshold).astype(np.uint8), connectivity=4)
        boxes.append(stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))] if len(stats) > 1 else None)
    return boxes


@pytest.mark.parametrize("side", [7, 14, 28])
def test_the_sweep_is_twenty_times_as_fast_as_the_contour_loop(benchmark, side):
    values = map_of(raw_of(side))
    swept, contours, ratio = taking_turns(lambda: boxes_at(values, THRESHOLDS), lambda: contour_loop(values))
    _, components, further = taking_turns(lambda: boxes_at(values, THRESHOLDS), lambda: component_loop(values), rounds=3)
    print(
        f"\n{side:2} x {side:2} enlarged: sweep {swept * 1e3:.2f} ms, contour loop {contours * 1e3:.1f} ms ({ratio:.0f} x), "
        f"component loop {components * 1e3:.0f} ms ({further:.0f} x)"
    )
    benchmark.extra_info.update(contours=ratio, components=further)
    benchmark.pedantic(boxes_at, (values, THRESHOLDS), rounds=ROUNDS)
    assert ratio >= 20


@pytest.mark.parametrize("name", ["wsol-v1", "wsol-v2"])
@pytest.mark.parametrize("side", [7, 14, 28])
def test_the_contours_own_path_beside_the_loop(benchmark, side, name):
    """Enlarging and IoU included in ours, and only the boxes in the loop."""
    raw, protocol = raw_of(side), PROTOCOLS[name]
    values = map_of(raw)
    ours, loop, ratio = taking_turns(
        lambda: iou_curve(raw, protocol, (375, 500), TRUTH), lambda: contour_loop(values, name == "wsol-v2")
    )
    print(f"\n{side:2} x {side:2} {name}: curve {ours * 1e3:.1f} ms, contour loop {loop * 1e3:.1f} ms ({ratio:.1f} x)")
    benchmark.extra_info.update(contours=ratio)
    benchmark.pedantic(iou_curve, (raw, protocol, (375, 500), TRUTH), rounds=3)
    assert ratio > 1
