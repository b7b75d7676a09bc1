"""The experiment folder: what training and evaluation leave behind. Every file appears whole or not at all.

<home>/<name>/
  experiment.json                  configuration, seeds, versions, dataset fingerprint, schema_version
  history.csv                      run, epoch, split, accuracy, loss: every epoch
  run-1/epoch-03.keras ...         ordinary Keras files
  run-1/last-04.keras              with the optimiser's state, while the run is unfinished
  evaluation/summary.json          what the tables show
  evaluation/<scope>/<cell>.parquet           one row per image
  evaluation/<scope>/samples/...   pictures and raw maps of a chosen sample, for figures
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dogcam.errors import ExperimentError
from dogcam.files import write_bytes, write_json, written_whole
from dogcam.registry import unknown

SCHEMA_VERSION = 1
# Finished tables; the hidden ones are what `written_whole` left behind when its process was killed.
_TABLES = "[!.]*.parquet"


@dataclass(frozen=True)
class HistoryRow:
    """Accuracy and loss of one run after one epoch on one split."""

    run: int
    epoch: int
    split: str
    accuracy: float
    loss: float


@dataclass(frozen=True, order=True)
class Cell:
    """What one table of per-image rows is about. A baseline that never looks has run 0, epoch 0 and no layer."""

    run: int
    epoch: int
    method: str
    layer: str
    protocol: str

    @property
    def file_name(self) -> str:
        """Its Parquet file; the cell itself is in the file's metadata, so the name is never parsed."""
        parts = (f"run-{self.run}", f"epoch-{self.epoch:02d}", self.method, self.layer or "-", self.protocol)
        return "_".join(quote(part, safe="+-. ") for part in parts) + ".parquet"


# The columns of a per-image row. Boxes are relative; x0 to y1 are null where no box was drawn.
ROW_SCHEMA = pa.schema(
    [
        ("image", pa.string()),
        ("label", pa.int32()),
        ("predicted", pa.int32()),
        ("target", pa.int32()),
        ("against", pa.int32()),  # the class that the target is set against; -1 for none
        ("probability", pa.float32()),  # the network's, of the target class; null for baselines
        ("run", pa.int32()),
        ("epoch", pa.int32()),
        ("method", pa.string()),
        ("layer", pa.string()),
        ("protocol", pa.string()),
        ("threshold", pa.float32()),
        ("empty", pa.bool_()),
        ("flagged", pa.bool_()),  # the method's formula does not hold for the picture, see `engine.Heatmaps`
        ("x0", pa.float32()),
        ("y0", pa.float32()),
        ("x1", pa.float32()),
        ("y1", pa.float32()),
        ("area", pa.float64()),
        ("iou", pa.float64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("truth", pa.list_(pa.float32())),  # the annotated boxes, four numbers each
    ]
)


_IDS = "ids"  # the entry of a maps file that says which pictures its maps are of


class Evaluation:
    """One scope of an experiment's evaluation: the cells scored on the same images with the same target."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def scope(self) -> str:
        """The split, its limit where there was one, and the target: "test-true", "test-limit100-true"."""
        return self.path.name

    def has(self, cell: Cell) -> bool:
        """Whether `cell` is finished."""
        return (self.path / cell.file_name).exists()

    def write(self, cell: Cell, columns: Mapping[str, Any]) -> None:
        """Write the rows of a cell; `columns` are those of `ROW_SCHEMA` but for the cell's own."""
        count = len(columns["image"])
        own = {name: [value] * count for name, value in asdict(cell).items()}
        metadata = {b"dogcam_cell": json.dumps(asdict(cell)).encode(), b"schema_version": str(SCHEMA_VERSION).encode()}
        table = pa.Table.from_pydict({**columns, **own}, schema=ROW_SCHEMA.with_metadata(metadata))
        with written_whole(self.path / cell.file_name) as temporary:
            pq.write_table(table, temporary)

    def cells(self) -> list[Cell]:
        """All finished cells, in order."""
        return sorted(self._cell_of(path) for path in self.path.glob(_TABLES))

    @staticmethod
    def _cell_of(path: Path) -> Cell:
        metadata = pq.read_schema(path).metadata or {}
        if b"dogcam_cell" not in metadata:
            raise ExperimentError(f"{path} is not a table that dogcam wrote; move it elsewhere")
        return Cell(**json.loads(metadata[b"dogcam_cell"]))

    def read(self, cell: Cell) -> dict[str, np.ndarray]:
        """The rows of a cell as columns; "truth" is an object array of float32 (n, 4)."""
        table = pq.read_table(self.path / cell.file_name)
        columns = {name: table[name].to_numpy() for name in table.column_names if name != "truth"}
        boxes = [np.asarray(each, np.float32).reshape(-1, 4) for each in table["truth"].to_pylist()]
        columns["truth"] = np.empty(len(boxes), object)
        columns["truth"][:] = boxes
        return columns

    def write_samples(self, index: list[dict[str, Any]], pictures: Iterable[bytes]) -> None:
        """Keep the sample that figures are drawn from: `index` has id, label and boxes, `pictures` are JPEG files."""
        folder = self.path / "samples"
        for stale in folder.glob("*.jpg"):
            stale.unlink()
        for number, content in enumerate(pictures):
            write_bytes(folder / f"{number:03d}.jpg", content)
        write_json(folder / "index.json", index)

    def samples(self) -> list[dict[str, Any]]:
        """The sample's index, with the picture's path as "picture"; empty where none was kept."""
        folder = self.path / "samples"
        if not (folder / "index.json").exists():
            return []
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        return [{**entry, "picture": folder / f"{number:03d}.jpg"} for number, entry in enumerate(index)]

    def write_maps(self, run: int, epoch: int, maps: Mapping[tuple[str, str], np.ndarray]) -> None:
        """Keep the sample's raw maps (samples, h, w) by (method, layer); those of other methods stay."""
        kept = {**self.maps(run, epoch), **maps}
        packed = {json.dumps(key, ensure_ascii=False): value.astype(np.float32) for key, value in kept.items()}
        packed[_IDS] = np.array(self._sample_ids(), np.str_)
        with written_whole(self._maps_path(run, epoch)) as temporary:
            np.savez_compressed(temporary, **packed)

    def maps(self, run: int, epoch: int) -> dict[tuple[str, str], np.ndarray]:
        """The sample's raw maps by (method, layer), in the order of `samples`; none where they are of another sample."""
        path = self._maps_path(run, epoch)
        if not path.exists():
            return {}
        with np.load(path, allow_pickle=False) as packed:
            if _IDS not in packed.files or packed[_IDS].tolist() != self._sample_ids():
                return {}
            return {tuple(json.loads(key)): packed[key] for key in packed.files if key != _IDS}

    def _sample_ids(self) -> list[str]:
        return [entry["id"] for entry in self.samples()]

    def write_about(self, about: Mapping[str, Any]) -> None:
        """Keep what all cells share: the split, limit, target and smoothing they were asked for with."""
        write_json(self.path / "about.json", dict(about))

    def about(self) -> dict[str, Any]:
        """What was kept by `write_about`; empty where nothing was."""
        path = self.path / "about.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def write_problems(self, problems: Iterable[Mapping[str, Any]]) -> None:
        """Keep what could not be scored: id and reason of each."""
        write_json(self.path / "problems.json", list(problems))

    def problems(self) -> list[dict[str, Any]]:
        """What could not be scored: id and reason of each; empty where nothing was written."""
        path = self.path / "problems.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    def _maps_path(self, run: int, epoch: int) -> Path:
        return self.path / "samples" / f"maps_run-{run}_epoch-{epoch:02d}.npz"


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
                    HistoryRow(
                        int(row["run"]), int(row["epoch"]), row["split"], float(row["accuracy"]), float(row["loss"])
                    )
                    for row in csv.DictReader(file)
                ]
        except (KeyError, TypeError, ValueError) as error:
            raise ExperimentError(
                f"{path} cannot be read: {error}; restore it, or train anew under another name"
            ) from error
        return sorted(rows, key=lambda row: (row.run, row.epoch, row.split))

    def add_history(self, rows: Iterable[HistoryRow]) -> list[HistoryRow]:
        """Add rows (a run's epoch and split are replaced where they are there) and return all of them."""
        merged = {(row.run, row.epoch, row.split): row for row in [*self.history(), *rows]}
        ordered = [merged[key] for key in sorted(merged)]
        with (
            written_whole(self.path / "history.csv") as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
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

    def kept(self) -> dict[int, list[int]]:
        """The kept epochs of each run, from the files that are there."""
        found: dict[int, list[int]] = {}
        for path in sorted(self.path.glob("run-*/epoch-*.keras")):
            run, epoch = path.parent.name.removeprefix("run-"), path.stem.removeprefix("epoch-")
            if run.isdecimal() and epoch.isdecimal():
                found.setdefault(int(run), []).append(int(epoch))
        return {run: sorted(found[run]) for run in sorted(found)}

    def evaluation(self, split: str, limit: int | None, target: str, smooth: Sequence[str] = ()) -> Evaluation:
        """The evaluation of that split, limit, smoothing and target."""
        parts = [split, f"limit{limit}" if limit else "", "+".join(["smooth", *smooth]) if smooth else ""]
        scope = "-".join([*filter(None, parts), quote(target, safe=" ,()")])
        return Evaluation(self.path / "evaluation" / scope)

    def evaluations(self) -> list[Evaluation]:
        """All evaluations that have cells: of the test split first, then of whole splits, then the latest."""
        folders = {path.parent for path in self.path.glob(f"evaluation/*/{_TABLES}")}
        ordered = sorted(folders, key=_by_weight)
        return [Evaluation(path) for path in ordered]


def _by_weight(scope: Path) -> tuple[bool, bool, float]:
    """Sorts the folders of evaluations: the test split before others, whole splits before limited ones, then the latest."""
    return not scope.name.startswith("test"), "-limit" in scope.name, -scope.stat().st_mtime


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
