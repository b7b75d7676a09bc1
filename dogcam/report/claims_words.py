"""Claims in words: what each says, its verdict with its numbers, and what all of them leave open; for page and terminal alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dogcam.analysis.claims import Claim, Difference, rests_on
from dogcam.language.numbers import NEGLIGIBLE, listed, negligible, number, spelled
from dogcam.methods import title_of
from dogcam.report.document import Finding
from dogcam.report.texts import text
from dogcam.report.wording import SIDES, interval_reason
from dogcam.statistics.intervals import LEAST


def claim_words(claim: Claim) -> str:
    """What is claimed."""
    if claim.claim != "parts":
        return text(f"claims.made.{claim.claim}{'' if claim.pooled else '_given'}")
    falls, *rises = claim.differences
    return text("claims.made.parts", last=falls.epoch, first=rises[0].earlier, until=rises[-1].epoch)


def verdict_words(verdict: str) -> str:
    """A verdict on a claim."""
    return text(f"claims.verdicts.{verdict}")


def source_words(source: str) -> str:
    """Who makes a claim: "the study's claim"."""
    return text(f"claims.sources.{source}")


def sentence(claim: Claim) -> str:
    """The verdict with its numbers."""
    few = [] if claim.verdict == "identical" else _few(claim)
    return " ".join([_found(claim), *few, *_after(claim)])


def difference_label(difference: Difference) -> str:
    """What is subtracted from what: "CAM − whole-image, epoch 4"."""
    method, epoch = title_of(difference.method), difference.epoch
    if difference.other is None:
        return text("claims.label_of_epochs", method=method, later=epoch, earlier=difference.earlier)
    return text("claims.label", method=method, other=title_of(difference.other), epoch=epoch)


def caution(made: Iterable[Claim], images: str, on_training: bool) -> str:
    """What the verdicts leave open.

    Args:
        images: how many were scored, in words.
        on_training: they are those that the network was trained on.
    """
    every = list(made)
    intervals = [difference.interval for _, difference in rests_on(every)]
    single = rests_on(claim for claim in every if claim.claim != "beats")  # "beats" rests on a family, which is corrected
    sentences = [_reach(sorted({each.runs for each in intervals if each.runs > 1}), images)]
    if len(single) > 1:
        sentences.append(text("claims.caution.single", len(single)))
    if any(map(negligible, intervals)):
        sentences.append(text("claims.caution.negligible", margin=f"{NEGLIGIBLE:g}"))
    reasons = dict.fromkeys(interval_reason(each) for each in intervals if each.reason and not negligible(each))
    sentences += [text("claims.caution.reason", reason=reason) for reason in reasons]
    return " ".join([*sentences, *([text("claims.caution.on_training")] if on_training else [])])


def _reach(runs: Sequence[int], images: str) -> str:
    """What the intervals hold for; some may be over several runs."""
    if not runs:
        return text("claims.caution.images", images=images)
    *several, last = map(str, runs)
    over = text("claims.caution.or", several=", ".join(several), last=last) if several else last
    return text("claims.caution.images_and_runs", images=images, runs=over)


def _few(claim: Claim) -> list[str]:
    """Why nothing can be decided; nothing where something can."""
    few = [each.interval.units for each in claim.differences if each.interval.method == "none"][:1]
    return [text("claims.few", n, least=LEAST) for n in few]


def _epoch(of: Difference) -> str:
    return text("claims.epoch", epoch=of.epoch)


def _step(of: Difference) -> str:
    return text("claims.step", later=of.epoch, earlier=of.earlier)


def _spelled(made: Sequence[Difference], label: Callable[[Difference], str]) -> str:
    """All differences in a sentence."""
    return "; ".join(f"{label(each)}: {spelled(each.interval)}" for each in made)


def _found(claim: Claim) -> str:
    """What was found, in numbers."""
    if claim.claim == "above":
        return text(f"claims.above.{claim.verdict}", differences=_spelled(claim.differences, _epoch))
    if claim.claim == "parts":
        return _parts(claim)
    if claim.claim == "beats":
        return _beats(claim)
    rises = claim.claim == "rises"
    of = claim.whole or claim.differences[0] if rises else claim.differences[-1]
    key = f"claims.{'rises' if rises else 'falls'}.{claim.verdict}"
    return text(key, first=of.earlier, last=of.epoch, change=spelled(of.interval))


def _parts(claim: Claim) -> str:
    """ "Grad-CAM falls at the last epoch, CAM rises": one statement made of two."""
    if claim.verdict == "identical":
        return text("claims.parts_identical")
    last, *steps = claim.differences
    falls, rises, both = map(verdict_words, (*claim.of_parts, claim.verdict))
    epochs = {"first": last.earlier, "last": last.epoch}
    numbers = {"change": spelled(last.interval), "steps": _spelled(steps, _step)}
    return text("claims.parts", **epochs, **numbers, falls=falls, rises=rises, verdict=both)


def _beats(claim: Claim) -> str:
    """Heatmaps against the best box that never looks: "the boxes of CAM fit worse; those of LayerCAM cannot be told apart"."""
    first = claim.differences[0]
    names = {side: [title_of(each.method) for each in claim.differences if each.verdict == side] for side in SIDES}
    there = [(side, listed(some)) for side, some in names.items() if some]
    sides = [text(f"claims.{'those' if k else 'boxes'}.{side}", methods=some) for k, (side, some) in enumerate(there)]
    return text(
        "claims.beats",
        epoch=first.epoch,
        box=title_of(first.other or ""),
        iou=number(claim.box_iou),
        sides="; ".join(sides),
        differences=_spelled(claim.differences, lambda each: title_of(each.method)),
    )


def _after(claim: Claim) -> list[str]:
    """What is said after the verdict: the steps where there are several, or what in the handling made the difference."""
    if claim.whole is not None:
        return [text("claims.step_by_step", steps=_spelled(claim.differences, _step))]
    if claim.claim != "above" or claim.relu is None:
        return []
    negative = "cut" if claim.relu else "kept"
    if claim.verdict == "identical":
        return [text(f"claims.alike.{negative}", protocol=claim.protocol)]
    if (negative, claim.score) == ("cut", "logit") or claim.score is None:
        return []
    return [text(f"claims.apart.{negative}_{claim.score}", protocol=claim.protocol)]


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
    told = [text("claims.that", claim=claim_words(each), verdict=_everywhere(each, made)) for each in mine]
    return [text("claims.studied", claims=listed(told))] if told else []


def _everywhere(main: Claim, made: Sequence[Claim]) -> str:
    """The main protocol's verdict, and those of other protocols that are not the same."""
    by_verdict: dict[str, list[str]] = {}
    for each in made:
        if each.claim == main.claim and each.verdict != main.verdict:
            by_verdict.setdefault(judged(each), []).append(each.protocol)
    under = [text("claims.under", protocols=listed(names), verdict=verdict) for verdict, names in by_verdict.items()]
    return "; ".join([text("claims.here", verdict=judged(main)), *under])


def judged(claim: Claim) -> str:
    """The verdict, and that a sure difference is too small to matter where it is."""
    if claim.verdict == "identical":
        return text("claims.same_boxes")
    shown = verdict_words(claim.verdict)
    if claim.verdict != "undecided" and all(negligible(each.interval) for each in claim.differences):
        return text("claims.by_negligible", verdict=shown)
    return shown
