"""Where the difference between two pipelines comes from, in words: for page and terminal alike."""

from __future__ import annotations

from collections.abc import Mapping

from dogcam.analysis.decomposition import METHOD, SCORE, PipelineDecomposition, PipelineSettings, ScoredMap, Setting
from dogcam.language.numbers import count, listed, number, signed, signed_ends
from dogcam.methods import title_of
from dogcam.report.texts import text
from dogcam.report.wording import interval_words
from dogcam.statistics import Step

# A choice whose change differs by more than this from order to order is said to depend on the others.
_DEPENDS = 0.01


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
    return text(f"decomposition.settings.{choice}.{setting.code}", size=filled, threshold=filled, method=title_of(of.method))


def pipeline_words(of: PipelineSettings) -> str:
    """A pipeline: "CAM by cam2016"."""
    return text("decomposition.pipeline", method=title_of(of.method), protocol=of.protocol)


def _map_words(of: ScoredMap) -> str:
    score = text(f"decomposition.settings.score.{of.score}")
    return text("decomposition.map", method=title_of(of.method), score=score)


def sentences(found: PipelineDecomposition) -> list[str]:
    """What was found, in plain sentences: the difference and whose it is, then what is known, depends and is shared."""
    return [_difference(found), _shares(found), *_known(found), *_depending(found), *_shared(found)]


def _difference(found: PipelineDecomposition) -> str:
    return text(
        "decomposition.difference",
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
        return text("decomposition.alone", choice=choice_words(step), change=change_words(found, step))
    own = [
        text("decomposition.own", choice=_called(name), change=_change(steps.pop(name)))
        for name in (METHOD, SCORE)
        if name in steps
    ]
    parts, orders = "; ".join([*own, *_handling(steps)]), found.numbers.orders
    if orders == 1:
        return text("decomposition.in_one_order", parts=parts)
    return text("decomposition.in_orders", orders=count(orders), parts=parts)


def _handling(steps: Mapping[str, Step]) -> list[str]:
    """What everything else has of it, together and one by one."""
    each = ", ".join(f"{choice_words(step)} {_change(step)}" for step in steps.values())
    if len(steps) < 2:
        return [each] if each else []
    total = sum(step.average.value for step in steps.values())
    return [text("decomposition.handling", change=signed(total), parts=each)]


def _change(step: Step) -> str:
    """Its average change, or that it changes no picture's score whatever was switched before."""
    nothing = step.least == step.most == 0 and step.average.low == step.average.high == 0
    return text("decomposition.nothing") if nothing else signed_ends(step.average)


def _known(found: PipelineDecomposition) -> list[str]:
    """What was found of maps that are alike, and what is not known of maps below 0."""
    told = [text("decomposition.proportional", layer=found.layer)] if found.proportional else []
    if found.bound:
        maps = listed([_map_words(each) for each in found.bound])
        told.append(text("decomposition.bound", maps=maps, orders=count(found.numbers.orders)))
    return told


def _depending(found: PipelineDecomposition) -> list[str]:
    ranges = [
        text("decomposition.range", choice=choice_words(step), least=signed(step.least), most=signed(step.most))
        for step in found.numbers.steps
        if step.most - step.least > _DEPENDS
    ]
    return [text("decomposition.depending", ranges=", ".join(ranges))] if ranges else []


def _shared(found: PipelineDecomposition) -> list[str]:
    parts = [text("decomposition.same", choice=_called(name), value=settings_words(found.first, name)) for name in found.same]
    return [text("decomposition.shared", choices=", ".join(parts))] if parts else []
