"""Particles follow how a word is read: the readings are those of the Korean spelling of foreign words."""

import pytest

from dogcam.language.particles import with_particles


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Grad-CAM", "은"),  # 캠
        ("Grad-CAM++", "는"),  # 플러스
        ("ROAD", "는"),  # 로드
        ("ADCC", "는"),  # 씨
        ("golden retriever", "는"),  # 리트리버
        ("English foxhound", "는"),  # 하운드
        ("pug", "는"),  # 퍼그
        ("beagle", "은"),  # 비글
        ("mean activation", "은"),
        ("pooling", "은"),  # 풀링
        ("resnet", "은"),  # 넷
        ("test", "는"),  # 테스트
        ("network", "는"),  # 네트워크
        ("90%", "는"),  # 퍼센트
        ("10", "은"),  # 십
    ],
)
def test_a_name_is_read_as_korean_reads_it(name: str, read: str) -> None:
    assert with_particles(f"{name}은(는)") == f"{name}{read}"


def test_what_stands_in_brackets_is_looked_over() -> None:
    assert with_particles("CAM(cam2015)이(가)") == "CAM(cam2015)이"
    assert with_particles("‘삭제(낮을수록 좋음)’으로(로)") == "‘삭제(낮을수록 좋음)’로"


def test_a_final_rieul_takes_the_short_form() -> None:
    assert with_particles("beagle으로(로)") == "beagle로"
    assert with_particles("0.708으로(로)") == "0.708로"
