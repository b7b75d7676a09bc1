"""What comes last: where the report lies, and the demo's last words."""

from __future__ import annotations

from typing import Any

from dogcam.console.evaluation import show_evaluation
from dogcam.console.tables import clean, duration, show
from dogcam.console.training import show_training


def show_report(result: Any) -> None:
    """Where the report lies."""
    show(*(f"{clean(path)}" for path in result.paths))


def show_demo(result: Any) -> None:
    """The tables of the whole study, where to look and what to type next."""
    show_training(result.training)
    show("")
    show_evaluation(result.evaluation)
    show("", f"All of it took {duration(result.seconds)}.", "", "Look at:")
    sheets = [path for each in result.explanation.explanations for path in each.files if path.stem.endswith("_sheet")]
    show(*(f"  {path}" for path in [*result.report.paths, *sheets]), "", "Type next:")
    show(*(f"  {command}" for command in result.next_commands))
