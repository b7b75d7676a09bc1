"""Protocols: values that are checked when they are made."""

from __future__ import annotations

import json
import re
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from dogcam.boxes.drawing import iou_curve, predicted_box, threshold_of
from dogcam.boxes.protocols import CHOICES, COMPONENT_OF_BOX, FIELDS, PROTOCOLS, Protocol, find_protocol, load_protocol
from dogcam.core.errors import OptionError, UnknownName

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
        assert predicted_box(raw, PROTOCOLS[name], (40, 50), threshold=0.3) is not None


# maths.md, "Box protocols": what each preset is published with.
PUBLISHED = {
    "default": {"relu": True, "normalise": "max", "threshold": 0.15, "truth": "any", "score": "logit", "size": 224},
    "cam2016": {"relu": False, "normalise": "max", "threshold": 0.20, "truth": "any", "score": "logit", "size": 224},
    "gradcam2017": {"relu": True, "normalise": "max", "threshold": 0.15, "truth": "any", "score": "logit", "size": 224},
    "wsol-v1": {
        "relu": False,
        "upsample": "cubic",
        "size": 224,
        "normalise": "minmax",
        "threshold": None,
        "threshold_from": "best",
        "thresholds": 1000,
        "quantise_first": True,
        "component": "largest-contour",
        "edge": "last-pixel",
        "missing": "zero",
        "truth": "any",
        "truth_corners": "truncated",
        "iou": "inclusive",
        "iou_levels": (0.5,),
    },
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


PUBLISHED["wsol-v2"] = {**PUBLISHED["wsol-v1"], "component": "all", "iou_levels": (0.3, 0.5, 0.7)}


def test_the_presets_are_those_of_the_table():
    assert list(PROTOCOLS) == ["default", "cam2016", "gradcam2017", "wsol-v1", "wsol-v2", "exercise"]
    assert set(PUBLISHED) == set(PROTOCOLS)


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
    if component in COMPONENT_OF_BOX[box]:
        assert predicted_box(raw, replace(PLAIN, component=component, box=box), (60, 70)) is not None
    else:
        with pytest.raises(OptionError, match=f"the box '{box}' goes with the component"):
            replace(PLAIN, component=component, box=box)


class TestGrid:
    def test_it_is_the_published_one_to_the_last_bit(self):
        np.testing.assert_array_equal(PROTOCOLS["wsol-v1"].grid(), np.arange(0, 1, 0.001))

    @pytest.mark.parametrize("count", [1, 2, 7, 49, 100, 999, 1000, 10_000])
    def test_it_has_as_many_as_asked_for_and_stays_below_one(self, count):
        grid = replace(PLAIN, thresholds=count).grid()
        assert len(grid) == count
        np.testing.assert_allclose(grid, [number / count for number in range(count)], atol=1e-15)
        assert grid.max() < 1


class TestFields:
    def test_every_field_says_what_it_means_and_may_be(self):
        assert list(FIELDS) == [field.name for field in fields(Protocol)]
        for said in FIELDS.values():
            assert len(said.meaning) > 10
            assert said.allowed

    @pytest.mark.parametrize("name", CHOICES)
    def test_every_choice_is_named(self, name):
        assert all(repr(choice) in FIELDS[name].allowed for choice in CHOICES[name])


# One value a field does not take, of each kind; as Python has it and as TOML has it.
WRONG = [
    ("relu", 1, "1"),
    ("relu", "yes", '"yes"'),
    ("quantise_first", 0, "0"),
    ("threshold", True, "true"),
    ("threshold", "0.5", '"0.5"'),
    ("threshold", float("nan"), "nan"),
    ("threshold", 1.0, "1.0"),
    ("version", 0, "0"),
    ("version", 1.5, "1.5"),
    ("score", ["logit"], '["logit"]'),
    ("size", 224.0, "224.0"),
    ("size", True, "true"),
    ("size", 10**9, "1_000_000_000"),
    ("thresholds", 0, "0"),
    ("thresholds", 10**9, "1_000_000_000"),
    ("iou", "plus one", '"plus one"'),
    ("iou_levels", 0.5, "0.5"),
    ("iou_levels", [], "[]"),
    ("iou_levels", [0.7, 0.3], "[0.7, 0.3]"),
    ("iou_levels", [0.0, 0.3], "[0.0, 0.3]"),
    ("iou_levels", [0.5, "0.7"], '[0.5, "0.7"]'),
    ("name", "", '""'),
    ("name", 7, "7"),
    ("description", "two\nlines", '"two\\nlines"'),
]

FILE = """
description = "Mine: no ReLU"
relu = false
threshold = 0.25
upsample = "cubic"
iou_levels = [0.3, 0.5]
"""


class TestFromAFile:
    @pytest.fixture
    def write(self, tmp_path):
        def written(text, name="mine.toml"):
            path = tmp_path / name
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            return path

        return written

    def test_its_fields_and_otherwise_the_defaults(self, write):
        expected = Protocol("mine", "Mine: no ReLU", relu=False, threshold=0.25, upsample="cubic", iou_levels=(0.3, 0.5))
        assert load_protocol(write(FILE)) == expected
        assert load_protocol(str(write(FILE))) == expected
        assert load_protocol(write(FILE + 'name = "other"')).name == "other"
        assert load_protocol(write("relu = true\nthreshold = 0")).description == "from mine.toml"

    @pytest.mark.parametrize("name", PROTOCOLS)
    def test_every_preset_can_be_written_as_a_file(self, write, name):
        document = {**PROTOCOLS[name].document(), "name": "mine"}
        document["size"] = document["size"] or "picture"
        lines = [f"{key} = {json.dumps(value)}" for key, value in document.items() if value is not None]
        assert load_protocol(write("\n".join(lines))) == replace(PROTOCOLS[name], name="mine")

    @pytest.mark.parametrize(("field", "value", "text"), WRONG, ids=[f"{row[0]} = {row[2]}" for row in WRONG])
    def test_a_value_that_a_field_does_not_take(self, write, field, value, text):
        lines = [line for line in FILE.splitlines() if not line.startswith(f"{field} ")]
        path = write("\n".join([*lines, f"{field} = {text}"]))
        shown = repr(tuple(value) if field == "iou_levels" and isinstance(value, list) else value)
        said = rf"{field} must be {re.escape(FIELDS[field].allowed)}; got {re.escape(shown)}$"
        with pytest.raises(OptionError, match=rf"^{re.escape(str(path))}: protocol .*: {said}"):
            load_protocol(path)
        with pytest.raises(OptionError, match=said):
            replace(PLAIN, **{field: value})

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ("treshold = 0.3", "unknown field 'treshold'; the nearest: threshold.*got treshold = 0.3; fields are name,"),
            ("[protocol]\nrelu = true", "unknown field 'protocol'"),
            ('box = "min-area-rect"', "the box 'min-area-rect' goes with the component 'first'; got 'largest'"),
            ('component = "first"', "the box 'extent' goes with the component 'largest' or .*; got 'first'"),
            ("quantise = true\nquantise_first = true", "quantise and quantise_first contradict each other"),
            ('name = "default"', "the name 'default' is taken"),
        ],
    )
    def test_fields_that_there_are_not_or_that_contradict_each_other(self, write, more, message):
        path = write(FILE + more)
        with pytest.raises(OptionError, match=rf"^{re.escape(str(path))}: .*{message}") as raised:
            load_protocol(path)
        assert "\n" not in str(raised.value)

    def test_a_fixed_threshold_must_be_there_and_a_chosen_one_need_not(self, write):
        with pytest.raises(OptionError, match=r"threshold must be in \[0, 1\) with threshold_from = 'fixed'"):
            load_protocol(write("relu = true"))
        chosen = load_protocol(write('relu = true\nthreshold_from = "calibrated"'))
        assert chosen.threshold is None

    def test_a_field_without_a_default_must_be_there(self, write):
        with pytest.raises(OptionError, match="relu is missing; it must be true or false"):
            load_protocol(write("threshold = 0.3"))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("relu = ", "is not TOML"),
            ("relu = true\nrelu = true", "is not TOML"),
            (b"\xff\xfe\x00", "is not TOML"),
            ("x = " + "[" * 5000, "is not TOML"),
        ],
        ids=["no value", "twice", "no text", "without end"],
    )
    def test_what_is_no_toml(self, write, content, message):
        with pytest.raises(OptionError, match=message) as raised:
            load_protocol(write(content))
        assert "\n" not in str(raised.value)

    def test_no_file_and_a_folder(self, tmp_path):
        with pytest.raises(OptionError, match=r"missing\.toml: no protocol can be read there"):
            load_protocol(tmp_path / "missing.toml")
        with pytest.raises(OptionError, match="no protocol can be read there"):
            load_protocol(tmp_path)

    def test_it_draws_and_scores(self, write):
        protocol = load_protocol(write(FILE + 'size = "picture"\niou = "inclusive"\nedge = "last-pixel"'))
        raw = np.zeros((4, 5), np.float32)
        raw[1:3, 1:4] = 1
        truth = np.array([[0.2, 0.25, 0.8, 0.75]], np.float32)
        assert protocol.size is None
        assert iou_curve(raw, protocol, (4, 5), truth).max() == 1


def test_a_mistyped_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="gradcam2017"):
        PROTOCOLS["gradcam2016"]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_without_a_threshold_of_its_own_draws_no_box_of_one_map(name):
    assert find_protocol(name) is PROTOCOLS[name]
    if PROTOCOLS[name].threshold is not None:
        assert threshold_of(PROTOCOLS[name]) == PROTOCOLS[name].threshold
        return
    with pytest.raises(OptionError, match=f"protocol {name} has no threshold of its own: it is chosen on many pictures"):
        predicted_box(np.eye(4), PROTOCOLS[name], (8, 8))
