"""The CAM family and its rivals: one small pure function per paper, one file per branch of the family.

A method is a decorated function of what it needs; what it needs decides what the engine computes. It is written against
the array namespace `xp` that it is handed, as in the array API standard, and returns a RAW map: no ReLU that is not in
its own formula, no resizing, no normalising. Since nothing here imports TensorFlow, listing the methods is instant.

There are two kinds. A method that needs only arrays is part of the engine's one compiled pass: `xp` is `keras.ops`, its
arrays have a batch dimension, its maps are (B, h, w). A method that needs a probe asks the network again and again, one
picture at a time: `xp` is NumPy, its arrays have no batch dimension, its map is (h, w).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from dogcam.core.registry import Registry

# What a method may ask for, by the name of its parameter. S is the score of the target, A the activations at the layer.
AT_THE_LAYER = {
    "activations": "A (B, h, w, K)",
    "gradients": "dS/dA (B, h, w, K)",
    "finer_gradients": "dF/dA (B, h, w, K), F the score less that of the classes most like the target",
    "hessian_activations": "H A (B, h, w, K), the Hessian of S with respect to A, times A",
    "class_weights": "the dense kernel's column of the target (B, K); only at the layer that feeds the pooling",
    "untrained_activations": "A (B, h, w, K) of the same architecture with fresh weights",
    "untrained_gradients": "dS/dA (B, h, w, K) of the same architecture with fresh weights",
}
AT_THE_INPUT = {
    "inputs": "what the network takes, preprocessed (B, H, W, C)",
    "input_gradients": "dS/dx (B, H, W, C)",
    "guided_gradients": "dS/dx (B, H, W, C) by guided backpropagation: every ReLU passes only positive gradients on",
    "bias_gradients": "b dS/db at every place (B, h, w, C), a list: one entry for each layer with a bias",
}
# A probe is called as probe(count, copies), copies(part) being the copies of the slice `part` of range(count), so that
# only as many are made as fit into memory.
PROBES = {
    "score": "S of the picture, a number",
    "rescore": "copies (n, H, W) of masks that the input is multiplied by -> S of each (count,); its `shape` is (H, W); "
    "with probability=True the target's probability in place of S",
    "rerun": "copies (n, h, w, K) of the layer's activations -> S of each (count,), by what follows the layer alone",
    "mean_gradient": "copies (n, H, W, C) of the input -> mean over copies of dS/dA, or of dS/dx for a method at the input",
    "rng": "a numpy.random.Generator whose seed comes from the picture, so that it does not depend on the batch",
}
NEEDS = (*AT_THE_LAYER, *AT_THE_INPUT, *PROBES)


@dataclass(frozen=True)
class Method:
    """A row of the registry.

    Attributes:
        function: called as function(xp, **needs), returns maps (B, h, w), or (h, w) where it probes.
        needs: which of `NEEDS` it takes.
        title: as written in tables and figures.
        paper: authors, venue and where it is to be found.
        year: of publication.
        passes: of the network for a picture: "K + 1 F + 2 B", F forward, B backward, K the channels of the layer.
        at_layer: whether its map is of a layer; else it is of the input, and one for all layers.
        positive_only: whether its formula is meant for scores above 0 only; the engine flags other pictures.
        baseline: whether it is there to be beaten.
        cam_when_pooled: whether at the layer that feeds the pooling, with a logit score, its map is ReLU(CAM) / (h w): there
            dS/dA_k = w_k / (h w) at every place, and H A is 0, so that any mean of gradients weighs the channels as CAM does.
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    title: str
    paper: str
    year: int
    passes: str
    at_layer: bool = True
    positive_only: bool = False
    baseline: bool = False
    cam_when_pooled: bool = False

    @property
    def only_pooled(self) -> bool:
        """Whether it exists only at the layer that feeds the pooling."""
        return "class_weights" in self.needs

    @property
    def probing(self) -> bool:
        """Whether it asks the network again and again, one picture at a time."""
        return not PROBES.keys().isdisjoint(self.needs)

    @property
    def content_free(self) -> bool:
        """Whether it never looks at the picture: of the input it takes no more than the size."""
        return {"inputs", "rng"}.issuperset(self.needs)

    @property
    def class_specific(self) -> bool:
        """Whether the map depends on the class that is explained."""
        return not {"activations", "inputs", "rng"}.issuperset(self.needs)


METHODS: Registry[Method] = Registry("method")


def method(
    name: str,
    *,
    needs: tuple[str, ...],
    title: str,
    paper: str,
    year: int,
    passes: str = "",
    at_layer: bool | None = None,
    positive_only: bool = False,
    baseline: bool = False,
    cam_when_pooled: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the method `name`.

    Args:
        passes: has to be given for a method that probes; of the others it follows from the needs.
        at_layer: has to be given where the needs do not tell: it is assumed of methods that need something of a layer.
    """
    strange = set(needs) - set(NEEDS)
    if strange:
        raise ValueError(f"method {name}: needs {sorted(strange)}, which no engine gives; there are {NEEDS}")
    placed = not AT_THE_LAYER.keys().isdisjoint(needs) if at_layer is None else at_layer

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        flags = {"positive_only": positive_only, "baseline": baseline, "cam_when_pooled": cam_when_pooled}
        METHODS.add(name, Method(function, needs, title, paper, year, passes or _passes(needs), placed, **flags))
        return function

    return register


def _passes(needs: tuple[str, ...]) -> str:
    """How often the engine runs the network for a method without probes."""
    wanted = set(needs)
    if wanted <= {"inputs"}:
        return "none"
    guided, twin = "guided_gradients" in wanted, "untrained_activations" in wanted
    own = not wanted.isdisjoint({"gradients", "input_gradients", "bias_gradients"})
    more = len(wanted & {"finer_gradients", "hessian_activations", "guided_gradients", "untrained_gradients"})
    backward = f" + {own + more} B" if own + more else ""
    return f"{1 + guided + twin} F{backward}"


def title_of(name: str) -> str:
    """A method as written in tables and figures; a name that no registry knows, such as a box's, stays as it is."""
    return METHODS[name].title if name in METHODS else name


# Every file beside this one holds methods: reading it registers them.
for _module in sorted(each.name for each in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
