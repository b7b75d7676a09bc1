"""The viewer: what the page needs to draw the kept pictures' maps, boxes and scores itself, as plain values.

Maps go in at their native resolution in 8 bits; `report/formats/templates/localize.js` does on them what `boxes.drawing` does, so that a
reader can move the threshold. A protocol that the script does not follow is left out and named.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dogcam.analysis.evidence import Columns, Evidence, Sample
from dogcam.boxes.protocols import Protocol
from dogcam.experiment.evaluations import Cell
from dogcam.figures import heat_levels
from dogcam.language import counted, message, say, translated
from dogcam.methods import title_of
from dogcam.report.embedding import jpegs, packed

# A third more in base64: with the figures the page stays under 25 MB, whatever was kept.
MAP_BYTES = 7_000_000
PICTURE_BYTES = 5_500_000
_FINE = 64 * 64  # maps of more pixels come last: one of them weighs as much as a thousand of a last layer
_POINTS = 200  # of a curve
COLOURS = 64

# The page's script fills in what is in braces, and knows no Korean particles: no entry may have one that depends on a name.
_WORDS = {
    "iou": message("IoU {iou} at threshold {threshold}."),
    "nobox": message("No pixel above threshold {threshold}: no box, IoU 0."),
    "empty": message("This map has nothing above zero."),
    "evaluated": message("In the tables: {iou} at {threshold}."),
    "unscored": message("Not in the tables."),
    "missing": message("No map of this picture was kept for this choice of method, layer, epoch and run."),
    "picture": message("{id}, {label}, {place} of {count}."),
    "right": message("Predicted: {label} (right)."),
    "wrong": message("Predicted: {label} (wrong)."),
    "thumb": message("{label}, {id}, IoU {iou}"),
    "none": message("No picture matches."),
    "calibrated": message("calibrated {value}"),
    "fixed": message("fixed {value}"),
    "best": message("best {value}"),
    "oracle": message("oracle {value}"),
    "each": message("each at its tables' threshold"),
    "side": message("{side}: {text}"),
    "alt": message("{id} under {where}: heat, predicted box (solid) and annotated one (dashed). {iou}"),
    "where": message("{method}, {layer}, epoch {epoch}, run {run}"),
    "curve": message("Mean IoU by threshold over all scored pictures: highest {high} at {oracle}."),
    "nocurve": message("No curve over all pictures was kept under this protocol; the thin line is this picture's."),
}


def viewer(evidence: Evidence) -> dict[str, Any] | None:
    """What the page's viewer shows; None where no picture and no map of a protocol that it can draw was kept.

    Returns:
        Values for JSON: `pictures`, `protocols`, `pairs` of method and layer, `maps`, `cells` with their scores,
        `predictions`, `colours` of the heat as RGBA, `words`, `start` (what is shown first) and `notes`.
    """
    known = {name: evidence.protocol(name) for name in evidence.protocols}
    drawn = {name: each for name, each in known.items() if each is not None and can_draw(each)}
    if not drawn or not evidence.pictures:
        return None
    maps, omitted = _within(_maps(evidence))
    if not maps:
        return None
    pairs = _pairs(evidence, maps)
    return {
        "pictures": _pictures(evidence),
        "protocols": [_fields(each) for each in drawn.values()],
        "pairs": [{"method": method, "title": title_of(method), "layer": layer} for method, layer in pairs],
        "maps": [{**_place(key, pairs), **packed(maps[key])} for key in sorted(maps)],
        "cells": _cells(evidence, maps, pairs, list(drawn)),
        "predictions": _predictions(evidence, {key[:2] for key in maps}),
        "colours": heat_levels(COLOURS).tolist(),
        "words": {name: translated(text) for name, text in _WORDS.items()},
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


def json_text(values: Mapping[str, Any]) -> str:
    """JSON in ASCII that no HTML parser can take for anything else, whatever names are in it."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


Pair = tuple[str, str]  # method, layer
Key = tuple[int, int, str, str]  # run, epoch, method, layer
Maps = Mapping[int, np.ndarray]  # by the place of their picture


def _maps(evidence: Evidence) -> Iterator[tuple[Key, Maps]]:
    """All kept maps of what was scored, by the place of their picture; the reported run's and the latest epochs' first."""
    scored = {(cell.run, cell.epoch, cell.method, cell.layer) for cell in evidence.tables}
    places = {key[:2] for key in scored if key[0] > 0}
    for run, epoch in sorted(places, key=lambda place: (place[0] != evidence.run, place[0], -place[1])):
        for pair, maps in evidence.kept_maps(run, epoch).items():
            there = {place: each for place, each in enumerate(maps) if each is not None}
            if there and (run, epoch, *pair) in scored:
                yield (run, epoch, *pair), there


def _within(found: Iterator[tuple[Key, Maps]]) -> tuple[dict[Key, Maps], int]:
    """What `MAP_BYTES` have room for, the coarse maps first; and how many sets had none."""
    wanted = sorted(found, key=lambda each: next(iter(each[1].values())).size > _FINE)
    room, kept = MAP_BYTES, {}
    for key, maps in wanted:
        weight = sum(each.size for each in maps.values())
        if 0 < weight <= room:
            kept[key] = maps
            room -= weight
    return kept, len(wanted) - len(kept)


def _place(key: Key, pairs: list[Pair]) -> dict[str, int]:
    return {"run": key[0], "epoch": key[1], "pair": pairs.index(key[2:])}


def _pairs(evidence: Evidence, maps: Mapping[Key, Maps]) -> list[Pair]:
    """The methods and layers of the maps: those of the reported run in the order of tables, then the others."""
    there = {key[2:] for key in maps}
    own = [pair for pair in evidence.pairs if pair in there]
    return [*own, *sorted(there - set(own))]


def _pictures(evidence: Evidence) -> list[dict[str, Any]]:
    samples = evidence.pictures
    contents = jpegs([sample.path for sample in samples], PICTURE_BYTES)
    return [_picture(sample, content) for sample, content in zip(samples, contents, strict=True)]


def _picture(sample: Sample, content: bytes) -> dict[str, Any]:
    return {
        "id": sample.id,
        "label": sample.label,
        "boxes": sample.boxes.tolist(),
        "height": sample.shape[0],
        "width": sample.shape[1],
        "source": "data:image/jpeg;base64," + b64encode(content).decode(),
    }


def _fields(protocol: Protocol) -> dict[str, Any]:
    names = ("name", "relu", "normalise", "upsample", "size", "quantise", "truth", "thresholds")
    return {"description": say(protocol.description), **{name: getattr(protocol, name) for name in names}}


def _cells(
    evidence: Evidence, maps: Mapping[Key, Maps], pairs: list[Pair], protocols: list[str]
) -> list[dict[str, Any]]:
    """Of each cell whose maps are there what `_cell` says."""
    return [
        _cell(evidence, cell, columns, pairs.index((cell.method, cell.layer)), protocols.index(cell.protocol))
        for cell, columns in evidence.tables.items()
        if cell.protocol in protocols and (cell.run, cell.epoch, cell.method, cell.layer) in maps
    ]


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
        "iou": [_rounded(known.get(sample.id)) for sample in evidence.pictures],
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
    for sample in evidence.pictures:
        row = rows.get(sample.id)
        if row is None or not np.isfinite(columns["predicted"][row]):
            found.append(None)
            continue
        first = int(columns["predicted"][row])
        name = str(names[first]) if first < len(names) else str(first)
        found.append([name, bool(first == columns["label"][row])])
    return found


def _start(evidence: Evidence, maps: Mapping[Key, Maps], pairs: list[Pair]) -> dict[str, Any]:
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
        yield say(
            "Not drawn here: {names}; this viewer follows only protocols with the largest component and relative corners, on "
            "the logit's maps.",
            names=", ".join(undrawn),
        )
    if omitted:
        yield counted(
            "{n} set of fine maps is left out to keep this page small.",
            "{n} sets of fine maps are left out to keep this page small.",
            omitted,
        )
