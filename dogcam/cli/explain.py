"""`dogcam explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from dogcam.cli.answering import answer
from dogcam.cli.options import (
    FILES,
    MAPS,
    MODEL,
    AsJson,
    Colormap,
    DataDir,
    Epochs,
    Fuse,
    Home,
    Labels,
    Layers,
    MaskBatch,
    Methods,
    OutputName,
    Preprocess,
    Quiet,
    Smooth,
    Verbose,
    Weights,
    option,
)
from dogcam.core.config import SAVES, ExplainConfig


def explain(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="files, folders, globs, or ids in the dataset")],
    methods: Methods = None,
    layers: Layers = None,
    epochs: Epochs = None,
    run: Annotated[int | None, option(MAPS, "--run", "N", "of the experiment", "the best")] = None,
    target: Annotated[
        str | None,
        option(MAPS, "--target", "CLASS", "predicted, second, true, a class, or A:B for A against B", ExplainConfig.target),
    ] = None,
    all_top: Annotated[int | None, option(MAPS, "--all-top", "N", "explain the model's first N classes")] = None,
    protocol: Annotated[
        str | None, option(MAPS, "--protocol", "PROTOCOL", "how a map becomes a box", ExplainConfig.protocol)
    ] = None,
    out: Annotated[str | None, option(FILES, "--out", "DIR", "folder", "dogcam-explained, -2, ...")] = None,
    save: Annotated[list[str] | None, option(FILES, "--save", "KIND", "what to write", SAVES)] = None,
    colormap: Colormap = None,
    overwrite: Annotated[bool, option(FILES, "--overwrite", None, "write over files that are there")] = False,
    model: Annotated[
        str | None, option(MODEL, "--model", "MODEL", "an experiment, FILE.keras or imagenet:BACKBONE", "the newest experiment")
    ] = None,
    weights: Weights = None,
    labels: Labels = None,
    preprocess: Preprocess = None,
    output: OutputName = None,
    fuse: Fuse = None,
    smooth: Smooth = None,
    mask_batch: MaskBatch = None,
    data_dir: DataDir = None,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show what a classifier looks at in pictures: top classes, boxes, overlays, contact sheets, raw maps."""
    answer("dogcam.commands.explain.command:run", ExplainConfig.of, "dogcam.console.explanations:show_explanations", locals())
