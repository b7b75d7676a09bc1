"""Pictures chosen by rule over all that were scored, see `analysis.choosing`.

Where the chosen pictures were not kept, as by an earlier dogcam, the same rules choose among the kept sample, which is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from dogcam.analysis.choosing import DISAGREEMENT, EXTREMES, SEED, Galleries, Gallery, Pick
from dogcam.analysis.pictures import Kept, Picture
from dogcam.experiment.evaluations import MapKey
from dogcam.figures import wall
from dogcam.figures.panel import Panel
from dogcam.language.numbers import count, listed, number
from dogcam.metrics.localization import RIGHT
from dogcam.report.document import Exhibit, Sheet, Tile
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, text

_COLUMNS = 6  # pictures in a line of a figure
_ROOMY = 3  # methods of extremes with a row each; more share a row in twos


def galleries(material: Material) -> Exhibit | None:
    """One sheet for each rule that an image meets; None where no picture was kept."""
    found, kept = material.analysis.galleries, material.kept
    if found is None or kept is None or found.epoch is None:
        return None
    shown = _Shown(material, found, kept, found.epoch)
    sheets = [sheet for each in found.rules if (sheet := shown.sheet(each)) is not None]
    return exhibit("galleries", shown.lead(), sheets) if sheets else None


class _Shown:
    """The galleries as they are shown: pictures, and what stands under them."""

    def __init__(self, material: Material, found: Galleries, kept: Kept, epoch: int):
        self.material, self.found, self.kept, self.epoch = material, found, kept, epoch
        self.pictures = {picture.id: picture for picture in kept.pictures}
        self.where = {"epoch": epoch, "run": material.analysis.run, "protocol": found.protocol, "seed": SEED}

    def lead(self) -> list[str]:
        """Over which images the rules chose, what the maps are of, and the rules that no image meets."""
        images, first = self.material.images, self.found.rules[0]
        chosen = "everywhere" if self.found.everywhere else "among"
        over = text(f"galleries.{chosen}", images=images, kept=count(first.images), **self.where)
        target = self.material.analysis.scope.target if self.material.analysis.scope else "true"
        known = target if target in ("true", "predicted") else "other"
        drawn = [] if target == "given" else [text(f"galleries.drawn.{known}", target=target)]
        empty = (each for each in self.found.rules if not each.picks)
        absent = (each for each in empty if each.rule != DISAGREEMENT or len(each.maps) > 1)
        return [over, *drawn, *(text(f"galleries.none.{_slug(each.rule)}") for each in absent)]

    def sheet(self, gallery: Gallery) -> Sheet | None:
        """A gallery's pictures, drawn under the methods that they were chosen for; None where none of them can be drawn."""
        made = [(pick, self.tile(gallery, pick)) for pick in gallery.picks if pick.image in self.pictures]
        tiles = [(pick, tile) for pick, tile in made if tile is not None]
        if not tiles:
            return None
        caption = " ".join([*self.rule(gallery), text("galleries.where", **self.where)])
        printed = [(tile.pixels, self.printed(pick, tile), tile.truth) for pick, tile in tiles]
        rows = tuple(self.extremes(tiles) if gallery.rule == EXTREMES else _rows(gallery.rule, tiles))
        draw = partial(wall, printed, columns=_COLUMNS)
        return Sheet(f"gallery-{_slug(gallery.rule)}", caption, caption, rows, draw, mixed=True)

    def extremes(self, tiles: Sequence[tuple[Pick, Tile]]) -> Iterator[tuple[str, tuple[Tile, ...]]]:
        """A row for each method, or for two where there are many; methods that fit alike on every image are named together."""
        by_method: dict[MapKey, list[tuple[Pick, Tile]]] = {}
        for pick, tile in tiles:
            by_method.setdefault(pick.map, []).append((pick, tile))
        labels = [self.names((key, *of[0][0].alike)) for key, of in by_method.items()]
        rows, step = [tuple(tile for _, tile in of) for of in by_method.values()], 1 if len(labels) <= _ROOMY else 2
        for start in range(0, len(rows), step):
            yield " · ".join(labels[start : start + step]), sum(rows[start : start + step], ())

    def names(self, keys: Sequence[MapKey]) -> str:
        """Maps in a sentence."""
        return listed([self.material.named(key) for key in keys])

    def tile(self, gallery: Gallery, pick: Pick) -> Tile | None:
        """A chosen picture, labelled with all that tells what it shows; None where no map was kept."""
        picture = self.pictures[pick.image]
        heat = self.kept.heat(picture, pick.map, self.epoch)
        if heat is None:
            return None
        note = " · ".join(part for part in self.note(gallery.rule, pick, picture) if part)
        panel = Panel(self.title(gallery, pick, picture), heat, self.kept.box(picture, pick.map, self.epoch), note)
        alt = text("galleries.alt", picture=picture.id, note=note)
        return Tile(panel, picture.pixels, picture.boxes, alt)

    def title(self, gallery: Gallery, pick: Pick, picture: Picture) -> str:
        """What tells a picture from its neighbours: its place, its method and place, or its class."""
        if gallery.rule == EXTREMES and len(gallery.maps) <= _ROOMY:
            return text(f"galleries.places.{pick.place}")
        return self.placed(pick) if pick.place else picture.label or picture.id

    def placed(self, pick: Pick) -> str:
        """ "Grad-CAM, worst"."""
        place = text(f"galleries.places.{pick.place}")
        return text("galleries.placed", method=self.material.named(pick.map), place=place)

    def note(self, rule: str, pick: Pick, picture: Picture) -> Iterator[str]:
        """What stands under a picture: IoU, classes, where its map is from, and how many others the rule could have taken."""
        yield self.iou(pick, picture)
        yield self.classes(rule not in (EXTREMES, DISAGREEMENT), pick, picture)
        yield text("galleries.from", method=self.material.named(pick.map), **self.where)
        if pick.tied > 1:
            yield text("galleries.tied", count=count(pick.tied))

    def iou(self, pick: Pick, picture: Picture) -> str:
        """ "IoU 0.52"."""
        return text("pictures.iou", value=number(self.kept.iou(picture, pick.map, self.epoch), 2))

    def classes(self, named: bool, pick: Pick, picture: Picture) -> str:
        """The true class, unless it is `named` already by the picture's title, and the predicted one."""
        first = self.kept.predicted(picture, pick.map, self.epoch)
        if first is None:
            return "" if named else picture.label
        predicted, right = first
        key = ("right" if right else "wrong") if named else ("label_right" if right else "label_wrong")
        return text(f"galleries.predicted.{key}", label=picture.label, predicted=predicted)

    def printed(self, pick: Pick, tile: Tile) -> Panel:
        """The panel as a figure has room for it: method and place above, the true class below them, IoU and prediction below."""
        picture = self.pictures[pick.image]
        title = self.placed(pick) if pick.place else self.material.named(pick.map)
        predicted, right = self.kept.predicted(picture, pick.map, self.epoch) or ("", True)
        mark = ("✓" if right else f"✗ {predicted}") if predicted else ""
        below = f"{self.iou(pick, picture)}  {mark}".strip()
        return Panel(f"{title}\n{picture.label or picture.id}", tile.panel.heat, tile.panel.box, below)

    def rule(self, gallery: Gallery) -> Iterator[str]:
        """The rule, over how many images it was chosen, and how many met it."""
        slug, shown = _slug(gallery.rule), len({pick.image for pick in gallery.picks})
        if gallery.rule == EXTREMES:
            yield text("galleries.rules.extremes", images=count(gallery.images))
            yield from self.once(gallery)
            return
        method = self.material.named(gallery.maps[0])
        several = {"n": len(gallery.maps)} if slug == "empty-maps" else {}
        yield text(f"galleries.rules.{slug}", method=method, bound=number(RIGHT, 1), **several)
        numbers = {"images": count(gallery.images), "qualified": count(gallery.qualified), "shown": shown, "seed": SEED}
        if shown == gallery.qualified:
            yield text("galleries.all", n=gallery.qualified, **numbers)
        else:
            yield text("galleries.differ" if gallery.rule == DISAGREEMENT else "galleries.some", **numbers)

    def once(self, gallery: Gallery) -> Iterator[str]:
        """Which methods are shown once since they fit alike on every image, and that there are more than are shown."""
        groups = {pick.map: (pick.map, *pick.alike) for pick in gallery.picks}
        for group in groups.values():
            if len(group) > 1:
                yield text("galleries.once", methods=self.names(group))
        shown, methods = sum(map(len, groups.values())), len({key.method for key in self.material.analysis.maps})
        if shown < methods:
            yield text("galleries.highest", n=methods, shown=shown)


def _slug(rule: str) -> str:
    return "empty-maps" if rule == "empty map" else rule.replace(", ", "-").replace(" ", "-")


def _rows(rule: str, tiles: Sequence[tuple[Pick, Tile]]) -> Iterator[tuple[str, tuple[Tile, ...]]]:
    """Two images of disagreements a row, else one row. The first has the rule's name."""
    step = 4 if rule == DISAGREEMENT else len(tiles)
    for start in range(0, len(tiles), step):
        label = text(f"galleries.names.{_slug(rule)}") if start == 0 else ""
        yield label, tuple(tile for _, tile in tiles[start : start + step])
