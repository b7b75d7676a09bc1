"""Claims held against the evidence: each one a verdict, and the comparisons it rests on.

All comparisons are paired: the same images under both conditions. A claim is supported where the 95 % bootstrap interval of
every difference it rests on lies on its side of 0. It is contradicted where any one lies on the other side, and as any one
of several suffices, that interval is widened for their number (Bonferroni; see `statistics.claim`). The intervals say how
sure we are about further images; about training again as well only where several runs were scored at the same epochs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from dogcam.analysis.comparison import Comparison, spoken
from dogcam.analysis.tables import Tables
from dogcam.analysis.weighing import Topic, Weighed, same_boxes, weigh
from dogcam.statistics import Interval, all_of


@dataclass(frozen=True)
class Difference:
    """A paired difference in IoU at the layer that feeds the pooling: between two methods, or two epochs of one.

    Attributes:
        method: the method whose IoU is the first.
        other: the method, or the box that never looks, that is subtracted at the same epoch; null between two epochs.
        epoch: of the first.
        earlier: the epoch of the same method that is subtracted; null between two methods.
        interval: the mean difference, with its paired interval.
        verdict: above, below or undecided: of "beats" as the family of all methods and boxes has it, else by the interval.
    """

    method: str
    other: str | None
    epoch: int
    earlier: int | None
    interval: Interval
    verdict: str


@dataclass(frozen=True)
class Claim:
    """A claim held against the evidence under one protocol.

    Attributes:
        claim: "above" (Grad-CAM above CAM at each epoch), "rises" (CAM, from each epoch to the next), "falls" (Grad-CAM at the
            last epoch), "parts" (these two as one) or "beats" (heatmaps against the best box that never looks).
        source: who makes it: "study" or "dogcam".
        protocol: under which it was judged.
        verdict: "supported", "contradicted", "undecided", or "identical" where both methods draw the same boxes throughout.
        differences: what it rests on.
        whole: of "rises" the change from the first epoch to the last, where there are several steps; null of others.
        of_parts: of "parts" the verdicts on its two: Grad-CAM falls, CAM rises; empty of others.
        box_iou: of "beats" the mean IoU of the box that never looks; null of others.
        relu: of "above" whether the protocol cuts negative values; null where that is not known, and of others.
        score: of "above" what the protocol takes gradients of, "logit" or "softmax"; null where that is not known, and of others.
        pooled: of "beats" whether it is about the layer that feeds the pooling; somebody else's maps are of no layer.
    """

    claim: str
    source: str
    protocol: str
    verdict: str
    differences: tuple[Difference, ...]
    whole: Difference | None = None
    of_parts: tuple[str, ...] = ()
    box_iou: float | None = None
    relu: bool | None = None
    score: str | None = None
    pooled: bool = True


class _Between(NamedTuple):
    """What is subtracted from what, as a `Difference` has it."""

    method: str
    other: str | None
    epoch: int
    earlier: int | None


def claims(tables: Tables, comparisons: Iterable[Comparison]) -> tuple[Claim, ...]:
    """All claims that the tables can speak to, protocol by protocol; the study's own come first."""
    topics = [topic for protocol in tables.protocols for topic in _topics(tables, protocol) if topic.sides]
    weighed, made, families = weigh(topics), [], list(comparisons)
    for protocol in tables.protocols:
        mine = {topic.name: topic for topic in topics if topic.protocol == protocol}
        found = {name: weighed[protocol, name] for name in mine}
        made += [*_studys(tables, protocol, found, _alike(mine.get("above"))), *_own(tables, protocol, families)]
    return tuple(made)


def rests_on(made: Iterable[Claim]) -> list[tuple[str, Difference]]:
    """(protocol, difference) of every comparison, each once: a claim made of others rests on theirs."""
    return list(dict.fromkeys((claim.protocol, difference) for claim in made for difference in claim.differences))


def _topics(tables: Tables, protocol: str) -> list[Topic]:
    """What is compared under a protocol, at the layer that feeds the pooling.

    The family of a method's steps is one more than they are: "Grad-CAM falls and CAM rises" is contradicted by any of
    CAM's steps or by Grad-CAM's last, and its parts are judged alike, so that no part is contradicted without the whole.
    """
    by_epoch = {
        method: {epoch: each for epoch in tables.epochs if (each := tables.pooled_by_run(protocol, method, epoch))}
        for method in ("cam", "gradcam")
    }
    cam, grad = by_epoch.values()
    both = {_Between("gradcam", "cam", epoch, None): (grad[epoch], cam[epoch]) for epoch in cam if epoch in grad}
    found = [Topic(protocol, "above", both, len(both))]
    for method, there in by_epoch.items():
        steps = {_Between(method, None, b, a): (there[b], there[a]) for a, b in pairwise(there)}
        found.append(Topic(protocol, method, steps, len(there)))
    if len(cam) > 2:
        first, *_, last = cam
        whole = {_Between("cam", None, last, first): (cam[last], cam[first])}
        found.append(Topic(protocol, "whole", whole, 1))
    return found


def _alike(topic: Topic | None) -> bool:
    """Whether CAM and Grad-CAM draw the same boxes wherever both were scored, in every run."""
    pairs = [pair for sides in topic.sides.values() for pair in zip(*sides, strict=True)] if topic else []
    return bool(pairs) and all(same_boxes(*pair) for pair in pairs)


def _studys(tables: Tables, protocol: str, found: Mapping[str, Weighed], alike: bool) -> Iterator[Claim]:
    """The study's claims: three, and one that is made of the last two."""
    if "above" in found:
        verdict, how = "identical" if alike else found["above"].claim("above").verdict, tables.protocol(protocol)
        made = Claim("above", "study", protocol, verdict, _differences(found["above"]))
        yield made if how is None else replace(made, relu=how.relu, score=how.score)
    parts = [*_falls(protocol, found), *_rises(protocol, found)]
    yield from reversed(parts)
    if len(parts) == 2:
        falls, rises = parts
        verdict = "identical" if alike else all_of(each.verdict for each in parts)
        resting = (falls.differences[-1], *rises.differences)
        yield Claim("parts", "study", protocol, verdict, resting, of_parts=(falls.verdict, rises.verdict))


def _falls(protocol: str, found: Mapping[str, Weighed]) -> Iterator[Claim]:
    if "gradcam" in found:
        steps = found["gradcam"]
        verdict = steps.claim("below", list(steps.near)[-1:]).verdict
        yield Claim("falls", "study", protocol, verdict, _differences(steps))


def _rises(protocol: str, found: Mapping[str, Weighed]) -> Iterator[Claim]:
    if "cam" in found:
        steps = found["cam"]
        whole = _differences(found["whole"])[0] if "whole" in found else None
        yield Claim("rises", "study", protocol, steps.claim("above").verdict, _differences(steps), whole)


def _own(tables: Tables, protocol: str, comparisons: Iterable[Comparison]) -> Iterator[Claim]:
    """Whether the heatmaps at the pooled layer beat the best box that never looks: as the family of all methods has it."""
    there = (each for each in comparisons if any(key.layer == tables.pooled_layer for key in each.methods))
    found = spoken(there, tables.run, protocol)
    if found is None or found.unseen is None or found.unseen_iou is None:
        return
    lines = {key: found.line_of(key) for key in found.methods if key.layer == tables.pooled_layer}
    differences = tuple(
        Difference(key.method, found.unseen.method, found.epoch, None, line.unseen.difference, line.unseen.verdict)
        for key, line in lines.items()
        if line is not None and line.unseen is not None
    )
    if differences:
        beaten, pooled = found.unseen_iou.value, tables.pooled_layer != ""
        yield Claim("beats", "dogcam", protocol, _beating(differences), differences, box_iou=beaten, pooled=pooled)


def _differences(found: Weighed) -> tuple[Difference, ...]:
    return tuple(
        Difference(of.method, of.other, of.epoch, of.earlier, interval, interval.verdict) for of, interval in found.near.items()
    )


def _beating(differences: Iterable[Difference]) -> str:
    """All above: supported; none above and at least one below: contradicted; otherwise undecided."""
    verdicts = {each.verdict for each in differences}
    if verdicts == {"above"}:
        return "supported"
    return "contradicted" if "above" not in verdicts and "below" in verdicts else "undecided"
