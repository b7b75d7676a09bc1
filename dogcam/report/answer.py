"""The answer: what localises best, by how much against the best box that never looks, and how sure that is.

Every sentence is a tested statement, and rests on the one family of its protocol and epoch (see `analysis.comparison`): above
and below are what both a 95 % interval and the test corrected for that family (Holm) tell apart. Which case holds is found
here; what is said of it stands in `texts.toml`.
"""

from __future__ import annotations

from typing import Any

from dogcam.analysis.analysis import Analysis
from dogcam.analysis.comparison import Comparison, Line
from dogcam.experiment.evaluations import MapKey
from dogcam.language.numbers import capital, listed, number, spelled, with_ends
from dogcam.report.naming import images, named, names
from dogcam.report.texts import text
from dogcam.report.wording import SIDES
from dogcam.statistics import Pair


def headline(analysis: Analysis, found: Comparison) -> str:
    """On which side of never looking the methods lie, in one line."""
    case, values = standing(found, analysis.pooled_layer)
    if analysis.scope is None or analysis.scope.split != "train":
        return text(f"answer.headline.{case}", **values)
    if case == "open":
        return text("answer.open_on_training")
    return text("answer.on_training", answer=text(f"answer.headline.{case}", **values))


def standing(found: Comparison, pooled: str) -> tuple[str, dict[str, Any]]:
    """The first case of the headline that holds, and what its text is filled in with."""
    if found.unseen is None:
        best = found.looking[0]
        return "highest", {"methods": names(_of(found, best), pooled), "iou": number(best.iou.value)}
    above, below = (found.methods_of(found.on_side(side)) for side in ("above", "below"))
    total = len(found.methods)
    for side, keys in (("above", above), ("below", below)):
        if len(keys) == total:
            alone = total == 1 and keys[0].layer == pooled
            return (f"one_{side}", {"method": named(keys[0], pooled)}) if alone else (f"all_{side}", {})
    if not above:
        return ("none" if below else "open"), {}
    if len(above) > 3:
        return "counted", {"n": len(above), "total": total}
    return "only", {"n": len(above), "methods": listed([named(key, pooled) for key in above]), "total": total}


def sentences(analysis: Analysis, found: Comparison) -> list[str]:
    """The whole answer: the best, where that holds, whether it is the best for certain, and the others."""
    pooled = analysis.pooled_layer
    others = (analysis.spoken(protocol) for protocol in analysis.protocols if protocol != found.protocol)
    return [
        best(found, pooled),
        *_next(found, pooled),
        *_others(found, pooled),
        *same(found, pooled),
        where(analysis, found),
        *(text("answer.under", protocol=each.protocol, answer=best(each, pooled)) for each in others if each is not None),
    ]


def best(found: Comparison, pooled: str) -> str:
    """What localises best, by how much against the best box that never looks, and how sure that is."""
    line, unseen = found.looking[0], found.unseen_iou
    keys = _of(found, line)
    values = {"methods": names(keys, pooled), "iou": with_ends(line.iou)}
    if line.unseen is None or unseen is None or found.unseen is None:
        return capital(text("answer.alone", len(keys), **values))
    values |= {"box": named(found.unseen, pooled), "unseen": number(unseen.value), "difference": shown(line.unseen)}
    return capital(text(f"answer.best.{line.verdict}", len(keys), **values))


def _of(found: Comparison, line: Line) -> list[MapKey]:
    return found.methods_of([line])


def shown(pair: Pair[MapKey]) -> str:
    """A difference with its interval, and where that excludes 0 but the test does not, that it does not."""
    difference = spelled(pair.difference)
    if pair.difference.verdict == pair.verdict:
        return difference
    return text("answer.not_borne_out", difference=difference)


def where(analysis: Analysis, found: Comparison) -> str:
    """The images, the protocol, the epoch and the runs that the answer holds for."""
    split, pictures = ("", None) if analysis.scope is None else (analysis.scope.split, analysis.scope.pictures)
    values = {"images": images(found.n, split, pictures), "protocol": found.protocol, "epoch": found.epoch}
    if len(found.runs) > 1:
        return text("answer.where_over_runs", **values, runs=listed([str(run) for run in found.runs]))
    return text("answer.where" if found.epoch else "answer.where_given", **values)


def _next(found: Comparison, pooled: str) -> list[str]:
    """Whether the best is the best for certain."""
    first, *others = found.looking
    if not others:
        return []
    n = len(_of(found, first))
    leads = [found.between(first, line) for line in others]
    tied = [line for line, lead in zip(others, leads, strict=True) if lead.verdict != "above"]
    if tied:
        return [text("answer.tied", n, methods=names(found.methods_of(tied), pooled))]
    keys = _of(found, others[0])
    which = "all" if len(others) > 1 else "one" if len(keys) == 1 else "group"
    return [text(f"answer.ahead.{which}", n, methods=names(keys, pooled), difference=spelled(leads[0].difference))]


def _others(found: Comparison, pooled: str) -> list[str]:
    """On which side of the best box that never looks the other methods lie."""
    others = found.looking[1:]
    if found.unseen is None or not others:
        return []
    sides = {side: found.methods_of(line for line in others if line.verdict == side) for side in SIDES}
    there = {side: keys for side, keys in sides.items() if keys}
    if len(there) == 1 and len(others) > 1 and sum(map(len, there.values())) == len(found.methods_of(others)):
        ((side, keys),) = there.items()
        return [text(f"answer.every.{side}", len(keys))]
    return [text(f"answer.others.{side}", len(keys), methods=names(keys, pooled)) for side, keys in there.items()]


def same(found: Comparison, pooled: str) -> list[str]:
    """What draws the same boxes, and that it must where it must."""
    alike = [line for line in found.looking if len(line.maps) > 1]
    keys = ["answer.same_by_algebra" if line.by_algebra else "answer.same" for line in alike]
    return [text(key, methods=names(line.maps, pooled)) for key, line in zip(keys, alike, strict=True)]
