"""What an inspection says in a sentence, for the terminal and the page."""

from __future__ import annotations

from dogcam.analysis.inspection import Inspection
from dogcam.boxes.baselines import BASELINES
from dogcam.data import Division
from dogcam.language.numbers import count, number
from dogcam.report.texts import text

RULES = ("smallest-box", "median-box", "largest-box", "most-boxes", "widest", "tallest", "class")


def answer(found: Inspection) -> str:
    """What there is, how well a box fits that never looks, and how much there is to look at."""
    return "; ".join([holds(found), unseen_words(found), looked_at(found)])


def holds(found: Inspection) -> str:
    """How much there is."""
    return text("inspection.answer.pictures", len(found.classes), pictures=count(found.pictures))


def unseen_words(found: Inspection) -> str:
    """How well a box fits that never looks."""
    if found.best_unseen is None:
        return text("inspection.answer.unboxed")
    best, split = found.best_unseen
    return text("inspection.answer.unseen", box=BASELINES[best.name].title, iou=number(best.iou[split]), split=split)


def looked_at(found: Inspection) -> str:
    """How much there is to look at."""
    return text("inspection.answer.findings", len(found.problems)) if found.problems else text("inspection.answer.sound")


def division_words(division: Division) -> str:
    """How the data came by their splits."""
    share = f"{100 * (division.share or 0):g}"
    return text(f"inspection.division.{division.how}", seed=division.seed, share=share)


def picked(rule: str) -> str:
    """Why a picture is in the sample: an extreme, its class, or a kind of finding."""
    return text(f"inspection.rules.{rule}") if rule in RULES else finding(rule)


def finding(kind: str) -> str:
    """A kind of finding in words; one that has none goes by its code."""
    try:
        return text(f"inspection.kinds.{kind or 'other'}")
    except KeyError:
        return kind
