"""What a page carries of the kept pictures: maps in 8 bits, and JPEG files that are together no heavier than allowed."""

from base64 import urlsafe_b64decode

import cv2
import numpy as np
import pytest

from dogcam.boxes.protocols import PROTOCOLS
from dogcam.report.embedding import jpegs, packed, quantised, restored


def maps(count):
    """Maps as networks make them and as they should not: signed, positive, without a positive value, constant, fine."""
    rng = np.random.default_rng(7)
    for n in range(count):
        height, width = [(7, 7), (6, 9), (14, 14), (1, 1), (40, 33)][n % 5]
        raw = rng.normal(0.3, 1, (height, width)).astype(np.float32)
        yield [raw, np.maximum(raw, 0), -np.abs(raw) - 0.1, np.full_like(raw, 0.5), raw**3][n // 5 % 5]


@pytest.mark.parametrize("raw", list(maps(25)))
def test_eight_bits_keep_the_sign_and_half_a_step(raw):
    levels, zero, above, below = quantised(raw)
    kept = restored(levels, zero, above, below)
    assert levels.dtype == np.uint8
    assert kept.dtype == np.float32
    assert ((kept > 0) <= (raw > 0)).all()
    assert ((kept < 0) <= (raw < 0)).all()
    scale, steps = np.where(raw > 0, above, below), np.abs(levels.astype(int) - zero)
    # Half a step, from (s - 0.5)² to (s + 0.5)².
    assert (np.abs(kept - raw) <= scale * (steps + 0.26) + 1e-6 * np.abs(raw)).all()
    assert kept.max() == pytest.approx(raw.max() if raw.max() > 0 else kept.max(), rel=1e-6)


def test_a_few_very_negative_values_cost_the_positive_ones_nothing():
    raw = np.array([[-1000, 0.5, 1]], np.float32)
    assert restored(*quantised(raw))[0, 1:] == pytest.approx([0.5, 1], abs=0.004)


def test_a_map_that_is_not_finite_shows_nothing():
    raw = np.array([[np.nan, 1], [2, 3]], np.float32)
    assert not restored(*quantised(raw)).any()


def test_no_level_lies_on_a_round_threshold():
    thresholds = PROTOCOLS["default"].grid()[1:]
    for highest in (251, 255 - 64):
        shares = (np.arange(1, highest) / highest) ** 2
        assert np.abs(shares[:, None] - thresholds).min() > 1e-6  # ten times what float32 tells apart


def test_a_set_of_maps_is_unpacked_by_its_own_numbers():
    raw = {4: np.array([[-1, 0.5, 2]], np.float32), 7: np.array([[3, 0, 1]], np.float32)}
    found = packed(raw)
    assert (found["places"], found["height"], found["width"]) == ([4, 7], 1, 3)
    levels = np.frombuffer(urlsafe_b64decode(found["levels"]), np.uint8).reshape(2, 1, 3)
    for slot, wanted in enumerate(raw.values()):
        kept = restored(levels[slot], *(found[name][slot] for name in ("zero", "above", "below")))
        assert kept == pytest.approx(wanted, abs=0.02)


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(1)
    for number, size in enumerate([(90, 120), (200, 100), (64, 64)]):
        picture = cv2.resize(rng.integers(0, 256, (9, 12, 3), np.uint8), size[::-1])
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return sorted(tmp_path.iterdir())


def weight(paths):
    return sum(path.stat().st_size for path in paths)


def test_files_that_fit_stay_as_they_are(paths):
    assert jpegs(paths, weight(paths)) == [path.read_bytes() for path in paths]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.3])
def test_files_that_do_not_are_made_smaller_alike_and_stay_the_same_pictures(paths, share):
    found = jpegs(paths, int(share * weight(paths)))
    assert sum(map(len, found)) <= share * weight(paths)
    for content, path in zip(found, paths, strict=True):
        large = cv2.imread(str(path))
        small = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert small.shape[0] / large.shape[0] == pytest.approx(small.shape[1] / large.shape[1], abs=0.02)
        again = cv2.resize(small, large.shape[1::-1])
        assert np.abs(again.astype(int) - large).mean() < 12


def test_there_is_an_end_to_making_them_smaller(paths):
    found = [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR).shape[:2] for each in jpegs(paths, 1)]
    assert found == [(22, 30), (50, 25), (16, 16)]
