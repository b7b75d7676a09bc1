"""`dogcam train` on pictures with several classes: each picture once, sigmoids, and what loss and accuracy then are."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from dogcam.commands import train
from dogcam.core.config import TrainConfig
from dogcam.core.errors import Interrupted
from dogcam.core.progress import Progress
from dogcam.data.pipeline import examples, read_pictures
from dogcam.experiment.runs import Experiment
from dogcam.models.classifier import load_trained


def measured(experiment, epoch, dataset, split):
    """Accuracy and loss of a kept epoch by their definitions, from its logits and the pictures' classes."""
    classifier = load_trained(experiment, 1, epoch)
    pictures = read_pictures(examples(dataset, split, None), classifier.size, "", Progress())
    logits = classifier.model.predict(classifier.inputs_of(pictures.images), verbose=0).astype(np.float64)
    there = np.array([[label in record.present for label in range(3)] for record in pictures.records])
    shares = 1 / (1 + np.exp(-logits))
    losses = -np.where(there, np.log(shares), np.log(1 - shares)).sum(axis=1)
    hits = [record.present.count(first) for record, first in zip(pictures.records, logits.argmax(1), strict=True)]
    return np.mean([hit for hit, record in zip(hits, pictures.records, strict=True) if record.present]), losses.mean()


@pytest.mark.parametrize("epoch", [1, 2])
def test_accuracy_is_hit_at_one_and_loss_the_sum_over_classes(several, epoch):
    dataset, result = several
    (row,) = [row for row in result.history if (row.epoch, row.split) == (epoch, "test")]
    accuracy, loss = measured(result.experiment, epoch, dataset, "test")
    assert row.accuracy == pytest.approx(accuracy, abs=1e-6)
    assert row.loss == pytest.approx(loss, rel=1e-5)


def test_the_experiment_remembers_it_and_its_models_are_read_by_sigmoids(several):
    _, result = several
    document = Experiment(result.experiment.path).document["dataset"]
    assert document["multilabel"] is True
    assert document["counts"] == {"train": 37, "test": 23}
    assert document["pictures"] == {"train": 19, "test": 19}
    classifier = load_trained(result.experiment, 1, 2)
    assert classifier.readout.activation == "sigmoid"
    assert classifier.probabilities(np.array([0.0, np.log(3), -np.log(3)])) == pytest.approx([0.5, 0.75, 0.25])
    # The file itself is an ordinary model that ends in logits, without a class of ours.
    model = keras.models.load_model(result.experiment.checkpoint(1, 2))
    assert model.layers[-1].activation is keras.activations.linear
    assert model.output_shape == (None, 3)


def test_what_cannot_be_read_is_named_by_its_picture_once(several):
    assert [problem.id for problem in several[1].problems] == ["test-19", "test-18"]


def test_each_picture_once_with_all_of_its_classes(several):
    dataset, _ = several
    found = examples(dataset, "train", None)
    assert [record.id for record in found] == [f"train-{number:02d}" for number in range(19)]
    assert [len(record.present) for record in found] == [number % 3 + 1 for number in range(18)] + [0]


@pytest.mark.parametrize("limit", [1, 4, 7, 12])
def test_a_limit_counts_pictures_and_spreads_over_their_rarest_classes(several, limit):
    found = examples(several[0], "train", limit)
    assert len(found) == limit
    if limit >= 4:
        assert {label for record in found for label in record.present} == {0, 1, 2}


def test_all_layers_learn_too_and_an_interruption_changes_nothing(several, tmp_path):
    _, result = several

    class Stop(Progress):
        def history(self, rows):
            if max(row.epoch for row in rows) == 1:
                raise KeyboardInterrupt

    whole = replace(result.config, trainable="all", limit=6, home=str(tmp_path / "whole"), name="all")
    expected = train.run(whole, Progress()).history
    with pytest.raises(Interrupted):
        train.run(replace(whole, home=str(tmp_path / "cut")), Stop())
    resumed = TrainConfig.create(**{**whole.document(), "home": str(tmp_path / "cut"), "name": "all", "resume": True})
    assert train.run(resumed, Progress()).history == expected


def test_a_picture_of_no_class_is_left_out_where_each_has_one(several, tmp_path, monkeypatch, listener):
    dataset, result = several
    single = {split: tuple(record for record in records if len(record.present) < 2) for split, records in dataset.splits.items()}
    plain = replace(dataset, multilabel=False, splits=single, problems=())
    monkeypatch.setattr("dogcam.commands.train.open_dataset", lambda *arguments: plain)
    progress = listener()
    found = train.run(replace(result.config, epochs=1, checkpoints=(1,), home=str(tmp_path)), progress)
    assert [(problem.id, problem.kind) for problem in found.problems] == [
        ("train-18", "no-class"), ("test-14", "no-class"), ("test-15", "no-class"),
    ]  # fmt: skip
    assert any(warning.startswith("3 pictures have no class") for warning in progress.warnings)
    assert load_trained(found.experiment, 1, 1).readout.activation == "linear"
    assert found.experiment.document["problems"][0]["id"] == "train-18"
