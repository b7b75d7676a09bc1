"""The comparison of experiments in words: the answer, and what each exhibit says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

from dogcam.analysis.answer import shown
from dogcam.analysis.between import Classified, Contrast, Gap, Match, Score
from dogcam.language import message, say
from dogcam.language.numbers import count, listed, number
from dogcam.methods import title_of

WORDS = {  # as tables write a verdict
    "above": message("above"),
    "below": message("below"),
    "undecided": message("not told apart"),
    "identical": message("identical"),
}
_SURE = ("above", "below")
ONE_RUN = message(
    "One run speaks for each experiment: whether training again with other seeds would turn a difference over, "
    "these images cannot say."
)


def verdict(gap: Gap) -> str:
    """ "above", "below", "undecided" or "identical": the later named experiment against the earlier."""
    return "identical" if gap.same else gap.pair.verdict


def _by_verdict(gaps: Iterable[Gap]) -> dict[str, list[Gap]]:
    found: dict[str, list[Gap]] = {name: [] for name in WORDS}
    for gap in gaps:
        found[verdict(gap)].append(gap)
    return found


def headline(found: Contrast) -> str:
    """The answer in one line, under the main protocol."""
    match = found.matches[0]
    by = _by_verdict(match.gaps)
    sure = len(by["above"]) + len(by["below"])
    every = listed(list(found.labels))
    if len(by["identical"]) == len(match.gaps):
        return say("{experiments} draw the same boxes", experiments=every)
    if not sure:
        return say("Not told apart: the boxes of {experiments}", experiments=every)
    if len(found.labels) > 2:
        return say(
            "{n} of {total} differences between the boxes of {experiments} are told apart",
            n=sure,
            total=len(match.gaps),
            experiments=every,
        )
    first, second = found.labels
    if by["above"]:
        return _better((second, first), len(by["above"]), len(by["below"]), len(match.gaps))
    return _better((first, second), len(by["below"]), 0, len(match.gaps))


def _better(labels: tuple[str, str], n: int, worse: int, total: int) -> str:
    """The first of two is better with n of the methods, and worse with others."""
    known = {"better": labels[0], "other": labels[1]}
    if total == 1:
        return say(_ONLY, **known)
    if n == total:
        return say(_EVERY, **known)
    if worse:
        return say(_BOTH_WAYS, n=n, total=total, worse=worse, **known)
    return say(_SOME, n=n, total=total, **known)


_ONLY = message("The boxes of {better} fit better than those of {other} with the one method scored in both")
_EVERY = message("The boxes of {better} fit better than those of {other} with every method")
_SOME = message("The boxes of {better} fit better than those of {other} with {n} of {total} methods")
_BOTH_WAYS = message(
    "The boxes of {better} fit better than those of {other} with {n} of {total} methods, worse with {worse}"
)


def answer(found: Contrast) -> list[str]:
    """The answer in plain sentences."""
    match = found.matches[0]
    told = compared(found, match, figures=_SURE)
    return [*told, *beside_unseen(match), *right(found), settings(found), say(ONE_RUN)]


def compared(found: Contrast, match: Match, figures: Collection[str] = tuple(WORDS)) -> list[str]:
    """What is held against what, then each pair of experiments by method.

    Args:
        figures: the verdicts whose differences are spelled out.
    """
    return [_setting(found, match), *(_pair(match, pair, figures) for pair in combinations(found.labels, 2))]


def _setting(found: Contrast, match: Match) -> str:
    """The images, the protocol, which epochs and why these, and the runs."""
    runs = [
        say("run {run} of {experiment}", run=run, experiment=name)
        for run, name in zip(match.runs, found.labels, strict=True)
    ]
    known = {"images": count(match.images), "protocol": match.protocol, "runs": listed(runs)}
    if len(set(match.epochs)) == 1:
        return say(
            "Compared on the same {images} images, under protocol {protocol}, at epoch {epoch}, the last that all were "
            "evaluated at: {runs}.",
            epoch=match.epochs[0],
            **known,
        )
    epochs = [
        say("{epoch} of {experiment}", epoch=epoch, experiment=name)
        for epoch, name in zip(match.epochs, found.labels, strict=True)
    ]
    return say(
        "Compared on the same {images} images, under protocol {protocol}, at each one's last evaluated epoch ({epochs}), as "
        "they have none in common: {runs}.",
        epochs=listed(epochs),
        **known,
    )


_SAID = {  # how the first are told, and how others after them
    "above": (
        message("The boxes of {second} fit better than those of {first} with {methods}"),
        message("better with {methods}"),
    ),
    "below": (
        message("The boxes of {second} fit worse than those of {first} with {methods}"),
        message("worse with {methods}"),
    ),
    "undecided": (
        message("The boxes of {second} cannot be told apart from those of {first} with {methods}"),
        message("not told apart with {methods}"),
    ),
    "identical": (
        message("The boxes of {second} are the same as those of {first} with {methods}"),
        message("the same with {methods}"),
    ),
}


def _pair(match: Match, labels: tuple[str, str], figures: Collection[str]) -> str:
    """Two experiments, method by method."""
    by = _by_verdict(gap for gap in match.gaps if (gap.first, gap.second) == labels)
    there = [(name, listed([_told(gap, name in figures) for gap in gaps])) for name, gaps in by.items() if gaps]
    parts = [
        say(_SAID[name][place > 0], first=labels[0], second=labels[1], methods=methods)
        for place, (name, methods) in enumerate(there)
    ]
    return f"{'; '.join(parts)}."


def _told(gap: Gap, figures: bool) -> str:
    return title_of(gap.method) + (f" ({shown(gap.pair)})" if figures and not gap.same else "")


def beside_unseen(match: Match) -> list[str]:
    """How each experiment's methods stand beside the best box that never looks; where all stand alike, once."""
    stands: dict[tuple[str, str, str], list[str]] = {}
    for box in match.unseen:
        told = _beside([score for score in match.scores if score.label == box.label])
        stands.setdefault((box.method, number(box.iou.value), told), []).append(box.label)
    return [
        say(
            "In {experiments} the best box that never looks is {box} ({iou}); {methods}.",
            experiments=listed(labels),
            box=box,
            iou=iou,
            methods=told,
        )
        for (box, iou, told), labels in stands.items()
    ]


_BESIDE = {
    "above": message("above it: {methods}"),
    "undecided": message("not told apart from it: {methods}"),
    "below": message("below it: {methods}"),
}


def _beside(scores: Sequence[Score]) -> str:
    """ "above it: saliency; below it: CAM and Grad-CAM"."""
    by = {
        name: [title_of(each.method) for each in scores if each.unseen is not None and each.unseen.verdict == name]
        for name in _BESIDE
    }
    return "; ".join(say(_BESIDE[name], methods=listed(there)) for name, there in by.items() if there)


def right(found: Contrast) -> list[str]:
    """Accuracy at the best epochs, and whether it can be told apart."""
    told = [
        say(
            "{experiment} {accuracy} (run {run} of {runs}, epoch {epoch})",
            experiment=each.label,
            accuracy=number(each.accuracy, 4),
            run=each.run,
            runs=each.runs,
            epoch=each.epoch,
        )
        for each in found.accuracy
    ]
    best = [say("Test accuracy at the best epoch: {experiments}.", experiments=listed(told))] if told else []
    return [*best, *(_classified(found.classified) if found.classified else [])]


def _classified(found: Classified) -> list[str]:
    """Each pair, on the evaluated images."""
    own = listed(sorted({str(epoch) for epoch in found.epochs}))
    where = say("at their best epochs") if found.best else say("at epoch {epochs}", epochs=own)
    return [
        say(
            _RIGHT[pair.verdict],
            where=where,
            first=pair.first,
            second=pair.second,
            n=count(pair.n),
            difference=shown(pair),
        )
        for pair in found.pairs
    ]


_RIGHT = {
    "above": message(
        "Image by image, {where}, {first} classifies more images correctly than {second} (share of {n} images: "
        "{difference})."
    ),
    "below": message(
        "Image by image, {where}, {first} classifies fewer images correctly than {second} (share of {n} images: "
        "{difference})."
    ),
    "undecided": message(
        "Image by image, {where}, {first} cannot be told apart from {second} in what it classifies correctly (share of "
        "{n} images: {difference})."
    ),
}
_PARTS = {
    "config": message("training"),
    "model": message("network"),
    "dataset": message("data"),
    "versions": message("version of"),
}


def setting_named(name: str) -> tuple[str, str]:
    """ "config.learning_rate" as the part it belongs to, in words, and its own name."""
    part, _, field = name.partition(".")
    if not field:
        return say("training"), name
    return say(_PARTS[part]) if part in _PARTS else part, field


def settings(found: Contrast) -> str:
    """In what they were made differently."""
    if not found.differs:
        return say("Their configuration, networks, data and versions do not differ.")
    return say(
        "They were made differently: {settings}.", settings=listed([_setting_in_words(n) for n in found.differs])
    )


def _setting_in_words(name: str) -> str:
    """ "learning_rate", "version of keras"."""
    part, _, field = name.partition(".")
    return say("version of {package}", package=field) if part == "versions" else field or name
