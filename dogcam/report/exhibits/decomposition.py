"""Where the difference between two pipelines comes from: in sentences, as a table and as a waterfall."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from dogcam.analysis.decomposition import PipelineDecomposition
from dogcam.figures import waterfall
from dogcam.language import say
from dogcam.language.numbers import NONE, count, number, signed
from dogcam.report.decomposition_words import change_words, choice_words, pipeline_words, sentences
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, heads, text
from dogcam.report.wording import interval_words
from dogcam.statistics import Interval, Step


def decomposition(material: Material) -> Exhibit | None:
    """All that were asked for; None where none was."""
    found = material.analysis.decompositions
    lead = (sentence for each in found for sentence in sentences(each)[:2])
    blocks = (block for each in found for block in (chart(each), _table(each)))
    return exhibit("decomposition", lead, blocks) if found else None


def chart(found: PipelineDecomposition) -> Chart:
    """The waterfall."""
    ends = pipeline_words(found.first), pipeline_words(found.second)
    named = {step: choice_words(step) for step in found.numbers.steps}
    numbers = replace(found.numbers, steps=tuple(replace(step, names=(name,)) for step, name in named.items()))
    changes = {name: change_words(found, step) for step, name in named.items()}
    key = "decomposition.caption" if found.run else "decomposition.caption_given"
    caption = text(
        key,
        first=ends[0],
        second=ends[1],
        layer=found.layer,
        run=found.run,
        epoch=found.epoch,
        orders=count(found.numbers.orders),
        interval=interval_words(found.numbers.total),
    )
    return Chart(
        re.sub(r"[^\w.+-]+", "-", f"decomposition-{found.first.name}-{found.second.name}-{found.run}-{found.epoch}"),
        caption,
        text("decomposition.alt"),
        partial(waterfall, numbers, ends, changes, x_label=say("mean IoU")),
    )


def _table(found: PipelineDecomposition) -> Table:
    numbers, first, second = found.numbers, pipeline_words(found.first), pipeline_words(found.second)
    rows = [_end_row(first, numbers.start), *(_step_row(found, step) for step in numbers.steps), _end_row(second, numbers.end)]
    return Table(
        text("decomposition.table", first=first, second=second, layer=found.layer, images=count(numbers.total.units)),
        heads("decomposition.heads"),
        tuple(rows),
        words=2,
        note=" ".join([text("decomposition.note"), *sentences(found)[1:]]),
    )


def _end_row(title: str, mean: Interval) -> Row:
    return Row.of(title, "", Entry(number(mean.value), strong=True), _between(mean, number), *[NONE] * 4)


def _step_row(found: PipelineDecomposition, step: Step) -> Row:
    others = (step.forward.value, step.backward.value, step.least, step.most)
    average = Entry(signed(step.average.value), strong=step.average.verdict != "undecided")
    between = _between(step.average, signed)
    return Row.of(choice_words(step), change_words(found, step), average, between, *map(signed, others))


def _between(found: Interval, written: Callable[[float], str]) -> str:
    if math.isnan(found.low):
        return NONE
    return text("decomposition.between", low=written(found.low), high=written(found.high))
