"""The whole document: the answer first, then the evidence, then how it was made."""

from __future__ import annotations

from typing import Any

import numpy as np

from dogcam.metrics.classification import judge
from dogcam.reporting import Document, Finding, count, number, percent, study
from dogcam.reporting.decompositions import gaps
from dogcam.reporting.epochs import training_dynamics
from dogcam.reporting.evidence import Evidence, title_of
from dogcam.reporting.faithfulness import faithfulness
from dogcam.reporting.findings import best_baseline, caution, findings
from dogcam.reporting.gallery import boxes, cam_by_epoch, hero, layers, methods
from dogcam.reporting.localisation import iou
from dogcam.reporting.provenance import provenance
from dogcam.reporting.training import training
from dogcam.runs import Experiment


def compose(experiment: Experiment) -> Document:
    """The report of an experiment; what its files cannot show is absent.

    Raises:
        ExperimentError: it is not an experiment, or a table is not dogcam's.
        InputError: a kept picture cannot be read.
    """
    evidence = Evidence.of(experiment)
    made = findings(evidence)
    exhibits = [
        training(evidence),
        cam_by_epoch(evidence),
        layers(evidence),
        methods(evidence),
        boxes(evidence),
        iou(evidence, made),
        training_dynamics(evidence),
        gaps(evidence),
        faithfulness(evidence),
    ]
    return Document(
        name=experiment.name,
        headline=_headline(evidence, made),
        answer=tuple(_answer(evidence, made)),
        facts=tuple(_facts(evidence)),
        hero=hero(evidence),
        findings=made,
        exhibits=tuple(exhibit for exhibit in exhibits if exhibit is not None),
        provenance=provenance(evidence),
        subtitle=_subtitle(evidence),
        next_step=_next_step(evidence),
        limits=_limits(evidence, made),
    )


def _subtitle(evidence: Evidence) -> str:
    document = evidence.document
    parts = [document.get("model", {}).get("backbone"), document.get("dataset", {}).get("name")]
    created = str(document.get("created", ""))[:10]
    return " · ".join(str(part) for part in [*parts, created] if part)


def _main(evidence: Evidence, made: tuple[Finding, ...], claim: str) -> Finding | None:
    """The finding of that kind under the main protocol."""
    return next((f for f in made if f.protocol == evidence.protocols[0] and claim in f.claim), None)


def best_cell(evidence: Evidence) -> tuple[str, int, dict[str, Any]] | None:
    """(method, epoch, its columns) of the highest mean IoU at the pooled layer, under the main protocol."""
    found = [
        (float(np.mean(table["iou"])), method, epoch, table)
        for method in evidence.pooled_methods
        for epoch in evidence.epochs
        if (table := evidence.pooled(evidence.protocols[0], method, epoch)) is not None
    ]
    if not found:
        return None
    _, method, epoch, table = max(found, key=lambda each: each[0])
    return method, epoch, dict(table)


_HEADLINES = {
    "supported": "The heatmaps' boxes fit better than a box drawn without looking{}",
    "contradicted": "The heatmaps' boxes fit no better than a box drawn without looking{}",
    "undecided": "Not settled: do the heatmaps' boxes beat a box drawn without looking{}?",
}


def _headline(evidence: Evidence, made: tuple[Finding, ...]) -> str:
    beats = _main(evidence, made, "without looking")
    if beats is not None:
        return _HEADLINES[beats.verdict].format(", on training images" if evidence.on_training else "")
    if evidence.chosen is not None:
        run = evidence.chosen[0]
        return f"The classifier reaches {number(max(evidence.curves[run].accuracy), 3)} test accuracy"
    return "Nothing has been trained yet"


def _answer(evidence: Evidence, made: tuple[Finding, ...]) -> list[str]:
    """The answer in plain sentences."""
    beats, above = (_main(evidence, made, claim) for claim in ("without looking", "better than CAM"))
    sentences = [*_trained(evidence), *_boxed(evidence)]
    if beats is not None:
        epoch = evidence.last_pooled(beats.protocol)
        sentences.append(_SETTLED[beats.verdict].format(images=evidence.images, epoch=epoch))
    if above is not None:
        sentences.append(_AHEAD[above.verdict])
    return sentences or ["This experiment has no finished epoch yet."]


_SETTLED = {
    "supported": "That its boxes are the better ones is beyond what chance explains on these {images}.",
    "contradicted": "That its boxes are not the better ones is beyond what chance explains on these {images}.",
    "undecided": "At epoch {epoch} the {images} do not settle which of them is better.",
}
_AHEAD = {
    "supported": "As in the study, Grad-CAM's boxes fit better than CAM's at each epoch.",
    "contradicted": "Unlike in the study, Grad-CAM's boxes do not fit better than CAM's at each epoch.",
    "undecided": "Whether Grad-CAM's boxes fit better than CAM's, as the study found, these images do not settle.",
    "identical": "CAM and Grad-CAM, which the study found to differ, draw the same boxes here, as the algebra says "
    "they "
    "must when both are handled alike.",
}


def _trained(evidence: Evidence) -> list[str]:
    """What was trained, and how well it classifies."""
    if evidence.chosen is None:
        return []
    run = evidence.chosen[0]
    verdict, runs = judge(run, evidence.curves[run]), len(evidence.curves)
    dataset, model = (evidence.document.get(key, {}) for key in ("dataset", "model"))
    epochs = max(curve.epochs[-1] for curve in evidence.curves.values())
    data = f"{count(dataset.get('counts', {}).get('train'))} training images, {len(dataset.get('classes', ()))} classes"
    return [
        f"{model.get('backbone', 'A classifier')}, trained {'once' if runs == 1 else f'{runs} times'} for {epochs} "
        f"epochs "
        f"on {dataset.get('name', 'its data set')} ({data}), classifies {percent(verdict.peak_accuracy)} of the test "
        f"images correctly at its best (run {run}, epoch {verdict.peak_epoch})."
    ]


def _boxed(evidence: Evidence) -> list[str]:
    """The best boxes, and the best of those that never look."""
    best = best_cell(evidence)
    if best is None:
        return []
    method, epoch, table = best
    baseline = best_baseline(evidence, evidence.protocols[0])
    against = f"; {baseline[0]}, which never looks at the picture, reaches {number(baseline[1])}" if baseline else ""
    return [
        f"Boxes drawn from its heatmaps reach a mean IoU of {number(float(np.mean(table['iou'])))} with the "
        f"annotated ones "
        f"({title_of(method)}, epoch {epoch}, protocol {evidence.protocols[0]}){against}."
    ]


def _facts(evidence: Evidence) -> list[tuple[str, str]]:
    """The few numbers to be seen first."""
    facts = []
    if evidence.chosen is not None:
        run = evidence.chosen[0]
        curve = evidence.curves[run]
        peak = curve.peak()
        facts.append((number(curve.accuracy[peak], 3), f"test accuracy (run {run}, epoch {curve.epochs[peak]})"))
    best = best_cell(evidence)
    if best is not None:
        method, epoch, table = best
        facts.append((number(float(np.mean(table["iou"]))), f"best mean IoU ({title_of(method)}, epoch {epoch})"))
    baseline = best_baseline(evidence, evidence.protocols[0]) if evidence.protocols else None
    if baseline is not None:
        facts.append((number(baseline[1]), f"mean IoU without looking ({baseline[0]})"))
    if evidence.n:
        facts.append((count(evidence.n), _scored(evidence)))
    return facts


def _scored(evidence: Evidence) -> str:
    """What the number of scored images counts, and of how many of its split where that is more."""
    split = "training" if evidence.on_training else evidence.split
    total = evidence.document.get("dataset", {}).get("counts", {}).get(evidence.split)
    if total and total != evidence.n:
        return f"images scored of {count(total)} {split} images"
    return f"{split} images scored"


def _limits(evidence: Evidence, made: tuple[Finding, ...]) -> tuple[str, ...]:
    """What the page as a whole cannot say."""
    limits = [caution(evidence, made)] if made else []
    if made:
        limits.append(study.comparability(evidence.document))
    return tuple(limits)


def _next_step(evidence: Evidence) -> str:
    if evidence.evaluation is not None:
        return ""
    return f"dogcam evaluate {evidence.experiment.name}"
