"""The boxes of explained pictures, given back in other people's formats."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from dogcam.boxes.geometry import to_pixels
from dogcam.commands.explain import boxes as given_back
from dogcam.core.choices import BOX_FORMS
from dogcam.core.errors import OptionError
from dogcam.data.opening import open_dataset

LAST = "conv5_block1_out"


def test_a_folder_for_each_form_method_layer_and_epoch(ask, pictures, tmp_path):
    result = ask(pictures, methods=("cam", "gradcam", "whole-image"), layers=(LAST,), epochs=(1, 2), save=BOX_FORMS)
    out = tmp_path / "out" / "boxes"
    names = {f"{method}_{LAST}_epoch-0{epoch}" for method in ("cam", "gradcam") for epoch in (1, 2)}
    assert {path.name for path in out.iterdir()} == set(BOX_FORMS)
    assert all({path.name for path in (out / form).iterdir()} == names for form in BOX_FORMS)
    assert set(result.boxes.folders) == {out / form / name for form in BOX_FORMS for name in names}
    assert result.boxes.boxes + result.boxes.without == 2 * 4 * len(BOX_FORMS)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["boxes"]
    assert result.document()["boxes"]["folders"]


def test_what_is_given_back_is_what_was_drawn(ask, pictures, trained, tmp_path):
    result = ask(pictures, save=("coco", "csv"))
    folder = tmp_path / "out" / "boxes" / "coco" / f"gradcam_{LAST}_epoch-02"
    found = COCO(folder / "instances.json").loadRes(str(folder / "results.json"))
    names = {each["id"]: each["name"] for each in found.loadCats(found.getCatIds())}
    assert list(names.values()) == trained.experiment.document["dataset"]["classes"]
    images = {each["file_name"]: each["id"] for each in found.loadImgs(found.getImgIds())}
    assert sorted(images) == ["tall.jpg", "wide.png"]
    with (tmp_path / "out" / "boxes" / "csv" / folder.name / "boxes.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    for explanation in result.explanations:
        (heat,) = explanation.heats
        name = explanation.record.id.rpartition("/")[2]
        there = found.loadAnns(found.getAnnIds(imgIds=[images[name]]))
        assert len(there) == (heat.box is not None) == (name in rows)
        if heat.box is None:
            continue
        height, width = explanation.shape
        x0, y0, x1, y1 = to_pixels(heat.box, width, height)
        np.testing.assert_allclose(there[0]["bbox"], (x0, y0, x1 - x0, y1 - y0), atol=0.02)
        assert names[there[0]["category_id"]] == rows[name]["class"] == explanation.targets[2]
        assert there[0]["score"] == pytest.approx(dict(explanation.top[2])[explanation.targets[2]], abs=1e-6)
        assert float(rows[name]["threshold"]) == pytest.approx(heat.threshold)
        assert (rows[name]["method"], rows[name]["layer"], rows[name]["epoch"]) == ("gradcam", LAST, "2")


def test_each_of_the_first_classes_has_a_folder(ask, pictures, tmp_path):
    ask(pictures / "wide.png", all_top=2, save=("yolo",))
    folders = sorted((tmp_path / "out" / "boxes" / "yolo").iterdir())
    assert [folder.name for folder in folders] == [f"gradcam_{LAST}_epoch-02_top-{place}" for place in (1, 2)]
    assert all((folder / "labels" / "wide.txt").is_file() for folder in folders)


def test_a_map_without_a_box_is_counted(ask, pictures, maps, tmp_path):
    maps(0.0)
    result = ask(pictures, save=("yolo", "coco"))
    assert (result.boxes.boxes, result.boxes.without) == (0, 4)
    folder = tmp_path / "out" / "boxes"
    assert {path.read_bytes() for path in folder.rglob("labels/*.txt")} == {b""}
    assert json.loads(next(folder.rglob("results.json")).read_text()) == []


def test_nothing_is_written_over_and_it_is_said_before_any_work(ask, pictures):
    ask(pictures / "wide.png", save=("voc",))
    with pytest.raises(OptionError, match=r"boxes/voc/gradcam_.* exists already: choose another --out, or say --overwrite"):
        ask(pictures / "tall.jpg", save=("voc",))
    assert len(ask(pictures / "tall.jpg", save=("voc",), overwrite=True).boxes.folders) == 1


def test_baselines_alone_have_no_boxes_of_a_class(ask, pictures):
    with pytest.raises(OptionError, match="--save coco gives back the boxes of classes, which whole-image do not have"):
        ask(pictures / "wide.png", methods=("whole-image",), save=("coco",))


def test_a_folder_that_cannot_be_written_is_named_and_the_rest_is_there(ask, pictures, monkeypatch):
    def full(folder, form, predictions):
        if form == "coco":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(given_back, "write_predictions", full)
    result = ask(pictures / "wide.png", save=("coco", "voc"))
    assert [problem.reason for problem in result.problems] == ["cannot be written: No space left on device"]
    assert [folder.parent.name for folder in result.boxes.folders] == ["voc"]


def test_drawn_pictures_of_the_dataset_are_called_by_their_ids(ask, trained, tmp_path):
    record = open_dataset(trained.config.dataset).splits["test"][3]
    ask(record.id, save=("coco",))
    (path,) = (tmp_path / "out").rglob("instances.json")
    assert [each["file_name"] for each in json.loads(path.read_text())["images"]] == [record.id]
