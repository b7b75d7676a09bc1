"""The viewer: what the page is given. What its script makes of it is in tests/browser."""

import json
import re
from base64 import urlsafe_b64decode

import numpy as np
import pytest

from dogcam.protocols import PROTOCOLS
from dogcam.reporting import viewer as viewing
from dogcam.reporting.embedding import quantised, restored
from dogcam.reporting.evidence import Evidence
from dogcam.reporting.page import compose
from dogcam.reporting.rendering import html, markdown
from dogcam.reporting.viewer import can_draw, json_text, viewer

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'\u202e\u2067rtl " + "y" * 300
CSP = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def maps(count):
    """Maps as networks make them and as they should not: signed, positive, without a positive value, constant, fine."""
    rng = np.random.default_rng(7)
    for n in range(count):
        height, width = [(7, 7), (6, 9), (14, 14), (1, 1), (40, 33)][n % 5]
        raw = rng.normal(0.3, 1, (height, width)).astype(np.float32)
        yield [raw, np.maximum(raw, 0), -np.abs(raw) - 0.1, np.full_like(raw, 0.5), raw**3][n // 5 % 5]


@pytest.fixture
def evidence(made):
    made.protocols = ("default", "cam2016", "exercise")
    return Evidence.of(made.write())


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
