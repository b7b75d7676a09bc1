"""How a raw map becomes a box and a verdict, as named, versioned values.

A raw map carries no ReLU beyond its method's own formula, no resizing and no normalising: all of that is said here, so
that one pass of the network serves every protocol and a difference between two tables can be traced to a field.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dogcam.errors import OptionError
from dogcam.registry import Registry

CHOICES = {
    "score": ("logit", "softmax"),
    "normalise": ("max", "minmax"),
    "upsample": ("bilinear", "cubic"),
    "component": ("largest", "first"),
    "box": ("extent", "min-area-rect"),
    "truth": ("any", "first"),
}
# The components that `localize` can draw each kind of box around.
COMPONENT_OF_BOX = {"extent": "largest", "min-area-rect": "first"}


@dataclass(frozen=True)
class Protocol:
    """One way from a raw map to a box and to its score.

    Attributes:
        name, version: what it is cited as; a change of meaning is a new version.
        description: in one sentence, with its source.
        score: what the gradient is taken of, the class's "logit" or its "softmax" probability.
        relu: negative values are set to 0 first.
        upsample: "bilinear" (half-pixel centres) or "cubic" (OpenCV's, a = -0.75).
        size: side of the square the map is enlarged to, in pixels; None means the picture's own width and height.
        normalise: "max" divides by the maximum, "minmax" maps minimum and maximum to 0 and 1; done after enlarging.
        threshold: a pixel belongs to the object where the normalised map is strictly above it.
        quantise: the thresholded map is first cut to 8 bits (negative values become 0).
        component: "largest" 4-connected one by pixels, or the "first" contour that OpenCV finds.
        box: its "extent", half-open, or the extent of its rotated rectangle of minimum area.
        truth: compared with "any" annotated box (the best counts) or the "first".
    """

    name: str
    description: str
    relu: bool
    threshold: float
    version: int = 1
    score: str = "logit"
    normalise: str = "max"
    upsample: str = "bilinear"
    size: int | None = 224
    quantise: bool = False
    component: str = "largest"
    box: str = "extent"
    truth: str = "any"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise OptionError(f"protocol {self.name}: {name} must be one of {allowed}; got {getattr(self, name)!r}")
        if COMPONENT_OF_BOX[self.box] != self.component:
            raise OptionError(
                f"protocol {self.name}: the box {self.box!r} goes with the component {COMPONENT_OF_BOX[self.box]!r}; "
                f"got {self.component!r}"
            )
        if not 0 <= self.threshold < 1:
            raise OptionError(f"protocol {self.name}: threshold must be in [0, 1); got {self.threshold}")
        if self.size is not None and self.size < 1:
            raise OptionError(f"protocol {self.name}: size must be a number of pixels or None; got {self.size}")

    def document(self) -> dict[str, Any]:
        """Every field, for JSON."""
        return asdict(self)


PROTOCOLS: Registry[Protocol] = Registry("protocol")


def _register(protocol: Protocol) -> None:
    PROTOCOLS.add(protocol.name, protocol)


_register(
    Protocol(
        "default",
        "ReLU, bilinear to 224, divided by the maximum, above 0.15 (fixed for now), largest component, best annotated box",
        relu=True,
        threshold=0.15,
    )
)
_register(
    Protocol(
        "cam2016",
        "Zhou et al. 2016: no ReLU, above 20 % of the maximum, largest component",
        relu=False,
        threshold=0.20,
    )
)
_register(
    Protocol(
        "gradcam2017",
        "Selvaraju et al. 2017: ReLU, above 15 % of the maximum, largest component",
        relu=True,
        threshold=0.15,
    )
)
_register(
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
    )
)
