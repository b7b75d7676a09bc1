"""Where the difference between two pipelines comes from: in sentences, as a table and as a waterfall, for page and terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from dogcam.analysis.decomposition import (
    METHOD,
    SCORE,
    PipelineDecomposition,
    PipelineSettings,
    ScoredMap,
    Setting,
)
from dogcam.figures import waterfall
from dogcam.language import say
from dogcam.language.numbers import NONE, count, listed, number, signed, signed_ends
from dogcam.methods import title_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, heads, text
from dogcam.report.wording import interval_words
from dogcam.statistics import Interval, Step

# A choice whose change differs by more than this from order to order is said to depend on the others.
_DEPENDS = 0.01


def decomposition(material: Material) -> Exhibit | None:
    """All that were asked for; None where none was."""
    found = material.analysis.decompositions
    lead = (sentence for each in found for sentence in sentences(each)[:2])
    blocks = (block for each in found for block in (chart(each), _table(each)))
    return exhibit("decomposition", lead, blocks) if found else None


# Words


def choice_words(step: Step) -> str:
    """What a choice is called; of a bundle each of its choices."""
    return " + ".join(map(_called, step.names))


def change_words(found: PipelineDecomposition, step: Step) -> str:
    """What a choice was changed from, and to."""
    return " → ".join(", ".join(settings_words(of, name) for name in step.names) for of in (found.first, found.second))


def settings_words(of: PipelineSettings, choice: str) -> str:
    """What a pipeline has at a choice."""
    return ", ".join(_setting(of, choice, each) for each in of.settings[choice])


def _called(choice: str) -> str:
    return text(f"decomposition.choices.{choice}")


def _setting(of: PipelineSettings, choice: str, setting: Setting) -> str:
    if choice == METHOD:
        return title_of(setting.code)
    filled = "" if setting.number is None else f"{setting.number:g}"
    return text(
        f"decomposition.settings.{choice}.{setting.code}", size=filled, threshold=filled, method=title_of(of.method)
    )


def pipeline_words(of: PipelineSettings) -> str:
    """A pipeline: "CAM by cam2016"."""
    return text("decomposition.pipeline", method=title_of(of.method), protocol=of.protocol)


def _map_words(of: ScoredMap) -> str:
    score = text(f"decomposition.settings.score.{of.score}")
    return text("decomposition.map", method=title_of(of.method), score=score)


# Sentences


def sentences(found: PipelineDecomposition) -> list[str]:
    """What was found, in plain sentences: the difference and whose it is, then what is known, depends and is shared."""
    return [_difference(found), _shares(found), *_known(found), *_depending(found), *_shared(found)]


def _difference(found: PipelineDecomposition) -> str:
    return say(
        "{first} has a mean IoU of {start}, {second} of {end}: {change} ({interval}).",
        first=pipeline_words(found.first),
        start=number(found.numbers.start.value),
        second=pipeline_words(found.second),
        end=number(found.numbers.end.value),
        change=signed_ends(found.numbers.total),
        interval=interval_words(found.numbers.total),
    )


def _shares(found: PipelineDecomposition) -> str:
    """What the method, the score and the handling have of the difference, on average over orders."""
    steps = {step.label: step for step in found.numbers.steps}
    if len(steps) == 1:
        (step,) = steps.values()
        return say("The {choice} alone differs: {change}.", choice=choice_words(step), change=change_words(found, step))
    own = [
        say("the {choice} {change}", choice=_called(name), change=_change(steps.pop(name)))
        for name in (METHOD, SCORE)
        if name in steps
    ]
    parts, orders = "; ".join([*own, *_handling(steps)]), found.numbers.orders
    if orders == 1:
        return say("Of this, in the only order there is: {parts}.", parts=parts)
    return say("Of this, on average over {orders} orders of switching: {parts}.", orders=count(orders), parts=parts)


def _handling(steps: Mapping[str, Step]) -> list[str]:
    """What everything else has of it, together and one by one."""
    each = ", ".join(f"{choice_words(step)} {_change(step)}" for step in steps.values())
    if len(steps) < 2:
        return [each] if each else []
    total = sum(step.average.value for step in steps.values())
    return [say("the handling {change} ({parts})", change=signed(total), parts=each)]


def _change(step: Step) -> str:
    """Its average change, or that it changes no picture's score whatever was switched before."""
    nothing = step.least == step.most == 0 and step.average.low == step.average.high == 0
    return say("nothing") if nothing else signed_ends(step.average)


def _known(found: PipelineDecomposition) -> list[str]:
    """What was found of maps that are alike, and what is not known of maps below 0."""
    told = [text("decomposition.proportional", layer=found.layer)] if found.proportional else []
    if found.bound:
        maps = listed([_map_words(each) for each in found.bound])
        told.append(text("decomposition.bound", maps=maps, orders=count(found.numbers.orders)))
    return told


def _depending(found: PipelineDecomposition) -> list[str]:
    ranges = [
        say(
            "{choice} from {least} to {most}",
            choice=choice_words(step),
            least=signed(step.least),
            most=signed(step.most),
        )
        for step in found.numbers.steps
        if step.most - step.least > _DEPENDS
    ]
    return [text("decomposition.depending", ranges=", ".join(ranges))] if ranges else []


def _shared(found: PipelineDecomposition) -> list[str]:
    parts = [
        say("{choice} ({value})", choice=_called(name), value=settings_words(found.first, name)) for name in found.same
    ]
    return [text("decomposition.shared", choices=", ".join(parts))] if parts else []


# Blocks


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
    rows = [
        _end_row(first, numbers.start),
        *(_step_row(found, step) for step in numbers.steps),
        _end_row(second, numbers.end),
    ]
    return Table(
        text("decomposition.table", first=first, second=second, layer=found.layer, images=count(numbers.total.n)),
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
    return say("{low} to {high}", low=written(found.low), high=written(found.high))
