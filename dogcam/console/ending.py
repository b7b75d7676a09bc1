"""What comes last: where the report lies, and the demo's last words."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dogcam.console.evaluation import show_evaluation
from dogcam.console.tables import clean, duration, show
from dogcam.console.training import show_training


def show_report(result: Any) -> None:
    """Where the report lies: first the pages, each alone on its line, then what lies beside them, and how long it took."""
    show(
        *(f"{clean(path)}" for path in result.paths),
        *files_beside("figures", result.figures),
        *files_beside("tables", result.tables),
    )
    show(f"Took {duration(result.seconds)}.")


def files_beside(what: str, paths: Sequence[Path]) -> list[str]:
    """How many files of a kind there are, and in which folder."""
    if not paths:
        return []
    kinds = ", ".join(dict.fromkeys(path.suffix.removeprefix(".").upper() for path in paths))
    number = len({path.with_suffix("") for path in paths})
    folder = Path(os.path.commonpath([path.parent for path in paths]))
    return [f"{number} {what if number != 1 else what.removesuffix('s')} as {kinds} in {clean(folder)}"]


def show_demo(result: Any) -> None:
    """The tables of the whole study, where to look and what to type next."""
    show_training(result.training)
    show("")
    show_evaluation(result.evaluation)
    show("", f"All of it took {duration(result.seconds)}.", "", "Look at:")
    sheets = [path for each in result.explanation.explanations for path in each.files if path.stem.endswith("_sheet")]
    show(*(f"  {path}" for path in [*result.report.paths, *sheets]), "", "Type next:")
    show(*(f"  {command}" for command in result.next_commands))
