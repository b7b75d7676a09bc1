"""The boxes that were scored, given back, and those of pictures that nobody annotated."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from evaluating import LAYERS, config_of
from pycocotools.coco import COCO

from dogcam.boxes.drawing import predicted_box
from dogcam.boxes.geometry import to_pixels
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.commands.evaluate import boxes
from dogcam.commands.evaluate import command as evaluate
from dogcam.core.choices import BOX_FORMS
from dogcam.core.progress import Progress
from dogcam.data import predictions
from dogcam.data.pipeline import limited, squash
from dogcam.engine import HeatmapEngine
from dogcam.experiment import selection
from dogcam.experiment.evaluations import Cell
from dogcam.models.classifier import load_trained


@pytest.fixture
def save(experiment, listener):
    """Evaluate Grad-CAM at the last layer after epoch 2 and give back its boxes: the result, and what was said."""

    def save(*forms, **changes):
        progress = listener()
        given = {"methods": ("gradcam",), "layers": LAYERS[-1:], "epochs": (2,), "protocols": ("cam2016",), "calibrate": 0}
        return evaluate.run(config_of(experiment, **{**given, "save": forms, **changes}), progress), progress

    return save


def rows_of(folder):
    with (folder / "boxes.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_for_each_form_and_cell_of_what_was_asked_for(save):
    result, _ = save(*BOX_FORMS, protocols=("cam2016", "gradcam2017"), epochs=(1, 2))
    out = result.evaluation.path / "boxes"
    run = result.asked.runs[0]
    cells = [Cell(run, epoch, "gradcam", LAYERS[-1], protocol) for epoch in (1, 2) for protocol in ("cam2016", "gradcam2017")]
    names = {cell.file_name.removesuffix(".parquet") for cell in cells}
    assert {path.name for path in out.iterdir()} == set(BOX_FORMS)
    assert all({path.name for path in (out / form).iterdir()} == names for form in BOX_FORMS)


def test_what_is_given_back_is_what_the_table_says(save, experiment):
    result, _ = save("coco")
    cell = Cell(result.asked.runs[0], 2, "gradcam", LAYERS[-1], "cam2016")
    rows = result.evaluation.read(cell)
    folder = result.evaluation.path / "boxes" / "coco" / cell.file_name.removesuffix(".parquet")
    found = COCO(folder / "instances.json").loadRes(str(folder / "results.json"))
    images = found.loadImgs(found.getImgIds())
    assert [each["file_name"] for each in images] == rows["image"].tolist()
    assert [each["name"] for each in found.loadCats(found.getCatIds())] == experiment.document["dataset"]["classes"]
    for place, image in enumerate(images):
        there = found.loadAnns(found.getAnnIds(imgIds=[image["id"]]))
        sides = (image["width"], image["height"]) * 2
        drawn = np.array([rows[name][place] for name in ("x0", "y0", "x1", "y1")]) * sides
        assert len(there) == np.isfinite(drawn[0])
        for each in there:
            x, y, width, height = each["bbox"]
            np.testing.assert_allclose((x, y, x + width, y + height), drawn, atol=0.02)
            assert each["category_id"] == rows["target"][place] + 1
            assert each["score"] == pytest.approx(rows["probability"][place], abs=1e-6)


@pytest.fixture
def without_annotation(experiment, without_boxes, monkeypatch):
    """So many of the first test pictures lose their boxes, and the first of them its class too; gives all that are evaluated."""

    def lose(count):
        without_boxes(experiment, count)
        dataset = selection.open_dataset("synthetic:3")
        test = list(dataset.splits["test"])
        place = next(place for place, record in enumerate(test) if not len(record.boxes))
        test[place] = replace(test[place], label=None, present=())
        changed = replace(dataset, splits={**dataset.splits, "test": tuple(test)})
        monkeypatch.setattr(selection, "open_dataset", lambda *arguments: changed)
        return limited(test, 6)

    return lose


@pytest.mark.parametrize("bare", [2, 50])
def test_pictures_that_nobody_annotated_have_boxes_of_their_class_or_the_predicted_one(
    save, experiment, without_annotation, bare
):
    records = without_annotation(bare)
    result, progress = save("csv", protocols=("cam2016", "exercise"))
    classifier = load_trained(experiment, result.asked.runs[0], 2)
    inputs = classifier.inputs_of(np.stack([squash(each.image.pixels(), classifier.size) for each in records]))
    targets = np.array([-1 if record.label is None else record.label for record in records])
    assert (targets == -1).sum() == 1
    classes = experiment.document["dataset"]["classes"]
    for name in ("cam2016", "exercise"):
        protocol = PROTOCOLS[name]
        heat = HeatmapEngine(classifier, [("gradcam", LAYERS[-1])], protocol.score)(inputs, targets)
        (path,) = (result.evaluation.path / "boxes" / "csv").glob(f"*_{name}")
        rows = {row["path"]: row for row in rows_of(path)}
        for place, record in enumerate(records):
            shape = record.image.pixels().shape[:2]
            box = predicted_box(heat.maps["gradcam", LAYERS[-1]][place], protocol, shape)
            assert (record.id in rows) == (box is not None)
            if box is not None:
                corners = [int(rows[record.id][side]) for side in ("xmin", "ymin", "xmax", "ymax")]
                np.testing.assert_allclose(np.array(corners) - (1, 1, 0, 0), to_pixels(box, *shape[::-1]), atol=0.51)
                label = heat.logits[place].argmax() if record.label is None else record.label
                assert rows[record.id]["class"] == classes[label]
    assert len([note for note in progress.notes if "boxes of 2 maps of 6 pictures" in note]) == 1


def test_a_threshold_that_only_annotated_pictures_could_tell_is_missed_aloud(save, experiment, without_boxes):
    without_boxes(experiment, 6)
    result, progress = save("yolo", protocols=("wsol-v1",))
    assert not (result.evaluation.path / "boxes").exists()
    assert [warning for warning in progress.warnings if "no boxes of gradcam by wsol-v1" in warning]


def test_rows_of_one_picture_come_together_in_its_file(save, experiment, monkeypatch):
    """Two rows of the table, made one picture's."""
    monkeypatch.setattr(predictions, "file_of", lambda record: "one.jpg")
    whole = boxes.pictures_of
    monkeypatch.setattr(
        boxes, "pictures_of", lambda rows, numbers: whole([(_same(record), *rest) for record, *rest in rows], {"one": 17})
    )
    result, _ = save("coco")
    (path,) = (result.evaluation.path / "boxes").rglob("results.json")
    results = json.loads(path.read_text())
    assert {each["image_id"] for each in results} == {17}
    assert len(results) > 1


def _same(record):
    return replace(record, picture="one")


def test_nothing_is_given_back_unasked(save, experiment):
    result = evaluate.run(config_of(experiment, epochs=(2,), methods=("gradcam",), layers=LAYERS[-1:]), Progress())
    assert not (result.evaluation.path / "boxes").exists()
