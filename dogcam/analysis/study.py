"""The published study, as data, and in what an experiment's setting differs from its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dogcam.experiment.training_curves import Curve

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

# The layers of Grad-CAM that its text reads; of CAM it reads `EPOCHS`.
LAYERS = ("conv3_block4_out", "conv4_block6_out", "conv5_block3_out")

# Mean IoU of run 2, method -> epoch -> value.
IOU: dict[str, dict[int, float]] = {"cam": {3: 0.782, 5: 0.793, 7: 0.800}, "gradcam": {3: 0.881, 5: 0.883, 7: 0.816}}

# What never looking reaches on the full test split of Stanford Dogs (8,580 images, any annotated box counts).
UNSEEN_IOU = {"whole-image": 0.5423, "centre-box-0.9": 0.5857, "centre-box-0.8": 0.5840}


@dataclass(frozen=True)
class Setting:
    """What was trained on what.

    Attributes:
        dataset: its name; null where that is not recorded.
        backbone: its name; null where that is not recorded.
        classes: how many classes it tells apart.
    """

    dataset: str | None
    backbone: str | None
    classes: int

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Setting:
        """That of an experiment's `experiment.json`."""
        dataset, model = document.get("dataset", {}), document.get("model", {})
        return cls(dataset.get("name"), model.get("backbone"), len(dataset.get("classes", ())))

    def differing(self) -> tuple[str, ...]:
        """The fields that are not as in the study; none where its figures may be held against this setting's."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != getattr(SETTING, each.name))


SETTING = Setting("stanford_dogs", "resnet50", 120)
