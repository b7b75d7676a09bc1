"""How it was made: everything that is needed to make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dogcam.reporting import NONE, Row, Table, count
from dogcam.reporting.evidence import Evidence
from dogcam.reporting.localisation import in_words


def provenance(evidence: Evidence) -> tuple[Table, ...]:
    """Data and versions, the configuration, the protocols in words, and what training and scoring left out."""
    scoring = evidence.evaluation.problems() if evidence.evaluation else ()
    made = (
        _made(evidence),
        _configuration(evidence),
        _protocols(evidence),
        _problems("Inputs that were skipped", evidence.document.get("problems", ())),
        _problems("Left out of scoring: pictures, or boxes of theirs", scoring),
    )
    return tuple(table for table in made if table is not None)


def _pairs(caption: str, heads: tuple[str, str], pairs: Mapping[str, Any], folded: bool = False) -> Table:
    rows = tuple(Row.of(name, written(value)) for name, value in pairs.items())
    return Table(caption, heads, rows, words=2, folded=folded)


def written(value: Any) -> str:
    """A value of the configuration as text."""
    if value is None or value in ("", [], {}, ()):
        return NONE
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {written(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(written(each) for each in value)
    return str(value)


def _made(evidence: Evidence) -> Table:
    document = evidence.document
    dataset, model = document.get("dataset", {}), document.get("model", {})
    counts = dataset.get("counts", {})
    pairs = {
        "experiment": evidence.experiment.name,
        "created": document.get("created"),
        "state": document.get("status"),
        "data set": dataset.get("name"),
        "its source": dataset.get("source"),
        "its fingerprint": dataset.get("fingerprint"),
        "images": f"{count(counts.get('train'))} for training, {count(counts.get('test'))} for testing",
        "classes": count(len(dataset.get("classes", ()))),
        "network": model.get("backbone"),
        "input": f"{model['image_size']} × {model['image_size']} pixels" if "image_size" in model else None,
        "layers": model.get("stages"),
        "layer that feeds the pooling": model.get("pooled_layer"),
        "seeds": document.get("seeds"),
        "versions": {"dogcam": document.get("dogcam"), **document.get("versions", {})},
        "training took": _seconds(document.get("seconds")),
        "evaluated": _scope(evidence),
    }
    known = {name: value for name, value in pairs.items() if value is not None}
    return _pairs("Data, network and versions", ("what", "value"), known)


def _seconds(by_run: Any) -> str | None:
    """How long training took, from {"run-1": seconds, ...}; None where that was not recorded."""
    values = list(by_run.values()) if isinstance(by_run, Mapping) else []
    seconds = [value for value in values if isinstance(value, int | float)]
    return f"{sum(seconds):,.0f} s in all" if seconds else None


def _scope(evidence: Evidence) -> str | None:
    """What was evaluated, and that there is more where there is."""
    if evidence.evaluation is None:
        return None
    about = evidence.evaluation.about()
    asked = about.get("target", "true" if evidence.evaluation.scope.endswith("true") else "predicted")
    target = {"true": "the true class", "predicted": "the predicted class"}.get(asked, asked)
    if about.get("smooth"):
        target += f", means over inputs varied by {' and '.join(about['smooth'])}"
    others = [each.scope for each in evidence.experiment.evaluations()[1:]]
    more = f"; not shown here: {', '.join(others)}" if others else ""
    return f"{evidence.evaluation.scope}: {evidence.images}, heatmaps of {target}{more}"


def _configuration(evidence: Evidence) -> Table | None:
    config = evidence.document.get("config", {})
    # Where the experiment lay and what it was called is no part of what was done.
    shown = {name: value for name, value in config.items() if name not in ("home", "name", "resume")}
    return _pairs("Configuration of the training", ("option", "value"), shown, folded=True) if shown else None


def _protocols(evidence: Evidence) -> Table | None:
    if not evidence.protocols:
        return None
    pairs = {name: in_words(evidence.protocol(name)) for name in evidence.protocols}
    table = _pairs("Protocols: how a map becomes a box and a score", ("protocol", "in words"), pairs)
    return replace(table, key="protocols")


def _problems(caption: str, problems: Sequence[Mapping[str, Any]]) -> Table | None:
    if not problems:
        return None
    rows = tuple(Row.of(str(each.get("id", "")), str(each.get("reason", ""))) for each in problems)
    return Table(f"{caption} ({len(rows)})", ("input", "reason"), rows, words=2)
