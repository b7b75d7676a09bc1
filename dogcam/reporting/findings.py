"""Claims held against the evidence: each one a verdict, a sentence with its numbers, and the comparisons it rests on.

All comparisons are paired: the same images under both conditions. A verdict needs the 95 % interval of the mean
difference to lie on one side of 0; it says how sure we are about further images, not about training again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from dogcam.protocols import Protocol
from dogcam.reporting import Finding, listed, number, signed
from dogcam.reporting.evidence import Evidence, never_looks, paired, title_of
from dogcam.statistics import Difference

Comparison = tuple[str, Difference]

# A difference in IoU that nobody would see in a picture.
NEGLIGIBLE = 0.005
_SAME = ("iou", "x0", "y0", "x1", "y1")


def spelled(difference: Difference) -> str:
    """ "+0.012 [+0.004, +0.020]": a difference with its interval, and whether it is too small to matter."""
    if difference.n < 2:
        return f"{signed(difference.mean)} (one image: no interval)"
    digits = _digits(difference)
    mean, low, high = (signed(value, digits) for value in (difference.mean, difference.low, difference.high))
    return f"{mean} [{low}, {high}]{', negligible' if negligible(difference) else ''}"


def _digits(difference: Difference) -> int:
    """Three digits; more where an interval that excludes 0 would show an end of 0."""
    nearest = min(abs(difference.low), abs(difference.high))
    return 3 if difference.verdict == "undecided" else max(3, math.ceil(-math.log10(nearest)))


def negligible(difference: Difference) -> bool:
    """Whether a difference is too small to matter, however sure its sign."""
    return difference.low >= -NEGLIGIBLE and difference.high <= NEGLIGIBLE


def _spelled_all(comparisons: list[Comparison]) -> str:
    return "; ".join(f"{label}: {spelled(difference)}" for label, difference in comparisons)


def findings(evidence: Evidence) -> tuple[Finding, ...]:
    """All claims that the evidence can speak to, protocol by protocol; the study's own come first."""
    made = (_above, _rises, _falls, _beats)
    found = [claim(evidence, protocol) for protocol in evidence.protocols for claim in made]
    return tuple(finding for finding in found if finding is not None)


def compared(evidence: Evidence, protocol: str) -> list[tuple[int, Difference, bool]]:
    """(epoch, Grad-CAM - CAM at the pooled layer, whether every box is the same) of the epochs that have both."""
    found = []
    for epoch in evidence.epochs:
        cam, grad = (evidence.pooled(protocol, method, epoch) for method in ("cam", "gradcam"))
        if cam is not None and grad is not None:
            found.append((epoch, paired(grad, cam), _same_boxes(cam, grad)))
    return found


def _same_boxes(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    """Whether two tables hold the same images with the same boxes; an image without a box has NaN for its corners."""
    return np.array_equal(first["image"], second["image"]) and all(
        np.allclose(first[column], second[column], rtol=0, atol=1e-6, equal_nan=True) for column in _SAME
    )


def _above(evidence: Evidence, protocol: str) -> Finding | None:
    """ "Grad-CAM above CAM at each epoch"."""
    rows = compared(evidence, protocol)
    if not rows:
        return None
    comparisons = [(f"epoch {epoch}", difference) for epoch, difference, _ in rows]
    identical = all(same for _, _, same in rows)
    verdicts = {difference.verdict for _, difference in comparisons}
    verdict = "identical" if identical else _all_above(verdicts)
    stated = _IDENTICAL if identical else _ABOVE[verdict].format(_spelled_all(comparisons))
    sentence = f"{stated} {_cause(evidence.protocol(protocol), identical)}".strip()
    labelled = tuple((f"Grad-CAM − CAM, {label}", difference) for label, difference in comparisons)
    return Finding(
        "Grad-CAM's boxes fit better than CAM's at each epoch", "study", verdict, sentence, protocol, labelled
    )


def _all_above(verdicts: set[str]) -> str:
    if verdicts == {"above"}:
        return "supported"
    return "contradicted" if "below" in verdicts else "undecided"


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


def _changes(evidence: Evidence, protocol: str, method: str) -> list[tuple[int, int, Difference]]:
    """(earlier epoch, later epoch, change of mean IoU at the pooled layer) of neighbouring evaluated epochs."""
    tables = [(epoch, evidence.pooled(protocol, method, epoch)) for epoch in evidence.epochs]
    there = [(epoch, table) for epoch, table in tables if table is not None]
    return [(a, b, paired(later, earlier)) for (a, earlier), (b, later) in pairwise(there)]


def _rises(evidence: Evidence, protocol: str) -> Finding | None:
    """ "CAM rising with training"."""
    steps = _changes(evidence, protocol, "cam")
    if not steps:
        return None
    first, last = steps[0][0], steps[-1][1]
    whole = paired(evidence.pooled(protocol, "cam", last), evidence.pooled(protocol, "cam", first))
    fell = any(change.verdict == "below" for _, _, change in steps)
    verdict = {"above": "supported", "below": "contradicted"}.get(whole.verdict, "undecided")
    if fell:
        verdict = "contradicted"
    sentence = f"From epoch {first} to {last} CAM's mean IoU changes by {spelled(whole)}{_RISES[verdict]}"
    labels = [(f"CAM, epoch {b} − epoch {a}", change) for a, b, change in steps]
    return Finding("CAM's boxes fit better the longer it trains", "study", verdict, sentence, protocol, tuple(labels))


_RISES = {
    "supported": ": it rises.",
    "contradicted": ": it does not rise throughout.",
    "undecided": ": these images do not decide whether it rises.",
}


def _falls(evidence: Evidence, protocol: str) -> Finding | None:
    """ "Grad-CAM falling at the last epoch"."""
    steps = _changes(evidence, protocol, "gradcam")
    if not steps:
        return None
    before, last, change = steps[-1]
    verdict = {"below": "supported", "above": "contradicted"}.get(change.verdict, "undecided")
    sentence = f"From epoch {before} to {last} Grad-CAM's mean IoU changes by {spelled(change)}{_FALLS[verdict]}"
    labels = tuple((f"Grad-CAM, epoch {b} − epoch {a}", each) for a, b, each in steps)
    return Finding("Grad-CAM's boxes get worse at the last epoch", "study", verdict, sentence, protocol, labels)


_FALLS = {
    "supported": ": it falls.",
    "contradicted": ": it rises instead.",
    "undecided": ": these images do not decide whether it falls.",
}


def best_baseline(evidence: Evidence, protocol: str) -> tuple[str, float] | None:
    """(name, mean IoU) of the best box that never looks."""
    unseen = {name: table for name, table in evidence.baselines(protocol).items() if never_looks(name)}
    means = {name: float(np.mean(table["iou"])) for name, table in unseen.items()}
    return max(means.items(), key=lambda item: item[1]) if means else None


def _beats(evidence: Evidence, protocol: str) -> Finding | None:
    """Whether the heatmaps at the pooled layer beat the best box that never looks, at the latest epoch that has any."""
    best, epoch = best_baseline(evidence, protocol), evidence.last_pooled(protocol)
    if best is None or epoch is None:
        return None
    unseen = evidence.baselines(protocol)[best[0]]
    tables = {method: evidence.pooled(protocol, method, epoch) for method in evidence.pooled_methods}
    comparisons = [(title_of(m), paired(table, unseen)) for m, table in tables.items() if table is not None]
    verdict = _beating({difference.verdict for _, difference in comparisons})
    names = listed([label for label, _ in comparisons])
    sentence = (
        f"At epoch {epoch} the boxes of {names} {_BEATS[verdict]} the best box that never looks at the picture "
        f"({best[0]}, mean IoU {number(best[1])}): {_spelled_all(comparisons)}."
    )
    labelled = tuple((f"{label} − {best[0]}, epoch {epoch}", difference) for label, difference in comparisons)
    return Finding("A heatmap's box beats a box drawn without looking", "dogcam", verdict, sentence, protocol, labelled)


def _beating(verdicts: set[str]) -> str:
    """All above: supported; none above and at least one below: contradicted; otherwise undecided."""
    if verdicts == {"above"}:
        return "supported"
    return "contradicted" if "above" not in verdicts and "below" in verdicts else "undecided"


_BEATS = {
    "supported": "beat",
    "contradicted": "do not beat",
    "undecided": "cannot be told apart for certain from",
}


def caution(evidence: Evidence, made: tuple[Finding, ...]) -> str:
    """What all of these verdicts leave open."""
    comparisons = [difference for finding in made for _, difference in finding.intervals]
    sentences = [
        f"Intervals are 95 %, paired over the same {evidence.images}: they say what more images of this kind would "
        f"show, not what training again with another seed would."
    ]
    if len(comparisons) > 1:
        sentences.append(f"They are {len(comparisons)} comparisons, not corrected for their number.")
    if any(negligible(difference) for difference in comparisons):
        sentences.append(f"Negligible are those whose whole interval lies within ±{NEGLIGIBLE:g}.")
    if evidence.on_training:
        sentences.append("The network was trained on these images: on new ones its boxes may fit worse.")
    return " ".join(sentences)
