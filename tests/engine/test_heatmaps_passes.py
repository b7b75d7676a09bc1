"""How much the engine computes: passes of the network, masked copies at a time, compiled functions, memory."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

from dogcam.core.errors import OptionError
from dogcam.core.progress import Progress, Step
from dogcam.engine import INPUT, HeatmapEngine, plan_cells
from dogcam.methods import METHODS
from dogcam.models.graph import Graph

LAYERS = ("first", "norm", "inside", "block", "last")
OF_ONE_PASS = [name for name, row in METHODS.items() if {"activations", "gradients", "class_weights"}.issuperset(row.needs)]
PROBING = [name for name, row in METHODS.items() if row.probing]


@pytest.fixture(scope="module")
def classifier(networks):
    return networks.classifier(networks.smooth(12, 16))


@pytest.fixture(scope="module")
def batch():
    return np.random.default_rng(3).normal(size=(5, 12, 16, 3)).astype(np.float32)


def operations(compiled):
    """How often each kind of operation is in a compiled function, of those that its results depend on.

    TensorFlow adds the gradients of filters too, and drops them, as all that nothing depends on, before it runs.
    """
    graph = compiled.graph
    waiting, found = [tensor.op for tensor in graph.outputs], {}
    while waiting:
        operation = waiting.pop()
        if operation.name not in found:
            found[operation.name] = operation.type
            waiting += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    kinds = Counter(found.values())
    assert not kinds.keys() & {"PartitionedCall", "StatefulPartitionedCall"}, "nothing is hidden in functions"
    return kinds


class TestOneForwardAndOneBackwardPass:
    """Counted in the compiled graph: `smooth` has three convolutions."""

    def passes(self, classifier, cells):
        kinds = operations(HeatmapEngine(classifier, cells)._pass.compute)
        return kinds["Conv2D"], kinds["Conv2DBackpropInput"], kinds["Conv2DBackpropFilter"]

    def test_of_all_methods_that_need_no_more_at_all_layers(self, classifier):
        assert {"cam", "gradcam", "layercam", "eigencam", "mean-activation"} <= set(OF_ONE_PASS)
        cells = [*plan_cells(classifier, [n for n in OF_ONE_PASS if n != "cam"], LAYERS), ("cam", "last")]
        assert len(cells) > 40
        # Backward from the logit to `first`: through `last` and `inside`, each once.
        assert self.passes(classifier, cells) == (3, 2, 0)

    def test_gradients_of_input_and_biases_are_of_the_same_backward_pass(self, classifier):
        cells = [("fullgrad", INPUT), ("saliency", INPUT), ("gradcam", "first"), ("gradcam", "last"), ("cam", "last")]
        assert self.passes(classifier, cells) == (3, 3, 0)

    def test_without_gradients_there_is_no_backward_pass(self, classifier):
        assert self.passes(classifier, [("cam", "last"), ("eigencam", "first")]) == (3, 0, 0)

    def test_backward_only_as_far_as_the_earliest_layer(self, classifier):
        assert self.passes(classifier, [("gradcam", "last")]) == (3, 0, 0)
        assert self.passes(classifier, [("gradcam", "block"), ("gradcam", "last")]) == (3, 1, 0)


@keras.saving.register_keras_serializable("dogcam-tests")
class Recorder(keras.layers.Layer):
    """Hands its input on, and remembers the size of every batch that comes through."""

    def __init__(self, **options):
        super().__init__(**options)
        self.sizes = []

    def call(self, x):
        note = tf.numpy_function(lambda count: self.sizes.append(int(count)) or np.int32(0), [tf.shape(x)[0]], tf.int32)
        with tf.control_dependencies([note]):
            return tf.identity(x)


@pytest.fixture
def recorded(networks):
    """A classifier whose input, and what leaves its residual block's branch, is counted: (classifier, entry, tail)."""
    plain, entry, tail = networks.smooth(12, 16), Recorder(name="entry"), Recorder(name="tail")
    inputs = keras.Input((12, 16, 3))
    norm = plain.get_layer("norm")(plain.get_layer("first")(entry(inputs)))
    block = keras.layers.Add(name="sum")([norm, tail(plain.get_layer("inside")(norm))])
    pooled = keras.layers.GlobalAveragePooling2D()(plain.get_layer("last")(block))
    model = keras.Model(inputs, plain.get_layer("logits")(pooled))
    return networks.classifier(model), entry, tail


class Told(Progress):
    """Remembers how far every task came."""

    def __init__(self):
        self.tasks = []

    def task(self, title, total=None):
        found = Step()
        found.steps, found.title, found.total = [], title, total
        found.advance = lambda units=1, text="": found.steps.append(units)
        self.tasks.append(found)
        return nullcontext(found)


class TestMaskBatch:
    def cells(self):
        return [(name, "inside" if METHODS[name].at_layer else INPUT) for name in PROBING]

    def test_no_more_copies_than_that_go_through_the_network_at_a_time(self, recorded, batch):
        classifier, entry, _ = recorded
        HeatmapEngine(classifier, self.cells(), mask_batch=7)(batch[:1])
        assert max(entry.sizes) == 7
        # In full parts: of RISE's 1000 copies 142 of seven, and one of six.
        assert entry.sizes.count(7) > 142
        assert {1000 % 7, 25 % 7, 32 % 7} <= set(entry.sizes)

    def test_neither_do_copies_of_activations(self, recorded, batch):
        classifier, entry, tail = recorded
        HeatmapEngine(classifier, [("ablationcam", "inside")], mask_batch=3)(batch[:2])
        # Two pictures once for the activations; then four channels in parts of three, for each.
        assert tail.sizes == [2, 3, 1, 3, 1]
        assert entry.sizes == [2, 1, 1], "the shortcut is computed once for each picture, not for each channel"

    @pytest.mark.parametrize("name", PROBING)
    def test_maps_do_not_depend_on_it(self, name, classifier, batch, listener):
        cells = plan_cells(classifier, [name], ["inside"])
        maps = [HeatmapEngine(classifier, cells, mask_batch=size)(batch[:2]).maps[cells[0]] for size in (64, 7)]
        if name != "rise":  # a thousand calls for each picture: the network is the same as that of `occlusion`
            maps.append(HeatmapEngine(classifier, cells, mask_batch=1)(batch[:2]).maps[cells[0]])
        for other in maps[1:]:
            np.testing.assert_allclose(other, maps[0], atol=1e-5 * np.abs(maps[0]).max() + 1e-9)

    def test_progress_is_told_of_every_picture_and_every_copy(self, classifier, batch):
        told = Told()
        HeatmapEngine(classifier, self.cells(), mask_batch=7, progress=told)(batch[:2])
        for name, layer in self.cells():
            if METHODS[name].passes == "none":
                continue
            mine = [task for task in told.tasks if task.title.startswith(f"{name} at {layer}, ")]
            assert [task.title.rpartition(", ")[2] for task in mine] == ["picture 1 of 2", "picture 2 of 2"]
            for task in mine:
                assert sum(task.steps) == task.total > 0
                assert max(task.steps) <= 7
        assert {task.total for task in told.tasks if task.title.startswith("rise")} == {1000}

    def test_methods_of_one_pass_tell_of_nothing(self, classifier, batch, listener):
        told = listener()
        HeatmapEngine(classifier, [("gradcam", "last"), ("fullgrad", INPUT)], progress=told)(batch)
        assert told.tasks == []

    @pytest.mark.parametrize("size", [0, -3])
    def test_fewer_than_one_is_refused(self, classifier, size):
        with pytest.raises(OptionError, match=f"at least 1; received {size}"):
            HeatmapEngine(classifier, [("rise", INPUT)], mask_batch=size)


class TestAblationRunsOnlyWhatFollowsTheLayer:
    @pytest.mark.parametrize(("layer", "before", "after"), [("first", 0, 2), ("inside", 1, 1), ("block", 0, 1), ("last", 0, 0)])
    def test_counted_in_the_compiled_tail(self, classifier, layer, before, after):
        """Convolutions: before `inside` the shortcut's, which comes from `first`; after it the one of `last`."""
        engine = HeatmapEngine(classifier, [("ablationcam", layer)])
        first, second = (operations(each)["Conv2D"] for each in engine._network.tail(layer))
        assert (first, second) == (before, after)

    @pytest.mark.parametrize("layer", ["first", "inside", "block", "last"])
    def test_it_equals_brute_force_in_keras(self, classifier, batch, layer):
        """A model of two inputs, the layer and the block's shortcut, and every channel set to zero in turn."""
        model = classifier.model
        value, shortcut = (model.get_layer(name).output for name in (layer, "norm"))
        into = [value, shortcut] if layer == "inside" else [value]
        taken = keras.Model(model.input, into).predict(batch, verbose=0)
        taken = taken if isinstance(taken, list) else [taken]
        tail = keras.Model(into, model.output)
        targets = np.array([0, 1, 2, 3, 4])
        found = HeatmapEngine(classifier, [("ablationcam", layer)], mask_batch=2)(batch, targets)
        scores = model.predict(batch, verbose=0)[np.arange(5), targets]
        assert (scores > 0).any()
        assert (scores < 0).any()
        total = 0
        for channel in range(value.shape[-1]):
            without = [np.array(each) for each in taken]
            without[0][..., channel] = 0
            left = tail.predict(without, verbose=0)[np.arange(5), targets]
            total = total + ((scores - left) / scores)[:, None, None] * taken[0][..., channel]
        expected = np.maximum(total, 0)
        np.testing.assert_allclose(found.maps["ablationcam", layer], expected, atol=1e-4 * expected.max())
        np.testing.assert_array_equal(found.flags["ablationcam", layer], scores <= 0)


def test_a_score_of_zero_is_flagged_too(networks, batch):
    model = networks.smooth(12, 16)
    head = model.get_layer("logits")
    head.set_weights([np.zeros((6, 5)), np.array([0, 0, 1, -1, 0])])
    cells = [("ablationcam", "last"), ("gradcam", "last")]
    found = HeatmapEngine(networks.classifier(model), cells)(batch[:3], np.array([0, 2, 3]))
    assert found.flags["ablationcam", "last"].tolist() == [True, False, True]
    assert not found.flags["gradcam", "last"].any()


def counted_runs(monkeypatch):
    """A list that grows with every run through the graph's steps by Python."""
    runs, run = [], Graph.run

    def counted(self, *arguments, **named):
        runs.append(self)
        return run(self, *arguments, **named)

    monkeypatch.setattr(Graph, "run", counted)
    return runs


class TestCompiling:
    def test_a_smaller_last_batch_is_not_compiled_again(self, classifier, batch, monkeypatch):
        engine = HeatmapEngine(classifier, [("gradcam", "last"), ("guided-backprop", INPUT), ("random-weights", "last")])
        runs = counted_runs(monkeypatch)
        for part in (batch, batch[:2], batch[:1]):
            engine(part)
        assert not runs, "Python code of the network runs only while it is traced, and that was done before"

    def test_neither_is_a_probe_for_what_remains_of_the_copies(self, classifier, batch, monkeypatch):
        cells = [("occlusion", INPUT), ("scorecam", "inside"), ("ablationcam", "inside"), ("smoothgrad", INPUT)]
        cells += [("smooth-gradcam++", "inside"), ("rise", INPUT)]
        engine = HeatmapEngine(classifier, cells, mask_batch=3)
        runs = counted_runs(monkeypatch)
        engine(batch[:1], np.zeros(1, int))
        # Of masked inputs, the tail in two parts, and gradients by the input and by the layer: each traced once.
        assert len(runs) == 5
        for part in (batch[:2], batch[2:3]):
            engine(part, np.arange(len(part)))
        assert len(runs) == 5

    def test_many_engines_do_not_make_tensorflow_warn_of_retracing(self, classifier, batch, caplog):
        for _ in range(7):
            HeatmapEngine(classifier, [("ablationcam", "last"), ("smoothgrad", INPUT)])(batch[:1])
        assert "retracing" not in caplog.text


def test_memory_stays_level_over_many_batches(classifier, batch):
    resource = pytest.importorskip("resource", reason="peak memory is read from the system's accounting")
    engine = HeatmapEngine(classifier, [("gradcam", "last"), ("cam", "last"), ("guided-gradcam", "inside")])
    for _ in range(100):
        engine(batch)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        engine(batch)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 20, f"{grown:.0f} MiB more after a thousand batches"
