"""`dogcam explain` as a call: what it says of a picture, and the files it leaves."""

from __future__ import annotations

import json
import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from dogcam.commands import explain
from dogcam.config import ExplainConfig
from dogcam.datasets import open_dataset
from dogcam.errors import InputError, LayerError, OptionError, UnknownName
from dogcam.progress import Progress

LAST = "conv5_block1_out"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with a wide, a tall and a truncated picture."""
    folder = tmp_path_factory.mktemp("pictures")
    drawn = open_dataset("synthetic:3").splits["test"]
    Image.fromarray(drawn[0].image.pixels()).resize((210, 90)).save(folder / "wide.png")
    Image.fromarray(drawn[-1].image.pixels()).resize((80, 160)).save(folder / "tall.jpg")
    return folder


@pytest.fixture
def ask(trained, tmp_path):
    def ask(*images, **options):
        defaults = {"home": str(trained.experiment.path.parent), "out": str(tmp_path / "out"), "epochs": (2,)}
        return explain.run(ExplainConfig.of(images=tuple(map(str, images)), **{**defaults, **options}), Progress())

    return ask


def test_the_top_classes_and_a_box_in_pixels_of_the_original(ask, pictures, trained):
    result = ask(pictures / "wide.png")
    explanation = result.explanations[0]
    assert explanation.shape == (90, 210)
    classes = trained.experiment.document["dataset"]["classes"]
    top = explanation.top[2]
    assert [name for name, _ in top] != []
    assert {name for name, _ in top} == set(classes)
    assert sum(share for _, share in top) == pytest.approx(1, abs=1e-5)
    assert [share for _, share in top] == sorted((share for _, share in top), reverse=True)
    document = explanation.document()
    assert (document["width"], document["height"]) == (210, 90)
    box = document["heatmaps"][0]["box"]
    if box is not None:
        assert 0 <= box[0] < box[2] <= 210
        assert 0 <= box[1] < box[3] <= 90


def test_files_are_written_for_each_map_and_a_sheet_for_several(ask, pictures, tmp_path):
    result = ask(pictures / "tall.jpg", methods=("cam", "gradcam"), layers=("conv3_block1_out", LAST), epochs=(1, 2))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    maps = [f"tall_{m}_{layer}_epoch-{e:02d}" for e in (1, 2) for m, layer in
            [("cam", LAST), ("gradcam", "conv3_block1_out"), ("gradcam", LAST)]]  # fmt: skip
    assert names == {*(f"{stem}.{kind}" for stem in maps for kind in ("png", "npy")), "tall_sheet.png", "tall.json"}
    assert set(map(str, result.explanations[0].files)) == {str(tmp_path / "out" / name) for name in names}
    raw = np.load(tmp_path / "out" / f"tall_cam_{LAST}_epoch-02.npy")
    assert raw.ndim == 2
    assert raw.min() < 0 or raw.max() > 0
    with Image.open(tmp_path / "out" / "tall_sheet.png") as sheet:
        assert sheet.width > sheet.height / 2 > 100
    document = json.loads((tmp_path / "out" / "tall.json").read_text())
    assert [entry["epoch"] for entry in document["predictions"]] == [1, 2]


def test_one_map_needs_no_sheet_and_save_chooses(ask, pictures, tmp_path):
    ask(pictures / "tall.jpg", save=("png",))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"tall_gradcam_{LAST}_epoch-02.png"]


def test_nothing_is_overwritten_unless_asked(ask, pictures):
    ask(pictures / "tall.jpg")
    with pytest.raises(OptionError, match="exists already: choose another --out, or say --overwrite"):
        ask(pictures / "tall.jpg")
    ask(pictures / "tall.jpg", overwrite=True)


def test_without_an_out_folder_a_new_one_is_made_each_time(trained, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ExplainConfig(images=(str(pictures / "tall.jpg"),), home=str(trained.experiment.path.parent))
    assert [str(explain.run(config, Progress()).out) for _ in range(2)] == ["dogcam-explained", "dogcam-explained-2"]


def test_pictures_of_the_dataset_go_by_their_id_with_boxes_and_label(ask, trained):
    record = open_dataset(trained.config.dataset).splits["test"][3]
    result = ask(record.id, target="true")
    explanation = result.explanations[0]
    assert explanation.targets[2] == trained.experiment.document["dataset"]["classes"][record.label]
    np.testing.assert_allclose(explanation.record.boxes, record.boxes)
    assert explanation.heats[0].iou is not None
    assert explanation.document()["annotated_boxes"]


def test_a_class_by_name_is_the_target(ask, pictures, trained):
    name = trained.experiment.document["dataset"]["classes"][1]
    assert ask(pictures / "wide.png", target=name.upper()).explanations[0].targets[2] == name


def test_a_folder_with_a_broken_picture_is_explained_but_for_that(ask, pictures, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(pictures, folder)
    (folder / "broken.jpg").write_bytes((pictures / "tall.jpg").read_bytes()[:300])
    (folder / "text.png").write_text("no picture")
    (folder / "notes.txt").write_text("not even meant as one")
    result = ask(folder)
    assert len(result.explanations) == 2
    assert [problem.id.rsplit("/", 1)[-1] for problem in result.problems] == ["broken.jpg", "text.png"]


def test_pictures_of_one_name_in_two_folders_do_not_meet(ask, pictures, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(pictures / "tall.jpg", tmp_path / name / "same.jpg")
    result = ask(tmp_path / "a" / "same.jpg", tmp_path / "b" / "same.jpg", save=("json",))
    assert sorted(path.name for each in result.explanations for path in each.files) == ["same-2.json", "same.json"]


def test_a_batch_says_the_same_as_one_at_a_time(ask, pictures, tmp_path):
    together = ask(pictures, out=str(tmp_path / "together"), batch_size=2)
    alone = ask(pictures, out=str(tmp_path / "alone"), batch_size=1)
    for first, second in zip(together.explanations, alone.explanations, strict=True):
        assert first.record.id == second.record.id
        np.testing.assert_allclose(first.heats[0].raw, second.heats[0].raw, atol=1e-5)


def test_a_kept_file_is_explained_with_its_experiments_preprocessing(ask, pictures, trained, tmp_path):
    path = trained.experiment.checkpoint(1, 2)
    by_file = ask(pictures / "wide.png", model=str(path), epochs=(), out=str(tmp_path / "file"))
    by_run = ask(pictures / "wide.png", run=1, out=str(tmp_path / "run"))
    np.testing.assert_allclose(by_file.explanations[0].heats[0].raw, by_run.explanations[0].heats[0].raw, atol=1e-6)


def test_a_foreign_file_needs_to_be_told_its_preprocessing(ask, pictures, trained, tmp_path):
    shutil.copy(trained.experiment.checkpoint(1, 2), tmp_path / "foreign.keras")
    with pytest.raises(OptionError, match="does not say how its pixels are to be prepared: --preprocess"):
        ask(pictures / "wide.png", model=str(tmp_path / "foreign.keras"), epochs=())
    labels = tmp_path / "labels.txt"
    labels.write_text("one\ntwo\nthree\n")
    result = ask(
        pictures / "wide.png", model=str(tmp_path / "foreign.keras"), epochs=(), preprocess="small_resnet",
        labels=str(labels),
    )  # fmt: skip
    own = ask(pictures / "wide.png", run=1, out=str(tmp_path / "own"))
    np.testing.assert_allclose(result.explanations[0].heats[0].raw, own.explanations[0].heats[0].raw, atol=1e-6)
    assert {name for name, _ in result.explanations[0].top[None]} == {"one", "two", "three"}


@pytest.mark.parametrize("option", [{"labels": "l.txt"}, {"preprocess": "unit"}, {"weights": "w.h5"}])
def test_options_for_models_from_elsewhere_are_not_ignored(ask, pictures, option):
    name = next(iter(option))
    with pytest.raises(OptionError, match=f"--{name} is for models from elsewhere; tiny brings its own"):
        ask(pictures / "wide.png", **option)


def test_a_kept_file_is_one_model(ask, pictures, trained):
    with pytest.raises(OptionError, match="--epoch and --run choose among"):
        ask(pictures / "wide.png", model=str(trained.experiment.checkpoint(1, 2)), epochs=(1,))


def test_a_long_name_in_any_script_fits_the_file_system(ask, pictures, tmp_path):
    path = tmp_path / f"{'강아지' * 26}.jpg"
    shutil.copy(pictures / "tall.jpg", path)
    files = ask(path).explanations[0].files
    assert files
    assert all(len(each.name.encode()) < 200 for each in files)


@pytest.mark.skipif(sys.platform != "linux", reason="only there may a file name be any bytes")
def test_a_name_that_is_no_text_is_shown_with_its_bytes(ask, pictures, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    shutil.copy(pictures / "tall.jpg", os.fsencode(folder) + b"/b\xff.jpg")
    result = ask(folder)
    assert result.document()["images"][0]["image"].endswith("b\\udcff.jpg")
    assert json.loads(result.explanations[0].files[-1].read_text())


def test_an_imagenet_model_needs_no_training(real_data, pictures, tmp_path):
    config = ExplainConfig(
        images=(str(pictures / "tall.jpg"),),
        model="imagenet:mobilenet_v2",
        weights=str(real_data / "weights" / "mobilenet_v2_224_imagenet.weights.h5"),
        labels=str(real_data / "weights" / "imagenet_labels.txt"),
        methods=("cam", "gradcam"),
        out=str(tmp_path / "out"),
    )
    explanation = explain.run(config, Progress()).explanations[0]
    assert len(explanation.top[None]) == 5
    assert [(heat.method, heat.layer) for heat in explanation.heats] == [("cam", "out_relu"), ("gradcam", "out_relu")]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"layers": ("conv5_block9_out",)}, LayerError, "the nearest: conv5_block"),
        ({"epochs": (5,)}, UnknownName, "unknown epoch '5'"),
        ({"run": 4}, UnknownName, "unknown run '4'"),
        ({"target": "zebra"}, UnknownName, "unknown class 'zebra'"),
        ({"target": "true"}, InputError, "its true class is not known"),
        ({"model": "imagenet:small_resnet", "epochs": ()}, OptionError, "no ImageNet weights of small_resnet"),
        ({"model": "imagenet:resnet50"}, OptionError, "--epoch and --run choose among an experiment's models"),
        ({"model": "nowhere.keras", "epochs": (), "preprocess": "unit"}, Exception, "there is no model file"),
    ],
)
def test_what_does_not_exist_is_one_clear_error(ask, pictures, options, error, words):
    with pytest.raises(error, match=words):
        ask(pictures / "wide.png", **options)


def test_only_broken_pictures_is_an_error(ask, tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(InputError, match="not one picture could be explained"):
        ask(tmp_path / "x.png")
