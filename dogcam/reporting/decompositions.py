"""Where the gap between two methods comes from, as a table and a waterfall, from what `summary.json` kept of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from dogcam.figures import waterfall
from dogcam.reporting import NONE, Chart, Entry, Exhibit, Row, Table, count, number, signed
from dogcam.reporting.evidence import Evidence
from dogcam.statistics import Interval, Step, Walk, walk_from

PLACE = 8


def gaps(evidence: Evidence) -> Exhibit | None:
    """Exhibit 8, beyond the study's six: all gaps that were looked into; None where there are none."""
    kept = evidence.evaluation.walks() if evidence.evaluation else []
    if not kept:
        return None
    walks = [walk_from(document) for document in kept]
    return Exhibit(
        PLACE,
        "gap",
        "Where the gap comes from: one choice at a time",
        tuple(sentence for walk in walks for sentence in walk.sentences()[:2]),
        tuple(block for document in kept for block in decomposition_blocks(document)),
        "How much of the difference between two pipelines is the method, and how much what is done to its map.",
        "What a choice changes depends on the other choices: the average over all orders is one fair account of it, not the "
        "only one; where least and most lie far apart, look at both.",
    )


def decomposition_blocks(document: Mapping[str, Any]) -> list[Table | Chart]:
    """The waterfall and the table of one walk.

    Args:
        document: of `Walk.document`.

    Raises:
        KeyError: it is not such a document.
    """
    walk = walk_from(document)
    return [_chart(walk), _table(walk)]


def _chart(walk: Walk) -> Chart:
    found = walk.decomposition
    draw = partial(waterfall, found, walk.titles, walk.said)
    where = f"run {walk.run}, epoch {walk.epoch}" if walk.run else "the model as it was given"
    return Chart(
        re.sub(r"[^\w.+-]+", "-", f"gap-{walk.first}-{walk.second}-{walk.run}-{walk.epoch}"),
        f"Where the gap comes from: mean IoU from {walk.titles[0]} to {walk.titles[1]} at {walk.layer}, {where}; each "
        f"choice's change is its average over {count(found.orders)} orders of switching, with its "
        f"interval ({found.total.described}).",
        "Waterfall of the changes of mean IoU, choice by choice; the numbers are in the table.",
        draw,
    )


def _table(walk: Walk) -> Table:
    found = walk.decomposition
    rows = [
        _end_row(walk.titles[0], found.start),
        *(_step_row(step, walk.said.get(step.label, NONE)) for step in found.steps),
        _end_row(walk.titles[1], found.end),
    ]
    return Table(
        f"What each choice changes in mean IoU, from {walk.titles[0]} to {walk.titles[1]} at {walk.layer} "
        f"({found.total.n:,} images).",
        ("choice", "from → to", "average", "interval", "forward", "backward", "least", "most"),
        tuple(rows),
        words=2,
        note=" ".join(
            [
                "Average: over all possible orders of switching (Shapley's value); forward: in the order of the rows; "
                "backward: in the reverse order; least and most: in any order.",
                *walk.sentences()[1:],
            ]
        ),
    )


def _end_row(title: str, mean: Interval) -> Row:
    return Row.of(title, "", Entry(number(mean.value), strong=True), _between(mean, number), *[NONE] * 4)


def _step_row(step: Step, words: str) -> Row:
    others = (step.forward.value, step.backward.value, step.least, step.most)
    average = Entry(signed(step.average.value), strong=step.average.verdict != "undecided")
    return Row.of(step.label, words, average, _between(step.average, signed), *map(signed, others))


def _between(found: Interval, written: Any) -> str:
    return NONE if found.low != found.low else f"{written(found.low)} to {written(found.high)}"
