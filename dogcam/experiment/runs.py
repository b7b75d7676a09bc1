"""The experiment folder: what training and evaluation leave behind. Every file appears whole or not at all.

<home>/<name>/
  experiment.json                  configuration, seeds, versions, dataset fingerprint, schema_version
  history.csv                      run, epoch, split, accuracy, loss: every epoch
  run-1/epoch-03.keras ...         ordinary Keras files
  run-1/last-04.keras              with the optimiser's state, while the run is unfinished
  evaluation/summary.json          what the tables show
  evaluation/<scope>/...           see `evaluations`
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dogcam.core.errors import ExperimentError
from dogcam.core.files import write_json, written_whole
from dogcam.core.registry import unknown
from dogcam.experiment.evaluations import SCHEMA_VERSION, TABLES, Evaluation

RUN, EPOCH = 1, 0  # of what we did not train: somebody else's model, or maps


@dataclass(frozen=True)
class HistoryRow:
    """Accuracy and loss of one run after one epoch on one split."""

    run: int
    epoch: int
    split: str
    accuracy: float
    loss: float


class Experiment:
    """One experiment folder."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def name(self) -> str:
        """The folder's name, also where it is given as "."."""
        return self.path.resolve().name

    @property
    def document(self) -> dict[str, Any]:
        """`experiment.json`."""
        try:
            document = json.loads((self.path / "experiment.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ExperimentError(f"{self.path} is not a dogcam experiment: experiment.json: {error}") from error
        if not isinstance(document, dict):
            raise ExperimentError(f"{self.path} is not a dogcam experiment: experiment.json holds no object")
        if document.get("schema_version", 0) > SCHEMA_VERSION:
            raise ExperimentError(
                f"{self.path} was written by a newer dogcam ({document.get('dogcam')}): "
                f"schema {document['schema_version']}, this one reads up to {SCHEMA_VERSION}; update dogcam"
            )
        return document

    def training_document(self) -> dict[str, Any]:
        """`experiment.json` of an experiment that `train` began: with its configuration, data and model.

        Raises:
            ExperimentError: one of them is missing.
        """
        document = self.document
        missing = [key for key in ("config", "dataset", "model") if not isinstance(document.get(key), dict)]
        if missing:
            raise ExperimentError(f"{self.path}: experiment.json lacks {', '.join(missing)}; was it edited?")
        return document

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Write `experiment.json`."""
        write_json(self.path / "experiment.json", {"schema_version": SCHEMA_VERSION, **document})

    def update_document(self, **changes: Any) -> None:
        """Change some entries of `experiment.json`."""
        self.write_document({**self.document, **changes})

    def history(self) -> list[HistoryRow]:
        """The rows of `history.csv`, in order of run, epoch and split; empty before the first epoch."""
        path = self.path / "history.csv"
        if not path.exists():
            return []
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = [
                    HistoryRow(int(row["run"]), int(row["epoch"]), row["split"], float(row["accuracy"]), float(row["loss"]))
                    for row in csv.DictReader(file)
                ]
        except (KeyError, TypeError, ValueError) as error:
            raise ExperimentError(f"{path} cannot be read: {error}; restore it, or train anew under another name") from error
        return sorted(rows, key=lambda row: (row.run, row.epoch, row.split))

    def add_history(self, rows: Iterable[HistoryRow]) -> list[HistoryRow]:
        """Add rows (a run's epoch and split are replaced where they are there) and return all of them."""
        merged = {(row.run, row.epoch, row.split): row for row in [*self.history(), *rows]}
        ordered = [merged[key] for key in sorted(merged)]
        with written_whole(self.path / "history.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(each.name for each in fields(HistoryRow))
            writer.writerows(astuple(row) for row in ordered)
        return ordered

    def checkpoint(self, run: int, epoch: int) -> Path:
        """Where the model of a run after an epoch is kept."""
        return self.path / f"run-{run}" / f"epoch-{epoch:02d}.keras"

    def unfinished(self, run: int, epoch: int) -> Path:
        """Where an unfinished run's model lies after an epoch, with its optimiser's state."""
        return self.path / f"run-{run}" / f"last-{epoch:02d}.keras"

    def drop_unfinished(self, run: int, but: int | None = None) -> None:
        """Remove what only resuming needs, except that of the epoch `but`."""
        for path in self.path.glob(f"run-{run}/last-*.keras"):
            if but is None or path != self.unfinished(run, but):
                path.unlink()

    def check_trained(self) -> None:
        """Raise `ExperimentError` where it stands for somebody else's model or maps, and so keeps no model."""
        if not {"adopted", "maps"}.isdisjoint(self.document):
            raise ExperimentError(f"{self.path} stands for somebody else's model or maps and keeps no model: name another")

    def kept(self) -> dict[int, list[int]]:
        """The kept epochs of each run, from the files that are there."""
        found: dict[int, list[int]] = {}
        for path in sorted(self.path.glob("run-*/epoch-*.keras")):
            run, epoch = path.parent.name.removeprefix("run-"), path.stem.removeprefix("epoch-")
            if run.isdecimal() and epoch.isdecimal():
                found.setdefault(int(run), []).append(int(epoch))
        return {run: sorted(found[run]) for run in sorted(found)}

    def evaluation(
        self, split: str, limit: int | None, target: str, smooth: Sequence[str] = (), calibrate: int | None = None
    ) -> Evaluation:
        """The evaluation of that split, limit, smoothing and target; `calibrate` where it is not the usual number."""
        parts = [split, f"limit{limit}" if limit else "", "+".join(["smooth", *smooth]) if smooth else ""]
        parts += ["" if calibrate is None else f"calibrate{calibrate}"]
        scope = "-".join([*filter(None, parts), quote(target, safe=" ,()")])
        return Evaluation(self.path / "evaluation" / scope)

    def evaluations(self) -> list[Evaluation]:
        """All evaluations that have cells: of the test split first, then of whole splits, then the latest."""
        folders = {path.parent for path in self.path.glob(f"evaluation/*/{TABLES}")}
        weights = {path: (not path.name.startswith("test"), "-limit" in path.name, -path.stat().st_mtime) for path in folders}
        return [Evaluation(path) for path in sorted(folders, key=weights.__getitem__)]


def create_experiment(home: str, name: str | None, stem: str, document: Mapping[str, Any]) -> Experiment:
    """Make a new experiment folder.

    Args:
        name: as the user wants it; None makes one from `stem` and the time.

    Raises:
        ExperimentError: there is one of that name.
    """
    created = datetime.now(UTC)
    path = Path(home) / (name or f"{stem}-{created:%Y%m%d-%H%M%S}")
    if name is not None and (not name.strip() or Path(name).name != name or name.startswith(".")):
        raise ExperimentError(f"an experiment's name must be one plain folder name; received {name!r}")
    if path.exists() and any(path.iterdir()):
        raise ExperimentError(f"{path} exists already: choose another --name, or continue it with --resume")
    experiment = Experiment(path)
    experiment.write_document({"name": path.name, "created": created.isoformat(), **document})
    return experiment


def stand_in(home: str, name: str, document: Mapping[str, Any], same: Mapping[tuple[str, str], str]) -> Experiment:
    """The experiment that stands for what we did not train: made, or the one of that name that is there from before.

    Args:
        same: what has to be as it was then, (section, entry) of the document, and what that tells apart.

    Raises:
        ExperimentError: there is another experiment of that name.
    """
    if not (Path(home) / name / "experiment.json").exists():
        return create_experiment(home, name, name, document)
    there = find_experiment(home, name)
    for (part, entry), what in same.items():
        if there.document.get(part, {}).get(entry) != document[part][entry]:
            raise ExperimentError(f"{there.path} is of another {what}: choose another --name")
    return there


def plain_name(text: str) -> str:
    """Text as the name of a folder."""
    return "".join(each if each.isalnum() or each in "-_." else "-" for each in text).strip("-.")


def all_experiments(home: str) -> list[Experiment]:
    """The experiments under `home`, newest first; those that cannot be read last."""
    found = [Experiment(path.parent) for path in Path(home).glob("*/experiment.json")]
    return sorted(found, key=_created, reverse=True)


def _created(experiment: Experiment) -> str:
    """When it was begun; "" where that cannot be read, so that one bad folder does not hide the others."""
    try:
        return str(experiment.document.get("created", ""))
    except ExperimentError:
        return ""


def find_experiment(home: str, name: str | None) -> Experiment:
    """The experiment `name` (a name under `home`, or a path), or the newest where none is named.

    Raises:
        ExperimentError, UnknownName: there is none.
    """
    if name is not None:
        for path in (Path(home) / name, Path(name)):
            if (path / "experiment.json").exists():
                return Experiment(path)
        raise unknown("experiment", name, (each.name for each in all_experiments(home)))
    found = all_experiments(home)
    if not found:
        raise ExperimentError(
            f"no experiment under {home}/ yet: train one (dogcam train), see what there is to see (dogcam demo), "
            "or say where they are with --home"
        )
    return found[0]
