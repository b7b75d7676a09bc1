"""The boxes of the pictures that were explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group

from dogcam.console.tables import clean, show, show_problems, table


def show_explanations(result: Any) -> None:
    """For each picture the top classes, and for each class explained the boxes, in pixels of the original."""
    for explanation in result.explanations:
        height, width = explanation.shape
        show("", f"{clean(explanation.record.id)} ({width} x {height})")
        for epoch, top in explanation.top.items():
            # Of ImageNet's synonyms, which commas part, the first says enough here; --json has them all.
            classes = ", ".join(f"{clean(name.partition(',')[0])} {share:.3f}" for name, share in top)
            show(f"{'' if epoch is None else f'epoch {epoch}: '}{classes}")
        for title, heats in _by_class(explanation.heats).items():
            show(_heat_table(title, heats, width, height))
    show("")
    maps = [heat for explanation in result.explanations for heat in explanation.heats if heat.target is not None]
    _show_doubtful(maps)
    count = sum(len(explanation.files) for explanation in result.explanations)
    show(f"{_counted(count, 'file')} in {result.out} (model {result.model}, protocol {result.protocol.name})")
    given = result.boxes
    if given.folders:
        without = f", none in {_counted(given.without, 'picture')}" if given.without else ""
        where = given.folders[0] if len(given.folders) == 1 else f"{len(given.folders)} folders of {result.out}/boxes"
        show(f"{_counted(given.boxes, 'box', 'boxes')} given back in {where}{without}")
    show_problems(result.problems)


def _by_class(heats: Sequence[Any]) -> dict[str, list[Any]]:
    """Heat by the title of its table: the class it is for, and the one it is set against."""
    found: dict[str, list[Any]] = {}
    for heat in heats:
        against = "" if heat.against is None else f" against {heat.against}"
        title = "baselines, the same box in every picture" if heat.target is None else f"heat for {heat.target}{against}"
        found.setdefault(title, []).append(heat)
    return found


def _heat_table(title: str, heats: Sequence[Any], width: int, height: int) -> Group:
    """A row for each map; columns that would be blank are left out."""
    headings = ["method", "layer", "epoch", "above", "box x0 y0 x1 y1", "IoU", "remark"]
    rows = [_heat_row(heat, width, height) for heat in heats]
    used = [i for i in range(len(headings)) if any(row[i] for row in rows)]
    left = sum(position < 2 for position in used)
    return table(title, [headings[i] for i in used], [[row[i] for i in used] for row in rows], left=left)


def _heat_row(heat: Any, width: int, height: int) -> list[str]:
    corners = zip(heat.box, (width, height, width, height), strict=True) if heat.box is not None else ()
    box = " ".join(f"{round(float(value) * side)}" for value, side in corners) or "none"
    score = "" if heat.iou is None else f"{heat.iou:.3f}"
    remark = ", ".join(word for word, holds in (("empty", heat.empty), ("flagged", heat.flagged)) if holds)
    above = "" if heat.threshold is None else f"{heat.threshold:.2f}"
    return [heat.method, heat.layer, "" if heat.epoch is None else str(heat.epoch), above, box, score, remark]


def _show_doubtful(maps: Sequence[Any]) -> None:
    """How many maps say nothing, and how many are not what their formula means, where there are any."""
    empty, flagged = sum(heat.empty for heat in maps), sum(heat.flagged for heat in maps)
    if empty:
        show(f"{empty} of {_counted(len(maps), 'map')} empty: no value above zero.")
    if flagged:
        show(
            f"{flagged} of {_counted(len(maps), 'map')} flagged: the formula does not hold there (it is meant for scores "
            "above zero, or a value was not finite)."
        )


def _counted(count: int, name: str, several: str = "") -> str:
    """ "1 file", "2 files"."""
    return f"{count} {name}" if count == 1 else f"{count} {several or f'{name}s'}"
