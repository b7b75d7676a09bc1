"""Whether experiments may be compared at all, and what differs in how they were made.

Methods are held against each other over the same images, so data, classes and the evaluated pictures must be the same;
what else differs is what the comparison is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dogcam.analysis.evidence import Columns, Evidence
from dogcam.analysis.tables import check_same_images, listed
from dogcam.core.errors import ExperimentError
from dogcam.experiment.evaluations import Evaluation
from dogcam.experiment.runs import Experiment

# Where an experiment lay and what it was called is no part of what was done.
_NOT_DONE = ("config.home", "config.name", "config.resume", "dataset.classes")


@dataclass(frozen=True, eq=False)
class Side:
    """One of the experiments: its label, which no other has, and what it offers."""

    label: str
    evidence: Evidence


def sides_of(experiments: Sequence[Experiment]) -> tuple[Side, ...]:
    """The experiments, each read in the scope that they were all evaluated in.

    Raises:
        ExperimentError: one is named twice, has no scored heatmap, or they differ in data, classes, scope or pictures.
    """
    labelled = _labelled(experiments)
    documents = {label: experiment.document for label, experiment in labelled.items()}
    _check_data(documents)
    scope = _common_scope({label: experiment.evaluations() for label, experiment in labelled.items()})
    sides = tuple(Side(label, Evidence.of(labelled[label], evaluation)) for label, evaluation in scope.items())
    check_same_images({side.label: _any_table(side.evidence) for side in sides})
    return sides


def _labelled(experiments: Sequence[Experiment]) -> dict[str, Experiment]:
    """By name; by folder where two have one name."""
    paths = [experiment.path.resolve() for experiment in experiments]
    twice = [path.name for place, path in enumerate(paths) if path in paths[:place]]
    if twice:
        raise ExperimentError(f"{twice[0]} is named twice: name the experiments to compare, each once")
    names = [experiment.name for experiment in experiments]
    unique = len(set(names)) == len(names)
    return {name if unique else str(e.path): e for name, e in zip(names, experiments, strict=True)}


def _any_table(evidence: Evidence) -> Columns:
    return next(iter(evidence.tables.values()))


def _check_data(documents: Mapping[str, Mapping[str, Any]]) -> None:
    """The same classes in the same order, and the same files."""
    (first, known), *others = ((label, document.get("dataset", {})) for label, document in documents.items())
    for label, dataset in others:
        _check_classes((first, known.get("classes", [])), (label, dataset.get("classes", [])))
        if known.get("fingerprint") != dataset.get("fingerprint"):
            prints = [str(each.get("fingerprint"))[:12] for each in (known, dataset)]
            raise ExperimentError(
                f"the data of {first} and {label} differ (fingerprints {prints[0]} and {prints[1]}): experiments are "
                "compared over the same pictures, so train and evaluate both on the same data"
            )


def _check_classes(first: tuple[str, list[str]], other: tuple[str, list[str]]) -> None:
    if first[1] == other[1]:
        return
    counted = f"{first[0]} has {len(first[1])} classes, {other[0]} {len(other[1])}"
    apart = [
        f"only {name} has {listed(sorted(set(mine) - set(theirs)))}"
        for (name, mine), (_, theirs) in ((first, other), (other, first))
        if set(mine) - set(theirs)
    ]
    why = "; ".join(apart) or "the same names in another order or number"
    raise ExperimentError(f"{counted}: {why}; experiments are compared over the same classes")


def _common_scope(offered: Mapping[str, Sequence[Evaluation]]) -> dict[str, Evaluation]:
    """Each one's evaluation of the first scope, in the order of the first experiment, that they all have."""
    for label, evaluations in offered.items():
        if not evaluations:
            raise ExperimentError(f"no heatmap of {label} has been scored yet: dogcam evaluate {label}")
    by_scope = {label: {each.scope: each for each in evaluations} for label, evaluations in offered.items()}
    scopes = [scope for scope in next(iter(by_scope.values())) if all(scope in there for there in by_scope.values())]
    if not scopes:
        had = "; ".join(f"{label}: {listed(list(there))}" for label, there in by_scope.items())
        raise ExperimentError(
            f"no scope (split, limit, target) that all were evaluated in ({had}): evaluate them again with the same "
            "--split, --limit and --target"
        )
    return {label: there[scopes[0]] for label, there in by_scope.items()}


def common_protocols(sides: Sequence[Side]) -> list[str]:
    """The protocols that all were scored under, in the order of the first; one that changed between them is not one.

    Raises:
        ExperimentError: there is none.
    """
    names = [name for name in sides[0].evidence.protocols if all(name in each.evidence.protocols for each in sides)]
    same = [name for name in names if all(_fields(each, name) == _fields(sides[0], name) for each in sides)]
    if same:
        return same
    if names:
        raise ExperimentError(
            f"protocol {listed(names)} means one thing in {sides[0].label} and another in the rest (its version or its "
            "fields changed): evaluate all again"
        )
    had = "; ".join(f"{each.label}: {listed(each.evidence.protocols)}" for each in sides)
    raise ExperimentError(
        f"no protocol that all were scored under ({had}): evaluate them again with the same --protocol"
    )


def _fields(side: Side, protocol: str) -> dict[str, Any]:
    """What a protocol meant when it was used, but for its description; empty where that was not kept."""
    evaluation = side.evidence.evaluation
    kept = evaluation.about().get("protocols", {}).get(protocol, {}) if evaluation else {}
    return {name: value for name, value in kept.items() if name != "description"}


def differing(sides: Sequence[Side]) -> dict[str, tuple[Any, ...]]:
    """What differs in configuration, model, data, seeds and versions: "config.learning_rate" -> a value of each."""
    found = [_settings(side.evidence.document) for side in sides]
    names = dict.fromkeys(name for each in found for name in each)
    values = {name: tuple(each.get(name) for each in found) for name in names if name not in _NOT_DONE}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


def _settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of those sections, by "section.field"."""
    sections = {name: document.get(name) for name in ("config", "model", "dataset", "versions")}
    found = {
        f"{name}.{field}": value
        for name, section in sections.items()
        if isinstance(section, Mapping)
        for field, value in section.items()
    }
    return {**found, "seeds": document.get("seeds"), "versions.dogcam": document.get("dogcam")}
