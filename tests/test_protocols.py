"""Protocols: values that are checked when they are made."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from dogcam.errors import OptionError, UnknownName
from dogcam.localize import predicted_box
from dogcam.protocols import CHOICES, COMPONENT_OF_BOX, PROTOCOLS, Protocol

PLAIN = Protocol("plain", "for tests", relu=True, threshold=0.5)


@pytest.mark.parametrize("name", PROTOCOLS)
class TestEveryRegistered:
    def test_it_carries_the_name_it_is_registered_under_and_says_what_it_is(self, name):
        protocol = PROTOCOLS[name]
        assert protocol.name == name
        assert protocol.version >= 1
        assert len(protocol.description) > 20

    def test_its_document_is_json_and_makes_it_again(self, name):
        document = json.loads(json.dumps(PROTOCOLS[name].document()))
        assert set(document) == {field.name for field in fields(Protocol)}
        assert Protocol(**document) == PROTOCOLS[name]

    def test_it_cannot_be_changed(self, name):
        with pytest.raises(FrozenInstanceError):
            PROTOCOLS[name].threshold = 0.9

    def test_it_draws_a_box(self, name):
        raw = np.zeros((4, 5), np.float32)
        raw[1:3, 1:4] = 1
        assert predicted_box(raw, PROTOCOLS[name], (40, 50)) is not None


# maths.md, "Box protocols": what each preset is published with.
PUBLISHED = {
    "default": {"relu": True, "normalise": "max", "threshold": 0.15, "truth": "any", "score": "logit", "size": 224},
    "cam2016": {"relu": False, "normalise": "max", "threshold": 0.20, "truth": "any", "score": "logit", "size": 224},
    "gradcam2017": {"relu": True, "normalise": "max", "threshold": 0.15, "truth": "any", "score": "logit", "size": 224},
    "exercise": {
        "relu": False,
        "normalise": "max",
        "threshold": 0.05,
        "truth": "first",
        "score": "softmax",
        "size": None,
        "quantise": True,
        "component": "first",
        "box": "min-area-rect",
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_presets_are_what_was_published(name):
    assert {field: getattr(PROTOCOLS[name], field) for field in PUBLISHED[name]} == PUBLISHED[name]


@pytest.mark.parametrize("field", CHOICES)
def test_a_field_takes_only_what_there_is_and_says_so(field):
    with pytest.raises(OptionError, match=f"protocol plain: {field} must be one of .*'neither'"):
        replace(PLAIN, **{field: "neither"})


@pytest.mark.parametrize("threshold", [-0.01, 1, 1.5, float("nan"), float("inf")])
def test_a_threshold_is_a_share_below_one(threshold):
    with pytest.raises(OptionError, match="threshold must be in"):
        replace(PLAIN, threshold=threshold)


def test_a_threshold_of_zero_is_fine():
    assert replace(PLAIN, threshold=0).threshold == 0


@pytest.mark.parametrize("size", [0, -224])
def test_a_size_is_positive(size):
    with pytest.raises(OptionError, match="size must be"):
        replace(PLAIN, size=size)


@pytest.mark.parametrize("box", CHOICES["box"])
@pytest.mark.parametrize("component", CHOICES["component"])
def test_every_protocol_that_can_be_made_can_draw(component, box):
    """What `localize` has no drawing for is refused when the protocol is made, not in the middle of an evaluation."""
    raw = np.zeros((6, 7), np.float32)
    raw[1:5, 1:5] = 1
    if COMPONENT_OF_BOX[box] == component:
        assert predicted_box(raw, replace(PLAIN, component=component, box=box), (60, 70)) is not None
    else:
        with pytest.raises(OptionError, match=f"the box '{box}' goes with the component"):
            replace(PLAIN, component=component, box=box)


def test_a_mistyped_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="gradcam2017"):
        PROTOCOLS["gradcam2016"]
