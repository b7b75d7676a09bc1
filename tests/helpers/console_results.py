"""Made-up results, as the commands hand them to the console."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from dogcam.analysis.breakdown import Breakdown, Group

from dogcam.analysis.claims import Claim, Difference
from dogcam.analysis.comparison import Comparison, Line
from dogcam.analysis.decomposition import Walk
from dogcam.analysis.training import TrainedRun, Training
from dogcam.core.config import EvaluateConfig, TrainConfig
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.training_curves import Curve, RunChoice, judge
from dogcam.metrics import METRICS
from dogcam.metrics.faithfulness import FAITHFULNESS
from dogcam.statistics import Interval, Pair, decompose

BASELINES = ("whole-image", "centre-box-0.9", "centre-box-0.8", "mean-training-box")
FIGURE = "0.8163"  # the mean IoU of every row, to more places than are shown


def row(method="gradcam", layer="conv5_block3_out", run=2, epoch=7, **changes):
    """A row of `result.rows`."""
    scores = {
        **dict.fromkeys(METRICS, 0.25),
        "mean_iou": float(FIGURE),
        "iou50": 0.95,
        "threshold": 0.2,
        "threshold_from": "fixed",
        "empty": 0.0,
    }
    ends = {**dict.fromkeys(METRICS), "mean_iou": [0.8012, 0.8301]}
    about = {"run": run, "epoch": epoch, "method": method, "layer": layer, "protocol": "default", "n": 8580}
    return {**about, **scores, "intervals": ends, "unseen": "below", **changes}


def baseline(method, layer="", **changes):
    """A row of what never looks."""
    nothing = {"threshold": None, "top1_loc": None, "top5_loc": None, "unseen": None}
    return row(method, layer, 0, 0, **{**nothing, **changes})


def over_runs(runs=(1, 2, 3), **changes):
    """A row of `result.over_runs`."""
    made = {"runs": list(runs), **row(**changes)}
    del made["run"]
    return made


def evaluation(rows, path="runs/tiny/evaluation/test-true", config=None, **changes):
    """A result of `evaluate`."""
    given = {
        "config": config or EvaluateConfig(),
        "rows": rows,
        "over_runs": [],
        "asked": lambda each: each["method"] != "not-asked",
        "images": 8580,
        "runs": (2,),
        "choice": RunChoice((2,), "as-asked"),
        "evaluation": SimpleNamespace(path=Path(path)),
        "seconds": 75.4,
        "problems": (),
        "unannotated": 0,
        **dict.fromkeys(("comparisons", "breakdowns", "curves", "walks", "dynamics", "claims", "faithfulness"), ()),
    }
    return SimpleNamespace(**{**given, **changes})


def comparison():
    """A ranking of three lines, and one pair."""
    score = Interval(0.6, 0.55, 0.65, 40, "bca")
    pair = Pair("cam at last", "fem at last", Interval(0.1, 0.05, 0.15, 40, "bca"), 1e-4, 3e-4, 0.8, 30, 2, 8)
    lines = (
        Line(("cam at last", "gradcam at last"), score, 1, "a", "the same box on 100 % of 40 images", pair),
        Line(("fem at last",), Interval(0.5, float("nan"), float("nan"), 4), 2, "b", "", pair),
        Line(("whole-image",), Interval(0.45, 0.4, 0.5, 40, "bca"), 3, "c", "", None),
    )
    return Comparison("default", (1,), 7, lines, (pair,), "whole-image")


def claim(name, protocol, verdict):
    """A claim about one step."""
    step = Difference("cam", None, 7, 5, Interval(0.1, 0.05, 0.15, 40, "bca"))
    return Claim(name, "study", protocol, verdict, (step,))


def breakdown(cells, labels, by="size"):
    """Every cell's figure of every group is 0.01 less than that of the group before; the last group has none."""
    figures = [Interval(0.8 - place / 100, 0.75 - place / 100, 0.85, 30) for place in range(len(labels) - 1)]
    figures.append(Interval(0.123, float("nan"), float("nan"), 7, "none"))
    groups = tuple(Group(label, found.n) for label, found in zip(labels, figures, strict=True))
    return Breakdown(by, groups, tuple((cell, tuple(figures)) for cell in cells), {})


def cells(count, layer="conv5_block3_out"):
    """So many cells of one run, and a baseline."""
    return [
        *(Cell(2, 7, f"method-{place}", f"{layer}_{place}", "default") for place in range(count)),
        Cell(0, 0, "whole-image", "", "default"),
    ]


def curve(method="gradcam", layer="conv5_block3_out", threshold=0.2, **changes):
    """A row of `result.curves`: a hill whose top is at 0.3."""
    thresholds = (np.arange(100) / 100).tolist()
    values = [0.6 - abs(each - 0.3) / 2 for each in thresholds]
    about = {"run": 2, "epoch": 7, "method": method, "layer": layer, "protocol": "default"}
    return {
        **about,
        "threshold": threshold,
        "oracle_threshold": 0.3,
        "thresholds": thresholds,
        "mean_iou": values,
        **changes,
    }


def walk(first="cam", second="gradcam", said=None):
    """The way from one method to another: two choices, each of which changes its own part."""
    said = said or {"ReLU": "no → yes", "threshold": "0.20 → 0.15"}
    changes = dict(zip(said, (0.05, -0.02), strict=True))
    noise = np.random.default_rng(0).normal(0.5, 0.1, 40)
    found = decompose(lambda names: noise + sum(changes[name] for name in names), list(said))
    return Walk(first, second, (first, second), "last", 2, 7, found, said, {"box": "largest"}, True)


def faithfulness(method="gradcam", layer="conv5_block3_out", **changes):
    """A row of `result.faithfulness`."""
    names = tuple(FAITHFULNESS)
    about = {
        "run": 2,
        "epoch": 7,
        "method": method,
        "layer": layer,
        "n": 100,
        "n_without_boxes": 3,
        "intervals": {},
        "reasons": {},
    }
    return {**about, **dict.fromkeys(names, 0.4321), **changes}


# What a terminal must not obey, or rich reads as markup: "[/bold]" alone is an error, "[bold]" vanishes, ":dog:" a picture.
HOSTILE = [
    "[bold]x[/bold]",
    "[/bold]",
    ":dog:",
    "\x1b[31mred",
    "two\nlines",
    "\r\x07\x9b5m",
    "‮txt",
    "x" * 300,
    "강아지" * 20,
]


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


def explanations(heats, files=("a.png", "b.png")):
    """A result of `explain`: one picture."""
    explanation = SimpleNamespace(
        record=SimpleNamespace(id="dog.jpg"),
        shape=(100, 200),
        top={None: [("beagle, hound", 0.9)]},
        heats=heats,
        files=files,
    )
    return SimpleNamespace(
        explanations=[explanation], out="out", model="m", protocol=SimpleNamespace(name="default"), problems=()
    )


def training(accuracy=0.739506, path="runs/tiny"):
    """A result of `train`: three runs of seven epochs."""
    runs = []
    for run in (1, 2, 3):
        curve = Curve(tuple(range(1, 8)), (accuracy,) * 7, tuple(1 / (run + epoch) for epoch in range(1, 8)))
        runs.append(TrainedRun(run, curve, curve, (3, 5, 7), judge(run, curve)))
    return SimpleNamespace(
        config=TrainConfig(),
        training=Training(tuple(runs), RunChoice((2,), "highest-accuracy", 7, accuracy, 1 / 9)),
        experiment=SimpleNamespace(path=Path(path)),
        seconds=59.7,
        problems=(),
    )
