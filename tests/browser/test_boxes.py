"""The page's own localisation against Python's: the same boxes and the same IoU of the same maps."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import dogcam.report.formats
from dogcam.boxes import drawing
from dogcam.boxes.protocols import PROTOCOLS, Protocol
from dogcam.report.embedding import packed, quantised, restored
from dogcam.report.viewer import _fields

SCRIPT = Path(dogcam.report.formats.__file__).parent / "templates" / "localize.js"
OWN = Protocol("own", "minmax, cubic, to the picture", False, 0.3, normalise="minmax", upsample="cubic", size=None)
DRAWN = [
    PROTOCOLS["default"],
    PROTOCOLS["cam2016"],
    replace(PROTOCOLS["default"], name="first", truth="first", quantise=True, upsample="cubic", size=96),
    OWN,
    replace(OWN, name="bilinear", upsample="bilinear", relu=True),
]
SIZES = [(7, 7), (6, 9), (14, 14), (1, 1), (40, 33)]
SHAPE, THRESHOLDS = (120, 90), (0.0, 0.15, 0.2, 0.37, 0.6)
TRUTH = np.array([[0.2, 0.1, 0.7, 0.8], [0.5, 0.5, 0.9, 1]], np.float32)
ASKED = """({ set, protocols, shape, truth, cases }) => cases.map(([place, protocol, threshold]) => {
  const heat = localize.prepare(localize.restored(set, place), protocols[protocol], shape);
  const box = localize.box(heat, threshold);
  return [box, localize.iou(box, truth, protocols[protocol])];
})"""


def maps(size):
    """Ten maps as networks make them and as they should not: signed, positive, without a positive value, constant, peaked."""
    rng = np.random.default_rng(size)
    for _ in range(2):
        raw = rng.normal(0.3, 1, size).astype(np.float32)
        yield from (raw, np.maximum(raw, 0), -np.abs(raw) - 0.1, np.full_like(raw, 0.5), raw**3)


@pytest.fixture
def localizing(browser):
    """An empty page with the script of the report's page in it."""
    page = browser.new_page()
    page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8") + "\nwindow.localize = localize;")
    yield page
    page.close()


def test_the_page_draws_the_boxes_that_python_draws_of_the_same_maps(localizing):
    found, wanted = [], []
    same = {"protocols": [_fields(each) for each in DRAWN], "shape": SHAPE, "truth": TRUTH.tolist()}
    for size in SIZES:
        kept = {3 * place + 1: raw for place, raw in enumerate(maps(size))}
        cases = list(product(kept, range(len(DRAWN)), THRESHOLDS))
        for place, protocol, threshold in cases:
            box = drawing.predicted_box(restored(*quantised(kept[place])), DRAWN[protocol], SHAPE, threshold)
            wanted.append((box, drawing.score(box, TRUTH, DRAWN[protocol], SHAPE)))
        found += localizing.evaluate(ASKED, {"set": packed(kept), "cases": cases, **same})
    assert len(found) == len(wanted) == 1250
    assert sum(box is not None for box, _ in wanted) > 700
    for (box, iou), (expected, score) in zip(found, wanted, strict=True):
        assert (box is None) == (expected is None)
        assert box is None or box == expected.tolist()
        assert iou == pytest.approx(score, abs=1e-12)


def test_a_map_that_was_not_kept_is_none(localizing):
    values = packed({2: np.ones((3, 3), np.float32)})
    assert localizing.evaluate("(set) => [0, 2].map((place) => localize.restored(set, place) === null)", values) == [True, False]
