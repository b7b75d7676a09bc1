"""Whether experiments may be compared at all, and what differs in how they were made.

Methods are held against each other over the same images, so data, classes and the evaluated pictures must be the same;
what else differs is what the comparison is about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dogcam.analysis.tables import Tables, check_same_images, listed
from dogcam.core.errors import ExperimentError
from dogcam.experiment.runs import Experiment

# Where an experiment lay and what it was called is no part of what was done.
_NOT_DONE = (("config", "home"), ("config", "name"), ("config", "resume"), ("dataset", "classes"))


@dataclass(frozen=True, eq=False)
class Side:
    """One of the experiments: its label, which no other has, and what it offers."""

    label: str
    tables: Tables


def sides_of(experiments: Sequence[Experiment]) -> tuple[Side, ...]:
    """The experiments, each read in the scope that they were all evaluated in.

    Raises:
        ExperimentError: one is named twice, has no scored heatmap, or they differ in data, classes, scope or pictures.
    """
    labelled = _labelled(experiments)
    (first, known), *others = ((label, each.document.get("dataset", {})) for label, each in labelled.items())
    for label, dataset in others:
        _check_data(first, known, label, dataset)
    sides = _in_common_scope(labelled)
    check_same_images({side.label: side.tables.read(side.tables.cells[0]) for side in sides})
    return sides


def _labelled(experiments: Sequence[Experiment]) -> dict[str, Experiment]:
    """By name; by folder where two have one name."""
    paths = [experiment.path.resolve() for experiment in experiments]
    twice = [path.name for place, path in enumerate(paths) if path in paths[:place]]
    if twice:
        raise ExperimentError(f"{twice[0]} is named twice: name the experiments to compare, each once")
    unique = len({experiment.name for experiment in experiments}) == len(experiments)
    return {each.name if unique else str(each.path): each for each in experiments}


def _check_data(first: str, known: Mapping[str, Any], label: str, dataset: Mapping[str, Any]) -> None:
    """The same classes in the same order, and the same files."""
    mine, theirs = known.get("classes", []), dataset.get("classes", [])
    if mine != theirs:
        only = {first: sorted(set(mine) - set(theirs)), label: sorted(set(theirs) - set(mine))}
        apart = [f"only {name} has {listed(classes)}" for name, classes in only.items() if classes]
        raise ExperimentError(
            f"{first} has {len(mine)} classes, {label} {len(theirs)}: "
            f"{'; '.join(apart) or 'the same names in another order or number'}; experiments are compared over the same classes"
        )
    prints = [each.get("fingerprint") for each in (known, dataset)]
    if prints[0] != prints[1]:
        raise ExperimentError(
            f"the data of {first} and {label} differ (fingerprints {str(prints[0])[:12]} and {str(prints[1])[:12]}): "
            "experiments are compared over the same pictures, so train and evaluate both on the same data"
        )


def _in_common_scope(labelled: Mapping[str, Experiment]) -> tuple[Side, ...]:
    """Each with its evaluation of the first scope, in the order of the first experiment, that they all have."""
    offered = {label: {each.scope: each for each in experiment.evaluations()} for label, experiment in labelled.items()}
    for label, evaluations in offered.items():
        if not evaluations:
            raise ExperimentError(f"no heatmap of {label} has been scored yet: dogcam evaluate {label}")
    first, *others = offered.values()
    scope = next((scope for scope in first if all(scope in each for each in others)), None)
    if scope is None:
        raise ExperimentError(
            f"no scope (split, limit, target) that all were evaluated in ({had(offered)}): evaluate them again with the "
            "same --split, --limit and --target"
        )
    return tuple(Side(label, Tables.of(each, offered[label][scope])) for label, each in labelled.items())


def had(offered: Mapping[str, Any]) -> str:
    """What each experiment has of something that they have not in common."""
    return "; ".join(f"{label}: {listed(list(names))}" for label, names in offered.items())


def common_protocols(sides: Sequence[Side]) -> list[str]:
    """The protocols that all were scored under, in the order of the first; one that changed between them is not one.

    Raises:
        ExperimentError: there is none.
    """
    first = sides[0]
    names = [name for name in first.tables.protocols if all(name in each.tables.protocols for each in sides)]
    same = [name for name in names if all(_fields(each, name) == _fields(first, name) for each in sides)]
    if names and not same:
        raise ExperimentError(
            f"protocol {listed(names)} means one thing in {first.label} and another in the rest (its version or its "
            "fields changed): evaluate all again"
        )
    if not same:
        offered = had({each.label: each.tables.protocols for each in sides})
        raise ExperimentError(f"no protocol that all were scored under ({offered}): evaluate them again with the same --protocol")
    return same


def methods_of(side: Side) -> list[str]:
    """The methods that an experiment was scored with, in the order of tables."""
    return list(dict.fromkeys(key.method for key in side.tables.maps))


def _fields(side: Side, protocol: str) -> dict[str, Any]:
    """What a protocol meant when it was used, but for its description; empty where that was not kept."""
    kept = side.tables.about.get("protocols", {}).get(protocol, {})
    return {name: value for name, value in kept.items() if name != "description"}


def differing(sides: Sequence[Side]) -> dict[str, dict[str, tuple[Any, ...]]]:
    """What differs in "config" (with the seeds), "model", "dataset" and "versions": by name, a value of each experiment."""
    settings = [_settings(side.tables.document) for side in sides]
    found: dict[str, dict[str, tuple[Any, ...]]] = {}
    for part, name in dict.fromkeys(where for each in settings for where in each if where not in _NOT_DONE):
        values = tuple(each.get((part, name)) for each in settings)
        if any(value != values[0] for value in values):
            found.setdefault(part, {})[name] = values
    return found


def _settings(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """The entries of those sections, by section and name."""
    sections = {part: document.get(part) for part in ("config", "model", "dataset", "versions")}
    maps = {part: section for part, section in sections.items() if isinstance(section, Mapping)}
    found = {(part, name): value for part, section in maps.items() for name, value in section.items()}
    return {**found, ("config", "seeds"): document.get("seeds"), ("versions", "dogcam"): document.get("dogcam")}
