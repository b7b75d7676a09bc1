"""What `dogcam evaluate` scores: whose models, which pictures and protocols, and what thresholds are chosen on."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from evaluating import LAYERS, config_of

from dogcam.analysis.tables import Tables
from dogcam.boxes import drawing
from dogcam.boxes.drawing import predicted_box
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.commands.evaluate import command as evaluate
from dogcam.commands.explain import command as explain
from dogcam.core.config import ExplainConfig
from dogcam.core.errors import ExperimentError, InputError, LayerError, OptionError, UnknownName
from dogcam.core.progress import Progress
from dogcam.data.opening import open_dataset
from dogcam.data.pipeline import limited, squash
from dogcam.engine import HeatmapEngine
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment
from dogcam.models.classifier import load_trained


def test_an_unfinished_experiment_is_evaluated_with_a_warning(experiment, listener):
    experiment.update_document(status="training")
    progress = listener()
    evaluate.run(config_of(experiment, epochs=(1,), methods=("cam",), calibrate=12), progress)
    assert progress.warnings == ["tiny is not trained to its end: dogcam train --resume --name tiny"]


def test_an_experiment_whose_history_is_gone_is_a_clear_error(experiment):
    (experiment.path / "history.csv").unlink()
    with pytest.raises(ExperimentError, match="knows none of the kept runs; name one with --run"):
        evaluate.run(config_of(experiment), Progress())
    assert evaluate.run(config_of(experiment, run="1", epochs=(1,), methods=("cam",)), Progress()).asked.runs == (1,)


def test_an_experiment_file_that_lacks_its_parts_is_a_clear_error(experiment):
    (experiment.path / "experiment.json").write_text('{"schema_version": 1, "status": "finished"}')
    with pytest.raises(ExperimentError, match="lacks config, dataset, model"):
        evaluate.run(config_of(experiment), Progress())


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
    assert (result.counted.images, result.counted.unannotated) == (0, 2)
    assert any("2 of 2 pictures have no usable box: they are scored for faithfulness only" in each for each in
               progress.warnings)  # fmt: skip
    assert result.rows(single=True) == []
    scored = {row.cell.method: row for row in result.analysis.faithfulness.rows}
    assert {"gradcam", "mean-activation", "random-map", "centre-gaussian", "random-weights"} == set(scored)
    assert (scored["gradcam"].n, scored["gradcam"].n_without_boxes) == (2, 2)
    assert 0 <= scored["gradcam"].value("deletion") <= 1
    assert scored["gradcam"].value("pointing") is None, "there is nothing to point at"
    with pytest.raises(InputError, match="compares boxes with annotated ones, and no picture has one"):
        evaluate.run(config_of(experiment, epochs=(2,), limit=2, decompose=("cam:gradcam",)), Progress())


class TestAProtocolOfTheUsersOwn:
    def write(self, folder, threshold, name="mine"):
        (folder / f"{name}.toml").write_text(f"relu = true\nthreshold = {threshold}\n")
        return str(folder / f"{name}.toml")

    def test_its_rows_are_those_of_its_fields_and_the_report_knows_them(self, experiment, tmp_path):
        asked = {"epochs": (2,), "methods": ("gradcam",)}
        protocols = (self.write(tmp_path, 0.15), self.write(tmp_path, 0.6, "strict"), "gradcam2017")
        result = evaluate.run(config_of(experiment, protocols=protocols, **asked), Progress())
        cells = [Cell(result.asked.runs[0], 2, "gradcam", LAYERS[-1], name) for name in ("mine", "strict", "gradcam2017")]
        mine, strict, known = (result.evaluation.read(cell) for cell in cells)
        np.testing.assert_array_equal(mine["iou"], known["iou"])
        assert strict["area"].mean() < known["area"].mean()
        latest = experiment.evaluations()[0]
        assert latest.path == result.evaluation.path, "the latest of the limited ones"
        assert Tables.of(experiment, latest).protocol("strict").threshold == 0.6

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


@pytest.fixture(scope="module")
def chosen(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("thresholds") / "tiny"
    shutil.copytree(trained.experiment.path, folder)
    protocols = ("default", "wsol-v1", "wsol-v2")
    asked = {"epochs": (2,), "methods": ("gradcam",), "layers": LAYERS[-1:], "protocols": protocols, "limit": 15}
    return evaluate.run(config_of(Experiment(folder), calibrate=9, **asked), Progress())


def row_of(result, method, protocol):
    """What a method scored, of one run and one layer."""
    return next(row for row in result.analysis.scores if (row.map.method, row.protocol) == (method, protocol))


class TestThresholds:
    """Those of `default` are chosen on training pictures; those of the wsol protocols on the pictures evaluated."""

    def cell(self, chosen, protocol):
        return Cell(chosen.asked.runs[0], 2, "gradcam", LAYERS[-1], protocol)

    def test_calibrated_on_training_pictures_evenly_over_the_classes_and_their_ids_are_kept(self, chosen):
        kept = chosen.evaluation.about()["calibration"]
        assert (kept["split"], kept["asked"], len(kept["ids"])) == ("train", 9, 9)
        records = {record.id: record for record in open_dataset("synthetic:3").splits["train"]}
        assert sorted(records[each].label for each in kept["ids"]) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert list(chosen.analysis.scope.calibrated_on) == kept["ids"]
        seen = {record.id for record in limited(open_dataset("synthetic:3").splits["train"], 24)}
        assert not seen & set(kept["ids"]), "training was limited, so that there are pictures it never saw"

    def test_the_calibrated_one_is_the_best_for_those_pictures(self, chosen, trained):
        """Boxes drawn at each threshold by the plain function, one map after the other."""
        choice = chosen.evaluation.choice(self.cell(chosen, "default"))
        assert (choice.source, choice.pictures) == ("calibrated", 9)
        records = {record.id: record for record in open_dataset("synthetic:3").splits["train"]}
        of = [records[each] for each in chosen.evaluation.about()["calibration"]["ids"]]
        classifier = load_trained(trained.experiment, chosen.asked.runs[0], 2)
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
        row = row_of(chosen, "gradcam", "default")
        curves = chosen.evaluation.long(self.cell(chosen, "default"))["curve"]
        assert row.value("oracle_iou") == pytest.approx(curves.mean(axis=0).max(), abs=1e-6)
        assert row.value("oracle_gap") == pytest.approx(row.value("oracle_iou") - row.value("mean_iou"), abs=1e-9)
        assert row.value("oracle_gap") >= 0
        mean = row.scores["mean_iou"]
        assert mean.low < mean.value < mean.high
        assert row.threshold_from == "calibrated"

    @pytest.mark.parametrize(("name", "levels"), [("wsol-v1", [0.5]), ("wsol-v2", [0.3, 0.5, 0.7])])
    def test_max_box_acc_is_the_best_share_over_thresholds_of_the_evaluated_pictures(self, chosen, name, levels):
        cell = self.cell(chosen, name)
        curves = chosen.evaluation.long(cell)["curve"]
        assert curves.shape == (15, 1000)
        expected = np.mean([max((curves[:, t] >= np.float32(level)).mean() for t in range(1000)) for level in levels])
        assert row_of(chosen, "gradcam", name).value("max_box_acc") == pytest.approx(expected)
        assert chosen.evaluation.choice(cell).source == "best"
        place = round(chosen.evaluation.choice(cell).threshold * 1000)
        np.testing.assert_allclose(curves[:, place], chosen.evaluation.read(cell)["iou"], atol=1e-6)

    def test_pixels_inside_and_outside_the_drawn_animals_are_kept(self, chosen):
        long = chosen.evaluation.long(self.cell(chosen, "default"))
        np.testing.assert_array_equal(long["inside"].sum(axis=1) + long["outside"].sum(axis=1), 224 * 224)
        record = open_dataset("synthetic:3").splits["test"][0]
        place = chosen.evaluation.read(self.cell(chosen, "default"))["image"].tolist().index(record.id)
        assert long["inside"][place].sum() / 224**2 == pytest.approx(record.mask().mean(), abs=0.01)
        assert 0 < row_of(chosen, "gradcam", "default").value("pxap") < 1

    def test_a_box_that_never_looks_has_no_threshold_but_a_max_box_acc(self, chosen):
        row = row_of(chosen, "whole-image", "wsol-v1")
        assert row.threshold is None
        iou = chosen.evaluation.read(Cell(0, 0, "whole-image", "", "wsol-v1"))["iou"]
        assert row.value("max_box_acc") == pytest.approx((iou >= 0.5).mean())

    def test_curves_are_in_the_summary(self, chosen):
        by = {(each.cell.method, each.cell.protocol): each for each in chosen.analysis.curves}
        curve = by["gradcam", "default"]
        assert len(curve.mean_iou) == len(curve.thresholds) == 100
        assert max(curve.mean_iou) == pytest.approx(curve.mean_iou[round(curve.oracle * 100)])

    def test_explaining_draws_at_the_threshold_that_evaluating_chose(self, chosen, tmp_path):
        config = ExplainConfig.of(
            images=(chosen.evaluation.sample.entries()[0]["id"],),
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
        assert {row.threshold for row in result.analysis.scores if row.map.layer} == {0.15}
        assert result.evaluation.about()["calibration"] is None

    def test_tables_by_an_earlier_version_of_a_protocol_are_not_mixed_with_new_ones(self, experiment):
        result = evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",)), Progress())
        about = result.evaluation.about()
        about["protocols"]["default"]["version"] = 1
        result.evaluation.write_about(about)
        with pytest.raises(OptionError, match="version 1, not 2; move that folder away"):
            evaluate.run(config_of(experiment, epochs=(2,), methods=("cam",)), Progress())


def test_of_wsol_there_is_no_gap_to_an_oracle_that_it_is_itself(chosen):
    for name in ("wsol-v1", "wsol-v2"):
        assert "oracle_gap" not in row_of(chosen, "gradcam", name).scores
    assert row_of(chosen, "gradcam", "default").value("oracle_gap") >= 0
