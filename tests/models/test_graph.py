"""Any model as one list of steps: paths, shapes, replay and cuts, against Keras's own models."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from dogcam.core.errors import LayerError, ModelError
from dogcam.models.graph import Graph, has_graph, is_map

SIZE = (12, 20, 3)


def pictures(count=2, shape=SIZE):
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)


def flat():
    """A residual block: conv -> branch -> add -> pool -> out."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(SIZE)
    conv = layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(inputs)
    branch = layers.Conv2D(4, 3, padding="same", activation="tanh", name="branch")(conv)
    added = layers.Add(name="add")([conv, branch])
    pooled = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="act")(added))
    return keras.Model(inputs, layers.Dense(3, name="out")(pooled), name="flat")


def deep(any_size=False):
    """outer Sequential > functional "body" > Sequential "stage" > functional "unit" > conv."""
    keras.utils.set_random_seed(2)
    shape = (None, None, 3) if any_size else SIZE
    unit_in = keras.Input((None, None, 4))
    unit_out = layers.Add(name="add")([unit_in, layers.Conv2D(4, 3, padding="same", name="conv")(unit_in)])
    unit = keras.Model(unit_in, unit_out, name="unit")
    stage = keras.Sequential([unit, layers.Conv2D(5, 3, strides=2, padding="same", name="down")], name="stage")
    body_in = keras.Input(shape)
    body = keras.Model(body_in, stage(layers.Conv2D(4, 3, padding="same", name="conv")(body_in)), name="body")
    head = [layers.GlobalAveragePooling2D(name="pool"), layers.Dense(3, name="out")]
    return keras.Sequential([keras.Input(shape), body, *head], name="outer")


def shared():
    """The same convolution twice, and the same nested model twice."""
    inputs = keras.Input(SIZE)
    conv = layers.Conv2D(3, 3, padding="same", name="conv")
    twin_in = keras.Input(SIZE)
    twin = keras.Model(twin_in, layers.Conv2D(3, 1, name="inner")(twin_in), name="twin")
    x = twin(keras.ops.tanh(conv(twin(keras.ops.tanh(conv(inputs))))))
    return keras.Model(inputs, layers.Dense(2, name="out")(layers.GlobalAveragePooling2D()(x)))


def paths(model, shape=SIZE):
    return [step.path for step in Graph(model, shape).steps]


class TestPaths:
    def test_of_a_flat_model_they_are_the_layers_names(self):
        assert paths(flat()) == ["conv", "branch", "add", "act", "pool", "out"]

    def test_of_nested_ones_the_models_names_come_before(self):
        assert paths(deep()) == ["body/conv", "body/stage/unit/conv", "body/stage/unit/add", "body/stage/down", "pool", "out"]

    def test_of_a_sequential_model_alike(self):
        model = keras.Sequential([keras.Input(SIZE), layers.Conv2D(2, 3, name="a"), layers.ReLU(name="b")])
        assert paths(model) == ["a", "b"]

    def test_later_calls_of_the_same_layer_are_numbered(self):
        found = paths(shared())
        assert [path for path in found if "conv" in path or "inner" in path] == ["conv", "twin/inner", "conv#2", "twin/inner#2"]

    def test_the_steps_of_two_calls_have_their_own_values(self):
        model = shared()
        graph = Graph(model, SIZE)
        inputs = pictures()
        first, second, out = graph.run({graph.input: inputs}, [graph.tensor("conv"), graph.tensor("conv#2"), graph.outputs[0]])
        conv, twin = model.get_layer("conv"), model.get_layer("twin")
        once = np.array(conv(inputs))
        np.testing.assert_allclose(first, once, atol=1e-5)
        np.testing.assert_allclose(second, conv(twin(np.tanh(once))), atol=1e-5)
        np.testing.assert_allclose(out, model.predict(inputs, verbose=0), atol=1e-5)

    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("body/conv", "body/conv"),
            ("body/stage/unit/conv", "body/stage/unit/conv"),
            ("unit/conv", "body/stage/unit/conv"),
            ("down", "body/stage/down"),
            ("add", "body/stage/unit/add"),
            ("body", "body/stage/down"),
            ("body/stage", "body/stage/down"),
            ("body/stage/unit", "body/stage/unit/add"),
        ],
    )
    def test_a_path_its_unique_end_or_a_nested_model_is_found(self, text, path):
        assert Graph(deep(), SIZE).path_of(text) == path

    def test_an_ambiguous_end_lists_the_paths(self):
        with pytest.raises(LayerError, match="'conv' of mine is ambiguous: body/conv, body/stage/unit/conv; give one"):
            Graph(deep(), SIZE, "mine").tensor("conv")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("body/cnv", "has no layer 'body/cnv'; the nearest: body/conv"),
            ("dwn", "has no layer 'dwn'; the nearest: body/stage/down"),
            ("xyz", r"has no layer 'xyz'; the last with height and width: \['body/stage/down'\]"),
            ("nv", "has no layer 'nv'"),
            ("out", r"'out' of mine gives \(None, 3\): a heatmap needs .*; the last such layer is body/stage/down"),
        ],
    )
    def test_what_is_no_layer_for_a_map_says_what_is(self, text, words):
        with pytest.raises(LayerError, match=words):
            Graph(deep(), SIZE, "mine").tensor(text)


class TestShapes:
    @pytest.mark.parametrize(("make", "shape"), [(flat, SIZE), (deep, SIZE), (shared, SIZE)])
    def test_every_step_gives_what_was_said(self, make, shape):
        graph = Graph(make(), shape)
        wanted = [step.output for step in graph.steps]
        for tensor, value in zip(wanted, graph.run({graph.input: pictures()}, wanted), strict=True):
            assert tuple(value.shape) == (2, *tensor.shape[1:])

    @pytest.mark.parametrize(("size", "last"), [((12, 20, 3), (6, 10)), ((33, 17, 3), (17, 9))])
    def test_a_nested_model_for_any_size_is_looked_at_for_one(self, size, last):
        graph = Graph(deep(any_size=True), size)
        shapes = {step.path: tuple(step.output.shape) for step in graph.maps()}
        assert shapes == {
            "body/conv": (None, *size[:2], 4),
            "body/stage/unit/conv": (None, *size[:2], 4),
            "body/stage/unit/add": (None, *size[:2], 4),
            "body/stage/down": (None, *last, 5),
        }

    @pytest.mark.parametrize(
        ("shape", "expected"),
        [((None, 2, 1, 4), True), ((None, 1, 2, 4), True), ((None, 1, 1, 4), False), ((None, 5), False), ((), False)],
    )
    def test_a_map_has_more_than_one_place(self, shape, expected):
        assert is_map(keras.KerasTensor(shape)) is expected

    def test_maps_are_in_order_and_nothing_else(self):
        assert [step.path for step in Graph(flat(), SIZE).maps()] == ["conv", "branch", "add", "act"]


class TestRunning:
    @pytest.mark.parametrize("make", [flat, deep, shared])
    def test_it_gives_what_predict_gives(self, make):
        model = make()
        graph = Graph(model, SIZE)
        (found,) = graph.run({graph.input: pictures()}, graph.outputs)
        np.testing.assert_allclose(found, model.predict(pictures(), verbose=0), atol=1e-5)

    def test_from_a_layer_on_only_what_follows_is_run(self):
        model = flat()
        graph = Graph(model, SIZE)
        assert [step.path for step in graph.between([graph.tensor("add")], graph.outputs)] == ["act", "pool", "out"]
        assert [step.path for step in graph.between([], [graph.tensor("branch")])] == ["conv", "branch"]
        assert graph.between(graph.outputs, graph.outputs) == []
        values = np.random.default_rng(1).normal(size=(2, 6, 10, 4)).astype(np.float32)
        (found,) = graph.run({graph.tensor("add"): values}, graph.outputs)
        tail = keras.Model(model.get_layer("add").output, model.output)
        np.testing.assert_allclose(found, tail.predict(values, verbose=0), atol=1e-5)

    @pytest.mark.parametrize(("layer", "beside"), [("conv", []), ("branch", ["conv"]), ("add", []), ("act", [])])
    def test_the_frontier_is_the_shortcut_inside_a_block_and_nothing_after_it(self, layer, beside):
        graph = Graph(flat(), SIZE)
        found = graph.frontier(graph.tensor(layer), graph.outputs[0])
        assert [graph.producer(tensor).path for tensor in found] == beside

    def test_the_frontier_is_what_meets_it_and_not_what_that_comes_from(self):
        """Two shortcuts around a layer: one from the input itself, one through two more layers."""
        inputs = keras.Input(SIZE)
        aside = layers.Conv2D(3, 1, name="far")(layers.Conv2D(3, 1, name="aside")(inputs))
        here = layers.Conv2D(3, 1, name="here")(inputs)
        sum_ = layers.Add(name="sum")([here, inputs])
        outputs = layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Add(name="all")([sum_, aside])))
        graph = Graph(keras.Model(inputs, outputs), SIZE)
        found = graph.frontier(graph.tensor("here"), graph.outputs[0])
        assert {id(each) for each in found} == {id(graph.input), id(graph.tensor("far"))}

    def test_what_is_done_after_each_step_goes_on(self):
        graph = Graph(flat(), SIZE)
        seen = []

        def after(step, value):
            seen.append(step.path)
            return value * 0 if step.path == "pool" else value

        (found,) = graph.run({graph.input: pictures()}, graph.outputs, after)
        assert seen == ["conv", "branch", "add", "act", "pool", "out"]
        np.testing.assert_allclose(found, 0, atol=1e-7)  # fresh biases are 0

    def test_layers_of_training_are_at_rest_even_if_the_graph_says_otherwise(self):
        inputs = keras.Input(SIZE)
        x = layers.Dropout(0.9)(layers.RandomFlip()(inputs), training=True)
        x = layers.BatchNormalization(momentum=0.0)(layers.GaussianNoise(1.0)(x), training=True)
        graph = Graph(keras.Model(inputs, x), SIZE)
        (found,) = graph.run({graph.input: pictures()}, graph.outputs)
        np.testing.assert_allclose(found, pictures() / np.sqrt(1 + 1e-3), atol=1e-5)

    def test_a_layer_with_several_outputs_and_named_inputs(self):
        @keras.saving.register_keras_serializable("dogcam-tests")
        class Halves(layers.Layer):
            def call(self, x, weights=None):
                return {"left": x[:, :, :10] * weights, "right": x[:, :, 10:]}

        inputs = keras.Input(SIZE)
        gate = layers.Conv2D(1, 1, name="gate")(inputs)
        halves = Halves(name="halves")(inputs, weights=gate[:, :, :10])
        outputs = layers.Subtract()([halves["left"], halves["right"]])
        model = keras.Model(inputs, outputs)
        graph = Graph(model, SIZE)
        (found,) = graph.run({graph.input: pictures()}, graph.outputs)
        np.testing.assert_allclose(found, model.predict(pictures(), verbose=0), atol=1e-5)


@pytest.mark.parametrize("call", [lambda body, x: body(x, training=False), lambda body, x: body(inputs=x)])
def test_a_nested_model_is_followed_however_it_is_called(call):
    body_in = keras.Input(SIZE)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, name="conv")(body_in))
    body = keras.Model(body_in, x, name="body")
    inputs = keras.Input(SIZE)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(call(body, inputs)))
    graph = Graph(model, SIZE)
    assert graph.path_of("conv") == "body/conv"
    (found,) = graph.run({graph.input: pictures()}, graph.outputs)
    np.testing.assert_allclose(found, model.predict(pictures(), verbose=0), atol=1e-5)


def test_a_nested_model_of_two_inputs_and_two_outputs():
    left, right = keras.Input(SIZE), keras.Input(SIZE)
    sum_ = layers.Add(name="sum")([left, layers.Conv2D(3, 1, name="conv")(right)])
    pair = keras.Model([left, right], [sum_, layers.ReLU(name="relu")(sum_)], name="pair")
    inputs = keras.Input(SIZE)
    first, second = pair([inputs, layers.ReLU(name="before")(inputs)])
    model = keras.Model(inputs, layers.Subtract(name="out")([first, second]))
    graph = Graph(model, SIZE)
    assert [step.path for step in graph.steps] == ["before", "pair/conv", "pair/sum", "pair/relu", "out"]
    (found,) = graph.run({graph.input: pictures()}, graph.outputs)
    np.testing.assert_allclose(found, model.predict(pictures(), verbose=0), atol=1e-5)


class TestTheModelStaysAsItIs:
    @pytest.mark.parametrize("make", [flat, deep, shared])
    def test_no_call_no_weight_no_name_is_added(self, make):
        model = make()

        def state():
            return [(each.name, len(each._inbound_nodes), len(each.weights)) for each in model._flatten_layers()]

        before, config = state(), model.get_config()
        graph = Graph(model, SIZE)
        graph.run({graph.input: pictures()}, graph.outputs)
        graph.frontier(graph.maps()[0].output, graph.outputs[0])
        assert state() == before
        assert model.get_config() == config


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(keras.ops.mean(x, axis=(1, 2)))


class Altered(keras.Sequential):
    """It has layers, but a way of its own to call them."""

    def call(self, x, training=None, mask=None):
        return 2 * super().call(x)


class Broken(layers.Layer):
    def call(self, x):
        if x.shape[1] != 12:
            raise ValueError("only for 12 rows\nand more of it")
        return x


class TestWhatHasAGraph:
    def test_functional_and_sequential_models_have(self):
        assert has_graph(flat())
        assert has_graph(deep())

    @pytest.mark.parametrize("make", [Subclassed, lambda: Altered([layers.ReLU()]), lambda: layers.Dense(2), object])
    def test_others_have_not(self, make):
        assert not has_graph(make())

    def test_one_that_calls_its_layers_otherwise_counts_as_one_layer(self):
        inputs = keras.Input(SIZE)
        x = Altered([layers.Conv2D(2, 1, name="inner")], name="altered")(inputs)
        model = keras.Model(inputs, x)
        graph = Graph(model, SIZE)
        assert [step.path for step in graph.steps] == ["altered"]
        (found,) = graph.run({graph.input: pictures()}, graph.outputs)
        np.testing.assert_allclose(found, model.predict(pictures(), verbose=0), atol=1e-5)

    def test_a_layer_that_cannot_be_followed_is_one_clear_error(self):
        inputs = keras.Input(SIZE)
        model = keras.Model(inputs, Broken(name="broken")(inputs))
        with pytest.raises(ModelError, match="cannot follow the graph of mine through broken: ") as error:
            Graph(model, (24, 20, 3), "mine")
        assert "only for 12 rows" in str(error.value.__cause__)
