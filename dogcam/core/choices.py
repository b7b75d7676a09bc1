"""What options may be, where no registry says so, and checks of their values."""

from __future__ import annotations

from typing import Any

from dogcam.core.errors import OptionError
from dogcam.core.registry import unknown

OPTIMIZERS = ("adam", "adamw", "sgd", "momentum", "rmsprop")
AUGMENTATIONS = ("none", "flip")
PREPROCESSES = ("backbone", "unit", "none")
FORMATS = ("html", "md", "latex", "pdf")
LANGUAGES = ("en", "ko")  # of reports; each has its catalogue in `dogcam.language`
# matplotlib's colours for heat; all but the last two are perceptually uniform: equal steps of heat look equal, in print and to
# colour-blind readers too. The first is what is drawn where nothing is chosen.
COLORMAPS = ("magma", "inferno", "plasma", "viridis", "cividis", "turbo", "jet")
BOX_FORMS = ("coco", "yolo", "voc", "csv")  # in which predicted boxes are given back, see `dogcam.data.predictions`
SAVES = ("png", "npy", "json", "npz", "png16", *BOX_FORMS)
FUSIONS = ("mean", "max", "product")
SMOOTHINGS = ("flip", "scale")
SPLITS = ("train", "test", "val")  # the last where the data gives all three
GROUPINGS = ("breed", "size", "animals", "right")

# What a recipe sets; an option given on the command line wins over it. "study" is inferred: the study does not state
# its recipe, but its figures fit a widely used classroom exercise on the same task, which does.
RECIPES: dict[str, dict[str, Any]] = {
    "default": {},
    "study": {
        "trainable": "all",
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "batch_size": 16,
        "preprocess": "unit",
        "augment": "none",
    },
}


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise `UnknownName` where the value of an option is none of those allowed."""
    if value not in allowed:
        raise unknown(name, value, allowed)


def at_least(name: str, value: float | None, least: float) -> None:
    """Raise `OptionError` where a number is given and is below the least."""
    if value is not None and value < least:
        raise OptionError(f"--{name.replace('_', '-')} must be at least {least:g}; received {value:g}")


def not_empty(name: str, values: tuple[str, ...]) -> None:
    """Raise `OptionError` where an option that takes several values has none."""
    if not values:
        raise OptionError(f"--{name} needs at least one value; received none")
