"""Kept pictures with their heat, boxes and words: alone, in sheets of one picture, and the one to be seen first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dogcam.analysis.measures import Outside
from dogcam.analysis.pictures import Picture
from dogcam.experiment.evaluations import MapKey
from dogcam.figures import contact_sheet
from dogcam.figures.panel import Panel
from dogcam.language.numbers import NONE, count, listed, number, percent
from dogcam.methods import title_of
from dogcam.report.document import Entry, Row, Sheet, Table, Tile
from dogcam.report.material import Material
from dogcam.report.naming import layer_words
from dogcam.report.texts import text


def tile(material: Material, picture: Picture, key: MapKey, epoch: int, title: str) -> Tile | None:
    """A kept picture under a map, with the box that was scored; None where no map was kept."""
    kept = material.kept
    heat = None if kept is None else kept.heat(picture, key, epoch)
    if kept is None or heat is None:
        return None
    box, iou = kept.box(picture, key, epoch), kept.iou(picture, key, epoch)
    note = "" if iou is None else text("pictures.iou", value=number(iou, 2))
    values = {"method": title_of(key.method), "layer": layer_words(key.layer), "epoch": epoch, "picture": picture.id}
    alt = text("pictures.alt_without_box" if box is None else "pictures.alt", **values)
    return Tile(Panel(title, heat, box, note), picture.pixels, picture.boxes, f"{alt} {note}".strip())


def bare(picture: Picture) -> Tile:
    """The picture itself with its annotated boxes."""
    alt = text("pictures.bare_alt", picture=picture.id)
    return Tile(Panel(text("pictures.bare")), picture.pixels, picture.boxes, alt)


def sheet(name: str, caption: str, picture: Picture, rows: Sequence[tuple[str, Sequence[Tile | None]]]) -> Sheet | None:
    """A sheet of one picture, from rows of tiles; None where nothing can be drawn."""
    filled = [(label, tuple(tile for tile in tiles if tile is not None)) for label, tiles in rows]
    there = [(label, tiles) for label, tiles in filled if tiles]
    if not there:
        return None
    panels = [(label, [tile.panel for tile in tiles]) for label, tiles in there]
    draw = partial(contact_sheet, picture.pixels, panels, picture.boxes, "")
    return Sheet(name, caption, caption, tuple((label, (bare(picture), *tiles)) for label, tiles in there), draw)


def featured(material: Material) -> tuple[Picture, int] | None:
    """The picture that stands for the rest, and the epoch that pictures are of."""
    kept = material.kept
    if kept is None or kept.judge is None or kept.featured is None:
        return None
    return kept.featured, kept.judge[1]


def told_of(material: Material, picture: Picture) -> str:
    """Which picture this is, and the rule that picked it."""
    kept = material.kept
    if kept is None or kept.judge is None:
        raise ValueError("a picture is featured by what judges it; received a report without kept maps")
    key, epoch = kept.judge
    values = {"method": title_of(key.method), "layer": layer_words(key.layer), "epoch": epoch}
    return text("pictures.featured", n=len(kept.ranked), picture=picture.id, label=picture.label, **values)


def epoch_name(epoch: int) -> str:
    """ "epoch 5"."""
    return text("pictures.epoch", epoch=epoch)


def hero(material: Material) -> Sheet | None:
    """The featured picture under the answer's best method beside CAM and Grad-CAM: to be seen first."""
    shown = featured(material)
    if shown is None:
        return None
    picture, epoch = shown
    layer, keys, best = material.analysis.pooled_layer, first_to_see(material), _best(material)
    tiles = [tile(material, picture, key, epoch, material.named(key)) for key in keys]
    pooled = all(key.layer == layer for key in keys)
    where = text("pictures.hero" if pooled else "pictures.hero_elsewhere", epoch=epoch, layer=layer_words(layer))
    leads = [text("pictures.leads", n=len(best), methods=listed([material.named(k) for k in best]))] if best else []
    return sheet("featured", " ".join([where, *leads, told_of(material, picture)]), picture, [("", tiles)])


def first_to_see(material: Material) -> list[MapKey]:
    """At most three: the answer's best method whose maps were kept, CAM and Grad-CAM, then others at the pooled layer."""
    shown = featured(material)
    epoch = None if shown is None else shown[1]
    drawn = [key for key in _best(material) if material.kept and epoch in material.kept.epochs_of(key)]
    pooled = sorted(material.analysis.pooled, key=lambda key: key.method not in ("cam", "gradcam"))
    return list(dict.fromkeys([*drawn[:1], *pooled]))[:3]


def _best(material: Material) -> list[MapKey]:
    """The methods of the highest mean IoU."""
    found = material.analysis.spoken()
    return [] if found is None else found.methods_of(found.looking[:1])


def outside_table(what: str, rows: Sequence[tuple[str, str, Outside]]) -> Table:
    """The share of the heat outside the annotated boxes, beside that of an even map.

    Args:
        what: the head of the first column.
        rows: of each its label, what the study reads there ("" for nothing), and the figure.
    """
    filled = [Row.of(label, reading or NONE, count(each.n), _share(each.share)) for label, reading, each in rows]
    last = rows[-1][2]
    filled.append(Row.of(text("pictures.even"), "", count(last.n), _share(last.even), kind="baseline"))
    heads = (what, text("pictures.reading"), "n", text("pictures.outside"))
    caption, note = text("pictures.outside_table"), text("pictures.outside_note")
    return Table(caption, heads, tuple(filled), words=2, aside=(1,), note=note)


def _share(value: float) -> Entry:
    return Entry(percent(value), bar=value if value == value else None)


def trend(name: str, rows: Sequence[tuple[str, Outside]]) -> list[str]:
    """Where the heat outside the boxes is highest and lowest, and what an even map would have."""
    known = [(each.share, label) for label, each in rows if each.share == each.share]
    if len(known) < 2:
        return []
    (most, at_most), (least, at_least) = max(known), min(known)
    values = {"name": name, "even": percent(rows[-1][1].even)}
    if most - least < 0.005:
        return [text("pictures.same_share", share=percent(most), **values)]
    ends = {"at_most": at_most, "most": percent(most), "at_least": at_least, "least": percent(least)}
    return [text("pictures.shares", **ends, **values)]
