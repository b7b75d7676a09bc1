"""Claims held against the evidence: each one a verdict, a sentence with its numbers, and the comparisons it rests on.

All comparisons are paired: the same images under both conditions. A claim is supported where the 95 % bootstrap interval of
every difference it rests on lies on its side of 0. It is contradicted where any one lies on the other side, and as any one
of several suffices, that interval is widened for their number (Bonferroni; see `statistics.claim`). The intervals say how
sure we are about further images; about training again as well only where several runs were scored at the same epochs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from dogcam.files import plain
from dogcam.protocols import Protocol
from dogcam.reporting import Finding, listed, number
from dogcam.reporting.evidence import Evidence, never_looks, title_of
from dogcam.reporting.weighing import NEGLIGIBLE, Topic, Weighed, labelled, negligible, spelled, weigh
from dogcam.statistics import Interval, all_of

_SAME = ("iou", "x0", "y0", "x1", "y1")
Step = tuple[int, int]  # an epoch and the one evaluated before it


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """All claims that the evidence can speak to, protocol by protocol; the study's own come first."""
    topics = [topic for protocol in evidence.protocols for topic in _topics(evidence, protocol) if topic.sides]
    weighed = weigh(topics)
    found = []
    for protocol in evidence.protocols:
        mine = {topic.name: weighed[protocol, topic.name] for topic in topics if topic.protocol == protocol}
        found += [make(evidence, protocol, mine) for make in (_above, _rises, _falls, _parts, _beats)]
    return tuple(finding for finding in found if finding is not None)


def _topics(evidence: Evidence, protocol: str) -> list[Topic]:
    """What is compared under a protocol, at the layer that feeds the pooling.

    The family of a method's steps is one more than they are: "Grad-CAM falls and CAM rises" is contradicted by any of
    CAM's steps or by Grad-CAM's last, and its parts are judged alike, so that no part is contradicted without the whole.
    """
    above = {}
    for epoch in evidence.epochs:
        grad, cam = (evidence.pooled_by_run(protocol, method, epoch) for method in ("gradcam", "cam"))
        if grad and cam:
            above[epoch] = (grad, cam)
    found = [Topic(protocol, "above", above, len(above))]
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


Topics = Mapping[str, Weighed]  # of one protocol, by name


def _identical(evidence: Evidence, protocol: str) -> bool:
    """Whether CAM and Grad-CAM draw the same boxes wherever both were scored, in every run."""
    both = [
        zip(*(evidence.pooled_by_run(protocol, method, epoch) for method in ("cam", "gradcam")), strict=False)
        for epoch in evidence.epochs
    ]
    pairs = [pair for each in both for pair in each]
    return bool(pairs) and all(_same_boxes(*pair) for pair in pairs)


def _same_boxes(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    """Whether two tables hold the same images with the same boxes; an image without a box has NaN for its corners."""
    return np.array_equal(first["image"], second["image"]) and all(
        np.allclose(first[column], second[column], rtol=0, atol=1e-6, equal_nan=True) for column in _SAME
    )


def _above(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "Grad-CAM above CAM at each epoch"."""
    if "above" not in topics:
        return None
    found, identical = topics["above"], _identical(evidence, protocol)
    verdict = "identical" if identical else found.claim("above").verdict
    stated = _IDENTICAL if identical else _ABOVE[verdict].format(found.spelled("epoch {}")) + found.few
    sentence = f"{stated} {_cause(evidence.protocol(protocol), identical)}".strip()
    resting = found.labelled("Grad-CAM − CAM, epoch {}")
    return Finding(
        "Grad-CAM's boxes fit better than CAM's at each epoch", "study", verdict, sentence, protocol, resting
    )


_IDENTICAL = (
    "CAM and Grad-CAM draw the same box on every image at every epoch, as the algebra says: at the layer that feeds "
    "the "
    "pooling Grad-CAM is ReLU(CAM)/(h·w)."
)


def _cause(protocol: Protocol | None, identical: bool) -> str:
    """What in the handling makes CAM and Grad-CAM alike or different at the pooled layer."""
    if protocol is None:
        return ""
    if identical:
        kept = (
            "cuts negative values from both"
            if protocol.relu
            else "keeps CAM's negative values, but below its threshold"
        )
        return f"Protocol {protocol.name} {kept}: a difference can only come from how maps are handled."
    causes = [] if protocol.relu else ["it keeps CAM's negative values, which Grad-CAM does not have"]
    causes += ["its gradients are of the softmax, not of the logit"] if protocol.score == "softmax" else []
    if not causes:
        return ""
    return f"At this layer the two differ only in handling; under protocol {protocol.name} {listed(causes)}."


_ABOVE = {
    "supported": "Grad-CAM's mean IoU is above CAM's on the same images ({}).",
    "contradicted": "Grad-CAM's mean IoU is not above CAM's at each epoch (Grad-CAM − CAM, {}).",
    "undecided": "The intervals of Grad-CAM − CAM do not all exclude 0 ({}): these images do not decide.",
}


_STEPS = "epoch {} − epoch {}"


def _rises(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "CAM rising with training": from each evaluated epoch to the next."""
    if "cam" not in topics:
        return None
    steps = topics["cam"]
    (((last, first), whole),) = topics["cam, whole"].near.items()
    verdict = steps.claim("above").verdict
    sentence = f"From epoch {first} to {last} CAM's mean IoU changes by {spelled(whole)}{_RISES[verdict]}{steps.few}"
    if len(steps.near) > 1:
        sentence += f" Step by step: {steps.spelled(_STEPS)}."
    resting = steps.labelled(f"CAM, {_STEPS}")
    return Finding("CAM's boxes fit better the longer it trains", "study", verdict, sentence, protocol, resting)


_RISES = {
    "supported": ": it rises.",
    "contradicted": ": it does not rise throughout.",
    "undecided": ": these images do not decide whether it rises throughout.",
}


def _falls(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "Grad-CAM falling at the last epoch"."""
    if "gradcam" not in topics:
        return None
    steps, step = topics["gradcam"], _last(topics["gradcam"])
    verdict, change = steps.claim("below", [step]).verdict, spelled(steps.near[step])
    sentence = f"From epoch {step[1]} to {step[0]} Grad-CAM's mean IoU changes by {change}{_FALLS[verdict]}{steps.few}"
    resting = steps.labelled(f"Grad-CAM, {_STEPS}")
    return Finding("Grad-CAM's boxes get worse at the last epoch", "study", verdict, sentence, protocol, resting)


def _last(steps: Weighed) -> Step:
    return list(steps.near)[-1]


_FALLS = {
    "supported": ": it falls.",
    "contradicted": ": it does not fall.",
    "undecided": ": these images do not decide whether it falls.",
}


def _parts(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "Grad-CAM falls at the last epoch, CAM rises": one statement made of two."""
    if not {"cam", "gradcam"} <= set(topics):
        return None
    cam, grad = topics["cam"], topics["gradcam"]
    (last, before), first = _last(grad), next(iter(cam.near))[1]
    falls, rises = grad.claim("below", [(last, before)]), cam.claim("above")
    what = f"Grad-CAM's boxes get worse at epoch {last} while CAM's get better from epoch {first} to {_last(cam)[0]}"
    resting = (
        (f"Grad-CAM, {labelled(_STEPS, (last, before))}", grad.near[last, before]),
        *cam.labelled(f"CAM, {_STEPS}"),
    )
    if _identical(evidence, protocol):
        told = "CAM and Grad-CAM draw the same boxes here: one cannot get worse where the other gets better."
        return Finding(what, "study", "identical", told, protocol, resting)
    verdict = all_of([falls, rises])
    sentence = (
        f"That Grad-CAM's mean IoU falls from epoch {before} to {last} is {falls.verdict} "
        f"({spelled(grad.near[last, before])}), that CAM's rises from epoch to epoch is {rises.verdict} "
        f"({cam.spelled(_STEPS)}): both together are {verdict}.{cam.few}"
    )
    return Finding(what, "study", verdict, sentence, protocol, resting)


def best_baseline(evidence: Evidence, protocol: str) -> tuple[str, float] | None:
    """(name, mean IoU) of the best box that never looks."""
    unseen = {name: table for name, table in evidence.baselines(protocol).items() if never_looks(name)}
    means = {name: float(np.mean(table["iou"])) for name, table in unseen.items()}
    return max(means.items(), key=lambda item: item[1]) if means else None


def _beats(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """Whether the heatmaps at the pooled layer beat the best box that never looks, at the latest epoch that has any."""
    best, epoch = best_baseline(evidence, protocol), evidence.last_pooled(protocol)
    if best is None or "unseen" not in topics:
        return None
    found = topics["unseen"]
    verdict = _beating(found)
    sentence = (
        f"At epoch {epoch}, against the best box that never looks at the picture ({best[0]}, mean IoU {number(best[1])}), "
        f"the boxes of {_sides(found)}: {found.spelled('{}')}.{found.few}"
    )
    resting = found.labelled(f"{{}} − {best[0]}, epoch {epoch}")
    return Finding(
        "At the layer that feeds the pooling a heatmap's box beats a box drawn without looking",
        "dogcam",
        verdict,
        sentence,
        protocol,
        resting,
    )


def _beating(found: Weighed) -> str:
    """All above: supported; none above and at least one below: contradicted; otherwise undecided."""
    verdicts = {each.verdict for each in found.near.values()}
    if verdicts == {"above"}:
        return "supported"
    below = any(each.verdict == "below" for each in found.wide.values())
    return "contradicted" if "above" not in verdicts and below else "undecided"


_BEATS = {"above": "fit better", "below": "fit worse", "undecided": "cannot be told apart for certain"}


def _sides(found: Weighed) -> str:
    """ "CAM and Grad-CAM fit worse; those of LayerCAM cannot be told apart for certain"."""
    names = {
        side: [str(name) for name, each in found.near.items() if each.verdict == side]
        for side in ("above", "undecided", "below")
    }
    return "; those of ".join(f"{listed(some)} {_BEATS[side]}" for side, some in names.items() if some)


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


def caution(evidence: Evidence, made: tuple[Finding, ...]) -> str:
    """What all of these verdicts leave open."""
    comparisons = list(rests_on(made).values())
    sentences = [_reach(evidence, comparisons)]
    if len(comparisons) > 1:
        sentences.append(
            f"They are {len(comparisons)} comparisons, not corrected for their number, except that a claim about several "
            "counts as contradicted only where an interval widened for their number (Bonferroni) says so."
        )
    if any(negligible(difference) for difference in comparisons):
        sentences.append(f"Negligible are those whose whole interval lies within ±{NEGLIGIBLE:g}.")
    reasons = dict.fromkeys(found.reason for found in comparisons if found.reason and not negligible(found))
    sentences += [f"Of some of them: {reason}." for reason in reasons]
    if evidence.on_training:
        sentences.append("The network was trained on these images: on new ones its boxes may fit worse.")
    return " ".join(sentences)


def _reach(evidence: Evidence, comparisons: list[Interval]) -> str:
    """What the intervals hold for."""
    over = sorted({found.runs for found in comparisons if found.runs > 1})
    if over:
        return (
            f"Intervals are 95 %, paired over the same {evidence.images} and crossed with {' or '.join(map(str, over))} "
            "runs: they say what more images of this kind and training again with other seeds would show."
        )
    return (
        f"Intervals are 95 % (BCa bootstrap), paired over the same {evidence.images}: they say what more images of this "
        "kind would show, not what training again with another seed would."
    )
