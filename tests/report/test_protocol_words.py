"""A protocol in words, field by field."""

from dataclasses import replace

import pytest

from dogcam.boxes.protocols import CHOICES, PROTOCOLS
from dogcam.language import speaking
from dogcam.report.protocol_words import in_words


def test_the_default_protocol():
    assert in_words(PROTOCOLS["default"]) == (
        "Protocol default (version 2): negative values set to 0, the map enlarged (bilinear) to 224 × 224, divided by its "
        "maximum, kept where above a threshold that was chosen on training pictures for each method and layer; the largest "
        "connected part, its extent, compared with the best of the annotated boxes; gradients of the logit."
    )


def test_the_classroom_exercise():
    assert in_words(PROTOCOLS["exercise"]) == (
        "Protocol exercise (version 1): negative values kept, the map enlarged (bilinear) to the picture's own size, divided "
        "by its maximum, kept where above 0.05, cut to 8 bits; the first contour found, the extent of its rotated rectangle "
        "of minimum area, compared with the first annotated box; gradients of the softmax."
    )


def test_weakly_supervised_localisation_has_conventions_of_its_own():
    told = in_words(PROTOCOLS["wsol-v2"])
    assert "its minimum and maximum moved to 0 and 1, cut to 8 bits, kept where above the threshold that is best" in told
    assert "every contour, inner ones too, their extents, of which the one that fits best counts, compared" in told
    assert told.endswith(
        "Where nothing is above the threshold the box is 0, 0, 0, 0. A box reaches no further than the last pixel inside. "
        "The corners of annotated boxes are cut to whole pixels. For IoU both corners are inside: 1 is added to every side. "
        "MaxBoxAcc is the mean over the IoU levels 0.3, 0.5, 0.7."
    )
    assert "MaxBoxAcc" not in in_words(PROTOCOLS["wsol-v1"])


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("field", [name for name in CHOICES if name not in ("component", "box")])
def test_no_choice_of_a_field_goes_unsaid(language, field):
    """Components go with their boxes; the registered protocols have all of them."""
    settled = replace(PROTOCOLS["default"], threshold=0.2)
    with speaking(language):
        told = {in_words(replace(settled, **{field: value})) for value in CHOICES[field]}
    assert len(told) == len(CHOICES[field])


def test_in_korean():
    with speaking("ko"):
        told = in_words(PROTOCOLS["cam2016"])
        unknown = in_words(None)
    assert told == (
        "프로토콜 cam2016(버전 1): 음수 값 유지, 맵을 224 × 224로 확대(쌍선형 보간), 최댓값으로 나눔, 0.2보다 큰 곳을 남김, "
        "가장 큰 연결 성분의 범위를 정답 박스 가운데 가장 잘 맞는 것과 비교. 기울기는 로짓에 대한 것이다."
    )
    assert unknown == "이 버전의 dogcam은 이 프로토콜을 알지 못한다."


def test_a_protocol_of_another_version_is_not_known():
    assert in_words(None) == "This version of dogcam does not know the protocol."
