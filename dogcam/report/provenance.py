"""How it was made: everything that is needed to make it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dogcam.analysis.tables import Tables, is_baseline
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.experiment.runs import Experiment
from dogcam.language.numbers import NONE, count, listed, number
from dogcam.methods import title_of
from dogcam.report.document import Row, Table
from dogcam.report.material import Material
from dogcam.report.naming import images, size_of
from dogcam.report.protocol_words import in_words
from dogcam.report.texts import heads, text

_ORIGINS = ("drawn", "archives", "tfds", "files")  # what `data.Origin.kind` may be
# Where the experiment lay and what it was called is no part of what was done.
_NOT_DONE = ("home", "name", "resume")
_WORDED = {"status": ("training", "finished"), "target": ("true", "predicted"), "smoothed": ("flip", "scale")}


def provenance(material: Material) -> tuple[Table, ...]:
    """Data and versions, the configuration, the protocols in words, thresholds, and what training and scoring left out."""
    document, read = material.document, material.kept.tables if material.kept else None
    config = {name: each for name, each in document.get("config", {}).items() if name not in _NOT_DONE}
    skipped = [(each.id, each.reason) for each in material.analysis.problems]
    tables = (
        protocols_table(read, read.protocols) if read and read.protocols else None,
        _thresholds(read) if read else None,
        made_table(material.experiment, read),
        _pairs("configuration", config, folded=True) if config else None,
        _problems("training", [(each.get("id", ""), each.get("reason", "")) for each in document.get("problems", ())]),
        _problems("scoring", skipped),
    )
    return tuple(table for table in tables if table is not None)


def _pairs(kind: str, pairs: Mapping[str, Any], folded: bool = False, key: str = "") -> Table:
    rows = tuple(Row.of(name, written(value)) for name, value in pairs.items())
    columns = heads(f"provenance.{kind}_heads")
    return Table(text(f"provenance.{kind}"), columns, rows, words=2, folded=folded, key=key)


def written(value: Any) -> str:
    """A value of the configuration as text."""
    if value is None or value in ("", [], {}, ()):
        return NONE
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {written(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(written(each) for each in value)
    return str(value)


def _worded(kind: str, code: Any) -> Any:
    """A code in words; one that this dogcam does not know as it is."""
    return text(f"provenance.{kind}.{code}") if code in _WORDED[kind] else code


def protocols_table(tables: Tables, names: Iterable[str]) -> Table:
    """What protocols mean."""
    return _pairs("protocols", {name: in_words(tables.protocol(name)) for name in names}, key="protocols")


def made_table(experiment: Experiment, tables: Tables | None) -> Table:
    """Data, network, versions and what was evaluated."""
    document = experiment.document
    values = {
        "experiment": experiment.name,
        "created": document.get("created"),
        "status": _worded("status", document.get("status")),
        **_data(document.get("dataset", {})),
        **_network(document.get("model", {}), document.get("adopted", {})),
        "maps": document.get("maps", {}).get("folder"),
        "seeds": document.get("seeds"),
        "versions": {"dogcam": document.get("dogcam"), **document.get("versions", {})},
        "seconds": _seconds(document.get("seconds")),
        "scope": _scope(tables) if tables else None,
        "counts": _counts(tables) if tables else None,
    }
    known = {text(f"provenance.made.{name}"): value for name, value in values.items() if value is not None}
    return _pairs("facts", known)


def _data(dataset: Mapping[str, Any]) -> dict[str, Any]:
    sizes = {split: size_of(dataset, split) for split in ("train", "test")}
    return {
        "dataset": dataset.get("name"),
        "source": _source(dataset.get("source")),
        "fingerprint": dataset.get("fingerprint"),
        "images": text("provenance.images", **sizes),
        "classes": count(len(dataset.get("classes", ()))),
    }


def _source(source: Any) -> str | None:
    """Where the data came from; an earlier dogcam kept it in English, and that stays as it is."""
    if isinstance(source, Mapping) and source.get("kind") in _ORIGINS:
        return text(f"provenance.sources.{source['kind']}", **source)
    return source and written(source)


def _network(model: Mapping[str, Any], adopted: Mapping[str, Any]) -> dict[str, Any]:
    """The network; of one that somebody else trained also where it came from."""
    return {
        "network": model.get("backbone"),
        "adopted": adopted.get("model"),
        "adopted_fingerprint": adopted.get("fingerprint"),
        "parameters": count(model["parameters"]) if "parameters" in model else None,
        "input": _input(model.get("image_size")),
        "layers": model.get("stages"),
        "pooled_layer": model.get("pooled_layer"),
    }


def _input(size: Any) -> str | None:
    """Height and width; one number where they are the same, as it is kept."""
    if size is None:
        return None
    height, width = size if isinstance(size, list | tuple) else (size, size)
    return text("provenance.size", height=height, width=width)


def _seconds(by_run: Any) -> str | None:
    """How long training took, from {"run-1": seconds, ...}; None where that was not recorded."""
    values = by_run.values() if isinstance(by_run, Mapping) else ()
    seconds = [value for value in values if isinstance(value, int | float)]
    return text("provenance.seconds", seconds=f"{sum(seconds):,.0f}") if seconds else None


def _scope(tables: Tables) -> str:
    """What was evaluated, and that there is more where there is."""
    about, scope = tables.about, tables.evaluation.scope
    target = _worded("target", about.get("target", "true" if scope.endswith("true") else "predicted"))
    ways = listed([_worded("smoothed", way) for way in about.get("smooth") or ()])
    known = {"scope": scope, "images": images(tables.images, scope.partition("-")[0], tables.pictures), "target": target}
    shown = text("provenance.smoothed_scope", ways=ways, **known) if ways else text("provenance.scope", **known)
    others = ", ".join(each.scope for each in tables.experiment.evaluations() if each.scope != scope)
    return text("provenance.not_shown", shown=shown, others=others) if others else shown


def _counts(tables: Tables) -> str | None:
    """How many were read, and what became of them; None where that was not kept."""
    counts = {name: count(n) for name, n in tables.about.get("counts", {}).items()}
    return text("provenance.counts", scored=count(tables.images), **counts) if counts else None


def _thresholds(tables: Tables) -> Table | None:
    """Every threshold that no protocol states, and what it was chosen on."""
    choices = {cell: tables.evaluation.choice(cell) for cell in tables.cells}
    rows = tuple(
        _threshold(cell, choice) for cell, choice in choices.items() if choice.source != "fixed" and choice.threshold is not None
    )
    caption, columns = text("provenance.thresholds.caption"), heads("provenance.thresholds.heads")
    note = text("provenance.thresholds.note")
    return Table(caption, columns, rows, words=3, note=note, folded=True, key="protocols") if rows else None


def _threshold(cell: Cell, choice: Choice) -> Row:
    """Of which cell, the threshold, what it was chosen on, and what it reached there; baselines have no run and no epoch."""
    place = (NONE, NONE) if is_baseline(cell) else (str(cell.run), str(cell.epoch))
    source = "calibrated" if choice.source == "calibrated" else "best"
    on = text(f"provenance.thresholds.{source}", images=count(choice.pictures))
    reached = (number(choice.threshold), on, number(choice.score))
    kind = "baseline" if is_baseline(cell) else ""
    return Row.of(title_of(cell.method), cell.layer, cell.protocol, *place, *reached, kind=kind)


def _problems(kind: str, problems: Sequence[tuple[Any, Any]]) -> Table | None:
    """What training or scoring left out."""
    caption, columns = text(f"provenance.{kind}_problems", n=len(problems)), heads("provenance.problems_heads")
    rows = tuple(Row.of(str(name), str(reason)) for name, reason in problems)
    return Table(caption, columns, rows, words=2) if rows else None
