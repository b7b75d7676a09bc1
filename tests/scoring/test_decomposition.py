"""Where a gap comes from: boxes counted by hand, combinations that exist, and CAM against Grad-CAM on a network."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import combinations, permutations

import numpy as np
import pytest

from dogcam.analysis.decomposition import ScoredMap, Setting
from dogcam.boxes import drawing
from dogcam.boxes.protocols import PROTOCOLS, Protocol
from dogcam.core.errors import OptionError, UnknownName
from dogcam.core.progress import Progress
from dogcam.data import Record
from dogcam.data.pipeline import Pictures, read_pictures
from dogcam.engine import HeatmapEngine
from dogcam.engine.targets import NOBODY
from dogcam.experiment.selection import reopen_dataset
from dogcam.models.classifier import load_trained
from dogcam.scoring import Calibration, decomposition
from dogcam.scoring.decomposition import Mixtures, chosen_threshold, decomposed, is_cam, maps_of
from dogcam.scoring.pipelines import CHOICES, Pipeline, combined, fixed_at, parse
from dogcam.statistics import decompose

# Each row is 1, .45, .15, -1; the object is the left half. On a map of 4 x 4 no enlarging blurs what is counted.
ROWS = np.tile(np.float32([1, 0.45, 0.15, -1]), (4, 1))
LEFT_HALF = np.float32([[0, 0, 0.5, 1]])


def protocol(**given):
    return Protocol(**{"name": "p", "description": "d", "relu": False, "threshold": 0.5, "size": 4, **given})


def pictures_of(count, boxes=LEFT_HALF):
    records = tuple(Record(str(place), None, 0, boxes) for place in range(count))
    return Pictures(records, np.zeros((count, 4, 4, 3), np.uint8), np.full((count, 2), 4, np.int32), ())


def on_rows(first, second, methods=("cam", "cam"), maps=None):
    """The pipelines on one picture whose map is `ROWS`, and its IoU under every combination."""
    maps = maps or maps_of({("cam", "logit"): ROWS[None]}, ["logit"])
    mixtures = Mixtures((Pipeline(methods[0], first), Pipeline(methods[1], second)), maps)
    return mixtures, mixtures.ious(pictures_of(1), Progress())


# The two pipelines


def test_a_method_without_a_protocol_has_its_own_papers():
    first, second = parse("cam:gradcam")
    assert (first.name, second.name) == ("cam@cam2016", "gradcam@gradcam2017")
    assert [side.name for side in parse(" cam@wsol-v1 : layercam ")] == ["cam@wsol-v1", "layercam@default"]


def test_a_protocol_of_the_users_own(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("relu = true\nthreshold = 0.3\n")
    _, second = parse(f"cam:cam@{file}")
    assert (second.name, second.protocol.threshold) == ("cam@mine", 0.3)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("cam:gradcan", UnknownName, "gradcam"),
        ("cam@cam2015:gradcam", UnknownName, "cam2016"),
        ("cam", OptionError, "two methods"),
        ("cam:gradcam:cam", OptionError, "two methods"),
        ("cam@:gradcam", OptionError, "no protocol after the @"),
        ("cam:cam@cam2016", OptionError, "the same pipeline twice"),
        ("cam:whole-image", OptionError, "whole-image is a box"),
    ],
)
def test_what_cannot_be_decomposed_is_said(text, error, says):
    with pytest.raises(error, match=says):
        parse(text)


# The bundles


def test_every_field_of_a_protocol_is_in_one_bundle_or_does_not_change_a_box():
    bundled = [name for choice in CHOICES.values() for name in choice.fields]
    naming = {"name", "description", "version"}
    choosing = {"threshold_from", "thresholds", "iou_levels"}  # settled before anything is switched
    assert sorted([*bundled, *naming, *choosing]) == sorted(each.name for each in fields(Protocol))


@pytest.mark.parametrize(("first", "second"), list(permutations(PROTOCOLS, 2)))
def test_every_mixture_of_two_protocols_is_a_protocol(first, second):
    one, other = (fixed_at(PROTOCOLS[name], 0.3) for name in (first, second))
    for size in range(len(CHOICES) + 1):
        for switched in combinations(CHOICES, size):
            mixed = combined(one, other, switched)  # refused when it is made, where fields contradict each other
            for name, choice in CHOICES.items():
                assert not choice.differs(mixed, other if name in switched else one)


@pytest.mark.parametrize(("first", "second"), list(permutations(PROTOCOLS, 2)))
def test_the_settings_of_two_protocols_differ_where_they_do(first, second):
    one, other = (fixed_at(PROTOCOLS[name], PROTOCOLS[name].threshold or 0.3) for name in (first, second))
    for choice in CHOICES.values():
        assert choice.differs(one, other) == (choice.settings(one) != choice.settings(other))


# Counted by hand


def test_relu_and_threshold_counted_by_hand():
    """From minimum to maximum, a value v of the map is (v + 1) / 2, and v itself once it is cut at 0.

    Above .5 lie the three columns of v > 0; cut, the one of v > .5: IoU with the left half 2/3 and 1/2. Above .2 lie the
    three of v > -.6; cut, the two of v > .2: 2/3 and 1.
    """
    first = protocol(normalise="minmax")
    mixtures, ious = on_rows(first, replace(first, relu=True, threshold=0.2))
    expected = {(): 2 / 3, ("relu",): 1 / 2, ("threshold",): 2 / 3, ("relu", "threshold"): 1}
    assert {tuple(sorted(switched)): float(value[0]) for switched, value in ious.items()} == pytest.approx(expected)
    relu, threshold = decompose(ious.__getitem__, mixtures.choices, resamples=10).steps
    assert (relu.forward.value, relu.backward.value) == pytest.approx((-1 / 6, 1 / 3))
    assert (threshold.forward.value, threshold.backward.value) == pytest.approx((1 / 2, 0))
    assert (relu.average.value, threshold.average.value) == pytest.approx((1 / 12, 1 / 4))


def test_what_only_the_comparison_needs_draws_no_box_again(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        drawing, "predicted_boxes", lambda *given, draw=drawing.predicted_boxes: drawn.append(given[1]) or draw(*given)
    )
    first = protocol()
    second = replace(first, threshold=0.2, truth="first", iou="inclusive")
    _, ious = on_rows(first, second)
    assert len(ious) == 4
    assert sorted(each.threshold for each in drawn) == [0.2, 0.5]
    # Two of four columns against two, pipelines + 1: (3 * 5) / (3 * 5); one against two: (2 * 5) / (3 * 5).
    assert ious[frozenset({"threshold", "comparison"})] == pytest.approx(1)
    assert ious[frozenset({"comparison"})] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("source", "levels", "expected"), [("best", (0.5,), 0.0), ("best", (0.9,), 0.2), ("calibrated", (0.5,), 0.2)]
)
def test_a_threshold_that_is_chosen(source, levels, expected):
    """Below .15 lie three columns, IoU 2/3 and right at .5; from .2 (the tenth after .15) to .4 the two of the object."""
    side = Pipeline("cam", protocol(threshold=None, threshold_from=source, thresholds=10, iou_levels=levels))
    maps = maps_of({("cam", "logit"): np.stack([ROWS] * 3)}, ["logit"])
    assert chosen_threshold(side, maps, pictures_of(3)) == pytest.approx(expected)


# Whose ReLU it is


CUT = np.maximum(ROWS, 0)
OTHER = CUT[:, ::-1]


def test_a_threshold_is_chosen_on_the_map_that_the_method_gives():
    """Cut, the columns from minimum to maximum are 1, .45, .15 and 0: two of them above .2; kept, 1, .725, .575 and 0."""
    found = {("cam", "logit"): ROWS[None], ("gradcam", "logit"): CUT[None] / 16}
    maps = maps_of(found, ["logit"], cam=ROWS[None])
    chosen = protocol(normalise="minmax", threshold_from="calibrated", thresholds=10)
    assert chosen_threshold(Pipeline("gradcam", chosen), maps, pictures_of(1)) == pytest.approx(0.2)
    assert chosen_threshold(Pipeline("cam", chosen), maps, pictures_of(1)) == pytest.approx(0.6)


def test_a_map_that_its_own_formula_cuts_is_never_asked_for_uncut():
    maps = maps_of({("cam", "logit"): ROWS[None], ("gradcam", "logit"): OTHER[None]}, ["logit"], cam=ROWS[None])
    assert maps.cut == {"gradcam"}
    mixtures, ious = on_rows(protocol(), protocol(), ("cam", "gradcam"), maps)
    assert mixtures.choices == ["method", "relu"]
    assert set(ious) == {frozenset(), frozenset({"relu"}), frozenset({"method", "relu"})}
    assert mixtures.bound == (ScoredMap("gradcam", "logit"),)
    # And back: the map must be the other one before its negative values are let in again.
    _, ious = on_rows(protocol(), protocol(), ("gradcam", "cam"), maps)
    assert set(ious) == {frozenset(), frozenset({"method"}), frozenset({"method", "relu"})}


def test_a_map_that_is_cams_but_for_relu_is_known_uncut():
    found = {("cam", "logit"): ROWS[None], ("gradcam", "logit"): CUT[None] / 16}
    maps = maps_of(found, ["logit"], cam=ROWS[None])
    assert list(maps.arrays) == [("cam", "logit")]
    mixtures, ious = on_rows(protocol(normalise="minmax"), protocol(normalise="minmax"), ("cam", "gradcam"), maps)
    assert (len(ious), mixtures.bound) == (4, ())
    method, relu = decompose(ious.__getitem__, mixtures.choices, resamples=10).steps
    assert (method.least, method.most, relu.average.value) == (0, 0, pytest.approx(-1 / 6))
    assert [each.settings["relu"] for each in mixtures.settings] == [(Setting("kept"),), (Setting("cut-by-method"),)]


def test_two_methods_that_cut_share_relu_whatever_their_protocols_say():
    maps = maps_of({("gradcam", "logit"): CUT[None], ("layercam", "logit"): OTHER[None]}, ["logit"])
    mixtures, _ = on_rows(protocol(), protocol(relu=True), ("gradcam", "layercam"), maps)
    assert mixtures.choices == ["method"]
    assert [each.settings["relu"] for each in mixtures.settings] == [(Setting("cut-by-method"),), (Setting("cut"),)]


@pytest.mark.parametrize(
    ("maps", "same"),
    [
        (CUT / 16, True),
        (CUT / 16 + np.float32(0.9e-4 / 16), True),
        (CUT / 16 + np.float32(1.1e-4 / 16), False),
        (ROWS / 16, False),
        (CUT[:2] / 16, False),
    ],
)
def test_whether_maps_are_cams_is_measured(maps, same):
    everywhere = np.stack([CUT / 16, CUT / 16]) if maps.shape == CUT.shape else maps[None]
    if maps.shape == CUT.shape:
        everywhere[1] = maps  # one picture of two is enough to say no
    assert is_cam(everywhere, np.stack([ROWS, ROWS])) == same


# On a network


@pytest.fixture(scope="module")
def network(trained):
    """A trained classifier with pictures and their targets."""
    dataset = reopen_dataset(trained.experiment, None, Progress())
    classifier = load_trained(trained.experiment, 1, 2)
    pictures = read_pictures(dataset.splits["test"][:12], classifier.size, "reading", Progress())
    return classifier, pictures, np.column_stack([pictures.labels, np.full(len(pictures.records), NOBODY)])


def raw_maps(network, method, score):
    classifier, pictures, targets = network
    cell = (method, classifier.pooled_layer())
    return HeatmapEngine(classifier, [cell], score)(classifier.inputs_of(pictures.images), *targets.T).maps[cell]


def mean_iou(network, maps, used):
    """The mean IoU by a protocol as it stands, by `localize` alone."""
    shapes = [tuple(shape) for shape in network[1].shapes.tolist()]
    found = [
        drawing.score(drawing.predicted_box(raw, used, shape), record.boxes, used, shape)
        for raw, record, shape in zip(maps, network[1].records, shapes, strict=True)
    ]
    return np.mean(found)


def test_cam_and_gradcam_differ_by_their_handling_alone(network):
    """At the layer that feeds the pooling, of a logit score: the method changes no picture, in any order."""
    found = decomposed(parse("cam:gradcam"), *network, Progress(), run=1, epoch=2, resamples=200)
    method, relu, threshold = found.numbers.steps
    assert (method.label, relu.label, threshold.label) == ("method", "relu", "threshold")
    assert (method.least, method.most, method.average.low, method.average.high) == (0, 0, 0, 0)
    assert (found.pooled, found.proportional, found.bound, found.numbers.orders) == (True, True, (), 6)
    start, end = found.numbers.start.value, found.numbers.end.value
    assert start == pytest.approx(mean_iou(network, raw_maps(network, "cam", "logit"), PROTOCOLS["cam2016"]))
    assert end == pytest.approx(mean_iou(network, raw_maps(network, "gradcam", "logit"), PROTOCOLS["gradcam2017"]))
    assert relu.average.value + threshold.average.value == pytest.approx(end - start)


def test_another_score_is_another_map_whose_negative_values_are_not_known(network, monkeypatch):
    made = []
    monkeypatch.setattr(
        decomposition, "HeatmapEngine", lambda *given, **more: made.append(given[1:]) or HeatmapEngine(*given, **more)
    )
    found = decomposed(parse("cam:gradcam@exercise"), *network, Progress(), resamples=50)
    layer = found.layer
    assert made == [([("cam", layer), ("gradcam", layer)], "logit"), ([("gradcam", layer)], "softmax")]
    assert found.bound == (ScoredMap("gradcam", "softmax"),)
    order = [found.numbers.steps[place].label for place in found.numbers.forward_order]
    assert order[:3] == ["method", "relu", "score"]
    expected = mean_iou(network, raw_maps(network, "gradcam", "softmax"), PROTOCOLS["exercise"])
    assert found.numbers.end.value == pytest.approx(expected)


def test_thresholds_given_chosen_and_calibrated(network):
    """Calibrated on the pictures themselves, nothing fixed on the grid can do better."""
    _, pictures, targets = network
    pipelines = parse("cam@default:cam@gradcam2017")
    first = PROTOCOLS["default"]
    found = decomposed(pipelines, *network, Progress(), calibration=Calibration(pictures, targets), resamples=10)
    cam = raw_maps(network, "cam", "logit")
    grid = [mean_iou(network, cam, fixed_at(first, threshold)) for threshold in first.grid()[::10]]
    assert found.numbers.start.value >= max(grid) - 1e-6
    given = decomposed(pipelines, *network, Progress(), thresholds=(0.4, None), resamples=10)
    assert [each.settings["threshold"] for each in (given.first, given.second)] == [
        (Setting("above", 0.4),),
        (Setting("above", 0.15),),
    ]


def test_nothing_that_differs_is_an_error_that_says_so(network):
    pipelines = parse("cam@default:cam@gradcam2017")
    with pytest.raises(OptionError, match="the same pipeline"):
        decomposed(pipelines, *network, Progress(), thresholds=(0.15, 0.15))
