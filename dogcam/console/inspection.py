"""What is in a dataset, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Any

from rich.console import Group
from rich.text import Text

from dogcam.analysis.inspection import ClassCount, Inspection, Kind, Spread
from dogcam.console.ending import files_beside
from dogcam.console.fitting import Column, drawn, stacked
from dogcam.console.tables import clean, duration, show, stream
from dogcam.language.numbers import capital, count, number, percent
from dogcam.report.inspection_words import answer, finding
from dogcam.report.texts import heads, text

ENDS = 5  # classes with the fewest and with the most pictures that are shown where there are many
_FEW = 2 * ENDS + 2  # classes that are all shown


def show_inspection(result: Any) -> None:
    """The answer, counts, sizes, boxes that never look, findings by kind, and what to type next."""
    found, width = result.inspection, stream().width
    show(f"{capital(answer(found))}.", "", _splits(found, width), "", *_classes(found, width))
    for group in (_sizes(found, width), _unseen(found, width), *_kinds(found, width)):
        if group is not None:
            show("", group)
    show("", *map(str, map(clean, result.files[:1])), *files_beside("figures", result.files[1:]))
    show(f"Took {duration(result.seconds)}.")
    place = f" --data-dir {quote(result.config.data_dir)}" if result.config.data_dir else ""
    more = "" if result.files else " --out DIR"
    what = f"{quote(result.config.dataset)}{place}"
    show(*([f"To see pictures and figures: dogcam inspect {what}{more}"] if more else []), f"Next: dogcam train --dataset {what}")


def _splits(found: Inspection, width: int) -> Group:
    names = heads("inspection.contents.split_heads")
    rows = [(s.split, *map(count, (s.pictures, s.unreadable, s.boxed, s.rows, s.boxes))) for s in found.splits]
    columns = [Column.of(head, values, name=not place) for place, (head, *values) in enumerate(zip(names, *rows, strict=True))]
    return drawn(text("inspection.contents.splits"), columns, width)


def _classes(found: Inspection, width: int) -> Sequence[Group]:
    """Pictures and boxes of each class; of many classes the fewest and the most."""
    classes, title = list(found.classes), f"{len(found.classes):,} classes, pictures and boxes"
    if len(classes) > _FEW:
        ranked = sorted(classes, key=lambda each: -each.total)
        classes = [*ranked[:ENDS], *ranked[-ENDS:]]
        title += f": the {ENDS} with the most and the {ENDS} with the fewest; --json has all"
    name = Column.of("class", [each.name for each in classes], name=True, squeeze=0)
    return stacked(title, [name], _counts(classes, [each.split for each in found.splits]), width) if classes else []


def _counts(classes: Sequence[ClassCount], splits: Sequence[str]) -> list[Column]:
    pictures = [Column.of(split, [count(each.pictures[split]) for each in classes]) for split in splits]
    boxes = [Column.of(f"boxes {split}", [count(each.boxes[split]) for each in classes]) for split in splits]
    return [*pictures, *(boxes if any(value != "0" for column in boxes for value in column.values) else [])]


def _sizes(found: Inspection, width: int) -> Group:
    boxes = found.boxes
    rows: list[tuple[str, Spread | None, Any]] = [
        ("area", boxes.area, percent),
        ("width", boxes.width, _pixels),
        ("height", boxes.height, _pixels),
        ("picture_width", found.width, _pixels),
        ("picture_height", found.height, _pixels),
    ]
    there = [(text(f"inspection.places.{key}"), spread, shown) for key, spread, shown in rows if spread is not None]
    columns = [Column.of("", [name for name, *_ in there], name=True)]
    for head, field in zip(heads("inspection.places.size_heads")[1:], ("least", "low", "middle", "high", "most"), strict=True):
        columns.append(Column.of(head, [shown(getattr(spread, field)) for _, spread, shown in there]))
    several = ", ".join(f"{boxes}: {count(pictures)}" for boxes, pictures in list(found.boxes.each_picture.items())[:6])
    more = ", ..." if len(found.boxes.each_picture) > 6 else ""
    return Group(drawn(text("inspection.places.sizes"), columns, width), f"{text('inspection.places.each')}: {several}{more}")


def _pixels(value: float) -> str:
    return count(round(value))


def _unseen(found: Inspection, width: int) -> Group | None:
    """Boxes that never look; None where there is nothing to score them on."""
    splits = [each.split for each in found.splits if any(each.split in unseen.iou for unseen in found.unseen)]
    if not splits:
        return None
    columns = [Column.of("box", [each.name for each in found.unseen], name=True)]
    columns += [Column.of(split, [number(each.iou.get(split)) for each in found.unseen]) for split in splits]
    return drawn(f"Boxes that never look: mean IoU, protocol {found.protocol}", columns, width)


def _kinds(found: Inspection, width: int) -> list[Group]:
    """Findings by kind, with the first of each; those that were set right apart."""
    parts = [("To look at", False, len(found.problems)), ("Set right", True, len(found.mended))]
    return [
        _table(f"{title} ({total:,}; --json has all)", [each for each in found.kinds if each.mended == mended], width)
        for title, mended, total in parts
        if total
    ]


def _table(title: str, kinds: Sequence[Kind], width: int) -> Group:
    """A row each, or, where a row would have to be cut, a sentence each: the end of a reason says as much as its beginning."""
    columns = [
        Column.of("finding", [finding(each.kind) for each in kinds], name=True),
        Column.of("number", [count(each.count) for each in kinds]),
        Column.of("the first", [f"{each.first[0].id}: {each.first[0].reason}" for each in kinds], name=True),
    ]
    if sum(column.width for column in columns) + len(columns) - 1 <= width:
        return drawn(title, columns, width)
    told = (f"{name}: {many}, the first {first}" for name, many, first in zip(*(each.values for each in columns), strict=True))
    return Group(Text(clean(title), style="bold"), *map(Text, told))
