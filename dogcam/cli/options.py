"""Options that several commands share, under which title help shows them, and how their values are read."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dogcam.core.choices import COLORMAPS, FUSIONS, SMOOTHINGS
from dogcam.core.config import ExplainConfig, TrainConfig

# The titles of help, each of which stands where its first option does.
MODEL, DATA, TRAINING, EXPERIMENT, OUTPUT = "Model", "Data", "Training", "Experiment", "Output"
MAPS, VARIANTS, FILES, ANSWERS, SCORING = "Maps and boxes", "Variants of maps", "Files", "More answers", "Scoring"

TERMINAL = ("as_json", "quiet", "verbose")  # what is about the answer and no part of a configuration
_ONE_EACH = ("images",)  # a comma may be part of a file's name
_NUMBERS = {"epochs": "--epoch", "checkpoints": "--checkpoints"}


def option(group: str, names: str, metavar: str | None, text: str, default: object = None, envvar: str | None = None) -> Any:
    """An option that is None where it is not given: the default itself lives in `config`. No metavar: a flag."""
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    shown = f"${envvar} or {shown}" if envvar else shown
    return typer.Option(
        *names.split(),
        metavar=metavar,
        help=text if shown is None else f"{text} [default: {shown}]",
        rich_help_panel=group,
        show_default=False,
        envvar=envvar,
        show_envvar=False,
    )


Methods = Annotated[list[str] | None, option(MAPS, "--method", "METHOD", "see dogcam list methods; repeat, or use commas")]
Layers = Annotated[list[str] | None, option(MAPS, "--layer", "LAYER", "see dogcam list layers; repeat, or use commas")]
Epochs = Annotated[list[str] | None, option(MAPS, "--epoch", "EPOCH", "kept epoch; repeat, or use commas")]
Fuse = Annotated[str | None, option(VARIANTS, "--fuse", "WAY", f"also one map of a method's layers: {', '.join(FUSIONS)}")]
Smooth = Annotated[
    list[str] | None, option(VARIANTS, "--smooth", "WAY", f"mean over varied inputs: {', '.join(SMOOTHINGS)} or both")
]
MaskBatch = Annotated[
    int | None, option(VARIANTS, "--mask-batch", "N", "masked copies a pass, of methods that need many", ExplainConfig.mask_batch)
]
Weights = Annotated[
    str | None, option(MODEL, "--weights", "WEIGHTS", "for imagenet:BACKBONE: imagenet, none or a file", ExplainConfig.weights)
]
Labels = Annotated[str | None, option(MODEL, "--labels", "FILE", "the model's class names, one a line")]
Preprocess = Annotated[str | None, option(MODEL, "--preprocess", "NAME", "for FILE.keras: a backbone's name, unit or none")]
OutputName = Annotated[str | None, option(MODEL, "--output", "NAME", "of a model with several outputs, the one of the classes")]
DataDir = Annotated[str | None, option(DATA, "--data-dir", "DIR", "where the dataset lies, or its pictures")]
Colormap = Annotated[
    str | None, option(FILES, "--colormap", "NAME", f"colours of heat: {', '.join(COLORMAPS)}", ExplainConfig.colormap)
]
Home = Annotated[str | None, option(EXPERIMENT, "--home", "DIR", "where experiments live", TrainConfig.home, "DOGCAM_HOME")]
Csv = Annotated[bool, option(OUTPUT, "--csv", None, "also every table as CSV")]
AsJson = Annotated[bool, option(OUTPUT, "--json", None, "print the result as JSON on standard output, nothing else there")]
Quiet = Annotated[bool, option(OUTPUT, "-q --quiet", None, "no progress and no notes")]
Verbose = Annotated[bool, option(OUTPUT, "-v --verbose", None, "also what TensorFlow has to say")]


def given(options: dict[str, Any]) -> dict[str, Any]:
    """What was given of a command's options, as its configuration takes it: values given by commas are several."""
    return {
        name: _read(name, value) if isinstance(value, list) else value
        for name, value in options.items()
        if name not in TERMINAL and value is not None and value is not False
    }


def _read(name: str, values: list[str]) -> tuple[Any, ...]:
    if name in _ONE_EACH:
        return tuple(values)
    parts = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    return _numbers(_NUMBERS[name], parts) if name in _NUMBERS else parts


def _numbers(option: str, parts: tuple[str, ...]) -> tuple[int, ...]:
    """Whole numbers given to `option`.

    Raises:
        typer.BadParameter: one is none.
    """
    wrong = [part for part in parts if not part.isdecimal()]
    if wrong:
        raise typer.BadParameter(f"{option} takes whole numbers such as 3 or 3,5,7; received {wrong[0]!r}")
    return tuple(map(int, parts))
