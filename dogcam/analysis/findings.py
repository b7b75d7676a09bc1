"""Claims held against the evidence: each one a verdict, a sentence with its numbers, and the comparisons it rests on.

All comparisons are paired: the same images under both conditions. A claim is supported where the 95 % bootstrap interval of
every difference it rests on lies on its side of 0. It is contradicted where any one lies on the other side, and as any one
of several suffices, that interval is widened for their number (Bonferroni; see `statistics.claim`). The intervals say how
sure we are about further images; about training again as well only where several runs were scored at the same epochs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from dogcam.analysis.evidence import Evidence
from dogcam.analysis.statements import Finding, above, beats, best_baseline, falls, parts, rises
from dogcam.analysis.weighing import Topic, weigh
from dogcam.core.files import plain
from dogcam.language import say
from dogcam.language.numbers import NEGLIGIBLE, negligible
from dogcam.methods import title_of
from dogcam.statistics import Interval


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """All claims that the evidence can speak to, protocol by protocol; the study's own come first."""
    topics = [topic for protocol in evidence.protocols for topic in _topics(evidence, protocol) if topic.sides]
    weighed = weigh(topics)
    found = []
    for protocol in evidence.protocols:
        mine = {topic.name: weighed[protocol, topic.name] for topic in topics if topic.protocol == protocol}
        found += [make(evidence, protocol, mine) for make in (above, rises, falls, parts, beats)]
    return tuple(finding for finding in found if finding is not None)


def _topics(evidence: Evidence, protocol: str) -> list[Topic]:
    """What is compared under a protocol, at the layer that feeds the pooling.

    The family of a method's steps is one more than they are: "Grad-CAM falls and CAM rises" is contradicted by any of
    CAM's steps or by Grad-CAM's last, and its parts are judged alike, so that no part is contradicted without the whole.
    """
    both = {}
    for epoch in evidence.epochs:
        grad, cam = (evidence.pooled_by_run(protocol, method, epoch) for method in ("gradcam", "cam"))
        if grad and cam:
            both[epoch] = (grad, cam)
    found = [Topic(protocol, "above", both, len(both))]
    for method in ("cam", "gradcam"):
        tables = {epoch: evidence.pooled_by_run(protocol, method, epoch) for epoch in evidence.epochs}
        there = {epoch: each for epoch, each in tables.items() if each}
        steps = {(b, a): (there[b], there[a]) for a, b in pairwise(there)}
        found.append(Topic(protocol, method, steps, len(there)))
        whole = {(max(there), min(there)): (there[max(there)], there[min(there)])} if steps else {}
        found.append(Topic(protocol, f"{method}, whole", whole, 1))
    return [*found, _against_unseen(evidence, protocol)]


def _against_unseen(evidence: Evidence, protocol: str) -> Topic:
    """Each method against the best box that never looks, which is the same in every run."""
    best, epoch = best_baseline(evidence, protocol), evidence.last_pooled(protocol)
    if best is None or epoch is None:
        return Topic(protocol, "unseen", {}, 1)
    unseen = evidence.baselines(protocol)[best[0]]
    tables = {method: evidence.pooled_by_run(protocol, method, epoch) for method in evidence.pooled_methods}
    sides = {title_of(method): (each, [unseen] * len(each)) for method, each in tables.items() if each}
    return Topic(protocol, "unseen", sides, len(sides))


def claims_of(made: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as plain values, for JSON.

    Returns:
        Of each: claim, source ("study" or "dogcam"), protocol, verdict, sentence, and `differences`, a list of label,
        n, runs, value, low, high, method, confidence and reason (see `statistics.Interval`).
    """
    return [
        {
            **{name: getattr(each, name) for name in ("claim", "source", "protocol", "verdict", "sentence")},
            "differences": [plain({"label": label, **asdict(found)}) for label, found in each.intervals],
        }
        for each in made
    ]


def rests_on(made: Iterable[Finding]) -> dict[tuple[str, str], Interval]:
    """Every comparison by (protocol, label), each once: a statement made of others rests on theirs."""
    return {(finding.protocol, label): found for finding in made for label, found in finding.intervals}


def caution(evidence: Evidence, made: tuple[Finding, ...], worded: Callable[[Interval], str]) -> str:
    """What all of these verdicts leave open; `worded` says what is to be known of an interval."""
    comparisons = list(rests_on(made).values())
    sentences = [_reach(evidence, comparisons)]
    if len(comparisons) > 1:
        sentences.append(
            say(
                "They are {n} comparisons, not corrected for their number, except that a claim about several counts as "
                "contradicted only where an interval widened for their number (Bonferroni) says so.",
                n=len(comparisons),
            )
        )
    if any(negligible(difference) for difference in comparisons):
        sentences.append(
            say("Negligible are those whose whole interval lies within ±{margin}.", margin=f"{NEGLIGIBLE:g}")
        )
    reasons = dict.fromkeys(worded(found) for found in comparisons if found.reason and not negligible(found))
    sentences += [say("Of some of them: {reason}.", reason=reason) for reason in reasons]
    if evidence.on_training:
        sentences.append(say("The network was trained on these images: on new ones its boxes may fit worse."))
    return " ".join(sentences)


def _reach(evidence: Evidence, comparisons: list[Interval]) -> str:
    """What the intervals hold for."""
    over = [str(runs) for runs in sorted({found.runs for found in comparisons if found.runs > 1})]
    if over:
        return say(
            "Intervals are 95 %, paired over the same {images} and crossed with {runs} runs: they say what more images of "
            "this kind and training again with other seeds would show.",
            images=evidence.images,
            runs=say("{several} or {last}", several=", ".join(over[:-1]), last=over[-1]) if over[1:] else over[0],
        )
    return say(
        "Intervals are 95 % (BCa bootstrap), paired over the same {images}: they say what more images of this kind would "
        "show, not what training again with another seed would.",
        images=evidence.images,
    )
