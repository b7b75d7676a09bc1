"""`dogcam train`: what it forwards."""

from __future__ import annotations

from dogcam.cli import app
from dogcam.core.config import TrainConfig


def test_every_option(forwarded):
    line = (
        "train --dataset synthetic:9 --backbone mobilenet_v2 --weights none --trainable head --runs 2 --epochs 6 "
        "--checkpoints 2,4 --checkpoints 6 --optimizer sgd --learning-rate 0.5 --batch-size 7 --preprocess unit "
        "--augment flip --seed 3 --limit 50 --name x --home there --data-dir d --json"
    )
    assert app.main(line.split()) == 0
    command, config, more = forwarded[0]
    assert command == "dogcam.commands.train:run"
    assert config == TrainConfig(
        dataset="synthetic:9", backbone="mobilenet_v2", weights="none", trainable="head", runs=2, epochs=6,
        checkpoints=(2, 4, 6), optimizer="sgd", learning_rate=0.5, batch_size=7, preprocess="unit", augment="flip",
        seed=3, limit=50, name="x", home="there", data_dir="d",
    )  # fmt: skip
    assert "recipe" not in more["given"]
    assert {"dataset", "checkpoints", "seed"} <= set(more["given"])


def test_what_was_given_is_told_for_resuming_and_nothing_else(forwarded, monkeypatch):
    monkeypatch.delenv("DOGCAM_HOME", raising=False)
    app.main("train --resume --seed 0 --json -q -v".split())
    _, config, more = forwarded[0]
    assert config == TrainConfig(resume=True)
    assert set(more["given"]) == {"resume", "seed"}


def test_the_studys_recipe_and_an_option_over_it(forwarded):
    app.main(["train", "--recipe", "study", "--batch-size", "8", "--json"])
    config = forwarded[0][1]
    assert (config.optimizer, config.learning_rate, config.preprocess) == ("sgd", 0.01, "unit")
    assert config.batch_size == 8


def test_nothing_given_means_the_defaults_of_the_configuration(forwarded, monkeypatch):
    monkeypatch.delenv("DOGCAM_HOME", raising=False)
    assert app.main(["train", "--json"]) == 0
    assert forwarded[0][1:] == (TrainConfig(), {"given": ()})


def test_as_the_mission_writes_it(forwarded):
    assert app.main("train --runs 3 --json".split()) == 0
    assert forwarded[0][1].runs == 3
