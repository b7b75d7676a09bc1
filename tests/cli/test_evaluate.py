"""`dogcam evaluate`: what it forwards."""

from __future__ import annotations

from dogcam.cli import app
from dogcam.core.config import EvaluateConfig


def test_every_option(forwarded):
    line = (
        "evaluate exp --epoch 7 --run all --method cam --layer l --protocol cam2016,default --target predicted "
        "--split train --limit 5 --samples 3 --batch-size 4 --data-dir d --resume --home h --fuse mean --smooth flip "
        "--mask-batch 3 --pairs --by breed,size --decompose cam:gradcam --faithfulness 6 --curves --calibrate 8 --csv "
        "--wide --save coco,voc --json"
    )
    assert app.main(line.split()) == 0
    assert forwarded[0][:2] == (
        "dogcam.commands.evaluate.command:run",
        EvaluateConfig(
            experiment="exp", epochs=(7,), run="all", methods=("cam",), layers=("l",),
            protocols=("cam2016", "default"), target="predicted", split="train", limit=5, samples=3, batch_size=4,
            data_dir="d", resume=True, home="h", fuse="mean", smooth=("flip",), mask_batch=3, pairs=True,
            by=("breed", "size"), decompose=("cam:gradcam",), faithfulness=6, curves=True, calibrate=8, csv=True, wide=True,
            save=("coco", "voc"),
        ),
    )  # fmt: skip


def test_somebody_elses_model(forwarded):
    line = (
        "evaluate --model my.keras --labels l --preprocess unit --output o --dataset synthetic:3 --name n --weights w "
        "--target beagle:basset --json"
    )
    assert app.main(line.split()) == 0
    assert forwarded[0][1] == EvaluateConfig(
        model="my.keras", labels="l", preprocess="unit", output="o", dataset="synthetic:3", name="n", weights="w",
        target="beagle:basset",
    )  # fmt: skip


def test_nothing_given_means_the_defaults_of_the_configuration(forwarded, monkeypatch):
    monkeypatch.delenv("DOGCAM_HOME", raising=False)
    assert app.main(["evaluate", "--json"]) == 0
    assert forwarded[0][1:] == (EvaluateConfig(), {})


def test_the_home_may_come_from_the_environment(forwarded, monkeypatch):
    monkeypatch.setenv("DOGCAM_HOME", "elsewhere")
    app.main(["evaluate", "--json"])
    assert forwarded[0][1].home == "elsewhere"


def test_as_the_mission_writes_it(forwarded):
    assert app.main("evaluate --epoch 7 --json".split()) == 0
    assert forwarded[0][1].epochs == (7,)
