"""A whole report in Korean: no sentence and no label of it is left in English, but for names.

Each part is a test of its own: what of the document it is, or of which exhibit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from made_decomposition import decomposition
from matplotlib.figure import Figure
from matplotlib.text import Text

from dogcam.analysis.decomposition import ScoredMap
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.records import to_plain
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.figures import fonts
from dogcam.language import speaking
from dogcam.methods import METHODS
from dogcam.metrics.faithfulness import BOXED_ONLY, FAITHFULNESS
from dogcam.report.document import Chart, Document, Sheet
from dogcam.report.page import compose

IMAGES, SHOWN_PROTOCOLS = 24, ("default", "cam2016", "exercise")
# Every part of the document, and what of it is said in full.
PARTS = (
    *("headline", "answer", "facts", "hero", "findings", "limits", "training", "cam-by-epoch", "layers", "methods", "boxes"),
    *("localization", "ranking", "dynamics", "groups", "faithfulness", "decomposition", "galleries", "provenance", "viewer"),
)
DRAWN = (
    *("training", "cam-by-epoch", "layers", "methods", "boxes", "localization", "ranking", "dynamics", "groups"),
    *("decomposition", "galleries"),
)  # of which exhibits the charts' words are

# What is no text: keys, and names of files.
KEYS = {"key", "kind", "name", "source", "verdict", "protocol", "viewer", "pixels", "truth", "panel", "draw"}
# Names that stay as they are, beside those of methods, protocols, layers and classes.
NAMES = {
    *"IoU ReLU CAM AUC PxAP MaxBoxAcc ROAD ADCC GT-known Holm BCa NaN sqrt top HTML PDF SVG CSV Esc".split(),
    *"dogcam OpenCV TFDS Shapley Zhou Selvaraju Choe --faithfulness --decompose --epoch".split(),
    *("Stanford Dogs", "et al", "dogcam evaluate", "dogcam train", "dogcam report", "--run all"),
}
HANGUL = re.compile("[가-힣]")
WORD = re.compile(r"(?<![\w-])[A-Za-z]*[a-z]{3,}(?![\w-])")
WORDS = re.compile(r"(?<![\w-])[a-z]{2,}(?:[ ,;:]+[a-z]{2,})+(?![\w-])")


def faithful(count: int) -> dict:
    """Made-up scores; every third picture has no box."""
    rng = np.random.default_rng(0)
    boxed = np.arange(count) % 3 != 0
    scores = {name: rng.random(count) for name in FAITHFULNESS}
    scores |= {name: np.where(boxed, scores[name], np.nan) for name in BOXED_ONLY}
    ids = [f"picture-{place}" for place in range(count)]
    whole = {"label": [0] * count, "predicted": [0] * count, "target": [0] * count}
    return {"image": ids, **whole, "boxed": boxed, **scores}


def complete(made) -> Document:
    """The report of an experiment in which everything was done."""
    experiment = made.write()
    (evaluation,) = experiment.evaluations()
    for cell in evaluation.cells():
        columns = evaluation.read(cell)
        columns |= {"truth": [each.ravel().tolist() for each in columns["truth"]]}
        chosen = {"default": Choice(0.2, "calibrated", 20, 0.6), "exercise": Choice(0.4, "best", IMAGES, 0.5)}
        evaluation.write(cell, columns, chosen.get(cell.protocol, Choice(0.15)))
        if cell.run == 2:
            evaluation.write(replace(cell, run=1), columns, Choice(0.15))
    for method in ("cam", "random-map"):
        layer = "input" if method == "random-map" else "conv5_block1_out"
        evaluation.write_faithfulness(Cell(2, 4, method, layer, ""), faithful(IMAGES))
    evaluation.write_faithfulness(Cell(1, 4, "gradcam", "conv5_block1_out", ""), faithful(5))
    bound = (ScoredMap("cam", "softmax"), ScoredMap("gradcam", "softmax"))
    given = decomposition(both=0.04, proportional=True, run=0, epoch=0)
    for name, found in {"one": given, "two": decomposition(images=4, bound=bound, pooled=False)}.items():
        evaluation.write_decomposition(name, to_plain(found), b"")
    evaluation.write_problems([{"id": "picture-x", "reason": ""}])
    experiment.update_document(problems=[{"id": "picture-y", "reason": ""}])
    with speaking("ko"):
        return compose(experiment)


@pytest.fixture(scope="module")
def document(make, tmp_path_factory):
    made = make(str(tmp_path_factory.mktemp("home")), images=IMAGES, protocols=SHOWN_PROTOCOLS)
    made.ious = {("cam", 4): np.linspace(0.3, 0.95, IMAGES)}
    return complete(made)


@pytest.fixture(scope="module")
def names(document):
    """What stands in the experiment under the name that somebody gave it, the longest first."""
    own = {*NAMES, *METHODS, *BASELINES, *PROTOCOLS, *(each.title for each in METHODS.values())}
    own |= {"conv3_block1_out", "conv4_block1_out", "conv5_block1_out", "pug", "husky", document.name, "test-true"}
    own |= {"dataset", "synthetic", "small_resnet", "python", "tensorflow", "keras", "abc", "drawn", "input"}
    own |= {"learning_rate", "checkpoints"}
    return sorted(own, key=len, reverse=True)


def texts(value) -> Iterator[str]:
    """Every text that a reader sees, of any part of the document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif is_dataclass(value):
        for field in fields(value):
            if field.name not in KEYS:
                yield from texts(getattr(value, field.name))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)


def parts(document: Document) -> dict:
    """The document by what tests are about."""
    own = ("headline", "answer", "facts", "hero", "findings", "limits", "provenance")
    found = {name: getattr(document, name) for name in own}
    viewer = document.viewer or {}
    about = [each.get("description", "") for each in viewer.get("protocols", ())]
    found["viewer"] = [viewer.get("words", {}), viewer.get("notes", ()), about]
    return found | {exhibit.key: exhibit for exhibit in document.exhibits}


def english(text: str, names: list[str]) -> list[str]:
    """What of a text is English that should have been said: any word where there is no Hangul, else several in a row."""
    text = re.sub(r"\{\w+\}", "0", text)  # what the page's script fills in
    for name in names:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "0", text)
    return WORDS.findall(text) if HANGUL.search(text) else WORD.findall(text)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_report_is_in_korean(document, names, part):
    found = {text: english(text, names) for text in texts(parts(document)[part])}
    assert any(HANGUL.search(text) for text in found)
    assert {text: words for text, words in found.items() if words} == {}


@pytest.mark.parametrize("part", DRAWN)
@pytest.mark.filterwarnings("ignore:Glyph .* missing")
def test_the_words_in_the_charts_of_an_exhibit_are_in_korean(document, names, part, monkeypatch):
    monkeypatch.setattr(fonts, "can_write", lambda text: True)  # which words, whether or not this machine has their letters
    exhibit = parts(document)[part]
    with speaking("ko"):
        figures = [block.draw(theme="light") for block in exhibit.blocks if isinstance(block, Chart | Sheet)]
    written = [text.get_text() for figure in figures for text in Figure.findobj(figure, Text)]
    assert any(HANGUL.search(text) for text in written)
    assert {text: words for text in written if (words := english(text, names))} == {}


def test_parts_are_named_as_the_document_has_them(document):
    assert {*PARTS, *DRAWN} <= parts(document).keys()


def test_no_two_exhibits_have_one_number(document):
    places = [exhibit.place for exhibit in document.exhibits]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("평균 IoU는 Grad-CAM이 높다.", []),
        ("the mean of Grad-CAM", ["the", "mean"]),
        ("images", ["images"]),
        ("e4 p 0.5", []),
        ("차이는 0.1이다(95 % BCa bootstrap over images).", ["bootstrap over images"]),
        ("--run all을 쓴다", []),
    ],
)
def test_english_is_told_from_names(names, text, left):
    assert english(text, names) == left
