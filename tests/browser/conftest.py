"""A browser for the tests that open pages, and pages to open: from disk, without a network, and never in silence.

Without a Chromium or Chrome on PATH these tests skip themselves. Where DOGCAM_TEST_BROWSER is "required", as where `.ci/run`
found one, they fail instead.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from everything import everything
from playwright.sync_api import Error, sync_playwright

from dogcam.analysis.between import contrast
from dogcam.report.between import compose_contrast
from dogcam.report.formats.html import html
from dogcam.report.material import Material
from dogcam.report.page import compose

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIETLY = ["--disable-gpu", "--disable-quic", "--disable-sync", "--disable-component-update", "--no-first-run"]
DESK = {"width": 1440, "height": 900}
# What reaches beyond the right edge; what is hidden, or scrolls by itself, is not cut.
CUT = """() => [...document.querySelectorAll("body *")].filter((each) => {
  const box = each.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !each.closest(".scroll, #viewer-list, .skip, caption");
}).map((each) => each.outerHTML.slice(0, 120))"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, started once."""
    required = os.environ.get("DOGCAM_TEST_BROWSER") == "required"
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        (pytest.fail if required else pytest.skip)("no Chromium or Chrome was found on PATH")
    with sync_playwright() as driver:
        try:
            started = driver.chromium.launch(executable_path=found, args=QUIETLY)
        except Error as error:
            if required:
                raise
            pytest.skip(f"{found} does not start: {error.message.splitlines()[0]}")
        yield started
        started.close()


@dataclass
class Opened:
    """Opens pages as a reader would, and remembers what a reader should never meet."""

    browser: object

    def __post_init__(self):
        self.faults, self.contexts = [], []

    def __call__(self, path, viewport=DESK, wait=True, **options):
        """The page, once its viewer shows a picture (where `wait`)."""
        context = self.browser.new_context(viewport=viewport, offline=True, reduced_motion="reduce", **options)
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        context.add_init_script(
            'addEventListener("securitypolicyviolation", (e) => console.error("policy", e.effectiveDirective, e.sample))'
        )
        page = context.new_page()
        address = Path(path).as_uri()
        page.on("request", lambda asked: self._asked(asked.url, address))
        page.on("console", lambda said: said.type in ("error", "warning") and self.faults.append(said.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(address)
        if wait:
            page.wait_for_function('document.getElementById("viewer-told-a").textContent !== ""')
        return page

    @staticmethod
    def cut(page):
        """What lies beyond the page's right edge, and by how many pixels the page must be scrolled to see it."""
        return [*page.evaluate(CUT), *filter(None, [page.evaluate(WIDER)])]

    def _asked(self, url, address):
        if url.split("#")[0] != address and not url.startswith("data:"):
            self.faults.append(f"asked for {url[:200]}")


@pytest.fixture
def opened(browser):
    """`Opened`; a request, an error, a warning or a violated policy fails the test at its end."""
    opening = Opened(browser)
    yield opening
    for context in opening.contexts:
        context.close()
    assert opening.faults == []


def written(document, folder):
    path = folder / "index.html"
    path.write_text(html(document), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The report of everything that an experiment can have: its file, its document, and what it was made from."""
    folder = tmp_path_factory.mktemp("report")
    experiment = everything(folder / "home")
    document, material = compose(experiment), Material.of(experiment)
    return SimpleNamespace(path=written(document, folder), document=document, material=material, kept=material.kept)


@pytest.fixture(scope="session")
def comparison(make, tmp_path_factory):
    """The file of a report that compares two experiments."""
    folder = tmp_path_factory.mktemp("comparison")
    one, other = (make(str(folder / "home"), name=name, images=16).write() for name in ("one", "other"))
    other.update_document(config={**other.document["config"], "learning_rate": 0.01})
    return written(compose_contrast(*contrast([one, other])), folder)
