"""Kept pictures with their heat, boxes and words, alone and in sheets of one picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dogcam.analysis.evidence import Evidence, Pair, Place
from dogcam.analysis.samples import Sample
from dogcam.figures import Panel, contact_sheet
from dogcam.language import counted, say
from dogcam.language.numbers import number
from dogcam.methods import title_of
from dogcam.report.document import Sheet, Tile


def tile(evidence: Evidence, sample: Sample, place: Place, title: str) -> Tile | None:
    """A kept picture under a method, layer and epoch, with the box that was scored; None where no map was kept."""
    protocol, raw = evidence.drawn_under, evidence.raw_map(sample, *place)
    if protocol is None or raw is None:
        return None
    heat, box = evidence.heat(raw, sample, protocol), evidence.box(sample, protocol.name, place)
    score = evidence.score(sample, protocol.name, place)
    note = "" if score is None else say("IoU {value}", value=number(score, 2))
    return Tile(Panel(title, heat, box, note), sample.pixels, sample.boxes, _alt(sample, place, box is not None, note))


def _alt(sample: Sample, place: Place, drawn: bool, note: str) -> str:
    method, layer, epoch = place
    where = {"method": title_of(method), "layer": layer, "epoch": epoch, "picture": sample.id}
    if drawn:
        told = say(
            "{method} heatmap at {layer}, epoch {epoch}, on {picture}, with its box and the annotated one.", **where
        )
    else:
        told = say(
            "{method} heatmap at {layer}, epoch {epoch}, on {picture}, with no box and the annotated one.", **where
        )
    return f"{told} {note}".strip()


def titled(evidence: Evidence, pair: Pair) -> str:
    """A method's title, with its layer where that is not the one that feeds the pooling."""
    method, layer = pair
    if layer == evidence.pooled_layer:
        return title_of(method)
    if layer == "input":
        return say("{method} at the input", method=title_of(method))
    return say("{method} at {layer}", method=title_of(method), layer=layer)


def bare(sample: Sample) -> Tile:
    """The picture itself with its annotated boxes."""
    alt = say("{picture} with its annotated box", picture=sample.id)
    return Tile(Panel(say("picture")), sample.pixels, sample.boxes, alt)


def sheet(
    name: str, caption: str, sample: Sample, rows: Sequence[tuple[str, Sequence[Tile | None]]], told: str = ""
) -> Sheet | None:
    """A sheet of one picture, from rows of tiles; None where nothing can be drawn."""
    there = [(label, tuple(tile for tile in tiles if tile is not None)) for label, tiles in rows]
    there = [(label, tiles) for label, tiles in there if tiles]
    if not there:
        return None
    panels = [(label, [tile.panel for tile in tiles]) for label, tiles in there]
    draw = partial(contact_sheet, sample.pixels, panels, sample.boxes, told)
    shown = tuple((label, (bare(sample), *tiles)) for label, tiles in there)
    return Sheet(name, caption, caption, shown, draw)


def told_of(evidence: Evidence, sample: Sample) -> str:
    """Which picture this is, and the rule that picked it."""
    method, layer = evidence.judged_by or ("", "")
    return counted(
        "Picture {picture} ({label}), the only kept one.",
        "Picture {picture} ({label}): of the {n} kept pictures the one of median IoU of {method} at {layer}, epoch {epoch}; "
        "nobody picked it.",
        len(evidence.ranked),
        picture=sample.id,
        label=sample.label,
        method=title_of(method),
        layer=layer,
        epoch=evidence.judged_at,
    )
