"""How training went: the study's run-by-epoch table, and the live one while it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Group

from dogcam.console.tables import duration, following, show, show_problems, table
from dogcam.report.training_words import choice_words, verdict_sentence

LIVE_RUNS = 3  # runs beside each other in the live table


def history_table(rows: Iterable[Any]) -> Group:
    """Test accuracy and loss, an epoch a line, the last `LIVE_RUNS` runs beside each other."""
    measured = {(row.run, row.epoch): row for row in rows if row.split == "test"}
    runs = sorted({run for run, _ in measured})[-LIVE_RUNS:]
    headings = ["epoch", *(f"run {run} {name}" for run in runs for name in ("acc", "loss"))]
    lines = []
    for epoch in sorted({epoch for _, epoch in measured}):
        line: list[object] = [epoch]
        for run in runs:
            row = measured.get((run, epoch))
            line += [f"{row.accuracy:.4f}", f"{row.loss:.4f}"] if row else ["", ""]
        lines.append(line)
    return table("test split", headings, lines)


def show_training(result: Any) -> None:
    """The study's run-by-epoch table, what each run's curve says, and the choice."""
    epochs, chosen = result.config.checkpoints, result.training.chosen
    headings = ["run", *(f"e{epoch} {name}" for epoch in epochs for name in ("acc", "loss")), "peak"]
    rows = []
    for each in result.training.runs:
        figures = [f"{value:.4f}" for epoch in epochs for value in each.test.at(epoch)]
        rows.append([each.run, *figures, f"e{each.verdict.peak_epoch}"])
    show(table("Test accuracy and loss at the kept epochs", headings, rows))
    show("", *map(verdict_sentence, result.training.verdicts))
    show(f"Chosen: run {chosen.run}, {choice_words(chosen)}.")
    show(f"Kept in {result.experiment.path} after {duration(result.seconds)}.")
    show(f"Next: {following('evaluate', result.experiment.path)}")
    show_problems(result.problems)
