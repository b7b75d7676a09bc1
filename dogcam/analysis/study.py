"""The published study, as data, and what stands between its figures and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dogcam.experiment.training_curves import Curve
from dogcam.language import counted, message, say
from dogcam.language.numbers import listed, number

TITLE = message("Comparing CAM and Grad-CAM (January 2025, in Korean)")
EPOCHS = (3, 5, 7)

# Test accuracy and loss of the three runs at epochs 3, 5 and 7, as printed there.
CURVES: dict[int, Curve] = {
    1: Curve(EPOCHS, (0.709655, 0.731480, 0.730294), (1.025016, 0.964633, 0.993686)),
    2: Curve(EPOCHS, (0.727495, 0.739506, 0.734725), (0.965132, 0.937959, 0.975292)),
    3: Curve(EPOCHS, (0.728195, 0.728195, 0.728912), (0.957389, 0.980687, 1.005752)),
}
CHOSEN_RUN = 2
# The peaks that its text names: where the loss is lowest, which for run 3 is not where the accuracy is highest.
STATED_PEAKS = {1: 5, 2: 5, 3: 3}

# What its text reads from its pictures of CAM by epoch, and of Grad-CAM by layer; to be said where it is shown.
CAM_READINGS = {
    3: message("takes in more background"),
    5: message("nearly as at epoch 7"),
    7: message("nearly as at epoch 5"),
}
LAYER_READINGS = {
    "conv3_block4_out": message("scattered detail"),
    "conv4_block6_out": message("larger parts, still background"),
    "conv5_block3_out": message("the face clear, the body faint"),
}

# Mean IoU of run 2, method -> epoch -> value.
IOU: dict[str, dict[int, float]] = {
    "cam": {3: 0.782, 5: 0.793, 7: 0.800},
    "gradcam": {3: 0.881, 5: 0.883, 7: 0.816},
}

# What never looking reaches on the full test split of Stanford Dogs (8,580 images, any annotated box counts).
UNSEEN_IOU = {"whole-image": 0.5423, "centre-box-0.9": 0.5857, "centre-box-0.8": 0.5840}

UNSTATED = message(
    "The study does not state its threshold, its rule for picking the box, how many images its IoU covers, "
    "nor its optimiser, learning rate, batch size and preprocessing; its figures come without an uncertainty."
)
_SETTING = (
    ("dataset", "name", "stanford_dogs", message("the data set is {ours} (the study: {theirs})")),
    ("model", "backbone", "resnet50", message("the network is {ours} (the study: {theirs})")),
)


def peaks_note() -> str:
    """Which epochs of the published runs are known, and where its text and the table's rule put a peak differently."""
    known = listed([str(epoch) for epoch in EPOCHS])
    parts = [say("of its runs only epochs {epochs} are known.", epochs=known)]
    for run, stated in STATED_PEAKS.items():
        curve = CURVES[run]
        peak, said = curve.peak(), curve.epochs.index(stated)
        if peak != said:
            parts.append(
                say(
                    "Its text puts the peak of run {run} at epoch {stated}, where its loss is lowest; its accuracy is higher "
                    "by {gap} at epoch {peak}.",
                    run=run,
                    stated=stated,
                    gap=number(curve.accuracy[peak] - curve.accuracy[said], 4),
                    peak=curve.epochs[peak],
                )
            )
    return " ".join(parts)


def differences(document: Mapping[str, Any]) -> list[str]:
    """How an experiment's setting differs from the study's, each in a few words; empty where it is the same.

    Args:
        document: `experiment.json`.
    """
    found = []
    for section, key, theirs, differs in _SETTING:
        ours = document.get(section, {}).get(key)
        if ours != theirs:
            found.append(say(differs, ours=ours or say("not recorded"), theirs=theirs))
    classes = len(document.get("dataset", {}).get("classes", ()))
    if classes != 120:
        found.append(counted("it has {n} class (the study: 120)", "it has {n} classes (the study: 120)", classes))
    return found


def comparability(document: Mapping[str, Any]) -> str:
    """One sentence on whether the published figures may be held against ours."""
    found = differences(document)
    if not found:
        return say(
            "Network and data set are the study's own, so the published figures may be held against ours; the handling of "
            "the heatmaps is not stated there, so a difference need not come from the method."
        )
    return say("The published figures are for orientation only: here {differences}.", differences="; ".join(found))
