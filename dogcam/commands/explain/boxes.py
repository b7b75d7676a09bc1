"""The boxes of `dogcam explain`, given back as COCO, YOLO, VOC or CSV: a folder for each method, layer and epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dogcam.boxes.baselines import BASELINES
from dogcam.commands.explain.results import Explanation, Slot, Writer
from dogcam.core.choices import BOX_FORMS
from dogcam.core.config import ExplainConfig
from dogcam.core.errors import OptionError
from dogcam.data import Dataset, Problem
from dogcam.data.predictions import Predictions, Row, box_of, pictures_of, write_predictions

FOLDER = "boxes"


@dataclass(frozen=True)
class GivenBack:
    """What was given back: the folders, and over all of their maps the boxes, and the pictures without one."""

    folders: tuple[Path, ...] = ()
    boxes: int = 0
    without: int = 0


class BoxWriter:
    """Writes the boxes of all pictures when they are explained, a folder for each form and map: boxes/coco/gradcam_LAYER.

    A baseline's box is of no class, and is not written.

    Raises:
        OptionError: such a folder is there already; said before any work is done.
    """

    def __init__(self, config: ExplainConfig, writer: Writer, slots: Iterable[Slot]):
        forms = [form for form in BOX_FORMS if form in config.save]
        asked = [slot for slot in slots if slot[2] not in BASELINES]
        if forms and not asked:
            raise OptionError(f"--save {forms[0]} gives back the boxes of classes, which {', '.join(config.methods)} do not have")
        self.problems: list[Problem] = []
        self._folders = {(form, slot): writer.out / FOLDER / form / writer.map_names[slot] for slot in asked for form in forms}
        there = next((folder for folder in self._folders.values() if folder.exists()), None)
        if there is not None and not config.overwrite:
            raise OptionError(f"{there} exists already: choose another --out, or say --overwrite")

    def write(self, explanations: Sequence[Explanation], classes: Sequence[str], dataset: Dataset | None) -> GivenBack:
        """Write them; what cannot be written becomes one of `problems`.

        Args:
            dataset: that --dataset names.
        """
        numbers = ({}, ()) if dataset is None else (dataset.numbers, dataset.class_numbers)
        given = GivenBack()
        for (form, slot), folder in self._folders.items():
            predictions = _predictions(explanations, slot, classes, *numbers)
            try:
                write_predictions(folder, form, predictions)
            except OSError as error:
                self.problems.append(Problem(str(folder), f"cannot be written: {error.strerror or error}", lost=False))
                continue
            boxes = sum(len(picture.boxes) for picture in predictions.pictures)
            given = GivenBack((*given.folders, folder), given.boxes + boxes, given.without + predictions.without_boxes)
        return given


def _predictions(
    explanations: Sequence[Explanation],
    slot: Slot,
    classes: Sequence[str],
    numbers: Mapping[str, int],
    class_numbers: Sequence[int],
) -> Predictions:
    """The boxes of one map of all pictures; those of a picture that was explained for several of its classes together."""
    epoch, _, method, layer = slot
    rows: list[Row] = []
    threshold = None
    for explanation in explanations:
        (heat,) = (heat for heat in explanation.heats if heat.slot == slot)
        threshold = heat.threshold
        height, width = explanation.shape
        rows.append((explanation.record, width, height, box_of(heat.box, heat.label, heat.probability)))
    return Predictions(pictures_of(rows, numbers), classes, method, layer, epoch, threshold, class_numbers)
