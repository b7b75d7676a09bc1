"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from dogcam.core.config import COLORMAPS, FUSIONS, GROUPINGS, SMOOTHINGS, EvaluateConfig, ExplainConfig, TrainConfig


def _help_of(text: str, default: object = None) -> str:
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return text if shown in (None, "", False) else f"{text} [default: {shown}]"


def option(*names: str, text: str, default: object = None, **more: Any) -> Any:
    """An option that is None where it is not given: the default itself lives in `config`."""
    return typer.Option(*names, help=_help_of(text, default), show_default=False, **more)


Home = Annotated[
    str | None, option("--home", text="where experiments live", default=TrainConfig.home, envvar="DOGCAM_HOME")
]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON on standard output, nothing else there")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="no progress and no notes")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="also what TensorFlow has to say")]
DataDir = Annotated[str | None, option("--data-dir", text="folder of the dataset")]
Methods = Annotated[list[str] | None, option("--method", text="CAM method; repeat, or separate by commas")]
Layers = Annotated[list[str] | None, option("--layer", text="layer; repeat, or separate by commas")]
Weights = Annotated[
    str | None,
    option("--weights", text="for imagenet:BACKBONE: imagenet, none or a file", default=ExplainConfig.weights),
]
Labels = Annotated[str | None, option("--labels", text="file of the model's class names, one a line")]
Preprocess = Annotated[str | None, option("--preprocess", text="for FILE.keras: a backbone's name, unit or none")]
Output = Annotated[str | None, option("--output", text="of a model with several outputs, the one of the classes")]
Fuse = Annotated[str | None, option("--fuse", text=f"also one map of a method's layers: {', '.join(FUSIONS)}")]
Smooth = Annotated[
    list[str] | None, option("--smooth", text=f"mean over varied inputs: {', '.join(SMOOTHINGS)} or both")
]
MaskBatch = Annotated[
    int | None,
    option("--mask-batch", text="masked copies a pass, of methods that need many", default=ExplainConfig.mask_batch),
]
Calibrate = Annotated[
    int | None,
    option("--calibrate", text="training pictures that thresholds are chosen on", default=EvaluateConfig.calibrate),
]
Faithfulness = Annotated[
    int | None,
    option("--faithfulness", text="also ask the network about its maps, of so many pictures with boxes"),
]
Decompose = Annotated[
    list[str] | None,
    option("--decompose", text="where a gap comes from: cam:gradcam, or cam@cam2016:gradcam@wsol-v1"),
]
By = Annotated[list[str] | None, option("--by", text=f"also a table by {', '.join(GROUPINGS)}")]
Pairs = Annotated[bool, typer.Option("--pairs", help="also the ranking, and every pair compared")]
Curves = Annotated[bool, typer.Option("--curves", help="also mean IoU by threshold")]
Colormap = Annotated[
    str | None,
    option("--colormap", text=f"colours of heat: {', '.join(COLORMAPS)}", default=ExplainConfig.colormap),
]
Csv = Annotated[bool, typer.Option("--csv", help="also every table as CSV")]
Epochs = Annotated[list[str] | None, option("--epoch", text="kept epoch; repeat, or separate by commas")]


def several(values: list[str] | None) -> tuple[str, ...] | None:
    """Values given by repetition, by commas or both; None where none were given."""
    if not values:
        return None
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def numbers(name: str, values: list[str] | None) -> tuple[int, ...] | None:
    """Whole numbers given to the option `name`; None where none were given.

    Raises:
        typer.BadParameter: one is none.
    """
    parts = several(values)
    if parts is None:
        return None
    wrong = [part for part in parts if not part.isdecimal()]
    if wrong:
        raise typer.BadParameter(f"{name} takes whole numbers such as 3 or 3,5,7; received {wrong[0]!r}")
    return tuple(map(int, parts))
