"""Training dynamics in sentences: where each figure is best, how surely, and which changes are more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dogcam.analysis import study
from dogcam.analysis.dynamics import Dynamics, Learning, Peak, Track
from dogcam.language import say
from dogcam.language.numbers import listed, number, spelled
from dogcam.methods import title_of


def sentences(found: Dynamics, layer: str | None = None, most: int | None = None) -> list[str]:
    """What the figures say; of the tracks at one layer only where one is named.

    Args:
        most: of how many tracks at most, the study's methods and those of the highest mean IoU first; None tells of all.
    """
    runs = len(found.runs)
    told = [_learned(each, runs) for each in found.learning if each.run == found.main_run]
    tracks = [track for track in found.main if layer is None or track.layer == layer]
    for group in _worth_telling(_alike(tracks), most):
        told.append(" ".join([_peaked(group, runs), _apart(group[0]), _sized(group[0])]))
        told += _by_run(found, group[0]) if found.main_run is None else []
    return told


def _alike(tracks: Sequence[Track]) -> list[list[Track]]:
    """Tracks in groups of the same scores: methods that draw the same boxes need one sentence."""
    found: dict[tuple[Any, ...], list[Track]] = {}
    for track in tracks:
        key = (track.layer, track.epochs, *(round(each.value, 9) for each in track.iou))
        found.setdefault((*key, *(round(each, 9) for each in track.area)), []).append(track)
    return list(found.values())


def _worth_telling(groups: list[list[Track]], most: int | None) -> list[list[Track]]:
    """At most so many groups, in their own order."""

    def rank(place: int) -> tuple[bool, float]:
        group = groups[place]
        return all(track.method not in study.IOU for track in group), -group[0].iou[-1].value

    return [groups[place] for place in sorted(sorted(range(len(groups)), key=rank)[:most])]


def _by_run(found: Dynamics, track: Track) -> list[str]:
    """Where each run peaks, where they do not agree."""
    runs = [t for t in found.tracks if t.run is not None and (t.method, t.layer) == (track.method, track.layer)]
    if len({each.peak.epoch for each in runs}) < 2:
        return []
    peaks = listed([say("epoch {epoch} (run {run})", epoch=each.peak.epoch, run=each.run) for each in runs])
    name = say("{methods} at {layer}", methods=title_of(track.method), layer=track.layer)
    return [say("The runs of {track} do not agree: its mean IoU is highest at {peaks}.", track=name, peaks=peaks)]


def _learned(each: Learning, runs: int) -> str:
    """Where accuracy and loss are best, of one run or over several."""
    peak, loss = each.accuracy_peak, each.loss_peak
    values = {"runs": runs, "run": each.run, "epoch": peak.epoch, "best": _best(peak, 4)}
    if loss is None and each.run is None:
        return say(
            "Over {runs} runs test accuracy is highest at epoch {epoch} ({best}); its test loss is not a number at any epoch.",
            **values,
        )
    if loss is None:
        return say(
            "In run {run} test accuracy is highest at epoch {epoch} ({best}); its test loss is not a number at any epoch.",
            **values,
        )
    values |= {"other": loss.epoch, "loss": number(loss.value, 4)}
    if each.run is None:
        return say(
            "Over {runs} runs test accuracy is highest at epoch {epoch} ({best}) and test loss lowest at epoch {other} ({loss}).",
            **values,
        )
    return say(
        "In run {run} test accuracy is highest at epoch {epoch} ({best}) and test loss lowest at epoch {other} ({loss}).",
        **values,
    )


def _best(peak: Peak, digits: int = 3) -> str:
    """The best figure, and its lead in words where one was tested."""
    if peak.lead is None:
        return number(peak.value, digits)
    values = {"value": number(peak.value, digits), "epoch": peak.runner_up, "lead": spelled(peak.lead)}
    if peak.separable:
        return say("{value}; ahead of epoch {epoch} by {lead}, more than chance if taken alone", **values)
    return say("{value}; ahead of epoch {epoch} by {lead}, which may be chance", **values)


def _peaked(group: Sequence[Track], runs: int) -> str:
    """Where mean IoU peaks, how surely, and whether accuracy does there as well."""
    track, peak = group[0], group[0].peak
    values = {"track": _named(group, runs), "epoch": peak.epoch, "best": _best(peak), "n": len(track.epochs)}
    if track.accuracy_epoch is None:
        return say("The mean IoU of {track} is highest at epoch {epoch} ({best}).", **values)
    if peak.epoch == track.accuracy_epoch:
        return say(
            "The mean IoU of {track} is highest at epoch {epoch} ({best}); of these {n} epochs accuracy is highest there too.",
            **values,
        )
    return say(
        "The mean IoU of {track} is highest at epoch {epoch} ({best}); of these {n} epochs accuracy is highest at epoch "
        "{other}.",
        **values,
        other=track.accuracy_epoch,
    )


def _named(group: Sequence[Track], runs: int) -> str:
    """Tracks of the same scores, and the run that they are of where there are several."""
    values = {"methods": listed([title_of(each.method) for each in group]), "layer": group[0].layer}
    if group[0].run is None:
        return say("{methods} at {layer} over {runs} runs", **values, runs=runs)
    if runs > 1:
        return say("{methods} at {layer} in run {run}", **values, run=group[0].run)
    return say("{methods} at {layer}", **values)


def _apart(track: Track) -> str:
    """Which changes are more than chance."""
    n = len(track.changes)
    told = [
        say(
            "epoch {later} − epoch {earlier} {difference}",
            later=change.first,
            earlier=change.second,
            difference=spelled(change),
        )
        for change in track.changes
        if change.told_apart
    ]
    values = {"n": n, "sure": len(told), "changes": "; ".join(told)}
    if n == 1 and not told:
        return say("Its one change cannot be told apart from 0 (Holm-corrected).")
    if n == 1:
        return say("Its one change is told apart from 0 (Holm-corrected): {changes}.", **values)
    if not told:
        return say("Of its {n} changes between epochs none can be told apart from 0 (Holm-corrected).", **values)
    return say(
        "Of its {n} changes between epochs {sure} can be told apart from 0 (Holm-corrected): {changes}.", **values
    )


def _sized(track: Track) -> str:
    """How box sizes go."""
    first, last = number(track.area[0]), number(track.area[-1])
    if first == last:
        return say("Its mean box area stays at {area} of the picture.", area=first)
    return say("Its mean box area goes from {first} to {last} of the picture.", first=first, last=last)
