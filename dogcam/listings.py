"""What `dogcam list` shows: the registries, and the experiments there are. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dogcam.backbones import BACKBONES
from dogcam.datasets import DATASETS
from dogcam.errors import ExperimentError
from dogcam.files import plain
from dogcam.methods import METHODS
from dogcam.metrics import METRICS
from dogcam.protocols import PROTOCOLS
from dogcam.registry import unknown
from dogcam.runs import Experiment, all_experiments


@dataclass(frozen=True)
class Listing:
    """A table of names."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    wide_only: tuple[str, ...] = ()  # headings that a narrow terminal does without

    def document(self) -> list[dict[str, Any]]:
        """One object a row, for JSON."""
        return plain([dict(zip(self.headings, row, strict=True)) for row in self.rows])


def listing(what: str, home: str) -> Listing:
    """The list called `what`.

    Raises:
        UnknownName: there is no such list.
    """
    if what not in _LISTINGS:
        raise unknown("list", what, _LISTINGS)
    return _LISTINGS[what](home)


def _backbones(home: str) -> Listing:
    headings = ("backbone", "size", "last conv", "preprocess", "builder", "source")
    rows = tuple(
        (name, row.image_size, row.last_conv, _prepared(row.preprocess), row.builder.partition(":")[2], row.source)
        for name, row in BACKBONES.items()
    )
    return Listing("Backbones", headings, rows, ("preprocess", "builder"))


def _prepared(preprocess: str) -> str:
    """ "keras.applications.resnet:preprocess_input" -> "resnet"."""
    return preprocess.partition(":")[0].rpartition(".")[2] or "in the network"


def _methods(home: str) -> Listing:
    headings = ("method", "needs", "year", "paper")
    rows = tuple((name, ", ".join(row.needs), row.year, row.paper) for name, row in METHODS.items())
    return Listing("Methods", headings, rows)


def _datasets(home: str) -> Listing:
    rows = tuple((name, row.description) for name, row in DATASETS.items())
    return Listing("Datasets", ("dataset", "description"), rows)


def _protocols(home: str) -> Listing:
    headings = ("protocol", "version", "description")
    rows = tuple((name, row.version, row.description) for name, row in PROTOCOLS.items())
    return Listing("Protocols", headings, rows)


def _metrics(home: str) -> Listing:
    rows = tuple((name, row.title, row.description) for name, row in METRICS.items())
    return Listing("Metrics", ("metric", "heading", "description"), rows)


def _runs(home: str) -> Listing:
    rows = tuple(_experiment_row(each) for each in all_experiments(home))
    return Listing(f"Experiments in {home}", ("experiment", "begun", "status", "data", "backbone", "kept epochs"), rows)


def _experiment_row(experiment: Experiment) -> tuple[Any, ...]:
    """One experiment; of one that cannot be read the reason, as its status."""
    try:
        document = experiment.document
    except ExperimentError as error:
        return experiment.name, "", f"unreadable: {error}", "", "", ""
    epochs = "; ".join(f"run {run}: {','.join(map(str, each))}" for run, each in experiment.kept().items())
    dataset, model = document.get("dataset", {}), document.get("model", {})
    begun = document.get("created", "")[:19]
    return experiment.name, begun, document.get("status"), dataset.get("name"), model.get("backbone"), epochs


_LISTINGS: dict[str, Callable[[str], Listing]] = {
    "backbones": _backbones,
    "methods": _methods,
    "datasets": _datasets,
    "protocols": _protocols,
    "metrics": _metrics,
    "runs": _runs,
}
