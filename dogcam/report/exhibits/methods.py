"""The methods at the layer that feeds the pooling side by side, and what is left of the difference of CAM and Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dogcam.analysis import study
from dogcam.experiment.evaluations import MapKey
from dogcam.figures import wall
from dogcam.language.numbers import count, listed, number, percent
from dogcam.methods import title_of
from dogcam.report.document import Exhibit, Row, Sheet, Table
from dogcam.report.material import Material
from dogcam.report.naming import layer_words
from dogcam.report.texts import exhibit, heads, text
from dogcam.report.tiles import bare, epoch_name, tile


def methods(material: Material) -> Exhibit | None:
    """None where maps of fewer than two methods were kept at that layer."""
    kept, pooled = material.kept, material.analysis.pooled
    epoch = None if kept is None else kept.last_epoch(pooled, least=2)
    if kept is None or epoch is None or not kept.ranked:
        return None
    keys = [key for key in pooled if epoch in kept.epochs_of(key)]
    shown = _sheet(material, keys, epoch)
    if shown is None:
        return None
    both = {"cam", "gradcam"} <= {key.method for key in keys}
    lead = [*([text("methods.algebra")] if both else ()), *mean_ious(material)]
    blocks = (shown, *(_remainders(material) if both else ()))
    return exhibit("methods", lead, blocks, title=_beside([title_of(key.method) for key in keys]))


def _beside(titles: Sequence[str]) -> str:
    """ "CAM beside Grad-CAM"; of many only the first is named."""
    first, *others = titles
    key = {1: "methods.two", 2: "methods.three"}.get(len(others))
    if not others or key is None:
        return text("methods.many", first=first, n=len(others)) if others else first
    return text(key, **dict(zip(("first", "second", "third"), titles, strict=False)))


def _sheet(material: Material, keys: Sequence[MapKey], epoch: int) -> Sheet | None:
    """Three kept pictures, at the quartiles of IoU, under these methods at the pooled layer; None where nothing can be drawn."""
    ranked = material.kept.ranked if material.kept else []
    last = len(ranked) - 1
    rows = []
    for picture in (ranked[place][1] for place in dict.fromkeys((last // 4, last // 2, last - last // 4))):
        tiles = [tile(material, picture, key, epoch, title_of(key.method)) for key in keys]
        there = tuple(each for each in tiles if each is not None)
        rows += [("", (bare(picture), *there))] if there else []
    titles = _beside([title_of(key.method) for key in keys])
    caption = text("methods.sheet", methods=titles, layer=layer_words(keys[0].layer), epoch=epoch)
    pictures = [(each.pixels, each.panel, each.truth) for _, row in rows for each in row]
    draw = partial(wall, pictures, columns=1 + len(keys))
    return Sheet("methods", caption, caption, tuple(rows), draw) if rows else None


def mean_ious(material: Material) -> list[str]:
    """Mean IoU of each method at the pooled layer at the latest epoch, beside never looking and the published ones."""
    analysis, rows = material.analysis, material.latest
    if not rows:
        return []
    main, epoch = analysis.protocols[0], next(iter(rows.values())).epoch
    means = [f"{title_of(m)} {number(row.value('mean_iou'))}" for m, row in rows.items()]
    found = analysis.spoken(main)
    values = {"images": material.images, "epoch": epoch, "protocol": main, "means": listed(means)}
    if found is None or found.unseen is None:
        said = [text("methods.means", **values)]
    else:
        row = next(row for row in analysis.baselines(main) if row.map == found.unseen)
        box = {"box": material.named(found.unseen), "value": number(row.value("mean_iou"))}
        said = [text("methods.means_beside", **values, **box)]
    theirs = {key.method: study.IOU.get(key.method, {}) for key in analysis.pooled}
    published = [f"{title_of(m)} {number(values[epoch])}" for m, values in theirs.items() if epoch in values]
    said += [text("methods.published", epoch=epoch, means=listed(published))] if published else []
    return [" ".join(said)]


def _remainders(material: Material) -> list[Table]:
    """How much of the difference between CAM and Grad-CAM is left when CAM's negative values are cut."""
    rows = tuple(
        Row.of(epoch_name(each.epoch), count(each.n), percent(each.below), f"{each.largest:.1e}" if each.largest else "0")
        for each in material.analysis.measures.remainders
    )
    columns = ("", "n", *heads("methods.remainder_heads"))
    return [Table(text("methods.remainder"), columns, rows, note=text("methods.remainder_note"))] if rows else []
