"""Faithfulness as a table and exhibit 10: what the network answers when it sees, or not, what a map points at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from dogcam.analysis.faithfulness import Faithfulness, FaithfulnessRow, Leading
from dogcam.experiment.evaluations import Cell
from dogcam.figures import Point, scatter
from dogcam.language import counted, say
from dogcam.language.numbers import count, listed, number, spelled, with_ends
from dogcam.methods import title_of
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.material import Material
from dogcam.report.texts import exhibit, heads, text
from dogcam.report.wording import interval_reason


def faithfulness(material: Material) -> Exhibit | None:
    """None where no map was scored for faithfulness."""
    found = material.analysis.faithfulness
    if found is None:
        return None
    lead = (*(_best(material, found, each) for each in found.leading), *_fit(material, found))
    return exhibit("faithfulness", lead, (*_chart(material, found), *_tables(found)))


def _tables(found: Faithfulness) -> list[Table]:
    """What is told of, and on demand what was scored at every epoch of every run."""
    first = faithfulness_table(found.told)
    return [first] if len(found.told) == len(found.rows) else [first, faithfulness_table(found.rows, every=True)]


def faithfulness_table(rows: Sequence[FaithfulnessRow], every: bool = False) -> Table:
    """Means with their intervals, each score with the way that is better.

    Args:
        every: it is the table of every epoch and run, which opens on demand.
    """
    names = [name for name in FAITHFULNESS if any(row.value(name) is not None for row in rows)]
    scores = [f"{_title(name)} {'↑' if FAITHFULNESS[name].larger_is_better else '↓'}" for name in names]
    return Table(
        text("faithfulness.every") if every else text("faithfulness.caption"),
        (*heads("faithfulness.heads"), "n", *scores),
        tuple(_row(row, names) for row in rows),
        words=2,
        note="" if every else _note(rows, names),
        folded=every,
    )


def _title(score: str) -> str:
    return say(FAITHFULNESS[score].title)


def _row(row: FaithfulnessRow, names: Sequence[str]) -> Row:
    cell = row.cell
    where = title_of(cell.method), cell.layer, str(cell.run), str(cell.epoch)
    shown = (Entry(with_ends(row.scores.get(name))) for name in names)
    return Row.of(*where, count(row.n), *shown, kind="baseline" if row.baseline else "")


def _note(rows: Sequence[FaithfulnessRow], names: Sequence[str]) -> str:
    """What the scores are, what the games left out, and why intervals are missing."""
    said = [f"{_title(name)}: {say(FAITHFULNESS[name].description)}" for name in names]
    games = [_title(name) for name in BOXED_ONLY if name in names]
    without = sorted({row.n_without_boxes for row in rows})
    if games and any(without):
        said.append(text("faithfulness.games", len(games), games=listed(games), numbers=", ".join(map(str, without))))
    unsure = (row.scores[name] for row in rows for name in names if name in row.scores)
    reasons = dict.fromkeys(interval_reason(each) for each in unsure if each.low != each.low)
    said += [text("faithfulness.reason", reason=reason) for reason in reasons]
    return " ".join(said)


def _names(material: Material, cells: Sequence[Cell]) -> str:
    return listed([material.named(cell.map) for cell in cells])


def _best(material: Material, found: Faithfulness, leading: Leading) -> str:
    """The best by one score, beside the random map and the other methods."""
    values = {row.cell: with_ends(row.scores.get(leading.score)) for row in found.told}
    known = {
        "score": _title(leading.score),
        "better": _better(leading.score),
        "methods": _names(material, leading.leaders),
        "value": values[leading.leaders[0]],
    }
    n, random = len(leading.leaders), leading.random
    if random is None:
        told = counted(
            "By {score} ({better}) {methods} is the most faithful of the methods, {value}.",
            "By {score} ({better}) {methods} are the most faithful of the methods, {value}.",
            n,
            **known,
        )
    else:
        known |= {"other": values[random.second], "difference": spelled(random.difference)}
        told = _beside_random(n, known, random.told_apart)
    return " ".join([told, *_among(material, leading)])


def _beside_random(n: int, known: dict[str, str], sure: bool) -> str:
    if sure:
        return counted(
            "By {score} ({better}) {methods} is the most faithful of the methods, {value}, and told apart from the random map, "
            "{other}: the difference is {difference}.",
            "By {score} ({better}) {methods} are the most faithful of the methods, {value}, and told apart from the random map, "
            "{other}: the difference is {difference}.",
            n,
            **known,
        )
    return counted(
        "By {score} ({better}) {methods} is the most faithful of the methods, {value}, but not told apart from the random map, "
        "{other}: the difference is {difference}.",
        "By {score} ({better}) {methods} are the most faithful of the methods, {value}, but not told apart from the random map, "
        "{other}: the difference is {difference}.",
        n,
        **known,
    )


def _better(score: str) -> str:
    return say("higher is better") if FAITHFULNESS[score].larger_is_better else say("lower is better")


def _among(material: Material, leading: Leading) -> list[str]:
    """Whether the best is the best for certain."""
    if leading.tied:
        return [say("Not told apart from that: {methods}.", methods=_names(material, leading.tied))]
    return [say("Every other method is told apart from that.")] if leading.others else []


def _fit(material: Material, found: Faithfulness) -> list[str]:
    """Whether the most faithful maps are those whose boxes fit best."""
    if not found.fitting or not found.leading:
        return []
    first, cells = found.leading[0], [each.cell for each in found.fitting]
    highest = max(each.iou.value for each in found.fitting)
    known = {"iou": number(highest), "protocol": material.analysis.protocols[0], "score": _title(first.score)}
    if not set(cells).isdisjoint(first.leaders):
        return [say("What is the most faithful by {score} also has the highest mean IoU ({iou}, {protocol}).", **known)]
    return [
        say(
            "The highest mean IoU ({iou}, {protocol}) is that of {methods}, not of what is the most faithful by {score}.",
            methods=_names(material, cells),
            **known,
        )
    ]


def _chart(material: Material, found: Faithfulness) -> list[Chart]:
    """Mean IoU against the first score, of the maps that have both."""
    if not found.leading:
        return []
    score, ious = found.leading[0].score, {each.cell: each.iou for each in found.boxed}
    both = [row for row in found.told if row.cell in ious and row.value(score) is not None]
    if len(both) < 2:
        return []
    points = []
    for row in both:
        (x, y), colour = (ious[row.cell], row.scores[score]), material.colour_of(row.cell.method)
        ends = (x.value, x.low, x.high), (y.value, y.low, y.high)
        points.append(Point(material.named(row.cell.map), *ends, None if row.baseline else colour, row.baseline))
    label = say("{score} ({better})", score=_title(score), better=_better(score))
    caption = text(
        "faithfulness.chart",
        images=material.images,
        protocol=material.analysis.protocols[0],
        score=_title(score),
        asked=count(found.told[0].n),
        run=found.run,
        epoch=found.epoch,
    )
    draw = partial(scatter, points, say("mean IoU"), label)
    return [Chart("iou-and-faithfulness", caption, text("faithfulness.alt"), draw)]
