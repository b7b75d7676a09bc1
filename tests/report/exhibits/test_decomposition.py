"""A decomposition as plain values and back, in sentences, as a table and a chart."""

import json
import math
from dataclasses import replace

import pytest
from made_decomposition import decomposition

from dogcam.analysis.decomposition import PipelineDecomposition, ScoredMap, decompositions_of
from dogcam.core.records import BadRecord, from_plain, to_plain
from dogcam.language import speaking
from dogcam.report.document import Chart, Table
from dogcam.report.exhibits.decomposition import chart, sentences
from dogcam.report.exhibits.decomposition import decomposition as exhibit
from dogcam.report.material import Material

BOUND = (ScoredMap("gradcam", "softmax"),)


def through_json(found):
    return from_plain(PipelineDecomposition, json.loads(json.dumps(to_plain(found), allow_nan=False)))


def table_of(made, *found):
    """The table of the last of some decompositions, as the exhibit of an experiment has it."""
    *_, table = exhibit_of(made, *found).blocks
    assert isinstance(table, Table)
    return table


def exhibit_of(made, *found):
    experiment = made.write()
    (evaluation,) = experiment.evaluations()
    for place, each in enumerate(found):
        evaluation.write_decomposition(str(place), to_plain(each), b"")
    return exhibit(Material.of(experiment))


def texts(table):
    return [[entry.text for entry in row.entries] for row in table.rows]


@pytest.mark.parametrize("other", [{}, {"proportional": True}, {"bound": BOUND, "pooled": False}])
def test_it_comes_back_from_json_as_it_was(other):
    assert through_json(decomposition(**other)) == decomposition(**other)


def test_intervals_that_there_are_none_of_come_back_too():
    back = through_json(decomposition(images=4))
    assert math.isnan(back.numbers.total.low)
    assert (back.numbers.total.reason, back.numbers.total.n) == ("too-few", 4)
    assert back.numbers.total.value == pytest.approx(0.03)
    assert sentences(back) == sentences(decomposition(images=4))


def test_what_is_kept_is_no_prose():
    kept = json.dumps(to_plain(decomposition(bound=BOUND)), ensure_ascii=False)
    assert "→" not in kept
    assert not [word for word in kept.replace('"', " ").split() if word in ("kept,", "above 0.2", "by", "with")]


def test_what_is_none_is_not_read_as_one():
    with pytest.raises(BadRecord):
        from_plain(PipelineDecomposition, {"first": "cam@cam2016"})


def test_what_an_earlier_dogcam_kept_in_words_is_not_read(made):
    experiment = made.write()
    (evaluation,) = experiment.evaluations()
    (evaluation.path / "walks").mkdir()
    (evaluation.path / "walks" / "old.json").write_text('{"said": {"ReLU": "negative values kept → cut at 0"}}')
    assert decompositions_of(evaluation) == ()
    assert exhibit(Material.of(experiment)) is None


def test_all_that_were_kept_are_in_the_exhibit(made):
    found = exhibit_of(made, decomposition(), decomposition(images=4))
    assert found.key == "decomposition"
    assert [type(block) for block in found.blocks] == [Chart, Table] * 2
    assert found.lead == (*sentences(decomposition())[:2], *sentences(decomposition(images=4))[:2])


def test_it_is_told_in_korean_with_its_numbers_and_names(made):
    with speaking("ko"):
        first, shares, *_, last = sentences(decomposition(images=4, both=0.04))
        table, drawn = table_of(made, decomposition(both=0.04)), chart(decomposition(both=0.04)).draw(theme="light")
    assert first == (
        "평균 IoU는 CAM(cam2016)이 0.500, Grad-CAM(gradcam2017)이 0.570으로 차이는 +0.070이다"
        "(채점된 이미지 4장은 신뢰구간을 구하기에 너무 적다(10장 필요))."
    )
    assert "방법 0.000; 맵 처리 +0.070(ReLU +0.070, 임계값 0.000)" in shares
    assert last == "점수(로짓), 박스 규칙(가장 큰 성분, 마지막 픽셀까지)은 양쪽이 같다."
    rows = texts(table)
    assert [row[0] for row in rows] == ["CAM(cam2016)", "방법", "ReLU", "임계값", "Grad-CAM(gradcam2017)"]
    assert [row[1] for row in rows[1:-1]] == ["CAM → Grad-CAM", "음수 값 유지 → 0에서 자름", "0.2 초과 → 0.15 초과"]
    words = {each.get_text() for each in drawn.axes[0].texts}
    assert {"CAM(cam2016)", "임계값", "음수 값 유지 → 0에서 자름"} <= words


def test_the_sentences_say_whose_the_difference_is():
    first, second, *_, last = sentences(decomposition(images=4, proportional=True))
    assert first == (
        "CAM by cam2016 has a mean IoU of 0.500, Grad-CAM by gradcam2017 of 0.530: +0.030 "
        "(4 scored images are too few for an interval: 10 are needed)."
    )
    assert "the method 0.000; the handling +0.030 (ReLU +0.050, threshold −0.020)" in second
    assert last == "Both have the same score (logit), box rule (largest part, to the last pixel)."
    assert "the method nothing;" in sentences(decomposition())[1]


def test_what_is_known_of_maps_is_said_where_it_is():
    plain, alike, bound = (sentences(decomposition(**other)) for other in ({}, {"proportional": True}, {"bound": BOUND}))
    assert [len(each) - len(plain) for each in (alike, bound)] == [1, 1]
    assert alike[2].startswith("At conv5_block1_out, which feeds the pooling")
    assert bound[2].startswith("Below 0 nothing is known of Grad-CAM (softmax), ")
    with speaking("ko"):
        assert "Grad-CAM(소프트맥스)" in sentences(decomposition(bound=BOUND))[2]


def test_what_depends_on_the_order_is_said():
    assert len(sentences(decomposition())) == 3
    told = sentences(decomposition(both=0.04))[2]
    assert told.endswith("ReLU from +0.050 to +0.090, threshold from −0.020 to +0.020.")


def test_one_choice_alone_is_named():
    assert sentences(decomposition(choices=("threshold",)))[1] == "The threshold alone differs: above 0.2 → above 0.15."


def test_the_rows_of_the_table(made):
    table = table_of(made, decomposition(both=0.04))
    rows = texts(table)
    assert [row[0] for row in rows] == ["CAM by cam2016", "method", "ReLU", "threshold", "Grad-CAM by gradcam2017"]
    assert {len(row) for row in rows} == {len(table.columns)}
    assert rows[0][2] == "0.500"
    assert rows[2][1:3] == ["negative values kept → cut at 0", "+0.070"]
    assert rows[2][4:] == ["+0.050", "+0.090", "+0.050", "+0.090"]
    assert rows[4][2] == "0.570"


def test_the_words_of_the_chart():
    words = {each.get_text() for each in chart(decomposition(both=0.04)).draw(theme="dark").axes[0].texts}
    assert {"CAM by cam2016", "ReLU", "+0.070", "0.000", "0.570"} <= words


def test_the_caption_says_of_which_model_and_why_there_is_no_interval():
    trained, given = chart(decomposition()), chart(decomposition(images=4, run=0, epoch=0))
    assert "run 2, epoch 4; each choice's change is its average over 6 orders of switching" in trained.caption
    assert trained.caption.endswith("with its interval (95 % BCa bootstrap, 40 images).")
    assert "at conv5_block1_out, the model as it was given;" in given.caption
    assert given.caption.endswith("(4 scored images are too few for an interval: 10 are needed).")


def test_a_chart_is_named_as_a_file_can_be():
    found = decomposition()
    named = chart(replace(found, first=replace(found.first, protocol="my own/protocol")))
    assert named.name == "decomposition-cam-my-own-protocol-gradcam-gradcam2017-2-4"
