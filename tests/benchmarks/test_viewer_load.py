"""How long a page takes until its viewer shows a picture, as a ratio to an empty page in the same browser.

Run by hand on a quiet machine: pytest tests/benchmarks/test_viewer_load.py --benchmark-enable -n 0 -s
Both take turns, so that a drifting machine slows both. A page with PICTURES kept pictures, each with maps of 24 cells, is to
show the first one in less than 2 seconds, and to weigh less than 25 MB.
"""

from __future__ import annotations

import shutil
import statistics
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from dogcam.boxes.protocols import PROTOCOLS
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.experiment.runs import HistoryRow, create_experiment
from dogcam.report.formats.html import html
from dogcam.report.page import compose

PICTURES, ROUNDS = 300, 5
EPOCHS = (3, 5, 7)
METHODS = ("cam", "gradcam", "gradcam++", "xgradcam", "layercam", "eigencam", "hirescam", "mean-activation")
LAYER, SIDE = "conv5_block3_out", 7
CLASSES = tuple(f"breed {number}" for number in range(120))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
WATCHING = """new MutationObserver(() => {
  if (!window.shown && document.getElementById("viewer-told-a")?.textContent) window.shown = performance.now();
}).observe(document, { childList: true, subtree: true, characterData: true });"""


def photograph(rng):
    """A JPEG file as heavy as a photograph of that size."""
    coarse = rng.integers(0, 256, (96, 128, 3), np.uint8)
    picture = cv2.resize(coarse, (512, 384), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def columns(rng):
    """Rows of all pictures; what is in them costs the page nothing."""
    corners = np.sort(rng.random((PICTURES, 2, 2)), axis=1).reshape(PICTURES, 4)
    return {
        "image": [f"picture-{n}" for n in range(PICTURES)],
        "label": [n % len(CLASSES) for n in range(PICTURES)],
        "predicted": rng.integers(0, len(CLASSES), PICTURES),
        "target": [0] * PICTURES,
        "against": [-1] * PICTURES,
        "probability": rng.random(PICTURES),
        "rank": [0] * PICTURES,
        "empty": [False] * PICTURES,
        "flagged": [False] * PICTURES,
        **{name: corners[:, place] for place, name in enumerate(("x0", "y0", "x1", "y1"))},
        "area": np.prod(corners[:, 2:] - corners[:, :2], axis=1),
        "iou": rng.random(PICTURES),
        "width": [512] * PICTURES,
        "height": [384] * PICTURES,
        "truth": [[0.2, 0.2, 0.8, 0.8]] * PICTURES,
        "curve": rng.random((PICTURES, 1000), np.float32),
    }


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The file of a report of all that."""
    folder, rng = tmp_path_factory.mktemp("home"), np.random.default_rng(0)
    model = {"backbone": "resnet50", "pooled_layer": LAYER, "stages": [LAYER]}
    document = {"config": {}, "model": model, "dataset": {"name": "made up", "classes": list(CLASSES)}}
    made = create_experiment(str(folder), "many", "x", document)
    made.add_history([HistoryRow(1, epoch, "test", 0.7 + epoch / 50, 1 - epoch / 20) for epoch in range(1, 8)])
    evaluation = made.evaluation("test", None, "true")
    evaluation.write_about({"protocols": {"default": asdict(PROTOCOLS["default"])}})
    known = {"boxes": [[0.2, 0.2, 0.8, 0.8]], "width": 512, "height": 384}
    index = [{"id": f"picture-{n}", "label": n % 120, "class": CLASSES[n % 120], **known} for n in range(PICTURES)]
    evaluation.sample.write(index, [photograph(rng) for _ in range(PICTURES)])
    for epoch in EPOCHS:
        maps = {(method, LAYER): rng.normal(0.2, 1, (PICTURES, SIDE, SIDE)) for method in METHODS}
        evaluation.sample.write_maps(1, epoch, maps)
        for method in METHODS:
            evaluation.write(Cell(1, epoch, method, LAYER, "default"), columns(rng), Choice(0.15, "calibrated"))
    path = folder / "index.html"
    path.write_text(html(compose(made)), encoding="utf-8")
    return path


def shown(browser, path):
    """Milliseconds until the viewer shows a picture; of a page without one until it is loaded."""
    page = browser.new_page()
    page.add_init_script(WATCHING)
    page.goto(path.as_uri())
    until = "window.shown || (!document.getElementById('viewer') && performance.timing.loadEventEnd && performance.now())"
    found = page.wait_for_function(until).json_value()
    page.close()
    return found


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome was found on PATH")
def test_ratio_to_an_empty_page(benchmark, page, tmp_path):
    empty = tmp_path / "empty.html"
    empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER)
        shown(browser, empty)
        taken = [(shown(browser, page), shown(browser, empty)) for _ in range(ROUNDS)]
        benchmark.pedantic(lambda: shown(browser, page), rounds=1)
        browser.close()
    ours, bare = (statistics.median(each) for each in zip(*taken, strict=True))
    megabytes = page.stat().st_size / 1e6
    benchmark.extra_info.update(milliseconds=ours, ratio=ours / bare, megabytes=megabytes)
    print(f"\n{PICTURES} pictures, {megabytes:.1f} MB: {ours:.0f} ms, {ours / bare:.1f} times an empty page")
