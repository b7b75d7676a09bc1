"""The page of one experiment: the answer first, then the evidence in the order of one tuple, then how it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dogcam.analysis.comparison import Comparison
from dogcam.analysis.study import Setting
from dogcam.core.progress import Progress
from dogcam.experiment.runs import Experiment
from dogcam.language import say
from dogcam.language.numbers import count, number, percent
from dogcam.report.answer import headline, sentences
from dogcam.report.claims_words import caution, findings, studied
from dogcam.report.document import Document, Exhibit
from dogcam.report.exhibits.boxes import boxes
from dogcam.report.exhibits.cam_by_epoch import cam_by_epoch
from dogcam.report.exhibits.decomposition import decomposition
from dogcam.report.exhibits.dynamics import dynamics
from dogcam.report.exhibits.faithfulness import faithfulness
from dogcam.report.exhibits.galleries import galleries
from dogcam.report.exhibits.groups import groups
from dogcam.report.exhibits.layers import layers
from dogcam.report.exhibits.localization import localization
from dogcam.report.exhibits.methods import methods
from dogcam.report.exhibits.ranking import ranking
from dogcam.report.exhibits.training import training
from dogcam.report.material import Material
from dogcam.report.naming import images, size_of
from dogcam.report.provenance import provenance
from dogcam.report.study_words import comparability
from dogcam.report.texts import text
from dogcam.report.tiles import hero
from dogcam.report.viewer import viewer

# The study's six, and what goes beyond them. The place in this tuple is an exhibit's number, whichever others are absent.
EXHIBITS: tuple[Callable[[Material], Exhibit | None], ...] = (
    training,
    cam_by_epoch,
    layers,
    methods,
    boxes,
    localization,
    ranking,
    dynamics,
    groups,
    faithfulness,
    decomposition,
    galleries,
)


def compose(experiment: Experiment, progress: Progress | None = None) -> Document:
    """The report of an experiment; what its files cannot show is absent.

    Raises:
        ExperimentError: it is not an experiment, or a table is not dogcam's.
        InputError: a kept picture cannot be read.
    """
    material = Material.of(experiment, progress=progress)
    analysis = material.analysis
    made = [(place, exhibit(material)) for place, exhibit in enumerate(EXHIBITS, start=1)]
    found = analysis.spoken()
    return Document(
        name=experiment.name,
        headline=_headline(material, found),
        answer=tuple(_answer(material, found)),
        facts=tuple(_facts(material, found)),
        hero=hero(material),
        findings=findings(analysis.claims),
        exhibits=tuple(replace(each, place=place) for place, each in made if each is not None),
        provenance=provenance(material),
        subtitle=_subtitle(material),
        next_step="" if analysis.scope else f"dogcam evaluate {experiment.name}",
        limits=_limits(material, found),
        viewer=viewer(material),
    )


def _subtitle(material: Material) -> str:
    document = material.document
    parts = [document.get("model", {}).get("backbone"), document.get("dataset", {}).get("name")]
    return " · ".join(str(part) for part in [*parts, str(document.get("created", ""))[:10]] if part)


def _headline(material: Material, found: Comparison | None) -> str:
    """The answer in one line: what the methods' boxes are worth, else what the classifier is."""
    chosen = material.analysis.training.chosen
    if found is not None:
        return headline(material.analysis, found)
    return text("page.nothing") if chosen is None else text("page.accuracy", accuracy=number(chosen.accuracy))


def _answer(material: Material, found: Comparison | None) -> list[str]:
    """The answer as a short list of sentences: how the methods stand, what became of the study's claims, what was trained."""
    analysis = material.analysis
    stated = [] if found is None else [*sentences(analysis, found), *studied(analysis.claims, analysis.protocols[0])]
    return [*stated, *_trained(material)] or [text("page.no_epoch")]


def _trained(material: Material) -> list[str]:
    """What was trained, and how well it classifies."""
    trained = material.analysis.training
    if trained.chosen is None:
        return []
    dataset, model = (material.document.get(key, {}) for key in ("dataset", "model"))
    return [
        text(
            "page.trained",
            n=len(trained.curves),
            model=model.get("backbone") or text("page.classifier"),
            epochs=max(curve.epochs[-1] for curve in trained.curves.values()),
            dataset=dataset.get("name") or text("page.dataset"),
            images=size_of(dataset, "train"),
            classes=len(dataset.get("classes", ())),
            share=percent(trained.chosen.accuracy),
            run=trained.chosen.run,
            epoch=trained.chosen.epoch,
        )
    ]


def _facts(material: Material, found: Comparison | None) -> list[tuple[str, str]]:
    """The few numbers to be seen first."""
    facts, chosen, scope = [], material.analysis.training.chosen, material.analysis.scope
    if found is not None:
        best = text("page.highest", methods=_short(material, found), epoch=found.epoch)
        facts.append((number(found.looking[0].iou.value), best))
        if found.unseen is not None and found.unseen_iou is not None:
            facts.append((number(found.unseen_iou.value), text("page.unseen", box=material.named(found.unseen))))
    if chosen is not None:
        facts.append((number(chosen.accuracy), text("page.chosen", run=chosen.run, epoch=chosen.epoch)))
    if scope is not None and scope.images:
        split = text(f"page.splits.{scope.split}") if scope.split in ("test", "train") else scope.split
        key = "page.scored_of" if scope.of not in (None, 0, scope.images) else "page.scored"
        key = "page.scored_rows" if scope.pictures is not None else key
        facts.append((count(scope.images), text(key, total=count(scope.of), split=split, images=images(scope.pictures or 0, ""))))
    return facts


def _short(material: Material, found: Comparison) -> str:
    """The best method; of several that draw the same boxes the first, and how many more."""
    first, *others = found.methods_of(found.looking[:1])
    name = material.named(first)
    return say("{method} and {n} that draw the same", method=name, n=len(others)) if others else name


def _limits(material: Material, found: Comparison | None) -> tuple[str, ...]:
    """What the page as a whole cannot say, and when the answer at its head calls one thing above another."""
    analysis = material.analysis
    limits = [caution(analysis.claims, material.images, material.on_training)] if analysis.claims else []
    limits += [text("page.limits")] if found is not None and found.pairs else []
    return (*limits, *([comparability(Setting.of(material.document))] if analysis.claims else ()))
