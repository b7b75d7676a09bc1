"""Claims in words: what each says, its verdict with its numbers, and what all of them leave open; for pages and terminal alike.

A sentence is one whole message for each case, as `dogcam.language` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dogcam.analysis.claims import Claim, Difference, rests_on
from dogcam.language import message, say
from dogcam.language.numbers import NEGLIGIBLE, listed, negligible, number, spelled
from dogcam.methods import title_of
from dogcam.report.document import Finding
from dogcam.report.texts import text
from dogcam.report.wording import interval_reason
from dogcam.statistics.intervals import LEAST


def claim_words(claim: Claim) -> str:
    """What is claimed."""
    if claim.claim != "parts":
        return text(f"claims.{claim.claim}")
    falls, *rises = claim.differences
    return text("claims.parts", last=falls.epoch, first=rises[0].earlier, until=rises[-1].epoch)


def verdict_words(verdict: str) -> str:
    """A verdict on a claim."""
    return text(f"claims.verdicts.{verdict}")


def source_words(source: str) -> str:
    """Who makes a claim: "the study's claim"."""
    return text(f"claims.sources.{source}")


def sentence(claim: Claim) -> str:
    """The verdict with its numbers."""
    identical = claim.verdict == "identical"
    return " ".join([_SENTENCES[claim.claim](claim), *([] if identical else _few(claim)), *_after(claim)])


def difference_label(difference: Difference) -> str:
    """What is subtracted from what: "CAM − whole-image, epoch 4"."""
    method, epoch = title_of(difference.method), difference.epoch
    if difference.other is None:
        return say("{method}, epoch {later} − epoch {earlier}", method=method, later=epoch, earlier=difference.earlier)
    return say("{method} − {other}, epoch {epoch}", method=method, other=title_of(difference.other), epoch=epoch)


def caution(made: Iterable[Claim], images: str, on_training: bool) -> str:
    """What the verdicts leave open.

    Args:
        images: how many were scored, in words.
        on_training: they are those that the network was trained on.
    """
    every = list(made)
    comparisons = [difference.interval for _, difference in rests_on(every)]
    single = [claim for claim in every if claim.claim != "beats"]  # "beats" rests on a family, which is corrected
    sentences = [_reach({each.runs for each in comparisons}, images)]
    if (n := len(rests_on(single))) > 1:
        sentences.append(
            say(
                "{n} of them, between CAM and Grad-CAM and between epochs, are not corrected for their number, except that a "
                "claim about several counts as contradicted only where an interval widened for their number (Bonferroni) says "
                "so.",
                n=n,
            )
        )
    if any(negligible(each) for each in comparisons):
        sentences.append(
            say("Negligible are those whose whole interval lies within ±{margin}.", margin=f"{NEGLIGIBLE:g}")
        )
    reasons = dict.fromkeys(interval_reason(each) for each in comparisons if each.reason and not negligible(each))
    sentences += [say("Of some of them: {reason}.", reason=reason) for reason in reasons]
    if on_training:
        sentences.append(say("The network was trained on these images: on new ones its boxes may fit worse."))
    return " ".join(sentences)


def _reach(runs: set[int], images: str) -> str:
    """What the intervals hold for."""
    over = [str(each) for each in sorted(runs) if each > 1]
    if over:
        return say(
            "Intervals are 95 %, paired over the same {images} and crossed with {runs} runs: they say what more images of "
            "this kind and training again with other seeds would show.",
            images=images,
            runs=say("{several} or {last}", several=", ".join(over[:-1]), last=over[-1]) if over[1:] else over[0],
        )
    return say(
        "Intervals are 95 % (BCa bootstrap), paired over the same {images}: they say what more images of this kind would "
        "show, not what training again with another seed would.",
        images=images,
    )


def _few(claim: Claim) -> list[str]:
    """Why nothing can be decided; nothing where something can."""
    few = [each.interval.n for each in claim.differences if each.interval.method == "none"][:1]
    return [text("claims.few", n, least=LEAST) for n in few]


def _epoch(of: Difference) -> str:
    return say("epoch {epoch}", epoch=of.epoch)


def _method(of: Difference) -> str:
    return title_of(of.method)


def _step(of: Difference) -> str:
    return say("epoch {later} − epoch {earlier}", later=of.epoch, earlier=of.earlier)


def _spelled(made: Sequence[Difference], label: Callable[[Difference], str]) -> str:
    """All differences in a sentence."""
    return "; ".join(f"{label(each)}: {spelled(each.interval)}" for each in made)


def _above(claim: Claim) -> str:
    """ "Grad-CAM above CAM at each epoch"."""
    return say(_ABOVE[claim.verdict], differences=_spelled(claim.differences, _epoch))


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


def _rises(claim: Claim) -> str:
    """ "CAM rising with training", from the first epoch to the last."""
    whole = claim.whole or claim.differences[0]
    return say(_RISES[claim.verdict], first=whole.earlier, last=whole.epoch, change=spelled(whole.interval))


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


def _falls(claim: Claim) -> str:
    """ "Grad-CAM falling at the last epoch"."""
    last = claim.differences[-1]
    return say(_FALLS[claim.verdict], before=last.earlier, last=last.epoch, change=spelled(last.interval))


_FALLS = {
    "supported": message("From epoch {before} to {last} Grad-CAM's mean IoU changes by {change}: it falls."),
    "contradicted": message("From epoch {before} to {last} Grad-CAM's mean IoU changes by {change}: it does not fall."),
    "undecided": message(
        "From epoch {before} to {last} Grad-CAM's mean IoU changes by {change}: these images do not decide whether it "
        "falls."
    ),
}


def _parts(claim: Claim) -> str:
    """ "Grad-CAM falls at the last epoch, CAM rises": one statement made of two."""
    if claim.verdict == "identical":
        return say("CAM and Grad-CAM draw the same boxes here: one cannot get worse where the other gets better.")
    last, *steps = claim.differences
    falls, rises, both = map(verdict_words, (*claim.of_parts, claim.verdict))
    return say(
        "That Grad-CAM's mean IoU falls from epoch {before} to {last} is {falls} ({change}), that CAM's rises from epoch "
        "to epoch is {rises} ({steps}): both together are {verdict}.",
        before=last.earlier,
        last=last.epoch,
        falls=falls,
        change=spelled(last.interval),
        rises=rises,
        steps=_spelled(steps, _step),
        verdict=both,
    )


def _beats(claim: Claim) -> str:
    """Heatmaps against the best box that never looks."""
    first = claim.differences[0]
    return say(
        "At epoch {epoch}, against the best box that never looks at the picture ({box}, mean IoU {iou}), {sides}: "
        "{differences}.",
        epoch=first.epoch,
        box=title_of(first.other or ""),
        iou=number(claim.box_iou),
        sides=_sides(claim.differences),
        differences=_spelled(claim.differences, _method),
    )


_SIDES = {  # how the first are told, and how others after them
    "above": (message("the boxes of {methods} fit better"), message("those of {methods} fit better")),
    "undecided": (
        message("the boxes of {methods} cannot be told apart for certain"),
        message("those of {methods} cannot be told apart for certain"),
    ),
    "below": (message("the boxes of {methods} fit worse"), message("those of {methods} fit worse")),
}


def _sides(made: Sequence[Difference]) -> str:
    """ "the boxes of CAM and Grad-CAM fit worse; those of LayerCAM cannot be told apart for certain"."""
    names = {side: [_method(each) for each in made if each.verdict == side] for side in _SIDES}
    there = [(side, some) for side, some in names.items() if some]
    return "; ".join(say(_SIDES[side][place > 0], methods=listed(some)) for place, (side, some) in enumerate(there))


_SENTENCES = {"above": _above, "rises": _rises, "falls": _falls, "parts": _parts, "beats": _beats}


def _after(claim: Claim) -> list[str]:
    """What is said after the verdict: the steps where there are several, or what in the handling made the difference."""
    if claim.whole is not None:
        return [say("Step by step: {steps}.", steps=_spelled(claim.differences, _step))]
    if claim.claim != "above" or claim.relu is None:
        return []
    apart = _APART.get((claim.relu, claim.score or ""))
    said = _ALIKE[claim.relu] if claim.verdict == "identical" else apart
    return [say(said, protocol=claim.protocol)] if said else []


_ALIKE = {  # whether negative values are cut
    True: message(
        "Protocol {protocol} cuts negative values from both: a difference can only come from how maps are handled."
    ),
    False: message(
        "Protocol {protocol} keeps CAM's negative values, but below its threshold: a difference can only come from how "
        "maps are handled."
    ),
}
_APART = {  # whether negative values are cut, and what gradients are of
    (False, "logit"): message(
        "At this layer the two differ only in handling: protocol {protocol} keeps CAM's negative values, which Grad-CAM "
        "does not have."
    ),
    (True, "softmax"): message(
        "At this layer the two differ only in handling: under protocol {protocol} gradients are of the softmax, not of "
        "the logit."
    ),
    (False, "softmax"): message(
        "At this layer the two differ only in handling: protocol {protocol} keeps CAM's negative values, which Grad-CAM "
        "does not have, and takes gradients of the softmax, not of the logit."
    ),
}


def findings(made: Iterable[Claim]) -> tuple[Finding, ...]:
    """The claims as a document has them."""
    return tuple(
        Finding(
            claim_words(each),
            each.source,
            source_words(each.source),
            each.protocol,
            each.verdict,
            verdict_words(each.verdict),
            sentence(each),
        )
        for each in made
    )


def studied(made: Sequence[Claim], main: str) -> list[str]:
    """What the study said, and what this experiment says of it under the main protocol and wherever that differs."""
    mine = [each for each in made if each.source == "study" and each.protocol == main and each.claim != "parts"]
    told = [say("that {claim} ({verdict})", claim=claim_words(each), verdict=_everywhere(each, made)) for each in mine]
    return [say("The study found {claims}.", claims=listed(told))] if told else []


def _everywhere(main: Claim, made: Sequence[Claim]) -> str:
    """The main protocol's verdict, and those of other protocols that are not the same."""
    by_verdict: dict[str, list[str]] = {}
    for each in made:
        if each.claim == main.claim and each.verdict != main.verdict:
            by_verdict.setdefault(judged(each), []).append(each.protocol)
    elsewhere = [
        say("under {protocols} {verdict}", protocols=listed(names), verdict=verdict)
        for verdict, names in by_verdict.items()
    ]
    return "; ".join([say("here {verdict}", verdict=judged(main)), *elsewhere])


def judged(claim: Claim) -> str:
    """The verdict, and that a sure difference is too small to matter where it is."""
    if claim.verdict == "identical":
        return say("both draw the same boxes")
    shown = verdict_words(claim.verdict)
    if claim.verdict != "undecided" and all(negligible(each.interval) for each in claim.differences):
        return say("{verdict}, by a negligible difference", verdict=shown)
    return shown
