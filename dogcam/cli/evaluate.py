"""`dogcam evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from dogcam.cli import options
from dogcam.cli.answering import answer
from dogcam.cli.options import ANSWERS, DATA, EXPERIMENT, MAPS, MODEL, OUTPUT, SCORING, option
from dogcam.core.choices import BOX_FORMS, GROUPINGS, SPLITS
from dogcam.core.config import EvaluateConfig

_OF_MODELS, _OF_MAPS = "dogcam.commands.evaluate.command:run", "dogcam.commands.evaluate.given:run"  # without TensorFlow


def evaluate(
    experiment: Annotated[str | None, typer.Argument(metavar="[EXPERIMENT]", help="name or folder [default: the newest]")] = None,
    epochs: options.Epochs = None,
    run: Annotated[str | None, option(MAPS, "--run", "RUN", "best, all or a number", EvaluateConfig.run)] = None,
    methods: options.Methods = None,
    layers: options.Layers = None,
    protocols: Annotated[
        list[str] | None, option(MAPS, "--protocol", "PROTOCOL", "see dogcam list protocols; repeat, or use commas", ("default",))
    ] = None,
    target: Annotated[
        str | None, option(MAPS, "--target", "CLASS", "true, predicted, second, a class, or A:B", EvaluateConfig.target)
    ] = None,
    pairs: Annotated[bool, option(ANSWERS, "--pairs", None, "also the ranking, and every pair compared")] = False,
    by: Annotated[list[str] | None, option(ANSWERS, "--by", "GROUPING", f"also a table by {', '.join(GROUPINGS)}")] = None,
    decompose: Annotated[
        list[str] | None,
        option(ANSWERS, "--decompose", "A:B", "where a gap comes from: cam:gradcam, or cam@cam2016:gradcam@wsol-v1"),
    ] = None,
    faithfulness: Annotated[
        int | None, option(ANSWERS, "--faithfulness", "N", "also ask the network about its maps, of N pictures with boxes")
    ] = None,
    curves: Annotated[bool, option(ANSWERS, "--curves", None, "also mean IoU by threshold")] = False,
    split: Annotated[str | None, option(DATA, "--split", "NAME", ", ".join(SPLITS), EvaluateConfig.split)] = None,
    limit: Annotated[int | None, option(DATA, "--limit", "N", "at most so many pictures")] = None,
    data_dir: options.DataDir = None,
    dataset: Annotated[
        str | None, option(DATA, "--dataset", "DATASET", "with --model or --maps: name, folder or file; see dogcam list datasets")
    ] = None,
    model: Annotated[
        str | None, option(MODEL, "--model", "MODEL", "FILE.keras or imagenet:BACKBONE, in place of an experiment")
    ] = None,
    maps: Annotated[
        str | None, option(MODEL, "--maps", "DIR", "somebody else's heatmaps in place of a model: .npy, .npz or grey .png")
    ] = None,
    weights: options.Weights = None,
    labels: options.Labels = None,
    preprocess: options.Preprocess = None,
    output: options.OutputName = None,
    fuse: options.Fuse = None,
    smooth: options.Smooth = None,
    mask_batch: options.MaskBatch = None,
    calibrate: Annotated[
        int | None,
        option(SCORING, "--calibrate", "N", "training pictures that thresholds are chosen on", EvaluateConfig.calibrate),
    ] = None,
    samples: Annotated[
        int | None, option(SCORING, "--samples", "N", "pictures kept with maps for figures", EvaluateConfig.samples)
    ] = None,
    batch_size: Annotated[int | None, option(SCORING, "--batch-size", "N", "pictures a pass", EvaluateConfig.batch_size)] = None,
    name: Annotated[str | None, option(EXPERIMENT, "--name", "NAME", "with --model or --maps: of what is made")] = None,
    save_maps: Annotated[
        str | None, option(OUTPUT, "--save-maps", "DIR", "also all maps as .npy, for other tools and for --maps")
    ] = None,
    resume: Annotated[bool, option(EXPERIMENT, "--resume", None, "keep the cells that are finished")] = False,
    home: options.Home = None,
    wide: Annotated[bool, option(OUTPUT, "--wide", None, "every metric")] = False,
    csv: options.Csv = False,
    save: Annotated[list[str] | None, option(OUTPUT, "--save", "FORM", f"also predicted boxes: {', '.join(BOX_FORMS)}")] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Score heatmaps against annotated boxes, at each kept epoch of the best run, with baselines beside them."""
    answer(_OF_MODELS if maps is None else _OF_MAPS, EvaluateConfig.of, "dogcam.console.evaluation:show_evaluation", locals())
