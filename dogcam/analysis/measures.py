"""What the pictures suggest, measured over all kept pictures: heat outside the boxes, and how alike maps are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from dogcam.analysis.evidence import Evidence, Place, Sample
from dogcam.language import say
from dogcam.language.numbers import NONE, number, percent
from dogcam.report.document import Entry, Row, Table


def outside_share(heat: np.ndarray, boxes: np.ndarray) -> float:
    """The share of positive heat (h, w) on pixels whose centres lie in none of the relative boxes (n, 4).

    NaN where there is no positive heat.
    """
    height, width = heat.shape
    y, x = ((np.arange(size) + 0.5) / size for size in (height, width))
    inside = np.zeros(heat.shape, bool)
    for x0, y0, x1, y1 in np.asarray(boxes, np.float64).reshape(-1, 4):
        inside |= ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))[None]
    positive = np.maximum(heat, 0)
    total = float(positive.sum())
    return float(positive[~inside].sum()) / total if total > 0 else float("nan")


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two maps, pixel by pixel; NaN where one is constant."""
    if first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def measured(evidence: Evidence, what: Callable[[np.ndarray, Sample], float], place: Place) -> tuple[float, int]:
    """(mean, n) of a measure of heat over the kept pictures; pictures where it is NaN do not count."""
    protocol = evidence.drawn_under
    values = []
    for sample in evidence.samples if protocol else ():
        raw = evidence.raw_map(sample, *place)
        if raw is not None:
            values.append(what(evidence.heat(raw, sample, protocol), sample))
    known = [value for value in values if np.isfinite(value)]
    return (float(np.mean(known)) if known else float("nan")), len(known)


def _outside(heat: np.ndarray, sample: Sample) -> float:
    return outside_share(heat, sample.boxes)


def _uniform(heat: np.ndarray, sample: Sample) -> float:
    return outside_share(np.ones_like(heat), sample.boxes)


def outside_table(
    evidence: Evidence, what: str, places: Sequence[tuple[str, Place]], readings: Mapping[str, str]
) -> Table:
    """The share of the heat outside the annotated boxes, place by place, beside that of an even map.

    Args:
        what: the head of the first column.
        readings: what the study reads there, by label.
    """
    rows = []
    for label, place in places:
        mean, n = measured(evidence, _outside, place)
        rows.append(Row.of(label, readings.get(label, NONE), str(n), _share(mean)))
    even, n = measured(evidence, _uniform, places[-1][1])
    rows.append(Row.of(say("an even map, which never looks"), "", str(n), _share(even), kind="baseline"))
    return Table(
        say("Heat that falls outside the annotated boxes, mean over the kept pictures."),
        (what, say("the study's reading"), "n", say("heat outside")),
        tuple(rows),
        words=2,
        aside=(1,),
        note=say(
            "The study judges by eye and gives no figures. Boxes hold some background as well: 0 % is not the aim."
        ),
    )


def _share(value: float) -> Entry:
    return Entry(percent(value), bar=value if np.isfinite(value) else None)


def trend(name: str, evidence: Evidence, places: Sequence[tuple[str, Place]]) -> tuple[str, ...]:
    """Where the heat outside the boxes is highest and lowest, and what an even map would have."""
    means = [(measured(evidence, _outside, place)[0], label) for label, place in places]
    known = [(mean, label) for mean, label in means if np.isfinite(mean)]
    if len(known) < 2:
        return ()
    (most, at_most), (least, at_least) = max(known), min(known)
    even = percent(measured(evidence, _uniform, places[-1][1])[0])
    if most - least < 0.005:
        return (
            say(
                "{name} puts the same share of its heat outside the annotated boxes throughout ({share}); an even map would "
                "have {even} there.",
                name=name,
                share=percent(most),
                even=even,
            ),
        )
    return (
        say(
            "{name} puts the largest share of its heat outside the annotated boxes at {at_most} ({most}) and the smallest at "
            "{at_least} ({least}); an even map would have {even} there.",
            name=name,
            at_most=at_most,
            most=percent(most),
            at_least=at_least,
            least=percent(least),
            even=even,
        ),
    )


def alike(evidence: Evidence, method: str, layer: str) -> tuple[str, ...]:
    """How alike the maps of neighbouring epochs are, of those epochs whose maps were kept."""
    parts = []
    for earlier, later in pairwise(evidence.drawn(method, layer)):
        mean = _likeness(evidence, (method, layer, earlier), (method, layer, later))
        of = {"value": number(mean, 2), "earlier": earlier, "later": later}
        parts.append(say("{value} between epochs {earlier} and {later}", **of))
    if not parts:
        return ()
    return (say("The maps' mean correlation is {values} (1 is the same map).", values=", ".join(parts)),)


def _likeness(evidence: Evidence, first: Place, second: Place) -> float:
    """The mean correlation of the raw maps of two places over the kept pictures."""
    pairs = [(evidence.raw_map(s, *first), evidence.raw_map(s, *second)) for s in evidence.samples]
    values = [likeness(a, b) for a, b in pairs if a is not None and b is not None]
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def difference_table(evidence: Evidence, layer: str) -> tuple[Table, ...]:
    """How much of the difference between CAM and Grad-CAM is left when CAM's negative values are cut.

    Nothing where no epoch has maps of both.
    """
    rows = []
    for epoch in evidence.epochs:
        pairs = [[evidence.raw_map(s, m, layer, epoch) for m in ("cam", "gradcam")] for s in evidence.samples]
        maps = [(a, b) for a, b in pairs if a is not None and b is not None and a.max() > 0 and b.max() > 0]
        if maps:
            left = max(float(np.abs(np.maximum(a, 0) / a.max() - b / b.max()).max()) for a, b in maps)
            below = float(np.mean([(a < 0).mean() for a, _ in maps]))
            label = say("epoch {epoch}", epoch=epoch)
            rows.append(Row.of(label, str(len(maps)), percent(below), f"{left:.1e}" if left else "0"))
    table = Table(
        say("Is Grad-CAM the ReLU of CAM here? The raw maps of the kept pictures, each divided by its maximum."),
        ("", "n", say("CAM's negative cells"), say("largest difference after ReLU")),
        tuple(rows),
        note=say(
            "A largest difference of the size of rounding (below 1e-4) says yes; a larger one says that the gradients were "
            "not taken of the logit, or that this layer does not feed the pooling alone."
        ),
    )
    return (table,) if rows else ()
