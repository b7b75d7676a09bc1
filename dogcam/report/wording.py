"""The words of what statistics and analysis say in codes: how sure a figure is, what is the same, by what test."""

from __future__ import annotations

import math

from dogcam.analysis.comparison import Line
from dogcam.language import message, say
from dogcam.statistics import Agreement, Interval
from dogcam.statistics.intervals import LEAST

_METHODS = {
    "bca": message("BCa bootstrap"),
    "percentile": message("percentile bootstrap"),
    "none": message("no interval"),
    "t": message("Student's t, runs and images crossed"),
    "crossed": message("percentile bootstrap, runs and images crossed"),
}
_REASONS = {
    "too-few": message("{n} scored images are too few for an interval: {least} are needed"),
    "undefined": message("the denominators add up to 0"),
    "constant": message("all {n} images agree: resampling cannot tell what others, up to {share} of images, would do"),
    "one-sided": message("BCa is not defined here: all resamples lie on one side of the figure"),
    "few": message("of only {n} images: where scores are skewed, the interval is too narrow"),
    "few-runs": message("too narrow where runs differ much: {runs} runs hardly show how runs vary"),
}
_TOO_FEW_IN_ALL = message("{n} images scored in every run are too few for an interval: {least} are needed")
_TESTS = {"signed-rank": message("Wilcoxon signed-rank"), "crossed-t": message("crossed t")}


def interval_described(interval: Interval) -> str:
    """How an interval was made, for captions: "95 % BCa bootstrap, 8,580 images"."""
    known = {
        "confidence": f"{interval.confidence * 100:g}",
        "method": say(_METHODS[interval.method]),
        "n": f"{interval.n:,}",
    }
    if interval.runs > 1:
        return say("{confidence} % {method}, {n} images, {runs} runs", runs=interval.runs, **known)
    return say("{confidence} % {method}, {n} images", **known)


def interval_reason(interval: Interval) -> str:
    """What is to be known about an interval; "" where there is nothing."""
    if not interval.reason:
        return ""
    in_all = interval.reason == "too-few" and interval.runs > 1
    share = f"{interval.unseen:.1%}" if interval.n else ""
    values = {"n": interval.n, "least": LEAST, "runs": interval.runs, "share": share}
    return say(_TOO_FEW_IN_ALL if in_all else _REASONS[interval.reason], **values)


def interval_words(interval: Interval) -> str:
    """How an interval was made; where there is none, why."""
    return interval_reason(interval) if math.isnan(interval.low) else interval_described(interval)


def same_reason(line: Line) -> str:
    """Why the names of a line of a ranking count as one, in figures, with the theorem behind it where there is one."""
    if line.agreement is None:
        return ""
    measured = agreement(line.agreement)
    if len(line.maps) > 2:
        measured = say("every two of them: {agreement}", agreement=measured)
    if not line.by_algebra:
        return measured
    return say(
        "{measured}: with a logit score and pooling on this layer, Grad-CAM and its kin are ReLU(CAM)/hw",
        measured=measured,
    )


def agreement(of: Agreement) -> str:
    """How far methods agree."""
    parts = []
    if not math.isnan(of.boxes):
        parts.append(say("the same box on {share} of {n} images", share=f"{of.boxes:.2%}", n=f"{of.images:,}"))
    if not math.isnan(of.maps):
        known = {"n": f"{of.mapped:,}", "difference": f"{of.maps:.1g}"}
        parts.append(say("maps of {n} images differ by {difference} at most", **known))
    return "; ".join(parts)


def test_name(code: str) -> str:
    """What a pair was tested by, `statistics.Pair.test`."""
    return say(_TESTS[code])
