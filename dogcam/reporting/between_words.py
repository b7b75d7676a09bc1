"""The comparison of experiments in words: the answer, and what each exhibit says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from dogcam.reporting import count, listed, number
from dogcam.reporting.answer import shown, side
from dogcam.reporting.between import Classified, Contrast, Gap, Match, Score
from dogcam.reporting.evidence import title_of

WORDS = {"above": "above", "below": "below", "undecided": "not told apart", "identical": "identical"}
ONE_RUN = (
    "One run speaks for each experiment: whether training again with other seeds would turn a difference over, "
    "these images cannot say."
)


def verdict(gap: Gap) -> str:
    """ "above", "below", "undecided" or "identical": the later named experiment against the earlier."""
    return "identical" if gap.same else side(gap.pair)


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
    if len(by["identical"]) == len(match.gaps):
        return f"{listed(list(found.labels))} draw the same boxes"
    if not sure:
        return f"Not told apart: the boxes of {listed(list(found.labels))}"
    if len(found.labels) > 2:
        return (
            f"{sure} of {len(match.gaps)} differences between the boxes of {listed(list(found.labels))} are told apart"
        )
    first, second = found.labels
    if not by["above"]:
        return _better(first, second, len(by["below"]), len(match.gaps))
    worse = f", worse with {len(by['below'])}" if by["below"] else ""
    return _better(second, first, len(by["above"]), len(match.gaps)) + worse


def _better(which: str, than: str, methods: int, total: int) -> str:
    these = f"{methods} of {total} methods" if total > 1 else "the one method scored in both"
    return (
        f"The boxes of {which} fit better than those of {than} with {'every method' if methods == total > 1 else these}"
    )


def answer(found: Contrast) -> list[str]:
    """The answer in plain sentences."""
    match = found.matches[0]
    return [*compared(found, match), *beside_unseen(match), *right(found), settings(found), ONE_RUN]


def compared(found: Contrast, match: Match) -> list[str]:
    """What is held against what, then each pair of experiments by method."""
    return [_setting(found, match), *(_pair(match, *pair) for pair in combinations(found.labels, 2))]


def _setting(found: Contrast, match: Match) -> str:
    which = listed([f"run {run} of {name}" for run, name in zip(match.runs, found.labels, strict=True)])
    where = f"on the same {count(match.images)} images, under protocol {match.protocol}"
    return f"Compared {where}, {_epochs(found, match)}: {which}."


def _epochs(found: Contrast, match: Match) -> str:
    """Which epochs, and why these."""
    if len(set(match.epochs)) == 1:
        return f"at epoch {match.epochs[0]}, the last that all were evaluated at"
    own = listed([f"{epoch} of {name}" for epoch, name in zip(match.epochs, found.labels, strict=True)])
    return f"at each one's last evaluated epoch ({own}), as they have none in common"


_SAID = {
    "above": "fit better than those of {} with {}",
    "below": "fit worse than those of {} with {}",
    "undecided": "cannot be told apart from those of {} with {}",
    "identical": "are the same as those of {} with {}",
}


def _pair(match: Match, first: str, second: str) -> str:
    """Two experiments, method by method."""
    by = _by_verdict(gap for gap in match.gaps if (gap.first, gap.second) == (first, second))
    parts = [_SAID[name].format(first, listed([_told(gap) for gap in gaps])) for name, gaps in by.items() if gaps]
    return f"The boxes of {second} {'; they '.join(parts)}."


def _told(gap: Gap) -> str:
    return title_of(gap.method) + ("" if gap.same else f" ({shown(gap.pair)})")


def beside_unseen(match: Match) -> list[str]:
    """How each experiment's methods stand beside the best box that never looks; where all stand alike, once."""
    stands: dict[str, list[str]] = {}
    for box in match.unseen:
        told = _beside(box, [score for score in match.scores if score.label == box.label])
        stands.setdefault(told, []).append(box.label)
    return [f"In {listed(labels)}, {told}." for told, labels in stands.items()]


_BESIDE = {"above": "above", "undecided": "not told apart from", "below": "below"}


def _beside(box: Score, scores: Sequence[Score]) -> str:
    """ "saliency is above the best box that never looks (centre-gaussian, 0.594); CAM is below it"."""
    parts = []
    for name, words in _BESIDE.items():
        there = [title_of(each.method) for each in scores if each.unseen is not None and side(each.unseen) == name]
        what = "it" if parts else f"the best box that never looks ({box.method}, {number(box.iou.value)})"
        parts += [f"{listed(there)} {'is' if len(there) == 1 else 'are'} {words} {what}"] if there else []
    return "; ".join(parts)


def right(found: Contrast) -> list[str]:
    """Accuracy at the best epochs, and whether it can be told apart."""
    told = [f"{e.label} {number(e.accuracy, 4)} (run {e.run} of {e.runs}, epoch {e.epoch})" for e in found.accuracy]
    sentences = [f"Test accuracy at the best epoch: {listed(told)}."] if told else []
    return [*sentences, *(_classified(found.classified) if found.classified else [])]


def _classified(found: Classified) -> list[str]:
    """Each pair, on the evaluated images."""
    own = listed(sorted({str(epoch) for epoch in found.epochs}))
    where = "at their best epochs" if found.best else f"at epoch {own}"
    return [
        f"Image by image, {where}, {pair.first} {_RIGHT[side(pair)].format(pair.second)} (share of "
        f"{count(pair.n)} images: {shown(pair)})."
        for pair in found.pairs
    ]


_RIGHT = {
    "above": "classifies more images correctly than {}",
    "below": "classifies fewer images correctly than {}",
    "undecided": "cannot be told apart from {} in what it classifies correctly",
}
_PARTS = {"config": "training", "model": "network", "dataset": "data", "versions": "version of"}


def setting_named(name: str) -> tuple[str, str]:
    """ "config.learning_rate" as the part it belongs to and its own name."""
    part, _, field = name.partition(".")
    return (_PARTS.get(part, part), field) if field else ("training", name)


def settings(found: Contrast) -> str:
    """In what they were made differently."""
    if not found.differs:
        return "Their configuration, networks, data and versions do not differ."
    names = [
        field if part != _PARTS["versions"] else f"{part} {field}" for part, field in map(setting_named, found.differs)
    ]
    return f"They were made differently: {listed(names)}."
