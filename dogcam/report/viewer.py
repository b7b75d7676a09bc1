"""The viewer: what the page needs to draw the kept pictures' maps, boxes and scores itself, as plain values.

Maps go in at their native resolution in 8 bits; `report/formats/templates/localize.js` does on them what `boxes.drawing` does,
so that a reader can move the threshold. A protocol that the script does not follow is left out and named.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from dogcam.analysis.pictures import Kept, Picture
from dogcam.analysis.scores import ThresholdCurve
from dogcam.analysis.tables import Columns, right_of
from dogcam.boxes.protocols import Protocol
from dogcam.experiment.evaluations import Cell, MapKey
from dogcam.figures import heat_levels
from dogcam.language import say
from dogcam.methods import title_of
from dogcam.report.embedding import jpegs, packed
from dogcam.report.material import Material
from dogcam.report.texts import raw_texts, text

# A third more in base64: with the figures the page stays under 25 MB, whatever was kept.
MAP_BYTES = 7_000_000
PICTURE_BYTES = 5_500_000
_FINE = 64 * 64  # maps of more pixels come last: one of them weighs as much as a thousand of a last layer
_POINTS = 200  # of a curve
COLOURS = 64

Key = tuple[int, int, MapKey]  # run, epoch, map
Maps = Mapping[int, np.ndarray]  # by the place of their picture


def viewer(material: Material) -> dict[str, Any] | None:
    """What the page's viewer shows; None where no picture and no map of a protocol that it can draw was kept.

    Returns:
        Values for JSON: `pictures`, `protocols`, `pairs` of method and layer, `maps`, `cells` with their scores,
        `predictions`, `colours` of the heat as RGBA, `words`, `start` (what is shown first) and `notes`.
    """
    kept = material.kept
    if kept is None or not kept.pictures:
        return None
    known = {name: kept.tables.protocol(name) for name in kept.tables.protocols}
    drawn = {name: each for name, each in known.items() if each is not None and can_draw(each)}
    maps, omitted = _within(_maps(kept))
    if not drawn or not maps:
        return None
    keys = _keys(kept, maps)
    return {
        "pictures": list(map(_picture, kept.pictures, jpegs([picture.path for picture in kept.pictures], PICTURE_BYTES))),
        "protocols": [_fields(each) for each in drawn.values()],
        "pairs": [{"method": key.method, "title": title_of(key.method), "layer": key.layer} for key in keys],
        "maps": [{**_place(key, keys), **packed(maps[key])} for key in sorted(maps)],
        "cells": _cells(material, kept, maps, keys, list(drawn)),
        "predictions": _predictions(kept, {key[:2] for key in maps}),
        "colours": heat_levels(COLOURS).tolist(),
        "words": raw_texts("viewer.words"),
        "start": _start(kept, maps, keys),
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


def _maps(kept: Kept) -> Iterator[tuple[Key, Maps]]:
    """All kept maps of what was scored, by the place of their picture; those of the run that speaks and of late epochs first."""
    scored = {(cell.run, cell.epoch, cell.map) for cell in kept.tables.methods}
    places = {key[:2] for key in scored}
    for run, epoch in sorted(places, key=lambda place: (place[0] != kept.tables.run, place[0], -place[1])):
        for key, maps in kept.maps(run, epoch).items():
            there = {place: each for place, each in enumerate(maps) if each is not None}
            if there and (run, epoch, key) in scored:
                yield (run, epoch, key), there


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


def _place(key: Key, keys: Sequence[MapKey]) -> dict[str, int]:
    return {"run": key[0], "epoch": key[1], "pair": keys.index(key[2])}


def _keys(kept: Kept, maps: Mapping[Key, Maps]) -> list[MapKey]:
    """What the maps are of: of the run that speaks in the order of tables, then the others."""
    there = {key[2] for key in maps}
    own = [key for key in kept.tables.maps if key in there]
    return [*own, *sorted(there - set(own))]


def _picture(picture: Picture, content: bytes) -> dict[str, Any]:
    return {
        "id": picture.id,
        "label": picture.label,
        "boxes": picture.boxes.tolist(),
        "height": picture.shape[0],
        "width": picture.shape[1],
        "source": "data:image/jpeg;base64," + b64encode(content).decode(),
    }


def _fields(protocol: Protocol) -> dict[str, Any]:
    names = ("name", "relu", "normalise", "upsample", "size", "quantise", "truth", "thresholds")
    return {"description": say(protocol.description), **{name: getattr(protocol, name) for name in names}}


def _cells(
    material: Material, kept: Kept, maps: Mapping[Key, Maps], keys: Sequence[MapKey], protocols: Sequence[str]
) -> list[dict[str, Any]]:
    """Of each cell whose maps are there: its threshold and how it came by it, each kept picture's IoU, and its mean curve."""
    curves = {curve.cell: curve for curve in material.analysis.curves}
    return [
        {
            **_place((cell.run, cell.epoch, cell.map), keys),
            "protocol": protocols.index(cell.protocol),
            **_scored(kept, cell),
            **_curve(curves.get(cell)),
        }
        for cell in kept.tables.cells
        if cell.protocol in protocols and (cell.run, cell.epoch, cell.map) in maps
    ]


def _scored(kept: Kept, cell: Cell) -> dict[str, Any]:
    choice, columns = kept.tables.evaluation.choice(cell), kept.tables.read(cell)
    known = dict(zip(columns["image"], columns["iou"], strict=True))
    ious = [_rounded(known.get(picture.id)) for picture in kept.pictures]
    return {"threshold": choice.threshold, "source": choice.source, "iou": ious}


def _curve(curve: ThresholdCurve | None) -> dict[str, Any]:
    """Mean IoU at (some of) the thresholds and the best of them all; nothing where a cell has no curve."""
    if curve is None:
        return {}
    points = list(zip(curve.thresholds, curve.mean_iou, strict=True))
    shown = points[:: -(-len(points) // _POINTS)]
    return {
        "curve": [[round(threshold, 4), round(mean, 4)] for threshold, mean in shown],
        "oracle": round(curve.oracle, 4),
        "high": round(max(curve.mean_iou), 4),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def _predictions(kept: Kept, places: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """By run and epoch the class that the network puts first on each kept picture, and whether it is right."""
    tables = {(cell.run, cell.epoch): kept.tables.read(cell) for cell in kept.tables.cells}
    return [{"run": r, "epoch": e, "first": _firsts(kept, tables[r, e])} for r, e in sorted(places)]


def _firsts(kept: Kept, columns: Columns) -> list[list[Any] | None]:
    names = kept.tables.document.get("dataset", {}).get("classes", ())
    rows, right = {image: row for row, image in enumerate(columns["image"])}, right_of(columns)
    found: list[list[Any] | None] = []
    for picture in kept.pictures:
        row = rows.get(picture.id)
        if row is None or not np.isfinite(columns["predicted"][row]):
            found.append(None)
            continue
        first = int(columns["predicted"][row])
        name = str(names[first]) if first < len(names) else str(first)
        found.append([name, bool(right[row])])
    return found


def _start(kept: Kept, maps: Mapping[Key, Maps], keys: Sequence[MapKey]) -> dict[str, Any]:
    """What is shown first: the featured picture, under the methods that the report compares."""
    there = [key for key in maps if key[0] == kept.tables.run] or list(maps)
    run, epoch = there[0][0], max(key[1] for key in there if key[0] == there[0][0])
    shown = [key[2] for key in maps if key[:2] == (run, epoch)]
    judge = kept.judge[0] if kept.judge else None
    first = judge if judge in shown else shown[0]
    others = [key for key in shown if key != first]
    second = next((key for key in others if key.method == "cam"), others[0] if others else first)
    place = kept.featured.place if kept.featured else 0
    return {"picture": place, "run": run, "epoch": epoch, "first": keys.index(first), "second": keys.index(second)}


def _notes(undrawn: Sequence[str], omitted: int) -> Iterator[str]:
    if undrawn:
        yield text("viewer.undrawn", names=", ".join(undrawn))
    if omitted:
        yield text("viewer.omitted", n=omitted)
