"""The two pipelines of a decomposition, and the choices that lead from one to the other.

A pipeline is a method and a protocol. What differs between two protocols is switched in bundles of fields, in the order in
which a map passes them, so that every mixture of two protocols is a protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dogcam.analysis.decomposition_words import RELU, SCORE
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import Protocol, find_protocol
from dogcam.core.errors import OptionError
from dogcam.methods import METHODS

# A method's own paper's pipeline, where nothing else is asked for.
OWN_PROTOCOL = {"cam": "cam2016", "gradcam": "gradcam2017"}


@dataclass(frozen=True)
class Side:
    """One of the two pipelines."""

    method: str
    protocol: Protocol

    @property
    def name(self) -> str:
        """As it is asked for."""
        return f"{self.method}@{self.protocol.name}"

    @property
    def title(self) -> str:
        """In words."""
        return f"{METHODS[self.method].title} by {self.protocol.name}"


def parse(text: str) -> tuple[Side, Side]:
    """The two pipelines of "A:B", each METHOD or METHOD@PROTOCOL; without a protocol the method's own paper's.

    Raises:
        UnknownName: no such method or protocol.
        OptionError: not two, twice the same, a box that has no map, or a protocol's file that cannot be used.
    """
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 2 or not all(parts):
        raise OptionError(
            f"a decomposition is of two methods, as in cam:gradcam or cam@cam2016:gradcam@wsol-v1; received {text!r}"
        )
    first, second = map(_side, parts)
    differing = [name for name, choice in CHOICES.items() if choice.differs(first.protocol, second.protocol)]
    if first.method == second.method and not differing and _source(first.protocol) == _source(second.protocol):
        raise OptionError(
            f"{text!r} names the same pipeline twice ({first.name} and {second.name}): there is no gap to explain; change "
            "the method or the protocol of one"
        )
    return first, second


def _side(text: str) -> Side:
    method, at, protocol = (part.strip() for part in text.partition("@"))
    if method in BASELINES:
        raise OptionError(f"{method} is a box, without a map that a protocol could handle: it cannot be decomposed")
    known = METHODS[method]  # an unknown name is answered with the nearest
    if at and not protocol:
        raise OptionError(f"{text!r} names no protocol after the @; leave out the @ for that of {known.title}'s paper")
    return Side(method, find_protocol(protocol or OWN_PROTOCOL.get(method, "default")))


class Choice(NamedTuple):
    """A bundle of a protocol's fields that are switched at once, and what a protocol says there, in words."""

    fields: tuple[str, ...]
    words: Callable[[Protocol], str]

    def differs(self, first: Protocol, second: Protocol) -> bool:
        """Whether two protocols do not agree in it."""
        return any(getattr(first, name) != getattr(second, name) for name in self.fields)


def _size(protocol: Protocol) -> str:
    size = "the picture's size" if protocol.size is None else f"{protocol.size} × {protocol.size}"
    return f"{protocol.upsample} to {size}"


def _above(protocol: Protocol) -> str:
    bits = "of 8 bits, " if protocol.quantise_first else ""
    return f"{bits}above {protocol.threshold:.3g}{', then 8 bits' if protocol.quantise else ''}"


def _box(protocol: Protocol) -> str:
    component = {"largest": "largest part", "largest-contour": "largest contour", "first": "first contour"}
    ends = " to the last pixel" if protocol.edge == "last-pixel" else ""
    rotated = ", rotated rectangle" if protocol.box == "min-area-rect" else ""
    return f"{component.get(protocol.component, 'every contour')}{rotated}{ends}" + (
        ", else 0" if protocol.missing == "zero" else ""
    )


def _compared(protocol: Protocol) -> str:
    truth = "best annotated box" if protocol.truth == "any" else "first annotated box"
    corners = ", whole pixels" if protocol.truth_corners == "truncated" else ""
    return f"{truth}{corners}{', IoU + 1' if protocol.iou == 'inclusive' else ''}"


# After the method, in the order of the pipeline. Fields that contradict each other are in one bundle.
CHOICES = {
    SCORE: Choice(("score",), lambda protocol: protocol.score),
    RELU: Choice(("relu",), lambda protocol: "cut at 0" if protocol.relu else "negative values kept"),
    "upsampling": Choice(("upsample", "size"), _size),
    "normalisation": Choice(
        ("normalise",), lambda protocol: "by the maximum" if protocol.normalise == "max" else "from minimum to maximum"
    ),
    "threshold": Choice(("threshold", "quantise", "quantise_first"), _above),
    "box rule": Choice(("component", "box", "edge", "missing"), _box),
    "comparison": Choice(("truth", "truth_corners", "iou"), _compared),
}


def combined(first: Protocol, second: Protocol, switched: Iterable[str]) -> Protocol:
    """`first` with the bundles of `switched` as `second` has them; thresholds must be fixed in both."""
    fields = [field for name in switched if name in CHOICES for field in CHOICES[name].fields]
    return replace(first, **{field: getattr(second, field) for field in fields})


def fixed_at(protocol: Protocol, threshold: float) -> Protocol:
    """The protocol with a threshold that is not chosen any more."""
    return replace(protocol, threshold=float(threshold), threshold_from="fixed")


def _source(protocol: Protocol) -> tuple[Any, ...]:
    """Where its threshold comes from: two that agree come to the same one on the same maps."""
    if protocol.threshold_from == "fixed":
        return (protocol.threshold,)
    levels = protocol.iou_levels if protocol.threshold_from == "best" else ()
    return protocol.threshold_from, protocol.thresholds, levels
