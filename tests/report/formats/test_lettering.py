"""Figures of a page in Korean, with and without a font that has Hangul."""

from dogcam.figures import fonts
from dogcam.language import speaking
from dogcam.report.document import Chart, Sheet
from dogcam.report.formats.lettering import legible
from dogcam.report.page import compose


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


def test_with_such_a_font_nothing_is_made_twice(made, monkeypatch):
    monkeypatch.setattr(fonts, "can_write", lambda text: True)
    document, shown = korean(made)
    assert shown is document
    assert "평균 IoU" in words(charts(shown)["iou-by-epoch"])


def test_without_one_figures_are_in_english_and_all_other_words_stay(made, monkeypatch):
    monkeypatch.setattr(fonts, "can_write", lambda text: text.isascii())
    document, shown = korean(made)
    found = charts(shown)
    assert found.keys() == charts(document).keys()
    assert "mean IoU" in words(found["iou-by-epoch"])
    assert not any("가" <= letter <= "힣" for block in found.values() for text in words(block) for letter in text)
    assert [block.caption for block in found.values()] == [block.caption for block in charts(document).values()]
    assert [each.title for each in shown.exhibits] == [each.title for each in document.exhibits]
