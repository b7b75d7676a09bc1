"""The whole document: the answer first, then the evidence, then how it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dogcam.analysis import study
from dogcam.analysis.answer import Standing, standing
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.findings import caution, findings
from dogcam.analysis.statements import Finding
from dogcam.experiment.runs import Experiment
from dogcam.experiment.training_curves import judge
from dogcam.language import counted, message, say
from dogcam.language.numbers import count, number, percent
from dogcam.report.answer_words import claims, headline, sentences
from dogcam.report.document import Document, Exhibit
from dogcam.report.exhibits.decompositions import gaps
from dogcam.report.exhibits.epochs import training_dynamics
from dogcam.report.exhibits.faithfulness import faithfulness
from dogcam.report.exhibits.galleries import galleries
from dogcam.report.exhibits.gallery import boxes, cam_by_epoch, hero, layers, methods
from dogcam.report.exhibits.groups import groups
from dogcam.report.exhibits.localisation import iou
from dogcam.report.exhibits.ranks import ranking
from dogcam.report.exhibits.training import training
from dogcam.report.provenance import provenance
from dogcam.report.viewer import viewer

# The study's six, and those beyond them: the place here is an exhibit's number, whichever others are absent.
EXHIBITS: tuple[Callable[..., Exhibit | None], ...] = (
    training,
    cam_by_epoch,
    layers,
    methods,
    boxes,
    iou,
    ranking,
    training_dynamics,
    groups,
    faithfulness,
    gaps,
    galleries,
)


def compose(experiment: Experiment) -> Document:
    """The report of an experiment; what its files cannot show is absent.

    Raises:
        ExperimentError: it is not an experiment, or a table is not dogcam's.
        InputError: a kept picture cannot be read.
    """
    evidence = Evidence.of(experiment)
    made, found = findings(evidence), standing(evidence)
    known = {boxes: (found,), iou: (made,), ranking: (found,)}
    exhibits = [(place, make(evidence, *known.get(make, ()))) for place, make in enumerate(EXHIBITS, start=1)]
    return Document(
        name=experiment.name,
        headline=_headline(evidence, found),
        answer=tuple(_answer(evidence, made, found)),
        facts=tuple(_facts(evidence, found)),
        hero=hero(evidence, found),
        findings=made,
        exhibits=tuple(replace(exhibit, place=place) for place, exhibit in exhibits if exhibit is not None),
        provenance=provenance(evidence),
        subtitle=_subtitle(evidence),
        next_step=_next_step(evidence),
        limits=_limits(evidence, made, found),
        viewer=viewer(evidence),
    )


def _subtitle(evidence: Evidence) -> str:
    document = evidence.document
    parts = [document.get("model", {}).get("backbone"), document.get("dataset", {}).get("name")]
    created = str(document.get("created", ""))[:10]
    return " · ".join(str(part) for part in [*parts, created] if part)


def _headline(evidence: Evidence, found: Standing | None) -> str:
    """The answer in one line: what the methods' boxes are worth, else what the classifier is."""
    if found is not None:
        return headline(found, evidence.on_training)
    if evidence.chosen is not None:
        run = evidence.chosen[0]
        return say(
            "The classifier reaches {accuracy} test accuracy", accuracy=number(max(evidence.curves[run].accuracy))
        )
    return say("Nothing has been trained yet")


def _answer(evidence: Evidence, made: tuple[Finding, ...], found: Standing | None) -> list[str]:
    """The answer in plain sentences: what was trained, how the methods stand, what became of the study's claims."""
    stated = []
    if found is not None:
        others = (standing(evidence, name) for name in evidence.protocols[1:])
        stated = [*sentences(found, filter(None, others)), *claims(made, evidence.protocols[0])]
    return [*stated, *_trained(evidence)] or [say("This experiment has no finished epoch yet.")]


def _trained(evidence: Evidence) -> list[str]:
    """What was trained, and how well it classifies."""
    if evidence.chosen is None:
        return []
    run = evidence.chosen[0]
    verdict = judge(run, evidence.curves[run])
    dataset, model = (evidence.document.get(key, {}) for key in ("dataset", "model"))
    return [
        counted(
            "{model}, trained once for {epochs} epochs on {dataset} ({images} training images, {classes} classes), "
            "classifies {share} of the test images correctly at its best (run {run}, epoch {epoch}).",
            "{model}, trained {n} times for {epochs} epochs on {dataset} ({images} training images, {classes} classes), "
            "classifies {share} of the test images correctly at its best (run {run}, epoch {epoch}).",
            len(evidence.curves),
            model=model.get("backbone") or say("A classifier"),
            epochs=max(curve.epochs[-1] for curve in evidence.curves.values()),
            dataset=dataset.get("name") or say("its data set"),
            images=count(dataset.get("counts", {}).get("train")),
            classes=len(dataset.get("classes", ())),
            share=percent(verdict.peak_accuracy),
            run=run,
            epoch=verdict.peak_epoch,
        )
    ]


def _facts(evidence: Evidence, found: Standing | None) -> list[tuple[str, str]]:
    """The few numbers to be seen first."""
    facts = []
    if found is not None:
        best = say("highest mean IoU ({methods}, epoch {epoch})", methods=_short(found), epoch=found.compared.epoch)
        facts.append((number(found.lines[0].iou.value), best))
        if found.unseen is not None:
            facts.append((number(found.unseen), say("mean IoU without looking ({box})", box=found.compared.baseline)))
    if evidence.chosen is not None:
        run = evidence.chosen[0]
        curve = evidence.curves[run]
        peak = curve.peak()
        told = say("test accuracy (run {run}, epoch {epoch})", run=run, epoch=curve.epochs[peak])
        facts.append((number(curve.accuracy[peak]), told))
    if evidence.n:
        facts.append((count(evidence.n), _scored(evidence)))
    return facts


def _short(found: Standing) -> str:
    """The best method; of several that draw the same boxes the first, and how many more."""
    first, *others = found.of(found.lines[:1])
    return say("{method} and {n} that draw the same", method=first, n=len(others)) if others else first


_SPLITS = {"test": message("test"), "train": message("training")}


def _scored(evidence: Evidence) -> str:
    """What the number of scored images counts, and of how many of its split where that is more."""
    split = say(_SPLITS.get(evidence.split, evidence.split))
    total = evidence.document.get("dataset", {}).get("counts", {}).get(evidence.split)
    if total and total != evidence.n:
        return say("images scored of {total} {split} images", total=count(total), split=split)
    return say("{split} images scored", split=split)


def _limits(evidence: Evidence, made: tuple[Finding, ...], found: Standing | None) -> tuple[str, ...]:
    """What the page as a whole cannot say, and when the answer at its head calls one thing above another."""
    limits = [caution(evidence, made)] if made else []
    if found is not None and found.compared.pairs:
        limits.append(
            say(
                "At the head of this page above and below are what both a 95 % interval and a corrected test (Holm) tell apart. "
                "Between methods it is corrected for all pairs; against the best box that never looks, only for the lines "
                "compared with it, so that a method may be below that box here and share a letter with it where methods are "
                "ranked."
            )
        )
    if made:
        limits.append(study.comparability(evidence.document))
    return tuple(limits)


def _next_step(evidence: Evidence) -> str:
    if evidence.evaluation is not None:
        return ""
    return f"dogcam evaluate {evidence.experiment.name}"
