"""Boxes from heatmaps beside the annotated ones, by epoch, and how large they are."""

from __future__ import annotations

from functools import partial

import numpy as np

from dogcam.analysis.pictures import Picture
from dogcam.figures import line_chart, wall
from dogcam.language.numbers import NONE, listed, number, percent
from dogcam.methods import title_of
from dogcam.report.document import Chart, Exhibit, Row, Sheet, Table
from dogcam.report.exhibits.localization import series
from dogcam.report.material import Material
from dogcam.report.naming import layer_words
from dogcam.report.texts import exhibit, heads, text
from dogcam.report.tiles import epoch_name, featured, first_to_see, sheet, tile, told_of

SHOWN = 12  # of the kept pictures, in the sheet from worst to best


def boxes(material: Material) -> Exhibit | None:
    """None where no method's boxes were scored."""
    if not material.analysis.maps:
        return None
    shown = featured(material)
    sheets = [] if shown is None else [_by_epoch(material, shown[0]), _ranked(material)]
    blocks = [*(each for each in sheets if each is not None), _areas(material), *_chart(material)]
    return exhibit("boxes", _sizes(material), blocks)


def _sizes(material: Material) -> list[str]:
    """How the predicted boxes' mean areas compare with the annotated ones at the latest epoch."""
    rows = material.latest
    if not rows:
        return []
    parts = [text("boxes.covers", method=title_of(m), share=percent(row.value("area"))) for m, row in rows.items()]
    epoch = next(iter(rows.values())).epoch
    return [text("boxes.sizes", share=percent(_annotated(material)), epoch=epoch, boxes=listed(parts))]


def _annotated(material: Material) -> float:
    return material.analysis.scope.annotated_area if material.analysis.scope else float("nan")


def _by_epoch(material: Material, picture: Picture) -> Sheet | None:
    """The boxes of the methods that the page is about; those of the others are in the viewer and in the table."""
    keys, epochs = first_to_see(material), material.analysis.epochs
    rows = [(material.named(k), [tile(material, picture, k, e, epoch_name(e)) for e in epochs]) for k in keys]
    what = text("boxes.sheet", layer=listed(list(dict.fromkeys(layer_words(key.layer) for key in keys))))
    return sheet("boxes-by-epoch", f"{what} {told_of(material, picture)}", picture, rows)


def _ranked(material: Material) -> Sheet | None:
    """All kept pictures from the worst to the best, so that no reader has to trust a choice."""
    kept = material.kept
    if kept is None or kept.judge is None or len(kept.ranked) < 2:
        return None
    (key, epoch), n = kept.judge, len(kept.ranked)
    steps = np.linspace(0, n - 1, min(n, SHOWN)).round().astype(int)
    pictures = [kept.ranked[step][1] for step in steps]
    drawn = [tile(material, picture, key, epoch, picture.label or picture.id) for picture in pictures]
    tiles = tuple(each for each in drawn if each is not None)
    values = {"method": title_of(key.method), "layer": layer_words(key.layer), "epoch": epoch}
    caption = text("boxes.all" if len(tiles) == n else "boxes.some", n, shown=len(tiles), **values)
    draw = partial(wall, [(each.pixels, each.panel, each.truth) for each in tiles])
    return Sheet("kept-pictures", caption, caption, (("", tiles),), draw, mixed=True) if tiles else None


def _areas(material: Material) -> Table:
    """How large the boxes are, by method and epoch, beside the annotated ones."""
    analysis = material.analysis
    main, epochs = analysis.protocols[0], analysis.epochs
    rows = []
    for key in analysis.maps:
        scored = analysis.of(main, key=key)
        means = [number(scored[epoch].value("area")) if epoch in scored else NONE for epoch in epochs]
        rows.append(Row.of(title_of(key.method), key.layer, *means))
    rows.append(Row.of(text("boxes.annotated_boxes"), "", *(number(_annotated(material)) for _ in epochs)))
    for row in analysis.baselines(main):
        area = number(row.value("area"))
        rows.append(Row.of(title_of(row.map.method), "", *(area for _ in epochs), kind="baseline"))
    caption = text("boxes.table", protocol=main, images=material.images)
    columns = (*heads("boxes.heads"), *map(epoch_name, epochs))
    return Table(caption, columns, tuple(rows), words=2, note=text("boxes.note"))


def _chart(material: Material) -> list[Chart]:
    analysis = material.analysis
    lines = series(material, analysis.protocols[0], "area", errors=False)
    if len(analysis.epochs) < 2 or not lines:
        return []
    annotated = _annotated(material)
    references = {text("boxes.annotated"): annotated} if np.isfinite(annotated) else {}
    draw = partial(line_chart, lines, text("boxes.axis"), references=references)
    caption = text("boxes.chart", layer=layer_words(analysis.pooled_layer), protocol=analysis.protocols[0])
    return [Chart("box-areas", caption, text("boxes.chart_alt"), draw)]
