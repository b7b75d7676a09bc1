"""The command line: options in, one call, answer out. The only place that imports late, so that help is instant."""

from __future__ import annotations

import _thread
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Annotated, Any

import typer

from dogcam.cli.options import (
    AsJson,
    By,
    Calibrate,
    Colormap,
    Csv,
    Curves,
    DataDir,
    Decompose,
    Epochs,
    Faithfulness,
    Fuse,
    Home,
    Labels,
    Layers,
    MaskBatch,
    Methods,
    Output,
    Pairs,
    Preprocess,
    Quiet,
    Smooth,
    Verbose,
    Weights,
    numbers,
    option,
    several,
)
from dogcam.core.config import (
    AUGMENTATIONS,
    FORMATS,
    LANGUAGES,
    OPTIMIZERS,
    PREPROCESSES,
    RECIPES,
    SAVES,
    DemoConfig,
    EvaluateConfig,
    ExplainConfig,
    LayersConfig,
    ReportConfig,
    TrainConfig,
)
from dogcam.core.errors import DogcamError
from dogcam.core.registry import resolve

DONE, FAILED, USAGE, SKIPPED, INTERRUPTED = 0, 1, 2, 3, 130

app = typer.Typer(
    name="dogcam",
    help="Does an image classifier look at the object, and which CAM method shows it best? With evidence.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _answer(command: str, config: Any, show: str, quiet: bool, verbose: bool, as_json: bool, **more: Any) -> None:
    """Check names, run `dogcam.commands.<command>`, show the result and exit with its code."""
    from dogcam import console

    config.check_names()
    try:
        with nullcontext() if verbose else _without_start_up_noise():
            run = resolve(f"dogcam.commands.{command}:run")
        with console.TerminalProgress(-1 if quiet else 0) as progress:
            result = run(config, progress, **more)
    except KeyboardInterrupt as stop:
        console.show_error(str(stop) or "nothing was left half written", label="interrupted")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        console.show_json(result.document())
    else:
        getattr(console, show)(result)
    if getattr(result, "problems", ()):
        raise typer.Exit(SKIPPED)


@contextmanager
def _without_start_up_noise() -> Iterator[None]:
    """Hold back what TensorFlow's libraries write to standard error while they load; shown after all where loading fails."""
    # TensorFlow reads this once, when it is imported; its first lines come before it has read anything.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@app.command()
def demo(
    out: Annotated[
        str | None, option("--out", text="folder for the experiment", default=DemoConfig.out, envvar="DOGCAM_HOME")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """The whole study on drawn dogs, offline, in minutes: train, evaluate, explain, report."""
    _answer("demo", DemoConfig.of(out=out), "show_demo", quiet, verbose, as_json)


@app.command()
def train(
    dataset: Annotated[
        str | None, option("--dataset", text="stanford_dogs, synthetic or tfds:NAME", default=TrainConfig.dataset)
    ] = None,
    data_dir: DataDir = None,
    backbone: Annotated[
        str | None, option("--backbone", text="see dogcam list backbones", default=TrainConfig.backbone)
    ] = None,
    weights: Annotated[
        str | None, option("--weights", text="imagenet, none or a weights file", default=TrainConfig.weights)
    ] = None,
    trainable: Annotated[
        str | None,
        option("--trainable", text="all, head, or from the first LAYER-PREFIX up", default=TrainConfig.trainable),
    ] = None,
    runs: Annotated[int | None, option("--runs", text="run r uses seed + r", default=TrainConfig.runs)] = None,
    epochs: Annotated[int | None, option("--epochs", text="of each run", default=TrainConfig.epochs)] = None,
    checkpoints: Annotated[
        list[str] | None,
        option("--checkpoints", text="epochs whose model is kept", default=TrainConfig.checkpoints),
    ] = None,
    optimizer: Annotated[
        str | None, option("--optimizer", text=", ".join(OPTIMIZERS), default=TrainConfig.optimizer)
    ] = None,
    learning_rate: Annotated[
        float | None,
        option("--learning-rate", text="step [default: 1e-4; 1e-3 for --trainable head or --weights none]"),
    ] = None,
    batch_size: Annotated[
        int | None, option("--batch-size", text="pictures a step", default=TrainConfig.batch_size)
    ] = None,
    preprocess: Annotated[
        str | None,
        option(
            "--preprocess",
            text=f"{', '.join(PREPROCESSES)}: its own, /255, or pixels as they are",
            default=TrainConfig.preprocess,
        ),
    ] = None,
    augment: Annotated[
        str | None, option("--augment", text=", ".join(AUGMENTATIONS), default=TrainConfig.augment)
    ] = None,
    recipe: Annotated[
        str | None,
        option("--recipe", text=f"{', '.join(RECIPES)} (inferred); options win", default=TrainConfig.recipe),
    ] = None,
    seed: Annotated[int | None, option("--seed", text="of the experiment", default=TrainConfig.seed)] = None,
    limit: Annotated[int | None, option("--limit", text="at most so many pictures of each split")] = None,
    name: Annotated[str | None, option("--name", text="of the experiment [default: made from data and time]")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on with an experiment (the newest) where it ended")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a classifier in several seeded runs, and keep the models of chosen epochs."""
    given = {
        "dataset": dataset,
        "data_dir": data_dir,
        "backbone": backbone,
        "weights": weights,
        "trainable": trainable,
        "runs": runs,
        "epochs": epochs,
        "checkpoints": numbers("--checkpoints", checkpoints),
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "preprocess": preprocess,
        "augment": augment,
        "recipe": recipe,
        "seed": seed,
        "limit": limit,
        "name": name,
        "home": home,
        "resume": resume or None,
    }
    named = tuple(option for option, value in given.items() if value is not None)
    config = TrainConfig.create(**given)
    _answer("train", config, "show_training", quiet, verbose, as_json, given=named)


@app.command()
def explain(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="files, folders, globs, or ids in the dataset")
    ],
    method: Methods = None,
    layer: Layers = None,
    epoch: Epochs = None,
    run: Annotated[int | None, option("--run", text="of the experiment [default: the best]")] = None,
    target: Annotated[
        str | None,
        option(
            "--target", text="predicted, second, true, a class, or A:B for A against B", default=ExplainConfig.target
        ),
    ] = None,
    all_top: Annotated[int | None, option("--all-top", text="explain the model's first N classes")] = None,
    fuse: Fuse = None,
    smooth: Smooth = None,
    mask_batch: MaskBatch = None,
    model: Annotated[
        str | None,
        option("--model", text="an experiment, FILE.keras or imagenet:BACKBONE [default: the newest experiment]"),
    ] = None,
    weights: Weights = None,
    labels: Labels = None,
    preprocess: Preprocess = None,
    output: Output = None,
    protocol: Annotated[str | None, option("--protocol", text="how a map becomes a box", default="default")] = None,
    out: Annotated[str | None, option("--out", text="folder [default: dogcam-explained, -2, ...]")] = None,
    save: Annotated[list[str] | None, option("--save", text="what to write", default=SAVES)] = None,
    colormap: Colormap = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="write over files that are there")] = False,
    data_dir: DataDir = None,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show what a classifier looks at in pictures: top classes, boxes, overlays, contact sheets, raw maps."""
    config = ExplainConfig.of(
        images=tuple(images),
        methods=several(method),
        layers=several(layer),
        epochs=numbers("--epoch", epoch),
        run=run,
        target=target,
        all_top=all_top,
        fuse=fuse,
        smooth=several(smooth),
        mask_batch=mask_batch,
        model=model,
        weights=weights,
        labels=labels,
        preprocess=preprocess,
        output=output,
        protocol=protocol,
        out=out,
        save=several(save),
        colormap=colormap,
        overwrite=overwrite or None,
        data_dir=data_dir,
        home=home,
    )
    _answer("explain.command", config, "show_explanations", quiet, verbose, as_json)


@app.command()
def evaluate(
    experiment: Annotated[str | None, typer.Argument(help="name or folder [default: the newest]")] = None,
    epoch: Epochs = None,
    run: Annotated[str | None, option("--run", text="best, all or a number", default=EvaluateConfig.run)] = None,
    method: Methods = None,
    layer: Layers = None,
    protocol: Annotated[
        list[str] | None,
        option("--protocol", text="see dogcam list protocols; repeat, or commas", default=("default",)),
    ] = None,
    target: Annotated[
        str | None,
        option("--target", text="true, predicted, second, a class, or A:B", default=EvaluateConfig.target),
    ] = None,
    fuse: Fuse = None,
    smooth: Smooth = None,
    mask_batch: MaskBatch = None,
    split: Annotated[str | None, option("--split", text="train, test", default=EvaluateConfig.split)] = None,
    limit: Annotated[int | None, option("--limit", text="at most so many pictures")] = None,
    samples: Annotated[
        int | None, option("--samples", text="pictures kept with maps for figures", default=EvaluateConfig.samples)
    ] = None,
    calibrate: Calibrate = None,
    faithfulness: Faithfulness = None,
    decompose: Decompose = None,
    by: By = None,
    pairs: Pairs = False,
    curves: Curves = False,
    csv: Csv = False,
    batch_size: Annotated[
        int | None, option("--batch-size", text="pictures a pass", default=EvaluateConfig.batch_size)
    ] = None,
    model: Annotated[
        str | None, option("--model", text="FILE.keras or imagenet:BACKBONE, in place of an experiment")
    ] = None,
    weights: Weights = None,
    labels: Labels = None,
    preprocess: Preprocess = None,
    output: Output = None,
    dataset: Annotated[str | None, option("--dataset", text="with --model: stanford_dogs, synthetic, ...")] = None,
    name: Annotated[str | None, option("--name", text="with --model: of the experiment that is made")] = None,
    data_dir: DataDir = None,
    resume: Annotated[bool, typer.Option("--resume", help="keep the cells that are finished")] = False,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Score heatmaps against annotated boxes, at each kept epoch of the best run, with baselines beside them."""
    config = EvaluateConfig.of(
        experiment=experiment,
        epochs=numbers("--epoch", epoch),
        run=run,
        methods=several(method),
        layers=several(layer),
        protocols=several(protocol),
        target=target,
        fuse=fuse,
        smooth=several(smooth),
        mask_batch=mask_batch,
        split=split,
        limit=limit,
        samples=samples,
        calibrate=calibrate,
        faithfulness=faithfulness,
        decompose=several(decompose),
        by=several(by),
        pairs=pairs or None,
        curves=curves or None,
        csv=csv or None,
        batch_size=batch_size,
        model=model,
        weights=weights,
        labels=labels,
        preprocess=preprocess,
        output=output,
        dataset=dataset,
        name=name,
        data_dir=data_dir,
        resume=resume or None,
        home=home,
    )
    _answer("evaluate.command", config, "show_evaluation", quiet, verbose, as_json)


@app.command()
def report(
    experiments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXPERIMENT]...", help="names or folders; several are compared [default: the newest]"),
    ] = None,
    out: Annotated[
        str | None,
        option(
            "--out", text="folder [default: report/ in the experiment; of several report-A-B/; in Korean report-ko/]"
        ),
    ] = None,
    formats: Annotated[
        list[str] | None, option("--format", text=f"of {', '.join(FORMATS)}", default=ReportConfig.formats)
    ] = None,
    csv: Csv = False,
    lang: Annotated[
        str | None, option("--lang", text=f"language: {', '.join(LANGUAGES)}", default=ReportConfig.lang)
    ] = None,
    colormap: Colormap = None,
    jobs: Annotated[int | None, option("--jobs", text="processes that draw figures [default: one a processor]")] = None,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write what an experiment shows, beside what the study published; of several, how they compare."""
    first, *others = experiments or (None,)
    config = ReportConfig.of(
        experiment=first,
        others=tuple(others),
        out=out,
        formats=several(formats),
        csv=csv or None,
        lang=lang,
        colormap=colormap,
        jobs=jobs,
        home=home,
    )
    _answer("report", config, "show_report", quiet, verbose, as_json)


@app.command(name="list")
def list_names(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="backbones, methods, layers, datasets, protocols, metrics, summary or runs"
        ),
    ],
    model: Annotated[
        str | None,
        option("--model", text="for layers: an experiment, FILE.keras or imagenet:BACKBONE [default: the newest]"),
    ] = None,
    output: Output = None,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List what there is to choose from."""
    from dogcam import console
    from dogcam.commands import listings

    if what == "layers":
        config = LayersConfig.of(model=model, output=output, home=home)
        _answer("layers", config, "show_listing", quiet, verbose, as_json)
        return
    if model is not None or output is not None:
        raise typer.BadParameter("--model and --output go with: dogcam list layers")
    listing = listings.listing(what, home or TrainConfig.home)
    if as_json:
        console.show_json(listing.document())
    else:
        console.show_listing(listing)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"dogcam {version('dogcam')}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="show the version", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Does an image classifier look at the object, and which CAM method shows it best? With evidence."""


@contextmanager
def no_ctrl_c_lost() -> Iterator[None]:
    """Give a Ctrl-C again that came while an object was being deleted, where Python prints every exception and goes on."""
    known = sys.unraisablehook

    def hook(found: Any) -> None:
        if issubclass(found.exc_type, KeyboardInterrupt):
            # From another thread and a moment later: given here it would be lost in the same way.
            threading.Timer(0.01, _thread.interrupt_main).start()
        else:
            known(found)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = known


def main(arguments: list[str] | None = None) -> int:
    """Run the program on `arguments` (those of the process where None) and return its exit code."""
    try:
        with no_ctrl_c_lost():
            app(args=arguments, prog_name="dogcam")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE
    except DogcamError as error:
        return _failed(str(error))
    except OSError as error:
        # A disk that is full, a folder that may not be written to: the system's own words say it best.
        return _failed(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    return DONE


def _failed(text: str) -> int:
    from dogcam import console

    console.show_error(text)
    return FAILED
