"""The HTML page as PDF, printed by Chromium or Chrome; all that is folded on the page is open on paper."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from dogcam.core.errors import OptionError, Unavailable
from dogcam.core.files import written_whole
from dogcam.report.document import Document
from dogcam.report.formats.html import html
from dogcam.report.formats.illustrations import Pictures

FILE = "report.pdf"
VARIABLE = "CHROME"  # of the environment: the browser to be used
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
TIMEOUT = 180  # seconds
_QUIET = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-pdf-header-footer",
)


def browser(environment: Mapping[str, str] = os.environ) -> str:
    """The program that prints: the one that $CHROME names, else the first of `BROWSERS` that the PATH has.

    Raises:
        OptionError: there is none.
    """
    wanted = environment.get(VARIABLE)
    names = (wanted,) if wanted else BROWSERS
    found = (shutil.which(name, path=environment.get("PATH")) for name in names)
    there = next((each for each in found if each), None)
    if there is None:
        where = f"${VARIABLE} is {wanted!r}, which is no program" if wanted else f"found none of {', '.join(BROWSERS)}"
        raise OptionError(
            f"--format pdf prints through Chromium or Chrome; {where}: install one, name it in ${VARIABLE}, or print "
            "index.html from any browser"
        )
    return there


def write_pdf(document: Document, out: Path, pictures: Pictures) -> Path:
    """Print the page, without its viewer, into `out`/report.pdf: A4, upright, no header and no footer.

    Raises:
        OptionError: there is no browser.
        Unavailable: the browser failed, or took longer than `TIMEOUT`.
    """
    path, program = out / FILE, browser()
    with tempfile.TemporaryDirectory(prefix="dogcam-") as folder, written_whole(path) as temporary:
        page = Path(folder, "page.html")
        page.write_text(paper(html(replace(document, viewer=None), pictures)), encoding="utf-8")
        _print(program, page, temporary, Path(folder, "profile"))
    return path


def paper(page: str) -> str:
    """A page for print: nothing can be opened on paper, so that everything is."""
    return page.replace('<details class="folded">', '<details class="folded" open>')


def _print(program: str, page: Path, path: Path, profile: Path) -> None:
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # for whom Chromium has no sandbox
    command = [program, *_QUIET, *(["--no-sandbox"] if root else []), f"--user-data-dir={profile}"]
    try:
        done = subprocess.run(
            [*command, f"--print-to-pdf={path}", page.as_uri()], capture_output=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{program} did not print the page within {TIMEOUT} s: try again, or --format html") from None
    except OSError as error:
        raise Unavailable(f"{program} cannot be run: {error.strerror}") from None
    if done.returncode or not path.read_bytes().startswith(b"%PDF"):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unavailable(f"{program} did not print the page: {said[-1] if said else f'code {done.returncode}'}")
