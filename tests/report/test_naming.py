"""What a map is called, alone and among others."""

import pytest

from dogcam.experiment.evaluations import MapKey
from dogcam.language.numbers import listed
from dogcam.report.naming import images, named, names, size_of


@pytest.mark.parametrize(
    ("method", "layer", "name"),
    [
        ("gradcam", "last", "Grad-CAM"),
        ("gradcam", "conv4", "Grad-CAM at conv4"),
        ("saliency", "input", "saliency at the input"),
        ("centre-gaussian", "input", "centre Gaussian"),
        ("whole-image", "", "whole-image"),
    ],
)
def test_the_layer_is_told_where_it_is_not_the_one_that_feeds_the_pooling(method, layer, name):
    """What never looks at the picture is at no layer."""
    assert named(MapKey(method, layer), "last") == name


def test_of_many_three_are_named_and_the_rest_counted():
    keys = [MapKey("gradcam", f"conv{k}") for k in range(6)]
    each = [named(key, "last") for key in keys]
    assert names(keys[:5], "last") == listed(each[:5])
    assert names(keys, "last") == f"{', '.join(each[:3])} and 3 more"


def test_images_are_counted_and_those_of_training_told_apart():
    assert [images(n, "test") for n in (1, 8580)] == ["1 image", "8,580 images"]
    assert images(20, "train") == "20 training images"


def test_rows_are_told_from_the_images_they_are_of():
    assert images(1060, "test", 364) == "1,060 rows of 364 images"
    assert images(3, "train", 1) == "3 rows of 1 training image"


def test_a_split_is_as_large_as_it_has_images():
    assert size_of({"counts": {"test": 1060}, "pictures": {"test": 364}}, "test") == "364"
    assert size_of({"counts": {"test": 1060}}, "test") == "1,060"
