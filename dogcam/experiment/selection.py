"""What an experiment means by its run, its epochs and its data, where the user names none or some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dogcam.boxes.protocols import Protocol
from dogcam.core.errors import ExperimentError
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.core.registry import unknown
from dogcam.data import Dataset
from dogcam.data.opening import open_dataset
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment
from dogcam.experiment.training_curves import RunChoice, choose_run, curves_of

# The targets whose maps are meant to find the object, and whose boxes can locate the class.
OF_THE_OBJECT = ("true", "predicted")


def choose_runs(experiment: Experiment, wanted: str) -> RunChoice:
    """The runs that `wanted` ("best", "all" or a number) means, and why."""
    kept = experiment.kept()
    if not kept:
        experiment.check_trained()
        raise ExperimentError(f"{experiment.path} has no kept epoch yet: finish it with dogcam train --resume")
    if wanted == "all":
        return RunChoice(tuple(kept), "all")
    if wanted != "best":
        if int(wanted) not in kept:
            raise unknown("run", wanted, kept)
        return RunChoice((int(wanted),), "as-asked")
    curves = {number: curve for number, curve in curves_of(experiment.history()).items() if number in kept}
    if not curves:
        raise ExperimentError(f"{experiment.path}: history.csv knows none of the kept runs; name one with --run")
    return choose_run(curves)


def choose_epochs(experiment: Experiment, runs: Iterable[int], wanted: Sequence[int]) -> tuple[int, ...]:
    """The wanted epochs, or all that every one of `runs` kept."""
    kept = experiment.kept()
    common = sorted(set.intersection(*(set(kept[number]) for number in runs)))
    for epoch in wanted:
        if epoch not in common:
            raise unknown("epoch", epoch, (f"{each} (kept)" for each in common))
    return tuple(sorted(set(wanted))) or tuple(common)


def threshold_in_use(experiment: Experiment | None, cell: Cell, protocol: Protocol, smooth: Sequence[str] = ()) -> float | None:
    """The threshold that the experiment's evaluation chose for a cell; the protocol's own where it was not evaluated.

    Of several evaluations that which chose it on the most pictures; only those of the true or the predicted class count,
    since the maps of any other class are drawn to be seen and not to find the object, and only those smoothed alike.
    None where neither is there: the protocol chooses its threshold from many pictures, and names none until then.
    """
    if protocol.threshold_from == "fixed" or experiment is None:
        return protocol.threshold
    wanted = plain(protocol.document())
    found = [
        evaluation.choice(cell)
        for evaluation in experiment.evaluations()
        if _alike(evaluation.about(), protocol.name, wanted, smooth) and evaluation.has(cell)
    ]
    chosen = [each for each in found if each.source != "fixed"]
    return max(chosen, key=lambda each: each.pictures).threshold if chosen else protocol.threshold


def _alike(about: Mapping[str, Any], name: str, protocol: Any, smooth: Sequence[str]) -> bool:
    """Whether an evaluation is by that protocol, smoothed like that, and of maps that are to find the object."""
    same = about.get("protocols", {}).get(name) == protocol and list(about.get("smooth") or ()) == list(smooth)
    return same and about.get("target") in OF_THE_OBJECT


def reopen_dataset(experiment: Experiment, data_dir: str | None, progress: Progress) -> Dataset:
    """The dataset that the experiment was trained on.

    Raises:
        ExperimentError: what is there now is other data.
    """
    document = experiment.training_document()
    config = document["config"]
    then = document["dataset"]
    seed = then.get("division", {}).get("seed") or 0
    dataset = open_dataset(config["dataset"], data_dir or config["data_dir"], progress, seed)
    if dataset.fingerprint() != then["fingerprint"]:
        now = {split: len(records) for split, records in dataset.splits.items()}
        folder = dataset.source.folder if dataset.source else ""
        where = f"{dataset.name} in {folder}" if folder else dataset.name
        raise ExperimentError(
            f"{experiment.name} was trained on other data than {where}: {len(then['classes'])} classes and "
            f"{then['counts']} then, {len(dataset.classes)} and {now} now; say where it is with --data-dir"
        )
    return dataset
