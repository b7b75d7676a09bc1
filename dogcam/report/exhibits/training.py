"""Exhibit 1: the runs, their peaks, where overfitting starts, and the choice of the run."""

from __future__ import annotations

from functools import partial

from dogcam.analysis import study
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.tables import training_rows
from dogcam.experiment.training_curves import Curve, judge
from dogcam.figures import curves
from dogcam.language import counted, message, say
from dogcam.language.numbers import NONE, count, number
from dogcam.report.document import Chart, Entry, Exhibit, Row, Table

_EVERY = (
    message("run"),
    message("epoch"),
    message("train accuracy"),
    message("train loss"),
    message("test accuracy"),
    message("test loss"),
)


def training(evidence: Evidence) -> Exhibit | None:
    """Exhibit 1: accuracy and loss by run and epoch, each run's peak and overfitting, and the choice of the run."""
    if evidence.chosen is None:
        return None
    run, why = evidence.chosen
    verdicts = [judge(number_, curve) for number_, curve in evidence.curves.items()]
    lead = [verdict.sentence() for verdict in verdicts]
    lead.append(say("Run {run} is used from here on: {why}.", run=run, why=why))
    return Exhibit(
        "training",
        say("Training: accuracy, loss and overfitting"),
        tuple(lead),
        (_runs_table(evidence), *_curve_charts(evidence), _every_epoch(evidence)),
        _can(evidence),
        _cannot(len(verdicts)),
    )


def _can(evidence: Evidence) -> str:
    return counted(
        "How one run of this configuration went on the {images} test images, and after which epoch more training stops "
        "helping.",
        "How {n} runs of this configuration went on the {images} test images, and after which epoch more training stops "
        "helping.",
        len(evidence.curves),
        images=count(evidence.document.get("dataset", {}).get("counts", {}).get("test")),
    )


def _cannot(runs: int) -> str:
    return counted(
        "Run and epoch are chosen on the same test images that they are reported on, so the best accuracy is a little too "
        "good; one run says little about how much a further one would differ.",
        "Run and epoch are chosen on the same test images that they are reported on, so the best accuracy is a little too "
        "good; {n} runs say little about how much a further one would differ.",
        runs,
    )


def _shown_epochs(evidence: Evidence) -> list[int]:
    """The kept epochs, and the study's where they were trained as well; every epoch where nothing was kept."""
    trained = {epoch for curve in evidence.curves.values() for epoch in curve.epochs}
    kept = {epoch for epochs in evidence.experiment.kept().values() for epoch in epochs}
    return sorted((kept | set(study.EPOCHS)) & trained) or sorted(trained)


def _runs_table(evidence: Evidence) -> Table:
    """The study's run-by-epoch table: ours, then as published."""
    epochs = sorted({*_shown_epochs(evidence), *study.EPOCHS})
    chosen = evidence.chosen[0] if evidence.chosen else 0
    rows = [_run_row(say("ours"), run, curve, epochs, chosen) for run, curve in evidence.curves.items()]
    rows += [
        _run_row(say("published"), run, curve, epochs, study.CHOSEN_RUN, published=True)
        for run, curve in study.CURVES.items()
    ]
    heads = [head for epoch in epochs for head in (say("e{epoch} acc", epoch=epoch), say("e{epoch} loss", epoch=epoch))]
    note = say("Published: {title}; {peaks}", title=say(study.TITLE), peaks=study.peaks_note())
    return Table(
        say("Test accuracy and loss by run and epoch, ours and as published. Set off: the best epoch of the run."),
        ("", say("run"), *heads, say("peak"), say("overfits from")),
        tuple(rows),
        words=2,
        note=f"{note} {study.comparability(evidence.document)}",
    )


def _run_row(source: str, run: int, curve: Curve, epochs: list[int], chosen: int, published: bool = False) -> Row:
    verdict, entries = judge(run, curve), []
    for epoch in epochs:
        place = curve.epochs.index(epoch) if epoch in curve.epochs else None
        best = epoch == verdict.peak_epoch
        entries += [
            Entry(NONE if place is None else number(values[place], 4), strong=best, untested=True)
            for values in (curve.accuracy, curve.loss)
        ]
    rises = NONE if verdict.overfits_from is None else f"e{verdict.overfits_from}"
    name = say("{run} (chosen)", run=run) if run == chosen else str(run)
    kind = "published" if published else "chosen" if run == chosen else ""
    return Row.of(source, name, *entries, f"e{verdict.peak_epoch}", rises, kind=kind)


def _curve_charts(evidence: Evidence) -> list[Chart]:
    """Accuracy and loss by epoch."""
    kept = evidence.experiment.kept() or None
    return [
        Chart(f"{measure}-by-epoch", caption, alt, partial(curves, evidence.history, kept, measure))
        for measure, (caption, alt) in _captions(len(evidence.curves)).items()
    ]


def _captions(runs: int) -> dict[str, tuple[str, str]]:
    """Caption and alternative text of the charts."""
    accuracy = counted(
        "Line chart of accuracy by epoch for one run; the numbers are in the table.",
        "Line chart of accuracy by epoch for {n} runs; the numbers are in the table.",
        runs,
    )
    loss = counted(
        "Line chart of loss by epoch for one run; the numbers are in the table.",
        "Line chart of loss by epoch for {n} runs; the numbers are in the table.",
        runs,
    )
    how = say("Strong lines: test; pale lines: training; marked: the epochs whose models were kept.")
    return {
        "accuracy": (" ".join([say("Accuracy by epoch."), how]), accuracy),
        "loss": (" ".join([say("Loss by epoch."), how]), loss),
    }


def _every_epoch(evidence: Evidence) -> Table:
    """Accuracy and loss of every epoch."""
    keys = ("train_accuracy", "train_loss", "test_accuracy", "test_loss")
    rows = [
        Row.of(str(row["run"]), str(row["epoch"]), *(number(row.get(key), 4) for key in keys))
        for row in training_rows(evidence.history)
    ]
    return Table(
        say("Every epoch of every run"), tuple(say(head) for head in _EVERY), tuple(rows), words=2, folded=True
    )
