"""One compiled function for all methods that need no probe: one forward and one backward pass over all layers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import tensorflow as tf
from keras import ops

from dogcam.core.errors import ModelError, first_line
from dogcam.engine import scores
from dogcam.engine.cells import Cell
from dogcam.engine.parts import bias_gradient, biased_steps, guided, is_relu, require_relus
from dogcam.methods import METHODS
from dogcam.models.classifier import Classifier
from dogcam.models.graph import Step

UNTRAINED_SEED = 0  # of the fresh weights that `random-weights` is drawn from


def _as_it_is(step: Step, value: Any) -> Any:
    return value


def _guide(step: Step, value: Any) -> Any:
    return guided(value) if is_relu(step) else value


class OnePass:
    """The pass itself: called with inputs, targets and what these are set against.

    Activations, gradients and class weights of all layers come from one forward and one backward pass. What else a
    method needs (second derivatives, guided gradients, another score, fresh weights) is computed only if one does.

    Args:
        cells: of methods without probes, their layers by full path.
        features: layers whose activations are handed out beside the maps, for methods that probe.
        kind: of score, "logit" or "softmax".

    Raises:
        ModelError: the model lacks what a method needs.
    """

    def __init__(self, classifier: Classifier, cells: Sequence[Cell], features: Sequence[str], kind: str):
        self.classifier, self.cells, self.features, self.kind = classifier, list(cells), list(features), kind
        self.needs = {need for method, _ in cells for need in METHODS[method].needs}
        placed = [layer for method, layer in cells if METHODS[method].at_layer]
        self.layers = list(dict.fromkeys([*placed, *features]))
        graph, source = classifier.graph, classifier.readout.source
        if "guided_gradients" in self.needs:
            require_relus(graph, source)
        self.biased = biased_steps(graph, source) if "bias_gradients" in self.needs else []
        self.twin = classifier.untrained(UNTRAINED_SEED) if "untrained_activations" in self.needs else None
        try:
            # The one trace itself, and not the tf.function, which warns of many engines as if they were retraced.
            self.compute = tf.function(self._trace, autograph=False).get_concrete_function(*self._signature())
        except Exception as error:  # a layer may raise anything
            raise ModelError(f"{classifier.name} cannot be run step by step: {first_line(error.__cause__ or error)}") from error

    def _signature(self) -> tuple[tf.TensorSpec, ...]:
        # A free first dimension: the last, smaller batch needs no second compilation.
        pictures = tf.TensorSpec((None, *self.classifier.graph.input.shape[1:]), tf.float32)
        return pictures, tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None,), tf.int32)

    def _trace(self, inputs: tf.Tensor, targets: tf.Tensor, against: tf.Tensor) -> tuple[list, list, Any, Any, Any]:
        """(Map, which are sound) of the cells, activations of `features`, logits, the classes and those set against (or -1)."""
        graph = self.classifier.graph
        tensors = [graph.tensor(layer) for layer in self.layers] + [step.output for step in self.biased]
        with self._second_tape() as second:
            with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                for each in (tape, second) if second else (tape,):
                    each.watch(inputs)
                values, logits = _forward(self.classifier, inputs, tensors)
                chosen, opposed = scores.resolve(logits, targets), scores.resolve(logits, against)
                signs = scores.class_signs(chosen, opposed, logits.shape[-1])
                total = scores.score(self.classifier.readout, logits, signs, self.kind)
                finer = scores.finer_score(logits, chosen, opposed)
            activations, biased = values[: len(self.layers)], values[len(self.layers) :]
            at_layers, shared = self._first_order(tape, total, activations, biased, inputs)
            # g . A with A held fixed: its derivative by A is H A.
            products = [tf.reduce_sum(g * tf.stop_gradient(a)) for g, a in _pairs(at_layers)] if second else []
        if second:
            at_layers["hessian_activations"] = [
                _derivatives(second, product, value) for product, value in zip(products, activations, strict=True)
            ]
        if "finer_gradients" in self.needs:
            at_layers["finer_gradients"] = _derivatives(tape, finer, activations)
        if self.twin is not None:
            found = self._differentiated(self.twin, inputs, signs, self.layers)
            at_layers |= dict(zip(("untrained_activations", "untrained_gradients"), found, strict=True))
        shared |= self._not_of_layers(inputs, signs)
        common = {name: _finite(each) for name, each in shared.items()}
        evidence = {
            layer: {**common, **{name: _finite(each[position]) for name, each in at_layers.items()}}
            for position, layer in enumerate(self.layers)
        }
        maps = [_map(method, evidence.get(layer, common)) for method, layer in self.cells]
        return maps, [evidence[layer]["activations"][0] for layer in self.features], logits, chosen, opposed

    def _first_order(
        self, tape: tf.GradientTape, total: Any, activations: list, biased: list, inputs: tf.Tensor
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the one forward and backward pass gives: by name a list over layers, and by name what is of no layer."""
        sources = {
            "gradients": activations if "gradients" in self.needs else [],
            "biased": biased,
            "inputs": [inputs] if "input_gradients" in self.needs else [],
        }
        found = _derivatives(tape, total, sources) if any(sources.values()) else sources
        at_layers = {"activations": activations}
        if found["gradients"]:
            at_layers["gradients"] = found["gradients"]
        shared = {"inputs": inputs, "bias_gradients": list(map(bias_gradient, self.biased, biased, found["biased"]))}
        if found["inputs"]:
            shared["input_gradients"] = found["inputs"][0]
        return at_layers, shared

    def _second_tape(self) -> Any:
        """A tape that hears of the first derivatives, where second ones are wanted; else a context that gives None."""
        if "hessian_activations" not in self.needs:
            return nullcontext()
        return tf.GradientTape(persistent=True, watch_accessed_variables=False)

    def _not_of_layers(self, inputs: tf.Tensor, signs: tf.Tensor) -> dict[str, Any]:
        """The class weights, and guided gradients of the input."""
        found = {}
        if "class_weights" in self.needs:
            found["class_weights"] = tf.matmul(signs, self.classifier.readout.class_weights, transpose_b=True)
        if "guided_gradients" in self.needs:
            found["guided_gradients"] = self._differentiated(self.classifier, inputs, signs, (), _guide)[1][0]
        return found

    def _differentiated(
        self,
        classifier: Classifier,
        inputs: tf.Tensor,
        signs: tf.Tensor,
        layers: Sequence[str],
        after: Callable[[Step, Any], Any] = _as_it_is,
    ) -> tuple[list[Any], list[Any]]:
        """Another forward and backward pass: activations at `layers` and dS of them, or dS of the inputs where none."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            tensors = [classifier.graph.tensor(layer) for layer in layers]
            values, logits = _forward(classifier, inputs, tensors, after)
            total = scores.score(classifier.readout, logits, signs, self.kind)
        return values, _derivatives(tape, total, values or [inputs])


def _pairs(at_layers: dict[str, list[Any]]) -> Iterator[tuple[Any, Any]]:
    """(gradients, activations) of each layer."""
    return zip(at_layers["gradients"], at_layers["activations"], strict=True)


def _forward(
    classifier: Classifier, inputs: tf.Tensor, tensors: Sequence[Any], after: Callable[[Step, Any], Any] = _as_it_is
) -> tuple[list[Any], tf.Tensor]:
    """The values of `tensors` and the logits."""
    graph, readout = classifier.graph, classifier.readout
    *values, source = graph.run({graph.input: inputs}, [*tensors, readout.source], after)
    return values, readout.logits(source)


def _derivatives(tape: tf.GradientTape, of: tf.Tensor, by: Any) -> Any:
    """d(of)/d(by), in the structure of `by`; zeros where it does not depend on it."""
    return tape.gradient(of, by, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _map(method: str, evidence: dict[str, tuple[Any, tf.Tensor]]) -> tuple[tf.Tensor, tf.Tensor]:
    """The method's map (B, h, w), and (B,) whether all that it was made of is finite."""
    row = METHODS[method]
    sound = tf.reduce_all([evidence[need][1] for need in row.needs], axis=0)
    return row.function(ops, **{need: evidence[need][0] for need in row.needs}), sound


def _finite(value: Any) -> tuple[Any, tf.Tensor]:
    """A tensor in float32, zeros in the place of pictures with a NaN or an infinity, and (B,) which ones have none.

    Decompositions fail as a whole where one picture of a batch has one. A list of tensors is treated tensor by tensor.
    """
    if isinstance(value, list):
        values, sound = zip(*map(_finite, value), strict=True) if value else ((), (tf.constant(True),))
        return list(values), tf.reduce_all(sound, axis=0)
    value = tf.cast(value, tf.float32)
    sound = tf.reduce_all(tf.math.is_finite(value), axis=range(1, len(value.shape)))
    return tf.where(tf.reshape(sound, (-1, *[1] * (len(value.shape) - 1))), value, 0), sound
