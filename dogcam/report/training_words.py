"""How training went, in words: what a run's curve says, and why a run is used."""

from __future__ import annotations

from dogcam.experiment.training_curves import RISE, RunChoice, RunVerdict
from dogcam.language import say
from dogcam.language.numbers import number


def verdict_sentence(verdict: RunVerdict) -> str:
    """Where a run peaks, and whether it overfits."""
    values = {
        "run": verdict.run,
        "epoch": verdict.peak_epoch,
        "accuracy": number(verdict.peak_accuracy, 4),
        "share": say("{share} %", share=f"{100 * RISE:.0f}"),
    }
    if verdict.lowest_loss != verdict.lowest_loss:
        return say(
            "Run {run} peaks at epoch {epoch} (accuracy {accuracy}); its test loss is not a number at any epoch, so "
            "overfitting cannot be judged.",
            **values,
        )
    if verdict.overfits_from is None:
        return say(
            "Run {run} peaks at epoch {epoch} (accuracy {accuracy}); at the last epoch its test loss is within {share} of "
            "its lowest: no overfitting yet.",
            **values,
        )
    return say(
        "Run {run} peaks at epoch {epoch} (accuracy {accuracy}); from epoch {rise} on its test loss stays more than "
        "{share} above its lowest ({lowest}; {last} at the last epoch): overfitting.",
        **values,
        rise=verdict.overfits_from,
        lowest=number(verdict.lowest_loss, 4),
        last=f"{verdict.last_loss:.4f}",  # "nan" is worth knowing
    )


def choice_words(choice: RunChoice) -> str:
    """Why a run, or several, are used."""
    values = {"accuracy": number(choice.accuracy, 4), "epoch": choice.epoch}
    match choice.reason:
        case "all":
            return say("all runs")
        case "as-asked":
            return say("as asked")
        case "as-given":
            return say("the model as it was given")
        case "highest-accuracy":
            return say("highest test accuracy at its best epoch ({accuracy} at epoch {epoch})", **values)
    return say(
        "highest test accuracy at its best epoch ({accuracy} at epoch {epoch}), and the lowest loss ({loss}) of the {n} runs "
        "that reach it",
        **values,
        loss=number(choice.loss, 4),
        n=choice.equals,
    )
