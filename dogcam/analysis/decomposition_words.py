"""The words of a walk: what its choices are called, and what a pipeline is said to have there.

A walk is kept in English. These are the messages its words are made from, by which a report says them again in its own
language; `scoring.sides` makes them, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping

from dogcam.language import message, say, translated
from dogcam.language.again import again

METHOD, SCORE, RELU = message("method"), message("score"), message("ReLU")
CHOICES = (
    *(METHOD, SCORE, RELU),
    message("upsampling"),
    message("normalisation"),
    message("threshold"),
    message("box rule"),
    message("comparison"),
)
PIPELINE = message("{method} by {protocol}")
# What a pipeline has at a choice; several, with ", " between them.
_VALUES = (
    message("logit"),
    message("softmax"),
    message("cut at 0"),
    message("negative values kept"),
    message("cut at 0 by {method} itself"),
    message("bilinear to {size} × {size}"),
    message("cubic to {size} × {size}"),
    message("bilinear to the picture's size"),
    message("cubic to the picture's size"),
    message("by the maximum"),
    message("from minimum to maximum"),
    message("of 8 bits"),
    message("above {threshold}"),
    message("then 8 bits"),
    message("largest part"),
    message("largest part to the last pixel"),
    message("largest contour"),
    message("largest contour to the last pixel"),
    message("every contour"),
    message("every contour to the last pixel"),
    message("first contour"),
    message("rotated rectangle"),
    message("rotated rectangle to the last pixel"),
    message("else 0"),
    message("best annotated box"),
    message("first annotated box"),
    message("whole pixels"),
    message("IoU + 1"),
)
_SCORED = message("{method} ({score})")
_ARROW, _COMMA = " → ", ", "


def choice_words(name: str) -> str:
    """What a choice is called; of a bundle "threshold + box rule" each of its choices."""
    return " + ".join(translated(each) for each in name.split(" + "))


def value_words(kept: str) -> str:
    """What a pipeline has at a choice, or "from → to"; names of methods stay as they are."""
    sides = kept.split(_ARROW)
    return _ARROW.join(_COMMA.join(again(each, _VALUES) for each in side.split(_COMMA)) for side in sides)


def pipeline_words(title: str) -> str:
    """A pipeline: "CAM by cam2016"."""
    return again(title, [PIPELINE])


def scored_words(name: str) -> str:
    """A method's map of a score: "Grad-CAM (softmax)"."""
    method, _, score = name.removesuffix(")").rpartition(" (")
    return say(_SCORED, method=method, score=translated(score)) if method else name


def changes_in_words(said: Mapping[str, str]) -> dict[str, str]:
    """By what a choice is called: what it was changed from and to."""
    return {choice_words(name): value_words(value) for name, value in said.items()}
