"""`dogcam inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from dogcam.cli.answering import answer
from dogcam.cli.options import DATA, FILES, AsJson, DataDir, Quiet, Verbose, option
from dogcam.core.config import InspectConfig


def inspect(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="a folder, a file, an archive, or a name of dogcam list datasets")
    ],
    data_dir: DataDir = None,
    seed: Annotated[
        int | None, option(DATA, "--seed", "N", "of the split, where the data gives none", InspectConfig.seed)
    ] = None,
    out: Annotated[str | None, option(FILES, "--out", "DIR", "also write a page and its figures there")] = None,
    samples: Annotated[
        int | None, option(FILES, "--samples", "N", "pictures to look at, chosen by rule", InspectConfig.samples)
    ] = None,
    overwrite: Annotated[bool, option(FILES, "--overwrite", None, "write over files that are there")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Look at annotated pictures before anything is trained: counts, boxes, what is wrong with them, baselines."""
    answer("dogcam.commands.inspect:run", InspectConfig.of, "dogcam.console.inspection:show_inspection", locals())
