"""`dogcam report`: a finished experiment, or several compared, as pages and figures. Never imports TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dogcam import figures
from dogcam.analysis.analysis import current
from dogcam.analysis.between import contrast
from dogcam.core.config import ReportConfig
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.core.records import to_plain
from dogcam.experiment.runs import Experiment, find_experiment
from dogcam.language import SOURCE, speaking
from dogcam.report.between import compose_contrast
from dogcam.report.document import Document
from dogcam.report.formats.csv import write_csv, write_shown
from dogcam.report.formats.illustrations import illustrations, legible
from dogcam.report.formats.pdf import browser
from dogcam.report.formats.rendering import write
from dogcam.report.page import compose


@dataclass(frozen=True)
class ReportResult:
    """What was written.

    Attributes:
        experiment: its name; of several all of them.
        headline: the answer in one line.
        exhibits: the titles of the exhibits that its data allow.
        verdicts: claim, protocol and verdict of each finding.
        paths: the pages, in the order of the formats asked for.
        figures: the files of the figures.
        tables: the CSV files.
        next_step: the command that the report still lacks; "" where nothing is missing.
        seconds: how long it took.
        summary: of several experiments what was compared (`analysis.between.Contrast`); None of one.
    """

    experiment: str
    headline: str
    exhibits: tuple[str, ...]
    verdicts: tuple[dict[str, str], ...]
    paths: tuple[Path, ...]
    figures: tuple[Path, ...]
    tables: tuple[Path, ...]
    next_step: str
    seconds: float
    summary: dict[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return plain(asdict(self))


def run(config: ReportConfig, progress: Progress) -> ReportResult:
    """Write the report of an experiment, or the comparison of several, by default into the first one's own folder.

    Raises:
        ExperimentError, UnknownName: there is no such experiment, it cannot be read, or it cannot be compared.
        InputError: a picture that evaluation kept is missing or damaged.
        OptionError: a PDF is wanted, and there is no browser that prints it.
        Unavailable: the browser failed.
    """
    started = time.perf_counter()
    if "pdf" in config.formats:
        browser()  # where there is none, that is said before anything is drawn
    experiments = [find_experiment(config.home, name) for name in (config.experiment, *config.others)]
    out = Path(config.out) if config.out else experiments[0].path / _folder(experiments, config.lang)
    with speaking(config.lang), figures.heat_colours(config.colormap):
        document, summary = _composed(experiments, progress)
        document = legible(document, lambda: _composed(experiments, Progress())[0])
        pages, drawn = _written(config, document, out, progress)
        tables = _tables(document, experiments, out / "csv", progress) if config.csv else []
    return ReportResult(
        experiment=document.name,
        headline=document.headline,
        exhibits=tuple(exhibit.title for exhibit in document.exhibits),
        verdicts=tuple({"claim": f.claim, "protocol": f.protocol, "verdict": f.verdict} for f in document.findings),
        paths=tuple(pages),
        figures=tuple(drawn),
        tables=tuple(tables),
        next_step=document.next_step,
        seconds=time.perf_counter() - started,
        summary=summary,
    )


def _written(config: ReportConfig, document: Document, out: Path, progress: Progress) -> tuple[list[Path], list[Path]]:
    """The pages and the figures."""
    if warning := figures.warning():
        progress.note(warning)
    formats = tuple(dict.fromkeys(config.formats))
    steps = len(list(illustrations(document))) + len(formats)
    with progress.task(f"report on {document.name}", steps) as step:
        return write(document, out, formats, step.advance, processes=config.jobs, colormap=config.colormap)


def _tables(document: Document, experiments: Sequence[Experiment], folder: Path, progress: Progress) -> list[Path]:
    """The tables as CSV: those of the document, and those of each experiment's analysis, of several in folders of their own."""
    written = write_shown(document, folder)
    for each in experiments:
        written += write_csv(current(each, progress=progress), folder / each.name if len(experiments) > 1 else folder)
    return written


def _composed(experiments: Sequence[Experiment], progress: Progress) -> tuple[Document, dict[str, Any] | None]:
    """The page of one experiment, or that of several and their comparison as plain values."""
    if len(experiments) == 1:
        return compose(experiments[0], progress), None
    with progress.task("statistics"):
        found, sides = contrast(experiments)
    return compose_contrast(found, sides), to_plain(found)


def _folder(experiments: Sequence[Experiment], lang: str) -> str:
    """Where a report lies by default: each comparison in a folder of its own, and each language but English."""
    others = [each.name for each in experiments] if len(experiments) > 1 else []
    return "-".join(["report", *others, *([lang] if lang != SOURCE else [])])
