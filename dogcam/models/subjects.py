"""Which models a user means by --model, --run and --epoch: an experiment's, a file's, or ImageNet's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dogcam.core.config import EvaluateConfig, ExplainConfig
from dogcam.core.errors import ModelError, OptionError
from dogcam.core.progress import Progress
from dogcam.data import Dataset
from dogcam.experiment.runs import Experiment, find_experiment
from dogcam.experiment.selection import choose_epochs, choose_runs, reopen_dataset
from dogcam.experiment.training_curves import RunChoice, curves_of
from dogcam.models.classifier import Classifier, imagenet_classifier, load_foreign, load_trained
from dogcam.models.pretrained import imagenet_labels, read_labels


@dataclass(frozen=True, eq=False)
class Subject:
    """The models to ask, by epoch, and the experiment and run that they are of and why, where they are of one."""

    name: str
    models: dict[int | None, Classifier]
    experiment: Experiment | None = None
    run: int = 0
    choice: RunChoice | None = None

    @property
    def first(self) -> Classifier:
        """Any of the models: they are alike but for their weights."""
        return next(iter(self.models.values()))

    def dataset(self, data_dir: str | None, progress: Progress) -> Dataset | None:
        """The data the models were trained on, where that is known."""
        return reopen_dataset(self.experiment, data_dir, progress) if self.experiment else None


def find_subject(config: ExplainConfig, progress: Progress) -> Subject:
    """The models that --model, --run and --epoch mean."""
    named = config.model or ""
    if named.startswith("imagenet:"):
        return _imagenet(named.removeprefix("imagenet:"), config, progress)
    if named.endswith((".keras", ".h5")):
        path = Path(named)
        return _kept_file(path, config) if _in_experiment(path) else _foreign(path, config)
    experiment = find_experiment(config.home, config.model)
    _no_options_of_single_models(config, experiment)
    choice = choose_runs(experiment, str(config.run) if config.run is not None else "best")
    epochs = choose_epochs(experiment, choice.runs, config.epochs or (_best_epoch(experiment, choice.run),))
    models = {epoch: load_trained(experiment, choice.run, epoch) for epoch in epochs}
    return Subject(f"{experiment.name} run {choice.run}", models, experiment, choice.run, choice)


def find_single(config: EvaluateConfig, progress: Progress) -> Classifier:
    """The one model that --model FILE.keras or imagenet:BACKBONE means.

    Raises:
        OptionError: it is neither.
    """
    named = config.model or ""
    if named.startswith("imagenet:"):
        return _imagenet(named.removeprefix("imagenet:"), config, progress).first
    if not named.endswith((".keras", ".h5")):
        raise OptionError(f"--model takes FILE.keras, FILE.h5 or imagenet:BACKBONE here; received {named!r}")
    return _foreign(Path(named), config).first


def _no_options_of_single_models(config: ExplainConfig, experiment: Experiment) -> None:
    given = {"--labels": config.labels, "--preprocess": config.preprocess, "--output": config.output}
    given["--weights"] = config.weights if config.weights != ExplainConfig.weights else None
    for option, value in given.items():
        if value is not None:
            raise OptionError(f"{option} is for models from elsewhere; {experiment.name} brings its own: leave {option} out")


def _best_epoch(experiment: Experiment, number: int) -> int:
    """The kept epoch of a run with the highest test accuracy, the last one where none was measured."""
    kept = experiment.kept()[number]
    curve = curves_of(experiment.history()).get(number)
    best = curve.best_of(kept) if curve else None
    return kept[-1] if best is None else best


def _imagenet(name: str, config: ExplainConfig | EvaluateConfig, progress: Progress) -> Subject:
    _no_epochs(config, f"imagenet:{name}")
    # The network first: where it cannot be had, nobody should wait to hear that its labels cannot either.
    model = imagenet_classifier(name, config.weights, ())
    labels = read_labels(Path(config.labels), model.class_count) if config.labels else imagenet_labels(progress)
    return Subject(model.name, {None: replace(model, classes=labels)})


def _foreign(path: Path, config: ExplainConfig | EvaluateConfig) -> Subject:
    _no_epochs(config, str(path))
    if config.preprocess is None:
        raise OptionError(
            f"{path} does not say how its pixels are to be prepared: --preprocess NAME, with a backbone's name for that "
            "backbone's own, unit for pixels divided by 255, or none"
        )
    model = load_foreign(path, config.preprocess, (), config.output)
    labels = read_labels(Path(config.labels), model.class_count) if config.labels else ()
    return Subject(path.name, {None: replace(model, classes=labels)})


def _no_epochs(config: ExplainConfig | EvaluateConfig, name: str) -> None:
    if config.epochs or config.run not in (None, EvaluateConfig.run):
        raise OptionError(f"--epoch and --run choose among an experiment's models; {name} is one model")


def _in_experiment(path: Path) -> bool:
    return (path.parent.parent / "experiment.json").exists()


def _kept_file(path: Path, config: ExplainConfig) -> Subject:
    _no_epochs(config, str(path))
    experiment = Experiment(path.absolute().parent.parent)
    _no_options_of_single_models(config, experiment)
    for number, epochs in experiment.kept().items():
        for epoch in epochs:
            if experiment.checkpoint(number, epoch) == path.absolute():
                models = {epoch: load_trained(experiment, number, epoch)}
                return Subject(f"{experiment.name} run {number}", models, experiment, number)
    raise ModelError(f"{path} is not a kept epoch of the experiment {experiment.path}")
