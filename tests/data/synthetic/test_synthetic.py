"""Drawn dogs: the same everywhere, boxed exactly, and told by the dog alone."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from dogcam.core.errors import OptionError
from dogcam.data.opening import open_dataset
from dogcam.data.synthetic import dataset as drawn
from dogcam.data.synthetic.dataset import BREEDS, DEFAULTS, Drawing

DIGEST = """
import hashlib, sys
from dogcam.data.synthetic.dataset import Drawing
drawings = [Drawing("husky", 5, 150, 120), Drawing("pug", 6, 112, 190, 2)]
print(hashlib.sha256(b"".join(d.pixels().tobytes() + d.mask().tobytes() for d in drawings)).hexdigest())
print("tensorflow" in sys.modules)
"""


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("synthetic")


@pytest.fixture(scope="module")
def records(dataset):
    return [record for split in dataset.splits.values() for record in split]


@pytest.fixture
def few(monkeypatch):
    """One picture per breed and split: for tests of how it is opened."""
    monkeypatch.setattr(drawn, "DEFAULTS", drawn.Settings(train=1, test=1))


def extent(mask):
    """The half-open pixel box of a mask, found by walking over its pixels."""
    at = [(x, y) for y, row in enumerate(mask.tolist()) for x, inside in enumerate(row) if inside]
    xs, ys = {x for x, _ in at}, {y for _, y in at}
    return min(xs), min(ys), max(xs) + 1, max(ys) + 1


def test_a_fresh_process_draws_the_same_bytes_without_tensorflow():
    pug, husky = Drawing("pug", 6, 112, 190, 2), Drawing("husky", 5, 150, 120)
    late = pug.pixels().tobytes() + pug.mask().tobytes()
    here = hashlib.sha256(husky.pixels().tobytes() + husky.mask().tobytes() + late).hexdigest()
    there = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True)
    assert there.stdout.split() == [here, "False"]


def test_a_box_is_the_extent_of_the_mask_for_a_single_dog(records):
    single = [record for record in records if len(record.boxes) == 1][::40]
    for record in single:
        mask = record.image.mask()
        height, width = mask.shape
        assert record.boxes[0] * (width, height, width, height) == pytest.approx(extent(mask), abs=1e-3), record.id


def test_boxes_of_two_dogs_span_the_mask_of_both(records):
    for record in [record for record in records if len(record.boxes) == 2][::20]:
        mask = record.image.mask()
        both = [*record.boxes[:, :2].min(0), *record.boxes[:, 2:].max(0)]
        assert np.multiply(both, [*mask.shape[::-1]] * 2) == pytest.approx(extent(mask), abs=1e-3), record.id


def test_the_mask_is_the_picture_of_the_dog():
    """Two breeds of one seed share the background: what differs lies within their masks, and fills them."""
    for seed in range(6):
        one, other = Drawing("dalmatian", seed, 160, 140), Drawing("rottweiler", seed, 160, 140)
        differs = (one.pixels() != other.pixels()).any(2)
        either = one.mask() | other.mask()
        nearly = np.logical_or.reduce([np.roll(either, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
        assert not (differs & ~nearly).any()
        assert differs[either].mean() > 0.9


def test_splits_share_no_drawing_and_ids_are_unique(dataset, records):
    seeds = {split: {record.image.seed for record in records} for split, records in dataset.splits.items()}
    assert not seeds["train"] & seeds["test"]
    assert len(set.union(*seeds.values())) == len(records) == len({record.id for record in records})
    assert dataset.splits["test"][0].id == "test-dalmatian-0001"


def test_every_breed_is_in_both_splits_as_often(dataset):
    assert len(dataset.classes) == DEFAULTS.breeds >= 8
    for split, count in (("train", DEFAULTS.train), ("test", DEFAULTS.test)):
        labels = [record.label for record in dataset.splits[split]]
        assert np.bincount(labels).tolist() == [count] * len(dataset.classes)
        assert all(dataset.classes[record.label] == record.image.breed for record in dataset.splits[split])


def test_pictures_vary_in_shape_and_some_hold_two_dogs(records):
    assert np.mean([record.image.width != record.image.height for record in records]) > 0.9
    assert 0.10 < np.mean([len(record.boxes) == 2 for record in records]) < 0.20
    record = next(record for record in records if record.image.width > record.image.height)
    pixels = record.image.pixels()
    assert (pixels.dtype, pixels.shape) == (np.uint8, (record.image.height, record.image.width, 3))
    assert (record.image.mask().dtype, record.image.mask().shape) == (bool, pixels.shape[:2])


def test_dogs_are_small_and_off_centre(records):
    boxes = np.concatenate([record.boxes for record in records])
    share = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    assert share.min() > 0.05
    assert share.max() < 0.62
    assert share.mean() < 0.35
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert np.mean(np.abs(centre - 0.5).max(1) > 0.1) > 0.6


@pytest.mark.parametrize("breed", BREEDS)
def test_every_breed_can_be_drawn(breed):
    drawing = Drawing(breed, 11, 128, 112)
    assert 0.02 < drawing.mask().mean() < 0.5
    assert drawing.pixels()[drawing.mask()].std() > 1


def test_an_argument_chooses_how_many_breeds(few):
    dataset = open_dataset(f"synthetic:{len(BREEDS)}")
    assert dataset.classes == tuple(BREEDS)
    assert len(BREEDS) >= 20
    smaller = open_dataset("synthetic:2")
    assert [record.image for record in smaller.splits["train"]] == [r.image for r in dataset.splits["train"][:2]]
    assert smaller.fingerprint() == open_dataset("synthetic:2").fingerprint() != dataset.fingerprint()


@pytest.mark.parametrize("argument", ["1", "0", "-3", "many", "2.5", "1000", "²", " "])
def test_a_bad_argument_says_what_is_possible(argument, few):
    with pytest.raises(OptionError, match=f"from 2 to {len(BREEDS)}") as caught:
        open_dataset(f"synthetic:{argument}")
    assert repr(argument) in str(caught.value)
