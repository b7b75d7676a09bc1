"""`dogcam inspect`: what is in a dataset and what is wrong with it, before anything is trained; without TensorFlow."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dogcam.analysis.inspection import Inspection, inspected
from dogcam.core.config import InspectConfig
from dogcam.core.errors import OptionError
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.core.records import to_plain
from dogcam.core.registry import resolve
from dogcam.data import Dataset, Problem
from dogcam.data.contents import copies, odd_classes, read_contents
from dogcam.data.opening import open_dataset
from dogcam.data.pipeline import shrunk


@dataclass(frozen=True)
class InspectResult:
    """What was found.

    Attributes:
        inspection: all of it.
        config: what was asked for.
        files: that were written, the page first.
        seconds: how long it took.
    """

    inspection: Inspection
    config: InspectConfig
    files: tuple[Path, ...]
    seconds: float

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be used, or is not as it should be."""
        return self.inspection.problems

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {**to_plain(self.inspection), "files": plain(self.files), "seconds": self.seconds}


def run(config: InspectConfig, progress: Progress) -> InspectResult:
    """Look at every picture of a dataset.

    Raises:
        InputError, UnknownName, Unavailable: it cannot be opened.
        OptionError: a file in `out` would be written over.
    """
    began = time.perf_counter()
    if config.out is not None:
        _refuse_to_overwrite(Path(config.out), config.overwrite)
    dataset = open_dataset(config.dataset, config.data_dir, progress, config.seed)
    contents = read_contents(dataset.splits, progress)
    found = (*contents.problems, *copies(dataset.splits, contents), *odd_classes(dataset))
    inspection = inspected(dataset, contents.by_picture, found, config.samples)
    files = () if config.out is None else _written(inspection, dataset, Path(config.out), progress)
    return InspectResult(inspection, config, files, time.perf_counter() - began)


def _refuse_to_overwrite(out: Path, overwrite: bool) -> None:
    """Before any work is done: a page or figure that is there already stays unless --overwrite says otherwise.

    Raises:
        OptionError: one is there.
    """
    there = next((path for path in (out / "index.html", out / "figures") if path.exists()), None)
    if there is not None and not overwrite:
        raise OptionError(f"{there} exists already: choose another --out, or say --overwrite")


def _written(inspection: Inspection, dataset: Dataset, out: Path, progress: Progress) -> tuple[Path, ...]:
    """The page and its figures. What draws them is imported by name: who only wants to know does not wait for it."""
    compose, write = resolve("dogcam.report.inspection:compose_inspection"), resolve("dogcam.report.formats.rendering:write")
    document = compose(inspection, _thumbnails(inspection, dataset))
    with progress.task("page and figures") as step:
        pages, figures = write(document, out, ("html",), step.advance)
    return (*pages, *figures)


def _thumbnails(inspection: Inspection, dataset: Dataset) -> dict[str, np.ndarray]:
    """The sample's pictures by id, uint8 (h, w, 3), made small."""
    wanted = {each.picture for each in inspection.samples}
    images = {row.picture: row.image for rows in dataset.splits.values() for row in rows if row.picture in wanted}
    return {picture: np.asarray(shrunk(image)) for picture, image in images.items()}
