"""How training went, as values and in sentences: accuracy and loss of a run, mean IoU and box area of a method at a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dogcam.core.files import plain
from dogcam.experiment.training_curves import Curve
from dogcam.language import say
from dogcam.language.numbers import listed, number, spelled
from dogcam.methods import title_of
from dogcam.statistics import Interval, Pair


def steps(n: int) -> list[tuple[int, int]]:
    """(later, earlier) places of n epochs: neighbours, then the last and the first."""
    return [(place + 1, place) for place in range(n - 1)] + ([(n - 1, 0)] if n > 2 else [])


@dataclass(frozen=True)
class Peak:
    """The best epoch of one figure.

    Attributes:
        runner_up: the second best; None where there is one epoch.
        lead: by how much the best is ahead of it, on the same images; None where images cannot be compared one by one.
        separable: whether the lead's 95 % interval lies above 0; None where there is no lead. That the two were picked
            for being the best does not make this likelier by chance: of equal epochs the best two lie closer together
            than two picked beforehand.
    """

    epoch: int
    value: float
    runner_up: int | None = None
    lead: Interval | None = None
    separable: bool | None = None

    def led_by(self, lead: Interval | None) -> Peak:
        """The same with the lead over the runner-up."""
        known = lead is not None and not np.isnan(lead.low)
        return replace(self, lead=lead, separable=lead.verdict == "above" if known else None)


@dataclass(frozen=True)
class Learning:
    """Test accuracy and loss of one run at every trained epoch, or their means over runs (`run` None).

    Attributes:
        accuracy_peak: the highest; ties by lower loss, then the earlier, as everywhere in dogcam.
        loss_peak: the lowest, ties by the earlier; None where no loss is a number. Losses have no lead: images' own are
            not kept.
    """

    run: int | None
    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]
    accuracy_peak: Peak
    loss_peak: Peak | None

    @property
    def curve(self) -> Curve:
        """The same as a `Curve`."""
        return Curve(self.epochs, self.accuracy, self.loss)


@dataclass(frozen=True)
class Track:
    """One method at one layer along its evaluated epochs, in one run or over all runs (`run` None).

    Attributes:
        iou: the mean IoU at each epoch.
        area: the mean box area at each epoch, as a share of the picture; an image without a box counts as 0.
        peak: where the mean IoU is highest, ties by the earlier.
        accuracy_epoch: of these epochs the one of the best test accuracy; None where that was not recorded.
        changes: later - earlier of neighbouring epochs, then last - first where there are more than two; p-values are
            corrected over these (Holm).
    """

    run: int | None
    method: str
    layer: str
    epochs: tuple[int, ...]
    iou: tuple[Interval, ...]
    area: tuple[float, ...]
    peak: Peak
    accuracy_epoch: int | None
    changes: tuple[Pair, ...]

    @property
    def name(self) -> str:
        """ "Grad-CAM at conv5_block3_out"."""
        return say("{methods} at {layer}", methods=title_of(self.method), layer=self.layer)

    @property
    def tested(self) -> tuple[tuple[int, int, Pair], ...]:
        """(later epoch, earlier epoch, change)."""
        places = zip(steps(len(self.epochs)), self.changes, strict=True)
        return tuple((self.epochs[later], self.epochs[earlier], change) for (later, earlier), change in places)


@dataclass(frozen=True)
class Dynamics:
    """How training went under one protocol.

    Attributes:
        runs: those that were evaluated.
        learning: of each run, then, of several, over all of them.
        tracks: of each run, then, of several, over all that were evaluated at the same epochs.
    """

    protocol: str
    runs: tuple[int, ...]
    learning: tuple[Learning, ...]
    tracks: tuple[Track, ...]

    @property
    def main(self) -> tuple[Track, ...]:
        """Over runs where there is such, else of the first run: what sentences are about."""
        run = None if any(track.run is None for track in self.tracks) else self.tracks[0].run
        return tuple(track for track in self.tracks if track.run == run)

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON; an interval that could not be given is null."""
        return plain({**asdict(self), "sentences": self.sentences()})

    def sentences(self, layer: str | None = None, most: int | None = None) -> list[str]:
        """What the figures say, in words; of the tracks at one layer only where one is named.

        Args:
            most: of how many tracks at most, the study's methods and those of the highest mean IoU first; None tells of all.
        """
        run = self.main[0].run
        found = [_learned(each, len(self.runs)) for each in self.learning if each.run == run]
        tracks = [track for track in self.main if layer is None or track.layer == layer]
        for group in _worth_telling(_alike(tracks), most):
            found.append(" ".join([_peaked(group, len(self.runs)), _changed(group[0])]))
            found += self._by_run(group[0]) if run is None else []
        return found

    def _by_run(self, track: Track) -> list[str]:
        """Where each run peaks, where they do not agree."""
        runs = [t for t in self.tracks if t.run is not None and (t.method, t.layer) == (track.method, track.layer)]
        if len({each.peak.epoch for each in runs}) < 2:
            return []
        peaks = listed([say("epoch {epoch} (run {run})", epoch=each.peak.epoch, run=each.run) for each in runs])
        return [
            say("The runs of {track} do not agree: its mean IoU is highest at {peaks}.", track=track.name, peaks=peaks)
        ]


_STUDIED = ("cam", "gradcam")


def _worth_telling(groups: list[list[Track]], most: int | None) -> list[list[Track]]:
    """At most so many groups, in their own order."""

    def rank(group: list[Track]) -> tuple[bool, float]:
        return all(track.method not in _STUDIED for track in group), -group[0].iou[-1].value

    chosen = sorted(groups, key=rank)[:most]
    return [group for group in groups if any(group is each for each in chosen)]


def _alike(tracks: Sequence[Track]) -> list[list[Track]]:
    """Tracks in groups of the same scores: methods that draw the same boxes need one sentence."""
    found: dict[tuple[Any, ...], list[Track]] = {}
    for track in tracks:
        key = (track.layer, track.epochs, *(round(each.value, 9) for each in track.iou))
        found.setdefault((*key, *(round(each, 9) for each in track.area)), []).append(track)
    return list(found.values())


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


def _changed(track: Track) -> str:
    """Which changes are more than chance, and how box sizes go."""
    first, last = number(track.area[0]), number(track.area[-1])
    if first == last:
        area = say("Its mean box area stays at {area} of the picture.", area=first)
    else:
        area = say("Its mean box area goes from {first} to {last} of the picture.", first=first, last=last)
    return f"{_apart(track)} {area}"


def _apart(track: Track) -> str:
    """Which changes are more than chance."""
    n = len(track.changes)
    told = [
        say(
            "epoch {later} − epoch {earlier} {difference}",
            later=later,
            earlier=earlier,
            difference=spelled(change.difference),
        )
        for later, earlier, change in track.tested
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
