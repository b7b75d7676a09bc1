"""Made-up results, as the commands hand them to the console: made of the dataclasses that they are made of in earnest."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

from made_decomposition import decomposition  # noqa: F401  one of the results that tests ask for

from dogcam.analysis.analysis import SCHEMA_VERSION, Analysis
from dogcam.analysis.claims import Claim, Difference
from dogcam.analysis.comparison import Comparison, Line
from dogcam.analysis.dynamics import Dynamics, Learning, Peak, Track
from dogcam.analysis.faithfulness import Faithfulness, FaithfulnessRow
from dogcam.analysis.groups import Group, GroupedScores, Groups
from dogcam.analysis.scope import Scope
from dogcam.analysis.scores import Figure, Scores, ThresholdCurve
from dogcam.analysis.training import TrainedRun, Training
from dogcam.commands.evaluate.results import Asked, Counted, EvaluateResult
from dogcam.core.config import EvaluateConfig, TrainConfig
from dogcam.experiment.evaluations import Cell, Evaluation, MapKey
from dogcam.experiment.runs import Experiment
from dogcam.experiment.training_curves import Curve, RunChoice, judge
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS
from dogcam.statistics import Agreement, Interval, Pair

BASELINES = ("whole-image", "centre-box-0.9", "centre-box-0.8", "mean-training-box")
WIDTHS = [60, 80, 100, 120]  # of terminals
FIGURE = "0.8163"  # the mean IoU of every row, to more places than are shown
NAN = float("nan")


def row(method="gradcam", layer="conv5_block3_out", runs=(2,), epoch=7, protocol="default", sure=True, **values):
    """The scores of a cell, of which `values` are other than the rest; without ends where it is not `sure`."""
    given = {**dict.fromkeys(METRICS, 0.25), "mean_iou": float(FIGURE), "iou50": 0.95, "empty": 0.0}
    about = {"n": 8580, "threshold": 0.2, "threshold_from": "fixed"} | {k: values.pop(k) for k in [*values] if k not in given}
    scores = {name: Figure(value) for name, value in (given | values).items() if value is not None}
    if sure:
        scores["mean_iou"] = Figure(scores["mean_iou"].value, 0.8012, 0.8301)
    return Scores(map=MapKey(method, layer), epoch=epoch, protocol=protocol, runs=tuple(runs), scores=scores, **about)


def baseline(method, layer="", **changes):
    """The scores of what never looks."""
    return row(method, layer, (), 0, **{"threshold": None, "top1_loc": None, "top5_loc": None, **changes})


VERDICTS = {"above": (0.1, 0.05, 0.15), "below": (-0.1, -0.15, -0.05), "undecided": (0.01, -0.02, 0.04), "few": (0.1, NAN, NAN)}


def pair(first, second, verdict="above", n=40):
    """Two maps compared."""
    holm = 3e-4 if verdict in ("above", "below") else 1.0
    return Pair(
        first, second, Interval(*VERDICTS[verdict], n, "bca"), holm / 3, holm, -0.8 if verdict == "below" else 0.8, 30, 2, 8
    )


def family(rows, protocol="default", epoch=7, runs=(2,), verdicts=None, alike=()):
    """The comparison of what some rows are of: each beside the first baseline as `verdicts` has it, else below.

    Args:
        verdicts: by method.
        alike: methods that draw the boxes of the first of them.
    """
    mine = [each for each in rows if each.protocol == protocol and (not each.runs or (each.epoch, each.runs) == (epoch, runs))]
    unseen = next((each.map for each in mine if each.baseline), None)
    lines = []
    for rank, each in enumerate((each for each in mine if each.map.method not in alike[1:]), 1):
        keys = tuple(o.map for o in mine if o is each or (each.map.method in alike[:1] and o.map.method in alike[1:]))
        verdict = (verdicts or {}).get(each.map.method, "below")
        beside = None if unseen is None or unseen in keys else pair(each.map, unseen, verdict)
        found = each.scores["mean_iou"]
        iou = Interval(found.value, found.low, found.high, each.n, "bca", runs=len(runs))
        agreement = Agreement(1.0, NAN, 40, 0) if len(keys) > 1 else None
        lines.append(Line(keys, iou, rank, "a", agreement, False, not each.baseline, beside))
    pairs = tuple(pair(one.maps[0], other.maps[0]) for one, other in combinations(lines, 2)) if len(lines) < 40 else ()
    methods = tuple(each.map for each in mine if not each.baseline)
    return Comparison(protocol, tuple(runs), epoch, 40, methods, tuple(lines), pairs, unseen)


def families(rows, **more):
    """A family for each protocol, epoch and group of runs."""
    places = dict.fromkeys((each.protocol, each.epoch, each.runs) for each in rows if each.runs)
    return tuple(family(rows, *place, **more) for place in places)


def evaluation(rows, path="runs/tiny", config=None, images=8580, unannotated=0, asked=None, **analysed):
    """A result of `evaluate` of these scores, those over several runs and those of `not-asked` among them.

    Args:
        asked: fields of what was asked for.
        analysed: fields of the analysis.
    """
    over = [each for each in rows if len(each.runs) > 1]
    several = [*over, *(each for each in rows if each.baseline)] if over else []
    runs = tuple(sorted({run for each in rows for run in each.runs})) or (2,)
    epochs = tuple(sorted({each.epoch for each in rows if each.runs})) or (7,)
    protocols = tuple(dict.fromkeys(each.protocol for each in rows)) or ("default",)
    given = {
        "scope": Scope("test-true", "test", images, None, "true", (), (), 0.5, ()),
        "scores": tuple(each for each in rows if len(each.runs) < 2),
        "over_runs": tuple(several),
        "comparisons": families(rows),
        **analysed,
    }
    about = (SCHEMA_VERSION, "tiny", "0", given.pop("scope"), runs[0], runs, epochs, protocols, (), "")
    cells = frozenset(
        Cell(run, each.epoch, *(each.map.method, each.map.layer), each.protocol)
        for each in rows
        for run in each.runs or (0,)
        if each.map.method != "not-asked"
    )
    choice = RunChoice(runs, "as-asked")
    wanted = {"config": config or EvaluateConfig(), "cells": cells, "protocols": protocols, "runs": runs, "epochs": epochs}
    return EvaluateResult(
        Experiment(Path(path)),
        Evaluation(Path(path) / "evaluation" / "test-true"),
        Analysis(*about, Training((), None), **given),
        Asked(**{**wanted, "choice": choice, **(asked or {})}),
        Counted(images, unannotated, ()),
        75.4,
    )


def claim(name, protocol, verdict):
    """A claim about one step; of "parts" about two."""
    steps = (difference("gradcam", 7, 5), difference("cam", 7, 5))
    of_parts = (verdict, verdict) if name == "parts" else ()
    return Claim(name, "study", protocol, verdict, steps if name == "parts" else steps[:1], of_parts=of_parts)


def difference(method, epoch, earlier):
    """A method's change between two epochs."""
    return Difference(method, None, epoch, earlier, Interval(0.1, 0.05, 0.15, 40, "bca"), "above")


def groups(cells, known, by="breed"):
    """Every cell's figure of every group is 0.01 less than that of the group before; the last group has none.

    Args:
        known: groups, or the names of breeds.
    """
    figures = [Interval(0.8 - place / 100, 0.75 - place / 100, 0.85, 30) for place in range(len(known) - 1)]
    figures.append(Interval(0.123, NAN, NAN, 7, "none"))
    known = [each if isinstance(each, Group) else Group(each) for each in known]
    held = tuple(Group(each.code, found.n, each.least, each.most) for each, found in zip(known, figures, strict=True))
    return Groups(by, held, tuple(GroupedScores(cell, tuple(figures), {}) for cell in cells))


def cells(count, layer="conv5_block3_out"):
    """So many cells of one run, and a baseline."""
    return [
        *(Cell(2, 7, f"method-{place}", f"{layer}_{place}", "default") for place in range(count)),
        Cell(0, 0, "whole-image", "", "default"),
    ]


def curve(method="gradcam", layer="conv5_block3_out", threshold=0.2, run=2):
    """Mean IoU by threshold: a hill whose top is at 0.3."""
    means = tuple(0.6 - abs(place / 100 - 0.3) / 2 for place in range(100))
    return ThresholdCurve(Cell(run, 7, method, layer, "default"), threshold, 0.3, means)


def faithfulness(*rows, run=2, epoch=7):
    """Those rows, and nothing told of them."""
    return Faithfulness(rows, run, epoch, (), ())


def faithful(method="gradcam", layer="conv5_block3_out", run=2, epoch=7, **values):
    """How faithful the maps of one cell are; a score of None is not there."""
    known = {**dict.fromkeys(FAITHFULNESS, 0.4321), **values}
    scores = {name: Interval(value, NAN, NAN, 100) for name, value in known.items() if value is not None}
    return FaithfulnessRow(Cell(run, epoch, method, layer, ""), 100, 3, scores)


def dynamics(layer="last", run=None, protocol="default"):
    """Two runs over epochs 1 and 3 of two methods, whose layer's name may be as long as it likes."""
    sure, unsure = (Peak(epoch, 0.5, 2, Interval(0.1, 0.0, 0.2, 40), found) for epoch, found in ((3, True), (1, False)))
    learning = Learning(run, (1, 2, 3), (0.5, 0.6, 0.75), (1.5, 1.2, 1.25), sure, Peak(2, 1.2))
    tracks = tuple(
        Track(run, method, layer, (1, 3), tuple(Interval(v, NAN, NAN, 40) for v in means), (0.5, 0.25), best, 3, ())
        for method, means, best in (("cam", (0.512, 0.534), sure), ("gradcam", (0.55, 0.54), unsure))
    )
    return Dynamics(protocol, (1, 2), (learning,), tracks)


# What a terminal must not obey, or rich reads as markup: "[/bold]" alone is an error, "[bold]" vanishes, ":dog:" a picture.
HOSTILE = ["[bold]x[/bold]", "[/bold]", ":dog:", "\x1b[31mred", "two\nlines", "\r\x07\x9b5m", "‮txt", "x" * 300, "강아지" * 20]


def text_of(stream):
    """The letters, without the bold of headings."""
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())


def harmless(text):
    """Nothing in it that a terminal would obey, but for the ends of lines."""
    return all(each.isprintable() or each == "\n" for each in text)


def squeezed(text):
    """Without white space: a folded text in one piece again."""
    return re.sub(r"\s", "", text)


def heat(method="gradcam", layer="conv5", box=None, target="beagle", **changes):
    """A map explained."""
    rest = {"epoch": None, "iou": None, "against": None, "empty": False, "flagged": False, **changes}
    return SimpleNamespace(**{"threshold": None, **rest}, method=method, layer=layer, box=box, target=target)


def explanations(heats, files=("a.png", "b.png"), folders=(), boxes=0, without=0):
    """A result of `explain`: one picture."""
    given_back = SimpleNamespace(folders=folders, boxes=boxes, without=without)
    explanation = SimpleNamespace(
        record=SimpleNamespace(id="dog.jpg"), shape=(100, 200), top={None: [("beagle, hound", 0.9)]}, heats=heats, files=files
    )
    return SimpleNamespace(
        explanations=[explanation], out="out", model="m", protocol=SimpleNamespace(name="default"), problems=(), boxes=given_back
    )


def training(accuracy=0.739506, path="runs/tiny"):
    """A result of `train`: three runs of seven epochs."""
    runs = []
    for run in (1, 2, 3):
        curve = Curve(tuple(range(1, 8)), (accuracy,) * 7, tuple(1 / (run + epoch) for epoch in range(1, 8)))
        runs.append(TrainedRun(run, curve, curve, (3, 5, 7), judge(run, curve)))
    found = Training(tuple(runs), RunChoice((2,), "highest-accuracy", 7, accuracy, 1 / 9))
    rest = {"config": TrainConfig(), "experiment": Experiment(Path(path)), "seconds": 59.7, "problems": ()}
    return SimpleNamespace(training=found, **rest)  # `commands.train` would import TensorFlow
