"""The bootstrap at full size, 10,000 resamples of 8,580 images, as ratios to bare arithmetic in the same process.

Run by hand on a quiet machine: pytest tests/benchmarks/test_statistics_speed.py --benchmark-enable -n 0 -s
Each case takes turns with the bare product of counts and scores, so that a drifting machine slows both. Seconds are printed.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc

import numpy as np
import pytest

from dogcam.statistics import compare, decompose, intervals, intervals_over_runs, median_intervals, ranking
from dogcam.statistics.resampling import resample_counts

IMAGES, METHODS, RESAMPLES, ROUNDS = 8580, 20, 10_000, 3
NAMES = tuple(f"method {number}" for number in range(METHODS))
# Held at once: chunks of counts (as drawn, whole and float), and what is kept of each resample.
MEGABYTES = 250


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    near = rng.beta(4, 1.5, (IMAGES, 1)) + rng.normal(0, 0.1, (IMAGES, METHODS))
    return np.where(rng.random((IMAGES, METHODS)) < 0.1, 0, np.clip(near, 0, 1))


def lacking(scores):
    return np.where(np.random.default_rng(1).random(scores.shape) < 0.01, np.nan, scores)


def of_runs(scores):
    return scores + np.random.default_rng(2).normal(0, 0.05, (3, *scores.shape))


# (what is measured, times the bare product of 10,000 x 8,580 counts and 20 columns that are the goal; None: no goal)
CASES = {
    "intervals of 20 methods": (intervals, 15),
    "all 190 pairs, with tests": (lambda scores: compare(scores, NAMES), 25),
    "all 190 pairs, each method lacking other images": (lambda scores: compare(lacking(scores), NAMES), None),
    "ranking, pairs included": (lambda scores: ranking(scores, NAMES), 25),
    "medians of 20 methods": (median_intervals, None),
    "all 190 pairs over 3 runs, closed form": (lambda scores: compare(of_runs(scores), NAMES), None),
    "3 runs x 20 methods, closed form": (lambda scores: intervals_over_runs(of_runs(scores)), None),
    "decomposition over 8 choices": (lambda scores: decompose(lambda on: scores[:, len(on)], NAMES[:8]), None),
}


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def bare_product(scores):
    """The product alone, of one chunk of counts again and again until it makes 10,000 resamples."""
    counts = next(resample_counts(IMAGES, RESAMPLES, 0)).astype(np.float64)
    return lambda: [counts @ scores for _ in range(-(-RESAMPLES // len(counts)))]


@pytest.mark.parametrize("case", CASES)
def test_ratio_to_the_bare_product(benchmark, scores, case):
    function, goal = CASES[case]
    bare = bare_product(scores)
    bare()
    taken = [(seconds(lambda: function(scores)), seconds(bare)) for _ in range(ROUNDS)]
    ratio = statistics.median(ours / product for ours, product in taken)
    benchmark.extra_info.update(ratio=ratio, goal=goal)
    benchmark.pedantic(lambda: function(scores), rounds=1)
    ours, product = (statistics.median(each) for each in zip(*taken, strict=True))
    print(f"\n{case}: {ratio:.1f} times the bare product (goal {goal}); {ours:.2f} s, product {product:.2f} s")


@pytest.mark.parametrize("resamples", [1000, 10_000])
def test_memory_is_bounded(scores, resamples):
    """Counts of all resamples at once would be 690 MB."""
    tracemalloc.start()
    compare(scores, NAMES, resamples=resamples)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"\n{resamples} resamples: {peak:.0f} MB at most")
    assert peak < MEGABYTES
