"""`dogcam explain` as a call: what it says of a picture, and the files it leaves."""

from __future__ import annotations

import json
import os
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from dogcam import figures
from dogcam.boxes.drawing import prepare
from dogcam.boxes.geometry import iou
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.commands.explain import command as explain
from dogcam.commands.explain import results as explained
from dogcam.commands.explain.results import FLAGGED
from dogcam.core.config import ExplainConfig
from dogcam.core.errors import InputError, LayerError, OptionError, UnknownName
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Record
from dogcam.data.images import ImageFile
from dogcam.data.opening import open_dataset

LAST = "conv5_block1_out"
MIDDLE = "conv3_block1_out"
BREEDS = tuple(open_dataset("synthetic:3").classes)


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, in place of drawing it: the panels of overlays, and the (title, rows) of sheets."""
    panels, sheets = [], []
    monkeypatch.setattr(figures, "overlay", lambda pixels, panel, truth: panels.append(panel))
    monkeypatch.setattr(figures, "contact_sheet", lambda pixels, rows, truth, title: sheets.append((title, rows)))
    monkeypatch.setattr(figures, "image_bytes", lambda figure: b"")
    return panels, sheets


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


def test_heat_is_in_the_colours_asked_for(ask, pictures, tmp_path):
    written = []
    for name in ("magma", "viridis"):
        ask(pictures / "tall.jpg", save=("png",), out=str(tmp_path / name), colormap=name)
        (path,) = (tmp_path / name).iterdir()
        written.append(np.asarray(Image.open(path).convert("RGB")).astype(int))
    assert np.abs(written[0] - written[1]).max() > 50


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


class TestTargets:
    def test_the_second_class_is_the_one_that_the_model_puts_there(self, ask, pictures, tmp_path):
        explanation = ask(pictures / "wide.png", target="second").explanations[0]
        second = explanation.top[2][1][0]
        assert explanation.heats[0].target == second
        named = ask(pictures / "wide.png", target=second, out=str(tmp_path / "named")).explanations[0]
        np.testing.assert_allclose(explanation.heats[0].raw, named.heats[0].raw, atol=1e-6)

    def test_a_contrast_is_the_difference_of_both_classes_cams(self, ask, pictures, tmp_path):
        raw = {
            target: ask(pictures / "tall.jpg", target=target, methods=("cam",), out=str(tmp_path / str(number)))
            for number, target in enumerate((f"{BREEDS[0]}:{BREEDS[2]}", BREEDS[0], BREEDS[2]))
        }
        contrast, first, second = (each.explanations[0].heats[0] for each in raw.values())
        np.testing.assert_allclose(contrast.raw, first.raw - second.raw, atol=1e-5)
        assert (contrast.target, contrast.against) == (BREEDS[0], BREEDS[2])
        assert (first.target, first.against) == (BREEDS[0], None)

    def test_the_true_class_may_be_set_against_another(self, ask, trained):
        record = open_dataset(trained.config.dataset).splits["test"][3]
        other = (record.label + 1) % 3
        heat = ask(record.id, target=f"true:{other}").explanations[0].heats[0]
        assert (heat.target, heat.against) == (BREEDS[record.label], BREEDS[other])

    def test_a_picture_whose_class_is_set_against_itself_is_told_of_once(self, ask, pictures):
        result = ask(pictures / "tall.jpg", target="predicted:0", epochs=(1, 2))
        twice = ask(pictures / "tall.jpg", target="0", overwrite=True, epochs=(1, 2)).explanations[0]
        first = [epoch for epoch, top in twice.top.items() if top[0][0] == BREEDS[0]]
        assert first, "or the test says nothing: choose another class"
        assert [problem.reason for problem in result.problems] == [
            f"{BREEDS[0]} is set against itself, which leaves nothing to explain"
        ]
        assert [heat.empty for heat in result.explanations[0].heats] == [epoch in first for epoch in (1, 2)]

    def test_the_first_classes_are_explained_one_by_one(self, ask, pictures, tmp_path):
        result = ask(pictures / "wide.png", all_top=3, methods=("gradcam", "layercam"))
        explanation = result.explanations[0]
        names = [name for name, _ in explanation.top[2]]
        assert [(heat.method, heat.target) for heat in explanation.heats] == [
            (method, name) for name in names for method in ("gradcam", "layercam")
        ]
        assert explanation.targets == {2: names[0]}
        for place, name in enumerate(names, 1):
            alone = ask(pictures / "wide.png", target=name, out=str(tmp_path / name)).explanations[0].heats[0]
            file = tmp_path / "out" / f"wide_gradcam_{LAST}_epoch-02_top-{place}.npy"
            np.testing.assert_allclose(np.load(file), alone.raw, atol=1e-6)
        document = result.document()
        assert document["target"] == "all-top 3"
        assert [each["target"] for each in document["images"][0]["heatmaps"]] == [each for each in names for _ in "ab"]
        assert document["images"][0]["predictions"][0]["target"] == names[0]

    def test_a_sheet_has_a_row_for_every_epoch_and_class(self, ask, pictures, drawn):
        explanation = ask(pictures / "wide.png", all_top=2, epochs=(1, 2), methods=("cam", "gradcam")).explanations[0]
        (_, rows), *more = drawn[1]
        assert more == []
        assert [label for label, _ in rows] == [
            f"epoch {epoch}\n{place}. {explanation.top[epoch][place - 1][0]}" for epoch in (1, 2) for place in (1, 2)
        ]
        assert [[panel.title for panel in panels] for _, panels in rows] == [[f"CAM\n{LAST}", f"Grad-CAM\n{LAST}"]] * 4

    def test_an_overlay_says_for_which_class_it_is(self, ask, pictures, drawn):
        ask(pictures / "wide.png", target=f"{BREEDS[1]}:{BREEDS[0]}")
        assert drawn[0][0].title == f"Grad-CAM for {BREEDS[1]} against {BREEDS[0]}\n{LAST}"


class TestFusingAndSmoothing:
    def test_fused_layers_come_after_their_parts(self, ask, pictures, tmp_path):
        result = ask(pictures / "tall.jpg", layers=(MIDDLE, LAST), fuse="mean")
        fused = f"mean({MIDDLE}+{LAST})"
        assert [heat.layer for heat in result.explanations[0].heats] == [MIDDLE, LAST, fused]
        assert (tmp_path / "out" / f"tall_gradcam_mean-{MIDDLE}+{LAST}_epoch-02.npy").exists()
        assert result.document()["fuse"] == "mean"

    def test_smoothing_changes_the_maps_and_is_recorded_with_them(self, ask, pictures, tmp_path):
        plain = ask(pictures / "tall.jpg", out=str(tmp_path / "plain"))
        smooth = ask(pictures / "tall.jpg", smooth=("flip", "scale"))
        assert not np.allclose(plain.explanations[0].heats[0].raw, smooth.explanations[0].heats[0].raw)
        assert plain.document()["smooth"] == []
        written = json.loads((tmp_path / "out" / "tall.json").read_text())
        for document in (smooth.document(), written):
            assert (document["smooth"], document["fuse"], document["score"]) == (["flip", "scale"], None, "logit")
            assert (document["target"], document["protocol"]["name"]) == ("predicted", "default")

    def test_figures_say_so_and_count_fused_layers(self, ask, pictures, drawn):
        ask(pictures / "tall.jpg", layers=(MIDDLE, LAST), fuse="max", smooth=("flip",))
        panels, [(title, [(_, row)])] = drawn
        assert title == f"{pictures / 'tall.jpg'} · mean over flip"
        assert [panel.title.split("\n")[1] for panel in row] == [MIDDLE, LAST, "max of 2 layers"]
        assert panels[2].title.split("\n")[1:] == [f"max({MIDDLE}+{LAST})", "mean over flip"]

    def test_the_size_of_mask_batches_and_the_progress_reach_the_engine(self, trained, pictures, tmp_path, listener):
        heard = listener()
        config = ExplainConfig(
            images=(str(pictures / "tall.jpg"),), methods=("scorecam",), mask_batch=3, out=str(tmp_path / "out"),
            home=str(trained.experiment.path.parent), save=("json",),
        )  # fmt: skip
        explain.run(config, heard)
        assert ("explaining", 1) in heard.tasks
        assert any(title.startswith("scorecam at ") for title, _ in heard.tasks)

    def test_the_protocols_score_is_the_engines(self, ask, pictures, tmp_path):
        assert ask(pictures / "tall.jpg", protocol="exercise").document()["score"] == "softmax"


class TestEmptyAndFlaggedMaps:
    @pytest.mark.parametrize("value", [0, -1])
    def test_an_empty_map_is_not_painted(self, ask, pictures, drawn, maps, value):
        maps(value)
        heats = ask(pictures / "tall.jpg", methods=("cam", "gradcam")).document()["images"][0]["heatmaps"]
        assert [(heat["empty"], heat["flagged"], heat["box"]) for heat in heats] == [(True, False, None)] * 2
        panels, [(_, [(_, row)])] = drawn
        assert [(panel.heat, panel.box, panel.note) for panel in [*panels, *row]] == [(None, None, "empty map")] * 4

    def test_a_map_that_shows_something_is_painted(self, ask, pictures, drawn, maps):
        maps(2)
        ask(pictures / "tall.jpg")
        assert drawn[0][0].heat.min() == 1
        assert drawn[0][0].note == ""

    @pytest.mark.parametrize(("value", "first"), [(2, []), (0, ["empty map"])])
    def test_a_flagged_map_says_so(self, ask, pictures, drawn, maps, value, first):
        maps(value, flagged=True)
        document = ask(pictures / "tall.jpg", methods=("cam", "gradcam")).document()
        assert [heat["flagged"] for heat in document["images"][0]["heatmaps"]] == [True, True]
        panels, [(_, [(_, row)])] = drawn
        assert {panel.note for panel in panels} == {" · ".join([*first, FLAGGED])}
        assert {panel.note for panel in row} == {" · ".join([*first, "flagged"])}

    def test_ablation_of_a_score_below_zero_is_flagged(self, ask, pictures):
        explanation = ask(pictures / "tall.jpg", methods=("ablationcam", "gradcam"), all_top=3).explanations[0]
        flags = {(heat.method, heat.place): heat.flagged for heat in explanation.heats}
        assert not any(flags["gradcam", place] for place in (1, 2, 3))
        contrast = ask(
            pictures / "tall.jpg", methods=("ablationcam",), overwrite=True, target=f"{explanation.heats[-1].target}:predicted"
        )  # fmt: skip
        assert contrast.explanations[0].heats[0].flagged, "the last class's score less the first's is below zero"


class TestBaselines:
    def test_a_box_is_drawn_as_it_is_and_once_for_all_epochs(self, ask, pictures, drawn, tmp_path):
        methods = ("centre-box-0.8", "gradcam", "whole-image")
        result = ask(pictures / "wide.png", methods=methods, epochs=(1, 2), save=("png", "npy"))
        heats = result.explanations[0].heats
        assert [(heat.method, heat.epoch, heat.layer, heat.target) for heat in heats[2:]] == [
            ("centre-box-0.8", None, "", None),
            ("whole-image", None, "", None),
        ]
        np.testing.assert_allclose(heats[2].box, [0.1, 0.1, 0.9, 0.9], atol=1e-6)
        np.testing.assert_array_equal(heats[3].box, [0, 0, 1, 1])
        panels, [(_, rows)] = drawn
        assert [(panel.title, panel.heat is None) for panel in panels[2:]] == [("centre box 0.8", True), ("whole image", True)]
        assert [[panel.title.split("\n")[0] for panel in row] for _, row in rows] == [
            ["Grad-CAM", "centre box 0.8", "whole image"]
        ] * 2
        raw = np.load(tmp_path / "out" / "wide_centre-box-0.8.npy")
        assert raw.shape == (224, 224)
        assert set(np.unique(raw)) == {0, 1}
        assert raw.mean() == pytest.approx(0.64, abs=0.02)
        assert raw[112, [21, 22, 201, 202]].tolist() == [0, 1, 1, 0]

    def test_a_box_is_scored_against_the_annotated_one(self, ask, trained):
        record = open_dataset(trained.config.dataset).splits["test"][3]
        heat = ask(record.id, methods=("whole-image",)).explanations[0].heats[0]
        x0, y0, x1, y1 = record.boxes[0]
        assert heat.iou == pytest.approx((x1 - x0) * (y1 - y0), abs=1e-5)

    def test_boxes_alone_still_come_with_predictions(self, ask, pictures, tmp_path):
        alone = ask(pictures / "wide.png", methods=("whole-image",), smooth=("flip",), out=str(tmp_path / "alone"))
        other = ask(pictures / "wide.png").explanations[0]
        explanation = alone.explanations[0]
        assert [heat.method for heat in explanation.heats] == ["whole-image"]
        assert explanation.targets == other.targets
        assert [name for name, _ in explanation.top[2]] == [name for name, _ in other.top[2]]
        np.testing.assert_allclose([p for _, p in explanation.top[2]], [p for _, p in other.top[2]], atol=1e-5)

    def test_boxes_alone_are_a_sheet_of_one_row(self, ask, pictures, drawn):
        ask(pictures / "wide.png", methods=("whole-image", "centre-box-0.9"), epochs=(1, 2))
        assert [(label, len(row)) for label, row in drawn[1][0][1]] == [("", 2)]

    def test_the_mean_training_box_is_that_of_the_training_pictures(self, ask, pictures, trained):
        heat = ask(pictures / "wide.png", methods=("mean-training-box",)).explanations[0].heats[0]
        train = open_dataset(trained.config.dataset).splits["train"]
        np.testing.assert_allclose(heat.box, np.mean([record.boxes[0] for record in train], axis=0), atol=1e-5)

    def test_the_mean_training_box_needs_an_experiment(self, ask, pictures, trained, tmp_path):
        shutil.copy(trained.experiment.checkpoint(1, 2), tmp_path / "foreign.keras")
        with pytest.raises(InputError, match=r"mean-training-box needs an experiment, .*; foreign.keras is a model from"):
            ask(
                pictures / "wide.png", model=str(tmp_path / "foreign.keras"), epochs=(), preprocess="unit",
                methods=("mean-training-box",),
            )  # fmt: skip


class TestWhatCannotBeWritten:
    def test_one_picture_is_a_problem_and_the_others_are_explained(self, ask, pictures, tmp_path):
        (tmp_path / "out" / "tall.json").mkdir(parents=True)
        result = ask(pictures, overwrite=True)
        (problem,) = result.problems
        assert problem.id == str(pictures / "tall.jpg")
        assert problem.reason.startswith(f"cannot write {tmp_path / 'out' / 'tall.json'}: Is a directory")
        assert len(result.explanations) == 2
        for explanation in result.explanations:
            assert explanation.files
            assert all(path.is_file() for path in explanation.files)
        assert (tmp_path / "out" / "wide.json").is_file()

    def test_nothing_at_all_is_an_error(self, ask, pictures, tmp_path):
        for name in ("tall", "wide"):
            (tmp_path / "out" / f"{name}.json").mkdir(parents=True)
        with pytest.raises(OptionError, match=r"nothing could be written to .*out: cannot write .*tall.json"):
            ask(pictures, overwrite=True, save=("json",))

    @pytest.mark.parametrize("place", ["file", "file/below"])
    def test_a_file_in_the_folders_place_is_said_before_any_work(self, ask, pictures, tmp_path, maps, place):
        (tmp_path / "file").write_text("")
        maps("an error if the engine is called")
        with pytest.raises(OptionError, match=r"nothing can be written to .*: .*file is not a folder"):
            ask(pictures / "tall.jpg", out=str(tmp_path / place))

    @pytest.mark.parametrize("kind", ["png", "npy", "json"])
    def test_a_file_that_is_there_is_said_before_any_work(self, ask, pictures, tmp_path, maps, kind):
        ask(pictures / "wide.png", save=(kind,))
        maps("an error if the engine is called")
        with pytest.raises(OptionError, match=r"wide.* exists already"):
            ask(pictures, save=(kind,))
        assert not any(path.name.startswith("tall") for path in (tmp_path / "out").iterdir())


class TestFileNames:
    @pytest.mark.parametrize(
        ("layer", "name"),
        [
            ("conv5_block3_out", "gradcam_conv5_block3_out"),
            ("resnet50/conv4_block6_out", "gradcam_resnet50-conv4_block6_out"),
            ("mean(a/b+c.d)", "gradcam_mean-a-b+c.d"),
            ('a:b*c?"<d>|\\e', "gradcam_a-b-c---d---e"),
            ("층", "gradcam_층"),
            ("", "gradcam"),
        ],
    )
    def test_of_layers(self, layer, name):
        assert explained._ending((None, 0, "gradcam", layer)) == f"_{name}"
        assert explained._ending((7, 12, "gradcam", layer)) == f"_{name}_epoch-07_top-12"

    @pytest.mark.parametrize("letter", ["x", "층", "/"])
    def test_are_at_most_255_bytes(self, letter):
        ending = explained._ending((100, 100, "gradcam-elementwise", f"product({letter * 300}+{letter * 300})"))
        stem = explained._stem(f"folder/{letter.replace('/', '(') * 300}.jpg")
        assert 150 < len(f"{stem}{ending}.json".encode()) < 240

    def test_long_ones_that_differ_at_the_end_only_stay_apart(self):
        first, second = (explained._ending((None, 0, "cam", "x" * 300 + end)) for end in "ab")
        assert first != second

    def test_what_is_alike_on_some_system_gets_a_number(self):
        taken = set()
        assert [explained._free(name, taken) for name in ("a-b", "a-b", "A-B", "c")] == ["a-b", "a-b-2", "A-B-3", "c"]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"target": f"{BREEDS[0]}:zebra"}, UnknownName, "unknown class 'zebra'"),
        ({"target": f"{BREEDS[2]}:da"}, UnknownName, "class 'da' is ambiguous: dalmatian, dachshund"),
        ({"target": f"{BREEDS[0]}:0"}, OptionError, "sets a class against itself"),
        ({"target": "predicted:predicted"}, OptionError, "sets a class against itself"),
        ({"target": f"{BREEDS[0]}:"}, OptionError, "--target takes a class, or two of them as A:B; received"),
        ({"target": "predicted:true"}, InputError, "its true class is not known"),
        ({"all_top": 4}, OptionError, "--all-top 4: tiny run . tells 3 classes apart; ask for 3 or less"),
        ({"fuse": "mean"}, OptionError, "--fuse mean needs a method at two layers or more; received gradcam at conv5"),
        ({"fuse": "mean", "methods": ("whole-image",)}, OptionError, "needs a method at two layers .* only whole-image"),
        ({"methods": ("whole-image",), "layers": ("conv5_block9_out",)}, LayerError, "the nearest: conv5_block"),
        ({"smooth": ("blur",)}, UnknownName, "unknown smoothing 'blur'; there are: flip, scale"),
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


# Maps in one file, and as pictures of 16 bits --------------------------------------------------------------------------


def test_all_raw_maps_of_a_picture_in_one_file(ask, pictures, tmp_path):
    result = ask(pictures / "wide.png", methods=("cam", "gradcam", "whole-image"), layers=(LAST,), epochs=(1, 2), save=("npz",))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["wide.npz"]
    with np.load(tmp_path / "out" / "wide.npz") as found:
        assert set(found) == {*(f"{method}@{LAST}@{epoch}" for method in ("cam", "gradcam") for epoch in (1, 2)), "whole-image"}
        for heat in result.explanations[0].heats:
            np.testing.assert_array_equal(found[heat.key], heat.raw)


def test_the_keys_of_several_classes_differ(ask, pictures, tmp_path):
    ask(pictures / "wide.png", all_top=2, save=("npz",))
    with np.load(tmp_path / "out" / "wide.npz") as found:
        assert list(found) == [f"gradcam@{LAST}@2@top-{place}" for place in (1, 2)]


def test_maps_as_pictures_of_16_bits_are_as_the_protocol_prepares_them(ask, pictures, tmp_path):
    result = ask(pictures / "wide.png", save=("png16",))
    with Image.open(tmp_path / "out" / f"wide_gradcam_{LAST}_epoch-02_16bit.png") as image:
        values = np.asarray(image)
    assert values.dtype.itemsize * 8 >= 16
    expected = prepare(result.explanations[0].heats[0].raw, PROTOCOLS["default"], (90, 210))
    assert values.shape == expected.shape
    assert values.max() == 65535
    np.testing.assert_allclose(values / 65535, np.clip(expected, 0, 1), atol=0.5 / 65535 + 1e-7)


# Ids of any dataset -----------------------------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path, monkeypatch, pictures):
    """A dataset "other" with a class the model calls otherwise and one it does not know, and two classes in one picture."""
    image = ImageFile(pictures / "wide.png")
    left, right = [[0, 0, 0.5, 1]], [[0.5, 0, 1, 1]]
    known = BREEDS[1].upper().replace(" ", "_")
    rows = (
        Record("both#a", image, 0, left, picture="both", present=(0, 1)),
        Record("both#b", image, 1, right, picture="both", present=(0, 1)),
        Record("one#a", image, 0, left, picture="one", present=(0,)),
    )
    made = Dataset("other", (known, "zebra"), {"train": (), "test": rows}, multilabel=True)
    monkeypatch.setattr(explain, "open_dataset", lambda name, data_dir, progress: made if name == "other" else None)
    return made


def test_ids_of_another_dataset_have_their_boxes_and_the_models_classes(ask, other, listener, trained, tmp_path):
    progress = listener()
    config = ExplainConfig.of(
        images=("one", "both#b"), dataset="other", home=str(trained.experiment.path.parent), out=str(tmp_path / "out"),
        save=("json",),
    )  # fmt: skip
    first, second = explain.run(config, progress).explanations
    assert (first.record.label, second.record.label) == (1, None)
    assert [each.record.boxes.tolist() for each in (first, second)] == [[[0, 0, 0.5, 1]], [[0.5, 0, 1, 1]]]
    assert [warning for warning in progress.warnings if "zebra" in warning]


@pytest.mark.parametrize(("breed", "count"), [(1, 1), (0, 2)])
def test_of_several_classes_the_boxes_of_the_explained_one_count(ask, other, maps, breed, count):
    """The map is one pixel in the lower right corner of the picture: only on the box of the class that is not known."""
    corner = np.zeros((4, 4), np.float32)
    corner[-1, -1] = 1
    maps(corner)
    (heat,) = ask("both", dataset="other", target=BREEDS[breed], save=("json",)).explanations[0].heats
    assert heat.box[0] > 0.5
    truth = np.array([[0, 0, 0.5, 1], [0.5, 0, 1, 1]][:count])
    assert heat.iou == pytest.approx(iou(heat.box[None], truth).max(), abs=1e-6)
    assert (heat.iou > 0) == (count == 2)


def test_the_true_class_of_several_has_to_be_named(ask, other):
    with pytest.raises(InputError, match="its true class is not known"):
        ask("both#b", dataset="other", target="true")
    assert ask("both", dataset="other", target="true").explanations[0].targets[2] == BREEDS[1]


def test_globs_over_ids_mean_pictures(ask, other, tmp_path):
    result = ask("*o*", dataset="other", save=("json",))
    assert [each.record.id for each in result.explanations] == ["both", "one"]
