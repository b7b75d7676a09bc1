"""What `dogcam list` shows: the registries, and the experiments there are. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.protocols import FIELDS, PROTOCOLS
from dogcam.core.config import ListConfig
from dogcam.core.errors import ExperimentError
from dogcam.core.files import plain
from dogcam.core.progress import Progress
from dogcam.core.registry import resolve, unknown
from dogcam.data.formats import DATASETS
from dogcam.experiment.runs import Experiment, all_experiments
from dogcam.methods import METHODS, NEEDS, Method
from dogcam.metrics import METRICS
from dogcam.models.backbones import BACKBONES


@dataclass(frozen=True)
class Listing:
    """A table of names."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    wide_only: tuple[str, ...] = ()  # headings that a narrow terminal does without
    more: tuple[Listing, ...] = ()  # tables that explain this one; no part of its JSON

    def document(self) -> list[dict[str, Any]]:
        """One object a row, for JSON."""
        return plain([dict(zip(self.headings, row, strict=True)) for row in self.rows])


def run(config: ListConfig, progress: Progress) -> Listing:
    """The list that `config` names.

    Raises:
        UnknownName: there is no such list.
    """
    return listing(config.what, config.home)


def listing(what: str, home: str) -> Listing:
    """The list called `what`; of experiments, those in `home`.

    Raises:
        UnknownName: there is no such list.
    """
    if what not in _LISTINGS:
        raise unknown("list", what, (*_LISTINGS, "layers"))
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
    title = "Methods; passes for a picture: F forward, B backward; K channels"
    headings = ("method", "needs", "passes", "class", "map of", "year", "paper")
    rows = [
        (name, _needs(row), row.passes, "yes" if row.class_specific else "no", _place(row), row.year, row.paper)
        for name, row in METHODS.items()
    ]
    rows += [(name, "nothing", "none", "no", "a box", row.year, row.paper) for name, row in BASELINES.items()]
    return Listing(title, headings, tuple(rows), ("map of", "paper"))


# What the engine has to give for each need, in the words of the listing; inputs and chance cost nothing.
_KINDS = {
    "activations": "activations",
    "untrained_activations": "activations",
    **dict.fromkeys((need for need in NEEDS if need.endswith("gradients")), "gradients"),
    "hessian_activations": "Hessian",
    "mean_gradient": "gradients",
    "class_weights": "class weights",
    "rescore": "re-scoring",
    "rerun": "re-scoring",
}


def _needs(row: Method) -> str:
    """ "activations, gradients": each kind once, in the order of the method's needs."""
    return ", ".join(dict.fromkeys(_KINDS[need] for need in row.needs if need in _KINDS)) or "nothing"


def _place(row: Method) -> str:
    """What a method's map is of."""
    return "pooled layer" if row.only_pooled else "layer" if row.at_layer else "input"


def _datasets(home: str) -> Listing:
    rows = tuple((name, row.description) for name, row in DATASETS.items())
    return Listing("Datasets", ("dataset", "description"), rows)


def _protocols(home: str) -> Listing:
    rows = tuple((name, row.version, row.description) for name, row in PROTOCOLS.items())
    fields = Listing(
        "Fields of a protocol, for a file of your own (--protocol my.toml)",
        ("field", "what it means; what it may be"),
        tuple((name, f"{row.meaning}; {row.allowed}") for name, row in FIELDS.items()),
    )
    return Listing("Protocols", ("protocol", "version", "description"), rows, more=(fields,))


def _metrics(home: str) -> Listing:
    rows = tuple((name, row.title, row.description) for name, row in METRICS.items())
    return Listing("Metrics", ("metric", "heading", "description"), rows)


def _summary(home: str) -> Listing:
    # By its name: analysis brings libraries that no other list needs.
    fields = resolve("dogcam.analysis.analysis:fields")()
    version = resolve("dogcam.analysis.analysis:SCHEMA_VERSION")
    return Listing(f"Fields of summary.json, version {version}", ("field", "what it means"), tuple(fields.items()))


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
    "summary": _summary,
    "runs": _runs,
}
