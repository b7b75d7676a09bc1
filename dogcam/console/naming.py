"""What rows are about, said once: what all of them share in the title, what differs in columns or in short names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dogcam.analysis.scores import Scores
from dogcam.commands.evaluate.results import listed
from dogcam.console.fitting import Column
from dogcam.experiment.evaluations import Cell, MapKey


@dataclass(frozen=True)
class About:
    """A row that is about one cell."""

    runs: tuple[int, ...]
    epoch: int
    map: MapKey
    protocol: str


Row = Scores | About  # what a row is about; a baseline is of no run, and asked of none of the epochs


def about(cells: Iterable[Cell]) -> list[Row]:
    """Cells as rows."""
    return [About((cell.run,) if cell.run else (), cell.epoch, cell.map, cell.protocol) for cell in cells]


def _layers(rows: Sequence[Row]) -> set[str]:
    """The layers that are to be told apart: those of baselines only where one of these was scored at several."""
    baselines = {row.map for row in rows if not row.runs}
    told = len(baselines) > len({key.method for key in baselines})
    return {row.map.layer for row in rows if row.map.layer and (told or row.runs)}


def identified(rows: Sequence[Row]) -> tuple[str, list[Column]]:
    """What all rows share, as the end of a title, and columns of what tells them apart."""
    informed = [row for row in rows if row.runs]
    runs, epochs = {row.runs for row in informed}, {row.epoch for row in informed}
    layers = _layers(rows)
    shared = [f"run {listed(each)}" if len(each) == 1 else f"means over runs {listed(each)}" for each in runs if len(runs) == 1]
    shared += [f"epoch {epoch}" for epoch in epochs if len(epochs) == 1]
    shared += [f"layer {layer}" for layer in layers if len(layers) == 1]
    columns = _places(rows, len(runs) > 1, len(epochs) > 1)
    columns.append(Column.of("method", (row.map.method for row in rows), name=True, squeeze=0))
    if len(layers) > 1:
        columns.append(Column.of("layer", (row.map.layer for row in rows), name=True, squeeze=0))
    return "".join(f", {each}" for each in shared), columns


def _places(rows: Sequence[Row], runs: bool, epochs: bool) -> list[Column]:
    """The column of run and epoch, of what differs in them."""
    heading = "r·ep" if runs and epochs else "run" if runs else "epoch"
    parts = [(listed(row.runs), str(row.epoch)) for row in rows]
    texts = ["·".join(each for each, differs in zip(part, (runs, epochs), strict=True) if differs) for part in parts]
    values = [text if row.runs else "" for row, text in zip(rows, texts, strict=True)]
    return [Column.of(heading, values, squeeze=0)] if runs or epochs else []


def named(rows: Sequence[Row]) -> list[str]:
    """A name for each row: its method, and what else tells it apart from the others."""
    informed = [row for row in rows if row.runs]
    runs, epochs = ({of(row) for row in informed} for of in (lambda row: row.runs, lambda row: row.epoch))
    layers, protocols = _layers(rows), {row.protocol for row in rows}
    names = []
    for row in rows:
        key = row.map
        name = f"{key.method} at {key.layer}" if len(layers) > 1 and key.layer in layers else key.method
        name += f", run {listed(row.runs)}" if len(runs) > 1 and row.runs else ""
        name += f", epoch {row.epoch}" if len(epochs) > 1 and row.runs else ""
        names.append(f"{name} by {row.protocol}" if len(protocols) > 1 else name)
    return names
