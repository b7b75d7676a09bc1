"""Any Keras model as one flat list of steps with paths: looked into, replayed and cut, while the model stays as it was.

A model that is used as a layer is followed into, to any depth: its layers have paths such as `resnet50/conv1_conv`. No
layer is called on symbolic tensors, so the model's own graph does not grow, and no layer or weight is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any

import keras
from keras import tree

from dogcam.core.errors import LayerError, ModelError, first_line
from dogcam.core.registry import nearest


@dataclass(frozen=True, eq=False)
class Step:
    """One call of one layer or operation.

    Attributes:
        path: its name, below those of the models it lies in.
        operation: Keras's layer or operation.
        args, kwargs: what it is called with: symbolic tensors of the graph among plain values.
        outputs: the symbolic tensors that come out.
    """

    path: str
    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[Any, ...]

    @cached_property
    def inputs(self) -> tuple[Any, ...]:
        """The symbolic tensors that it takes."""
        return tuple(each for each in tree.flatten((self.args, self.kwargs)) if isinstance(each, keras.KerasTensor))

    @property
    def output(self) -> Any:
        """The symbolic tensor that comes out; the first where there are several."""
        return self.outputs[0]


class Graph:
    """The steps of a model in order of execution.

    Args:
        model: functional or Sequential; it is not changed.
        shape: of its input (H, W, C): a model for any size is looked at for this one.
        name: what it is called in errors.

    Raises:
        ModelError: the model has no graph, or not one input.
    """

    def __init__(self, model: keras.Model, shape: Sequence[int], name: str = ""):
        self.name = name or model.name
        self.input = keras.KerasTensor((None, *shape), dtype=model.inputs[0].dtype)
        self.steps: list[Step] = []
        self._nested: dict[str, Any] = {}
        self._taken: set[str] = set()
        found = self._follow(model, self.input, "")
        self.outputs: tuple[Any, ...] = tuple(tree.flatten(found))
        self.output_keys: tuple[str, ...] = tuple(sorted(found)) if isinstance(found, dict) else ()
        self._producers = {id(output): step for step in self.steps for output in step.outputs}
        self._by_path = {step.path: step for step in self.steps}

    def _follow(self, model: keras.Model, inputs: Any, prefix: str) -> Any:
        """Add the steps of `model`, called with `inputs`, and return its outputs."""
        if isinstance(model, keras.Sequential):
            for layer in model.layers:
                inputs = self._visit(layer, prefix)(inputs)
            return inputs
        return model._run_through_graph(inputs, operation_fn=lambda operation: self._visit(operation, prefix))

    def _visit(self, operation: Any, prefix: str) -> Callable[..., Any]:
        path = prefix + operation.name

        def call(*args: Any, **kwargs: Any) -> Any:
            if has_graph(operation):
                found = self._follow(operation, args[0] if args else kwargs["inputs"], f"{path}/")
                self._nested[self._free(path)] = tree.flatten(found)[0]
                return found
            try:
                found = operation.compute_output_spec(*args, **kwargs)
            except Exception as error:  # a layer may raise anything
                # Keras wraps what a layer raises into a text of several lines; the cause says it shortly.
                reason = first_line(error.__cause__ or error)
                raise ModelError(f"cannot follow the graph of {self.name} through {path}: {reason}") from error
            self.steps.append(Step(self._free(path), operation, args, kwargs, tuple(tree.flatten(found))))
            return found

        return call

    def _free(self, path: str) -> str:
        """The path, numbered from the second call of a shared layer on."""
        number, free = 1, path
        while free in self._taken:
            number += 1
            free = f"{path}#{number}"
        self._taken.add(free)
        return free

    def producer(self, tensor: Any) -> Step | None:
        """The step that a symbolic tensor comes from; None for the model's input."""
        return self._producers.get(id(tensor))

    def maps(self) -> list[Step]:
        """The steps whose output has height and width, in order."""
        return [step for step in self.steps if is_map(step.output)]

    def path_of(self, text: str) -> str:
        """The full path that `text` means: the path itself, a nested model, or the end of exactly one path.

        Raises:
            LayerError: none does, or several do.
        """
        if text in self._by_path:
            return text
        if text in self._nested and (step := self.producer(self._nested[text])):
            return step.path
        inner = {path: step.path for path, tensor in self._nested.items() if (step := self.producer(tensor))}
        places = {path: path for path in self._by_path} | inner
        ends = [path for path in places if path.endswith(f"/{text}")]
        if len(ends) > 1:
            raise LayerError(f"layer {text!r} of {self.name} is ambiguous: {', '.join(ends[:5])}; give one of these paths")
        if not ends:
            spatial = [step.path for step in self.maps()]
            close = nearest(text, spatial, 3) or _nearest_ends(text, spatial)
            hint = f"the nearest: {', '.join(close)}" if close else f"the last with height and width: {spatial[-1:]}"
            raise LayerError(f"{self.name} has no layer {text!r}; {hint}; dogcam list layers shows all")
        return places[ends[0]]

    def tensor(self, text: str) -> Any:
        """The output of a layer with height and width: a symbolic (B, h, w, K).

        Raises:
            LayerError: there is no such layer, several are meant, or it has no spatial extent.
        """
        step = self._by_path[self.path_of(text)]
        if not is_map(step.output):
            shape = tuple(step.output.shape)
            raise LayerError(
                f"layer {step.path!r} of {self.name} gives {shape}: a heatmap needs (batch, height, width, channels); "
                f"the last such layer is {self.maps()[-1].path if self.maps() else 'none'}"
            )
        return step.output

    def run(
        self, given: Mapping[Any, Any], wanted: Sequence[Any], after: Callable[[Step, Any], Any] = lambda step, value: value
    ) -> list[Any]:
        """Compute the symbolic tensors `wanted` from those `given`, running only the steps between; in inference mode.

        Args:
            given: values by symbolic tensor (their identity counts).
            after: is handed the value that each step gives, and returns the one that goes on.
        """
        values = {id(tensor): value for tensor, value in given.items()}
        for step in self.between(given, wanted):
            args, kwargs = tree.map_structure(lambda each: values.get(id(each), each), (step.args, step.kwargs))
            if _knows_training(step.operation):
                kwargs = {**kwargs, "training": False}
            found = tree.flatten(step.operation(*args, **kwargs))
            for tensor, value in zip(step.outputs, found, strict=True):
                values[id(tensor)] = after(step, value)
        return [values[id(tensor)] for tensor in wanted]

    def between(self, given: Iterable[Any], wanted: Iterable[Any]) -> list[Step]:
        """The steps that have to be run to get from the tensors `given` to those `wanted`, in order."""
        known, open_tensors, needed = {id(tensor) for tensor in given}, list(wanted), set()
        while open_tensors:
            tensor = open_tensors.pop()
            step = None if id(tensor) in known else self.producer(tensor)
            if step is not None and id(step) not in needed:
                needed.add(id(step))
                open_tensors += step.inputs
        return [step for step in self.steps if id(step) in needed]

    def necks(self, wanted: Any) -> list[Step]:
        """The steps, in order, that every way from the input to `wanted` goes through."""
        steps = self.between((), [wanted])
        last_use = {id(tensor): place for place, step in enumerate(steps) for tensor in step.inputs}
        last_use[id(wanted)] = len(steps)
        found, furthest = [], last_use.get(id(self.input), -1)
        for place, step in enumerate(steps):
            # A neck: nothing that was computed before it is still needed after it.
            if furthest <= place:
                found.append(step)
            furthest = max(furthest, *(last_use.get(id(tensor), -1) for tensor in step.outputs))
        return found

    def frontier(self, tensor: Any, wanted: Any) -> list[Any]:
        """What else than `tensor` is needed to compute `wanted`: the tensors that do not depend on it, but meet what does.

        After a layer inside a residual block, the block's shortcut; after the block itself, nothing.
        """
        after, found = {id(tensor)}, {}
        for step in self.between([tensor], [wanted]):
            if any(id(each) in after for each in step.inputs):
                after |= {id(each) for each in step.outputs}
        for step in self.between([tensor], [wanted]):
            if any(id(each) in after for each in step.outputs):
                found |= {id(each): each for each in step.inputs if id(each) not in after}
        return list(found.values())


def has_graph(operation: Any) -> bool:
    """Whether it is a model whose layers can be followed: functional or Sequential, with Keras's own way of calling them."""
    if not isinstance(operation, keras.Model) or not type(operation).call.__module__.startswith("keras."):
        return False
    return isinstance(operation, keras.Sequential) or hasattr(operation, "_run_through_graph")


def is_map(tensor: Any) -> bool:
    """Whether a symbolic tensor is (batch, height, width, channels) with more than one place."""
    shape = getattr(tensor, "shape", ())
    return len(shape) == 4 and (shape[1] is None or shape[1] > 1 or shape[2] > 1)


def _knows_training(operation: Any) -> bool:
    return isinstance(operation, keras.Layer) and "training" in signature(operation.call).parameters


def _nearest_ends(text: str, paths: Sequence[str]) -> list[str]:
    """The paths whose last part is most like `text`."""
    by_end = {path.rpartition("/")[2]: path for path in paths}
    return [by_end[end] for end in nearest(text, by_end, 3)]
