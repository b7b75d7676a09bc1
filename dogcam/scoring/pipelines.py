"""The two pipelines of a decomposition, and the choices that lead from one to the other.

A pipeline is a method and a protocol. What differs between two protocols is switched in bundles of fields, in the order in
which a map passes them, so that every mixture of two protocols is a protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from dogcam.analysis.decomposition import METHOD, RELU, SCORE, PipelineSettings, Setting
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import Protocol, find_protocol
from dogcam.core.errors import OptionError
from dogcam.methods import METHODS

# A method's own paper's pipeline, where nothing else is asked for.
OWN_PROTOCOL = {"cam": "cam2016", "gradcam": "gradcam2017"}


@dataclass(frozen=True)
class Pipeline:
    """A method and what is done to its map."""

    method: str
    protocol: Protocol

    @property
    def name(self) -> str:
        """As it is asked for."""
        return f"{self.method}@{self.protocol.name}"

    def settings(self, effective: Protocol) -> PipelineSettings:
        """What it has at each choice; in the `effective` protocol is cut what the method's own formula cuts."""
        found = {METHOD: _settings(self.method), **{name: each.settings(effective) for name, each in CHOICES.items()}}
        if effective.relu != self.protocol.relu:
            found[RELU] = _settings("cut-by-method")
        return PipelineSettings(self.method, self.protocol.name, found)


def parse(text: str) -> tuple[Pipeline, Pipeline]:
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
    first, second = map(_pipeline, parts)
    differing = [name for name, choice in CHOICES.items() if choice.differs(first.protocol, second.protocol)]
    if first.method == second.method and not differing and _source(first.protocol) == _source(second.protocol):
        raise OptionError(
            f"{text!r} names the same pipeline twice ({first.name} and {second.name}): there is no gap to explain; change "
            "the method or the protocol of one"
        )
    return first, second


def _pipeline(text: str) -> Pipeline:
    method, at, protocol = (part.strip() for part in text.partition("@"))
    if method in BASELINES:
        raise OptionError(f"{method} is a box, without a map that a protocol could handle: it cannot be decomposed")
    known = METHODS[method]  # an unknown name is answered with the nearest
    if at and not protocol:
        raise OptionError(f"{text!r} names no protocol after the @; leave out the @ for that of {known.title}'s paper")
    return Pipeline(method, find_protocol(protocol or OWN_PROTOCOL.get(method, "default")))


class Choice(NamedTuple):
    """A bundle of a protocol's fields that are switched at once, and what a protocol has there."""

    fields: tuple[str, ...]
    settings: Callable[[Protocol], tuple[Setting, ...]]

    def differs(self, first: Protocol, second: Protocol) -> bool:
        """Whether two protocols do not agree in it."""
        return any(getattr(first, name) != getattr(second, name) for name in self.fields)


def _settings(*codes: str | bool) -> tuple[Setting, ...]:
    """Those of the codes that are there."""
    return tuple(Setting(code) for code in codes if isinstance(code, str))


def _size(protocol: Protocol) -> tuple[Setting, ...]:
    if protocol.size is None:
        return _settings(f"{protocol.upsample}-to-picture")
    return (Setting(protocol.upsample, protocol.size),)


def _above(protocol: Protocol) -> tuple[Setting, ...]:
    before, after = protocol.quantise_first and "8-bits-first", protocol.quantise and "8-bits-after"
    return *_settings(before), Setting("above", protocol.threshold), *_settings(after)


def _box(protocol: Protocol) -> tuple[Setting, ...]:
    return _settings(
        protocol.component,
        protocol.box == "min-area-rect" and "rotated",
        protocol.edge == "last-pixel" and "last-pixel",
        protocol.missing == "zero" and "zero",
    )


def _compared(protocol: Protocol) -> tuple[Setting, ...]:
    return _settings(
        protocol.truth, protocol.truth_corners == "truncated" and "truncated", protocol.iou == "inclusive" and "inclusive"
    )


# After the method, in the order of the pipeline. Fields that contradict each other are in one bundle.
CHOICES = {
    SCORE: Choice(("score",), lambda protocol: _settings(protocol.score)),
    RELU: Choice(("relu",), lambda protocol: _settings("cut" if protocol.relu else "kept")),
    "upsampling": Choice(("upsample", "size"), _size),
    "normalisation": Choice(("normalise",), lambda protocol: _settings(protocol.normalise)),
    "threshold": Choice(("threshold", "quantise", "quantise_first"), _above),
    "box": Choice(("component", "box", "edge", "missing"), _box),
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
