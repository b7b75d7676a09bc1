"""The page of an inspected dataset: what it holds, what is wrong with it, where its boxes lie, and pictures to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from dogcam.analysis.inspection import ClassCount, Inspection, Kind, Spread
from dogcam.analysis.samples import Sample
from dogcam.boxes.baselines import BASELINES
from dogcam.figures import box_places, wall
from dogcam.figures.panel import Panel
from dogcam.language.numbers import NONE, capital, count, listed, number, percent
from dogcam.report.document import Chart, Document, Entry, Exhibit, Row, Sheet, Table, Tile
from dogcam.report.inspection_words import division_words, finding, holds, looked_at, picked, unseen_words
from dogcam.report.texts import exhibit, heads, text

_FOLDED = 20  # classes, with more of which their table opens on demand
_COLUMNS = 6  # pictures in a line of the contact sheet


def compose_inspection(found: Inspection, pictures: Mapping[str, np.ndarray]) -> Document:
    """The page of what was found.

    Args:
        pictures: those of the sample, by id: uint8 (h, w, 3).
    """
    exhibits = [_findings(found), _places(found), _unseen(found), _contents(found), _samples(found, pictures)]
    return Document(
        name=found.dataset,
        headline="; ".join([holds(found), looked_at(found)]),
        answer=(f"{capital(unseen_words(found))}.",),
        facts=tuple(_facts(found)),
        hero=None,
        findings=(),
        exhibits=tuple(replace(each, place=place) for place, each in enumerate(filter(None, exhibits), start=1)),
        provenance=(_made(found),),
        subtitle=division_words(found.division),
        kind="dogcam inspect",
    )


def _facts(found: Inspection) -> list[tuple[str, str]]:
    facts = [(count(found.pictures), text("inspection.facts.pictures"))]
    facts.append((count(len(found.classes)), text("inspection.facts.classes")))
    facts.append((count(sum(each.boxes for each in found.splits)), text("inspection.facts.boxes")))
    if found.best_unseen is not None:
        best, split = found.best_unseen
        facts.append((number(best.iou[split]), text("inspection.facts.unseen", box=BASELINES[best.name].title)))
    return facts


def _findings(found: Inspection) -> Exhibit | None:
    """What is wrong, by kind, and every case of it; None where nothing is."""
    if not found.kinds:
        return None
    rows = [Row.of(_state(each), each.first[0].id, count(each.count)) for each in found.kinds]
    tables = [Table(text("inspection.findings.table"), heads("inspection.findings.heads"), tuple(rows), words=2)]
    for key, problems in (("problems", found.problems), ("mended", found.mended)):
        if problems:
            every = tuple(Row.of(each.id, finding(each.kind), each.split or NONE, each.reason) for each in problems)
            caption = text(f"inspection.findings.{key}", n=count(len(problems)))
            tables.append(Table(caption, heads("inspection.findings.each_heads"), every, words=4, folded=True))
    return _exhibit("findings", [], tables)


def _state(each: Kind) -> str:
    """The kind of a finding, and whether it was mended."""
    return text("inspection.mended", finding=finding(each.kind)) if each.mended else finding(each.kind)


def _exhibit(key: str, lead: Iterable[str], blocks: Iterable[Table | Chart | Sheet]) -> Exhibit:
    """An exhibit of this page; `key` is its anchor and where its texts stand."""
    said = {name: text(f"inspection.{key}.{name}") for name in ("title", "can", "cannot")}
    return exhibit(key, lead, blocks, **said)


def _places(found: Inspection) -> Exhibit | None:
    """Where boxes lie and how large they are; None where there are none."""
    boxes = found.boxes
    if boxes.area is None or boxes.mean is None:
        return None
    draw = partial(box_places, np.array(boxes.covered), boxes.mean, boxes.areas, boxes.area.middle)
    chart = Chart("box-places", text("inspection.places.chart"), text("inspection.places.alt"), draw)
    rows = [
        Row.of(text("inspection.places.area"), *_quantiles(boxes.area, percent)),
        *(Row.of(text(f"inspection.places.{name}"), *_quantiles(getattr(boxes, name), _pixels)) for name in ("width", "height")),
        Row.of(text("inspection.places.picture_width"), *_quantiles(found.width, _pixels)),
        Row.of(text("inspection.places.picture_height"), *_quantiles(found.height, _pixels)),
    ]
    sizes = Table(text("inspection.places.sizes"), heads("inspection.places.size_heads"), tuple(rows))
    each = [Row.of(count(number_), count(pictures)) for number_, pictures in boxes.each_picture.items()]
    numbers = Table(text("inspection.places.each"), heads("inspection.places.each_heads"), tuple(each), folded=len(each) > 8)
    return _exhibit("places", [], [chart, numbers, sizes])


def _quantiles(spread: Spread | None, shown) -> list[str]:  # noqa: ANN001
    values = (spread.least, spread.low, spread.middle, spread.high, spread.most) if spread else (None,) * 5
    return [shown(value) for value in values]


def _pixels(value: float | None) -> str:
    return NONE if value is None else count(round(value))


def _unseen(found: Inspection) -> Exhibit | None:
    """Boxes that never look; None where there is nothing to score them on."""
    if found.best_unseen is None:
        return None
    best, split = found.best_unseen
    splits = [each.split for each in found.splits if any(each.split in unseen.iou for unseen in found.unseen)]
    rows = []
    for unseen in found.unseen:
        means = [Entry(number(unseen.iou.get(each)), unseen is best and each == split, unseen.iou.get(each)) for each in splits]
        rows.append(Row.of(BASELINES[unseen.name].title, *means))
    rows_of = [f"{each} {count(best.rows.get(each))}" for each in splits]
    table = Table(
        text("inspection.unseen.table", protocol=found.protocol), (text("inspection.unseen.box"), *splits), tuple(rows),
        note=text("inspection.unseen.note", rows=listed(rows_of)),
    )  # fmt: skip
    lead = text("inspection.unseen.lead", box=BASELINES[best.name].title, iou=number(best.iou[split]), split=split)
    return _exhibit("unseen", [lead], [table])


def _contents(found: Inspection) -> Exhibit:
    """Counts by split and by class."""
    rows = [
        Row.of(each.split, *map(count, (each.pictures, each.unreadable, each.boxed, each.rows, each.boxes)))
        for each in found.splits
    ]
    splits = Table(text("inspection.contents.splits"), heads("inspection.contents.split_heads"), tuple(rows))
    names = [each.split for each in found.splits]
    columns = (text("inspection.contents.class"), *names, *(text("inspection.contents.boxes_of", split=each) for each in names))
    lines = tuple(_class_row(each, names) for each in found.classes)
    folded = len(lines) > _FOLDED
    classes = Table(text("inspection.contents.classes", n=count(len(lines))), columns, lines, folded=folded)
    return _exhibit("contents", [], [splits, classes])


def _class_row(each: ClassCount, splits: Sequence[str]) -> Row:
    return Row.of(each.name, *(count(each.pictures[s]) for s in splits), *(count(each.boxes[s]) for s in splits))


def _samples(found: Inspection, pictures: Mapping[str, np.ndarray]) -> Exhibit | None:
    """The contact sheet; None where no picture could be read."""
    tiles = tuple(_tile(each, pictures[each.picture]) for each in found.samples if each.picture in pictures)
    if not tiles:
        return None
    caption = text("inspection.samples.caption", n=len(tiles))
    draw = partial(wall, [(each.pixels, each.panel, each.truth) for each in tiles], columns=_COLUMNS)
    return _exhibit("samples", [], [Sheet("contact-sheet", caption, caption, (("", tiles),), draw, mixed=True)])


def _tile(sample: Sample, pixels: np.ndarray) -> Tile:
    """A picture of the sheet: its classes and its id above it, why it is there below."""
    why = ", ".join(picked(rule) for rule in sample.rules)
    alt = text("inspection.samples.alt", picture=sample.picture, split=sample.split, why=why)
    return Tile(
        Panel(f"{', '.join(sample.classes)}\n{sample.picture}", note=why),
        pixels,
        np.array(sample.boxes, np.float32).reshape(-1, 4),
        alt,
    )


def _made(found: Inspection) -> Table:
    source = found.source
    known = {
        "dataset": found.dataset,
        "source": source and text(f"provenance.sources.{source.kind}", folder=source.folder, name=source.name),
        "division": division_words(found.division),
        "fingerprint": found.fingerprint,
        "rows": text("inspection.made.several") if found.multilabel else text("inspection.made.one"),
    }
    rows = tuple(Row.of(text(f"inspection.made.{key}"), value) for key, value in known.items() if value)
    return Table(text("inspection.made.caption"), heads("inspection.made.heads"), rows, words=2)
