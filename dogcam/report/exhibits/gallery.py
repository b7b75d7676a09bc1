"""Exhibits 2 to 5: pictures of heatmaps and boxes, each with a figure over all kept pictures beside it.

One picture shows how a map looks, never how often, so each exhibit also measures what its picture suggests: the share
of the heat that falls outside the annotated boxes, or how alike two maps are, over all pictures that evaluation kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from dogcam.analysis import study
from dogcam.analysis.answer import Standing
from dogcam.analysis.evidence import Evidence, Pair
from dogcam.analysis.findings import best_baseline
from dogcam.analysis.measures import alike, difference_table, outside_table, trend
from dogcam.analysis.samples import Sample
from dogcam.figures import wall
from dogcam.language import counted, message, say
from dogcam.language.numbers import listed, number, percent
from dogcam.methods import title_of
from dogcam.report.document import Exhibit, Sheet
from dogcam.report.exhibits.localisation import annotated_area, area_blocks
from dogcam.report.tiles import bare, sheet, tile, titled, told_of

SHOWN = 12  # of the kept pictures, in the sheet from worst to best


def _epoch(number_: int) -> str:
    return say("epoch {epoch}", epoch=number_)


def cam_by_epoch(evidence: Evidence) -> Exhibit | None:
    """Exhibit 2: CAM of one image at each kept epoch."""
    sample, layer = evidence.featured, evidence.pooled_layer
    epochs = evidence.drawn("cam", layer)
    if sample is None or len(epochs) < 2:
        return None
    tiles = [tile(evidence, sample, ("cam", layer, epoch), _epoch(epoch)) for epoch in epochs]
    where = say("CAM at {layer}, epoch by epoch.", layer=layer)
    shown = sheet("cam-by-epoch", f"{where} {told_of(evidence, sample)}", sample, [("", tiles)])
    if shown is None:
        return None
    places = [(_epoch(epoch), ("cam", layer, epoch)) for epoch in epochs]
    readings = {_epoch(epoch): say(text) for epoch, text in study.CAM_READINGS.items()}
    table = outside_table(evidence, "CAM", places, readings)
    lead = (*trend("CAM", evidence, places), *alike(evidence, "cam", layer))
    return Exhibit(
        "cam-by-epoch",
        say("CAM of one picture, epoch by epoch"),
        lead,
        (shown, table),
        say(
            "What CAM marks on this picture, and whether its heat moves onto the object with training, on the kept pictures."
        ),
        counted(
            "One picture shows how a map looks, not how often; the study's reading is of one picture of its own.",
            "One picture shows how a map looks, not how often; {n} kept pictures are few. The study's reading is of one "
            "picture of its own.",
            len(evidence.samples),
        ),
    )


def hero(evidence: Evidence, found: Standing | None) -> Sheet | None:
    """The featured picture under the answer's best method beside CAM and Grad-CAM: to be seen first.

    Args:
        found: how all methods stand; None where none was scored.
    """
    sample, epoch, layer = evidence.featured, evidence.judged_at, evidence.pooled_layer
    if sample is None or epoch is None:
        return None
    best, pairs = _best(evidence, found, epoch), _first_to_see(evidence, found, epoch)
    tiles = [tile(evidence, sample, (*pair, epoch), titled(evidence, pair)) for pair in pairs]
    if all(own == layer for _, own in pairs):
        where = say("Epoch {epoch}, layer {layer}.", epoch=epoch, layer=layer)
    else:
        where = say("Epoch {epoch}, layer {layer} where no other is named.", epoch=epoch, layer=layer)
    return sheet("featured", f"{where}{_first(found, best)} {told_of(evidence, sample)}", sample, [("", tiles)])


def _first_to_see(evidence: Evidence, found: Standing | None, epoch: int) -> list[Pair]:
    """At most three: the answer's best method, CAM and Grad-CAM, then others at the layer that feeds the pooling."""
    pooled = sorted(evidence.pooled_methods, key=lambda method: method not in ("cam", "gradcam"))
    best = _best(evidence, found, epoch)[:1]
    return list(dict.fromkeys([*best, *((method, evidence.pooled_layer) for method in pooled)]))[:3]


def _best(evidence: Evidence, found: Standing | None, epoch: int) -> list[Pair]:
    """Those of the method of the highest mean IoU, and of those that draw the same boxes, whose maps were kept."""
    names = found.lines[0].names if found is not None and found.lines else ()
    pairs = [pair for pair in evidence.pairs if "{} at {}".format(*pair) in names]
    return [pair for pair in pairs if epoch in evidence.drawn(*pair)]


def _first(found: Standing | None, best: Sequence[Pair]) -> str:
    """That the first map is the best method's."""
    if found is None or not best:
        return ""
    names = found.of(found.lines[:1])
    return " " + counted(
        "{methods} has the highest mean IoU of all.",
        "{methods} have the highest mean IoU of all.",
        len(names),
        methods=listed(names),
    )


def layers(evidence: Evidence) -> Exhibit | None:
    """Exhibit 3: Grad-CAM of one image at several layers."""
    sample = evidence.featured
    method = next((m for m, _ in evidence.pairs if len({b for a, b in evidence.pairs if a == m}) > 1), None)
    epoch = evidence.last_drawn([pair for pair in evidence.pairs if pair[0] == method], least=2)
    if sample is None or method is None or epoch is None:
        return None
    names = [layer for layer in evidence.layers if epoch in evidence.drawn(method, layer)]
    tiles = [tile(evidence, sample, (method, layer, epoch), layer) for layer in names]
    of = {"method": title_of(method), "n": len(names)}
    where = say("{method} at {n} layers, from the input on, epoch {epoch}.", epoch=epoch, **of)
    shown = sheet("layers", f"{where} {told_of(evidence, sample)}", sample, [("", tiles)])
    if shown is None:
        return None
    places = [(layer, (method, layer, epoch)) for layer in names]
    return Exhibit(
        "layers",
        say("{method} of one picture at {n} layers", **of),
        trend(title_of(method), evidence, places),
        (shown, outside_table(evidence, say("layer"), places, _layer_readings(names, evidence.pooled_layer))),
        say("At which depth of this network the heat gathers on the annotated object, over the kept pictures."),
        say(
            "Early maps are finer by construction, so their scatter alone says nothing about training; and the study's "
            "reading is of one picture of its own."
        ),
    )


def _beside(titles: Sequence[str]) -> str:
    """ "CAM beside Grad-CAM"; of many only the first is named."""
    if len(titles) == 1:
        return titles[0]
    if len(titles) == 2:
        return say("{first} beside {second}", first=titles[0], second=titles[1])
    if len(titles) == 3:
        return say("{first} beside {second} beside {third}", first=titles[0], second=titles[1], third=titles[2])
    return say("{first} beside {n} other methods", first=titles[0], n=len(titles) - 1)


def _layer_readings(names: Sequence[str], pooled: str) -> dict[str, str]:
    """The study's words by layer: for layers of the same name, or for three stages that end in the pooled one."""
    readings = study.LAYER_READINGS
    if len(names) == len(readings) and names[-1] == pooled:
        theirs = [say(text) if layer in names else f"{say(text)} ({layer})" for layer, text in readings.items()]
        return dict(zip(names, theirs, strict=True))
    return {layer: say(readings[layer]) for layer in names if layer in readings}


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
        "methods",
        _beside([title_of(method) for method in names]),
        ((say(_ALGEBRA),) if both else ()) + mean_ious(evidence),
        (shown, *difference_table(evidence, layer)) if both else (shown,),
        say(
            "Whether the methods mark the same places at this layer, and what is left of a difference once their maps are "
            "handled alike."
        ),
        say(
            "Nothing about which of them is right: where both follow from the same weights, a difference is one of handling "
            "(negative values, logit or softmax, threshold), and at other layers CAM does not exist."
        ),
    )


_ALGEBRA = message(
    "At the layer that feeds the pooling, with the logit as the score, Grad-CAM is ReLU(CAM)/(h·w) exactly (Selvaraju et "
    "al. 2017): the same map but for a factor and CAM's negative values."
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
    caption = say(
        "{methods} at {layer}, epoch {epoch}, on the kept pictures at the lower quartile, the median and the upper quartile "
        "of IoU.",
        methods=_beside([title_of(m) for m in names]),
        layer=layer,
        epoch=epoch,
    )
    pictures = [(each.pixels, each.panel, each.truth) for _, row in rows for each in row]
    draw = partial(wall, pictures, columns=1 + len(names))
    return Sheet("methods", caption, caption, tuple(rows), draw) if rows else None


def mean_ious(evidence: Evidence) -> tuple[str, ...]:
    """Mean IoU of each method at the pooled layer at the latest epoch, beside never looking and the published ones."""
    protocol = evidence.protocols[0]
    epoch = evidence.last_pooled(protocol)
    if epoch is None:
        return ()
    tables = {m: evidence.pooled(protocol, m, epoch) for m in evidence.pooled_methods}
    means = [f"{title_of(m)} {number(float(np.mean(t['iou'])))}" for m, t in tables.items() if t is not None]
    best = best_baseline(evidence, protocol)
    told = {"images": evidence.images, "epoch": epoch, "protocol": protocol, "means": listed(means)}
    if best:
        told |= {"box": best[0], "value": number(best[1])}
        first = say(
            "Mean IoU over {images} at epoch {epoch}, protocol {protocol}: {means}, {box}, which never looks, {value}.",
            **told,
        )
    else:
        first = say("Mean IoU over {images} at epoch {epoch}, protocol {protocol}: {means}.", **told)
    published = [f"{title_of(m)} {number(study.IOU[m][epoch])}" for m in tables if epoch in study.IOU.get(m, {})]
    if not published:
        return (first,)
    beside = say("Published for epoch {epoch}: {means}.", epoch=epoch, means=listed(published))
    return (f"{first} {beside}",)


def boxes(evidence: Evidence, found: Standing | None = None) -> Exhibit | None:
    """Exhibit 5: boxes from heatmaps beside the annotated ones, by epoch, and how large they are.

    Args:
        found: how all methods stand; None where that is not known.
    """
    if not evidence.tables or not evidence.pairs:
        return None
    sample, blocks = evidence.featured, []
    if sample is not None:
        blocks = [
            block for block in (_box_sheet(evidence, sample, found), _ranked_sheet(evidence)) if block is not None
        ]
    return Exhibit(
        "boxes",
        say("Boxes from heatmaps, beside the annotated ones"),
        _sizes(evidence),
        (*blocks, *area_blocks(evidence)),
        say(
            "Whether the predicted boxes are too small or too large on average, and how that changes from epoch to epoch."
        ),
        say(
            "A mean area equal to the annotated one does not mean that the boxes lie right: that is what IoU is for. The "
            "size of a box follows the threshold at least as much as the network."
        ),
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
            share = percent(float(np.mean(table["area"])))
            parts.append(say("{method}'s cover {share}", method=title_of(method), share=share))
    return (
        say(
            "The annotated boxes cover {share} of a picture on average; at epoch {epoch} {boxes}.",
            share=percent(truth),
            epoch=epoch,
            boxes=listed(parts),
        ),
    )


def _box_sheet(evidence: Evidence, sample: Sample, found: Standing | None) -> Sheet | None:
    """The boxes of the methods that the page is about; those of the others are in the viewer and in the table."""
    pairs = _first_to_see(evidence, found, evidence.judged_at or 0)
    rows = [
        (titled(evidence, pair), [tile(evidence, sample, (*pair, e), _epoch(e)) for e in evidence.epochs])
        for pair in pairs
    ]
    what = say(
        "Predicted boxes (solid) and annotated ones (dashed), epoch by epoch, at {layer}.",
        layer=listed(list(dict.fromkeys(layer for _, layer in pairs))),
    )
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
    where = {"method": title_of(place[0]), "layer": place[1], "epoch": place[2]}
    if len(tiles) == len(evidence.ranked):
        caption = say(
            "All kept pictures under {method} at {layer}, epoch {epoch}, from the lowest IoU to the highest.", **where
        )
    else:
        caption = say(
            "{shown} of the {n} (evenly spaced in rank) kept pictures under {method} at {layer}, epoch {epoch}, from the "
            "lowest IoU to the highest.",
            shown=len(tiles),
            n=len(evidence.ranked),
            **where,
        )
    pictures = [(each.pixels, each.panel, each.truth) for each in tiles]
    return (
        Sheet("kept-pictures", caption, caption, (("", tiles),), partial(wall, pictures), mixed=True) if tiles else None
    )
