"""The viewer: what the page is given. What its script makes of it is in tests/browser."""

import json
import re
from base64 import urlsafe_b64decode

import cv2
import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence

from dogcam.boxes.protocols import PROTOCOLS
from dogcam.language import speaking
from dogcam.report import viewer as viewing
from dogcam.report.embedding import jpegs, packed, quantised, restored
from dogcam.report.formats.html import html
from dogcam.report.formats.markdown import markdown
from dogcam.report.page import compose
from dogcam.report.viewer import can_draw, json_text, viewer

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


def test_maps_are_given_by_the_place_of_their_picture(evidence):
    kept = {pair: maps[:3] for pair, maps in evidence.evaluation.maps(2, 2).items()}
    evidence.evaluation.write_maps(2, 2, kept)
    given = {(each["epoch"], each["pair"]): each for each in viewer(evidence)["maps"]}
    assert {key[0]: each["places"] for key, each in given.items()} == {2: [0, 1, 2], 4: [0, 1, 2, 3]}
    assert {len(each["zero"]) for key, each in given.items() if key[0] == 2} == {3}


def test_a_set_of_maps_is_unpacked_by_its_own_numbers():
    raw = {4: np.array([[-1, 0.5, 2]], np.float32), 7: np.array([[3, 0, 1]], np.float32)}
    found = packed(raw)
    assert (found["places"], found["height"], found["width"]) == ([4, 7], 1, 3)
    levels = np.frombuffer(urlsafe_b64decode(found["levels"]), np.uint8).reshape(2, 1, 3)
    for slot, wanted in enumerate(raw.values()):
        kept = restored(levels[slot], *(found[name][slot] for name in ("zero", "above", "below")))
        assert kept == pytest.approx(wanted, abs=0.02)


class TestPictures:
    @pytest.fixture
    def paths(self, tmp_path):
        rng = np.random.default_rng(1)
        for number, size in enumerate([(90, 120), (200, 100), (64, 64)]):
            picture = cv2.resize(rng.integers(0, 256, (9, 12, 3), np.uint8), size[::-1])
            cv2.imwrite(str(tmp_path / f"{number}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
        return sorted(tmp_path.iterdir())

    def weight(self, paths):
        return sum(path.stat().st_size for path in paths)

    def test_files_that_fit_stay_as_they_are(self, paths):
        assert jpegs(paths, self.weight(paths)) == [path.read_bytes() for path in paths]

    @pytest.mark.parametrize("share", [0.9, 0.5, 0.3])
    def test_files_that_do_not_are_made_smaller_alike_and_stay_the_same_pictures(self, paths, share):
        found = jpegs(paths, int(share * self.weight(paths)))
        assert sum(map(len, found)) <= share * self.weight(paths)
        for content, path in zip(found, paths, strict=True):
            large = cv2.imread(str(path))
            small = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            assert small.shape[0] / large.shape[0] == pytest.approx(small.shape[1] / large.shape[1], abs=0.02)
            again = cv2.resize(small, large.shape[1::-1])
            assert np.abs(again.astype(int) - large).mean() < 12

    def test_there_is_an_end_to_making_them_smaller(self, paths):
        found = [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR).shape[:2] for each in jpegs(paths, 1)]
        assert found == [(22, 30), (50, 25), (16, 16)]

    def test_the_page_has_the_smaller_ones(self, evidence, monkeypatch):
        whole = viewer(evidence)["pictures"]
        monkeypatch.setattr(viewing, "PICTURE_BYTES", 2000)
        small = viewer(evidence)["pictures"]
        assert sum(len(each["source"]) for each in small) < sum(len(each["source"]) for each in whole)
        assert [(each["width"], each["height"]) for each in small] == [
            (60, 40)
        ] * 4  # of the original: boxes are relative


def test_the_words_of_the_script_are_said_in_the_language_that_is_spoken(evidence):
    english = viewer(evidence)["words"]
    with speaking("ko"):
        korean = viewer(evidence)["words"]
    assert english["none"] == "No picture matches."
    assert korean["none"] == "일치하는 이미지가 없다."
    assert not [text for text in korean.values() if re.search(r"[은이을과로]\((?:는|가|를|와|로)\)", text)]


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
