"""Figures as files and as pictures of a page: each drawn once, in this process or in others, and alike in both."""

import re
import signal
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from dogcam.core.choices import COLORMAPS
from dogcam.figures import Interval, Panel, contact_sheet, fonts, image_bytes, intervals
from dogcam.language import speaking, spoken
from dogcam.report.document import Chart, Document, Exhibit, Sheet, Tile
from dogcam.report.formats import illustrations
from dogcam.report.formats.html import html
from dogcam.report.formats.illustrations import KINDS, Pictures, draw, legible
from dogcam.report.page import compose

HOSTILE = "--><script>alert(1)</script>&\"'[b]\u202e" + "y" * 300


@pytest.fixture(scope="module")
def outlined():
    """Here PDFs hold fonts, as users get them, whichever process draws."""


def drawn_in(path, theme="light"):
    """Draws nothing much, and keeps in which language and how often it was asked."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{theme} {spoken()}\n")
    return intervals([Interval("a", 0.1, 0.0, 0.2)], "x", theme=theme)


def chart(draw_it, name="chart"):
    return Chart(name, "caption", "alt", draw_it)


def sheet(titles=("a", "b")):
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    box = np.array([[0.1, 0.1, 0.9, 0.9]])
    tiles = tuple(Tile(Panel(title, np.eye(4), box[0]), pixels, box, title) for title in titles)
    panels = [("row", [tile.panel for tile in tiles])]
    return Sheet("sheet", "caption", "alt", (("row", tiles),), partial(contact_sheet, pixels, panels, box))


def document(*blocks):
    return Document("d", "h", ("a",), (), None, (), (Exhibit("one", "t", (), blocks, "c.", "n."),), ())


def counted(jobs):
    return lambda: jobs.append(1)


def test_every_figure_is_a_png_an_svg_and_a_pdf(tmp_path):
    done = []
    _, paths = draw(document(chart(partial(drawn_in, tmp_path / "log")), sheet()), tmp_path, counted(done))
    assert [path.name for path in paths] == [f"{name}.{kind}" for name in ("chart", "sheet") for kind in KINDS]
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert all(path.read_bytes().startswith(starts[path.suffix[1:]]) for path in paths)
    assert len(done) == 2


def test_files_and_page_share_one_drawing_of_each_theme(tmp_path):
    found = document(chart(partial(drawn_in, tmp_path / "log")))
    pictures, _ = draw(found, tmp_path, lambda: None)
    html(found, pictures)
    assert (tmp_path / "log").read_text().split("\n") == ["light en", "dark en", ""]


def test_without_a_page_nothing_is_drawn_for_one(tmp_path):
    draw(document(chart(partial(drawn_in, tmp_path / "log"))), tmp_path, lambda: None, page=False)
    assert (tmp_path / "log").read_text() == "light en\n"


def test_a_page_draws_by_itself_what_was_not_drawn():
    found = document(sheet())
    tile = found.exhibits[0].blocks[0].rows[0][1][0]
    pictures = Pictures.of(found)
    assert pictures.tile(tile) is pictures.tile(tile)
    assert pictures.tile(tile).startswith(b"\xff\xd8")


def test_other_processes_draw_the_same_in_the_same_language_and_colours(tmp_path, monkeypatch):
    monkeypatch.setattr("dogcam.report.formats.illustrations._WORTH", 0)
    found = document(chart(partial(intervals, [Interval("a", 0.1, 0.0, 0.2)], "x")), sheet())
    with speaking("ko"):
        here, paths = draw(found, tmp_path / "here", lambda: None)
        elsewhere, others = draw(found, tmp_path / "elsewhere", lambda: None, processes=2)
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in others]
    tile = found.exhibits[0].blocks[1].rows[0][1][0]
    assert here.tile(tile) == elsewhere.tiles[id(tile)]
    _, warm = draw(found, tmp_path / "jet", lambda: None, processes=2, colormap="jet")
    assert warm[3].read_bytes() != paths[3].read_bytes()


def test_where_other_processes_end_the_rest_is_drawn_here(tmp_path, monkeypatch):
    monkeypatch.setattr("dogcam.report.formats.illustrations._WORTH", 0)
    monkeypatch.setattr("dogcam.report.formats.illustrations._begin", divmod)  # fails, which ends the process
    done = []
    _, paths = draw(document(sheet()), tmp_path, counted(done), processes=2)
    assert len(paths) == len(KINDS)
    assert len(done) == 1


def test_an_error_in_another_process_is_the_error_here(tmp_path, monkeypatch):
    monkeypatch.setattr("dogcam.report.formats.illustrations._WORTH", 0)
    with pytest.raises(TypeError, match="divmod"):
        draw(document(chart(partial(divmod, 1, 0))), tmp_path, lambda: None, processes=2)


def test_names_in_an_svg_are_outlines_and_no_markup(tmp_path):
    found = sheet((HOSTILE, HOSTILE))
    svg = image_bytes(replace(found).draw(), "svg").decode()
    tags = {each.tag.rpartition("}")[2] for each in ElementTree.fromstring(svg).iter()}
    assert not tags & {"script", "text", "a", "foreignObject"}
    assert "alert(1)</script>" not in re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system holds no signals back")
def test_other_processes_are_started_deaf_to_ctrl_c_and_this_one_hears_it_again():
    asked = partial(signal.pthread_sigmask, signal.SIG_BLOCK, ())  # gives the signals that are held back
    before = asked()
    ((_, held),) = illustrations._elsewhere([(1, asked)], 1, COLORMAPS[0])
    assert signal.SIGINT in held
    assert asked() == before
    assert signal.SIGINT not in before


def charts(document):
    return {b.name: b for exhibit in document.exhibits for b in exhibit.blocks if isinstance(b, Chart | Sheet)}


def words(block):
    figure = block.draw(theme="light")
    found = [axes.get_xlabel() for axes in figure.axes] + [axes.get_ylabel() for axes in figure.axes]
    return found + [text.get_text() for axes in figure.axes for text in axes.texts]


def korean(made):
    experiment = made.write()
    with speaking("ko"):
        document = compose(experiment)
        return document, legible(document, lambda: compose(experiment))


def test_with_a_font_for_korean_nothing_is_made_twice(made, monkeypatch):
    monkeypatch.setattr(fonts, "can_write", lambda text: True)
    document, shown = korean(made)
    assert shown is document
    assert "평균 IoU" in words(charts(shown)["iou-by-epoch"])


def test_without_a_font_for_korean_figures_are_in_english_and_all_other_words_stay(made, monkeypatch):
    monkeypatch.setattr(fonts, "can_write", lambda text: text.isascii())
    document, shown = korean(made)
    found = charts(shown)
    assert found.keys() == charts(document).keys()
    assert "mean IoU" in words(found["iou-by-epoch"])
    assert not any("가" <= letter <= "힣" for block in found.values() for text in words(block) for letter in text)
    assert [block.caption for block in found.values()] == [block.caption for block in charts(document).values()]
    assert [each.title for each in shown.exhibits] == [each.title for each in document.exhibits]
