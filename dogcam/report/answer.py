"""The answer: what localises best, by how much against the best box that never looks, and how sure that is.

Every sentence is a tested statement, and rests on the one family of its protocol and epoch (see `analysis.comparison`): above
and below are what both a 95 % interval and the test corrected for that family (Holm) tell apart. One whole message a case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dogcam.analysis.analysis import Analysis
from dogcam.analysis.comparison import Comparison, Line
from dogcam.experiment.evaluations import MapKey
from dogcam.language import message, say
from dogcam.language.numbers import listed, number, spelled, with_ends
from dogcam.report.naming import images, named, names
from dogcam.statistics import Pair


def headline(analysis: Analysis, found: Comparison) -> str:
    """On which side of never looking the methods lie, in one line."""
    said, values = _headline(found, analysis.pooled_layer)
    if analysis.scope is not None and analysis.scope.split == "train":
        if said == _OPEN:
            return say(_OPEN_ON_TRAINING)
        return say("{answer}, on training images", answer=say(said, **values))
    return say(said, **values)


def _headline(found: Comparison, pooled: str) -> tuple[str, dict[str, str]]:
    """The message of the first case that holds, and what it is filled in with."""
    if found.unseen is None:
        best = found.looking[0]
        return _HIGHEST_OF_ALL, {"methods": names(_of(found, best), pooled), "iou": number(best.iou.value)}
    above, below = (found.methods_of(found.on_side(side)) for side in ("above", "below"))
    alone = len(found.methods) == 1 and found.methods[0].layer == pooled
    for side, keys in (("above", above), ("below", below)):
        if len(keys) == len(found.methods):
            return _ALL[side, alone], {"method": named(keys[0], pooled)} if alone else {}
    if not above:
        return (_NONE if below else _OPEN), {}
    total = str(len(found.methods))
    if len(above) > 3:
        return _COUNTED, {"n": str(len(above)), "total": total}
    return _SOME[len(above) > 1], {"methods": listed([named(key, pooled) for key in above]), "total": total}


_HIGHEST_OF_ALL = message("{methods}: the highest mean IoU, {iou}")
_ALL = {  # the side, and whether there is one method only
    ("above", True): message("{method}'s boxes fit better than a box drawn without looking"),
    ("above", False): message("The heatmaps' boxes fit better than a box drawn without looking"),
    ("below", True): message("{method}'s boxes fit worse than a box drawn without looking"),
    ("below", False): message("The heatmaps' boxes fit worse than a box drawn without looking"),
}
_NONE = message("No method's boxes are shown to fit better than a box drawn without looking")
_OPEN = message("Not settled: do the heatmaps' boxes beat a box drawn without looking?")
_OPEN_ON_TRAINING = message("Not settled: do the heatmaps' boxes beat a box drawn without looking, on training images?")
_COUNTED = message("{n} of {total} methods draw boxes that fit better than a box drawn without looking")
_SOME = {  # whether there are several
    False: message("Of {total} methods only {methods} draws boxes that fit better than a box drawn without looking"),
    True: message("Of {total} methods only {methods} draw boxes that fit better than a box drawn without looking"),
}


def sentences(analysis: Analysis, found: Comparison) -> list[str]:
    """The whole answer: the best, where that holds, whether it is the best for certain, and the others."""
    pooled = analysis.pooled_layer
    others = (analysis.spoken(protocol) for protocol in analysis.protocols if protocol != found.protocol)
    return [
        best(found, pooled),
        where(analysis, found),
        *_next(found, pooled),
        *_others(found, pooled),
        *same(found, pooled),
        *(_under(other, pooled) for other in others if other is not None),
    ]


def best(found: Comparison, pooled: str) -> str:
    """What localises best, by how much against the best box that never looks, and how sure that is."""
    line, unseen = found.looking[0], found.unseen_iou
    keys = _of(found, line)
    values = {"methods": names(keys, pooled), "iou": with_ends(line.iou)}
    if line.unseen is None or unseen is None or found.unseen is None:
        return say(_ALONE[len(keys) > 1], **values)
    box = {"box": named(found.unseen, pooled), "unseen": number(unseen.value), "difference": shown(line.unseen)}
    return say(_BEST[line.verdict or "", len(keys) > 1], **values, **box)


def _of(found: Comparison, line: Line) -> list[MapKey]:
    return found.methods_of([line])


_ALONE = {  # whether several methods draw the best boxes
    False: message("{methods} has the highest mean IoU with the annotated boxes, {iou}."),
    True: message("{methods} have the highest mean IoU with the annotated boxes, {iou}."),
}
_BEST = {  # on which side of the best box that never looks, and whether several methods draw the best boxes
    ("above", False): message(
        "{methods} has the highest mean IoU, {iou}: above {box}, the best box that never looks ({unseen}), by {difference}."
    ),
    ("above", True): message(
        "{methods} have the highest mean IoU, {iou}: above {box}, the best box that never looks ({unseen}), by {difference}."
    ),
    ("below", False): message(
        "{methods} has the highest mean IoU, {iou}: below {box}, the best box that never looks ({unseen}), by {difference}."
    ),
    ("below", True): message(
        "{methods} have the highest mean IoU, {iou}: below {box}, the best box that never looks ({unseen}), by {difference}."
    ),
    ("undecided", False): message(
        "{methods} has the highest mean IoU, {iou}: not told apart from {box}, the best box that never looks ({unseen}); the "
        "difference is {difference}."
    ),
    ("undecided", True): message(
        "{methods} have the highest mean IoU, {iou}: not told apart from {box}, the best box that never looks ({unseen}); the "
        "difference is {difference}."
    ),
    ("few", False): message(
        "{methods} has the highest mean IoU, {iou}, and {box}, the best box that never looks, {unseen}: too few images to tell "
        "them apart ({difference})."
    ),
    ("few", True): message(
        "{methods} have the highest mean IoU, {iou}, and {box}, the best box that never looks, {unseen}: too few images to tell "
        "them apart ({difference})."
    ),
}


def shown(pair: Pair[MapKey]) -> str:
    """A difference with its interval, and where that excludes 0 but the test does not, that it does not."""
    difference = spelled(pair.difference)
    if pair.difference.verdict == pair.verdict:
        return difference
    return say("{difference}, which the corrected test does not bear out", difference=difference)


def where(analysis: Analysis, found: Comparison) -> str:
    """The images, the protocol, the epoch and the runs that the answer holds for."""
    split = "" if analysis.scope is None else analysis.scope.split
    values = {"images": images(found.n, split), "protocol": found.protocol, "epoch": found.epoch}
    if len(found.runs) > 1:
        runs = listed([str(run) for run in found.runs])
        return say(
            "This is on {images}, under protocol {protocol} at epoch {epoch}, means over runs {runs}.",
            runs=runs,
            **values,
        )
    return say("This is on {images}, under protocol {protocol} at epoch {epoch}.", **values)


def _under(found: Comparison, pooled: str) -> str:
    """The best under another protocol."""
    return say("Under protocol {protocol}: {answer}", protocol=found.protocol, answer=best(found, pooled))


def _next(found: Comparison, pooled: str) -> list[str]:
    """Whether the best is the best for certain."""
    first, *others = found.looking
    if not others:
        return []
    several = len(_of(found, first)) > 1
    leads = [found.between(first, line) for line in others]
    tied = [line for line, lead in zip(others, leads, strict=True) if lead.verdict != "above"]
    if tied:
        return [say(_TIED[several], methods=names(found.methods_of(tied), pooled))]
    keys = _of(found, others[0])
    which = "all" if len(others) > 1 else "one" if len(keys) == 1 else "group"
    return [say(_AHEAD[which, several], methods=names(keys, pooled), difference=spelled(leads[0].difference))]


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


def _others(found: Comparison, pooled: str) -> list[str]:
    """On which side of the best box that never looks the other methods lie."""
    others = found.looking[1:]
    if found.unseen is None or not others:
        return []
    sides = {side: found.methods_of(line for line in others if line.verdict == side) for side in _ONE}
    there = {side: keys for side, keys in sides.items() if keys}
    if len(there) == 1 and len(others) > 1 and sum(map(len, there.values())) == len(found.methods_of(others)):
        ((side, keys),) = there.items()
        return [say(_EVERY[side], n=len(keys))]
    return [say((_ONE if len(keys) == 1 else _MANY)[side], methods=names(keys, pooled)) for side, keys in there.items()]


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


def same(found: Comparison, pooled: str) -> list[str]:
    """What draws the same boxes, and that it must where it must."""
    lines: Sequence[Line] = [line for line in found.looking if len(line.maps) > 1]
    return [say(_SAME[line.by_algebra], methods=_every(line.maps, pooled)) for line in lines]


def _every(keys: Iterable[MapKey], pooled: str) -> str:
    return listed([named(key, pooled) for key in keys])


_SAME = {  # whether they must
    False: message("{methods} draw the same boxes."),
    True: message("{methods} draw the same boxes, as the algebra says they must when handled alike."),
}
