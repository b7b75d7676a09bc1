"""The CAM family: one small pure function per paper, one file per branch of the family.

A method is a decorated function of what it needs. It is written against the array namespace `xp` that it is handed
(`keras.ops` in the engine), as in the array API standard, and returns a RAW map: no ReLU that is not in its own formula,
no resizing, no normalising. Since nothing here imports TensorFlow, listing the methods is instant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from dogcam.registry import Registry

# What a method may ask for, by the name of its parameter:
# activations (B, h, w, K), gradients of the score with respect to them, and class_weights (B, K), the dense kernel's
# column of each image's target class.
NEEDS = ("activations", "gradients", "class_weights")


@dataclass(frozen=True)
class Method:
    """A row of the registry.

    Attributes:
        function: called as function(xp, **needs), returns maps (B, h, w).
        needs: which of `NEEDS` it takes.
        title: as written in tables and figures.
        paper: authors, venue and where it is to be found.
        year: of publication.
    """

    function: Callable[..., Any]
    needs: tuple[str, ...]
    title: str
    paper: str
    year: int

    @property
    def only_pooled(self) -> bool:
        """Whether it exists only at the layer that feeds the pooling."""
        return "class_weights" in self.needs


METHODS: Registry[Method] = Registry("method")


def method(
    name: str, *, needs: tuple[str, ...], title: str, paper: str, year: int
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the method `name`."""
    strange = set(needs) - set(NEEDS)
    if strange:
        raise ValueError(f"method {name}: needs {sorted(strange)}, which no engine gives; there are {NEEDS}")

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        METHODS.add(name, Method(function, needs, title, paper, year))
        return function

    return register


# Every file beside this one holds methods: reading it registers them.
for _module in sorted(each.name for each in iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")
