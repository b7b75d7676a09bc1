"""The sweep over all thresholds, against flooding in plain Python and against OpenCV threshold by threshold."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dogcam.boxes.sweep import boxes_at, compiled

ROOT = Path(__file__).parents[2]
many = settings(max_examples=1500, deadline=None, derandomize=True, database=None)


def flooded(values, threshold):
    """Box of the largest component, found by flooding; of equal ones the one whose first pixel is read first."""
    left = {(y, x) for y, row in enumerate(values) for x, value in enumerate(row) if value > threshold}
    best = []
    for y in range(len(values)):
        for x in range(len(values[0])):
            todo, seen = [(y, x)], []
            while todo:
                y1, x1 = todo.pop()
                if (y1, x1) in left:
                    left.remove((y1, x1))
                    seen.append((y1, x1))
                    todo += [(y1 + 1, x1), (y1 - 1, x1), (y1, x1 + 1), (y1, x1 - 1)]
            best = seen if len(seen) > len(best) else best
    if not best:
        return [-1, -1, -1, -1]
    ys, xs = [y for y, _ in best], [x for _, x in best]
    return [min(xs), min(ys), max(xs) + 1, max(ys) + 1]


def by_opencv(values, thresholds):
    boxes = []
    for threshold in thresholds.astype(np.float32):
        _, _, stats, _ = cv2.connectedComponentsWithStats((values > threshold).astype(np.uint8), connectivity=4)
        if len(stats) < 2:
            boxes.append([-1, -1, -1, -1])
            continue
        x, y, width, height, _ = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))]
        boxes.append([x, y, x + width, y + height])
    return np.array(boxes)


DRAWN = np.array(
    [[0.9, 0.0, 0.5, 0.5, 0.5], [0.9, 0.2, 0.0, 0.0, 0.0], [0.0, 0.2, 0.7, 0.7, 0.0], [0.3, 0.0, 0.7, 0.0, 0.6]], np.float32
)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.0, [0, 0, 4, 4]),  # the column of 0.9, the 0.2 beside it and the 0.7 beside that
        (0.2, [2, 0, 5, 1]),  # strictly above: the 0.2 have gone, and two of three pixels are left; the upper one counts
        (0.5, [2, 2, 4, 4]),
        (0.7, [0, 0, 1, 2]),
        (0.9, [-1, -1, -1, -1]),
        (-1.0, [0, 0, 5, 4]),
    ],
)
def test_a_drawn_map(threshold, expected):
    boxes = boxes_at(DRAWN, np.array([threshold], np.float32))
    assert boxes.dtype == np.int32
    assert boxes.tolist() == [expected]


def test_diagonal_neighbours_are_apart_and_of_equal_ones_the_first_row_counts():
    """Two pixels each: the upper one's first pixel lies further right, and is read first."""
    values = np.array([[0, 0, 1], [1, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)
    assert boxes_at(values, np.array([0.5])).tolist() == [[2, 0, 3, 2]]


def test_a_component_that_gets_its_first_pixel_last_wins_the_tie():
    """Both have three pixels in the end; the one that was largest for longer starts later."""
    values = np.array([[1, 0, 0, 0, 2], [3, 0, 4, 0, 0], [3, 0, 4, 4, 0]], np.float32)
    assert boxes_at(values, np.array([0.5, 2.5, 3.5])).tolist() == [[0, 0, 1, 3], [2, 1, 4, 3], [2, 1, 4, 3]]


small = st.tuples(st.integers(1, 5), st.integers(1, 6))


@many
@given(values=small.flatmap(lambda shape: arrays(np.float32, shape, elements=st.integers(0, 4).map(float))))
def test_tiny_maps_of_few_heights_by_flooding(values):
    thresholds = np.array([-0.5, 0, 0.5, 1, 2, 2.5, 3, 4], np.float32)
    assert boxes_at(values, thresholds).tolist() == [flooded(values.tolist(), limit) for limit in thresholds.tolist()]


def made(kind, seed, height, width):
    """A map of a kind: noise, smooth, in plateaus, constant or sparse."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height, width)).astype(np.float32)
    small = rng.normal(size=(3, 4)).astype(np.float32)
    smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return {
        "noise": noise,
        "smooth": smooth,
        "smooth and noisy": smooth + noise * np.float32(0.05),
        "plateaus": np.round(smooth * 3) / 3,
        "steps": np.floor(noise),
        "constant": np.full((height, width), noise[0, 0]),
        "sparse": np.where(noise > 1, noise, 0).astype(np.float32),
    }[kind]


KINDS = ("noise", "smooth", "smooth and noisy", "plateaus", "steps", "constant", "sparse")


@many
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 70),
    way=st.sampled_from(["even", "its own values", "uneven", "shuffled"]),
)
def test_every_kind_of_map_by_opencv(kind, seed, height, width, way):
    values = made(kind, seed, height, width)
    rng = np.random.default_rng(seed)
    thresholds = {
        "even": np.linspace(values.min() - 0.1, values.max() + 0.1, 25),
        "its own values": rng.choice(values.ravel(), 25),
        "uneven": np.sort(rng.normal(size=25)) ** 3,
        "shuffled": rng.permutation(np.linspace(-2, 2, 25)),
    }[way]
    np.testing.assert_array_equal(boxes_at(values, thresholds), by_opencv(values, thresholds))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(224, 224), (375, 500), (256, 64), (63, 128), (127, 255)])
def test_maps_as_large_as_pictures_at_many_thresholds(kind, shape):
    values = made(kind, 7, *shape)
    values = (values - values.min()) / max(values.max() - values.min(), np.float32(1e-9))
    thresholds = np.arange(60) / 60
    np.testing.assert_array_equal(boxes_at(values, thresholds), by_opencv(values, thresholds))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 3), (4, 5), (5, 5), (32, 31)])
def test_a_chequerboard_has_as_many_components_as_there_can_be(shape):
    """All of one pixel, until the other fields come in and join them one by one."""
    y, x = np.indices(shape)
    values = np.where((x + y) % 2 == 0, 2, np.random.default_rng(0).random(shape)).astype(np.float32)
    thresholds = np.linspace(-0.5, 2.5, 31)
    np.testing.assert_array_equal(boxes_at(values, thresholds), by_opencv(values, thresholds))


def test_whatever_is_not_a_number_is_above_and_below_nothing():
    values = np.array([[1, np.nan, 1, np.inf], [np.nan, -np.inf, 1, 1]], np.float32)
    thresholds = np.array([np.nan, 0.5, np.inf, -np.inf, 1, 2, -np.inf])
    expected = [flooded(values.tolist(), limit) for limit in thresholds.tolist()]
    assert boxes_at(values, thresholds).tolist() == expected
    assert expected[0] == expected[2] == [-1] * 4
    assert expected[1] == [2, 0, 4, 2]


@pytest.mark.parametrize(("shape", "count"), [((4, 5), 0), ((0, 5), 3), ((4, 0), 3)])
def test_nothing_to_sweep(shape, count):
    boxes = boxes_at(np.ones(shape, np.float32), np.zeros(count))
    assert boxes.shape == (count, 4)
    assert (boxes == -1).all()


def test_maps_that_do_not_lie_row_by_row_in_memory_or_are_no_float32():
    values = made("noise", 3, 30, 20)
    thresholds = np.linspace(-2, 2, 9)
    expected = by_opencv(values, thresholds)
    np.testing.assert_array_equal(boxes_at(np.asfortranarray(values), thresholds), expected)
    np.testing.assert_array_equal(boxes_at(np.repeat(values, 2, axis=1)[:, ::2], thresholds), expected)
    np.testing.assert_array_equal(boxes_at(values.astype(np.float64), thresholds), expected)
    np.testing.assert_array_equal(boxes_at((values > 0).astype(np.uint8), thresholds), by_opencv(values > 0, thresholds))


def test_it_leaves_what_it_is_given_as_it_was():
    values, thresholds = made("noise", 3, 30, 20), np.array([np.nan, 1, 0])
    before = values.copy(), thresholds.copy()
    boxes_at(values, thresholds)
    np.testing.assert_array_equal(values, before[0])
    np.testing.assert_array_equal(thresholds, before[1])


def test_threads_do_not_disturb_each_other():
    maps = [made(kind, seed, 60, 80) for kind in KINDS for seed in range(6)]
    thresholds = np.linspace(-2, 2, 40)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda values: boxes_at(values, thresholds), maps))
    for values, found in zip(maps, together, strict=True):
        np.testing.assert_array_equal(found, boxes_at(values, thresholds))


class TestKeepingWhatWasCompiled:
    SCRIPT = "import numpy as np; from dogcam.boxes import sweep; print(sweep.boxes_at(np.eye(2), np.zeros(1)).tolist())"

    def run(self, script, **environment):
        command = [sys.executable, "-c", script]
        settings = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=settings)

    def test_it_is_kept_in_the_folder_that_numba_is_told(self, tmp_path):
        done = self.run(self.SCRIPT, NUMBA_CACHE_DIR=str(tmp_path))
        assert done.stdout == "[[0, 0, 1, 1]]\n", done.stderr
        assert list(tmp_path.rglob("sweep._swept*.nbc"))

    def test_it_is_compiled_all_the_same_where_no_folder_can_be_written_to(self):
        """As in a read-only install without a home: Numba finds no place to keep anything, and says so by raising."""
        nowhere = (
            "from numba.core import caching\n"
            "for each in list(vars(caching).values()):\n"
            "    if isinstance(each, type) and hasattr(each, '_locator_classes'):\n"
            "        each._locator_classes = []\n"
            "import numba\n"
            "try:\n"
            "    numba.njit(cache=True)(lambda x: x)\n"
            "except RuntimeError:\n"
            "    pass\n"
            "else:\n"
            "    raise SystemExit('the place is still found')\n"
        )
        done = self.run(nowhere + self.SCRIPT)
        assert done.stdout == "[[0, 0, 1, 1]]\n", done.stderr

    def test_other_errors_of_the_compiler_are_not_hidden(self):
        def refuses(**options):
            raise TypeError("no such option")

        with pytest.raises(TypeError, match="no such option"):
            compiled(lambda: None, refuses)
