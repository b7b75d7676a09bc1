"""`dogcam evaluate` as a call: its tables against boxes drawn and scored by hand."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from functools import cache
from itertools import product

import cv2
import keras
import numpy as np
import pytest
from dogcam.analysis.evidence import Evidence
from dogcam.analysis.summary import undocumented

from dogcam.analysis.decomposition import decompositions_of
from dogcam.boxes import drawing
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.drawing import predicted_box
from dogcam.boxes.geometry import to_pixels
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.commands.evaluate import command as evaluate
from dogcam.commands.explain import command as explain
from dogcam.core.config import EvaluateConfig, ExplainConfig
from dogcam.core.errors import ExperimentError, InputError, Interrupted, LayerError, OptionError, UnknownName
from dogcam.core.progress import Progress
from dogcam.core.records import to_plain
from dogcam.data import open_dataset
from dogcam.data.pipeline import limited, squash
from dogcam.engine import HeatmapEngine
from dogcam.engine.one_pass import OnePass
from dogcam.experiment.evaluations import ROW_SCHEMA, Cell, Choice
from dogcam.experiment.runs import Experiment
from dogcam.experiment.selection import choose_runs, threshold_in_use
from dogcam.metrics import METRICS
from dogcam.models.classifier import load_trained
from dogcam.report.page import compose

LAYERS = ("conv3_block1_out", "conv4_block1_out", "conv5_block1_out")


@pytest.fixture(scope="module", autouse=True)
def once(trained):
    """The data are drawn once, each kept epoch is read once and each pass traced once, for all tests' copies."""
    drawn = cache(lambda name: open_dataset(name))
    read = cache(lambda run, epoch: load_trained(trained.experiment, run, epoch))
    trace = cache(OnePass)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dogcam.experiment.selection.open_dataset", lambda name, *more: drawn(name))
        patch.setattr("dogcam.commands.evaluate.inputs.load_trained", lambda experiment, *which: read(*which))
        patch.setattr(
            "dogcam.engine.heatmaps.OnePass",
            lambda model, cells, features, kind: trace(model, tuple(cells), tuple(features), kind),
        )
        yield


def config_of(folder, **changes):
    return EvaluateConfig(**{"home": str(folder.path.parent), "limit": 6, "samples": 2, "calibrate": 6, **changes})


def test_the_studys_cells_at_each_kept_epoch_of_the_best_run(evaluated, trained):
    assert evaluated.runs == trained.training.chosen.runs
    cells = {(row["epoch"], row["method"], row["layer"], row["protocol"]) for row in evaluated.rows if row["run"]}
    layers = trained.experiment.document["model"]["stages"]
    expected = {
        (epoch, method, layer, protocol)
        for epoch in (1, 2)
        for protocol in ("default", "exercise")
        for method, layer in [*product(("cam", "mean-activation"), layers[-1:]), *product(["gradcam"], layers)]
    }
    assert cells == expected
    baselines = [row["method"] for row in evaluated.rows if not row["run"]]
    assert sorted(baselines) == sorted(2 * [*BASELINES, "centre-gaussian", "random-map", "random-weights"])


def _iou(first, second):
    """In exact pixels: how many lie in both, of those in either."""
    grid = np.zeros((2, 1000, 1000), bool)
    for mask, box in zip(grid, (first, second), strict=True):
        x0, y0, x1, y1 = np.round(np.asarray(box, np.float64) * 1000).astype(int)
        mask[y0:y1, x0:x1] = True
    return (grid[0] & grid[1]).sum() / (grid[0] | grid[1]).sum()


def test_rows_agree_with_maps_boxes_and_scores_made_by_hand(evaluated, trained):
    """Grad-CAM from Keras's own gradient, OpenCV's resize and components, IoU by counting pixels."""
    layer = trained.experiment.document["model"]["stages"][-1]
    cell = Cell(evaluated.runs[0], 2, "gradcam", layer, "default")
    rows = evaluated.evaluation.read(cell)
    model = keras.models.load_model(trained.experiment.checkpoint(evaluated.runs[0], 2))
    records = limited(open_dataset(trained.config.dataset).splits["test"], 12)
    assert rows["image"].tolist() == [record.id for record in records]

    import tensorflow as tf

    both = keras.Model(model.input, [model.get_layer(layer).output, model.output])
    (above,) = set(rows["threshold"].tolist())  # one for all pictures
    assert evaluated.evaluation.choice(cell).threshold == pytest.approx(above)
    for number, record in enumerate(records):
        pixels = record.image.pixels()
        image = squash(pixels, (96, 96))[None].astype(np.float32) / 127.5 - 1
        with tf.GradientTape() as tape:
            features, logits = both(image)
            score = logits[0, record.label]
        weights = tape.gradient(score, features).numpy().mean(axis=(1, 2))
        raw = np.maximum((features.numpy() * weights[:, None, None]).sum(axis=-1)[0], 0)
        assert (rows["height"][number], rows["width"][number]) == pixels.shape[:2]
        assert rows["predicted"][number] == logits.numpy().argmax()
        assert rows["rank"][number] == np.argsort(-logits.numpy()[0]).tolist().index(record.label)
        if raw.max() <= 0:
            assert rows["empty"][number]
            assert rows["iou"][number] == 0
            continue
        large = cv2.resize(raw, (224, 224), interpolation=cv2.INTER_LINEAR)
        _, _, stats, _ = cv2.connectedComponentsWithStats(
            (large > above * large.max()).astype(np.uint8), connectivity=4
        )
        x, y, width, height, _ = max(stats[1:], key=lambda each: each[4])
        expected = np.array([x, y, x + width, y + height]) / 224
        found = [rows[name][number] for name in ("x0", "y0", "x1", "y1")]
        np.testing.assert_allclose(found, expected, atol=1.5 / 224)  # a pixel of slack at the threshold
        score_by_hand = max(_iou(found, truth) for truth in record.boxes)
        assert rows["iou"][number] == pytest.approx(score_by_hand, abs=0.01)


def test_baselines_are_closed_forms(evaluated, trained):
    """Of the whole image, IoU is the largest box's share of the picture."""
    rows = evaluated.evaluation.read(Cell(0, 0, "whole-image", "", "default"))
    for number, truth in enumerate(rows["truth"]):
        shares = (truth[:, 2] - truth[:, 0]) * (truth[:, 3] - truth[:, 1])
        assert rows["iou"][number] == pytest.approx(shares.max(), abs=1e-6)
    centre = evaluated.evaluation.read(Cell(0, 0, "centre-box-0.8", "", "default"))
    assert centre["area"] == pytest.approx(0.64, abs=1e-6)


def test_the_first_annotated_box_counts_in_the_exercise_and_the_best_in_default(experiment):
    result = evaluate.run(config_of(experiment, limit=60, protocols=("default", "exercise"), epochs=(2,)), Progress())
    best = result.evaluation.read(Cell(0, 0, "whole-image", "", "default"))
    first = result.evaluation.read(Cell(0, 0, "whole-image", "", "exercise"))
    several = [number for number, truth in enumerate(best["truth"]) if len(truth) > 1]
    assert several, "the dataset draws two animals in some pictures"
    for number in several:
        x0, y0, x1, y1 = best["truth"][number][0]
        assert first["iou"][number] == pytest.approx((x1 - x0) * (y1 - y0), abs=1e-6)
        assert best["iou"][number] >= first["iou"][number]


def test_summary_json_says_what_the_tables_show(evaluated):
    summary = json.loads((evaluated.experiment.path / "evaluation" / "summary.json").read_text())
    assert summary["images"] == 12
    assert summary["run_choice"]["runs"] == summary["runs"]
    row = next(row for row in summary["rows"] if row["method"] == "gradcam" and row["protocol"] == "default")
    cell = Cell(row["run"], row["epoch"], row["method"], row["layer"], row["protocol"])
    iou = evaluated.evaluation.read(cell)["iou"]
    assert row["mean_iou"] == pytest.approx(iou.mean())
    assert row["sem"] == pytest.approx(iou.std(ddof=1) / np.sqrt(12))
    assert row["n"] == 12


def test_maps_of_the_sample_are_kept_raw_with_their_pictures(evaluated, trained):
    samples = evaluated.evaluation.samples()
    assert len(samples) == 3
    assert all(entry["picture"].is_file() and entry["class"] for entry in samples)
    maps = evaluated.evaluation.maps(evaluated.runs[0], 2)
    assert {key[0] for key in maps} == {"cam", "gradcam", "mean-activation"}
    assert maps["cam", LAYERS[-1]].shape[0] == 3
    ratio = np.maximum(maps["cam", LAYERS[-1]], 0) / maps["cam", LAYERS[-1]][0].size
    np.testing.assert_allclose(maps["gradcam", LAYERS[-1]], ratio, atol=1e-5 * max(ratio.max(), 1e-9))


def test_a_box_in_relative_coordinates_lies_in_the_picture(evaluated):
    for cell in evaluated.evaluation.cells():
        rows = evaluated.evaluation.read(cell)
        boxes = np.stack([rows[name] for name in ("x0", "y0", "x1", "y1")], axis=1)
        boxes = boxes[~np.isnan(boxes[:, 0].astype(float))]
        assert ((boxes >= 0) & (boxes <= 1)).all()
        assert (to_pixels(boxes, 10, 20)[:, 2] <= 10).all()


def test_resuming_keeps_finished_cells_and_scores_the_missing_ones(experiment):
    evaluate.run(config_of(experiment, epochs=(2,)), Progress())
    evaluation = experiment.evaluation("test", 6, "true", calibrate=6)
    paths = sorted(path for path in evaluation.path.glob("run-*gradcam*.parquet"))
    paths[0].unlink()
    before = {path: path.stat().st_mtime_ns for path in paths[1:]}
    evaluate.run(config_of(experiment, epochs=(2,), resume=True), Progress())
    assert paths[0].exists()
    assert {path: path.stat().st_mtime_ns for path in paths[1:]} == before


def test_maps_are_never_paired_with_pictures_of_another_sample(experiment):
    """Epoch 1 keeps maps of two pictures; then the sample becomes four, and only epoch 2 has maps of those."""
    first = evaluate.run(config_of(experiment, samples=2), Progress())
    run = first.runs[0]
    assert len(next(iter(first.evaluation.maps(run, 1).values()))) == 2
    evaluate.run(config_of(experiment, samples=4, epochs=(2,)), Progress())
    assert len(first.evaluation.samples()) == 4
    assert len(list(first.evaluation.path.glob("samples/*.jpg"))) == 4
    assert first.evaluation.maps(run, 1) == {}
    assert all(len(maps) == 4 for maps in first.evaluation.maps(run, 2).values())
    evaluate.run(config_of(experiment, samples=4, resume=True), Progress())
    assert all(len(maps) == 4 for maps in first.evaluation.maps(run, 1).values())


def test_ctrl_c_says_what_is_kept_and_what_goes_on(experiment, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("dogcam.commands.evaluate.command.score_pass", stop)
    with pytest.raises(
        Interrupted, match=r"finished cells are kept in .*test-limit6-calibrate6-true; the same command with --resume"
    ):
        evaluate.run(config_of(experiment), Progress())


def test_an_unfinished_experiment_is_evaluated_with_a_warning(experiment, listener):
    experiment.update_document(status="training")
    progress = listener()
    evaluate.run(config_of(experiment, epochs=(1,), methods=("cam",), calibrate=12), progress)
    assert progress.warnings == ["tiny is not trained to its end: dogcam train --resume --name tiny"]


def test_an_experiment_whose_history_is_gone_is_a_clear_error(experiment):
    (experiment.path / "history.csv").unlink()
    with pytest.raises(ExperimentError, match="knows none of the kept runs; name one with --run"):
        evaluate.run(config_of(experiment), Progress())
    assert evaluate.run(config_of(experiment, run="1", epochs=(1,), methods=("cam",)), Progress()).runs == (1,)


def test_an_experiment_file_that_lacks_its_parts_is_a_clear_error(experiment):
    (experiment.path / "experiment.json").write_text('{"schema_version": 1, "status": "finished"}')
    with pytest.raises(ExperimentError, match="lacks config, dataset, model"):
        evaluate.run(config_of(experiment), Progress())


def test_results_of_another_limit_are_not_touched(experiment):
    before = {
        path: path.stat().st_mtime_ns
        for path in experiment.path.glob("evaluation/test-limit12-calibrate12-true/*.parquet")
    }
    assert before
    evaluate.run(config_of(experiment, epochs=(1,)), Progress())
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_only_what_was_asked_for_is_shown_and_all_is_in_the_summary(experiment):
    evaluate.run(config_of(experiment, epochs=(1,)), Progress())
    second = evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",)), Progress())
    shown = [row for row in second.rows if second.asked(row)]
    assert {(row["epoch"], row["method"]) for row in shown if row["run"]} == {(2, "cam"), (2, "mean-activation")}
    assert {row["epoch"] for row in second.rows if row["run"]} == {1, 2}


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"epochs": (7,)}, UnknownName, r"unknown epoch '7'; there are: 1 \(kept\), 2 \(kept\)"),
        ({"run": "9"}, UnknownName, "unknown run '9'; there are: 1, 2"),
        ({"layers": ("conv5_blok1_out",)}, LayerError, "the nearest: conv5_block1_out"),
        ({"methods": ("cam",), "layers": ("conv3_block1_out",)}, LayerError, "cam exists only at the layer that feeds"),
        ({"experiment": "tinny"}, UnknownName, "the nearest: tiny"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest(experiment, changes, error, words):
    with pytest.raises(error, match=words):
        evaluate.run(config_of(experiment, **changes), Progress())


def test_other_data_than_those_of_training_are_refused(experiment):
    document = experiment.document
    document["dataset"]["fingerprint"] = "0" * 64
    experiment.write_document(document)
    with pytest.raises(ExperimentError, match="trained on other data"):
        evaluate.run(config_of(experiment), Progress())


def test_without_any_box_only_faithfulness_is_scored(experiment, without_boxes, listener):
    progress = listener()
    without_boxes(experiment, 6)
    result = evaluate.run(config_of(experiment, epochs=(2,), limit=2, methods=("gradcam",)), progress)
    assert (result.images, result.unannotated) == (0, 2)
    assert any("2 of 2 pictures have no usable box: they are scored for faithfulness only" in each for each in
               progress.warnings)  # fmt: skip
    assert [row for row in result.rows if result.asked(row)] == []
    scored = {row["method"]: row for row in result.faithfulness}
    assert {"gradcam", "mean-activation", "random-map", "centre-gaussian", "random-weights"} == set(scored)
    assert (scored["gradcam"]["n"], scored["gradcam"]["n_without_boxes"]) == (2, 2)
    assert 0 <= scored["gradcam"]["deletion"] <= 1
    assert scored["gradcam"]["pointing"] is None, "there is nothing to point at"
    with pytest.raises(InputError, match="compares boxes with annotated ones, and no picture has one"):
        evaluate.run(config_of(experiment, epochs=(2,), limit=2, decompose=("cam:gradcam",)), Progress())


@pytest.fixture
def without_boxes(monkeypatch):
    """Call it with an experiment and a number: so many of its first test pictures lose their boxes."""
    from dogcam.experiment import selection

    def lose(experiment, count):
        whole = selection.open_dataset(experiment.document["config"]["dataset"])
        first = {record.id for record in limited(whole.splits["test"], count)}
        records = tuple(
            replace(each, boxes=np.zeros((0, 4))) if each.id in first else each for each in whole.splits["test"]
        )
        problems = tuple(selection_problem(each.id) for each in records if each.id in first)
        dataset = replace(whole, splits={**whole.splits, "test": records}, problems=problems)
        monkeypatch.setattr(type(dataset), "fingerprint", lambda self: experiment.document["dataset"]["fingerprint"])
        monkeypatch.setattr(selection, "open_dataset", lambda *arguments: dataset)
        return problems

    return lose


def selection_problem(identity):
    from dogcam.data import Problem

    return Problem(identity, "no annotated box", "test", lost=False)


def test_the_predicted_class_may_be_the_target(experiment):
    result = evaluate.run(config_of(experiment, epochs=(1,), target="predicted"), Progress())
    rows = result.evaluation.read(Cell(result.runs[0], 1, "gradcam", LAYERS[-1], "default"))
    np.testing.assert_array_equal(rows["target"], rows["predicted"])
    assert result.evaluation.scope == "test-limit6-calibrate6-predicted"


class TestWhatMapsAreDrawnFor:
    def test_a_contrast_is_the_difference_of_two_classes(self, experiment):
        first, second, _ = experiment.document["dataset"]["classes"]
        asked = {"epochs": (2,), "methods": ("cam",)}
        maps = [
            evaluate.run(config_of(experiment, target=target, **asked), Progress()).evaluation.maps(
                int(experiment_run(experiment)), 2
            )["cam", LAYERS[-1]]
            for target in (first, second, f"{first}:{second}")
        ]
        np.testing.assert_allclose(maps[2], maps[0] - maps[1], atol=1e-4 * np.abs(maps[0]).max())
        rows = experiment.evaluation("test", 6, f"{first}:{second}", calibrate=6).read(
            Cell(experiment_run(experiment), 2, "cam", LAYERS[-1], "default")
        )
        assert set(rows["target"]) == {0}
        assert set(rows["against"]) == {1}

    def test_the_second_best_class(self, experiment):
        result = evaluate.run(config_of(experiment, epochs=(2,), methods=("gradcam",), target="second"), Progress())
        rows = result.evaluation.read(Cell(result.runs[0], 2, "gradcam", LAYERS[-1], "default"))
        assert (rows["target"] != rows["predicted"]).all()
        assert (rows["probability"] <= 0.5).all()
        assert result.evaluation.about()["target"] == "second"
        assert result.document()["target"] == "second"

    def test_a_class_that_is_not_there_is_said_before_pictures_are_read(self, experiment, listener):
        progress = listener()
        with pytest.raises(UnknownName, match="unknown class 'beagel'"):
            evaluate.run(config_of(experiment, target="beagel"), progress)
        assert not any(title.startswith("reading") for title, _ in progress.tasks)


def experiment_run(experiment):
    return choose_runs(experiment, "best").run


class TestFusingAndSmoothing:
    def test_a_fused_map_is_a_cell_of_its_own_and_resuming_completes_it(self, experiment):
        asked = {"epochs": (2,), "methods": ("gradcam", "layercam"), "layers": LAYERS[1:], "fuse": "max"}
        result = evaluate.run(config_of(experiment, **asked), Progress())
        fused = f"max({LAYERS[1]}+{LAYERS[2]})"
        cells = {(row["method"], row["layer"]) for row in result.rows if row["run"]}
        assert cells >= {("gradcam", fused), ("layercam", fused), ("gradcam", LAYERS[1]), ("layercam", LAYERS[2])}
        maps = result.evaluation.maps(result.runs[0], 2)
        parts = [np.maximum(maps["gradcam", layer][0], 0) for layer in LAYERS[1:]]
        assert maps["gradcam", fused].shape[1:] == parts[0].shape
        top = [part / part.max() if part.max() > 0 else part for part in parts]
        large = [cv2.resize(each, parts[0].shape[::-1], interpolation=cv2.INTER_LINEAR) for each in top]
        np.testing.assert_allclose(maps["gradcam", fused][0], np.maximum(*large), atol=1e-5)

        path = result.evaluation.path / Cell(result.runs[0], 2, "layercam", fused, "default").file_name
        content = path.read_bytes()
        path.unlink()
        evaluate.run(config_of(experiment, **asked, resume=True), Progress())
        assert len(path.read_bytes()) == pytest.approx(len(content), rel=0.1)

    def test_smoothed_maps_are_kept_apart_from_plain_ones_and_say_so(self, experiment):
        asked = {"epochs": (2,), "methods": ("gradcam",)}
        plain = evaluate.run(config_of(experiment, **asked), Progress())
        smooth = evaluate.run(config_of(experiment, **asked, smooth=("flip", "scale")), Progress())
        assert smooth.evaluation.scope == "test-limit6-smooth+flip+scale-calibrate6-true"
        assert smooth.evaluation.about()["smooth"] == ["flip", "scale"]
        assert smooth.document()["smooth"] == ["flip", "scale"]
        one, other = (each.evaluation.maps(each.runs[0], 2)["gradcam", LAYERS[-1]] for each in (plain, smooth))
        assert one.shape == other.shape
        assert not np.allclose(one, other, rtol=1e-3)

    def test_one_layer_cannot_be_fused(self, experiment):
        with pytest.raises(OptionError, match="--fuse mean needs a method at two layers or more; received gradcam at"):
            evaluate.run(config_of(experiment, methods=("gradcam",), fuse="mean"), Progress())


def test_methods_that_ask_again_and_again_are_evaluated_with_progress_and_flags(experiment, listener):
    """Ablation-CAM of the class that the model puts last: where its score is not above 0, the rows are flagged."""
    progress = listener()
    asked = {"epochs": (2,), "methods": ("ablationcam", "faster-scorecam", "occlusion"), "mask_batch": 5, "limit": 3}
    names = experiment.document["dataset"]["classes"]
    flags, scores = [], []
    for name in names:
        result = evaluate.run(config_of(experiment, target=name, **asked), progress)
        rows = result.evaluation.read(Cell(result.runs[0], 2, "ablationcam", LAYERS[-1], "default"))
        flags += rows["flagged"].tolist()
        model = keras.models.load_model(experiment.checkpoint(result.runs[0], 2))
        records = limited(open_dataset(experiment.document["config"]["dataset"]).splits["test"], 3)
        inputs = np.stack([squash(each.image.pixels(), (96, 96)) for each in records]).astype(np.float32) / 127.5 - 1
        scores += model.predict(inputs, verbose=0)[:, names.index(name)].tolist()
        others = result.evaluation.read(Cell(result.runs[0], 2, "occlusion", "input", "default"))
        assert not others["flagged"].any()
    assert flags == [score <= 0 for score in scores]
    assert any(flags), "of three classes' logits, some are not above 0"
    assert any("its formula does not hold for" in text for text in progress.warnings)
    assert any(title.startswith("faster-scorecam at") for title, _ in progress.tasks)


def test_boxes_that_never_look_are_in_every_table_asked_for_or_not(experiment):
    asked = ("whole-image", "cam", "random-map")
    result = evaluate.run(config_of(experiment, epochs=(2,), methods=asked, protocols=("cam2016",)), Progress())
    assert {row["method"] for row in result.rows if row["run"]} == {"cam", "mean-activation"}
    for name, layer in (("centre-gaussian", "input"), ("random-map", "input"), ("random-weights", LAYERS[-1])):
        rows = result.evaluation.read(Cell(0, 0, name, layer, "cam2016"))
        assert len(rows["iou"]) == 6
        assert set(rows["predicted"].astype(str)) <= {"None", "nan"}
    gaussian = result.evaluation.read(Cell(0, 0, "centre-gaussian", "input", "cam2016"))
    # exp(-d^2 / 2 sigma^2) above 0.2 of its maximum: d below 1.794 sigma, sigma a quarter of the side.
    assert gaussian["area"] == pytest.approx((2 * 0.25 * np.sqrt(-2 * np.log(0.2))) ** 2, abs=0.02)
    boxes = [record.boxes[0] for record in open_dataset("synthetic:3").splits["train"] if len(record.boxes)]
    rows = result.evaluation.read(Cell(0, 0, "mean-training-box", "", "cam2016"))
    found = np.array([rows[name][0] for name in ("x0", "y0", "x1", "y1")])
    np.testing.assert_allclose(found, np.mean(boxes, axis=0), atol=1e-6)


class TestAProtocolOfTheUsersOwn:
    def write(self, folder, threshold, name="mine"):
        (folder / f"{name}.toml").write_text(f"relu = true\nthreshold = {threshold}\n")
        return str(folder / f"{name}.toml")

    def test_its_rows_are_those_of_its_fields_and_the_report_knows_them(self, experiment, tmp_path):
        asked = {"epochs": (2,), "methods": ("gradcam",)}
        protocols = (self.write(tmp_path, 0.15), self.write(tmp_path, 0.6, "strict"), "gradcam2017")
        result = evaluate.run(config_of(experiment, protocols=protocols, **asked), Progress())
        cells = [Cell(result.runs[0], 2, "gradcam", LAYERS[-1], name) for name in ("mine", "strict", "gradcam2017")]
        mine, strict, known = (result.evaluation.read(cell) for cell in cells)
        np.testing.assert_array_equal(mine["iou"], known["iou"])
        assert strict["area"].mean() < known["area"].mean()
        assert Evidence.of(experiment).evaluation.path == result.evaluation.path, "the latest of the limited ones"
        assert Evidence.of(experiment).protocol("strict").threshold == 0.6

    def test_another_one_of_the_same_name_does_not_write_over_its_tables(self, experiment, tmp_path):
        asked = {"epochs": (2,), "methods": ("cam",)}
        evaluate.run(config_of(experiment, protocols=(self.write(tmp_path, 0.3),), **asked), Progress())
        with pytest.raises(OptionError, match="has tables by another protocol called mine: give this one another name"):
            evaluate.run(config_of(experiment, protocols=(self.write(tmp_path, 0.4),), **asked), Progress())

    def test_what_is_wrong_with_it_is_said_before_pictures_are_read(self, experiment, tmp_path, listener):
        progress = listener()
        (tmp_path / "odd.toml").write_text("relu = true\ntreshold = 0.2\n")
        with pytest.raises(OptionError, match="the nearest: threshold"):
            evaluate.run(config_of(experiment, protocols=(str(tmp_path / "odd.toml"),)), progress)
        assert not any(title.startswith("reading") for title, _ in progress.tasks)


@pytest.fixture(scope="module")
def chosen(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("thresholds") / "tiny"
    shutil.copytree(trained.experiment.path, folder)
    protocols = ("default", "wsol-v1", "wsol-v2")
    asked = {"epochs": (2,), "methods": ("gradcam",), "layers": LAYERS[-1:], "protocols": protocols, "limit": 15}
    return evaluate.run(config_of(Experiment(folder), calibrate=9, **asked), Progress())


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    from dogcam.experiment import selection

    folder = tmp_path_factory.mktemp("whole") / "tiny"
    shutil.copytree(trained.experiment.path, folder)
    data = selection.open_dataset("synthetic:3")
    bare = replace(limited(data.splits["test"], 12)[0], boxes=np.zeros((0, 4)))
    test = tuple(bare if record.id == bare.id else record for record in data.splits["test"])
    data = replace(data, splits={**data.splits, "test": test}, problems=(selection_problem(bare.id),))
    asked = {
        "run": "all",
        "methods": ("cam", "gradcam"),
        "layers": LAYERS[-1:],
        "protocols": ("default", "cam2016"),
        "decompose": ("cam:gradcam",),
        "by": ("breed",),
        "faithfulness": 1,
        "csv": True,
        "limit": 12,
    }
    with pytest.MonkeyPatch.context() as patch:
        fingerprint = trained.experiment.document["dataset"]["fingerprint"]
        patch.setattr(type(data), "fingerprint", lambda self: fingerprint)
        patch.setattr(selection, "open_dataset", lambda *arguments: data)
        yield evaluate.run(config_of(Experiment(folder), **asked), Progress())


class TestThresholds:
    """Those of `default` are chosen on training pictures; those of the wsol protocols on the pictures evaluated."""

    def cell(self, chosen, protocol):
        return Cell(chosen.runs[0], 2, "gradcam", LAYERS[-1], protocol)

    def test_calibrated_on_training_pictures_evenly_over_the_classes_and_their_ids_are_kept(self, chosen):
        kept = chosen.evaluation.about()["calibration"]
        assert (kept["split"], kept["asked"], len(kept["ids"])) == ("train", 9, 9)
        records = {record.id: record for record in open_dataset("synthetic:3").splits["train"]}
        assert sorted(records[each].label for each in kept["ids"]) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert chosen.document()["calibration"] == kept
        seen = {record.id for record in limited(open_dataset("synthetic:3").splits["train"], 24)}
        assert not seen & set(kept["ids"]), "training was limited, so that there are pictures it never saw"

    def test_the_calibrated_one_is_the_best_for_those_pictures(self, chosen, trained):
        """Boxes drawn at each threshold by the plain function, one map after the other."""
        choice = chosen.evaluation.choice(self.cell(chosen, "default"))
        assert (choice.source, choice.pictures) == ("calibrated", 9)
        records = {record.id: record for record in open_dataset("synthetic:3").splits["train"]}
        of = [records[each] for each in chosen.evaluation.about()["calibration"]["ids"]]
        classifier = load_trained(trained.experiment, chosen.runs[0], 2)
        engine = HeatmapEngine(classifier, [("gradcam", LAYERS[-1])], "logit")
        inputs = classifier.inputs_of(np.stack([squash(record.image.pixels(), (96, 96)) for record in of]))
        maps = engine(inputs, np.array([record.label for record in of])).maps["gradcam", LAYERS[-1]]
        protocol = PROTOCOLS["default"]
        means = []
        for threshold in protocol.grid():
            boxes = [predicted_box(raw, protocol, (96, 96), threshold) for raw in maps]
            scores = [drawing.score(box, record.boxes, protocol) for box, record in zip(boxes, of, strict=True)]
            means.append(np.mean(scores))
        assert choice.score == pytest.approx(max(means), abs=1e-6)
        assert means[round(choice.threshold * 100)] == pytest.approx(max(means), abs=1e-6)

    def test_the_table_is_drawn_there_and_keeps_the_curve_of_every_picture(self, chosen):
        cell = self.cell(chosen, "default")
        rows, curves = chosen.evaluation.read(cell), chosen.evaluation.long(cell)["curve"]
        assert curves.shape == (15, 100)
        place = round(chosen.evaluation.choice(cell).threshold * 100)
        np.testing.assert_allclose(curves[:, place], rows["iou"], atol=1e-6)

    def test_the_oracle_and_the_gap_to_it_are_in_the_row_with_intervals(self, chosen):
        row = next(each for each in chosen.rows if each["method"] == "gradcam" and each["protocol"] == "default")
        curves = chosen.evaluation.long(self.cell(chosen, "default"))["curve"]
        assert row["oracle_iou"] == pytest.approx(curves.mean(axis=0).max(), abs=1e-6)
        assert row["oracle_gap"] == pytest.approx(row["oracle_iou"] - row["mean_iou"], abs=1e-9)
        assert row["oracle_gap"] >= 0
        low, high = row["intervals"]["mean_iou"]
        assert low < row["mean_iou"] < high
        assert row["threshold_from"] == "calibrated"

    @pytest.mark.parametrize(("name", "levels"), [("wsol-v1", [0.5]), ("wsol-v2", [0.3, 0.5, 0.7])])
    def test_max_box_acc_is_the_best_share_over_thresholds_of_the_evaluated_pictures(self, chosen, name, levels):
        cell = self.cell(chosen, name)
        row = next(each for each in chosen.rows if each["method"] == "gradcam" and each["protocol"] == name)
        curves = chosen.evaluation.long(cell)["curve"]
        assert curves.shape == (15, 1000)
        expected = np.mean([max((curves[:, t] >= np.float32(level)).mean() for t in range(1000)) for level in levels])
        assert row["max_box_acc"] == pytest.approx(expected)
        assert chosen.evaluation.choice(cell).source == "best"
        place = round(chosen.evaluation.choice(cell).threshold * 1000)
        np.testing.assert_allclose(curves[:, place], chosen.evaluation.read(cell)["iou"], atol=1e-6)

    def test_pixels_inside_and_outside_the_drawn_animals_are_kept(self, chosen):
        long = chosen.evaluation.long(self.cell(chosen, "default"))
        np.testing.assert_array_equal(long["inside"].sum(axis=1) + long["outside"].sum(axis=1), 224 * 224)
        record = open_dataset("synthetic:3").splits["test"][0]
        place = chosen.evaluation.read(self.cell(chosen, "default"))["image"].tolist().index(record.id)
        assert long["inside"][place].sum() / 224**2 == pytest.approx(record.mask().mean(), abs=0.01)
        row = next(each for each in chosen.rows if each["method"] == "gradcam" and each["protocol"] == "default")
        assert 0 < row["pxap"] < 1

    def test_a_box_that_never_looks_has_no_threshold_but_a_max_box_acc(self, chosen):
        row = next(each for each in chosen.rows if each["method"] == "whole-image" and each["protocol"] == "wsol-v1")
        assert row["threshold"] is None
        iou = chosen.evaluation.read(Cell(0, 0, "whole-image", "", "wsol-v1"))["iou"]
        assert row["max_box_acc"] == pytest.approx((iou >= 0.5).mean())

    def test_curves_are_in_the_summary(self, chosen):
        by = {(each["method"], each["protocol"]): each for each in chosen.document()["curves"]}
        curve = by["gradcam", "default"]
        assert len(curve["mean_iou"]) == len(curve["thresholds"]) == 100
        assert max(curve["mean_iou"]) == pytest.approx(curve["mean_iou"][round(curve["oracle_threshold"] * 100)])

    def test_explaining_draws_at_the_threshold_that_evaluating_chose(self, chosen, tmp_path):
        config = ExplainConfig.of(
            images=(chosen.evaluation.samples()[0]["id"],),
            layers=LAYERS[-1:],
            epochs=(2,),
            target="true",
            out=str(tmp_path / "out"),
            save=("json",),
            home=str(chosen.experiment.path.parent),
        )
        (explanation,) = explain.run(config, Progress()).explanations
        (heat,) = explanation.heats
        assert heat.threshold == chosen.evaluation.choice(self.cell(chosen, "default")).threshold
        assert heat.iou == pytest.approx(chosen.evaluation.read(self.cell(chosen, "default"))["iou"][0], abs=1e-5)

    def test_without_training_pictures_to_choose_on_the_protocols_own_holds_and_is_said(self, experiment, listener):
        progress = listener()
        asked = {"epochs": (2,), "methods": ("cam",), "calibrate": 0}
        result = evaluate.run(config_of(experiment, **asked), progress)
        assert any("--calibrate 0: protocol default takes 0.15 for every method" in each for each in progress.warnings)
        assert {row["threshold"] for row in result.rows if row["layer"]} == {0.15}
        assert result.evaluation.about()["calibration"] is None

    def test_tables_by_an_earlier_version_of_a_protocol_are_not_mixed_with_new_ones(self, experiment):
        result = evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",)), Progress())
        about = result.evaluation.about()
        about["protocols"]["default"]["version"] = 1
        result.evaluation.write_about(about)
        with pytest.raises(OptionError, match="version 1, not 2; move that folder away"):
            evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",)), Progress())


class TestEverythingAskedFor:
    """Both runs, two epochs, two protocols, and all that can be asked for beside the scores; one picture has no box."""

    def test_rows_over_runs_are_means_of_the_runs_with_intervals_over_both(self, whole):
        rows = {(row["run"], row["epoch"], row["method"], row["protocol"]): row for row in whole.rows}
        assert {row["epoch"] for row in whole.over_runs} == {1, 2}
        for row in whole.over_runs:
            assert row["runs"] == [1, 2]
            each = [rows[run, row["epoch"], row["method"], row["protocol"]] for run in (1, 2)]
            assert row["mean_iou"] == pytest.approx(np.mean([one["mean_iou"] for one in each]))
            assert row["median_iou"] == pytest.approx(np.mean([one["median_iou"] for one in each]))
            for name in ("mean_iou", "median_iou", "pxap"):
                if row[name] is not None:
                    low, high = row["intervals"][name]
                    assert low < row[name] < high

    def test_every_row_of_a_method_says_how_it_stands_to_what_never_looks(self, whole):
        rows = [row for row in (*whole.rows, *whole.over_runs) if row.get("run", 1)]
        assert {row["unseen"] for row in rows} <= {"above", "below", "undecided"}
        assert {row["unseen"] for row in whole.rows if not row["run"]} == {None}

    def test_a_picture_without_a_box_is_named_counted_and_scored_for_faithfulness_only(self, whole):
        (problem,) = whole.problems
        assert problem.reason == "no annotated box"
        assert (whole.images, whole.unannotated) == (11, 1)
        assert whole.evaluation.problems() == [{"id": problem.id, "reason": "no annotated box"}]
        cell = next(each for each in whole.evaluation.cells() if each.run)
        assert problem.id not in whole.evaluation.read(cell)["image"]
        scored = whole.evaluation.read_faithfulness(replace(cell, protocol=""))
        assert scored["image"].tolist()[0] == problem.id
        assert scored["boxed"].tolist() == [False, True], "and one with a box, as asked for"

    def test_groups_of_every_kind_are_in_the_summary_and_those_asked_for_are_shown(self, whole):
        document = whole.document()["breakdowns"]
        assert {(each["protocol"], each["by"]) for each in document} == set(
            product(("default", "cam2016"), ("breed", "size", "animals", "right"))
        )
        assert {each.by for each in whole.breakdowns} == {"breed"}
        breeds = next(each for each in document if each["by"] == "breed" and each["protocol"] == "default")
        assert sum(group["n"] for group in breeds["groups"]) == 11
        line = next(each for each in breeds["lines"] if each["method"] == "gradcam")
        rows = whole.evaluation.read(Cell(1, 2, "gradcam", LAYERS[-1], "default"))
        first = [label == 0 for label in rows["label"]]
        assert line["mean_iou"][0]["value"] == pytest.approx(rows["iou"][first].mean())

    def test_a_decomposition_goes_from_pipeline_to_pipeline_and_is_kept_with_its_figure(self, whole):
        (found,) = whole.decompositions
        numbers = found.numbers
        ends = [
            whole.evaluation.read(Cell(1, 2, "cam", LAYERS[-1], "cam2016"))["iou"].mean(),
            numbers.start.value + numbers.total.value,
        ]
        assert (numbers.start.value, numbers.end.value) == pytest.approx(ends, abs=1e-6)
        steps = {step.label: step.average.value for step in numbers.steps}
        assert steps["method"] == 0, "at the pooled layer, with a logit score"
        assert sum(steps.values()) == pytest.approx(numbers.total.value)
        assert decompositions_of(whole.evaluation) == (found,)
        assert whole.document()["decompositions"] == [to_plain(found)]
        (figure,) = whole.evaluation.path.glob("decompositions/*.png")
        assert figure.read_bytes().startswith(b"\x89PNG")

    def test_training_dynamics_and_the_claims_are_there_with_their_verdicts(self, whole):
        assert {each["protocol"] for each in whole.document()["dynamics"]} == {"default", "cam2016"}
        verdicts = {(each["claim"], each["protocol"]): each["verdict"] for each in whole.document()["claims"]}
        assert verdicts["above", "default"] == "identical"
        assert set(verdicts.values()) <= {"supported", "contradicted", "undecided", "identical"}

    def test_every_field_of_the_summary_is_documented(self, whole):
        assert undocumented(whole.document()) == []
        assert json.loads((whole.experiment.path / "evaluation" / "summary.json").read_text())["schema_version"] == 3

    def test_tables_are_written_as_csv(self, whole):
        folder = whole.experiment.path / "evaluation" / "csv"
        with (folder / "rows.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(whole.rows)
        assert float(rows[0]["mean_iou"]) == pytest.approx(whole.rows[0]["mean_iou"])
        assert {"rows.csv", "pairs.csv", "breakdowns.csv", "curves.csv"} <= {path.name for path in folder.iterdir()}

    def test_the_report_shows_the_gap_and_the_faithfulness(self, whole):
        keys = [exhibit.key for exhibit in compose(whole.experiment).exhibits]
        assert keys[-5:] == ["dynamics", "groups", "faithfulness", "decomposition", "galleries"]

    def test_what_was_scored_for_faithfulness_on_other_pictures_is_not_resumed(self, whole):
        config = replace(whole.config, resume=True, faithfulness=3, experiment=str(whole.experiment.path))
        with pytest.raises(OptionError, match="has faithfulness of 2 pictures, not of these 4"):
            evaluate.run(config, Progress())


@pytest.mark.parametrize(("pair", "words"), [("cam", "takes two methods"), ("cam:", "takes two methods")])
def test_a_gap_is_between_two_methods(experiment, pair, words):
    with pytest.raises(OptionError, match=words):
        config_of(experiment, decompose=(pair,))


def test_five_boxes_for_five_predicted_classes_locate_as_often_as_the_one_of_the_true_class(trained):
    """The two conventions of top-k localisation, the second drawn in full: k boxes, each of a predicted class."""
    classifier = load_trained(trained.experiment, 1, 2)
    records = limited(open_dataset("synthetic:3").splits["test"], 18)
    inputs = classifier.inputs_of(np.stack([squash(record.image.pixels(), (96, 96)) for record in records]))
    engine, protocol = HeatmapEngine(classifier, [("cam", LAYERS[-1])], "logit"), PROTOCOLS["cam2016"]
    labels = np.array([record.label for record in records])

    def scores(classes):
        maps = engine(inputs, classes).maps["cam", LAYERS[-1]]
        boxes = [predicted_box(raw, protocol, (96, 96)) for raw in maps]
        return np.array([drawing.score(b, r.boxes, protocol) for b, r in zip(boxes, records, strict=True)])

    logits = engine(inputs, labels).logits
    order = np.argsort(-logits, axis=1)
    rank = np.array([np.flatnonzero(row == label)[0] for row, label in zip(order, labels, strict=True)])
    iou = scores(labels)
    assert (iou >= 0.5).any(), "else there is nothing to count"
    for first, name in ((1, "top1_loc"), (2, "top5_loc")):
        known = np.where(rank < first, rank, 5)  # of three classes all are among five: count two of them
        each = [(scores(order[:, place]) >= 0.5) & (order[:, place] == labels) for place in range(first)]
        assert METRICS[name].of({"iou": iou, "rank": known}) == np.any(each, axis=0).mean()


class TestOneProtocolOnce:
    def test_named_twice_it_is_scored_once(self, experiment):
        assert config_of(experiment, protocols=("cam2016", "default", "cam2016")).protocols == ("cam2016", "default")

    def test_two_that_differ_may_not_have_one_name(self, experiment, tmp_path):
        for folder, threshold in (("one", 0.3), ("other", 0.4)):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "mine.toml").write_text(f"relu = true\nthreshold = {threshold}\n")
        files = tuple(str(tmp_path / folder / "mine.toml") for folder in ("one", "other"))
        with pytest.raises(OptionError, match="two protocols that differ are called mine"):
            evaluate.run(config_of(experiment, protocols=files), Progress())


class TestThresholdInUse:
    """Which of several evaluations says where `explain` draws."""

    @pytest.fixture
    def cell(self, evaluated):
        """Of the best run, which rounding may decide where runs are about as good."""
        return Cell(evaluated.runs[0], 2, "gradcam", LAYERS[-1], "default")

    @pytest.fixture
    def write(self, own, cell):
        return lambda scope, *chosen, **more: self.written(own, cell, scope, *chosen, **more)

    def written(self, experiment, cell, scope, threshold, pictures, source="calibrated", smooth=()):
        evaluation = experiment.evaluation(*scope, smooth)
        known = experiment.evaluations()[0]
        table = {**known.read(cell)} | {"truth": [[0.0, 0, 1, 1]] * 12}
        columns = {name: values for name, values in table.items() if name in ROW_SCHEMA.names}
        evaluation.write(cell, columns, Choice(threshold, source, pictures))
        about = known.about() | {"target": scope[2], "smooth": smooth}
        evaluation.write_about(about)

    @pytest.fixture
    def own(self, evaluated, tmp_path):
        folder = tmp_path / "own"
        shutil.copytree(evaluated.experiment.path, folder)
        return Experiment(folder)

    def test_that_on_the_most_pictures_counts_whichever_came_last(self, own, cell, write):
        write(("test", 5, "true"), 0.5, 100)
        write(("test", 4, "true"), 0.7, 3)
        assert threshold_in_use(own, cell, PROTOCOLS["default"]) == pytest.approx(0.5)

    def test_not_that_of_another_class_nor_of_smoothed_maps(self, own, cell, write):
        usual = threshold_in_use(own, cell, PROTOCOLS["default"])
        write(("test", 5, "second"), 0.9, 500)
        write(("test", 5, "true"), 0.8, 500, smooth=("flip",))
        assert threshold_in_use(own, cell, PROTOCOLS["default"]) == usual
        assert threshold_in_use(own, cell, PROTOCOLS["default"], ("flip",)) == pytest.approx(0.8)

    def test_what_was_not_chosen_is_the_protocols_own(self, own, cell):
        missing = replace(cell, epoch=9)
        assert threshold_in_use(own, missing, PROTOCOLS["default"]) == 0.15
        assert threshold_in_use(own, missing, PROTOCOLS["wsol-v1"]) is None
        assert threshold_in_use(None, cell, PROTOCOLS["default"]) == 0.15


def test_with_too_few_images_nothing_is_told_apart_and_it_is_said(experiment, listener):
    progress = listener()
    result = evaluate.run(config_of(experiment, epochs=(2,), limit=5, methods=("cam",), calibrate=2), progress)
    row = next(each for each in result.rows if each["method"] == "cam" and result.asked(each))
    assert row["unseen"] == "few"
    assert row["intervals"]["mean_iou"] is None
    assert any("Too few images to say: " in each for each in result.comparisons[0].sentences())
    assert any("thresholds are chosen on 2 training pictures, of which training has seen none" in each for each in
               progress.warnings)  # fmt: skip


def test_the_box_of_another_class_locates_none(experiment):
    result = evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",), target="second"), Progress())
    assert {row["top1_loc"] for row in result.rows} == {None}


def test_of_wsol_there_is_no_gap_to_an_oracle_that_it_is_itself(chosen):
    gaps = {row["protocol"]: row["oracle_gap"] for row in chosen.rows if row["method"] == "gradcam"}
    assert gaps["wsol-v1"] is gaps["wsol-v2"] is None
    assert gaps["default"] >= 0
