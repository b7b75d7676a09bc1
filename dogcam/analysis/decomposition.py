"""A walk from one pipeline to another as a result: what was compared, what each choice changes, in words and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

from dogcam.analysis.decomposition_words import METHOD, SCORE, choice_words, pipeline_words, scored_words, value_words
from dogcam.core.files import plain
from dogcam.language import message, say
from dogcam.language.again import again
from dogcam.statistics.decomposition import ACCOUNTS, Decomposition, Step
from dogcam.statistics.intervals import Interval

# A choice whose change differs by more than this from order to order is said to depend on the others.
_DEPENDS = 0.01
# As `intervals` says it; a walk that was kept has it in English.
_TOO_FEW = message("{n} scored images are too few for an interval: {least} are needed")


@dataclass(frozen=True)
class Walk:
    """The way from a first pipeline's mean IoU to a second's, over the same pictures.

    Attributes:
        first, second: the pipelines as they are asked for, "cam@cam2016".
        titles: the same in words, "CAM by cam2016".
        layer: what the maps are of.
        run, epoch: of the model; 0 for one that was not trained here.
        decomposition: its steps are named as the choices are.
        said: by choice that differs, "from → to".
        same: by choice that does not, the value that both have.
        pooled: the maps are of the layer that feeds the pooling.
        proportional: of a logit score, the two methods' maps were found to be CAM's up to a factor and ReLU.
        bound: maps that are known only with ReLU, "Grad-CAM (softmax)", which bounds the order of the choices.
    """

    first: str
    second: str
    titles: tuple[str, str]
    layer: str
    run: int
    epoch: int
    decomposition: Decomposition
    said: Mapping[str, str]
    same: Mapping[str, str]
    pooled: bool
    proportional: bool = False
    bound: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON; `walk_from` reads them."""
        document = {name: value for name, value in vars(self).items() if name != "decomposition"}
        return plain({**document, **asdict(self.decomposition), "sentences": self.sentences()})

    @property
    def ends(self) -> tuple[str, str]:
        """What the two pipelines are called in the language that is spoken; `titles` are kept in English."""
        first, second = map(pipeline_words, self.titles)
        return first, second

    def sentences(self) -> list[str]:
        """What was found, in plain sentences, in the language that is spoken."""
        return [self._gap(), self._shares(), *self._known(), *self._depending(), *self._shared()]

    def _gap(self) -> str:
        found = self.decomposition
        return say(
            "{first} has a mean IoU of {start}, {second} of {end}: {change} ({interval}).",
            first=self.ends[0],
            start=f"{found.start.value:.3f}",
            second=self.ends[1],
            end=f"{found.end.value:.3f}",
            change=_change(found.total),
            interval=interval_words(found.total),
        )

    def _known(self) -> list[str]:
        """What was found of maps that are alike, and what is not known of maps below 0."""
        told = []
        if self.proportional:
            told.append(
                say(
                    "At {layer}, which feeds the pooling, both methods' maps of a logit score are CAM's but for a factor and "
                    "ReLU (found on every picture): once both are cut at 0, or neither is, they draw the same boxes.",
                    layer=self.layer,
                )
            )
        if self.bound:
            told.append(
                say(
                    "Below 0 nothing is known of {maps}, whose own formula leaves nothing there: only the {orders} orders count "
                    "that compare it with what is cut at 0 as well.",
                    maps=_listed([scored_words(each) for each in self.bound]),
                    orders=f"{self.decomposition.orders:,}",
                )
            )
        return told

    def _shares(self) -> str:
        """What the method, the score and the handling have of the gap, on average over orders."""
        steps = {step.label: step for step in self.decomposition.steps}
        if len(steps) == 1:
            (name,) = steps
            words = {"choice": choice_words(name), "change": value_words(self.said[name])}
            return say("The {choice} alone differs: {change}.", **words)
        own = [_own(name, steps.pop(name)) for name in (METHOD, SCORE) if name in steps]
        parts = "; ".join([*own, *_handling(steps)])
        orders = self.decomposition.orders
        if orders == 1:
            return say("Of this, in the only order there is: {parts}.", parts=parts)
        return say("Of this, on average over {orders} orders of switching: {parts}.", orders=f"{orders:,}", parts=parts)

    def _depending(self) -> list[str]:
        depending = [step for step in self.decomposition.steps if step.most - step.least > _DEPENDS]
        if not depending:
            return []
        ranges = ", ".join(
            say(
                "{choice} from {least} to {most}",
                choice=choice_words(step.label),
                least=signed(step.least),
                most=signed(step.most),
            )
            for step in depending
        )
        return [say("What a choice changes depends on what was switched before it: {ranges}.", ranges=ranges)]

    def _shared(self) -> list[str]:
        if not self.same:
            return []
        parts = ", ".join(
            say("{choice} ({value})", choice=choice_words(name), value=value_words(value))
            for name, value in self.same.items()
        )
        return [say("Both have the same {choices}.", choices=parts)]


def _own(name: str, step: Step) -> str:
    """What the method or the score has of the gap."""
    return say("the {choice} {change}", choice=choice_words(name), change=_step(step))


def _handling(steps: Mapping[str, Step]) -> list[str]:
    """What everything else has of it, together and one by one."""
    each = ", ".join(f"{choice_words(name)} {_step(step)}" for name, step in steps.items())
    if len(steps) < 2:
        return [each] if each else []
    total = sum(step.average.value for step in steps.values())
    return [say("the handling {change} ({parts})", change=signed(total), parts=each)]


def _listed(items: list[str]) -> str:
    return reduce(lambda first, second: say("{first} and {second}", first=first, second=second), items)


def signed(value: float) -> str:
    """A difference with its sign (a true minus); what rounds to zero has none."""
    text = f"{value:+.3f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def _step(step: Step) -> str:
    """Its average change, or that it changes no picture's score whatever was switched before."""
    nothing = step.least == step.most == 0 and step.average.low == step.average.high == 0
    return say("nothing") if nothing else _change(step.average)


def interval_words(found: Interval) -> str:
    """How an interval was made; where there is none, why."""
    return again(found.reason, [_TOO_FEW]) if math.isnan(found.low) else found.described


def _change(found: Interval) -> str:
    """ "+0.018 [+0.012, +0.024]"; without an interval where there is none."""
    if math.isnan(found.low):
        return signed(found.value)
    return f"{signed(found.value)} [{signed(found.low)}, {signed(found.high)}]"


def walk_from(document: Mapping[str, Any]) -> Walk:
    """The walk of a `Walk.document`, also one that was read from JSON.

    Raises:
        KeyError: it is not such a document.
    """
    steps = tuple(
        Step(
            tuple(step["names"]),
            *(_interval(step[account]) for account in ACCOUNTS),
            step["least"],
            step["most"],
        )
        for step in document["steps"]
    )
    ends = (_interval(document[name]) for name in ("start", "end", "total"))
    orders = (tuple(document[name]) for name in ("forward_order", "backward_order"))
    return Walk(
        **{name: document[name] for name in ("first", "second", "layer", "run", "epoch", "pooled", "proportional")},
        titles=tuple(document["titles"]),
        decomposition=Decomposition(*ends, steps, *orders, document["orders"]),
        said=dict(document["said"]),
        same=dict(document["same"]),
        bound=tuple(document["bound"]),
    )


def _interval(values: Mapping[str, Any]) -> Interval:
    """JSON has no NaN: an interval that there is none of is null there."""
    return Interval(**{name: math.nan if value is None else value for name, value in values.items()})
