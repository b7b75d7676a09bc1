"""`dogcam evaluate` as a call: its tables against boxes drawn and scored by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest

from dogcam.baselines import BASELINES
from dogcam.boxes import to_pixels
from dogcam.commands import evaluate
from dogcam.config import EvaluateConfig
from dogcam.datasets import open_dataset
from dogcam.errors import ExperimentError, Interrupted, LayerError, OptionError, UnknownName
from dogcam.evaluations import Cell
from dogcam.pipeline import limited, squash
from dogcam.progress import Progress
from dogcam.reporting.evidence import Evidence

LAYERS = ("conv3_block1_out", "conv4_block1_out", "conv5_block1_out")


def config_of(folder, **changes):
    return EvaluateConfig(**{"home": str(folder.path.parent), "limit": 6, "samples": 2, **changes})


def test_the_studys_cells_at_each_kept_epoch_of_the_best_run(evaluated, trained):
    assert evaluated.runs == (trained.chosen,)
    cells = {(row["epoch"], row["method"], row["layer"], row["protocol"]) for row in evaluated.rows if row["run"]}
    layers = trained.experiment.document["model"]["stages"]
    expected = {
        (epoch, method, layer, protocol)
        for epoch in (1, 2)
        for protocol in ("default", "exercise")
        for method, layer in [("cam", layers[-1]), *(("gradcam", layer) for layer in layers)]
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
        if raw.max() <= 0:
            assert rows["empty"][number]
            assert rows["iou"][number] == 0
            continue
        large = cv2.resize(raw, (224, 224), interpolation=cv2.INTER_LINEAR)
        _, _, stats, _ = cv2.connectedComponentsWithStats((large > 0.15 * large.max()).astype(np.uint8), connectivity=4)
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
    assert summary["run_choice"]
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
    assert {key[0] for key in maps} == {"cam", "gradcam"}
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
    evaluation = experiment.evaluation("test", 6, "true")
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

    monkeypatch.setattr("dogcam.commands.evaluate.score_pass", stop)
    with pytest.raises(
        Interrupted, match=r"finished cells are kept in .*test-limit6-true; the same command with --resume"
    ):
        evaluate.run(config_of(experiment), Progress())


def test_an_unfinished_experiment_is_evaluated_with_a_warning(experiment, listener):
    experiment.update_document(status="training")
    progress = listener()
    evaluate.run(config_of(experiment, epochs=(1,), methods=("cam",)), progress)
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
    before = {path: path.stat().st_mtime_ns for path in experiment.path.glob("evaluation/test-limit12-true/*.parquet")}
    assert before
    evaluate.run(config_of(experiment, epochs=(1,)), Progress())
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_only_what_was_asked_for_is_shown_and_all_is_in_the_summary(experiment):
    evaluate.run(config_of(experiment, epochs=(1,)), Progress())
    second = evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",)), Progress())
    shown = [row for row in second.rows if second.asked(row)]
    assert {(row["epoch"], row["method"]) for row in shown if row["run"]} == {(2, "cam")}
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


def test_pictures_without_a_box_are_named_counted_and_left_out(experiment, monkeypatch):
    from dogcam import selection

    whole = selection.open_dataset(experiment.document["config"]["dataset"])
    chosen = limited(whole.splits["test"], 6)
    bare = replace(chosen[0], boxes=np.zeros((0, 4)))
    problem = selection_problem(bare.id)
    dataset = replace(whole, splits={**whole.splits, "test": (bare, *chosen[1:])}, problems=(problem,))
    monkeypatch.setattr(type(dataset), "fingerprint", lambda self: experiment.document["dataset"]["fingerprint"])
    monkeypatch.setattr(selection, "open_dataset", lambda *arguments: dataset)
    result = evaluate.run(config_of(experiment, epochs=(2,)), Progress())
    assert result.images == 5
    assert [(each.id, each.reason) for each in result.problems] == [(bare.id, "no annotated box")]
    assert result.evaluation.problems() == [{"id": bare.id, "reason": "no annotated box"}]


def selection_problem(identity):
    from dogcam.datasets import Problem

    return Problem(identity, "no annotated box", "test", lost=False)


def test_the_predicted_class_may_be_the_target(experiment):
    result = evaluate.run(config_of(experiment, epochs=(1,), target="predicted"), Progress())
    rows = result.evaluation.read(Cell(result.runs[0], 1, "gradcam", LAYERS[-1], "default"))
    np.testing.assert_array_equal(rows["target"], rows["predicted"])
    assert result.evaluation.scope == "test-limit6-predicted"


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
        rows = experiment.evaluation("test", 6, f"{first}:{second}").read(
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
    return evaluate.choose_runs(experiment, "best")[0][0]


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
        assert smooth.evaluation.scope == "test-limit6-smooth+flip+scale-true"
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
    result = evaluate.run(config_of(experiment, epochs=(2,), methods=asked), Progress())
    assert {row["method"] for row in result.rows if row["run"]} == {"cam"}
    for name, layer in (("centre-gaussian", "input"), ("random-map", "input"), ("random-weights", LAYERS[-1])):
        rows = result.evaluation.read(Cell(0, 0, name, layer, "default"))
        assert len(rows["iou"]) == 6
        assert set(rows["predicted"].astype(str)) <= {"None", "nan"}
    gaussian = result.evaluation.read(Cell(0, 0, "centre-gaussian", "input", "default"))
    # exp(-d^2 / 2 sigma^2) above 0.15 of its maximum: d below 1.948 sigma, sigma a quarter of the side.
    assert gaussian["area"] == pytest.approx((2 * 0.25 * np.sqrt(-2 * np.log(0.15))) ** 2, abs=0.02)
    boxes = [record.boxes[0] for record in open_dataset("synthetic:3").splits["train"] if len(record.boxes)]
    rows = result.evaluation.read(Cell(0, 0, "mean-training-box", "", "default"))
    found = np.array([rows[name][0] for name in ("x0", "y0", "x1", "y1")])
    np.testing.assert_allclose(found, np.mean(boxes, axis=0), atol=1e-6)


class TestAProtocolOfTheUsersOwn:
    def write(self, folder, threshold, name="mine"):
        (folder / f"{name}.toml").write_text(f"relu = true\nthreshold = {threshold}\n")
        return str(folder / f"{name}.toml")

    def test_its_rows_are_those_of_its_fields_and_the_report_knows_them(self, experiment, tmp_path):
        asked = {"epochs": (2,), "methods": ("gradcam",)}
        protocols = (self.write(tmp_path, 0.15), self.write(tmp_path, 0.6, "strict"), "default")
        result = evaluate.run(config_of(experiment, protocols=protocols, **asked), Progress())
        cells = [Cell(result.runs[0], 2, "gradcam", LAYERS[-1], name) for name in ("mine", "strict", "default")]
        mine, strict, default = (result.evaluation.read(cell) for cell in cells)
        np.testing.assert_array_equal(mine["iou"], default["iou"])
        assert strict["area"].mean() < default["area"].mean()
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
        with pytest.raises(OptionError, match="protocol wsol-v2 chooses its threshold from the maps of all pictures"):
            evaluate.run(config_of(experiment, protocols=("wsol-v2",)), progress)
        assert not any(title.startswith("reading") for title, _ in progress.tasks)
