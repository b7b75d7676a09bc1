"""A walk from one pipeline to another as a result: what was compared, what each choice changes, in words and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dogcam.files import plain
from dogcam.statistics.decomposition import ACCOUNTS, Decomposition, Step
from dogcam.statistics.intervals import Interval

METHOD, SCORE, RELU = "method", "score", "ReLU"
# A choice whose change differs by more than this from order to order is said to depend on the others.
_DEPENDS = 0.01


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

    def sentences(self) -> list[str]:
        """What was found, in plain sentences."""
        found = self.decomposition
        told = [
            f"{self.titles[0]} has a mean IoU of {found.start.value:.3f}, {self.titles[1]} of {found.end.value:.3f}: "
            f"{_change(found.total)} ({_described(found.total)}).",
            self._shares(),
        ]
        if self.proportional:
            told.append(
                f"At {self.layer}, which feeds the pooling, both methods' maps of a logit score are CAM's but for a factor "
                "and ReLU (found on every picture): once both are cut at 0, or neither is, they draw the same boxes."
            )
        if self.bound:
            told.append(
                f"Below 0 nothing is known of {' and '.join(self.bound)}, whose own formula leaves nothing there: only the "
                f"{found.orders:,} orders count that compare it with what is cut at 0 as well."
            )
        return [*told, *self._depending(), *self._shared()]

    def _shares(self) -> str:
        """What the method, the score and the handling have of the gap, on average over orders."""
        steps = {step.label: step for step in self.decomposition.steps}
        if len(steps) == 1:
            (name,) = steps
            return f"The {name} alone differs: {self.said[name]}."
        parts = [f"the {name} {_step(steps.pop(name))}" for name in (METHOD, SCORE) if name in steps]
        if steps:
            total = sum(step.average.value for step in steps.values())
            each = ", ".join(f"{name} {_step(step)}" for name, step in steps.items())
            parts.append(f"the handling {signed(total)} ({each})" if len(steps) > 1 else each)
        orders = self.decomposition.orders
        over = "in the only order there is" if orders == 1 else f"on average over {orders:,} orders of switching"
        return f"Of this, {over}: {'; '.join(parts)}."

    def _depending(self) -> list[str]:
        depending = [step for step in self.decomposition.steps if step.most - step.least > _DEPENDS]
        if not depending:
            return []
        ranges = ", ".join(f"{step.label} from {signed(step.least)} to {signed(step.most)}" for step in depending)
        return [f"What a choice changes depends on what was switched before it: {ranges}."]

    def _shared(self) -> list[str]:
        return [f"Both have the same {', '.join(f'{name} ({value})' for name, value in self.same.items())}."] * bool(
            self.same
        )


def signed(value: float) -> str:
    """A difference with its sign (a true minus); what rounds to zero has none."""
    text = f"{value:+.3f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def _step(step: Step) -> str:
    """Its average change, or that it changes no picture's score whatever was switched before."""
    nothing = step.least == step.most == 0 and step.average.low == step.average.high == 0
    return "nothing" if nothing else _change(step.average)


def _described(found: Interval) -> str:
    return found.reason if math.isnan(found.low) else found.described


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
