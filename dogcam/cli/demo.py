"""`dogcam demo`."""

from __future__ import annotations

from typing import Annotated

from dogcam.cli.answering import answer
from dogcam.cli.options import EXPERIMENT, AsJson, Quiet, Verbose, option
from dogcam.core.config import DemoConfig


def demo(
    out: Annotated[
        str | None, option(EXPERIMENT, "--out", "DIR", "folder for the experiment", DemoConfig.out, "DOGCAM_HOME")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """The whole study on drawn dogs, offline, in minutes: train, evaluate, explain, report."""
    answer("dogcam.commands.demo:run", DemoConfig.of, "dogcam.console.ending:show_demo", locals())
