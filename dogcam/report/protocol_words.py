"""A protocol in words: how a map becomes a box and a score."""

from __future__ import annotations

from dogcam.boxes.protocols import Protocol
from dogcam.language import message, say

_SHAPES = {
    "largest": message("the largest connected part, its extent"),
    "largest-contour": message("the largest contour, its extent"),
    "all": message("every contour, inner ones too, their extents, of which the one that fits best counts"),
    "first": message("the first contour found, the extent of its rotated rectangle of minimum area"),
}
_ENLARGED = {"bilinear": message("bilinear"), "cubic": message("cubic")}
_SCORES = {"logit": message("logit"), "softmax": message("softmax")}


def in_words(protocol: Protocol | None) -> str:
    """A protocol's fields as sentences."""
    if protocol is None:
        return say("This version of dogcam does not know the protocol.")
    main = say(
        "Protocol {name} (version {version}): {negative}, the map enlarged ({upsample}) to {size}, {scale}, {kept}; {shape}, "
        "compared with {truth}; gradients of the {score}.",
        name=protocol.name,
        version=protocol.version,
        negative=say("negative values set to 0") if protocol.relu else say("negative values kept"),
        upsample=say(_ENLARGED[protocol.upsample]),
        size=_size(protocol),
        scale=_scale(protocol),
        kept=_kept(protocol),
        shape=say(_SHAPES[protocol.component]),
        truth=say("the best of the annotated boxes") if protocol.truth == "any" else say("the first annotated box"),
        score=say(_SCORES[protocol.score]),
    )
    return " ".join([main, *_conventions(protocol)])


def _size(protocol: Protocol) -> str:
    return say("the picture's own size") if protocol.size is None else f"{protocol.size} × {protocol.size}"


def _scale(protocol: Protocol) -> str:
    if protocol.normalise == "max":
        return say("divided by its maximum")
    return say("its minimum and maximum moved to 0 and 1")


def _kept(protocol: Protocol) -> str:
    """Which pixels belong to the object."""
    above = _above(protocol)
    if protocol.quantise:
        return say("kept where above {threshold}, cut to 8 bits", threshold=above)
    if protocol.quantise_first:
        return say("cut to 8 bits, kept where above {threshold}", threshold=above)
    return say("kept where above {threshold}", threshold=above)


def _above(protocol: Protocol) -> str:
    """A protocol's threshold, or where it comes from."""
    if protocol.threshold_from == "calibrated":
        return say("a threshold that was chosen on training pictures for each method and layer")
    if protocol.threshold_from == "best":
        return say("the threshold that is best for the evaluated pictures together")
    return f"{protocol.threshold:g}"


def _conventions(protocol: Protocol) -> list[str]:
    """What few protocols do, each in a sentence of its own."""
    told = []
    if protocol.missing == "zero":
        told.append(say("Where nothing is above the threshold the box is 0, 0, 0, 0."))
    if protocol.edge == "last-pixel":
        told.append(say("A box reaches no further than the last pixel inside."))
    if protocol.truth_corners == "truncated":
        told.append(say("The corners of annotated boxes are cut to whole pixels."))
    if protocol.iou == "inclusive":
        told.append(say("For IoU both corners are inside: 1 is added to every side."))
    if len(protocol.iou_levels) > 1:
        levels = ", ".join(f"{level:g}" for level in protocol.iou_levels)
        told.append(say("MaxBoxAcc is the mean over the IoU levels {levels}.", levels=levels))
    return told
