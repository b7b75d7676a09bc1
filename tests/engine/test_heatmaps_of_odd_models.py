"""Models that are easily read wrongly: heads, gates, attentions, outputs and paths that a rule of thumb gets wrong."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dogcam.core.errors import LayerError, ModelError
from dogcam.engine import HeatmapEngine, plan_cells
from dogcam.models.classifier import foreign


class CosineHead(keras.layers.Dense):
    """A dense layer of somebody's own, that computes something else with the same kernel."""

    def call(self, inputs):
        unit = keras.ops.normalize(inputs, axis=-1)
        return 10 * keras.ops.matmul(unit, keras.ops.normalize(self.kernel, axis=0))


def test_a_head_that_computes_something_else_is_run_and_not_guessed():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((10, 12, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(5, 3, name="conv")(inputs))
    model = keras.Model(inputs, keras.layers.Softmax()(CosineHead(4, use_bias=False)(x)))
    classifier = foreign(model, "none")
    batch = np.random.default_rng(0).normal(size=(3, 10, 12, 3)).astype(np.float32)
    found = HeatmapEngine(classifier, [("gradcam", "conv")])(batch)
    np.testing.assert_allclose(classifier.probabilities(found.logits), model.predict(batch, verbose=0), rtol=1e-4, atol=1e-6)
    with pytest.raises(LayerError, match="do not come from a plain dense layer but from a CosineHead"):
        plan_cells(classifier, ["cam"])


def test_a_quantised_head_is_run_and_not_guessed():
    keras.utils.set_random_seed(1)
    inputs = keras.Input((10, 12, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(5, 3, name="conv", activation="relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(4)(x))
    model.layers[-1].quantize("int8")
    batch = np.random.default_rng(0).normal(size=(3, 10, 12, 3)).astype(np.float32)
    found = HeatmapEngine(foreign(model, "none"), [("eigencam", "conv")])(batch)
    np.testing.assert_allclose(found.logits, model(batch).numpy(), atol=1e-4)


class TestTheLayerThatIsDrawnUnasked:
    def test_it_is_the_pooled_one_and_no_gate_beside_it(self):
        inputs = keras.Input((16, 16, 3))
        x = keras.layers.Conv2D(4, 3, padding="same", strides=2, name="trunk")(inputs)
        gate = keras.layers.AveragePooling2D(4, name="low")(x)
        gate = keras.layers.Conv2D(4, 1, activation="sigmoid", name="gate")(gate)
        gate = keras.layers.UpSampling2D(4, name="up")(gate)
        x = keras.layers.Multiply(name="gated")([x, gate])
        outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x))
        classifier = foreign(keras.Model(inputs, outputs), "none")
        assert classifier.stages == ("gated",)
        assert plan_cells(classifier, ["cam", "gradcam"]) == [("cam", "gated"), ("gradcam", "gated")]

    def test_it_is_not_inside_an_attention(self):
        """Heads and features of an attention written out have four dimensions too."""
        inputs = keras.Input((16, 16, 3))
        x = keras.layers.Conv2D(8, 4, strides=4, name="patch")(inputs)
        tokens = keras.layers.Reshape((16, 8))(x)
        heads = keras.layers.Permute((2, 1, 3))(keras.layers.Reshape((16, 2, 4))(tokens))
        weights = keras.ops.softmax(keras.ops.matmul(heads, keras.ops.transpose(heads, (0, 1, 3, 2))))
        mixed = keras.layers.Reshape((16, 8))(keras.ops.transpose(keras.ops.matmul(weights, heads), (0, 2, 1, 3)))
        tokens = keras.layers.Add()([tokens, mixed])
        outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(tokens))
        assert foreign(keras.Model(inputs, outputs), "none").stages == ("patch",)

    def test_stages_end_residual_blocks_and_not_their_insides(self):
        inputs = x = keras.Input((32, 32, 3))
        for stage in (1, 2, 3):
            x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name=f"down{stage}")(x)
            inside = keras.layers.Conv2D(4, 3, padding="same", name=f"inside{stage}")(x)
            x = keras.layers.Add(name=f"end{stage}")([x, inside])
        outputs = keras.layers.Dense(3)(keras.layers.Flatten()(x))
        assert foreign(keras.Model(inputs, outputs), "none").stages == ("end1", "end2", "end3")


@pytest.mark.parametrize("method", ["finercam", "gradcam", "layercam", "saliency", "scorecam", "shapleycam"])
def test_what_a_class_is_set_against_changes_the_map(networks, method):
    batch = np.random.default_rng(2).normal(size=(2, 12, 16, 3)).astype(np.float32)
    classifier = networks.classifier(networks.smooth(12, 16))
    engine = HeatmapEngine(classifier, plan_cells(classifier, [method]))
    plain, first, second = (
        next(iter(engine(batch, np.zeros(2, int), None if c is None else np.full(2, c)).maps.values())) for c in (None, 1, 4)
    )
    assert not np.allclose(plain, first, rtol=1e-3, atol=1e-9)
    assert not np.allclose(first, second, rtol=1e-3, atol=1e-9)


def test_outputs_of_a_dictionary_go_by_its_keys():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    outputs = {"zebra": keras.layers.Dense(3, name="l1")(x), "apple": keras.layers.Dense(5, name="l2")(x)}
    model = keras.Model(inputs, outputs)
    assert foreign(model, "none", output="zebra").class_count == 3
    assert foreign(model, "none", output="apple").class_count == 5
    with pytest.raises(ModelError, match="choose one with --output: apple, zebra"):
        foreign(model, "none")


def test_a_nested_model_goes_by_the_end_of_its_path_too():
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv")], name="innermost")
    between = keras.Input((8, 8, 3))
    middle = keras.Model(between, keras.layers.ReLU(name="relu")(inner(between)), name="middle")
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(middle(inputs)))
    graph = foreign(keras.Model(inputs, outputs), "none").graph
    assert graph.path_of("innermost") == graph.path_of("conv") == "middle/innermost/conv"
    assert graph.path_of("middle") == "middle/relu"
