"""Exhibit 12, beyond the study's: pictures chosen by rule over all that were scored, see `choosing`.

Where the chosen pictures were not kept, as by an earlier dogcam, the same rules choose among the kept sample, which is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from dogcam.analysis.choosing import DISAGREEMENT, EMPTY, EXTREMES, RIGHT_BOX, RIGHT_CLASS, SEED, Gallery, Pick
from dogcam.analysis.evidence import Evidence, Pair
from dogcam.analysis.samples import Sample
from dogcam.figures import Panel, wall
from dogcam.language import counted, message, say
from dogcam.language.numbers import count, listed, number
from dogcam.metrics.localization import RIGHT
from dogcam.report.document import Exhibit, Sheet, Tile
from dogcam.report.tiles import titled

_COLUMNS = 6  # pictures in a line of a figure
_ROOMY = 3  # methods of extremes with a row each; more share a row in twos
_PLACES = {
    "best": message("best"),
    "median": message("median"),
    "worst": message("worst"),
    "highest": message("fits best"),
    "lowest": message("fits worst"),
}
_NAMES = {
    EXTREMES: "gallery-extremes",
    DISAGREEMENT: "gallery-disagreement",
    RIGHT_CLASS: "gallery-right-class-wrong-box",
    RIGHT_BOX: "gallery-wrong-class-right-box",
    EMPTY: "gallery-empty-maps",
}
_HEADS = {
    DISAGREEMENT: message("Largest disagreement between methods"),
    RIGHT_CLASS: message("Right class, wrong box"),
    RIGHT_BOX: message("Wrong class, right box"),
    EMPTY: message("Empty maps"),
}
_NONE = {
    DISAGREEMENT: message("No image has boxes of different IoU under different methods."),
    RIGHT_CLASS: message("No image has the right class and a wrong box."),
    RIGHT_BOX: message("No image has a wrong class and the right box."),
    EMPTY: message("No map is empty."),
}


def galleries(evidence: Evidence) -> Exhibit | None:
    """One sheet for each rule that an image meets; None where no picture was kept."""
    found, everywhere = _chosen(evidence)
    sheets = [sheet for each in found if (sheet := _sheet(evidence, each)) is not None]
    if not sheets:
        return None
    return Exhibit(
        "galleries",
        say("Galleries chosen by rule"),
        (_over(evidence, found[0].images, everywhere), _drawn_for(evidence), *_absent(found)),
        tuple(sheets),
        say(
            "How well and how badly the boxes fit at the extremes, and what it looks like where the methods, or class and "
            "box, disagree."
        ),
        say("How often it looks so: for that there are the counts and the means, and extremes are rare by their rule."),
    )


def _chosen(evidence: Evidence) -> tuple[tuple[Gallery, ...], bool]:
    """What the rules choose over all scored images where its pictures were kept, else among the kept sample; and which."""
    found = evidence.galleries()
    kept = {sample.id: sample for sample in evidence.pictures}
    picks = [pick for each in found for pick in each.picks]
    if all(pick.image in kept and _raw(evidence, kept[pick.image], pick.pair) is not None for pick in picks):
        return found, True
    return evidence.galleries([sample.id for sample in evidence.samples]), False


def _raw(evidence: Evidence, sample: Sample, pair: Pair) -> np.ndarray | None:
    return evidence.raw_map(sample, *pair, evidence.galleries_at)


def _over(evidence: Evidence, images: int, everywhere: bool) -> str:
    """Over which images the rules chose, and how they settle what is equal."""
    if everywhere:
        return say(
            "Every picture here was chosen by its rule over all {images}, at epoch {epoch} of run {run} under protocol "
            "{protocol}; nobody picked it. What is equal, and what is more than can be shown, is drawn with seed {seed}.",
            images=evidence.images,
            **_where(evidence),
        )
    return say(
        "Every picture here was chosen by its rule among the {kept} kept pictures only, of {images} that were scored, at "
        "epoch {epoch} of run {run} under protocol {protocol}; nobody picked it. What is equal, and what is more than can "
        "be shown, is drawn with seed {seed}. Evaluate with --resume to choose over all.",
        kept=count(images),
        images=evidence.images,
        **_where(evidence),
    )


def _drawn_for(evidence: Evidence) -> str:
    """The class that the maps are drawn for."""
    target = str(evidence.evaluation.about().get("target", "true")) if evidence.evaluation else "true"
    if target == "true":
        return say("All maps are drawn for the true class, whatever the network predicts.")
    if target == "predicted":
        return say("All maps are drawn for the class that the network predicts.")
    return say("All maps are drawn for the target {target}.", target=target)


def _where(evidence: Evidence) -> dict[str, object]:
    protocol = evidence.drawn_under.name if evidence.drawn_under else ""
    return {"epoch": evidence.galleries_at, "run": evidence.run, "protocol": protocol, "seed": SEED}


def _absent(found: Sequence[Gallery]) -> Iterator[str]:
    """The rules that no image meets, each in a sentence."""
    for each in found:
        if not each.picks and not (each.rule == DISAGREEMENT and len(each.pairs) < 2):
            yield say(_NONE[each.rule])


def _sheet(evidence: Evidence, gallery: Gallery) -> Sheet | None:
    """A gallery's pictures, drawn under the methods that they were chosen for; None where none of them can be drawn."""
    kept = {sample.id: sample for sample in evidence.pictures}
    made = [(pick, _tile(evidence, gallery, pick, kept[pick.image])) for pick in gallery.picks if pick.image in kept]
    tiles = [(pick, tile) for pick, tile in made if tile is not None]
    if not tiles:
        return None
    caption = " ".join(
        [*_rule(evidence, gallery), say("Epoch {epoch}, run {run}, protocol {protocol}.", **_where(evidence))]
    )
    pictures = [(tile.pixels, _for_print(evidence, pick, kept[pick.image], tile), tile.truth) for pick, tile in tiles]
    rows = tuple(_extremes(evidence, tiles) if gallery.rule == EXTREMES else _rows(gallery.rule, tiles))
    draw = partial(wall, pictures, columns=_COLUMNS)
    return Sheet(_NAMES[gallery.rule], caption, caption, rows, draw, mixed=True)


def _extremes(evidence: Evidence, tiles: Sequence[tuple[Pick, Tile]]) -> Iterator[tuple[str, tuple[Tile, ...]]]:
    """A row for each method, or for two where there are many; methods that fit alike on every image are named together."""
    by_method: dict[Pair, list[tuple[Pick, Tile]]] = {}
    for pick, tile in tiles:
        by_method.setdefault(pick.pair, []).append((pick, tile))
    labels = [listed([titled(evidence, each) for each in (pair, *of[0][0].alike)]) for pair, of in by_method.items()]
    rows, step = [tuple(tile for _, tile in of) for of in by_method.values()], 1 if len(labels) <= _ROOMY else 2
    for start in range(0, len(rows), step):
        yield " · ".join(labels[start : start + step]), sum(rows[start : start + step], ())


def _rows(rule: str, tiles: Sequence[tuple[Pick, Tile]]) -> Iterator[tuple[str, tuple[Tile, ...]]]:
    """Two images of disagreements a row, else one row. The first has the rule's name."""
    step = 4 if rule == DISAGREEMENT else len(tiles)
    for start in range(0, len(tiles), step):
        yield say(_HEADS[rule]) if start == 0 else "", tuple(tile for _, tile in tiles[start : start + step])


def _tile(evidence: Evidence, gallery: Gallery, pick: Pick, sample: Sample) -> Tile | None:
    """A chosen picture, labelled with all that tells what it shows; None where no map was kept."""
    protocol, raw = evidence.drawn_under, _raw(evidence, sample, pick.pair)
    if protocol is None or raw is None:
        return None
    place = (*pick.pair, evidence.galleries_at)
    heat, box = evidence.heat(raw, sample, protocol), evidence.box(sample, protocol.name, place)
    note = " · ".join(part for part in _note(evidence, gallery.rule, pick, sample) if part)
    panel = Panel(_title(evidence, gallery, pick, sample), heat, box, note)
    return Tile(panel, sample.pixels, sample.boxes, _alt(sample, note))


def _title(evidence: Evidence, gallery: Gallery, pick: Pick, sample: Sample) -> str:
    """What tells a picture from its neighbours: its place, its method and place, or its class."""
    if gallery.rule == EXTREMES and len(gallery.pairs) <= _ROOMY:
        return say(_PLACES[pick.place])
    return _placed(evidence, pick) if pick.place else sample.label or sample.id


def _placed(evidence: Evidence, pick: Pick) -> str:
    return say("{method}, {place}", method=titled(evidence, pick.pair), place=say(_PLACES[pick.place]))


def _note(evidence: Evidence, rule: str, pick: Pick, sample: Sample) -> Iterator[str]:
    """What stands under a picture: IoU, classes, where its map is from, and how many others the rule could have taken."""
    yield say("IoU {value}", value=number(_iou(evidence, pick, sample), 2))
    yield _classes(evidence, rule not in (EXTREMES, DISAGREEMENT), pick, sample)
    where = {"method": titled(evidence, pick.pair), **_where(evidence)}
    yield say("{method}, epoch {epoch}, run {run}, {protocol}", **where)
    if pick.tied > 1:
        yield say("one of {n} of this IoU", n=count(pick.tied))


def _iou(evidence: Evidence, pick: Pick, sample: Sample) -> float | None:
    protocol = evidence.drawn_under
    return None if protocol is None else evidence.score(sample, protocol.name, (*pick.pair, evidence.galleries_at))


def _first(evidence: Evidence, pick: Pick, sample: Sample) -> tuple[str, bool] | None:
    """The class that the network puts first, and whether it is right."""
    protocol = evidence.drawn_under
    place = (*pick.pair, evidence.galleries_at)
    return None if protocol is None else evidence.classified(sample, protocol.name, place)


def _classes(evidence: Evidence, named: bool, pick: Pick, sample: Sample) -> str:
    """The true class, unless it is `named` already by the picture's title, and the predicted one."""
    found = _first(evidence, pick, sample)
    if found is None:
        return "" if named else sample.label
    predicted, right = found
    if named and right:
        return say("predicted right")
    if named:
        return say("predicted as {predicted}", predicted=predicted)
    if right:
        return say("{label}, predicted right", label=sample.label)
    return say("{label}, predicted as {predicted}", label=sample.label, predicted=predicted)


def _alt(sample: Sample, note: str) -> str:
    return say("Heatmap, predicted box and annotated box on {picture}. {note}.", picture=sample.id, note=note)


def _for_print(evidence: Evidence, pick: Pick, sample: Sample, tile: Tile) -> Panel:
    """The panel as a figure has room for it: method and place above, the true class below them, IoU and prediction below."""
    title = _placed(evidence, pick) if pick.place else titled(evidence, pick.pair)
    predicted, right = _first(evidence, pick, sample) or ("", True)
    mark = ("✓" if right else f"✗ {predicted}") if predicted else ""
    iou = say("IoU {value}", value=number(_iou(evidence, pick, sample), 2))
    return Panel(f"{title}\n{sample.label or sample.id}", tile.panel.heat, tile.panel.box, f"{iou}  {mark}".strip())


def _rule(evidence: Evidence, gallery: Gallery) -> Iterator[str]:
    """The rule, over how many images it was chosen, and how many met it."""
    images = {"images": count(gallery.images)}
    if gallery.rule == EXTREMES:
        yield say(
            "Best, median and worst IoU of each method at the layer that feeds the pooling, else at its own, over {images} "
            "images.",
            **images,
        )
        yield from _once(evidence, gallery)
        return
    yield _told(evidence, gallery)
    shown = len({pick.image for pick in gallery.picks})
    numbers = {"qualified": count(gallery.qualified), "shown": shown, "seed": SEED, **images}
    if shown == gallery.qualified:
        yield counted(
            "One of {images} images, which is shown.",
            "{qualified} of {images} images, all of them shown.",
            gallery.qualified,
            **numbers,
        )
    elif gallery.rule == DISAGREEMENT:
        yield say("{qualified} of {images} images differ; the {shown} that differ most are shown.", **numbers)
    else:
        yield say("{qualified} of {images} images; {shown} shown, drawn with seed {seed}.", **numbers)


def _once(evidence: Evidence, gallery: Gallery) -> Iterator[str]:
    """Which methods are shown once since they fit alike on every image, and that there are more than are shown."""
    groups = {pick.pair: (pick.pair, *pick.alike) for pick in gallery.picks}
    for group in groups.values():
        if len(group) > 1:
            names = listed([titled(evidence, each) for each in group])
            yield say("{methods} have the same IoU on every image and are shown once.", methods=names)
    shown, methods = sum(map(len, groups.values())), len({method for method, _ in evidence.pairs})
    if shown < methods:
        yield say("Of {n} methods the {shown} of the highest mean IoU are shown.", n=methods, shown=shown)


def _told(evidence: Evidence, gallery: Gallery) -> str:
    """What an image has to be like."""
    named = {"method": titled(evidence, gallery.pairs[0]), "bound": number(RIGHT, 1)}
    if gallery.rule == DISAGREEMENT:
        return say(
            "Largest disagreement: where the highest IoU of any method lies furthest above the lowest, each image under the "
            "two methods."
        )
    if gallery.rule == RIGHT_CLASS:
        return say(
            "Right class, wrong box: the network is right, but the box of {method}, the method of the highest mean IoU, has "
            "an IoU below {bound}.",
            **named,
        )
    if gallery.rule == RIGHT_BOX:
        return say(
            "Wrong class, right box: the network is wrong, but the box of {method}, the method of the highest mean IoU, has "
            "an IoU of at least {bound}.",
            **named,
        )
    return counted(
        "Empty maps: nothing in the map of the one method and layer is above zero.",
        "Empty maps: nothing in the map is above zero, of {n} methods and layers under the first that is so.",
        len(gallery.pairs),
    )
