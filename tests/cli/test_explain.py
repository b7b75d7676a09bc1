"""`dogcam explain`: what it forwards."""

from __future__ import annotations

from dogcam.cli import app
from dogcam.core.config import ExplainConfig


def test_every_option(forwarded):
    line = (
        "explain a.jpg b.jpg --method gradcam --method cam --layer conv5_block3_out,conv4_block6_out --epoch 3,5 "
        "--epoch 7 --run 2 --target beagle --model m --protocol cam2016 --out o --save png,json,coco --overwrite "
        "--labels l --weights w --preprocess unit --output o2 --data-dir d --home h --fuse max --smooth flip,scale "
        "--mask-batch 9 --colormap viridis --dataset synthetic:3 --json"
    )
    assert app.main(line.split()) == 0
    assert forwarded[0][:2] == (
        "dogcam.commands.explain.command:run",
        ExplainConfig(
            images=("a.jpg", "b.jpg"), methods=("gradcam", "cam"), layers=("conv5_block3_out", "conv4_block6_out"),
            epochs=(3, 5, 7), run=2, target="beagle", model="m", protocol="cam2016", out="o", save=("png", "json", "coco"),
            overwrite=True, labels="l", weights="w", preprocess="unit", output="o2", data_dir="d", home="h", fuse="max",
            smooth=("flip", "scale"), mask_batch=9, colormap="viridis", dataset="synthetic:3",
        ),
    )  # fmt: skip


def test_several_classes_at_once(forwarded):
    assert app.main("explain x.jpg --all-top 3 --json".split()) == 0
    assert forwarded[0][1].all_top == 3


def test_a_comma_in_a_files_name_parts_nothing(forwarded):
    assert app.main(["explain", "a, b.jpg", "--json"]) == 0
    assert forwarded[0][1].images == ("a, b.jpg",)


def test_nothing_given_means_the_defaults_of_the_configuration(forwarded, monkeypatch):
    monkeypatch.delenv("DOGCAM_HOME", raising=False)
    assert app.main("explain x.jpg --json".split()) == 0
    assert forwarded[0][1:] == (ExplainConfig(images=("x.jpg",)), {})


def test_as_the_mission_writes_it(forwarded):
    assert app.main("explain img.jpg --method gradcam --layer conv5_block3_out --json".split()) == 0
    assert forwarded[0][1].layers == ("conv5_block3_out",)
