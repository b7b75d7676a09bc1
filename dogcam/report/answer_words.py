"""The page's first sentences: how all methods stand, and what became of the study's claims.

Every sentence is a tested statement (see `answer`) and one whole message for each case, as `dogcam.language` asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dogcam.analysis.answer import Standing, shown
from dogcam.analysis.claims import Claim
from dogcam.language import message, say
from dogcam.language.numbers import listed, negligible, number, spelled
from dogcam.report.claims_words import claim_words, verdict_words
from dogcam.statistics import Interval

_NAMED = 5  # of more methods than these the answer names three and counts the rest


def headline(found: Standing, on_training: bool) -> str:
    """The answer in one line."""
    said, known = _headline(found)
    if said == _OPEN:
        return say(_OPEN_ON_TRAINING if on_training else _OPEN)
    answer = say(said, **known) if known else say(said)
    return say("{answer}, on training images", answer=answer) if on_training else answer


def _headline(found: Standing) -> tuple[str, dict[str, str]]:
    """The message of the first case that holds, and what it is filled in with."""
    above, below = found.of(found.by_side("above")), found.of(found.by_side("below"))
    if found.unseen is None:
        known = {"methods": found.best, "iou": number(found.lines[0].iou.value)}
        return message("{methods}: the highest mean IoU, {iou}"), known
    for verdict, names in (("above", above), ("below", below)):
        if len(names) == found.total:
            return _ALL[verdict, found.alone], {"method": names[0]} if found.alone else {}
    if above:
        return _some(above, found.total)
    return (_NONE, {}) if below else (_OPEN, {})


_ALL = {  # the side, and whether there is one method only
    ("above", True): message("{method}'s boxes fit better than a box drawn without looking"),
    ("above", False): message("The heatmaps' boxes fit better than a box drawn without looking"),
    ("below", True): message("{method}'s boxes fit worse than a box drawn without looking"),
    ("below", False): message("The heatmaps' boxes fit worse than a box drawn without looking"),
}
_NONE = message("No method's boxes are shown to fit better than a box drawn without looking")
_OPEN = message("Not settled: do the heatmaps' boxes beat a box drawn without looking?")
_OPEN_ON_TRAINING = message("Not settled: do the heatmaps' boxes beat a box drawn without looking, on training images?")


def _some(above: Sequence[str], total: int) -> tuple[str, dict[str, str]]:
    """Which of the methods; more than three are counted."""
    known = {"total": str(total)}
    if len(above) > 3:
        many_more = message("{n} of {total} methods draw boxes that fit better than a box drawn without looking")
        return many_more, {"n": str(len(above)), **known}
    one = message("Of {total} methods only {methods} draws boxes that fit better than a box drawn without looking")
    many = message("Of {total} methods only {methods} draw boxes that fit better than a box drawn without looking")
    return one if len(above) == 1 else many, {"methods": listed(list(above)), **known}


def sentences(found: Standing, others: Iterable[Standing] = ()) -> list[str]:
    """How the methods stand, in words.

    Args:
        others: how they stand under other protocols.
    """
    under = [_under(other) for other in others]
    return [_highest(found), *_next(found), *_beside_unseen(found), *_others(found), *_same(found), *under]


def _highest(found: Standing) -> str:
    """The best, and where that holds."""
    line, comparison = found.lines[0], found.compared
    known = {"images": found.images, "protocol": comparison.protocol, "epoch": comparison.epoch}
    if len(comparison.runs) > 1:
        runs = listed([str(run) for run in comparison.runs])
        where = say(
            "On {images}, under protocol {protocol} at epoch {epoch} (means over runs {runs})", runs=runs, **known
        )
    else:
        where = say("On {images}, under protocol {protocol} at epoch {epoch}", **known)
    return say(_HIGHEST[_several(found)], where=where, methods=_named(found.of([line])), iou=_with_ends(line.iou))


_HIGHEST = {  # whether several methods draw the best boxes
    False: message("{where}, {methods} has the highest mean IoU with the annotated boxes: {iou}."),
    True: message("{where}, {methods} have the highest mean IoU with the annotated boxes: {iou}."),
}


def _several(found: Standing) -> bool:
    return len(found.of(found.lines[:1])) > 1


def _with_ends(found: Interval) -> str:
    return number(found.value) + ("" if found.method == "none" else f" [{number(found.low)}, {number(found.high)}]")


def _beside_unseen(found: Standing) -> list[str]:
    """On which side of the best box that never looks the best lies."""
    line = found.lines[0]
    if line.unseen is None or found.unseen is None:
        return []
    known = {"box": found.compared.baseline, "unseen": number(found.unseen), "difference": shown(line.unseen)}
    return [say(_BESIDE[line.unseen.verdict], **known)]


_BESIDE = {
    "above": message(
        "The highest mean IoU is above that of the best box that never looks at the picture, {box} ({unseen}); the "
        "difference is {difference}."
    ),
    "below": message(
        "The highest mean IoU is below that of the best box that never looks at the picture, {box} ({unseen}); the "
        "difference is {difference}."
    ),
    "undecided": message(
        "The highest mean IoU is not told apart from that of the best box that never looks at the picture, {box} "
        "({unseen}); the difference is {difference}."
    ),
}


def _under(found: Standing) -> str:
    """The best under another protocol."""
    line = found.lines[0]
    known = {"protocol": found.compared.protocol, "methods": _named(found.of([line])), "iou": _with_ends(line.iou)}
    if line.unseen is None or found.unseen is None:
        return say("Under protocol {protocol} the highest mean IoU is that of {methods}: {iou}.", **known)
    unseen = {"box": found.compared.baseline, "unseen": number(found.unseen), "difference": shown(line.unseen)}
    return say(_UNDER[line.unseen.verdict], **known, **unseen)


_UNDER = {
    "above": message(
        "Under protocol {protocol} the highest mean IoU is that of {methods}, {iou}, above the best such box there, "
        "{box} ({unseen}); the difference is {difference}."
    ),
    "below": message(
        "Under protocol {protocol} the highest mean IoU is that of {methods}, {iou}, below the best such box there, "
        "{box} ({unseen}); the difference is {difference}."
    ),
    "undecided": message(
        "Under protocol {protocol} the highest mean IoU is that of {methods}, {iou}, not told apart from the best such "
        "box there, {box} ({unseen}); the difference is {difference}."
    ),
}


def _named(names: Sequence[str]) -> str:
    """Names in a sentence; of many the first three, and how many more."""
    if len(names) <= _NAMED:
        return listed(list(names))
    return say("{names} and {n} more", names=", ".join(names[:3]), n=len(names) - 3)


def _next(found: Standing) -> list[str]:
    """Whether the best is the best for certain."""
    others = found.lines[1:]
    if not others:
        return []
    leads = {line.names[0]: found.lead(line) for line in others}
    tied = [line for line in others if leads[line.names[0]][1] != "above"]
    if tied:
        return [say(_TIED[_several(found)], methods=_named(found.of(tied)))]
    by, names = spelled(leads[others[0].names[0]][0]), found.of(others[:1])
    which = "all" if len(others) > 1 else "one" if len(names) == 1 else "group"
    return [say(_AHEAD[which, _several(found)], methods=_named(names), difference=by)]


_TIED = {  # whether several methods draw the best boxes
    False: message("It is not told apart from {methods}."),
    True: message("They are not told apart from {methods}."),
}
_AHEAD = {
    ("one", False): message("It lies above the other method, {methods}, by {difference}."),
    ("one", True): message("They lie above the other method, {methods}, by {difference}."),
    ("group", False): message("It lies above the other methods, {methods}, by {difference}."),
    ("group", True): message("They lie above the other methods, {methods}, by {difference}."),
    ("all", False): message("It lies above every other method, and above the next, {methods}, by {difference}."),
    ("all", True): message("They lie above every other method, and above the next, {methods}, by {difference}."),
}


def _others(found: Standing) -> list[str]:
    """On which side of the best box that never looks the other methods lie."""
    best, others = found.lines[0], found.lines[1:]
    if found.unseen is None or not others:
        return []
    by_side = {verdict: found.of(x for x in found.by_side(verdict) if x is not best) for verdict in _ONE}
    there = {verdict: names for verdict, names in by_side.items() if names}
    if len(there) == 1 and len(others) > 1 and sum(map(len, there.values())) == len(found.of(others)):
        ((verdict, names),) = there.items()
        return [say(_EVERY[verdict], n=len(names))]
    return [
        say((_ONE if len(names) == 1 else _MANY)[verdict], methods=_named(names)) for verdict, names in there.items()
    ]


_EVERY = {
    "above": message("All {n} others are above that box."),
    "undecided": message("All {n} others are not told apart from that box."),
    "below": message("All {n} others are below that box."),
}
_ONE = {
    "above": message("{methods} is above that box."),
    "undecided": message("{methods} is not told apart from that box."),
    "below": message("{methods} is below that box."),
}
_MANY = {
    "above": message("{methods} are above that box."),
    "undecided": message("{methods} are not told apart from that box."),
    "below": message("{methods} are below that box."),
}


def _same(found: Standing) -> list[str]:
    """What draws the same boxes, and that it must where it must."""
    lines = [line for line in found.compared.lines if len(line.names) > 1 and found.methods & set(line.names)]
    return [say(_SAME[line.by_algebra], methods=_named([found.named(name) for name in line.names])) for line in lines]


_SAME = {  # whether they must
    False: message("{methods} draw the same boxes."),
    True: message("{methods} draw the same boxes, as the algebra says they must when handled alike."),
}


def of_claims(made: Sequence[Claim], main: str) -> list[str]:
    """What the study said, and what this experiment says of it under the main protocol and wherever that differs."""
    mine = [each for each in made if each.source == "study" and each.protocol == main and each.claim != "parts"]
    told = [say("that {claim} ({verdict})", claim=claim_words(each), verdict=_everywhere(each, made)) for each in mine]
    return [say("The study found {claims}.", claims=listed(told))] if told else []


def _everywhere(main: Claim, made: Sequence[Claim]) -> str:
    """The main protocol's verdict, and those of other protocols that are not the same."""
    by_verdict: dict[str, list[str]] = {}
    for each in made:
        if each.claim == main.claim and each.verdict != main.verdict:
            by_verdict.setdefault(_verdict(each), []).append(each.protocol)
    elsewhere = [
        say("under {protocols} {verdict}", protocols=listed(names), verdict=verdict)
        for verdict, names in by_verdict.items()
    ]
    return "; ".join([say("here {verdict}", verdict=_verdict(main)), *elsewhere])


def _verdict(claim: Claim) -> str:
    """The verdict, and that a sure difference is too small to matter where it is."""
    if claim.verdict == "identical":
        return say("both draw the same boxes")
    shown_verdict = verdict_words(claim.verdict)
    if claim.verdict != "undecided" and all(negligible(each.interval) for each in claim.differences):
        return say("{verdict}, by a negligible difference", verdict=shown_verdict)
    return shown_verdict
