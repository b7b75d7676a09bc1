"""What a map is called: its method, and its layer where that is not the one that feeds the pooling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dogcam.boxes.baselines import never_looks
from dogcam.experiment.evaluations import MapKey
from dogcam.language.numbers import count, listed
from dogcam.methods import title_of
from dogcam.report.texts import text

_NAMED = 5  # of more names than these a sentence has three and counts the rest


def named(key: MapKey, pooled: str) -> str:
    """ "Grad-CAM" at the layer that feeds the pooling, else "Grad-CAM at conv4_block6_out"; "saliency at the input".

    What never looks at the picture has no layer, though a map of it is drawn on the input.
    """
    title = title_of(key.method)
    if key.layer in ("", pooled) or never_looks(key.method):
        return title
    if key.layer == "input":
        return text("naming.at_input", method=title)
    return text("naming.at_layer", method=title, layer=key.layer)


def layer_words(layer: str) -> str:
    """A layer in a sentence; of somebody else's maps, whose layer is not known, that they are as given."""
    return layer or text("naming.as_given")


def names(keys: Iterable[MapKey], pooled: str) -> str:
    """Maps in a sentence: "CAM and Grad-CAM"; of many the first three, and how many more."""
    found = [named(key, pooled) for key in keys]
    if len(found) <= _NAMED:
        return listed(found)
    return text("naming.and_more", names=", ".join(found[:3]), n=len(found) - 3)


def images(n: int, split: str, pictures: int | None = None) -> str:
    """How many images, in words that tell training images apart; where n are rows of so many pictures, "9 rows of 4 images"."""
    if pictures is not None:
        return text("naming.rows", n, count=count(n), pictures=images(pictures, split))
    return text("naming.training_images" if split == "train" else "naming.images", n, count=count(n))


def size_of(dataset: Mapping[str, Any], split: str) -> str:
    """How many images a split of an experiment's dataset has."""
    return count((dataset.get("pictures") or dataset.get("counts", {})).get(split))
