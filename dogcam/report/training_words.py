"""How training went, in words: what a run's curve says, and why a run is used."""

from __future__ import annotations

import math

from dogcam.experiment.training_curves import RISE, RunChoice, RunVerdict
from dogcam.language.numbers import number
from dogcam.report.texts import text


def verdict_sentence(verdict: RunVerdict) -> str:
    """Where a run peaks, and whether it overfits."""
    values = {"run": verdict.run, "epoch": verdict.peak_epoch, "accuracy": number(verdict.peak_accuracy, 4)}
    if math.isnan(verdict.lowest_loss):
        return text("training.verdict.no_loss", **values)
    values["share"] = text("training.share", share=f"{100 * RISE:.0f}")
    if verdict.overfits_from is None:
        return text("training.verdict.no_overfitting", **values)
    losses = {"lowest": number(verdict.lowest_loss, 4), "last": f"{verdict.last_loss:.4f}"}  # "nan" is worth knowing
    return text("training.verdict.overfitting", **values, **losses, rise=verdict.overfits_from)


def choice_words(choice: RunChoice) -> str:
    """Why a run, or several, are used."""
    values = {"accuracy": number(choice.accuracy, 4), "epoch": choice.epoch, "loss": number(choice.loss, 4)}
    return text(f"training.choice.{choice.reason}", choice.equals, **values)
