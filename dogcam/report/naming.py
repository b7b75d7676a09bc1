"""What a map is called: its method, and its layer where that is not the one that feeds the pooling."""

from __future__ import annotations

from collections.abc import Iterable

from dogcam.experiment.evaluations import MapKey
from dogcam.language import counted, say
from dogcam.language.numbers import count, listed
from dogcam.methods import never_looks, title_of

_NAMED = 5  # of more names than these a sentence has three and counts the rest


def named(key: MapKey, pooled: str) -> str:
    """ "Grad-CAM" at the layer that feeds the pooling, else "Grad-CAM at conv4_block6_out"; "saliency at the input".

    What never looks at the picture has no layer, though a map of it is drawn on the input.
    """
    title = title_of(key.method)
    if key.layer in ("", pooled) or never_looks(key.method):
        return title
    if key.layer == "input":
        return say("{method} at the input", method=title)
    return say("{method} at {layer}", method=title, layer=key.layer)


def names(keys: Iterable[MapKey], pooled: str) -> str:
    """Maps in a sentence: "CAM and Grad-CAM"; of many the first three, and how many more."""
    found = [named(key, pooled) for key in keys]
    if len(found) <= _NAMED:
        return listed(found)
    return say("{names} and {n} more", names=", ".join(found[:3]), n=len(found) - 3)


def images(n: int, split: str) -> str:
    """How many images, in words that tell training images apart."""
    if split == "train":
        return counted("{count} training image", "{count} training images", n, count=count(n))
    return counted("{count} image", "{count} images", n, count=count(n))
