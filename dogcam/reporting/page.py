"""The whole document: the answer first, then the evidence, then how it was made."""

from __future__ import annotations

from dogcam.metrics.classification import judge
from dogcam.reporting import Document, Finding, count, number, percent, study
from dogcam.reporting.answer import Standing, claims, headline, sentences, standing
from dogcam.reporting.decompositions import gaps
from dogcam.reporting.epochs import training_dynamics
from dogcam.reporting.evidence import Evidence
from dogcam.reporting.faithfulness import faithfulness
from dogcam.reporting.findings import caution, findings
from dogcam.reporting.galleries import galleries
from dogcam.reporting.gallery import boxes, cam_by_epoch, hero, layers, methods
from dogcam.reporting.localisation import iou
from dogcam.reporting.provenance import provenance
from dogcam.reporting.training import training
from dogcam.reporting.viewer import viewer
from dogcam.runs import Experiment


def compose(experiment: Experiment) -> Document:
    """The report of an experiment; what its files cannot show is absent.

    Raises:
        ExperimentError: it is not an experiment, or a table is not dogcam's.
        InputError: a kept picture cannot be read.
    """
    evidence = Evidence.of(experiment)
    made, found = findings(evidence), standing(evidence)
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
        galleries(evidence),
    ]
    return Document(
        name=experiment.name,
        headline=_headline(evidence, found),
        answer=tuple(_answer(evidence, made, found)),
        facts=tuple(_facts(evidence, found)),
        hero=hero(evidence, found),
        findings=made,
        exhibits=tuple(exhibit for exhibit in exhibits if exhibit is not None),
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
        return f"The classifier reaches {number(max(evidence.curves[run].accuracy), 3)} test accuracy"
    return "Nothing has been trained yet"


def _answer(evidence: Evidence, made: tuple[Finding, ...], found: Standing | None) -> list[str]:
    """The answer in plain sentences: what was trained, how the methods stand, what became of the study's claims."""
    stated = [*sentences(found), *claims(made, evidence.protocols[0])] if found is not None else []
    return [*stated, *_trained(evidence)] or ["This experiment has no finished epoch yet."]


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


def _facts(evidence: Evidence, found: Standing | None) -> list[tuple[str, str]]:
    """The few numbers to be seen first."""
    facts = []
    if found is not None:
        facts.append((number(found.lines[0].iou.value), f"highest mean IoU ({_short(found)})"))
        if found.unseen is not None:
            facts.append((number(found.unseen), f"mean IoU without looking ({found.compared.baseline})"))
    if evidence.chosen is not None:
        run = evidence.chosen[0]
        curve = evidence.curves[run]
        peak = curve.peak()
        facts.append((number(curve.accuracy[peak], 3), f"test accuracy (run {run}, epoch {curve.epochs[peak]})"))
    if evidence.n:
        facts.append((count(evidence.n), _scored(evidence)))
    return facts


def _short(found: Standing) -> str:
    """The best method; of several that draw the same boxes the first, and how many more."""
    first, *others = found.of(found.lines[:1])
    return f"{first}{f' and {len(others)} that draw the same' if others else ''}, epoch {found.compared.epoch}"


def _scored(evidence: Evidence) -> str:
    """What the number of scored images counts, and of how many of its split where that is more."""
    split = "training" if evidence.on_training else evidence.split
    total = evidence.document.get("dataset", {}).get("counts", {}).get(evidence.split)
    if total and total != evidence.n:
        return f"images scored of {count(total)} {split} images"
    return f"{split} images scored"


def _limits(evidence: Evidence, made: tuple[Finding, ...], found: Standing | None) -> tuple[str, ...]:
    """What the page as a whole cannot say, and when the answer at its head calls one thing above another."""
    limits = [caution(evidence, made)] if made else []
    if found is not None and found.compared.pairs:
        limits.append(
            "At the head of this page above and below are what both a 95 % interval and a test corrected for all pairs "
            "compared (Holm) tell apart."
        )
    if made:
        limits.append(study.comparability(evidence.document))
    return tuple(limits)


def _next_step(evidence: Evidence) -> str:
    if evidence.evaluation is not None:
        return ""
    return f"dogcam evaluate {evidence.experiment.name}"
