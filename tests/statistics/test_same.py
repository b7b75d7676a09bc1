"""Methods that draw the same, measured, and grouped so that what is said of a group is true of any two in it."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from dogcam.statistics import by_maximum, groups_of_same

N = 400


@pytest.fixture
def boxes():
    return np.random.default_rng(0).random((N, 4))


@pytest.fixture
def maps():
    return np.random.default_rng(1).random((5, 7, 7)).astype(np.float32)


def changed(boxes, *images):
    """The boxes with those of some images moved."""
    other = boxes.copy()
    other[list(images)] += 0.1
    return other


def names_of(groups):
    return [group.names for group in groups]


@pytest.mark.parametrize(("moved", "together"), [(0, True), (1, True), (2, True), (3, False), (N, False)])
def test_boxes_agree_on_995_of_1000_images(boxes, moved, together):
    found = groups_of_same({"a": boxes, "b": changed(boxes, *range(moved))})
    assert names_of(found) == ([("a", "b")] if together else [])
    if together:
        assert found[0].worst.boxes == pytest.approx(1 - moved / N)
        assert found[0].worst.images == N


def test_two_empty_results_agree_and_an_empty_one_agrees_with_no_box(boxes):
    empty = boxes.copy()
    empty[:50] = np.nan
    assert names_of(groups_of_same({"a": empty, "b": empty.copy()})) == [("a", "b")]
    assert groups_of_same({"a": empty, "b": boxes}) == []


def test_rounding_moves_no_box(boxes):
    again = boxes.astype(np.float32) + np.float32(1e-7)
    assert names_of(groups_of_same({"a": boxes, "b": again})) == [("a", "b")]
    assert groups_of_same({"a": boxes, "b": boxes + 1e-4}) == []
    assert names_of(groups_of_same({"a": boxes, "b": boxes + 1e-4}, corner=1e-3)) == [("a", "b")]


@pytest.mark.parametrize(("off", "together"), [(0, True), (5e-5, True), (2e-4, False)])
def test_maps_agree_after_normalising(boxes, maps, off, together):
    """Grad-CAM is CAM's map over h·w: the same once each is divided by its maximum."""
    other = maps / 49
    other[2, 3, 3] += off * other[2].max() * (-1 if other[2, 3, 3] > 0.5 / 49 else 1)
    elsewhere = changed(boxes, *range(N // 2))
    found = groups_of_same({"cam": boxes, "gradcam": elsewhere}, {"cam": maps, "gradcam": other})
    assert bool(found) == together
    if together:
        assert found[0].worst.maps == pytest.approx(off, abs=2e-6)
        assert (found[0].worst.boxes, found[0].worst.images, found[0].worst.mapped) == (0.5, N, 5)


def test_maps_of_other_sizes_and_methods_without_maps_are_judged_by_boxes(boxes, maps):
    three = {"a": boxes, "b": boxes, "whole-image": changed(boxes, *range(N))}
    (found,) = groups_of_same(three, {"a": maps, "b": maps[:, :5, :5]})
    assert found.names == ("a", "b")
    assert np.isnan(found.worst.maps)
    assert (found.worst.boxes, found.worst.images, found.worst.mapped) == (1, N, 0)


def test_maps_may_be_all_there_is(maps):
    assert names_of(groups_of_same({}, {"a": maps, "b": 2 * maps, "c": 1 - maps})) == [("a", "b")]


def test_a_value_that_one_map_lacks_is_a_difference(maps):
    broken = maps.copy()
    broken[0, 0, 0] = np.nan
    assert groups_of_same({}, {"a": maps, "b": broken}) == []
    assert names_of(groups_of_same({}, {"a": broken, "b": broken.copy()})) == [("a", "b")]


def test_normalising():
    maps = np.array([[[2.0, -4.0]], [[0.0, 0.0]]])
    assert by_maximum(maps).tolist() == [[[0.5, -1.0]], [[0.0, 0.0]]]
    assert maps[0, 0, 1] == -4


def test_another_normalising_may_be_given(maps):
    shifted = {"a": maps, "b": maps + 3}
    assert groups_of_same({}, shifted) == []
    assert names_of(groups_of_same({}, shifted, normalise=lambda m: m - m.min(axis=(1, 2), keepdims=True)))


class TestChains:
    """b is like a and like c, but a and c differ on 4 of 400 images, which is more than 0.5 %."""

    @pytest.fixture
    def chain(self, boxes):
        return {"a": boxes, "b": changed(boxes, 0, 1), "c": changed(boxes, 0, 1, 2, 3)}

    @pytest.mark.parametrize("order", ["".join(each) for each in permutations("abc")])
    def test_unlike_ends_are_never_in_one_group(self, chain, order):
        (found,) = groups_of_same({name: chain[name] for name in order})
        assert "b" in found.names
        assert len(found.names) == 2

    @pytest.mark.parametrize("order", ["".join(each) for each in permutations("abc")])
    def test_the_nearer_neighbour_is_chosen(self, boxes, order):
        chain = {"a": boxes, "b": changed(boxes, 0), "c": changed(boxes, 0, 1, 2)}
        (found,) = groups_of_same({name: chain[name] for name in order})
        assert set(found.names) == {"a", "b"}

    def test_every_two_members_agree_whatever_the_boxes(self, boxes):
        for seed in range(20):
            rng = np.random.default_rng(seed)
            many = {str(k): changed(boxes, *rng.choice(6, rng.integers(0, 5), replace=False)) for k in range(8)}
            groups = groups_of_same(many)
            flat = [name for group in groups for name in group.names]
            assert len(flat) == len(set(flat))
            for group in groups:
                alike = [(many[a] == many[b]).all(axis=1).mean() for a in group.names for b in group.names]
                assert min(alike) == group.worst.boxes >= 0.995

    def test_larger_groups_have_the_agreement_of_the_two_that_agree_least(self, boxes):
        (found,) = groups_of_same({"a": boxes, "b": boxes, "c": changed(boxes, 7)})
        assert found.names == ("a", "b", "c")
        assert found.worst.boxes == pytest.approx(0.9975)


@pytest.mark.parametrize(
    ("boxes", "match"),
    [({"a": np.ones((3, 4)), "b": np.ones((2, 4))}, "a 3, b 2"), ({"a": np.ones((3, 5))}, r"received \(3, 5\) for a")],
)
def test_what_cannot_be_is_refused(boxes, match):
    with pytest.raises(ValueError, match=match):
        groups_of_same(boxes)


def test_no_images_agree_on_nothing():
    assert groups_of_same({"a": np.empty((0, 4)), "b": np.empty((0, 4))}) == []
