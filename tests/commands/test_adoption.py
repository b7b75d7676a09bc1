"""Somebody else's model on annotated pictures: as an experiment that is evaluated and reported like our own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from dogcam.commands import report
from dogcam.commands.adoption import recognised, relabelled
from dogcam.commands.evaluate import command as evaluate
from dogcam.core.config import EvaluateConfig, ReportConfig
from dogcam.core.errors import ExperimentError, InputError
from dogcam.core.progress import Progress
from dogcam.data.opening import open_dataset
from dogcam.data.pipeline import limited, squash
from dogcam.experiment.evaluations import Cell
from dogcam.experiment.runs import Experiment
from dogcam.models.classifier import foreign

DATA = "synthetic:3"


def network(shape=(40, 60, 3), classes=3, seed=1) -> keras.Model:
    """A backbone used as a layer, non-square input, softmax."""
    keras.utils.set_random_seed(seed)
    body = keras.Sequential(
        [keras.Input(shape), keras.layers.Conv2D(4, 3, strides=4, activation="relu", name="conv")], name="body"
    )
    inputs = keras.Input(shape)
    pooled = keras.layers.GlobalAveragePooling2D()(body(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(pooled))


@pytest.fixture(scope="module")
def dataset():
    return open_dataset(DATA)


@pytest.fixture(scope="module")
def scored(tmp_path_factory, dataset):
    """The result of scoring it, in a folder to read only."""
    folder = tmp_path_factory.mktemp("adopted")
    network().save(folder / "my.keras")
    # Another order and another spelling than the dataset's.
    names = [name.upper().replace(" ", "_") for name in reversed(dataset.classes)]
    (folder / "names.txt").write_text("\n".join(names))
    return folder, evaluate.run(config(folder), Progress())


@pytest.fixture
def folder(scored, tmp_path):
    """A copy to write to of a folder where the model, its names and what was scored of it lie."""
    return Path(shutil.copytree(scored[0], tmp_path / "adopted"))


def config(folder, **changes) -> EvaluateConfig:
    given = {
        "model": str(folder / "my.keras"), "labels": str(folder / "names.txt"), "preprocess": "unit", "dataset": DATA,
        "home": str(folder / "runs"), "limit": 6, "samples": 2, "methods": ("cam", "gradcam"),
    }  # fmt: skip
    return EvaluateConfig(**{**given, **changes})


def test_its_rows_are_those_of_the_model_asked_by_keras_alone(scored, dataset):
    folder, result = scored
    assert result.experiment.path == folder / "runs" / "my.keras-on-synthetic-3"
    rows = result.evaluation.read(Cell(1, 0, "gradcam", "body/conv", "default"))
    records = limited(dataset.splits["test"], 6)
    inputs = np.stack([squash(record.image.pixels(), (40, 60)) for record in records]) / np.float32(255)
    shares = network().predict(inputs, verbose=0)
    labels = [2 - record.label for record in records]  # the model's classes are in the reverse order
    assert rows["image"].tolist() == [record.id for record in records]
    assert rows["label"].tolist() == rows["target"].tolist() == labels
    np.testing.assert_allclose(rows["probability"], shares[np.arange(6), labels], atol=1e-5)
    np.testing.assert_array_equal(rows["predicted"], shares.argmax(axis=1))
    assert {row.map.method for row in result.rows() if not row.baseline} == {"cam", "gradcam", "mean-activation"}


def test_more_methods_are_added_to_it_and_it_is_reported(folder):
    second = evaluate.run(config(folder, methods=("layercam",), resume=True), Progress())
    assert {row.map.method for row in second.analysis.scores if not row.baseline} == {
        "cam",
        "gradcam",
        "layercam",
        "mean-activation",
    }
    made = report.run(ReportConfig(home=str(folder / "runs")), Progress())
    page = next(path for path in made.paths if path.suffix == ".html").read_text(encoding="utf-8")
    assert "my.keras" in page
    assert "LayerCAM" in page


def test_another_model_or_other_data_under_the_same_name_are_refused(folder):
    network(seed=2).save(folder / "my.keras")
    with pytest.raises(ExperimentError, match="is of another model: choose another --name"):
        evaluate.run(config(folder), Progress())
    assert evaluate.run(config(folder, name="second"), Progress()).experiment.name == "second"
    document = Experiment(folder / "runs" / "second").document
    document["dataset"]["fingerprint"] = "0" * 64
    Experiment(folder / "runs" / "second").write_document(document)
    with pytest.raises(ExperimentError, match="is of another data"):
        evaluate.run(config(folder, name="second"), Progress())


def test_it_is_not_evaluated_as_if_we_had_trained_it(folder):
    with pytest.raises(ExperimentError, match=r"somebody else's model: evaluate it by --model .*my\.keras --dataset synthetic:3"):
        evaluate.run(EvaluateConfig(home=str(folder / "runs")), Progress())


class TestMatchingOfClasses:
    def named(self, *names):
        return foreign(network(classes=len(names)), "unit", names, name="theirs")

    def test_by_whole_names_however_they_are_spelled(self, dataset):
        first, second, third = dataset.classes
        moved = relabelled(dataset, self.named(f"{third}".upper(), "cat", first.replace(" ", "-"), second))
        assert moved.classes[0] == third.upper()
        for old, new in zip(dataset.splits["test"], moved.splits["test"], strict=True):
            assert new.label == {0: 2, 1: 3, 2: 0}[old.label]
            assert new.id == old.id

    def test_by_one_of_several_names(self, dataset):
        first, second, third = dataset.classes
        moved = relabelled(dataset, self.named(f"{second}, some dog", f"a hound, {first}", third))
        assert {record.label for record in moved.splits["test"]} == {0, 1, 2}
        assert moved.splits["test"][0].label == {0: 1, 1: 0, 2: 2}[dataset.splits["test"][0].label]

    def test_without_names_by_number(self, dataset):
        assert relabelled(dataset, foreign(network(), "unit")) is dataset
        with pytest.raises(InputError, match=r"has 4 classes without names and synthetic.* has 3: say which is which"):
            relabelled(dataset, foreign(network(classes=4), "unit", name="theirs"))

    def test_an_unknown_class_is_named_with_the_nearest(self, dataset):
        first, second, third = dataset.classes
        with pytest.raises(InputError, match=f"theirs does not know the class '{third}'"):
            relabelled(dataset, self.named(first, second, "cat"))

    def test_one_that_is_there_twice_is_ambiguous(self, dataset):
        first, second, third = dataset.classes
        with pytest.raises(InputError, match=f"theirs has 2 classes called '{third}'"):
            relabelled(dataset, self.named(first, second, third, third))

    def test_for_looking_at_pictures_a_class_that_is_not_known_is_none_and_said(self, dataset, listener):
        first, second, third = dataset.classes
        progress = listener()
        moved = recognised(dataset, self.named(second.upper(), "cat", third, third), progress)
        assert {(old.label, new.label) for old, new in self.pairs(dataset, moved)} == {(0, None), (1, 0), (2, None)}
        assert {(old.label, new.present) for old, new in self.pairs(dataset, moved)} == {(0, ()), (1, (0,)), (2, ())}
        (said,) = progress.warnings
        assert f"theirs does not know 2 of the 3 classes of {dataset.name} ({first}, {third})" in said

    def test_for_looking_at_pictures_too_labels_hold_by_number_where_names_are_missing(self, dataset, listener):
        progress = listener()
        moved = recognised(dataset, foreign(network(), "unit"), progress)
        assert all(old.label == new.label for old, new in self.pairs(dataset, moved))
        other = recognised(dataset, foreign(network(classes=4), "unit"), progress)
        assert {record.label for record in other.splits["test"]} == {None}
        assert len(progress.warnings) == 1

    @pytest.mark.parametrize(("extra", "expected"), [((), (7, 90, 3)), (("cat",), ())])
    def test_the_datasets_own_numbers_of_classes_hold_where_all_have_one(self, dataset, extra, expected):
        first, second, third = dataset.classes
        numbered = replace(dataset, class_numbers=(90, 3, 7))
        assert tuple(relabelled(numbered, self.named(third, first, second, *extra)).class_numbers) == expected

    @staticmethod
    def pairs(old, new):
        return list(zip(old.splits["test"], new.splits["test"], strict=True))


def test_boxes_are_scored_on_the_predicted_class_of_pictures_whose_class_the_model_does_not_know(folder, listener):
    (folder / "names.txt").write_text("ant\nbee\ncrab")
    progress = listener()
    with pytest.raises(InputError, match="--target predicted does without"):
        evaluate.run(config(folder), progress)
    result = evaluate.run(config(folder, name="strange", target="predicted", methods=("gradcam",)), progress)
    rows = result.evaluation.read(Cell(1, 0, "gradcam", "body/conv", "default"))
    assert any("does not know 3 of the 3 classes" in each for each in progress.warnings)
    assert np.isnan(rows["label"].astype(float)).all()
    assert np.isnan(rows["rank"].astype(float)).all()
    np.testing.assert_array_equal(rows["target"], rows["predicted"])
    whole = result.evaluation.read(Cell(0, 0, "whole-image", "", "default"))
    np.testing.assert_allclose(
        whole["iou"], [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).max() for boxes in whole["truth"]], rtol=1e-6
    )
    assert (result.counted.images, result.counted.left_out) == (6, 0)
