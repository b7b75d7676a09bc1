"""dogcam from Python: what `load` takes, what `explain` and `evaluate` give, and what they say of wrong input."""

from __future__ import annotations

import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import dogcam
from dogcam.analysis import analysis
from dogcam.analysis.analysis import read_analysis
from dogcam.analysis.flat import TABLES
from dogcam.api import evaluate, explain, load
from dogcam.boxes import drawing
from dogcam.boxes.protocols import PROTOCOLS
from dogcam.core.errors import DogcamError, ExperimentError, InputError, OptionError, UnknownName
from dogcam.core.records import to_plain
from dogcam.data.pipeline import squash
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment

NAMES = ("beagle", "basset", "boxer")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    body = keras.Sequential([keras.Input((24, 32, 3)), keras.layers.Conv2D(4, 3, strides=2, activation="relu")], name="b")
    inputs = keras.Input((24, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(body(inputs))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(pooled))


@pytest.fixture(scope="module")
def classifier(model):
    return load(model, preprocess="unit", classes=NAMES)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40, 50, 3), np.uint8), rng.integers(0, 256, (70, 30, 3), np.uint8)]


class TestLoading:
    def test_a_classifier_is_taken_as_it_is(self, classifier):
        assert load(classifier) is classifier

    def test_a_model_is_not_changed(self, model, pictures):
        before = model.get_config(), [weight.copy() for weight in model.get_weights()]
        explain(load(model, "unit"), pictures, methods=["cam", "gradcam", "ablationcam"])
        assert model.get_config() == before[0]
        for now, then in zip(model.get_weights(), before[1], strict=True):
            np.testing.assert_array_equal(now, then)

    def test_preprocessing_may_be_a_function(self, model, pictures):
        asked = []

        def prepare(pixels):
            asked.append(pixels.copy())
            return pixels / 255

        same = explain(load(model, prepare), pictures[:1]).logits
        np.testing.assert_allclose(same, explain(load(model, "unit"), pictures[:1]).logits, rtol=1e-5)
        assert asked[0].shape == (1, 24, 32, 3)
        assert asked[0].max() > 1

    def test_what_explain_takes_by_name(self, experiment):
        home = str(experiment.path.parent)
        found = load("tiny", home=home, run=1, epochs=(2,))
        assert found.name == "tiny run 1 epoch 2"
        assert load(str(experiment.checkpoint(1, 2))).name == "tiny run 1 epoch 2"
        assert load("tiny", home=home, classes=("a", "b", "c"), name="mine").classes == ("a", "b", "c")

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ((object(), "unit"), DogcamError, "no graph to look into"),
            (("my.keras", np.sqrt), OptionError, "preprocess as a function goes with a Keras model"),
            (("nothing-here.keras", "unit"), DogcamError, "there is no model file"),
        ],
    )
    def test_what_cannot_be_loaded(self, arguments, error, words):
        with pytest.raises(error, match=words):
            load(*arguments)

    def test_how_pixels_are_prepared_has_to_be_said(self, model):
        with pytest.raises(OptionError, match="does not know how its pixels are to be prepared"):
            load(model)
        with pytest.raises(UnknownName, match="preprocessing 'unti'; the nearest: unit"):
            load(model, "unti")


class TestExplaining:
    def test_maps_logits_and_boxes_are_those_of_each_picture_alone(self, model, classifier, pictures):
        found = explain(classifier, pictures, methods=["gradcam", "cam"], batch_size=1)
        inputs = np.stack([squash(each, (24, 32)) for each in pictures]) / np.float32(255)
        shares = model.predict(inputs, verbose=0)
        np.testing.assert_allclose(found.probabilities, shares, atol=1e-5)
        np.testing.assert_array_equal(found.targets, shares.argmax(axis=1))
        features = keras.Model(model.layers[1].inputs, model.layers[1].outputs).predict(inputs, verbose=0)
        kernel = model.layers[-1].kernel.numpy()[:, found.targets]
        expected = np.einsum("bijk,kb->bij", features, kernel)
        layer = classifier.stages[-1]
        np.testing.assert_allclose(found.maps["cam", layer], expected, atol=1e-5)
        for number, picture in enumerate(pictures):
            box = drawing.predicted_box(found.maps["cam", layer][number], PROTOCOLS["default"], picture.shape[:2])
            np.testing.assert_allclose(found.boxes["cam", layer][number], np.full(4, np.nan) if box is None else box)

    def test_one_picture_is_a_batch_of_one_and_numbers_may_be_of_any_kind(self, classifier, pictures):
        one = explain(classifier, pictures[0])
        assert len(one.targets) == 1
        for kind in (np.int64, np.float32):
            again = explain(classifier, pictures[0][None].astype(kind))
            np.testing.assert_array_equal(again.logits, one.logits)

    def test_targets_by_name_by_place_and_as_a_contrast(self, classifier, pictures):
        layer = classifier.stages[-1]
        beagle, boxer = (explain(classifier, pictures, ["cam"], target=name) for name in ("beag", "boxer"))
        contrast = explain(classifier, pictures, ["cam"], target="beagle:boxer")
        difference = beagle.maps["cam", layer] - boxer.maps["cam", layer]
        np.testing.assert_allclose(contrast.maps["cam", layer], difference, atol=1e-5)
        assert contrast.against.tolist() == [2, 2]
        second = explain(classifier, pictures, target="second")
        np.testing.assert_array_equal(second.targets, np.argsort(-second.logits, axis=1)[:, 1])
        known = explain(classifier, pictures, target="true", labels=[2, 0])
        assert known.targets.tolist() == [2, 0]
        with pytest.raises(InputError, match="picture 0: --target true, but its true class is not known"):
            explain(classifier, pictures, target="true")

    def test_a_figure_has_a_picture_for_every_map_and_names_the_classes(self, classifier, pictures):
        found = explain(classifier, pictures, ["gradcam", "saliency"], target="beagle:boxer")
        figure = found.figure(1)
        words = " ".join(text.get_text() for text in figure.texts)
        assert len([axes for axes in figure.axes if axes.get_gid() != "scale"]) == 1 + len(found.maps)
        for word in ("Grad-CAM", "saliency", "beagle", "against boxer", "input"):
            assert word in words

    def test_nothing_is_printed(self, classifier, pictures, capsys):
        explain(classifier, pictures, ["scorecam"], fuse=None, smooth=("flip",)).figure()
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (np.zeros(4, np.uint8), r"an array \(H, W, 3\) of numbers from 0 to 255; received uint8 \(4,\)"),
            (np.zeros((2, 4, 4, 4), np.uint8), r"received uint8 \(4, 4, 4\)"),
            (np.random.default_rng(0).random((4, 4, 3)), "these end at 1: multiply by 255"),
            (np.full((4, 4, 3), -1.0), "received -1 to -1"),
            (np.full((4, 4, 3), np.nan), "received nan to nan"),
            (np.array([[["a", "b", "c"]]]), "an array"),
            ([], "at least one picture"),
        ],
    )
    def test_what_is_no_picture_is_said(self, classifier, given, words):
        with pytest.raises(InputError, match=words):
            explain(classifier, given)

    def test_a_black_picture_among_others_and_grey_ones_are_pictures(self, classifier, pictures):
        black = explain(classifier, [np.zeros((9, 9, 3), np.float32), pictures[0].astype(np.float32)])
        assert len(black.targets) == 2
        grey = pictures[0][..., 0]
        coloured = explain(classifier, np.stack([grey] * 3, axis=2)).logits
        for one in (grey, grey[..., None]):
            np.testing.assert_array_equal(explain(classifier, one).logits, coloured)

    def test_one_name_may_stand_for_a_list_of_it_and_a_number_for_a_class(self, classifier, pictures):
        found = explain(classifier, pictures, "gradcam", classifier.stages[-1], 2, smooth="flip")
        assert list(found.maps) == [("gradcam", classifier.stages[-1])]
        assert found.targets.tolist() == [2, 2]

    @pytest.mark.parametrize("labels", [[-1, 0], [0, 3], [0.0, 1.0], [1], ["beagle", "boxer"]])
    def test_labels_that_are_no_classes_are_refused(self, classifier, pictures, labels):
        with pytest.raises(InputError, match="labels must be 2 whole numbers from 0 to 2; received"):
            explain(classifier, pictures, target="true", labels=labels)

    @pytest.mark.parametrize(
        ("options", "words"),
        [({"batch_size": 0}, "batch_size must be at least 1"), ({"mask_batch": 2.5}, "a whole number of at least 1")],
    )
    def test_sizes_of_batches_are_checked(self, classifier, pictures, options, words):
        with pytest.raises(OptionError, match=words):
            explain(classifier, pictures, **options)


def test_what_load_would_not_use_is_refused(model, classifier):
    with pytest.raises(OptionError, match="a Keras model takes no clases, home"):
        load(model, "unit", clases=["a"], home="x")
    with pytest.raises(OptionError, match="a classifier that is loaded brings its preprocessing"):
        load(classifier, "unit")
    assert load(classifier, classes=["x", "y", "z"]).classes == ("x", "y", "z")


class TestAnExperiment:
    @pytest.fixture(scope="class")
    def scored(self, trained, tmp_path_factory):
        """Evaluated from Python alone: its folder, and what `evaluate` gave."""
        path = tmp_path_factory.mktemp("home") / "mine"
        shutil.copytree(trained.experiment.path, path)
        return path, evaluate(path, methods="cam", limit=12, epochs=2, run=1, calibrate=6, samples=2)

    def test_what_is_scored_is_what_the_command_scores(self, scored):
        path, found = scored
        rows = {(row.map.method, row.epoch, row.runs) for row in found.scores if not row.baseline}
        assert rows == {("cam", 2, (1,)), ("mean-activation", 2, (1,))}
        assert (found.experiment, found.scope.name) == ("mine", "test-limit12-calibrate6-true")
        evaluation = Experiment(path).evaluations()[0]
        (row,) = (row for row in found.scores if row.map.method == "cam")
        iou = evaluation.read(Cell(1, 2, "cam", row.map.layer, "default"))["iou"]
        assert row.value("mean_iou") == pytest.approx(iou.mean())

    @pytest.mark.parametrize("name", ["mine", None])
    def test_it_is_read_again_by_name_or_as_the_newest_by_folder_and_as_an_experiment(self, scored, name):
        path, found = scored
        again = [read_analysis(name, home=str(path.parent)), read_analysis(path), read_analysis(Experiment(path))]
        assert [to_plain(each) for each in again] == [to_plain(found)] * 3

    def test_it_is_read_and_not_computed_unless_tables_change(self, scored, tmp_path, monkeypatch):
        shutil.copytree(scored[0], tmp_path / "mine")
        experiment, computed = Experiment(tmp_path / "mine"), []
        compute = analysis.analyse
        monkeypatch.setattr(analysis, "analyse", lambda *which: computed.append(which) or compute(*which))
        assert to_plain(read_analysis(experiment)) == to_plain(scored[1])
        assert computed == []
        next(experiment.evaluations()[0].path.glob("*mean-activation*.parquet")).unlink()
        assert {row.map.method for row in read_analysis(experiment).scores if not row.baseline} == {"cam"}
        read_analysis(experiment)
        assert len(computed) == 1

    def test_reading_needs_no_tensorflow_and_no_figures(self, scored):
        code = (
            "import sys, dogcam\n"
            "found = dogcam.read_analysis(sys.argv[1])\n"
            "print(found.experiment, len(found.table('scores')), found.spoken().lines[0].rank)\n"
            "print(*{'tensorflow', 'keras', 'matplotlib'} & set(sys.modules))"
        )
        command = [sys.executable, "-c", code, str(scored[0])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == [f"mine {len(scored[1].scores)} 1", ""]

    @pytest.mark.parametrize("name", TABLES)
    def test_tables_are_tidy(self, evaluated, name):
        """A row an observation, no two of the same, no column twice, and no cell that holds a collection."""
        table = evaluated.analysis.table(name)
        assert len(set(table.column_names)) == len(table.column_names)
        rows = [tuple(row.items()) for row in table.to_pylist()]
        assert len(set(rows)) == len(rows)
        expected = {"over_runs": 0, "decompositions": 0, "faithfulness": 0, "scores": len(evaluated.analysis.scores)}
        assert len(rows) == expected.get(name, len(rows))
        assert name in expected or rows

    def test_a_table_that_is_not_there_is_answered_with_the_nearest(self, scored):
        with pytest.raises(UnknownName, match="the nearest: scores"):
            scored[1].table("score")

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"method": "cam"}, UnknownName, "unknown option 'method'; the nearest: methods"),
            ({"methods": ["gradcm"]}, UnknownName, "the nearest: gradcam"),
            ({"epochs": [9]}, UnknownName, "unknown epoch '9'"),
            ({"limit": "six"}, OptionError, "of the wrong kind"),
            ({"limit": 0}, OptionError, "--limit must be at least 1"),
            ({"home": "nowhere", "experiment": None}, ExperimentError, "no experiment under nowhere"),
        ],
    )
    def test_what_is_wrong_is_said_as_the_command_says_it(self, scored, options, error, words):
        with pytest.raises(error, match=words):
            evaluate(**{"experiment": scored[0], **options})

    def test_nothing_is_printed_and_progress_hears_of_it(self, scored, listener, capsys):
        progress = listener()
        evaluate(scored[0], methods=["cam"], limit=12, epochs=[2], run=1, calibrate=6, resume=True, progress=progress)
        assert "statistics" in [title for title, _ in progress.tasks]
        assert capsys.readouterr() == ("", "")

    def test_both_are_names_of_the_package(self):
        assert (dogcam.evaluate, dogcam.read_analysis) == (evaluate, read_analysis)
