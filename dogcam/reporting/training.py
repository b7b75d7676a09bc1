"""Exhibit 1: the runs, their peaks, where overfitting starts, and the choice of the run."""

from __future__ import annotations

from functools import partial

from dogcam.figures import curves
from dogcam.metrics.classification import Curve, judge
from dogcam.reporting import NONE, Chart, Entry, Exhibit, Row, Table, count, number, study
from dogcam.reporting.evidence import Evidence
from dogcam.reporting.tables import training_rows

TRAINING = "Training: accuracy, loss and overfitting"


def training(evidence: Evidence) -> Exhibit | None:
    """Exhibit 1: accuracy and loss by run and epoch, each run's peak and overfitting, and the choice of the run."""
    if evidence.chosen is None:
        return None
    run, why = evidence.chosen
    verdicts = [judge(number_, curve) for number_, curve in evidence.curves.items()]
    lead = [verdict.sentence() for verdict in verdicts]
    lead.append(f"Run {run} is used from here on: {why}.")
    counts = evidence.document.get("dataset", {}).get("counts", {})
    return Exhibit(
        1,
        "training",
        TRAINING,
        tuple(lead),
        (_runs_table(evidence), *_curve_charts(evidence), _every_epoch(evidence)),
        f"How {_runs(len(verdicts))} of this configuration went on the {count(counts.get('test'))} test images, and "
        f"after which "
        "epoch more training stops helping.",
        "Run and epoch are chosen on the same test images that they are reported on, so the best accuracy is a "
        "little too "
        f"good; {_runs(len(verdicts))} say little about how much a further one would differ.",
    )


def _runs(n: int) -> str:
    return "one run" if n == 1 else f"{n} runs"


def _shown_epochs(evidence: Evidence) -> list[int]:
    """The kept epochs, and the study's where they were trained as well; every epoch where nothing was kept."""
    trained = {epoch for curve in evidence.curves.values() for epoch in curve.epochs}
    kept = {epoch for epochs in evidence.experiment.kept().values() for epoch in epochs}
    return sorted((kept | set(study.EPOCHS)) & trained) or sorted(trained)


def _runs_table(evidence: Evidence) -> Table:
    """The study's run-by-epoch table: ours, then as published."""
    epochs = sorted({*_shown_epochs(evidence), *study.EPOCHS})
    chosen = evidence.chosen[0] if evidence.chosen else 0
    rows = [_run_row("ours", run, curve, epochs, chosen) for run, curve in evidence.curves.items()]
    rows += [_run_row("published", run, curve, epochs, study.CHOSEN_RUN) for run, curve in study.CURVES.items()]
    heads = [f"e{epoch} {what}" for epoch in epochs for what in ("acc", "loss")]
    return Table(
        "Test accuracy and loss by run and epoch, ours and as published. Bold: the best epoch of the run.",
        ("", "run", *heads, "peak", "overfits from"),
        tuple(rows),
        words=2,
        note=f"Published: {study.TITLE}; {study.peaks_note()} {study.comparability(evidence.document)}",
    )


def _run_row(source: str, run: int, curve: Curve, epochs: list[int], chosen: int) -> Row:
    verdict, entries = judge(run, curve), []
    for epoch in epochs:
        place = curve.epochs.index(epoch) if epoch in curve.epochs else None
        best = epoch == verdict.peak_epoch
        entries += [
            Entry(NONE if place is None else number(values[place], 4), strong=best)
            for values in (curve.accuracy, curve.loss)
        ]
    rises = NONE if verdict.overfits_from is None else f"e{verdict.overfits_from}"
    name = f"{run} (chosen)" if run == chosen else str(run)
    kind = "published" if source == "published" else "chosen" if run == chosen else ""
    return Row.of(source, name, *entries, f"e{verdict.peak_epoch}", rises, kind=kind)


def _curve_charts(evidence: Evidence) -> list[Chart]:
    """Accuracy and loss by epoch."""
    kept = evidence.experiment.kept() or None
    return [
        Chart(
            f"{measure}-by-epoch",
            f"{measure.capitalize()} by epoch. Strong lines: test; pale lines: training; marked: the epochs whose "
            f"models were kept.",
            f"Line chart of {measure} by epoch for {_runs(len(evidence.curves))}; the numbers are in the table.",
            partial(curves, evidence.history, kept, measure),
        )
        for measure in ("accuracy", "loss")
    ]


def _every_epoch(evidence: Evidence) -> Table:
    """Accuracy and loss of every epoch."""
    keys = ("train_accuracy", "train_loss", "test_accuracy", "test_loss")
    rows = [
        Row.of(str(row["run"]), str(row["epoch"]), *(number(row.get(key), 4) for key in keys))
        for row in training_rows(evidence.history)
    ]
    heads = ("run", "epoch", "train accuracy", "train loss", "test accuracy", "test loss")
    return Table("Every epoch of every run", heads, tuple(rows), words=2, folded=True)
