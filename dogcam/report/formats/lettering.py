"""Figures whose words could not be drawn in the language of the page are drawn in English instead of in empty boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dogcam.figures import warning
from dogcam.language import SOURCE, speaking
from dogcam.report.document import Chart, Document, Exhibit, Sheet


def legible(document: Document, again: Callable[[], Document]) -> Document:
    """The document itself, or with figures labelled in English where no installed font has the letters of its language.

    Args:
        again: makes the same document in the language that is spoken then; called only where fonts are missing.
    """
    if not warning():
        return document
    with speaking(SOURCE):
        english = again()
    drawn = {block.name: block for exhibit in english.exhibits for block in exhibit.blocks if _is_figure(block)}
    hero = replace(document.hero, draw=english.hero.draw) if document.hero and english.hero else document.hero
    return replace(document, hero=hero, exhibits=tuple(_with(each, drawn) for each in document.exhibits))


def _is_figure(block: object) -> bool:
    return isinstance(block, Chart | Sheet)


def _with(exhibit: Exhibit, drawn: dict[str, Any]) -> Exhibit:
    """An exhibit whose figures draw what those of the same names draw."""
    blocks = [
        replace(each, draw=drawn[each.name].draw) if _is_figure(each) and each.name in drawn else each
        for each in exhibit.blocks
    ]
    return replace(exhibit, blocks=tuple(blocks))
