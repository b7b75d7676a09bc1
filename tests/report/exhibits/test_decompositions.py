"""A walk as JSON, read back, and as a table and a chart."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from dogcam.analysis.decomposition import Walk, walk_from
from dogcam.language import speaking
from dogcam.report.document import Chart, Table
from dogcam.report.exhibits.decompositions import decomposition_blocks
from dogcam.statistics import decompose

SAID = {"method": "CAM → Grad-CAM", "ReLU": "negative values kept → cut at 0", "threshold": "above 0.2 → above 0.15"}


def walk(images=40, relu=0.05, threshold=-0.02, both=0.0, **other):
    """Nothing by the method; ReLU and threshold add what they add, and both together `both` more."""
    spread = np.linspace(-0.1, 0.1, images)

    def value(switched):
        added = relu * ("ReLU" in switched) + threshold * ("threshold" in switched)
        return 0.5 + spread * (1 + added) + added + both * ({"ReLU", "threshold"} <= switched)

    given = {
        "titles": ("CAM by cam2016", "Grad-CAM by gradcam2017"),
        "layer": "out_relu",
        "run": 1,
        "epoch": 3,
        "decomposition": decompose(value, list(SAID), resamples=100),
        "said": SAID,
        "same": {"score": "logit"},
        "pooled": True,
    }
    return Walk("cam@cam2016", "gradcam@gradcam2017", **(given | other))


def through_json(found):
    return json.loads(json.dumps(found.document(), allow_nan=False))


@pytest.mark.parametrize("other", [{}, {"proportional": True}, {"bound": ("Grad-CAM (softmax)",), "pooled": False}])
def test_a_walk_comes_back_from_json_as_it_was(other):
    assert walk_from(through_json(walk(**other))) == walk(**other)


def test_intervals_that_there_are_none_of_come_back_too():
    back = walk_from(through_json(walk(images=4)))
    assert math.isnan(back.decomposition.total.low)
    assert back.decomposition.total.reason
    assert back.decomposition.total.value == pytest.approx(0.03)
    assert back.sentences() == walk(images=4).sentences()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    "other", [{"both": 0.04, "proportional": True}, {"bound": ("Grad-CAM (softmax)",)}, {"images": 4}]
)
def test_a_walk_kept_in_english_says_the_same_in_any_language_as_if_it_was_never_kept(language, other):
    kept = through_json(walk(**other))
    with speaking(language):
        told = walk_from(kept).sentences()
        assert told == walk(**other).sentences()
    assert (told == kept["sentences"]) == (language == "en")


def test_a_kept_walk_is_told_in_korean_with_its_numbers_and_names():
    with speaking("ko"):
        found = walk_from(through_json(walk(images=4, both=0.04)))
        first, shares, *_, last = found.sentences()
        chart, table = decomposition_blocks(through_json(walk(both=0.04)))
    assert first == (
        "평균 IoU는 CAM(cam2016)이 0.500, Grad-CAM(gradcam2017)이 0.570으로 차이는 +0.070이다"
        "(채점된 이미지 4장은 신뢰구간을 구하기에 너무 적다(10장 필요))."
    )
    assert "방법 0.000; 맵 처리 +0.070(ReLU +0.070, 임계값 0.000)" in shares
    assert last == "점수(로짓)는 양쪽이 같다."
    rows = [[entry.text for entry in row.entries] for row in table.rows]
    assert [row[0] for row in rows] == ["CAM(cam2016)", "방법", "ReLU", "임계값", "Grad-CAM(gradcam2017)"]
    assert [row[1] for row in rows[1:-1]] == ["CAM → Grad-CAM", "음수 값 유지 → 0에서 자름", "0.2 초과 → 0.15 초과"]
    words = {text.get_text() for text in chart.draw(theme="light").axes[0].texts}
    assert {"CAM(cam2016)", "임계값", "음수 값 유지 → 0에서 자름"} <= words


def test_what_is_no_walk_is_not_read_as_one():
    with pytest.raises(KeyError):
        walk_from({"first": "cam@cam2016"})


def test_the_sentences_say_whose_the_gap_is():
    first, second, *_, last = walk(images=4, proportional=True).sentences()
    assert first == (
        "CAM by cam2016 has a mean IoU of 0.500, Grad-CAM by gradcam2017 of 0.530: +0.030 "
        "(4 scored images are too few for an interval: 10 are needed)."
    )
    assert "the method 0.000; the handling +0.030 (ReLU +0.050, threshold −0.020)" in second
    assert last == "Both have the same score (logit)."
    (told,) = [each for each in walk(proportional=True).sentences() if "CAM's" in each]
    assert "out_relu" in told
    assert "the method nothing;" in walk().sentences()[1]


def test_what_depends_on_the_order_is_said():
    assert not [each for each in walk().sentences() if "depends" in each]
    (told,) = [each for each in walk(both=0.04).sentences() if "depends" in each]
    assert told.endswith("ReLU from +0.050 to +0.090, threshold from −0.020 to +0.020.")


def test_one_choice_alone_is_named():
    alone = decompose(lambda switched: np.full(12, 0.5) + 0.1 * len(switched), ["threshold"], resamples=20)
    assert walk(decomposition=alone).sentences()[1] == "The threshold alone differs: above 0.2 → above 0.15."


def test_a_table_and_a_chart_of_the_document():
    chart, table = decomposition_blocks(through_json(walk(both=0.04)))
    assert isinstance(chart, Chart)
    assert isinstance(table, Table)
    rows = [[entry.text for entry in row.entries] for row in table.rows]
    assert [row[0] for row in rows] == ["CAM by cam2016", *SAID, "Grad-CAM by gradcam2017"]
    assert {len(row) for row in rows} == {len(table.columns)}
    assert rows[0][2] == "0.500"
    assert rows[2][1:3] == ["negative values kept → cut at 0", "+0.070"]
    assert rows[2][4:] == ["+0.050", "+0.090", "+0.050", "+0.090"]
    assert rows[4][2] == "0.570"
    words = {text.get_text() for text in chart.draw(theme="dark").axes[0].texts}
    assert {"CAM by cam2016", "ReLU", "+0.070", "0.000", "0.570"} <= words


def test_the_caption_says_of_which_model_and_why_there_is_no_interval():
    trained, _ = decomposition_blocks(through_json(walk()))
    given, _ = decomposition_blocks(through_json(walk(images=4, run=0, epoch=0)))
    assert (
        "at out_relu, run 1, epoch 3; each choice's change is its average over 6 orders of switching" in trained.caption
    )
    assert trained.caption.endswith("with its interval (95 % BCa bootstrap, 40 images).")
    assert "at out_relu, the model as it was given;" in given.caption
    assert given.caption.endswith("(4 scored images are too few for an interval: 10 are needed).")


def test_a_chart_is_named_as_a_file_can_be():
    chart, _ = decomposition_blocks(through_json(replace(walk(), first="cam@my own/protocol")))
    assert chart.name == "gap-cam-my-own-protocol-gradcam-gradcam2017-1-3"
