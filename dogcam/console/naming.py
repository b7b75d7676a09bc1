"""What rows are about, said once: what all of them share in the title, what differs in columns or in short names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dogcam.console.fitting import Column

Row = Mapping[str, Any]


def is_baseline(row: Row) -> bool:
    """Whether a row is of what knows nothing of the picture: it belongs to no run."""
    return not any(_runs(row))


def _runs(row: Row) -> tuple[int, ...]:
    return tuple(row["runs"]) if "runs" in row else (row["run"],)


def _several(values: Iterable[Any]) -> bool:
    return len(set(values)) > 1


def _layers(rows: Sequence[Row]) -> set[str]:
    """The layers that are to be told apart: those of baselines only where one of these was scored at several."""
    baselines = {(row["method"], row["layer"]) for row in rows if is_baseline(row)}
    told = len(baselines) > len({method for method, _ in baselines})
    return {row["layer"] for row in rows if row["layer"] and (told or not is_baseline(row))}


def identified(rows: Sequence[Row]) -> tuple[str, list[Column]]:
    """What all rows share, as the end of a title, and columns of what tells them apart.

    Args:
        rows: with run or runs, epoch, method and layer; run 0 is a baseline's, of which the others are asked.
    """
    informed = [row for row in rows if not is_baseline(row)]
    runs, epochs = {_runs(row) for row in informed}, {row["epoch"] for row in informed}
    layers = _layers(rows)
    shared = [
        f"run {_listed(each)}" if len(each) == 1 else f"means over runs {_listed(each)}"
        for each in runs
        if len(runs) == 1
    ]
    shared += [f"epoch {epoch}" for epoch in epochs if len(epochs) == 1]
    shared += [f"layer {layer}" for layer in layers if len(layers) == 1]
    columns = _places(rows, len(runs) > 1, len(epochs) > 1)
    columns.append(Column.of("method", (row["method"] for row in rows), name=True, squeeze=0))
    if len(layers) > 1:
        columns.append(Column.of("layer", (row["layer"] for row in rows), name=True, squeeze=0))
    return "".join(f", {each}" for each in shared), columns


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _places(rows: Sequence[Row], runs: bool, epochs: bool) -> list[Column]:
    """The column of run and epoch, of what differs in them."""
    heading = "r·ep" if runs and epochs else "run" if runs else "epoch"
    parts = [(_listed(_runs(row)), str(row["epoch"])) for row in rows]
    texts = ["·".join(each for each, differs in zip(part, (runs, epochs), strict=True) if differs) for part in parts]
    values = ["" if is_baseline(row) else text for row, text in zip(rows, texts, strict=True)]
    return [Column.of(heading, values, squeeze=0)] if runs or epochs else []


def named(rows: Sequence[Row]) -> list[str]:
    """A name for each row: its method, and what else tells it apart from the others.

    Args:
        rows: with run, epoch, method, layer and protocol.
    """
    informed = [row for row in rows if not is_baseline(row)]
    words = {"run": "run {}", "epoch": "epoch {}"}
    told = {key: text for key, text in words.items() if _several(row[key] for row in informed)}
    layers = _layers(rows)
    protocols = _several(row["protocol"] for row in rows)
    names = []
    for row in rows:
        name = f"{row['method']} at {row['layer']}" if len(layers) > 1 and row["layer"] in layers else row["method"]
        name += "".join(f", {text.format(row[key])}" for key, text in told.items() if not is_baseline(row))
        names.append(f"{name} by {row['protocol']}" if protocols else name)
    return names
