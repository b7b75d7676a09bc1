"""The comparison of experiments as a document: the answer first, what differs, accuracy, and boxes by protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

import numpy as np

from dogcam.analysis.between import Contrast, Gap, Match, Score
from dogcam.analysis.sameness import Side
from dogcam.figures import Interval as Bar
from dogcam.figures import intervals as interval_chart
from dogcam.language.numbers import NONE, count, listed, number, p_value, spelled, with_ends
from dogcam.methods import title_of
from dogcam.report.between_words import answer, beside_unseen, compared, headline, right, settings
from dogcam.report.document import Chart, Document, Entry, Exhibit, Row, Table
from dogcam.report.provenance import made_table, protocols_table, written
from dogcam.report.texts import heads, text


def compose_contrast(found: Contrast, sides: Sequence[Side]) -> Document:
    """The page that compares experiments."""
    exhibits = [_differs(found), *_classifies(found), *(_boxes(found, match) for match in found.matches)]
    known, protocols = sides[0].tables, [match.protocol for match in found.matches]
    images = count(found.matches[0].images)
    return Document(
        name=listed(list(found.labels)),
        headline=headline(found),
        answer=tuple(answer(found)),
        facts=tuple(_facts(found)),
        hero=None,
        findings=(),
        exhibits=tuple(replace(exhibit, place=place) for place, exhibit in enumerate(exhibits, start=1)),
        provenance=(*map(_made, sides), protocols_table(known, protocols)),
        subtitle=text("between.subtitle", n=len(found.labels), scope=found.scope, images=images),
    )


def _facts(found: Contrast) -> list[tuple[str, str]]:
    """Each one's accuracy and its best method."""
    facts = [(number(each.accuracy), text("between.accuracy_of", experiment=each.label)) for each in found.accuracy]
    for label in found.labels:
        best = max((each for each in found.matches[0].scores if each.label == label), key=lambda each: each.iou.value)
        what = text("between.best_of", experiment=label, method=title_of(best.method))
        facts.append((number(best.iou.value), what))
    return facts


def _made(side: Side) -> Table:
    return replace(
        made_table(side.tables.experiment, side.tables), caption=text("between.made", experiment=side.label), folded=True
    )


def _exhibit(
    kind: str, key: str, lead: list[str], blocks: Sequence[Table | Chart], also: Sequence[str] = (), **values: str
) -> Exhibit:
    """An exhibit of a kind; `also` are the keys of what cannot be concluded either."""
    can, *cannot = (text(f"between.{name}") for name in (f"{kind}.can", *also))
    return Exhibit(key, text(f"between.{kind}.title", **values), tuple(lead), tuple(blocks), can, " ".join(cannot))


def _differs(found: Contrast) -> Exhibit:
    """What is compared: every setting that is not the same."""
    rows = tuple(
        Row.of(text(f"between.differs.{part}"), name, *map(written, values))
        for part, settings_there in found.differs.items()
        for name, values in settings_there.items()
    )
    columns = (*heads("between.differs.heads"), *found.labels)
    table = Table(text("between.differs.caption"), columns, rows, words=len(columns))
    return _exhibit("differs", "differs", [settings(found)], [table] if rows else [], ["differs.cannot"])


def _classifies(found: Contrast) -> list[Exhibit]:
    """Accuracy of the runs that speak for the experiments; the best is set off where all pairs are told apart there."""
    if not found.accuracy:
        return []
    known, best = found.classified, max(each.accuracy for each in found.accuracy)
    ahead = known is not None and known.best and all(pair.told_apart for pair in known.pairs)
    rows = tuple(
        Row.of(
            each.label,
            text("between.accuracy.run", run=each.run, runs=each.runs),
            str(each.epoch),
            Entry(number(each.accuracy, 4), strong=ahead and each.accuracy == best),
            number(each.loss, 4),
            ", ".join(number(other, 4) for other in each.others) or NONE,
        )
        for each in found.accuracy
    )
    table = Table(text("between.accuracy.caption"), heads("between.accuracy.heads"), rows)
    return [_exhibit("accuracy", "accuracy", right(found), [table], ["accuracy.cannot", "one_run"])]


def _boxes(found: Contrast, match: Match) -> Exhibit:
    """One protocol: sentences, the mean IoU of each, the differences as table and chart."""
    number = found.matches.index(match) + 1
    left = listed([title_of(method) for method in match.left_out])
    return _exhibit(
        "boxes",
        f"boxes-{number}",
        [*compared(found, match), *beside_unseen(match), *([text("between.boxes.left_out", methods=left)] if left else [])],
        [_means(found, match), _gaps(found, match), *_chart(found, match, f"iou-between-{number}")],
        ["one_run", "boxes.told_apart", "boxes.fineness"],
        protocol=match.protocol,
    )


def _means(found: Contrast, match: Match) -> Table:
    """Mean IoU by method and experiment, the best box that never looks below."""
    scores = {(score.label, score.method): score for score in match.scores}
    rows = [
        Row.of(title_of(name), *chain(*(_cells(scores[label, name], match.leads(label, name)) for label in found.labels)))
        for name in match.methods
    ]
    boxes = {box.label: box for box in match.unseen}
    if boxes:
        cells = chain(*(_cells(boxes.get(label)) for label in found.labels))
        rows.append(Row.of(text("between.boxes.unseen"), *cells, kind="baseline"))
    columns = chain(*(heads("between.boxes.means_heads", experiment=label) for label in found.labels))
    caption = text("between.boxes.means", images=count(match.images))
    return Table(caption, (text("between.boxes.method"), *columns), tuple(rows))


def _cells(score: Score | None, leads: bool = False) -> tuple[str, str | Entry, str]:
    """The layer, or which box it is; the mean IoU; and less that of the best box that never looks."""
    if score is None:
        return NONE, NONE, NONE
    mean = Entry(with_ends(score.iou), strong=leads, bar=score.iou.value)
    return score.layer or score.method, mean, NONE if score.unseen is None else spelled(score.unseen.difference)


def _gaps(found: Contrast, match: Match) -> Table:
    """The differences; of two experiments the caption says which is subtracted, of more a column."""
    several = len(found.labels) > 2
    rows = tuple(
        Row.of(
            title_of(gap.method),
            *([_difference(gap)] if several else []),
            text(f"between.verdicts.{gap.verdict}"),
            spelled(gap.pair.difference),
            p_value(gap.pair.holm),
            f"{gap.pair.wins} / {gap.pair.ties} / {gap.pair.losses}",
        )
        for gap in match.gaps
    )
    names = [text("between.boxes.method"), *([text("between.boxes.difference")] if several else [])]
    columns = (*names, *heads("between.boxes.gaps_heads"))
    return Table(text("between.boxes.gaps", of=_subtracted(found)), columns, rows, words=len(names) + 1)


def _difference(gap: Gap) -> str:
    return f"{gap.second} − {gap.first}"


def _subtracted(found: Contrast) -> str:
    """What is subtracted from what."""
    return text("between.boxes.subtracted") if len(found.labels) > 2 else _difference(found.matches[0].gaps[0])


def _chart(found: Contrast, match: Match, name: str) -> list[Chart]:
    several = len(found.labels) > 2
    rows = [
        Bar(title_of(gap.method) + (f": {_difference(gap)}" if several else ""), gap.pair.mean, gap.pair.low, gap.pair.high)
        for gap in match.gaps
        if np.isfinite(gap.pair.low)
    ]
    caption = text("between.boxes.chart", of=_subtracted(found), protocol=match.protocol)
    draw = partial(interval_chart, rows, text("between.boxes.axis"))
    return [Chart(name, caption, text("between.boxes.alt"), draw)] if rows else []
