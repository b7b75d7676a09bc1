"""Letters that can be drawn, and what happens where they cannot."""

import numpy as np
import pytest
from matplotlib import font_manager

from dogcam import figures
from dogcam.figures import Interval, Panel, fonts
from dogcam.language import speaking

GREY, BOX = np.full((40, 60, 3), 128, np.uint8), np.array([0.25, 0.25, 0.75, 0.75])
HARD = ["한국어 🐕", "עברית وعربي", "\u202eevil", "𝔘𝔫𝔦", "名前", "", "\u200b", "a\u0301"]


@pytest.fixture
def plain_system(monkeypatch):
    """As where nothing but matplotlib's own fonts is installed."""
    monkeypatch.setattr(fonts, "families", lambda: (fonts.MAIN_FONT,))


def hangul_fonts():
    """Installed fonts of the fallback list, found by their names, that draw a syllable as something of its own."""
    named = {entry.name for entry in font_manager.fontManager.ttflist}
    return [name for name in fonts._FALLBACK_FONTS if name in named]


def test_latin_letters_can_always_be_written():
    assert figures.can_write("Mean IoU ± 0.5 · − ↑ ↓ é [0, 1]…")


def test_hangul_can_be_written_where_a_font_that_has_it_is_installed():
    assert figures.can_write("가힣") == bool(hangul_fonts())


def test_without_such_a_font_it_cannot_and_figures_are_labelled_in_english(plain_system):
    assert not figures.can_write("평균 IoU")
    with speaking("ko"):
        assert figures.labelled_in() == "en"
        assert "Hangul" in figures.warning()
        legend = figures.overlay(GREY, Panel("t", None, BOX), BOX[None]).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["predicted box", "annotated box"]


def test_with_one_they_are_labelled_in_the_spoken_language(monkeypatch):
    monkeypatch.setattr(fonts, "can_write", lambda text: True)
    with speaking("ko"):
        assert figures.labelled_in() == "ko"
        legend = figures.overlay(GREY, Panel("t", None, BOX), BOX[None]).legends[0]
        assert not figures.warning()
    assert [text.get_text() for text in legend.get_texts()] == ["예측 박스", "정답 박스"]
    assert figures.labelled_in() == "en"
    assert not figures.warning()


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("kind", figures.KINDS)
def test_no_letters_make_a_figure_fail(text, kind):
    figure = figures.intervals([Interval(text, 0.2, 0.1, 0.3)], text)
    first = figures.image_bytes(figure, kind, 40)
    assert figures.image_bytes(figure, kind, 40) == first


@pytest.mark.parametrize("text", HARD)
def test_nor_without_the_fonts(text, plain_system):
    assert figures.image_bytes(figures.intervals([Interval(text, 0.2, 0.1, 0.3)], text), "svg").startswith(b"<?xml")


@pytest.mark.skipif(not hangul_fonts(), reason="needs an installed font with Hangul")
def test_letters_of_postscript_outlines_are_outlines_in_a_pdf_as_well():
    """As TrueType, which they are not, some readers refuse them. What kind a file is, FreeType says."""
    figure = figures.intervals([Interval("평균 IoU", 0.2, 0.1, 0.3)], "difference")
    family = next(name for name in fonts.families()[1:] if 0xD3C9 in fonts._letters(name))
    font = font_manager.get_font(fonts._file(family))
    truetype = font.get_sfnt_table("maxp")["version"] == (1, 0)  # version 0.5 counts no points of TrueType outlines
    assert (b"/Type3" in figures.image_bytes(figure, "pdf")) == (not truetype)


def test_english_figures_are_never_outlined():
    assert not fonts.outlined(figures.intervals([Interval("up", 0.2, 0.1, 0.3)], "difference"))


def test_wide_letters_take_the_room_of_two():
    assert fonts.room("IoU") == 3
    assert fonts.room("평균 IoU") == 8
    assert (
        figures.fitted("가" * 40, 2.0, 8, lines=1)
        == figures.fitted("ab" * 40, 2.0, 8, lines=1)[::2].replace("a", "가").rstrip("…") + "…"
    )


@pytest.mark.parametrize("text", ["평균 IoU와 신뢰구간을 " * 9, "가나다라" * 30, "word 한 " * 40])
def test_broken_korean_keeps_within_its_width(text):
    lines = figures.fitted(text, 2.0, 8, lines=3).split("\n")
    assert len(lines) == 3
    assert all(fonts.room(line) <= 31 for line in lines)
    assert "\0" not in "".join(lines)
