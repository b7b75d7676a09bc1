"""A method, the study's Grad-CAM, of one picture at several layers, and where its heat lies on all kept pictures."""

from __future__ import annotations

from collections.abc import Sequence

from dogcam.analysis import study
from dogcam.experiment.evaluations import MapKey
from dogcam.methods import title_of
from dogcam.report.document import Exhibit
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, text
from dogcam.report.tiles import featured, outside_table, sheet, tile, told_of, trend


def layers(material: Material) -> Exhibit | None:
    """None where no method's maps were kept at two layers of one epoch."""
    shown, kept = featured(material), material.kept
    if shown is None or kept is None or kept.in_depth[2] is None:
        return None
    picture, (method, names, epoch) = shown[0], kept.in_depth
    tiles = [tile(material, picture, MapKey(method, layer), epoch, layer) for layer in names]
    values = {"method": title_of(method), "n": len(names)}
    caption = f"{text('layers.sheet', epoch=epoch, **values)} {told_of(material, picture)}"
    drawn = sheet("layers", caption, picture, [("", tiles)])
    if drawn is None:
        return None
    by_layer = {o.map.layer: o for o in material.analysis.measures.outside if (o.map.method, o.epoch) == (method, epoch)}
    rows = [(layer, by_layer[layer]) for layer in names]
    readings = _readings(names, material.analysis.pooled_layer)
    table = outside_table(text("layers.layer"), [(layer, readings.get(layer, ""), each) for layer, each in rows])
    return exhibit("layers", trend(title_of(method), rows), (drawn, table), title=text("layers.title", **values))


def _readings(names: Sequence[str], pooled: str) -> dict[str, str]:
    """The study's words by layer: for layers of the same name, or for three stages that end in the pooled one."""
    said = {layer: text(f"study.layer_readings.{layer}") for layer in study.LAYERS}
    if len(names) == len(said) and names[-1] == pooled:
        theirs = [words if layer in names else f"{words} ({layer})" for layer, words in said.items()]
        return dict(zip(names, theirs, strict=True))
    return {layer: said[layer] for layer in names if layer in said}
