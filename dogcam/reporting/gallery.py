"""Exhibits 2 to 5: pictures of heatmaps and boxes, each with a figure over all kept pictures beside it.

One picture shows how a map looks, never how often, so each exhibit also measures what its picture suggests: the share
of the heat that falls outside the annotated boxes, or how alike two maps are, over all pictures that evaluation kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from dogcam.figures import Panel, contact_sheet, wall
from dogcam.reporting import Exhibit, Sheet, Tile, listed, number, percent, study
from dogcam.reporting.evidence import Evidence, Place, Sample, title_of
from dogcam.reporting.findings import best_baseline
from dogcam.reporting.localisation import annotated_area, area_blocks
from dogcam.reporting.measures import alike, difference_table, outside_table, trend

SHOWN = 12  # of the kept pictures, in the sheet from worst to best


def tile(evidence: Evidence, sample: Sample, place: Place, title: str) -> Tile | None:
    """A kept picture under a method, layer and epoch; None where no map was kept."""
    protocol, raw = evidence.drawn_under, evidence.raw_map(sample, *place)
    if protocol is None or raw is None:
        return None
    heat, box = evidence.heat(raw, sample, protocol)
    score = evidence.score(sample, protocol.name, place)
    note = "" if score is None else f"IoU {number(score, 2)}"
    drawn = "no box" if box is None else "its box"
    where = f"{title_of(place[0])} heatmap at {place[1]}, epoch {place[2]}, on {sample.id}"
    alt = f"{where}, with {drawn} and the annotated one. {note}"
    return Tile(Panel(title, heat, box, note), sample.pixels, sample.boxes, alt.strip())


def bare(sample: Sample) -> Tile:
    """The picture itself with its annotated boxes."""
    return Tile(Panel("picture"), sample.pixels, sample.boxes, f"{sample.id} with its annotated box")


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
    return (
        f"Picture {sample.id} ({sample.label}): of the {len(evidence.ranked)} kept pictures the one of median IoU of "
        f"{title_of(method)} at {layer}, epoch {evidence.judged_at}; nobody picked it."
    )


def cam_by_epoch(evidence: Evidence) -> Exhibit | None:
    """Exhibit 2: CAM of one image at each kept epoch."""
    sample, layer = evidence.featured, evidence.pooled_layer
    epochs = evidence.drawn("cam", layer)
    if sample is None or len(epochs) < 2:
        return None
    tiles = [tile(evidence, sample, ("cam", layer, epoch), f"epoch {epoch}") for epoch in epochs]
    shown = sheet("cam-by-epoch", f"CAM at {layer}, epoch by epoch. {told_of(evidence, sample)}", sample, [("", tiles)])
    if shown is None:
        return None
    places = [(f"epoch {epoch}", ("cam", layer, epoch)) for epoch in epochs]
    readings = {f"epoch {epoch}": text for epoch, text in study.CAM_READINGS.items()}
    table = outside_table(evidence, "CAM", places, readings)
    lead = (*trend("CAM", evidence, places), *alike(evidence, "cam", layer))
    return Exhibit(
        2,
        "cam-by-epoch",
        "CAM of one picture, epoch by epoch",
        lead,
        (shown, table),
        "What CAM marks on this picture, and whether its heat moves onto the object with training, on the kept "
        "pictures.",
        f"One picture shows how a map looks, not how often; {len(evidence.samples)} kept pictures are few. The study's "
        "reading is of one picture of its own.",
    )


def hero(evidence: Evidence) -> Sheet | None:
    """The featured picture under every method at the pooled layer, at the epoch it was chosen at: to be seen first."""
    sample, epoch = evidence.featured, evidence.judged_at
    if sample is None or epoch is None:
        return None
    layer = evidence.pooled_layer
    tiles = [tile(evidence, sample, (m, layer, epoch), title_of(m)) for m in evidence.pooled_methods[:3]]
    return sheet("featured", f"Epoch {epoch}, layer {layer}. {told_of(evidence, sample)}", sample, [("", tiles)])


def layers(evidence: Evidence) -> Exhibit | None:
    """Exhibit 3: Grad-CAM of one image at several layers."""
    sample = evidence.featured
    method = next((m for m, _ in evidence.pairs if len({b for a, b in evidence.pairs if a == m}) > 1), None)
    epoch = evidence.last_drawn([pair for pair in evidence.pairs if pair[0] == method], least=2)
    if sample is None or method is None or epoch is None:
        return None
    names = [layer for layer in evidence.layers if epoch in evidence.drawn(method, layer)]
    tiles = [tile(evidence, sample, (method, layer, epoch), layer) for layer in names]
    where = f"{title_of(method)} at {len(names)} layers, from the input on, epoch {epoch}."
    shown = sheet("layers", f"{where} {told_of(evidence, sample)}", sample, [("", tiles)])
    if shown is None:
        return None
    places = [(layer, (method, layer, epoch)) for layer in names]
    return Exhibit(
        3,
        "layers",
        f"{title_of(method)} of one picture at {len(names)} layers",
        trend(title_of(method), evidence, places),
        (shown, outside_table(evidence, "layer", places, _layer_readings(names, evidence.pooled_layer))),
        "At which depth of this network the heat gathers on the annotated object, over the kept pictures.",
        "Early maps are finer by construction, so their scatter alone says nothing about training; and the study's "
        "reading is of one picture of its own.",
    )


def _beside(titles: Sequence[str]) -> str:
    """ "CAM beside Grad-CAM"; of many only the first is named."""
    if len(titles) <= 3:
        return " beside ".join(titles)
    return f"{titles[0]} beside {len(titles) - 1} other methods"


def _layer_readings(names: Sequence[str], pooled: str) -> dict[str, str]:
    """The study's words by layer: for layers of the same name, or for three stages that end in the pooled one."""
    readings = study.LAYER_READINGS
    if len(names) == len(readings) and names[-1] == pooled:
        theirs = [text if layer in names else f"{text} ({layer})" for layer, text in readings.items()]
        return dict(zip(names, theirs, strict=True))
    return {layer: readings[layer] for layer in names if layer in readings}


def methods(evidence: Evidence) -> Exhibit | None:
    """Exhibit 4: the methods at the layer that feeds the pooling, side by side."""
    layer = evidence.pooled_layer
    epoch = evidence.last_drawn([(method, layer) for method in evidence.pooled_methods], least=2)
    if epoch is None or not evidence.ranked:
        return None
    names = [method for method in evidence.pooled_methods if epoch in evidence.drawn(method, layer)]
    shown = _methods_sheet(evidence, names, epoch)
    if shown is None:
        return None
    both = {"cam", "gradcam"} <= set(names)
    return Exhibit(
        4,
        "methods",
        _beside([title_of(method) for method in names]),
        ((_ALGEBRA,) if both else ()) + standing(evidence),
        (shown, *difference_table(evidence, layer)) if both else (shown,),
        "Whether the methods mark the same places at this layer, and what is left of a difference once their maps are "
        "handled alike.",
        "Nothing about which of them is right: where both follow from the same weights, a difference is one of "
        "handling "
        "(negative values, logit or softmax, threshold), and at other layers CAM does not exist.",
    )


_ALGEBRA = (
    "At the layer that feeds the pooling, with the logit as the score, Grad-CAM is ReLU(CAM)/(h·w) exactly (Selvaraju "
    "et al. 2017): the same map but for a factor and CAM's negative values."
)


def _methods_sheet(evidence: Evidence, names: Sequence[str], epoch: int) -> Sheet | None:
    """Three kept pictures, at the quartiles of IoU, under these methods at the pooled layer."""
    layer, last = evidence.pooled_layer, len(evidence.ranked) - 1
    places = dict.fromkeys((last // 4, last // 2, last - last // 4))
    rows = []
    for sample in (evidence.ranked[place][1] for place in places):
        tiles = [tile(evidence, sample, (m, layer, epoch), title_of(m)) for m in names]
        found = tuple(each for each in tiles if each is not None)
        rows += [("", (bare(sample), *found))] if found else []
    caption = (
        f"{' beside '.join(title_of(m) for m in names)} at {layer}, epoch {epoch}, on the kept pictures at the lower "
        "quartile, the median and the upper quartile of IoU."
    )
    pictures = [(each.pixels, each.panel, each.truth) for _, row in rows for each in row]
    draw = partial(wall, pictures, columns=1 + len(names))
    return Sheet("methods", caption, caption, tuple(rows), draw) if rows else None


def standing(evidence: Evidence) -> tuple[str, ...]:
    """Mean IoU of each method at the pooled layer at the latest epoch, beside never looking and the published ones."""
    protocol = evidence.protocols[0]
    epoch = evidence.last_pooled(protocol)
    if epoch is None:
        return ()
    tables = {m: evidence.pooled(protocol, m, epoch) for m in evidence.pooled_methods}
    means = [f"{title_of(m)} {number(float(np.mean(t['iou'])))}" for m, t in tables.items() if t is not None]
    best = best_baseline(evidence, protocol)
    unseen = f", {best[0]}, which never looks, {number(best[1])}" if best else ""
    published = [f"{title_of(m)} {number(study.IOU[m][epoch])}" for m in tables if epoch in study.IOU.get(m, {})]
    beside = f" Published for epoch {epoch}: {listed(published)}." if published else ""
    where = f"Mean IoU over {evidence.images} at epoch {epoch}, protocol {protocol}"
    return (f"{where}: {listed(means)}{unseen}.{beside}",)


def boxes(evidence: Evidence) -> Exhibit | None:
    """Exhibit 5: boxes from heatmaps beside the annotated ones, by epoch, and how large they are."""
    if not evidence.tables or not evidence.pairs:
        return None
    sample, blocks = evidence.featured, []
    if sample is not None:
        blocks = [block for block in (_box_sheet(evidence, sample), _ranked_sheet(evidence)) if block is not None]
    return Exhibit(
        5,
        "boxes",
        "Boxes from heatmaps, beside the annotated ones",
        _sizes(evidence),
        (*blocks, *area_blocks(evidence)),
        "Whether the predicted boxes are too small or too large on average, and how that changes from epoch to epoch.",
        "A mean area equal to the annotated one does not mean that the boxes lie right: that is what IoU is for. The "
        "size of a box "
        "follows the threshold at least as much as the network.",
    )


def _sizes(evidence: Evidence) -> tuple[str, ...]:
    """How the predicted boxes' mean areas compare with the annotated ones at the latest epoch."""
    protocol, truth = evidence.protocols[0], annotated_area(evidence)
    epoch = evidence.last_pooled(protocol)
    if epoch is None:
        return ()
    parts = []
    for method in evidence.pooled_methods:
        table = evidence.pooled(protocol, method, epoch)
        if table is not None:
            parts.append(f"{title_of(method)}'s cover {percent(float(np.mean(table['area'])))}")
    return (
        f"The annotated boxes cover {percent(truth)} of a picture on average; at epoch {epoch} {' and '.join(parts)}.",
    )


def _box_sheet(evidence: Evidence, sample: Sample) -> Sheet | None:
    rows = [
        (
            title_of(method),
            [tile(evidence, sample, (method, evidence.pooled_layer, e), f"epoch {e}") for e in evidence.epochs],
        )
        for method in evidence.pooled_methods
    ]
    what = f"Predicted boxes (solid) and annotated ones (dashed), epoch by epoch, at {evidence.pooled_layer}."
    caption = f"{what} {told_of(evidence, sample)}"
    return sheet("boxes-by-epoch", caption, sample, rows)


def _ranked_sheet(evidence: Evidence) -> Sheet | None:
    """All kept pictures from the worst to the best, so that no reader has to trust a choice."""
    if evidence.judged_by is None or evidence.judged_at is None or len(evidence.ranked) < 2:
        return None
    place = (*evidence.judged_by, evidence.judged_at)
    steps = np.linspace(0, len(evidence.ranked) - 1, min(len(evidence.ranked), SHOWN)).round().astype(int)
    chosen = [evidence.ranked[step][1] for step in steps]
    found = [tile(evidence, sample, place, sample.label or sample.id) for sample in chosen]
    tiles = tuple(each for each in found if each is not None)
    which = (
        "All"
        if len(tiles) == len(evidence.ranked)
        else f"{len(tiles)} of the {len(evidence.ranked)} (evenly spaced in rank)"
    )
    where = f"{title_of(place[0])} at {place[1]}, epoch {place[2]}"
    caption = f"{which} kept pictures under {where}, from the lowest IoU to the highest."
    pictures = [(each.pixels, each.panel, each.truth) for each in tiles]
    return (
        Sheet("kept-pictures", caption, caption, (("", tiles),), partial(wall, pictures), mixed=True) if tiles else None
    )
