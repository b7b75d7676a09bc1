"""The viewer: what the page is given, and what its script makes of it, in a browser where there is one."""

import html as markup
import json
import re
import shutil
import subprocess
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dogcam.reporting
from dogcam import localize
from dogcam.protocols import PROTOCOLS, Protocol
from dogcam.reporting import viewer as viewing
from dogcam.reporting.evidence import Evidence
from dogcam.reporting.page import compose
from dogcam.reporting.rendering import html, markdown
from dogcam.reporting.viewer import can_draw, json_text, quantised, restored, viewer

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
in_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome was found on PATH")
SCRIPT = Path(dogcam.reporting.__file__).parent / "templates" / "localize.js"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'\u202e\u2067rtl " + "y" * 300
OWN = Protocol("own", "minmax, cubic, to the picture", False, 0.3, normalise="minmax", upsample="cubic", size=None)
DRAWN = [
    PROTOCOLS["default"],
    PROTOCOLS["cam2016"],
    replace(PROTOCOLS["default"], name="first", truth="first", quantise=True, upsample="cubic", size=96),
    OWN,
    replace(OWN, name="bilinear", upsample="bilinear", relu=True),
]
CSP = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def dumped(page, folder):
    """(the page after its scripts have run, what they wrote to the console)."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=5000", f"--user-data-dir={folder / 'profile'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    console = [line for line in done.stderr.decode().splitlines() if "CONSOLE" in line]
    return done.stdout.decode(), console


def told(dom, name):
    """The text of an element of the viewer that holds nothing but text."""
    found = re.search(rf'id="viewer-{name}"[^>]*>([^<]*)<', dom)
    return markup.unescape(found[1])


def maps(count):
    """Maps as networks make them and as they should not: signed, positive, without a positive value, constant, fine."""
    rng = np.random.default_rng(7)
    for n in range(count):
        height, width = [(7, 7), (6, 9), (14, 14), (1, 1), (40, 33)][n % 5]
        raw = rng.normal(0.3, 1, (height, width)).astype(np.float32)
        yield [raw, np.maximum(raw, 0), -np.abs(raw) - 0.1, np.full_like(raw, 0.5), raw**3][n // 5 % 5]


def as_set(raw):
    """A map as the page has it, alone in its set."""
    levels, zero, above, below = quantised(raw)
    text = viewing.urlsafe_b64encode(levels.tobytes()).decode()
    steps = {"zero": [zero], "above": [above], "below": [below]}
    return {"height": raw.shape[0], "width": raw.shape[1], "levels": text, **steps}


HARNESS = """<!doctype html><meta charset="utf-8"><pre id="viewer-out"></pre>
<script type="application/json" id="cases">%s</script><script>%s
document.getElementById("viewer-out").textContent = JSON.stringify(
  JSON.parse(document.getElementById("cases").textContent).map((each) => {
    const heat = localize.prepare(localize.restored(each.set, 0), each.protocol, each.shape);
    const box = localize.box(heat, each.threshold);
    return [box, localize.iou(box, each.truth, each.protocol)];
  }));
</script>"""


@in_browser
def test_the_page_draws_the_boxes_that_python_draws_of_the_same_maps(tmp_path):
    truth = np.array([[0.2, 0.1, 0.7, 0.8], [0.5, 0.5, 0.9, 1]], np.float32)
    fields = [{**viewing._fields(each)} for each in DRAWN]
    cases, wanted = [], []
    for raw in maps(50):
        for protocol, about in zip(DRAWN, fields, strict=True):
            for threshold in (0.0, 0.15, 0.2, 0.37, 0.6):
                shape = (120, 90)
                case = {"protocol": about, "shape": shape, "threshold": threshold, "truth": truth.tolist()}
                cases.append({"set": as_set(raw), **case})
                box = localize.predicted_box(restored(*quantised(raw)), protocol, shape, threshold)
                wanted.append((box, localize.score(box, truth, protocol, shape)))
    dom, console = dumped(HARNESS % (json_text(cases), SCRIPT.read_text(encoding="utf-8")), tmp_path)
    assert not console
    found = json.loads(told(dom, "out"))
    assert len(found) == len(wanted) == 1250
    assert sum(box is not None for box, _ in wanted) > 700
    for (box, iou), (expected, score) in zip(found, wanted, strict=True):
        assert (box is None) == (expected is None)
        assert box is None or box == expected.tolist()
        assert iou == pytest.approx(score, abs=1e-12)


@pytest.fixture
def evidence(made):
    made.protocols = ("default", "cam2016", "exercise")
    return Evidence.of(made.write())


@in_browser
def test_the_page_shows_box_and_iou_and_follows_the_threshold(evidence, tmp_path):
    text = html(compose(evidence.experiment))
    dom, console = dumped(text, tmp_path)
    assert not console  # under its own Content-Security-Policy
    assert re.search(r'<section id="viewer"(?! hidden)', dom)
    assert told(dom, "told-a") == said(evidence, 0.15)
    moving = (
        "<script>addEventListener('load', () => setTimeout(() => { const slider = "
        "document.getElementById('viewer-threshold'); slider.value = 0.6; slider.dispatchEvent(new Event('input')); "
        "}, 1000))</script></body>"
    )
    moved, _ = dumped(CSP.sub("", text).replace("</body>", moving), tmp_path)
    assert told(moved, "told-a") == said(evidence, 0.6)
    assert told(moved, "told-a") != told(dom, "told-a")
    assert told(moved, "level") == "0.6"
    assert said(evidence, 0.6) in told(moved, "said")


def said(evidence, threshold):
    """What the page says of the featured picture under what it shows first."""
    sample, protocol = evidence.featured, PROTOCOLS["default"]
    raw = evidence.raw_map(sample, *evidence.judged_by, evidence.judged_at)
    box = localize.predicted_box(restored(*quantised(raw)), protocol, sample.shape, threshold)
    return f"IoU {localize.score(box, sample.boxes, protocol):.3f} at threshold {threshold}."


@in_browser
def test_the_list_is_searched_sorted_and_turned_by_keys(made, tmp_path):
    made.ious = {("gradcam", 4): np.array([0.9, 0.1, 0.5, 0.7, 0.2, 0.2, 0.2, 0.2])}
    text = html(compose(made.write()))
    driving = """<script>addEventListener("load", () => setTimeout(() => {
      const at = (name) => document.getElementById("viewer-" + name);
      const set = (name, value, kind) => { at(name).value = value; at(name).dispatchEvent(new Event(kind)); };
      const shown = () => [...at("list").children].map((each) => +each.dataset.picture);
      const found = [];
      for (const order of ["kept", "low", "high", "wrong"]) { set("sort", order, "change"); found.push(shown()); }
      set("search", "husky", "input"); found.push(shown());
      const press = (key) => at("next").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      const chosen = () => [...at("list").children].findIndex((each) => each.getAttribute("aria-pressed") === "true");
      press("n"); const first = chosen(); press("n"); found.push([first, chosen()]);
      set("search", "no such breed", "input"); found.push(shown());
      const out = document.createElement("pre"); out.id = "viewer-out"; out.textContent = JSON.stringify(found);
      document.body.append(out);
    }, 1000))</script></body>"""
    dom, console = dumped(CSP.sub("", text).replace("</body>", driving), tmp_path)
    assert not console
    kept, low, high, wrong, husky, turned, nothing = json.loads(told(dom, "out"))
    assert kept == [0, 1, 2, 3]
    assert low == [1, 2, 3, 0]
    assert high == low[::-1]
    assert wrong == [1, 3, 0, 2]  # class 0 is predicted always
    assert husky == [1, 3]
    assert set(turned) == {0, 1}
    assert nothing == []
    assert told(dom, "none") == "No picture matches."


@in_browser
def test_hostile_names_are_text_in_the_running_page(made, tmp_path):
    made.classes, made.ids = (HOSTILE, HOSTILE + "2"), (HOSTILE, HOSTILE + "2")
    dom, console = dumped(html(compose(made.write())), tmp_path)
    assert not console
    assert "<img src=x" not in dom
    assert len(re.findall(r"<script\b", dom)) == 2
    assert "<script>alert(1)</script>" in told(dom, "class-a")


def test_hostile_names_cannot_end_the_json(made):
    made.classes, made.ids = (HOSTILE, HOSTILE), (HOSTILE, HOSTILE + "2")
    values = viewer(Evidence.of(made.write()))
    text = json_text(values)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text)["pictures"][0]["label"] == HOSTILE


@pytest.mark.parametrize("raw", list(maps(25)))
def test_eight_bits_keep_the_sign_and_half_a_step(raw):
    levels, zero, above, below = quantised(raw)
    kept = restored(levels, zero, above, below)
    assert levels.dtype == np.uint8
    assert kept.dtype == np.float32
    assert ((kept > 0) <= (raw > 0)).all()
    assert ((kept < 0) <= (raw < 0)).all()
    scale, steps = np.where(raw > 0, above, below), np.abs(levels.astype(int) - zero)
    # Half a step, from (s - 0.5)² to (s + 0.5)².
    assert (np.abs(kept - raw) <= scale * (steps + 0.26) + 1e-6 * np.abs(raw)).all()
    assert kept.max() == pytest.approx(raw.max() if raw.max() > 0 else kept.max(), rel=1e-6)


def test_a_few_very_negative_values_cost_the_positive_ones_nothing():
    raw = np.array([[-1000, 0.5, 1]], np.float32)
    assert restored(*quantised(raw))[0, 1:] == pytest.approx([0.5, 1], abs=0.004)


def test_a_map_that_is_not_finite_shows_nothing():
    raw = np.array([[np.nan, 1], [2, 3]], np.float32)
    assert not restored(*quantised(raw)).any()


def test_no_level_lies_on_a_round_threshold():
    thresholds = PROTOCOLS["default"].grid()[1:]
    for highest in (251, 255 - 64):
        shares = (np.arange(1, highest) / highest) ** 2
        assert np.abs(shares[:, None] - thresholds).min() > 1e-6  # ten times what float32 tells apart


def test_what_the_page_is_given(evidence):
    values = viewer(evidence)
    assert [each["name"] for each in values["protocols"]] == ["default", "cam2016"]
    assert "exercise" in values["notes"][0]
    assert len(values["pictures"]) == 4
    assert len(values["pairs"]) == 4
    assert len(values["maps"]) == 8  # of each pair at two epochs
    assert len(values["cells"]) == 16
    packed = values["maps"][0]
    assert len(urlsafe_b64decode(packed["levels"])) == 4 * packed["height"] * packed["width"]
    start = values["start"]
    assert (start["run"], start["epoch"]) == (2, 4)
    assert values["pairs"][start["first"]]["method"] == "gradcam"
    assert values["pairs"][start["second"]]["method"] == "cam"
    assert values["start"]["picture"] == evidence.featured.place


def test_the_curve_is_the_mean_with_its_best_threshold():
    curves = np.zeros((3, 1000), np.float32)
    curves[:, 333] = [0.2, 0.4, 0.6]
    found = viewing._curve(curves)
    assert (found["oracle"], found["high"]) == (0.333, 0.4)
    assert len(found["curve"]) == 200
    assert viewing._curve(None) == {}
    assert viewing._curve(np.ones((3, 1))) == {}


def test_fine_maps_are_left_out_where_there_is_no_room_and_it_is_said(evidence, monkeypatch):
    monkeypatch.setattr(viewing, "_FINE", 53)
    monkeypatch.setattr(viewing, "MAP_BYTES", 5 * 4 * 54)
    values = viewer(evidence)
    assert len(values["maps"]) == 5
    assert "3 sets of fine maps" in values["notes"][-1]
    assert {each["epoch"] for each in values["maps"]} == {2, 4}
    assert sum(each["epoch"] == 4 for each in values["maps"]) == 4  # the latest epoch goes first


def test_without_maps_or_a_protocol_that_can_be_drawn_there_is_no_viewer(made):
    made.protocols = ("exercise",)
    document = compose(made.write())
    assert document.viewer is None
    text = html(document)
    assert "<script" not in text
    assert "script-src" not in text
    assert "viewer" not in text


@pytest.mark.parametrize(
    ("name", "drawn"),
    [("default", True), ("cam2016", True), ("gradcam2017", True), ("wsol-v1", False), ("exercise", False)],
)
def test_protocols_that_the_page_can_draw(name, drawn):
    assert can_draw(PROTOCOLS[name]) is drawn


def test_the_policy_allows_this_script_alone_and_markdown_has_none(evidence):
    document = compose(evidence.experiment)
    text = html(document)
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]+=*'", CSP.search(text)[0])
    assert text.count(document.viewer["pictures"][0]["source"]) == 1
    assert "viewer" not in markdown(document)
    assert "innerHTML" not in text
