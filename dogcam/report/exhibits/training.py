"""Exhibit 1: the runs, their peaks, where overfitting starts, and the choice of the run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dogcam.analysis import study
from dogcam.analysis.study import Setting
from dogcam.analysis.training import Training
from dogcam.experiment.training_curves import Curve, judge
from dogcam.figures import curves
from dogcam.language import say
from dogcam.language.numbers import NONE, number
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table
from dogcam.report.material import Material
from dogcam.report.naming import size_of
from dogcam.report.study_words import comparability
from dogcam.report.texts import exhibit, heads, text
from dogcam.report.training_words import choice_words, verdict_sentence


def training(material: Material) -> Exhibit | None:
    """Accuracy and loss by run and epoch, each run's peak and overfitting, and the choice of the run; None before an epoch."""
    found, document = material.analysis.training, material.document
    if found.chosen is None:
        return None
    n = len(found.verdicts)
    used = say("Run {run} is used from here on: {why}.", run=found.chosen.run, why=choice_words(found.chosen))
    dataset = document.get("dataset", {})
    images, several = size_of(dataset, "test"), [text("training.several")] * bool(dataset.get("multilabel"))
    lead, blocks = (
        (*map(verdict_sentence, found.verdicts), used, *several),
        (_runs_table(found, document), *_curve_charts(found), _every_epoch(found)),
    )
    return exhibit("training", lead, blocks, can=text("training.can", n, images=images), cannot=text("training.cannot", n))


def _shown_epochs(found: Training) -> list[int]:
    """The kept epochs and the study's; every trained one as well where none of these was trained."""
    trained = {epoch for curve in found.curves.values() for epoch in curve.epochs}
    kept = {epoch for run in found.runs for epoch in run.kept}
    return sorted({*(((kept | set(study.EPOCHS)) & trained) or trained), *study.EPOCHS})


def _runs_table(found: Training, document: Mapping[str, Any]) -> Table:
    """The study's run-by-epoch table: ours, then as published."""
    epochs, ours, published = _shown_epochs(found), say("ours"), say("published")
    rows = [_run_row(ours, run, curve, epochs, run == found.chosen.run) for run, curve in found.curves.items()]
    for run, curve in study.CURVES.items():
        rows.append(_run_row(published, run, curve, epochs, run == study.CHOSEN_RUN, published=True))
    run, *last = heads("training.run_heads")
    by_epoch = [head for epoch in epochs for head in heads("training.epoch_heads", epoch=epoch)]
    return Table(
        text("training.runs"),
        ("", run, *by_epoch, *last),
        tuple(rows),
        words=2,
        note=" ".join([text("study.published"), comparability(Setting.of(document))]),
    )


def _run_row(source: str, run: int, curve: Curve, epochs: list[int], chosen: bool, published: bool = False) -> Row:
    verdict = judge(run, curve)
    entries = [
        Entry(number(value, 4), strong=epoch == verdict.peak_epoch, untested=True)
        for epoch in epochs
        for value in curve.at(epoch)
    ]
    rises = NONE if verdict.overfits_from is None else f"e{verdict.overfits_from}"
    name = say("{run} (chosen)", run=run) if chosen else str(run)
    kind = "published" if published else "chosen" if chosen else ""
    return Row.of(source, name, *entries, f"e{verdict.peak_epoch}", rises, kind=kind)


def _curve_charts(found: Training) -> list[Chart]:
    """Accuracy and loss by epoch."""
    return [
        Chart(
            f"{measure}-by-epoch",
            " ".join([text(f"training.{measure}"), text("training.lines")]),
            text(f"training.{measure}_alt", len(found.verdicts)),
            partial(curves, found.runs, measure),
        )
        for measure in ("accuracy", "loss")
    ]


def _every_epoch(found: Training) -> Table:
    """Accuracy and loss of every epoch."""
    rows = [
        Row.of(str(each.run), str(epoch), *(number(value, 4) for value in (*each.train.at(epoch), *each.test.at(epoch))))
        for each in found.runs
        for epoch in each.epochs
    ]
    return Table(text("training.every"), heads("training.every_heads"), tuple(rows), words=2, folded=True)
