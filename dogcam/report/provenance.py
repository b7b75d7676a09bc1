"""How it was made: everything that is needed to make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dogcam.analysis.evidence import Evidence
from dogcam.analysis.tables import is_baseline
from dogcam.experiment.evaluations import Cell, Choice
from dogcam.language import message, say
from dogcam.language.numbers import NONE, count, listed, number
from dogcam.methods import title_of
from dogcam.report.document import Row, Table
from dogcam.report.protocol_words import in_words

# By `data.Origin.kind`.
_SOURCES = {
    "drawn": message("drawn on demand"),
    "archives": message("the official archives in {folder}"),
    "tfds": message("TFDS {name} in {folder}"),
}
_STATES = {"training": message("in training"), "finished": message("finished")}
_TARGETS = {"true": message("the true class"), "predicted": message("the predicted class")}
_SMOOTHED = {"flip": message("flip"), "scale": message("scale")}
_CHOSEN = (
    message("method"),
    message("layer"),
    message("protocol"),
    message("run"),
    message("epoch"),
    message("threshold"),
    message("chosen on"),
    message("reached there"),
)


def provenance(evidence: Evidence) -> tuple[Table, ...]:
    """Data and versions, the configuration, the protocols in words, thresholds, and what training and scoring left out."""
    training = evidence.document.get("problems", ())
    scoring = evidence.evaluation.problems() if evidence.evaluation else ()
    made = (
        _protocols(evidence),
        _thresholds(evidence),
        _made(evidence),
        _configuration(evidence),
        _problems(say("Inputs that were skipped ({n})", n=len(training)), training),
        _problems(say("Left out of scoring: pictures, or boxes of theirs ({n})", n=len(scoring)), scoring),
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
    pairs = {
        say("experiment"): evidence.experiment.name,
        say("created"): document.get("created"),
        say("state"): _state(document.get("status")),
        **_data(document.get("dataset", {})),
        **_network(document.get("model", {}), document.get("adopted", {})),
        say("seeds"): document.get("seeds"),
        say("versions"): {"dogcam": document.get("dogcam"), **document.get("versions", {})},
        say("training took"): _seconds(document.get("seconds")),
        say("evaluated"): _scope(evidence),
    }
    known = {name: value for name, value in pairs.items() if value is not None}
    return _pairs(say("Data, network and versions"), (say("what"), say("value")), known)


def _state(status: Any) -> Any:
    return say(_STATES[status]) if status in _STATES else status


def _data(dataset: Mapping[str, Any]) -> dict[str, Any]:
    counts = dataset.get("counts", {})
    return {
        say("data set"): dataset.get("name"),
        say("its source"): _source(dataset.get("source")),
        say("its fingerprint"): dataset.get("fingerprint"),
        say("images"): say(
            "{train} for training, {test} for testing",
            train=count(counts.get("train")),
            test=count(counts.get("test")),
        ),
        say("classes"): count(len(dataset.get("classes", ()))),
    }


def _source(source: Any) -> str | None:
    """Where the data came from; an earlier dogcam kept it in English, and that stays as it is."""
    known = isinstance(source, Mapping) and source.get("kind") in _SOURCES
    return say(_SOURCES[source["kind"]], **source) if known else source and written(source)


def _network(model: Mapping[str, Any], adopted: Mapping[str, Any]) -> dict[str, Any]:
    """The network; of one that somebody else trained also where it came from."""
    return {
        say("network"): model.get("backbone"),
        say("taken over from"): adopted.get("model"),
        say("fingerprint of its weights"): adopted.get("fingerprint"),
        say("parameters"): count(model["parameters"]) if "parameters" in model else None,
        say("input"): _input(model.get("image_size")),
        say("layers"): model.get("stages"),
        say("layer that feeds the pooling"): model.get("pooled_layer"),
    }


def _input(size: Any) -> str | None:
    """Height and width; one number where they are the same, as it is kept."""
    if size is None:
        return None
    height, width = size if isinstance(size, list | tuple) else (size, size)
    return say("{height} × {width} pixels", height=height, width=width)


def _seconds(by_run: Any) -> str | None:
    """How long training took, from {"run-1": seconds, ...}; None where that was not recorded."""
    values = list(by_run.values()) if isinstance(by_run, Mapping) else []
    seconds = [value for value in values if isinstance(value, int | float)]
    return say("{seconds} s in all", seconds=f"{sum(seconds):,.0f}") if seconds else None


def _scope(evidence: Evidence) -> str | None:
    """What was evaluated, and that there is more where there is."""
    if evidence.evaluation is None:
        return None
    about = evidence.evaluation.about()
    asked = about.get("target", "true" if evidence.evaluation.scope.endswith("true") else "predicted")
    target = say(_TARGETS[asked]) if asked in _TARGETS else asked
    values = {"scope": evidence.evaluation.scope, "images": evidence.images, "target": target}
    if about.get("smooth"):
        ways = listed([say(_SMOOTHED.get(way, way)) for way in about["smooth"]])
        shown = say("{scope}: {images}, heatmaps of {target}, means over inputs varied by {ways}", **values, ways=ways)
    else:
        shown = say("{scope}: {images}, heatmaps of {target}", **values)
    others = [each.scope for each in evidence.experiment.evaluations()[1:]]
    return say("{shown}; not shown here: {others}", shown=shown, others=", ".join(others)) if others else shown


def _configuration(evidence: Evidence) -> Table | None:
    config = evidence.document.get("config", {})
    # Where the experiment lay and what it was called is no part of what was done.
    shown = {name: value for name, value in config.items() if name not in ("home", "name", "resume")}
    if not shown:
        return None
    return _pairs(say("Configuration of the training"), (say("option"), say("value")), shown, folded=True)


def _protocols(evidence: Evidence) -> Table | None:
    if not evidence.protocols:
        return None
    pairs = {name: in_words(evidence.protocol(name)) for name in evidence.protocols}
    heads = say("protocol"), say("in words")
    return replace(_pairs(say("Protocols: how a map becomes a box and a score"), heads, pairs), key="protocols")


def _thresholds(evidence: Evidence) -> Table | None:
    """Every threshold that no protocol states, and what it was chosen on."""
    if evidence.evaluation is None:
        return None
    choices = {cell: evidence.evaluation.choice(cell) for cell in evidence.tables}
    rows = [
        Row.of(title_of(cell.method), cell.layer, cell.protocol, *_place(cell), *_chosen(choice), kind=_kind(cell))
        for cell, choice in choices.items()
        if choice.source != "fixed" and choice.threshold is not None
    ]
    if not rows:
        return None
    return Table(
        say("Thresholds that were chosen, one for each method, layer, run and epoch"),
        tuple(say(head) for head in _CHOSEN),
        tuple(rows),
        words=3,
        note=say(
            "A pixel belongs to the object where the normalised map is above the threshold. Reached there: the mean IoU on the "
            "images that the threshold was chosen on; for the best one the mean share of right boxes over the IoU levels."
        ),
        folded=True,
        key="protocols",
    )


def _place(cell: Cell) -> tuple[str, str]:
    """Run and epoch; baselines have neither."""
    return (NONE, NONE) if is_baseline(cell) else (str(cell.run), str(cell.epoch))


def _kind(cell: Cell) -> str:
    return "baseline" if is_baseline(cell) else ""


def _chosen(choice: Choice) -> tuple[str, str, str]:
    """The threshold, what it was chosen on, and what it reached there."""
    images = count(choice.pictures)
    on = (
        say("{images} training images", images=images)
        if choice.source == "calibrated"
        else say("the {images} evaluated images", images=images)
    )
    return number(choice.threshold), on, number(choice.score)


def _problems(caption: str, problems: Sequence[Mapping[str, Any]]) -> Table | None:
    if not problems:
        return None
    rows = tuple(Row.of(str(each.get("id", "")), str(each.get("reason", ""))) for each in problems)
    return Table(caption, (say("input"), say("reason")), rows, words=2)
