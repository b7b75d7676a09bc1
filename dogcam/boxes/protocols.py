"""How a raw map becomes a box and a verdict, as named, versioned values.

A raw map carries no ReLU beyond its method's own formula, no resizing and no normalising: all of that is said here, so
that one pass of the network serves every protocol and a difference between two tables can be traced to a field.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dogcam.core.config import PROTOCOL_FILE
from dogcam.core.errors import OptionError, first_line
from dogcam.core.registry import Registry, unknown


class Field(NamedTuple):
    """What a field of a protocol means, and what it may be."""

    meaning: str
    allowed: str


def _said(meaning: str, allowed: str, fits: Callable[[Any], bool], default: Any = MISSING) -> Any:
    """A field that says of itself what it means and checks what it is given."""
    return field(default=default, metadata={"meaning": meaning, "allowed": allowed, "fits": fits})


def _choice(meaning: str, default: str, *others: str) -> Any:
    names = (default, *others)
    return field(
        default=default,
        metadata={
            "meaning": meaning,
            "allowed": f"one of {names}",
            "fits": lambda value: isinstance(value, str) and value in names,
            "names": names,
        },
    )


def _switch(meaning: str, default: Any = MISSING) -> Any:
    return _said(meaning, "true or false", lambda value: isinstance(value, bool), default)


def _whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(value: Any, least: float, most: float) -> bool:
    """Whether `value` is a number of [least, most)."""
    return isinstance(value, int | float | np.floating) and not isinstance(value, bool) and bool(least <= value < most)


def _line(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


# The components that `localize` can draw each kind of box around.
COMPONENT_OF_BOX = {"extent": ("largest", "largest-contour", "all"), "min-area-rect": ("first",)}


@dataclass(frozen=True)
class Protocol:
    """One way from a raw map to a box and to its score. `FIELDS` says of each field what it means and may be."""

    name: str = _said("what it is cited as", "a line of at most 60 letters", lambda value: _line(value) and len(value) <= 60)
    description: str = _said("in one sentence, with its source", "a line of text", _line)
    relu: bool = _switch("negative values are set to 0 first")
    threshold: float | None = _said(
        "a pixel belongs to the object where the normalised map is strictly above it; where it is chosen, what holds "
        "until it has been",
        "in [0, 1), or left out where threshold_from is not 'fixed'",
        lambda value: value is None or _number(value, 0, 1),
        None,
    )
    version: int = _said("counts changes of meaning", "a whole number from 1", lambda value: _whole(value, 1, 10**9), default=1)
    score: str = _choice("what the gradient is taken of: the class's logit or its probability", "logit", "softmax")
    normalise: str = _choice(
        "'max' divides by the maximum, 'minmax' maps minimum and maximum to 0 and 1; after enlarging", "max", "minmax"
    )
    upsample: str = _choice("'bilinear' (half-pixel centres) or 'cubic' (OpenCV's, a = -0.75)", "bilinear", "cubic")
    size: int | None = _said(
        "side of the square that the map is enlarged to, in pixels; 'picture' is the picture's own width and height",
        "from 1 to 4096, or 'picture' (in Python: None)",
        lambda value: value is None or _whole(value, 1, 4096),
        224,
    )
    quantise: bool = _switch("the thresholded map is cut to 8 bits (negative values become 0)", False)
    quantise_first: bool = _switch(
        "the map is cut to 8 bits before the threshold t, which becomes the level int(t * highest level)", False
    )
    component: str = _choice(
        "'largest' 4-connected one by pixels, 'largest-contour' by the area inside it, the 'first' contour that OpenCV "
        "finds, or 'all' contours with the inner ones, of which the one that fits best counts",
        "largest",
        "largest-contour",
        "first",
        "all",
    )
    box: str = _choice(
        "its half-open 'extent', or the extent of its rotated rectangle of minimum area", "extent", "min-area-rect"
    )
    edge: str = _choice(
        "how far a box may reach: 'half-open' to the first pixel outside, 'last-pixel' no further than the last inside",
        "half-open",
        "last-pixel",
    )
    missing: str = _choice(
        "where nothing is above the threshold: 'none' is no box and IoU 0, 'zero' is the box 0, 0, 0, 0", "none", "zero"
    )
    truth: str = _choice("compared with 'any' annotated box (the best counts) or the 'first'", "any", "first")
    truth_corners: str = _choice(
        "annotated corners in pixels of the enlarged map: as they are, or 'truncated' to whole ones", "exact", "truncated"
    )
    iou: str = _choice("'plain', or 'inclusive': both corners are inside, so that 1 is added to every side", "plain", "inclusive")
    threshold_from: str = _choice(
        "one threshold for all pictures of a cell: 'fixed', 'calibrated' on training pictures, none of them evaluated, or "
        "the 'best' of those evaluated",
        "fixed",
        "calibrated",
        "best",
    )
    thresholds: int = _said(
        "how many thresholds a choice is among: evenly from 0, without 1",
        "a whole number from 1 to 10000",
        lambda value: _whole(value, 1, 10_000),
        100,
    )
    iou_levels: tuple[float, ...] = _said(
        "the IoUs at which MaxBoxAcc counts a box as right, each at its own best threshold; their mean is MaxBoxAcc",
        "one or more numbers above 0, below 1 and ascending",
        lambda value: (
            isinstance(value, tuple)
            and len(value) > 0
            and all(_number(level, 0, 1) for level in value)
            and all(low < high for low, high in zip((0, *value), value, strict=False))
        ),
        (0.5,),
    )

    def __post_init__(self) -> None:
        if isinstance(self.iou_levels, list):  # as JSON and TOML have it
            object.__setattr__(self, "iou_levels", tuple(self.iou_levels))
        for part in fields(self):
            value = getattr(self, part.name)
            if not part.metadata["fits"](value):
                raise self._error(f"{part.name} must be {part.metadata['allowed']}; got {value!r}")
        self._check_together()

    def _check_together(self) -> None:
        if self.component not in COMPONENT_OF_BOX[self.box]:
            raise self._error(
                f"the box {self.box!r} goes with the component {' or '.join(map(repr, COMPONENT_OF_BOX[self.box]))}; "
                f"got {self.component!r}"
            )
        if self.threshold is None and self.threshold_from == "fixed":
            raise self._error(
                "threshold must be in [0, 1) with threshold_from = 'fixed'; it was left out, which goes with "
                "'calibrated' and 'best'"
            )
        if self.quantise and self.quantise_first:
            raise self._error("quantise and quantise_first contradict each other; one may be true, got both")

    def _error(self, text: str) -> OptionError:
        return OptionError(f"protocol {self.name}: {text}")

    @property
    def counts_pixels(self) -> bool:
        """Whether its IoU is of corners in pixels of the enlarged map, and not of the relative ones."""
        return (self.edge, self.truth_corners, self.iou) != ("half-open", "exact", "plain")

    def grid(self) -> np.ndarray:
        """The thresholds (T,) that one is chosen among, float64: i * (1 / T), to the last bit as numpy.arange has them."""
        return np.arange(self.thresholds) * (1 / self.thresholds)

    def document(self) -> dict[str, Any]:
        """Every field, for JSON."""
        return asdict(self)


FIELDS = {part.name: Field(part.metadata["meaning"], part.metadata["allowed"]) for part in fields(Protocol)}
CHOICES = {part.name: part.metadata["names"] for part in fields(Protocol) if "names" in part.metadata}


def load_protocol(path: str | Path) -> Protocol:
    """A user's own protocol from a TOML file of fields; without a name it has the file's.

    Raises:
        OptionError: no such file, no TOML, a field that there is not, a value that a field does not take, fields that
            contradict each other, or the name of a protocol that is registered.
    """
    path = Path(path)
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{path}: no protocol can be read there ({error.strerror or first_line(error)})") from None
    except (ValueError, RecursionError) as error:  # neither UTF-8 nor TOML, or TOML without end
        raise OptionError(f"{path} is not TOML: {first_line(error)}") from None
    for name in given:
        if name not in FIELDS:
            hint = unknown("field", name, FIELDS)
            raise OptionError(f"{path}: {hint} (got {name} = {given[name]!r}; fields are {', '.join(FIELDS)})")
    given = {"name": path.stem, "description": f"from {path.name}", **given}
    if given.get("size") == "picture":
        given["size"] = None
    for part in fields(Protocol):
        if part.default is MISSING and part.name not in given:
            raise OptionError(f"{path}: {part.name} is missing; it must be {part.metadata['allowed']}")
    try:
        protocol = Protocol(**given)
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from None
    if protocol.name in PROTOCOLS:
        raise OptionError(f"{path}: the name {protocol.name!r} is taken by a protocol of dogcam; give another")
    return protocol


PROTOCOLS: Registry[Protocol] = Registry("protocol")
# What both versions share.
_WSOL: dict[str, Any] = {
    "relu": False,
    "upsample": "cubic",
    "normalise": "minmax",
    "quantise_first": True,
    "edge": "last-pixel",
    "missing": "zero",
    "truth_corners": "truncated",
    "iou": "inclusive",
    "threshold_from": "best",
    "thresholds": 1000,
}
for _protocol in (
    Protocol(
        "default",
        "ReLU, bilinear to 224, divided by the maximum, above a threshold calibrated on training pictures for each method "
        "and layer, largest component, best annotated box",
        relu=True,
        threshold=0.15,
        threshold_from="calibrated",
        version=2,
    ),
    Protocol("cam2016", "Zhou et al. 2016: no ReLU, above 20 % of the maximum, largest component", relu=False, threshold=0.20),
    Protocol(
        "gradcam2017", "Selvaraju et al. 2017: ReLU, above 15 % of the maximum, largest component", relu=True, threshold=0.15
    ),
    Protocol(
        "wsol-v1",
        "Choe et al. 2020, MaxBoxAcc: no ReLU, cubic, min-max, 8 bits, the largest contour at 1,000 thresholds of which "
        "the best for all pictures counts, IoU with +1",
        component="largest-contour",
        **_WSOL,
    ),
    Protocol(
        "wsol-v2",
        "Choe et al. 2020, MaxBoxAccV2: as wsol-v1, but every contour, inner ones too, and the mean over IoU .3, .5 and .7",
        component="all",
        iou_levels=(0.3, 0.5, 0.7),
        **_WSOL,
    ),
    Protocol(
        "exercise",
        "the classroom exercise the study seems to follow (inferred): softmax score, no ReLU, above 0.05 of the maximum, "
        "cut to 8 bits (negative values clipped to 0), the first contour OpenCV finds, extent of its minimum-area "
        "rectangle, first annotated box",
        relu=False,
        threshold=0.05,
        score="softmax",
        size=None,
        quantise=True,
        component="first",
        box="min-area-rect",
        truth="first",
    ),
):
    PROTOCOLS.add(_protocol.name, _protocol)


def find_protocol(name: str) -> Protocol:
    """The protocol `name`, or that of the file `name`.toml.

    Raises:
        UnknownName: there is none of that name.
        OptionError: see `load_protocol`.
    """
    return load_protocol(name) if name.endswith(PROTOCOL_FILE) else PROTOCOLS[name]
