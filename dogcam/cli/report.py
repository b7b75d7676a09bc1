"""`dogcam report`."""

from __future__ import annotations

from typing import Annotated

import typer

from dogcam.cli.answering import answer
from dogcam.cli.options import FILES, AsJson, Colormap, Csv, Home, Quiet, Verbose, option
from dogcam.core.choices import FORMATS, LANGUAGES
from dogcam.core.config import ReportConfig


def report(
    experiments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXPERIMENT]...", help="names or folders; several are compared [default: the newest]"),
    ] = None,
    out: Annotated[
        str | None,
        option(FILES, "--out", "DIR", "folder", "report/ in the experiment; of several report-A-B/; in Korean report-ko/"),
    ] = None,
    formats: Annotated[
        list[str] | None, option(FILES, "--format", "FORMAT", f"of {', '.join(FORMATS)}", ReportConfig.formats)
    ] = None,
    lang: Annotated[
        str | None, option(FILES, "--lang", "LANGUAGE", f"language: {', '.join(LANGUAGES)}", ReportConfig.lang)
    ] = None,
    colormap: Colormap = None,
    jobs: Annotated[int | None, option(FILES, "--jobs", "N", "processes that draw figures", "one a processor")] = None,
    home: Home = None,
    csv: Csv = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write what an experiment shows, beside what the study published; of several, how they compare."""
    options = locals()
    first, *others = options.pop("experiments") or (None,)
    options |= {"experiment": first, "others": tuple(others)}
    answer("dogcam.commands.report:run", ReportConfig.of, "dogcam.console.ending:show_report", options)
