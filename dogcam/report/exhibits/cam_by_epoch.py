"""CAM of one picture at each kept epoch, and where its heat lies on all kept pictures."""

from __future__ import annotations

from dogcam.analysis import study
from dogcam.experiment.evaluations import MapKey
from dogcam.language.numbers import number
from dogcam.report.document import Exhibit
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, text
from dogcam.report.tiles import epoch_name, featured, outside_table, sheet, tile, told_of, trend


def cam_by_epoch(material: Material) -> Exhibit | None:
    """None where CAM's maps were kept at fewer than two epochs."""
    shown, kept = featured(material), material.kept
    key = MapKey("cam", material.analysis.pooled_layer)
    epochs = [] if kept is None else kept.epochs_of(key)
    if shown is None or kept is None or len(epochs) < 2:
        return None
    picture, _ = shown
    tiles = [tile(material, picture, key, epoch, epoch_name(epoch)) for epoch in epochs]
    caption = f"{text('cam-by-epoch.sheet', layer=key.layer)} {told_of(material, picture)}"
    drawn = sheet("cam-by-epoch", caption, picture, [("", tiles)])
    if drawn is None:
        return None
    outside = [each for each in material.analysis.measures.outside if each.map == key and each.epoch in epochs]
    rows = [(epoch_name(each.epoch), each) for each in outside]
    readings = {epoch: text(f"study.cam_readings.{epoch}") for epoch in study.EPOCHS}
    table = outside_table("CAM", [(label, readings.get(each.epoch, ""), each) for label, each in rows])
    cannot = text("cam-by-epoch.cannot", n=len(kept.samples))
    return exhibit("cam-by-epoch", [*trend("CAM", rows), *_alike(material)], (drawn, table), cannot=cannot)


def _alike(material: Material) -> list[str]:
    """How alike the maps of neighbouring epochs are."""
    parts = [
        text("cam-by-epoch.between", value=number(each.correlation, 2), earlier=each.earlier, later=each.later)
        for each in material.analysis.measures.likeness
    ]
    return [text("cam-by-epoch.alike", values=", ".join(parts))] if parts else []
