"""The evaluation of an experiment: per-image tables, one for each cell, and a sample's pictures and raw maps.

evaluation/<scope>/<cell>.parquet           one row per image; a cell appears whole or not at all
evaluation/<scope>/faithfulness/<cell>.parquet   what the network says of masked pictures: cells of no protocol
evaluation/<scope>/about.json               what all cells share: split, limit, target, smoothing
evaluation/<scope>/problems.json            what could not be scored
evaluation/<scope>/decompositions/...       where differences come from, each with its figure
evaluation/<scope>/samples/...              pictures and raw maps of an evenly spaced sample, for figures
evaluation/<scope>/gallery/...              the same of pictures that rules choose when everything is scored
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dogcam.core.errors import ExperimentError
from dogcam.core.files import write_bytes, write_json, written_whole
from dogcam.experiment.kept import KeptPictures

SCHEMA_VERSION = 2
# Finished tables; the hidden ones are what `written_whole` left behind when its process was killed.
TABLES = "[!.]*.parquet"


@dataclass(frozen=True, order=True)
class MapKey:
    """Which of the maps that one pass over a picture makes; held as it is, never spelled out and cut apart again.

    Attributes:
        method: the registered name of a CAM method, a rival, or a box that never looks.
        layer: the layer's name in the network; empty where the method looks at none.
    """

    method: str
    layer: str


@dataclass(frozen=True, order=True)
class Cell:
    """What one table of per-image rows is about.

    Attributes:
        run: number of the run; 0 of a baseline, which belongs to none.
        epoch: after which the network was taken; 0 of a baseline.
        method: the registered name of a method or baseline.
        layer: the layer's name; empty where the method looks at none.
        protocol: how maps become boxes; empty where none does.
    """

    run: int
    epoch: int
    method: str
    layer: str
    protocol: str

    @property
    def map(self) -> MapKey:
        """Its method at its layer, whatever the run, the epoch and the protocol."""
        return MapKey(self.method, self.layer)

    @property
    def file_name(self) -> str:
        """Its Parquet file; the cell itself is in the file's metadata, so the name is never parsed."""
        parts = (f"run-{self.run}", f"epoch-{self.epoch:02d}", self.method, self.layer or "-", self.protocol)
        return "_".join(quote(part, safe="+-. ") for part in parts) + ".parquet"


@dataclass(frozen=True)
class Choice:
    """How a cell came by its threshold, which is one for all of its pictures.

    Attributes:
        threshold: what a pixel of the normalised map must be above; None where no map is looked at.
        source: "fixed" by the protocol, "calibrated" on training pictures, or the "best" of the evaluated ones.
        pictures: how many it was chosen on; 0 where it was not chosen.
        score: what it reached on them: the mean IoU, or for "best" the mean share of right boxes over the IoU levels.
    """

    threshold: float | None
    source: str = "fixed"
    pictures: int = 0
    score: float | None = None


# The columns of a per-image row. Boxes are relative; x0 to y1 are null where no box was drawn.
ROW_SCHEMA = pa.schema(
    [
        ("image", pa.string()),
        ("picture", pa.string()),  # the image that a row is of: another name where it has a row for each of its classes
        ("label", pa.int32()),
        ("predicted", pa.int32()),
        ("target", pa.int32()),
        ("against", pa.int32()),  # the class that the target is set against; -1 for none
        ("probability", pa.float32()),  # the network's, of the target class; null for baselines
        ("rank", pa.int32()),  # how many classes that are not in the picture come before the true one; null for baselines
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
        # IoU at every threshold of the protocol's grid; one number for a box that has no threshold; else null
        ("curve", pa.list_(pa.float32())),
        # how many pixels of the object, and of the rest, lie in each bin of `localize.pixel_counts`; null without a mask
        ("inside", pa.list_(pa.int32())),
        ("outside", pa.list_(pa.int32())),
    ]
)
# What a row of `write_faithfulness` has beside its scores.
_ASKED = pa.schema(
    [
        ("image", pa.string()),
        ("picture", pa.string()),
        ("label", pa.int32()),
        ("predicted", pa.int32()),
        ("target", pa.int32()),
        ("boxed", pa.bool_()),
    ]
)
_LONG = ("curve", "inside", "outside")  # many numbers a picture: read only when asked for
# Rows of tables that an `Evaluation` keeps in memory, at some 100 bytes each: one command reads the same cells many times.
_MOST_KEPT = 1 << 20


def _as_lists(values: np.ndarray) -> pa.Array:
    """(n, k) as n lists of k, without a Python object for each number."""
    flat = np.ascontiguousarray(values)
    offsets = np.arange(len(flat) + 1, dtype=np.int32) * np.int32(flat.shape[1])
    return pa.ListArray.from_arrays(offsets, pa.array(flat.ravel()))


def _as_boxes(lists: pa.ChunkedArray) -> np.ndarray:
    """Lists of four numbers a box -> an object array of float32 (n, 4), parts of one array, not to be written to."""
    numbers = np.asarray(pc.list_value_length(lists).fill_null(0))
    if (numbers % 4).any():
        raise ExperimentError(f"annotated boxes are four numbers each; received lists of {np.unique(numbers).tolist()}")
    flat = lists.combine_chunks().flatten().to_numpy().astype(np.float32).reshape(-1, 4)
    flat.flags.writeable = False
    ends = np.cumsum(numbers // 4).tolist()
    boxes = np.empty(len(ends), object)
    boxes[:] = [flat[start:end] for start, end in pairwise([0, *ends])]
    return boxes


class Evaluation:
    """One scope of an experiment's evaluation: the cells scored on the same images with the same target."""

    def __init__(self, path: Path):
        self.path = path
        # The sample that figures are drawn from: `write` takes its index and its pictures as JPEG files.
        self.sample = KeptPictures(path / "samples")
        # Pictures that rules choose when everything is scored, each with the "rules" that chose it; see `analysis.choosing`.
        self.gallery = KeptPictures(path / "gallery")
        self._kept: OrderedDict[Path, tuple[tuple[int, ...], dict[str, np.ndarray]]] = OrderedDict()
        self._last: dict[str, tuple[pa.ChunkedArray, np.ndarray]] = {}

    @property
    def scope(self) -> str:
        """The split, its limit where there was one, and the target: "test-true", "test-limit100-true"."""
        return self.path.name

    def has(self, cell: Cell) -> bool:
        """Whether `cell` is finished."""
        return (self.path / cell.file_name).exists()

    def write(self, cell: Cell, columns: Mapping[str, Any], choice: Choice) -> None:
        """Write the rows of a cell; `columns` are those of `ROW_SCHEMA` but for the cell's own and the threshold.

        Without "picture" each row is of an image of its own.
        """
        count = len(columns["image"])
        own = {name: [value] * count for name, value in asdict(cell).items()}
        metadata = {
            b"dogcam_cell": json.dumps(asdict(cell)).encode(),
            b"dogcam_choice": json.dumps(asdict(choice)).encode(),
            b"schema_version": str(SCHEMA_VERSION).encode(),
        }
        missing = {name: [None] * count for name in _LONG if columns.get(name) is None}
        rows = {"picture": columns["image"], **columns, **own, "threshold": [choice.threshold] * count, **missing}
        rows |= {name: _as_lists(columns[name]) for name in _LONG if name not in missing}
        table = pa.Table.from_pydict(rows, schema=ROW_SCHEMA.with_metadata(metadata))
        with written_whole(self.path / cell.file_name) as temporary:
            pq.write_table(table, temporary, compression="zstd")

    def cells(self) -> list[Cell]:
        """All finished cells, in order."""
        return sorted(self._cell_of(path) for path in self.path.glob(TABLES))

    @staticmethod
    def _cell_of(path: Path) -> Cell:
        metadata = pq.read_schema(path).metadata or {}
        if b"dogcam_cell" not in metadata:
            raise ExperimentError(f"{path} is not a table that dogcam wrote; move it elsewhere")
        return Cell(**json.loads(metadata[b"dogcam_cell"]))

    def choice(self, cell: Cell) -> Choice:
        """How a cell came by its threshold; of a table that an earlier dogcam wrote, the threshold alone."""
        metadata = pq.read_schema(self.path / cell.file_name).metadata or {}
        if b"dogcam_choice" in metadata:
            return Choice(**json.loads(metadata[b"dogcam_choice"]))
        thresholds = pq.read_table(self.path / cell.file_name, columns=["threshold"])["threshold"].to_pylist()
        return Choice(next(iter(thresholds), None))

    def long(self, cell: Cell) -> dict[str, np.ndarray]:
        """Those of "curve" (n, T), "inside" and "outside" (n, bins) that a cell has, see `ROW_SCHEMA`."""
        there = [name for name in _LONG if name in pq.read_schema(self.path / cell.file_name).names]
        table = pq.read_table(self.path / cell.file_name, columns=there)
        return {
            name: table[name].combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)
            for name in there
            if table.num_rows and not table[name].null_count
        }

    def read(self, cell: Cell) -> dict[str, np.ndarray]:
        """The rows of a cell as columns but those of `long`; "truth" is an object array of float32 (n, 4).

        A table that an earlier dogcam wrote has a picture for each row.
        The arrays are kept for whoever asks next, and are not to be written to.
        """
        path = self.path / cell.file_name
        status = path.stat()
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        known, columns = self._kept.pop(path, (None, {}))
        if known != stamp:
            table = pq.read_table(path, columns=[name for name in pq.read_schema(path).names if name not in _LONG])
            columns = {name: self._as_numpy(name, table[name]) for name in table.column_names}
            columns = {**columns, "picture": columns.get("picture", columns["image"])}
        self._kept[path] = stamp, columns
        while len(self._kept) > 1 and sum(len(each["image"]) for _, each in self._kept.values()) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return dict(columns)

    def _as_numpy(self, name: str, column: pa.ChunkedArray) -> np.ndarray:
        """A column's values; the very array of the table read last where that has the same, as the images of all have."""
        last, values = self._last.get(name, (None, None))
        if values is None or not column.equals(last):
            values = _as_boxes(column) if name == "truth" else column.to_numpy()
            values.flags.writeable = False
            self._last[name] = column, values
        return values

    def write_about(self, about: Mapping[str, Any]) -> None:
        """Keep what all cells share: the split, limit, target and smoothing they were asked for with."""
        write_json(self.path / "about.json", dict(about))

    def about(self) -> dict[str, Any]:
        """What was kept by `write_about`; empty where nothing was."""
        path = self.path / "about.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def write_decomposition(self, name: str, document: Mapping[str, Any], figure: bytes) -> Path:
        """Keep a decomposition (as plain values) and its figure (PNG), in place of one of the same name."""
        path = self.path / "decompositions" / f"{quote(name, safe='+-. @')}.png"
        write_json(path.with_suffix(".json"), document)
        write_bytes(path, figure)
        return path

    def decompositions(self) -> list[dict[str, Any]]:
        """All that `write_decomposition` kept, by name."""
        paths = sorted(self.path.glob("decompositions/*.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths]

    def write_problems(self, problems: Iterable[Mapping[str, Any]]) -> None:
        """Keep what could not be scored: id and reason of each."""
        write_json(self.path / "problems.json", list(problems))

    def problems(self) -> list[dict[str, Any]]:
        """What could not be scored: id and reason of each; empty where nothing was written."""
        path = self.path / "problems.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []

    def write_faithfulness(self, cell: Cell, columns: Mapping[str, Any]) -> None:
        """Write what `scoring.faithfulness_of` found of a cell, whose protocol is "".

        Args:
            columns: image, picture (the image's own name where it is not there), label (None where it is not known),
                predicted, target, boxed, and any number of scores, float, NaN where one does not apply.
        """
        columns = {"picture": columns["image"], **columns}
        metadata = {b"dogcam_cell": json.dumps(asdict(cell)), b"schema_version": str(SCHEMA_VERSION)}
        names = [name for name in columns if name not in _ASKED.names]
        schema = pa.schema([*_ASKED, *((name, pa.float32()) for name in names)], metadata)
        arrays = [pa.array(columns[field.name], field.type, from_pandas=pa.types.is_floating(field.type)) for field in schema]
        with written_whole(self._faithfulness_path(cell)) as temporary:
            pq.write_table(pa.table(arrays, schema=schema), temporary, compression="zstd")

    def faithfulness_cells(self) -> list[Cell]:
        """All cells that `write_faithfulness` finished, in order."""
        return sorted(self._cell_of(path) for path in (self.path / "faithfulness").glob(TABLES))

    def read_faithfulness(self, cell: Cell) -> dict[str, np.ndarray]:
        """The columns of such a cell; a score that does not apply and a label that is not known are NaN."""
        table = pq.read_table(self._faithfulness_path(cell))
        columns = {name: table[name].to_numpy() for name in table.column_names}
        return {**columns, "picture": columns.get("picture", columns["image"])}

    def _faithfulness_path(self, cell: Cell) -> Path:
        return self.path / "faithfulness" / cell.file_name
