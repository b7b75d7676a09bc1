"""What `dogcam evaluate` has found: the tables behind its answer, and `summary.json`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from dogcam.analysis.breakdown import Breakdown, broken_down
from dogcam.analysis.comparison import Comparison, compared
from dogcam.analysis.decomposition import Walk
from dogcam.analysis.dynamics import Dynamics, dynamics
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.findings import claims_of, findings
from dogcam.analysis.summary import SUMMARY_VERSION
from dogcam.analysis.tables import curve_rows, is_baseline, localisation_rows, rows_over_runs
from dogcam.analysis.training import training
from dogcam.boxes.protocols import Protocol
from dogcam.core.config import GROUPINGS, EvaluateConfig
from dogcam.core.files import plain, write_json
from dogcam.core.progress import Progress
from dogcam.core.records import to_plain
from dogcam.data import Problem
from dogcam.experiment.evaluations import Cell, Evaluation
from dogcam.experiment.runs import Experiment
from dogcam.experiment.training_curves import RunChoice
from dogcam.report.exhibits.faithfulness import faithfulness_rows
from dogcam.report.formats.csv import write_csv


@dataclass(frozen=True)
class Evaluated:
    """What was evaluated: an experiment's runs and epochs, under some protocols, into an evaluation's tables."""

    experiment: Experiment
    evaluation: Evaluation
    protocols: tuple[Protocol, ...]
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    choice: RunChoice


@dataclass(frozen=True)
class Counted:
    """What was scored, and what was not.

    Attributes:
        images: with a box.
        unannotated: without one; the network alone can be asked about them.
        problems: inputs that were skipped, or are not as they should be.
    """

    images: int
    unannotated: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class EvaluateResult:
    """What was scored, and the tables of it.

    Attributes:
        wanted: the cells of this call; `rows` also hold what was evaluated before.
        over_runs: rows of means over runs, where there are several.
        every_comparison: one for each protocol and epoch; over the runs where there are several.
        every_breakdown: of the last epoch of the first run, for each protocol and grouping.
        curves: mean IoU by threshold.
        walks: where gaps come from, as asked for.
        dynamics: how training went, for each protocol.
        claims: the study's and dogcam's, with their verdicts, see `analysis.findings.claims_of`.
        faithfulness: see `report.exhibits.faithfulness.faithfulness_rows`.
    """

    of: Evaluated
    config: EvaluateConfig
    wanted: frozenset[Cell]
    counted: Counted
    rows: list[dict[str, Any]]
    over_runs: list[dict[str, Any]]
    every_comparison: tuple[Comparison, ...]
    every_breakdown: tuple[tuple[str, Breakdown], ...]
    curves: list[dict[str, Any]]
    walks: tuple[Walk, ...]
    dynamics: tuple[Dynamics, ...]
    claims: list[dict[str, Any]]
    faithfulness: list[dict[str, Any]]
    seconds: float

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Those of the last epoch."""
        return tuple(each for each in self.every_comparison if each.epoch == self.epochs[-1])

    @property
    def breakdowns(self) -> tuple[Breakdown, ...]:
        """Those that were asked for."""
        return tuple(each for _, each in self.every_breakdown if each.by in self.config.by)

    @property
    def images(self) -> int:
        """How many images have a box and were scored."""
        return self.counted.images

    @property
    def unannotated(self) -> int:
        """How many images have none."""
        return self.counted.unannotated

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Inputs that were skipped, or are not as they should be."""
        return self.counted.problems

    @property
    def experiment(self) -> Experiment:
        """The experiment that was evaluated."""
        return self.of.experiment

    @property
    def evaluation(self) -> Evaluation:
        """Where its tables are."""
        return self.of.evaluation

    @property
    def runs(self) -> tuple[int, ...]:
        """The runs evaluated."""
        return self.of.runs

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs evaluated."""
        return self.of.epochs

    @property
    def choice(self) -> RunChoice:
        """Why these runs."""
        return self.of.choice

    def asked(self, row: dict[str, Any]) -> bool:
        """Whether a row is of this call; the table also holds what was evaluated before."""
        return Cell(*(row[name] for name in ("run", "epoch", "method", "layer", "protocol"))) in self.wanted

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON: also what `summary.json` holds, see `analysis.summary.FIELDS`."""
        about = self.evaluation.about()
        return plain(
            {
                "schema_version": SUMMARY_VERSION,
                "experiment": self.experiment.name,
                "scope": self.evaluation.scope,
                "runs": self.runs,
                "epochs": self.epochs,
                "run_choice": to_plain(self.choice),
                "images": self.images,
                "unannotated": self.unannotated,
                "target": about.get("target"),
                "smooth": about.get("smooth"),
                "calibration": about.get("calibration"),
                "rows": self.rows,
                "over_runs": self.over_runs,
                "comparisons": [each.document() for each in self.every_comparison],
                "breakdowns": [{"protocol": name, **each.document()} for name, each in self.every_breakdown],
                "curves": self.curves,
                "walks": self.evaluation.walks(),
                "dynamics": [to_plain(each) for each in self.dynamics],
                "claims": self.claims,
                "faithfulness": self.faithfulness,
                "problems": [asdict(problem) for problem in self.problems],
                "seconds": self.seconds,
            }
        )


@dataclass(frozen=True)
class Found:
    """What scoring leaves behind besides the tables.

    Attributes:
        cells: of this call.
        pooled: the layer that feeds the pooling; None where there is none.
        classes: names by label.
        walks: see `EvaluateResult`.
    """

    cells: frozenset[Cell]
    pooled: str | None
    classes: Sequence[str]
    counted: Counted
    walks: tuple[Walk, ...]


def summarised(config: EvaluateConfig, of: Evaluated, found: Found, began: float, progress: Progress) -> EvaluateResult:
    """Compute all tables from the per-image rows, and keep them in `summary.json`; with --csv, beside it as well.

    Args:
        began: when, by `time.perf_counter`.
    """
    with progress.task("statistics"):
        rows = localisation_rows(of.evaluation)
        several = len(of.runs) > 1
        alone = _comparisons(of, found, [(run,) for run in of.runs])
        together = _comparisons(of, found, [of.runs]) if several else alone
        over_runs = rows_over_runs(of.evaluation, found.cells, of.runs) if several else []
        _mark(rows, alone)
        _mark(over_runs, together)
        result = EvaluateResult(
            of,
            config,
            found.cells,
            found.counted,
            rows,
            over_runs,
            together,
            _breakdowns(of, found),
            curve_rows(of.evaluation, found.cells),
            found.walks,
            _dynamics(of, found),
            _claims(of),
            faithfulness_rows(of.evaluation),
            time.perf_counter() - began,
        )
    folder = of.experiment.path / "evaluation"
    document = result.document()
    write_json(folder / "summary.json", document)
    if config.csv:
        for path in write_csv(folder / "csv", document):
            progress.note(f"wrote {path}")
    return result


def _dynamics(of: Evaluated, found: Found) -> tuple[Dynamics, ...]:
    """Those of this call's protocols, in their order."""
    cells = [cell for each in of.protocols for cell in found.cells if cell.protocol == each.name]
    tables = {cell: of.evaluation.read(cell) for cell in cells if not is_baseline(cell)}
    return dynamics(training(of.experiment).curves, tables)


def _claims(of: Evaluated) -> list[dict[str, Any]]:
    """The verdicts under this call's protocols, in their order."""
    every = claims_of(findings(Evidence.of(of.experiment, of.evaluation)))
    return [each for protocol in of.protocols for each in every if each["protocol"] == protocol.name]


def _breakdowns(of: Evaluated, found: Found) -> tuple[tuple[str, Breakdown], ...]:
    """By protocol, every grouping of the last epoch of the first run."""
    made = []
    for protocol in of.protocols:
        cells = [cell for cell in found.cells if cell.protocol == protocol.name]
        shown = [cell for cell in cells if is_baseline(cell) or (cell.run, cell.epoch) == (of.runs[0], of.epochs[-1])]
        if not all(map(is_baseline, shown)):
            made += [(protocol.name, broken_down(of.evaluation, shown, by, found.classes)) for by in GROUPINGS]
    return tuple(made)


def _comparisons(of: Evaluated, found: Found, runs: Sequence[tuple[int, ...]]) -> tuple[Comparison, ...]:
    """Those of every protocol and epoch, for each of the groups of runs."""
    made = (
        compared(of.evaluation, found.cells, protocol, group, epoch, found.pooled)
        for protocol, group, epoch in product(of.protocols, runs, of.epochs)
    )
    return tuple(each for each in made if each is not None)


def _mark(rows: list[dict[str, Any]], comparisons: Sequence[Comparison]) -> None:
    """Say of each row, as "unseen", how it stands to the best box that never looks, see `comparison.Line.mark`."""
    marks = {
        (each.protocol, each.runs, each.epoch, name): line.mark
        for each in comparisons
        for line in each.lines
        if line.mark is not None
        for name in line.names
    }
    for row in rows:
        runs = tuple(row["runs"]) if "runs" in row else (row["run"],)
        row["unseen"] = marks.get((row["protocol"], runs, row["epoch"], f"{row['method']} at {row['layer']}"))


def listed(numbers: Sequence[int]) -> str:
    """ "3, 5, 7"."""
    return ", ".join(map(str, numbers))
