"""`dogcam list`."""

from __future__ import annotations

from typing import Annotated

import typer

from dogcam.cli.answering import answer
from dogcam.cli.options import MODEL, AsJson, Home, OutputName, Quiet, Verbose, option
from dogcam.core.config import ListConfig


def list_names(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="backbones, methods, layers, datasets, protocols, metrics, summary or runs")
    ],
    model: Annotated[
        str | None, option(MODEL, "--model", "MODEL", "for layers: an experiment, FILE.keras or imagenet:BACKBONE", "the newest")
    ] = None,
    output: OutputName = None,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List what there is to choose from."""
    options = locals()
    if what != "layers" and (model is not None or output is not None):
        raise typer.BadParameter("--model and --output go with: dogcam list layers")
    run = f"dogcam.commands.{'layers' if what == 'layers' else 'listings'}:run"
    answer(run, ListConfig.of, "dogcam.console.listing:show_listing", options)
