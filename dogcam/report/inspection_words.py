"""What an inspection says in a sentence, for the terminal and the page."""

from __future__ import annotations

from dogcam.analysis.inspection import Inspection
from dogcam.boxes.baselines import BASELINES
from dogcam.data import Division
from dogcam.language.numbers import count, number
from dogcam.report.texts import finding, text

RULES = ("smallest-box", "median-box", "largest-box", "most-boxes", "widest", "tallest", "class")


def answer(found: Inspection) -> str:
    """What there is, how well a box fits that never looks, and how much there is to look at."""
    parts = [text("inspection.answer.pictures", pictures=count(found.pictures), classes=count(len(found.classes)))]
    if found.best_unseen is None:
        parts.append(text("inspection.answer.unboxed"))
    else:
        best, split = found.best_unseen
        values = {"box": BASELINES[best.name].title, "iou": number(best.iou[split]), "split": split}
        parts.append(text("inspection.answer.unseen", **values))
    parts.append(text("inspection.answer.findings", len(found.problems)) if found.problems else text("inspection.answer.sound"))
    return "; ".join(parts)


def division_words(division: Division) -> str:
    """How the data came by their splits."""
    share = f"{100 * (division.share or 0):g}"
    return text(f"inspection.division.{division.how}", seed=division.seed, share=share)


def picked(rule: str) -> str:
    """Why a picture is in the sample: an extreme, its class, or a kind of finding."""
    return text(f"inspection.rules.{rule}") if rule in RULES else finding(rule)
