"""The comparison of experiments in words: the answer, and what each exhibit says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from dogcam.analysis.between import Contrast, Gap, Match, Score
from dogcam.language.numbers import count, listed, number
from dogcam.methods import title_of
from dogcam.report.answer import shown
from dogcam.report.texts import text
from dogcam.report.wording import SIDES

_VERDICTS = ("above", "below", "undecided", "identical")
_SURE = ("above", "below")


def _by_verdict(gaps: Iterable[Gap]) -> dict[str, list[Gap]]:
    known = list(gaps)
    return {name: [gap for gap in known if gap.verdict == name] for name in _VERDICTS}


def headline(found: Contrast) -> str:
    """The answer in one line, under the main protocol."""
    numbers = {name: len(gaps) for name, gaps in _by_verdict(found.matches[0].gaps).items()}
    every, total = listed(list(found.labels)), sum(numbers.values())
    sure = numbers["above"] + numbers["below"]
    if numbers["identical"] == total:
        return text("between.headline.identical", experiments=every)
    if not sure:
        return text("between.headline.undecided", experiments=every)
    if len(found.labels) > 2:
        return text("between.headline.several", n=sure, total=total, experiments=every)
    first, second = found.labels
    better, other, n = (second, first, numbers["above"]) if numbers["above"] else (first, second, sure)
    case = "only" if total == 1 else "every" if n == total else "some" if n == sure else "both_ways"
    return text(f"between.better.{case}", better=better, other=other, n=n, total=total, worse=sure - n)


def answer(found: Contrast) -> list[str]:
    """The answer in plain sentences."""
    match = found.matches[0]
    sentences = [*compared(found, match, figures=_SURE), *beside_unseen(match), *right(found)]
    return [*sentences, settings(found), text("between.one_run")]


def compared(found: Contrast, match: Match, figures: Collection[str] = _VERDICTS) -> list[str]:
    """What is held against what, then each pair of experiments by method.

    Args:
        figures: the verdicts whose differences are spelled out.
    """
    return [_setting(found, match), *(_pair(match, pair, figures) for pair in combinations(found.labels, 2))]


def _setting(found: Contrast, match: Match) -> str:
    """The images, the protocol, which epochs and why these, and the runs."""
    of = list(zip(found.labels, match.runs, match.epochs, strict=True))
    runs = listed([text("between.run_of", run=run, experiment=label) for label, run, _ in of])
    known = {"images": count(match.images), "protocol": match.protocol, "runs": runs}
    if len(set(match.epochs)) == 1:
        return text("between.at_one_epoch", epoch=match.epochs[0], **known)
    epochs = listed([text("between.epoch_of", epoch=epoch, experiment=label) for label, _, epoch in of])
    return text("between.at_own_epochs", epochs=epochs, **known)


def _pair(match: Match, labels: tuple[str, str], figures: Collection[str]) -> str:
    """Two experiments, method by method."""
    by = _by_verdict(gap for gap in match.gaps if (gap.first, gap.second) == labels)
    there = {name: listed([_named(gap, name in figures) for gap in gaps]) for name, gaps in by.items() if gaps}
    parts = [
        text(f"between.{'further' if place else 'pair'}.{name}", first=labels[0], second=labels[1], methods=methods)
        for place, (name, methods) in enumerate(there.items())
    ]
    return f"{'; '.join(parts)}."


def _named(gap: Gap, figures: bool) -> str:
    return title_of(gap.method) + (f" ({shown(gap.pair)})" if figures and not gap.same else "")


def beside_unseen(match: Match) -> list[str]:
    """How each experiment's methods stand beside the best box that never looks; where all stand alike, once."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for box in match.unseen:
        methods = _beside([score for score in match.scores if score.label == box.label])
        alike.setdefault((box.method, number(box.iou.value), methods), []).append(box.label)
    return [
        text("between.beside_unseen", experiments=listed(labels), box=title_of(box), iou=iou, methods=methods)
        for (box, iou, methods), labels in alike.items()
    ]


def _beside(scores: Sequence[Score]) -> str:
    """ "above it: saliency; below it: CAM and Grad-CAM"."""
    by = {
        name: [title_of(each.method) for each in scores if each.unseen is not None and each.unseen.verdict == name]
        for name in SIDES
    }
    return "; ".join(text(f"between.beside.{name}", methods=listed(there)) for name, there in by.items() if there)


def right(found: Contrast) -> list[str]:
    """Accuracy at the best epochs; and each pair, on the evaluated images, as far as it can be told apart."""
    best = []
    for each in found.accuracy:
        where = {"run": each.run, "runs": each.runs, "epoch": each.epoch}
        best.append(text("between.accuracy_at", experiment=each.label, accuracy=number(each.accuracy, 4), **where))
    sentences = [text("between.accuracies", experiments=listed(best))] if best else []
    if found.classified is None:
        return sentences
    epochs = listed(sorted({str(epoch) for epoch in found.classified.epochs}))
    at = text("between.best_epochs") if found.classified.best else text("between.at_epochs", epochs=epochs)
    for pair in found.classified.pairs:
        known = {"first": pair.first, "second": pair.second, "images": count(pair.difference.units), "difference": shown(pair)}
        sentences.append(text(f"between.right.{pair.verdict}", where=at, **known))
    return sentences


def settings(found: Contrast) -> str:
    """In what they were made differently."""
    if not found.differs:
        return text("between.no_settings")
    every = [(part, name) for part, values in found.differs.items() for name in values]
    names = [text("between.version_of", package=name) if part == "versions" else name for part, name in every]
    return text("between.settings", settings=listed(names))
