"""Kept pictures: what is written is read again, and maps are never paired with other pictures."""

import numpy as np
import pytest

from dogcam.experiment.kept import KeptPictures

CAM = ("cam", "conv5")


@pytest.fixture
def kept(tmp_path):
    return KeptPictures(tmp_path / "gallery")


def written(kept, *ids):
    kept.write([{"id": each, "label": 1} for each in ids], [each.encode() for each in ids])


def test_of_a_folder_that_is_not_there_nothing_is_kept(kept):
    assert kept.entries() == []
    assert kept.ids() == []
    assert kept.maps(1, 7) == {}


def test_pictures_are_read_in_the_order_of_their_index(kept):
    written(kept, "b", "a")
    assert [(entry["id"], entry["label"], entry["picture"].read_bytes()) for entry in kept.entries()] == [
        ("b", 1, b"b"),
        ("a", 1, b"a"),
    ]


def test_new_pictures_take_the_place_of_the_old_ones(kept):
    written(kept, "a", "b", "c")
    written(kept, "d")
    assert kept.ids() == ["d"]
    assert [path.name for path in kept.path.glob("*.jpg")] == ["000.jpg"]


def test_maps_of_further_methods_join_those_that_are_there(kept):
    written(kept, "a", "b")
    first, second = np.ones((2, 3, 4), np.float32), np.zeros((2, 1, 1), np.float32)
    kept.write_maps(1, 7, {CAM: first})
    kept.write_maps(1, 7, {("saliency", "input"): second})
    assert kept.maps(1, 7).keys() == {CAM, ("saliency", "input")}
    np.testing.assert_array_equal(kept.maps(1, 7)[CAM], first)
    assert kept.maps(1, 5) == kept.maps(2, 7) == {}


def test_maps_of_other_pictures_are_not_given_out(kept):
    written(kept, "a", "b")
    kept.write_maps(1, 7, {CAM: np.ones((2, 3, 4), np.float32)})
    written(kept, "a", "c")
    assert kept.maps(1, 7) == {}


def test_more_than_a_thousand_pictures_keep_their_order(kept):
    ids = [f"picture-{number}" for number in range(1001)]
    written(kept, *ids)
    assert [entry["picture"].read_bytes().decode() for entry in kept.entries()] == ids
