"""What the tables of a scope say, as one value: computed once, kept as `summary.json`, shown by everything and by nothing anew.

The terminal, --json, --csv, every format of the report and `dogcam.read_analysis` show an `Analysis`; none of them computes
anything of its own, so that they cannot disagree. It is computed from all cells of a scope, whichever call scored them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from dogcam.analysis.choosing import Galleries, galleries
from dogcam.analysis.claims import Claim, claims
from dogcam.analysis.comparison import Comparison, comparisons, spoken
from dogcam.analysis.decomposition import PipelineDecomposition, decompositions_of
from dogcam.analysis.dynamics import Dynamics, dynamics
from dogcam.analysis.faithfulness import Faithfulness, faithfulness
from dogcam.analysis.flat import table
from dogcam.analysis.groups import Groups, groups
from dogcam.analysis.measures import Measures, measures
from dogcam.analysis.pictures import Kept
from dogcam.analysis.scope import Scope, Skipped, scope_of
from dogcam.analysis.scores import Scores, ThresholdCurve, scores, scores_over_runs, threshold_curves
from dogcam.analysis.tables import Tables, is_baseline
from dogcam.analysis.training import Training, training
from dogcam.core.choices import GROUPINGS
from dogcam.core.config import ListConfig
from dogcam.core.files import write_text
from dogcam.core.progress import Progress, Step
from dogcam.core.records import fields_of, from_plain, to_plain
from dogcam.experiment.evaluations import TABLES, Evaluation, MapKey
from dogcam.experiment.runs import Experiment, find_experiment

# 4: generated from the dataclasses; codes and numbers in place of sentences; one family for each protocol and epoch.
SCHEMA_VERSION = 4
SUMMARY = "summary.json"
STEPS = 8  # the parts of an analysis that take time
T = TypeVar("T")
_NO_MEASURES = Measures()
# What is computed of an evaluation rests on these of its files: tables, what they share, and the kept pictures' maps.
_SOURCES = (
    *(TABLES, f"faithfulness/{TABLES}", "decompositions/*.json", "about.json", "problems.json"),
    *(f"{kept}/{files}" for kept in ("samples", "gallery") for files in ("index.json", "[!.]*.npz")),
)


@dataclass(frozen=True)
class Analysis:
    """Everything that is shown of an experiment.

    Attributes:
        schema_version: a later one may have more fields, and only a new number changes a meaning.
        experiment: its name.
        fingerprint: of the files that all of this was computed from.
        scope: what was scored; null before evaluation.
        run: the one that pictures, claims and groups are about; null before the first epoch.
        runs: those that were evaluated.
        epochs: those of that run that were evaluated.
        protocols: by name, the main one first.
        layers: those that were evaluated, from the input on.
        pooled_layer: the one that feeds the pooling; empty where none does.
        training: accuracy and loss of every run, and the choice of the run.
        scores: every cell that was scored.
        over_runs: means over runs of what was scored in every one of them; empty of one run.
        comparisons: methods and boxes that never look against each other, a family for each protocol and epoch.
        curves: mean IoU by threshold, of every cell whose threshold was chosen.
        claims: statements held against the scores.
        dynamics: what training does, a protocol at a time, where two epochs or more were evaluated.
        groups: scores by group of pictures, at the last epoch of the run that speaks.
        decompositions: where the difference between two pipelines comes from, as --decompose asked for.
        faithfulness: what the network answers when it sees, or not, what a map points at; null where it was not asked.
        measures: what the kept pictures suggest, measured on all of them.
        galleries: which pictures rules choose.
        problems: what could not be used as it should.
    """

    schema_version: int
    experiment: str
    fingerprint: str
    scope: Scope | None
    run: int | None
    runs: tuple[int, ...]
    epochs: tuple[int, ...]
    protocols: tuple[str, ...]
    layers: tuple[str, ...]
    pooled_layer: str
    training: Training
    scores: tuple[Scores, ...] = ()
    over_runs: tuple[Scores, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    curves: tuple[ThresholdCurve, ...] = ()
    claims: tuple[Claim, ...] = ()
    dynamics: tuple[Dynamics, ...] = ()
    groups: tuple[Groups, ...] = ()
    decompositions: tuple[PipelineDecomposition, ...] = ()
    faithfulness: Faithfulness | None = None
    measures: Measures = _NO_MEASURES
    galleries: Galleries | None = None
    problems: tuple[Skipped, ...] = ()

    def spoken(self, protocol: str | None = None, epoch: int | None = None) -> Comparison | None:
        """The family of the run that speaks: under the main protocol, at its latest epoch, unless others are named."""
        if self.run is None or not self.protocols:
            return None
        return spoken(self.comparisons, self.run, protocol or self.protocols[0], epoch)

    @cached_property
    def maps(self) -> list[MapKey]:
        """What was scored of the run that speaks, in the order of tables."""
        return list(dict.fromkeys(row.map for row in self.scores if row.runs == (self.run,)))

    @property
    def pooled(self) -> list[MapKey]:
        """Of these the ones at the layer that feeds the pooling."""
        return [key for key in self.maps if key.layer == self.pooled_layer]

    def of(self, protocol: str, run: int | None = None, key: MapKey | None = None) -> dict[int, Scores]:
        """By epoch the scores of a map in a run, the one that speaks where none is named."""
        runs = (self.run if run is None else run,)
        mine = (row for row in self.scores if (row.protocol, row.runs, row.map) == (protocol, runs, key))
        return {row.epoch: row for row in mine}

    def table(self, name: str = "scores") -> pa.Table:
        """A tidy table, one row an observation: scores, over_runs, ranking, pairs, groups, curves, decompositions, training,
        dynamics, claims or faithfulness. Its `.to_pandas()` makes a data frame of it, where pandas is installed.

        Raises:
            UnknownName: there is no such table.
        """
        return table(self, name)

    def baselines(self, protocol: str) -> list[Scores]:
        """The scores of what belongs to no run."""
        return [row for row in self.scores if row.protocol == protocol and row.baseline]


def analyse(experiment: Experiment, evaluation: Evaluation | None = None, step: Step | None = None) -> Analysis:
    """Compute everything: of all cells of an evaluation, or of training alone where nothing has been evaluated.

    Args:
        step: is advanced by one for each of `STEPS`.

    Raises:
        ExperimentError: a table is not dogcam's, or the tables are of different images.
    """
    trained, mark = training(experiment), fingerprint(experiment, evaluation)
    if evaluation is None:
        run = None if trained.chosen is None else trained.chosen.run
        return Analysis(SCHEMA_VERSION, experiment.name, mark, None, run, (), (), (), (), "", trained)
    done = partial(_done, step or Step())
    tables = Tables.of(experiment, evaluation)
    kept, families, rows = Kept.of(tables), done(comparisons(tables)), done(scores(tables))
    return Analysis(
        schema_version=SCHEMA_VERSION,
        experiment=experiment.name,
        fingerprint=mark,
        scope=scope_of(tables),
        run=tables.run,
        runs=tuple(tables.runs),
        epochs=tuple(tables.epochs),
        protocols=tuple(tables.protocols),
        layers=tuple(tables.layers),
        pooled_layer=tables.pooled_layer,
        training=trained,
        scores=rows,
        over_runs=done(scores_over_runs(tables, rows)),
        comparisons=families,
        curves=threshold_curves(evaluation, tables.cells),
        claims=done(claims(tables, families)),
        dynamics=done(dynamics(trained.curves, {cell: tables.read(cell) for cell in tables.cells}, tables.layers)),
        groups=done(_groups(tables)),
        decompositions=decompositions_of(evaluation),
        faithfulness=_faithfulness(tables),
        measures=done(measures(kept)),
        galleries=done(galleries(kept)),
        problems=tuple(Skipped(str(each.get("id", "")), str(each.get("reason", ""))) for each in evaluation.problems()),
    )


def _done(step: Step, part: T) -> T:
    """A part that is computed, and counted."""
    step.advance()
    return part


def _groups(tables: Tables) -> tuple[Groups, ...]:
    """By every grouping under every protocol, at the last epoch of the run that speaks."""
    classes = [str(name) for name in tables.document.get("dataset", {}).get("classes", ())]
    found = []
    for protocol, by in product(tables.protocols, GROUPINGS if classes else ()):
        mine = [cell for cell in tables.cells if cell.protocol == protocol]
        last = max((cell.epoch for cell in mine if cell.run == tables.run), default=None)
        shown = [cell for cell in mine if is_baseline(cell) or (cell.run, cell.epoch) == (tables.run, last)]
        if last is not None:
            found.append(groups(tables.evaluation, shown, by, classes))
    return tuple(each for each in found if each is not None)


def _faithfulness(tables: Tables) -> Faithfulness | None:
    main = tables.protocols[0] if tables.protocols else None
    boxes = {cell: tables.read(cell) for cell in tables.cells if cell.protocol == main}
    return faithfulness(tables.evaluation, boxes, tables.run, main)


def fingerprint(experiment: Experiment, evaluation: Evaluation | None) -> str:
    """Of all that an analysis rests on: names and contents of files, and what is said of the experiment (BLAKE2b, 128 bits)."""
    document, scopes = experiment.document, sorted(each.scope for each in experiment.evaluations())
    about = SCHEMA_VERSION, experiment.name, document.get("model"), document.get("dataset"), experiment.kept(), scopes
    digest = hashlib.blake2b(json.dumps(about).encode(), digest_size=16)
    for path in _sources(experiment, evaluation):
        digest.update(path.relative_to(experiment.path).as_posix().encode("utf-8", "surrogateescape"))
        digest.update(hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(experiment: Experiment, evaluation: Evaluation | None) -> Iterator[Path]:
    yield from experiment.path.glob("history.csv")
    if evaluation is not None:
        for pattern in _SOURCES:
            yield from sorted(evaluation.path.glob(pattern))


def current(experiment: Experiment, evaluation: Evaluation | None = None, progress: Progress | None = None) -> Analysis:
    """The analysis that was kept, where the tables are as they were then; else computed anew, and kept.

    Args:
        evaluation: of which scope; None takes the one over the whole test split, else the latest.
        progress: hears of what is computed anew.

    Raises:
        ExperimentError: as `analyse`.
    """
    evaluation = evaluation or next(iter(experiment.evaluations()), None)
    if evaluation is None:
        return analyse(experiment)
    kept = _read(evaluation.path / SUMMARY)
    if kept is not None and kept.fingerprint == fingerprint(experiment, evaluation):
        return kept
    with (progress or Progress()).task("statistics", STEPS) as step:
        found = analyse(experiment, evaluation, step)
    with suppress(OSError):  # of a folder that may only be read the answer is the same
        write(found, evaluation)
    return found


def read_analysis(experiment: str | Path | Experiment | None = None, home: str = ListConfig.home) -> Analysis:
    """What has been found of an experiment: as `dogcam.evaluate` left it, or computed anew where its tables have changed.

    Nothing is scored, and TensorFlow is not needed.

    Args:
        experiment: a name, a folder, or the experiment itself; None means the newest.
        home: the folder where experiments lie.

    Raises:
        ExperimentError, UnknownName: there is no such experiment, or it cannot be read.

    Example:
        analysis = read_analysis("tiny")
        analysis.spoken().lines[0].iou.value    # the best line's mean IoU
        analysis.table("pairs").to_pandas()     # every two lines compared
    """
    if not isinstance(experiment, Experiment):
        experiment = find_experiment(home, None if experiment is None else str(experiment))
    return current(experiment)


def write(analysis: Analysis, evaluation: Evaluation) -> None:
    """Keep it beside its tables, and as the experiment's latest."""
    text = json.dumps(to_plain(analysis), indent=1, ensure_ascii=False) + "\n"
    write_text(evaluation.path / SUMMARY, text)
    write_text(evaluation.path.parent / SUMMARY, text)


def _read(path: Path) -> Analysis | None:
    """None where there is none, or where another dogcam wrote it."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return from_plain(Analysis, document) if document["schema_version"] == SCHEMA_VERSION else None
    except (FileNotFoundError, ValueError, LookupError, TypeError):  # half a file, or another document
        return None


def fields() -> dict[str, str]:
    """What every field of `summary.json` means, by its path: "comparisons[].lines[].iou.low"."""
    return dict(fields_of(Analysis))
