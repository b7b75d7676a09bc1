"""A protocol in words: how a map becomes a box and a score."""

from __future__ import annotations

from dogcam.boxes.protocols import Protocol
from dogcam.report.texts import text

_CONVENTIONS = {"missing": "zero", "edge": "last-pixel", "truth_corners": "truncated", "iou": "inclusive"}


def in_words(protocol: Protocol | None) -> str:
    """A protocol's fields as sentences."""
    if protocol is None:
        return text("protocol.unknown")
    worded = {name: _worded(protocol, name) for name in ("upsample", "normalise", "component", "truth", "score")}
    size = protocol.size
    main = text(
        "protocol.main",
        name=protocol.name,
        version=protocol.version,
        relu=text("protocol.relu.true" if protocol.relu else "protocol.relu.false"),
        size=text("protocol.size.picture") if size is None else f"{size} × {size}",
        kept=_kept(protocol),
        **worded,
    )
    further = [text(f"protocol.conventions.{n}") for n, value in _CONVENTIONS.items() if getattr(protocol, n) == value]
    if len(protocol.iou_levels) > 1:
        further.append(text("protocol.levels", levels=", ".join(f"{level:g}" for level in protocol.iou_levels)))
    return " ".join([main, *further])


def _worded(protocol: Protocol, field: str) -> str:
    return text(f"protocol.{field}.{getattr(protocol, field)}")


def _kept(protocol: Protocol) -> str:
    """Which pixels belong to the object."""
    source = protocol.threshold_from
    threshold = f"{protocol.threshold:g}" if source == "fixed" else text(f"protocol.threshold.{source}")
    kind = "quantise" if protocol.quantise else "quantise_first" if protocol.quantise_first else "plain"
    return text(f"protocol.kept.{kind}", threshold=threshold)
