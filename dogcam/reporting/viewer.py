"""The viewer: what the page needs to draw the kept pictures' maps, boxes and scores itself, as plain values.

Maps go in at their native resolution in 8 bits; `templates/localize.js` does on them what `localize` does, so that a
reader can move the threshold. A protocol that the script does not follow is left out and named.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dogcam.evaluations import Cell
from dogcam.figures import heat_levels
from dogcam.protocols import Protocol
from dogcam.reporting.evidence import Columns, Evidence, Sample, title_of

MAP_BYTES = 7_500_000  # a third more in base64: with pictures and figures the page can still be mailed
_FINE = 64 * 64  # maps of more pixels come last: one of them weighs as much as a thousand of a last layer
# Both 251 and 255 - 64 are prime: no level is a round share of the highest one, so that none lies on a round threshold,
# where the last bit of a division would decide.
_TOP = 251
_ZERO = 64
_POINTS = 200  # of a curve
COLOURS = 64

_WORDS = {
    "iou": "IoU {iou} at threshold {threshold}.",
    "nobox": "No pixel above threshold {threshold}: no box, IoU 0.",
    "empty": "This map has nothing above zero.",
    "evaluated": "In the tables: {iou} at {threshold}.",
    "unscored": "Not in the tables.",
    "missing": "No map was kept of this choice.",
    "picture": "{id}, {label}, {place} of {count}.",
    "right": "Predicted: {label} (right).",
    "wrong": "Predicted: {label} (wrong).",
    "thumb": "{label}, {id}, IoU {iou}",
    "none": "No picture matches.",
    "calibrated": "calibrated {value}",
    "fixed": "fixed {value}",
    "best": "best {value}",
    "oracle": "oracle {value}",
    "each": "each at its tables' threshold",
    "alt": "{id} under {where}: heat, predicted box (solid) and annotated one (dashed). {iou}",
    "where": "{method}, {layer}, epoch {epoch}, run {run}",
    "curve": "Mean IoU by threshold over all scored pictures: highest {high} at {oracle}.",
    "nocurve": "No curve over all pictures was kept under this protocol; the thin line is this picture's.",
}


def viewer(evidence: Evidence) -> dict[str, Any] | None:
    """What the page's viewer shows; None where no picture and no map of a protocol that it can draw was kept.

    Returns:
        Values for JSON: `pictures`, `protocols`, `pairs` of method and layer, `maps`, `cells` with their scores,
        `predictions`, `colours` of the heat as RGBA, `words`, `start` (what is shown first) and `notes`.
    """
    known = {name: evidence.protocol(name) for name in evidence.protocols}
    drawn = {name: each for name, each in known.items() if each is not None and can_draw(each)}
    if not drawn or not evidence.samples:
        return None
    maps, omitted = _within(_maps(evidence))
    if not maps:
        return None
    pairs = [pair for pair in evidence.pairs if any(pair == key[2:] for key in maps)]
    pairs += sorted({key[2:] for key in maps} - set(pairs))
    protocols = list(drawn)
    return {
        "pictures": [_picture(sample) for sample in evidence.samples],
        "protocols": [_fields(each) for each in drawn.values()],
        "pairs": [{"method": method, "title": title_of(method), "layer": layer} for method, layer in pairs],
        "maps": [_packed(key, maps[key], pairs) for key in sorted(maps)],
        "cells": [
            _cell(evidence, cell, columns, pairs.index((cell.method, cell.layer)), protocols.index(cell.protocol))
            for cell, columns in evidence.tables.items()
            if cell.protocol in drawn and (cell.run, cell.epoch, cell.method, cell.layer) in maps
        ],
        "predictions": _predictions(evidence, {key[:2] for key in maps}),
        "colours": heat_levels(COLOURS).tolist(),
        "words": _WORDS,
        "start": _start(evidence, maps, pairs),
        "notes": list(_notes([name for name in known if name not in drawn], omitted)),
    }


def can_draw(protocol: Protocol) -> bool:
    """Whether the page's script follows a protocol to the pixel.

    Not contours and rotated rectangles, 8 bits before the threshold, nor corners counted in pixels; and the kept maps are
    those of the logit.
    """
    return (
        protocol.component == "largest"
        and protocol.score == "logit"
        and protocol.missing == "none"
        and not protocol.quantise_first
        and not protocol.counts_pixels
    )


def quantised(raw: np.ndarray) -> tuple[np.ndarray, int, float, float]:
    """A raw map (h, w) in 8 bits that keep its sign: (uint8 (h, w), the level of 0, scale above it, scale below it).

    A value is (level - zero)² * its scale, below 0 with a minus: finer where low thresholds are. Above and below 0 have
    scales of their own, so that a few very negative values do not cost the positive ones their levels. A map with a value
    that is not finite shows nothing and becomes 0.
    """
    raw = np.asarray(raw, np.float32)
    if not np.isfinite(raw).all():
        raw = np.zeros_like(raw)
    zero = _ZERO if raw.min() < 0 else 0
    highest = 255 - zero if zero else _TOP
    above = np.float32(max(raw.max(), 0) / highest**2)
    below = np.float32(-min(raw.min(), 0) / _ZERO**2)
    scale = np.where(raw > 0, above, below)
    levels = np.sign(raw) * np.rint(np.sqrt(np.divide(np.abs(raw), scale, out=np.zeros_like(raw), where=scale > 0)))
    return np.clip(levels + zero, 0, 255).astype(np.uint8), zero, float(above), float(below)


def restored(levels: np.ndarray, zero: int, above: float, below: float) -> np.ndarray:
    """The float32 map that `quantised` keeps: what the page computes with."""
    steps = levels.astype(np.float32) - np.float32(zero)
    return steps * np.abs(steps) * np.where(steps > 0, np.float32(above), np.float32(below))


def json_text(values: Mapping[str, Any]) -> str:
    """JSON in ASCII that no HTML parser can take for anything else, whatever names are in it."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


Key = tuple[int, int, str, str]  # run, epoch, method, layer


def _maps(evidence: Evidence) -> Iterator[tuple[Key, np.ndarray]]:
    """All kept maps that were scored, the reported run's and the latest epochs' first."""
    scored = {(cell.run, cell.epoch, cell.method, cell.layer) for cell in evidence.tables}
    places = {key[:2] for key in scored if key[0] > 0}
    for run, epoch in sorted(places, key=lambda place: (place[0] != evidence.run, place[0], -place[1])):
        kept = evidence.evaluation.maps(run, epoch) if evidence.evaluation else {}
        for pair, maps in kept.items():
            if (run, epoch, *pair) in scored:
                yield (run, epoch, *pair), maps


def _within(found: Iterator[tuple[Key, np.ndarray]]) -> tuple[dict[Key, np.ndarray], int]:
    """What `MAP_BYTES` have room for, the coarse maps first; and how many had none."""
    wanted = sorted(found, key=lambda each: each[1][0].size > _FINE if len(each[1]) else False)
    room, kept = MAP_BYTES, {}
    for key, maps in wanted:
        if 0 < maps.size <= room:
            kept[key] = maps
            room -= maps.size
    return kept, len(wanted) - len(kept)


def _packed(key: Key, maps: np.ndarray, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The maps (n, h, w) of a method, one after the other."""
    levels, zeros, above, below = zip(*(quantised(each) for each in maps), strict=True)
    return {
        "run": key[0],
        "epoch": key[1],
        "pair": pairs.index(key[2:]),
        "height": maps.shape[1],
        "width": maps.shape[2],
        "zero": list(zeros),
        "above": list(above),
        "below": list(below),
        "levels": urlsafe_b64encode(np.stack(levels).tobytes()).decode(),
    }


def _picture(sample: Sample) -> dict[str, Any]:
    return {
        "id": sample.id,
        "label": sample.label,
        "boxes": sample.boxes.tolist(),
        "height": sample.shape[0],
        "width": sample.shape[1],
        "source": "data:image/jpeg;base64," + b64encode(sample.path.read_bytes()).decode(),
    }


def _fields(protocol: Protocol) -> dict[str, Any]:
    names = ("name", "description", "relu", "normalise", "upsample", "size", "quantise", "truth", "thresholds")
    return {name: getattr(protocol, name) for name in names}


def _cell(evidence: Evidence, cell: Cell, columns: Columns, pair: int, protocol: int) -> dict[str, Any]:
    """A cell's threshold, how it came by it, the IoU of each kept picture, and the mean curve where there is one."""
    choice = evidence.evaluation.choice(cell)
    known = dict(zip(columns["image"], columns["iou"], strict=True))
    return {
        "run": cell.run,
        "epoch": cell.epoch,
        "pair": pair,
        "protocol": protocol,
        "threshold": choice.threshold,
        "source": choice.source,
        "iou": [_rounded(known.get(sample.id)) for sample in evidence.samples],
        **_curve(evidence.evaluation.long(cell).get("curve")),
    }


def _curve(curves: np.ndarray | None) -> dict[str, Any]:
    """Mean IoU at (some of) the thresholds and the best of them all; nothing where a cell has no curves."""
    if curves is None or curves.shape[1] < 2:
        return {}
    means = curves.mean(axis=0, dtype=np.float64)
    count = len(means)
    chosen = range(0, count, -(-count // _POINTS))
    return {
        "curve": [[round(at / count, 4), round(float(means[at]), 4)] for at in chosen],
        "oracle": round(int(means.argmax()) / count, 4),
        "high": round(float(means.max()), 4),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def _predictions(evidence: Evidence, places: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """By run and epoch the class that the network puts first on each kept picture, and whether it is right."""
    names = evidence.document.get("dataset", {}).get("classes", ())
    tables = {(cell.run, cell.epoch): columns for cell, columns in evidence.tables.items()}
    return [
        {"run": run, "epoch": epoch, "first": _firsts(evidence, tables[run, epoch], names)}
        for run, epoch in sorted(places)
    ]


def _firsts(evidence: Evidence, columns: Columns, names: Any) -> list[list[Any] | None]:
    rows = {image: row for row, image in enumerate(columns["image"])}
    found: list[list[Any] | None] = []
    for sample in evidence.samples:
        row = rows.get(sample.id)
        if row is None or not np.isfinite(columns["predicted"][row]):
            found.append(None)
            continue
        first = int(columns["predicted"][row])
        name = str(names[first]) if first < len(names) else str(first)
        found.append([name, bool(first == columns["label"][row])])
    return found


def _start(evidence: Evidence, maps: Mapping[Key, np.ndarray], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """What is shown first: the featured picture, under the methods that the report compares."""
    there = [key for key in maps if key[0] == evidence.run] or list(maps)
    run, epoch = there[0][0], max(key[1] for key in there if key[0] == there[0][0])
    shown = [key[2:] for key in maps if key[:2] == (run, epoch)]
    first = evidence.judged_by if evidence.judged_by in shown else shown[0]
    second = next((pair for pair in shown if pair[0] == "cam" and pair != first), None)
    second = second or next((pair for pair in shown if pair != first), first)
    place = evidence.featured.place if evidence.featured else 0
    return {"picture": place, "run": run, "epoch": epoch, "first": pairs.index(first), "second": pairs.index(second)}


def _notes(undrawn: list[str], omitted: int) -> Iterator[str]:
    if undrawn:
        yield (
            f"Not drawn here: {', '.join(undrawn)}; this viewer follows only protocols with the largest component and "
            "relative corners, on the logit's maps."
        )
    if omitted:
        yield f"{omitted} sets of fine maps are left out to keep this page small."
