"""The viewer: what the page is given. What its script makes of it is in tests/browser."""

import json
import re
from base64 import urlsafe_b64decode

import pytest

from dogcam.analysis.scores import ThresholdCurve
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.experiment.evaluations import Cell
from dogcam.language import speaking
from dogcam.report import viewer as viewing
from dogcam.report.formats.html import html
from dogcam.report.formats.markdown import markdown
from dogcam.report.material import Material
from dogcam.report.page import compose
from dogcam.report.viewer import can_draw, json_text, viewer

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'\u202e\u2067rtl " + "y" * 300
CSP = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture
def material(made):
    made.protocols = ("default", "cam2016", "exercise")
    return Material.of(made.write())


def test_hostile_names_cannot_end_the_json(made):
    made.classes, made.ids = (HOSTILE, HOSTILE), (HOSTILE, HOSTILE + "2")
    values = viewer(Material.of(made.write()))
    text = json_text(values)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text)["pictures"][0]["label"] == HOSTILE


def test_what_the_page_is_given(material):
    values = viewer(material)
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
    assert values["start"]["picture"] == material.kept.featured.place


def test_maps_are_given_by_the_place_of_their_picture(material):
    evaluation = material.kept.tables.evaluation
    kept = {pair: maps[:3] for pair, maps in evaluation.sample.maps(2, 2).items()}
    evaluation.sample.write_maps(2, 2, kept)
    given = {(each["epoch"], each["pair"]): each for each in viewer(material)["maps"]}
    assert {key[0]: each["places"] for key, each in given.items()} == {2: [0, 1, 2], 4: [0, 1, 2, 3]}
    assert {len(each["zero"]) for key, each in given.items() if key[0] == 2} == {3}


def test_the_page_has_the_smaller_ones(material, monkeypatch):
    whole = viewer(material)["pictures"]
    monkeypatch.setattr(viewing, "PICTURE_BYTES", 2000)
    small = viewer(material)["pictures"]
    assert sum(len(each["source"]) for each in small) < sum(len(each["source"]) for each in whole)
    assert [(each["width"], each["height"]) for each in small] == [(60, 40)] * 4  # of the original: boxes are relative


def test_the_words_of_the_script_are_said_in_the_language_that_is_spoken(material):
    english = viewer(material)["words"]
    with speaking("ko"):
        korean = viewer(material)["words"]
    assert english["none"] == "No picture matches."
    assert korean["none"] == "일치하는 이미지가 없다."
    assert not [text for text in korean.values() if re.search(r"[은이을과로]\((?:는|가|를|와|로)\)", text)]


def test_a_curve_is_thinned_and_keeps_its_best():
    means = [0.0] * 1000
    means[333] = 0.4
    found = viewing._curve(ThresholdCurve(Cell(2, 4, "cam", "last", "default"), 0.2, 0.333, tuple(means)))
    assert (found["oracle"], found["high"]) == (0.333, 0.4)
    assert len(found["curve"]) == 200
    assert viewing._curve(None) == {}


def test_fine_maps_are_left_out_where_there_is_no_room_and_it_is_said(material, monkeypatch):
    monkeypatch.setattr(viewing, "_FINE", 53)
    monkeypatch.setattr(viewing, "MAP_BYTES", 5 * 4 * 54)
    values = viewer(material)
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
    ("name", "drawn"), [("default", True), ("cam2016", True), ("gradcam2017", True), ("wsol-v1", False), ("exercise", False)]
)
def test_protocols_that_the_page_can_draw(name, drawn):
    assert can_draw(PROTOCOLS[name]) is drawn


def test_the_policy_allows_this_script_alone_and_markdown_has_none(material):
    document = compose(material.experiment)
    text = html(document)
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]+=*'", CSP.search(text)[0])
    assert text.count(document.viewer["pictures"][0]["source"]) == 1
    assert "viewer" not in markdown(document)
    assert "innerHTML" not in text
