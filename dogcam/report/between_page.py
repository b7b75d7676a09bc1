"""The comparison of experiments as a document: the answer first, what differs, accuracy, and boxes by protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from dogcam.analysis.between import Contrast, Match, Score
from dogcam.analysis.sameness import Side
from dogcam.figures import Interval as Bar
from dogcam.figures import intervals as interval_chart
from dogcam.language import message, say
from dogcam.language.numbers import NONE, count, listed, number, p_value, spelled
from dogcam.methods import title_of
from dogcam.report.between_words import (
    ONE_RUN,
    WORDS,
    answer,
    beside_unseen,
    compared,
    headline,
    right,
    setting_named,
    settings,
    verdict,
)
from dogcam.report.document import Chart, Document, Entry, Exhibit, Row, Table
from dogcam.report.protocol_words import in_words
from dogcam.report.provenance import provenance, written
from dogcam.statistics import Interval


def compose_contrast(found: Contrast, sides: Sequence[Side]) -> Document:
    """The page that compares experiments."""
    exhibits = [_differs(found), _classifies(found), *(_boxes(found, match) for match in found.matches)]
    there = [exhibit for exhibit in exhibits if exhibit is not None]
    return Document(
        name=listed(list(found.labels)),
        headline=headline(found),
        answer=tuple(answer(found)),
        facts=tuple(_facts(found)),
        hero=None,
        findings=(),
        exhibits=tuple(replace(exhibit, place=place) for place, exhibit in enumerate(there, start=1)),
        provenance=tuple(_made(found, sides)),
        subtitle=say(
            "{n} experiments · {scope} · {images} images",
            n=len(found.labels),
            scope=found.scope,
            images=count(found.matches[0].images),
        ),
    )


def _facts(found: Contrast) -> list[tuple[str, str]]:
    """Each one's accuracy and its best method."""
    facts = [
        (number(each.accuracy), say("test accuracy of {experiment}", experiment=each.label)) for each in found.accuracy
    ]
    for label in found.labels:
        best = max((s for s in found.matches[0].scores if s.label == label), key=lambda score: score.iou.value)
        told = say("highest mean IoU of {experiment} ({method})", experiment=label, method=title_of(best.method))
        facts.append((number(best.iou.value), told))
    return facts


def _differs(found: Contrast) -> Exhibit:
    """What is compared: every setting that is not the same."""
    rows = tuple(Row.of(*setting_named(name), *map(written, values)) for name, values in found.differs.items())
    table = Table(
        say("Settings that differ; all others, the classes and the data's fingerprint are the same."),
        (say("part"), say("setting"), *found.labels),
        rows,
        words=2 + len(found.labels),
    )
    return Exhibit(
        1,
        "differs",
        say("What differs between the experiments"),
        (settings(found),),
        (table,) if rows else (),
        say("What a difference in the figures below can come from: one of these settings, or chance in training."),
        say("Which of several settings it comes from: for that, change one at a time."),
    )


def _classifies(found: Contrast) -> Exhibit | None:
    """Accuracy of the runs that speak for the experiments."""
    if not found.accuracy:
        return None
    best = max(each.accuracy for each in found.accuracy)
    rows = tuple(
        Row.of(
            each.label,
            say("{run} of {runs}", run=each.run, runs=each.runs),
            str(each.epoch),
            Entry(number(each.accuracy, 4), strong=_ahead(found) and each.accuracy == best),
            number(each.loss, 4),
            ", ".join(number(other, 4) for other in each.others) or NONE,
        )
        for each in found.accuracy
    )
    heads = (say("experiment"), say("run"), say("epoch"), say("accuracy"), say("loss"), say("other runs"))
    return Exhibit(
        2,
        "accuracy",
        say("Which classifies better"),
        tuple(right(found)),
        (Table(say("Test accuracy and loss at the best epoch of the chosen run."), heads, rows),),
        say("How the chosen runs classify the test images; paired image by image where their predictions are kept."),
        " ".join([say("Run and epoch are chosen on the same images that they are reported on."), say(ONE_RUN)]),
    )


def _ahead(found: Contrast) -> bool:
    """Whether all pairs are told apart at the best epochs: only then is a best one set off."""
    return (
        found.classified is not None
        and found.classified.best
        and all(p.verdict != "undecided" for p in found.classified.pairs)
    )


def _boxes(found: Contrast, match: Match) -> Exhibit:
    """One protocol: sentences, the mean IoU of each, the differences as table and chart."""
    place = found.matches.index(match)
    return Exhibit(
        3,
        f"boxes-{place + 1}",
        say("Whose boxes fit better, under protocol {protocol}", protocol=match.protocol),
        (*compared(found, match), *beside_unseen(match), *_missing(match)),
        (_means(found, match), _gaps(found, match), *_chart(found, match, place)),
        say(
            "With which methods one experiment's boxes fit these images better than another's: all were scored on the same "
            "images, each method at the layer that the table names."
        ),
        " ".join([say(ONE_RUN), say(_TOLD_APART), say(_FINENESS)]),
    )


_TOLD_APART = message(
    "Above and below are what both a 95 % interval and a test corrected for all differences of the protocol (Holm) tell "
    "apart."
)
_FINENESS = message("Networks also differ in how fine their maps are, which a box inherits.")


def _missing(match: Match) -> list[str]:
    left = [title_of(method) for method in match.left_out]
    if not left:
        return []
    return [say("Left out, as not all have them at like layers at these epochs: {methods}.", methods=listed(left))]


def _means(found: Contrast, match: Match) -> Table:
    """Mean IoU by method and experiment, the best box that never looks below."""
    scores = {(score.label, score.method): score for score in match.scores}
    rows = [
        Row.of(
            title_of(method),
            *(cell for label in found.labels for cell in _cells(scores[label, method], _leads(match, label, method))),
        )
        for method in match.methods
    ]
    boxes = {score.label: score for score in match.unseen}
    if boxes:
        shown = [
            (boxes[label].method, _mean(boxes[label].iou), NONE) if label in boxes else (NONE,) * 3
            for label in found.labels
        ]
        rows.append(Row.of(say("never looks"), *(cell for each in shown for cell in each), kind="baseline"))
    heads = [
        head
        for label in found.labels
        for head in (say("{experiment}: layer", experiment=label), say("mean IoU [95 %]"), say("less the best box"))
    ]
    caption = say(
        "Mean IoU by experiment, and less the best box that never looks ({images} images). Bold: above all others.",
        images=count(match.images),
    )
    return Table(caption, (say("method"), *heads), tuple(rows))


def _leads(match: Match, label: str, method: str) -> bool:
    """Whether one experiment's boxes are better than every other's with a method."""
    mine = [gap for gap in match.gaps if gap.method == method and label in (gap.first, gap.second)]
    return all(verdict(gap) == ("above" if gap.second == label else "below") for gap in mine)


def _cells(score: Score, leads: bool) -> tuple[str, Entry, str]:
    beside = NONE if score.unseen is None else spelled(score.unseen.difference)
    return score.layer, _mean(score.iou, leads), beside


def _mean(found: Interval, leads: bool = False) -> Entry:
    ends = "" if np.isnan(found.low) else f" [{number(found.low)}, {number(found.high)}]"
    return Entry(f"{number(found.value)}{ends}", strong=leads, bar=found.value)


def _gaps(found: Contrast, match: Match) -> Table:
    """The differences; of two experiments the caption says which is subtracted, of more a column."""
    several = len(found.labels) > 2
    rows = tuple(
        Row.of(
            title_of(gap.method),
            *([f"{gap.second} − {gap.first}"] if several else []),
            say(WORDS[verdict(gap)]),
            spelled(gap.pair.difference),
            p_value(gap.pair.holm),
            f"{gap.pair.wins} / {gap.pair.ties} / {gap.pair.losses}",
        )
        for gap in match.gaps
    )
    figures = (say("IoU [95 %]"), say("p (Holm)"), say("wins / ties / losses"))
    heads = (say("method"), *([say("difference")] if several else []), say("verdict"), *figures)
    caption = say("Paired differences in IoU ({of}) over the same images.", of=_subtracted(found))
    return Table(caption, heads, rows, words=len(heads) - len(figures))


def _subtracted(found: Contrast) -> str:
    """What is subtracted from what."""
    if len(found.labels) > 2:
        return say("later named − earlier named")
    return f"{found.labels[1]} − {found.labels[0]}"


def _chart(found: Contrast, match: Match, place: int) -> list[Chart]:
    several = len(found.labels) > 2
    rows = [
        Bar(title_of(g.method) + (f": {g.second} − {g.first}" if several else ""), g.pair.mean, g.pair.low, g.pair.high)
        for g in match.gaps
        if np.isfinite(g.pair.low)
    ]
    if not rows:
        return []
    return [
        Chart(
            f"iou-between-{place + 1}",
            say(
                "Paired differences in IoU ({of}) with 95 % intervals, protocol {protocol}; grey: the interval holds 0.",
                of=_subtracted(found),
                protocol=match.protocol,
            ),
            say("Intervals of the paired differences; the numbers are in the table."),
            partial(interval_chart, rows, say("difference in IoU")),
        )
    ]


def _made(found: Contrast, sides: Sequence[Side]) -> list[Table]:
    """How each was made, and what the protocols mean."""
    tables = [
        replace(
            provenance(each.evidence)[0],
            caption=say("{experiment}: data, network, versions", experiment=each.label),
            folded=True,
        )
        for each in sides
    ]
    known = sides[0].evidence
    rows = tuple(Row.of(match.protocol, in_words(known.protocol(match.protocol))) for match in found.matches)
    heads, caption = (say("protocol"), say("in words")), say("Protocols: how a map becomes a box and a score")
    return [*tables, Table(caption, heads, rows, words=2, key="protocols")]
