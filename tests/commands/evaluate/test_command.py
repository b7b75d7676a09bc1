"""`dogcam evaluate` as a call: its tables against boxes drawn and scored by hand."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import astuple, replace
from itertools import product

import cv2
import keras
import numpy as np
import pytest
from evaluating import LAYERS, config_of, unannotated
from plain_paths import leaves

from dogcam.analysis.analysis import SCHEMA_VERSION, Analysis, current, fields
from dogcam.analysis.flat import TABLES
from dogcam.boxes import drawing
from dogcam.boxes.baselines import BASELINES
from dogcam.boxes.drawing import predicted_box
from dogcam.boxes.geometry import to_pixels
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.commands.evaluate import command as evaluate
from dogcam.core.errors import Interrupted, OptionError, UnknownName
from dogcam.core.progress import Progress
from dogcam.core.records import from_plain
from dogcam.data.opening import open_dataset
from dogcam.data.pipeline import limited, squash
from dogcam.engine import HeatmapEngine
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment
from dogcam.experiment.selection import choose_runs
from dogcam.metrics import METRICS
from dogcam.models.classifier import load_trained
from dogcam.report.page import compose


def test_the_studys_cells_at_each_kept_epoch_of_the_best_run(evaluated, trained):
    assert evaluated.asked.runs == trained.training.chosen.runs
    rows = evaluated.analysis.scores
    cells = {(row.epoch, *astuple(row.map), row.protocol) for row in rows if not row.baseline}
    layers = trained.experiment.document["model"]["stages"]
    expected = {
        (epoch, method, layer, protocol)
        for epoch in (1, 2)
        for protocol in ("default", "exercise")
        for method, layer in [*product(("cam", "mean-activation"), layers[-1:]), *product(["gradcam"], layers)]
    }
    assert cells == expected
    baselines = [row.map.method for row in rows if row.baseline]
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
    cell = Cell(evaluated.asked.runs[0], 2, "gradcam", layer, "default")
    rows = evaluated.evaluation.read(cell)
    model = keras.models.load_model(trained.experiment.checkpoint(evaluated.asked.runs[0], 2))
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
        _, _, stats, _ = cv2.connectedComponentsWithStats((large > above * large.max()).astype(np.uint8), connectivity=4)
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
    assert summary == json.loads((evaluated.evaluation.path / "summary.json").read_text()) == evaluated.document()
    assert from_plain(Analysis, summary) == current(evaluated.experiment, evaluated.evaluation)
    assert summary["scope"]["images"] == 12
    assert summary["training"]["chosen"]["runs"] == summary["runs"]
    row = next(row for row in summary["scores"] if row["map"]["method"] == "gradcam" and row["protocol"] == "default")
    cell = Cell(*row["runs"], row["epoch"], row["map"]["method"], row["map"]["layer"], row["protocol"])
    iou = evaluated.evaluation.read(cell)["iou"]
    assert row["scores"]["mean_iou"]["value"] == pytest.approx(iou.mean())
    assert row["scores"]["sem"]["value"] == pytest.approx(iou.std(ddof=1) / np.sqrt(12))
    assert row["n"] == 12


def test_maps_of_the_sample_are_kept_raw_with_their_pictures(evaluated, trained):
    samples = evaluated.evaluation.sample.entries()
    assert len(samples) == 3
    assert all(entry["picture"].is_file() and entry["class"] for entry in samples)
    maps = evaluated.evaluation.sample.maps(evaluated.asked.runs[0], 2)
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
    run = first.asked.runs[0]
    assert len(next(iter(first.evaluation.sample.maps(run, 1).values()))) == 2
    evaluate.run(config_of(experiment, samples=4, epochs=(2,)), Progress())
    assert len(first.evaluation.sample.entries()) == 4
    assert len(list(first.evaluation.path.glob("samples/*.jpg"))) == 4
    assert first.evaluation.sample.maps(run, 1) == {}
    assert all(len(maps) == 4 for maps in first.evaluation.sample.maps(run, 2).values())
    evaluate.run(config_of(experiment, samples=4, resume=True), Progress())
    assert all(len(maps) == 4 for maps in first.evaluation.sample.maps(run, 1).values())


def test_ctrl_c_says_what_is_kept_and_what_goes_on(experiment, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("dogcam.commands.evaluate.command.score_pass", stop)
    with pytest.raises(
        Interrupted, match=r"finished cells are kept in .*test-limit6-calibrate6-true; the same command with --resume"
    ):
        evaluate.run(config_of(experiment), Progress())


def test_results_of_another_limit_are_not_touched(experiment):
    before = {
        path: path.stat().st_mtime_ns for path in experiment.path.glob("evaluation/test-limit12-calibrate12-true/*.parquet")
    }
    assert before
    evaluate.run(config_of(experiment, epochs=(1,)), Progress())
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_predicted_class_may_be_the_target(experiment):
    result = evaluate.run(config_of(experiment, epochs=(1,), target="predicted"), Progress())
    rows = result.evaluation.read(Cell(result.asked.runs[0], 1, "gradcam", LAYERS[-1], "default"))
    np.testing.assert_array_equal(rows["target"], rows["predicted"])
    assert result.evaluation.scope == "test-limit6-calibrate6-predicted"


class TestWhatMapsAreDrawnFor:
    def test_a_contrast_is_the_difference_of_two_classes(self, experiment):
        first, second, _ = experiment.document["dataset"]["classes"]
        asked = {"epochs": (2,), "methods": ("cam",)}
        maps = [
            evaluate.run(config_of(experiment, target=target, **asked), Progress()).evaluation.sample.maps(
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
        rows = result.evaluation.read(Cell(result.asked.runs[0], 2, "gradcam", LAYERS[-1], "default"))
        assert (rows["target"] != rows["predicted"]).all()
        assert (rows["probability"] <= 0.5).all()
        assert result.evaluation.about()["target"] == "second"
        assert result.analysis.scope.target == "second"

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
        cells = {astuple(row.map) for row in result.rows() if not row.baseline}
        assert cells >= {("gradcam", fused), ("layercam", fused), ("gradcam", LAYERS[1]), ("layercam", LAYERS[2])}
        maps = result.evaluation.sample.maps(result.asked.runs[0], 2)
        parts = [np.maximum(maps["gradcam", layer][0], 0) for layer in LAYERS[1:]]
        assert maps["gradcam", fused].shape[1:] == parts[0].shape
        top = [part / part.max() if part.max() > 0 else part for part in parts]
        large = [cv2.resize(each, parts[0].shape[::-1], interpolation=cv2.INTER_LINEAR) for each in top]
        np.testing.assert_allclose(maps["gradcam", fused][0], np.maximum(*large), atol=1e-5)

        path = result.evaluation.path / Cell(result.asked.runs[0], 2, "layercam", fused, "default").file_name
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
        assert smooth.analysis.scope.smooth == ("flip", "scale")
        one, other = (each.evaluation.sample.maps(each.asked.runs[0], 2)["gradcam", LAYERS[-1]] for each in (plain, smooth))
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
        rows = result.evaluation.read(Cell(result.asked.runs[0], 2, "ablationcam", LAYERS[-1], "default"))
        flags += rows["flagged"].tolist()
        model = keras.models.load_model(experiment.checkpoint(result.asked.runs[0], 2))
        records = limited(open_dataset(experiment.document["config"]["dataset"]).splits["test"], 3)
        inputs = np.stack([squash(each.image.pixels(), (96, 96)) for each in records]).astype(np.float32) / 127.5 - 1
        scores += model.predict(inputs, verbose=0)[:, names.index(name)].tolist()
        others = result.evaluation.read(Cell(result.asked.runs[0], 2, "occlusion", "input", "default"))
        assert not others["flagged"].any()
    assert flags == [score <= 0 for score in scores]
    assert any(flags), "of three classes' logits, some are not above 0"
    assert any("its formula does not hold for" in text for text in progress.warnings)
    assert any(title.startswith("faster-scorecam at") for title, _ in progress.tasks)


def test_boxes_that_never_look_are_in_every_table_asked_for_or_not(experiment):
    asked = ("whole-image", "cam", "random-map")
    result = evaluate.run(config_of(experiment, epochs=(2,), methods=asked, protocols=("cam2016",)), Progress())
    assert {row.map.method for row in result.rows() if not row.baseline} == {"cam", "mean-activation"}
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


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    from dogcam.experiment import selection

    folder = tmp_path_factory.mktemp("whole") / "tiny"
    shutil.copytree(trained.experiment.path, folder)
    data = selection.open_dataset("synthetic:3")
    bare = replace(limited(data.splits["test"], 12)[0], boxes=np.zeros((0, 4)))
    test = tuple(bare if record.id == bare.id else record for record in data.splits["test"])
    data = replace(data, splits={**data.splits, "test": test}, problems=(unannotated(bare.id),))
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


class TestEverythingAskedFor:
    """Both runs, two epochs, two protocols, and all that can be asked for beside the scores; one picture has no box."""

    def test_rows_over_runs_are_means_of_the_runs_with_intervals_over_both(self, whole):
        analysis = whole.analysis
        rows = {(row.runs, row.epoch, row.map, row.protocol): row for row in analysis.scores}
        over = [row for row in analysis.over_runs if not row.baseline]
        assert {row.epoch for row in over} == {1, 2}
        for row in over:
            assert row.runs == (1, 2)
            each = [rows[(run,), row.epoch, row.map, row.protocol] for run in (1, 2)]
            for name in ("mean_iou", "median_iou"):
                assert row.value(name) == pytest.approx(np.mean([one.value(name) for one in each]))
            for found in (row.scores[name] for name in ("mean_iou", "median_iou", "pxap") if name in row.scores):
                assert found.low < found.value < found.high
        single, several = ([row for row in rows if row.baseline] for rows in (analysis.scores, analysis.over_runs))
        assert single == several

    def test_every_line_of_a_method_says_how_it_stands_to_what_never_looks(self, whole):
        families = {(each.protocol, each.epoch): [] for each in whole.analysis.comparisons}
        for each in whole.analysis.comparisons:
            families[each.protocol, each.epoch].append(each.runs)
            assert {line.verdict for line in each.looking} <= {"above", "below", "undecided"}
            assert [line.verdict for line in each.lines if each.unseen in line.maps] == [None]
        assert families == {key: [(1, 2), (1,), (2,)] for key in product(("default", "cam2016"), (1, 2))}

    def test_a_picture_without_a_box_is_named_counted_and_scored_for_faithfulness_only(self, whole):
        (problem,) = whole.problems
        assert problem.reason == "no annotated box"
        assert (whole.counted.images, whole.counted.unannotated) == (11, 1)
        assert [(each.id, each.reason) for each in whole.analysis.problems] == [(problem.id, problem.reason)]
        assert whole.evaluation.problems() == [{"id": problem.id, "reason": "no annotated box"}]
        cell = next(each for each in whole.evaluation.cells() if each.run)
        assert problem.id not in whole.evaluation.read(cell)["image"]
        scored = whole.evaluation.read_faithfulness(replace(cell, protocol=""))
        assert scored["image"].tolist()[0] == problem.id
        assert scored["boxed"].tolist() == [False, True], "and one with a box, as asked for"

    def test_groups_of_every_kind_are_in_the_summary(self, whole):
        known = {(each.lines[0].cell.protocol, each.by): each for each in whole.analysis.groups}
        assert known.keys() == set(product(("default", "cam2016"), ("breed", "size", "animals", "right")))
        breeds = known["default", "breed"]
        assert sum(group.n for group in breeds.groups) == 11
        line = next(each for each in breeds.lines if each.cell.method == "gradcam")
        rows = whole.evaluation.read(line.cell)
        assert line.cell == Cell(whole.analysis.run, 2, "gradcam", LAYERS[-1], "default")
        first = [label == 0 for label in rows["label"]]
        assert line.mean_iou[0].value == pytest.approx(rows["iou"][first].mean())

    def test_a_decomposition_goes_from_pipeline_to_pipeline_and_is_kept_with_its_figure(self, whole):
        (found,) = whole.asked.decompositions
        numbers = found.numbers
        ends = [
            whole.evaluation.read(Cell(1, 2, "cam", LAYERS[-1], "cam2016"))["iou"].mean(),
            numbers.start.value + numbers.total.value,
        ]
        assert (numbers.start.value, numbers.end.value) == pytest.approx(ends, abs=1e-6)
        steps = {step.label: step.average.value for step in numbers.steps}
        assert steps["method"] == 0, "at the pooled layer, with a logit score"
        assert sum(steps.values()) == pytest.approx(numbers.total.value)
        assert whole.analysis.decompositions == (found,)
        (figure,) = whole.evaluation.path.glob("decompositions/*.png")
        assert figure.read_bytes().startswith(b"\x89PNG")

    def test_training_dynamics_and_the_claims_are_there_with_their_verdicts(self, whole):
        assert {each.protocol for each in whole.analysis.dynamics} == {"default", "cam2016"}
        verdicts = {(each.claim, each.protocol): each.verdict for each in whole.analysis.claims}
        assert verdicts["above", "default"] == "identical"
        assert set(verdicts.values()) <= {"supported", "contradicted", "undecided", "identical"}

    def test_every_field_of_the_summary_is_documented(self, whole):
        document = json.loads((whole.experiment.path / "evaluation" / "summary.json").read_text())
        assert document["schema_version"] == SCHEMA_VERSION
        known = [re.compile(re.escape(path).replace(r"\*", "[^.]+")) for path in fields()]
        assert [path for path in leaves(document) if not any(each.fullmatch(path) for each in known)] == []

    def test_tables_are_written_as_csv(self, whole):
        folder = whole.experiment.path / "evaluation" / "csv"
        with (folder / "scores.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(whole.analysis.scores)
        assert float(rows[0]["mean_iou"]) == pytest.approx(whole.analysis.scores[0].value("mean_iou"))
        assert {path.stem for path in folder.iterdir()} == TABLES.keys(), "everything was asked for"

    def test_the_report_shows_the_gap_and_the_faithfulness(self, whole):
        keys = [exhibit.key for exhibit in compose(whole.experiment).exhibits]
        assert keys[-5:] == ["dynamics", "groups", "faithfulness", "decomposition", "galleries"]

    def test_what_was_scored_for_faithfulness_on_other_pictures_is_not_resumed(self, whole):
        config = replace(whole.asked.config, resume=True, faithfulness=3, experiment=str(whole.experiment.path))
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


def test_the_box_of_another_class_locates_none(experiment):
    result = evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",), target="second"), Progress())
    assert not any("top1_loc" in row.scores for row in result.rows())
