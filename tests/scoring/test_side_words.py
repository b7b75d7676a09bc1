"""What a walk says of two pipelines' choices, and that a report can say it again in Korean."""

import re
from dataclasses import fields, replace

import pytest

from dogcam.analysis.decomposition_words import CHOICES as CALLED
from dogcam.analysis.decomposition_words import METHOD, choice_words, pipeline_words, scored_words, value_words
from dogcam.boxes.protocols import CHOICES as VALUES
from dogcam.boxes.protocols import COMPONENT_OF_BOX, PROTOCOLS, Protocol
from dogcam.language import CATALOGUES, speaking
from dogcam.scoring.sides import CHOICES, Side

ENGLISH = re.compile(r"[A-Za-z]+")


def variants():
    """Every registered protocol, with each of its fields as any protocol may have it."""
    for protocol in PROTOCOLS.values():
        settled = replace(protocol, threshold=0.25, threshold_from="fixed")
        yield settled
        for name, values in VALUES.items():
            for value in values:
                if name not in ("box", "component", "threshold_from"):
                    yield replace(settled, **{name: value})
        for box, components in COMPONENT_OF_BOX.items():
            for component in components:
                yield replace(settled, box=box, component=component)
        for early in (False, True):
            yield replace(settled, quantise=not early, quantise_first=early)
        yield replace(settled, quantise=False, quantise_first=False)
        yield replace(settled, size=None)


def test_every_choice_of_a_walk_has_a_name_there():
    assert list(CALLED) == [METHOD, *CHOICES]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_value_that_a_protocol_has_there_is_said_again(choice):
    words = {CHOICES[choice].words(protocol) for protocol in variants()}
    assert len(words) > 1
    with speaking("ko"):
        said = {each: value_words(each) for each in words}
    left = {each: found for each, found in said.items() if set(ENGLISH.findall(found)) - {"IoU"}}
    assert left == {}
    assert len(set(said.values())) == len(words), "what differs in English differs in Korean"


def test_both_sides_of_a_change_are_said_again_and_names_stay():
    assert "ko" in CATALOGUES
    assert value_words("of 8 bits, above 0.2 → CAM") == "of 8 bits, above 0.2 → CAM"
    with speaking("ko"):
        assert value_words("CAM → Grad-CAM") == "CAM → Grad-CAM"
        assert value_words("negative values kept → cut at 0 by Grad-CAM itself").endswith("Grad-CAM 자체가 0에서 자름")
        assert choice_words("threshold + box rule") == "임계값 + 박스 규칙"


@pytest.mark.parametrize("protocol", ["default", "by hand", "a by b"])
def test_a_pipeline_is_named_by_method_and_protocol(protocol):
    own = replace(PROTOCOLS["default"], name=protocol)
    title = Side("gradcam++", own).title
    assert pipeline_words(title) == title == f"Grad-CAM++ by {protocol}"
    with speaking("ko"):
        assert pipeline_words(title) == f"Grad-CAM++({protocol})"


def test_a_map_of_a_score():
    assert scored_words("Grad-CAM (softmax)") == "Grad-CAM (softmax)"
    assert scored_words("Grad-CAM") == "Grad-CAM"
    with speaking("ko"):
        assert scored_words("Grad-CAM (softmax)") == "Grad-CAM(소프트맥스)"


def test_no_field_of_a_protocol_was_forgotten():
    """A new field that a walk switches needs words, and words need a Korean."""
    known = {name for choice in CHOICES.values() for name in choice.fields}
    rest = {"name", "description", "version", "threshold_from", "thresholds", "iou_levels"}
    assert known | rest == {each.name for each in fields(Protocol)}
