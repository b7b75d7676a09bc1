"""`dogcam train` as a call: the experiment it leaves, what it says of it, and what it does with bad input."""

from __future__ import annotations

import json

import pytest

from dogcam.commands import train
from dogcam.core.config import TrainConfig
from dogcam.core.errors import ExperimentError, InputError, Interrupted, LayerError, OptionError, UnknownName
from dogcam.core.progress import Progress
from dogcam.data import Dataset, Problem, Record
from dogcam.data.formats import DATASETS, Source
from dogcam.data.images import ImageFile
from dogcam.experiment.runs import Experiment


def test_the_experiment_says_where_it_comes_from(trained):
    document = trained.experiment.document
    assert document["status"] == "finished"
    assert document["config"]["dataset"] == "synthetic:3"
    assert document["dataset"]["counts"].keys() == {"train", "test"}
    assert len(document["dataset"]["classes"]) == 3
    assert len(document["dataset"]["fingerprint"]) == 64
    assert {"python", "tensorflow", "keras"} <= set(document["versions"])
    assert document["model"]["pooled_layer"] == document["model"]["stages"][-1]
    assert trained.experiment.kept() == {1: [1, 2], 2: [1, 2]}


def test_the_result_is_json_and_agrees_with_the_files(trained):
    document = json.loads(json.dumps(trained.document()))
    best = max(document["runs"], key=lambda run: (run["peak_accuracy"], -run["peak_loss"]))
    assert document["chosen_run"] == best["run"]
    assert document["why"]["runs"] == [best["run"]]
    assert len(document["history"]) == 2 * 2 * 2
    assert document["problems"] == []


def test_progress_tells_of_every_run_and_epoch(tmp_path, listener):
    progress = listener()
    config = TrainConfig.create(
        dataset="synthetic:2",
        backbone="small_resnet",
        weights="none",
        trainable="head",
        runs=2,
        epochs=2,
        limit=8,
        home=str(tmp_path),
    )
    train.run(config, progress)
    titles = [title for title, _ in progress.tasks]
    assert [title for title in titles if title.startswith("run")] == [
        "run 1/2 epoch 1/2", "run 1/2 epoch 2/2", "run 2/2 epoch 1/2", "run 2/2 epoch 2/2",
    ]  # fmt: skip
    assert titles.count("features of train") == titles.count("features of test") == 1
    assert len(progress.histories) == 4


def test_a_name_that_is_taken_is_not_overwritten(trained):
    config = TrainConfig.create(**{**trained.config.document(), "checkpoints": (1, 2), "resume": False})
    with pytest.raises(ExperimentError, match="exists already"):
        train.run(config, Progress())


def test_what_turns_out_wrong_before_training_leaves_no_experiment(tmp_path):
    config = TrainConfig.create(
        dataset="synthetic:2", backbone="small_resnet", weights="none", trainable="zzz", limit=4, home=str(tmp_path)
    )
    with pytest.raises(LayerError, match="begins with 'zzz'"):
        train.run(config, Progress())
    assert not list(tmp_path.iterdir())


def test_ctrl_c_names_the_command_that_goes_on_with_this_experiment(tmp_path, listener):
    class Stop(listener):
        def history(self, rows):
            raise KeyboardInterrupt

    home = tmp_path / "my runs"
    config = TrainConfig.create(
        dataset="synthetic:2", backbone="small_resnet", weights="none", trainable="head", limit=8, name="mine", home=str(home)
    )
    with pytest.raises(Interrupted) as stopped:
        train.run(config, Stop())
    assert str(stopped.value).endswith(f"go on with: dogcam train --resume --name mine --home '{home}'")


def test_on_resume_weights_may_have_moved_but_the_recipe_may_not_change(experiment, tmp_path):
    home = str(experiment.path.parent)
    document = experiment.document
    experiment.write_document({**document, "config": {**document["config"], "weights": str(tmp_path / "gone.h5")}})
    again = TrainConfig.create(name="tiny", home=home, resume=True, weights="none")
    assert train.run(again, Progress(), given=("name", "home", "resume", "weights")).training.chosen
    other = TrainConfig.create(name="tiny", home=home, resume=True, recipe="study")
    with pytest.raises(OptionError, match="begun with --recipe default"):
        train.run(other, Progress(), given=("name", "home", "resume", "recipe"))


def test_an_experiment_of_a_later_dogcam_with_more_options_can_be_resumed(experiment):
    document = experiment.document
    experiment.write_document({**document, "config": {**document["config"], "option_of_tomorrow": 3}})
    config = TrainConfig.create(name="tiny", home=str(experiment.path.parent), resume=True)
    assert train.run(config, Progress(), given=("name", "home", "resume")).history


def test_the_time_each_run_took_is_kept(trained):
    seconds = trained.experiment.document["seconds"]
    assert set(seconds) == {"run-1", "run-2"}
    assert all(value > 0 for value in seconds.values())


def test_other_data_are_not_mixed_into_an_experiment(experiment):
    document = experiment.document
    document["dataset"]["fingerprint"] = "0" * 64
    experiment.write_document(document)
    config = TrainConfig.create(name="tiny", home=str(experiment.path.parent), resume=True)
    with pytest.raises(ExperimentError, match="trained on other data"):
        train.run(config, Progress())


def test_an_experiment_that_does_not_exist_cannot_be_resumed(tmp_path, experiment):
    home = str(experiment.path.parent)
    with pytest.raises(UnknownName, match="unknown experiment 'tinny'; the nearest: tiny"):
        train.run(TrainConfig.create(name="tinny", home=home, resume=True), Progress())
    with pytest.raises(ExperimentError, match="no experiment under"):
        train.run(TrainConfig.create(home=str(tmp_path / "empty"), resume=True), Progress())


@pytest.fixture
def flawed(tmp_path, monkeypatch):
    """A dataset of four drawn pictures and two that cannot be read, registered for the test."""
    from PIL import Image

    from dogcam.data.opening import open_dataset

    drawn = open_dataset("synthetic:2")
    folder = tmp_path / "pictures"
    folder.mkdir()
    splits, problems = {}, [Problem("gone", "listed, but not there", "train")]
    for split, records in drawn.splits.items():
        chosen = [next(r for r in records if r.label == label) for label in (0, 1)]
        kept = []
        for record in chosen:
            path = folder / f"{record.id}.png"
            Image.fromarray(record.image.pixels()).save(path)
            kept.append(Record(record.id, ImageFile(path), record.label, record.boxes))
        bad = folder / f"{split}-truncated.png"
        bad.write_bytes(path.read_bytes()[:200])
        splits[split] = (*kept, Record(f"{split}-truncated", ImageFile(bad), 0, chosen[0].boxes))
    dataset = Dataset("flawed", drawn.classes, splits, tuple(problems))
    monkeypatch.setitem(DATASETS._entries, "flawed", Source("for a test", opener="unused"))
    for module in ("dogcam.commands.train", "dogcam.experiment.selection"):
        monkeypatch.setattr(f"{module}.open_dataset", lambda *arguments: dataset)
    return dataset


FLAWED = {
    "dataset": "flawed", "backbone": "small_resnet", "weights": "none", "trainable": "head", "runs": 1, "epochs": 1,
    "batch_size": 2,
}  # fmt: skip


def test_what_cannot_be_read_is_named_and_the_rest_is_trained_on(flawed, tmp_path):
    result = train.run(TrainConfig.create(**FLAWED, home=str(tmp_path / "runs")), Progress())
    assert [problem.id for problem in result.problems] == ["gone", "train-truncated", "test-truncated"]
    assert all(problem.reason for problem in result.problems)
    assert [entry["id"] for entry in Experiment(result.experiment.path).document["problems"]] == [
        "gone", "train-truncated", "test-truncated",
    ]  # fmt: skip


def test_nothing_to_read_is_an_error_and_leaves_no_model(flawed, tmp_path, monkeypatch):
    only_bad = {split: records[-1:] for split, records in flawed.splits.items()}
    empty = Dataset("flawed", flawed.classes, only_bad)
    monkeypatch.setattr("dogcam.commands.train.open_dataset", lambda *arguments: empty)
    with pytest.raises(InputError, match="not one of 1 pictures could be read; the first: cannot read"):
        train.run(TrainConfig.create(**FLAWED, home=str(tmp_path / "runs")), Progress())
    assert not list(tmp_path.rglob("*.keras"))


def test_one_class_is_nothing_to_learn(tmp_path, monkeypatch):
    pictures = tuple(Record(name, ImageFile(tmp_path / name), 0) for name in "ab")
    monkeypatch.setattr(
        train, "open_dataset", lambda *_: Dataset("ants", ("ant",), {"train": pictures[:1], "test": pictures[1:]})
    )
    config = TrainConfig.create(dataset="synthetic", backbone="small_resnet", weights="none", home=str(tmp_path))
    with pytest.raises(InputError, match="ants has one class, 'ant', and nothing to tell it from: training needs two"):
        train.run(config, Progress())


def test_no_pictures_to_train_with_are_said_with_what_there_is(tmp_path, monkeypatch):
    pictures = tuple(Record(name, ImageFile(tmp_path / name), number) for number, name in enumerate("ab"))
    only = Dataset("only", ("ant", "bee"), {"train": (), "test": pictures})
    monkeypatch.setattr(train, "open_dataset", lambda *_: only)
    config = TrainConfig.create(dataset="synthetic", backbone="small_resnet", weights="none", home=str(tmp_path))
    with pytest.raises(InputError, match="only has no pictures with a class to train with; there are 2 test"):
        train.run(config, Progress())
