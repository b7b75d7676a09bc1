"""`dogcam explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from dogcam.cli import options
from dogcam.cli.answering import answer
from dogcam.cli.options import DATA, FILES, MAPS, MODEL, option
from dogcam.core.choices import SAVES
from dogcam.core.config import ExplainConfig


def explain(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="files, folders, or ids in the dataset; globs of these")
    ],
    methods: options.Methods = None,
    layers: options.Layers = None,
    epochs: options.Epochs = None,
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
    save: Annotated[
        list[str] | None, option(FILES, "--save", "KIND", f"what to write: {', '.join(SAVES)}", ExplainConfig.save)
    ] = None,
    colormap: options.Colormap = None,
    overwrite: Annotated[bool, option(FILES, "--overwrite", None, "write over files that are there")] = False,
    model: Annotated[
        str | None, option(MODEL, "--model", "MODEL", "an experiment, FILE.keras or imagenet:BACKBONE", "the newest experiment")
    ] = None,
    weights: options.Weights = None,
    labels: options.Labels = None,
    preprocess: options.Preprocess = None,
    output: options.OutputName = None,
    fuse: options.Fuse = None,
    smooth: options.Smooth = None,
    mask_batch: options.MaskBatch = None,
    dataset: Annotated[
        str | None, option(DATA, "--dataset", "DATASET", "whose ids and classes are meant", "what the model was trained on")
    ] = None,
    data_dir: options.DataDir = None,
    home: options.Home = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show what a classifier looks at in pictures: top classes, boxes, overlays, contact sheets, raw maps."""
    answer("dogcam.commands.explain.command:run", ExplainConfig.of, "dogcam.console.explanations:show_explanations", locals())
