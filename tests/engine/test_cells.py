"""Which maps are drawn, and for which classes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dogcam.core.errors import LayerError, OptionError, UnknownName
from dogcam.engine import INPUT, NOBODY, PREDICTED, SCORES, SECOND, HeatmapEngine, checked_layer, plan_cells, study_cells
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier, build


@pytest.fixture(scope="module")
def small(networks):
    return networks.classifier(networks.smooth(12, 16), stages=("first", "last"))


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(3).normal(size=(5, 12, 16, 3)).astype(np.float32)


class TestPlans:
    def test_the_study_is_cam_and_gradcam_at_the_three_stages(self):
        classifier = build("resnet50", ("a", "b"), weights="none")
        assert study_cells(classifier) == [
            ("cam", "conv5_block3_out"),
            ("gradcam", "conv3_block4_out"),
            ("gradcam", "conv4_block6_out"),
            ("gradcam", "conv5_block3_out"),
        ]

    def test_without_layers_each_method_is_drawn_at_its_own(self, small):
        assert plan_cells(small, ["cam", "gradcam"]) == [("cam", "last"), ("gradcam", "last")]

    def test_cam_is_drawn_once_among_several_layers(self, small):
        cells = plan_cells(small, ["cam", "gradcam"], ["first", "last"])
        assert cells == [("cam", "last"), ("gradcam", "first"), ("gradcam", "last")]

    def test_cam_elsewhere_is_a_clear_error(self, small):
        with pytest.raises(LayerError, match="only at the layer that feeds the pooling, 'last'"):
            plan_cells(small, ["cam"], ["first"])
        with pytest.raises(LayerError, match="only at the layer that feeds the pooling, 'last'"):
            HeatmapEngine(small, [("cam", "first")])

    @pytest.mark.parametrize(("layer", "words"), [("lst", "the nearest: last"), ("pool", "a heatmap needs")])
    def test_layers_that_do_not_exist_or_have_no_extent(self, small, layer, words):
        with pytest.raises(LayerError, match=words):
            plan_cells(small, ["gradcam"], [layer])

    def test_unknown_methods_are_named_with_the_nearest(self, small):
        with pytest.raises(UnknownName, match="gradcam"):
            plan_cells(small, ["gradcan"])

    def test_cam_without_pooling_says_why(self):
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(2, 3, name="conv")(inputs)
        outputs = keras.layers.Dense(3)(keras.layers.Flatten()(x))
        flat = Classifier(keras.Model(inputs, outputs), lambda images: images, (), ("conv",), "flat")
        with pytest.raises(LayerError, match=r"needs global average pooling"):
            plan_cells(flat, ["cam"])
        assert study_cells(flat) == [("gradcam", "conv")]
        assert HeatmapEngine(flat, [("gradcam", "conv")])(np.ones((2, 8, 8, 3), np.float32)).maps["gradcam", "conv"].shape == (
            2,
            6,
            6,
        )

    def test_a_method_of_the_input_is_drawn_once(self, small):
        cells = plan_cells(small, ["saliency", "gradcam", "saliency"], ["first", "last", "first"])
        assert cells == [("saliency", INPUT), ("gradcam", "first"), ("gradcam", "last")]

    def test_every_method_has_a_place(self, small):
        cells = plan_cells(small, METHODS)
        assert [name for name, _ in cells] == list(METHODS)
        assert all((layer == INPUT) != METHODS[name].at_layer for name, layer in cells)

    def test_a_layer_beside_the_way_to_the_classes_is_refused(self):
        """Of a model with two outputs: it is in the graph, and the classes do not depend on it."""
        inputs = keras.Input((8, 8, 3))
        aside = keras.layers.Conv2D(2, 3, name="aside")(inputs)
        main = keras.layers.Conv2D(2, 3, name="main")(inputs)
        out = keras.layers.Dense(3, name="out")(keras.layers.GlobalAveragePooling2D()(main))
        two = Classifier(keras.Model(inputs, {"out": out, "aside": aside}), lambda images: images, output="out")
        assert checked_layer(two, "main") == "main"
        for refused in (lambda: checked_layer(two, "aside"), lambda: HeatmapEngine(two, [("gradcam", "aside")])):
            with pytest.raises(LayerError, match=r"the score of .* does not depend on layer 'aside'"):
                refused()

    def test_an_engine_for_nothing_is_refused(self, small):
        with pytest.raises(OptionError, match="at least one"):
            HeatmapEngine(small, [])

    def test_scores_that_do_not_exist_are_refused(self, small):
        with pytest.raises(UnknownName, match="score"):
            HeatmapEngine(small, [("gradcam", "last")], "logits")


class TestTargets:
    def logits(self, small, batch):
        return small.model.predict(batch, verbose=0)

    @pytest.mark.parametrize("place", [1, 2, 3, 4, 5])
    def test_places_count_down_from_the_predicted_class(self, small, batch, place):
        found = HeatmapEngine(small, [("cam", "last")])(batch, np.full(5, -place))
        np.testing.assert_array_equal(found.targets, np.argsort(-self.logits(small, batch), axis=1)[:, place - 1])

    def test_second_is_the_second(self, small, batch):
        engine = HeatmapEngine(small, [("cam", "last"), ("scorecam", "last")])
        order = np.argsort(-self.logits(small, batch), axis=1)
        found, expected = engine(batch, np.full(5, SECOND)), engine(batch, order[:, 1])
        for cell in engine.cells:
            np.testing.assert_allclose(found.maps[cell], expected.maps[cell], atol=1e-6)

    def test_without_targets_it_is_the_predicted_class(self, small, batch):
        found = HeatmapEngine(small, [("cam", "last")])(batch)
        np.testing.assert_array_equal(found.targets, self.logits(small, batch).argmax(axis=1))
        assert found.against.tolist() == [-1] * 5

    def test_the_predicted_against_the_second(self, small, batch):
        engine = HeatmapEngine(small, [("cam", "last")])
        order = np.argsort(-self.logits(small, batch), axis=1)
        found = engine(batch, np.full(5, PREDICTED), np.array([SECOND, SECOND, NOBODY, SECOND, SECOND]))
        expected = np.where(np.arange(5) == 2, -1, order[:, 1])
        np.testing.assert_array_equal(found.against, expected)
        one = engine(batch, order[:, 0]).maps["cam", "last"]
        other = engine(batch, order[:, 1]).maps["cam", "last"] * (expected >= 0)[:, None, None]
        np.testing.assert_allclose(found.maps["cam", "last"], one - other, atol=1e-5)

    @pytest.mark.parametrize(
        "targets", [[0, 1], [0, 1, 2, 3, 5], [0, 0, 0, 0, -6], [[0], [1], [2], [3], [4]], [0, 1, 2, 3, NOBODY]]
    )
    def test_those_that_do_not_fit_are_refused(self, small, batch, targets):
        with pytest.raises(OptionError, match="targets must be one class below 5 for each of 5 images"):
            HeatmapEngine(small, [("gradcam", "last")])(batch, np.array(targets))

    @pytest.mark.parametrize("against", [[0, 1, 2, 3, 5], [0, 0, 0, 0, -6], [0]])
    def test_so_are_classes_that_cannot_be_set_against(self, small, batch, against):
        with pytest.raises(OptionError, match="against must be one class below 5"):
            HeatmapEngine(small, [("gradcam", "last")])(batch, None, np.array(against))

    @pytest.mark.parametrize("shape", [(12, 16, 3), (2, 16, 12, 3), (2, 12, 16, 1), (2, 3, 12, 16)])
    def test_inputs_of_another_shape_are_refused(self, small, shape):
        with pytest.raises(OptionError, match=r"inputs must be a batch \(B, 12, 16, 3\); received"):
            HeatmapEngine(small, [("gradcam", "last")])(np.zeros(shape, np.float32))

    @pytest.mark.parametrize("score", SCORES)
    def test_ties_go_to_the_first_class_as_in_numpy(self, networks, batch, score):
        model = networks.smooth(12, 16)
        model.get_layer("logits").set_weights([np.zeros((6, 5)), np.array([0, 1, 1, 1, 0])])
        found = HeatmapEngine(networks.classifier(model), [("cam", "last")], score)(batch)
        assert found.targets.tolist() == [1] * 5


def test_a_layer_that_the_score_does_not_depend_on_is_refused():
    inputs = keras.Input((8, 8, 3))
    aside = keras.layers.Conv2D(2, 3, name="aside")(inputs)
    x = keras.layers.Conv2D(2, 3, name="main")(inputs)
    outputs = keras.layers.Dense(3, name="out")(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, [outputs, aside])
    only = Classifier(keras.Model(inputs, outputs), lambda images: images, (), ("main",), "only")
    assert model.count_params() > only.model.count_params()
    with pytest.raises(LayerError, match="no layer 'aside'"):
        HeatmapEngine(only, [("gradcam", "aside")])
