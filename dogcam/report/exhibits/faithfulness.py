"""Faithfulness as numbers, a table and exhibit 10: what the network answers when it sees, or not, what a map points at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from dogcam.analysis.evidence import Evidence
from dogcam.analysis.tables import cell_order
from dogcam.analysis.weighing import aligned
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.figures import Point, scatter
from dogcam.language import counted, message, say
from dogcam.language.numbers import count, listed, number, spelled
from dogcam.methods import METHODS, title_of
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS
from dogcam.report.colours import colour_of
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.statistics import Interval, Pair, compare, intervals

FAITHFUL = message("Faithfulness: does the network use what the map shows?")
_TOLD = ("road", "insertion", "deletion")  # the scores that sentences are about; the first that is there is drawn
_RANDOM = "random-map"
_SAME = 1e-4  # a difference in a score that is not shown: the rounding of the network's arithmetic makes such
_KEYS = ("run", "epoch", "method", "layer")


def faithfulness_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One row per cell: run, epoch, method, layer, n (images), n_without_boxes and the mean of every score.

    Tables of other images than those asked about last are left out: they cannot stand beside the others.
    A mean is over the images that have the score, None where none has. "intervals" holds [low, high] by score, 95 % over
    images (BCa); None where there is none, and then "reasons" says why.

    Returns:
        In order of run, epoch, method and layer.
    """
    asked = (evaluation.about().get("faithfulness") or {}).get("ids")
    tables = {
        cell: evaluation.read_faithfulness(cell) for cell in sorted(evaluation.faithfulness_cells(), key=cell_order)
    }
    return [
        _row(cell, columns) for cell, columns in tables.items() if asked is None or columns["image"].tolist() == asked
    ]


def _row(cell: Cell, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    names = [name for name in FAITHFULNESS if name in columns]  # an earlier dogcam may have known fewer
    made = dict(zip(names, intervals(np.column_stack([columns[name] for name in names])), strict=True))
    boxed = columns["boxed"]
    own = {name: value for name, value in asdict(cell).items() if name in _KEYS}
    return {
        **own,
        "n": len(boxed),
        "n_without_boxes": int(np.sum(~boxed)),
        **{name: None if np.isnan(found.value) else found.value for name, found in made.items()},
        "intervals": {name: _ends(found) for name, found in made.items()},
        "reasons": {name: found.reason for name, found in made.items() if _ends(found) is None},
    }


def _ends(found: Interval) -> list[float] | None:
    return None if np.isnan(found.low) else [found.low, found.high]


def faithfulness_table(rows: Sequence[Mapping[str, Any]], caption: str = "") -> Table:
    """The rows of `faithfulness_rows` as a table: means with their intervals, each score with the way that is better.

    Args:
        caption: of a table that opens on demand, in place of the usual one.
    """
    names = [name for name in FAITHFULNESS if any(row.get(name) is not None for row in rows)]
    heads = [f"{_title(name)} {'↑' if FAITHFULNESS[name].larger_is_better else '↓'}" for name in names]
    usual = say(
        "Faithfulness: how the network's own probability of the class depends on what the map shows, mean and 95 % interval."
    )
    return Table(
        caption or usual,
        (say("method"), say("layer"), say("run"), say("epoch"), "n", *heads),
        tuple(_shown(row, names) for row in rows),
        words=2,
        note="" if caption else _note(rows, names),
        folded=bool(caption),
    )


def _title(name: str) -> str:
    return say(FAITHFULNESS[name].title)


def _shown(row: Mapping[str, Any], names: Sequence[str]) -> Row:
    method = row["method"]
    where = title_of(method), row["layer"], str(row["run"]), str(row["epoch"])
    kind = "baseline" if method in METHODS and METHODS[method].baseline else ""
    return Row.of(*where, count(row["n"]), *(_entry(row, name) for name in names), kind=kind)


def _entry(row: Mapping[str, Any], name: str) -> Entry:
    """ "0.512 [0.480, 0.550]"; without an interval the mean alone."""
    ends = row["intervals"].get(name)
    if row.get(name) is None or ends is None:
        return Entry(number(row.get(name)))
    return Entry(f"{number(row[name])} [{number(ends[0])}, {number(ends[1])}]")


def _note(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """What the scores are, what the games left out, and why intervals are missing."""
    said = [f"{_title(name)}: {say(FAITHFULNESS[name].description)}" for name in names]
    games = [_title(name) for name in BOXED_ONLY if name in names]
    without = sorted({row["n_without_boxes"] for row in rows})
    if games and any(without):
        said.append(
            counted(
                "{games} leaves out the pictures without a box ({numbers}).",
                "{games} leave out the pictures without a box ({numbers}).",
                len(games),
                games=listed(games),
                numbers=", ".join(map(str, without)),
            )
        )
    reasons = dict.fromkeys(reason for row in rows for name, reason in row["reasons"].items() if name in names)
    said += [say("No interval where {reason}.", reason=reason) for reason in reasons]
    return " ".join(said)


def faithfulness(evidence: Evidence) -> Exhibit | None:
    """Exhibit 10, beyond the study's six; None where no map was scored for faithfulness."""
    rows = faithfulness_rows(evidence.evaluation) if evidence.evaluation else []
    if not rows:
        return None
    shown = _shown_rows(evidence, rows)
    told = [name for name in _TOLD if any(row.get(name) is not None for row in shown)]
    return Exhibit(
        "faithfulness",
        say(FAITHFUL),
        tuple(_lead(evidence, shown, told)),
        (*_chart(evidence, shown, told[:1]), *_tables(rows, shown)),
        say(
            "Whether the network's answer changes with what a map points at, beside maps that point at nothing it has learnt."
        ),
        say(
            "Pictures that are masked or blurred are unlike those the network was trained on, so a score says how the network "
            "reacts to them, too. A map that never looks can do well in coherency and pointing: read each beside that baseline."
        ),
    )


def _tables(rows: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What is told of, and on demand what was scored at every epoch of every run."""
    if len(rows) == len(shown):
        return [faithfulness_table(shown)]
    return [faithfulness_table(shown), faithfulness_table(rows, say("Faithfulness at every epoch of every run"))]


def _shown_rows(evidence: Evidence, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of one run, the reported one where it is among them, at its latest epoch."""
    run = evidence.run if any(row["run"] == evidence.run for row in rows) else rows[-1]["run"]
    epoch = max(row["epoch"] for row in rows if row["run"] == run)
    return [row for row in rows if (row["run"], row["epoch"]) == (run, epoch)]


def _is_baseline(row: Mapping[str, Any]) -> bool:
    return row["method"] in METHODS and METHODS[row["method"]].baseline


def _name(evidence: Evidence, row: Mapping[str, Any]) -> str:
    """ "Grad-CAM" at the layer that feeds the pooling, else with its layer."""
    if row["layer"] in ("", "input", evidence.pooled_layer):
        return title_of(row["method"])
    return say("{method} at {layer}", method=title_of(row["method"]), layer=row["layer"])


def _lead(evidence: Evidence, rows: Sequence[Mapping[str, Any]], told: Sequence[str]) -> list[str]:
    """Which maps are the most faithful by each score, and whether theirs are the boxes that fit best."""
    looking = [row for row in rows if not _is_baseline(row)]
    found = [_best(evidence, rows, looking, name) for name in told] if looking else []
    return [*filter(None, found), *_fit(evidence, looking, told)]


def _leaders(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """The rows of the best value, which several may share."""
    known = [row for row in rows if row.get(name) is not None]
    sign = 1 if FAITHFULNESS[name].larger_is_better else -1
    best = max((sign * row[name] for row in known), default=0.0)
    return [row for row in known if best - sign * row[name] <= _SAME]


def _best(
    evidence: Evidence, rows: Sequence[Mapping[str, Any]], looking: Sequence[Mapping[str, Any]], name: str
) -> str:
    """The best by one score, beside the random map and the other methods; "" where none has the score."""
    leaders = _leaders(looking, name)
    if not leaders:
        return ""
    others = [row for row in looking if row.get(name) is not None and not any(row is each for each in leaders)]
    random = [row for row in rows if row["method"] == _RANDOM and row.get(name) is not None]
    pairs = _compared(evidence, leaders[0], [*others, *random], name)
    known = {
        "score": _title(name),
        "better": _better(name),
        "methods": listed([_name(evidence, row) for row in leaders]),
        "value": _entry(leaders[0], name).text,
    }
    told = _alone(len(leaders), known)
    if random:
        known |= {"other": _entry(random[0], name).text, "difference": spelled(pairs[-1].difference)}
        told = _beside_random(len(leaders), known, pairs[-1].told_apart)
    return " ".join([told, *_among(evidence, others, pairs)])


def _alone(n: int, known: Mapping[str, str]) -> str:
    return counted(
        "By {score} ({better}) {methods} is the most faithful of the methods, {value}.",
        "By {score} ({better}) {methods} are the most faithful of the methods, {value}.",
        n,
        **known,
    )


def _beside_random(n: int, known: Mapping[str, str], sure: bool) -> str:
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


def _better(name: str) -> str:
    return say("higher is better") if FAITHFULNESS[name].larger_is_better else say("lower is better")


def _compared(
    evidence: Evidence, best: Mapping[str, Any], others: Sequence[Mapping[str, Any]], name: str
) -> tuple[Pair, ...]:
    """The best less each of the others over the same pictures, corrected together (Holm)."""
    if not others:
        return ()
    tables = [evidence.evaluation.read_faithfulness(_cell(row)) for row in (best, *others)]
    names = [str(place) for place in range(len(tables))]
    values = np.column_stack([np.asarray(table[name], np.float64) for table in tables])
    return compare(values, names, [("0", other) for other in names[1:]])


def _cell(row: Mapping[str, Any]) -> Cell:
    return Cell(row["run"], row["epoch"], row["method"], row["layer"], "")


def _among(evidence: Evidence, others: Sequence[Mapping[str, Any]], pairs: Sequence[Pair]) -> list[str]:
    """Whether the best is the best for certain."""
    tied = [_name(evidence, row) for row, pair in zip(others, pairs, strict=False) if not pair.told_apart]
    if tied:
        return [say("Not told apart from that: {methods}.", methods=listed(tied))]
    return [say("Every other method is told apart from that.")] if others else []


def _iou_cell(evidence: Evidence, row: Mapping[str, Any]) -> Cell | None:
    """The cell of a row's boxes under the main protocol; None where these were not scored."""
    if not evidence.protocols:
        return None
    own = Cell(row["run"], row["epoch"], row["method"], row["layer"], evidence.protocols[0])
    cells = own, Cell(0, 0, row["method"], row["layer"], evidence.protocols[0])
    return next((cell for cell in cells if cell in evidence.tables), None)


def _fit(evidence: Evidence, looking: Sequence[Mapping[str, Any]], told: Sequence[str]) -> list[str]:
    """Whether the most faithful maps are those whose boxes fit best."""
    cells = [(row, _iou_cell(evidence, row)) for row in looking]
    means = [(float(np.mean(evidence.tables[cell]["iou"])), row) for row, cell in cells if cell is not None]
    if len(means) < 2 or not told:
        return []
    highest = max(mean for mean, _ in means)
    fitting = [row for mean, row in means if highest - mean <= _SAME]
    faithful = _leaders(looking, told[0])
    known = {"iou": number(highest), "protocol": evidence.protocols[0], "score": _title(told[0])}
    if any(row is each for row in fitting for each in faithful):
        return [say("What is the most faithful by {score} also has the highest mean IoU ({iou}, {protocol}).", **known)]
    methods = listed([_name(evidence, row) for row in fitting])
    return [
        say(
            "The highest mean IoU ({iou}, {protocol}) is that of {methods}, not of what is the most faithful by {score}.",
            methods=methods,
            **known,
        )
    ]


def _chart(evidence: Evidence, rows: Sequence[Mapping[str, Any]], drawn: Sequence[str]) -> list[Chart]:
    """Mean IoU against the first score, of the rows that have both."""
    both = [(row, _iou_cell(evidence, row), name) for name in drawn for row in rows if row.get(name) is not None]
    both = [(row, cell, name) for row, cell, name in both if cell is not None]
    if len(both) < 2:
        return []
    name = both[0][2]
    found = intervals(aligned([evidence.tables[cell] for _, cell, _ in both]))
    points = [_point(evidence, row, iou, name) for (row, _, _), iou in zip(both, found, strict=True)]
    label = say("{score} ({better})", score=_title(name), better=_better(name))
    return [
        Chart(
            "iou-and-faithfulness",
            say(
                "Mean IoU of {images} under protocol {protocol} against {score} of {asked} images, run {run}, epoch {epoch}, "
                "each with its 95 % interval; hollow: baselines.",
                images=evidence.images,
                protocol=evidence.protocols[0],
                score=_title(name),
                asked=count(rows[0]["n"]),
                run=rows[0]["run"],
                epoch=rows[0]["epoch"],
            ),
            say("Scatter plot of faithfulness against mean IoU; the numbers are in the tables."),
            partial(scatter, points, say("mean IoU"), label),
        )
    ]


def _point(evidence: Evidence, row: Mapping[str, Any], iou: Interval, name: str) -> Point:
    low, high = row["intervals"].get(name) or (float("nan"), float("nan"))
    hollow = _is_baseline(row)
    colour = None if hollow else colour_of(evidence, row["method"])
    return Point(_name(evidence, row), (iou.value, iou.low, iou.high), (row[name], low, high), colour, hollow)
