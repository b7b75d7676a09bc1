"""The words of what statistics and analysis say in codes: how sure a figure is, what is the same."""

from __future__ import annotations

import math

from dogcam.analysis.comparison import Line
from dogcam.language.numbers import count
from dogcam.report.texts import text
from dogcam.statistics import Agreement, Interval
from dogcam.statistics.intervals import LEAST

SIDES = ("above", "undecided", "below")  # of the best box that never looks, in the order in which they are told


def interval_described(interval: Interval) -> str:
    """How an interval was made, for captions: "95 % BCa bootstrap, 8,580 images"."""
    method, confidence = text(f"interval.methods.{interval.method}"), f"{interval.confidence * 100:g}"
    known = {"confidence": confidence, "method": method, "images": count(interval.units), "rows": count(interval.n)}
    if interval.pictures is not None:
        key = "interval.described_rows_over_runs" if interval.runs > 1 else "interval.described_rows"
    else:
        key = "interval.described_over_runs" if interval.runs > 1 else "interval.described"
    return text(key, runs=interval.runs, **known)


def interval_reason(interval: Interval) -> str:
    """What is to be known about an interval; "" where there is nothing."""
    if not interval.reason:
        return ""
    reason = "too-few-in-all" if interval.reason == "too-few" and interval.runs > 1 else interval.reason
    share = f"{interval.unseen:.1%}" if interval.n else ""
    return text(f"interval.reasons.{reason}", interval.units, least=LEAST, runs=interval.runs, share=share)


def interval_words(interval: Interval) -> str:
    """How an interval was made; where there is none, why."""
    return interval_reason(interval) if math.isnan(interval.low) else interval_described(interval)


def same_reason(line: Line) -> str:
    """Why the names of a line of a ranking count as one, in figures, with the theorem behind it where there is one."""
    if line.agreement is None:
        return ""
    measured = agreement(line.agreement)
    if len(line.maps) > 2:
        measured = text("agreement.every_two", agreement=measured)
    return text("agreement.by_algebra", measured=measured) if line.by_algebra else measured


def agreement(of: Agreement) -> str:
    """How far methods agree."""
    parts = []
    if not math.isnan(of.boxes):
        parts.append(text("agreement.boxes", share=f"{of.boxes:.2%}", images=count(of.images)))
    if not math.isnan(of.maps):
        parts.append(text("agreement.maps", images=count(of.mapped), difference=f"{of.maps:.1g}"))
    return "; ".join(parts)
