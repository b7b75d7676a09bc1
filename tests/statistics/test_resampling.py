"""Resamples are kept for the next call: the very same ones, within a bound, and safe from whoever uses them."""

from __future__ import annotations

import numpy as np
import pytest

from dogcam.statistics import resampling
from dogcam.statistics.resampling import resample_counts, resample_weights


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Each test begins with none, and leaves what others kept."""
    monkeypatch.setattr(resampling, "_kept", type(resampling._kept)())


def all_counts(n, resamples, seed=0):
    return np.concatenate(list(resample_counts(n, resamples, seed)))


def drawn(n, resamples, seed=0):
    """Said otherwise: the images themselves, counted one resample at a time."""
    rows = np.random.default_rng(seed).integers(0, n, (resamples, n))
    return np.array([np.bincount(row, minlength=n) for row in rows])


@pytest.mark.parametrize("n", [1, 3, 300])
def test_kept_ones_are_those_that_are_drawn(n, monkeypatch):
    monkeypatch.setattr(resampling, "_DRAWN_AT_ONCE", 700)
    for resamples in (40, 15, 60, 60):  # drawn, part of what is kept, more than is kept, kept
        assert (all_counts(n, resamples) == drawn(n, resamples)).all()
    assert (all_counts(n, 60, seed=1) == drawn(n, 60, seed=1)).all()


def test_too_many_to_keep_are_the_same(monkeypatch):
    kept = all_counts(30, 50)
    monkeypatch.setattr(resampling, "_MOST_KEPT", 100)
    resampling._kept.clear()
    assert (all_counts(30, 50) == kept).all()
    assert not resampling._kept


def test_they_are_drawn_once(monkeypatch):
    all_counts(30, 50)
    monkeypatch.setattr(resampling, "_drawn", lambda *given: pytest.fail("drawn again"))
    all_counts(30, 50)
    all_counts(30, 20)


def test_those_used_longest_ago_are_let_go(monkeypatch):
    monkeypatch.setattr(resampling, "_MOST_KEPT", 1000)
    for n in (10, 20, 10, 30, 40):  # of 10 resamples each: 100, 200, 100 again, 300, 400
        all_counts(n, 10)
        assert sum(each.nbytes for each in resampling._kept.values()) <= 1000
    assert [n for n, _ in resampling._kept] == [20, 10, 30, 40]
    all_counts(50, 10)
    assert [n for n, _ in resampling._kept] == [40, 50]


def test_nobody_can_change_what_the_next_one_gets():
    for counts in resample_counts(30, 50, 0):
        with pytest.raises(ValueError, match="read-only"):
            counts[:] = 0
    for weights in resample_weights(30, 50, 0):
        weights[:] = 0
    assert (all_counts(30, 50) == drawn(30, 50)).all()


def test_weights_are_the_counts_as_floats(monkeypatch):
    monkeypatch.setattr(resample_counts, "__defaults__", (100,))
    chunks = [weights.copy() for weights in resample_weights(30, 50, 0)]
    assert {each.dtype for each in chunks} == {np.dtype(np.float64)}
    assert len(chunks) > 1
    assert (np.concatenate(chunks) == drawn(30, 50)).all()
