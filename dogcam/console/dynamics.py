"""How training went: accuracy, loss and every method's fit at each epoch, and where each is best."""

from __future__ import annotations

from dogcam.analysis.dynamics import Dynamics, Learning, Peak, Track
from dogcam.console.fitting import Column, drawn
from dogcam.console.tables import show, stream
from dogcam.language.numbers import number

NOTE = (
    "best: the epoch where accuracy and mean IoU are highest and loss lowest; sure: ahead of the second best by a paired "
    "95 % interval; box area: from the first of these epochs to the last, as a share of the picture."
)


def show_dynamics(found: Dynamics) -> None:
    """The table of one protocol: over the runs where there are several."""
    tracks = found.main
    epochs = tracks[0].epochs
    learning = [each for each in found.learning if each.run == found.main_run]
    rows = [row for each in learning for row in _learned(each, epochs)]
    rows += [_tracked(each, epochs) for each in tracks]
    headings = ["", *(f"e{epoch}" for epoch in epochs), "best", "sure", "box area"]
    columns = [
        Column.of(heading, (row[place] for row in rows), name=place == 0, squeeze=20 if heading == "box area" else 0)
        for place, heading in enumerate(headings)
    ]
    runs = f"mean over runs {', '.join(map(str, found.runs))}" if found.main_run is None else f"run {found.main_run}"
    show(drawn(f"Training dynamics, protocol {found.protocol}, {runs}", columns, stream().width), NOTE, "")


def _learned(each: Learning, epochs: tuple[int, ...]) -> list[list[str]]:
    """Accuracy and loss, at the epochs that were evaluated; the best of all that were trained."""
    accuracy, loss = (dict(zip(each.epochs, values, strict=True)) for values in (each.accuracy, each.loss))
    rows = [["test accuracy", *_figures(accuracy, epochs), *_best(each.accuracy_peak), ""]]
    if each.loss_peak is not None:
        rows.append(["test loss", *_figures(loss, epochs), *_best(each.loss_peak), ""])
    return rows


def _tracked(track: Track, epochs: tuple[int, ...]) -> list[str]:
    means = {epoch: found.value for epoch, found in zip(track.epochs, track.iou, strict=True)}
    area = f"{track.area[0]:.2f} to {track.area[-1]:.2f}"
    return [f"{track.method} at {track.layer}", *_figures(means, epochs), *_best(track.peak), area]


def _figures(values: dict[int, float], epochs: tuple[int, ...]) -> list[str]:
    return [number(values[epoch]) if epoch in values else "" for epoch in epochs]


def _best(peak: Peak) -> list[str]:
    return [f"e{peak.epoch}", {True: "yes", False: "no", None: ""}[peak.separable]]
