"""What the report says of all methods, of the claims and of compared experiments is said in the language that is spoken."""

import json
import re

import numpy as np
import pytest

from dogcam.analysis.analysis import current
from dogcam.analysis.between import contrast
from dogcam.core.records import to_plain
from dogcam.language import speaking
from dogcam.report.between import compose_contrast
from dogcam.report.claims_words import claim_words, difference_label, sentence, source_words, verdict_words
from dogcam.report.document import Table
from dogcam.report.page import compose

IMAGES = 16
HALF = np.full(IMAGES, 0.5)
SPREAD = np.tile([0.0, 0.02, -0.02, 0.01], 4)
HANGUL = re.compile("[\uac00-\ud7a3]")
# Names, which no language has other words for.
NAMES = {
    *("Grad", "CAM", "HiResCAM", "ReLU", "IoU", "BCa", "Bonferroni", "Holm", "default", "cam2016", "dogcam"),
    *("whole", "image", "conv", "block", "out", "small", "resnet", "resnet50", "synthetic", "stanford", "dogs", "one", "other"),
}


@pytest.fixture
def experiment(made):
    """Two methods of different boxes under two protocols, with enough images for intervals."""
    made.images, made.protocols, made.mirrored = IMAGES, ("default", "cam2016"), ("gradcam",)
    made.ious = {("cam", e): HALF + SPREAD for e in made.epochs} | {("gradcam", e): HALF + 0.1 for e in made.epochs}
    return made.write()


def is_korean(text):
    """It has Korean, and no English word but names."""
    words = set(re.findall("[A-Za-z][A-Za-z0-9]{2,}", re.sub("[A-Za-z0-9]+(_[A-Za-z0-9]+)+", "", text)))
    assert HANGUL.search(text), text
    assert words <= NAMES, f"{words - NAMES} in {text}"


def test_the_page_begins_in_korean_and_english_is_back_after_it(experiment):
    before = compose(experiment)
    with speaking("ko"):
        document = compose(experiment)
    first = [document.headline, *document.answer, *(what for _, what in document.facts), *document.limits]
    for text in first:
        is_korean(text)
    after = compose(experiment)
    assert (after.headline, after.answer, after.facts) == (before.headline, before.answer, before.facts)
    assert not HANGUL.search(" ".join([after.headline, *after.answer, *after.limits]))


def test_claims_are_said_and_their_keys_are_not(experiment):
    made = current(experiment).claims
    with speaking("ko"):
        for each in made:
            for text in (claim_words(each), sentence(each), verdict_words(each.verdict)):
                is_korean(text)
            assert any(HANGUL.search(difference_label(difference)) for difference in each.differences)
        assert {source_words(each.source) for each in made} == {"원 연구의 주장", "dogcam의 질문"}
    assert [each.claim for each in made].count("parts") == 2


def test_what_is_kept_of_claims_is_in_no_language(experiment):
    kept = json.dumps([to_plain(each) for each in current(experiment).claims], ensure_ascii=False)
    assert not HANGUL.search(kept)


def test_compared_experiments_in_korean(make, tmp_path):
    ious = {"one": 0.0, "other": 0.1}
    experiments = []
    for name, better in ious.items():
        made = make(str(tmp_path), name=name, images=IMAGES)
        made.ious = {(m, e): HALF + better + SPREAD for m in made.methods for e in made.epochs}
        experiments.append(made.write())
    with speaking("ko"):
        document = compose_contrast(*contrast(experiments))
    told = [document.headline, *document.answer, *(what for _, what in document.facts)]
    for exhibit in document.exhibits:
        told += [exhibit.title, *exhibit.lead, exhibit.can, exhibit.cannot, *(block.caption for block in exhibit.blocks)]
    for text in told:
        is_korean(text)
    differences = next(b for b in document.exhibits[-1].blocks if isinstance(b, Table) and "판정" in b.columns)
    assert [row.entries[1].text for row in differences.rows] == ["높음", "높음"]
