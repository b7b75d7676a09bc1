"""`dogcam report`: a finished experiment as pages and figures. Never imports TensorFlow."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dogcam.config import ReportConfig
from dogcam.files import plain
from dogcam.progress import Progress
from dogcam.reporting.page import compose
from dogcam.reporting.rendering import illustrations, write
from dogcam.runs import find_experiment


@dataclass(frozen=True)
class ReportResult:
    """What was written.

    Attributes:
        experiment: its name.
        headline: the answer in one line.
        exhibits: the titles of the exhibits that its data allow.
        verdicts: claim, protocol and verdict of each finding.
        paths: the pages, in the order of the formats asked for.
        figures: the files of the figures.
        next_step: the command that the report still lacks; "" where nothing is missing.
        seconds: how long it took.
    """

    experiment: str
    headline: str
    exhibits: tuple[str, ...]
    verdicts: tuple[dict[str, str], ...]
    paths: tuple[Path, ...]
    figures: tuple[Path, ...]
    next_step: str
    seconds: float

    def document(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return plain(asdict(self))


def run(config: ReportConfig, progress: Progress) -> ReportResult:
    """Write the report of an experiment, by default into its own folder `report`.

    Raises:
        ExperimentError, UnknownName: there is no such experiment, or it cannot be read.
        InputError: a picture that evaluation kept is missing or damaged.
    """
    started = time.perf_counter()
    experiment = find_experiment(config.home, config.experiment)
    formats = tuple(dict.fromkeys(config.formats))
    document = compose(experiment)
    out = Path(config.out) if config.out else experiment.path / "report"
    steps = len(list(illustrations(document))) + len(formats)
    with progress.task(f"report on {experiment.name}", steps) as step:
        pages, figures = write(document, out, formats, step.advance)
    return ReportResult(
        experiment=experiment.name,
        headline=document.headline,
        exhibits=tuple(exhibit.title for exhibit in document.exhibits),
        verdicts=tuple({"claim": f.claim, "protocol": f.protocol, "verdict": f.verdict} for f in document.findings),
        paths=tuple(pages),
        figures=tuple(figures),
        next_step=document.next_step,
        seconds=time.perf_counter() - started,
    )
