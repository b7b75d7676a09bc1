"""Saying things in a language, and Korean particles."""

import pytest

from dogcam.language import counted, message, say, speaking, spoken
from dogcam.language.particles import final_of, with_particles

CATALOGUE = """msgid ""
msgstr ""
"Language: ko\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "{method} is above {other}."
msgstr "{other}보다 {method}이(가) 높다."

msgid "one picture"
msgid_plural "{n} pictures"
msgstr[0] "이미지 {n}개"

msgid "empty"
msgstr ""
"""


def test_english_is_spoken_where_nothing_is_chosen():
    assert spoken() == "en"
    assert say("{method} is above {other}.", method="A", other="B") == "A is above B."
    assert counted("one picture", "{n} pictures", 1) == "one picture"
    assert counted("one picture", "{n} pictures", 2) == "2 pictures"
    assert message("x {y}") == "x {y}"


def test_a_catalogue_may_turn_the_order_round(korean):
    assert say("{method} is above {other}.", method="CAM", other="경계") == "경계보다 CAM이 높다."


def test_a_plural_has_one_form_there(korean):
    assert counted("one picture", "{n} pictures", 1) == "이미지 1개"
    assert counted("one picture", "{n} pictures", 3) == "이미지 3개"


def test_what_the_catalogue_lacks_stays_english(korean):
    assert say("not there: {x}", x=1) == "not there: 1"
    assert counted("{n} dog", "{n} dogs", 1) == "1 dog"
    assert counted("{n} dog", "{n} dogs", 2) == "2 dogs"
    assert say("empty") == "empty"


def test_braces_in_a_users_own_text_mean_nothing(korean):
    assert say("50 {% of} {it}") == "50 {% of} {it}"


def test_the_language_ends_with_its_block_even_by_an_error():
    with pytest.raises(RuntimeError, match="ko"), speaking("ko"):
        raise RuntimeError(spoken())
    assert spoken() == "en"


def test_an_unknown_language_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="en, ko; received 'xx'"), speaking("xx"):
        pass


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("방법은(는)", "방법은"),
        ("비교은(는)", "비교는"),
        ("값이(가)", "값이"),
        ("차이이(가)", "차이가"),
        ("지도을(를)", "지도를"),
        ("상자과(와)", "상자와"),
        ("기준선과(와)", "기준선과"),
        ("서울으로(로)", "서울로"),
        ("사진으로(로)", "사진으로"),
        ("경로으로(로)", "경로로"),
        ("Grad-CAM은(는)", "Grad-CAM은"),
        ("saliency은(는)", "saliency는"),
        ("Grad-CAM++은(는)", "Grad-CAM++는"),
        ("0.63이(가)", "0.63이"),
        ("0.635이(가)", "0.635가"),
        ("7으로(로)", "7로"),
        ("6으로(로)", "6으로"),
        ("(0.635)은(는)", "(0.635)는"),
        ("한 마디도 없는 문장", "한 마디도 없는 문장"),
        ("은(는) 홀로", "은(는) 홀로"),
    ],
)
def test_particles_follow_the_sound_before_them(written, read):
    assert with_particles(written) == read


def test_finals_of_hangul():
    assert [final_of(letter) for letter in "가각갈힣"] == [0, 1, 8, 27]
