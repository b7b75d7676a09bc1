"""`dogcam train`."""

from __future__ import annotations

from typing import Annotated

from dogcam.cli.answering import answer
from dogcam.cli.options import DATA, EXPERIMENT, MODEL, TRAINING, AsJson, DataDir, Home, Quiet, Verbose, given, option
from dogcam.core.choices import AUGMENTATIONS, OPTIMIZERS, PREPROCESSES, RECIPES
from dogcam.core.config import TrainConfig


def train(
    runs: Annotated[int | None, option(TRAINING, "--runs", "N", "run r uses seed + r", TrainConfig.runs)] = None,
    epochs: Annotated[int | None, option(TRAINING, "--epochs", "N", "of each run", TrainConfig.epochs)] = None,
    checkpoints: Annotated[
        list[str] | None,
        option(TRAINING, "--checkpoints", "EPOCH", "epochs whose model is kept; repeat, or use commas", TrainConfig.checkpoints),
    ] = None,
    recipe: Annotated[
        str | None, option(TRAINING, "--recipe", "NAME", f"{', '.join(RECIPES)} (inferred); options win", TrainConfig.recipe)
    ] = None,
    optimizer: Annotated[
        str | None, option(TRAINING, "--optimizer", "NAME", ", ".join(OPTIMIZERS), TrainConfig.optimizer)
    ] = None,
    learning_rate: Annotated[
        float | None,
        option(TRAINING, "--learning-rate", "RATE", "size of a step", "1e-4; 1e-3 for --trainable head or --weights none"),
    ] = None,
    batch_size: Annotated[int | None, option(TRAINING, "--batch-size", "N", "pictures a step", TrainConfig.batch_size)] = None,
    seed: Annotated[int | None, option(TRAINING, "--seed", "N", "of the experiment", TrainConfig.seed)] = None,
    backbone: Annotated[
        str | None, option(MODEL, "--backbone", "NAME", "see dogcam list backbones", TrainConfig.backbone)
    ] = None,
    weights: Annotated[
        str | None, option(MODEL, "--weights", "WEIGHTS", "imagenet, none or a weights file", TrainConfig.weights)
    ] = None,
    trainable: Annotated[
        str | None, option(MODEL, "--trainable", "LAYERS", "all, head, or from the first LAYER-PREFIX up", TrainConfig.trainable)
    ] = None,
    preprocess: Annotated[
        str | None,
        option(
            MODEL,
            "--preprocess",
            "HOW",
            f"{', '.join(PREPROCESSES)}: its own, /255, or pixels as they are",
            TrainConfig.preprocess,
        ),
    ] = None,
    dataset: Annotated[
        str | None, option(DATA, "--dataset", "DATASET", "name, folder or file; see dogcam list datasets", TrainConfig.dataset)
    ] = None,
    data_dir: DataDir = None,
    limit: Annotated[int | None, option(DATA, "--limit", "N", "at most so many pictures of each split")] = None,
    augment: Annotated[str | None, option(DATA, "--augment", "HOW", ", ".join(AUGMENTATIONS), TrainConfig.augment)] = None,
    name: Annotated[str | None, option(EXPERIMENT, "--name", "NAME", "of the experiment", "made from data and time")] = None,
    resume: Annotated[bool, option(EXPERIMENT, "--resume", None, "go on with an experiment (the newest) where it ended")] = False,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a classifier in several seeded runs, and keep the models of chosen epochs."""
    options = locals()
    run, show = "dogcam.commands.train:run", "dogcam.console.training:show_training"
    answer(run, TrainConfig.create, show, options, given=tuple(given(options)))
