"""The claims one by one: what each says of the evidence under one protocol, as a verdict and a sentence with its numbers.

A sentence is one whole message for each case, as `dogcam.language` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from dogcam.analysis.evidence import Evidence
from dogcam.analysis.weighing import Weighed
from dogcam.boxes.protocols import Protocol
from dogcam.language import message, say
from dogcam.language.numbers import SOURCES, VERDICTS, listed, number, spelled
from dogcam.methods import never_looks, title_of
from dogcam.statistics import all_of


@dataclass(frozen=True)
class Finding:
    """A claim held against the evidence.

    Attributes:
        claim: in words.
        source: who makes it: a key of `SOURCES`.
        verdict: a key of `VERDICTS`.
        sentence: the verdict with its numbers.
        protocol: under which it was judged.
        intervals: (label, `statistics.Interval`) of every comparison it rests on.
        composed: it is made of two other claims, which are judged on their own as well.
    """

    claim: str
    source: str
    verdict: str
    sentence: str
    protocol: str
    intervals: tuple[tuple[str, object], ...] = ()
    composed: bool = False

    @property
    def shown_verdict(self) -> str:
        """The verdict in the language that is spoken."""
        return say(VERDICTS[self.verdict])

    @property
    def shown_source(self) -> str:
        """Who makes the claim, in the language that is spoken: "the study's claim"."""
        return say(SOURCES[self.source])


_SAME = ("iou", "x0", "y0", "x1", "y1")
Step = tuple[int, int]  # an epoch and the one evaluated before it
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


def _epoch(epoch: Hashable) -> str:
    return say("epoch {epoch}", epoch=epoch)


def _step(step: Step) -> str:
    later, earlier = step
    return say("epoch {later} − epoch {earlier}", later=later, earlier=earlier)


def _step_of(title: str) -> Callable[[Step], str]:
    """A step's words with the method that takes it."""
    return lambda step: say("{method}, epoch {later} − epoch {earlier}", method=title, later=step[0], earlier=step[1])


def above(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "Grad-CAM above CAM at each epoch"."""
    if "above" not in topics:
        return None
    found, identical = topics["above"], _identical(evidence, protocol)
    verdict = "identical" if identical else found.claim("above").verdict
    told = [say(_ABOVE[verdict], differences=found.spelled(_epoch)), *([] if identical else found.few)]
    told += _cause(evidence.protocol(protocol), identical)
    resting = found.labelled(lambda epoch: say("Grad-CAM − CAM, epoch {epoch}", epoch=epoch))
    claim = say("Grad-CAM's boxes fit better than CAM's at each epoch")
    return Finding(claim, "study", verdict, " ".join(told), protocol, resting)


_ABOVE = {
    "supported": message("Grad-CAM's mean IoU is above CAM's on the same images ({differences})."),
    "contradicted": message("Grad-CAM's mean IoU is not above CAM's at each epoch (Grad-CAM − CAM, {differences})."),
    "undecided": message(
        "The intervals of Grad-CAM − CAM do not all exclude 0 ({differences}): these images do not decide."
    ),
    "identical": message(
        "CAM and Grad-CAM draw the same box on every image at every epoch, as the algebra says: at the layer that feeds "
        "the pooling Grad-CAM is ReLU(CAM)/(h·w)."
    ),
}


def _cause(protocol: Protocol | None, identical: bool) -> list[str]:
    """What in the handling makes CAM and Grad-CAM alike or different at the pooled layer."""
    if protocol is None:
        return []
    if identical:
        return [say(_ALIKE[protocol.relu], protocol=protocol.name)]
    cause = _APART.get((not protocol.relu, protocol.score == "softmax"))
    return [say(cause, protocol=protocol.name)] if cause else []


_ALIKE = {  # whether negative values are cut
    True: message(
        "Protocol {protocol} cuts negative values from both: a difference can only come from how maps are handled."
    ),
    False: message(
        "Protocol {protocol} keeps CAM's negative values, but below its threshold: a difference can only come from how "
        "maps are handled."
    ),
}
_APART = {  # (negative values are kept, gradients are of the softmax)
    (True, False): message(
        "At this layer the two differ only in handling: protocol {protocol} keeps CAM's negative values, which Grad-CAM "
        "does not have."
    ),
    (False, True): message(
        "At this layer the two differ only in handling: under protocol {protocol} gradients are of the softmax, not of "
        "the logit."
    ),
    (True, True): message(
        "At this layer the two differ only in handling: protocol {protocol} keeps CAM's negative values, which Grad-CAM "
        "does not have, and takes gradients of the softmax, not of the logit."
    ),
}


def rises(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "CAM rising with training": from each evaluated epoch to the next."""
    if "cam" not in topics:
        return None
    steps = topics["cam"]
    (((last, first), whole),) = topics["cam, whole"].near.items()
    verdict = steps.claim("above").verdict
    told = [say(_RISES[verdict], first=first, last=last, change=spelled(whole)), *steps.few]
    told += [say("Step by step: {steps}.", steps=steps.spelled(_step))] if len(steps.near) > 1 else []
    claim = say("CAM's boxes fit better the longer it trains")
    return Finding(claim, "study", verdict, " ".join(told), protocol, steps.labelled(_step_of(title_of("cam"))))


_RISES = {
    "supported": message("From epoch {first} to {last} CAM's mean IoU changes by {change}: it rises."),
    "contradicted": message(
        "From epoch {first} to {last} CAM's mean IoU changes by {change}: it does not rise throughout."
    ),
    "undecided": message(
        "From epoch {first} to {last} CAM's mean IoU changes by {change}: these images do not decide whether it rises "
        "throughout."
    ),
}


def falls(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "Grad-CAM falling at the last epoch"."""
    if "gradcam" not in topics:
        return None
    steps, (last, before) = topics["gradcam"], _last(topics["gradcam"])
    verdict = steps.claim("below", [(last, before)]).verdict
    change = spelled(steps.near[last, before])
    told = [say(_FALLS[verdict], before=before, last=last, change=change), *steps.few]
    claim = say("Grad-CAM's boxes get worse at the last epoch")
    return Finding(claim, "study", verdict, " ".join(told), protocol, steps.labelled(_step_of(title_of("gradcam"))))


def _last(steps: Weighed) -> Step:
    return list(steps.near)[-1]


_FALLS = {
    "supported": message("From epoch {before} to {last} Grad-CAM's mean IoU changes by {change}: it falls."),
    "contradicted": message("From epoch {before} to {last} Grad-CAM's mean IoU changes by {change}: it does not fall."),
    "undecided": message(
        "From epoch {before} to {last} Grad-CAM's mean IoU changes by {change}: these images do not decide whether it "
        "falls."
    ),
}


def parts(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """ "Grad-CAM falls at the last epoch, CAM rises": one statement made of two."""
    if not {"cam", "gradcam"} <= set(topics):
        return None
    cam, grad = topics["cam"], topics["gradcam"]
    (last, before), first = _last(grad), next(iter(cam.near))[1]
    claim = say(
        "Grad-CAM's boxes get worse at epoch {last} while CAM's get better from epoch {first} to {until}",
        last=last,
        first=first,
        until=_last(cam)[0],
    )
    resting = (
        (_step_of(title_of("gradcam"))((last, before)), grad.near[last, before]),
        *cam.labelled(_step_of(title_of("cam"))),
    )
    if _identical(evidence, protocol):
        told = say("CAM and Grad-CAM draw the same boxes here: one cannot get worse where the other gets better.")
        return Finding(claim, "study", "identical", told, protocol, resting, composed=True)
    verdict, told = _both(cam, grad)
    return Finding(claim, "study", verdict, told, protocol, resting, composed=True)


def _both(cam: Weighed, grad: Weighed) -> tuple[str, str]:
    """The verdict on "Grad-CAM falls and CAM rises", and the sentence."""
    last, before = _last(grad)
    falling, rising = grad.claim("below", [(last, before)]), cam.claim("above")
    verdict = all_of([falling, rising])
    told = say(
        "That Grad-CAM's mean IoU falls from epoch {before} to {last} is {falls} ({change}), that CAM's rises from epoch "
        "to epoch is {rises} ({steps}): both together are {verdict}.",
        before=before,
        last=last,
        falls=say(VERDICTS[falling.verdict]),
        change=spelled(grad.near[last, before]),
        rises=say(VERDICTS[rising.verdict]),
        steps=cam.spelled(_step),
        verdict=say(VERDICTS[verdict]),
    )
    return verdict, " ".join([told, *cam.few])


def best_baseline(evidence: Evidence, protocol: str) -> tuple[str, float] | None:
    """(name, mean IoU) of the best box that never looks."""
    unseen = {name: table for name, table in evidence.baselines(protocol).items() if never_looks(name)}
    means = {name: float(np.mean(table["iou"])) for name, table in unseen.items()}
    return max(means.items(), key=lambda item: item[1]) if means else None


def beats(evidence: Evidence, protocol: str, topics: Topics) -> Finding | None:
    """Whether the heatmaps at the pooled layer beat the best box that never looks, at the latest epoch that has any."""
    best, epoch = best_baseline(evidence, protocol), evidence.last_pooled(protocol)
    if best is None or "unseen" not in topics:
        return None
    found, (box, iou) = topics["unseen"], best
    sentence = say(
        "At epoch {epoch}, against the best box that never looks at the picture ({box}, mean IoU {iou}), {sides}: "
        "{differences}.",
        epoch=epoch,
        box=box,
        iou=number(iou),
        sides=_sides(found),
        differences=found.spelled(str),
    )
    resting = found.labelled(lambda method: say("{method} − {box}, epoch {epoch}", method=method, box=box, epoch=epoch))
    claim = say("At the layer that feeds the pooling a heatmap's box beats a box drawn without looking")
    return Finding(claim, "dogcam", _beating(found), " ".join([sentence, *found.few]), protocol, resting)


def _beating(found: Weighed) -> str:
    """All above: supported; none above and at least one below: contradicted; otherwise undecided."""
    verdicts = {each.verdict for each in found.near.values()}
    if verdicts == {"above"}:
        return "supported"
    below = any(each.verdict == "below" for each in found.wide.values())
    return "contradicted" if "above" not in verdicts and below else "undecided"


_SIDES = {  # how the first are told, and how others after them
    "above": (message("the boxes of {methods} fit better"), message("those of {methods} fit better")),
    "undecided": (
        message("the boxes of {methods} cannot be told apart for certain"),
        message("those of {methods} cannot be told apart for certain"),
    ),
    "below": (message("the boxes of {methods} fit worse"), message("those of {methods} fit worse")),
}


def _sides(found: Weighed) -> str:
    """ "the boxes of CAM and Grad-CAM fit worse; those of LayerCAM cannot be told apart for certain"."""
    names = {side: [str(name) for name, each in found.near.items() if each.verdict == side] for side in _SIDES}
    there = [(side, some) for side, some in names.items() if some]
    return "; ".join(say(_SIDES[side][place > 0], methods=listed(some)) for place, (side, some) in enumerate(there))
