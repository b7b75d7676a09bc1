"""What pipelines have at each choice: codes that the report has words for, in every language."""

import re
from dataclasses import fields, replace

import pytest

from dogcam.boxes.protocols import CHOICES as VALUES
from dogcam.boxes.protocols import COMPONENT_OF_BOX, PROTOCOLS, Protocol
from dogcam.language import speaking
from dogcam.report.decomposition_words import pipeline_words, settings_words
from dogcam.report.texts import text
from dogcam.scoring.pipelines import CHOICES, Pipeline

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


@pytest.mark.parametrize("choice", ["method", *CHOICES])
def test_every_choice_has_a_name(choice):
    english = text(f"decomposition.choices.{choice}")
    with speaking("ko"):
        assert choice == "relu" or text(f"decomposition.choices.{choice}") != english


@pytest.mark.parametrize("choice", CHOICES)
def test_every_value_that_a_protocol_has_there_has_words_of_its_own(choice):
    settings = {CHOICES[choice].settings(protocol): protocol for protocol in variants()}
    assert len(settings) > 1
    found = [Pipeline("cam", protocol).settings(protocol) for protocol in settings.values()]
    assert len({settings_words(each, choice) for each in found}) == len(settings)
    with speaking("ko"):
        said = [settings_words(each, choice) for each in found]
    assert not [words for words in said if set(ENGLISH.findall(words)) - {"IoU"}]
    assert len(set(said)) == len(settings), "what differs in English differs in Korean"


def test_what_the_method_cuts_itself_is_said_of_the_method():
    kept = PROTOCOLS["cam2016"]
    found = Pipeline("gradcam", kept).settings(replace(kept, relu=True))
    assert settings_words(found, "relu") == "cut at 0 by Grad-CAM itself"
    with speaking("ko"):
        assert settings_words(found, "relu") == "Grad-CAM 자체가 0에서 자름"
    assert settings_words(found, "method") == "Grad-CAM"


@pytest.mark.parametrize("protocol", ["default", "by hand", "a by b"])
def test_a_pipeline_is_named_by_method_and_protocol(protocol):
    own = replace(PROTOCOLS["default"], name=protocol)
    found = Pipeline("gradcam++", own).settings(own)
    assert (found.method, found.protocol, found.name) == ("gradcam++", protocol, f"gradcam++@{protocol}")
    assert pipeline_words(found) == f"Grad-CAM++ by {protocol}"
    with speaking("ko"):
        assert pipeline_words(found) == f"Grad-CAM++({protocol})"


def test_no_field_of_a_protocol_was_forgotten():
    """A new field that is switched needs codes, and codes need words."""
    known = {name for choice in CHOICES.values() for name in choice.fields}
    rest = {"name", "description", "version", "threshold_from", "thresholds", "iou_levels"}
    assert known | rest == {each.name for each in fields(Protocol)}
