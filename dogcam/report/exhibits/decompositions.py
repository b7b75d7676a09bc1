"""Where the gap between two methods comes from, as a table and a waterfall, from what `summary.json` kept of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from dogcam.analysis.decomposition import Walk, interval_words, walk_from
from dogcam.analysis.decomposition_words import changes_in_words, choice_words
from dogcam.analysis.evidence import Evidence
from dogcam.figures import waterfall
from dogcam.language import message, say
from dogcam.language.numbers import NONE, count, number, signed
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.statistics import Decomposition, Interval, Step

_HEADS = (
    message("choice"),
    message("from → to"),
    message("average"),
    message("interval"),
    message("forward"),
    message("backward"),
    message("least"),
    message("most"),
)


def gaps(evidence: Evidence) -> Exhibit | None:
    """Exhibit 11, beyond the study's six: all gaps that were looked into; None where there are none."""
    kept = evidence.evaluation.walks() if evidence.evaluation else []
    if not kept:
        return None
    walks = [walk_from(document) for document in kept]
    return Exhibit(
        "gap",
        say("Where the gap comes from: one choice at a time"),
        tuple(sentence for walk in walks for sentence in walk.sentences()[:2]),
        tuple(block for document in kept for block in decomposition_blocks(document)),
        say("How much of the difference between two pipelines is the method, and how much what is done to its map."),
        say(
            "What a choice changes depends on the other choices: the average over all orders is one fair account of it, not "
            "the only one; where least and most lie far apart, look at both."
        ),
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
    draw = partial(waterfall, _named(found), walk.ends, changes_in_words(walk.said), x_label=say("mean IoU"))
    return Chart(
        re.sub(r"[^\w.+-]+", "-", f"gap-{walk.first}-{walk.second}-{walk.run}-{walk.epoch}"),
        _caption(walk),
        say("Waterfall of the changes of mean IoU, choice by choice; the numbers are in the table."),
        draw,
    )


def _caption(walk: Walk) -> str:
    first, second = walk.ends
    values = {
        "first": first,
        "second": second,
        "layer": walk.layer,
        "orders": count(walk.decomposition.orders),
        "interval": interval_words(walk.decomposition.total),
    }
    if not walk.run:
        return say(
            "Where the gap comes from: mean IoU from {first} to {second} at {layer}, the model as it was given; each choice's "
            "change is its average over {orders} orders of switching, with its interval ({interval}).",
            **values,
        )
    return say(
        "Where the gap comes from: mean IoU from {first} to {second} at {layer}, run {run}, epoch {epoch}; each choice's "
        "change is its average over {orders} orders of switching, with its interval ({interval}).",
        **values,
        run=walk.run,
        epoch=walk.epoch,
    )


def _named(found: Decomposition) -> Decomposition:
    """With the choices called as they are in the language that is spoken."""
    return replace(found, steps=tuple(replace(step, names=(choice_words(step.label),)) for step in found.steps))


def _table(walk: Walk) -> Table:
    found, (first, second) = walk.decomposition, walk.ends
    changes = changes_in_words(walk.said)
    rows = [
        _end_row(first, found.start),
        *(_step_row(step, changes.get(step.label, NONE)) for step in _named(found).steps),
        _end_row(second, found.end),
    ]
    note = say(
        "Average: over all possible orders of switching (Shapley's value); forward: in the order of the rows; backward: in "
        "the reverse order; least and most: in any order."
    )
    return Table(
        say(
            "What each choice changes in mean IoU, from {first} to {second} at {layer} ({n} images).",
            first=first,
            second=second,
            layer=walk.layer,
            n=count(found.total.n),
        ),
        tuple(say(head) for head in _HEADS),
        tuple(rows),
        words=2,
        note=" ".join([note, *walk.sentences()[1:]]),
    )


def _end_row(title: str, mean: Interval) -> Row:
    return Row.of(title, "", Entry(number(mean.value), strong=True), _between(mean, number), *[NONE] * 4)


def _step_row(step: Step, words: str) -> Row:
    others = (step.forward.value, step.backward.value, step.least, step.most)
    average = Entry(signed(step.average.value), strong=step.average.verdict != "undecided")
    return Row.of(step.label, words, average, _between(step.average, signed), *map(signed, others))


def _between(found: Interval, written: Any) -> str:
    if math.isnan(found.low):
        return NONE
    return say("{low} to {high}", low=written(found.low), high=written(found.high))
